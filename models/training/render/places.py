"""Where people are counted: entrances above all, and the rooms behind and before them.

A place is drawn around its main doorway: the wall y = 0, the opening around x = 0, inside y > 0. Openings are holes, so
daylight falls through them as it would; the ceiling keeps the sun out. People know the place by its routes (polylines
they walk) and its obstacles (footprints nobody stands in).
"""

from dataclasses import dataclass

import numpy as np

from render import furniture
from render.furniture import metal, plain
from render.mesh import Material, box, grid, join, lathe, rectangle, tube

GLASS = Material((0.75, 0.8, 0.78), gloss=0.6, opacity=0.22)


@dataclass
class Place:
    kind: str
    mesh: object
    ceiling_m: float | None
    bounds: tuple
    obstacles: np.ndarray
    routes: list
    lamps: list
    sunlit: bool
    stands: list
    mirrors: list
    floor_shine: float
    slope: tuple | None = None  # (y from, y to, height in metres): stairs and escalators rise along +y

    def height_at(self, x, y):
        """Height of the floor in metres at points."""
        y = np.asarray(y, float)
        if self.slope is None:
            return np.zeros(len(y))
        y0, y1, rise = self.slope
        return np.clip((y - y0) / (y1 - y0), 0, 1) * rise


class _Builder:
    """Collects meshes and footprints while a place is put up."""

    def __init__(self, random, textures):
        self.random, self.textures = random, textures
        self.parts, self.obstacles, self.stands, self.mirrors, self.lamps, self.routes = [], [], [], [], [], []

    def texture(self, bank, colour=(1.0, 1.0, 1.0), **more):
        return Material(colour, self.textures.pick(self.random, bank), **more)

    def floor(self, x0, y0, x1, y1, z=0.0, bank="floors", metres=None):
        metres = metres or self.random.uniform(0.8, 5.0)
        turn = self.random.random() < 0.15
        material = self.texture(bank, gloss=self.random.choice([0.0, 0.2, 0.4]))
        if turn:  # diagonal laying
            at = np.array([[x0, y1], [x1, y1], [x0, y0], [x1, y0]])
            uv = (at @ np.array([[1, 1], [-1, 1]]) / metres / 1.414).astype(np.float32)
            flat = rectangle((x0, y0, z), (x1 - x0, 0, 0), (0, y1 - y0, 0), material)
            self.parts.append(type(flat)(flat.vertices, uv, flat.triangles, flat.material, flat.materials))
        else:
            self.parts.append(rectangle((x0, y0, z), (x1 - x0, 0, 0), (0, y1 - y0, 0), material, ((x1 - x0) / metres, (y1 - y0) / metres)))

    def patch(self, x, y, w, d, material, z=0.004):
        """Something flat on the floor: mat, tape, stain, sticker."""
        self.parts.append(rectangle((x - w / 2, y - d / 2, z), (w, 0, 0), (0, d, 0), material))

    def wall(self, a, b, height, material=None, holes=(), thickness=0.12, metres=None):
        """Wall from a to b (xy). holes: (from, to, top, bottom) in metres along it."""
        random = self.random
        material = material or self.texture("walls")
        metres = metres or random.uniform(1.0, 4.0)
        a, b = np.asarray(a, float), np.asarray(b, float)
        along = (b - a) / np.linalg.norm(b - a)
        normal = np.array([-along[1], along[0]]) * thickness

        def piece(s0, s1, z0, z1):
            if s1 - s0 < 1e-3 or z1 - z0 < 1e-3:
                return
            p, q = a + along * s0, a + along * s1
            step = np.append(q - p, 0)
            repeats = ((s1 - s0) / metres, (z1 - z0) / metres)
            for side in (np.zeros(2), normal):
                self.parts.append(rectangle((*(p + side), z0), step, (0, 0, z1 - z0), material, repeats))
            self.parts.append(rectangle((*p, z1), step, (*normal, 0), material, repeats))
            for edge in (p, q):
                self.parts.append(rectangle((*edge, z0), (*normal, 0), (0, 0, z1 - z0), material))
            if z0 > 0.05:
                self.parts.append(rectangle((*p, z0), step, (*normal, 0), material, repeats))

        at = 0.0
        for start, end, top, bottom in sorted(holes):
            piece(at, start, 0, height)
            piece(start, end, top, height)
            piece(start, end, 0, bottom)
            at = end
        piece(at, float(np.linalg.norm(b - a)), 0, height)

    def thing(self, make, x, y, yaw=None, margin=0.05):
        """Furniture with its footprint; refused where something stands or a route passes."""
        yaw = self.random.choice([0, np.pi / 2, np.pi, -np.pi / 2]) if yaw is None else yaw
        mesh = make(self.random, self.textures).moved((x, y, 0), yaw + self.random.normal(0, 0.06))
        low, high = mesh.vertices[:, :2].min(0) - margin, mesh.vertices[:, :2].max(0) + margin
        for x0, y0, x1, y1 in self.obstacles:
            if low[0] < x1 and high[0] > x0 and low[1] < y1 and high[1] > y0:
                return
        for route in self.routes:
            for p, q in zip(route[:-1], route[1:]):
                for share in np.linspace(0, 1, 9):
                    at = p + (q - p) * share
                    if (at > low - 0.3).all() and (at < high + 0.3).all():
                        return
        self.parts.append(mesh)
        self.obstacles.append((*low, *high))

    def scatter(self, family, count, x0, y0, x1, y1):
        for _ in range(count):
            self.thing(family[self.random.integers(len(family))], self.random.uniform(x0, x1), self.random.uniform(y0, y1))

    def marks(self, x0, y0, x1, y1):
        """Mats, tape, stickers, wet patches, gratings, light that lies on the floor."""
        random = self.random
        for _ in range(int(random.integers(0, 6))):
            x, y, kind = random.uniform(x0, x1), random.uniform(y0, y1), random.random()
            if kind < 0.35:
                self.patch(x, y, *random.uniform(0.4, 2.2, 2), self.texture("mats"))
            elif kind < 0.6:
                tone = Material(((0.1, 0.8, 0.9), (0.9, 0.9, 0.9), (0.1, 0.1, 0.1), (0.1, 0.1, 0.8))[random.integers(4)])
                length, width = random.uniform(0.5, 4), random.uniform(0.03, 0.12)
                self.patch(x, y, *((length, width) if random.random() < 0.5 else (width, length)), tone)
            elif kind < 0.75:
                r = random.uniform(0.08, 0.5)
                self.parts.append(lathe([(1e-3, 0.005), (r, 0.005)], self.texture("posters") if random.random() < 0.5 else plain(random), 14).moved((x, y, 0)))
            elif kind < 0.9:
                self.patch(x, y, *random.uniform(0.2, 1.2, 2), Material(tuple(np.full(3, random.uniform(0.02, 0.3))), gloss=0.5, opacity=0.5))
            else:
                self.patch(x, y, *random.uniform(0.3, 1.5, 2), self.texture("posters"))

    def posters(self, x0, x1, y, height, facing):
        """Pictures and signs on the wall along x at y; facing: +1 towards +y."""
        for _ in range(int(self.random.integers(0, 4))):
            w, h = self.random.uniform(0.4, 1.6), self.random.uniform(0.5, 1.8)
            if height < h + 0.4 or x1 - x0 < w:
                continue
            x, z = self.random.uniform(x0, x1), self.random.uniform(0.3, height - h)
            face = self.texture("posters", emission=self.random.choice([0.0, 0.0, 0.5]))
            self.parts.append(rectangle((x, y + facing * 0.02, z), (-facing * w, 0, 0), (0, 0, h), face))

    def ceiling(self, x0, y0, x1, y1, z):
        material = Material(tuple(np.full(3, self.random.uniform(0.3, 0.95))))
        self.parts.append(box((x0, y0, z), (x1, y1, z + 0.1), material))
        self.light(x0, y0, x1, y1, z)

    def light(self, x0, y0, x1, y1, z):
        tone = np.clip(1 + self.random.normal(0, 0.06, 3), 0.7, 1.1)
        power = self.random.uniform(0.3, 1.0)
        for _ in range(int(self.random.integers(2, 6))):
            x, y = self.random.uniform(x0 + 0.3, x1 - 0.3), self.random.uniform(max(y0, -1) + 0.3, y1 - 0.3)
            self.lamps.append((x, y, z - 0.05, power * self.random.uniform(0.6, 1.4), tuple(tone)))
            glow = Material((1, 1, 1), emission=3.0)
            half = (0.6, 0.08) if self.random.random() < 0.5 else (0.15, 0.15)
            self.parts.append(box((x - half[0], y - half[1], z - 0.04), (x + half[0], y + half[1], z - 0.02), glow))

    def route(self, *points):
        self.routes.append(np.array(points, float))

    def done(self, kind, ceiling_m, bounds, sunlit, shine=0.0, slope=None):
        obstacles = np.array(self.obstacles, float).reshape(-1, 4)
        return Place(kind, join(self.parts), ceiling_m, bounds, obstacles, self.routes, self.lamps, sunlit, self.stands, self.mirrors, shine, slope)


