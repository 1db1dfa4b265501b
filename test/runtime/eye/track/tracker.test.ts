// Goal: one person is one track, however detections flicker; nothing but geometry decides.
// Method: people as straight walks with seeded noise; time by frame index.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DETECTIONS_MAX, DetectionTable } from '../../../../runtime/eye/track/detections.ts';
import { TRACKER_DEFAULTS, TRACKS_MAX, Tracker } from '../../../../runtime/eye/track/tracker.ts';

const FRAME_US = 1e6 / 15;
const options = { ...TRACKER_DEFAULTS, scoreMin: 0.4, scoreLow: 0.2 };

type Person = { xPx: number; yPx: number; score?: number; sizePx?: number };

function runner(frameUs = FRAME_US) {
  const tracker = new Tracker(options);
  const table = new DetectionTable();
  let frame = 0;
  return {
    tracker,
    step(people: readonly Person[]): void {
      table.clear();
      for (const { xPx, yPx, score = 0.8, sizePx = 40 } of people) table.add(xPx, yPx, sizePx / 2, sizePx, score);
      tracker.step(table, frame * frameUs);
      frame += 1;
    },
  };
}

const aliveRows = (tracker: Tracker) => [...tracker.alive.keys()].filter((row) => tracker.alive[row] === 1);
const births = (tracker: Tracker) => tracker.generation.reduce((sum, lives) => sum + lives, 0);

test('a walker is one track that follows', () => {
  const { tracker, step } = runner();
  for (let i = 0; i < 30; i++) step([{ xPx: 100, yPx: 20 + 4 * i }]);
  assert.is(births(tracker), 1);
  assert.is(tracker.confirmedCount, 1);
  assert.ok(Math.abs(tracker.yPx[0]! - (20 + 4 * 29)) < 3, `y is ${tracker.yPx[0]}`);
  assert.ok(Math.abs(tracker.velocityY[0]! - 60) < 8, `speed is ${tracker.velocityY[0]} px/s`);
});

test('somebody in a hurry is one track at every frame rate from 4 Hz on', () => {
  for (const frameRateHz of [4, 5, 8, 15, 30, 60]) {
    const { tracker, step } = runner(1e6 / frameRateHz);
    // 2 m/s: the shorter side of the box, 20 px, is half a metre.
    for (let i = 0; i <= 2.5 * frameRateHz; i++) step([{ xPx: 20 + (80 * i) / frameRateHz, yPx: 90 }]);
    assert.is(births(tracker), 1, `${frameRateHz} Hz`);
    assert.is(tracker.confirmedCount, 1, `${frameRateHz} Hz`);
  }
});

test('a single false detection never becomes a person', () => {
  const { tracker, step } = runner();
  step([{ xPx: 50, yPx: 50 }]);
  for (let i = 0; i < 20; i++) {
    step([]);
    assert.is(tracker.confirmedCount, 0);
  }
  assert.is(aliveRows(tracker).length, 0);
});

test('a weak detection continues a track and never begins one', () => {
  const { tracker, step } = runner();
  for (let i = 0; i < 10; i++) step([{ xPx: 50, yPx: 50, score: 0.3 }]);
  assert.is(births(tracker), 0);
  for (let i = 0; i < 5; i++) step([{ xPx: 50, yPx: 50 }]);
  for (let i = 0; i < 30; i++) step([{ xPx: 50, yPx: 50, score: 0.25 }]);
  assert.is(births(tracker), 1);
  assert.is(tracker.confirmedCount, 1);
});

test('a walker hidden for half a second is the same track afterwards', () => {
  const { tracker, step } = runner();
  for (let i = 0; i < 40; i++) step(i > 15 && i < 23 ? [] : [{ xPx: 20 + 4 * i, yPx: 90 }]);
  assert.is(births(tracker), 1);
});

test('somebody who is gone is forgotten after the coasting time', () => {
  const { tracker, step } = runner();
  for (let i = 0; i < 10; i++) step([{ xPx: 50, yPx: 50 }]);
  for (let i = 0; i < 20; i++) step([]);
  assert.is(aliveRows(tracker).length, 0);
});

test('two people who pass each other keep their tracks', () => {
  const { tracker, step } = runner();
  for (let i = 0; i < 40; i++) {
    step([
      { xPx: 90, yPx: 10 + 4 * i },
      { xPx: 125, yPx: 170 - 4 * i },
    ]);
  }
  assert.is(births(tracker), 2);
  const [a, b] = aliveRows(tracker);
  const downwards = tracker.velocityY[a!]! > 0 ? a! : b!;
  assert.ok(Math.abs(tracker.xPx[downwards]! - 90) < 8);
});

