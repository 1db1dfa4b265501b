/**
 * The corridor's record: 32 bytes, every field a bounded number. It is the only thing that goes from the eye to the voice.
 * Why fixed and numeric: a pipe that takes nothing else cannot carry a picture, whatever the eye becomes. At the limit
 * of RECORDS_PER_SECOND_MAX the corridor carries 8 kB a second; a person 20 × 40 px at 15 Hz would need 18 kB, and every
 * field below is checked against its range before a record is believed.
 *
 * Layout, little-endian:
 *   0 kind u8 · 1 version u8 · 2 index u8 (counter or zone) · 3 code u8 (direction or state) · 4 boot u32 · 8 sequence u32 ·
 *   12 check u32 (FNV-1a over the other 28 bytes) · 16 body, 16 bytes: timeMs f64, a u32, b u32   or   four u32
 *
 * Records carry running totals, not only events: a reader that missed some, or was restarted, catches up from the next one.
 */

export const RECORD_BYTES = 32;
export const RECORD_VERSION = 3;
/** More than this from an eye is not counting: twelve counters and eight zones are 43 a second, everybody running below 100 more. */
export const RECORDS_PER_SECOND_MAX = 256;
/** Lines and entrances. */
export const COUNTERS_MAX = 12;
export const ZONES_MAX = 8;
/** Positions of one moment, of more people than that some are left out: a view that is so full needs no installer's eye. */
export const DOTS_MAX = 32;
/** Four u32, two positions each. */
export const DOTS_PER_RECORD = 8;
export const DOT_PARTS_MAX = DOTS_MAX / DOTS_PER_RECORD;
/** Positions are told so often at most, and in set-up mode alone. */
export const DOTS_HZ = 4;
/** A visit of more than a day is a thing that somebody left there. */
export const DWELL_MS_MAX = 86_400_000;

