// Goal: what the eye does between frames: it tells every state, counts up totals each second, and goes blind on a button.
// Method: the eye whole, with the real engine and model, a camera moved by hand, pins in memory, a manual clock, and an
// array for a corridor, read by the voice's own reader.
import { pino } from 'pino';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualClock } from '../../../drivers/clock/manual.ts';
import { MemoryGpio } from '../../../drivers/gpio/memory.ts';
import { parseConfig } from '../../../runtime/config/config.ts';
import type { Config } from '../../../runtime/config/schema.ts';
import { ControlWord } from '../../../runtime/corridor/control.ts';
import { CorridorReader } from '../../../runtime/corridor/reader.ts';
import {
  type CorridorRecord,
  EyeReason,
  EyeState,
  RecordKind,
  ResidencySpan,
  TIME_MS_MIN,
} from '../../../runtime/corridor/record.ts';
import { ExitCode } from '../../../runtime/errors.ts';
import { Eye, RESET_HOLD_MS } from '../../../runtime/eye/eye.ts';
import { type LampPatternName, LED_PATTERNS } from '../../../runtime/eye/indicator.ts';
import { createEngine } from '../../../runtime/eye/infer/engine.ts';
import { loadModel } from '../../../runtime/eye/model.ts';
import { frameFormatOf } from '../../../runtime/eye/pipeline.ts';
import { levelsOf, TICK_MS } from '../../../runtime/lamp.ts';
import { HOLD_FACTOR_MAX } from '../../../runtime/ports/gpio.ts';
import { FakeCamera } from '../../fakes/camera.ts';
import { eventually } from '../../fakes/within.ts';

const LED = 17;
const BUTTON = 27;
const FRAME_MS = 100;

const test = suite('eye');
const model = loadModel('');
let stage: Stage;

class Stage {
  readonly config: Config;
  readonly clock = new ManualClock();
  readonly gpio = new MemoryGpio(
    () => this.clock.monotonicUs(),
    (ms, task) => {
      const stop = this.clock.every(ms, () => {
        stop();
        task();
      });
      return stop;
    },
  );
  readonly camera: FakeCamera;
  readonly records: CorridorRecord[] = [];
  readonly exits: ExitCode[] = [];
  /** What was logged as a warning or worse. */
  readonly warnings: Record<string, unknown>[] = [];
  isOutletOpen = true;
  /** The slot as the camera was given it. */
  slot: Uint8Array | undefined;
  readonly eye: Eye;
  readonly reader: CorridorReader;

  constructor(prepare: (gpio: MemoryGpio) => void = () => {}, file: object = {}) {
    this.config = parseConfig(file);
    this.camera = new FakeCamera(frameFormatOf(this.config, model));
    prepare(this.gpio);
    const reader = new CorridorReader(
      { onRecord: (record) => this.records.push({ ...record }), onCutOff: (reason) => assert.unreachable(reason) },
      () => this.clock.monotonicUs(),
    );
    this.reader = reader;
    const start = this.camera.start.bind(this.camera);
    this.camera.start = (sink, events) => {
      this.slot = sink.slot;
      return start(sink, events);
    };
    this.eye = new Eye({
      config: this.config,
      model,
      engine: createEngine(model.bytes, frameFormatOf(this.config, model)),
      camera: this.camera,
      gpio: this.gpio,
      clock: this.clock,
      outlet: {
        write: (bytes, offset) => {
          assert.ok(this.isOutletOpen, 'nothing is written after the corridor was closed');
          reader.feed(bytes.subarray(offset, offset + 32), 32);
          return 32;
        },
        close: () => {
          this.isOutletOpen = false;
        },
      },
      log: pino({ level: 'warn', base: null }, { write: (line) => this.warnings.push(JSON.parse(line)) }),
      exit: (code) => this.exits.push(code),
    });
  }

  /** Frames and time, together. */
  run(frameCount: number): void {
    for (let i = 0; i < frameCount; i++) {
      this.clock.advance(FRAME_MS);
      this.camera.frame(this.clock.monotonicUs());
    }
  }

  /** A frame whose bytes take `ms` milliseconds to arrive; it is erased at once then. */
  slowFrame(ms: number): void {
    this.camera.frame(this.clock.monotonicUs(), () => this.clock.advance(ms));
  }

