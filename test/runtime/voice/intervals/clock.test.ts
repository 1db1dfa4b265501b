/**
 * Goal: a wall clock that jumps, forwards or backwards, by seconds or by days, loses nobody and counts nobody twice.
 * Method: literals for the jumps that happen (time server, summer time, a dead battery), fast-check for any sequence of
 * crossings, jumps, lost records and restarts, with the book, the totals and the sums kept as the voice keeps them.
 * FC_RUNS=20000 makes it long.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ClosedInterval,
  emptyIntervals,
  GRACE_MS,
  IntervalBook,
} from '../../../../runtime/voice/intervals/intervals.ts';
import { emptyTotals, takeTotals } from '../../../../runtime/voice/intervals/totals.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 300);
const NOON_MS = Date.UTC(2026, 0, 5, 12);
const DAY_MS = 86_400_000;
/** Before this a clock was never set. */
const CLOCK_SET_MS = Date.UTC(2020, 0, 1);

/** What the voice does with the book, and the truth beside it. */
class Desk {
  nowMs: number;
  readonly truth = { in: 0, out: 0 };
  readonly closed: ClosedInterval[] = [];
  #state = emptyIntervals(['door']);
  #book: IntervalBook;
  #intervalS: number;
  readonly #totals = emptyTotals();
  #boot = 1;
  #eye = { in: 0, out: 0 };
  /** Latest time that the book was told since the clock was last set back far. */
  #reachedMs = 0;
  /** How often time may begin again: once for each time the clock was set back by more than an interval. */
  #mayBeginAgain = 0;

  constructor(intervalS: number, nowMs: number) {
    this.#intervalS = intervalS;
    this.nowMs = nowMs;
    this.#book = new IntervalBook(this.#state, ['door'], [], intervalS, 10);
  }

  /** A crossing of ageMs ago by the clock as it is now; `lost`: only the totals tell of it later. */
  cross(direction: 'in' | 'out', ageMs: number, isLost = false): void {
    this.truth[direction] += 1;
    this.#eye[direction] += 1;
    if (!isLost) this.#take(direction, this.nowMs - ageMs);
  }

