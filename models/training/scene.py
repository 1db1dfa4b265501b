"""One rendered picture: a room, things, people, a camera, light, and the exact boxes of the people.

The room (floor, walls) is found by a ray per pixel and textured; bodies and things are painted as flat shaded
triangles, far ones first, on a canvas of twice the size. The canvas carries a fourth channel with the number of
the person, so visibility is a count of pixels.
"""

import cv2
import numpy as np

import bodies
from bodies import BAG, FOREARM, HAIR, HAND, HAT, LONG_HAIR, SHIN, SHOE, SKIN, SKIRT, THIGH, TORSO, UPPER_ARM
from net import FRAME_HEIGHT_PX, FRAME_WIDTH_PX

SUPER = 2
WIDTH, HEIGHT = FRAME_WIDTH_PX * SUPER, FRAME_HEIGHT_PX * SUPER
VISIBLE_MIN = 0.35  # a person hidden further than this is no label: nobody could box it
NEAR_M = 0.2
PEOPLE_MAX = 10


class Camera:
    """Pinhole at (0, 0, height) looking along +y, tilted up from straight down, rolled a little."""

    def __init__(self, random):
        view = random.choice(["overhead", "high", "wall"], p=[0.35, 0.41, 0.24])
        if view == "overhead":
            self.tilt = np.radians(abs(random.normal(0, 14)))
            self.height = random.uniform(2.3, 3.6) if random.random() < 0.65 else random.uniform(3.6, 6.0)
        elif view == "high":
            self.tilt = np.radians(random.uniform(18, 68))
            self.height = random.uniform(2.2, 3.4) if random.random() < 0.6 else random.uniform(3.4, 6.0)
        else:
            self.tilt = np.radians(random.uniform(60, 88))
            self.height = random.uniform(1.3, 3.2)
        self.view = view
        hfov = np.radians(random.uniform(50, 100))
        # Sensors of 4:3 and 16:9 are stretched onto the same frame.
        aspect = random.choice([1.0, 1.0, 4 / 3, 1.15])
        focal = WIDTH / 2 / np.tan(hfov / 2)
        self.focal = np.array([focal, focal * aspect])
        roll = random.normal(0, 0.06) if view != "overhead" else random.uniform(-0.4, 0.4)
        forward = np.array([0, np.sin(self.tilt), -np.cos(self.tilt)])
        right = np.array([1.0, 0, 0])
        down = np.cross(forward, right)
        c, s = np.cos(roll), np.sin(roll)
        self.axes = np.stack([c * right + s * down, -s * right + c * down, forward])
        self.origin = np.array([0, 0, self.height])

    def project(self, points):
        """World -> (pixels of the canvas, depth)."""
        q = (points - self.origin) @ self.axes.T
        depth = q[:, 2]
        return q[:, :2] / np.maximum(depth, NEAR_M)[:, None] * self.focal + (WIDTH / 2, HEIGHT / 2), depth

    def rays(self, x, y):
        q = np.stack([(x - WIDTH / 2) / self.focal[0], (y - HEIGHT / 2) / self.focal[1], np.ones_like(x)], -1)
        return q @ self.axes


def colour(random, kind="any"):
    """A plausible BGR colour 0..255 as float."""
    if kind == "skin":
        tone = random.beta(1.6, 1.1)
        return np.array([60 + 120 * tone, 80 + 120 * tone, 110 + 120 * tone]) + random.normal(0, 8, 3)
    if kind == "hair":
        return np.array([[25, 25, 28], [30, 42, 62], [50, 80, 115], [90, 150, 185], [150, 150, 150], [215, 215, 215], [30, 50, 110]][
            random.choice(7, p=[0.36, 0.24, 0.14, 0.1, 0.08, 0.04, 0.04])]) * random.uniform(0.7, 1.2)  # fmt: skip
    grey = random.random() < (0.55 if kind == "cloth" else 0.5)
    if grey:
        level = random.choice([random.uniform(12, 60), random.uniform(60, 170), random.uniform(170, 250)], p=[0.5, 0.25, 0.25])
        return np.full(3, level) + random.normal(0, 6, 3)
    hsv = np.array([[[random.uniform(0, 180), random.uniform(50, 240), random.uniform(40, 240)]]], np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0].astype(float)


