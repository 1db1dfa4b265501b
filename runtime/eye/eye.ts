/**
 * The eye: camera → pipeline → corridor, with lamp and privacy button. It has no network: it knows one pipe out, which
 * takes 32-byte records, and one pipe in, which brings single enumerated bytes.
 * What happens between two frames (state, once-a-second totals) is here and in residency-report.ts; everything that happens
 * to a frame is in loop.ts. Drivers are handed in by main.ts.
 */
import { randomBytes } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { ControlWord } from '../corridor/control.ts';
import {
  Direction,
  DOTS_HZ,
  DWELL_MS_MAX,
  EYE_STATE_WORDS,
  EyeReason,
  EyeState,
  emptyRecord,
  RecordKind,
  TIME_MS_MIN,
} from '../corridor/record.ts';
import { CorridorWriter, type RecordOutlet } from '../corridor/writer.ts';
import { DriverError, ExitCode, explain } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Camera } from '../ports/camera.ts';
import type { Clock } from '../ports/clock.ts';
import type { Gpio, InputPin, OutputPin } from '../ports/gpio.ts';
import { MS_PER_MINUTE, MS_PER_S } from '../units.ts';
import { CameraKeeper } from './camera-keeper.ts';
import { Indicator } from './indicator.ts';
import type { DescribedEngine } from './infer/engine.ts';
import type { Model } from './model.ts';
import { createPipelineOf, type Pipeline } from './pipeline.ts';
import { ResidencyReport } from './residency-report.ts';
import { SetupMode } from './setup.ts';
import type { EyeFacts } from './vitals.ts';

/** Contacts of a cheap button bounce for up to 20 ms; people do not press twice in 50. */
const BUTTON_DEBOUNCE_MS = 50;
/**
 * Long enough that nobody does it by leaning on it. A press is the privacy pause and acts when the button is let go; a hold
 * never pauses as well. It resets when the button is let go after the lamp's sign: a cable with a short is down for ever and
 * does nothing.
 */
export const RESET_HOLD_MS = 10_000;
const DOTS_PERIOD_MS = MS_PER_S / DOTS_HZ;

/** For a device without a lamp, by configuration or by fault. */
const NO_LAMP: OutputPin = { write: () => {}, close: () => {} };

const REASON_OF_KIND = {
  absent: EyeReason.absent,
  busy: EyeReason.busy,
  timeout: EyeReason.timeout,
  disconnected: EyeReason.disconnected,
  other: EyeReason.other,
} as const;

export type EyeParts = {
  readonly config: Config;
  readonly model: Model;
  readonly engine: DescribedEngine;
  readonly camera: Camera;
  readonly gpio: Gpio;
  readonly clock: Clock;
  readonly outlet: RecordOutlet;
  readonly log: Log;
  /** Ends the process; called after everything was stopped and sent. */
  readonly exit: (code: ExitCode) => void;
};

export class Eye {
  state: EyeState = EyeState.starting;
  readonly #parts: EyeParts;
  readonly #writer: CorridorWriter;
  readonly #record = emptyRecord();
  readonly #trueIn: Uint32Array;
  readonly #trueOut: Uint32Array;
  readonly #stopTimers: Array<() => void> = [];
  readonly #lamp: OutputPin;
  readonly #indicator: Indicator;
  #pipeline!: Pipeline;
  #residency!: ResidencyReport;
  #setup!: SetupMode;
  #keeper!: CameraKeeper;
  #button: InputPin | undefined;
  #isStopping = false;

  constructor(parts: EyeParts) {
    this.#parts = parts;
    this.#writer = new CorridorWriter(parts.outlet, randomBytes(4).readUInt32LE());
    this.#trueIn = new Uint32Array(parts.config.lines.length);
    this.#trueOut = new Uint32Array(parts.config.lines.length);
    this.#lamp = this.#openLamp();
    this.#indicator = new Indicator(this.#lamp, parts.clock);
  }

