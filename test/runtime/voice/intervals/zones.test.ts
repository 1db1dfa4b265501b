// Goal: dwell times come out as they went in: the mean exactly, median and 90th percentile to 2.5 %, with their number.
// Method: fast-check against the sorted list; examples for what is published of nothing.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addDwell, addPresence, emptyZoneTally, factsOf } from '../../../../runtime/voice/intervals/zones.ts';

test('median and 90th percentile are within 2.5 % of the sorted list, the mean is exact', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 500, max: 7_200_000 }), { minLength: 1, maxLength: 300 }), (dwellsMs) => {
      const tally = emptyZoneTally();
      for (const dwellMs of dwellsMs) addDwell(tally, dwellMs);
      const { dwellCount, dwellMeanS, dwellMedianS, dwellP90S } = factsOf(tally);
      const sorted = [...dwellsMs].sort((a, b) => a - b);
      const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1]! / 1000;
      assert.is(dwellCount, dwellsMs.length);
      const mean = dwellsMs.reduce((sum, ms) => sum + ms, 0) / dwellsMs.length / 1000;
      assert.ok(Math.abs(dwellMeanS! - mean) <= 0.005 + 1e-9);
      for (const [told, real] of [
        [dwellMedianS!, at(0.5)],
        [dwellP90S!, at(0.9)],
      ] as const) {
        assert.ok(Math.abs(told - real) <= 0.026 * real + 0.006, `${told} for ${real}`);
      }
    }),
  );
});

test('what was not measured is null and not 0', () => {
  const facts = factsOf(emptyZoneTally());
  assert.equal(
    [facts.dwellCount, facts.dwellMeanS, facts.dwellMedianS, facts.dwellP90S, facts.peopleMean, facts.queueMean],
    [0, null, null, null, null, null],
  );
});

test('people and queue are means and maxima over the seconds', () => {
  const tally = emptyZoneTally();
  addPresence(tally, 2, 0);
  addPresence(tally, 5, 3);
  const { peopleMean, peopleMax, queueMean, queueMax } = factsOf(tally);
  assert.equal([peopleMean, peopleMax, queueMean, queueMax], [3.5, 5, 1.5, 3]);
});

test('a dwell of nothing at all still falls into the first bin', () => {
  const tally = emptyZoneTally();
  addDwell(tally, 0);
  assert.is(factsOf(tally).dwellCount, 1);
  assert.ok(factsOf(tally).dwellMedianS! < 0.2);
});

test.run();