def make_textures(random, photos):
    """512 x 512 BGR floors and walls, and shelf fronts; photos are person-free real pictures, used as they are."""
    result = {"floor": [], "shelf": [], "poster": [], "photo": photos}
    side = 512
    for _ in range(70):
        base = colour(random)
        vivid = random.choice([0.1, 0.3, 0.7], p=[0.4, 0.4, 0.2])
        base = base * vivid + random.uniform(45, 225) * (1 - vivid)
        noise = np.zeros((side, side), np.float32)
        for octave in range(2, 9):
            small = random.normal(0, 1, (2**octave, 2**octave)).astype(np.float32)
            noise += cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC) * random.uniform(0, 1) * 0.8
        image = base + noise[:, :, None] * random.uniform(0.5, 14)
        kind = random.choice(["plain", "tile", "plank", "checker", "speckle", "stripe", "brick", "steps"])
        step = int(random.choice([32, 64, 128]))
        joint = base * random.uniform(0.5, 1.3)
        if kind == "tile":
            for i in range(0, side, step):
                image[i : i + 3] = joint
                image[:, i : i + 3] = joint
        elif kind in ("plank", "brick"):
            for i in range(0, side, step):
                image[i : i + step] *= random.uniform(0.85, 1.15)
                image[i : i + 2] = joint
                for j in random.integers(0, side, 3 if kind == "plank" else 8):
                    image[i : i + step, j : j + 3] = joint
            if kind == "plank":
                image += cv2.resize(random.normal(0, 8, (side, 16)).astype(np.float32), (side, side))[:, :, None]
        elif kind == "checker":
            grid = (np.indices((side, side)) // step).sum(0) % 2
            image = image * 0.6 + (grid[:, :, None] * colour(random) + (1 - grid[:, :, None]) * base) * 0.4
        elif kind == "speckle":
            spots = (random.random((side, side)) < 0.02).astype(np.float32)
            image += cv2.dilate(spots, np.ones((3, 3)))[:, :, None] * random.normal(0, 60)
        elif kind == "steps":  # stairs, gratings, escalators
            edge = np.arange(side) % step
            image *= (0.55 + 0.6 * edge / step)[:, None, None]
            image[edge < 3] = colour(random)
        elif kind == "stripe":
            image += (np.sin(np.arange(side) * 2 * np.pi / step) * random.uniform(5, 40))[:, None, None]
        result["floor"].append(np.clip(image, 0, 255).astype(np.uint8))
    for _ in range(40):  # abstract posters and signs: coloured shapes that are nobody
        image = np.full((256, 256, 3), colour(random), np.float32)
        for _ in range(int(random.integers(1, 6))):
            shape, paint = random.choice(["ellipse", "polygon", "line"]), colour(random).tolist()
            if shape == "ellipse":
                centre, axes = random.integers(0, 256, 2).tolist(), random.integers(15, 120, 2).tolist()
                cv2.ellipse(image, centre, axes, random.uniform(0, 180), 0, 360, paint, -1)
            elif shape == "polygon":
                cv2.fillPoly(image, [random.integers(0, 256, (int(random.integers(3, 7)), 2)).astype(np.int32)], paint)
            else:
                points = np.cumsum(random.normal(0, 50, (6, 2)), 0) + 128
                cv2.polylines(image, [points.astype(np.int32)], False, paint, int(random.integers(4, 40)))
        result["poster"].append(np.clip(image, 0, 255).astype(np.uint8))
    for _ in range(14):
        image = np.full((side, side, 3), colour(random) * 0.5, np.float32)
        row = int(random.choice([64, 86, 128]))
        for top in range(0, side, row):
            x = 0
            while x < side:
                w, h = int(random.integers(8, 60)), int(random.integers(row // 2, row - 6))
                image[top + row - h : top + row - 4, x : x + w] = colour(random)
                x += w + int(random.integers(0, 6))
            image[top + row - 5 : top + row] = random.uniform(60, 230)
        result["shelf"].append(np.clip(image, 0, 255).astype(np.uint8))
    return result


def cuboid(centre, size, base):
    """Box as (vertices, triangles, colours, smooth noise)."""
    s = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0, 1)]) * size
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (1, 5, 7, 3), (0, 2, 6, 4)]
    triangles = np.array([t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))])
    return s + centre, triangles, np.tile(base, (len(triangles), 1))