test('a lost track does not jump to a stranger one body away', () => {
  const { tracker, step } = runner();
  for (let i = 0; i < 15; i++) step([{ xPx: 100, yPx: 90 }]);
  for (let i = 0; i < 4; i++) step([]);
  for (let i = 0; i < 10; i++) step([{ xPx: 126, yPx: 100 }]);
  assert.is(births(tracker), 2);
});

test('noise that falls anywhere in the picture never becomes a person', () => {
  const place = (n: number, size: number) => (n * 0.618034 * size) % size;
  const { tracker, step } = runner();
  for (let i = 0; i < 400; i++) {
    step(i % 3 === 0 ? [{ xPx: place(i, 256), yPx: place(i * 7 + 3, 192) }] : []);
    assert.is(tracker.confirmedCount, 0);
  }
});

test('two close together are told apart by what suits both, not by who is nearest to whom', () => {
  const { tracker, step } = runner();
  for (let i = 0; i < 12; i++) {
    step([
      { xPx: 60 + 3 * i, yPx: 90 },
      { xPx: 65 + 3 * i, yPx: 90 },
    ]);
  }
  const rows = aliveRows(tracker);
  const behind = tracker.xPx[rows[0]!]! < tracker.xPx[rows[1]!]! ? rows[0]! : rows[1]!;
  const ahead = rows.find((row) => row !== behind)!;
  // Both hurry: the one behind now is nearly where the one ahead was expected.
  step([
    { xPx: 100, yPx: 90 },
    { xPx: 105, yPx: 90 },
  ]);
  assert.is(births(tracker), 2);
  // Each drawn to the other's detection, they would be nearly in one place.
  const apartPx = tracker.xPx[ahead]! - tracker.xPx[behind]!;
  assert.ok(apartPx > 4, `${apartPx} px apart`);
});

test('more people than the table holds lose the surplus and nothing else', () => {
  const { tracker, step } = runner();
  const crowd = Array.from({ length: DETECTIONS_MAX + 20 }, (_, i) => ({
    xPx: 10 + (i % 12) * 40,
    yPx: 10 + Math.floor(i / 12) * 40,
  }));
  for (let i = 0; i < 10; i++) step(crowd);
  assert.is(aliveRows(tracker).length, TRACKS_MAX);
});

test('any walk with jitter and drop-outs is one track, and no number ever breaks', () => {
  fc.assert(
    fc.property(
      fc.record({
        x: fc.integer({ min: 30, max: 220 }),
        y: fc.integer({ min: 30, max: 160 }),
        vx: fc.double({ min: -4, max: 4, noNaN: true }),
        vy: fc.double({ min: -4, max: 4, noNaN: true }),
      }),
      fc.array(
        fc.record({
          jx: fc.double({ min: -2, max: 2, noNaN: true }),
          jy: fc.double({ min: -2, max: 2, noNaN: true }),
          isSeen: fc.integer({ min: 0, max: 9 }).map((n) => n > 1),
        }),
        { minLength: 20, maxLength: 40 },
      ),
      (walk, frames) => {
        const { tracker, step } = runner();
        // The first frames are seen: a track that is not yet confirmed is rightly given up sooner.
        frames.forEach(({ jx, jy, isSeen }, i) => {
          step(isSeen || i < 5 ? [{ xPx: walk.x + walk.vx * i + jx, yPx: walk.y + walk.vy * i + jy }] : []);
        });
        assert.is(births(tracker), 1);
        for (const row of aliveRows(tracker)) {
          for (const value of [
            tracker.xPx[row],
            tracker.yPx[row],
            tracker.velocityX[row],
            tracker.velocityY[row],
            tracker.heightPx[row],
          ]) {
            assert.ok(Number.isFinite(value), `${value}`);
          }
        }
      },
    ),
    { numRuns: Number(process.env['FC_RUNS'] ?? 200) },
  );
});

test('reset forgets everybody', () => {
  const { tracker, step } = runner();
  for (let i = 0; i < 5; i++) step([{ xPx: 50, yPx: 50 }]);
  tracker.reset();
  assert.is(aliveRows(tracker).length, 0);
  assert.is(tracker.confirmedCount, 0);
});

test.run();