def _shine(random):
    return float(random.uniform(0.05, 0.4)) if random.random() < 0.4 else 0.0


def _door_leaves(b, half, top):
    """What fills a doorway: nothing, sliding glass, a leaf that stands open, a revolving cross."""
    random, kind = b.random, b.random.random()
    frame = metal(random)
    for x in (-half, half):
        b.parts.append(box((x - 0.04, -0.04, 0), (x + 0.04, 0.16, top), frame))
    if kind < 0.35:  # sliding, open by a share
        open_share = random.uniform(0.55, 1.0)
        for side in (-1, 1):
            x0, x1 = side * half * open_share, side * half * (1 + open_share)
            b.parts.append(rectangle((x0, 0.06, 0.02), (x1 - x0, 0, 0), (0, 0, top - 0.02), GLASS))
            b.parts.append(box((x0 - 0.02, 0.04, 0), (x0 + 0.02, 0.08, top), frame))
            b.obstacles.append((min(x0, x1), 0.0, max(x0, x1), 0.12))
    elif kind < 0.6:  # hinged, open
        for side in ((-1, 1) if half > 0.7 else (-1,)):
            angle = random.uniform(0.9, 1.9)
            along = np.array([-side * np.cos(angle), np.sin(angle) * random.choice([-1, 1]), 0]) * (half if half > 0.7 else 2 * half)
            m = GLASS if random.random() < 0.6 else plain(random)
            b.parts.append(rectangle((side * half, 0.06, 0.02), along, (0, 0, top - 0.02), m))
            b.parts.append(tube([(side * half + along[0], along[1] + 0.06, 0), (side * half + along[0], along[1] + 0.06, top)], 0.03, frame, 4))
    elif kind < 0.67 and half > 0.8:  # revolving
        turn = random.uniform(0, np.pi / 2)
        for k in range(4):
            c, s = np.cos(turn + k * np.pi / 2) * half, np.sin(turn + k * np.pi / 2) * half
            b.parts.append(rectangle((0, 0.06, 0.05), (c, s, 0), (0, 0, top - 0.1), GLASS))
        b.parts.append(tube([(0, 0.06, 0), (0, 0.06, top)], 0.04, frame, 6))


