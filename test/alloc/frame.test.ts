// Goal: between the first byte of a frame and its last crossing no object is made: decoder, tracker, lines and loop.
// Method: the four nets (slope, flat, tripwire, whole loop with its timer) on a scripted door with five people in it, and on
// the real engine. Fails without --expose-gc: what is not measured has not passed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createSceneCamera } from '../../drivers/camera/scene/scene.ts';
import { SystemClock } from '../../drivers/clock/system.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import { ControlWord } from '../../runtime/corridor/control.ts';
import { emptyRecord, encodeRecord, RECORD_BYTES } from '../../runtime/corridor/record.ts';
import { Counting, NO_EVENTS } from '../../runtime/eye/count/counting.ts';
import { HeatMapDecoder } from '../../runtime/eye/frame/decode.ts';
import { createEngine } from '../../runtime/eye/infer/engine.ts';
import { FrameLoop } from '../../runtime/eye/loop.ts';
import { SetupMode } from '../../runtime/eye/setup.ts';
import { DetectionTable } from '../../runtime/eye/track/detections.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../runtime/eye/track/tracker.ts';
import type { Clock } from '../../runtime/ports/clock.ts';
import type { Engine, OutputTensor } from '../../runtime/ports/engine.ts';
import { FrameResidency } from '../../runtime/privacy/residency.ts';
import { FAKE_CELL_PX, FakeEngine } from '../fakes/engine.ts';
import { within } from '../fakes/within.ts';
import { smallDetector } from '../runtime/eye/infer/golden.ts';
import { collector, slopeBytes } from './slope.ts';
import { tripwire } from './tripwire.ts';

collector(); // thrown here, the whole file fails
const test = suite('frame');
const SLOPE_BYTES_MAX = 0.1;
/**
 * V8 boxes a double (16 bytes) that goes into or comes out of a function which it did not inline. Here these are times:
 * three readings of the clock and the frame's own, five to seven boxes a frame in Node 20. They hold one number each; the
 * tripwire below shows that no object, view or copy is made.
 */
const BOXES_BYTES_MAX = 16 * 16;
/** Node's own timers and the drawing of the scene, which no device does. */
const WHOLE_LOOP_BYTES_MAX = 1024;
const FLAT_BYTES_MAX = 65_536;
const FRAME_US = 1e6 / 15;
const SCRIPT_FRAMES = 240;
/** Everything that can be counted at once. */
const LAYOUT = parseConfig({
  lines: [
    { name: 'door', from: [0.05, 0.5], to: [0.95, 0.5], in: 'down' },
    { name: 'inner', from: [0.05, 0.6], to: [0.95, 0.6], in: 'down' },
  ],
  entrances: [{ name: 'main', lines: ['door', 'inner'] }],
  zones: [
    {
      name: 'hall',
      polygon: [
        [0.1, 0.5],
        [0.9, 0.5],
        [0.9, 1],
        [0.1, 1],
      ],
      bounce_s: 5,
    },
    {
      name: 'pavement',
      polygon: [
        [0, 0],
        [1, 0],
        [0.5, 0.4],
      ],
      passes: 'main',
    },
  ],
});

/** Shows one prepared pair of maps after the other; unlike the fake for other tests it allocates nothing itself. */
class ScriptedEngine implements Engine {
  readonly name = 'scripted';
  readonly format;
  readonly slot;
  readonly outputs: readonly OutputTensor[];
  readonly #heats: Int8Array[] = [];
  readonly #boxes: Int8Array[] = [];
  #frame = 0;

  constructor() {
    const artist = new FakeEngine();
    this.format = artist.format;
    this.slot = artist.slot;
    this.outputs = artist.outputs;
    for (let frame = 0; frame < SCRIPT_FRAMES; frame++) {
      // Five people who walk up or down, each at a speed of their own, and are at times too faint to be seen.
      artist.draw(
        ...Array.from({ length: 5 }, (_, person) => {
          const way = Math.floor((frame * (person + 2)) / 10) % 24;
          return {
            row: person % 2 === 0 ? way : 23 - way,
            column: 3 + 6 * person,
            heatQ: (frame + 7 * person) % 11 === 0 ? -20 : 20,
            log2Width: 2,
            log2Height: 3,
          };
        }),
      );
      this.#heats.push(Int8Array.from(artist.outputs[0]!.data));
      this.#boxes.push(Int8Array.from(artist.outputs[1]!.data));
    }
  }

