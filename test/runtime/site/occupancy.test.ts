// Goal: occupancy drifts less than the counter does, begins anew at closing time, and says how far it may be off.
// Method: examples, and simulated days with a counter that misses more in one direction than in the other.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../../drivers/camera/scene/random.ts';
import { emptyOccupancy, Occupancy } from '../../../runtime/site/occupancy.ts';

const DAY_MS = 86_400_000;
const CLOSING_MS = Date.UTC(2026, 0, 5, 20);
/** Later than every reset of these tests. */
const NOW_MS = CLOSING_MS + 10_000 * DAY_MS;

/** Days of `visits` people each, of whom the counter misses these shares; the error before closing, each day. */
function simulate(dayCount: number, visits: number, missedIn: number, missedOut: number, seed: number): number[] {
  const random = new Random(seed, 0);
  const occupancy = new Occupancy(emptyOccupancy());
  const errors: number[] = [];
  for (let day = 0; day < dayCount; day++) {
    occupancy.advance(CLOSING_MS + day * DAY_MS, CLOSING_MS + day * DAY_MS);
    for (let i = 0; i < visits; i++) occupancy.add(random.chance(missedIn) ? 0 : 1, 0, NOW_MS, true);
    for (let i = 0; i < visits; i++) occupancy.add(0, random.chance(missedOut) ? 0 : 1, NOW_MS, true);
    errors.push(occupancy.facts().people); // everybody has left: the truth is 0
  }
  return errors;
}

test('people are who came in less who left', () => {
  const occupancy = new Occupancy(emptyOccupancy());
  occupancy.advance(CLOSING_MS, CLOSING_MS);
  occupancy.add(10, 0, NOW_MS, true);
  occupancy.add(0, 4, NOW_MS, true);
  const { people, peopleMin, ratio, resetAtMs } = occupancy.facts();
  assert.equal([people, peopleMin, ratio, resetAtMs], [6, null, 1, CLOSING_MS]);
});

test('there are never fewer than nobody', () => {
  const occupancy = new Occupancy({ ...emptyOccupancy(), days: [{ in: 100, out: 100 }] });
  occupancy.add(0, 5, NOW_MS, true);
  assert.is(occupancy.facts().people, 0);
});

test('hung up at noon: who leaves and was inside before is taken into account, who comes in then is inside', () => {
  const occupancy = new Occupancy(emptyOccupancy());
  occupancy.advance(CLOSING_MS, CLOSING_MS);
  occupancy.add(0, 8, NOW_MS, true);
  occupancy.add(3, 1, NOW_MS, true);
  const { people, in: countIn, out } = occupancy.facts();
  assert.equal([people, countIn, out], [2, 3, 9]);
});

test('on later days a sum below nobody is not made good: that would drift upwards', () => {
  const occupancy = new Occupancy({ ...emptyOccupancy(), resetAtMs: CLOSING_MS, days: [{ in: 100, out: 100 }] });
  occupancy.add(0, 2, NOW_MS, true);
  occupancy.add(3, 0, NOW_MS, true);
  assert.is(occupancy.facts().people, 1);
});

test('a number told by hand is where it goes on from', () => {
  const occupancy = new Occupancy(emptyOccupancy());
  occupancy.set(12, NOW_MS - 1000);
  occupancy.add(5, 0, NOW_MS - 2000, true); // before it: among the twelve
  occupancy.add(1, 3, NOW_MS, true);
  const { people, resetAtMs } = occupancy.facts();
  assert.equal([people, resetAtMs], [10, NOW_MS - 1000]);
});

test('a day that was set by hand says nothing about the counter, as more left than came', () => {
  const occupancy = new Occupancy(emptyOccupancy());
  occupancy.advance(CLOSING_MS, CLOSING_MS);
  occupancy.set(40, CLOSING_MS + 1000);
  occupancy.add(100, 140, NOW_MS, true);
  assert.ok(occupancy.advance(CLOSING_MS + DAY_MS, CLOSING_MS + DAY_MS));
  const { people, ratio, days } = occupancy.facts();
  assert.equal([people, ratio, days], [0, 1, 0]);
});

