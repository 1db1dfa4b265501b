"""The camera: where it hangs, where it looks, and what its lens does to straight lines.

The world is drawn through an ideal pinhole on a canvas twice as fine as the frame and wider than it, then bent by
the lens: undistorted radius = r (1 + a r^2 + b r^4) of the distorted one (the inverse Brown-Conrady form, so that
the picture needs no root finding and only the few truth points do).
"""

from dataclasses import dataclass

import cv2
import numpy as np

FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 256, 192
SUPERSAMPLE = 2
CANVAS_MAX_PX = 1400


@dataclass(frozen=True)
class Camera:
    """position in metres; tilt_deg 0 looks straight down, 90 to the horizon; yaw_deg: where the picture's upper edge points.

    fov_deg: horizontal angle of view. bend: (a, b) of the lens, 0 none .. 0.35 a cheap wide angle.
    """

    position: tuple
    yaw_deg: float
    tilt_deg: float
    roll_deg: float
    fov_deg: float
    bend: tuple = (0.0, 0.0)

    def __post_init__(self):
        tilt, yaw, roll = np.radians([self.tilt_deg, self.yaw_deg, self.roll_deg])
        ahead = np.array([np.cos(yaw), np.sin(yaw), 0])
        forward = np.sin(tilt) * ahead + [0, 0, -np.cos(tilt)]
        up = np.cos(tilt) * ahead + [0, 0, np.sin(tilt)]
        right = np.cross(forward, up)
        c, s = np.cos(roll), np.sin(roll)
        axes = np.stack([c * right + s * up, s * right - c * up, forward])
        object.__setattr__(self, "axes", axes.astype(np.float32))
        # The lens maps half the frame's width to tan(fov / 2).
        focal = FRAME_WIDTH_PX / 2 / self._distorted(np.tan(np.radians(self.fov_deg / 2)))
        object.__setattr__(self, "focal_px", float(focal))
        corner = np.hypot(FRAME_WIDTH_PX, FRAME_HEIGHT_PX) / 2 / focal
        stretch = self._straight(corner) / corner
        width = min(CANVAS_MAX_PX, int(np.ceil(FRAME_WIDTH_PX * SUPERSAMPLE * stretch / 8)) * 8 + 8)
        object.__setattr__(self, "canvas", (width * 3 // 4, width))
        object.__setattr__(self, "canvas_focal_px", min(focal * SUPERSAMPLE, width / 2 / (FRAME_WIDTH_PX / 2 / focal * stretch)))

    def _straight(self, r):
        """Distorted radius (in focal lengths) to the pinhole's."""
        a, b = self.bend
        return r * (1 + a * r**2 + b * r**4)

    def _distorted(self, r):
        """The inverse of _straight, by Newton's method; monotone, so six steps are plenty."""
        a, b = self.bend
        x = np.asarray(r, float) / (1 + a * np.minimum(np.asarray(r, float) ** 2, 1.0))
        for _ in range(6):
            x = x - (x * (1 + a * x**2 + b * x**4) - r) / (1 + 3 * a * x**2 + 5 * b * x**4)
        return x

    def see(self, points):
        """World [n, 3] to camera coordinates [n, 3]: right, down, forward."""
        return ((points - np.asarray(self.position, np.float32)) @ self.axes.T).astype(np.float32)

    def project(self, points):
        """World [n, 3] to frame pixels [n, 2] through the lens, and depth [n]. Behind the camera: pixels are NaN."""
        seen = self.see(np.asarray(points, np.float32))
        depth = seen[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = np.where(depth[:, None] > 0.02, seen[:, :2] / depth[:, None], np.nan).astype(float)
            radius = np.hypot(*flat.T)
            flat *= (self._distorted(radius) / np.maximum(radius, 1e-9))[:, None]
        return flat * self.focal_px + [FRAME_WIDTH_PX / 2, FRAME_HEIGHT_PX / 2], depth

    def ray(self, x_px, y_px):
        """Direction (unit) of the ray through a frame pixel."""
        flat = np.array([x_px - FRAME_WIDTH_PX / 2, y_px - FRAME_HEIGHT_PX / 2]) / self.focal_px
        radius = np.hypot(*flat)
        flat = flat * (self._straight(radius) / max(radius, 1e-9))
        direction = self.axes.T @ [*flat, 1.0]
        return direction / np.linalg.norm(direction)

    def bending(self):
        """Maps for cv2.remap from the canvas to a frame of twice the final size, and the canvas pixels that are in it."""
        height, width = FRAME_HEIGHT_PX * SUPERSAMPLE, FRAME_WIDTH_PX * SUPERSAMPLE
        x, y = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
        focal = self.focal_px * SUPERSAMPLE
        grow = 1 + self.bend[0] * (x * x + y * y) / focal**2 + self.bend[1] * ((x * x + y * y) / focal**2) ** 2
        scale = self.canvas_focal_px / focal
        map_x = (x * grow * scale + self.canvas[1] / 2 - 0.5).astype(np.float32)
        map_y = (y * grow * scale + self.canvas[0] / 2 - 0.5).astype(np.float32)
        in_frame = np.zeros(self.canvas, np.uint8)
        rim = [np.stack([map_x[0], map_y[0]], 1), np.stack([map_x[:, -1], map_y[:, -1]], 1)]
        rim += [np.stack([map_x[-1, ::-1], map_y[-1, ::-1]], 1), np.stack([map_x[::-1, 0], map_y[::-1, 0]], 1)]
        cv2.fillPoly(in_frame, [np.round(np.concatenate(rim)).astype(np.int32)], 1)
        return map_x, map_y, in_frame
