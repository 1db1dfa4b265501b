// Goal: the eye beats while pictures come or a bounded reason is known, and not otherwise.
// Method: seconds by hand, a pulse in memory.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryPulse } from '../../../drivers/watchdog/memory.ts';
import { EyeState } from '../../../runtime/corridor/record.ts';
import { EyeVitals, FRAMES_US_MAX, START_US_MAX } from '../../../runtime/eye/vitals.ts';
import { US_PER_S } from '../../../runtime/units.ts';

class Bench {
  readonly pulse = new MemoryPulse();
  readonly #vitals = new EyeVitals(this.pulse, 0);
  #nowUs = 0;
  #frameCount = 0;

  /** Seconds in a state; frames: each second. Whether the last of them was well. */
  pass(seconds: number, state: EyeState, frames = 0): boolean {
    let isWell = true;
    for (let i = 0; i < seconds; i++) {
      this.#nowUs += US_PER_S;
      this.#frameCount += frames;
      isWell = this.#vitals.tick({ state, frameCount: this.#frameCount }, this.#nowUs);
    }
    return isWell;
  }
}

test('it is ready with the first picture, not with a camera that was only started', () => {
  const bench = new Bench();
  bench.pass(5, EyeState.counting);
  assert.not.ok(bench.pulse.isReady);
  bench.pass(1, EyeState.counting, 15);
  assert.ok(bench.pulse.isReady);
  assert.is(bench.pulse.status, 'counting');
});

test('pictures that stop coming without a word end the beats after the bound, and the status says since when', () => {
  const bench = new Bench();
  bench.pass(10, EyeState.counting, 15);
  const boundS = FRAMES_US_MAX / US_PER_S;
  assert.ok(bench.pass(boundS, EyeState.counting));
  const { beatCount } = bench.pulse;
  assert.not.ok(bench.pass(10, EyeState.counting));
  assert.is(bench.pulse.beatCount, beatCount);
  assert.is(bench.pulse.withheldCount, 10);
  assert.is(bench.pulse.status, 'counting, no picture for 20 s: not well');
  assert.ok(bench.pass(1, EyeState.counting, 1), 'and one picture is enough to be well');
});

test('paused by the button it is well for as long as somebody likes', () => {
  const bench = new Bench();
  bench.pass(3, EyeState.counting, 15);
  assert.ok(bench.pass(86_400, EyeState.paused));
  assert.is(bench.pulse.withheldCount, 0);
  assert.is(bench.pulse.status, 'paused');
});

test('an eye that is paused before its first picture is ready all the same', () => {
  const bench = new Bench();
  bench.pass(1, EyeState.paused);
  assert.ok(bench.pulse.isReady);
});

test('a camera that is lost and started in turns is borne for a bounded time, however often its state changes', () => {
  const bench = new Bench();
  bench.pass(3, EyeState.counting, 15);
  const boundS = START_US_MAX / US_PER_S;
  let isWell = true;
  let seconds = 0;
  while (isWell && seconds < 2 * boundS) {
    isWell = bench.pass(1, [EyeState.cameraLost, EyeState.starting, EyeState.counting][seconds % 3]!);
    seconds += 1;
  }
  assert.is(seconds, boundS + 1);
});

test('after a pause the camera has as long to start as at first', () => {
  const bench = new Bench();
  bench.pass(3, EyeState.counting, 15);
  bench.pass(1000, EyeState.paused);
  assert.ok(bench.pass(START_US_MAX / US_PER_S, EyeState.starting));
  assert.not.ok(bench.pass(1, EyeState.starting));
});

test.run();
