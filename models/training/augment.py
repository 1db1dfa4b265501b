"""The augmentation of dataset.py on a graphics card: batches are drawn where they are used.

Why a second one: a card trains faster than sixteen processor cores can cut and tint pictures, and those cores render. All
pictures lie in its memory as bytes; which one, how it is turned and how it is tinted are a row of numbers for each tile
of a batch, drawn there too. Nothing here asks the card for a number, so that a whole step can be recorded and replayed
(train.Recording). Shares, ranges and rules for labels are those of dataset.py (warp, burn, tint, targets), and
the tests hold both to the same.

A tile is a whole frame, or one of the four cuts of a mosaic.
"""

import math

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from dataset import (
    BURNT_SHARE, EXACT, H, HEAD_MIN_PX, HEAD_PX, HEAD_X, HEAD_Y, HEAD_ZONE_TRAINED, IGNORE, INSIDE_MIN, KIND, LABEL, LUMA,
    MOSAIC_ZOOM_MAX, PEOPLE, ROWS_MAX, UPSIDE_DOWN_TILT_DEG, W, is_grey, pool_shares,
)  # fmt: skip
from net import CELL_PX, FRAME_HEIGHT_PX, FRAME_WIDTH_PX, GRID

# Pools of light in one picture, and how far blurring reaches.
POOLS_MAX, BLUR_RADIUS_PX = 3, 3
# 180 kB of the card's memory each.
RENDERED_MAX = 60_000