  of(kind: RecordKind): CorridorRecord[] {
    return this.records.filter((record) => record.kind === kind);
  }

  /** [state, reason] of every state record. */
  get states(): [number, number][] {
    return this.of(RecordKind.state).map(({ code, a }) => [code, a]);
  }

  get slotIsZero(): boolean {
    return this.slot?.every((byte) => byte === 0) ?? false;
  }

  async until(state: EyeState): Promise<void> {
    await eventually(2000, `state ${state}`, () => this.eye.state === state);
  }

  /** The lamp's levels, tick by tick, over one cycle of a pattern that has just begun. */
  lampShows(name: LampPatternName): void {
    const expected = [...levelsOf(LED_PATTERNS[name])];
    const seen = expected.map(() => {
      const level = this.gpio.isHigh(LED) ? 1 : 0;
      this.clock.advance(TICK_MS);
      return level;
    });
    assert.equal(seen, expected, name);
  }
}

test.before.each(async () => {
  stage = new Stage();
  stage.eye.start();
  await stage.until(EyeState.counting);
});
test.after.each(async () => {
  await stage.eye.stop(ExitCode.ok, EyeReason.none);
});

test('it introduces itself, then tells that it starts and that it counts', () => {
  assert.equal(
    stage.records.map(({ kind }) => kind),
    [RecordKind.hello, RecordKind.model, RecordKind.model, RecordKind.state, RecordKind.state],
  );
  assert.is(stage.records[0]!.index, 1);
  assert.equal(stage.states, [
    [EyeState.starting, EyeReason.none],
    [EyeState.counting, EyeReason.none],
  ]);
  assert.ok(stage.records.every(({ boot }) => boot === stage.records[0]!.boot));
  assert.equal(
    stage.records.map(({ sequence }) => sequence),
    [0, 1, 2, 3, 4],
  );
  stage.lampShows('counting');
});

test('every second it sends the totals of each line and the frames', () => {
  stage.run(30);
  assert.is(stage.of(RecordKind.totals).length, 3);
  assert.equal(
    stage.of(RecordKind.frames).map(({ a, b, c }) => [a, b, c]),
    [
      [9, 9, 0],
      [19, 19, 0],
      [29, 29, 0],
    ],
  );
});

test('frames that break off are counted as dropped', () => {
  stage.camera.halfFrame();
  stage.camera.fail('disconnected');
  assert.ok(stage.slotIsZero, 'a camera that dies in mid-frame leaves no picture');
  stage.clock.advance(1000);
  assert.is(stage.of(RecordKind.frames).at(-1)!.c, 1);
});

test('every minute it sends how long pictures lived, in that minute and since its boot', () => {
  stage.run(600);
  stage.slowFrame(7);
  stage.run(600);
  // The manual clock stands still inside all other frames, which are in the bucket that ends at 10 µs. Frames at the very moment of the minute belong to the next one.
  assert.equal(
    stage.of(RecordKind.residency).map(({ index, a, b, c, d }) => [index, a, b, c, d]),
    [
      [ResidencySpan.pixelsMinute, 0, 0, 0, 599],
      [ResidencySpan.derivedMinute, 0, 0, 0, 599],
      [ResidencySpan.pixelsBoot, 0, 0, 0, 599],
      [ResidencySpan.derivedBoot, 0, 0, 0, 599],
      [ResidencySpan.pixelsMinute, 10, 10, 7000, 601],
      [ResidencySpan.derivedMinute, 10, 10, 7000, 601],
      [ResidencySpan.pixelsBoot, 10, 10, 7000, 1200],
      [ResidencySpan.derivedBoot, 10, 10, 7000, 1200],
    ],
  );
});

test('every second it sends the longest residency since the second before, dropped frames with it', () => {
  stage.slowFrame(7);
  stage.slowFrame(4);
  stage.clock.advance(1000);
  stage.camera.halfFrame();
  stage.clock.advance(300);
  stage.camera.abandon();
  stage.clock.advance(700);
  stage.clock.advance(1000);
  assert.equal(
    stage.of(RecordKind.longest).map(({ a, b }) => [a, b]),
    [
      [7000, 7000],
      [300_000, 0],
      [0, 0],
    ],
  );
});