def turn(points, angle):
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])


def thing(random, place):
    """Furniture, plants, bins, prams, boxes: whatever is not a person. Returns (vertices, triangles, colours)."""
    kind = random.choice(["box", "boxes", "table", "column", "bin", "plant", "stool", "pram", "shelf", "shelf", "chair", "trolley", "pedestal", "pedestal", "pedestal", "rail", "lamp"])
    base, other = colour(random), colour(random)
    parts = []

    def round_part(mesh, c):
        v, t, _ = mesh
        parts.append((v, t, np.tile(c, (len(t), 1)) * random.uniform(0.9, 1.1, (len(t), 1))))

    if kind in ("box", "boxes"):
        for _ in range(1 if kind == "box" else int(random.integers(2, 5))):
            size = random.uniform([0.2, 0.2, 0.15], [1.2, 0.9, 1.3])
            parts.append(cuboid(np.append(random.uniform(-0.5, 0.5, 2) * (kind == "boxes"), 0), size, colour(random)))
    elif kind in ("table", "chair"):
        w, h = (random.uniform(0.6, 1.8), random.uniform(0.7, 1.1)) if kind == "table" else (0.45, 0.45)
        for x in (-1, 1):
            for y in (-1, 1):
                parts.append(cuboid(np.array([x * w * 0.45, y * 0.25, 0]), (0.05, 0.05, h), other))
        if kind == "table" and random.random() < 0.4:
            round_part(bodies.capsule((0, 0, h), (0, 0, h + 0.01), 0.4, 0.4, 0, 14), base)
        else:
            parts.append(cuboid(np.array([0, 0, h]), (w, 0.6 if kind == "table" else 0.45, 0.05), base))
        if kind == "chair":
            parts.append(cuboid(np.array([0, 0.22, h]), (0.45, 0.04, 0.5), base))
    elif kind in ("column", "bin"):
        r, h = (random.uniform(0.1, 0.35), 4.0) if kind == "column" else (random.uniform(0.12, 0.35), random.uniform(0.3, 1.1))
        round_part(bodies.capsule((0, 0, 0), (0, 0, h), r, r * random.uniform(0.8, 1.2), 0, 12), base)
    elif kind == "plant":
        round_part(bodies.capsule((0, 0, 0.05), (0, 0, 0.4), 0.15, 0.2, 0, 10), base)
        for _ in range(int(random.integers(4, 12))):
            c = np.array([random.uniform(10, 60), random.uniform(60, 170), random.uniform(20, 90)])
            round_part(bodies.sphere(random.normal([0, 0, 0.9], [0.2, 0.2, 0.3]), random.uniform(0.03, 0.25, 3), 0, 4, 7), c)
    elif kind == "stool":
        round_part(bodies.capsule((0, 0, 0), (0, 0, 0.7), 0.03, 0.03, 0, 6), other)
        round_part(bodies.sphere((0, 0, 0.72), (0.2, 0.2, 0.05), 0, 4, 10), base)
    elif kind == "pram":
        round_part(bodies.sphere((0, 0, 0.65), (0.24, 0.4, 0.2), 0), base)
        round_part(bodies.sphere((0, 0.2, 0.85), (0.24, 0.25, 0.25), 0), base * 0.8)
        for x in (-0.25, 0.25):
            for y in (-0.35, 0.35):
                round_part(bodies.sphere((x, y, 0.15), (0.03, 0.15, 0.15), 0, 4, 8), np.full(3, 30.0))
    elif kind == "pedestal":
        h = random.uniform(0.7, 1.15)
        round_part(bodies.capsule((0, 0, 0), (0, 0, h), 0.03, 0.03, 0, 6), other)
        round_part(bodies.capsule((0, 0, h), (0, 0, h + 0.01), 0.32, 0.32, 0, 14), base)
        count, reach, rise = int(random.integers(3, 6)), random.uniform(0.2, 0.4), random.uniform(0.03, 0.2)
        for k in range(count):  # the star of its foot, which else passes for crossing legs
            x, y = reach * np.cos(2 * np.pi * k / count), reach * np.sin(2 * np.pi * k / count)
            round_part(bodies.capsule((0, 0, rise), (x, y, 0.03), 0.035, 0.025, 0, 6), other)
    elif kind == "rail":
        span = random.uniform(1, 4)
        for z in (0.5, 0.95):
            round_part(bodies.capsule((-span, 0, z), (span, 0, z), 0.025, 0.025, 0, 6), base)
        for x in np.arange(-span, span + 0.01, random.uniform(0.3, 1.2)):
            round_part(bodies.capsule((x, 0, 0), (x, 0, 0.95), 0.02, 0.02, 0, 6), base)
    elif kind == "lamp":
        z = random.uniform(1.5, 2.3)
        round_part(bodies.capsule((0, 0, z), (0, 0, 3.5), 0.01, 0.01, 0, 5), other)
        round_part(bodies.sphere((0, 0, z), random.uniform(0.1, 0.25, 3), 0, 5, 10), base)
    elif kind == "trolley":
        parts.append(cuboid(np.array([0, 0, 0.4]), (0.5, 0.8, 0.5), base))
        parts.append(cuboid(np.array([0, 0, 0.15]), (0.45, 0.7, 0.05), other))
    else:
        v, t, c = cuboid(np.zeros(3), random.uniform([0.8, 0.3, 1.2], [3, 0.6, 2.2]), base)
        parts.append((v, t, c))
        for z in np.arange(0.2, v[:, 2].max() - 0.2, 0.4):
            for x in np.arange(v[:, 0].min() + 0.15, v[:, 0].max() - 0.1, 0.25):
                size = random.uniform([0.1, 0.1, 0.1], [0.24, 0.2, 0.35])
                parts.append(cuboid(np.array([x, v[:, 1].min() - 0.02, z]), size, colour(random)))
    v, t, c = bodies.join(parts)
    return turn(v, random.uniform(0, 2 * np.pi)) + [*place, 0], t, c