export const RecordKind = {
  /** The eye has started. index: number of counters (lines, then entrances); code: number of zones. */
  hello: 1,
  /** Somebody crossed counter `index` in direction `code` at timeMs; a, b: totals in, out of it since the eye's boot. */
  crossing: 2,
  /** Totals of counter `index` at timeMs, sent every second: heart beat and catch-up. a, b as in crossing. */
  totals: 3,
  /** The eye's state became `code` (EyeState) at timeMs. a: reason (EyeReason). */
  state: 4,
  /** Frames since boot: read, erased, dropped; then tracks now. Four u32. */
  frames: 5,
  /** One residency (index: ResidencySpan) each minute: p50, p99 and max in µs, and the frames they rest on. Four u32. */
  residency: 6,
  /** Only from a simulated camera: true crossings of counter `index` so far, at timeMs: in a, out b. */
  truth: 7,
  /** Net totals of counter `index` at timeMs, with every change and every second. a, b: net in, out since the eye's boot. */
  net: 8,
  /** Zone `index` now, every second: people inside, people standing; since boot: visits, bounces. Four u32. */
  zone: 9,
  /** Passers-by of zone `index` at timeMs, every second. a: since the eye's boot; b: visits that have ended since then. */
  passers: 10,
  /** A visit of zone `index` ended at timeMs. a: how long it was, ms; b: visits that have ended since the eye's boot. */
  visit: 11,
  /** Every second, at timeMs. a: longest residency of pixels, b: of everything derived, of frames since the last such record, µs. */
  longest: 12,
  /**
   * Frames outlived the configured limit, told at most once a second, at timeMs, and again each minute. a: the longest of
   * those told then, µs; b: how many since boot. With b = 0, each minute: none has.
   */
  overlong: 13,
  /** Half `index` (0, 1) of the SHA-256 of the model that the eye runs, after hello and every minute. Four u32, big-endian order. */
  model: 14,
  /**
   * Set-up mode only: where people are in this moment, part `index` of as many as `code` positions need (eight a part).
   * a to d: two positions each, the lower half first; a position is x · 256 + y, both in 1/256 of the picture. They rise from
   * the first to the last of all parts, so their order says nothing of who is who; places that are not needed are 0.
   */
  dots: 15,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

export const Direction = { in: 0, out: 1 } as const;
export type Direction = (typeof Direction)[keyof typeof Direction];

/** Which pictures' residency a record tells: of pixels or of everything derived, of the last minute or since the eye's boot. */
export const ResidencySpan = { pixelsMinute: 0, derivedMinute: 1, pixelsBoot: 2, derivedBoot: 3 } as const;
export type ResidencySpan = (typeof ResidencySpan)[keyof typeof ResidencySpan];

export const EyeState = { starting: 0, counting: 1, paused: 2, cameraLost: 3, stopping: 4 } as const;
export type EyeState = (typeof EyeState)[keyof typeof EyeState];

export const EyeReason = {
  none: 0,
  button: 1,
  absent: 2,
  busy: 3,
  timeout: 4,
  disconnected: 5,
  other: 6,
  endOfSource: 7,
} as const;
export type EyeReason = (typeof EyeReason)[keyof typeof EyeReason];

export const EYE_STATE_WORDS = ['starting', 'counting', 'paused', 'camera_lost', 'stopping'] as const;
export const EYE_REASON_WORDS = [
  '',
  'button',
  'absent',
  'busy',
  'timeout',
  'disconnected',
  'other',
  'end_of_source',
] as const;

/** A record taken apart; kinds use the fields named in RecordKind, the rest are 0. One object is reused for all records. */
export type CorridorRecord = {
  kind: number;
  index: number;
  code: number;
  boot: number;
  sequence: number;
  timeMs: number;
  a: number;
  b: number;
  c: number;
  d: number;
};

export function emptyRecord(): CorridorRecord {
  return { kind: 0, index: 0, code: 0, boot: 0, sequence: 0, timeMs: 0, a: 0, b: 0, c: 0, d: 0 };
}

/** Whole milliseconds from 2020 to 2100: anything else is a broken clock or not a time. */
export const TIME_MS_MIN = 1_577_836_800_000;
export const TIME_MS_MAX = 4_102_444_800_000;

/** Some kinds use their body as four counters instead of a time and two. */
export function hasFourCounters(kind: number): boolean {
  switch (kind) {
    case RecordKind.frames:
    case RecordKind.residency:
    case RecordKind.zone:
    case RecordKind.model:
    case RecordKind.dots:
      return true;
    default:
      return false;
  }
}

export function indexMaxOf(kind: number): number {
  switch (kind) {
    case RecordKind.hello:
      return COUNTERS_MAX;
    case RecordKind.crossing:
    case RecordKind.totals:
    case RecordKind.truth:
    case RecordKind.net:
      return COUNTERS_MAX - 1;
    case RecordKind.zone:
    case RecordKind.passers:
    case RecordKind.visit:
      return ZONES_MAX - 1;
    case RecordKind.residency:
      return ResidencySpan.derivedBoot;
    case RecordKind.model:
      return 1;
    case RecordKind.dots:
      return DOT_PARTS_MAX - 1;
    default:
      return 0;
  }
}

export function codeMaxOf(kind: number): number {
  switch (kind) {
    case RecordKind.hello:
      return ZONES_MAX;
    case RecordKind.crossing:
      return Direction.out;
    case RecordKind.state:
      return EyeState.stopping;
    case RecordKind.dots:
      return DOTS_MAX;
    default:
      return 0;
  }
}

/** FNV-1a (Fowler, Noll, Vo; 32 bit), skipping the four bytes that hold the result. It finds accidents, not attackers. */
function checkOf(bytes: Uint8Array, offset: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < RECORD_BYTES; i++) {
    if (i >= 12 && i < 16) continue;
    hash = Math.imul(hash ^ bytes[offset + i]!, 0x01000193);
  }
  return hash >>> 0;
}

