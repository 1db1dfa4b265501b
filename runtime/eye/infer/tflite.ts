/**
 * Reader of `.tflite` files: bytes in, plain tables out. It knows the file format and nothing about what can be run.
 *
 * Layout and fields are read through the `flatbuffers` package, the tables by hand after schema.fbs (schema.ts names it):
 * generated code would be 40,000 lines of which we need some hundred. The package does not check offsets: beyond the end
 * it reads zeroes, and a damaged length makes it count to two thousand million. So CheckedBuffer refuses every read that
 * would leave the file, every vector is measured before it is walked, and nothing recurses: parsing always ends.
 *
 * Memory: copies names and numbers; constant data stay views into the file's bytes.
 */
import { ByteBuffer } from 'flatbuffers';
import { ModelError } from '../../errors.ts';
import { knownOperator, OPERATORS, type OptionField } from './schema.ts';

/** Far above any model of this size; they bound the work that a damaged file can cause. */
const TENSORS_MAX = 1024;
const OPERATORS_MAX = 1024;
const OPERANDS_MAX = 64;
/** The converter joins the names of the layers that it fuses: 370 bytes in a quantised MobileNet. */
const NAME_BYTES_MAX = 4096;
const RANK_MAX = 8;
const CHANNELS_MAX = 8192;
/** Whatever the vectors' own bounds allow: entries that overlap could otherwise make a file of kilobytes a list of gigabytes. */
const ENTRIES_PER_BYTE = 4;

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

export type TfliteOperator = {
  readonly index: number;
  /** schema.fbs, enum BuiltinOperator */
  readonly code: number;
  /** Tensor indices, -1 for an optional input that is absent. All in range. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  /** By the names of schema.ts; fields that the file leaves out have the schema's default. Empty for unknown operators. */
  readonly options: Readonly<Record<string, number>>;
  /** Whether the file carried the options table that belongs to the operator. */
  readonly hasOptions: boolean;
};

export type TfliteModel = {
  readonly tensors: readonly TfliteTensor[];
  /** In the order of execution that the file promises. */
  readonly operators: readonly TfliteOperator[];
  /** Name → tensor index: of the signature `serving_default`, or else the tensors' own names. */
  readonly inputs: ReadonlyMap<string, number>;
  readonly outputs: ReadonlyMap<string, number>;
};

/**
 * Reads the only subgraph of a .tflite file, and the signature `serving_default` where there is one.
 * Throws ModelError `MODEL_DAMAGED` for anything that cannot be read within the file's bounds.
 */
