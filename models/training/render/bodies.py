"""The human body: the CC0 base mesh blended into many people, and moved by a skeleton.

Full meshes (13,380 vertices) are reduced once, by clustering, to about 1,800 that keep the head round: the head is what
the detector looks for. A bank holds some hundred rest shapes with their joints; posing one is linear blend skinning in
a fraction of a millisecond. Rest shapes face -y, z up, in metres; `pose` turns them to face +x.
"""

import gzip
import json
import os

import numpy as np

SKIN, SCALP, TORSO, UPPER_ARM, FOREARM, HAND, THIGH, SHIN, SHOE, LONG_HAIR, SKIRT = range(11)
REGIONS = 11
BODY_VERTICES = 13380
SHELLS = {"helper-hair": LONG_HAIR, "helper-skirt": SKIRT}
REGION_OF_BONE = (
    ("Head", SKIN), ("Neck", SKIN), ("ForeArm", FOREARM), ("Hand", HAND), ("Arm", UPPER_ARM), ("Shoulder", TORSO),
    ("UpLeg", THIGH), ("Foot", SHOE), ("Toe", SHOE), ("Leg", SHIN), ("Hips", THIGH), ("Spine", TORSO),
)  # fmt: skip
# Cluster sizes in metres: fine where the silhouette from above is decided, coarse elsewhere.
CELL_M, CELL_HEAD_M, CELL_HAND_M = 0.05, 0.024, 0.07
# Rest shapes face -y; people face +x.
TO_FRONT = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
PREFIX = "mixamorig:"


