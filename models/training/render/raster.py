"""The rasteriser: triangles into a depth buffer and a face number per pixel, for the camera and for shadow maps.

Why our own: it is 200 lines, gives the exact share of every body that is hidden, the same picture from the same
seed on every machine, and needs neither a display nor a driver. What a pixel looks like is decided later, once per
pixel and not once per triangle (light.py).

`near` buffers hold what is linear over the screen and larger for what is nearer: 1 / depth for the camera, minus
the distance for a shadow map.
"""

import numpy as np
from numba import njit

NEAR_M = 0.08
# A 4 x 4 ordered dither: a pane of opacity 0.3 covers the same 30 % of the pixels in every picture.
_BAYER = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) + 0.5).astype(np.float32) / 16


@njit(cache=True)
def clip_to_screen(vertices, triangles, focal_px, centre_x, centre_y):
    """Camera coordinates (x right, y down, z forward) to screen triangles, cut at the near plane.

    Returns corners float32 [k, 3, 3] of (x px, y px, 1 / depth) and the face each comes from, int32 [k].
    """
    corners = np.empty((2 * len(triangles), 3, 3), np.float32)
    faces = np.empty(2 * len(triangles), np.int32)
    polygon = np.empty((4, 3), np.float32)
    count = 0
    for f in range(len(triangles)):
        size = 0
        for i in range(3):
            a = vertices[triangles[f, i]]
            b = vertices[triangles[f, (i + 1) % 3]]
            if a[2] >= NEAR_M:
                polygon[size] = a
                size += 1
            if (a[2] >= NEAR_M) != (b[2] >= NEAR_M):
                share = (NEAR_M - a[2]) / (b[2] - a[2])
                for k in range(3):
                    polygon[size, k] = a[k] + share * (b[k] - a[k])
                size += 1
        for i in range(1, size - 1):
            for corner in range(3):
                p = polygon[0 if corner == 0 else i + corner - 1]
                inverse = 1 / p[2]
                corners[count, corner, 0] = p[0] * inverse * focal_px + centre_x
                corners[count, corner, 1] = p[1] * inverse * focal_px + centre_y
                corners[count, corner, 2] = inverse
            faces[count] = f
            count += 1
    return corners[:count], faces[:count]


@njit(cache=True)
def fill(corners, faces, opacity, near, face):
    """Draws screen triangles: keeps the nearest value and its face number. opacity: per face, dithered."""
    height, width = near.shape
    for k in range(len(corners)):
        x0, y0, q0 = corners[k, 0]
        x1, y1, q1 = corners[k, 1]
        x2, y2, q2 = corners[k, 2]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0:
            continue
        left, right = max(0, int(min(x0, x1, x2) - 0.5)), min(width - 1, int(max(x0, x1, x2)))
        top, bottom = max(0, int(min(y0, y1, y2) - 0.5)), min(height - 1, int(max(y0, y1, y2)))
        solid = opacity[faces[k]]
        scale = 1 / area
        for y in range(top, bottom + 1):
            py = y + 0.5
            for x in range(left, right + 1):
                px = x + 0.5
                w1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) * scale
                w2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) * scale
                if w1 < 0 or w2 < 0 or w1 + w2 > 1:
                    continue
                q = q0 + w1 * (q1 - q0) + w2 * (q2 - q0)
                if q > near[y, x]:
                    if solid < 1 and _BAYER[y & 3, x & 3] >= solid:
                        continue
                    near[y, x] = q
                    face[y, x] = faces[k]


@njit(cache=True)
def cover(corners, faces, owner, in_frame, stamp, number):
    """Pixels of the frame that each owner (1..) would cover if it stood alone. stamp: int32 scratch, zeroed."""
    height, width = stamp.shape
    for k in range(len(corners)):
        mine = owner[faces[k]]
        if mine <= 0:
            continue
        x0, y0, x1, y1, x2, y2 = (
            corners[k, 0, 0], corners[k, 0, 1], corners[k, 1, 0], corners[k, 1, 1], corners[k, 2, 0], corners[k, 2, 1],
        )  # fmt: skip
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0:
            continue
        scale = 1 / area
        left, right = max(0, int(min(x0, x1, x2) - 0.5)), min(width - 1, int(max(x0, x1, x2)))
        top, bottom = max(0, int(min(y0, y1, y2) - 0.5)), min(height - 1, int(max(y0, y1, y2)))
        for y in range(top, bottom + 1):
            py = y + 0.5
            for x in range(left, right + 1):
                if stamp[y, x] == mine or not in_frame[y, x]:
                    continue
                px = x + 0.5
                w1 = ((px - x0) * (y2 - y0) - (x2 - x0) * (py - y0)) * scale
                w2 = ((x1 - x0) * (py - y0) - (px - x0) * (y1 - y0)) * scale
                if w1 >= 0 and w2 >= 0 and w1 + w2 <= 1:
                    stamp[y, x] = mine
                    number[mine] += 1


@njit(cache=True)
def tally(face, owner, in_frame, number):
    """Pixels of the frame in which each owner is what one sees."""
    for y in range(face.shape[0]):
        for x in range(face.shape[1]):
            if face[y, x] >= 0 and in_frame[y, x]:
                mine = owner[face[y, x]]
                if mine > 0:
                    number[mine] += 1


@njit(cache=True)
def face_normals(vertices, triangles):
    """Area-weighted normals: per face (not normalised) and per vertex (unit length)."""
    faces = np.empty((len(triangles), 3), np.float32)
    corners = np.zeros((len(vertices), 3), np.float32)
    for f in range(len(triangles)):
        a, b, c = vertices[triangles[f, 0]], vertices[triangles[f, 1]], vertices[triangles[f, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        faces[f, 0], faces[f, 1], faces[f, 2] = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in range(3):
            corners[triangles[f, i]] += faces[f]
    for n in corners:
        length = np.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2) + 1e-12
        n /= length
    return faces, corners


class ShadowMap:
    """What a far light sees: an orthographic depth map along `direction` (unit, towards the light).

    It covers `low`..`high` (float [3], metres) and costs about 3 ms for 30,000 triangles.
    """

    def __init__(self, vertices, triangles, opacity, direction, low, high, size_px=512):
        helper = np.array([1.0, 0, 0]) if abs(direction[0]) < 0.7 else np.array([0, 1.0, 0])
        side = np.cross(direction, helper)
        side /= np.linalg.norm(side)
        axes = np.stack([side, np.cross(direction, side), direction])
        box = np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
        seen = box @ axes.T
        lowest, span = seen.min(0), np.ptp(seen, 0)
        self.px_per_m = size_px / max(span[0], span[1], 1e-3)
        # World to map: x, y in pixels, q larger towards the light.
        self.axes = (axes * [[self.px_per_m], [self.px_per_m], [1.0]]).astype(np.float32)
        self.offset = np.array([-lowest[0] * self.px_per_m, -lowest[1] * self.px_per_m, 0], np.float32)
        points = (vertices @ self.axes.T + self.offset).astype(np.float32)
        self.near = np.full((size_px, size_px), -1e9, np.float32)
        faces = np.arange(len(triangles), dtype=np.int32)
        fill(points[triangles], faces, opacity, self.near, np.empty(self.near.shape, np.int32))