def _entrance(random, textures):
    """A shop's door: wall with an opening, shop window, floor inside and outside, furniture by kind of shop."""
    b = _Builder(random, textures)
    half = random.choice([random.uniform(0.45, 0.7), random.uniform(0.7, 1.3), random.uniform(1.3, 3.0)])
    top, height = random.uniform(2.0, 2.6), random.choice([random.uniform(2.5, 3.2), random.uniform(3.0, 4.5)])
    wide, deep, out = random.uniform(2.5, 6), random.uniform(3.5, 9), random.uniform(2.0, 6)
    wide = max(wide, half + 0.6)
    mall = random.random() < 0.4
    b.floor(-wide, 0.05, wide, deep)
    b.floor(-wide - 4, -out - 3, wide + 4, 0.05, bank="floors")
    lanes = max(1, int(half / 0.45))
    for lane in np.linspace(-half + 0.35, half - 0.35, lanes) if lanes > 1 else [0.0]:
        turn = random.uniform(-1, 1) * wide * 0.7
        b.route((lane + random.normal(0, 0.5), -out), (lane, -0.5), (lane, 0.7), (np.clip(lane + turn, -wide + 0.5, wide - 0.5), deep - 0.5))
    if random.random() < 0.6:
        b.route((-wide - 3, -random.uniform(0.8, out)), (wide + 3, -random.uniform(0.8, out)))  # passers-by
    holes = [(wide + 3 - half, wide + 3 + half, top, 0.0)]
    room = wide - half
    if room > 1.2 and random.random() < 0.75:  # shop windows beside the door
        for side in (-1, 1):
            x0, x1 = (half + 0.25, wide - 0.2)
            sill, head = random.uniform(0.1, 0.9), top
            holes.append((wide + 3 + x0, wide + 3 + x1, head, sill) if side > 0 else (wide + 3 - x1, wide + 3 - x0, head, sill))
            b.parts.append(rectangle((side * x0, 0.06, sill), (side * (x1 - x0), 0, 0), (0, 0, head - sill), GLASS))
            for x in np.arange(x0 + 0.3, x1 - 0.2, 0.8):
                if random.random() < 0.5:
                    b.stands.append((side * x, 0.5, 0.0, -np.pi / 2))
            b.obstacles.append((side * x0 if side > 0 else -x1, 0.1, x1 if side > 0 else -x0, 0.85))
    b.wall((-wide - 3, 0), (wide + 3, 0), height, holes=holes)
    _door_leaves(b, half, top)
    for x in (-wide, wide):
        b.wall((x, 0.1), (x, deep), height)
    b.wall((-wide, deep), (wide, deep), height)
    b.posters(-wide, wide, deep, height, -1)
    b.posters(-wide, -half - 1.2, 0.12, height, 1)
    if random.random() < 0.8:
        b.patch(0, random.choice([0.6, 0.8, -0.6]), min(2 * half, random.uniform(0.9, 3)), random.uniform(0.6, 1.4), b.texture("mats"))
    b.marks(-wide, 0.2, wide, deep)
    b.marks(-wide, -out, wide, 0)
    if random.random() < 0.12:
        along, up = np.array([0, random.uniform(0.6, 2.0), 0]), np.array([0, 0, random.uniform(1.2, 1.9)])
        side = random.choice([-1, 1])
        corner = np.array([side * (wide - 0.03), random.uniform(1, deep - 2), 0.1])
        b.parts.append(rectangle(corner, along, up, Material((0.5, 0.5, 0.5))))
        b.mirrors.append((corner, along, up))
    family = [furniture.SHOP, furniture.CAFE, furniture.OPEN, furniture.OFFICE][random.choice(4, p=[0.55, 0.2, 0.15, 0.1])]
    b.scatter(furniture.ENTRANCE, int(random.integers(0, 5)), -wide, 0.4, wide, 2.5)
    b.scatter(family, int(random.integers(2, 14)), -wide + 0.4, 1.5, wide - 0.4, deep - 0.3)
    b.scatter(furniture.OPEN, int(random.integers(0, 4)), -wide - 2, -out, wide + 2, -0.8)
    for _ in range(int(random.integers(0, 4))):
        b.stands.append((random.uniform(-wide + 0.5, wide - 0.5), random.uniform(1.5, deep - 0.5), 0.0, random.uniform(0, 6.28)))
    b.ceiling(-wide, 0.1, wide, deep, height)
    if mall:
        b.ceiling(-wide - 4, -out - 3, wide + 4, -0.02, height + random.uniform(0, 1.5))
        b.wall((-wide - 4, -out - 1.5), (wide + 4, -out - 1.5), height)
        b.posters(-wide - 3, wide + 3, -out - 1.36, height, 1)
    else:
        for _ in range(2):  # the street's own light, by night
            b.lamps.append((random.uniform(-3, 3), -out * 0.6, 5.0, random.uniform(0.2, 0.8), (0.7, 0.85, 1.0)))
    return b.done("entrance", height, (-wide + 0.2, -out, wide - 0.2, deep - 0.2), not mall, _shine(random))