class Human:
    """Base mesh, targets, rig and weights of the data folder, reduced."""

    def __init__(self, folder):
        self.folder, self.targets = folder, {}
        self._read_mesh()
        self._read_rig()
        self._reduce()

    def _read_mesh(self):
        vertices, faces, group = [], [], ""
        with gzip.open(os.path.join(self.folder, "mesh", "base.obj.gz"), "rt") as f:
            for line in f:
                if line.startswith("v "):
                    vertices.append([float(x) for x in line.split()[1:4]])
                elif line.startswith("g "):
                    group = line.split()[1]
                elif line.startswith("f ") and (group == "body" or group in SHELLS):
                    corner = [int(x.split("/")[0]) - 1 for x in line.split()[1:]]
                    for k in range(1, len(corner) - 1):
                        faces.append((corner[0], corner[k], corner[k + 1], SHELLS.get(group, -1)))
        self.base, self.faces = np.array(vertices), np.array(faces)

    def _read_rig(self):
        with open(os.path.join(self.folder, "mesh", "basemesh_vertex_groups.json")) as f:
            spans = json.load(f)
        with open(os.path.join(self.folder, "rig", "rig.mixamo.json")) as f:
            rig = json.load(f)["bones"]
        with gzip.open(os.path.join(self.folder, "rig", "weights.mixamo.json.gz"), "rt") as f:
            pairs_of = json.load(f)["weights"]

        def kept(name):
            """Fingers follow their hand, toes and eyes the bone they hang on: nobody sees them move."""
            short = name.removeprefix(PREFIX)
            while name and (("Hand" in short and short not in ("LeftHand", "RightHand")) or "Toe" in short or "Eye" in short or "End" in short):
                name = rig[name]["parent"]
                short = name.removeprefix(PREFIX)
            return name

        self.bones = []  # parents before children
        names = [n for n in rig if kept(n) == n]
        while len(self.bones) < len(names):
            for name in names:
                if name not in self.bones and (not rig[name]["parent"] or rig[name]["parent"] in self.bones):
                    self.bones.append(name)
        self.parent = [self.bones.index(rig[n]["parent"]) if rig[n]["parent"] else -1 for n in self.bones]
        self.joint_vertices = []
        for name in self.bones:
            place = rig[name]["head"]
            if place["strategy"] == "CUBE":
                a, b = spans[place["cube_name"]][0]
                self.joint_vertices.append(np.arange(a, b + 1))
            else:
                self.joint_vertices.append(np.array(place.get("vertex_indices") or [place.get("vertex_index", 0)]))
        weights = np.zeros((len(self.base), len(self.bones)), np.float32)
        for name, pairs in pairs_of.items():
            if pairs:
                index, value = np.array(pairs).T
                weights[index.astype(int), self.bones.index(kept(name))] += value
        bare = np.where(weights.sum(1) < 1e-3)[0]
        for vertex in bare[np.isin(bare, self.faces[:, :3])]:  # shells follow the nearest skin
            weights[vertex] = weights[np.argmin(((self.base[:BODY_VERTICES] - self.base[vertex]) ** 2).sum(1))]
        self.weights = weights / np.maximum(weights.sum(1, keepdims=True), 1e-6)
        self.bones = [n.removeprefix(PREFIX) for n in self.bones]

    def _reduce(self):
        """One vertex per grid cell, body part and side."""
        points = self.base * 0.1
        bone = np.array(self.bones)[self.weights.argmax(1)]
        size = np.full(len(points), CELL_M)
        size[np.char.find(bone, "Hand") >= 0] = CELL_HAND_M
        size[np.char.find(bone, "Head") >= 0] = CELL_HEAD_M
        part = np.array([next(r for key, r in REGION_OF_BONE if key in b) for b in bone])
        shell = np.zeros(len(points), int)
        for code in SHELLS.values():
            mine = np.unique(self.faces[self.faces[:, 3] == code, :3])
            shell[mine], size[mine] = code, CELL_M
        key = np.column_stack([np.floor(points / size[:, None]), part, np.sign(np.round(points[:, 0], 2)), shell])
        used = np.unique(self.faces[:, :3])
        _, cluster = np.unique(key[used], axis=0, return_inverse=True)
        cluster = cluster.ravel()
        centre = np.zeros((cluster.max() + 1, 3))
        np.add.at(centre, cluster, points[used])
        centre /= np.bincount(cluster)[:, None]
        self.kept = np.zeros(len(centre), int)
        for i in np.argsort(-((points[used] - centre[cluster]) ** 2).sum(1)):
            self.kept[cluster[i]] = used[i]
        where = np.full(len(points), -1)
        where[used] = cluster
        triangles = where[self.faces[:, :3]]
        good = (triangles[:, 0] != triangles[:, 1]) & (triangles[:, 1] != triangles[:, 2]) & (triangles[:, 0] != triangles[:, 2])
        _, first = np.unique(np.sort(triangles[good], 1), axis=0, return_index=True)
        self.triangles = triangles[good][first].astype(np.int32)
        part = part[self.kept][self.triangles]
        region = np.where((part[:, 0] == part[:, 1]) | (part[:, 0] == part[:, 2]), part[:, 0], part[:, 1])
        code = self.faces[good, 3][first]
        self.region = np.where(code >= 0, code, region)
        # Hair grows on the top and the back of the head.
        head = points[self.kept][self.triangles].mean(1)
        face = self.region == SKIN
        top, front = head[face][:, 1].max(), head[face][:, 2].max()
        scalp = (head[:, 1] > top - 0.065) | ((head[:, 1] > top - 0.19) & (head[:, 2] < front - 0.10))
        self.region[face & scalp] = SCALP
        self.small_weights = self.weights[self.kept].astype(np.float32)
        self.head_vertices = np.where((self.small_weights.argmax(1) == self.bones.index("Head")) & (shell[self.kept] == 0))[0]

    def _add(self, points, name, weight):
        if name not in self.targets:
            with gzip.open(os.path.join(self.folder, "targets", name + ".target.gz"), "rt") as f:
                rows = np.array([l.split() for l in f if l.strip() and not l.startswith("#")], float).reshape(-1, 4)
            self.targets[name] = (rows[:, 0].astype(int), rows[:, 1:])
        index, delta = self.targets[name]
        points[index] += weight * delta

    def shape(self, random, age):
        """A random body; age: child, young, old. Returns (reduced vertices, joints), facing -y."""
        sex = random.choice(["female", "male"])
        points = self.base.copy()
        for ancestry, weight in zip(("african", "asian", "caucasian"), random.dirichlet([0.6] * 3)):
            self._add(points, f"{ancestry}-{sex}-{age}", weight)
        muscle = random.choice(["minmuscle", "averagemuscle", "maxmuscle"], p=[0.3, 0.5, 0.2])
        extreme, share = random.choice(["minweight", "maxweight"]), random.beta(1, 1.5)
        self._add(points, f"universal-{sex}-{age}-{muscle}-averageweight", 1 - share)
        self._add(points, f"universal-{sex}-{age}-{muscle}-{extreme}", share)
        self._add(points, f"height/{sex}-{age}-averagemuscle-averageweight-{random.choice(['min', 'max'])}height", random.uniform(0, 0.7))
        points = np.column_stack([points[:, 0], -points[:, 2], points[:, 1]]) * 0.1
        points[:, 2] -= points[:BODY_VERTICES, 2].min()
        height = random.uniform(0.88, 1.5) if age == "child" else random.normal(1.72 if sex == "male" else 1.62, 0.085)
        points *= height / points[:BODY_VERTICES, 2].max()
        joints = np.array([points[v].mean(0) for v in self.joint_vertices])
        return points[self.kept].astype(np.float32), joints.astype(np.float32)


