"""Pictures and targets: the real sets, the rendered shards, augmentation, and the frame as the camera gives it.

Only licence classes A and B and rendered pictures are read here. Splits are by scene or source, never by frame.
"""

import glob
import json
import os
import re
import zlib

import cv2
import numpy as np
import torch

from net import CELL_PX, FRAME_HEIGHT_PX, FRAME_WIDTH_PX, GRID_HEIGHT, GRID_WIDTH
from work import work_folder

# The workers are the parallelism; threads inside OpenCV and PyTorch only get in each other's way on two cores.
cv2.setNumThreads(1)
# Fresh Gaussian noise costs more than all other augmentation together, so it is cut from one sheet.
NOISE = np.random.default_rng(0).normal(0, 1, (700, 700, 3)).astype(np.float32)

DATA_DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
REAL_SETS = ("cafe_high_view", "cctv_person_gray", "coco128")
# Shares of a training epoch. A cafe picture has eleven small seated people: at 13 % of the pictures they were 40 % of
# all people, and a net of this size then learns little else.
SHARES = {"rendered": 0.52, "cctv_person_gray": 0.35, "cafe_high_view": 0.06, "coco128": 0.07}
# A box smaller than this on its longer side carries no shape; it is neither wanted nor punished.
SIDE_MIN_PX = 12
INSIDE_MIN = 0.35


def is_test(name, source):
    """Held out by scene or source: photo number in the cafe, name of the recording in cctv."""
    if name == "cafe_high_view":
        # One place; the numbers follow the order in which the photos were taken (time and angle).
        return int(re.search(r"IMG_(\d+)", source).group(1)) >= 3366
    if name == "cctv_person_gray":
        recording = re.sub(r"[\d\-_]+$", "", re.sub(r"_(png|jpg|jpeg)\.rf.*|\(.*", "", source))
        recording = recording or source[:3]
        return zlib.crc32(recording.encode()) % 7 == 3
    return zlib.crc32(source.encode()) % 6 == 0


def read_set(data, name, part):
    """[(BGR image, boxes [n, 4] as x, y, w, h)] of one real set; part is train or test."""
    folder, result = os.path.join(data, "train", name), []
    with open(os.path.join(folder, "labels.jsonl")) as f:
        for line in f:
            row = json.loads(line)
            if is_test(name, row["src"]) == (part == "test"):
                image = cv2.imread(os.path.join(folder, row["file"]))
                boxes = np.array([b[:4] for b in row["boxes"] if b[4] == "person"], np.float32).reshape(-1, 4)
                result.append((image, boxes))
    return result


def read_rendered(work, part, limit=None):
    folder = os.path.join(work, "rendered-test" if part == "test" else "rendered")
    result = []
    for path in sorted(p for p in glob.glob(os.path.join(folder, "*.npz")) if ".part" not in p)[:limit]:
        with np.load(path) as shard:
            images, boxes = shard["images"], shard["boxes"]
        for i, image in enumerate(images):
            result.append((image, boxes[boxes[:, 0] == i, 1:] if len(boxes) else np.zeros((0, 4), np.float32)))
    return result


