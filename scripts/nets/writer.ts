/**
 * Writer of `.tflite` files, the inverse of the reader in runtime/eye/infer/tflite.ts: readTflite(writeTflite(model))
 * equals model. Tests and benches make their networks with it, so none of them needs TensorFlow or a stored file.
 * TFLite's own interpreter takes the files; scripts/golden proves it with every case.
 *
 * Field ids are positions in the tables of schema.fbs (schema.ts names it), options go by the one table in schema.ts.
 */
import { Builder } from 'flatbuffers';
import { knownOperator, OPERATORS, type OperatorName, type OptionField } from '../../runtime/eye/infer/schema.ts';
import type { Quantization, TfliteModel, TfliteOperator, TfliteTensor } from '../../runtime/eye/infer/tflite.ts';

/**
 * Version of each operator that a file asks for: the oldest that means int8 with all options of schema.ts. TFLite refuses
 * versions it does not know and reads nothing else into them (tensorflow/lite/tools/versioning/op_version.cc).
 */
const VERSIONS: Readonly<Record<OperatorName, number>> = {
  ADD: 2,
  AVERAGE_POOL_2D: 2,
  CONCATENATION: 2,
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 3,
  DEQUANTIZE: 2,
  FULLY_CONNECTED: 5,
  HARD_SWISH: 1,
  LEAKY_RELU: 2,
  LOGISTIC: 2,
  MAX_POOL_2D: 2,
  MEAN: 2,
  MUL: 2,
  PAD: 2,
  PADV2: 2,
  QUANTIZE: 2,
  RELU: 2,
  RELU6: 2,
  RESHAPE: 1,
  RESIZE_BILINEAR: 3,
  RESIZE_NEAREST_NEIGHBOR: 3,
  SOFTMAX: 2,
  STRIDED_SLICE: 2,
  TRANSPOSE_CONV: 3,
};

/** schema.fbs, enum BuiltinOperator, PLACEHOLDER_FOR_GREATER_OP_CODES: what the old one-byte field says of newer codes. */
const GREATER_CODES = 127;
/** schema.fbs, table Buffer: `data: [ubyte] (force_align: 16)` */
const DATA_ALIGNMENT_BYTES = 16;

/** model: as the reader gives it; operators and tensors in the order of their indices. */
export function writeTflite(model: TfliteModel): Uint8Array {
  const builder = new Builder(4096);
  const codes = [...new Set(model.operators.map(({ code }) => code))];
  const constants = model.tensors.filter(({ data }) => data !== undefined);
  // Buffer 0 is empty by convention; tensors that are computed point to it.
  const buffers = [undefined, ...constants.map(({ data }) => data)].map((data) => {
    const bytes = data === undefined ? 0 : dataVector(builder, data);
    return table(builder, 1, () => builder.addFieldOffset(0, bytes, 0));
  });
  const tensors = model.tensors.map((tensor) => writeTensor(builder, tensor, constants.indexOf(tensor) + 1));
  const operators = model.operators.map((operator) => writeOperator(builder, operator, codes.indexOf(operator.code)));
  const operatorCodes = codes.map((code) => {
    const name = knownOperator(code);
    return table(builder, 4, () => {
      builder.addFieldInt8(0, Math.min(code, GREATER_CODES), 0);
      builder.addFieldInt32(2, name === undefined ? 1 : VERSIONS[name], 1);
      builder.addFieldInt32(3, code, 0);
    });
  });

  const graphFields = [
    offsetVector(builder, tensors),
    int32Vector(builder, [...model.inputs.values()]),
    int32Vector(builder, [...model.outputs.values()]),
    offsetVector(builder, operators),
    builder.createString('main'),
  ];
  const graph = table(builder, 5, () =>
    graphFields.forEach((offset, id) => void builder.addFieldOffset(id, offset, 0)),
  );
  const signature = writeSignature(builder, model);
  const modelFields = [
    [1, offsetVector(builder, operatorCodes)],
    [2, offsetVector(builder, [graph])],
    [4, offsetVector(builder, buffers)],
    [7, offsetVector(builder, [signature])],
  ] as const;
  const root = table(builder, 8, () => {
    builder.addFieldInt32(0, 3, 0);
    for (const [id, offset] of modelFields) builder.addFieldOffset(id, offset, 0);
  });
  builder.finish(root, 'TFL3');
  return builder.asUint8Array().slice();
}

