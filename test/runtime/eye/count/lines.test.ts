// Goal: each passage of a line's band counts once, in the right direction, and swaying on it counts nothing.
// Method: the real tracker fed with clean walks; jitter by fast-check.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../../../drivers/camera/scene/random.ts';
import { counterNames } from '../../../../runtime/config/counters.ts';
import { type EntranceConfig, HYSTERESIS_DEFAULT, type LineConfig } from '../../../../runtime/config/schema.ts';
import { type CrossingListener, LineCounter } from '../../../../runtime/eye/count/lines.ts';
import { DetectionTable } from '../../../../runtime/eye/track/detections.ts';
import { Paths } from '../../../../runtime/eye/track/paths.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../../../runtime/eye/track/tracker.ts';

const FRAME_US = 1e6 / 15;
/** Until a path has ended: longer than a gap that is bridged. */
const GONE_FRAMES = 60;
const DOOR: LineConfig = {
  name: 'door',
  from: [0.1, 0.5],
  to: [0.9, 0.5],
  in: 'down',
  hysteresis: 0.02,
  minPath: 0.05,
};

function runner(lines: readonly LineConfig[], entrances: readonly EntranceConfig[] = []) {
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: 0.4, scoreLow: 0.2 });
  const paths = new Paths(256, 192);
  const crossings: string[] = [];
  const net: string[] = [];
  const names = counterNames({ lines, entrances });
  const noteIn =
    (list: string[]): CrossingListener =>
    (counterIndex, direction) =>
      list.push(`${names[counterIndex]}:${direction === 0 ? 'in' : 'out'}`);
  const counter = new LineCounter(lines, entrances, 256, 192, { onCrossing: noteIn(crossings), onNet: noteIn(net) });
  const table = new DetectionTable();
  let frame = 0;
  return {
    crossings,
    net,
    counter,
    paths,
    /** Points, each with a score if it is not 0.9. */
    step(...people: readonly (readonly [number, number, number?])[]): void {
      table.clear();
      for (const [xPx, yPx, score = 0.9] of people) table.add(xPx, yPx, 20, 40, score);
      tracker.step(table, frame * FRAME_US);
      paths.step(tracker, frame * FRAME_US);
      counter.step(tracker, paths, frame * FRAME_US);
      frame += 1;
    },
  };
}

test('walking down over a line whose way in is down is one crossing in', () => {
  const { step, crossings, counter } = runner([DOOR]);
  for (let y = 40; y <= 150; y += 4) step([128, y]);
  assert.equal(crossings, ['door:in']);
  assert.is(counter.inCount[0], 1);
});

test('each of the four ways in has its own inside', () => {
  const cases: readonly (readonly [LineConfig['in'], readonly [number, number], readonly [number, number]])[] = [
    ['up', [128, 150], [128, 40]],
    ['down', [128, 40], [128, 150]],
    ['left', [200, 96], [60, 96]],
    ['right', [60, 96], [200, 96]],
  ];
  for (const [way, from, to] of cases) {
    const isFlat = way === 'up' || way === 'down';
    const ends: Pick<LineConfig, 'from' | 'to'> = isFlat
      ? { from: [0, 0.5], to: [1, 0.5] }
      : { from: [0.5, 0], to: [0.5, 1] };
    for (const reversed of [false, true]) {
      const line: LineConfig = {
        ...DOOR,
        from: reversed ? ends.to : ends.from,
        to: reversed ? ends.from : ends.to,
        in: way,
      };
      const { step, crossings } = runner([line]);
      for (let i = 0; i <= 30; i++)
        step([from[0] + ((to[0] - from[0]) * i) / 30, from[1] + ((to[1] - from[1]) * i) / 30]);
      assert.equal(crossings, ['door:in'], `${way}, ends ${reversed ? 'reversed' : 'as given'}`);
    }
  }
});

test('there and back nets zero: one in, one out', () => {
  const { step, crossings } = runner([DOOR]);
  for (let y = 40; y <= 150; y += 4) step([128, y]);
  for (let y = 150; y >= 40; y -= 4) step([128, y]);
  assert.equal(crossings, ['door:in', 'door:out']);
});

test('passing beside the ends of the line counts nothing', () => {
  const { step, crossings } = runner([{ ...DOOR, from: [0.4, 0.5], to: [0.9, 0.5] }]);
  for (let y = 40; y <= 150; y += 4) step([60, y]);
  assert.equal(crossings, []);
});

test('somebody who stands on the line and sways within the band counts nothing, however long', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 100, maxLength: 200 }), (sway) => {
      const { step, crossings } = runner([{ ...DOOR, hysteresis: 0.02 }]);
      for (const offset of sway) step([128, 96 + offset]);
      assert.equal(crossings, []);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
  );
});

