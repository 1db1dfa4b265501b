"""The network, written once as a table and read three times: by PyTorch, by the exporter and by the MAC count.

Why a table: what is trained and what is written into the .tflite file can then not drift apart, and the
operators of the engine (1x1 and patch convolutions, 3x3 depthwise, add, concatenation, nearest x2) are
the only words the table knows.

Shape: 256 x 192 YUV420 in, strides 4 to 32, everything fused back to cells of 8 px.
The patchify stem reads each pixel once, so the frame can be erased after the first three layers.
Why cells of 8 px: heads stand two to three head widths apart, and where in its cell a head lies is learnt anyway; with
cells of 4 px a third of the multiply-adds went into the finest maps. Why a patch convolution into the 8 px maps: after 7
minutes each on rendered pictures alone, AP 0.54 from above and 0.40 tilted, with a strided depthwise layer there 0.48 and
0.35 (18.8 million multiply-adds against 14.9, so part of it is bought; one run each). A depthwise layer before it, in the
4 px maps, instead of one in the head: 0.532 and 0.409 against 0.536 and 0.417, and slower to train.
"""

import argparse
import os
from dataclasses import dataclass

import torch
from torch import nn
import torch.nn.functional as F

FRAME_WIDTH_PX, FRAME_HEIGHT_PX = 256, 192
INPUTS = {
    "y": (FRAME_HEIGHT_PX, FRAME_WIDTH_PX),
    "u": (FRAME_HEIGHT_PX // 2, FRAME_WIDTH_PX // 2),
    "v": (FRAME_HEIGHT_PX // 2, FRAME_WIDTH_PX // 2),
}
OUTPUTS = ("heat", "box")
CELL_PX = 8
# Rows and columns of the output maps.
GRID = FRAME_HEIGHT_PX // CELL_PX, FRAME_WIDTH_PX // CELL_PX
# Head point in its cell, size of the body's box, and its centre seen from the head in units of that size.
BOX_CHANNELS = ("dx_cells", "dy_cells", "log2_width_cells", "log2_height_cells", "ex_widths", "ey_heights")
BOX_START = (0.5, 0.5, 3.0, 3.7, 0.0, 0.2)
MAC_MAX = 15_000_000
BYTES_MAX = 250_000


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


def table(width=1.0):
    """The layers in the order in which they run; width scales the channels of all inner ones."""
    layers = []

    def wide(channels):
        # The engine's 1x1 kernels work on eight channels at a time.
        return max(8, int(round(channels * width / 8)) * 8)

    def put(name, kind, inputs, channels, stride=1, activation="none", normed=True):
        layers.append(Layer(name, kind, tuple(inputs), channels, stride, activation, normed))
        return name

    def block(name, source, channels):
        """Residual separable block; the sum is rectified, so every tensor keeps zero at the int8 floor."""
        put(f"{name}_depth", "depth", [source], channels, activation="relu6")
        put(f"{name}_point", "point", [f"{name}_depth"], channels)
        return put(name, "add", [source, f"{name}_point"], channels, activation="relu")

    def down(name, source, channels_in, channels):
        put(f"{name}_depth", "depth", [source], channels_in, stride=2, activation="relu6")
        return put(name, "point", [f"{name}_depth"], channels, activation="relu6")

    def fuse(name, low, high, channels):
        """Brings a coarse map to the next finer one."""
        put(f"{name}_lateral", "point", [low], channels)
        put(f"{name}_up", "up", [f"{name}_lateral"], channels)
        return put(name, "add", [high, f"{name}_up"], channels, activation="relu")

    luma, chroma = wide(16), max(4, int(round(4 * width)))
    fine_channels, middle_channels, coarse_channels = wide(40), wide(64), wide(136)
    put("stem_y", "patch", ["y"], luma, stride=4, activation="relu6")
    put("stem_u", "patch", ["u"], chroma, stride=2, activation="relu6")
    put("stem_v", "patch", ["v"], chroma, stride=2, activation="relu6")
    put("stem", "concat", ["stem_y", "stem_u", "stem_v"], luma + 2 * chroma)
    # All of four cells goes into the next one: a depthwise layer here loses where edges lie.
    put("to_fine", "patch", ["stem"], fine_channels, stride=2, activation="relu6")

    fine = block("fine_a", "to_fine", fine_channels)
    middle = down("to_middle", fine, fine_channels, middle_channels)
    for name in ("middle_a", "middle_b"):
        middle = block(name, middle, middle_channels)
    coarse = down("to_coarse", middle, middle_channels, coarse_channels)
    for name in ("coarse_a", "coarse_b"):
        coarse = block(name, coarse, coarse_channels)

    middle = block("middle_c", fuse("middle_fused", coarse, middle, middle_channels), middle_channels)
    fine = block("fine_b", fuse("fine_fused", middle, fine, fine_channels), fine_channels)
    put("head_depth", "depth", [fine], fine_channels, activation="relu6")
    put("head", "point", ["head_depth"], wide(32), activation="relu6")
    put("heat", "point", ["head"], 1, normed=False)
    put("box", "point", ["head"], len(BOX_CHANNELS), normed=False)
    return layers


def tensor_shapes(layers):
    """Tensor name -> (height, width, channels), inputs included."""
    known = {name: (h, w, 1) for name, (h, w) in INPUTS.items()}
    for layer in layers:
        h, w, _ = known[layer.inputs[0]]
        scale = 2 if layer.kind == "up" else 1
        known[layer.name] = (h * scale // layer.stride, w * scale // layer.stride, layer.channels)
    return known


def mac_count(layers):
    """Multiply-adds of one frame."""
    known, total = tensor_shapes(layers), 0
    for layer in layers:
        h, w, c = known[layer.name]
        c_in = known[layer.inputs[0]][2]
        taps = {"patch": layer.stride**2 * c_in, "point": c_in, "depth": 9}.get(layer.kind, 0)
        total += h * w * c * taps
    return total


class Net(nn.Module):
    """The table in PyTorch: tensors are [batch, channel, y, x], pixels 0..1."""

    def __init__(self, width=1.0):
        super().__init__()
        self.width, self.layers = width, table(width)
        self.convs, self.norms = nn.ModuleDict(), nn.ModuleDict()
        known = tensor_shapes(self.layers)
        for layer in self.layers:
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
        self.convs["box"].bias.data = torch.tensor(BOX_START)

    def forward(self, y, u, v, keep=None, shadow=None):
        """Returns (heat logits, box). keep: dict filled with every tensor (for calibration).
        shadow: an object with weight(name, w) and tensor(name, x) that imitates the int8 rounding."""
        known = {"y": y, "u": u, "v": v}
        for layer in self.layers:
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
        margin = 1 if layer.kind == "depth" else 0
        if layer.kind == "depth" and layer.stride == 2:
            # TFLite's SAME on an even size: the single padding row is below and right.
            x, margin = F.pad(x, (0, 1, 0, 1)), 0
        if shadow is None:
            x = F.conv2d(x, conv.weight, conv.bias, conv.stride, margin, 1, conv.groups)
            return self.norms[layer.name](x) if layer.normed else x
        weight, bias = self.folded(layer.name)
        return F.conv2d(x, shadow.weight(layer.name, weight), bias, conv.stride, margin, 1, conv.groups)

    def folded(self, name):
        """Weight and bias with the batch norm multiplied in."""
        conv = self.convs[name]
        if name not in self.norms:
            return conv.weight, conv.bias
        norm = self.norms[name]
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        return conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain


def checkpoint(path, device="cpu"):
    """What a checkpoint file holds."""
    if not os.path.exists(path):
        raise SystemExit(f"{path} is missing; name a checkpoint that train.py has written")
    return torch.load(path, weights_only=True, map_location=device)


def restore(net, weights, path):
    """Puts weights of a checkpoint into a net; SystemExit where they are another net's."""
    wanted, found = ({name: tuple(w.shape) for name, w in state.items()} for state in (net.state_dict(), weights))
    if found != wanted:
        name = sorted(n for n in found.keys() | wanted.keys() if found.get(n) != wanted.get(n))[0]
        raise SystemExit(f"{path} holds another net: {name} is {found.get(name, 'not there')}, here it is {wanted.get(name, 'none')}; give the width that it was trained with, train anew, or take the commit that made it")
    net.load_state_dict(weights)


def load(path, device="cpu"):
    """(net, state) of a checkpoint; the net is the averaged one."""
    state = checkpoint(path, device)
    net = Net(state["width"]).to(device)
    restore(net, state["net"], path)
    return net.eval(), state


def main():
    parser = argparse.ArgumentParser(description="Prints the layers of a net, its multiply-adds and its size.")
    parser.add_argument("--width", type=float, default=1.0)
    args = parser.parse_args()
    net = Net(args.width)
    known = tensor_shapes(net.layers)
    for i, layer in enumerate(net.layers):
        alone = mac_count(net.layers[: i + 1]) - mac_count(net.layers[:i])
        print(f"{layer.name:22s} {layer.kind:7s} {str(known[layer.name]):16s} {alone / 1e6:6.2f} M")
    parameters = sum(p.numel() for p in net.parameters())
    print(f"{mac_count(net.layers) / 1e6:.2f} million multiply-adds, {parameters} parameters")


if __name__ == "__main__":
    main()