def dress(random, mesh):
    """Colours per triangle for one person."""
    vertices, triangles, region = mesh
    skin, hair, top, bottom = colour(random, "skin"), colour(random, "hair"), colour(random, "cloth"), colour(random, "cloth")
    shoe = colour(random, "cloth") * random.uniform(0.4, 1)
    if random.random() < 0.12:
        bottom = top
    table = np.zeros((13, 3))
    table[SKIN], table[HAND] = skin, skin
    table[HAIR] = table[LONG_HAIR] = hair if random.random() > 0.06 else skin
    table[TORSO] = table[UPPER_ARM] = top
    table[FOREARM] = skin if random.random() < 0.3 else top
    if random.random() < 0.08:
        table[UPPER_ARM] = skin
    table[THIGH] = table[SHIN] = table[SKIRT] = bottom
    if random.random() < 0.15:
        table[SHIN] = skin
    if random.random() < 0.15:
        table[THIGH] = top  # a coat
    table[SHOE], table[BAG], table[HAT] = shoe, colour(random, "cloth"), colour(random)
    result = table[region]
    middle = vertices[triangles].mean(1)
    cloth = np.isin(region, [TORSO, UPPER_ARM, FOREARM, THIGH, SHIN, SKIRT])
    style = random.random()
    if style < 0.12:
        band = np.sin(middle[:, 2] * random.uniform(40, 90)) > 0
        result[cloth & band & np.isin(region, [TORSO, UPPER_ARM])] = colour(random)
    elif style < 0.45:
        result[cloth] += random.normal(0, random.uniform(4, 30), (int(cloth.sum()), 1))
    elif style < 0.52:
        patch = cloth & (middle[:, 1] > middle[:, 1].mean()) & (region == TORSO)
        result[patch] = colour(random)
    return result


