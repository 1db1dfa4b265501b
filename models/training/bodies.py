"""A bank of posed people as small triangle meshes: the CC0 human body, and simple bodies of ellipsoids and capsules.

Every mesh is in metres, z up, feet on z = 0, facing -y, with a region code per triangle. Colours are chosen per
scene, so that one mesh is many people. Meshes are coarse on purpose (a person is 15 to 90 pixels tall).
"""

import gzip
import json
import os
import pickle

import numpy as np

SKIN, HAIR, TORSO, UPPER_ARM, FOREARM, HAND, THIGH, SHIN, SHOE, LONG_HAIR, SKIRT, BAG, HAT = range(13)
BODY_VERTICES = 13380
GROUPS = {"helper-hair": LONG_HAIR, "helper-skirt": SKIRT}
REGION_OF_BONE = [
    ("Head", SKIN), ("Neck", SKIN), ("ForeArm", FOREARM), ("Hand", HAND), ("Arm", UPPER_ARM), ("Shoulder", TORSO),
    ("UpLeg", THIGH), ("Foot", SHOE), ("Toe", SHOE), ("Leg", SHIN), ("Hips", THIGH), ("Spine", TORSO),
]  # fmt: skip


class Human:
    """Base mesh, shape targets, rig and weights of shared/data/human, reduced by vertex clustering."""

    def __init__(self, folder):
        self.folder = folder
        vertices, faces, group = [], [], ""
        with gzip.open(os.path.join(folder, "mesh", "base.obj.gz"), "rt") as f:
            for line in f:
                if line.startswith("v "):
                    vertices.append([float(x) for x in line.split()[1:4]])
                elif line.startswith("g "):
                    group = line.split()[1]
                elif line.startswith("f ") and (group == "body" or group in GROUPS):
                    corner = [int(x.split("/")[0]) - 1 for x in line.split()[1:]]
                    for k in range(1, len(corner) - 1):
                        faces.append((corner[0], corner[k], corner[k + 1], GROUPS.get(group, -1)))
        self.base = np.array(vertices)
        self.faces = np.array(faces)
        self.targets = {}
        with open(os.path.join(folder, "mesh", "basemesh_vertex_groups.json")) as f:
            spans = json.load(f)
        with open(os.path.join(folder, "rig", "rig.mixamo.json")) as f:
            self.bones = json.load(f)["bones"]
        self.joints = {}
        for name, bone in self.bones.items():
            for end in ("head", "tail"):
                place = bone[end]
                if place["strategy"] == "CUBE":
                    a, b = spans[place["cube_name"]][0]
                    self.joints[name, end] = np.arange(a, b + 1)
                else:
                    self.joints[name, end] = np.array(place.get("vertex_indices") or [place.get("vertex_index", 0)])
        self.order = []  # parents before children
        while len(self.order) < len(self.bones):
            for name, bone in self.bones.items():
                if name not in self.order and (not bone["parent"] or bone["parent"] in self.order):
                    self.order.append(name)
        weights = np.zeros((len(self.base), len(self.order)), np.float32)
        with gzip.open(os.path.join(folder, "rig", "weights.mixamo.json.gz"), "rt") as f:
            for name, pairs in json.load(f)["weights"].items():
                if pairs:
                    index, value = np.array(pairs).T
                    weights[index.astype(int), self.order.index(name)] = value
        # Helpers without weights follow the nearest body vertex.
        bare = np.where(weights.sum(1) < 1e-3)[0]
        for vertex in bare[np.isin(bare, self.faces[:, :3])]:
            nearest = np.argmin(((self.base[:BODY_VERTICES] - self.base[vertex]) ** 2).sum(1))
            weights[vertex] = weights[nearest]
        self.weights = weights / np.maximum(weights.sum(1, keepdims=True), 1e-6)
        self._reduce()

    def _reduce(self):
        """One vertex per grid cell and body part: 13,000 vertices become about 1,500."""
        points, part = self.base * 0.1, self.weights.argmax(1)
        bone = np.array([n.split(":")[1] for n in self.order])[part]
        size = np.full(len(points), 0.05)
        size[np.char.find(bone.astype(str), "Hand") >= 0] = 0.07
        size[np.char.find(bone.astype(str), "Head") >= 0] = 0.035
        coarse = np.array([next(r for key, r in REGION_OF_BONE if key in b) for b in bone])
        side = np.sign(np.round(points[:, 0], 2))
        shell = np.zeros(len(points))
        for code in GROUPS.values():
            shell[np.unique(self.faces[self.faces[:, 3] == code, :3])] = code
        cell = np.floor(points / size[:, None])
        key = np.column_stack([cell, coarse, side, shell])
        used = np.unique(self.faces[:, :3])
        _, cluster = np.unique(key[used], axis=0, return_inverse=True)
        cluster = cluster.ravel()
        representative = np.zeros(cluster.max() + 1, int)
        centre = np.zeros((cluster.max() + 1, 3))
        np.add.at(centre, cluster, points[used])
        centre /= np.bincount(cluster)[:, None]
        distance = ((points[used] - centre[cluster]) ** 2).sum(1)
        for i in np.argsort(-distance):
            representative[cluster[i]] = used[i]
        where = np.full(len(points), -1)
        where[used] = cluster
        triangles = where[self.faces[:, :3]]
        good = (triangles[:, 0] != triangles[:, 1]) & (triangles[:, 1] != triangles[:, 2]) & (triangles[:, 0] != triangles[:, 2])
        _, first = np.unique(np.sort(triangles[good], 1), axis=0, return_index=True)
        self.triangles = triangles[good][first]
        self.representative = representative
        region = coarse[representative][self.triangles]
        region = np.where((region[:, 0] == region[:, 1]) | (region[:, 0] == region[:, 2]), region[:, 0], region[:, 1])
        code = self.faces[good, 3][first]
        self.region = np.where(code >= 0, code, region)
        # Hair grows on the top and the back of the head.
        head = points[representative][self.triangles].mean(1)
        top, front = head[self.region == SKIN][:, 1].max(), head[self.region == SKIN][:, 2].max()
        scalp = (head[:, 1] > top - 0.075) | ((head[:, 1] > top - 0.19) & (head[:, 2] < front - 0.11))
        self.region[(self.region == SKIN) & scalp] = HAIR

    def _target(self, name):
        if name not in self.targets:
            with gzip.open(os.path.join(self.folder, "targets", name + ".target.gz"), "rt") as f:
                rows = np.array([l.split() for l in f if l.strip() and not l.startswith("#")], float).reshape(-1, 4)
            self.targets[name] = (rows[:, 0].astype(int), rows[:, 1:])
        return self.targets[name]

    def shape(self, random):
        """A random body as all vertices in metres, z up."""
        sex = random.choice(["female", "male"])
        age = random.choice(["young", "old", "child"], p=[0.62, 0.23, 0.15])
        points = self.base.copy()

        def add(name, weight):
            index, delta = self._target(name)
            points[index] += weight * delta

        for ancestry, weight in zip(("african", "asian", "caucasian"), random.dirichlet([0.6] * 3)):
            add(f"{ancestry}-{sex}-{age}", weight)
        muscle = random.choice(["minmuscle", "averagemuscle", "maxmuscle"], p=[0.3, 0.5, 0.2])
        extreme = random.choice(["minweight", "maxweight"])
        share = random.beta(1, 1.5)
        add(f"universal-{sex}-{age}-{muscle}-averageweight", 1 - share)
        add(f"universal-{sex}-{age}-{muscle}-{extreme}", share)
        add(f"height/{sex}-{age}-averagemuscle-averageweight-{random.choice(['min', 'max'])}height", random.uniform(0, 0.7))
        points = np.column_stack([points[:, 0], -points[:, 2], points[:, 1]]) * 0.1
        points[:, 2] -= points[:BODY_VERTICES, 2].min()
        height = random.uniform(1.0, 1.5) if age == "child" else random.normal(1.71 if sex == "male" else 1.62, 0.08)
        return points * height / points[:BODY_VERTICES, 2].max()

    def pose(self, points, directions, lean):
        """directions: bone -> wanted direction of the bone (world). Linear blend skinning, absolute rotations."""
        joint = {key: points[index].mean(0) for key, index in self.joints.items()}
        rotation, origin = {}, {}
        for name in self.order:
            parent, head = self.bones[name]["parent"], joint[name, "head"]
            short = name.split(":")[1]
            if not parent:
                rotation[name], origin[name] = np.eye(3), head
                continue
            origin[name] = origin[parent] + rotation[parent] @ (head - joint[parent, "head"])
            if short == "Spine":
                rotation[name] = _about_x(lean)
            elif short in directions:
                child = next(n for n, b in self.bones.items() if b["parent"] == name)
                rotation[name] = _align(joint[child, "head"] - head, rotation["mixamorig:Spine"] @ directions[short]
                                        if "Arm" in short else directions[short])
            elif short.endswith("Foot"):
                rotation[name] = np.eye(3)
            else:
                rotation[name] = rotation[parent]
        posed = np.zeros((len(self.representative), 3))
        rest, weights = points[self.representative], self.weights[self.representative]
        for index, name in enumerate(self.order):
            w = weights[:, index : index + 1]
            if w.any():
                posed += w * ((rest - joint[name, "head"]) @ rotation[name].T + origin[name])
        return posed


