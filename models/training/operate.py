"""Chooses the operating point on rendered clips through the whole product, and prints what each choice would do.

    python -m render clip --seed 7 --out CLIPS/seven    # a dozen or more of these, other seeds and tilts
    python operate.py CLIPS                             # table, and the score_min to give to manifest.py

No real clip is read: a threshold that was tuned on nine of them says nothing about the tenth. Person 2's was not chosen so
cleanly: fewest errors and least off by were tried before F1 (../person/MODEL_CARD.md). What is chosen by is the
F1 of crossings matched within a second (`lethe evaluate`); score_low moves with score_min, as it does in the product.
"""

import argparse
import json
import os
import subprocess

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)


def evaluate(clips, score_min):
    """Totals of `lethe evaluate`: true, counted, off_by, matched, errors."""
    command = ["node", "dist/runtime/main.js", "evaluate", os.path.abspath(clips), "--json", "-s", f"model.score_min={score_min}"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(done.stdout)["total"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", help="folder whose sub-folders hold clip.mp4 and truth.json")
    parser.add_argument("--thresholds", type=float, nargs="+", default=THRESHOLDS)
    args = parser.parse_args()
    totals = {}
    for threshold in args.thresholds:
        total = totals[threshold] = evaluate(args.clips, threshold)
        print(f"score_min {threshold:.2f}: {total['counted']} counted of {total['true']}, {total['matched']} right, {total['errors']} missed or doubled, off by {total['off_by']}, F1 {total['f1']:.3f}", flush=True)
    best = max(totals, key=lambda threshold: totals[threshold]["f1"])
    print(f"score_min {best:.2f} has the highest F1: {totals[best]['f1']:.3f}")


if __name__ == "__main__":
    main()
