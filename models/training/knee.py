"""Accuracy against multiply-adds: trains nets of 3 to 20 million for the same number of steps and draws the curve.

    python knee.py --work WORK --epochs 3 --every 3 --processes 1 --int8-share 0   # what the model card shows, 20 minutes
    python knee.py --work WORK --epochs 24      # table, WORK/knee.svg and WORK/knee.json; hours

Each net is a run of train.py named knee-M; an interrupted study goes on where it stopped. What counts is the
difference between the nets, not the level: none of them is trained to its end.
"""

import argparse
import json
import os
import subprocess
import sys

import numpy as np

import plot
from evaluate import NOBODY_SETS
from net import mac_count, table
from work import run_folder, work_folder

MMACS = (3, 6, 10, 15, 20)


def width_of(mmac):
    """The width whose net comes nearest to so many million multiply-adds (channels go in steps of eight)."""
    widths = np.arange(0.2, 1.6, 0.01)
    counts = np.array([mac_count(table(float(w))) for w in widths]) / 1e6
    return float(widths[int(np.abs(counts - mmac).argmin())])


def figures_of(folder):
    """The best line of a run's log by score, and the epochs done."""
    path = os.path.join(folder, "log.jsonl")
    if not os.path.exists(path):
        return None, 0
    with open(path) as f:
        lines = [json.loads(line) for line in f]
    scored = [line for line in lines if "score" in line]
    return (max(scored, key=lambda line: line["score"]) if scored else None), lines[-1]["epoch"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="folder with train/")
    parser.add_argument("--work", help="folder of caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--mmacs", type=float, nargs="+", default=MMACS)
    args, more = parser.parse_known_args()  # the rest goes to train.py
    work, rows = work_folder(args.work), []
    for mmac in args.mmacs:
        width = width_of(mmac)
        name = f"knee-{mmac:g}"
        folder = run_folder(work, name)
        _, done = figures_of(folder)
        if done < args.epochs:
            command = [sys.executable, "train.py", "--work", work, "--name", name, "--epochs", str(args.epochs), "--width", f"{width:.2f}", *more]
            command += ["--data", args.data] if args.data else []
            command += ["--resume"] if done else []
            subprocess.run(command, check=True, cwd=os.path.dirname(os.path.abspath(__file__)))
        best, _ = figures_of(folder)
        rows.append({"mmac": mac_count(table(width)) / 1e6, "width": width, "score": best["score"], **best["figures"]})
        print(" ".join(f"{k} {v:.3f}" for k, v in rows[-1].items()), flush=True)
    with open(os.path.join(work, "knee.json"), "w") as f:
        json.dump(rows, f, indent=1)
    series = {n: [(row["mmac"], row[n]) for row in rows] for n in best["figures"] if n not in NOBODY_SETS}
    plot.chart(os.path.join(work, "knee.svg"), f"AP against multiply-adds after {args.epochs} epochs", series, "million multiply-adds", "AP")


if __name__ == "__main__":
    main()
