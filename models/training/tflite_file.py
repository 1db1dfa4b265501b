"""Writes the int8 .tflite file, operator by operator, with the quantisation that we chose.

Why not TensorFlow's converter: it picks ranges from samples, and when the three stem branches get different
ones it inserts QUANTIZE operators before the concatenation. Here every scale is ours, the inputs are exactly
byte - 128 with scale 1/255, and the file holds the operators of the table and nothing else.

Arithmetic follows the TFLite int8 specification: weights symmetric per output channel, bias int32 with scale
input x weight, activations asymmetric per tensor.
"""

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from net import INPUTS, OUTPUTS, tensor_shapes

OPERATORS = {
    # kind: (builtin name, version that introduced int8)
    "patch": ("CONV_2D", 3),
    "point": ("CONV_2D", 3),
    "depth": ("DEPTHWISE_CONV_2D", 3),
    "add": ("ADD", 2),
    "concat": ("CONCATENATION", 2),
    "up": ("RESIZE_NEAREST_NEIGHBOR", 2),
}
ACTIVATIONS = {
    "none": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}


def quantise_weight(weight):
    """[out, ...] float -> (int8 in -127..127, scale per output channel)."""
    limit = np.abs(weight).reshape(len(weight), -1).max(1)
    scale = (np.maximum(limit, 1e-6) / 127).astype(np.float32)
    steps = np.round(weight / scale.reshape(-1, *[1] * (weight.ndim - 1)))
    return np.clip(steps, -127, 127).astype(np.int8), scale


class _Builder:
    def __init__(self):
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "Lethe person detector"
        self.graph = schema.SubGraphT()
        self.graph.name = "main"
        self.graph.tensors, self.graph.operators = [], []
        self.model.buffers, self.model.operatorCodes = [schema.BufferT()], []
        self._codes = {}

    def tensor(self, name, shape, kind, scale=None, zero_point=None, data=None, axis=0):
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
        return len(self.graph.tensors) - 1

    def code(self, kind):
        name, version = OPERATORS[kind]
        if name not in self._codes:
            c = schema.OperatorCodeT()
            c.builtinCode = getattr(schema.BuiltinOperator, name)
            c.deprecatedBuiltinCode = c.builtinCode
            c.version = version
            self.model.operatorCodes.append(c)
            self._codes[name] = len(self.model.operatorCodes) - 1
        return self._codes[name]


def _options(layer):
    activation = ACTIVATIONS[layer.activation]
    if layer.kind in ("patch", "point"):
        o, tag = schema.Conv2DOptionsT(), schema.BuiltinOptions.Conv2DOptions
        o.padding, o.strideW, o.strideH = schema.Padding.VALID, layer.stride, layer.stride
        o.dilationWFactor = o.dilationHFactor = 1
    elif layer.kind == "depth":
        o, tag = schema.DepthwiseConv2DOptionsT(), schema.BuiltinOptions.DepthwiseConv2DOptions
        o.padding, o.strideW, o.strideH = schema.Padding.SAME, layer.stride, layer.stride
        o.dilationWFactor = o.dilationHFactor = o.depthMultiplier = 1
    elif layer.kind == "add":
        o, tag = schema.AddOptionsT(), schema.BuiltinOptions.AddOptions
    elif layer.kind == "concat":
        o, tag = schema.ConcatenationOptionsT(), schema.BuiltinOptions.ConcatenationOptions
        o.axis = 3
    else:
        o, tag = schema.ResizeNearestNeighborOptionsT(), schema.BuiltinOptions.ResizeNearestNeighborOptions
        o.alignCorners = o.halfPixelCenters = False
        return o, tag
    o.fusedActivationFunction = activation
    return o, tag


def write(path, layers, weights, ranges):
    """layers: the net's table; weights: layer -> (float weight as PyTorch has it, float bias); ranges: tensor -> (scale, zero point)."""
    b, known, index = _Builder(), tensor_shapes(layers), {}
    int8, int32 = schema.TensorType.INT8, schema.TensorType.INT32
    for name in INPUTS:
        index[name] = b.tensor(name, (1, *known[name]), int8, *ranges[name])
    for layer in layers:
        inputs = [index[name] for name in layer.inputs]
        if layer.name in weights:
            weight, bias = weights[layer.name]
            steps, scale = quantise_weight(weight)
            # PyTorch [out, in, y, x] -> TFLite [out, y, x, in]; depthwise [1, y, x, channel].
            axis = 0
            steps = steps.transpose(0, 2, 3, 1)
            if layer.kind == "depth":
                steps, axis = steps.transpose(3, 1, 2, 0), 3
            inputs.append(b.tensor(f"{layer.name}/weight", steps.shape, int8, scale, 0, steps, axis))
            bias_scale = (scale * np.float32(ranges[layer.inputs[0]][0])).astype(np.float32)
            bias_steps = np.round(bias / bias_scale.astype(np.float64)).astype(np.int32)
            inputs.append(b.tensor(f"{layer.name}/bias", bias_steps.shape, int32, bias_scale, 0, bias_steps))
        if layer.kind == "up":
            size = np.array(known[layer.name][:2], np.int32)
            inputs.append(b.tensor(f"{layer.name}/size", (2,), int32, data=size))
        index[layer.name] = b.tensor(layer.name, (1, *known[layer.name]), int8, *ranges[layer.name])
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = b.code(layer.kind), inputs, [index[layer.name]]
        op.builtinOptions, op.builtinOptionsType = _options(layer)
        b.graph.operators.append(op)
    b.graph.inputs, b.graph.outputs = [index[n] for n in INPUTS], [index[n] for n in OUTPUTS]
    b.model.subgraphs = [b.graph]

    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = "serving_default", 0
    signature.inputs, signature.outputs = [], []
    for names, target in ((INPUTS, signature.inputs), (OUTPUTS, signature.outputs)):
        for name in names:
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = name, index[name]
            target.append(entry)
    b.model.signatureDefs = [signature]

    packer = flatbuffers.Builder(1 << 18)
    packer.Finish(b.model.Pack(packer), file_identifier=b"TFL3")
    data = bytes(packer.Output())
    with open(path, "wb") as f:
        f.write(data)
    return data