test('a box that jitters on the line for an hour counts once: when it has passed', () => {
  const random = new Random(5, 0);
  const { step, crossings } = runner([{ ...DOOR, hysteresis: HYSTERESIS_DEFAULT }]);
  const jitter = () => random.bell(0, 2);
  for (let y = 40; y < 96; y += 4) step([128 + jitter(), y + jitter()]);
  for (let i = 0; i < 3600 * 15; i++) step([128 + jitter(), 96 + jitter()]);
  assert.equal(crossings, []);
  // Half a second to full pace, as people start.
  for (let y = 96, pace = 0; y <= 150; pace = Math.min(4, pace + 0.5), y += pace) step([128 + jitter(), y + jitter()]);
  assert.equal(crossings, ['door:in']);
});

test('a jittering walk over the line counts exactly once', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 56, maxLength: 56 }), (jitter) => {
      const { step, crossings } = runner([{ ...DOOR, hysteresis: 0.03 }]);
      jitter.forEach((offset, i) => {
        step([128, 40 + 2 * i + offset]);
      });
      assert.equal(crossings, ['door:in']);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 100) },
  );
});

test('two people side by side over the line are two', () => {
  const { step, counter } = runner([DOOR]);
  for (let y = 40; y <= 150; y += 4) step([100, y], [140, y + 2]);
  assert.is(counter.inCount[0], 2);
});

test('every line counts for itself', () => {
  const { step, crossings } = runner([DOOR, { ...DOOR, name: 'inner', from: [0.1, 0.7], to: [0.9, 0.7] }]);
  for (let y = 40; y <= 180; y += 4) step([128, y]);
  assert.equal(crossings, ['door:in', 'inner:in']);
});

test('a track that appears beyond the line was never before it and counts nothing', () => {
  const { step, crossings } = runner([DOOR]);
  for (let y = 110; y <= 180; y += 4) step([128, y]);
  assert.equal(crossings, []);
});

test('somebody who vanishes before the line has not crossed it, however the track is carried on', () => {
  const { step, crossings } = runner([DOOR]);
  for (let y = 40; y <= 88; y += 4) step([128, y]);
  for (let i = 0; i < 15; i++) step();
  assert.equal(crossings, []);
});

test('somebody hidden while crossing has crossed when seen again beyond the line', () => {
  const { step, crossings } = runner([DOOR]);
  for (let y = 40; y <= 150; y += 4) {
    if (y > 88 && y < 112) step();
    else step([128, y]);
  }
  assert.equal(crossings, ['door:in']);
});

test('a crossing before a track is confirmed counts as soon as it is', () => {
  const { step, crossings } = runner([DOOR]);
  for (const y of [88, 97, 106, 115, 124]) step([128, y]);
  assert.equal(crossings, ['door:in']);
});

test('who comes in and turns back within the view is two crossings and nothing net', () => {
  const { step, crossings, net } = runner([DOOR]);
  for (let y = 40; y <= 150; y += 4) step([128, y]);
  for (let y = 150; y >= 40; y -= 4) step([128, y]);
  assert.equal(crossings, ['door:in', 'door:out']);
  for (let i = 0; i < GONE_FRAMES; i++) step();
  assert.equal(net, []);
});

test('who has crossed is net when they have left the view, not before', () => {
  const { step, net, counter } = runner([DOOR]);
  for (let y = 40; y <= 150; y += 4) step([128, y]);
  assert.equal(net, []);
  for (let i = 0; i < GONE_FRAMES; i++) step();
  assert.equal(net, ['door:in']);
  assert.equal([counter.netInCount[0], counter.netOutCount[0]], [1, 0]);
});

test('who comes from where another went out of sight is somebody else: both are net', () => {
  for (const hiddenFrames of [6, 20]) {
    // A track is carried on for 12 frames: the second person takes over the track of the first, or begins one.
    const { step, crossings, net } = runner([DOOR]);
    for (let y = 40; y <= 130; y += 4) step([128, y]);
    for (let i = 0; i < hiddenFrames; i++) step();
    for (let y = 134; y >= 40; y -= 4) step([130, y]);
    for (let i = 0; i < GONE_FRAMES; i++) step();
    assert.equal(crossings, ['door:in', 'door:out'], `${hiddenFrames} frames`);
    assert.equal(net, ['door:in', 'door:out'], `${hiddenFrames} frames`);
  }
});

