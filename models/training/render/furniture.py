"""Things that stand about in shops, offices and stations: nobody, and often mistaken for somebody.

Each function gives a mesh around the origin on z = 0, a few dozen to a few hundred triangles.
"""

import numpy as np

from render.mesh import Material, align, box, cylinder, ellipsoid, grid, join, lathe, rectangle, tube
from render.people import pram, shopping_trolley
from render.textures import paint


def plain(random, vivid=0.35, gloss=None):
    return Material(tuple(paint(random, vivid) / 255), gloss=random.choice([0.0, 0.1, 0.4]) if gloss is None else gloss)


def metal(random):
    return Material(tuple(np.full(3, random.uniform(0.15, 0.85))), gloss=random.uniform(0.3, 0.8))


def shelf(random, textures, length=None, depth=0.4, height=None):
    """A gondola: goods on both faces, a top board."""
    length = length or random.uniform(1.0, 3.5)
    height = height or random.choice([1.3, 1.6, 2.0, 2.3]) * random.uniform(0.9, 1.1)
    front, back = (Material((1, 1, 1), textures.pick(random, "goods")) for _ in range(2))
    side = plain(random)
    repeats = (max(1, round(length / 1.2)), 1)
    parts = [
        rectangle((-length / 2, -depth / 2, 0.05), (length, 0, 0), (0, 0, height - 0.05), front, repeats),
        rectangle((length / 2, depth / 2, 0.05), (-length, 0, 0), (0, 0, height - 0.05), back, repeats),
        box((-length / 2, -depth / 2, 0), (-length / 2 + 0.03, depth / 2, height), side),
        box((length / 2 - 0.03, -depth / 2, 0), (length / 2, depth / 2, height), side),
        rectangle((-length / 2, -depth / 2, height), (length, 0, 0), (0, depth, 0), side if random.random() < 0.5 else front),
    ]
    # Steps that stick out towards the aisle give a shelf depth.
    for z in np.linspace(0.3, height - 0.2, int(random.integers(2, 5))):
        parts.append(box((-length / 2, -depth / 2 - 0.06, z), (length / 2, -depth / 2, z + 0.03), side))
    for _ in range(int(random.integers(0, 7))):
        parts.append(goods(random, textures, 0.12).moved((random.uniform(-length / 2 + 0.2, length / 2 - 0.2), random.uniform(-0.1, 0.1), height)))
    return join(parts)


def goods(random, textures, size=0.2):
    """One thing that is sold: a box, a bottle, a ball, a bowl, a hat."""
    kind, paint_ = random.random(), plain(random, 0.6)
    if kind < 0.4:
        half = random.uniform(0.3, 1, 3) * size
        return box((-half[0], -half[1], 0), (half[0], half[1], 2 * half[2]), paint_ if random.random() < 0.6 else Material((1, 1, 1), textures.pick(random, "posters")))
    if kind < 0.6:
        return lathe([(1e-3, 2 * size), (0.2 * size, 2 * size), (0.25 * size, 1.5 * size), (0.5 * size, 1.2 * size), (0.5 * size, 0)], paint_, 8)
    if kind < 0.75:
        return ellipsoid((0, 0, 0.6 * size), (0.6 * size,) * 3, paint_, 6, 10)
    if kind < 0.88:
        return lathe([(1e-3, 0.1 * size), (0.5 * size, 0.1 * size), (0.8 * size, 0.8 * size), (0.75 * size, 0.8 * size), (0.4 * size, 0)], paint_, 10)
    return lathe([(1e-3, 0.9 * size), (0.5 * size, 0.8 * size), (0.6 * size, 0.1 * size), (1.1 * size, 0.0)], paint_, 12)


def rack(random, textures):
    """Clothes on a rail: hangers with coats, which have shoulders and no heads."""
    length, high, frame = random.uniform(0.9, 1.8), random.uniform(1.3, 1.6), metal(random)
    parts = [tube([(-length / 2, 0, high), (length / 2, 0, high)], 0.015, frame)]
    parts += [tube([(x, 0, high), (x, 0, 0.02)], 0.015, frame) for x in (-length / 2, length / 2)]
    parts += [tube([(x, -0.25, 0.02), (x, 0.25, 0.02)], 0.015, frame) for x in (-length / 2, length / 2)]
    same = plain(random, 0.5)
    for x in np.arange(-length / 2 + 0.1, length / 2 - 0.05, random.uniform(0.07, 0.16)):
        cloth = same if random.random() < 0.3 else plain(random, 0.5, 0.0)
        wide, long = random.uniform(0.17, 0.24), random.uniform(0.6, 1.0)
        parts.append(grid([[(x, -0.03, high - 0.04), (x, 0.03, high - 0.04)], [(x + 0.02, -wide, high - 0.12), (x + 0.02, wide, high - 0.12)], [(x, -wide, high - long), (x, wide, high - long)]], cloth))
    return join(parts)


