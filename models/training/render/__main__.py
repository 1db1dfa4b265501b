"""Renders pictures of people for training and testing, contact sheets of them, and clips with true crossings.

    python -m render pictures --count 40000     # training pictures and the three test sets, in WORK/rendered
    python -m render sheet --out sheet.png      # 48 pictures with heads and boxes, to look at
    python -m render clip --seed 7 --out DIR    # clip.mp4 and truth.json of an entrance

Every picture depends on the seed and its own number alone, so an interrupted run goes on where it stopped and any
number of processes makes the same pictures. The test sets use other bodies, textures and places than training.
"""

import argparse
import json
import multiprocessing
import os
import time

import cv2
import numpy as np

import work
from dataset import DATA_DEFAULT
from render import backdrops
from render.camera import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from render.clip import film
from render.light import Atlas
from render.people import Cast
from render.scene import CAMERA_COLUMNS, COLUMNS, OVERHEAD_TILT_MAX_DEG, draw_picture
from render.textures import Textures

SHARD_PICTURES = 250
# Textures are drawn anew so often that no floor is seen more than a few thousand times.
SHARDS_PER_TEXTURES = 4
PARTS = ("train", "test-overhead", "test-tilted", "test-empty")
TEST_SEED_OFFSET = 1000
BODIES = {"train": 400, "test": 120}


class Studio:
    """What one process keeps between pictures: bodies, textures, photos."""

    def __init__(self, part, args):
        self.part, self.args = part, args
        test = part != "train"
        self.seed = args.seed + (TEST_SEED_OFFSET if test else 0)
        self.cast = Cast(os.path.join(args.data, "human"), args.work, self.seed, BODIES["test" if test else "train"])
        self.atlas = Atlas()
        # Real photos must not leak from training into the tests.
        self.photos = [] if test else backdrops.read(args.data, args.work)
        self.chapter, self.textures = None, None

    def picture(self, number):
        chapter = number // (SHARD_PICTURES * SHARDS_PER_TEXTURES)
        if chapter != self.chapter:
            self.chapter = chapter
            self.textures = Textures(np.random.default_rng([self.seed, PARTS.index(self.part), 1, chapter]), self.photos)
            self.atlas = Atlas()
        random = np.random.default_rng([self.seed, PARTS.index(self.part), 0, number])
        if self.part == "test-overhead":
            return draw_picture(random, self.cast, self.textures, self.atlas, (), random.uniform(0, OVERHEAD_TILT_MAX_DEG), int(random.integers(1, 9)))
        if self.part == "test-tilted":
            return draw_picture(random, self.cast, self.textures, self.atlas, (), random.uniform(OVERHEAD_TILT_MAX_DEG, 75), int(random.integers(1, 16)))
        if self.part == "test-empty":
            return draw_picture(random, self.cast, self.textures, self.atlas, (), None, 0)
        return draw_picture(random, self.cast, self.textures, self.atlas, self.photos)


def _shard(job):
    part, shard, count, args = job
    cv2.setNumThreads(1)
    if _shard.studio is None or _shard.studio.part != part:
        _shard.studio = Studio(part, args)
    stem = os.path.join(args.work, "rendered", part, f"{shard:04d}")
    started, images, people, cameras = time.time(), [], [], []
    for i in range(count):
        image, rows, camera = _shard.studio.picture(shard * SHARD_PICTURES + i)
        rows[:, 0] = i
        images.append(image)
        people.append(rows)
        cameras.append(camera)
    np.savez(stem + ".part.npz", people=np.concatenate(people), cameras=np.stack(cameras), people_columns=COLUMNS, camera_columns=CAMERA_COLUMNS)
    np.save(stem + ".part.npy", np.stack(images))
    os.replace(stem + ".part.npz", stem + ".npz")
    os.replace(stem + ".part.npy", stem + ".npy")  # last: a shard with pictures is whole
    return part, shard, sum(map(len, people)), (time.time() - started) / count


_shard.studio = None


def pictures(args):
    jobs = []
    for part in PARTS:
        total = args.count if part == "train" else args.test * (2 if part == "test-empty" else 1)
        os.makedirs(os.path.join(args.work, "rendered", part), exist_ok=True)
        for shard in range((total + SHARD_PICTURES - 1) // SHARD_PICTURES):
            if not os.path.exists(os.path.join(args.work, "rendered", part, f"{shard:04d}.npy")):
                jobs.append((part, shard, min(SHARD_PICTURES, total - shard * SHARD_PICTURES), args))
    # The tests first: training wants to measure itself from the start.
    jobs.sort(key=lambda job: job[0] == "train")
    if not jobs:
        print(f"nothing to do: {args.work}/rendered holds all pictures; another --count or --seed makes more")
        return
    started, done, total = time.time(), 0, sum(job[2] for job in jobs)
    for part in {job[0] for job in jobs}:
        Studio(part, args)  # fills the caches once, before the processes want them
    with multiprocessing.get_context("spawn").Pool(args.jobs) as pool:
        for part, shard, count, seconds in pool.imap_unordered(_shard, jobs):
            done += SHARD_PICTURES
            left = (time.time() - started) / done * max(total - done, 0)
            print(f"{part} {shard:04d}: {count} people, {seconds * 1000:.0f} ms a picture; {min(done, total)} of {total}, {left / 60:.0f} min left", flush=True)


def sheet(args):
    studio, rows = Studio(args.part, args), []
    started = time.time()
    for i in range(args.count):
        image, people, camera = studio.picture(args.first + i)
        image = cv2.resize(image, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
        if not args.bare:
            for p in people:
                known = dict(zip(COLUMNS, p))
                label = known["visible"] >= 0.3 and known["head_visible"] >= 0.25
                box = np.round(np.array([p[1], p[2], p[1] + p[3], p[2] + p[4]]) * 1.5).astype(int).tolist()
                cv2.rectangle(image, box[:2], box[2:], (0, 200, 0) if label else (0, 0, 200), 1)
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
