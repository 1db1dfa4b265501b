"""Pictures and targets: the real sets, the rendered shards, augmentation, and the frame as the camera gives it.

Everybody is a row of PEOPLE columns, whatever the set. Rendered rows are exact; real boxes have no heads, so the head
is put where it is in an upright box, and the cells around it that might as well be right are not punished.
Splits are by scene or source, never by frame. Licence classes A and B and rendered pictures make the shipped net;
class C is read only when it is asked for (`--classes ABC`), to tell what is left to gain.
"""

import glob
import json
import os
import re
import zlib

import cv2
import numpy as np
import torch
from numba import njit

from net import CELL_PX, FRAME_HEIGHT_PX, FRAME_WIDTH_PX, GRID

# The workers are the parallelism; threads inside OpenCV and PyTorch only get in each other's way on two cores.
cv2.setNumThreads(1)
# Fresh Gaussian noise costs more than all other augmentation together, so it is cut from one sheet.
NOISE = np.random.default_rng(0).normal(0, 1, (700, 700, 3)).astype(np.float32)

# Blue, green, red to brightness, BT.601.
LUMA = np.array([0.114, 0.587, 0.299])
DATA_DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
REAL_SETS = ("cafe_high_view", "cctv_person_gray", "coco128")
# One room: whoever trains on a part of it has seen the rest. No net is trained on it, not even the experimental one.
HELD_OUT_SETS = ("office_wall_cam",)
CLASS_C_SETS = ("person_vs_mannequin", "eth_street_eye", "scut_head_a", "scut_head_b", "neg_indoor_scenes", "neg_inria_mosaic")
EMPTY_SETS = ("neg_indoor_scenes", "neg_inria_mosaic")
# Shares of an epoch, of the pools that there are. A cafe picture has eleven small seated people, so few pictures are many people.
SHARES = {"rendered": 0.6, "scene-camera": 0.13, "cctv_person_gray": 0.2, "cafe_high_view": 0.12, "coco128": 0.08}
SHARES_C = {"person_vs_mannequin": 0.12, "eth_street_eye": 0.03, "scut_head_a": 0.06, "scut_head_b": 0.12, "neg_indoor_scenes": 0.06, "neg_inria_mosaic": 0.03}

# kind: what a row asks for.
LABEL, IGNORE, HEAD_ONLY = 1.0, 0.0, 2.0
X, Y, W, H, HEAD_X, HEAD_Y, HEAD_PX, KIND, EXACT = range(9)
PEOPLE = ("x", "y", "w", "h", "head_x", "head_y", "head_px", "kind", "exact")

# A head smaller than this carries no shape at 256 x 192: neither wanted nor punished.
HEAD_MIN_PX = 4.0
INSIDE_MIN = 0.35
# Rendered people count as labels from here on; less of a person nobody could box.
VISIBLE_MIN, HEAD_VISIBLE_MIN = 0.3, 0.25
SEEN_MIN = 0.02
# Share of a real box, from its top, in which the head may be: for a right answer, and (the narrower one) unpunished in training.
HEAD_ZONE, HEAD_ZONE_TRAINED = 0.45, 0.35
# Nobody labels more in one picture of this size.
ROWS_MAX = 64
# Four cuts in one frame: twice as many people a step as in whole pictures, which are mostly floor.
MOSAIC_SHARE, MOSAIC_ZOOM_MAX = 0.2, 1.7
# Lamps and daylight that burn the floor out and wash colours away: common at doors, and what a shop cannot help.
BURNT_SHARE = 0.12
# Straight down, a picture may be turned upside down.
UPSIDE_DOWN_TILT_DEG = 15


def heads_of_boxes(boxes):
    """[n, 4] real body boxes to [n, 3] head x, y, diameter.

    A head is 13 % of a standing body's height and 42 % of its width; a box that is wider than that for its height shows
    half a body (seated, or cut), and there the width tells more. Its centre lies 0.7 heads below the top: 10 % of a
    standing body's height.
    """
    size = 0.42 * np.minimum(boxes[:, 2], 0.75 * boxes[:, 3])
    return np.stack([boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + 0.7 * size, size], 1)


