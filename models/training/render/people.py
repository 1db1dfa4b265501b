"""People: bodies in clothes, on their way, with what they carry and push. And mannequins, which are not people.

A person is drawn once (body, outfit, luggage, manner) and can then be asked for any moment: `at(time_s, moving)` is
continuous, so pictures and clips use the same people. Faces +x; the feet's midpoint is the origin.
"""

import os
from dataclasses import dataclass, field

import cv2
import numpy as np

from render.bodies import (
    FOREARM, HAND, LONG_HAIR, REGIONS, SCALP, SHIN, SHOE, SKIN, SKIRT, THIGH, TO_FRONT, TORSO, UPPER_ARM, Bank, Skeleton,
)  # fmt: skip
from render.mesh import EMPTY, Material, Mesh, align, box, cylinder, ellipsoid, join, lathe, rectangle, tube

from render.raster import face_normals


class Flag:
    """Bits of Person.flags."""

    child, wheelchair, pram, trolley, umbrella, headwear, dark_clothes, dark_skin = (1 << i for i in range(8))
    carrying, bending, seated, phone, hood, long_hair, simple = (1 << i for i in range(8, 15))


@dataclass
class Pose:
    """Directions (rest frame: facing -y) of the limb bones; angles in radians."""

    directions: dict
    lean: float = 0.0
    sway: float = 0.0
    twist: float = 0.0
    nod: float = 0.0
    turn: float = 0.0
    foot: dict = field(default_factory=dict)


@dataclass
class Figure:
    body: Mesh
    things: Mesh
    head: np.ndarray
    head_radius_m: float
    feet: np.ndarray


SKIN_TONES = np.array([[0.55, 0.66, 0.86], [0.62, 0.74, 0.93], [0.42, 0.55, 0.78], [0.3, 0.42, 0.62], [0.2, 0.3, 0.46], [0.13, 0.19, 0.31], [0.09, 0.13, 0.2]])
HAIR_TONES = np.array([[0.07, 0.07, 0.08], [0.1, 0.14, 0.2], [0.16, 0.24, 0.36], [0.3, 0.5, 0.66], [0.45, 0.66, 0.8], [0.55, 0.56, 0.57], [0.85, 0.86, 0.86], [0.12, 0.22, 0.5]])
HAIR_SHARES = np.array([0.33, 0.22, 0.14, 0.09, 0.05, 0.08, 0.05, 0.04])


def cloth_colour(random):
    """Blue, green, red of clothes as one meets them: half dark, a fifth blue, the rest everything."""
    kind = random.random()
    if kind < 0.46:
        return np.clip(np.full(3, random.uniform(0.03, 0.2)) + random.normal(0, 0.02, 3) + [random.uniform(0, 0.08), 0, 0], 0.01, 1)
    if kind < 0.62:
        level = random.uniform(0.2, 0.6)
        return np.clip([level * random.uniform(1.1, 1.9), level, level * random.uniform(0.5, 0.9)], 0, 1)
    if kind < 0.8:
        level = random.uniform(0.45, 0.97)
        return np.clip(level * np.array([random.uniform(0.75, 1), random.uniform(0.88, 1), 1]), 0, 1)
    hsv = np.array([[[random.uniform(0, 180), random.uniform(70, 250), random.uniform(60, 250)]]], np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0] / 255.0


def _folds(random):
    """Grey texture around 1: folds, shading and weave that flat colour lacks."""
    noise = np.zeros((64, 64), np.float32)
    for octave in (2, 3, 4, 5, 6):
        small = random.normal(0, 1, (2**octave, 2**octave)).astype(np.float32)
        noise += cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC) * random.uniform(0.2, 1)
    return np.clip(225 + noise * random.uniform(4, 16), 90, 255).astype(np.uint8)[..., None].repeat(3, 2)