def _vehicle_door(random, textures):
    """A wide door of a train, tram or lift, seen from the ceiling above it: bright on one side, dark on the other."""
    b = _Builder(random, textures)
    half, top, height = random.uniform(0.6, 1.2), random.uniform(1.9, 2.2), random.uniform(2.3, 3.2)
    b.floor(-5, -6, 5, -0.05)
    b.floor(-5, 0.05, 5, 5)
    b.patch(0, 0, 2 * half, 0.14, metal(random), 0.01)
    b.patch(0, -0.35 if random.random() < 0.5 else 0.4, 2 * half + random.uniform(0, 3), random.uniform(0.1, 0.35), plain(random, 0.8))
    for lane in (-half * 0.45, half * 0.45):
        b.route((lane + random.normal(0, 1.2), -4), (lane, -0.4), (lane, 0.6), (lane + random.normal(0, 1.2), 3.5))
    door = plain(random, 0.7)
    holes = [(5 - half, 5 + half, top, 0.0)]
    for x in (-half - 1.6, half + 0.6):  # windows beside the doors
        if random.random() < 0.8:
            holes.append((5 + x, 5 + x + 1.0, random.uniform(1.6, 2.0), random.uniform(0.8, 1.1)))
            b.parts.append(rectangle((x, 0.05, 0.8), (1.0, 0, 0), (0, 0, 1.0), GLASS))
    b.wall((-5, 0), (5, 0), height, material=door if random.random() < 0.6 else None, holes=holes)
    for side in (-1, 1):
        b.parts.append(box((side * half - 0.05, -0.06, 0), (side * half + 0.05, 0.18, top), metal(random)))
        b.parts.append(tube([(side * (half + 0.1), 0.4, 0.1), (side * (half + 0.1), 0.4, 2.0)], 0.018, metal(random), 5))
    b.scatter((furniture.bench, furniture.chair), int(random.integers(0, 6)), -4, 1.2, 4, 4)
    b.scatter(furniture.OPEN, int(random.integers(0, 4)), -4, -5, 4, -1.2)
    b.marks(-4, -5, 4, 0)
    if random.random() < 0.7:
        b.ceiling(-5, 0.1, 5, 5, height)
    b.light(-3, -5, 3, 0, height)
    return b.done("platform_door", height, (-4.5, -5, 4.5, 4.5), True, _shine(random))