def rows_of_boxes(boxes):
    """Real body boxes [n, 4] to PEOPLE rows."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    ones = np.ones((len(boxes), 1), np.float32)
    return np.concatenate([boxes, heads_of_boxes(boxes), LABEL * ones, 0 * ones], 1).astype(np.float32)


def is_test(name, source):
    """Held out by scene or source: photo number in the cafe, name of the recording in cctv."""
    if name == "cafe_high_view":
        # One place; the numbers follow the order in which the photos were taken (time and angle).
        return int(re.search(r"IMG_(\d+)", source).group(1)) >= 3366
    if name == "cctv_person_gray":
        recording = re.sub(r"[\d\-_]+$", "", re.sub(r"_(png|jpg|jpeg)\.rf.*|\(.*", "", source))
        recording = recording or source[:3]
        return zlib.crc32(recording.encode()) % 7 == 3
    if name in HELD_OUT_SETS:
        return True
    if name in EMPTY_SETS:
        return zlib.crc32(source.encode()) % 2 == 0
    return zlib.crc32(source.encode()) % 6 == 0


def read_set(data, name, part):
    """[(BGR image, body boxes [n, 4] as x, y, w, h)] of one real set; part is train, test or all."""
    return [(image, rows[:, :4]) for image, rows, _ in read_rows(data, name, part)]


def read_rows(data, name, part):
    """[(BGR image, PEOPLE rows, tilt: None)] of one real set; part is train, test or all."""
    folder, result = os.path.join(data, "train", name), []
    with open(os.path.join(folder, "labels.jsonl")) as f:
        for line in f:
            row = json.loads(line)
            if part != "all" and is_test(name, row.get("src", row["file"])) != (part == "test"):
                continue
            image = cv2.imread(os.path.join(folder, row["file"]))
            rows = rows_of_boxes([b[:4] for b in row["boxes"] if b[4] == "person"])
            heads = np.array([b[:4] for b in row["boxes"] if b[4] == "head"], np.float32).reshape(-1, 4)
            if len(heads):  # a head box is exact, the body below it unknown
                middle, size = heads[:, :2] + heads[:, 2:] / 2, heads[:, 2:].mean(1, keepdims=True)
                ones = np.ones((len(heads), 1), np.float32)
                rows = np.concatenate([rows, np.concatenate([heads, middle, size, HEAD_ONLY * ones, ones], 1)])
            other = rows_of_boxes([b[:4] for b in row["boxes"] if b[4] == "ignore"])
            other[:, KIND] = IGNORE
            result.append((image, np.concatenate([rows, other]).astype(np.float32), None))
    return result


class Rendered:
    """The shards of a part, images left on the disk: 40,000 pictures are 6 GB. folder: scene-camera for those of the product's
    own drawing (scene_camera.py)."""

    def __init__(self, work, part, folder="rendered"):
        self.folder = os.path.join(work, folder, part)
        self.names, self.images, self.people, self.cameras, self.index = [], [], [], [], []
        self.refresh()

    def refresh(self):
        """Takes in shards that were finished since: rendering and training may run at the same time."""
        for path in sorted(glob.glob(os.path.join(self.folder, "????.npy"))):
            if path in self.names:
                continue
            self.names.append(path)
            self.images.append(np.load(path, mmap_mode="r"))
            with np.load(path[:-3] + "npz") as f:
                rows, self.columns = f["people"], list(f["people_columns"])
                self.people.append([rows[rows[:, 0] == i] for i in range(len(self.images[-1]))])
                self.cameras.append(f["cameras"])
            self.index += [(len(self.names) - 1, i) for i in range(len(self.images[-1]))]

    def __len__(self):
        return len(self.index)

    def truth(self, number):
        """All columns of the renderer, float32 [n, columns], of a picture."""
        shard, i = self.index[number]
        return self.people[shard][i]

    def camera(self, number):
        """height_m, tilt_deg, people, fov_deg."""
        shard, i = self.index[number]
        return self.cameras[shard][i]

    def __getitem__(self, number):
        shard, i = self.index[number]
        return np.asarray(self.images[shard][i]), rows_of_truth(self.people[shard][i], self.columns), float(self.cameras[shard][i][1])


def is_label(at):
    """Whether rendered people are wanted; at: the renderer's columns by name, of one or of many."""
    return (at["visible"] >= VISIBLE_MIN) & (at["head_visible"] >= HEAD_VISIBLE_MIN)