def _about_x(angle):
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def _align(a, b):
    """Smallest rotation that takes direction a to direction b (Rodrigues)."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    v, c = np.cross(a, b), float(a @ b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / max(1 + c, 1e-3)


def _limb(forward, outward, side):
    """Direction of a hanging limb: forward is -y, outward is away from the body."""
    return np.array([side * np.sin(outward), -np.sin(forward) * np.cos(outward), -np.cos(forward) * np.cos(outward)])


def random_pose(random):
    """Directions of the eight limb bones, and the lean of the back."""
    kind = random.choice(["walk", "stand", "carry", "phone", "reach", "push", "sit"], p=[0.42, 0.22, 0.1, 0.08, 0.05, 0.07, 0.06])
    phase, stride = random.uniform(0, 2 * np.pi), random.uniform(0.25, 0.55)
    directions, lean = {}, random.normal(0, 0.06)
    for side, name, turn in ((1, "Left", 0.0), (-1, "Right", np.pi)):
        swing = np.sin(phase + turn)
        if kind in ("walk", "push"):
            thigh = stride * swing
            knee = 0.1 + 0.9 * max(0.0, np.cos(phase + turn)) * random.uniform(0.5, 1)
        elif kind == "sit":
            thigh, knee = random.uniform(1.25, 1.55), random.uniform(1.2, 1.6)
        else:
            thigh, knee = random.normal(0, 0.07), abs(random.normal(0, 0.08))
        spread = random.uniform(0.02, 0.12)
        directions[name + "UpLeg"] = _limb(thigh, spread, side)
        directions[name + "Leg"] = _limb(thigh - knee, spread, side)
        arm, elbow, out = -0.6 * stride * swing, random.uniform(0.1, 0.45), random.uniform(0.08, 0.3)
        if kind == "stand":
            arm, elbow = random.normal(0, 0.15), abs(random.normal(0.2, 0.3))
        if kind in ("carry", "push", "sit"):
            arm, elbow = random.uniform(0.1, 0.7), random.uniform(0.6, 1.4)
        if kind in ("phone", "reach") and (side == 1) == (phase > np.pi):
            arm, elbow = (random.uniform(0.2, 0.7), random.uniform(1.3, 2.2)) if kind == "phone" else (random.uniform(1, 2.2), 0.2)
        directions[name + "Arm"] = _limb(arm, out, side)
        directions[name + "ForeArm"] = _limb(arm + elbow, out * random.uniform(-0.6, 0.9), side)
    if kind == "push":
        lean += 0.15
    return directions, -lean if kind != "push" else abs(lean)


def sphere(centre, radii, region, rings=5, segments=8):
    """Ellipsoid as (vertices, triangles, regions)."""
    theta = np.linspace(0, np.pi, rings + 1)
    phi = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    grid = np.array([[np.sin(t) * np.cos(p), np.sin(t) * np.sin(p), np.cos(t)] for t in theta for p in phi])
    triangles = []
    for r in range(rings):
        for s in range(segments):
            a, b = r * segments + s, r * segments + (s + 1) % segments
            triangles += [(a, a + segments, b), (b, a + segments, b + segments)]
    return grid * radii + centre, np.array(triangles), np.full(len(triangles), region)


def capsule(a, b, radius_a, radius_b, region, segments=8):
    """Tapered capsule from a to b."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    axis = (b - a) / max(np.linalg.norm(b - a), 1e-6)
    frame = _align(np.array([0, 0, 1.0]), axis)
    rows = [(a - axis * radius_a, 0.02), (a - axis * radius_a * 0.6, radius_a * 0.8), (a, radius_a), (b, radius_b),
            (b + axis * radius_b * 0.6, radius_b * 0.8), (b + axis * radius_b, 0.02)]  # fmt: skip
    phi = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring = np.column_stack([np.cos(phi), np.sin(phi), 0 * phi]) @ frame.T
    points = np.concatenate([c + ring * r for c, r in rows])
    triangles = []
    for r in range(len(rows) - 1):
        for s in range(segments):
            p, q = r * segments + s, r * segments + (s + 1) % segments
            triangles += [(p, q, p + segments), (q, q + segments, p + segments)]
    return points, np.array(triangles), np.full(len(triangles), region)


