/**
 * What the eye told of how long pictures lived: for the topic `privacy`, for `health` and for the log's line of the minute.
 * The numbers are the eye's own; the voice cannot measure them. It believes none that cannot be: percentiles that are not in
 * order, a maximum of no frames, a history since boot that becomes shorter, a model that changes while it runs. An eye that
 * sends such is cut off, as one is whose totals fall: it is broken, or it is not our eye.
 * Memory: the last numbers of the present boot of the eye. Nothing is kept on disk, as the eye tells everything again each
 * minute; what is not known yet is null.
 */
import { type CorridorRecord, RecordKind, ResidencySpan } from '../corridor/record.ts';
import type { BothResidencies, FramesFacts, OverLimitFacts, PrivacyFacts, ResidencyFacts } from './topics/payloads.ts';

const SPAN_NAMES = [
  'pixels of the minute',
  'derived of the minute',
  'pixels since boot',
  'derived since boot',
] as const;
const HEX_PER_WORD = 8;

/** Four words of 32 bits. */
function hexOf({ a, b, c, d }: CorridorRecord): string {
  return [a, b, c, d].map((word) => word.toString(16).padStart(HEX_PER_WORD, '0')).join('');
}

export class PrivacyWatch {
  /** privacy.residency_ms_max */
  readonly limitMs: number;
  #boot = -1;
  #frames: FramesFacts | undefined;
  /** [ResidencySpan] */
  #spans: (ResidencyFacts | null)[] = [];
  #reportedAtMs: number | null = null;
  #overLimit: OverLimitFacts | null = null;
  /** First and second half, hexadecimal. */
  #model: (string | undefined)[] = [];

  constructor(limitMs: number) {
    this.limitMs = limitMs;
  }

  /** Any record of the eye. Returns what is wrong with it, to be said after "the eye sent", or undefined. */
  take(record: CorridorRecord, wallMs: number): string | undefined {
    if (record.boot !== this.#boot) this.#meet(record);
    switch (record.kind) {
      case RecordKind.frames:
        this.#frames = { read: record.a, erased: record.b, dropped: record.c };
        return undefined;
      case RecordKind.residency:
        return this.#takeResidency(record, wallMs);
      case RecordKind.overlong:
        return this.#takeOverLimit(record);
      case RecordKind.model:
        return this.#takeModel(record);
      default:
        return undefined;
    }
  }

  /** Null until the eye has told it: from its hello on, or within a minute. */
  get overLimit(): OverLimitFacts | null {
    return this.#overLimit;
  }

  /** Since the eye's boot, as far as it was told. */
  get framesRead(): number {
    return this.#frames?.read ?? 0;
  }

  /** For the log's line of the minute: frames since the eye's boot, residencies of its last minute; null: not told yet. */
  line(): object {
    return { frames: this.#frames?.read ?? 0, residency_us: this.#both(ResidencySpan.pixelsMinute) };
  }

  /** Undefined until the eye has reported frames. */
  facts(atMs: number): PrivacyFacts | undefined {
    if (this.#frames === undefined) return undefined;
    const [first, second] = this.#model;
    return {
      atMs,
      frames: this.#frames,
      reportedAtMs: this.#reportedAtMs,
      minute: this.#both(ResidencySpan.pixelsMinute),
      sinceBoot: this.#both(ResidencySpan.pixelsBoot),
      limitMs: this.limitMs,
      overLimit: this.#overLimit,
      modelSha256: first === undefined || second === undefined ? null : first + second,
    };
  }

  #span(span: number): ResidencyFacts | null {
    return this.#spans[span] ?? null;
  }

  /** Each span of pixels is followed by that of what was derived from them. */
  #both(pixelsSpan: ResidencySpan): BothResidencies {
    return { pixels: this.#span(pixelsSpan), derived: this.#span(pixelsSpan + 1) };
  }

  /** Another boot of the eye: nothing of the one before is true of it. */
  #meet({ boot, kind }: CorridorRecord): void {
    this.#boot = boot;
    this.#frames = undefined;
    this.#spans = [];
    this.#reportedAtMs = null;
    this.#overLimit = kind === RecordKind.hello ? { count: 0, lastAtMs: null, lastUs: null } : null;
    this.#model = [];
  }

  #takeResidency(record: CorridorRecord, wallMs: number): string | undefined {
    const span = record.index as ResidencySpan;
    const facts = { p50: record.a, p99: record.b, max: record.c, n: record.d };
    const { p50, p99, max, n } = facts;
    const told = `a residency (${SPAN_NAMES[span]}) of p50 ${p50}, p99 ${p99} and max ${max} µs over ${n} frames`;
    if (p50 > p99 || p99 > max) return `${told}; expected p50 <= p99 <= max`;
    if (n === 0 && max > 0) return `${told}; expected 0 µs of no frames`;
    const before = this.#span(span);
    const isSinceBoot = span === ResidencySpan.pixelsBoot || span === ResidencySpan.derivedBoot;
    if (isSinceBoot && before !== null && (n < before.n || max < before.max))
      return `${told}, after a max of ${before.max} µs over ${before.n} frames; expected no less`;
    this.#spans[span] = facts;
    this.#reportedAtMs = wallMs;
    return undefined;
  }

  #takeOverLimit({ timeMs, a: us, b: count }: CorridorRecord): string | undefined {
    const before = this.#overLimit?.count ?? 0;
    if (count < before) return `${count} frames over the limit since its boot, after ${before}; expected no fewer`;
    if ((count === 0) !== (us === 0))
      return `${count} frames over the limit, the longest of ${us} µs; expected both or none`;
    this.#overLimit = count === 0 ? { count, lastAtMs: null, lastUs: null } : { count, lastAtMs: timeMs, lastUs: us };
    return undefined;
  }

  #takeModel(record: CorridorRecord): string | undefined {
    const half = hexOf(record);
    const before = this.#model[record.index];
    if (before !== undefined && before !== half)
      return `another model (${half}) than before (${before}) without a restart`;
    this.#model[record.index] = half;
    return undefined;
  }
}
