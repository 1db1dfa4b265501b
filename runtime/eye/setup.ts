/**
 * Set-up mode: for the minutes in which somebody hangs the camera and draws lines, the eye tells where people are in the picture
 * in this moment, four times a second at most. No picture, no track number and nothing else by which one position could be
 * tied to the next one but that it is near; positions are sorted, so that their order is that of the picture and not ours.
 *
 * It is a lease of the voice's word (corridor/control.ts): it ends SETUP_LEASE_S after the last setupOn, and SETUP_S_MAX after
 * the first, by the eye's own monotonic clock. After that only a setupOff opens the way to another one.
 * Positions are those that lines and zones use, of tracks that are confirmed (noise is not shown). Whom the tracker only
 * supposes outside of the picture is left out. While paused, starting or without a camera nothing is told.
 * Memory: DOTS_MAX numbers of 16 bits, taken at boot; a tick allocates nothing. Positions are overwritten with 0 when told.
 */
import { ControlWord, SETUP_LEASE_S, SETUP_S_MAX } from '../corridor/control.ts';
import {
  type CorridorRecord,
  DOT_PARTS_MAX,
  DOTS_MAX,
  DOTS_PER_RECORD,
  dotsInPart,
  RecordKind,
} from '../corridor/record.ts';
import type { Clock } from '../ports/clock.ts';
import { US_PER_S } from '../units.ts';
import type { Tracker } from './track/tracker.ts';

/** Steps of a position along each side of the picture. */
const STEPS = 256;

export type SetupParts = {
  readonly tracker: Tracker;
  /** Of the picture that the tracker's pixels belong to. */
  readonly widthPx: number;
  readonly heightPx: number;
  readonly clock: Clock;
  readonly isCounting: () => boolean;
  /** The corridor takes a record at once. */
  readonly hasRoom: () => boolean;
  /** Filled anew for each record. */
  readonly record: CorridorRecord;
  readonly send: (record: CorridorRecord) => void;
  readonly onChange: (isOn: boolean) => void;
};

export class SetupMode {
  isOn = false;
  readonly #parts: SetupParts;
  /** x · 256 + y, rising. */
  readonly #dots = new Uint16Array(DOTS_MAX);
  /** Begin of this set-up mode, and when the voice last asked for it; µs. */
  #beganUs = 0;
  #heardUs = 0;
  /** The longest time is over: deaf until somebody has said that it is. */
  #isSpent = false;

  constructor(parts: SetupParts) {
    this.#parts = parts;
  }

  /** Words that do not concern set-up mode are ignored. */
  hear(word: ControlWord): void {
    if (word === ControlWord.setupOff) {
      this.#isSpent = false;
      this.#turn(false);
    }
    if (word !== ControlWord.setupOn || this.#isSpent) return;
    this.#heardUs = this.#parts.clock.monotonicUs();
    if (!this.isOn) this.#beganUs = this.#heardUs;
    this.#turn(true);
  }

  /** A quarter of a second has passed. */
  tick(): void {
    if (!this.isOn) return;
    const nowUs = this.#parts.clock.monotonicUs();
    this.#isSpent = nowUs - this.#beganUs >= SETUP_S_MAX * US_PER_S;
    if (this.#isSpent || nowUs - this.#heardUs >= SETUP_LEASE_S * US_PER_S) {
      this.#turn(false);
      return;
    }
    if (!this.#parts.isCounting() || !this.#parts.hasRoom()) return;
    this.#tell(this.#look());
    this.#dots.fill(0);
  }

  #turn(isOn: boolean): void {
    if (isOn === this.isOn) return;
    this.isOn = isOn;
    this.#parts.onChange(isOn);
  }

  /** Puts everybody's position in order; returns how many there are. */
  #look(): number {
    const { tracker, widthPx, heightPx } = this.#parts;
    let count = 0;
    for (let row = 0; row < tracker.capacity && count < DOTS_MAX; row++) {
      if (!tracker.isConfirmed(row)) continue;
      const x = Math.floor((tracker.xPx[row]! / widthPx) * STEPS);
      const y = Math.floor((tracker.yPx[row]! / heightPx) * STEPS);
      if (x < 0 || x >= STEPS || y < 0 || y >= STEPS) continue;
      const dot = x * STEPS + y;
      let place = count;
      for (; place > 0 && this.#dots[place - 1]! > dot; place--) this.#dots[place] = this.#dots[place - 1]!;
      this.#dots[place] = dot;
      count += 1;
    }
    return count;
  }

  /** In as many records as it takes; an empty view is told too, in one. */
  #tell(total: number): void {
    const { record, send } = this.#parts;
    for (let part = 0; part < DOT_PARTS_MAX; part++) {
      if (part > 0 && dotsInPart(total, part) === 0) return;
      record.kind = RecordKind.dots;
      record.index = part;
      record.code = total;
      record.a = this.#pair(part, 0);
      record.b = this.#pair(part, 1);
      record.c = this.#pair(part, 2);
      record.d = this.#pair(part, 3);
      send(record);
    }
  }

  /** Two positions in a u32; places behind the last position are 0 since the last time. */
  #pair(part: number, pair: number): number {
    const first = part * DOTS_PER_RECORD + 2 * pair;
    return (this.#dots[first]! | (this.#dots[first + 1]! << 16)) >>> 0;
  }
}