def join(parts):
    vertices, triangles, regions, start = [], [], [], 0
    for v, t, r in parts:
        vertices.append(v)
        triangles.append(t + start)
        regions.append(r)
        start += len(v)
    return np.concatenate(vertices), np.concatenate(triangles), np.concatenate(regions)


def simple_body(random):
    """A person drawn with ellipsoids and capsules, as simple computer scenes have them."""
    height = random.uniform(1.05, 1.95)
    s = height / 1.75
    n = int(random.integers(6, 14))
    directions, _ = random_pose(random)
    wide, deep = random.uniform(0.15, 0.26) * s, random.uniform(0.1, 0.18) * s
    head = random.uniform(0.09, 0.15) * s
    hip, shoulder = 0.9 * s, 1.42 * s
    parts = [sphere((0, 0, height - head * 1.2), (head * 0.85, head * 0.95, head * 1.2), SKIN, 6, n)]
    parts.append(sphere((0, head * 0.15, height - head * 1.05), (head * 0.92, head * 0.98, head * 1.12), HAIR, 6, n))
    if random.random() < 0.5:
        parts.append(sphere((0, 0, (hip + shoulder) / 2), (wide, deep, (shoulder - hip) * 0.68), TORSO, 7, n))
    else:
        parts.append(capsule((0, 0, hip), (0, 0, shoulder - 0.08), wide * 0.85, wide, TORSO, n))
    if random.random() < 0.15:  # one piece to the floor: a coat, a dress, or a very simple drawing
        parts.append(capsule((0, 0, 0.25 * s), (0, 0, hip), wide * 1.1, wide * 0.9, random.choice([TORSO, SKIRT]), n))
    thick = random.uniform(0.8, 1.3)
    for side, name in ((1, "Left"), (-1, "Right")):
        a = np.array([side * 0.1 * s, 0, hip])
        knee = a + directions[name + "UpLeg"] * 0.43 * s
        foot = knee + directions[name + "Leg"] * 0.42 * s
        parts.append(capsule(a, knee, 0.085 * s * thick, 0.06 * s * thick, THIGH, n))
        parts.append(capsule(knee, foot, 0.06 * s * thick, 0.045 * s * thick, SHIN, n))
        parts.append(sphere(foot + [0, -0.06 * s, -0.02], (0.05 * s, 0.13 * s, 0.045 * s), SHOE, 4, n))
        a = np.array([side * (wide + 0.02), 0, shoulder])
        elbow = a + directions[name + "Arm"] * 0.29 * s
        hand = elbow + directions[name + "ForeArm"] * 0.27 * s
        parts.append(capsule(a, elbow, 0.055 * s * thick, 0.045 * s * thick, UPPER_ARM, n))
        parts.append(capsule(elbow, hand, 0.042 * s * thick, 0.035 * s * thick, FOREARM, n))
        parts.append(sphere(hand, (0.04 * s,) * 3, HAND, 4, 6))
    vertices, triangles, regions = join(parts)
    vertices[:, 2] -= vertices[:, 2].min()
    return vertices, triangles, regions


