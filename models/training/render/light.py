"""Light: from a face number and a depth per pixel to linear colour.

Physically simple on purpose: hemisphere of ambient light, a sun with hard shadows, up to four lamps, and a soft
shadow from above that stands for all the light that furniture and bodies take away from the floor near them.
Colours are linear light here; camera response and sRGB come in sensor.py.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

# sRGB bytes to linear light.
LINEAR = (((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4).astype(np.float32)
LINEAR[:11] = np.arange(11) / 255 / 12.92
LEVELS = 5
LAMPS_MAX = 4
ATLAS_BYTES_MAX = 300_000_000


@dataclass(frozen=True)
class Light:
    """sun: unit vector towards it, or None. Powers are linear: 1 shows white paper as white.

    ambient_up / ambient_down: blue, green, red from above and from below. lamps: float32 [n, 7] of x, y, z, power, b, g, r.
    softness_px: width of the shadow from above, in pixels of its map.
    """

    ambient_up: np.ndarray
    ambient_down: np.ndarray
    sun: np.ndarray | None
    sun_colour: np.ndarray
    lamps: np.ndarray
    softness_px: int
    contact: float


class Atlas:
    """All textures that were ever used, with four smaller levels each, in one buffer that numba can index."""

    def __init__(self):
        self._clear()

    def _clear(self):
        self.known, self.keep, self.rows, self.parts, self.size = {}, [], [], [], 0
        self.data = np.zeros(3, np.uint8)

    def index(self, texture):
        """Number of a texture; -1 for None."""
        if texture is None:
            return -1
        if id(texture) not in self.known:
            self.known[id(texture)] = len(self.rows)
            self.keep.append(texture)
            row, level = [], np.ascontiguousarray(texture)
            for _ in range(LEVELS):
                row += [self.size, level.shape[1], level.shape[0]]
                self.parts.append(level.ravel())
                self.size += level.size
                smaller = (max(1, level.shape[1] // 2), max(1, level.shape[0] // 2))
                level = cv2.resize(level, smaller, interpolation=cv2.INTER_AREA)
            self.rows.append(row)
        return self.known[id(texture)]

    def ready(self):
        """(bytes, int64 table [n, 3 * LEVELS] of offset, width, height)."""
        if len(self.parts) > 1 or len(self.data) != self.size:
            self.data = np.concatenate(self.parts) if self.parts else np.zeros(3, np.uint8)
            self.parts = [self.data] if self.parts else []
        return self.data, np.array(self.rows or [[0, 1, 1] * LEVELS], np.int64)

    def trim(self):
        """Between pictures: textures made for one scene must not pile up."""
        if self.size > ATLAS_BYTES_MAX:
            self._clear()


@njit(cache=True, fastmath=True)
def _texel(data, table, texture, u, v, texels_per_px, out):
    level = 0
    while level < LEVELS - 1 and texels_per_px > 1.5:
        texels_per_px *= 0.5
        level += 1
    start, width, height = table[texture, 3 * level], table[texture, 3 * level + 1], table[texture, 3 * level + 2]
    x = (u - np.floor(u)) * width - 0.5
    y = (v - np.floor(v)) * height - 0.5
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - x0, y - y0
    xa, xb, ya, yb = x0 % width, (x0 + 1) % width, y0 % height, (y0 + 1) % height
    for c in range(3):
        top = LINEAR[data[start + (ya * width + xa) * 3 + c]] * (1 - fx) + LINEAR[data[start + (ya * width + xb) * 3 + c]] * fx
        low = LINEAR[data[start + (yb * width + xa) * 3 + c]] * (1 - fx) + LINEAR[data[start + (yb * width + xb) * 3 + c]] * fx
        out[c] = top * (1 - fy) + low * fy


@njit(cache=True, fastmath=True)
def _lit(near, axes, offset, x, y, z, bias_m, stride, shift_x, shift_y):
    """Share of 3 x 3 places of the shadow map, `stride` px apart, in which the point is not behind something.

    shift: neighbouring pixels look half a stride apart, and the frame averages four of them: 36 places for the price of 9.
    """
    size = near.shape[0]
    mx = axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z + offset[0]
    my = axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z + offset[1]
    q = axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z + offset[2] + bias_m
    seen, total = 0, 0
    for j in range(-1, 2):
        for i in range(-1, 2):
            total += 1
            px, py = int(mx + i * stride + shift_x), int(my + j * stride + shift_y)
            if px < 0 or py < 0 or px >= size or py >= size or near[py, px] <= q:
                seen += 1
    return seen / total


@njit(cache=True, fastmath=True)
def shade(
    face, near, focal_px, axes, origin, vertices, normals, triangles, uv, face_material, face_normal,
    colour, texture, gloss, emission, data, table,
    ambient_up, ambient_down, has_sun, sun, sun_colour, sun_near, sun_axes, sun_offset,
    top_near, top_axes, top_offset, softness_px, contact, lamps, sky, out, bare,
):  # fmt: skip
    """Fills out [h, w, 3] with linear light and bare [h, w] with the share of light that shadows leave (1: none)."""
    height, width = face.shape
    base = np.empty(3, np.float32)
    for row in range(height):
        for column in range(width):
            f = face[row, column]
            if f < 0:
                for c in range(3):
                    out[row, column, c] = sky[c]
                bare[row, column] = 1
                continue
            depth = 1 / near[row, column]
            dx, dy = (column + 0.5 - width / 2) / focal_px, (row + 0.5 - height / 2) / focal_px
            vx = dx * axes[0, 0] + dy * axes[1, 0] + axes[2, 0]
            vy = dx * axes[0, 1] + dy * axes[1, 1] + axes[2, 1]
            vz = dx * axes[0, 2] + dy * axes[1, 2] + axes[2, 2]
            px, py, pz = origin[0] + vx * depth, origin[1] + vy * depth, origin[2] + vz * depth
            away = 1 / np.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * away, vy * away, vz * away
            # Barycentric coordinates from areas, seen along the axis that the face is flattest in.
            ia, ib, ic = triangles[f, 0], triangles[f, 1], triangles[f, 2]
            gx, gy, gz = face_normal[f, 0], face_normal[f, 1], face_normal[f, 2]
            square = gx * gx + gy * gy + gz * gz + 1e-20
            ax, ay, az = px - vertices[ia, 0], py - vertices[ia, 1], pz - vertices[ia, 2]
            ux, uy, uz = vertices[ib, 0] - vertices[ia, 0], vertices[ib, 1] - vertices[ia, 1], vertices[ib, 2] - vertices[ia, 2]
            wx, wy, wz = vertices[ic, 0] - vertices[ia, 0], vertices[ic, 1] - vertices[ia, 1], vertices[ic, 2] - vertices[ia, 2]
            wc = ((uy * az - uz * ay) * gx + (uz * ax - ux * az) * gy + (ux * ay - uy * ax) * gz) / square
            wb = ((ay * wz - az * wy) * gx + (az * wx - ax * wz) * gy + (ax * wy - ay * wx) * gz) / square
            wb, wc = min(max(wb, 0.0), 1.0), min(max(wc, 0.0), 1.0)
            wa = 1 - wb - wc
            nx = wa * normals[ia, 0] + wb * normals[ib, 0] + wc * normals[ic, 0]
            ny = wa * normals[ia, 1] + wb * normals[ib, 1] + wc * normals[ic, 1]
            nz = wa * normals[ia, 2] + wb * normals[ib, 2] + wc * normals[ic, 2]
            long = 1 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9)
            nx, ny, nz = nx * long, ny * long, nz * long
            facing = nx * vx + ny * vy + nz * vz
            if facing > 0:  # sheets have two sides
                nx, ny, nz = -nx, -ny, -nz
            m = face_material[f]
            for c in range(3):
                base[c] = 1.0
            if texture[m] >= 0:
                u = wa * uv[ia, 0] + wb * uv[ib, 0] + wc * uv[ic, 0]
                v = wa * uv[ia, 1] + wb * uv[ib, 1] + wc * uv[ic, 1]
                u1, v1 = uv[ib, 0] - uv[ia, 0], uv[ib, 1] - uv[ia, 1]
                u2, v2 = uv[ic, 0] - uv[ia, 0], uv[ic, 1] - uv[ia, 1]
                texels = abs(u1 * v2 - u2 * v1) * table[texture[m], 1] * table[texture[m], 2]
                per_m = np.sqrt(texels / np.sqrt(square))
                _texel(data, table, texture[m], u, v, per_m * depth / focal_px / max(abs(facing), 0.2) ** 0.5, base)
            for c in range(3):
                base[c] *= colour[m, c]

            above = _lit(top_near, top_axes, top_offset, px, py, pz, 0.06, 2 * softness_px, (column & 1) * softness_px, (row & 1) * softness_px)
            hemisphere = 0.5 + 0.5 * nz
            open_share = 1 - contact * (1 - above)
            shine = gloss[m]
            power = 4 + 90 * shine * shine
            direct_b = direct_g = direct_r = 0.0
            mirror_b = mirror_g = mirror_r = 0.0
            full, kept = 1e-6, 1e-6
            if has_sun:
                cosine = nx * sun[0] + ny * sun[1] + nz * sun[2]
                if cosine > 0:
                    open_sun = _lit(sun_near, sun_axes, sun_offset, px + nx * 0.02, py + ny * 0.02, pz + nz * 0.02, 0.04, 1, 0, 0)
                    full += cosine * sun_colour[1]
                    kept += cosine * sun_colour[1] * open_sun
                    direct_b += sun_colour[0] * cosine * open_sun
                    direct_g += sun_colour[1] * cosine * open_sun
                    direct_r += sun_colour[2] * cosine * open_sun
            for k in range(len(lamps)):
                lx, ly, lz = lamps[k, 0] - px, lamps[k, 1] - py, lamps[k, 2] - pz
                square_m = lx * lx + ly * ly + lz * lz
                distance = np.sqrt(square_m) + 1e-6
                cosine = (nx * lx + ny * ly + nz * lz) / distance
                # Lamps are large, so they light a little round the corner.
                cosine = (cosine + 0.25) / 1.25
                if cosine <= 0:
                    continue
                strength = lamps[k, 3] * 4 / (square_m + 0.6)
                full += cosine * strength
                strength *= 0.35 + 0.65 * above
                kept += cosine * strength
                direct_b += lamps[k, 4] * strength * cosine
                direct_g += lamps[k, 5] * strength * cosine
                direct_r += lamps[k, 6] * strength * cosine
                if shine > 0.03:
                    hx, hy, hz = lx / distance - vx, ly / distance - vy, lz / distance - vz
                    glint = (nx * hx + ny * hy + nz * hz) / (np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9)
                    if glint > 0:
                        glint = shine * strength * glint**power * 0.6
                        mirror_b += glint * lamps[k, 4]
                        mirror_g += glint * lamps[k, 5]
                        mirror_r += glint * lamps[k, 6]
            glow = emission[m]
            ambient = ambient_up[1] * hemisphere + ambient_down[1] * (1 - hemisphere)
            bare[row, column] = (kept + ambient * open_share) / (full + ambient)
            out[row, column, 0] = base[0] * (direct_b + open_share * (ambient_up[0] * hemisphere + ambient_down[0] * (1 - hemisphere)) + glow) + mirror_b
            out[row, column, 1] = base[1] * (direct_g + open_share * (ambient_up[1] * hemisphere + ambient_down[1] * (1 - hemisphere)) + glow) + mirror_g
            out[row, column, 2] = base[2] * (direct_r + open_share * (ambient_up[2] * hemisphere + ambient_down[2] * (1 - hemisphere)) + glow) + mirror_r
