/**
 * As much of the protobuf encoding as an ONNX file needs: numbers, bytes, texts and messages, each behind its field number.
 * Source: protobuf.dev/programming-guides/encoding.
 */

/** Encoded fields, in order. */
export type Message = readonly Uint8Array[];

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;

/** value: whole; negative ones are written as 64-bit two's complement, as protobuf asks of int64. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

function key(field: number, wire: number): number[] {
  return varint(field * 8 + wire);
}

/** Field of type int32, int64 or an enumeration. */
export function whole(field: number, value: number): Uint8Array {
  return Uint8Array.from([...key(field, WIRE_VARINT), ...varint(value)]);
}

/** Field of type float. */
export function float(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(Float32Array.of(value).buffer);
  return Uint8Array.from([...key(field, WIRE_FIXED32), ...bytes]);
}

export function bytes(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([...key(field, WIRE_BYTES), ...varint(value.length)]), value]);
}

export function text(field: number, value: string): Uint8Array {
  return bytes(field, Buffer.from(value, 'utf8'));
}

/** Repeated numbers, one after another (which every reader takes, packed or not). */
export function wholes(field: number, values: readonly number[]): Uint8Array {
  return Buffer.concat(values.map((value) => whole(field, value)));
}

export function message(field: number, fields: Message): Uint8Array {
  return bytes(field, Buffer.concat(fields));
}