def accessories(vertices, random):
    """Backpack, bag and hat, as ellipsoids fixed to a standing body."""
    parts, top = [], vertices[:, 2].max()
    s = top / 1.75
    if random.random() < 0.18:
        parts.append(sphere((0, 0.2 * s, 1.18 * s), (0.16 * s, 0.12, 0.24 * s), BAG))
    if random.random() < 0.15:
        parts.append(sphere((random.choice([-1, 1]) * 0.3 * s, 0, 0.62 * s), (0.08, 0.18, 0.17), BAG))
    if random.random() < 0.15:
        centre = vertices[vertices[:, 2] > top - 0.12].mean(0)
        brim = random.uniform(0.1, 0.19)
        parts.append(sphere((centre[0], centre[1], top - 0.03), (brim, brim + 0.02, 0.07), HAT))
    return parts


def build_bank(folder, cache, count, simple_count, seed):
    """List of (vertices, triangles, regions); kept in a file because shaping the bodies takes a while."""
    if os.path.exists(cache):
        with open(cache, "rb") as f:
            return pickle.load(f)
    random, human, bank = np.random.default_rng(seed), Human(folder), []
    while len(bank) < count:
        points = human.shape(random)
        for _ in range(4):
            directions, lean = random_pose(random)
            posed = human.pose(points, directions, lean)
            posed[:, 2] -= posed[:, 2].min()
            region = human.region
            keep = np.ones(len(region), bool)
            if random.random() < 0.6:
                keep &= region != LONG_HAIR
            if random.random() < 0.8:
                keep &= region != SKIRT
            parts = [(posed, human.triangles[keep], region[keep])] + accessories(posed, random)
            bank.append(join(parts))
        print(f"bodies {len(bank)}/{count}", flush=True) if len(bank) % 80 == 0 else None
    bank += [simple_body(random) for _ in range(simple_count)]
    with open(cache, "wb") as f:
        pickle.dump(bank, f)
    return bank