  readPixels(): void {}
  erasePixels(): void {
    this.slot.fill(0);
  }
  finish(): void {
    this.outputs[0]!.data.set(this.#heats[this.#frame]!);
    this.outputs[1]!.data.set(this.#boxes[this.#frame]!);
    this.#frame = (this.#frame + 1) % SCRIPT_FRAMES;
  }
  eraseTensors(): void {
    this.outputs[0]!.data.fill(0);
    this.outputs[1]!.data.fill(0);
  }
}

function stage(engine: Engine, cellPx: number, clock: Clock) {
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: 0.5, scoreLow: 0.1 });
  let crossingCount = 0;
  const counting = new Counting(LAYOUT, engine.format.widthPx, engine.format.heightPx, {
    ...NO_EVENTS,
    onCrossing: () => {
      crossingCount += 1;
    },
  });
  const loop = new FrameLoop(
    engine,
    new HeatMapDecoder(engine, { cellPx, scoreLow: 0.1, nearMax: 0.3, overlapMax: 0.4 }),
    tracker,
    counting,
    clock,
  );
  const time = new Float64Array(1);
  const run = (frameCount: number): void => {
    for (let frame = 0; frame < frameCount; frame++) {
      loop.beginFrame();
      loop.slot.fill(frame & 255);
      if (frame % 97 === 0) {
        loop.abandonFrame();
      } else {
        time[0]! += FRAME_US;
        loop.completeFrame(time[0]!);
      }
    }
  };
  return { loop, run, tracker, crossings: () => crossingCount };
}

test('the decoder allocates less than a tenth of a byte per frame', () => {
  const engine = new ScriptedEngine();
  const decoder = new HeatMapDecoder(engine, { cellPx: FAKE_CELL_PX, scoreLow: 0.1, nearMax: 0.3, overlapMax: 0.4 });
  const table = new DetectionTable();
  let detectionCount = 0;
  const slope = slopeBytes((frameCount) => {
    for (let frame = 0; frame < frameCount; frame++) {
      engine.finish();
      decoder.decode(table);
      detectionCount += table.count;
    }
  });
  assert.ok(detectionCount > 100_000, 'somebody is nearly always there');
  assert.ok(slope < SLOPE_BYTES_MAX, `${slope} bytes per frame`);
});

test('residencies are recorded for less than a tenth of a byte, those of dropped frames as well', () => {
  const residency = new FrameResidency(2000);
  const looked = slopeBytes((frameCount) => {
    for (let frame = 0; frame < frameCount; frame++) residency.recordFrame(frame * 0.37, frame * 0.74);
  });
  const dropped = slopeBytes((frameCount) => {
    for (let frame = 0; frame < frameCount; frame++) residency.recordDropped(frame * 0.37);
  });
  assert.ok(residency.overlongCount > 1000, 'many of them were over the limit');
  assert.ok(looked < SLOPE_BYTES_MAX, `${looked} bytes per frame`);
  assert.ok(dropped < SLOPE_BYTES_MAX, `${dropped} bytes per dropped frame`);
});

test('decoder, tracker, lines and loop together box a few numbers per frame and allocate nothing else', () => {
  const { run, crossings } = stage(new ScriptedEngine(), FAKE_CELL_PX, new SystemClock());
  const slope = slopeBytes(run);
  assert.ok(crossings() > 100, `people cross all the time: ${crossings()}`);
  assert.ok(slope < BOXES_BYTES_MAX, `${slope} bytes per frame`);
});