/** Writes `record` at `offset` of `view`. Allocates nothing. Numbers are the caller's duty: they come from counters. */
export function encodeRecord(record: CorridorRecord, bytes: Uint8Array, view: DataView, offset: number): void {
  view.setUint8(offset, record.kind);
  view.setUint8(offset + 1, RECORD_VERSION);
  view.setUint8(offset + 2, record.index);
  view.setUint8(offset + 3, record.code);
  view.setUint32(offset + 4, record.boot, true);
  view.setUint32(offset + 8, record.sequence, true);
  if (hasFourCounters(record.kind)) {
    view.setUint32(offset + 16, record.a, true);
    view.setUint32(offset + 20, record.b, true);
    view.setUint32(offset + 24, record.c, true);
    view.setUint32(offset + 28, record.d, true);
  } else {
    view.setFloat64(offset + 16, record.timeMs, true);
    view.setUint32(offset + 24, record.a, true);
    view.setUint32(offset + 28, record.b, true);
  }
  view.setUint32(offset + 12, checkOf(bytes, offset), true);
}

/** Why a record was refused; `ok` is the only good answer. */
export const Decoded = {
  ok: 0,
  badCheck: 1,
  badVersion: 2,
  badKind: 3,
  badIndex: 4,
  badCode: 5,
  badTime: 6,
  badReserved: 7,
} as const;
export type Decoded = (typeof Decoded)[keyof typeof Decoded];
export const DECODED_WORDS = ['ok', 'check', 'version', 'kind', 'index', 'code', 'time', 'reserved'] as const;

/** Reads and checks the record at `offset` into `record`. Every field must be in range, or the record is refused whole. */
export function decodeRecord(bytes: Uint8Array, view: DataView, offset: number, record: CorridorRecord): Decoded {
  if (view.getUint32(offset + 12, true) !== checkOf(bytes, offset)) return Decoded.badCheck;
  if (view.getUint8(offset + 1) !== RECORD_VERSION) return Decoded.badVersion;
  const kind = view.getUint8(offset);
  if (kind < RecordKind.hello || kind > RecordKind.dots) return Decoded.badKind;
  record.kind = kind;
  record.index = view.getUint8(offset + 2);
  record.code = view.getUint8(offset + 3);
  record.boot = view.getUint32(offset + 4, true);
  record.sequence = view.getUint32(offset + 8, true);
  record.timeMs = 0;
  record.c = 0;
  record.d = 0;
  if (record.index > indexMaxOf(kind)) return Decoded.badIndex;
  if (record.code > codeMaxOf(kind)) return Decoded.badCode;
  if (hasFourCounters(kind)) {
    record.a = view.getUint32(offset + 16, true);
    record.b = view.getUint32(offset + 20, true);
    record.c = view.getUint32(offset + 24, true);
    record.d = view.getUint32(offset + 28, true);
    return kind === RecordKind.dots && !areDots(record, view, offset + 16) ? Decoded.badReserved : Decoded.ok;
  }
  record.timeMs = view.getFloat64(offset + 16, true);
  record.a = view.getUint32(offset + 24, true);
  record.b = view.getUint32(offset + 28, true);
  // Written so that NaN fails too; a fraction would be 21 more bits that mean nothing.
  if (!(record.timeMs >= TIME_MS_MIN && record.timeMs < TIME_MS_MAX) || !Number.isInteger(record.timeMs))
    return Decoded.badTime;
  if (kind === RecordKind.state && (record.a > EyeReason.endOfSource || record.b !== 0)) return Decoded.badReserved;
  if (kind === RecordKind.hello && (record.a !== 0 || record.b !== 0)) return Decoded.badReserved;
  if (kind === RecordKind.visit && record.a > DWELL_MS_MAX) return Decoded.badReserved;
  return Decoded.ok;
}

/** How many of `total` positions stand in this part. */
export function dotsInPart(total: number, part: number): number {
  return Math.max(0, Math.min(DOTS_PER_RECORD, total - part * DOTS_PER_RECORD));
}

/** A part that belongs to its total, whose positions rise, and whose other places are 0. */
function areDots({ index, code }: CorridorRecord, view: DataView, bodyOffset: number): boolean {
  const count = dotsInPart(code, index);
  if (count === 0 && index > 0) return false;
  let before = 0;
  for (let i = 0; i < DOTS_PER_RECORD; i++) {
    const dot = view.getUint16(bodyOffset + 2 * i, true);
    if (i >= count ? dot !== 0 : dot < before) return false;
    before = dot;
  }
  return true;
}
