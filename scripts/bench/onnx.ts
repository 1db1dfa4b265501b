/**
 * Writes an int8 TfliteModel as an ONNX model in QDQ form, so that ONNX Runtime runs the very same net.
 *
 * QDQ: every tensor is stored quantised, each operator stands in float32 between DequantizeLinear and QuantizeLinear, and
 * the runtime fuses the three into its integer kernels. Activations are uint8 and weights int8 ("u8s8"), its fast form on
 * x86-64: q + 128 with zero point + 128 is the same value. Weights have a scale per channel where the file has.
 * Fused activations are clamps of the quantised output, as in TFLite, and vanish where they clamp nothing.
 * Pictures are planar, [1, channel, y, x]: the runtime has no other convolution. So are the model's inputs and outputs.
 *
 * Sources: onnx/onnx.proto3 for the field numbers, onnx/docs/Operators.md for operator set 17.
 */
import { activationRange } from '../../runtime/eye/infer/quantize.ts';
import { knownOperator, type OperatorName, operatorName, TensorType } from '../../runtime/eye/infer/schema.ts';
import type { TfliteModel, TfliteOperator, TfliteTensor } from '../../runtime/eye/infer/tflite.ts';
import { toPlanar } from './adapter.ts';
import * as protobuf from './protobuf.ts';

const IR_VERSION = 8;
const OPERATOR_SET = 17;
/** onnx.proto3, TensorProto.DataType */
const Type = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const;
/** onnx.proto3, AttributeProto.AttributeType */
const AttributeType = { float: 1, int: 2, string: 3, ints: 7 } as const;
/** Where the dimensions of [1, y, x, channel] are in [1, channel, y, x]. */
const PLANAR_AXIS = [0, 2, 3, 1] as const;

type Attributes = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>;

export function writeOnnx(model: TfliteModel): Uint8Array {
  return new OnnxWriter(model).write();
}

class OnnxWriter {
  readonly #model: TfliteModel;
  readonly #nodes: Uint8Array[] = [];
  readonly #constants: Uint8Array[] = [];
  #nameCount = 0;

  constructor(model: TfliteModel) {
    this.#model = model;
  }

  write(): Uint8Array {
    for (const operator of this.#model.operators) {
      const name = knownOperator(operator.code);
      const translate = name === undefined ? undefined : TRANSLATIONS[name];
      if (translate === undefined) {
        throw new Error(`operator ${operator.index} ${operatorName(operator.code)} has no translation into ONNX`);
      }
      translate(this, operator);
    }
    const side = (field: number, names: ReadonlyMap<string, number>): Uint8Array[] =>
      [...names.values()].map((index) => protobuf.message(field, valueInfo(nameOf(index), this.shape(index))));
    const graph = [
      ...this.#nodes.map((node) => protobuf.bytes(1, node)),
      protobuf.text(2, 'net'),
      ...this.#constants.map((tensor) => protobuf.bytes(5, tensor)),
      ...side(11, this.#model.inputs),
      ...side(12, this.#model.outputs),
    ];
    return Buffer.concat([
      protobuf.whole(1, IR_VERSION),
      protobuf.text(2, 'lethe'),
      protobuf.message(7, graph),
      protobuf.message(8, [protobuf.text(1, ''), protobuf.whole(2, OPERATOR_SET)]),
    ]);
  }

  tensor(index: number | undefined): TfliteTensor {
    const tensor = this.#model.tensors[index ?? -1];
    if (tensor === undefined) throw new Error('an operator lacks an input');
    return tensor;
  }

  /** As in ONNX: pictures planar. */
  shape(index: number): number[] {
    return planarShape(this.tensor(index).shape);
  }

  fresh(): string {
    this.#nameCount += 1;
    return `n${this.#nameCount}`;
  }

  node(type: string, inputs: readonly string[], attributes: Attributes = {}, output = this.fresh()): string {
    this.#nodes.push(
      Buffer.concat([
        ...inputs.map((name) => protobuf.text(1, name)),
        protobuf.text(2, output),
        protobuf.text(3, output),
        protobuf.text(4, type),
        ...Object.entries(attributes).map(([name, value]) => protobuf.message(5, attribute(name, value))),
      ]),
    );
    return output;
  }

  constant(type: number, shape: readonly number[], data: ArrayBufferView): string {
    const name = this.fresh();
    this.#constants.push(
      Buffer.concat([
        protobuf.wholes(1, shape),
        protobuf.whole(2, type),
        protobuf.text(8, name),
        protobuf.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
      ]),
    );
    return name;
  }

