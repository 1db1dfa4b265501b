/**
 * Reader of `.tflite` files: bytes in, plain tables out. It knows the file format and nothing about what can be run.
 *
 * Why a reader of our own and not generated code: the flatbuffers runtime does not check offsets, so a damaged file
 * would make it read anything or count to four thousand million. Here every read goes through `Bytes`, which refuses to
 * leave the file, every vector is measured before it is walked, and nothing recurses, so parsing always ends.
 *
 * Format: tensorflow/compiler/mlir/lite/schema/schema.fbs; the numbers beside the reads below are the field ids of that
 * schema (position of the field in its table). Flatbuffer layout: https://flatbuffers.dev/internals/
 *
 * Memory: copies names and numbers; constant data stay views into the file's bytes.
 */
import { ModelError } from '../../errors.ts';

/** schema.fbs, enum TensorType: the types that this engine meets; all others are refused by number. */
export const TensorType = { float32: 0, int32: 2, uint8: 3, int8: 9 } as const;

/** schema.fbs, enum BuiltinOperator: the ones we run. */
export const BuiltinOperator = { add: 0, concatenation: 2, conv2d: 3, depthwiseConv2d: 4, resizeNearest: 97 } as const;

/** schema.fbs, union BuiltinOptions. */
const BuiltinOptions = { conv2d: 1, depthwiseConv2d: 2, concatenation: 10, add: 11, resizeNearest: 74 } as const;

/** Far above any model of this size; they bound the work that a damaged file can cause. */
const TENSORS_MAX = 1024;
const OPERATORS_MAX = 1024;
const NAME_BYTES_MAX = 256;
const RANK_MAX = 8;
const CHANNELS_MAX = 8192;

/** Values = scale × (q - zeroPoint); one entry per tensor, or one per slice along `dimension`. */
export type Quantization = {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly dimension: number;
};

export type TfliteTensor = {
  readonly index: number;
  readonly name: string;
  readonly shape: readonly number[];
  /** One of TensorType, or another number of the schema. */
  readonly type: number;
  readonly quantization: Quantization;
  /** Bytes of a constant, little endian; undefined for a tensor that is computed. */
  readonly data: Uint8Array | undefined;
};

/** Options of all operators in one record; a field that an operator does not have holds the schema's default. */
export type OperatorOptions = {
  /** Whether the file carried the options table that belongs to the operator. */
  readonly present: boolean;
  /** 0 SAME, 1 VALID */
  readonly padding: number;
  readonly strideX: number;
  readonly strideY: number;
  readonly dilationX: number;
  readonly dilationY: number;
  readonly depthMultiplier: number;
  /** schema.fbs, enum ActivationFunctionType: 0 none, 1 RELU, 2 RELU_N1_TO_1, 3 RELU6 */
  readonly activation: number;
  readonly axis: number;
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
};

