// Goal: the figures that the bench prints are what their names say.
// Method: rows of numbers whose figures are known by counting.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { distance, quantile, spreadOf, summarise } from '../../../scripts/bench/statistics.ts';

test('takes the nearest rank, which is always one of the values', () => {
  assert.is(quantile([10, 20, 30, 40], 0.5), 20);
  assert.is(quantile([10, 20, 30], 0.5), 20);
  assert.is(quantile([10, 20, 30, 40], 1), 40);
  assert.is(quantile([10], 0.01), 10);
});

test('summarises times in any order without changing them', () => {
  const times = Array.from({ length: 200 }, (_, i) => 200 - i);
  assert.equal(summarise(times), { count: 200, min: 1, median: 100, p99: 198 });
  assert.is(times[0], 200);
});

test('spreads are values of the row, in any order; of none they are 0', () => {
  const values = Float64Array.from({ length: 1000 }, (_, i) => 1000 - i);
  assert.equal(spreadOf(values), { p50: 500, p95: 950, p99: 990, max: 1000 });
  assert.is(values[0], 1000);
  assert.equal(spreadOf([]), { p50: 0, p95: 0, p99: 0, max: 0 });
});

test('sorts as numbers, not as texts', () => {
  assert.equal(summarise([100, 9, 20]), { count: 3, min: 9, median: 20, p99: 100 });
});

test('refuses to summarise nothing', () => {
  assert.throws(() => summarise([]), RangeError);
});

test('measures the distance of two engines in steps', () => {
  assert.equal(distance([1, 2, 3, 4], [1, 4, 3, 3]), { max: 2, mean: 0.75 });
});

test('shows outputs that cannot be compared', () => {
  assert.is(distance([1, 2], [1]).max, Infinity);
  assert.is(distance([], []).max, Infinity);
  assert.ok(Number.isNaN(distance([Number.NaN, 1], [0, 0]).mean));
});

test.run();