def _aisle(random, textures):
    """Between shelves."""
    b = _Builder(random, textures)
    gap, rows, long, height = random.uniform(1.2, 2.4), int(random.integers(2, 5)), random.uniform(4, 9), random.uniform(2.6, 5)
    wide = rows * (gap + 0.5) / 2 + 1
    b.floor(-wide - 1, -2, wide + 1, long + 2)
    for i in range(rows + 1):
        x = (i - rows / 2) * (gap + 0.5)
        mesh = furniture.shelf(random, textures, long * random.uniform(0.8, 1), 0.5).moved((x, long / 2, 0), np.pi / 2)
        b.parts.append(mesh)
        b.obstacles.append((x - 0.3, 0.1, x + 0.3, long - 0.1))
        if i < rows:
            middle = x + (gap + 0.5) / 2
            b.route((middle, -1.5), (middle, long + 1.5))
    b.route((-wide, -1), (wide, -1))
    b.marks(-wide, -2, wide, long + 2)
    b.scatter(furniture.SHOP, int(random.integers(0, 5)), -wide, long + 0.2, wide, long + 2)
    b.scatter(furniture.SHOP + furniture.OPEN, int(random.integers(0, 4)), -wide, -2, wide, -0.2)
    b.stands.append((random.uniform(-wide, wide), long + 1.2, 0, -np.pi / 2))
    for y in (-2, long + 2):
        b.wall((-wide - 1, y), (wide + 1, y), height)
    b.ceiling(-wide - 1, -2, wide + 1, long + 2, height)
    return b.done("aisle", height, (-wide, -1.9, wide, long + 1.9), False, _shine(random))


def _hall(random, textures):
    """A wide floor: mall corridor, lobby, atrium, warehouse; high, with islands of furniture."""
    b = _Builder(random, textures)
    wide, deep, height = random.uniform(3, 9), random.uniform(5, 12), random.choice([random.uniform(2.8, 4), random.uniform(4, 8.5)])
    b.floor(-wide, -2, wide, deep)
    for _ in range(int(random.integers(2, 5))):
        b.route((random.uniform(-wide, wide), -1.8), (random.uniform(-wide, wide) * 0.6, deep / 2), (random.uniform(-wide, wide), deep - 0.3))
    for _ in range(int(random.integers(0, 3))):  # fields of another floor
        x, y = random.uniform(-wide, wide), random.uniform(0, deep)
        b.patch(x, y, *random.uniform(0.8, 4, 2), b.texture("floors"))
    b.marks(-wide, -2, wide, deep)
    family = [furniture.OPEN, furniture.CAFE, furniture.SHOP, furniture.OFFICE][random.integers(4)]
    b.scatter(family, int(random.integers(2, 18)), -wide, -1.5, wide, deep - 0.5)
    for _ in range(int(random.integers(0, 4))):
        x, y, r = random.uniform(-wide, wide), random.uniform(0, deep), random.uniform(0.15, 0.35)
        b.parts.append(lathe([(r, height), (r, 0)], plain(random, 0.1), 12).moved((x, y, 0)))
        b.obstacles.append((x - r, y - r, x + r, y + r))
    for x in (-wide, wide):
        b.wall((x, -2), (x, deep), min(height, 4))
    b.wall((-wide, deep), (wide, deep), min(height, 4), holes=[(wide - 1.2, wide + 1.2, 2.3, 0.0)])
    b.posters(-wide, wide, deep, 3.0, -1)
    for _ in range(int(random.integers(0, 3))):
        b.stands.append((random.uniform(-wide, wide), random.uniform(0, deep), 0, random.uniform(0, 6.28)))
    b.ceiling(-wide, -2, wide, deep, height)
    return b.done("hall", height, (-wide + 0.2, -1.9, wide - 0.2, deep - 0.2), random.random() < 0.3, _shine(random))


