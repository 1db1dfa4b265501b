"""The cheap camera: from linear light to the bytes that an image processor hands over.

In the order in which a camera does it: exposure, stray light, sensor noise, white balance and colour errors, tone
curve, smoothing or sharpening, overlay, compression. Every step is drawn per picture, or once per clip.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

# Fresh Gaussian noise is the most expensive step by far, so it is cut from one sheet.
_NOISE = np.random.default_rng(0).normal(0, 1, (900, 1200, 3)).astype(np.float32)


def to_bytes(linear):
    """Linear light 0..1 to sRGB bytes."""
    x = np.clip(linear, 0, 1)
    return (np.where(x < 0.0031308, x * 12.92, 1.055 * np.power(np.maximum(x, 1e-9), 1 / 2.4) - 0.055) * 255).astype(np.float32)


@dataclass
class Sensor:
    """One camera's faults, fixed for a clip."""

    brightness: float
    contrast: float
    stray: float
    vignette: float
    glare: list
    noise: float
    shot: float
    smear: float
    gains: np.ndarray
    saturation: float
    grey: bool
    blur: float
    sharpen: float
    quality: int
    flicker: tuple
    overlay: list = field(default_factory=list)

    @staticmethod
    def draw(random):
        poor = random.random() ** 3  # most cameras are decent, some are terrible
        glare = []
        if random.random() < 0.06:
            for _ in range(int(random.integers(1, 3))):
                glare.append((*random.uniform(-1, 1, 2), random.uniform(0.01, 0.25), random.uniform(0.15, 1.0)))
        return Sensor(
            brightness=float(np.clip(random.lognormal(-1.0, 0.3), 0.1, 1.2)),
            contrast=random.normal(0, 0.25),
            stray=random.uniform(0, 0.1) if random.random() < 0.85 else random.uniform(0.1, 0.4),
            vignette=random.uniform(0, 0.5),
            glare=glare,
            noise=random.uniform(0, 0.004 + 0.03 * poor),
            shot=random.uniform(0, 0.01 + 0.05 * poor),
            smear=random.uniform(0.4, 1.2) if random.random() < 0.35 else 0.0,
            gains=np.exp(random.normal(0, 0.06, 3)).astype(np.float32),
            saturation=float(np.clip(random.normal(0.95, 0.2), 0.0, 1.6)),
            grey=bool(random.random() < 0.13),
            blur=random.uniform(0.3, 1.1) if random.random() < 0.35 else 0.0,
            sharpen=random.uniform(0.2, 1.2) if random.random() < 0.4 else 0.0,
            quality=int(random.integers(28, 95)) if random.random() < 0.6 else 100,
            flicker=(random.uniform(0.02, 0.15), random.uniform(6, 40)) if random.random() < 0.05 else (0.0, 1.0),
            overlay=draw_overlay(random) if random.random() < 0.1 else [],
        )

    def expose(self, linear):
        """Gain that an automatic exposure would choose for this picture."""
        level = np.mean(np.minimum(linear[::4, ::4], 4.0)) + 1e-4
        return self.brightness * 0.75 / level

    def picture(self, random, linear, exposure):
        """linear [h, w, 3] at twice the frame's size -> uint8 [192, 256, 3]."""
        light = linear * exposure
        if self.stray > 0:
            bright = np.minimum(cv2.resize(light, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA), 6.0)
            haze = cv2.resize(cv2.GaussianBlur(bright, (0, 0), 4), (light.shape[1], light.shape[0]))
            light = light * (1 - self.stray * 0.6) + haze * self.stray
        h, w = light.shape[0] // 2, light.shape[1] // 2
        light = cv2.resize(light, (w, h), interpolation=cv2.INTER_AREA)
        if self.blur:
            light = cv2.GaussianBlur(light, (0, 0), self.blur)
        y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
        radius = x * x + y * y
        light *= (1 - self.vignette * 0.5 * radius)[..., None]
        for gx, gy, size, power in self.glare:
            light += (np.exp(-((x - gx) ** 2 + (y - gy) ** 2) / size) * power)[..., None]
        depth, rate = self.flicker
        if depth:
            light *= (1 + depth * np.sin(y * rate + random.uniform(0, 6.3)))[..., None]
        light *= self.gains
        top, left = random.integers(0, _NOISE.shape[0] - h), random.integers(0, _NOISE.shape[1] - w)
        grain = _NOISE[top : top + h, left : left + w]
        light += grain * (self.noise + self.shot * np.sqrt(np.maximum(light, 0)))
        image = to_bytes(light) / 255
        if self.contrast:  # an S-curve, or its opposite
            image = image + self.contrast * (image - 0.5) * image * (1 - image) * 4 * 0.6
        if self.grey or self.saturation != 1:
            luma = (image @ np.array([0.114, 0.587, 0.299], np.float32))[..., None]
            image = luma + (image - luma) * (0.0 if self.grey else self.saturation)
        if self.smear:
            soft = cv2.bilateralFilter(image.astype(np.float32), 5, 0.12, 1.0 + self.smear)
            image = soft
        if self.sharpen:
            image = image + (image - cv2.GaussianBlur(image, (0, 0), 1.0)) * self.sharpen
        image = np.clip(image * 255, 0, 255).astype(np.uint8)
        for mark in self.overlay:
            _stamp(image, *mark)
        if self.quality < 100:
            coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1]
            image = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        return image


def draw_overlay(random):
    """Clocks, names, counters, watermarks and lines that recorders burn into their pictures."""
    marks = []
    for _ in range(int(random.integers(1, 5))):
        kind = random.choice(["text", "line", "watermark", "bar"], p=[0.6, 0.15, 0.15, 0.1])
        letters = list("0123456789:-/. ABCDEFGHIKLMNOPRSTUabcdeghiklmnoprstu")
        text = "".join(random.choice(letters, int(random.integers(4, 24))))
        row = random.choice([random.uniform(0.04, 0.12), random.uniform(0.9, 0.99), random.uniform(0, 1)])
        colour = random.choice([0, 255, int(random.integers(0, 256))], 3) if random.random() < 0.2 else [int(random.choice([0, 255]))] * 3
        marks.append((kind, text, random.uniform(-0.05, 0.7), float(row), random.uniform(0.25, 0.6), [int(c) for c in colour], int(random.integers(1, 3))))
    return marks


def _stamp(image, kind, text, x, y, size, colour, thickness):
    h, w = image.shape[:2]
    at = (int(x * w), int(y * h))
    if kind == "line":
        cv2.line(image, (0, at[1]), (w, at[1]), colour, thickness, cv2.LINE_AA)
    elif kind == "bar":
        cv2.rectangle(image, (0, 0 if y < 0.5 else h - int(12 * size + 6)), (w, int(12 * size + 6) if y < 0.5 else h), colour, -1)
    elif kind == "watermark":
        layer = image.copy()
        cv2.putText(layer, text[:8], (int(w * 0.3), int(h * (0.35 + 0.4 * y))), cv2.FONT_HERSHEY_SIMPLEX, size * 1.6, colour, 2, cv2.LINE_AA)
        cv2.addWeighted(layer, 0.35, image, 0.65, 0, dst=image)
    else:
        cv2.putText(image, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thickness, cv2.LINE_AA)
