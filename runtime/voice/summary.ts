/** Numbers of the last minute for the log, and the eye's own report on how long pictures lived. */
import type { PrivacyFacts } from './topics/payloads.ts';

export class Summary {
  readonly #lines: { readonly name: string; in: number; out: number; minuteIn: number; minuteOut: number }[];
  #frames: { readonly read: number; readonly erased: number; readonly dropped: number } | undefined;
  #residency = { p50: 0, p99: 0, max: 0, derivedMax: 0 };

  constructor(names: readonly string[]) {
    this.#lines = names.map((name) => ({ name, in: 0, out: 0, minuteIn: 0, minuteOut: 0 }));
  }

  count(lineIndex: number, countIn: number, countOut: number): void {
    const line = this.#lines[lineIndex]!;
    line.in += countIn;
    line.out += countOut;
    line.minuteIn += countIn;
    line.minuteOut += countOut;
  }

  /** Since the eye's boot. */
  frames(read: number, erased: number, dropped: number): void {
    this.#frames = { read, erased, dropped };
  }

  residency(p50: number, p99: number, max: number, derivedMax: number): void {
    this.#residency = { p50, p99, max, derivedMax };
  }

  /** For the log; begins a new minute. Counts are since the start of the voice and of the last minute. */
  minute(): object {
    const lines = this.#lines.map((line) => {
      const told = {
        line: line.name,
        in: line.in,
        out: line.out,
        minute_in: line.minuteIn,
        minute_out: line.minuteOut,
      };
      line.minuteIn = 0;
      line.minuteOut = 0;
      return told;
    });
    return {
      lines,
      frames: this.#frames?.read ?? 0,
      residency_us: { p50: this.#residency.p50, p99: this.#residency.p99 },
    };
  }

  /** Undefined until the eye has reported frames. */
  privacy(atMs: number): PrivacyFacts | undefined {
    if (this.#frames === undefined) return undefined;
    return {
      atMs,
      framesRead: this.#frames.read,
      framesErased: this.#frames.erased,
      framesDropped: this.#frames.dropped,
      residencyP50Us: this.#residency.p50,
      residencyP99Us: this.#residency.p99,
      residencyMaxUs: this.#residency.max,
      derivedMaxUs: this.#residency.derivedMax,
    };
  }
}
