/**
 * Just enough MQTT (3.1.1 and 5) to stand between a client and a broker, or to play a bad one: frames in a stream of
 * bytes, what a CONNECT and a PUBLISH say, and the four answers. Formats: OASIS MQTT 5.0, 2.1 and 3.1 to 3.12.
 */

export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  subscribe: 8,
  suback: 9,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const;

/** Cuts a stream into packets, each a buffer of its own. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  take(chunk: Buffer): Buffer[] {
    let bytes = Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    for (;;) {
      const length = frameLength(bytes);
      if (length === undefined || bytes.length < length) break;
      frames.push(bytes.subarray(0, length));
      bytes = bytes.subarray(length);
    }
    this.#rest = bytes;
    return frames;
  }
}

function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const { value, next } = readVariable(bytes, 1);
  return value === undefined ? undefined : next + value;
}

/** Variable byte integer; value undefined: it is not all there. */
function readVariable(bytes: Buffer, offset: number): { value: number | undefined; next: number } {
  let value = 0;
  for (let index = 0; index < 4; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) return { value: undefined, next: offset };
    value += (byte & 0x7f) * 128 ** index;
    if ((byte & 0x80) === 0) return { value, next: offset + index + 1 };
  }
  throw new Error('not MQTT: a length of more than four bytes');
}

export function typeOf(frame: Buffer): number {
  return frame[0]! >> 4;
}

/** Protocol level of a CONNECT: 4 or 5. */
export function levelOf(connect: Buffer): number {
  const { next } = readVariable(connect, 1);
  return connect[next + 2 + connect.readUInt16BE(next)]!;
}

export type Publication = { readonly topic: string; readonly payload: string /** 0: qos 0. */; readonly id: number };

export function publicationOf(frame: Buffer, level: number): Publication {
  let { next: at } = readVariable(frame, 1);
  const topicBytes = frame.readUInt16BE(at);
  const topic = frame.toString('utf8', at + 2, at + 2 + topicBytes);
  at += 2 + topicBytes;
  const hasId = ((frame[0]! >> 1) & 3) > 0;
  const id = hasId ? frame.readUInt16BE(at) : 0;
  if (hasId) at += 2;
  if (level >= 5) {
    const properties = readVariable(frame, at);
    at = properties.next + (properties.value ?? 0);
  }
  return { topic, payload: frame.toString('utf8', at), id };
}

/** Packet identifier of a PUBACK or SUBSCRIBE. */
export function idOf(frame: Buffer): number {
  return frame.readUInt16BE(readVariable(frame, 1).next);
}

export function connack(level: number): Buffer {
  return Buffer.from(level >= 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]);
}

export function puback(id: number): Buffer {
  return Buffer.from([0x40, 2, id >> 8, id & 0xff]);
}

/** Grants one topic at qos 1. */
export function suback(id: number, level: number, topicCount = 1): Buffer {
  const body = [id >> 8, id & 0xff, ...(level >= 5 ? [0] : []), ...Array.from({ length: topicCount }, () => 1)];
  return Buffer.from([0x90, body.length, ...body]);
}

export function pingresp(): Buffer {
  return Buffer.from([0xd0, 0]);
}

/** How many topics a SUBSCRIBE asks for. */
export function topicCountOf(subscribe: Buffer, level: number): number {
  let at = readVariable(subscribe, 1).next + 2;
  if (level >= 5) {
    const properties = readVariable(subscribe, at);
    at = properties.next + (properties.value ?? 0);
  }
  let count = 0;
  for (; at < subscribe.length; at += 3 + subscribe.readUInt16BE(at)) count += 1;
  return count;
}
