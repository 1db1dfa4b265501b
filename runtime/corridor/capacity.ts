/**
 * How much the corridor can carry at most, in bits, whatever the eye becomes: every way to fill a record that the voice
 * would still believe, times the records that it takes a second. An upper bound, not a measurement: an honest eye repeats
 * itself and uses a small part. Fields whose value the reader foretells (version, check sum, boot, sequence) carry nothing;
 * the jumps that it allows in the last two are reckoned apart. Positions of people are believed in set-up mode alone, for the
 * minutes that somebody asked for; so there are two figures, and the first one holds for the life of a counter.
 */
import { BURST_RECORDS, JUMPS_PER_SECOND, recordsPerSecondOf, SETUP_RECORDS_PER_SECOND } from './reader.ts';
import {
  codeMaxOf,
  DOTS_PER_RECORD,
  DWELL_MS_MAX,
  EyeReason,
  hasFourCounters,
  indexMaxOf,
  RECORD_BYTES,
  RecordKind,
  TIME_MS_MAX,
  TIME_MS_MIN,
} from './record.ts';

export type Layout = { readonly counters: number; readonly zones: number };

export type Capacity = {
  readonly recordBytes: number;
  readonly recordsPerSecond: number;
  /** Free bits of one record of each kind, by its name. */
  readonly bitsOf: Readonly<Record<string, number>>;
  /** Free bits of a record of any kind. */
  readonly bitsPerRecord: number;
  /** Over minutes. */
  readonly bitsPerSecond: number;
  /** What may come in one moment, once in `burstPauseS`: the backlog of a voice that was away looks like this. */
  readonly burstBits: number;
  readonly burstPauseS: number;
};

const COUNTER_BITS = 32;
/** A jump may choose a new boot or a new sequence. */
const JUMP_BITS = 32 + 32;
/** Ways to draw eight positions of 65,536 without their order: C(65,536 + 7, 8). */
const DOTS_BITS = Array.from({ length: DOTS_PER_RECORD }, (_, i) => Math.log2((2 ** 16 + i) / (i + 1))).reduce(
  (bits, bit) => bits + bit,
  0,
);
const TIME_BITS = Math.log2(TIME_MS_MAX - TIME_MS_MIN);

/** mode: `setup` while positions are taken. */
export function capacityOf(layout: Layout, mode: 'counting' | 'setup' = 'counting'): Capacity {
  const bitsOf = Object.fromEntries(
    Object.entries(RecordKind)
      .filter(([, kind]) => mode === 'setup' || kind !== RecordKind.dots)
      .map(([name, kind]) => [name, bitsOfKind(kind, layout)] as const),
  );
  const bitsPerRecord = Math.log2(Object.values(bitsOf).reduce((ways, bits) => ways + 2 ** bits, 0));
  const recordsPerSecond =
    recordsPerSecondOf(layout.counters, layout.zones) + (mode === 'setup' ? SETUP_RECORDS_PER_SECOND : 0);
  return {
    recordBytes: RECORD_BYTES,
    recordsPerSecond,
    bitsOf,
    bitsPerRecord,
    bitsPerSecond: recordsPerSecond * bitsPerRecord + JUMPS_PER_SECOND * JUMP_BITS,
    burstBits: BURST_RECORDS * bitsPerRecord,
    burstPauseS: BURST_RECORDS / recordsPerSecond,
  };
}

function bitsOfKind(kind: RecordKind, layout: Layout): number {
  // Of a hello the voice knows index and code beforehand.
  const codeWays = kind === RecordKind.hello ? 1 : codeMaxOf(kind) + 1;
  const head = Math.log2(indexWays(kind, layout)) + Math.log2(codeWays);
  if (kind === RecordKind.dots) return head + DOTS_BITS;
  if (hasFourCounters(kind)) return head + 4 * COUNTER_BITS;
  return head + TIME_BITS + bodyBits(kind);
}

/** The voice refuses counters and zones that the configuration does not have, and a hello that counts others. */
function indexWays(kind: RecordKind, { counters, zones }: Layout): number {
  switch (kind) {
    case RecordKind.hello:
      return 1;
    case RecordKind.crossing:
    case RecordKind.totals:
    case RecordKind.truth:
    case RecordKind.net:
      return Math.max(1, counters);
    case RecordKind.zone:
    case RecordKind.passers:
    case RecordKind.visit:
      return Math.max(1, zones);
    default:
      return indexMaxOf(kind) + 1;
  }
}

/** a and b of the kinds that have a time. */
function bodyBits(kind: RecordKind): number {
  switch (kind) {
    case RecordKind.hello:
      return 0;
    case RecordKind.state:
      return Math.log2(EyeReason.endOfSource + 1);
    case RecordKind.visit:
      return Math.log2(DWELL_MS_MAX + 1) + COUNTER_BITS;
    default:
      return 2 * COUNTER_BITS;
  }
}
