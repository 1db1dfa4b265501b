// Goal: one person is one path from where they came into view to where they left it, and two people are never one.
// Method: the real tracker on clean walks with gaps; properties by fast-check; no path outlives its memory.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DetectionTable } from '../../../../runtime/eye/track/detections.ts';
import { NO_PATH, PATHS_MAX, Paths } from '../../../../runtime/eye/track/paths.ts';
import { TRACKER_DEFAULTS, TRACKS_MAX, Tracker } from '../../../../runtime/eye/track/tracker.ts';

const FRAME_US = 1e6 / 15;
/** Carried on unseen for 0.8 s, bridged for 3 s: frames until a track is lost, and until a path has ended. */
const LOST_FRAMES = 14;
const ENDED_FRAMES = 60;

function runner() {
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: 0.4, scoreLow: 0.2 });
  const paths = new Paths(256, 192);
  const table = new DetectionTable();
  let frame = 0;
  let endedCount = 0;
  return {
    tracker,
    paths,
    get endedCount() {
      return endedCount;
    },
    live: () => Array.from({ length: PATHS_MAX }, (_, path) => path).filter((path) => paths.isLive(path)),
    step(...people: readonly (readonly [number, number])[]): void {
      table.clear();
      for (const [xPx, yPx] of people) table.add(xPx, yPx, 20, 40, 0.9);
      tracker.step(table, frame * FRAME_US);
      paths.step(tracker, frame * FRAME_US);
      endedCount += paths.endedCount;
      frame += 1;
    },
  };
}

function walk(run: ReturnType<typeof runner>, x: number, fromY: number, toY: number): void {
  for (let y = fromY; y <= toY; y += 3) run.step([x, y]);
}

test('a person who is hidden for a second in the middle of the picture is one path', () => {
  const run = runner();
  walk(run, 128, 40, 80);
  const before = run.live();
  for (let i = 0; i < LOST_FRAMES + 2; i++) run.step();
  assert.equal(run.live(), []);
  walk(run, 130, 90, 130);
  assert.equal(run.live(), before);
  assert.is(run.paths.joinedCount, 1);
  assert.is(run.endedCount, 0);
});

test('who appears further away than one could have walked is somebody else', () => {
  const run = runner();
  walk(run, 128, 40, 80);
  for (let i = 0; i < LOST_FRAMES + 2; i++) run.step();
  walk(run, 200, 90, 130);
  assert.is(run.paths.joinedCount, 0);
  for (let i = 0; i < ENDED_FRAMES; i++) run.step();
  assert.is(run.endedCount, 2);
});

test('who leaves at the edge and who comes there next are two people', () => {
  const run = runner();
  walk(run, 128, 120, 180);
  for (let i = 0; i < LOST_FRAMES + 2; i++) run.step();
  for (let y = 180; y >= 120; y -= 3) run.step([128, y]);
  assert.is(run.paths.joinedCount, 0);
});

test('after three seconds nobody is bridged any more', () => {
  const run = runner();
  walk(run, 128, 40, 80);
  for (let i = 0; i < ENDED_FRAMES; i++) run.step();
  assert.is(run.endedCount, 1);
  walk(run, 128, 80, 110);
  assert.is(run.paths.joinedCount, 0);
});

test('a detection of two frames is no path that ends', () => {
  const run = runner();
  run.step([100, 100]);
  run.step([100, 100]);
  for (let i = 0; i < ENDED_FRAMES; i++) run.step();
  assert.is(run.endedCount, 0);
});

test('a thing that stays where it appeared has not moved, a person who walks half a metre has', () => {
  const run = runner();
  for (let i = 0; i < 100; i++) run.step([100 + (i % 3), 100 - (i % 2)]);
  const thing = run.live()[0]!;
  assert.is(run.paths.hasMoved[thing], 0);
  walk(run, 100, 100, 125);
  assert.is(run.paths.hasMoved[thing], 1);
});

test('standing begins anew with each step of more than a quarter of a metre', () => {
  const run = runner();
  for (let i = 0; i < 30; i++) run.step([100, 100]);
  const path = run.live()[0]!;
  assert.is(run.paths.stillSinceUs[path], 0);
  for (let i = 0; i < 30; i++) run.step([100, 100 + Math.min(20, 2 * i)]);
  assert.ok(run.paths.stillSinceUs[path]! > 30 * FRAME_US);
});

test('ending all ends every confirmed path once and leaves none', () => {
  const run = runner();
  for (let y = 40; y < 70; y += 3) run.step([60, y], [120, y], [180, y]);
  run.paths.endAll();
  assert.is(run.paths.endedCount, 3);
  assert.equal(run.live(), []);
  run.tracker.reset();
  run.step();
  assert.is(run.paths.endedCount, 0);
});

test('any crowd: a row has one path, no two rows share one, every confirmed path ends exactly once', () => {
  const person = fc.record({ x: fc.nat(255), y: fc.nat(191), dx: fc.integer({ min: -4, max: 4 }), from: fc.nat(40) });
  fc.assert(
    fc.property(
      fc.array(person, { maxLength: 30 }),
      fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      (crowd, gaps) => {
        const run = runner();
        const lived = new Set<string>();
        for (let frame = 0; frame < 60; frame++) {
          const seen = gaps[frame] ? crowd : crowd.filter((_, i) => (i + frame) % 3 > 0);
          run.step(...seen.filter(({ from }) => frame >= from).map(({ x, y, dx }) => [x + dx * frame, y] as const));
          const used = new Set<number>();
          for (let row = 0; row < TRACKS_MAX; row++) {
            const path = run.paths.pathOfRow[row]!;
            if (path === NO_PATH) continue;
            assert.not(used.has(path), `two rows on path ${path}`);
            used.add(path);
          }
          for (const path of run.live()) lived.add(`${path}:${run.paths.generation[path]}`);
        }
        const ended = run.endedCount;
        run.paths.endAll();
        assert.is(ended + run.paths.endedCount, lived.size);
      },
    ),
    { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
  );
});

test.run();