def to_yuv(image):
    """BGR [192, 256, 3] -> (y, u, v) uint8 [1, y, x], full range BT.601, chroma averaged over 2 x 2."""
    ycc = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
    small = cv2.resize(ycc, (FRAME_WIDTH_PX // 2, FRAME_HEIGHT_PX // 2), interpolation=cv2.INTER_AREA)
    return [torch.from_numpy(np.ascontiguousarray(x))[None] for x in (ycc[..., 0], small[..., 2], small[..., 1])]


def stretch(image, boxes):
    """The whole picture on the frame, as the camera's image processor would do it."""
    h, w = image.shape[:2]
    scale = np.array([FRAME_WIDTH_PX / w, FRAME_HEIGHT_PX / h] * 2, np.float32)
    shrinking = w > FRAME_WIDTH_PX
    image = cv2.resize(image, (FRAME_WIDTH_PX, FRAME_HEIGHT_PX), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    return image, boxes * scale


def warp(random, image, boxes, width, height):
    """Random zoom, aspect, flip and shift onto width x height. Returns image, boxes, share of each box inside."""
    h, w = image.shape[:2]
    biggest = boxes[:, 3].max() / h if len(boxes) else 0.5
    zoom = np.exp(random.uniform(np.log(0.45 if biggest > 0.6 else 0.8), np.log(1.9)))
    aspect = np.exp(random.uniform(np.log(0.7), np.log(1.4)))
    sx, sy = width / w * zoom * np.sqrt(aspect), height / h * zoom / np.sqrt(aspect)
    if random.random() < 0.5:
        sx = -sx
    angle = random.normal(0, 0.05)
    matrix = np.array([[sx, -angle * sy, 0], [angle * sx, sy, 0]], np.float64)
    if len(boxes) and random.random() < 0.6:  # keep somebody in view
        b = boxes[random.integers(len(boxes))]
        source, target = (b[0] + b[2] / 2, b[1] + b[3] / 2), random.uniform(0.1, 0.9, 2) * (width, height)
    else:
        source, target = random.uniform(0.3, 0.7, 2) * (w, h), (width / 2, height / 2)
    matrix[:, 2] = np.array(target) - matrix[:, :2] @ source
    # A picture larger than the frame fills it; an empty margin would only teach that margins are empty.
    for axis, (scale, side, room) in enumerate(((sx, w, width), (sy, h, height))):
        low, high = room - max(scale * side, 0), -min(scale * side, 0)
        if low <= high:
            matrix[axis, 2] = np.clip(matrix[axis, 2], low, high)
    # Shrinking without averaging would alias, which the camera does not do.
    if max(abs(sx), abs(sy)) < 0.6:
        half = cv2.resize(image, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
        matrix_image = matrix @ np.array([[w / (w // 2), 0, 0], [0, h / (h // 2), 0], [0, 0, 1]])
    else:
        half, matrix_image = image, matrix
    border = random.choice([cv2.BORDER_CONSTANT, cv2.BORDER_REPLICATE])
    fill = tuple(int(x) for x in np.full(3, random.integers(0, 200)))
    out = cv2.warpAffine(half, matrix_image, (width, height), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill)
    if not len(boxes):
        return out, boxes, np.zeros(0)
    centre = boxes[:, :2] + boxes[:, 2:] / 2
    centre = centre @ matrix[:, :2].T + matrix[:, 2]
    size = boxes[:, 2:] * np.abs([sx, sy])
    low, high = np.maximum(centre - size / 2, 0), np.minimum(centre + size / 2, (width, height))
    inner = np.maximum(high - low, 0)
    return out, np.concatenate([low, inner], 1), inner.prod(1) / np.maximum(size.prod(1), 1e-6)


def tint(random, image):
    """Light, colour and sensor."""
    # Gain, offset and gamma by table, one per channel.
    gain, offset, gamma = random.uniform(0.55, 1.4) * (1 + random.normal(0, 0.07, 3)), random.uniform(-25, 25), 1.0
    if random.random() < 0.3:
        gain, offset = np.ones(3), 0.0
    if random.random() < 0.4:
        gamma = random.uniform(0.6, 1.7)
    levels = np.clip((np.arange(256)[:, None] * gain + offset) / 255, 0, 1) ** gamma * 255
    x = cv2.LUT(image, levels.astype(np.float32)[None])
    grey = random.random()
    if grey < 0.45:
        keep = 0.0 if grey < 0.2 else random.uniform(0.2, 1.6)
        luma = np.tile(np.array([0.114, 0.587, 0.299]), (3, 1))
        x = cv2.transform(x, luma * (1 - keep) + np.eye(3) * keep)
    elif grey < 0.6 and float(np.ptp(image[::4, ::4], 2).mean()) < 2:
        # Grey sets must not teach that colour means rendered: lend them some.
        mean = x[..., 1:2].copy()
        ends = random.uniform(-40, 40, (2, 3)).astype(np.float32)
        x += ends[0] + (ends[1] - ends[0]) * mean / 255
    if random.random() < 0.25:
        x = cv2.GaussianBlur(x, (0, 0), random.uniform(0.4, 1.3))
    elif random.random() < 0.1:
        x = x * 1.6 - cv2.GaussianBlur(x, (0, 0), 1.2) * 0.6
    if random.random() < 0.4:
        top, left = random.integers(0, NOISE.shape[0] - x.shape[0]), random.integers(0, NOISE.shape[1] - x.shape[1])
        noise = NOISE[top : top + x.shape[0], left : left + x.shape[1], : random.choice([1, 3])]
        x += noise * np.float32(random.uniform(1, 11))
    return np.clip(x, 0, 255, out=x).astype(np.uint8)


def targets(boxes, ignored):
    """heat [24, 32] Gaussian, weight [24, 32], box [4, 24, 32], box weight [24, 32].

    Sigma follows the box (0.54 / 6 of its side, TTFNet, arXiv 1909.00700 section 3.2).
    The cells beside a centre learn the same box with less weight: a peak that lands one cell off still decodes well.
    """
    heat, weight = np.zeros((GRID_HEIGHT, GRID_WIDTH), np.float32), np.ones((GRID_HEIGHT, GRID_WIDTH), np.float32)
    box, box_weight = np.zeros((4, GRID_HEIGHT, GRID_WIDTH), np.float32), np.zeros((GRID_HEIGHT, GRID_WIDTH), np.float32)
    rows, columns = np.mgrid[0:GRID_HEIGHT, 0:GRID_WIDTH].astype(np.float32)
    for x, y, w, h in ignored / CELL_PX:
        weight[max(int(y), 0) : int(y + h) + 1, max(int(x), 0) : int(x + w) + 1] = 0
    for x, y, w, h in sorted((boxes / CELL_PX).tolist(), key=lambda b: -b[2] * b[3]):
        cx, cy = x + w / 2, y + h / 2
        column, row = min(int(cx), GRID_WIDTH - 1), min(int(cy), GRID_HEIGHT - 1)
        sx, sy = max(0.4, 0.09 * w), max(0.4, 0.09 * h)
        bump = np.exp(-((columns - column) ** 2) / (2 * sx * sx) - (rows - row) ** 2 / (2 * sy * sy))
        np.maximum(heat, bump, out=heat)
        weight[row, column] = 1
        for r in range(max(row - 1, 0), min(row + 2, GRID_HEIGHT)):
            for c in range(max(column - 1, 0), min(column + 2, GRID_WIDTH)):
                share = 1.0 if (r, c) == (row, column) else 0.25
                if share >= box_weight[r, c] or share == 1.0:
                    box[:, r, c] = cx - c, cy - r, np.log2(max(w, 0.4)), np.log2(max(h, 0.4))
                    box_weight[r, c] = share
    return heat, weight, box, box_weight


class Mixture(torch.utils.data.Dataset):
    """Endless augmented pictures, the same for the same (seed, epoch, index)."""

    def __init__(self, pools, length, seed, epoch):
        self.names = [n for n in SHARES if pools.get(n)]
        self.pools, self.length, self.key = pools, length, (seed, epoch)
        shares = np.array([SHARES[n] for n in self.names])
        self.shares = shares / shares.sum()

    def __len__(self):
        return self.length

    def _one(self, random, width, height):
        pool = self.pools[self.names[random.choice(len(self.names), p=self.shares)]]
        return warp(random, *pool[random.integers(len(pool))], width, height)

    def __getitem__(self, index):
        random = np.random.default_rng([*self.key, index])
        if random.random() < 0.2:
            image = np.zeros((FRAME_HEIGHT_PX, FRAME_WIDTH_PX, 3), np.uint8)
            x, y = int(random.uniform(0.35, 0.65) * FRAME_WIDTH_PX), int(random.uniform(0.35, 0.65) * FRAME_HEIGHT_PX)
            boxes, inside = [], []
            for left, top, right, bottom in ((0, 0, x, y), (x, 0, FRAME_WIDTH_PX, y), (0, y, x, FRAME_HEIGHT_PX), (x, y, FRAME_WIDTH_PX, FRAME_HEIGHT_PX)):
                tile, b, share = self._one(random, right - left, bottom - top)
                image[top:bottom, left:right] = tile
                boxes.append(b + np.array([left, top, 0, 0]))
                inside.append(share)
            boxes, inside = np.concatenate(boxes), np.concatenate(inside)
        else:
            image, boxes, inside = self._one(random, FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
        image = tint(random, image)
        if len(boxes):
            good = (inside >= INSIDE_MIN) & (boxes[:, 2:].max(1) >= SIDE_MIN_PX) & (boxes[:, 2:].min(1) >= 3)
            part = (inside > 0.02) & ~good
            boxes, ignored = boxes[good], boxes[part]
        else:
            ignored = boxes
        return (*to_yuv(image), *[torch.from_numpy(t) for t in targets(boxes, ignored)])


def load_pools(data, work, part):
    pools = {name: read_set(data, name, part) for name in REAL_SETS}
    pools["rendered"] = read_rendered(work, part)
    return pools


def calibration_frames(work, count, data=None):
    """Training frames in which ranges are measured: [(y, u, v)] of [1, 1, y, x]."""
    pools = {name: read_set(data or DATA_DEFAULT, name, "train") for name in REAL_SETS}
    pools["rendered"] = read_rendered(work_folder(work), "train", limit=2)
    mixture = Mixture(pools, count, seed=77, epoch=0)
    return [[x[None] for x in mixture[i][:3]] for i in range(count)]
