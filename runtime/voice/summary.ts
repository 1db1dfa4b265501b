/** Counts of the last minute for the log. How long pictures lived is in privacy-watch.ts. */
export class Summary {
  readonly #lines: { readonly name: string; in: number; out: number; minuteIn: number; minuteOut: number }[];

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
    return { lines };
  }
}