class Album:
    """All pictures, in full and in half size, as one row of bytes on the device; and who is in them.

    levels: int64 [pictures, 2, 3], start of the bytes, width and height of both sizes; rows: float32 [pictures, ROWS_MAX,
    PEOPLE], padded with zeros; tilt: float32 [pictures], NaN for real ones; grey: bool [pictures], without colours. None of
    them ever moves, because a recorded graph knows them by address.
    """

    def __init__(self, device, pictures_max, bytes_max):
        self.device, self.count, self.used = device, 0, 0
        self.bytes = torch.zeros(bytes_max, dtype=torch.uint8, device=device)
        self.levels = torch.zeros(pictures_max, 2, 3, dtype=torch.int64, device=device)
        self.rows = torch.zeros(pictures_max, ROWS_MAX, len(PEOPLE), device=device)
        self.tilt, self.grey = torch.zeros(pictures_max, device=device), torch.zeros(pictures_max, dtype=torch.bool, device=device)

    def __len__(self):
        return self.count

    def add(self, images, rows, tilts):
        """images: uint8 [h, w, 3] each; rows: PEOPLE rows each; tilts: degrees, or None."""
        places, fresh, start = [], [], self.used
        for image in images:
            h, w = image.shape[:2]
            half = cv2.resize(image, (w // 2, h // 2), interpolation=cv2.INTER_AREA)
            places.append([])
            for level in (image, half):
                places[-1].append([start, level.shape[1], level.shape[0]])
                fresh.append(level.reshape(-1))
                start += level.size
        end = self.count + len(places)
        padded = np.zeros((len(places), ROWS_MAX, len(PEOPLE)), np.float32)
        for mine, theirs in zip(padded, rows):
            mine[: len(theirs)] = theirs[:ROWS_MAX]
        part = slice(self.count, end)
        self.bytes[self.used : start] = torch.from_numpy(np.concatenate(fresh)).to(self.device)
        self.levels[part] = torch.tensor(places, device=self.device)
        self.rows[part] = torch.from_numpy(padded).to(self.device)
        self.tilt[part] = torch.tensor([math.nan if t is None else t for t in tilts], device=self.device)
        self.grey[part] = torch.tensor([is_grey(i) for i in images], device=self.device)
        self.count, self.used = end, start


class Darkroom:
    """Endless augmented batches from dataset.load_pools; the same for the same (seed, epoch)."""

    def __init__(self, pools, device, seed, rendered_max=RENDERED_MAX):
        self.pools, self.device, self.seed = pools, device, seed
        sizes = [image.size for name, pool in pools.items() if name != "rendered" for image, _, _ in pool]
        self.rendered_max = rendered_max
        self.album = Album(device, len(sizes) + rendered_max, sum(sizes) * 5 // 4 + rendered_max * FRAME_WIDTH_PX * FRAME_HEIGHT_PX * 15 // 4)
        self.random = torch.Generator(device)
        self.frame = torch.tensor([0.0, 0.0, FRAME_WIDTH_PX, FRAME_HEIGHT_PX], device=device)
        compiled = torch.compile if device.type == "cuda" else lambda f: f
        self.sample, self.expose, self.soften, self.finish = map(compiled, (sample, expose, soften, finish))
        first = {}
        for name, pool in pools.items():
            if name != "rendered":
                first[name] = len(self.album)
                self.album.add(*zip(*pool))
        self.first_rendered = first["rendered"] = len(self.album)
        self.names = list(first)
        self.first = torch.tensor([first[n] for n in self.names], device=device)
        self.counts, self.shares = torch.zeros_like(self.first), torch.zeros(len(first), device=device)
        self.refresh()

    def refresh(self):
        """Takes in pictures that were rendered since, as many as there is room for."""
        rendered, known = self.pools["rendered"], len(self.album) - self.first_rendered
        rendered.refresh()
        fresh = [rendered[i] for i in range(known, min(len(rendered), self.rendered_max))]
        if fresh:
            self.album.add(*zip(*fresh))
        counts = {n: len(self.pools[n]) for n in self.names} | {"rendered": len(self.album) - self.first_rendered}
        shares = dict(zip(*pool_shares({n: range(c) for n, c in counts.items()})))
        self.counts.copy_(torch.tensor([counts[n] for n in self.names]))
        self.shares.copy_(torch.tensor([shares.get(n, 0.0) for n in self.names]))

    def begin(self, epoch):
        self.refresh()
        self.random.manual_seed(self.seed * 1_000_003 + epoch)

    def batch(self, count, mosaic_share):
        """(y, u, v, rows, empty) as dataset.Mixture gives them, [count, ...] on the device; mosaics come first."""
        mosaics = int(round(count * mosaic_share))
        tiles = count + 3 * mosaics
        place = self._places(count, mosaics)
        picture = self._choose(tiles)
        closer = torch.ones(tiles, device=self.device)
        inner = torch.cat([torch.arange(mosaics, device=self.device), torch.arange(count, tiles, device=self.device)])
        closer[inner] = torch.exp(self._uniform(len(inner), 0, math.log(MOSAIC_ZOOM_MAX)))
        matrix, scale = warps(self, picture, place, closer)
        rows = moved_rows(self.album.rows[picture], matrix, scale, place)
        image = self._develop(sources(self, picture, matrix), tints(self, picture))
        image, rows, empty = compose(image, rows, place, count, mosaics)
        return (*to_yuv(image), rows, empty)

    def _develop(self, source, tint):
        # In steps whose results are kept: fused into one, each of 49 pixels of a blur would be read and exposed anew for every pixel.
        image = self.expose(self.sample(self.album.bytes, *source), *tint)
        sigma = tint[-1][:, 3]
        soft = self.soften(self.soften(image, sigma, 2), sigma, 3)
        noise = torch.randn(image.shape, generator=self.random, device=self.device)
        return self.finish(image, soft, tint[-1], noise)

    def _uniform(self, count, low=0.0, high=1.0):
        return low + (high - low) * torch.rand(count, generator=self.random, device=self.device)

    def _normal(self, count, deviation):
        return deviation * torch.randn(count, generator=self.random, device=self.device)

    def _choose(self, tiles):
        pool = torch.searchsorted(self.shares.cumsum(0), self._uniform(tiles) * self.shares.sum(), right=True).clamp_max(len(self.names) - 1)
        return self.first[pool] + torch.minimum((self._uniform(tiles) * self.counts[pool]).long(), self.counts[pool] - 1)

    def _places(self, count, mosaics):
        """left, top, width, height of each tile in its frame, float32 [tiles, 4]: frames first, then the other three of mosaics."""
        place = self.frame.repeat(count + 3 * mosaics, 1)
        x, y = ((self._uniform(mosaics, 0.35, 0.65) * side).floor() for side in (FRAME_WIDTH_PX, FRAME_HEIGHT_PX))
        zero, right, below = torch.zeros_like(x), FRAME_WIDTH_PX - x, FRAME_HEIGHT_PX - y
        place[:mosaics] = torch.stack([zero, zero, x, y], 1)
        place[count:] = torch.cat([torch.stack(p, 1) for p in ((x, zero, right, y), (zero, y, x, below), (x, y, right, below))])
        return place


def warps(room, picture, place, closer):
    """(matrix [tiles, 2, 3] from the picture's pixels to the tile's, scales [tiles, 2]): dataset.warp, drawn for all tiles."""
    count, album = len(picture), room.album
    w, h = album.levels[picture, 0, 1].float(), album.levels[picture, 0, 2].float()
    rows, tilt, (width, height) = album.rows[picture], album.tilt[picture], place[:, 2:].T
    there = rows[..., W] > 0
    anybody, real = there.any(1), tilt.isnan()
    biggest = torch.where(anybody, (rows[..., H] * there).amax(1) / h, 0.5)
    low = torch.where(real, torch.where(biggest > 0.6, 0.45, 0.8), 0.85).log()
    high = torch.where(real, 1.9, 1.25).log()
    zoom = torch.exp(low + (high - low) * room._uniform(count)) * closer
    low, high = torch.where(real, 0.7, 0.8).log(), torch.where(real, 1.4, 1.25).log()
    aspect = torch.exp(low + (high - low) * room._uniform(count))
    angle = room._normal(count, 1.0) * torch.where(real, 0.05, 0.03)
    sx, sy = width / w * zoom * aspect.sqrt(), height / h * zoom / aspect.sqrt()
    sx = torch.where(room._uniform(count) < 0.5, -sx, sx)
    sy = torch.where((room._uniform(count) < 0.5) & (tilt < UPSIDE_DOWN_TILT_DEG), -sy, sy)
    turn = torch.stack([torch.stack([sx, -angle * sy], 1), torch.stack([angle * sx, sy], 1)], 1)
    whom = (there * (room._uniform(there.shape) + 1)).argmax(1)
    head = rows[torch.arange(count, device=whom.device), whom, HEAD_X : HEAD_Y + 1]
    keep = (anybody & (room._uniform(count) < 0.5))[:, None]
    size, room_px = torch.stack([w, h], 1), place[:, 2:]
    source = torch.where(keep, head, size * torch.stack([room._uniform(count, 0.3, 0.7) for _ in range(2)], 1))
    target = torch.where(keep, room_px * torch.stack([room._uniform(count, 0.1, 0.9) for _ in range(2)], 1), room_px / 2)
    shift = target - (turn @ source[..., None])[..., 0]
    scale = torch.stack([sx, sy], 1)
    low, high = room_px - (scale * size).clamp_min(0), -(scale * size).clamp_max(0)
    shift = torch.where(low <= high, torch.minimum(torch.maximum(shift, low), high), shift)
    return torch.cat([turn, shift[..., None]], 2), scale


def moved_rows(rows, matrix, scale, place):
    """PEOPLE rows after the warp, zeros where nobody is; who is left outside loses the label."""
    room_px, turn, shift = place[:, None, 2:], matrix[:, :, :2], matrix[:, None, :, 2]
    centre = (rows[..., :2] + rows[..., 2:4] / 2) @ turn.mT + shift
    size = rows[..., 2:4] * scale.abs()[:, None]
    low, high = (centre - size / 2).clamp_min(0), torch.minimum(centre + size / 2, room_px)
    sides = (high - low).clamp_min(0)
    head = rows[..., HEAD_X : HEAD_Y + 1] @ turn.mT + shift
    head_px = rows[..., HEAD_PX] * scale.prod(1).abs().sqrt()[:, None]
    inside = ((head > 0) & (head < room_px)).all(-1)
    kind = rows[..., KIND]
    share = sides.prod(-1) / size.prod(-1).clamp_min(1e-6)
    lost = ~inside | ((kind == LABEL) & (share < INSIDE_MIN)) | (head_px < HEAD_MIN_PX)
    kept = (rows[..., W] > 0) & ((sides > 1).all(-1) | inside)
    moved = torch.cat([low, sides, head, head_px[..., None], torch.where(lost, IGNORE, kind)[..., None], rows[..., EXACT:]], -1)
    return moved * kept[..., None]


def sources(room, picture, matrix):
    """What `sample` reads the pictures by: level [tiles, 3], inverse matrix in that level's pixels [tiles, 2, 3], and the
    grey beyond its edge [tiles], -1 where the edge is repeated."""
    count, levels = len(picture), room.album.levels[picture]
    # Shrinking without averaging would alias, which the camera does not do.
    reach = torch.maximum(torch.hypot(matrix[:, 0, 0], matrix[:, 1, 0]), torch.hypot(matrix[:, 0, 1], matrix[:, 1, 1]))
    half = (reach < 0.6).long()
    level = levels[torch.arange(count, device=picture.device), half]
    a, b, c, d = matrix[:, 0, 0], matrix[:, 0, 1], matrix[:, 1, 0], matrix[:, 1, 1]
    back = torch.stack([torch.stack([d, -b], 1), torch.stack([-c, a], 1)], 1) / (a * d - b * c)[:, None, None]
    back = torch.cat([back, -(back @ matrix[:, :, 2:])], 2)
    back = back * (level[:, 1:] / levels[:, 0, 1:])[..., None]
    fill = torch.where(room._uniform(count) < 0.5, (room._uniform(count) * 200).floor(), -1.0)
    return level, back, fill


def tints(room, picture):
    """Light, colour and sensor of each tile as numbers (dataset.burn and dataset.tint): pools of light [tiles, POOLS_MAX, 5]
    (x, y, 1 / radius squared, squeeze, strength), levels [tiles, 3, 2] (gain, offset), colours lent to grey [tiles, 2, 3] (in
    the dark, in the light), and [tiles, 7]: light everywhere, gamma, saturation, blur's sigma, detail (share that is added of
    what blur takes away), noise, whether noise is grey."""
    count, uniform = len(picture), room._uniform
    rendered = ~room.album.tilt[picture].isnan()
    burnt, grey = uniform(count) < BURNT_SHARE, uniform(count)
    never, one, zero = torch.zeros_like(burnt), torch.ones_like(grey), torch.zeros_like(grey)

    # Too much light.
    wide = FRAME_WIDTH_PX / FRAME_HEIGHT_PX
    pools = torch.stack([
        uniform((count, POOLS_MAX), -0.1, wide + 0.1), uniform((count, POOLS_MAX), -0.1, 1.1), uniform((count, POOLS_MAX), 0.12, 0.5) ** -2,
        uniform((count, POOLS_MAX), 0.6, 1.6), uniform((count, POOLS_MAX), 0.3, 1.6),
    ], 2)  # fmt: skip
    number = (uniform(count) * (POOLS_MAX + 1)).floor()
    pools[..., 4] *= burnt[:, None] & (torch.arange(POOLS_MAX, device=grey.device) < number[:, None])
    light = torch.where(burnt, uniform(count, 0.9, 1.7), one)

    # Levels and colour; rendered pictures have been through a camera already and get the light part alone.
    plain = rendered & (grey > 0.6) & ~burnt
    mild = rendered & (grey > 0.12)
    full = ~(burnt | mild | plain)
    levelled = ~(burnt | plain)
    as_is = uniform(count) < 0.3
    gain = uniform(count, 0.6, 1.35)[:, None] * (1 + room._normal((count, 3), 0.06))
    gain = torch.where((levelled & ~as_is)[:, None], gain, 1.0)
    offset = torch.where(levelled & ~as_is, uniform(count, -25, 25), zero)
    gamma = torch.where(levelled & (uniform(count) < 0.4), uniform(count, 0.6, 1.7), one)
    keep = torch.where(grey < 0.22, zero, torch.where(grey < 0.45, uniform(count, 0.2, 1.6), one))
    keep = torch.where(full, keep, torch.where(burnt, uniform(count, 0.3, 1.0), one))

    # Sharpness and noise.
    chance, sharp = uniform(count), uniform(count)
    blurred = torch.where(full, chance < 0.25, torch.where(mild & levelled, chance < 0.08, never))
    edged = torch.where(burnt, chance < 0.5, full & ~blurred & (sharp < 0.1))
    sigma = torch.where(burnt, uniform(count, 0.7, 1.2), torch.where(blurred, torch.where(full, uniform(count, 0.4, 1.3), uniform(count, 0.4, 1.0)), 1.2 * one))
    detail = torch.where(blurred, -one, torch.where(edged, torch.where(burnt, uniform(count, 0.3, 1.2), 0.6 * one), zero))
    noise = torch.where(full & (uniform(count) < 0.4), uniform(count, 1, 11), zero)
    one_noise = (uniform(count) < 0.5).float()

    # Grey sets must not teach that colour means rendered: lend them some.
    tinted = full & (grey >= 0.45) & (grey < 0.6) & room.album.grey[picture]
    ends = uniform((count, 2, 3), -40, 40) * tinted[:, None, None]
    return pools, torch.stack([gain, offset[:, None].expand(-1, 3)], 2), ends, torch.stack([light, gamma, keep, sigma, detail, noise, one_noise], 1)


def _pixels(device):
    """Middles of a frame's pixels: y [192, 1] and x [1, 256]."""
    return torch.arange(FRAME_HEIGHT_PX, device=device)[:, None] + 0.5, torch.arange(FRAME_WIDTH_PX, device=device)[None] + 0.5


def sample(flat, level, back, fill):
    """Tiles as float32 [tiles, 3, 192, 256] of 0..255, BGR, each from its own corner on."""
    down, across = _pixels(back.device)
    start, width, height = (level[:, i, None, None] for i in range(3))
    m = back[..., None, None]
    from_x = m[:, 0, 0] * across + m[:, 0, 1] * down + m[:, 0, 2]
    from_y = m[:, 1, 0] * across + m[:, 1, 1] * down + m[:, 1, 2]
    beyond = (from_x < 0) | (from_y < 0) | (from_x > width) | (from_y > height)
    from_x = torch.minimum((from_x - 0.5).clamp_min(0), width - 1.0)
    from_y = torch.minimum((from_y - 0.5).clamp_min(0), height - 1.0)
    left, top = from_x.floor(), from_y.floor()
    right_share, lower_share = from_x - left, from_y - top
    left, top = left.long(), top.long()
    right, lower = torch.minimum(left + 1, width - 1), torch.minimum(top + 1, height - 1)
    at = [start + (y * width + x) * 3 for y in (top, lower) for x in (left, right)]
    shares = [(1 - lower_share) * (1 - right_share), (1 - lower_share) * right_share, lower_share * (1 - right_share), lower_share * right_share]
    edge = fill[:, None, None]
    beyond = beyond & (edge >= 0)
    return torch.stack([torch.where(beyond, edge, sum(flat[i + c] * s for i, s in zip(at, shares))) for c in range(3)], 1)


def expose(image, pools, levels, ends, tint):
    """Light and colours; not yet cut to 0..255."""
    down, across = _pixels(image.device)
    light, gamma, keep = (tint[:, i, None, None, None] for i in range(3))
    glow = light[:, 0]
    for k in range(POOLS_MAX):
        x, y, tight, squeeze, strength = (pools[:, k, i, None, None] for i in range(5))
        glow = glow + strength * torch.exp(-((across / FRAME_HEIGHT_PX - x) ** 2 + ((down / FRAME_HEIGHT_PX - y) * squeeze) ** 2) * tight)
    image = image * glow[:, None]
    image = image * levels[:, :, 0, None, None] + levels[:, :, 1, None, None]
    # Burnt light is cut off at the end alone; where gamma bends nothing is left to cut off here either.
    image = torch.where(gamma == 1, image, (image / 255).clamp(1e-6, 1) ** gamma * 255)
    luma = sum(float(share) * image[:, c : c + 1] for c, share in enumerate(LUMA))
    image = luma + (image - luma) * keep
    coloured = ends[:, 0, :, None, None] + (ends[:, 1] - ends[:, 0])[..., None, None] * image[:, 1:2] / 255
    return image + coloured


def soften(image, sigma, axis):
    """Gaussian blur of [tiles, 3, y, x] along one axis; sigma px [tiles]."""
    side, margin = image.shape[axis], (0, 0, BLUR_RADIUS_PX, BLUR_RADIUS_PX) if axis == 2 else (BLUR_RADIUS_PX, BLUR_RADIUS_PX, 0, 0)
    weights = [torch.exp(-0.5 * (k / sigma[:, None, None, None]) ** 2) for k in range(BLUR_RADIUS_PX + 1)]
    padded = F.pad(image, margin, mode="replicate")
    total = sum(weights[abs(k)] * padded.narrow(axis, k + BLUR_RADIUS_PX, side) for k in range(-BLUR_RADIUS_PX, BLUR_RADIUS_PX + 1))
    return total / (weights[0] + 2 * sum(weights[1:]))


def finish(image, soft, tint, noise):
    """Sharpness and noise; cut to 0..255."""
    detail, noisy, one_noise = (tint[:, i, None, None, None] for i in (4, 5, 6))
    image = image + detail * (image - soft)
    return (image + noisy * torch.where(one_noise > 0, noise[:, :1], noise)).clamp(0, 255)


def compose(image, rows, place, count, mosaics):
    """Puts tiles together: image [count, 3, y, x], wanted rows [count, ROWS_MAX, PEOPLE] and empty cells [count, y, x]."""
    if not mosaics:
        return image, *targets(rows)
    down = torch.arange(FRAME_HEIGHT_PX, device=image.device)[:, None]
    across = torch.arange(FRAME_WIDTH_PX, device=image.device)[None]
    parts = [torch.arange(mosaics, device=image.device)] + [torch.arange(count + k * mosaics, count + (k + 1) * mosaics, device=image.device) for k in range(3)]
    whole, everybody = image[:mosaics], []
    for part in parts:
        left, top = (place[part, i, None, None] for i in range(2))
        inside = (across >= left) & (down >= top)
        # A tile begins at its own corner, so it is moved there: rows and columns before it are read but not used.
        y, x = (down - top).clamp_min(0).long().expand(-1, -1, FRAME_WIDTH_PX), (across - left).clamp_min(0).long().expand(-1, FRAME_HEIGHT_PX, -1)
        moved = image[part[:, None, None], :, y, x].permute(0, 3, 1, 2)
        whole = torch.where(inside[:, None], moved, whole)
        mine = rows[part].clone()
        there = mine[..., W : W + 1] > 0
        corner = place[part, None, :2] * there
        mine[..., :2] += corner
        mine[..., HEAD_X : HEAD_Y + 1] += corner
        everybody.append(mine)
    of_mosaics, of_others = targets(torch.cat(everybody, 1)), targets(rows[mosaics:count])
    return torch.cat([whole, image[mosaics:count]]), *(torch.cat(pair) for pair in zip(of_mosaics, of_others))


def targets(rows):
    """dataset.targets for rows [batch, people, PEOPLE] in which zeros are nobody."""
    wanted = rows[..., KIND] != IGNORE
    first = torch.argsort(wanted.int(), dim=1, descending=True, stable=True)[:, :ROWS_MAX]
    padded = torch.gather(rows * wanted[..., None], 1, first[..., None].expand(-1, -1, rows.shape[2]))

    x, y, w, h, head_x, head_y, head_px, kind, exact = rows.unbind(-1)
    guessed = (exact == 0)[..., None]
    head = torch.stack([head_x - head_px, head_x + head_px, head_y - head_px, head_y + head_px], -1)
    box = torch.stack([x, x + w, y, y + h], -1)
    zone = torch.stack([x + 0.1 * w, x + 0.9 * w, y, y + HEAD_ZONE_TRAINED * h], -1)
    area = torch.where(guessed, torch.where((kind == IGNORE)[..., None], box, zone), head)
    cells = (area / CELL_PX).trunc()
    unknown = (w > 0) & ~((exact > 0) & (kind == LABEL))
    row, column = (torch.arange(n, device=rows.device) for n in GRID)
    across = (column >= cells[..., 0:1]) & (column <= cells[..., 1:2]) & unknown[..., None]
    down = (row >= cells[..., 2:3]) & (row <= cells[..., 3:4])
    covered = torch.einsum("bpr,bpc->brc", down.float(), across.float()) > 0
    return padded, (~covered).float()


def to_yuv(image):
    """dataset.to_yuv for float BGR [n, 3, 192, 256]: bytes of y, u and v, [n, 1, y, x] each."""
    image = image.round()
    blue, green, red = image.unbind(1)
    luma = sum(float(share) * plane for share, plane in zip(LUMA, (blue, green, red)))
    small = (F.avg_pool2d(plane[:, None], 2) for plane in ((blue - luma) * 0.564 + 128, (red - luma) * 0.713 + 128))
    return tuple(plane.round().clamp(0, 255).byte() for plane in (luma[:, None], *small))
