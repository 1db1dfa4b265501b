"""Renders pictures of people for training and testing, contact sheets of them, and clips with true crossings.

    python -m render pictures --count 40000     # training pictures and the three test sets, in WORK/rendered
    python -m render sheet --out sheet.png      # 48 pictures with heads and boxes, to look at
    python -m render clip --seed 7 --out DIR    # clip.mp4 and truth.json of an entrance

Every picture depends on the seed and its own number alone, so an interrupted run goes on where it stopped and any
number of processes makes the same pictures. The test sets use other bodies, textures and places than training.
"""

import argparse
import json
import os
import time

import cv2
import numpy as np

import work
from dataset import DATA_DEFAULT, is_label
from render.clip import film
from render.scene import COLUMNS
from render.studio import PARTS, Studio, pictures


def sheet(args):
    studio, rows = Studio(args.part, args), []
    started = time.time()
    for i in range(args.count):
        image, people, camera = studio.picture(args.first + i)
        image = cv2.resize(image, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
        if not args.bare:
            for p in people:
                known = dict(zip(COLUMNS, p))
                box = np.round(np.array([p[1], p[2], p[1] + p[3], p[2] + p[4]]) * 1.5).astype(int).tolist()
                cv2.rectangle(image, box[:2], box[2:], (0, 200, 0) if is_label(known) else (0, 0, 200), 1)
                centre = np.round(np.array([known["head_x"], known["head_y"]]) * 1.5).astype(int).tolist()
                cv2.circle(image, centre, max(2, int(known["head_px"] * 0.75)), (0, 255, 255), 1)
        rows.append(image)
    print(f"{(time.time() - started) / args.count * 1000:.0f} ms a picture")
    rows += [np.zeros_like(rows[0])] * (-len(rows) % args.columns)
    cv2.imwrite(args.out, np.vstack([np.hstack(rows[i : i + args.columns]) for i in range(0, len(rows), args.columns)]))


def clip(args):
    truth = film(np.random.default_rng([args.seed, 99]), Studio(args.part, args), args.out, args)
    print(json.dumps({k: v for k, v in truth.items() if k != "events"}))


def main():
    parser = argparse.ArgumentParser(prog="python -m render", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=DATA_DEFAULT, help="folder with human/ and train/")
    parser.add_argument("--work", help="folder of caches and pictures (default: $TMPDIR/lethe-training)")
    parser.add_argument("--seed", type=int, default=1)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("pictures", help="training pictures and test sets")
    verb.add_argument("--count", type=int, default=40_000)
    verb.add_argument("--test", type=int, default=500, help="pictures of each test set; the empty one has twice as many")
    verb.add_argument("--jobs", type=int, default=os.cpu_count())
    verb.set_defaults(run=pictures)
    verb = verbs.add_parser("sheet", help="contact sheet with heads and boxes (red: no label)")
    verb.add_argument("--out", required=True)
    verb.add_argument("--part", choices=PARTS, default="train")
    verb.add_argument("--first", type=int, default=0)
    verb.add_argument("--count", type=int, default=48)
    verb.add_argument("--columns", type=int, default=6)
    verb.add_argument("--bare", action="store_true", help="without heads and boxes")
    verb.set_defaults(run=sheet)
    verb = verbs.add_parser("clip", help="a clip of an entrance with true crossings")
    verb.add_argument("--out", required=True, help="folder for clip.mp4 and truth.json")
    verb.add_argument("--part", choices=PARTS, default="test-tilted")
    verb.add_argument("--seconds", type=float, default=30)
    verb.add_argument("--rate", type=float, default=12.5, help="frames a second")
    verb.add_argument("--people", type=int, default=4, help="in view at a time, about")
    verb.add_argument("--tilt", type=float, help="degrees from straight down; drawn if left out")
    verb.set_defaults(run=clip)
    args = parser.parse_args()
    args.work = work.work_folder(args.work)
    args.run(args)


if __name__ == "__main__":
    main()