test('any walks: in less out is the same net as at once, and net is never more than the crossings', () => {
  const walk = fc.record({
    x: fc.integer({ min: 30, max: 220 }),
    ends: fc.array(fc.integer({ min: 20, max: 170 }), { minLength: 2, maxLength: 5 }),
    from: fc.nat(30),
  });
  fc.assert(
    fc.property(fc.array(walk, { minLength: 1, maxLength: 5 }), (walks) => {
      const { step, counter } = runner([DOOR]);
      const ways = walks.map(({ ends }) =>
        ends.slice(1).flatMap((to, i) => {
          const steps = Math.ceil(Math.abs(to - ends[i]!) / 3);
          return Array.from({ length: steps }, (_, k) => ends[i]! + ((to - ends[i]!) * k) / steps);
        }),
      );
      for (let frame = 0; frame < 30 + Math.max(...ways.map((way) => way.length)) + GONE_FRAMES; frame++) {
        const seen = walks.flatMap(({ x, from }, i) => {
          const y = ways[i]![frame - from];
          return y === undefined ? [] : [[x, y] as const];
        });
        step(...seen);
      }
      const [countIn, countOut] = [counter.inCount[0]!, counter.outCount[0]!];
      const [netIn, netOut] = [counter.netInCount[0]!, counter.netOutCount[0]!];
      assert.is(netIn - netOut, countIn - countOut);
      assert.ok(netIn <= countIn && netOut <= countOut);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
  );
});

const OUTER: LineConfig = { ...DOOR, name: 'outer', from: [0.1, 0.35], to: [0.9, 0.35] };
const INNER: LineConfig = { ...DOOR, name: 'inner', from: [0.1, 0.65], to: [0.9, 0.65] };

test('a person over two lines of an entrance counts once for it, whichever of them saw them', () => {
  const { step, crossings, net } = runner([OUTER, INNER], [{ name: 'main', lines: ['outer', 'inner'] }]);
  for (let y = 30; y <= 170; y += 4) step([128, y]);
  assert.equal(crossings, ['outer:in', 'main:in', 'inner:in']);
  for (let i = 0; i < GONE_FRAMES; i++) step();
  assert.equal(net, ['outer:in', 'inner:in', 'main:in']);
});

test('over one of its lines only, the entrance counts all the same', () => {
  const { step, crossings } = runner([OUTER, INNER], [{ name: 'main', lines: ['outer', 'inner'] }]);
  for (let y = 90; y <= 170; y += 4) step([128, y]);
  assert.equal(crossings, ['inner:in', 'main:in']);
});

test('in through one door and out through the other is one in and one out of the entrance, and nothing net', () => {
  const left: LineConfig = { ...DOOR, name: 'left', from: [0.1, 0.5], to: [0.45, 0.5] };
  const right: LineConfig = { ...DOOR, name: 'right', from: [0.55, 0.5], to: [0.9, 0.5] };
  const { step, crossings, net } = runner([left, right], [{ name: 'main', lines: ['left', 'right'] }]);
  for (let y = 40; y <= 140; y += 4) step([70, y]);
  for (let x = 70; x <= 190; x += 4) step([x, 140]);
  for (let y = 140; y >= 40; y -= 4) step([190, y]);
  for (let i = 0; i < GONE_FRAMES; i++) step();
  assert.equal(
    crossings.filter((word) => word.startsWith('main')),
    ['main:in', 'main:out'],
  );
  assert.equal(net, ['left:in', 'right:out']);
});

/** Somebody walks over the line, and from y = 60 on a second detection goes with them. */
function walkWithSecond(beside: number, score: number): readonly string[] {
  const { step, crossings } = runner([DOOR]);
  for (let y = 40; y <= 150; y += 3) {
    if (y < 60) step([128, y]);
    else step([128, y], [128 + beside, y + 1, score]);
  }
  return crossings;
}

test('an arm that is detected as a second, less certain person is not counted', () => {
  assert.equal(walkWithSecond(10, 0.5), ['door:in']);
});

test('a second person who comes out from behind the first and is found as surely is counted', () => {
  assert.equal(walkWithSecond(10, 0.85), ['door:in', 'door:in']);
});

test('a less certain person who begins beside another is counted', () => {
  assert.equal(walkWithSecond(18, 0.5), ['door:in', 'door:in']);
});

test('what appears at the line and hops over it is not counted, who comes from afar is', () => {
  const { step, crossings } = runner([{ ...DOOR, minPath: 0.15 }]);
  for (const y of [90, 90, 90, 90, 96, 100, 104, 104, 104]) step([128, y]);
  assert.equal(crossings, []);
  for (let y = 104; y <= 125; y += 3) step([128, y]);
  assert.equal(crossings, ['door:in'], 'a person after all');
});

test.run();