class Bank:
    """Many rest shapes: vertices float32 [count, n, 3], joints [count, bones, 3], child [count]."""

    def __init__(self, folder, cache, seed, count):
        self.human = _human(folder)
        if not os.path.exists(cache):
            random, rows = np.random.default_rng(seed), []
            ages = random.choice(["young", "old", "child"], count, p=[0.62, 0.2, 0.18])
            for age in ages:
                rows.append(self.human.shape(random, age))
            np.savez(cache + ".part.npz", vertices=np.stack([r[0] for r in rows]), joints=np.stack([r[1] for r in rows]), child=ages == "child")
            os.replace(cache + ".part.npz", cache)
        with np.load(cache) as f:
            self.vertices, self.joints, self.child = f["vertices"], f["joints"], f["child"]


_HUMANS = {}


def _human(folder):
    if folder not in _HUMANS:
        _HUMANS[folder] = Human(folder)
    return _HUMANS[folder]


def about(axis, angle):
    """Rotation about one of the axes 0, 1, 2."""
    c, s = np.cos(angle), np.sin(angle)
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    turn = np.eye(3)
    turn[a, a], turn[a, b], turn[b, a], turn[b, b] = c, -s, s, c
    return turn


def _align(a, b):
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    v, c = np.cross(a, b), float(a @ b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + k + k @ k / max(1 + c, 1e-3)


class Skeleton:
    """Bone transforms of one pose: rest point p of bone b lies at rotation[b] @ p + move[b], facing +x."""

    def __init__(self, human, joints, pose):
        """pose: Pose of people.py (directions of the limb bones, lean and twist of the back, nod of the head)."""
        count = len(human.bones)
        rotation, origin = np.zeros((count, 3, 3)), np.zeros((count, 3))
        for b, name in enumerate(human.bones):
            parent = human.parent[b]
            if parent < 0:
                rotation[b], origin[b] = np.eye(3), joints[b]
                continue
            origin[b] = origin[parent] + rotation[parent] @ (joints[b] - joints[parent])
            if name == "Spine":
                rotation[b] = about(0, pose.lean) @ about(1, pose.sway)
            elif name == "Spine2":
                rotation[b] = rotation[parent] @ about(2, pose.twist)
            elif name in pose.directions:
                child = human.parent.index(b)
                wanted = pose.directions[name]
                if "Arm" in name:
                    wanted = rotation[human.bones.index("Spine")] @ wanted
                rotation[b] = _align(joints[child] - joints[b], wanted)
            elif name == "Head":
                rotation[b] = about(0, pose.nod) @ about(2, pose.turn)
            elif name.endswith("Foot"):
                rotation[b] = about(0, pose.foot.get(name, 0.0))
            else:
                rotation[b] = rotation[parent]
        self.human = human
        self.rotation = TO_FRONT @ rotation
        self.move = origin @ TO_FRONT.T - np.einsum("bij,bj->bi", self.rotation, joints)

    def skin(self, rest):
        """rest [n, 3] of the reduced mesh to posed [n, 3]."""
        w = self.human.small_weights
        turn = (w @ self.rotation.reshape(len(self.rotation), 9)).reshape(-1, 3, 3)
        return np.einsum("nij,nj->ni", turn, rest) + w @ self.move

    def place(self, bone, point):
        """A rest point [3] or [n, 3] fixed to a bone."""
        b = self.human.bones.index(bone)
        return np.asarray(point) @ self.rotation[b].T + self.move[b]