def round_rack(random, textures):
    parts, high, r = [cylinder(0.02, 1.35, metal(random), 6)], 1.35, random.uniform(0.35, 0.5)
    for angle in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        c, s = np.cos(angle), np.sin(angle)
        cloth = plain(random, 0.5, 0.0)
        parts.append(grid([[(0.12 * c, 0.12 * s, high), (r * c, r * s, high - 0.05)], [(0.12 * c, 0.12 * s, high - 0.8), (1.1 * r * c, 1.1 * r * s, high - 0.8)]], cloth))
    return join(parts)


def counter(random, textures):
    """A till: counter, screen, card reader."""
    w, d, h = random.uniform(1.0, 2.6), random.uniform(0.5, 0.8), random.uniform(0.85, 1.1)
    top, front = plain(random), Material((1, 1, 1), textures.pick(random, "walls")) if random.random() < 0.5 else plain(random)
    parts = [box((-w / 2, -d / 2, 0), (w / 2, d / 2, h), front), box((-w / 2 - 0.04, -d / 2 - 0.04, h), (w / 2 + 0.04, d / 2 + 0.04, h + 0.04), top)]
    if random.random() < 0.8:
        x = random.uniform(-w / 3, w / 3)
        parts += [box((x - 0.18, -0.02, h + 0.12), (x + 0.18, 0.02, h + 0.4), Material((0.05, 0.05, 0.05), emission=0.1)), box((x - 0.03, -0.03, h), (x + 0.03, 0.03, h + 0.2), metal(random))]
    for _ in range(int(random.integers(0, 5))):
        parts.append(goods(random, textures, 0.1).moved((random.uniform(-w / 2, w / 2) * 0.8, random.uniform(-d / 3, d / 3), h + 0.04)))
    return join(parts)


def display(random, textures):
    """A table with goods laid out."""
    w, d, h = random.uniform(0.7, 1.8), random.uniform(0.6, 1.2), random.uniform(0.6, 0.95)
    board = plain(random)
    parts = [box((-w / 2, -d / 2, h - 0.05), (w / 2, d / 2, h), board)]
    parts += [box((x - 0.03, y - 0.03, 0), (x + 0.03, y + 0.03, h), board) for x in (-w / 2 + 0.05, w / 2 - 0.05) for y in (-d / 2 + 0.05, d / 2 - 0.05)]
    size, step = random.uniform(0.08, 0.16), random.uniform(0.2, 0.4)
    for x in np.arange(-w / 2 + 0.15, w / 2 - 0.1, step):
        for y in np.arange(-d / 2 + 0.15, d / 2 - 0.1, step):
            if random.random() < 0.75:
                parts.append(goods(random, textures, size).moved((x, y, h)))
    return join(parts)


def pedestal_table(random, textures):
    """A round or square top on one leg with a star foot; detectors like to see somebody in it."""
    h, r, leg = random.choice([0.74, 1.08]) * random.uniform(0.95, 1.05), random.uniform(0.28, 0.45), metal(random)
    top = plain(random, 0.2)
    if random.random() < 0.65:
        parts = [lathe([(1e-3, h), (r, h), (r, h - 0.03), (1e-3, h - 0.03)], top, 16)]
    else:
        parts = [box((-r, -r, h - 0.03), (r, r, h), top)]
    parts.append(cylinder(random.uniform(0.02, 0.05), h - 0.03, leg, 8))
    if random.random() < 0.6:
        arms = int(random.integers(3, 6))
        for k in range(arms):
            angle = 2 * np.pi * k / arms
            parts.append(tube([(0, 0, 0.1), (0.3 * np.cos(angle), 0.3 * np.sin(angle), 0.02)], [0.03, 0.02], leg, 5))
    else:
        parts.append(lathe([(0.03, 0.05), (0.22, 0.02), (0.22, 0.0)], leg, 14))
    for _ in range(int(random.integers(0, 3))):
        parts.append(goods(random, textures, 0.07).moved((random.uniform(-0.15, 0.15), random.uniform(-0.15, 0.15), h)))
    return join(parts)