export function readTflite(file: Uint8Array): TfliteModel {
  const buffer = new CheckedBuffer(file);
  if (file.length < 16 || !buffer.__has_identifier('TFL3')) {
    damaged(`the file of ${file.length} bytes does not begin like a .tflite file (no TFL3 at byte 4)`);
  }
  const model = new Table(buffer, buffer.follow(0));
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
  const operators = graph.tables(3, OPERATORS_MAX).map((table, index): TfliteOperator => {
    const code = codes[table.uint32(0, 0)];
    if (code === undefined) damaged(`operator ${index} has an operator code outside of the table`);
    const inputs = table.int32s(1, OPERANDS_MAX);
    const outputs = table.int32s(2, OPERANDS_MAX);
    for (const tensor of [...inputs, ...outputs]) {
      if (tensor < -1 || tensor >= tensors.length)
        damaged(`operator ${index} names tensor ${tensor}, which is not there`);
    }
    return { index, code, inputs, outputs, ...readOptions(table, code) };
  });
  const named = (id: number, what: string): Map<string, number> => {
    const map = new Map<string, number>();
    for (const index of graph.int32s(id, OPERANDS_MAX)) {
      const tensor = tensors[index];
      if (tensor === undefined) damaged(`the ${what}s name tensor ${index}, which is not there`);
      if (map.has(tensor.name)) damaged(`two ${what}s are named ${tensor.name}`);
      map.set(tensor.name, index);
    }
    return map;
  };
  return {
    tensors,
    operators,
    ...(readSignature(model, tensors.length) ?? { inputs: named(1, 'input'), outputs: named(2, 'output') }),
  };
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

function readOptions(operator: Table, code: number): Pick<TfliteOperator, 'options' | 'hasOptions'> {
  const name = knownOperator(code);
  if (name === undefined) return { options: {}, hasOptions: false };
  const { options: type, fields } = OPERATORS[name];
  const found = operator.table(4);
  const table = type !== 0 && operator.uint8(3, 0) === type ? found : undefined;
  const options = Object.fromEntries(
    Object.entries(fields as Record<string, OptionField>).map(([field, [id, kind, absent]]) => {
      if (table === undefined) return [field, absent];
      if (kind === 'int32') return [field, table.int32(id, absent)];
      if (kind === 'float32') return [field, table.float32(id, absent)];
      return [field, kind === 'bool' ? Number(table.int8(id, absent) !== 0) : table.int8(id, absent)];
    }),
  );
  return { options, hasOptions: table !== undefined };
}

function readSignature(model: Table, tensorCount: number): Pick<TfliteModel, 'inputs' | 'outputs'> | undefined {
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
  if (found === undefined) return undefined;
  if (found.uint32(4, 0) !== 0) damaged('the signature serving_default is not of subgraph 0');
  return { inputs: named(found.tables(0, OPERANDS_MAX)), outputs: named(found.tables(1, OPERANDS_MAX)) };
}

function damaged(problem: string): never {
  throw new ModelError('MODEL_DAMAGED', `the model file cannot be read: ${problem}.`, {
    op: 'read model',
    hint: 'The file is damaged or not an int8 .tflite model; copy it again and compare its sha256 with the manifest.',
  });
}

/** The package's buffer, whose three elementary reads (all others are made of them) refuse to leave the file. */
class CheckedBuffer extends ByteBuffer {
  readonly #file: Uint8Array;
  #entriesLeft: number;
  constructor(file: Uint8Array) {
    super(file);
    this.#file = file;
    this.#entriesLeft = ENTRIES_PER_BYTE * file.length;
  }
  /** Position itself, once it is sure that `count` bytes from there are inside of the file. */
  inside(position: number, count: number): number {
    if (!(position >= 0 && count >= 0 && position + count <= this.#file.length)) {
      damaged(`bytes ${position} to ${position + count} are wanted, but the file ends at ${this.#file.length}`);
    }
    return position;
  }
  override readUint8(offset: number): number {
    return super.readUint8(this.inside(offset, 1));
  }
  override readUint16(offset: number): number {
    return super.readUint16(this.inside(offset, 2));
  }
  override readInt32(offset: number): number {
    return super.readInt32(this.inside(offset, 4));
  }
  /** Target of the unsigned relative offset at `position`. */
  follow(position: number): number {
    return this.inside(position + this.readUint32(position), 4);
  }
  bytesAt(position: number, count: number): Uint8Array {
    return this.#file.subarray(this.inside(position, count), position + count);
  }
  /** Counts what is read from vectors; see ENTRIES_PER_BYTE. */
  spend(count: number): void {
    this.#entriesLeft -= count;
    if (this.#entriesLeft < 0) damaged('its vectors have more entries than the file has room for');
  }
}

/** One flatbuffer table: fields by id, absent fields give the default. */
class Table {
  readonly #buffer: CheckedBuffer;
  readonly #position: number;
  constructor(buffer: CheckedBuffer, position: number) {
    this.#buffer = buffer;
    this.#position = position;
    // The vtable lies a signed distance before the table.
    const vtable = position - buffer.readInt32(position);
    const vtableBytes = buffer.readUint16(vtable);
    if (vtableBytes < 4) damaged(`the field table at byte ${vtable} is ${vtableBytes} bytes long`);
    buffer.inside(vtable, vtableBytes);
  }
  /** Position of a field, or 0 where it is absent (0 is never a field: the root is there). */
  #field(id: number): number {
    const distance = this.#buffer.__offset(this.#position, 4 + 2 * id);
    return distance === 0 ? 0 : this.#position + distance;
  }
  has(id: number): boolean {
    return this.#field(id) !== 0;
  }
  int8(id: number, absent: number): number {
    const position = this.#field(id);
    return position === 0 ? absent : this.#buffer.readInt8(position);
  }
  uint8(id: number, absent: number): number {
    return this.int8(id, absent) & 255;
  }
  int32(id: number, absent: number): number {
    const position = this.#field(id);
    return position === 0 ? absent : this.#buffer.readInt32(position);
  }
  uint32(id: number, absent: number): number {
    return this.int32(id, absent) >>> 0;
  }
  float32(id: number, absent: number): number {
    const position = this.#field(id);
    return position === 0 ? absent : this.#buffer.readFloat32(position);
  }
  table(id: number): Table | undefined {
    const position = this.#field(id);
    return position === 0 ? undefined : new Table(this.#buffer, this.#buffer.follow(position));
  }
  string(id: number, bytesMax: number): string | undefined {
    const [first, count] = this.#vector(id, 1, bytesMax);
    return first === 0 ? undefined : Buffer.from(this.#buffer.bytesAt(first, count)).toString('utf8');
  }
  uint8s(id: number): Uint8Array | undefined {
    const [first, count] = this.#vector(id, 1, this.#buffer.capacity());
    return first === 0 ? undefined : this.#buffer.bytesAt(first, count);
  }
  int32s(id: number, countMax: number): number[] {
    return this.#values(id, 4, countMax, (position) => this.#buffer.readInt32(position));
  }
  float32s(id: number, countMax: number): number[] {
    return this.#values(id, 4, countMax, (position) => this.#buffer.readFloat32(position));
  }
  int64s(id: number, countMax: number): number[] {
    return this.#values(id, 8, countMax, (position) => Number(this.#buffer.readInt64(position)));
  }
  tables(id: number, countMax: number): Table[] {
    return this.#values(id, 4, countMax, (position) => new Table(this.#buffer, this.#buffer.follow(position)));
  }
  #values<Value>(id: number, bytes: number, countMax: number, read: (position: number) => Value): Value[] {
    const [first, count] = this.#vector(id, bytes, countMax);
    this.#buffer.spend(count);
    return Array.from({ length: count }, (_, i) => read(first + bytes * i));
  }
  /** First element and count of a vector, all of it inside of the file; [0, 0] where the field is absent. */
  #vector(id: number, elementBytes: number, countMax: number): readonly [number, number] {
    const position = this.#field(id);
    if (position === 0) return [0, 0];
    const start = this.#buffer.follow(position);
    const count = this.#buffer.readUint32(start);
    if (count > countMax) damaged(`the vector at byte ${start} has ${count} entries; at most ${countMax} are read`);
    this.#buffer.inside(start + 4, count * elementBytes);
    return [start + 4, count];
  }
}