def rows_of_truth(truth, columns):
    """The renderer's rows to PEOPLE rows; boxes are cut to the frame, who cannot be seen at all is left out."""
    truth = truth[truth[:, columns.index("visible")] > SEEN_MIN]
    at = {name: truth[:, columns.index(name)] for name in columns}
    low = np.maximum(np.stack([at["x"], at["y"]], 1), 0)
    high = np.minimum(np.stack([at["x"] + at["w"], at["y"] + at["h"]], 1), (FRAME_WIDTH_PX, FRAME_HEIGHT_PX))
    return np.concatenate(
        [low, np.maximum(high - low, 1), np.stack([at["head_x"], at["head_y"], at["head_px"], np.where(is_label(at), LABEL, IGNORE), np.ones(len(truth))], 1)], 1
    ).astype(np.float32)


def to_yuv(image):
    """BGR [192, 256, 3] -> (y, u, v) uint8 [1, y, x], full range BT.601, chroma averaged over 2 x 2."""
    ycc = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
    small = cv2.resize(ycc, (FRAME_WIDTH_PX // 2, FRAME_HEIGHT_PX // 2), interpolation=cv2.INTER_AREA)
    return [torch.from_numpy(np.ascontiguousarray(x))[None] for x in (ycc[..., 0], small[..., 2], small[..., 1])]


def stretch(image, rows):
    """The whole picture on the frame, as the camera's image processor would do it."""
    h, w = image.shape[:2]
    sx, sy = FRAME_WIDTH_PX / w, FRAME_HEIGHT_PX / h
    image = cv2.resize(image, (FRAME_WIDTH_PX, FRAME_HEIGHT_PX), interpolation=cv2.INTER_AREA if w > FRAME_WIDTH_PX else cv2.INTER_LINEAR)
    scaled = rows.copy()
    scaled[:, [X, W, HEAD_X]] *= sx
    scaled[:, [Y, H, HEAD_Y]] *= sy
    scaled[:, HEAD_PX] *= np.sqrt(sx * sy)
    return image, scaled


def warp(random, image, rows, tilt, width, height, closer=1.0):
    """Random zoom, aspect, flip, turn and shift onto width x height. tilt: of a rendered picture's camera, None for real ones.
    closer: zooms in by as much again.

    Returns image and rows; who is left outside loses the label.
    """
    h, w = image.shape[:2]
    if tilt is None:
        biggest = rows[:, H].max() / h if len(rows) else 0.5
        zoom = np.exp(random.uniform(np.log(0.45 if biggest > 0.6 else 0.8), np.log(1.9)))
        aspect, angle = np.exp(random.uniform(np.log(0.7), np.log(1.4))), random.normal(0, 0.05)
    else:
        # The renderer varies all of this itself; a small net has no room for more than there is.
        zoom = np.exp(random.uniform(np.log(0.85), np.log(1.25)))
        aspect, angle = np.exp(random.uniform(np.log(0.8), np.log(1.25))), random.normal(0, 0.03)
    zoom *= closer
    sx, sy = width / w * zoom * np.sqrt(aspect), height / h * zoom / np.sqrt(aspect)
    if random.random() < 0.5:
        sx = -sx
    if tilt is not None and tilt < UPSIDE_DOWN_TILT_DEG and random.random() < 0.5:
        sy = -sy
    matrix = np.array([[sx, -angle * sy, 0], [angle * sx, sy, 0]], np.float64)
    if len(rows) and random.random() < 0.5:  # keep somebody in view
        b = rows[random.integers(len(rows))]
        source, target = (b[HEAD_X], b[HEAD_Y]), random.uniform(0.1, 0.9, 2) * (width, height)
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
    # OpenCV counts from the middle of the first pixel, truth from its corner; a mirrored picture would be a pixel off.
    matrix_image = matrix_image.copy()
    matrix_image[:, 2] += matrix_image[:, :2] @ [0.5, 0.5] - 0.5
    border = cv2.BORDER_CONSTANT if random.random() < 0.5 else cv2.BORDER_REPLICATE
    fill = tuple(int(x) for x in np.full(3, random.integers(0, 200)))
    out = cv2.warpAffine(half, matrix_image, (width, height), flags=cv2.INTER_LINEAR, borderMode=border, borderValue=fill)
    if not len(rows):
        return out, rows
    moved = rows.copy()
    centre = (rows[:, :2] + rows[:, 2:4] / 2) @ matrix[:, :2].T + matrix[:, 2]
    size = rows[:, 2:4] * np.abs([sx, sy])
    low, high = np.maximum(centre - size / 2, 0), np.minimum(centre + size / 2, (width, height))
    moved[:, :2], moved[:, 2:4] = low, np.maximum(high - low, 0)
    head = rows[:, [HEAD_X, HEAD_Y]] @ matrix[:, :2].T + matrix[:, 2]
    moved[:, [HEAD_X, HEAD_Y]] = head
    moved[:, HEAD_PX] *= np.sqrt(abs(sx * sy))
    inside = (head > 0).all(1) & (head < (width, height)).all(1)
    share = moved[:, 2:4].prod(1) / np.maximum(size.prod(1), 1e-6)
    lost = ~inside | ((rows[:, KIND] == LABEL) & (share < INSIDE_MIN)) | (moved[:, HEAD_PX] < HEAD_MIN_PX)
    moved[lost, KIND] = IGNORE
    return out, moved[(moved[:, 2:4] > 1).all(1) | inside]


def burn(random, image):
    """Too much light: up to three pools of it, highlights cut off and without colour, edges as a recorder sharpens them."""
    h, w = image.shape[:2]
    light = np.full((24, 32), random.uniform(0.9, 1.7), np.float32)
    y, x = np.mgrid[0:1:24j, 0 : w / h : 32j].astype(np.float32)
    for _ in range(int(random.integers(0, 4))):
        from_x, from_y, radius = random.uniform(-0.1, w / h + 0.1), random.uniform(-0.1, 1.1), random.uniform(0.12, 0.5)
        light += random.uniform(0.3, 1.6) * np.exp(-((x - from_x) ** 2 + ((y - from_y) * random.uniform(0.6, 1.6)) ** 2) / radius**2)
    bright = image * cv2.resize(light, (w, h), interpolation=cv2.INTER_LINEAR)[..., None]
    luma = (bright @ LUMA.astype(np.float32))[..., None]
    bright = luma + (bright - luma) * np.float32(random.uniform(0.3, 1.0))
    if random.random() < 0.5:
        bright += (bright - cv2.GaussianBlur(bright, (0, 0), random.uniform(0.7, 1.2))) * np.float32(random.uniform(0.3, 1.2))
    return np.clip(bright, 0, 255).astype(np.uint8)


def is_grey(image):
    """Whether a picture has no colours, but for what compression leaves."""
    return float(np.ptp(image[::4, ::4], 2).mean()) < 2


def tint(random, image, rendered):
    """Light, colour and sensor. Rendered pictures have been through a camera already and get the light part alone."""
    if random.random() < BURNT_SHARE:
        return burn(random, image)
    gain, offset, gamma = random.uniform(0.6, 1.35) * (1 + random.normal(0, 0.06, 3)), random.uniform(-25, 25), 1.0
    if random.random() < 0.3:
        gain, offset = np.ones(3), 0.0
    if random.random() < 0.4:
        gamma = random.uniform(0.6, 1.7)
    grey = random.random()
    if rendered and grey > 0.6:
        return image
    levels = np.clip((np.arange(256)[:, None] * gain + offset) / 255, 0, 1) ** gamma * 255
    if rendered and grey > 0.12:
        image = cv2.LUT(image, levels.astype(np.uint8)[None])
        return cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.0)) if random.random() < 0.08 else image
    x = cv2.LUT(image, levels.astype(np.float32)[None])
    if grey < 0.45:
        keep = 0.0 if grey < 0.22 else random.uniform(0.2, 1.6)
        luma = np.tile(LUMA, (3, 1))
        x = cv2.transform(x, luma * (1 - keep) + np.eye(3) * keep)
    elif grey < 0.6 and is_grey(image):
        # Grey sets must not teach that colour means rendered: lend them some.
        ends = random.uniform(-40, 40, (2, 3)).astype(np.float32)
        x += ends[0] + (ends[1] - ends[0]) * x[..., 1:2] / 255
    if random.random() < 0.25:
        x = cv2.GaussianBlur(x, (0, 0), random.uniform(0.4, 1.3))
    elif random.random() < 0.1:
        x = x * 1.6 - cv2.GaussianBlur(x, (0, 0), 1.2) * 0.6
    if random.random() < 0.4:
        top, left = random.integers(0, NOISE.shape[0] - x.shape[0]), random.integers(0, NOISE.shape[1] - x.shape[1])
        x += NOISE[top : top + x.shape[0], left : left + x.shape[1], : random.choice([1, 3])] * np.float32(random.uniform(1, 11))
    return np.clip(x, 0, 255, out=x).astype(np.uint8)