def chair(random, textures, paint_=None):
    m, leg = paint_ or plain(random), metal(random)
    parts = [box((-0.2, -0.2, 0.43), (0.2, 0.2, 0.47), m), box((-0.22, -0.2, 0.47), (-0.19, 0.2, random.uniform(0.75, 0.95)), m)]
    if random.random() < 0.4:
        parts.append(cylinder(0.025, 0.43, leg, 6))
        parts.append(lathe([(0.03, 0.06), (0.28, 0.03), (0.28, 0.0)], leg, 5))
        if random.random() < 0.5:  # a coat over the back
            parts.append(ellipsoid((-0.22, 0, 0.75), (0.08, 0.23, 0.25), plain(random, 0.3, 0.0), 5, 8))
    else:
        parts += [tube([(x, y, 0.45), (x * 1.1, y * 1.1, 0)], 0.014, leg, 4) for x in (-0.18, 0.18) for y in (-0.18, 0.18)]
    return join(parts)


def stool(random, textures):
    r, h = random.uniform(0.15, 0.22), random.uniform(0.45, 0.8)
    return join([lathe([(1e-3, h), (r, h), (r, h - 0.05), (0.03, h - 0.06), (0.03, 0.03), (r, 0.0)], plain(random), 12)])


def bin_(random, textures):
    """Round bins look like heads from above; so do bollards and lamps."""
    r, h = random.uniform(0.12, 0.3), random.uniform(0.3, 1.0)
    m = plain(random, 0.2)
    lid = random.random()
    if lid < 0.4:
        return lathe([(1e-3, h - 0.25), (r * 0.8, h - 0.25), (r * 0.85, h), (r, h), (r * 0.85, 0)], m, 14)
    if lid < 0.75:
        return join([lathe([(r, h), (r, 0)], m, 14), ellipsoid((0, 0, h), (r, r, r * random.uniform(0.2, 0.8)), plain(random, 0.2), 6, 14)])
    return box((-r, -r, 0), (r, r, h), m)


def bollard(random, textures):
    r, h = random.uniform(0.05, 0.12), random.uniform(0.5, 1.1)
    return join([cylinder(r, h, plain(random, 0.3), 10), ellipsoid((0, 0, h), (r * random.uniform(1, 1.4),) * 3, plain(random, 0.3), 5, 10)])


def plant(random, textures):
    pot, leaf = plain(random), Material((1, 1, 1), textures.pick(random, "foliage"), opacity=random.uniform(0.55, 1.0))
    r, h = random.uniform(0.12, 0.3), random.uniform(0.2, 0.5)
    parts = [lathe([(1e-3, h - 0.03), (r, h - 0.03), (r, h), (r * 0.7, 0)], pot, 10)]
    tall = random.uniform(0.4, 1.5)
    if random.random() < 0.5:
        for _ in range(int(random.integers(3, 9))):
            at = random.normal([0, 0, h + tall * 0.6], [0.18 * tall, 0.18 * tall, 0.2 * tall])
            parts.append(ellipsoid(at, random.uniform(0.06, 0.3, 3), leaf, 4, 7))
    else:
        for _ in range(int(random.integers(7, 18))):
            angle, out = random.uniform(0, 2 * np.pi), random.uniform(0.2, 0.6)
            c, s = np.cos(angle), np.sin(angle)
            parts.append(grid([[(0.02 * s, -0.02 * c, h), (-0.02 * s, 0.02 * c, h)], [(out * 0.6 * c + 0.08 * s, out * 0.6 * s - 0.08 * c, h + tall * 0.8), (out * 0.6 * c - 0.08 * s, out * 0.6 * s + 0.08 * c, h + tall * 0.8)], [(out * c, out * s, h + tall * random.uniform(0.5, 1))] * 2], leaf))
    return join(parts)


def tree(random, textures):
    leaf = Material((1, 1, 1), textures.pick(random, "foliage"), opacity=random.uniform(0.3, 0.7))
    tall = random.uniform(2.5, 5)
    parts = [cylinder(random.uniform(0.06, 0.15), tall, plain(random, 0.2), 7)]
    parts += [ellipsoid(random.normal([0, 0, tall], [0.6, 0.6, 0.5]), random.uniform(0.3, 1.0, 3), leaf, 5, 8) for _ in range(9)]
    return join(parts)


