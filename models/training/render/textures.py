"""Surfaces, drawn anew for every instance: floors, walls, shelves, posters, foliage. BGR bytes that wrap around.

Nothing here is a photo; real photos without people may be handed in for posters and shop windows.
"""

import cv2
import numpy as np

SIDE = 256


def paint(random, vivid=0.28):
    """A colour 0..255, mostly muted."""
    level = random.uniform(25, 245)
    hue = np.array([[[random.uniform(0, 180), random.uniform(40, 255), level]]], np.uint8)
    colour = cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0].astype(np.float32)
    share = vivid if random.random() < 0.9 else random.uniform(0.5, 1)
    return colour * share + level * (1 - share) * np.array([random.uniform(0.85, 1.05), 1, random.uniform(0.95, 1.1)], np.float32)


def clouds(random, side=SIDE, low=1, high=7, fall=0.8):
    """Noise of many sizes around 0, about -2..2, seamless."""
    out = np.zeros((side, side), np.float32)
    for octave in range(low, high + 1):
        small = random.normal(0, 1, (2**octave, 2**octave)).astype(np.float32)
        padded = np.pad(small, 2, mode="wrap")
        scale = side / 2**octave
        large = cv2.resize(padded, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        cut = int(2 * scale)
        out += large[cut : cut + side, cut : cut + side] * fall ** (octave - low) * 0.6
    return out


def _finish(random, image, dirt=1.0):
    """Dirt and wear: what keeps a floor from looking computed."""
    image = image * (1 + clouds(random, high=4)[..., None] * random.uniform(0.0, 0.07) * dirt)
    image = image + clouds(random, low=4, high=7)[..., None] * random.uniform(0.5, 6)
    if random.random() < 0.4 * dirt:
        stain = np.clip(clouds(random, low=1, high=4) - random.uniform(0.5, 1.5), 0, 1)[..., None]
        image = image * (1 - stain * random.uniform(0.1, 0.5))
    return np.clip(image, 0, 255).astype(np.uint8)


def _tiles(random):
    rows, columns = int(random.choice([1, 2, 4, 8])), int(random.choice([1, 2, 4, 8]))
    if random.random() < 0.6:
        columns = rows
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    base, other, checker = paint(random), paint(random), random.random() < 0.15
    h, w = SIDE // rows, SIDE // columns
    spread = random.uniform(0.0, 0.08)
    for r in range(rows):
        for c in range(columns):
            tone = other if checker and (r + c) % 2 else base
            image[r * h : (r + 1) * h, c * w : (c + 1) * w] = tone * (1 + random.normal(0, spread))
    if random.random() < 0.5:  # marble
        image += clouds(random, low=2, high=6)[..., None] * random.uniform(2, 18)
    joint, width = base * random.uniform(0.4, 1.3), int(random.choice([1, 1, 2, 3]))
    image[np.arange(SIDE) % h < width] = joint
    image[:, np.arange(SIDE) % w < width] = joint
    return image


def _planks(random):
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    base = np.array([random.uniform(0.25, 0.6), random.uniform(0.5, 0.75), 1], np.float32) * random.uniform(60, 220)
    count = int(random.choice([4, 8, 16]))
    h = SIDE // count
    for r in range(count):
        tone = base * (1 + random.normal(0, 0.09))
        image[r * h : (r + 1) * h] = tone
        for c in random.integers(0, SIDE, 2):
            image[r * h : (r + 1) * h, c : c + int(random.integers(20, 120))] *= 1 + random.normal(0, 0.06)
            image[r * h : (r + 1) * h, c : c + 1] *= 0.6
        image[r * h] *= random.uniform(0.5, 0.9)
    grain = cv2.resize(random.normal(0, 1, (SIDE, 12)).astype(np.float32), (SIDE, SIDE))
    image *= 1 + grain[..., None] * random.uniform(0.01, 0.06)
    return image if random.random() < 0.5 else image.transpose(1, 0, 2)


def _terrazzo(random):
    image = np.full((SIDE, SIDE, 3), paint(random), np.float32)
    for _ in range(3):
        spots = (random.random((SIDE, SIDE)) < random.uniform(0.005, 0.05)).astype(np.uint8)
        spots = cv2.dilate(spots, np.ones((int(random.integers(1, 4)),) * 2, np.uint8))
        image[spots > 0] = paint(random)
    return image


def _concrete(random):
    image = np.full((SIDE, SIDE, 3), random.uniform(60, 200), np.float32) * np.array([random.uniform(0.9, 1.05), 1, random.uniform(0.97, 1.08)], np.float32)
    image *= 1 + clouds(random, low=1, high=6)[..., None] * random.uniform(0.03, 0.14)
    if random.random() < 0.4:
        image[:2] *= 0.7
        image[:, :2] *= 0.7
    return image


def _carpet(random):
    base, other = paint(random), paint(random)
    image = np.full((SIDE, SIDE, 3), base, np.float32)
    rows, columns = np.indices((SIDE, SIDE))
    step, kind = int(random.choice([16, 32, 64])), random.random()
    if kind < 0.25:
        image[(rows // step + columns // step) % 2 == 0] = other * 0.5 + base * 0.5
    elif kind < 0.45:
        image[np.abs(rows % step - step // 2) + np.abs(columns % step - step // 2) < step // 4] = other
    elif kind < 0.6:
        image[(columns // (step // 2)) % 2 == 0] = other * 0.4 + base * 0.6
    return image + random.normal(0, random.uniform(3, 14), (SIDE, SIDE, 1)).astype(np.float32)


def _paving(random):
    image, base = np.zeros((SIDE, SIDE, 3), np.float32), paint(random, 0.12)
    count, spread = int(random.choice([4, 8, 16])), random.uniform(0.02, 0.12)
    h = SIDE // count
    for r in range(count):
        x = -int(random.integers(0, h)) if random.random() < 0.3 else -(r % 2) * h // 2
        while x < SIDE:
            w = h * (2 if random.random() < 0.5 else 1)
            image[r * h : (r + 1) * h, max(0, x) : x + w] = base * (1 + random.normal(0, spread))
            image[r * h : (r + 1) * h, max(0, x) : max(0, x + 2)] = base * 0.55
            x += w
        image[r * h : r * h + 2] = base * 0.55
    return image


def _ribs(random):
    """Grates, ribbed mats, decks."""
    base = paint(random, 0.15) * random.uniform(0.2, 1)
    step = int(random.choice([4, 8, 16, 32]))
    edge = (np.arange(SIDE) % step) / step
    image = np.ones((SIDE, SIDE, 3), np.float32) * base * (0.5 + 0.8 * np.abs(edge - 0.5))[:, None, None]
    if random.random() < 0.3:
        image *= (0.6 + 0.6 * np.abs(edge - 0.5))[None, :, None]
    return image


def _asphalt(random):
    image = np.full((SIDE, SIDE, 3), random.uniform(40, 130), np.float32) + random.normal(0, random.uniform(4, 22), (SIDE, SIDE, 1)).astype(np.float32)
    return image


def _parquet(random):
    """Herringbone or basket weave."""
    base = np.array([random.uniform(0.3, 0.6), random.uniform(0.5, 0.75), 1], np.float32) * random.uniform(60, 210)
    image = np.zeros((SIDE, SIDE, 3), np.float32)
    step = int(random.choice([32, 64]))
    strip = step // 4
    for r in range(0, SIDE, step):
        for c in range(0, SIDE, step):
            for k in range(4):
                tone = base * (1 + random.normal(0, 0.1))
                if (r // step + c // step) % 2:
                    image[r + k * strip : r + (k + 1) * strip, c : c + step] = tone
                    image[r + k * strip, c : c + step] *= 0.7
                else:
                    image[r : r + step, c + k * strip : c + (k + 1) * strip] = tone
                    image[r : r + step, c + k * strip] *= 0.7
    return image


FLOORS = (_tiles, _tiles, _tiles, _planks, _terrazzo, _concrete, _concrete, _carpet, _carpet, _paving, _paving, _ribs, _asphalt, _parquet)


def _wall(random):
    image = np.full((SIDE, SIDE, 3), paint(random, 0.2) * 0.4 + random.uniform(90, 150), np.float32)
    kind = random.random()
    if kind < 0.2:
        return _paving(random)
    if kind < 0.3:
        return _planks(random)
    if kind < 0.4:
        return _tiles(random)
    if kind < 0.55:
        image[int(SIDE * random.uniform(0.5, 0.8)) :] = paint(random)
    return image


def _goods(random):
    """The front of a shelf: rows of bottles, boxes, books, clothes on a rail."""
    image = np.full((SIDE, SIDE, 3), paint(random) * 0.4, np.float32)
    row = int(random.choice([32, 43, 64, 85]))
    same = paint(random) if random.random() < 0.25 else None
    for top in range(0, SIDE, row):
        x = 0
        clothes = random.random() < 0.2
        while x < SIDE:
            w = int(random.integers(3, 9)) if clothes else int(random.integers(4, 26))
            h = row - 6 if clothes else int(random.integers(row // 2, row - 4))
            for _ in range(int(random.integers(1, 4))):
                tone = paint(random, 0.6) if same is None else same * random.uniform(0.85, 1.1)
                image[top + row - h : top + row - 3, x : x + w] = tone
                if random.random() < 0.4:
                    image[top + row - h // 2 : top + row - h // 2 + h // 5, x : x + w] = paint(random)
                x += w + (random.random() < 0.3)
            x += int(random.integers(0, 5))
        image[top + row - 3 : top + row] = random.uniform(60, 230)
    return image


def _poster(random):
    """Shapes, letters, a product; sometimes a drawn face or figure, which is nobody."""
    image = np.ones((SIDE, SIDE, 3), np.uint8) * np.clip(paint(random, 0.6), 0, 255).astype(np.uint8)
    for _ in range(int(random.integers(1, 5))):
        tone = paint(random, 0.7).tolist()
        if random.random() < 0.5:
            cv2.ellipse(image, random.integers(0, SIDE, 2).tolist(), random.integers(15, 120, 2).tolist(), random.uniform(0, 180), 0, 360, tone, -1)
        else:
            cv2.fillPoly(image, [random.integers(0, SIDE, (int(random.integers(3, 6)), 2)).astype(np.int32)], tone)
    if random.random() < 0.45:
        x, y, r = int(random.integers(70, 190)), int(random.integers(60, 120)), int(random.integers(25, 60))
        skin = np.array([random.uniform(60, 200), random.uniform(90, 215), random.uniform(130, 240)])
        cv2.ellipse(image, (x, y + 3 * r), (2 * r, int(2.2 * r)), 0, 0, 360, paint(random, 0.6).tolist(), -1)
        cv2.ellipse(image, (x, y - r // 4), (int(r * 0.95), int(r * 1.15)), 0, 0, 360, (paint(random) * 0.4).tolist(), -1)
        cv2.ellipse(image, (x, y + r // 5), (int(r * 0.75), r), 0, 0, 360, skin.tolist(), -1)
        for side in (-1, 1):
            cv2.circle(image, (x + side * r // 3, y), max(2, r // 9), (30, 30, 30), -1)
        cv2.ellipse(image, (x, y + r // 2), (r // 3, r // 8), 0, 0, 180, (60, 60, 160), -1)
    for _ in range(int(random.integers(0, 4))):
        text = "".join(random.choice(list("ABCDEFGHIKLMNOPRSTUVWXYZ0123456789%-"), int(random.integers(2, 9))))
        cv2.putText(image, text, random.integers(0, SIDE - 60, 2).tolist(), cv2.FONT_HERSHEY_SIMPLEX, random.uniform(0.6, 2.6), paint(random, 0.6).tolist(), int(random.integers(1, 6)))
    return image


def _mat(random):
    image = _ribs(random) if random.random() < 0.5 else np.full((SIDE, SIDE, 3), paint(random, 0.3) * random.uniform(0.2, 1), np.float32)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if random.random() < 0.5:
        text = str(random.choice(["WELCOME", "HELLO", "SHOP", "BONJOUR", "24", "OPEN", "MARKET", "No 7"]))
        cv2.putText(image, text, (int(random.integers(5, 60)), int(random.integers(100, 200))), cv2.FONT_HERSHEY_SIMPLEX, random.uniform(1, 2), paint(random).tolist(), int(random.integers(2, 8)))
    if random.random() < 0.5:
        edge = int(random.integers(4, 20))
        image[:edge] = image[-edge:] = image[:, :edge] = image[:, -edge:] = paint(random) * 0.6
    return image


def _foliage(random):
    green = np.array([random.uniform(0.2, 0.6), 1, random.uniform(0.3, 0.9)], np.float32) * random.uniform(50, 150)
    image = np.full((SIDE, SIDE, 3), green * 0.5, np.float32)
    for _ in range(160):
        tone = (green * random.uniform(0.4, 1.7)).tolist()
        cv2.ellipse(image, random.integers(0, SIDE, 2).tolist(), (int(random.integers(4, 18)), int(random.integers(2, 7))), random.uniform(0, 180), 0, 360, tone, -1)
    return image


class Textures:
    """A bank of surfaces. photos: BGR pictures without people; they serve as posters and shop windows."""

    def __init__(self, random, photos=()):
        def draw(family, count, dirt=1.0):
            return [_finish(random, family[random.integers(len(family))](random), dirt) for _ in range(count)]

        self.floors = draw(FLOORS, 110)
        self.walls = draw((_wall,), 30)
        self.goods = draw((_goods,), 50, 0.2)
        self.posters = draw((_poster,), 50, 0.1)
        self.mats = draw((_mat,), 24)
        self.foliage = draw((_foliage,), 8, 0.2)
        if len(photos):
            chosen = random.choice(len(photos), min(80, len(photos)), replace=False)
            self.posters += [photos[i] for i in chosen[:40]]
            self.views = [photos[i] for i in chosen]
        else:
            self.views = self.posters

    def pick(self, random, bank):
        textures = getattr(self, bank)
        return textures[random.integers(len(textures))]
