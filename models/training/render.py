"""Renders training and test pictures of people from any camera height and angle, with exact boxes.

    python render.py --work WORK --count 14000

Writes shards WORK/rendered/NNN.npz with images uint8 [n, 192, 256, 3] BGR and boxes [m, 5] = picture, x, y, w, h.
The test shards (--test) use other bodies, other textures and no real picture as background.
"""

import argparse
import os
import time

import cv2
import numpy as np

from bodies import build_bank
from dataset import DATA_DEFAULT, read_set
from scene import make_textures, render
from work import work_folder

SHARD = 250


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=DATA_DEFAULT, help="folder with train/ and human/")
    parser.add_argument("--work", help="folder of caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--count", type=int, default=14000, help="training pictures")
    parser.add_argument("--test", type=int, default=500, help="test pictures")
    parser.add_argument("--bodies", type=int, default=600, help="posed human bodies in the bank")
    parser.add_argument("--sheet", help="write a contact sheet of 48 pictures with boxes to this PNG and stop")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    work = work_folder(args.work)
    # Real pictures without people serve as textures; the training side of the real sets as backgrounds.
    real = [item for name in ("cafe_high_view", "cctv_person_gray", "coco128") for item in read_set(args.data, name, "train")]
    empty = [image for image, boxes in real if not len(boxes)]
    photos = [item for item in real if not len(item[1])] + real[::3]

    for part, count, seed in (("test", args.test, args.seed + 1000), ("train", args.count, args.seed)):
        if args.sheet and part == "test":
            continue
        cache = os.path.join(work, f"bodies-{part}-{args.bodies}.pkl")
        share = 1 if part == "train" else 4
        bank = build_bank(os.path.join(args.data, "human"), cache, args.bodies // share, args.bodies // share * 18 // 100, seed)
        textures = make_textures(np.random.default_rng(seed + 1), empty if part == "train" else [])
        if args.sheet:
            random = np.random.default_rng(seed + 2)
            rows, start = [], time.time()
            for _ in range(48):
                image, boxes = render(random, bank, textures, photos)
                for x, y, w, h in np.round(boxes).astype(int).tolist():
                    cv2.rectangle(image, (x, y), (x + w, y + h), (0, 255, 0), 1)
                rows.append(image)
            print(f"{(time.time() - start) / 48 * 1000:.0f} ms a picture")
            cv2.imwrite(args.sheet, np.vstack([np.hstack(rows[i : i + 8]) for i in range(0, 48, 8)]))
            return
        folder = os.path.join(work, "rendered-test" if part == "test" else "rendered")
        os.makedirs(folder, exist_ok=True)
        for shard in range((count + SHARD - 1) // SHARD):
            path, start = os.path.join(folder, f"{shard:03d}.npz"), time.time()
            if os.path.exists(path):
                continue
            random = np.random.default_rng([seed, shard])
            images, rows = [], []
            for i in range(SHARD):
                image, boxes = render(random, bank, textures, photos if part == "train" else [])
                images.append(image)
                rows += [[i, *box] for box in boxes]
            np.savez(path + ".part.npz", images=np.stack(images), boxes=np.array(rows, np.float32))
            os.replace(path + ".part.npz", path)
            print(f"{part} shard {shard}: {len(rows)} people, {(time.time() - start) / SHARD * 1000:.0f} ms a picture", flush=True)


if __name__ == "__main__":
    main()
