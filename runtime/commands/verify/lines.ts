/**
 * Lines of a recording: what mosquitto_sub prints with -v (`topic payload`) or without (`payload`), its JSON (-F %j or %J),
 * or JSON lines from elsewhere. Read as a stream; a line that is longer than any message of ours is skipped and said so.
 */

/** A receipt of twenty messages has about 3 kB. */
export const LINE_BYTES_MAX = 65_536;
const NEWLINE = 0x0a;
/** Enough of a line that is too long to see what it was. */
const HEAD_BYTES = 200;

export type Line = { readonly text: string; readonly isTooLong: boolean };

/** bytesMax: the longest line that is given whole. A last line without its end is one, too. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let byteCount = 0;
  const take = (part: Uint8Array) => {
    if (byteCount <= bytesMax) parts.push(part);
    byteCount += part.length;
  };
  const whole = (): Line => {
    const isTooLong = byteCount > bytesMax;
    const bytes = Buffer.concat(parts);
    parts = [];
    byteCount = 0;
    return { text: bytes.subarray(0, isTooLong ? HEAD_BYTES : undefined).toString('utf8'), isTooLong };
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      take(chunk.subarray(from, end));
      from = end + 1;
      yield whole();
    }
    take(chunk.subarray(from));
  }
  if (byteCount > 0) yield whole();
}

/** What a line is about; topic: below the device's, such as `interval/door`; device: `site/device`; undefined: not said. */
export type Message = {
  readonly kind: 'receipt' | 'interval' | 'other' | 'unreadable';
  readonly topic: string | undefined;
  readonly device: string | undefined;
  readonly payload: unknown;
};

const OTHER: Message = { kind: 'other', topic: undefined, device: undefined, payload: undefined };
/** A bridge may have put something before it. */
const TOPIC = /^(?:\S*\/)?lethe\/v1\/([^/\s]+)\/([^/\s]+)\/(\S+)$/;

export function messageOf({ text, isTooLong }: Line): Message {
  const line = text.trim();
  if (line.startsWith('{')) {
    const json = isTooLong ? undefined : parsed(line);
    if (json === undefined) return { ...OTHER, kind: 'unreadable' };
    if (typeof json['topic'] !== 'string' || !('payload' in json)) return ofPayload(json);
    const { payload } = json;
    return ofTopic(json['topic'], typeof payload === 'string' ? parsed(payload) : payload);
  }
  const [, topic, payload] = /^(\S+) (.*)$/.exec(line) ?? [];
  return topic === undefined ? OTHER : ofTopic(topic, isTooLong ? undefined : parsed(payload!));
}

function ofTopic(whole: string, payload: unknown): Message {
  const [, site, device, topic] = TOPIC.exec(whole) ?? [];
  if (topic === undefined || !/^(receipt$|interval\/|zone\/)/.test(topic)) return OTHER;
  const known = { topic, device: `${site}/${device}`, payload };
  if (payload === undefined) return { ...known, kind: 'unreadable' };
  return { ...known, kind: topic === 'receipt' ? 'receipt' : 'interval' };
}

function ofPayload(payload: Record<string, unknown>): Message {
  const known = { topic: undefined, device: undefined, payload };
  if (payload['kind'] === 'receipt' || 'covers' in payload) return { ...known, kind: 'receipt' };
  return ['seq', 'epoch_id', 'from', 'to', 'samples'].every((name) => name in payload)
    ? { ...known, kind: 'interval' }
    : OTHER;
}

/** An object, or undefined. */
function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return json !== null && typeof json === 'object' ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
