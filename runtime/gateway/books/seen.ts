/**
 * Numbers of one device's records that are here already, as ranges: what a gateway must remember for ever to drop doubles
 * and to see gaps. A device that loses nothing is one range however long it lives, so this outlasts the records themselves.
 * Memory: two numbers a range, at most RANGES_MAX; beyond that the oldest gap is given up and counted as lost.
 */

/** Both ends are part of it. */
export type NumberRange = { readonly first: number; readonly last: number };

/** How the stored ranges change: those that begin at these numbers go, then these come. */
export type SeenEdit = { readonly removed: readonly number[]; readonly put: readonly NumberRange[] };

/** A device that sends every second number for years must not fill the memory. */
export const RANGES_MAX = 2048;

export class SeenNumbers {
  /** Numbers up to this one are of no interest: they were given before this gateway heard of the device. */
  readonly floor: number;
  /** Numbers given up since this was made, because the gaps were too many. */
  lostCount = 0;
  /** Ascending, never touching each other. */
  readonly #ranges: { first: number; last: number }[];

  constructor(floor: number, ranges: readonly NumberRange[] = []) {
    this.floor = floor;
    this.#ranges = ranges.map((range) => ({ ...range })).sort((a, b) => a.first - b.first);
  }

  get ranges(): readonly NumberRange[] {
    return this.#ranges;
  }

  has(number: number): boolean {
    if (number <= this.floor) return true;
    const range = this.#ranges[this.#placeOf(number)];
    return range !== undefined && number <= range.last;
  }

  /** Notes a number; undefined: it was here, or is below the floor. */
  add(number: number): SeenEdit | undefined {
    if (this.has(number)) return undefined;
    const at = this.#placeOf(number);
    const before = this.#ranges[at];
    const after = this.#ranges[at + 1];
    const joinsBefore = before !== undefined && before.last + 1 === number;
    const joinsAfter = after !== undefined && after.first === number + 1;
    const put = { first: joinsBefore ? before.first : number, last: joinsAfter ? after.last : number };
    const gone = [...(joinsBefore ? [before.first] : []), ...(joinsAfter ? [after.first] : [])];
    this.#ranges.splice(joinsBefore ? at : at + 1, gone.length, put);
    return this.#ranges.length <= RANGES_MAX ? { removed: gone, put: [put] } : this.#giveUpOldest(gone, put);
  }

  /** Ranges of numbers that are missing, oldest first, at most so many. */
  gaps(rangesMax: number): NumberRange[] {
    const found: NumberRange[] = [];
    let next = this.floor + 1;
    for (const { first, last } of this.#ranges) {
      if (found.length === rangesMax) break;
      if (first > next) found.push({ first: next, last: first - 1 });
      next = last + 1;
    }
    return found;
  }

  /** How many numbers are missing. */
  get missingCount(): number {
    let count = 0;
    let next = this.floor + 1;
    for (const { first, last } of this.#ranges) {
      count += first - next;
      next = last + 1;
    }
    return count;
  }

  /** The two oldest ranges become one; what lay between them would be dropped as a double from now on. */
  #giveUpOldest(gone: readonly number[], put: NumberRange): SeenEdit {
    const [oldest, second] = [this.#ranges[0]!, this.#ranges[1]!];
    const joined = { first: oldest.first, last: second.last };
    this.lostCount += second.first - oldest.last - 1;
    this.#ranges.splice(0, 2, joined);
    const isPart = put.first === oldest.first || put.first === second.first;
    return { removed: [...gone, oldest.first, second.first], put: isPart ? [joined] : [joined, put] };
  }

  /** Index of the last range that begins at or before this number; -1: none. */
  #placeOf(number: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ranges[middle]!.first <= number) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
