// Goal: a zone knows who is in it, who stands, how long visits were and who passed by, from positions alone.
// Method: the real tracker on clean walks through small layouts; a property over random walks keeps the sums together.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { Counting, NO_EVENTS } from '../../../../runtime/eye/count/counting.ts';
import { DetectionTable } from '../../../../runtime/eye/track/detections.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../../../runtime/eye/track/tracker.ts';

const RATE_HZ = 15;
const FRAME_US = 1e6 / RATE_HZ;
const GONE_FRAMES = 60;
/** The lower half of the picture, before a line across its middle; and the pavement above. */
const LAYOUT = parseConfig({
  zones: [
    {
      name: 'hall',
      polygon: [
        [0, 0.6],
        [1, 0.6],
        [1, 1],
        [0, 1],
      ],
      bounce_s: 4,
    },
    {
      name: 'pavement',
      polygon: [
        [0, 0],
        [1, 0],
        [1, 0.4],
        [0, 0.4],
      ],
      passes: 'door',
    },
  ],
});

function runner(layout = LAYOUT) {
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: 0.4, scoreLow: 0.2 });
  const visits: [zone: number, seconds: number][] = [];
  const counting = new Counting(layout, 256, 192, {
    ...NO_EVENTS,
    onVisit: (zoneIndex, dwellMs) => visits.push([zoneIndex, dwellMs / 1000]),
  });
  const table = new DetectionTable();
  let frame = 0;
  return {
    visits,
    counting,
    zones: counting.zones,
    forget: () => counting.forget(frame * FRAME_US),
    step(...people: readonly (readonly [number, number])[]): void {
      table.clear();
      for (const [xPx, yPx] of people) table.add(xPx, yPx, 20, 40, 0.9);
      tracker.step(table, frame * FRAME_US);
      counting.step(tracker, frame * FRAME_US);
      frame += 1;
    },
  };
}

test('a person who walks in, stays for ten seconds and walks out is one visit of that length', () => {
  const { step, zones, visits } = runner();
  for (let y = 60; y <= 150; y += 3) step([128, y]);
  assert.is(zones.occupancy[0], 1);
  for (let i = 0; i < 10 * RATE_HZ; i++) step([128, 150]);
  assert.is(zones.queue[0], 1, 'stands');
  for (let y = 150; y >= 60; y -= 3) step([128, y]);
  assert.is(zones.occupancy[0], 0);
  assert.equal([zones.visitCount[0], zones.bounceCount[0], visits.length], [1, 0, 1]);
  // 35 px of walking at 45 px/s on both ends.
  assert.ok(Math.abs(visits[0]![1] - (10 + 1.55)) < 0.3, `dwell ${visits[0]![1]} s`);
});

test('who leaves again within bounce_s has bounced', () => {
  const { step, zones } = runner();
  for (let y = 80; y <= 140; y += 3) step([128, y]);
  for (let y = 140; y >= 80; y -= 3) step([128, y]);
  assert.equal([zones.visitCount[0], zones.bounceCount[0]], [1, 1]);
});

test('walking along the zone’s edge with a jittering box is one visit at most', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 60, maxLength: 60 }), (jitter) => {
      const { step, zones } = runner();
      jitter.forEach((offset, i) => {
        step([20 + 3 * i, 115.2 + offset]);
      });
      assert.ok(zones.visitCount[0]! <= 1, `${zones.visitCount[0]} visits`);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 40) },
  );
});

test('a poster in the zone is nobody, however long it hangs and however its box jitters', () => {
  const { step, zones } = runner();
  for (let i = 0; i < 600; i++) step([100 + (i % 4), 150 - (i % 3)]);
  assert.equal([zones.occupancy[0], zones.queue[0], zones.visitCount[0]], [0, 0, 0]);
});