def barrier(random, textures):
    """Queue posts with belts."""
    post, belt = metal(random), plain(random, 0.7)
    count, gap = int(random.integers(2, 5)), random.uniform(1.0, 1.6)
    parts = []
    for i in range(count):
        parts.append(join([cylinder(0.03, 0.95, post, 8), lathe([(0.03, 0.04), (0.17, 0.02), (0.17, 0)], post, 12)]).moved(((i - (count - 1) / 2) * gap, 0, 0)))
    parts += [rectangle(((i - (count - 1) / 2) * gap, 0, 0.86), (gap, 0, 0), (0, 0, 0.05), belt) for i in range(count - 1)]
    return join(parts)


def antennas(random, textures):
    """Security gates at a shop's door."""
    m = Material(tuple(np.full(3, random.uniform(0.1, 0.9))), gloss=0.3, opacity=random.choice([1.0, 0.5]))
    return join([box((x - 0.04, -0.22, 0), (x + 0.04, 0.22, random.uniform(1.4, 1.65)), m) for x in (-0.85, 0.85)])


def turnstile(random, textures):
    m, arm = metal(random), metal(random)
    parts = [box((-0.12, -0.5, 0), (0.12, 0.5, 1.0), m)]
    return join(parts + [tube([(0.1, 0, 0.8), (0.6, 0, 0.8)], 0.02, arm), tube([(0.1, 0, 0.8), (0.3, 0.3, 0.5)], 0.02, arm)])


def a_frame(random, textures):
    """A sign on the floor."""
    face, h, w = Material((1, 1, 1), textures.pick(random, "posters")), random.uniform(0.6, 1.2), random.uniform(0.4, 0.7)
    return join([rectangle((-w / 2, y, 0), (w, 0, 0), (0, -y, h), face) for y in (-0.25, 0.25)])


def banner(random, textures):
    """A roll-up display, often with a drawn person on it."""
    h, w = random.uniform(1.6, 2.1), random.uniform(0.6, 1.0)
    face = Material((1, 1, 1), textures.pick(random, "posters"))
    return join([rectangle((-w / 2, 0, 0.08), (w, 0, 0), (0, 0, h), face), box((-w / 2, -0.1, 0), (w / 2, 0.1, 0.08), metal(random))])


def boxes(random, textures):
    parts = []
    for _ in range(int(random.integers(1, 6))):
        half = random.uniform([0.12, 0.12, 0.1], [0.45, 0.4, 0.4])
        m = Material(tuple(np.array([0.38, 0.52, 0.68]) * random.uniform(0.6, 1.25))) if random.random() < 0.6 else plain(random, 0.5)
        parts.append(box((-half[0], -half[1], 0), (half[0], half[1], 2 * half[2]), m).moved((*random.uniform(-0.5, 0.5, 2), 0), random.uniform(0, 3)))
    return join(parts)


def suitcase(random, textures):
    m = plain(random, 0.6)
    h = random.uniform(0.45, 0.75)
    return join([box((-0.14, -0.22, 0.04), (0.14, 0.22, h), m), tube([(0.1, -0.08, h), (0.1, -0.08, h + 0.35), (0.1, 0.08, h + 0.35), (0.1, 0.08, h)], 0.01, metal(random), 4)])


def ball(random, textures):
    """Balls, melons, pumpkins, round lamps: heads for a careless eye."""
    r = random.uniform(0.08, 0.2)
    high = random.choice([r, random.uniform(0.5, 1.7)])
    parts = [ellipsoid((0, 0, high), (r, r, r * random.uniform(0.8, 1.1)), plain(random, 0.4), 7, 12)]
    if high > r:
        parts.append(cylinder(0.02, high, metal(random), 5))
    return join(parts)


def coat_stand(random, textures):
    """Coats and a hat on hooks: clothes without anybody in them."""
    parts = [cylinder(0.025, 1.75, metal(random), 6), lathe([(0.03, 0.05), (0.25, 0)], metal(random), 8)]
    for k in range(int(random.integers(1, 5))):
        angle = k * 1.6 + random.uniform(0, 0.5)
        at = np.array([0.16 * np.cos(angle), 0.16 * np.sin(angle), random.uniform(1.15, 1.35)])
        parts.append(ellipsoid(at, (random.uniform(0.1, 0.17), random.uniform(0.1, 0.17), random.uniform(0.3, 0.45)), plain(random, 0.3, 0.0), 6, 8))
    if random.random() < 0.3:
        parts.append(lathe([(1e-3, 1.87), (0.08, 1.85), (0.1, 1.77), (0.17, 1.76)], plain(random, 0.3), 10))
    return join(parts)