test('closing time begins at nobody and keeps the day for the ratio', () => {
  const occupancy = new Occupancy(emptyOccupancy());
  occupancy.advance(CLOSING_MS, CLOSING_MS);
  occupancy.add(105, 100, NOW_MS, true);
  assert.ok(occupancy.advance(CLOSING_MS + DAY_MS, CLOSING_MS + DAY_MS));
  const { people, ratio, days, imbalance } = occupancy.facts();
  assert.equal([people, ratio, days, imbalance], [0, 1.05, 1, 0.0244]);
  assert.not(occupancy.advance(CLOSING_MS + DAY_MS, CLOSING_MS + DAY_MS + 1), 'once');
});

test('who leaves after closing time does not make the next day begin below nobody', () => {
  const occupancy = new Occupancy(emptyOccupancy());
  occupancy.advance(CLOSING_MS, CLOSING_MS);
  occupancy.add(0, 3, NOW_MS, false);
  occupancy.add(5, 0, NOW_MS, true);
  assert.is(occupancy.facts().people, 5);
});

test('a clock that is set back neither resets nor makes a day; one that came from a far future does not stop resets', () => {
  const occupancy = new Occupancy(emptyOccupancy());
  occupancy.advance(CLOSING_MS, CLOSING_MS);
  occupancy.add(50, 40, NOW_MS, true);
  assert.not(occupancy.advance(CLOSING_MS - DAY_MS, CLOSING_MS));
  assert.is(occupancy.facts().people, 10);
  const farMs = CLOSING_MS + 3650 * DAY_MS;
  occupancy.advance(farMs, farMs);
  occupancy.add(7, 0, NOW_MS, true);
  occupancy.advance(CLOSING_MS, CLOSING_MS + 1);
  assert.is(occupancy.facts().people, 7, 'who came in since is still there');
  assert.ok(occupancy.advance(CLOSING_MS + DAY_MS, CLOSING_MS + DAY_MS));
});

test('quiet days and directions that differ by more than a quarter bend no ratio', () => {
  const quiet = new Occupancy({ base: 0, in: 3, out: 9, resetAtMs: CLOSING_MS, days: [] });
  quiet.advance(CLOSING_MS + DAY_MS, CLOSING_MS + DAY_MS);
  assert.is(quiet.facts().ratio, 1);
  const wrong = new Occupancy({ base: 0, in: 300, out: 100, resetAtMs: CLOSING_MS, days: [] });
  wrong.advance(CLOSING_MS + DAY_MS, CLOSING_MS + DAY_MS);
  assert.is(wrong.facts().ratio, 1.25);
});

test('who crossed before the last closing and is read after it is part of the day that is over', () => {
  const occupancy = new Occupancy(emptyOccupancy());
  occupancy.advance(CLOSING_MS, CLOSING_MS);
  occupancy.add(3, 0, CLOSING_MS - 1, true);
  assert.is(occupancy.facts().people, 0);
});

test('at most fourteen days are kept', () => {
  const state = emptyOccupancy();
  const occupancy = new Occupancy(state);
  for (let day = 0; day < 30; day++) {
    occupancy.advance(CLOSING_MS + day * DAY_MS, CLOSING_MS + day * DAY_MS);
    occupancy.add(100, 100, NOW_MS, true);
  }
  assert.is(state.days.length, 14);
});

test('a counter that misses 3 % in and 6 % out drifts by 32 of 1,000 people a day uncorrected, and by a third of it corrected', () => {
  const errors = simulate(60, 1000, 0.03, 0.06, 7).slice(14);
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  assert.ok(mean < 32 / 3, `mean ${mean}`);
});

test('the band holds nobody on about 95 of 100 evenings on which everybody has left', () => {
  const random = new Random(3, 0);
  const occupancy = new Occupancy(emptyOccupancy());
  let held = 0;
  const evenings = 200;
  for (let day = 0; day < evenings + 14; day++) {
    occupancy.advance(CLOSING_MS + day * DAY_MS, CLOSING_MS + day * DAY_MS);
    for (let i = 0; i < 500; i++) occupancy.add(random.chance(0.04) ? 0 : 1, random.chance(0.05) ? 0 : 1, NOW_MS, true);
    if (day >= 14 && occupancy.facts().peopleMin === 0) held += 1;
  }
  assert.ok(held / evenings > 0.88, `${held} of ${evenings}`);
});

test.run();
