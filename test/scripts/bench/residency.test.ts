// Goal: the residency bench measures every frame that came through the pipe, and its verdict is what the marks say.
// Method: a few frames through a real pipe into the real loop; made-up results for the verdict. No time is asserted.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { measureFirstReads, sendThroughPipe, WatchedLoop } from '../../../scripts/bench/frames.ts';
import { measureLoops, TimerControl } from '../../../scripts/bench/machine.ts';
import { type RateResult, table, verdicts } from '../../../scripts/bench/residency.ts';
import { eventually, within } from '../../fakes/within.ts';

const FRAME_COUNT = 12;
const SPREAD = { p50: 0.1, p95: 0.2, p99: 0.3, max: 0.4 };

function result(more: Partial<RateResult>): RateResult {
  return {
    rate_hz: 15,
    frames: 1200,
    pipe_holds_frame: true,
    pixels_ms: SPREAD,
    derived_ms: SPREAD,
    whole_ms: SPREAD,
    clearing_ms: SPREAD,
    clearing_share: 0.01,
    first_read_ms: SPREAD,
    load: 0.5,
    work_after_timer_ms: SPREAD,
    timer_late_ms: SPREAD,
    idle_step_ms: SPREAD,
    work_in_a_row_ms: SPREAD,
    ...more,
  };
}

test('every frame of the pipe is timed, its ends in order, and the clearing is a part of it', async () => {
  const loop = new WatchedLoop('', FRAME_COUNT);
  let told = 0;
  loop.onFrame = () => {
    told += 1;
  };
  const { framesRead } = await within(30_000, 'frames', sendThroughPipe(loop, 60, FRAME_COUNT));
  assert.is(framesRead, FRAME_COUNT);
  const { pixels, derived, whole, clearing } = loop.take();
  assert.equal([pixels.length, clearing.length, told], [FRAME_COUNT, FRAME_COUNT, FRAME_COUNT]);
  for (const frame of pixels.keys()) {
    assert.ok(clearing[frame]! > 0 && clearing[frame]! < derived[frame]!, `frame ${frame}: clearing`);
    assert.ok(pixels[frame]! > 0 && pixels[frame]! < derived[frame]!, `frame ${frame}: pixels, derived`);
    assert.ok(derived[frame]! < whole[frame]!, `frame ${frame}: derived, whole`);
  }
  const { minute } = loop.pipeline.loop.residency.derived;
  assert.is(minute.usMax, Math.max(...derived) * 1000, 'the same times as those that the eye publishes');
  assert.is(loop.take().pixels.length, 0, 'taken once');
});

test('frames beyond the table are not kept, and not told', async () => {
  const loop = new WatchedLoop('', 2);
  for (let frame = 0; frame < 5; frame++) {
    loop.beginFrame();
    loop.completeFrame(frame);
  }
  assert.is(loop.take().whole.length, 2);
});

test('the machine is measured by steps, work, timers and first reads', async () => {
  const { idle_step_ms, work_in_a_row_ms } = measureLoops(0.2, 1);
  assert.ok(idle_step_ms.max > 0 && work_in_a_row_ms.p50 > 0);
  const control = new TimerControl(2, 5, 0.1);
  control.set();
  await eventually(2000, 'the timer', () => control.end().work_ms.p50 > 0);
  const reads = await within(5000, 'reads', measureFirstReads(1000, 5));
  assert.ok(reads.length === 5 && reads.every((ms) => ms > 0));
});

test('marks of times are those at 15 frames a second, the mark of clearing holds at every rate', () => {
  const slow = { ...SPREAD, p50: 9, p99: 9 };
  const found = verdicts([
    result({ rate_hz: 5, pixels_ms: slow, derived_ms: slow }),
    result({ pixels_ms: { ...SPREAD, p99: 1.01 } }),
    result({ rate_hz: 30, clearing_share: 0.031 }),
  ]);
  assert.equal(
    found.map(({ what, found, max }) => [what, found <= max]),
    [
      ['pixels p50 at 15 Hz, ms', true],
      ['pixels p99 at 15 Hz, ms', false],
      ['derived p50 at 15 Hz, ms', true],
      ['derived p99 at 15 Hz, ms', true],
      ['clearing at 5 Hz, % of the frame', true],
      ['clearing at 15 Hz, % of the frame', true],
      ['clearing at 30 Hz, % of the frame', false],
    ],
  );
});

test('the table has a column for each rate and says what was missed', () => {
  const text = table([result({ rate_hz: 5 }), result({ pixels_ms: { ...SPREAD, p50: 0.5 } })]);
  assert.match(text, /^milliseconds +5 Hz +15 Hz$/m);
  assert.match(text, /^MISSED +pixels p50 at 15 Hz, ms +0\.500, at most 0\.3$/m);
  assert.match(text, /^met +derived p50 at 15 Hz/m);
});

test.run();