test('who stands in the zone and is hidden for more than a second is still the same visit', () => {
  const { step, zones, visits } = runner();
  for (let y = 60; y <= 140; y += 3) step([128, y]);
  for (let i = 0; i < 2 * RATE_HZ; i++) step([128, 140]);
  for (let i = 0; i < 1.2 * RATE_HZ; i++) step();
  for (let i = 0; i < 2 * RATE_HZ; i++) step([130, 142]);
  assert.equal([zones.visitCount[0], visits.length], [1, 0]);
});

test('who walks by outside is a passer-by, who comes in is not, and neither is who leaves', () => {
  const { step, zones } = runner();
  for (let x = 20; x <= 236; x += 4) step([x, 50]);
  for (let i = 0; i < GONE_FRAMES; i++) step();
  assert.is(zones.passerByCount[1], 1);
  for (let y = 30; y <= 170; y += 3) step([128, y]);
  for (let i = 0; i < GONE_FRAMES; i++) step();
  for (let y = 170; y >= 30; y -= 3) step([128, y]);
  for (let i = 0; i < GONE_FRAMES; i++) step();
  assert.is(zones.passerByCount[1], 1);
});

test('a zone that no line lies behind has no passers-by', () => {
  const { step, zones } = runner();
  for (let x = 20; x <= 236; x += 4) step([x, 150]);
  for (let i = 0; i < GONE_FRAMES; i++) step();
  assert.is(zones.passerByCount[0], 0);
});

test('a polygon with a dent is not its hull', () => {
  const dented = parseConfig({
    zones: [
      {
        name: 'u',
        polygon: [
          [0.1, 0.1],
          [0.3, 0.1],
          [0.3, 0.7],
          [0.7, 0.7],
          [0.7, 0.1],
          [0.9, 0.1],
          [0.9, 0.9],
          [0.1, 0.9],
        ],
      },
    ],
  });
  const { step, zones } = runner(dented);
  for (let y = 20; y <= 120; y += 3) step([128, y]); // inside the dent
  assert.is(zones.occupancy[0], 0);
  for (let y = 120; y <= 155; y += 3) step([128, y]);
  for (let i = 0; i < RATE_HZ; i++) step([128, 155]);
  assert.is(zones.occupancy[0], 1);
});

test('a pause ends every visit, and nobody is anywhere afterwards', () => {
  const { step, zones, visits, forget } = runner();
  for (let y = 60; y <= 150; y += 3) step([100, y], [150, y]);
  assert.is(zones.occupancy[0], 2);
  forget();
  assert.is(visits.length, 2);
  assert.equal([zones.occupancy[0], zones.queue[0]], [0, 0]);
});

test('any walks: visits are those that ended and those inside, and bounces are never more', () => {
  const walk = fc.array(fc.record({ x: fc.integer({ min: 20, max: 236 }), y: fc.integer({ min: 20, max: 172 }) }), {
    minLength: 2,
    maxLength: 5,
  });
  fc.assert(
    fc.property(fc.array(walk, { minLength: 1, maxLength: 4 }), (walks) => {
      const { step, zones, visits, forget } = runner();
      const ways = walks.map((corners) =>
        corners.slice(1).flatMap((to, i) => {
          const from = corners[i]!;
          const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / 3);
          return Array.from({ length: steps }, (_, k) => {
            const share = k / steps;
            return [from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share] as const;
          });
        }),
      );
      for (let frame = 0; frame < Math.max(...ways.map((way) => way.length)); frame++) {
        step(...ways.flatMap((way) => (way[frame] === undefined ? [] : [way[frame]!])));
      }
      for (const zoneIndex of [0, 1]) {
        const ended = visits.filter(([zone]) => zone === zoneIndex).length;
        assert.ok(zones.occupancy[zoneIndex]! <= zones.visitCount[zoneIndex]! - ended);
      }
      forget();
      for (const zoneIndex of [0, 1]) {
        const ended = visits.filter(([zone]) => zone === zoneIndex).length;
        assert.is(zones.visitCount[zoneIndex], ended);
        assert.ok(zones.bounceCount[zoneIndex]! <= ended);
      }
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 40) },
  );
});

test.run();