export type TfliteOperator = {
  readonly index: number;
  /** schema.fbs, enum BuiltinOperator */
  readonly code: number;
  /** Tensor indices, -1 for an optional input that is absent. All in range. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly options: OperatorOptions;
};

/** Name → tensor index, from the signature `serving_default`. */
export type Signature = { readonly inputs: ReadonlyMap<string, number>; readonly outputs: ReadonlyMap<string, number> };

export type TfliteModel = {
  readonly tensors: readonly TfliteTensor[];
  /** In the order of execution that the file promises. */
  readonly operators: readonly TfliteOperator[];
  readonly signature: Signature;
};

/**
 * Reads the first subgraph and the signature `serving_default` of a .tflite file.
 * Throws ModelError `MODEL_DAMAGED` for anything that cannot be read within the file's bounds.
 */
export function readTflite(file: Uint8Array): TfliteModel {
  const bytes = new Bytes(file);
  if (file.length < 16 || bytes.text(4, 4) !== 'TFL3') {
    damaged(`the file of ${file.length} bytes does not begin like a .tflite file (no TFL3 at byte 4)`);
  }
  const model = new Table(bytes, bytes.follow(0));
  const version = model.uint32(0, 0);
  if (version !== 3) damaged(`schema version is ${version}; expected 3`);

  const codes = model.tables(1, OPERATORS_MAX).map((code) => {
    // Codes above 127 live in the newer field; the larger of the two counts (schema.fbs, OperatorCode).
    return Math.max(code.int8(0, 0), code.int32(3, 0));
  });
  const buffers = model.tables(4, 2 * TENSORS_MAX);
  const graphs = model.tables(2, 16);
  const graph = graphs[0];
  if (graph === undefined) damaged('the file has no subgraph');
  if (graphs.length > 1) damaged(`the file has ${graphs.length} subgraphs; expected 1`);

  const tensors = graph.tables(0, TENSORS_MAX).map((table, index) => readTensor(table, index, buffers));
  const operators = graph.tables(3, OPERATORS_MAX).map((table, index) => {
    const code = codes[table.uint32(0, 0)];
    if (code === undefined) damaged(`operator ${index} has an operator code outside of the table`);
    const inputs = table.int32s(1, TENSORS_MAX);
    const outputs = table.int32s(2, TENSORS_MAX);
    for (const tensor of [...inputs, ...outputs]) {
      if (tensor < -1 || tensor >= tensors.length)
        damaged(`operator ${index} names tensor ${tensor}, which is not there`);
    }
    return { index, code, inputs, outputs, options: readOptions(table, code) };
  });
  return { tensors, operators, signature: readSignature(model, tensors.length) };
}

function readTensor(table: Table, index: number, buffers: readonly Table[]): TfliteTensor {
  const name = table.string(3, NAME_BYTES_MAX) ?? `tensor ${index}`;
  const shape = table.int32s(0, RANK_MAX);
  if (shape.some((size) => size < 0 || size > 1 << 20)) damaged(`tensor ${index} (${name}) has shape [${shape}]`);
  const buffer = buffers[table.uint32(2, 0)];
  if (buffer === undefined) damaged(`tensor ${index} (${name}) points to a buffer that is not there`);
  const data = buffer.uint8s(0);
  // Field 1 of Buffer is for files above 2 GiB, whose data lie behind the flatbuffer.
  if (data === undefined && buffer.has(1))
    damaged(`tensor ${index} (${name}) keeps its data outside of the flatbuffer`);
  if (table.has(6)) damaged(`tensor ${index} (${name}) is sparse; expected dense`);
  const quantization = table.table(4);
  return {
    index,
    name,
    shape,
    type: table.int8(1, 0),
    quantization: {
      scales: quantization?.float32s(2, CHANNELS_MAX) ?? [],
      zeroPoints: quantization?.int64s(3, CHANNELS_MAX) ?? [],
      dimension: quantization?.int32(6, 0) ?? 0,
    },
    data: data === undefined || data.length === 0 ? undefined : data,
  };
}

function readOptions(operator: Table, code: number): OperatorOptions {
  const type = operator.uint8(3, 0);
  const defaults: OperatorOptions = {
    present: false,
    padding: 0,
    strideX: 0,
    strideY: 0,
    dilationX: 1,
    dilationY: 1,
    depthMultiplier: 1,
    activation: 0,
    axis: 0,
    alignCorners: false,
    halfPixelCenters: false,
  };
  const table = operator.table(4);
  if (table === undefined) return defaults;
  const common = { ...defaults, present: true };
  if (code === BuiltinOperator.conv2d && type === BuiltinOptions.conv2d) {
    return {
      ...common,
      padding: table.int8(0, 0),
      strideX: table.int32(1, 0),
      strideY: table.int32(2, 0),
      activation: table.int8(3, 0),
      dilationX: table.int32(4, 1),
      dilationY: table.int32(5, 1),
    };
  }
  if (code === BuiltinOperator.depthwiseConv2d && type === BuiltinOptions.depthwiseConv2d) {
    return {
      ...common,
      padding: table.int8(0, 0),
      strideX: table.int32(1, 0),
      strideY: table.int32(2, 0),
      depthMultiplier: table.int32(3, 0),
      activation: table.int8(4, 0),
      dilationX: table.int32(5, 1),
      dilationY: table.int32(6, 1),
    };
  }
  if (code === BuiltinOperator.concatenation && type === BuiltinOptions.concatenation) {
    return { ...common, axis: table.int32(0, 0), activation: table.int8(1, 0) };
  }
  if (code === BuiltinOperator.add && type === BuiltinOptions.add) {
    return { ...common, activation: table.int8(0, 0) };
  }
  if (code === BuiltinOperator.resizeNearest && type === BuiltinOptions.resizeNearest) {
    return { ...common, alignCorners: table.uint8(0, 0) !== 0, halfPixelCenters: table.uint8(1, 0) !== 0 };
  }
  return defaults;
}

function readSignature(model: Table, tensorCount: number): Signature {
  const named = (entries: readonly Table[]): Map<string, number> => {
    const map = new Map<string, number>();
    for (const entry of entries) {
      const name = entry.string(0, NAME_BYTES_MAX) ?? '';
      const tensor = entry.uint32(1, 0);
      if (tensor >= tensorCount) damaged(`the signature maps ${name} to tensor ${tensor}, which is not there`);
      if (map.has(name)) damaged(`the signature has ${name} twice`);
      map.set(name, tensor);
    }
    return map;
  };
  const signatures = model.tables(7, 16);
  const found = signatures.find((signature) => signature.string(2, NAME_BYTES_MAX) === 'serving_default');
  if (found === undefined) damaged('the file has no signature named serving_default');
  if (found.uint32(4, 0) !== 0) damaged('the signature serving_default is not of subgraph 0');
  return { inputs: named(found.tables(0, 64)), outputs: named(found.tables(1, 64)) };
}

function damaged(problem: string): never {
  throw new ModelError('MODEL_DAMAGED', `the model file cannot be read: ${problem}.`, {
    op: 'read model',
    hint: 'The file is damaged or not an int8 .tflite model; copy it again and compare its sha256 with the manifest.',
  });
}

/** Reads of fixed-size values anywhere in the file; a read that would leave it is refused. */
class Bytes {
  readonly file: Uint8Array;
  readonly view: DataView;
  constructor(file: Uint8Array) {
    this.file = file;
    this.view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  }
  /** Position itself, once it is sure that `count` bytes from there are inside of the file. */
  at(position: number, count: number): number {
    if (!(position >= 0 && count >= 0 && position + count <= this.file.length)) {
      damaged(`bytes ${position} to ${position + count} are wanted, but the file ends at ${this.file.length}`);
    }
    return position;
  }
  /** Target of the unsigned relative offset at `position`. */
  follow(position: number): number {
    const target = position + this.view.getUint32(this.at(position, 4), true);
    return this.at(target, 4);
  }
  text(position: number, count: number): string {
    return Buffer.from(this.file.buffer, this.file.byteOffset + this.at(position, count), count).toString('utf8');
  }
}

/** One flatbuffer table: fields by id, absent fields give the default. */
class Table {
  readonly #bytes: Bytes;
  readonly #position: number;
  readonly #vtable: number;
  readonly #vtableBytes: number;
  constructor(bytes: Bytes, position: number) {
    this.#bytes = bytes;
    this.#position = bytes.at(position, 4);
    // The vtable lies a signed distance before the table.
    this.#vtable = position - bytes.view.getInt32(position, true);
    this.#vtableBytes = bytes.view.getUint16(bytes.at(this.#vtable, 4), true);
    if (this.#vtableBytes < 4) damaged(`the field table at byte ${this.#vtable} is ${this.#vtableBytes} bytes long`);
    bytes.at(this.#vtable, this.#vtableBytes);
  }
  /** Position of a field of `count` bytes, or 0 where the field is absent (0 is never a field: the root is there). */
  #field(id: number, count: number): number {
    const entry = 4 + 2 * id;
    if (entry + 2 > this.#vtableBytes) return 0;
    const distance = this.#bytes.view.getUint16(this.#vtable + entry, true);
    return distance === 0 ? 0 : this.#bytes.at(this.#position + distance, count);
  }
  has(id: number): boolean {
    return this.#field(id, 0) !== 0;
  }
  int8(id: number, absent: number): number {
    const position = this.#field(id, 1);
    return position === 0 ? absent : this.#bytes.view.getInt8(position);
  }
  uint8(id: number, absent: number): number {
    return this.int8(id, absent) & 255;
  }
  int32(id: number, absent: number): number {
    const position = this.#field(id, 4);
    return position === 0 ? absent : this.#bytes.view.getInt32(position, true);
  }
  uint32(id: number, absent: number): number {
    return this.int32(id, absent) >>> 0;
  }
  table(id: number): Table | undefined {
    const position = this.#field(id, 4);
    return position === 0 ? undefined : new Table(this.#bytes, this.#bytes.follow(position));
  }
  string(id: number, bytesMax: number): string | undefined {
    const [first, count] = this.#vector(id, 1, bytesMax);
    return first === 0 ? undefined : this.#bytes.text(first, count);
  }
  uint8s(id: number): Uint8Array | undefined {
    const [first, count] = this.#vector(id, 1, this.#bytes.file.length);
    return first === 0 ? undefined : this.#bytes.file.subarray(first, first + count);
  }
  int32s(id: number, countMax: number): number[] {
    const [first, count] = this.#vector(id, 4, countMax);
    return Array.from({ length: count }, (_, i) => this.#bytes.view.getInt32(first + 4 * i, true));
  }
  float32s(id: number, countMax: number): number[] {
    const [first, count] = this.#vector(id, 4, countMax);
    return Array.from({ length: count }, (_, i) => this.#bytes.view.getFloat32(first + 4 * i, true));
  }
  int64s(id: number, countMax: number): number[] {
    const [first, count] = this.#vector(id, 8, countMax);
    return Array.from({ length: count }, (_, i) => Number(this.#bytes.view.getBigInt64(first + 8 * i, true)));
  }
  tables(id: number, countMax: number): Table[] {
    const [first, count] = this.#vector(id, 4, countMax);
    return Array.from({ length: count }, (_, i) => new Table(this.#bytes, this.#bytes.follow(first + 4 * i)));
  }
  /** First element and count of a vector, all of it inside of the file; [0, 0] where the field is absent. */
  #vector(id: number, elementBytes: number, countMax: number): readonly [number, number] {
    const position = this.#field(id, 4);
    if (position === 0) return [0, 0];
    const start = this.#bytes.follow(position);
    const count = this.#bytes.view.getUint32(start, true);
    if (count > countMax) damaged(`the vector at byte ${start} has ${count} entries; at most ${countMax} are read`);
    this.#bytes.at(start + 4, count * elementBytes);
    return [start + 4, count];
  }
}