def _outdoors(random, textures):
    """Pavement, square or car park under the open sky."""
    b = _Builder(random, textures)
    wide, deep = random.uniform(6, 12), random.uniform(8, 14)
    b.floor(-wide, -3, wide, deep)
    for _ in range(int(random.integers(0, 3))):
        x = random.uniform(-wide, wide)
        b.patch(x, deep / 2 - 1.5, random.uniform(1, 4), deep + 3, b.texture("floors"))
    for _ in range(int(random.integers(2, 5))):
        b.route((random.uniform(-wide, wide) * 0.8, -2.5), (random.uniform(-wide, wide) * 0.8, deep - 0.5))
    b.marks(-wide, -3, wide, deep)
    b.scatter(furniture.OPEN, int(random.integers(1, 12)), -wide, -2, wide, deep)
    if random.random() < 0.5:
        b.wall((-wide, deep), (wide, deep), random.uniform(3, 6), holes=[(wide - 1, wide + 1, 2.3, 0.0)])
    b.lamps += [(random.uniform(-wide, wide), random.uniform(0, deep), 5.0, random.uniform(0.3, 1.2), (0.7, 0.85, 1.0)) for _ in range(3)]
    return b.done("street", None, (-wide + 0.3, -2.8, wide - 0.3, deep - 0.3), True, 0.0)


def _stairs(random, textures):
    """Stairs or an escalator that rises along +y, with rails."""
    b = _Builder(random, textures)
    moving, half, rise = random.random() < 0.5, random.uniform(0.5, 2.5), random.uniform(1.0, 3.0)
    if moving:
        half = 0.5
    run, height = rise * random.uniform(1.5, 2.2), rise + random.uniform(2.5, 4)
    lanes = int(random.integers(1, 4)) if moving else 1
    b.floor(-6, -4, 6, 0)
    steps = int(rise / 0.18) + 1
    tread, riser = b.texture("floors"), plain(random, 0.1)
    for lane in range(lanes):
        x = (lane - (lanes - 1) / 2) * 1.6
        edge = Material(((0.1, 0.7, 0.85) if random.random() < 0.5 else (0.3, 0.3, 0.3)))
        for k in range(steps):
            y, z = run * k / steps, rise * (k + 1) / steps
            b.parts.append(rectangle((x - half, y, z - rise / steps), (2 * half, 0, 0), (0, 0, rise / steps), riser))
            b.parts.append(rectangle((x - half, y, z), (2 * half, 0, 0), (0, run / steps, 0), tread, (2 * half, 0.3)))
            b.parts.append(rectangle((x - half, y, z + 0.002), (2 * half, 0, 0), (0, 0.04, 0), edge))
        rail = plain(random, 0.1)
        for side in (-1, 1):
            s = x + side * (half + 0.08)
            if moving:
                panel = GLASS if random.random() < 0.5 else metal(random)
                b.parts.append(grid([[(s, -0.6, 0.9), (s, run + 0.6, rise + 0.9)], [(s, -0.6, 0), (s, run + 0.6, rise)]], panel))
                b.parts.append(box((s - 0.25, -0.6, 0.0), (s + 0.25, 0.0, 0.05), metal(random)))
            b.parts.append(tube([(s, -0.6, 0.95), (s, run + 0.6, rise + 0.95)], 0.04, rail, 5))
            b.obstacles.append((s - 0.1, -0.6, s + 0.1, run + 0.6))
        b.route((x + random.normal(0, 0.5), -3), (x, -0.3), (x, run + 0.3), (x, run + 3))
        if half > 1:
            b.route((x + half * 0.6, -3), (x + half * 0.6, run + 3))
    b.floor(-6, run, 6, run + 4, rise)
    b.marks(-5, -4, 5, -0.5)
    b.scatter(furniture.OPEN, int(random.integers(0, 4)), -5, -4, 5, -0.8)
    for x in (-6, 6):
        b.wall((x, -4), (x, run + 4), height)
    if random.random() < 0.7:
        b.ceiling(-6, -4, 6, run + 4, height)
    else:
        b.light(-5, -3, 5, run + 3, height)
    return b.done("escalator" if moving else "stairs", height, (-half * lanes - 1, -3.8, half * lanes + 1, run + 3.5), random.random() < 0.4, _shine(random), (0.0, run, rise))


