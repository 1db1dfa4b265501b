"""Shards of pictures of the scene camera: drawn by the product (scripts/training/frames.ts), in the form of rendered ones.

    npm run -s build                          # once, from the repository's root
    python scene_camera.py --work WORK        # WORK/scene-camera/train and WORK/scene-camera/test; resumable

Why: the scene suite (`lethe evaluate --scenes`) counts people in this drawing. Training seeds begin at 100,000, those
for measuring at 200,000; the suite, the demo and the tests use smaller ones, so no entrance is in two of them.
A shard is what render/studio.py writes; columns that nothing here asks for are left out.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import time

import cv2
import numpy as np

from net import FRAME_HEIGHT_PX, FRAME_WIDTH_PX
from work import work_folder

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PROGRAM = os.path.join(ROOT, "dist", "scripts", "training", "frames.js")
FOLDER = "scene-camera"
SEEDS = {"train": 100_000, "test": 200_000}
COLUMNS = ("picture", "x", "y", "w", "h", "head_x", "head_y", "head_px", "visible", "head_visible")
CAMERA_COLUMNS = ("height_m", "tilt_deg", "people", "fov_deg", "seed", "frame")
SHARD_ENTRANCES, ENTRANCE_PICTURES = 25, 10


def to_bgr(frame):
    """Planar YUV420 bytes, full range BT.601, to BGR [192, 256, 3]: what dataset.to_yuv takes apart again."""
    pixels, half = FRAME_WIDTH_PX * FRAME_HEIGHT_PX, (FRAME_HEIGHT_PX // 2, FRAME_WIDTH_PX // 2)
    planes = np.frombuffer(frame, np.uint8)
    y = planes[:pixels].reshape(FRAME_HEIGHT_PX, FRAME_WIDTH_PX)
    u, v = (p.reshape(half).repeat(2, 0).repeat(2, 1) for p in np.split(planes[pixels:], 2))
    return cv2.cvtColor(np.stack([y, v, u], 2), cv2.COLOR_YCrCb2BGR)


def read_pictures(seed, entrances, frames):
    """Yields (BGR picture, rows [n, len(COLUMNS) - 1], camera [len(CAMERA_COLUMNS)])."""
    command = ["node", PROGRAM, "--seed", str(seed), "--entrances", str(entrances), "--frames", str(frames)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        for line in program.stdout:
            truth = json.loads(line)
            frame = program.stdout.read(FRAME_WIDTH_PX * FRAME_HEIGHT_PX * 3 // 2)
            rows = np.array(truth["people"], np.float32).reshape(-1, len(COLUMNS) - 1)
            truth["people"] = len(rows)
            yield to_bgr(frame), rows, np.array([truth[name] for name in CAMERA_COLUMNS], np.float32)
    if program.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {program.returncode}; its message is above")


def _shard(job):
    stem, seed = job
    started, images, people, cameras = time.time(), [], [], []
    for i, (image, rows, camera) in enumerate(read_pictures(seed, SHARD_ENTRANCES, ENTRANCE_PICTURES)):
        images.append(image)
        people.append(np.concatenate([np.full((len(rows), 1), i, np.float32), rows], 1))
        cameras.append(camera)
    np.savez(stem + ".part.npz", people=np.concatenate(people), cameras=np.stack(cameras), people_columns=COLUMNS, camera_columns=CAMERA_COLUMNS)
    np.save(stem + ".part.npy", np.stack(images))
    os.replace(stem + ".part.npz", stem + ".npz")
    os.replace(stem + ".part.npy", stem + ".npy")  # last: a shard with pictures is whole
    return stem, sum(map(len, people)), (time.time() - started) / len(images)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", help="folder of caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--count", type=int, default=5000, help="pictures to learn from")
    parser.add_argument("--test", type=int, default=500, help="pictures for measuring")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    if not os.path.exists(PROGRAM):
        raise SystemExit(f"{PROGRAM} is missing; run npm run -s build in the repository's root")
    size, jobs = SHARD_ENTRANCES * ENTRANCE_PICTURES, []
    for part, total in (("test", args.test), ("train", args.count)):
        folder = os.path.join(work_folder(args.work), FOLDER, part)
        os.makedirs(folder, exist_ok=True)
        for shard in range(-(-total // size)):
            stem = os.path.join(folder, f"{shard:04d}")
            if not os.path.exists(stem + ".npy"):
                jobs.append((stem, SEEDS[part] + shard * SHARD_ENTRANCES))
    with multiprocessing.get_context("spawn").Pool(args.jobs) as pool:
        for stem, count, seconds in pool.imap_unordered(_shard, jobs):
            print(f"{stem}: {count} people, {seconds * 1000:.0f} ms a picture", flush=True)


if __name__ == "__main__":
    main()
