"""The network, written once as a table and read three times: by PyTorch, by the exporter and by the MAC count.

Why a table: what is trained and what is written into the .tflite file can then not drift apart, and the
operators of the engine (1x1 and patch convolutions, 3x3 depthwise, add, concatenation, nearest x2) are
the only words the table knows.

Shape: 256 x 192 YUV420 in, three scales (strides 8, 16, 32), everything fused back to the 32 x 24 grid.
The patchify stem reads each pixel once, so the frame can be erased after the first three layers.
"""

from dataclasses import dataclass

import torch
from torch import nn
import torch.nn.functional as F

FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 256, 192
CELL_PX = 8
GRID_WIDTH, GRID_HEIGHT = FRAME_WIDTH_PX // CELL_PX, FRAME_HEIGHT_PX // CELL_PX
INPUTS = {
    "y": (FRAME_HEIGHT_PX, FRAME_WIDTH_PX),
    "u": (FRAME_HEIGHT_PX // 2, FRAME_WIDTH_PX // 2),
    "v": (FRAME_HEIGHT_PX // 2, FRAME_WIDTH_PX // 2),
}
OUTPUTS = ("heat", "box")


@dataclass(frozen=True)
class Layer:
    """One operator. kind: patch | point | depth | add | concat | up."""

    name: str
    kind: str
    inputs: tuple
    channels: int
    stride: int = 1
    activation: str = "none"  # none | relu | relu6
    normed: bool = True  # a batch norm follows in training; it is folded at export


def _table():
    layers = []

    def put(name, kind, inputs, channels, stride=1, activation="none", normed=True):
        layers.append(Layer(name, kind, tuple(inputs), channels, stride, activation, normed))
        return name

    def block(name, source, channels):
        """Residual separable block; the sum is rectified, so every tensor keeps zero at the int8 floor."""
        put(f"{name}_depth", "depth", [source], channels, activation="relu6")
        put(f"{name}_point", "point", [f"{name}_depth"], channels)
        return put(name, "add", [source, f"{name}_point"], channels, activation="relu")

    def down(name, source, channels_in, channels):
        put(f"{name}_depth", "depth", [source], channels_in, stride=2)
        return put(name, "point", [f"{name}_depth"], channels, activation="relu6")

    put("stem_y", "patch", ["y"], 16, stride=4, activation="relu6")
    put("stem_u", "patch", ["u"], 8, stride=2, activation="relu6")
    put("stem_v", "patch", ["v"], 8, stride=2, activation="relu6")
    put("stem", "concat", ["stem_y", "stem_u", "stem_v"], 32)

    fine = block("fine", down("to_fine", "stem", 32, 40), 40)
    middle = block("middle_b", block("middle_a", down("to_middle", fine, 40, 64), 64), 64)
    coarse = block("coarse_b", block("coarse_a", down("to_coarse", middle, 64, 104), 104), 104)

    put("coarse_lateral", "point", [coarse], 64)
    put("coarse_up", "up", ["coarse_lateral"], 64)
    put("middle_fused", "add", [middle, "coarse_up"], 64, activation="relu")
    put("middle_lateral", "point", ["middle_fused"], 40)
    put("middle_up", "up", ["middle_lateral"], 40)
    put("fine_fused", "add", [fine, "middle_up"], 40, activation="relu")

    put("head_depth", "depth", ["fine_fused"], 40, activation="relu6")
    put("head", "point", ["head_depth"], 40, activation="relu6")
    put("heat", "point", ["head"], 1, normed=False)
    put("box", "point", ["head"], 4, normed=False)
    return layers


LAYERS = _table()


def shapes():
    """Tensor name -> (height, width, channels), inputs included."""
    known = {name: (h, w, 1) for name, (h, w) in INPUTS.items()}
    for layer in LAYERS:
        h, w, _ = known[layer.inputs[0]]
        scale = 2 if layer.kind == "up" else 1
        known[layer.name] = (h * scale // layer.stride, w * scale // layer.stride, layer.channels)
    return known


def mac_count():
    """Multiply-adds of one frame."""
    known, total = shapes(), 0
    for layer in LAYERS:
        h, w, c = known[layer.name]
        c_in = known[layer.inputs[0]][2]
        taps = {"patch": layer.stride**2 * c_in, "point": c_in, "depth": 9}.get(layer.kind, 0)
        total += h * w * c * taps
    return total


class Net(nn.Module):
    """The table in PyTorch: tensors are [batch, channel, y, x], pixels 0..1."""

    def __init__(self):
        super().__init__()
        self.convs, self.norms = nn.ModuleDict(), nn.ModuleDict()
        known = shapes()
        for layer in LAYERS:
            c_in = known[layer.inputs[0]][2]
            if layer.kind == "patch":
                conv = nn.Conv2d(c_in, layer.channels, layer.stride, layer.stride, bias=not layer.normed)
            elif layer.kind == "point":
                conv = nn.Conv2d(c_in, layer.channels, 1, bias=not layer.normed)
            elif layer.kind == "depth":
                conv = nn.Conv2d(c_in, c_in, 3, layer.stride, groups=c_in, bias=False)
            else:
                continue
            nn.init.kaiming_normal_(conv.weight, mode="fan_out" if layer.kind != "depth" else "fan_in")
            self.convs[layer.name] = conv
            if layer.normed:
                self.norms[layer.name] = nn.BatchNorm2d(layer.channels, momentum=0.03)
        # Most cells are empty: start from a prior of 1 %, or the first steps only unlearn noise.
        nn.init.normal_(self.convs["heat"].weight, std=0.01)
        nn.init.constant_(self.convs["heat"].bias, -4.6)
        nn.init.normal_(self.convs["box"].weight, std=0.01)
        self.convs["box"].bias.data = torch.tensor([0.5, 0.5, 1.5, 2.2])

    def forward(self, y, u, v, keep=None, shadow=None):
        """Returns (heat logits, box). keep: dict filled with every tensor (for calibration).
        shadow: an object with weight(name, w) and tensor(name, x) that imitates the int8 rounding."""
        known = {"y": y, "u": u, "v": v}
        for layer in LAYERS:
            sources = [known[name] for name in layer.inputs]
            if layer.kind == "add":
                x = sources[0] + sources[1]
            elif layer.kind == "concat":
                x = torch.cat(sources, 1)
            elif layer.kind == "up":
                x = F.interpolate(sources[0], scale_factor=2, mode="nearest")
            else:
                x = self._conv(layer, sources[0], shadow)
            if layer.activation == "relu6":
                x = F.relu6(x)
            elif layer.activation == "relu":
                x = F.relu(x)
            if shadow is not None:
                x = shadow.tensor(layer.name, x)
            known[layer.name] = x
        if keep is not None:
            keep.update(known)
        return known["heat"], known["box"]

    def _conv(self, layer, x, shadow):
        conv = self.convs[layer.name]
        if layer.kind == "depth":
            # TFLite's SAME: with stride 2 on an even size the single padding row is below and right.
            x = F.pad(x, (0, 1, 0, 1) if layer.stride == 2 else (1, 1, 1, 1))
        if shadow is None:
            x = F.conv2d(x, conv.weight, conv.bias, conv.stride, 0, 1, conv.groups)
            return self.norms[layer.name](x) if layer.normed else x
        weight, bias = self.folded(layer.name)
        return F.conv2d(x, shadow.weight(layer.name, weight), bias, conv.stride, 0, 1, conv.groups)

    def folded(self, name):
        """Weight and bias with the batch norm multiplied in."""
        conv = self.convs[name]
        if name not in self.norms:
            return conv.weight, conv.bias
        norm = self.norms[name]
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain


if __name__ == "__main__":
    for name, shape in shapes().items():
        print(f"{name:16s} {shape}")
    parameters = sum(p.numel() for p in Net().parameters())
    print(f"{mac_count() / 1e6:.2f} million multiply-adds, {parameters} parameters")