def _cafe(random, textures):
    """Tables and chairs, close together."""
    b = _Builder(random, textures)
    wide, deep, height = random.uniform(3, 6), random.uniform(4, 8), random.uniform(2.6, 5)
    b.floor(-wide, 0, wide, deep)
    b.route((0, 0.3), (random.uniform(-1, 1), deep / 2), (random.uniform(-wide, wide) * 0.7, deep - 0.4))
    paint_ = plain(random)
    for x in np.arange(-wide + 0.8, wide - 0.5, random.uniform(1.5, 2.2)):
        for y in np.arange(1.0, deep - 0.5, random.uniform(1.5, 2.2)):
            if random.random() < 0.75:
                b.thing(furniture.pedestal_table, x, y)
                for angle in random.permutation(4)[: int(random.integers(1, 4))] * np.pi / 2:
                    b.thing(lambda r, t: furniture.chair(r, t, paint_), x + 0.72 * np.cos(angle), y + 0.72 * np.sin(angle), angle + np.pi, -0.1)
    b.scatter(furniture.CAFE, int(random.integers(0, 6)), -wide, 0.5, wide, deep)
    b.wall((-wide, 0), (wide, 0), height, holes=[(wide - 0.9, wide + 0.9, 2.2, 0.0)])
    b.wall((-wide, deep), (wide, deep), height)
    for x in (-wide, wide):
        b.wall((x, 0), (x, deep), height)
    b.posters(-wide, wide, deep, height, -1)
    b.marks(-wide, 0, wide, deep)
    b.ceiling(-wide, 0, wide, deep, height)
    return b.done("cafe", height, (-wide + 0.2, 0.2, wide - 0.2, deep - 0.2), True, _shine(random))


def _empty_floor(random, textures):
    """Only a floor, as a camera straight above sees it: the simplest and the most common view of all."""
    b = _Builder(random, textures)
    half = random.uniform(3, 7)
    b.floor(-half, -half, half, half)
    if random.random() < 0.6:
        y = random.uniform(-1, 1)
        b.floor(-half, y, half, half, 0.003)
    b.route((random.uniform(-2, 2), -half), (random.uniform(-2, 2), half))
    b.route((-half, random.uniform(-2, 2)), (half, random.uniform(-2, 2)))
    b.marks(-half, -half, half, half)
    b.scatter(furniture.ENTRANCE + furniture.OPEN + furniture.SHOP + furniture.CAFE, int(random.integers(0, 7)), -half, -half, half, half)
    b.stands.append((random.uniform(-2, 2), random.uniform(-2, 2), 0, random.uniform(0, 6.28)))
    height = random.uniform(2.5, 5)
    if random.random() < 0.6:
        b.ceiling(-half, -half, half, half, height)
    else:
        b.light(-3, -3, 3, 3, height)
    return b.done("floor", height, (-half + 0.3, -half + 0.3, half - 0.3, half - 0.3), False, _shine(random))


KINDS = {
    "entrance": (_entrance, 0.42), "platform_door": (_vehicle_door, 0.08), "aisle": (_aisle, 0.08), "hall": (_hall, 0.12),
    "street": (_outdoors, 0.07), "stairs": (_stairs, 0.07), "cafe": (_cafe, 0.05), "floor": (_empty_floor, 0.11),
}  # fmt: skip


def make_place(random, textures, kind=None):
    """A random place; kind is one of KINDS."""
    if kind is None:
        shares = np.array([share for _, share in KINDS.values()])
        kind = list(KINDS)[random.choice(len(KINDS), p=shares / shares.sum())]
    return KINDS[kind][0](random, textures)
