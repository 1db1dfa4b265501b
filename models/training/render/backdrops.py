"""Pieces of real training photos without people: backdrops, posters and shop windows of rendered pictures.

Licence classes A and B only, and the training side of their splits.
"""

import os

import numpy as np

from dataset import REAL_SETS, read_set

SIDE_MIN = 0.4
TRIES = 6


def read(data, work, seed=5):
    """BGR pictures [h, w, 3]; cached in the work folder."""
    cache = os.path.join(work, "backdrops.npz")
    if not os.path.exists(cache):
        pictures = _cut(data, np.random.default_rng(seed))
        np.savez(cache + ".part.npz", *pictures)
        os.replace(cache + ".part.npz", cache)
    with np.load(cache) as f:
        return [f[name] for name in f.files]


def _cut(data, random):
    """The largest of a few random windows that touches nobody, from every picture."""
    pieces = []
    for name in REAL_SETS:
        for image, boxes in read_set(data, name, "train"):
            h, w = image.shape[:2]
            if not len(boxes):
                pieces.append(image)
                continue
            for _ in range(TRIES):
                side = random.uniform(SIDE_MIN, 0.9)
                cw, ch = int(w * side), int(h * side)
                x, y = int(random.integers(0, w - cw + 1)), int(random.integers(0, h - ch + 1))
                grown = boxes + [-4, -4, 8, 8]
                apart = (grown[:, 0] > x + cw) | (grown[:, 0] + grown[:, 2] < x) | (grown[:, 1] > y + ch) | (grown[:, 1] + grown[:, 3] < y)
                if apart.all():
                    pieces.append(np.ascontiguousarray(image[y : y + ch, x : x + cw]))
                    break
    return pieces