test('a picture that hangs in the slot is told each second with its age, before anything becomes of it', () => {
  stage.clock.advance(800);
  stage.camera.halfFrame();
  stage.clock.advance(2200);
  assert.equal(
    stage.of(RecordKind.longest).map(({ a }) => a),
    [200_000, 1_200_000, 2_200_000],
  );
});

test('frames over the limit are told within a second, all of them at once, and again each minute', () => {
  stage.run(15);
  assert.equal(stage.of(RecordKind.overlong), [], 'nothing to tell');
  stage.slowFrame(12);
  stage.slowFrame(31);
  stage.slowFrame(9);
  stage.run(5);
  const atMs = stage.clock.wallMs();
  const told = (): number[][] => stage.of(RecordKind.overlong).map(({ timeMs, a, b }) => [timeMs, a, b]);
  assert.equal(told().length, 1);
  assert.equal(told()[0]!.slice(1), [31_000, 2]);
  assert.ok(Math.abs(told()[0]![0]! - atMs) < 1000);
  stage.clock.advance(60_000);
  assert.equal(told(), [told()[0], told()[0]], 'the same words for a voice that was restarted');
});

test('a minute without a frame over the limit says so, for a voice that does not know', () => {
  stage.run(600);
  assert.equal(
    stage.of(RecordKind.overlong).map(({ a, b }) => [a, b]),
    [[0, 0]],
  );
});

test('a warning about frames over the limit is logged at once, then at most once a minute, and none is left out', () => {
  stage.slowFrame(12);
  stage.run(10);
  for (let i = 0; i < 20; i++) {
    stage.slowFrame(11);
    stage.run(10);
  }
  assert.equal(
    stage.warnings.map(({ frames, lastMs, limitMs }) => [frames, lastMs, limitMs]),
    [[1, 12, 10]],
  );
  stage.clock.advance(60_000);
  assert.equal(
    stage.warnings.map(({ frames }) => frames),
    [1, 20],
  );
});

test('the limit is the configured one', async () => {
  const strict = new Stage(() => {}, { privacy: { residency_ms_max: 2.5 } });
  strict.eye.start();
  await strict.until(EyeState.counting);
  strict.slowFrame(2);
  strict.slowFrame(3);
  strict.clock.advance(1000);
  assert.equal(
    strict.of(RecordKind.overlong).map(({ a, b }) => [a, b]),
    [[3000, 1]],
  );
  await strict.eye.stop(ExitCode.ok, EyeReason.none);
});

test('it says which model it runs, at its start and each minute', () => {
  stage.clock.advance(60_000);
  const hex = stage
    .of(RecordKind.model)
    .map(({ a, b, c, d }) => [a, b, c, d].map((word) => word.toString(16).padStart(8, '0')).join(''));
  const { sha256 } = model.manifest;
  assert.equal(hex, [sha256.slice(0, 32), sha256.slice(32), sha256.slice(0, 32), sha256.slice(32)]);
});

test('the truth of a simulated camera is passed on as running totals', () => {
  stage.camera.cross(0, 0, 0);
  stage.camera.cross(0, 0, 0);
  stage.camera.cross(0, 1, 0);
  assert.equal(
    stage.of(RecordKind.truth).map(({ index, a, b }) => [index, a, b]),
    [
      [0, 1, 0],
      [0, 2, 0],
      [0, 2, 1],
    ],
  );
});

test('the privacy button stops the camera, erases the slot and shows on the lamp; totals go on', async () => {
  stage.run(5);
  stage.camera.halfFrame();
  assert.not(stage.slotIsZero);
  stage.gpio.press(BUTTON);
  await stage.until(EyeState.paused);
  assert.not(stage.camera.isRunning);
  assert.ok(stage.slotIsZero);
  assert.equal(stage.states.at(-1), [EyeState.paused, EyeReason.button]);
  stage.lampShows('paused');
  assert.not(stage.camera.frame(0), 'no frame comes while paused');
  const totals = stage.of(RecordKind.totals).length;
  stage.clock.advance(3000);
  assert.is(stage.of(RecordKind.totals).length, totals + 3);
});

