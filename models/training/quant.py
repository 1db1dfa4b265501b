"""Ranges of the tensors, and the rounding of int8 imitated in float (for training with it in the loop)."""

import torch

from net import INPUTS

# A logit of 6 is a probability of 0.998 and one of -10 means nothing more than -20: finer steps are worth more.
HEAT_RANGE = (-10.0, 6.0)
# Offsets live in -2..3 cells, log2(size / cell) goes to 5 (256 px), and one more for who is larger than the frame, the box's centre within one size.
BOX_RANGE = (-2.0, 6.2)
# The few values beyond this share are clipped: a wider range would cost resolution everywhere.
TAIL = 1e-5
STEM = ("stem_y", "stem_u", "stem_v", "stem")


def affine(low, high):
    """(scale, zero point) for int8 such that 0.0 is exact."""
    low, high = min(low, 0.0), max(high, 1e-3)
    scale = (high - low) / 255
    return scale, int(round(-128 - low / scale))


class Calibration:
    """Collects histogram tails of every tensor over some batches, then gives (scale, zero point) for each."""

    def __init__(self, layers):
        self.layers, self.low, self.high = layers, {}, {}

    @torch.no_grad()
    def observe(self, tensors):
        for layer in self.layers:
            x = tensors[layer.name].flatten()
            rank = max(1, int(x.numel() * TAIL))
            self.high.setdefault(layer.name, []).append(float(torch.topk(x, rank).values[-1]))
            self.low.setdefault(layer.name, []).append(float(-torch.topk(-x, rank).values[-1]))

    def ranges(self):
        # Pixels are bytes: int8 = byte - 128, value = byte / 255. This is exact, and the engine relies on it.
        result = {name: (1 / 255, -128) for name in INPUTS}
        for layer in self.layers:
            low, high = (sorted(v[layer.name])[len(v[layer.name]) // 2] for v in (self.low, self.high))
            if layer.activation != "none":
                low = 0.0
            result[layer.name] = affine(low, high)
        # Concatenation copies bytes, so its parts must agree; nearest x2 copies bytes too.
        shared = max((result[name] for name in STEM), key=lambda r: r[0])
        result.update({name: shared for name in STEM})
        for layer in self.layers:
            if layer.kind == "up":
                result[layer.name] = result[layer.inputs[0]]
        result["heat"], result["box"] = affine(*HEAT_RANGE), affine(*BOX_RANGE)
        return result


class Shadow:
    """Imitates int8 weights and tensors, with gradients passed straight through."""

    def __init__(self, ranges):
        self.ranges = ranges

    def tensor(self, name, x):
        scale, zero_point = self.ranges[name]
        return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, -128, 127)

    def weight(self, name, w):
        scale = w.detach().abs().flatten(1).amax(1).clamp_min(1e-6) / 127
        zeros = torch.zeros_like(scale, dtype=torch.int32)
        return torch.fake_quantize_per_channel_affine(w, scale, zeros, 0, -127, 127)


def calibrate(net, batches):
    """batches: iterable of (y, u, v) uint8 tensors [batch, 1, y, x]."""
    calibration = Calibration(net.layers)
    net.eval()
    with torch.no_grad():
        for batch in batches:
            keep = {}
            net(*(x.float() / 255 for x in batch), keep=keep)
            calibration.observe(keep)
    return calibration.ranges()