function writeTensor(
  builder: Builder,
  { name, shape, type, quantization, data }: TfliteTensor,
  buffer: number,
): number {
  const offsets = [
    [0, int32Vector(builder, shape)],
    [3, builder.createString(name)],
    [4, writeQuantization(builder, quantization)],
  ] as const;
  return table(builder, 9, () => {
    for (const [id, offset] of offsets) builder.addFieldOffset(id, offset, 0);
    builder.addFieldInt8(1, type, 0);
    builder.addFieldInt32(2, data === undefined ? 0 : buffer, 0);
    // has_rank: without it TFLite takes an empty shape for an unknown one.
    builder.addFieldInt8(8, 1, 0);
  });
}

/** 0, an absent field, where the tensor has neither scales nor zero points. */
function writeQuantization(builder: Builder, { scales, zeroPoints, dimension }: Quantization): number {
  if (scales.length === 0 && zeroPoints.length === 0 && dimension === 0) return 0;
  const scaleVector = vector(builder, scales, 4, (scale) => builder.addFloat32(scale));
  const zeroPointVector = vector(builder, zeroPoints, 8, (zeroPoint) => builder.addInt64(BigInt(zeroPoint)));
  return table(builder, 7, () => {
    builder.addFieldOffset(2, scaleVector, 0);
    builder.addFieldOffset(3, zeroPointVector, 0);
    builder.addFieldInt32(6, dimension, 0);
  });
}

function writeOperator(builder: Builder, operator: TfliteOperator, opcodeIndex: number): number {
  const name = knownOperator(operator.code);
  const [inputs, outputs] = [int32Vector(builder, operator.inputs), int32Vector(builder, operator.outputs)];
  const options = name !== undefined && operator.hasOptions ? writeOptions(builder, name, operator) : 0;
  return table(builder, 5, () => {
    builder.addFieldInt32(0, opcodeIndex, 0);
    builder.addFieldOffset(1, inputs, 0);
    builder.addFieldOffset(2, outputs, 0);
    if (name !== undefined && options !== 0) builder.addFieldInt8(3, OPERATORS[name].options, 0);
    builder.addFieldOffset(4, options, 0);
  });
}

function writeOptions(builder: Builder, name: OperatorName, { options }: TfliteOperator): number {
  const fields = Object.entries(OPERATORS[name].fields as Readonly<Record<string, OptionField>>);
  return table(builder, 1 + Math.max(-1, ...fields.map(([, [id]]) => id)), () => {
    for (const [field, [id, kind, absent]] of fields) {
      const value = options[field] ?? absent;
      if (kind === 'int32') builder.addFieldInt32(id, value, absent);
      else if (kind === 'float32') builder.addFieldFloat32(id, value, absent);
      else builder.addFieldInt8(id, value, absent);
    }
  });
}

function writeSignature(builder: Builder, { inputs, outputs }: TfliteModel): number {
  const entries = (names: ReadonlyMap<string, number>): number =>
    offsetVector(
      builder,
      [...names].map(([name, tensor]) => {
        const text = builder.createString(name);
        return table(builder, 2, () => {
          builder.addFieldOffset(0, text, 0);
          builder.addFieldInt32(1, tensor, 0);
        });
      }),
    );
  const [ins, outs, key] = [entries(inputs), entries(outputs), builder.createString('serving_default')];
  return table(builder, 5, () => {
    builder.addFieldOffset(0, ins, 0);
    builder.addFieldOffset(1, outs, 0);
    builder.addFieldOffset(2, key, 0);
  });
}

/** Everything a table refers to is written before it: flatbuffers grow backwards and do not nest. */
function table(builder: Builder, fieldCount: number, fill: () => void): number {
  builder.startObject(fieldCount);
  fill();
  return builder.endObject();
}

/** Bytes at a multiple of 16 in the file: kernels of TFLite read weights in vectors. */
function dataVector(builder: Builder, data: Uint8Array): number {
  builder.prep(DATA_ALIGNMENT_BYTES, data.length);
  return builder.createByteVector(data);
}

function offsetVector(builder: Builder, offsets: readonly number[]): number {
  return vector(builder, offsets, 4, (offset) => builder.addOffset(offset));
}

function int32Vector(builder: Builder, values: readonly number[]): number {
  return vector(builder, values, 4, (value) => builder.addInt32(value));
}

function vector(builder: Builder, values: readonly number[], bytes: number, add: (value: number) => void): number {
  builder.startVector(bytes, values.length, bytes);
  for (let i = values.length - 1; i >= 0; i -= 1) add(values[i]!);
  return builder.endVector();
}