test('positions of set-up mode are told for less than a tenth of a byte each time', () => {
  const { tracker, run } = stage(new ScriptedEngine(), FAKE_CELL_PX, new SystemClock());
  run(20);
  assert.ok(tracker.confirmedCount > 2, `${tracker.confirmedCount} people are there`);
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  let toldCount = 0;
  const setup = new SetupMode({
    tracker,
    widthPx: 256,
    heightPx: 192,
    // A clock of our own: a reading of the system's is a boxed number.
    clock: { monotonicUs: () => 1, wallMs: () => 1, every: () => () => {} },
    isCounting: () => true,
    hasRoom: () => true,
    record: emptyRecord(),
    send: (record) => {
      encodeRecord(record, bytes, view, 0);
      toldCount += record.code;
    },
    onChange: () => {},
  });
  setup.hear(ControlWord.setupOn);
  const slope = slopeBytes((tickCount) => {
    for (let tick = 0; tick < tickCount; tick++) setup.tick();
  });
  assert.ok(toldCount > 100_000, `${toldCount} positions`);
  assert.ok(slope < SLOPE_BYTES_MAX, `${slope} bytes each time`);
  assert.equal(
    tripwire(() => setup.tick()),
    [],
  );
});

test('so does the loop around the real engine', () => {
  const { model, format } = smallDetector();
  const { run } = stage(createEngine(model, format), 8, new SystemClock());
  const slope = slopeBytes(run);
  assert.ok(slope < BOXES_BYTES_MAX, `${slope} bytes per frame`);
});

test('the estimator sees eight bytes per frame where there are some', () => {
  const keep: unknown[] = [undefined];
  const { run } = stage(new ScriptedEngine(), FAKE_CELL_PX, new SystemClock());
  const slope = slopeBytes((frameCount) => {
    for (let frame = 0; frame < frameCount; frame++) {
      run(1);
      keep[0] = { frame };
    }
  });
  assert.ok(slope > 8, `${slope} bytes per frame`);
});

test('a hundred thousand frames later nothing has grown', () => {
  const collect = collector();
  const { loop, run } = stage(new ScriptedEngine(), FAKE_CELL_PX, new SystemClock());
  const { slot } = loop;
  run(20_000);
  collect();
  const before = process.memoryUsage();
  run(100_000);
  collect();
  const after = process.memoryUsage();
  assert.ok(after.arrayBuffers - before.arrayBuffers < FLAT_BYTES_MAX, 'array buffers');
  assert.ok(after.external - before.external < FLAT_BYTES_MAX, 'external memory');
  assert.ok(after.heapUsed - before.heapUsed < FLAT_BYTES_MAX, `heap: ${after.heapUsed - before.heapUsed} bytes`);
  assert.is(loop.slot, slot);
});

test('no constructor, view or copy is called while frames run', () => {
  const scripted = stage(new ScriptedEngine(), FAKE_CELL_PX, new SystemClock());
  const { model, format } = smallDetector();
  const real = stage(createEngine(model, format), 8, new SystemClock());
  assert.equal(
    tripwire(() => scripted.run(500)),
    [],
  );
  assert.equal(
    tripwire(() => real.run(100)),
    [],
  );
});

test('the tripwire names the culprit', () => {
  const { slot } = new FakeEngine();
  const [stack] = tripwire(function culprit() {
    slot.subarray(1);
  });
  assert.match(stack!, 'typed array subarray');
  assert.match(stack!, 'culprit');
});

test('the whole loop with its timer and the scene camera stays below 1 kB per frame', async () => {
  const collect = collector();
  const { model, format } = smallDetector();
  const { loop } = stage(createEngine(model, format), 8, new SystemClock());
  const growth = async (frameCount: number): Promise<number> => {
    const camera = createSceneCamera({ realtime: false, peoplePerMinute: 5, frameCountMax: frameCount }, format);
    collect();
    const before = process.memoryUsage().heapUsed;
    await within(
      60_000,
      'the scene ends',
      new Promise<void>((resolve, reject) => {
        camera.start(loop, { onEnd: resolve, onError: reject }).catch(reject);
      }),
    );
    const bytes = process.memoryUsage().heapUsed - before;
    await camera.stop();
    return bytes;
  };
  await growth(10_000);
  let short = Number.POSITIVE_INFINITY;
  let long = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    short = Math.min(short, await growth(200));
    long = Math.min(long, await growth(2200));
  }
  const slope = (long - short) / 2000;
  assert.ok(slope < WHOLE_LOOP_BYTES_MAX, `${slope.toFixed(0)} bytes per frame`);
});

test.run();