@njit(cache=True)
def _empty_cells(rows):
    """1 where a peak would be wrong, 0 where it may be somebody nobody asks for, or a head whose place is not known."""
    grid_height, grid_width = GRID
    empty = np.ones((grid_height, grid_width), np.float32)
    for x, y, w, h, head_x, head_y, head_px, kind, exact in rows:
        left, right, top, bottom = head_x - head_px, head_x + head_px, head_y - head_px, head_y + head_px
        if exact == 0 and kind == IGNORE:
            left, right, top, bottom = x, x + w, y, y + h
        elif exact == 0:
            left, right, top, bottom = x + 0.1 * w, x + 0.9 * w, y, y + HEAD_ZONE_TRAINED * h
        elif kind == LABEL:
            continue
        for r in range(max(0, int(top / CELL_PX)), min(grid_height, int(bottom / CELL_PX) + 1)):
            for c in range(max(0, int(left / CELL_PX)), min(grid_width, int(right / CELL_PX) + 1)):
                empty[r, c] = 0
    return empty


def targets(rows):
    """What assign.losses asks for: PEOPLE rows [ROWS_MAX, 9], ignored ones last and zero, and the empty cells [h, w]."""
    wanted = rows[rows[:, KIND] != IGNORE][:ROWS_MAX]
    padded = np.zeros((ROWS_MAX, len(PEOPLE)), np.float32)
    padded[: len(wanted)] = wanted
    return padded, _empty_cells(rows)