  int64s(values: readonly number[]): string {
    return this.constant(Type.int64, [values.length], BigInt64Array.from(values.map(BigInt)));
  }

  byte(value: number): string {
    return this.constant(Type.uint8, [], Uint8Array.of(value));
  }

  /** Scale and zero point of an activation, as operands. */
  #scale(tensor: TfliteTensor): [scale: string, zeroPoint: string] {
    const [scale = 0] = tensor.quantization.scales;
    if (tensor.type !== TensorType.int8 || tensor.quantization.scales.length !== 1)
      throw new Error(`tensor ${tensor.name} is not int8 with one scale`);
    return [
      this.constant(Type.float32, [], Float32Array.of(scale)),
      this.byte((tensor.quantization.zeroPoints[0] ?? 0) + 128),
    ];
  }

  /** A quantised tensor, computed or constant; a constant is extended to so many dimensions at least, by ones before it. */
  quantised(index: number, rank = 0): string {
    const { data, shape } = this.tensor(index);
    if (data === undefined) return nameOf(index);
    const extended = [...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape];
    return this.constant(Type.uint8, planarShape(extended), toPlanar(shifted(data), extended));
  }

  /** The same in float32. One node for each reader, which is what the fusion looks for. */
  real(index: number, quantised = this.quantised(index)): string {
    return this.node('DequantizeLinear', [quantised, ...this.#scale(this.tensor(index))]);
  }

  /** Ends an operator: real → the quantised output tensor, clamped to its fused activation. */
  quantise(operator: TfliteOperator, real: string): void {
    const index = operator.outputs[0]!;
    const clamp = this.clamp(operator);
    const quantised = this.node(
      'QuantizeLinear',
      [real, ...this.#scale(this.tensor(index))],
      {},
      clamp ? undefined : nameOf(index),
    );
    clamp?.(quantised);
  }

  /** Ends an operator that works on quantised bytes. */
  bytes(operator: TfliteOperator, type: string, inputs: readonly string[], attributes: Attributes = {}): void {
    const clamp = this.clamp(operator);
    const output = this.node(type, inputs, attributes, clamp ? undefined : nameOf(operator.outputs[0]!));
    clamp?.(output);
  }

  /** Writer of the clamp that the operator's fused activation is; undefined where it clamps nothing. */
  clamp({ options, outputs }: TfliteOperator, activation = options['activation'] ?? 0) {
    const { quantization } = this.tensor(outputs[0]);
    const range = activationRange(activation, quantization.scales[0] ?? 0, quantization.zeroPoints[0] ?? 0);
    if (range.minQ === -128 && range.maxQ === 127) return undefined;
    return (quantised: string): void => {
      const limits = [this.byte(range.minQ + 128), this.byte(range.maxQ + 128)];
      this.node('Clip', [quantised, ...limits], {}, nameOf(outputs[0]!));
    };
  }

  /** Weights or bias behind their DequantizeLinear, scales along dimension 0. data in ONNX's order. */
  weights(type: number, shape: readonly number[], data: ArrayBufferView, scales: readonly number[]): string {
    const count = scales.length === 1 ? [] : [scales.length];
    const zeroes = type === Type.int8 ? new Int8Array(scales.length) : new Int32Array(scales.length);
    return this.node(
      'DequantizeLinear',
      [
        this.constant(type, shape, data),
        this.constant(Type.float32, count, Float32Array.from(scales)),
        this.constant(type, count, zeroes),
      ],
      { axis: 0 },
    );
  }

  /** The optional bias of input 2; its scales are those of input × weights. */
  bias(operator: TfliteOperator): string[] {
    const index = operator.inputs[2] ?? -1;
    if (index === -1) return [];
    const { data, shape } = this.tensor(index);
    const [inputScale = 0] = this.tensor(operator.inputs[0]).quantization.scales;
    const scales = this.tensor(operator.inputs[1]).quantization.scales.map((scale) => inputScale * scale);
    return [this.weights(Type.int32, shape, data!, scales)];
  }

  /** A picture's bytes in TFLite's order, so that they may be reshaped. */
  interleaved(index: number): string {
    const quantised = this.quantised(index);
    if (isFlat(this.tensor(index).shape)) return quantised;
    return this.node('Transpose', [quantised], { perm: [0, 2, 3, 1] });
  }
}

type Translation = (writer: OnnxWriter, operator: TfliteOperator) => void;

/** Window attributes of a convolution or a pool. */
function windowOf(writer: OnnxWriter, operator: TfliteOperator, kernelY: number, kernelX: number): Attributes {
  const { padding, strideX = 1, strideY = 1, dilationX = 1, dilationY = 1 } = operator.options;
  const [, height = 1, width = 1] = writer.tensor(operator.inputs[0]).shape;
  const [, outputHeight = 1, outputWidth = 1] = writer.tensor(operator.outputs[0]).shape;
  // tensorflow/lite/kernels/padding.h: what SAME lacks, half of it before, the odd one after.
  const pad = (
    size: number,
    outputSize: number,
    window: number,
    stride: number,
    dilation: number,
  ): [number, number] => {
    const total = Math.max(0, (outputSize - 1) * stride + (window - 1) * dilation + 1 - size);
    const before = Math.floor(total / 2);
    return padding === 0 ? [before, total - before] : [0, 0];
  };
  const [top, bottom] = pad(height, outputHeight, kernelY, strideY, dilationY);
  const [left, right] = pad(width, outputWidth, kernelX, strideX, dilationX);
  const dilations = dilationY === 1 && dilationX === 1 ? {} : { dilations: [dilationY, dilationX] };
  return {
    kernel_shape: [kernelY, kernelX],
    strides: [strideY, strideX],
    pads: [top, left, bottom, right],
    ...dilations,
  };
}

function convolution(isDepthwise: boolean): Translation {
  return (writer, operator) => {
    const weights = writer.tensor(operator.inputs[1]);
    const [first = 1, kernelY = 1, kernelX = 1, last = 1] = weights.shape;
    const inputChannels = writer.tensor(operator.inputs[0]).shape[3] ?? 1;
    const { scales } = weights.quantization;
    const data = weights.data!;
    // [out, y, x, in] → [out, in, y, x]; depthwise [1, y, x, out] → [out, 1, y, x]
    const [outer, inner] = isDepthwise ? [last, 1] : [first, last];
    const taps = kernelY * kernelX;
    const planar = new Uint8Array(data.length);
    for (let o = 0; o < outer; o += 1) {
      for (let i = 0; i < inner; i += 1) {
        for (let tap = 0; tap < taps; tap += 1) {
          planar[(o * inner + i) * taps + tap] = isDepthwise
            ? data[tap * last + o]!
            : data[(o * taps + tap) * last + i]!;
        }
      }
    }
    const shape = [outer, inner, kernelY, kernelX];
    const operands = [
      writer.real(operator.inputs[0]!),
      writer.weights(Type.int8, shape, planar, scales),
      ...writer.bias(operator),
    ];
    const attributes = { ...windowOf(writer, operator, kernelY, kernelX), group: isDepthwise ? inputChannels : 1 };
    writer.quantise(operator, writer.node('Conv', operands, attributes));
  };
}

function fullyConnected(writer: OnnxWriter, operator: TfliteOperator): void {
  const weights = writer.tensor(operator.inputs[1]);
  const [outputs = 1, inputs = 1] = weights.shape;
  const input = operator.inputs[0]!;
  const rows = writer.node('Reshape', [writer.interleaved(input), writer.int64s([-1, inputs])]);
  const operands = [
    writer.real(input, rows),
    writer.weights(Type.int8, [outputs, inputs], weights.data!, weights.quantization.scales),
    ...writer.bias(operator),
  ];
  if (writer.tensor(operator.outputs[0]).shape.length !== 2)
    throw new Error('FULLY_CONNECTED with other than two dimensions');
  writer.quantise(operator, writer.node('Gemm', operands, { transB: 1 }));
}

/** Operators of two tensors, one of which may be smaller and counts for every value of the other. */
function binary(type: string): Translation {
  return (writer, operator) => {
    const shapes = operator.inputs.map((index) => writer.tensor(index).shape);
    const isPlanar = shapes.some(({ length }) => length === 4);
    // Sizes are compared from the last dimension on, which planar is another one; so ranks must agree, or be extended.
    const mixed = operator.inputs.some((index, i) => {
      const isConstant = writer.tensor(index).data !== undefined;
      return isPlanar && shapes[i]!.length < 4 && shapes[i]!.length > 0 && !isConstant;
    });
    if (mixed || shapes.some(({ length }) => length > 4))
      throw new Error(`${type} of computed tensors with different ranks`);
    const operands = operator.inputs.map((index) => writer.real(index, writer.quantised(index, isPlanar ? 4 : 0)));
    writer.quantise(operator, writer.node(type, operands));
  };
}

/** One operand, computed in float32 between quantised tensors. */
function unary(type: string, attributes: (operator: TfliteOperator) => Attributes = () => ({})): Translation {
  return (writer, operator) =>
    writer.quantise(operator, writer.node(type, [writer.real(operator.inputs[0]!)], attributes(operator)));
}

function concatenation(writer: OnnxWriter, operator: TfliteOperator): void {
  const output = writer.tensor(operator.outputs[0]);
  const rank = output.shape.length;
  const axis = ((operator.options['axis'] ?? 0) + rank) % rank;
  const attributes = { axis: rank === 4 ? PLANAR_AXIS[axis]! : axis };
  const isSame = operator.inputs.every((index) => sameScale(writer.tensor(index), output));
  if (isSame)
    writer.bytes(
      operator,
      'Concat',
      operator.inputs.map((index) => writer.quantised(index)),
      attributes,
    );
  else
    writer.quantise(
      operator,
      writer.node(
        'Concat',
        operator.inputs.map((index) => writer.real(index)),
        attributes,
      ),
    );
}

function resizeNearest(writer: OnnxWriter, operator: TfliteOperator): void {
  const { alignCorners, halfPixelCenters } = operator.options;
  if (alignCorners) throw new Error('RESIZE_NEAREST_NEIGHBOR with align_corners');
  const sizes = writer.shape(operator.outputs[0]!);
  const from = writer.shape(operator.inputs[0]!);
  const scales = sizes.map((size, dimension) => size / from[dimension]!);
  // At whole factors all variants pick the same neighbours; the runtime has a fast way for this one.
  const isWhole = scales.every(Number.isInteger);
  const attributes =
    halfPixelCenters && !isWhole
      ? { mode: 'nearest', coordinate_transformation_mode: 'half_pixel', nearest_mode: 'round_prefer_ceil' }
      : { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' };
  const input = writer.quantised(operator.inputs[0]!);
  const operands = isWhole
    ? [input, '', writer.constant(Type.float32, [scales.length], Float32Array.from(scales))]
    : [input, '', '', writer.int64s(sizes)];
  writer.bytes(operator, 'Resize', operands, attributes);
}

function averagePool(writer: OnnxWriter, operator: TfliteOperator): void {
  const { filterX = 1, filterY = 1 } = operator.options;
  const attributes = windowOf(writer, operator, filterY, filterX);
  writer.quantise(operator, writer.node('AveragePool', [writer.real(operator.inputs[0]!)], attributes));
}

function maxPool(writer: OnnxWriter, operator: TfliteOperator): void {
  const { filterX = 1, filterY = 1 } = operator.options;
  writer.bytes(
    operator,
    'MaxPool',
    [writer.quantised(operator.inputs[0]!)],
    windowOf(writer, operator, filterY, filterX),
  );
}

function mean(writer: OnnxWriter, operator: TfliteOperator): void {
  const { data, shape } = writer.tensor(operator.inputs[1]);
  const axes = [...new Int32Array(Uint8Array.from(data!).buffer)].sort();
  if (axes.join() !== '1,2' || shape.length !== 1) throw new Error(`MEAN over axes ${axes}; expected 1, 2`);
  const output = operator.outputs[0]!;
  const pooled = writer.node('GlobalAveragePool', [writer.real(operator.inputs[0]!)]);
  const { shape: outputShape } = writer.tensor(output);
  const keepsRank = outputShape.length === 4;
  writer.quantise(operator, keepsRank ? pooled : writer.node('Reshape', [pooled, writer.int64s(outputShape)]));
}

function softmax(writer: OnnxWriter, operator: TfliteOperator): void {
  const { shape } = writer.tensor(operator.inputs[0]);
  if (operator.options['beta'] !== 1) throw new Error('SOFTMAX with a beta other than 1');
  const attributes = { axis: shape.length === 4 ? 1 : shape.length - 1 };
  writer.quantise(operator, writer.node('Softmax', [writer.real(operator.inputs[0]!)], attributes));
}

function reshape(writer: OnnxWriter, operator: TfliteOperator): void {
  const { shape } = writer.tensor(operator.outputs[0]);
  const bytes = writer.interleaved(operator.inputs[0]!);
  if (isFlat(shape)) writer.bytes(operator, 'Reshape', [bytes, writer.int64s(planarShape(shape))]);
  else {
    const interleaved = writer.node('Reshape', [bytes, writer.int64s(shape)]);
    writer.bytes(operator, 'Transpose', [interleaved], { perm: [0, 3, 1, 2] });
  }
}

const TRANSLATIONS: Readonly<Partial<Record<OperatorName, Translation>>> = {
  ADD: binary('Add'),
  AVERAGE_POOL_2D: averagePool,
  CONCATENATION: concatenation,
  CONV_2D: convolution(false),
  DEPTHWISE_CONV_2D: convolution(true),
  FULLY_CONNECTED: fullyConnected,
  HARD_SWISH: unary('HardSwish'),
  LEAKY_RELU: unary('LeakyRelu', ({ options }) => ({ alpha: { float: options['alpha'] ?? 0 } })),
  LOGISTIC: unary('Sigmoid'),
  MAX_POOL_2D: maxPool,
  MEAN: mean,
  MUL: binary('Mul'),
  RELU: unary('Relu'),
  RESHAPE: reshape,
  RESIZE_NEAREST_NEIGHBOR: resizeNearest,
  SOFTMAX: softmax,
};

/** Name of the quantised tensor: names of a .tflite file need not differ. */
export function nameOf(tensorIndex: number): string {
  return `t${tensorIndex}`;
}

/** Whether the order of its values is the same planar and interleaved. */
function isFlat(shape: readonly number[]): boolean {
  return shape.length !== 4 || shape[3] === 1 || shape[1]! * shape[2]! === 1;
}

/** [1, y, x, channel] → [1, channel, y, x]; other ranks as they are. */
export function planarShape(shape: readonly number[]): number[] {
  return shape.length === 4 ? [shape[0]!, shape[3]!, shape[1]!, shape[2]!] : [...shape];
}

/** int8 q → uint8 q + 128 */
export function shifted(values: Uint8Array | Int8Array): Uint8Array {
  return Uint8Array.from(values, (value) => (value & 255) ^ 128);
}

function sameScale(a: TfliteTensor, b: TfliteTensor): boolean {
  return (
    a.quantization.scales[0] === b.quantization.scales[0] &&
    a.quantization.zeroPoints[0] === b.quantization.zeroPoints[0]
  );
}

function attribute(name: string, value: Attributes[string]): protobuf.Message {
  const head = protobuf.text(1, name);
  if (typeof value === 'string') return [head, protobuf.text(4, value), protobuf.whole(20, AttributeType.string)];
  if (typeof value === 'number') return [head, protobuf.whole(3, value), protobuf.whole(20, AttributeType.int)];
  if ('float' in value) return [head, protobuf.float(2, value.float), protobuf.whole(20, AttributeType.float)];
  return [head, protobuf.wholes(8, value), protobuf.whole(20, AttributeType.ints)];
}

/** ValueInfoProto of a uint8 tensor. */
function valueInfo(name: string, shape: readonly number[]): protobuf.Message {
  const dimensions = shape.map((size) => protobuf.message(1, [protobuf.whole(1, size)]));
  const tensor = [protobuf.whole(1, Type.uint8), protobuf.message(2, dimensions)];
  return [protobuf.text(1, name), protobuf.message(2, [protobuf.message(1, tensor)])];
}
