/**
 * Goal: every moment belongs to exactly one interval, and intervals begin where their length says.
 * Method: literals for the corners, fast-check for random times and lengths.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyIntervals, GRACE_MS, IntervalBook, IntervalFlag } from '../../../../runtime/voice/intervals/intervals.ts';

const NOON_MS = Date.UTC(2026, 0, 5, 12);
const RUNS = Number(process.env['FC_RUNS'] ?? 300);

function bookOf(intervalS: number, state = emptyIntervals(['door'])): IntervalBook {
  return new IntervalBook(state, ['door'], [], intervalS, 10);
}

test('an interval stays open for the grace after its end', () => {
  const book = bookOf(60);
  book.advance(NOON_MS);
  assert.is(book.advance(NOON_MS + 60_000 + GRACE_MS - 1).length, 0);
  assert.is(book.advance(NOON_MS + 60_000 + GRACE_MS).length, 1);
});

test('the first interval begins at a whole multiple although the voice began inside it', () => {
  const book = bookOf(900);
  book.advance(NOON_MS + 123_456);
  const [first] = book.advance(NOON_MS + 2_000_000);
  assert.is(first?.fromMs, NOON_MS);
  assert.is(first?.toMs, NOON_MS + 900_000);
  assert.is(first?.quality, 'degraded', 'it saw no frames');
});

test('who comes for a closed interval goes to the current one, which is marked', () => {
  const book = bookOf(60);
  book.advance(NOON_MS);
  book.addSamples(600, NOON_MS, NOON_MS);
  book.advance(NOON_MS + 70_000);
  book.addCrossing(0, 'in', NOON_MS + 30_000, NOON_MS + 70_000);
  book.addSamples(600, NOON_MS + 70_000, NOON_MS + 70_000);
  const [second] = book.advance(NOON_MS + 125_000);
  assert.equal([second?.in[0], second?.quality], [1, 'degraded']);
});

test('a time that lies ahead belongs to the current interval', () => {
  const book = bookOf(60);
  book.addCrossing(0, 'out', NOON_MS + 10 * 60_000, NOON_MS);
  assert.equal(book.advance(NOON_MS + 62_000)[0]?.out, [1]);
});

test('the worst word wins', () => {
  const wordOf = (flags: number, samples: number) => {
    const book = bookOf(60);
    book.addSamples(samples, NOON_MS, NOON_MS);
    book.mark(flags, NOON_MS, NOON_MS);
    return book.advance(NOON_MS + 62_000)[0]?.quality;
  };
  assert.is(wordOf(0, 600), 'ok');
  assert.is(wordOf(0, 540), 'ok');
  assert.is(wordOf(0, 539), 'degraded');
  assert.is(wordOf(IntervalFlag.silent, 600), 'degraded');
  assert.is(wordOf(IntervalFlag.silent | IntervalFlag.paused, 600), 'paused');
  assert.is(wordOf(IntervalFlag.paused | IntervalFlag.cameraLost, 600), 'camera_lost');
});

test('after interval_s was changed nothing overlaps and nothing is lost', () => {
  const state = emptyIntervals(['door']);
  bookOf(5, state).addCrossing(0, 'in', NOON_MS + 31_000, NOON_MS + 31_000);
  const longer = bookOf(60, state);
  longer.addCrossing(0, 'in', NOON_MS + 40_000, NOON_MS + 40_000);
  const closed = longer.advance(NOON_MS + 62_000);
  assert.equal(
    closed.map((interval) => [interval.fromMs - NOON_MS, interval.toMs - NOON_MS, interval.in[0]]),
    [
      [30_000, 35_000, 1],
      [35_000, 60_000, 1],
    ],
  );
});

test('open counts follow their line by name when lines are sorted anew', () => {
  const state = emptyIntervals(['a', 'b']);
  new IntervalBook(state, ['a', 'b'], [], 60, 10).addCrossing(1, 'in', NOON_MS, NOON_MS);
  const book = new IntervalBook(state, ['b', 'c'], [], 60, 10);
  assert.equal(book.advance(NOON_MS + 62_000)[0]?.in, [1, 0]);
});

test('any crossings: intervals are aligned, in order, without gap, and hold everybody once', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(5, 10, 60, 900),
      fc.array(
        fc.record({ afterMs: fc.integer({ min: 0, max: 20_000 }), ageMs: fc.integer({ min: -3000, max: 30_000 }) }),
        {
          minLength: 1,
          maxLength: 60,
        },
      ),
      (intervalS, crossings) => {
        const book = bookOf(intervalS);
        let nowMs = NOON_MS + 40_000;
        const closed = book.advance(nowMs);
        for (const { afterMs, ageMs } of crossings) {
          nowMs += afterMs;
          book.addCrossing(0, 'in', nowMs - ageMs, nowMs);
          closed.push(...book.advance(nowMs));
        }
        closed.push(...book.advance(nowMs + 2 * intervalS * 1000 + GRACE_MS));
        assert.is(
          closed.reduce((sum, interval) => sum + interval.in[0]!, 0),
          crossings.length,
        );
        for (const [k, interval] of closed.entries()) {
          assert.is(interval.fromMs % (intervalS * 1000), 0);
          assert.is(interval.toMs - interval.fromMs, intervalS * 1000);
          assert.ok(k === 0 || interval.fromMs >= closed[k - 1]!.toMs);
        }
      },
    ),
    { numRuns: RUNS },
  );
});

test.run();