def pool_shares(pools):
    """(names, shares) of an epoch: SHARES of those pools that hold anything."""
    shares = SHARES | SHARES_C
    names = [n for n in shares if n in pools and len(pools[n])]
    wanted = np.array([shares[n] for n in names])
    return names, wanted / wanted.sum()


class Mixture(torch.utils.data.Dataset):
    """Endless augmented pictures, the same for the same (seed, epoch, index): frame, targets, and whether any part of it is
    of the scene camera, which a net of before has not learnt."""

    def __init__(self, pools, length, seed, epoch, mosaic_share=MOSAIC_SHARE):
        self.names, self.shares = pool_shares(pools)
        self.pools, self.length, self.key, self.mosaic_share = pools, length, (seed, epoch), mosaic_share

    def __len__(self):
        return self.length

    def _one(self, random, width, height, closer=1.0):
        name = self.names[random.choice(len(self.names), p=self.shares)]
        image, rows, tilt = self.pools[name][random.integers(len(self.pools[name]))]
        image, rows = warp(random, image, rows, tilt, width, height, closer)
        return tint(random, image, tilt is not None), rows, name == "scene-camera"

    def __getitem__(self, index):
        random = np.random.default_rng([*self.key, index])
        if random.random() < self.mosaic_share:
            image = np.zeros((FRAME_HEIGHT_PX, FRAME_WIDTH_PX, 3), np.uint8)
            x, y = int(random.uniform(0.35, 0.65) * FRAME_WIDTH_PX), int(random.uniform(0.35, 0.65) * FRAME_HEIGHT_PX)
            rows, ours = [], False
            for left, top, right, bottom in ((0, 0, x, y), (x, 0, FRAME_WIDTH_PX, y), (0, y, x, FRAME_HEIGHT_PX), (x, y, FRAME_WIDTH_PX, FRAME_HEIGHT_PX)):
                closer = np.exp(random.uniform(0, np.log(MOSAIC_ZOOM_MAX)))
                image[top:bottom, left:right], tile, is_ours = self._one(random, right - left, bottom - top, closer)
                ours = ours or is_ours
                tile[:, [X, HEAD_X]] += left
                tile[:, [Y, HEAD_Y]] += top
                rows.append(tile)
            rows = np.concatenate(rows)
        else:
            image, rows, ours = self._one(random, FRAME_WIDTH_PX, FRAME_HEIGHT_PX)
        return (*to_yuv(image), *(torch.from_numpy(t) for t in targets(rows)), ours)


def load_pools(data, work, classes="AB"):
    """Training pictures by set."""
    pools = {name: read_rows(data, name, "train") for name in REAL_SETS + (CLASS_C_SETS if "C" in classes else ())}
    pools["rendered"] = Rendered(work, "train")
    pools["scene-camera"] = Rendered(work, "train", "scene-camera")
    return pools


def calibration_frames(pools, count):
    """Training frames in which ranges are measured: [(y, u, v)] of [1, 1, y, x]."""
    mixture = Mixture(pools, count, seed=77, epoch=0)
    return [[x[None] for x in mixture[i][:3]] for i in range(count)]
