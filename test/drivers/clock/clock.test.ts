/**
 * Goal: the manual clock tells time as a real one would, so that tests on it mean something.
 * Method: order and moments of tasks as literals; the system clock for its units.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualClock } from '../../../drivers/clock/manual.ts';
import { SystemClock } from '../../../drivers/clock/system.ts';
import { within } from '../../fakes/within.ts';

test('tasks run in the order of their moments and see them', () => {
  const clock = new ManualClock(0);
  const seen: string[] = [];
  clock.every(300, () => seen.push(`slow ${clock.wallMs()}`));
  clock.every(200, () => seen.push(`fast ${clock.wallMs()}`));
  clock.advance(650);
  assert.equal(seen, ['fast 200', 'slow 300', 'fast 400', 'slow 600', 'fast 600']);
  assert.is(clock.monotonicUs(), 650_000);
});

test('a task can end itself and begin another', () => {
  const clock = new ManualClock(0);
  let count = 0;
  const stop = clock.every(10, () => {
    count += 1;
    stop();
    clock.every(5, () => {
      count += 100;
    });
  });
  clock.advance(22);
  assert.is(count, 201);
});

test('setting the wall clock leaves monotonic time alone', () => {
  const clock = new ManualClock(1000);
  clock.jumpWall(-400);
  assert.is(clock.wallMs(), 600);
  assert.is(clock.monotonicUs(), 0);
});

test('the system clock counts microseconds since the start and milliseconds since 1970', async () => {
  const clock = new SystemClock();
  const fromUs = clock.monotonicUs();
  const keepAlive = setTimeout(() => {}, 1000);
  await within(
    1000,
    'one tick',
    new Promise<void>((resolve) => {
      const stop = clock.every(20, () => {
        stop();
        resolve();
      });
    }),
  );
  clearTimeout(keepAlive);
  const elapsedUs = clock.monotonicUs() - fromUs;
  assert.ok(elapsedUs >= 15_000 && elapsedUs < 900_000, `${elapsedUs} us`);
  assert.ok(clock.wallMs() > Date.UTC(2024, 0, 1));
});

test.run();
