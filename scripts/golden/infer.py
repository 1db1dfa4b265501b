"""Golden vectors for the engine: single operators and small whole networks, as the TFLite interpreter computes them.

    python scripts/golden/infer.py                                       # test/golden/infer/operators.json
    python scripts/golden/infer.py --model models/person/person.tflite   # test/golden/infer/person.json

Needs tensorflow and numpy. The resolver is BUILTIN_REF: TFLite's reference kernels are the definition of right
(optimised ones and XNNPACK round differently). Each case is a whole .tflite file with its inputs and outputs in base64.
Inputs of `person.json` are not stored: `noise` below gives them in Python and in the test alike.
"""

import argparse
import base64
import hashlib
import json
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "test" / "golden" / "infer"
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
NONE, RELU, RELU_N1, RELU6 = 0, 1, 2, 3
EXTREMES = "extremes"


class Net:
    """A .tflite file written operator by operator; tensors are known by name."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.buffers, self.model.operatorCodes = 3, [schema.BufferT()], []
        self.graph.name, self.graph.tensors, self.graph.operators = "main", [], []
        self.codes, self.index, self.shape, self.scale = {}, {}, {}, {}
        self.inputs, self.outputs = [], []

    def tensor(self, name, shape, kind=schema.TensorType.INT8, scale=None, zero_point=0, data=None, axis=0):
        t = schema.TensorT()
        t.name, t.shape, t.type, t.buffer = name, [int(s) for s in shape], kind, 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            t.buffer = len(self.model.buffers) - 1
        if scale is not None:
            q = schema.QuantizationParametersT()
            q.scale = np.atleast_1d(np.asarray(scale, np.float32))
            q.zeroPoint = np.broadcast_to(np.asarray(zero_point, np.int64), q.scale.shape)
            q.quantizedDimension = axis
            t.quantization = q
        self.graph.tensors.append(t)
        self.index[name], self.shape[name] = len(self.graph.tensors) - 1, tuple(shape)
        if scale is not None:
            self.scale[name] = np.atleast_1d(np.asarray(scale, np.float32))[0]
        return name

    def input(self, name, shape, scale, zero_point):
        self.inputs.append(name)
        return self.tensor(name, shape, scale=scale, zero_point=zero_point)

    def operator(self, builtin, version, inputs, output, tag, options):
        if builtin not in self.codes:
            code = schema.OperatorCodeT()
            code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, builtin)
            code.version = version
            self.model.operatorCodes.append(code)
            self.codes[builtin] = len(self.model.operatorCodes) - 1
        op = schema.OperatorT()
        op.opcodeIndex = self.codes[builtin]
        op.inputs, op.outputs = [self.index[n] for n in inputs], [self.index[output]]
        op.builtinOptions, op.builtinOptionsType = options, getattr(schema.BuiltinOptions, tag)
        self.graph.operators.append(op)
        return output

    def conv(self, name, source, channels, kernel=1, stride=1, padding=VALID, activation=NONE, zero_point=0, scale=None,
             depth=0, dilation=1, spread=60.0, weights=None, per_tensor=False, bias=True, power_of_two=False, gain=None):
        """depth: 0 or the depth multiplier. spread: typical size of an output in quantised units (beyond 128 saturates).
        weights: EXTREMES for -127 and 127 only, or an array. gain: weight scale such that factor is `gain` at most."""
        ky, kx = (kernel, kernel) if np.isscalar(kernel) else kernel
        sy, sx = (stride, stride) if np.isscalar(stride) else stride
        _, height, width, c_in = self.shape[source]
        out = c_in * depth if depth else channels
        shape = (1, ky, kx, out) if depth else (out, ky, kx, c_in)
        if weights is None:
            w = self.random.integers(-127, 128, shape).astype(np.int8)
        elif isinstance(weights, str):
            w = self.random.choice(np.array([-127, 127], np.int8), shape)
        else:
            w = np.asarray(weights, np.int8).reshape(shape)
        taps = ky * kx * (1 if depth else c_in)
        in_scale = self.scale[source]
        if scale is None:
            scale = np.float32(2.0**-6 if power_of_two else self.random.uniform(0.005, 0.03))
        factor = gain or spread / (73.0 * 73.0 * np.sqrt(taps))
        count = 1 if per_tensor else out
        weight_scale = (factor * scale / in_scale * self.random.uniform(0.6, 1.0, count)).astype(np.float32)
        if power_of_two:
            weight_scale = np.exp2(np.round(np.log2(weight_scale))).astype(np.float32)
        axis = 3 if depth else 0
        names = [source, self.tensor(f"{name}/weight", shape, scale=weight_scale, data=w, axis=axis)]
        if bias or not depth:  # the interpreter demands a bias in CONV_2D, even if it is all zero
            limit = max(1.0, 40.0 / factor) if bias else 0
            b = self.random.integers(-int(limit), int(limit) + 1, out).astype(np.int32)
            bias_scale = (weight_scale * in_scale).astype(np.float32)
            names.append(self.tensor(f"{name}/bias", (out,), schema.TensorType.INT32, bias_scale, 0, b))
        reach_y, reach_x = (ky - 1) * dilation + 1, (kx - 1) * dilation + 1
        size = lambda n, s, r: -(-n // s) if padding == SAME else (n - r) // s + 1
        self.tensor(name, (1, size(height, sy, reach_y), size(width, sx, reach_x), out), scale=scale, zero_point=zero_point)
        o = schema.DepthwiseConv2DOptionsT() if depth else schema.Conv2DOptionsT()
        o.padding, o.strideH, o.strideW = padding, sy, sx
        o.dilationHFactor = o.dilationWFactor = dilation
        o.fusedActivationFunction = activation
        if depth:
            o.depthMultiplier = depth
            return self.operator("DEPTHWISE_CONV_2D", 3, names, name, "DepthwiseConv2DOptions", o)
        return self.operator("CONV_2D", 3, names, name, "Conv2DOptions", o)

    def add(self, name, a, b, scale, zero_point, activation=NONE):
        self.tensor(name, self.shape[a], scale=scale, zero_point=zero_point)
        o = schema.AddOptionsT()
        o.fusedActivationFunction = activation
        return self.operator("ADD", 2, [a, b], name, "AddOptions", o)

    def concat(self, name, parts, scale, zero_point, axis=3):
        channels = sum(self.shape[p][3] for p in parts)
        self.tensor(name, (*self.shape[parts[0]][:3], channels), scale=scale, zero_point=zero_point)
        o = schema.ConcatenationOptionsT()
        o.axis = axis
        return self.operator("CONCATENATION", 2, parts, name, "ConcatenationOptions", o)

    def double(self, name, source, scale, zero_point, half_pixel=False):
        _, h, w, c = self.shape[source]
        size = self.tensor(f"{name}/size", (2,), schema.TensorType.INT32, data=np.array([2 * h, 2 * w], np.int32))
        self.tensor(name, (1, 2 * h, 2 * w, c), scale=scale, zero_point=zero_point)
        o = schema.ResizeNearestNeighborOptionsT()
        o.alignCorners, o.halfPixelCenters = False, half_pixel
        return self.operator("RESIZE_NEAREST_NEIGHBOR", 2, [source, size], name, "ResizeNearestNeighborOptions", o)

    def bytes(self, *outputs):
        self.graph.inputs = [self.index[n] for n in self.inputs]
        self.graph.outputs = [self.index[n] for n in outputs]
        self.model.subgraphs = [self.graph]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs, signature.outputs = [], []
        for names, target in ((self.inputs, signature.inputs), (outputs, signature.outputs)):
            for name in names:
                entry = schema.TensorMapT()
                entry.name, entry.tensorIndex = name, self.index[name]
                target.append(entry)
        self.model.signatureDefs = [signature]
        packer = flatbuffers.Builder(4096)
        packer.Finish(self.model.Pack(packer), file_identifier=b"TFL3")
        return bytes(packer.Output())


def interpret(model, inputs):
    """Runs the reference kernels; inputs and outputs by the names of the signature."""
    kind = tf.lite.experimental.OpResolverType.BUILTIN_REF
    interpreter = tf.lite.Interpreter(model_content=model, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    return interpreter.get_signature_runner("serving_default")(**inputs)


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def single(name, shape, zero_point_in, build, kernels, inputs=None, scale_in=0.0173):
    """One case: a net with the input x (and what `build` adds) and the output out. kernels: what the engine should pick."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    net = Net(seed)
    net.input("x", (1, *shape), scale_in, zero_point_in)
    build(net)
    model = net.bytes("out")
    values = {}
    for source in net.inputs:
        if inputs == EXTREMES:
            values[source] = net.random.choice(np.array([-128, 127], np.int8), net.shape[source])
        else:
            values[source] = net.random.integers(-128, 128, net.shape[source]).astype(np.int8)
    result = interpret(model, values)
    return {
        "name": name,
        "kernels": kernels,
        "model": text(np.frombuffer(model, np.uint8)),
        "inputs": {k: text(v) for k, v in values.items()},
        "outputs": {k: text(v) for k, v in result.items()},
    }