class Painter:
    """Canvas, light and the list of what to paint."""

    def __init__(self, random, camera, canvas):
        self.camera, self.canvas = camera, canvas
        self.ambient = random.uniform(0.35, 0.8)
        sun = np.array([random.normal(0, 0.7), random.normal(0, 0.7), random.uniform(0.5, 1.5)])
        self.sun = sun / np.linalg.norm(sun)
        self.smooth = random.random() < 0.6
        self.grounded = random.uniform(0, 0.45)

    def paint(self, vertices, triangles, colours, number):
        pixels, depth = self.camera.project(vertices)
        corners, z = pixels[triangles], depth[triangles]
        ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
        edge = vertices[triangles]
        normal = np.cross(edge[:, 1] - edge[:, 0], edge[:, 2] - edge[:, 0])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-9
        towards = ((edge.mean(1) - self.camera.origin) * normal).sum(1)
        # Winding differs between the meshes, so what faces away is hidden by painting order alone; normals are flipped.
        if self.smooth:
            corner_normal = np.zeros_like(vertices)
            for corner in range(3):
                np.add.at(corner_normal, triangles[:, corner], normal)
            soft = corner_normal[triangles].sum(1)
            normal = soft / (np.linalg.norm(soft, axis=1, keepdims=True) + 1e-9)
            towards = ((edge.mean(1) - self.camera.origin) * normal).sum(1)
        normal = np.where(towards[:, None] > 0, -normal, normal)
        light = self.ambient + (1 - self.ambient) * (0.8 * np.maximum(normal @ self.sun, 0) + 0.3 * np.maximum(normal[:, 2], 0))
        # Less light reaches what is near the floor or under something.
        light *= 1 - self.grounded * np.exp(-edge[..., 2].mean(1) / 0.5)
        lit = np.clip(colours * light[:, None], 0, 255)
        inside = (z.min(1) > NEAR_M) & (np.abs(area) > 0.02)
        inside &= (corners.max(1) > 0).all(1) & (corners.min(1)[:, 0] < WIDTH) & (corners.min(1)[:, 1] < HEIGHT)
        order = np.where(inside)[0]
        order = order[np.argsort(-z[order].mean(1))]
        fixed = np.round(corners[order] * 8).astype(np.int32)
        lit = lit[order].tolist()
        for polygon, c in zip(fixed, lit):
            c.append(number)
            cv2.fillConvexPoly(self.canvas, polygon, c, cv2.LINE_8, 3)

    def shadow(self, target, vertices, direction, reach):
        """Adds the outline of a body's shadow on the floor to the mask."""
        if reach > 0:
            flat = vertices - direction * (vertices[:, 2:3] / direction[2]) * reach
        else:
            flat = vertices.copy()
        flat[:, 2] = 0
        pixels, depth = self.camera.project(flat)
        if (depth > NEAR_M).all():
            hull = cv2.convexHull(np.round(np.clip(pixels, -2000, 4000)).astype(np.int32))
            cv2.fillConvexPoly(target, hull, 255)


