"""What is drawn: triangles with materials, and the simple solids from which things are built.

Units are metres, z is up and the floor lies at z = 0. Colours are sRGB in the order blue, green, red, 0 to 1.
Meshes are immutable: moving or joining makes new ones, so one chair can stand in many places.
"""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Material:
    """How a surface answers light.

    texture: uint8 [h, w, 3] blue, green, red, multiplied with colour; wraps around; uv 1.0 is one repeat.
    gloss: 0 cloth .. 1 polished metal. emission: light it gives by itself, times colour (1 = white paper in the room's light).
    opacity: below 1 a share of the pixels lets the view through (glass, mesh, foliage).
    """

    colour: tuple = (0.5, 0.5, 0.5)
    texture: np.ndarray | None = None
    gloss: float = 0.0
    emission: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True, eq=False)
class Mesh:
    """vertices float32 [n, 3]; uv float32 [n, 2]; triangles int32 [m, 3]; material int32 [m] into materials.

    Faces that share a vertex are shaded as one smooth surface; a sharp edge has its vertices twice.
    """

    vertices: np.ndarray
    uv: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    materials: tuple = field(default_factory=tuple)

    def moved(self, offset=(0.0, 0.0, 0.0), yaw=0.0, scale=1.0):
        """Scaled, then turned about z by yaw (radians, counter-clockwise from above), then moved."""
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
        vertices = self.vertices * scale @ turn + np.asarray(offset)
        return Mesh(vertices.astype(np.float32), self.uv, self.triangles, self.material, self.materials)

    def turned(self, rotation, about=(0.0, 0.0, 0.0)):
        """rotation: [3, 3] matrix for column vectors."""
        vertices = (self.vertices - about) @ np.asarray(rotation).T + about
        return Mesh(vertices.astype(np.float32), self.uv, self.triangles, self.material, self.materials)

    def painted(self, *materials):
        """The same shape with other materials, in the order of the old ones."""
        return Mesh(self.vertices, self.uv, self.triangles, self.material, tuple(materials))


EMPTY = Mesh(
    np.zeros((0, 3), np.float32), np.zeros((0, 2), np.float32), np.zeros((0, 3), np.int32), np.zeros(0, np.int32), ()
)


def join(meshes):
    """One mesh of many; materials are kept apart."""
    meshes = [m for m in meshes if len(m.triangles)]
    if not meshes:
        return EMPTY
    triangles, material, materials, start = [], [], [], 0
    for m in meshes:
        triangles.append(m.triangles + start)
        material.append(m.material + len(materials))
        materials += m.materials
        start += len(m.vertices)
    return Mesh(
        np.concatenate([m.vertices for m in meshes]),
        np.concatenate([m.uv for m in meshes]),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate(material).astype(np.int32),
        tuple(materials),
    )


def grid(points, material, repeats=(1.0, 1.0), closed=False):
    """A surface through points [rows, columns, 3]; closed: the last column meets the first. uv: (column, row)."""
    points = np.asarray(points, np.float32)
    if closed:
        points = np.concatenate([points, points[:, :1]], 1)
    rows, columns = points.shape[:2]
    u, v = np.meshgrid(np.linspace(0, repeats[0], columns), np.linspace(0, repeats[1], rows))
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (x.ravel() for x in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    uv = np.stack([u.ravel(), v.ravel()], 1).astype(np.float32)
    return Mesh(points.reshape(-1, 3), uv, triangles, np.zeros(len(triangles), np.int32), (material,))


# The corners of a rectangle in the order of grid(): upper row first.
_FLAT_TRIANGLES = np.array([[0, 1, 3], [0, 3, 2]], np.int32)
_FLAT_UV = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
# Corner, along and up of a box's faces as shares of its three sides.
_BOX_FACES = np.array([
    [[0, 0, 0], [1, 0, 0], [0, 0, 1]], [[1, 1, 0], [-1, 0, 0], [0, 0, 1]], [[0, 1, 0], [0, -1, 0], [0, 0, 1]],
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[0, 0, 1], [1, 0, 0], [0, 1, 0]], [[0, 0, 0], [0, 1, 0], [1, 0, 0]],
], float)  # fmt: skip
_BOX_TRIANGLES = (_FLAT_TRIANGLES[None] + 4 * np.arange(6, dtype=np.int32)[:, None, None]).reshape(-1, 3)


def rectangle(corner, along, up, material, repeats=(1.0, 1.0)):
    """A flat piece from corner, spanned by two vectors; the texture stands upright when `up` is up."""
    corner, along, up = (np.asarray(v, float) for v in (corner, along, up))
    points = np.array([corner + up, corner + up + along, corner, corner + along], np.float32)
    return Mesh(points, _FLAT_UV * np.array(repeats, np.float32), _FLAT_TRIANGLES, np.zeros(2, np.int32), (material,))


def box(low, high, material, metres_per_repeat=None):
    """Axis-parallel box with hard edges. metres_per_repeat: texture scale; None: one repeat a face."""
    low, size = np.asarray(low, float), np.asarray(high, float) - low
    corner, along, up = (_BOX_FACES * size).transpose(1, 0, 2)
    corner = low + corner
    points = np.stack([corner + up, corner + up + along, corner, corner + along], 1)
    uv = np.tile(_FLAT_UV, (6, 1, 1))
    if metres_per_repeat:
        uv = uv * np.stack([np.abs(along).sum(1), np.abs(up).sum(1)], 1)[:, None] / metres_per_repeat
    return Mesh(points.reshape(-1, 3).astype(np.float32), uv.reshape(-1, 2).astype(np.float32), _BOX_TRIANGLES, np.zeros(12, np.int32), (material,))


def lathe(profile, material, segments=12, repeats=(1.0, 1.0)):
    """Turned about z: profile [(radius, z)], from top to bottom."""
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    profile = np.asarray(profile, float)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    points = np.zeros((len(profile), segments, 3))
    points[..., :2] = profile[:, None, :1] * ring[None]
    points[..., 2] = profile[:, None, 1]
    return grid(points, material, repeats, closed=True)


def cylinder(radius, height, material, segments=12):
    """Upright, standing on z = 0, closed on top."""
    side = lathe([(radius, height), (radius, 0)], material, segments)
    return join([lathe([(1e-4, height), (radius, height)], material, segments), side])


def ellipsoid(centre, radii, material, rings=7, segments=10):
    angle = np.linspace(0, np.pi, rings + 1)
    ball = lathe(np.stack([np.sin(angle), np.cos(angle)], 1), material, segments)
    vertices = ball.vertices * np.asarray(radii) + np.asarray(centre)
    return Mesh(vertices.astype(np.float32), ball.uv, ball.triangles, ball.material, ball.materials)


def align(a, b):
    """Smallest rotation that takes direction a to direction b (Rodrigues)."""
    a, b = np.asarray(a, float) / np.linalg.norm(a), np.asarray(b, float) / np.linalg.norm(b)
    v, c = np.cross(a, b), float(a @ b)
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    if c < -0.9999:
        return np.diag([1.0, -1.0, -1.0])
    return np.eye(3) + k + k @ k / (1 + c)


def tube(points, radius, material, segments=6):
    """A rod or cable through points [n, 3]; radius: one or one a point."""
    points = np.asarray(points, float)
    radius = np.broadcast_to(radius, len(points))
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
    direction = np.gradient(points, axis=0)
    rows = [p + (ring * r) @ align((0, 0, 1), d).T for p, r, d in zip(points, radius, direction)]
    return grid(rows, material, closed=True)