test('the button again: it starts and counts, from the same totals', async () => {
  stage.gpio.press(BUTTON);
  await stage.until(EyeState.paused);
  stage.clock.advance(1000);
  stage.gpio.press(BUTTON);
  await stage.until(EyeState.counting);
  assert.ok(stage.camera.isRunning);
  assert.equal(
    stage.states.slice(2).map(([state]) => state),
    [EyeState.paused, EyeState.starting, EyeState.counting],
  );
  stage.run(10);
  assert.ok(stage.of(RecordKind.frames).at(-1)!.a > 0);
});

test('a bouncing contact is one press', async () => {
  stage.gpio.press(BUTTON);
  stage.gpio.press(BUTTON);
  stage.clock.advance(10);
  stage.gpio.press(BUTTON);
  await stage.until(EyeState.paused);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.is(stage.eye.state, EyeState.paused);
});

test('held for ten seconds and let go after the lamp’s sign, it ends for a reset, without a pause in between', async () => {
  stage.gpio.hold(BUTTON);
  stage.clock.advance(RESET_HOLD_MS - 1);
  assert.is(stage.eye.state, EyeState.counting, 'neither paused nor reset');
  stage.clock.advance(1);
  stage.lampShows('reset');
  assert.equal(stage.exits, [], 'not while it is down');
  stage.gpio.release(BUTTON);
  await eventually(2000, 'the end', () => stage.exits.length > 0);
  assert.equal(stage.exits, [ExitCode.reset]);
  assert.ok(stage.slotIsZero);
  assert.not.ok(stage.states.some(([state]) => state === EyeState.paused));
});

test('a button that seems to be held for ever resets nothing, and it is told', async () => {
  stage.gpio.hold(BUTTON);
  stage.clock.advance(HOLD_FACTOR_MAX * RESET_HOLD_MS + 1000);
  stage.gpio.release(BUTTON);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(stage.exits, []);
  assert.is(stage.eye.state, EyeState.counting);
  assert.match(String(stage.warnings.at(-1)?.['msg']), /held too long.*cable/);
});

test('pressed while the camera is still coming up: paused it is, and stays', async () => {
  stage.gpio.press(BUTTON);
  await stage.until(EyeState.paused);
  const release = stage.camera.holdStarts();
  stage.clock.advance(1000);
  stage.gpio.press(BUTTON); // go on
  await stage.until(EyeState.starting);
  stage.clock.advance(1000);
  stage.gpio.press(BUTTON); // no, do not
  release();
  await stage.until(EyeState.paused);
  assert.not(stage.camera.isRunning);
  assert.equal(stage.states.at(-1), [EyeState.paused, EyeReason.button]);
});

test('a lost camera is told with its reason, erased, shown, and comes back', async () => {
  stage.run(3);
  stage.camera.fail('timeout');
  assert.is(stage.eye.state, EyeState.cameraLost);
  assert.equal(stage.states.at(-1), [EyeState.cameraLost, EyeReason.timeout]);
  stage.lampShows('cameraLost');
  await stage.until(EyeState.counting); // after the real half second
  assert.ok(stage.camera.isRunning);
});

test('the button works while the camera is lost: no restart follows', async () => {
  stage.camera.fail('timeout');
  stage.gpio.press(BUTTON);
  await stage.until(EyeState.paused);
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.equal([stage.eye.state, stage.camera.startCount], [EyeState.paused, 1]);
});

test('words of the voice show on the lamp', () => {
  stage.eye.onControl(ControlWord.linkDown);
  stage.lampShows('linkDown');
  stage.eye.onControl(ControlWord.identify);
  stage.lampShows('identify');
});

test('in set-up mode the eye tells who is where four times a second, and not a record more when it is over', async () => {
  stage.eye.onControl(ControlWord.setupOn);
  stage.reader.takesDots = true;
  stage.lampShows('setup');
  const before = stage.of(RecordKind.dots).length;
  stage.clock.advance(1000);
  const told = stage.of(RecordKind.dots).slice(before);
  assert.equal(
    told.map(({ index, code, a, b, c, d }) => [index, code, a, b, c, d]),
    Array.from({ length: 4 }, () => [0, 0, 0, 0, 0, 0]),
    'nobody is there, and that is told',
  );
  stage.gpio.press(BUTTON);
  await stage.until(EyeState.paused);
  stage.reader.takesDots = false; // what would come now would cut the eye off, and fail
  stage.lampShows('paused');
  stage.gpio.press(BUTTON);
  stage.eye.onControl(ControlWord.setupOff);
  await stage.until(EyeState.counting);
  stage.clock.advance(1000);
});

