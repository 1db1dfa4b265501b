// Goal: figures over all entrances are added up rightly: by direction, by interval, by density, and net per person.
// Method: small lists of events whose figures can be counted on fingers.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scoreNet } from '../../../../runtime/commands/evaluate/net.ts';
import { type PassedEvent, type Sequence, score } from '../../../../runtime/commands/evaluate/score.ts';

type Way = 'in' | 'out';
const passed = (...events: [number, Way, number?][]): PassedEvent[] =>
  events.map(([atS, direction, peopleInView = 1]) => ({ atS, direction, peopleInView }));

const DOOR: Sequence = {
  name: 'door',
  durationS: 60,
  truth: passed([5, 'in', 1], [14.8, 'in', 3], [20, 'in', 5], [40, 'out', 12]),
  // One half a second late over the border of an interval, one missed, one doubled, one the wrong way.
  counted: passed([5, 'in', 1], [5.4, 'in', 2], [15.3, 'in', 3], [40, 'in', 12]),
};

test('directions are scored apart', () => {
  const { directions } = score([DOOR]);
  const of = (way: Way) => {
    const { trueCount, countedCount, matchedCount, precision, recall, f1 } = directions[way];
    return [trueCount, countedCount, matchedCount, precision, recall, f1];
  };
  assert.equal(of('in'), [3, 4, 2, 0.5, 2 / 3, 4 / 7]);
  assert.equal(of('out'), [1, 0, 0, null, 0, null]);
});

test('errors of an interval do not cancel, and those at its border count in both', () => {
  const { intervals } = score([DOOR]);
  const of = (direction: Way, lengthS: number) =>
    intervals.find((row) => row.direction === direction && row.lengthS === lengthS);
  // In, 15 s: true 2 1 0 0, counted 2 1 1 0.
  assert.equal(of('in', 15), {
    direction: 'in',
    lengthS: 15,
    intervalCount: 4,
    trueMean: 0.75,
    absoluteErrorMean: 0.25,
    share: 1 / 3,
  });
  assert.is(of('in', 60)!.absoluteErrorMean, 1);
  assert.is(of('out', 60)!.share, 1);
  assert.is(of('in', 900), undefined, 'no sequence is as long as that');
});

test('what is left at the end of a sequence is no interval', () => {
  const { intervals } = score([{ ...DOOR, durationS: 29 }]);
  assert.is(intervals.find(({ lengthS }) => lengthS === 15)!.intervalCount, 1);
});

test('an event is scored in the band of how many are in view, a pair in that of its true event', () => {
  const { density } = score([DOOR]);
  assert.equal(
    density.map(({ from, to, rates }) => [from, to, rates.trueCount, rates.countedCount, rates.matchedCount]),
    [
      [0, 1, 1, 1, 1],
      [2, 3, 1, 2, 1],
      [4, 6, 1, 0, 0],
      [11, Infinity, 1, 1, 0],
    ],
  );
});

test('several entrances are pooled event by event', () => {
  const { directions } = score([DOOR, DOOR]);
  assert.equal([directions.in.trueCount, directions.in.matchedCount], [6, 4]);
});

const visit = (balance: number, crossingCount: number, lastSeenAtS: number) => ({
  balance,
  crossingCount,
  lastSeenAtS,
});

test('a turn-back that leaves nothing is right, one that leaves a net event is wrong', () => {
  const visits = [visit(1, 1, 10), visit(0, 2, 20), visit(0, 2, 60)];
  const right = scoreNet([{ visits, net: [{ atS: 12, direction: 'in' }] }]);
  assert.equal([right.turnBackCount, right.turnBackRightCount, right.directions.in.matchedCount], [2, 2, 1]);
  const wrong = scoreNet([
    {
      visits,
      net: [
        { atS: 12, direction: 'in' },
        { atS: 22, direction: 'out' },
      ],
    },
  ]);
  assert.equal([wrong.turnBackCount, wrong.turnBackRightCount, wrong.directions.out.countedCount], [2, 1, 1]);
});

test('a turn-back beside somebody who comes in is not blamed for that one', () => {
  const net = scoreNet([{ visits: [visit(0, 2, 10), visit(1, 3, 11)], net: [{ atS: 10.5, direction: 'in' }] }]);
  assert.equal([net.turnBackRightCount, net.directions.in.matchedCount], [1, 1]);
});

test('a lost net event far from any turn-back is an error of its own', () => {
  const net = scoreNet([{ visits: [visit(0, 2, 10)], net: [{ atS: 50, direction: 'in' }] }]);
  assert.equal([net.turnBackRightCount, net.directions.in.countedCount, net.directions.in.matchedCount], [1, 1, 0]);
});

test.run();