def small_net(height, width):
    """Every operator of the person detector, on a frame of a few pixels."""
    n = Net(7)
    pixel = np.float32(1 / 255)
    n.input("y", (1, height, width, 1), pixel, -128)
    n.input("u", (1, height // 2, width // 2, 1), pixel, -128)
    n.input("v", (1, height // 2, width // 2, 1), pixel, -128)
    stem = {"scale": np.float32(0.0071), "zero_point": -128, "activation": RELU6, "spread": 45.0}
    n.conv("stem_y", "y", 16, 4, 4, **stem)
    n.conv("stem_u", "u", 8, 2, 2, **stem)
    n.conv("stem_v", "v", 8, 2, 2, **stem)
    n.concat("stem", ["stem_y", "stem_u", "stem_v"], np.float32(0.0071), -128)
    n.conv("down_depth", "stem", 0, 3, 2, SAME, depth=1, zero_point=-16)
    n.conv("down", "down_depth", 24, activation=RELU6, zero_point=-128)
    n.conv("block_depth", "down", 0, 3, 1, SAME, RELU6, -128, depth=1)
    n.conv("block_point", "block_depth", 24, zero_point=5)
    n.add("block", "down", "block_point", 0.031, -128, RELU)
    n.conv("coarse_depth", "block", 0, 3, 2, SAME, depth=1, zero_point=3)
    n.conv("coarse", "coarse_depth", 24, zero_point=-7)
    scale = n.scale["coarse"]
    n.double("coarse_up", "coarse", scale, -7)
    n.add("fused", "block", "coarse_up", 0.04, -128, RELU)
    n.conv("heat", "fused", 1, zero_point=31)
    n.conv("box", "fused", 4, zero_point=-86)
    return n.bytes("heat", "box")


def luma_net(height, width):
    """Pixels read by kernels that are not patches: padding, overlap, an odd kernel."""
    n = Net(8)
    pixel = np.float32(1 / 255)
    n.input("y", (1, height, width, 1), pixel, -128)
    n.input("u", (1, height // 2, width // 2, 1), pixel, -128)
    n.input("v", (1, height // 2, width // 2, 1), pixel, -128)
    n.conv("a", "y", 8, 3, 2, SAME, RELU, -128, np.float32(0.009))
    n.conv("b", "u", 0, 3, 1, SAME, NONE, -128, np.float32(0.009), depth=8)
    n.conv("c", "v", 3, 3, 1, SAME, NONE, -128, np.float32(0.009))
    n.concat("heat", ["a", "b", "c"], np.float32(0.009), -128)
    return n.bytes("heat")


def large_net(height, width):
    """A small file that asks for more memory than a small board has; it is refused and never run."""
    n = Net(9)
    for name, half in (("y", 1), ("u", 2), ("v", 2)):
        n.input(name, (1, height // half, width // half, 1), np.float32(1 / 255), -128)
    last = n.conv("stem", "y", 10, 4, 4, zero_point=-128)
    for i in range(8):
        last = n.double(f"twice_{i}", last, n.scale["stem"], -128)
    return n.bytes(last)


def frame_case(name, model, height, width, kernels):
    random = np.random.default_rng(11)
    planes = {"y": (height, width), "u": (height // 2, width // 2), "v": (height // 2, width // 2)}
    pixels = {k: random.integers(0, 256, (1, *s, 1)).astype(np.uint8) for k, s in planes.items()}
    result = interpret(model, {k: (v.astype(np.int16) - 128).astype(np.int8) for k, v in pixels.items()})
    return {
        "name": name,
        "kernels": kernels,
        "frame": {"width_px": width, "height_px": height},
        "model": text(np.frombuffer(model, np.uint8)),
        "inputs": {k: text(v) for k, v in pixels.items()},
        "outputs": {k: text(v) for k, v in result.items()},
    }


def operator_cases():
    def conv(**options):
        return lambda n: n.conv("out", "x", **options)

    def depth(**options):
        options = {"channels": 0, "kernel": 3, "padding": SAME, "depth": 1, **options}
        return lambda n: n.conv("out", "x", **options)

    def add(scale_b, zero_point_b, scale, zero_point, activation=NONE):
        def build(n):
            n.input("b", n.shape["x"], scale_b, zero_point_b)
            n.add("out", "x", "b", scale, zero_point, activation)

        return build

    def joined(n):
        """Two convolutions written in place beside an input that has to be copied."""
        style = {"scale": np.float32(0.0173), "zero_point": 9}
        n.conv("p", "x", 16, **style)
        n.conv("q", "x", 0, 3, 1, SAME, depth=1, **style)
        n.concat("out", ["p", "x", "q"], 0.0173, 9)

    def joined_odd(n):
        n.input("b", (1, 3, 5, 3), 0.0173, 9)
        n.concat("out", ["x", "b"], 0.0173, 9, axis=-1)

    def twice(n):
        """A tensor with two readers cannot be written in place."""
        n.conv("p", "x", 8, scale=np.float32(0.02), zero_point=4)
        n.concat("j", ["p", "p"], 0.02, 4)
        n.conv("out", "j", 8, zero_point=1)

    pw, dw, scalar = ["pointwise"], ["depthwise"], ["any"]
    return [
        single("pointwise 8 to 8, RELU6", (5, 3, 8), -128, conv(channels=8, activation=RELU6, zero_point=-128), pw),
        single("pointwise 40 to 4, zero points 127", (7, 5, 40), 127, conv(channels=4, zero_point=127), pw),
        single("pointwise 4 to 1, one pixel", (1, 1, 4), 17, conv(channels=1, zero_point=-3), pw),
        single("pointwise 12 to 20, two pixels", (2, 1, 12), -5, conv(channels=20, zero_point=-128, activation=RELU), pw),
        single("pointwise 104 to 24, weights and inputs at their ends", (3, 3, 104), -128,
               conv(channels=24, weights=EXTREMES, zero_point=0), pw, EXTREMES),
        single("pointwise 16 to 8, most outputs saturate", (6, 3, 16), 127, conv(channels=8, spread=900.0), pw, EXTREMES),
        single("pointwise 16 to 8, small factors", (3, 3, 16), 3, conv(channels=8, spread=1.5, zero_point=100), pw),
        single("pointwise 8 to 16, factors that are powers of two: exact ties", (9, 7, 8), 0,
               conv(channels=16, power_of_two=True, zero_point=1), pw, scale_in=2.0**-5),
        single("pointwise 8 to 8, one scale for all channels", (3, 5, 8), -20, conv(channels=8, per_tensor=True), pw),
        single("pointwise 8 to 8, zero bias, RELU_N1_TO_1", (3, 5, 8), -20, conv(channels=8, bias=False, activation=RELU_N1), pw),
        single("pointwise 6 to 5, odd channels", (3, 5, 6), 127, conv(channels=5, zero_point=-128), scalar),
        single("pointwise 8 to 8, weights of -128", (3, 5, 8), -128,
               conv(channels=8, weights=np.where(np.arange(64) % 5 < 2, -128, 127)), scalar, EXTREMES),
        single("pointwise 8 to 8, factors of one and more", (3, 5, 8), 1,
               conv(channels=8, weights=np.arange(64) % 3 - 1, gain=2.7, bias=False), scalar),
        single("pointwise 8 to 8, factors just below one", (3, 5, 8), 1,
               conv(channels=8, weights=np.arange(64) % 3 - 1, gain=0.97, bias=False), scalar),
        single("pointwise 8 to 8, factors too small for any output", (2, 2, 8), 1,
               conv(channels=8, gain=1e-9, bias=False, zero_point=7), scalar),
        single("pointwise 8 to 8, stride 2", (5, 6, 8), 1, conv(channels=8, stride=2), scalar),
        single("convolution 3x3 SAME stride 2", (5, 7, 3), 127, conv(channels=5, kernel=3, stride=2, padding=SAME), scalar),
        single("convolution 3x2 VALID dilation 2", (7, 6, 4), -128, conv(channels=3, kernel=(3, 2), dilation=2), scalar),
        single("convolution 2x2 stride 2 on tensors", (4, 6, 8), 0, conv(channels=8, kernel=2, stride=2), scalar),
        single("depthwise 8 channels, zero point 127", (5, 7, 8), 127, depth(zero_point=-128, activation=RELU6), dw),
        single("depthwise 16 channels stride 2, even sizes", (6, 8, 16), -128, depth(stride=2, zero_point=-16), dw),
        single("depthwise 24 channels stride 2, odd sizes", (7, 9, 24), -3, depth(stride=2, zero_point=127), dw),
        single("depthwise without bias", (3, 4, 8), -50, depth(bias=False), dw),
        single("depthwise one pixel", (1, 1, 8), 50, depth(), dw),
        single("depthwise two columns", (3, 2, 8), -50, depth(activation=RELU), dw),
        single("depthwise VALID", (5, 4, 8), -128, depth(padding=VALID), dw),
        single("depthwise stride 2 down, 1 across", (6, 5, 8), 2, depth(stride=(2, 1)), dw),
        single("depthwise weights and inputs at their ends", (4, 5, 16), -128, depth(weights=EXTREMES), dw, EXTREMES),
        single("depthwise most outputs saturate", (4, 5, 8), 127, depth(spread=900.0), dw, EXTREMES),
        single("depthwise factors that are powers of two: exact ties", (5, 5, 16), 0, depth(power_of_two=True), dw,
               scale_in=2.0**-5),
        single("depthwise 6 channels", (5, 4, 6), 127, depth(), scalar),
        single("depthwise 5x5", (6, 6, 8), -128, depth(kernel=5), scalar),
        single("depthwise multiplier 2", (4, 5, 4), -100, depth(depth=2), scalar),
        single("depthwise dilation 2", (6, 5, 8), -100, depth(dilation=2), scalar),
        single("add, larger scale first", (3, 5, 8), -128, add(0.0071, 12, 0.02, -128, RELU), ["add"]),
        single("add, larger scale second", (3, 5, 8), 12, add(0.0291, -128, 0.03, 3), ["add"]),
        single("add, equal scales", (4, 4, 8), -1, add(0.0173, 5, 0.025, 0, RELU6), ["add"]),
        single("add, zero points 127 and -128", (5, 5, 8), 127, add(0.011, -128, 0.04, 127), ["add"]),
        single("add, seven values", (1, 1, 7), 0, add(0.0171, 0, 0.03, 0), ["add"]),
        single("add, most outputs saturate", (3, 3, 8), 0, add(0.02, 0, 0.0011, 0), ["add"]),
        single("add, scales far apart", (5, 5, 8), 3, add(0.00002, 3, 0.02, 3), ["add"]),
        single("add, scales that are powers of two: exact ties", (16, 8, 8), 0, add(2.0**-7, 0, 2.0**-4, 0), ["add"],
               scale_in=2.0**-6),
        single("concatenation in place and by copy", (4, 5, 8), 9, joined, ["pointwise", "depthwise", "copy"]),
        single("concatenation of odd channels", (3, 5, 5), 9, joined_odd, ["copy", "copy"]),
        single("concatenation of one tensor twice", (3, 5, 8), 9, twice, ["pointwise", "copy", "copy", "pointwise"]),
        single("doubling 8 channels", (3, 5, 8), 4, lambda n: n.double("out", "x", 0.0173, 4), ["double"]),
        single("doubling 3 channels, half pixel centres", (2, 3, 3), 4,
               lambda n: n.double("out", "x", 0.0173, 4, True), ["double"]),
        frame_case("small detector", small_net(32, 48), 32, 48, None),
        frame_case("pixels read by any convolution", luma_net(12, 16), 12, 16, None),
    ]


def noise(seed, count, smooth):
    """Bytes of a linear congruential generator (Numerical Recipes, ranqd1); smooth: a ramp with a little of the noise."""
    state, values = seed, np.empty(count, np.uint8)
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        byte = state >> 24
        values[i] = (i // 97 + (byte >> 4)) & 255 if smooth else byte
    return values


def person(path):
    model = path.read_bytes()
    interpreter = tf.lite.Interpreter(model_content=model)
    shapes = {k: v["shape"] for k, v in interpreter.get_signature_runner("serving_default").get_input_details().items()}
    frames = []
    for seed, smooth in ((1, False), (2, True)):
        inputs = {}
        for plane, name in enumerate("yuv"):
            values = noise(10 * seed + plane, int(np.prod(shapes[name])), smooth)
            inputs[name] = (values.astype(np.int16) - 128).astype(np.int8).reshape(shapes[name])
        frames.append({"seed": seed, "smooth": smooth, "outputs": {k: text(v) for k, v in interpret(model, inputs).items()}})
    return {"model_sha256": hashlib.sha256(model).hexdigest(), "frames": frames}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, help="vectors of this whole model instead of single operators")
    args = parser.parse_args()
    content = person(args.model) if args.model else {
        "cases": operator_cases(),
        "too_large": {"frame": [48, 32], "model": text(np.frombuffer(large_net(32, 48), np.uint8))},
    }
    results = "".join(v for part in content.get("cases", content.get("frames")) for v in part["outputs"].values())
    header = {
        "origin": "TFLite interpreter, reference kernels (BUILTIN_REF)",
        "command": "python scripts/golden/infer.py" + (" --model models/person/person.tflite" if args.model else ""),
        "versions": {"tensorflow": tf.__version__, "numpy": np.__version__},
        "sha256": hashlib.sha256(results.encode()).hexdigest(),
        "sha256_of": "the base64 texts of all outputs, one after another",
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    target = FOLDER / ("person.json" if args.model else "operators.json")
    target.write_text(json.dumps({"header": header, **content}, indent=2) + "\n")
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