def _pattern(random, colour):
    """Stripes, checks, dots or a print in two or three colours, multiplied with the folds."""
    image = np.full((64, 64, 3), 255 * np.asarray(colour), np.float32)
    other, kind = 255 * cloth_colour(random), random.random()
    step = int(random.choice([4, 8, 16]))
    rows, columns = np.indices((64, 64))
    if kind < 0.4:
        image[(rows // step) % 2 == 0] = other
    elif kind < 0.6:
        image[((rows // step) % 2 == 0)] = image[((rows // step) % 2 == 0)] * 0.5 + other * 0.5
        image[((columns // step) % 2 == 0)] = image[((columns // step) % 2 == 0)] * 0.6 + other * 0.4
    elif kind < 0.75:
        image[((rows % step) ** 2 + (columns % step) ** 2) < step] = other
    else:
        for _ in range(int(random.integers(2, 9))):
            centre, axes = random.integers(0, 64, 2).tolist(), random.integers(3, 22, 2).tolist()
            cv2.ellipse(image, centre, axes, 0, 0, 360, (255 * cloth_colour(random)).tolist(), -1)
    return image


class Cast:
    """The bank of bodies and the cloth textures, loaded once a process."""

    def __init__(self, human_folder, work_folder, seed, count):
        os.makedirs(work_folder, exist_ok=True)
        self.bank = Bank(human_folder, os.path.join(work_folder, f"bodies-{seed}-{count}.npz"), seed, count)
        self.human = self.bank.human
        random = np.random.default_rng([seed, 1])
        self.folds = [_folds(random) for _ in range(24)]
        self.patterns = [np.clip(_pattern(random, cloth_colour(random)) * (_folds(random) / 235.0), 0, 255).astype(np.uint8) for _ in range(160)]

    def cloth(self, random, colour=None, patterned=0.22):
        """Material of a garment."""
        if colour is None and random.random() < patterned:
            return Material((1.0, 1.0, 1.0), self.patterns[random.integers(len(self.patterns))])
        colour = cloth_colour(random) if colour is None else colour
        return Material(tuple(np.clip(np.asarray(colour) * 1.08, 0, 1)), self.folds[random.integers(len(self.folds))], gloss=0.12 if random.random() < 0.15 else 0.0)


def _limb(forward, outward, side):
    """Direction of a hanging limb: forward is -y, outward away from the body."""
    return np.array([side * np.sin(outward), -np.sin(forward) * np.cos(outward), -np.cos(forward) * np.cos(outward)])


KINDS = ("walk", "stand", "carry", "phone", "bend", "reach", "push_pram", "push_trolley", "suitcase", "wheelchair", "sit")
# Drawn people keep the net from taking skin and folds for what makes a person.
DRAWN_SHARE = 0.08
KIND_SHARES = np.array([0.5, 0.15, 0.05, 0.06, 0.02, 0.03, 0.035, 0.045, 0.04, 0.025, 0.045])


class Person:
    """Somebody with a body, clothes, luggage and a way of walking. Drawn by make_person."""

    def __init__(self, random, cast, kind, child, index=None):
        self.kind, self.flags, self.human = kind, 0, cast.human
        bank = cast.bank
        if index is None:
            index = random.choice(np.where(bank.child == child)[0])
        self.rest, self.joints = bank.vertices[index].copy(), bank.joints[index]
        self.height_m = float(self.rest[:, 2].max())
        self.scale = self.height_m / 1.7
        self.phase, self.stride = random.uniform(0, 2 * np.pi), random.uniform(0.32, 0.6)
        self.speed_m_s = 0.0 if kind in ("sit", "bend", "reach") else random.uniform(0.7, 1.6) * (0.8 if child else 1)
        self.radius_m = 0.3
        self.manner = random.random(24)
        self._dress(random, cast)
        self._load(random, cast)
        if child:
            self.flags |= Flag.child

    # Clothes

    def _dress(self, random, cast):
        human, skin = self.human, Material(tuple(np.clip(SKIN_TONES[random.integers(len(SKIN_TONES))] * random.uniform(0.9, 1.08), 0, 1)), gloss=0.1)
        if skin.colour[1] < 0.32:
            self.flags |= Flag.dark_skin
        hair = cast.cloth(random, HAIR_TONES[random.choice(len(HAIR_TONES), p=HAIR_SHARES)] * random.uniform(0.8, 1.15))
        top, bottom = cast.cloth(random), cast.cloth(random)
        shoe = cast.cloth(random, random.choice([0.06, 0.15, 0.85], p=[0.6, 0.25, 0.15]) * np.ones(3))
        paint = [skin] * REGIONS
        paint[SCALP], paint[TORSO], paint[UPPER_ARM], paint[FOREARM] = hair, top, top, top
        paint[THIGH], paint[SHIN], paint[SHOE], paint[LONG_HAIR], paint[SKIRT] = bottom, bottom, shoe, hair, bottom
        hidden = {LONG_HAIR, SKIRT}
        thickness = np.zeros(REGIONS)
        style = random.random()
        if style < 0.3:  # coat or long jacket
            thickness[[TORSO, UPPER_ARM, FOREARM]] = random.uniform(0.02, 0.06)
            paint[THIGH] = top
            if random.random() < 0.6:
                paint[SKIRT] = top
                hidden.discard(SKIRT)
        elif style < 0.55:  # jacket or thick jumper
            thickness[[TORSO, UPPER_ARM, FOREARM]] = random.uniform(0.012, 0.045)
        elif style < 0.75:
            if random.random() < 0.5:
                paint[FOREARM] = skin
            if random.random() < 0.2:
                paint[UPPER_ARM] = skin
        else:
            hidden.discard(SKIRT)
            paint[SHIN] = skin if random.random() < 0.5 else cast.cloth(random, np.full(3, random.uniform(0.03, 0.2)))
            paint[FOREARM] = skin if random.random() < 0.4 else top
            if random.random() < 0.5:
                paint[SKIRT] = paint[THIGH] = top
        if SKIRT in hidden and random.random() < 0.1:
            paint[SHIN] = skin
        thickness[[THIGH, SHIN]] = random.uniform(0.0, 0.025)
        thickness[SHOE] = random.uniform(0.0, 0.012)

        self.extras = []  # (bone, Mesh in rest coordinates) that belong to the body
        head = self.rest[human.head_vertices]
        self.head_rest = (head.max(0) + head.min(0)) / 2
        self.head_radius = float((np.ptp(head, axis=0)[[0, 1]].mean() + np.ptp(head, axis=0)[2]) / 4)
        r, centre = self.head_radius, self.head_rest
        cover = random.random()
        bald = cover < 0.07
        thickness[SCALP] = r * random.uniform(0.02, 0.16)
        if bald:
            paint[SCALP], thickness[SCALP] = skin, 0
        elif cover < 0.42:
            pass
        elif cover < 0.49:  # curls
            thickness[SCALP] = r * random.uniform(0.2, 0.6)
        elif cover < 0.65:  # long hair
            self.flags |= Flag.long_hair
            hidden.discard(LONG_HAIR)
            self._add("Head", ellipsoid(centre + [0, 0.35 * r, -0.7 * r], (0.8 * r, 0.45 * r, 1.5 * r), hair, 6, 9))
        elif cover < 0.74:  # bob
            self._add("Head", ellipsoid(centre + [0, 0.2 * r, -0.1 * r], (1.05 * r, 1.0 * r, 1.1 * r), hair, 6, 10))
        elif cover < 0.81:  # bun or ponytail
            if random.random() < 0.5:
                self._add("Head", ellipsoid(centre + [0, 0.8 * r, 0.6 * r], (0.4 * r,) * 3, hair, 5, 8))
            else:
                self._add("Head", ellipsoid(centre + [0, 1.0 * r, -0.5 * r], (0.25 * r, 0.3 * r, 0.9 * r), hair, 5, 7))
        elif cover < 0.88:  # cap, beanie
            self.flags |= Flag.headwear
            paint[SCALP] = cast.cloth(random)
            thickness[SCALP] = r * random.uniform(0.1, 0.3)
            if random.random() < 0.5:
                self._add("Head", ellipsoid(centre + [0, -0.95 * r, 0.35 * r], (0.65 * r, 0.65 * r, 0.06 * r), paint[SCALP], 4, 9))
            elif random.random() < 0.4:
                self._add("Head", ellipsoid(centre + [0, 0.2 * r, 1.35 * r], (0.25 * r,) * 3, cast.cloth(random), 4, 7))
        elif cover < 0.905:  # hat with a brim
            self.flags |= Flag.headwear
            felt = cast.cloth(random)
            brim = r * random.uniform(1.35, 2.0)
            self._add("Head", lathe([(1e-3, 1.15 * r), (0.7 * r, 1.1 * r), (0.95 * r, 0.5 * r), (brim, 0.45 * r), (brim, 0.4 * r), (0.9 * r, 0.4 * r)], felt, 12).moved(centre))
        elif cover < 0.95:  # hood
            self.flags |= Flag.headwear | Flag.hood
            self._add("Head", ellipsoid(centre + [0, 0.2 * r, 0.05 * r], (1.2 * r, 1.12 * r, 1.3 * r), top, 7, 11))
        elif cover < 0.98:  # scarf over the head
            self.flags |= Flag.headwear
            scarf = cast.cloth(random)
            paint[SCALP], paint[LONG_HAIR] = scarf, scarf
            hidden.discard(LONG_HAIR)
            thickness[SCALP] = 0.12 * r
            self._add("Head", ellipsoid(centre + [0, 0.15 * r, -0.2 * r], (1.08 * r, 1.0 * r, 1.3 * r), scarf, 7, 10))
            self._add("Neck", ellipsoid(centre + [0, 0.1 * r, -1.6 * r], (1.5 * r, 1.2 * r, 0.9 * r), scarf, 5, 10))
        elif cover < 0.985:  # helmet
            self.flags |= Flag.headwear
            shell = Material(tuple([(0.1, 0.75, 0.95), (0.9, 0.9, 0.9), (0.1, 0.1, 0.8), (0.8, 0.3, 0.1)][random.integers(4)]), gloss=0.4)
            self._add("Head", ellipsoid(centre + [0, 0, 0.25 * r], (1.2 * r, 1.35 * r, 1.1 * r), shell, 7, 11))
        if random.random() < 0.12:  # scarf, fur collar
            self._add("Neck", ellipsoid(centre + [0, 0, -1.45 * r], (0.95 * r, 0.95 * r, 0.4 * r), cast.cloth(random), 5, 9))

        region = human.region
        self.keep = np.isin(region, list(hidden), invert=True)
        vertex_region = np.zeros(len(self.rest), int)
        vertex_region[human.triangles.ravel()] = region.repeat(3)
        # Corners that body parts share follow the thicker garment less abruptly through the smooth normals.
        self.rest += face_normals(self.rest, human.triangles)[1] * thickness[vertex_region][:, None].astype(np.float32)
        self.materials = tuple(paint)
        angle = np.arctan2(self.rest[:, 1], self.rest[:, 0])
        self.uv = np.stack([angle / (2 * np.pi) * 3, self.rest[:, 2] * 2.5], 1).astype(np.float32)
        clothes = [np.mean(m.colour) * (m.texture.mean() / 255 if m.texture is not None else 1) for m in (paint[TORSO], paint[THIGH])]
        if max(clothes) < 0.25:
            self.flags |= Flag.dark_clothes

    def _add(self, bone, mesh):
        self.extras.append((bone, mesh))

    # Luggage

    def _load(self, random, cast):
        s = self.scale
        self.worn = []  # (bone, Mesh in rest coordinates) that are things
        self.held = []  # (hand, Mesh with its grip at the origin, hanging down, facing +x)
        self.pushed = EMPTY  # in front or behind, in person coordinates
        chest = self.joints[self.human.bones.index("Spine2")]
        kind = self.kind
        if kind not in ("wheelchair", "sit") and random.random() < 0.2:
            self.flags |= Flag.carrying
            self.worn.append(("Spine2", ellipsoid(chest + [0, 0.2 * s, 0.02], (random.uniform(0.13, 0.19) * s, random.uniform(0.08, 0.15), random.uniform(0.18, 0.27) * s), cast.cloth(random), 6, 9)))
        elif random.random() < 0.2:
            self.flags |= Flag.carrying
            side, bag = random.choice([-1, 1]), cast.cloth(random)
            size = random.uniform([0.04, 0.1, 0.08], [0.09, 0.2, 0.18]) * s
            hip = self.joints[self.human.bones.index("Hips")] + [side * 0.24 * s, 0.02, 0.05]
            self.worn.append(("Hips", box(hip - size, hip + size, bag)))
        if kind in ("walk", "stand", "phone") and random.random() < 0.2:
            self.flags |= Flag.carrying
            for hand in ("LeftHand", "RightHand")[: int(random.integers(1, 3))]:
                w, d, h = random.uniform([0.05, 0.12, 0.2], [0.12, 0.22, 0.42]) * s
                self.held.append((hand, box((-d, -w, -h - 0.1), (d, w, -0.1), cast.cloth(random))))
        self.umbrella = EMPTY
        if kind in ("walk", "stand") and random.random() < 0.035:
            self.flags |= Flag.umbrella
            r, cloth = random.uniform(0.42, 0.6), cast.cloth(random)
            top = lathe([(1e-3, 0.22), (r * 0.5, 0.17), (r * 0.85, 0.07), (r, 0.0)], cloth, 8)
            self.umbrella = join([top, tube([(0, 0, -0.75), (0, 0, 0.2)], 0.012, Material((0.2, 0.2, 0.2)), 5)]).moved((random.normal(0, 0.06), random.normal(0, 0.08), 0))
        metal, dark = Material((0.6, 0.62, 0.64), gloss=0.6), Material((0.08, 0.08, 0.08))
        if kind == "push_pram":
            self.flags |= Flag.pram
            self.pushed, self.radius_m = pram(random, cast).moved((0.75 * s + 0.05, 0, 0)), 0.6
        elif kind == "push_trolley":
            self.flags |= Flag.trolley
            self.pushed, self.radius_m = shopping_trolley(random, cast).moved((0.8 * s, 0, 0)), 0.65
        elif kind == "suitcase":
            self.flags |= Flag.carrying
            case = box((-0.13, -0.2, 0.05), (0.13, 0.2, random.uniform(0.5, 0.75)), cast.cloth(random))
            self.pushed = join([case, tube([(0, 0.0, 0.6), (0.2, 0.0, 0.95)], 0.015, metal)]).turned(_tilt(0.3)).moved((-0.5, random.choice([-0.2, 0.2]), 0))
        elif kind == "carry":
            self.flags |= Flag.carrying
            size = random.uniform([0.12, 0.15, 0.1], [0.22, 0.28, 0.25]) * s
            cardboard = Material(tuple(np.array([0.4, 0.55, 0.7]) * random.uniform(0.7, 1.2))) if random.random() < 0.6 else cast.cloth(random)
            self.pushed = box(-size, size, cardboard).moved((0.2 * s + size[0], 0, 1.1 * s))
        elif kind == "wheelchair":
            self.flags |= Flag.wheelchair | Flag.seated
            self.pushed, self.radius_m = wheelchair(random, cast, metal, dark), 0.5
        elif kind == "sit":
            self.flags |= Flag.seated
            wood = cast.cloth(random)
            seat = [box((-0.22, -0.22, 0.42), (0.22, 0.22, 0.46), wood), box((-0.25, -0.22, 0.46), (-0.2, 0.22, 0.9), wood)]
            seat += [box((x - 0.02, y - 0.02, 0), (x + 0.02, y + 0.02, 0.42), wood) for x in (-0.19, 0.19) for y in (-0.19, 0.19)]
            self.pushed = join(seat)
        if kind == "phone":
            self.flags |= Flag.phone
        if kind == "bend":
            self.flags |= Flag.bending

    # Motion

    def pose(self, time_s, moving):
        """The pose at a time. One cycle is two steps; its rate follows from the speed and the length of the legs."""
        m, kind, s = self.manner, self.kind, self.scale
        still = moving <= 0.01 or kind in ("sit", "wheelchair", "bend", "reach") or (kind == "stand" and moving < 0.3)
        stride = 0.0 if still else self.stride * min(1.0, 0.5 + 0.5 * moving)
        rate = 0.0 if still else self.speed_m_s * moving / (2.6 * s * max(self.stride, 0.2))
        phase = self.phase + 2 * np.pi * rate * time_s
        idle = np.sin(time_s * 0.9 + self.phase) * 0.5
        pose = Pose({}, lean=-0.05 - 0.06 * m[0], sway=0.02 * idle, nod=0.1 - 0.35 * m[1] ** 2, turn=(m[2] - 0.5) * 0.8 + 0.2 * idle)
        if not still:
            pose.lean -= 0.04 * moving
            pose.twist = 0.12 * np.sin(phase)
        for side, name, turn, at in ((1, "Left", 0.0, 3), (-1, "Right", np.pi, 4)):
            swing = np.sin(phase + turn)
            thigh, spread = stride * swing + 0.06, 0.02 + 0.07 * m[5]
            knee = 0.08 + (0.9 * max(0.0, np.cos(phase + turn)) * (0.6 + 0.4 * m[6]) if not still else 0.0)
            if still:
                thigh, knee, spread = (m[at] - 0.5) * 0.16, abs(m[at + 4] - 0.5) * 0.15, 0.03 + 0.1 * m[5]
            if kind in ("sit", "wheelchair"):
                thigh, knee, spread = 1.3 + 0.25 * m[7], 1.25 + 0.35 * m[8], 0.05 + 0.15 * m[5]
            if kind == "bend":
                thigh, knee = 0.5 * m[7], 0.7 * m[7]
            pose.directions[name + "UpLeg"] = _limb(thigh, spread, side)
            pose.directions[name + "Leg"] = _limb(thigh - knee, spread, side)
            arm, elbow, out = -0.75 * stride * swing, 0.12 + 0.35 * m[9], 0.08 + 0.18 * m[10]
            if still:
                arm, elbow = (m[at + 8] - 0.5) * 0.4, 0.1 + 0.5 * m[at + 9] ** 2
            across = 1.6 * m[13] - 0.6
            if kind in ("carry", "push_pram", "push_trolley"):
                arm, elbow, out, across = 0.25 + 0.45 * m[11], 0.7 + 0.6 * m[12], 0.12, 0.0
            if kind in ("sit", "wheelchair"):
                arm, elbow = 0.3 + 0.4 * m[11], 0.7 + 0.6 * m[12]
            if kind == "suitcase" and side == -1:
                arm, elbow = -0.5, 0.1
            if (kind == "phone" and side == (1 if m[14] < 0.5 else -1)) or (len(self.umbrella.triangles) and side == -1):
                arm, elbow, across = (0.3 + 0.4 * m[15], 1.5 + 0.6 * m[16], -0.8)
            if kind == "reach" and side == (1 if m[14] < 0.5 else -1):
                arm, elbow = 1.1 + 1.0 * m[15], 0.2
            if self.held and any(h.startswith(name) for h, _ in self.held):
                arm, elbow = arm * 0.3, 0.08
            pose.directions[name + "Arm"] = _limb(arm, out, side)
            pose.directions[name + "ForeArm"] = _limb(arm + elbow, out * across, side)
        if kind == "phone":
            pose.nod -= 0.35
        if kind == "bend":
            pose.lean -= 0.5 + 0.7 * m[17]
        if kind in ("push_trolley", "push_pram"):
            pose.lean -= 0.12
        # Lean is forward for a negative turn about x in the rest frame's sense used here: -y is ahead.
        pose.lean, pose.nod = -pose.lean, -pose.nod
        return pose

    def at(self, time_s, moving=1.0):
        """The person at a moment; moving: share of speed_m_s, 0 stands."""
        human, skeleton = self.human, Skeleton(self.human, self.joints, self.pose(time_s, moving))
        points = skeleton.skin(self.rest).astype(np.float32)
        drawn = human.triangles[self.keep]
        base = points[human.triangles[human.region == SHOE].ravel(), 2].min()
        if self.kind in ("sit", "wheelchair"):
            hips = skeleton.place("Hips", self.joints[human.bones.index("Hips")])
            base = hips[2] - 0.5 - 0.05 * self.scale
        middle = skeleton.place("Hips", self.joints[human.bones.index("Hips")])
        offset = np.array([-middle[0], -middle[1], -base])
        body = [Mesh(points, self.uv, drawn, human.region[self.keep].astype(np.int32), self.materials)]
        things = [self.pushed]
        for bone, mesh in self.extras:
            body.append(Mesh(skeleton.place(bone, mesh.vertices).astype(np.float32), mesh.uv, mesh.triangles, mesh.material, mesh.materials))
        for bone, mesh in self.worn:
            things.append(Mesh(skeleton.place(bone, mesh.vertices).astype(np.float32), mesh.uv, mesh.triangles, mesh.material, mesh.materials).moved(offset))
        for hand, mesh in self.held:
            things.append(mesh.moved(skeleton.place(hand, self.joints[human.bones.index(hand)]) + offset))
        if len(self.umbrella.triangles):
            grip = skeleton.place("RightHand", self.joints[human.bones.index("RightHand")]) + offset
            things.append(self.umbrella.moved((grip[0] * 0.6, grip[1] * 0.6, grip[2] + 0.8)))
        return Figure(join(body).moved(offset), join(things), skeleton.place("Head", self.head_rest) + offset, self.head_radius, np.zeros(3))


class DrawnPerson(Person):
    """Somebody made of ellipsoids and rods, as computer scenes have them (the product's own demonstration among them)."""

    def __init__(self, random, cast, kind, child):
        super().__init__(random, cast, kind, child)
        self.flags |= Flag.simple
        self.build = random.uniform([0.15, 0.1, 0.095, 0.8], [0.26, 0.18, 0.14, 1.3]) * [self.scale, self.scale, self.scale, 1]
        self.segments = int(random.integers(6, 13))

    def at(self, time_s, moving=1.0):
        s, n, (wide, deep, head, thick) = self.scale, self.segments, self.build
        pose, paint = self.pose(time_s, moving), self.materials
        hip, shoulder = 0.9 * s, 1.42 * s
        if self.kind in ("sit", "wheelchair"):
            hip, shoulder = 0.5, 0.5 + 0.52 * s
        top = shoulder + 0.13 * s + head
        body = [ellipsoid((0, 0, top), (0.85 * head, 0.95 * head, 1.15 * head), paint[SKIN], 6, n)]
        body.append(ellipsoid((0, 0.15 * head, top + 0.12 * head), (0.92 * head, 0.98 * head, 1.1 * head), paint[SCALP], 6, n))
        body.append(ellipsoid((0, 0, (hip + shoulder) / 2), (wide, deep, (shoulder - hip) * 0.68), paint[TORSO], 7, n))
        for side, name in ((1, "Left"), (-1, "Right")):
            start = np.array([side * 0.1 * s, 0, hip])
            knee = start + pose.directions[name + "UpLeg"] * 0.43 * s
            foot = knee + pose.directions[name + "Leg"] * 0.42 * s
            body.append(tube([start, knee, foot], np.array([0.085, 0.065, 0.045]) * s * thick, paint[THIGH], n))
            body.append(ellipsoid(foot + [0, -0.06 * s, -0.02], np.array([0.05, 0.13, 0.045]) * s, paint[SHOE], 4, n))
            start = np.array([side * (wide + 0.02), 0, shoulder])
            elbow = start + pose.directions[name + "Arm"] * 0.29 * s
            hand = elbow + pose.directions[name + "ForeArm"] * 0.27 * s
            body.append(tube([start, elbow, hand], np.array([0.055, 0.045, 0.035]) * s * thick, paint[UPPER_ARM], n))
            body.append(ellipsoid(hand, np.full(3, 0.04) * s, paint[SKIN], 4, 6))
        whole = join(body).turned(TO_FRONT)
        drop = (0, 0, -whole.vertices[:, 2].min() if self.kind not in ("sit", "wheelchair") else 0.0)
        return Figure(whole.moved(drop), self.pushed, np.array([0, 0, top]) + drop, float(head), np.zeros(3))


def _tilt(angle):
    """Rotation that tips the top of a thing forwards (+x)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


# Things that are pushed

def _wheel(radius, width, material):
    ring = lathe([(radius, width / 2), (radius, -width / 2), (radius * 0.8, -width / 2), (radius * 0.8, width / 2), (radius, width / 2)], material, 12)
    return ring.turned(align((0, 0, 1), (0, 1, 0))).moved((0, 0, radius))


def pram(random, cast):
    """A baby's pram or buggy, pushed along +x, its middle at the origin."""
    cloth, frame = cast.cloth(random), Material(tuple(np.full(3, random.uniform(0.05, 0.7))), gloss=0.4)
    parts = [_wheel(random.uniform(0.1, 0.15), 0.05, Material((0.07, 0.07, 0.07))).moved((x, y, 0)) for x in (-0.3, 0.3) for y in (-0.22, 0.22)]
    parts += [tube([(-0.35, y, 0.15), (0.0, y, 0.55), (-0.65, y, 1.0)], 0.014, frame) for y in (-0.22, 0.22)]
    parts.append(tube([(-0.65, -0.22, 1.0), (-0.65, 0.22, 1.0)], 0.018, frame))
    if random.random() < 0.55:
        parts.append(ellipsoid((0.05, 0, 0.6), (0.42, 0.2, 0.2), cloth, 6, 10))
        parts.append(ellipsoid((-0.15, 0, 0.72), (0.24, 0.21, 0.24), cloth, 6, 10))
    else:
        parts.append(box((-0.15, -0.19, 0.4), (0.25, 0.19, 0.48), cloth))
        parts.append(rectangle((-0.15, -0.19, 0.45), (-0.15, 0, 0.45), (0, 0.38, 0), cloth))
        skin = Material(tuple(SKIN_TONES[random.integers(len(SKIN_TONES))]))
        parts.append(ellipsoid((-0.1, 0, 0.72), (0.085, 0.08, 0.09), skin if random.random() < 0.5 else cast.cloth(random), 6, 9))
        parts.append(ellipsoid((0.02, 0, 0.55), (0.16, 0.12, 0.13), cast.cloth(random), 5, 8))
        if random.random() < 0.6:
            parts.append(ellipsoid((-0.2, 0, 0.82), (0.24, 0.2, 0.16), cloth, 5, 9))
    return join(parts)


def shopping_trolley(random, cast):
    """A wire basket on wheels, empty or full."""
    wire = Material(tuple(np.full(3, random.uniform(0.35, 0.75))), gloss=0.5, opacity=random.uniform(0.3, 0.55))
    bar = Material(tuple(cloth_colour(random)), gloss=0.3)
    parts = [box((-0.45, -0.25, 0.45), (0.4, 0.25, 0.95), wire), tube([(-0.5, -0.27, 1.0), (-0.5, 0.27, 1.0)], 0.02, bar)]
    parts += [tube([(-0.45, y, 0.9), (-0.4, y, 0.15), (0.4, y, 0.12)], 0.014, Material((0.6, 0.6, 0.6), gloss=0.5)) for y in (-0.22, 0.22)]
    parts += [_wheel(0.06, 0.03, Material((0.1, 0.1, 0.1))).moved((x, y, 0)) for x in (-0.38, 0.38) for y in (-0.22, 0.22)]
    for _ in range(int(random.integers(0, 9))):
        size = random.uniform(0.04, 0.13, 3)
        at = np.array([random.uniform(-0.32, 0.28), random.uniform(-0.14, 0.14), random.uniform(0.55, 0.8)])
        parts.append(box(at - size, at + size, cast.cloth(random)))
    return join(parts)


def wheelchair(random, cast, metal, dark):
    """Seat, wheels and foot rest; the driver sits at the origin."""
    seat = cast.cloth(random, np.full(3, random.uniform(0.04, 0.2)))
    parts = [box((-0.22, -0.21, 0.42), (0.22, 0.21, 0.47), seat), box((-0.27, -0.2, 0.45), (-0.22, 0.2, 0.9), seat)]
    parts += [_wheel(0.3, 0.04, dark).moved((-0.12, y, 0)) for y in (-0.28, 0.28)]
    parts += [_wheel(0.09, 0.03, dark).moved((0.35, y, 0)) for y in (-0.2, 0.2)]
    parts += [tube([(-0.27, y, 0.9), (-0.4, y, 0.95)], 0.015, metal) for y in (-0.2, 0.2)]
    parts += [tube([(-0.22, y, 0.65), (0.15, y, 0.65), (0.2, y, 0.45), (0.45, y, 0.12)], 0.014, metal) for y in (-0.22, 0.22)]
    parts.append(box((0.4, -0.15, 0.08), (0.55, 0.15, 0.11), dark))
    return join(parts)


# Everybody

def make_person(random, cast, kind=None, child=None):
    """Somebody by realistic shares; kind is one of KINDS."""
    kind = kind or str(random.choice(KINDS, p=KIND_SHARES / KIND_SHARES.sum()))
    if child is None:
        child = random.random() < 0.1
    if child and kind in ("push_pram", "wheelchair", "suitcase"):
        kind = "walk"
    return (DrawnPerson if random.random() < DRAWN_SHARE else Person)(random, cast, kind, child)


def make_group(random, cast):
    """[(Person, (x, y))] who walk together, offsets in the frame of their heading."""
    kind = random.random()
    if kind < 0.72:
        return [(make_person(random, cast), (0.0, 0.0))]
    gap = random.uniform(0.42, 0.75)
    if kind < 0.84:  # a couple, arm in arm or side by side
        return [(make_person(random, cast, "walk", False), (0.0, 0.0)), (make_person(random, cast, "walk", False), (random.normal(0, 0.08), gap))]
    if kind < 0.93:  # a child by the hand
        return [(make_person(random, cast, "walk", False), (0.0, 0.0)), (make_person(random, cast, "walk", True), (random.uniform(-0.15, 0.1), gap * 0.9))]
    if kind < 0.96:  # a family with a pram
        return [(make_person(random, cast, "push_pram", False), (0.0, 0.0)), (make_person(random, cast, "walk", False), (random.normal(0.1, 0.1), gap + 0.1))]
    friends = int(random.integers(3, 5))
    return [(make_person(random, cast, "walk"), (random.normal(0, 0.15), i * gap)) for i in range(friends)]


def make_mannequin(random, cast):
    """A shop's figure: a person's shape in plastic, often headless, on a plate or a pole. Not a person."""
    person = Person(random, cast, "stand", False)
    tone = random.choice([0.92, 0.75, 0.45, 0.1, 0.03], p=[0.4, 0.15, 0.15, 0.15, 0.15])
    plastic = Material(tuple(np.full(3, tone)), gloss=random.uniform(0.3, 0.8))
    if random.random() < 0.12:
        plastic = Material((0.5, 0.6, 0.78), gloss=0.4)
    paint = list(person.materials)
    for region in (SKIN, SCALP, HAND):
        paint[region] = plastic
    bare = random.random() < 0.15
    for region in (TORSO, UPPER_ARM, FOREARM, THIGH, SHIN, SHOE):
        if bare or paint[region].colour == person.materials[SKIN].colour:
            paint[region] = plastic
    person.materials, person.extras, person.held, person.worn = tuple(paint), [], [], person.worn if random.random() < 0.3 else []
    human, keep = person.human, person.keep & (person.human.region != LONG_HAIR)
    style = random.random()
    head = np.isin(human.triangles, human.head_vertices).any(1)
    if style < 0.5:  # headless
        keep = keep & ~head
    lift = random.uniform(0.02, 0.3) if random.random() < 0.5 else 0.02
    if style > 0.8:  # a torso on a pole
        keep = keep & np.isin(human.region, (TORSO, UPPER_ARM, SKIRT, SKIN, SCALP)) & ~head
        pole = tube([(0, 0, 0), (0, 0, 1.0)], 0.02, Material((0.6, 0.6, 0.6), gloss=0.7))
    else:
        pole = EMPTY
    person.keep = keep
    figure = person.at(random.uniform(0, 9), 0.0)
    base = cylinder(random.uniform(0.17, 0.28), lift, Material(tuple(np.full(3, random.uniform(0.05, 0.9))), gloss=0.4), 14)
    return join([base, figure.body.moved((0, 0, lift)), pole])


def make_cutout(random, cast):
    """A flat cardboard person: somebody's outline in colours on a sheet. Not a person."""
    figure = make_person(random, cast, "stand", False).at(random.uniform(0, 9), 0.0)
    flat = figure.body.vertices * [0.02, random.uniform(0.9, 1.1), random.uniform(0.8, 1.1)]
    body = Mesh(flat.astype(np.float32), figure.body.uv, figure.body.triangles, figure.body.material, figure.body.materials)
    return join([body, box((-0.15, -0.25, 0), (0.15, 0.25, 0.02), Material((0.8, 0.8, 0.8)))])
