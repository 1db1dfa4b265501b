/**
 * What the eye tells of how long pictures lived, and which model looked at them:
 * - every second the longest residency since the second before, with the age of a frame that is in the slot right now;
 *   and, when frames outlived the limit, the longest of them and how many there were since boot;
 * - every minute p50, p99 and max of the minute and since boot, of pixels and of everything derived; and once more what a
 *   voice that was restarted meanwhile must know: the frames over the limit so far, and the model.
 * A warning about frames over the limit is logged at once, then at most once a minute. Nothing here runs per frame.
 */
import { RecordKind, ResidencySpan } from '../corridor/record.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports/clock.ts';
import type { ResidencyHistogram } from '../privacy/residency.ts';
import { MS_PER_MINUTE, US_PER_MS } from '../units.ts';
import type { FrameLoop } from './loop.ts';

const U32_MAX = 0xffffffff;
/** SHA-256 as whole numbers of 32 bits, four in a record. */
const WORDS_PER_RECORD = 4;
const HEX_PER_WORD = 8;

/** timeMs: for records that tell of a moment that is not now. */
export type Send = (
  kind: RecordKind,
  index: number,
  a: number,
  b: number,
  more?: { readonly c?: number; readonly d?: number; readonly timeMs?: number },
) => void;

export type ResidencyReportParts = {
  readonly loop: FrameLoop;
  /** 64 hexadecimal digits. */
  readonly modelSha256: string;
  readonly residencyMsMax: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly send: Send;
};

/** Whole microseconds, rounded towards the worse, that fit into a record (u32: 71 minutes). */
function wholeUs(us: number): number {
  return Math.min(U32_MAX, Math.ceil(us));
}

export class ResidencyReport {
  readonly #parts: ResidencyReportParts;
  /** What was told last of frames over the limit: how many, the longest of the last ones, and when. */
  #overlongCount = 0;
  #overlongUs = 0;
  #overlongAtMs = 0;
  #warnedCount = 0;
  #warnedAtUs = Number.NEGATIVE_INFINITY;

  constructor(parts: ResidencyReportParts) {
    this.#parts = parts;
  }

  /** Eight words of 32 bits in two records. */
  model(): void {
    const { modelSha256, send } = this.#parts;
    const word = (index: number): number =>
      Number.parseInt(modelSha256.slice(index * HEX_PER_WORD, (index + 1) * HEX_PER_WORD), 16);
    for (const half of [0, 1]) {
      const first = half * WORDS_PER_RECORD;
      send(RecordKind.model, half, word(first), word(first + 1), { c: word(first + 2), d: word(first + 3) });
    }
  }

  everySecond(): void {
    const { loop, send } = this.#parts;
    const { pixels, derived, overlongCount } = loop.residency;
    const longestUs = Math.max(pixels.takeLongestUs(), loop.presentUs());
    send(RecordKind.longest, 0, wholeUs(longestUs), wholeUs(derived.takeLongestUs()));
    if (overlongCount !== this.#overlongCount) {
      this.#overlongCount = overlongCount;
      this.#overlongUs = loop.residency.takeOverlongUs();
      this.#overlongAtMs = this.#parts.clock.wallMs();
      this.#sendOverlong();
    }
    this.#warn();
  }

  everyMinute(): void {
    const { pixels, derived } = this.#parts.loop.residency;
    this.#sendSpan(ResidencySpan.pixelsMinute, pixels.minute);
    this.#sendSpan(ResidencySpan.derivedMinute, derived.minute);
    this.#sendSpan(ResidencySpan.pixelsBoot, pixels.sinceBoot);
    this.#sendSpan(ResidencySpan.derivedBoot, derived.sinceBoot);
    pixels.minute.reset();
    derived.minute.reset();
    this.#sendOverlong();
    this.model();
  }

  #sendSpan(span: ResidencySpan, histogram: ResidencyHistogram): void {
    this.#parts.send(
      RecordKind.residency,
      span,
      wholeUs(histogram.percentileUs(0.5)),
      wholeUs(histogram.percentileUs(0.99)),
      { c: wholeUs(histogram.usMax), d: Math.min(U32_MAX, histogram.count) },
    );
  }

  /** With a count of 0 as well: a voice that met us on our way does not know that there were none. */
  #sendOverlong(): void {
    const { send, clock } = this.#parts;
    const timeMs = this.#overlongCount === 0 ? clock.wallMs() : this.#overlongAtMs;
    send(RecordKind.overlong, 0, wholeUs(this.#overlongUs), Math.min(U32_MAX, this.#overlongCount), { timeMs });
  }

  #warn(): void {
    const { clock, log, residencyMsMax } = this.#parts;
    const frames = this.#overlongCount - this.#warnedCount;
    if (frames === 0) return;
    const nowUs = clock.monotonicUs();
    if (nowUs - this.#warnedAtUs < MS_PER_MINUTE * US_PER_MS) return;
    this.#warnedAtUs = nowUs;
    this.#warnedCount = this.#overlongCount;
    log.warn(
      {
        frames,
        lastMs: Math.ceil(this.#overlongUs) / US_PER_MS,
        limitMs: residencyMsMax,
        sinceBoot: this.#overlongCount,
      },
      'frames were in memory for longer than privacy.residency_ms_max; every one was erased',
    );
  }
}