def background(random, camera, textures):
    """Floor and walls by one ray per pixel; returns BGR float32 canvas."""
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    d = camera.rays(x, y).astype(np.float32)
    down = np.minimum(d[..., 2], -1e-4)
    t = np.where(d[..., 2] < -1e-4, -camera.height / down, 1e4).astype(np.float32)
    face = np.zeros(t.shape, np.uint8)
    if random.random() < 0.75:
        for axis, side, far in ((0, -1, random.uniform(1.2, 8)), (0, 1, random.uniform(1.2, 8)), (1, 1, random.uniform(1.5, 11)), (1, -1, random.uniform(0.5, 4))):
            reach = np.where(d[..., axis] * side > 1e-3, far / np.maximum(d[..., axis] * side, 1e-3), 1e5)
            closer = reach < t
            t[closer], face[closer] = reach[closer], 1 + (axis * 2 + (side > 0))
    t = np.minimum(t, 60)
    point = d * t[..., None]
    point[..., 2] += camera.height
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    offset, angle = random.uniform(0, 10, 2), random.uniform(0, 2 * np.pi)
    for index in range(5):
        where = face == index
        if not where.any():
            continue
        bank = "floor"
        if index and random.random() < 0.3:
            bank = "shelf"
        elif random.random() < 0.2 and textures["photo"]:
            bank = "photo"
        texture = textures[bank][random.integers(len(textures[bank]))]
        if index == 0:
            metres = random.uniform(1.5, 8)
            c, s = np.cos(angle), np.sin(angle)
            u, v = point[..., 0] * c - point[..., 1] * s, point[..., 0] * s + point[..., 1] * c
        else:
            metres = random.uniform(2, 5)
            u, v = point[..., 1 if index <= 2 else 0], -point[..., 2]
            if random.random() < 0.5 and bank == "floor":
                texture = np.clip(cv2.GaussianBlur(texture, (0, 0), 9).astype(float) * random.uniform(0.8, 1.4), 0, 255).astype(np.uint8)
        h, w = texture.shape[:2]
        image = cv2.remap(texture, ((u + offset[0]) / metres * w % w).astype(np.float32), ((v + offset[1]) / metres * h % h).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        canvas[where] = image[where]
        for _ in range(int(random.integers(0, 6 if index else 4))):  # mats and tape on the floor, doors and posters on the walls
            at = point[random.integers(HEIGHT), random.integers(WIDTH)]
            a, b = (at[0], at[1]) if index == 0 else (at[1 if index <= 2 else 0], at[2])
            p, q = (point[..., 0], point[..., 1]) if index == 0 else (u, point[..., 2])
            half = random.uniform(0.05, 1.1, 2)
            rectangle = where & (np.abs(p - a) < half[0]) & (np.abs(q - b) < half[1])
            if rectangle.any():
                pictures = textures["photo" if textures["photo"] and random.random() < 0.5 else "poster"]
                if random.random() < 0.5:
                    photo = pictures[random.integers(len(pictures))]
                    h, w = photo.shape[:2]
                    mx = ((p - a) / half[0] * 0.5 + 0.5) * (w - 1)
                    my = (0.5 - (q - b) / half[1] * 0.5) * (h - 1)
                    image = cv2.remap(photo, mx.astype(np.float32), my.astype(np.float32), cv2.INTER_LINEAR)
                    canvas[rectangle] = image[rectangle]
                else:
                    canvas[rectangle] = canvas[rectangle] * 0.25 + colour(random) * 0.75
        if index:
            canvas[where] *= random.uniform(0.6, 1.25)
            if random.random() < 0.35:  # a way out: brighter or darker than the room, with a frame
                along = point[..., 1 if index <= 2 else 0]
                at, half, top = along[where][random.integers(int(where.sum()))], random.uniform(0.45, 1.6), random.uniform(1.9, 2.5)
                frame = where & (np.abs(along - at) < half + 0.08) & (point[..., 2] < top + 0.08)
                canvas[frame] = colour(random) * 0.6
                opening = where & (np.abs(along - at) < half) & (point[..., 2] < top)
                sill = point[..., 2] < random.uniform(0, 1.4)
                canvas[opening] = random.uniform(30, 250)
                canvas[opening & sill] = random.uniform(60, 255)
    # Pools of light on the floor, a slope across the room, and distance that fades.
    for _ in range(int(random.integers(0, 4))):
        centre = point[random.integers(HEIGHT), random.integers(WIDTH)]
        pool = np.exp(-((point - centre) ** 2).sum(-1) / random.uniform(0.2, 6))
        canvas *= (1 + pool * random.uniform(-0.4, 1.5))[..., None].astype(np.float32)
    return canvas


def finish(random, canvas):
    """Canvas to a frame of 256 x 192: lens, light, sensor, JPEG."""
    image = cv2.resize(canvas, (FRAME_WIDTH_PX, FRAME_HEIGHT_PX), interpolation=cv2.INTER_AREA)
    h, w = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    slope = 1 + random.normal(0, 0.18) * x + random.normal(0, 0.18) * y - random.uniform(0, 0.25) * (x * x + y * y)
    image *= np.clip(slope, 0.2, 2)[..., None]
    for _ in range(int(random.random() < 0.15) * int(random.integers(1, 3))):  # glare
        cx, cy, r = random.uniform(-1, 1), random.uniform(-1, 1), random.uniform(0.02, 0.3)
        image += (np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / r) * random.uniform(60, 260))[..., None]
    image *= 1 + random.normal(0, 0.06, 3).astype(np.float32)
    image = 255 * np.clip(image / 255, 0, 1) ** random.uniform(0.75, 1.3)
    if random.random() < 0.5:
        image += random.normal(0, random.uniform(1, 9), image.shape)
    image = np.clip(image, 0, 255).astype(np.uint8)
    if random.random() < 0.1:  # burned-in clocks and names
        for _ in range(int(random.integers(1, 4))):
            text = "".join(random.choice(list("0123456789:-/ ABCDEFGHIJKLM"), int(random.integers(4, 22))))
            at = (int(random.uniform(-0.1, 0.7) * w), int(random.choice([random.uniform(0.03, 0.12), random.uniform(0.9, 1), random.uniform(0, 1)]) * h))
            cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, random.uniform(0.25, 0.7), (int(random.choice([0, 255])),) * 3, int(random.integers(1, 3)), cv2.LINE_AA)
    if random.random() < 0.5:
        image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 92))])[1], cv2.IMREAD_COLOR)
    if random.random() < 0.15:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return image