  /** Prepares everything, then lets frames come. */
  start(): void {
    const { config, model, engine, camera, clock, gpio, log } = this.#parts;
    this.#pipeline = createPipelineOf(engine, config, model, config, clock, {
      onCrossing: (counterIndex, direction) => this.#sendTotals(RecordKind.crossing, counterIndex, direction),
      onNet: (counterIndex) => this.#sendNet(counterIndex),
      onVisit: (zoneIndex, dwellMs) => this.#sendVisit(zoneIndex, dwellMs),
    });
    const { loop } = this.#pipeline;
    this.#residency = new ResidencyReport({
      loop,
      modelSha256: model.manifest.sha256,
      residencyMsMax: config.privacy.residencyMsMax,
      clock,
      log,
      send: (kind, index, a, b, { c = 0, d = 0, timeMs } = {}) => {
        this.#record.c = c;
        this.#record.d = d;
        this.#send(kind, index, 0, a, b, timeMs);
      },
    });
    this.#setup = new SetupMode({
      tracker: this.#pipeline.tracker,
      widthPx: engine.format.widthPx,
      heightPx: engine.format.heightPx,
      clock,
      isCounting: () => this.state === EyeState.counting,
      // What waits in the ring is what was counted: positions of a moment that is over must not push it out.
      hasRoom: () => this.#writer.waitingCount === 0,
      record: this.#record,
      send: (record) => this.#writer.send(record),
      onChange: (isOn) => {
        this.#indicator.showSetup(isOn);
        log.info(isOn ? 'set-up mode: positions of people are told to the voice' : 'set-up mode is over');
      },
    });
    log.info({ plan: engine.describe() }, 'engine prepared');
    this.#keeper = new CameraKeeper(camera, loop, () => loop.framesRead, {
      onRunning: () => this.#enter(EyeState.counting, EyeReason.none),
      onLost: (error, pauseMs) => this.#onCameraLost(error, pauseMs),
      onEnd: () => void this.stop(ExitCode.ok, EyeReason.endOfSource),
      onGivenUp: (error) => {
        log.error({ camera: camera.name, hint: error.hint }, `camera given up: ${error.message}`);
        void this.stop(error.exitCode, error instanceof DriverError ? REASON_OF_KIND[error.kind] : EyeReason.other);
      },
      onStuck: (error) => {
        log.fatal({ camera: camera.name }, `camera cannot be stopped: ${explain(error)}`);
        loop.forget();
        this.#parts.exit(ExitCode.ioError);
      },
      onTruth: (lineIndex, direction) => this.#onTruth(lineIndex, direction),
    });
    const { lines, zones } = this.#pipeline.counting;
    this.#send(RecordKind.hello, lines.counterCount, zones.zoneCount, 0, 0);
    this.#residency.model();
    this.#enter(EyeState.starting, EyeReason.none);
    this.#openButton();
    log.info(
      {
        camera: camera.name,
        simulated: camera.simulated,
        model: `${model.manifest.name} ${model.manifest.version}`,
        gpio: gpio.available ? gpio.name : gpio.reason,
      },
      'eye started',
    );
    this.#stopTimers.push(
      clock.every(MS_PER_S, () => this.#everySecond()),
      clock.every(MS_PER_MINUTE, () => this.#residency.everyMinute()),
      clock.every(DOTS_PERIOD_MS, () => this.#setup.tick()),
    );
    this.#keeper.start();
  }

  /** Whether it is well (vitals.ts). */
  facts(): EyeFacts {
    const { framesRead, framesDropped } = this.#pipeline.loop;
    return { state: this.state, frameCount: framesRead + framesDropped };
  }

  onControl(word: ControlWord): void {
    this.#indicator.hear(word);
    this.#setup.hear(word);
    if (word === ControlWord.startAgain) void this.stop(ExitCode.again, EyeReason.none);
  }

  /** The privacy button: the camera stops and the slot is cleared before the lamp says so; again: it goes on. */
  async togglePause(): Promise<void> {
    if (this.#isStopping) return;
    if (this.state === EyeState.paused) {
      this.#enter(EyeState.starting, EyeReason.none);
      this.#keeper.start();
      return;
    }
    await this.#keeper.stop();
    this.#pipeline.loop.forget();
    this.#enter(EyeState.paused, EyeReason.button);
  }

  /** Stops the camera, clears all memory, sends what is left, ends. Safe to call twice. */
  async stop(code: ExitCode, reason: EyeReason): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const stopTimer of this.#stopTimers) stopTimer();
    await this.#keeper.stop();
    this.#pipeline.loop.forget();
    this.#everySecond();
    this.#residency.everyMinute();
    this.#enter(EyeState.stopping, reason);
    this.#button?.close();
    this.#indicator.stop();
    this.#lamp.close();
    this.#writer.close();
    this.#parts.exit(code);
  }

  #openLamp(): OutputPin {
    const { config, gpio, log } = this.#parts;
    if (config.gpio.ledBcm < 0) return NO_LAMP;
    try {
      return gpio.openOutput(config.gpio.ledBcm);
    } catch (error) {
      log.warn({ bcm: config.gpio.ledBcm }, `no status lamp: ${explain(error)}`);
      return NO_LAMP;
    }
  }

  #openButton(): void {
    const { config, gpio, log } = this.#parts;
    if (config.gpio.buttonBcm < 0) return;
    try {
      this.#button = gpio.openButton(config.gpio.buttonBcm, BUTTON_DEBOUNCE_MS, () => void this.togglePause(), {
        ms: RESET_HOLD_MS,
        onReached: () => this.#indicator.showHeld(true),
        onReleased: (isMeant) => this.#onHold(isMeant),
      });
    } catch (error) {
      log.warn({ bcm: config.gpio.buttonBcm }, `no privacy button: ${explain(error)}`);
    }
  }

  /** Whoever started us removes configuration, credentials and counts; the eye itself can write no file. */
  #onHold(isMeant: boolean): void {
    this.#indicator.showHeld(false);
    if (!isMeant) {
      this.#parts.log.warn('the button was held too long for a reset; nothing is done. Check its cable for a short.');
      return;
    }
    this.#parts.log.warn('the button was held: reset to a device without a configuration');
    void this.stop(ExitCode.reset, EyeReason.none);
  }

  #enter(state: EyeState, reason: EyeReason): void {
    // A camera that comes up while somebody pressed the button must not undo the pause.
    if (state === EyeState.counting && !this.#keeper.isWanted) return;
    const changed = state !== this.state || state === EyeState.starting;
    this.state = state;
    this.#indicator.showState(state);
    this.#send(RecordKind.state, 0, state, reason, 0);
    if (changed) this.#parts.log.info({ state: EYE_STATE_WORDS[state] }, 'eye state');
  }

  #onCameraLost(error: DriverError, pauseMs: number): void {
    this.#parts.log.warn(
      { camera: this.#parts.camera.name, retryMs: pauseMs, hint: error.hint },
      `camera lost: ${error.message}`,
    );
    this.#pipeline.loop.forget();
    this.#enter(EyeState.cameraLost, REASON_OF_KIND[error.kind]);
  }

  #onTruth(lineIndex: number, direction: 0 | 1): void {
    const counts = direction === Direction.in ? this.#trueIn : this.#trueOut;
    counts[lineIndex]! += 1;
    this.#send(RecordKind.truth, lineIndex, 0, this.#trueIn[lineIndex]!, this.#trueOut[lineIndex]!);
  }

  #everySecond(): void {
    const { loop, tracker, counting } = this.#pipeline;
    for (let counterIndex = 0; counterIndex < counting.lines.counterCount; counterIndex++) {
      this.#sendTotals(RecordKind.totals, counterIndex, 0);
      this.#sendNet(counterIndex);
    }
    for (let zoneIndex = 0; zoneIndex < counting.zones.zoneCount; zoneIndex++) this.#sendZone(zoneIndex);
    this.#record.c = loop.framesDropped;
    this.#record.d = tracker.confirmedCount;
    this.#send(RecordKind.frames, 0, 0, loop.framesRead, loop.framesErased);
    this.#residency.everySecond();
    this.#writer.flush();
  }

  #sendTotals(kind: RecordKind, counterIndex: number, direction: Direction): void {
    const { lines } = this.#pipeline.counting;
    this.#send(kind, counterIndex, direction, lines.inCount[counterIndex]!, lines.outCount[counterIndex]!);
  }

  #sendNet(counterIndex: number): void {
    const { lines } = this.#pipeline.counting;
    this.#send(RecordKind.net, counterIndex, 0, lines.netInCount[counterIndex]!, lines.netOutCount[counterIndex]!);
  }

  #sendZone(zoneIndex: number): void {
    const { zones } = this.#pipeline.counting;
    this.#record.c = zones.visitCount[zoneIndex]!;
    this.#record.d = zones.bounceCount[zoneIndex]!;
    this.#send(RecordKind.zone, zoneIndex, 0, zones.occupancy[zoneIndex]!, zones.queue[zoneIndex]!);
    this.#send(RecordKind.passers, zoneIndex, 0, zones.passerByCount[zoneIndex]!, zones.endedCount[zoneIndex]!);
  }

  #sendVisit(zoneIndex: number, dwellMs: number): void {
    const { zones } = this.#pipeline.counting;
    this.#send(RecordKind.visit, zoneIndex, 0, Math.min(DWELL_MS_MAX, dwellMs), zones.endedCount[zoneIndex]!);
  }

  #send(kind: RecordKind, index: number, code: number, a: number, b: number, timeMs?: number): void {
    const record = this.#record;
    record.kind = kind;
    record.index = index;
    record.code = code;
    // A board without a battery may start in 1970, until it has asked the network: early, but not a broken record.
    record.timeMs = Math.max(TIME_MS_MIN, Math.round(timeMs ?? this.#parts.clock.wallMs()));
    record.a = a;
    record.b = b;
    this.#writer.send(record);
  }
}