def bench(random, textures):
    w, m = random.uniform(1.0, 2.0), plain(random)
    parts = [box((-w / 2, -0.2, 0.4), (w / 2, 0.2, 0.46), m), box((-w / 2, -0.18, 0), (-w / 2 + 0.06, 0.18, 0.4), m), box((w / 2 - 0.06, -0.18, 0), (w / 2, 0.18, 0.4), m)]
    if random.random() < 0.5:
        parts.append(box((-w / 2, 0.18, 0.46), (w / 2, 0.22, 0.85), m))
    return join(parts)


def machine(random, textures):
    """A vending machine, ticket machine, fridge or kiosk."""
    w, d, h = random.uniform(0.5, 1.0), random.uniform(0.3, 0.8), random.uniform(1.2, 2.0)
    front = Material((1, 1, 1), textures.pick(random, "goods" if random.random() < 0.6 else "posters"), emission=random.choice([0.0, 0.5]))
    return join([box((-w / 2, -d / 2, 0), (w / 2, d / 2, h), plain(random, 0.6)), rectangle((-w / 2 + 0.04, -d / 2 - 0.005, 0.3), (w - 0.08, 0, 0), (0, 0, h - 0.4), front)])


def cart(random, textures):
    """A cleaner's cart, or a robot that cleans by itself."""
    if random.random() < 0.4:
        return join([lathe([(1e-3, 0.11), (0.16, 0.1), (0.18, 0.06), (0.18, 0.0)], plain(random, 0.2), 14)])
    parts = [box((-0.4, -0.25, 0.1), (0.4, 0.25, 0.35), plain(random, 0.5)), box((0.1, -0.22, 0.35), (0.4, 0.22, 0.95), plain(random, 0.6))]
    parts.append(tube([(-0.3, 0, 0.35), (-0.35, 0.05, 1.4)], 0.015, plain(random, 0.6), 4))
    return join(parts)


def bicycle(random, textures):
    tyre, frame = Material((0.06, 0.06, 0.06)), plain(random, 0.6)
    ring = lathe([(0.34, 0.02), (0.34, -0.02), (0.31, -0.02), (0.31, 0.02), (0.34, 0.02)], tyre, 14).turned(align((0, 0, 1), (0, 1, 0)))
    parts = [ring.moved((x, 0, 0.34)) for x in (-0.52, 0.52)]
    parts.append(tube([(-0.52, 0, 0.34), (-0.1, 0, 0.3), (0.4, 0, 0.8), (-0.2, 0, 0.75), (-0.1, 0, 0.3)], 0.018, frame, 4))
    return join(parts + [tube([(0.42, -0.25, 1.0), (0.42, 0.25, 1.0)], 0.015, tyre, 4), ellipsoid((-0.22, 0, 0.9), (0.13, 0.07, 0.04), tyre, 4, 6)])


def trolley_row(random, textures):
    one = shopping_trolley(random, _Fabric)
    return join([one.moved((0.3 * i, 0, 0)) for i in range(int(random.integers(2, 6)))])


def pram_alone(random, textures):
    return pram(random, _Fabric)


class _Fabric:
    """What the pushed things of people.py ask a Cast for."""

    @staticmethod
    def cloth(random, colour=None):
        return plain(random, 0.4, 0.0) if colour is None else Material(tuple(colour))


SHOP = (shelf, shelf, rack, rack, round_rack, display, display, counter, boxes, banner, goods, coat_stand, bin_, ball)
CAFE = (pedestal_table, pedestal_table, pedestal_table, chair, chair, stool, plant, bench, coat_stand)
OPEN = (bin_, bollard, plant, bench, barrier, a_frame, banner, machine, cart, suitcase, pedestal_table, tree, bicycle, boxes, ball, pram_alone, trolley_row)
ENTRANCE = (antennas, bin_, plant, a_frame, banner, barrier, trolley_row, cart, boxes, machine, bollard, pedestal_table, pram_alone, stool, ball)
OFFICE = (counter, chair, chair, pedestal_table, plant, coat_stand, boxes, bin_, machine, display)