def render(random, bank, textures, photos):
    """Returns (BGR uint8 [192, 256, 3], boxes [n, 4] as x, y, w, h in frame pixels).

    photos: real pictures as (BGR, boxes); a share of the scenes is painted onto one of them.
    """
    camera = Camera(random)
    old_boxes = np.zeros((0, 4))
    if photos and random.random() < 0.2:
        picture, old_boxes = photos[random.integers(len(photos))]
        scale = np.array([WIDTH / picture.shape[1], HEIGHT / picture.shape[0]] * 2)
        canvas = cv2.resize(picture, (WIDTH, HEIGHT)).astype(np.float32)
        old_boxes = old_boxes * scale
    else:
        canvas = background(random, camera, textures)

    empty = random.random() < 0.3
    wanted = 0 if empty else int(np.clip(random.geometric(0.3), 1, PEOPLE_MAX))
    people, places = [], []
    for _ in range(wanted * 6):
        if len(people) == wanted:
            break
        ray = camera.rays(np.array(random.uniform(-0.03, 1.03) * WIDTH), np.array(random.uniform(-0.03, 1.03) * HEIGHT))
        if ray[2] > -0.02:
            continue
        reach = (camera.height - 0.9) / -ray[2] if camera.height > 1.2 else random.uniform(2, 8)
        place = (ray * reach)[:2]
        far = random.choice([4, 6, 13] if camera.view == "wall" else [5, 8, 13])
        if np.hypot(*place) > far or any(np.hypot(*(place - p)) < random.uniform(0.3, 0.6) for p in places):
            continue
        mesh = bank[random.integers(len(bank))]
        scale = random.uniform(0.95, 1.06)
        vertices = turn(mesh[0] * [scale * random.uniform(0.93, 1.12), scale * random.uniform(0.93, 1.12), scale], random.uniform(0, 2 * np.pi)) + [*place, 0]
        pixels, depth = camera.project(vertices)
        size = pixels.max(0) - pixels.min(0)
        if depth.min() < NEAR_M or size.max() < 10 * SUPER or size.min() > 1.05 * HEIGHT:
            continue
        places.append(place)
        people.append((vertices, mesh, pixels))
    things = []
    for _ in range(int(random.integers(0, 9))):
        place = random.uniform([-3, -2], [3, 6])
        if all(np.hypot(*(place - p)) > 0.5 for p in places):
            things.append(thing(random, place))

    painter = Painter(random, camera, None)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    sun = painter.sun.copy()
    reach = random.choice([0.0, random.uniform(0.2, 2.5)], p=[0.35, 0.65])
    for vertices in [p[0] for p in people] + [t[0] for t in things]:
        painter.shadow(mask, vertices, sun, reach)
        feet = vertices[vertices[:, 2] < 0.4]
        if len(feet) > 2:
            painter.shadow(mask, feet, sun, 0)
    if random.random() < 0.25:  # shadows whose owners are not in the picture
        for _ in range(int(random.integers(1, 4))):
            centre = random.uniform([0, 0], [WIDTH, HEIGHT])
            angle = random.uniform(0, np.pi)
            cv2.ellipse(mask, (tuple(centre), tuple(random.uniform(20, 200, 2)), np.degrees(angle)), 255, -1)
    soft = random.choice([1.5, 5, 14])
    darkness = random.uniform(0.1, 0.75)
    shade = 1 - darkness * cv2.GaussianBlur(mask, (0, 0), soft).astype(np.float32) / 255
    canvas *= shade[..., None]

    four = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    four[..., :3] = np.clip(canvas, 0, 255)
    painter.canvas = four
    jobs = [(v, t, c, 255) for v, t, c in things]
    jobs += [(v, mesh[1], dress(random, mesh), i + 1) for i, (v, mesh, _) in enumerate(people)]
    jobs.sort(key=lambda job: -np.linalg.norm(job[0].mean(0) - camera.origin))
    alone = {}
    for vertices, triangles, colours, number in jobs:
        painter.paint(vertices, triangles, colours, number)
        if number != 255:
            alone[number] = int((four[..., 3] == number).sum())
    painted = four[..., 3]
    boxes = []
    for i, (_, _, pixels) in enumerate(people):
        low, high = pixels.min(0), pixels.max(0)
        inner_low, inner_high = np.maximum(low, 0), np.minimum(high, (WIDTH, HEIGHT))
        inner = np.maximum(inner_high - inner_low, 0)
        visible = (painted == i + 1).sum() / max(alone.get(i + 1, 0), 1)
        # Cut by the frame: a sliver is no label, but a large part of a near person is one.
        in_frame = inner.prod() / max((high - low).prod(), 1) >= VISIBLE_MIN or inner.prod() > 0.12 * WIDTH * HEIGHT
        if visible >= VISIBLE_MIN and in_frame and inner.min() > 3 * SUPER:
            boxes.append([*inner_low, *inner])
    for x, y, w, h in old_boxes:
        a = painted[max(int(y), 0) : int(y + h) + 1, max(int(x), 0) : int(x + w) + 1]
        if a.size and (a > 0).mean() < 1 - VISIBLE_MIN:
            boxes.append([x, y, w, h])
    image = finish(random, four[..., :3].astype(np.float32))
    return image, np.array(boxes, np.float32).reshape(-1, 4) / SUPER