test('stopping sends the last totals and the goodbye, closes the corridor, leaves the lamp dark, and ends once', async () => {
  stage.run(3);
  await stage.eye.stop(ExitCode.ok, EyeReason.none);
  assert.equal(
    stage.records.slice(-12).map(({ kind }) => kind),
    [
      RecordKind.totals,
      RecordKind.net,
      RecordKind.frames,
      RecordKind.longest,
      RecordKind.residency,
      RecordKind.residency,
      RecordKind.residency,
      RecordKind.residency,
      RecordKind.overlong,
      RecordKind.model,
      RecordKind.model,
      RecordKind.state,
    ],
  );
  assert.equal(stage.states.at(-1), [EyeState.stopping, EyeReason.none]);
  assert.is(stage.of(RecordKind.frames).at(-1)!.a, 3);
  assert.not(stage.isOutletOpen);
  assert.not(stage.gpio.isHigh(LED));
  assert.ok(stage.slotIsZero);
  await stage.eye.stop(ExitCode.failed, EyeReason.other);
  stage.clock.advance(5000);
  assert.equal(stage.exits, [ExitCode.ok]);
});

test('the end of a file ends the eye with 0 and says why', async () => {
  stage.run(2);
  stage.camera.end();
  await eventually(2000, 'exit', () => stage.exits.length > 0);
  assert.equal(stage.exits, [ExitCode.ok]);
  assert.equal(stage.states.at(-1), [EyeState.stopping, EyeReason.endOfSource]);
});

test('a button pressed while it stops changes nothing', async () => {
  const stopped = stage.eye.stop(ExitCode.ok, EyeReason.none);
  stage.gpio.press(BUTTON);
  await stopped;
  assert.equal(stage.states.at(-1), [EyeState.stopping, EyeReason.none]);
  assert.equal(stage.exits, [ExitCode.ok]);
});

test('a camera that cannot be stopped ends the process with 74, erased', async () => {
  stage.camera.halfFrame();
  stage.camera.stop = () => Promise.reject(new Error('still writing'));
  stage.gpio.press(BUTTON);
  await eventually(2000, 'exit', () => stage.exits.length > 0);
  assert.is(stage.exits[0], ExitCode.ioError);
  assert.ok(stage.slotIsZero);
});

test('a lamp that cannot be had is no reason not to count', async () => {
  const dark = new Stage((gpio) => gpio.failNext('busy'));
  dark.eye.start();
  await dark.until(EyeState.counting);
  assert.equal(dark.gpio.changes(LED), []);
  await dark.eye.stop(ExitCode.ok, EyeReason.none);
  assert.equal(dark.exits, [ExitCode.ok]);
});

test('entrances are counters after the lines, and every zone speaks each second', async () => {
  const line = { name: 'outer', from: [0.05, 0.4], to: [0.95, 0.4], in: 'down' };
  const hall = [
    [0, 0.6],
    [1, 0.6],
    [1, 1],
  ];
  const other = new Stage(() => {}, {
    lines: [line, { ...line, name: 'inner', from: [0.05, 0.6], to: [0.95, 0.6] }],
    entrances: [{ name: 'main', lines: ['outer', 'inner'] }],
    zones: [
      { name: 'hall', polygon: hall },
      { name: 'till', polygon: hall },
    ],
  });
  other.eye.start();
  await other.until(EyeState.counting);
  const [hello] = other.of(RecordKind.hello);
  assert.equal([hello?.index, hello?.code], [3, 2]);
  other.run(10);
  for (const [kind, count] of [
    [RecordKind.totals, 3],
    [RecordKind.net, 3],
    [RecordKind.zone, 2],
    [RecordKind.passers, 2],
  ] as const) {
    assert.equal(
      other.of(kind).map(({ index }) => index),
      Array.from({ length: count }, (_, index) => index),
      `kind ${kind}`,
    );
  }
  await other.eye.stop(ExitCode.ok, EyeReason.none);
});

test('a clock that was never set gives times of 2020, which the voice takes', () => {
  const before = new Stage();
  before.clock.jumpWall(-before.clock.wallMs());
  before.eye.start();
  assert.is(before.of(RecordKind.hello)[0]?.timeMs, TIME_MS_MIN);
});

test.run();
