"""Many pictures: what one process keeps between them, and shards of pictures with their truth.

A shard is NNNN.npy (uint8 [n, 192, 256, 3], BGR, read as a memory map) beside NNNN.npz (`people`, `cameras`: rows named
by scene.COLUMNS and scene.CAMERA_COLUMNS).
"""

import multiprocessing
import os
import time

import cv2
import numpy as np

from render import backdrops
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