  /** The eye's heart beat, which makes good what was lost, and the voice's second. */
  second(): void {
    this.#take(undefined, this.nowMs);
    if (this.nowMs >= CLOCK_SET_MS && this.#reachedMs - this.nowMs > this.#intervalS * 1000) {
      this.#mayBeginAgain += 1;
      this.#reachedMs = this.nowMs;
    }
    const closed = this.#book.advance(this.nowMs);
    for (const interval of closed) {
      const last = this.closed.at(-1);
      if (last !== undefined && interval.fromMs < last.toMs) {
        this.#mayBeginAgain -= 1;
        assert.ok(this.#mayBeginAgain >= 0, 'an interval overlaps another or was closed twice in one run of the clock');
      }
      assert.ok(interval.toMs > interval.fromMs);
      assert.ok(interval.fromMs >= CLOCK_SET_MS, 'an interval of a clock that was not set');
      this.closed.push(interval);
    }
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.second();
  }

  eyeRestarts(): void {
    this.#take(undefined, this.nowMs);
    this.#boot += 1;
    this.#eye = { in: 0, out: 0 };
  }

  voiceRestarts(intervalS = this.#intervalS): void {
    this.#state = JSON.parse(JSON.stringify(this.#state));
    this.#intervalS = intervalS;
    this.#book = new IntervalBook(this.#state, ['door'], [], intervalS, 10);
  }

  get total(): { in: number; out: number } {
    return { in: this.#totals.in, out: this.#totals.out };
  }

  /** Of closed and open intervals together. */
  get sum(): { in: number; out: number } {
    const sumOf = (direction: 'in' | 'out') =>
      this.closed.reduce((sum, interval) => sum + interval[direction][0]!, 0) + this.#book.openCount(0, direction);
    return { in: sumOf('in'), out: sumOf('out') };
  }

  get open(): readonly { readonly fromMs: number; readonly toMs: number }[] {
    return this.#state.open;
  }

  #take(direction: 'in' | 'out' | undefined, timeMs: number): void {
    this.#reachedMs = Math.max(this.#reachedMs, this.nowMs);
    const added = takeTotals(this.#totals, this.#boot, this.#eye.in, this.#eye.out)!;
    const late = { ...added };
    if (direction !== undefined && late[direction] > 0) {
      this.#book.addCrossing(0, direction, timeMs, this.nowMs);
      late[direction] -= 1;
    }
    if (late.in > 0 || late.out > 0) this.#book.addLate(0, late.in, late.out, this.nowMs);
  }
}

/** Sums, order and length of everything closed and open. */
function audit(desk: Desk): void {
  assert.equal(desk.sum, desk.total, 'intervals and totals differ');
  for (const [k, interval] of desk.open.entries()) {
    assert.ok(interval.toMs > interval.fromMs);
    if (k > 0) assert.ok(interval.fromMs >= desk.open[k - 1]!.toMs, 'open intervals overlap');
  }
}

/** A minute of somebody a second, the clock jumping in the middle; then as long as it takes to close everything. */
function minuteWithJump(startMs: number, jumpMs: number): Desk {
  const desk = new Desk(60, startMs);
  desk.second();
  for (let second = 0; second < 60; second++) {
    if (second === 30) desk.nowMs += jumpMs;
    desk.cross('in', 0);
    desk.pass(1000);
    audit(desk);
  }
  for (let second = 0; second < 130; second++) desk.pass(1000);
  return desk;
}

const JUMPS: readonly (readonly [name: string, ms: number])[] = [
  ['1 s forward', 1000],
  ['1 s back', -1000],
  ['59 s back', -59_000],
  ['61 s back', -61_000],
  ['an hour forward, as somebody sets local time for UTC', 3_600_000],
  ['an hour back', -3_600_000],
  ['ten days forward', 10 * DAY_MS],
  ['ten days back', -10 * DAY_MS],
  ['six years forward', 6 * 365 * DAY_MS],
];
for (const [name, jumpMs] of JUMPS) {
  test(`${name}: sixty people are sixty people`, () => {
    const desk = minuteWithJump(NOON_MS, jumpMs);
    assert.is(desk.total.in, 60);
    assert.is(
      desk.closed.reduce((sum, interval) => sum + interval.in[0]!, 0),
      60,
      'all of them are in closed intervals',
    );
  });
}

test('what was open when the clock was set back far says degraded, and time goes on from the new hour', () => {
  const desk = new Desk(60, NOON_MS);
  desk.second();
  for (const jumpMs of [-3_600_000, 0]) {
    for (let second = 0; second < 30; second++) {
      desk.cross('in', 0);
      desk.pass(1000);
    }
    desk.nowMs += jumpMs;
    desk.second();
  }
  desk.pass(60_000);
  assert.equal(
    desk.closed.map((interval) => [interval.fromMs - NOON_MS, interval.in[0], interval.quality]),
    [
      [0, 30, 'degraded'],
      [-3_600_000, 30, 'degraded'],
    ],
  );
});

test('both changes of summer time are nights like any other: intervals are of UTC', () => {
  // Europe/Stockholm skips an hour at 01:00 UTC on the first day and repeats one at 01:00 UTC on the second.
  for (const changeMs of [Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 9, 25, 1)]) {
    const desk = new Desk(900, changeMs - 7_200_000);
    desk.second();
    for (let second = 0; second < 4 * 3600; second += 10) {
      desk.cross('in', 0);
      desk.pass(10_000);
    }
    audit(desk);
    assert.equal(
      desk.closed.map((interval) => [interval.toMs - interval.fromMs, interval.in[0]]),
      Array(15).fill([900_000, 90]),
    );
  }
});

for (const [name, bootMs] of [
  ['1970', 5000],
  ['2000', Date.UTC(2000, 0, 1)],
] as const) {
  test(`a board that boots in ${name}: who came before the time server answered is in the first interval after`, () => {
    const desk = new Desk(60, bootMs);
    for (let second = 0; second < 100; second++) {
      desk.cross('in', 0);
      desk.pass(1000);
    }
    assert.equal(desk.closed, [], 'no interval of that year');
    desk.voiceRestarts();
    desk.nowMs = NOON_MS;
    desk.cross('out', 0);
    desk.pass(1000);
    audit(desk);
    desk.pass(62_000);
    assert.equal(
      desk.closed.map(({ fromMs, toMs, in: countIn, out, quality }) => [fromMs, toMs, countIn[0], out[0], quality]),
      [[NOON_MS, NOON_MS + 60_000, 100, 1, 'degraded']],
    );
  });
}

test('a board that was off and boots in 1970 closes the interval of before as it was', () => {
  const desk = new Desk(60, NOON_MS);
  desk.cross('in', 0);
  desk.pass(10_000);
  desk.voiceRestarts();
  desk.eyeRestarts();
  desk.nowMs = 5000;
  desk.cross('in', 0);
  desk.pass(1000);
  desk.nowMs = NOON_MS + 2 * 3_600_000;
  desk.pass(1000);
  desk.pass(62_000);
  assert.equal(
    desk.closed.map(({ fromMs, in: countIn }) => [fromMs - NOON_MS, countIn[0]]),
    [
      [0, 1],
      [7_200_000, 1],
    ],
  );
});

test('a clock that forgets the year and comes back earlier than it was closes no interval of 1970', () => {
  const desk = new Desk(60, NOON_MS);
  desk.cross('in', 0);
  desk.pass(1000);
  desk.nowMs = 5000;
  desk.cross('in', 0);
  desk.nowMs = NOON_MS - DAY_MS;
  desk.second();
  desk.pass(62_000);
  assert.equal(
    desk.closed.map(({ fromMs, in: countIn, quality }) => [fromMs - NOON_MS, countIn[0], quality]),
    [
      [0, 1, 'degraded'],
      [-DAY_MS, 1, 'degraded'],
    ],
  );
});

type Step =
  | {
      readonly what: 'cross';
      readonly direction: 'in' | 'out';
      readonly ageMs: number;
      readonly isLost: boolean;
      readonly afterMs: number;
    }
  | { readonly what: 'pass' | 'jump'; readonly ms: number }
  | { readonly what: 'set'; readonly toMs: number }
  | { readonly what: 'eyeRestarts' }
  | { readonly what: 'voiceRestarts'; readonly intervalS: number | undefined };

/** Lengths of all sizes: seconds, minutes, hours, days. */
const span = fc.oneof(
  fc.integer({ min: 0, max: 10_000 }),
  fc.integer({ min: 0, max: 120_000 }),
  fc.integer({ min: 0, max: 7_200_000 }),
  fc.integer({ min: 0, max: 20 * DAY_MS }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('cross' as const),
      direction: fc.constantFrom('in' as const, 'out' as const),
      ageMs: fc.oneof(
        fc.constant(0),
        span,
        span.map((ms) => -ms),
      ),
      isLost: fc.constantFrom(false, false, false, true),
      afterMs: fc.integer({ min: 0, max: 2000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 90_000 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('jump' as const),
      ms: fc.oneof(
        span,
        span.map((ms) => -ms),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('set' as const),
      toMs: fc.constantFrom(5000, Date.UTC(2000, 0, 1), CLOCK_SET_MS - 1, NOON_MS, NOON_MS + DAY_MS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('eyeRestarts' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constant('voiceRestarts' as const),
      intervalS: fc.constantFrom(undefined, undefined, 5, 60, 900),
    }),
  },
);
/** Days on which clocks of Stockholm, New York and Lord Howe change, one on which none does, and a clock that is not set. */
const start = fc.constantFrom(
  NOON_MS,
  Date.UTC(2026, 2, 29, 0, 59, 50),
  Date.UTC(2026, 9, 25, 0, 59, 50),
  Date.UTC(2026, 2, 8, 6, 59, 50),
  Date.UTC(2026, 3, 4, 14, 59, 50),
  5000,
);

test('any sequence: closed and open intervals add up to the totals at any time, each interval is closed once', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(5, 60, 900, 3600),
      start,
      fc.array(step, { maxLength: 60 }),
      (intervalS, startMs, steps) => {
        const desk = new Desk(intervalS, startMs);
        for (const action of steps) {
          switch (action.what) {
            case 'cross':
              desk.cross(action.direction, action.ageMs, action.isLost);
              desk.nowMs += action.afterMs;
              break;
            case 'pass':
              desk.pass(action.ms);
              break;
            case 'jump':
              desk.nowMs += action.ms;
              break;
            case 'set':
              desk.nowMs = action.toMs;
              break;
            case 'eyeRestarts':
              desk.eyeRestarts();
              break;
            case 'voiceRestarts':
              desk.voiceRestarts(action.intervalS);
              break;
          }
          audit(desk);
        }
        if (desk.nowMs < CLOCK_SET_MS) desk.nowMs = NOON_MS;
        desk.pass(0);
        // Two of the longest intervals later everything that was open is closed, wherever the clock went.
        for (let i = 0; i < 3; i++) desk.pass(3_600_000 + GRACE_MS);
        audit(desk);
        assert.equal(desk.total, desk.truth);
        assert.equal(
          desk.closed.reduce((sum, interval) => sum + interval.in[0]! + interval.out[0]!, 0),
          desk.truth.in + desk.truth.out,
        );
      },
    ),
    { numRuns: RUNS },
  );
});

test.run();
