/**
 * Scan: what a device without configuration does. Camera → code → checks → handed on to the later steps of the setup; all
 * the while the lamp says how it goes. It has the camera and so, as the eye, neither network nor any file but the folder
 * between the steps. It never gives up: a camera that fails is tried again for ever, a code that is refused is told and the
 * next one looked for. After a code was taken the process ends, and with it every memory in which the code lay.
 * Drivers are handed in by main.ts.
 */
import { CameraKeeper } from '../../../runtime/camera-keeper.ts';
import { ExitCode, explain } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import type { Camera } from '../../../runtime/ports/camera.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import type { OutputPin } from '../../../runtime/ports/gpio.ts';
import type { Pulse } from '../../../runtime/ports/pulse.ts';
import { MS_PER_MINUTE, MS_PER_S, US_PER_MS } from '../../../runtime/units.ts';
import { readCode } from '../../payload/code.ts';
import type { CodeKeys } from '../../payload/keys.ts';
import type { SetupPayload } from '../../payload/payload.ts';
import { REFUSALS, type Refusal } from '../../payload/refusals.ts';
import { CodeReader } from './code-reader.ts';
import { digestOf, type SetupFiles } from './files.ts';
import { ScanFrames } from './frames.ts';
import { REFUSAL_MS, ScanLamp } from './lamp.ts';
import type { ScanPatternName } from './patterns.ts';
import { ScanVitals } from './vitals.ts';

/** A code is held before the camera for many pictures: one line of log is enough. */
const REFUSAL_LOG_MS = 5000;
/** The lamp says that the code was taken before the process ends and the next one goes on saying so. */
const ACCEPTED_MS = 2000;
/** Longer than network, time and claim may take together; later it is no news any more that a code was taken. */
const UNDER_WAY_MS_MAX = 10 * MS_PER_MINUTE;
/**
 * A code of ours that was refused leaves its passphrase in strings that cannot be cleared (measured: dozens of copies 20 s
 * later). So long after it was last seen, when its refusal has been told, the process ends and gives its memory back.
 */
const SECRET_MS_MAX = REFUSAL_MS;
/** Without its program the thread fails at once, again and again: then the whole process is started anew. */
const THREAD_FAILURES_MAX = 5;

/** Whatever its version, it may have a passphrase in it. */
const OURS = /^LETHE\d+\./;

export type ScanParts = {
  readonly camera: Camera;
  readonly clock: Clock;
  readonly lamp: OutputPin;
  readonly files: SetupFiles;
  /** Of the device, if its card says one. */
  readonly deviceName: string | undefined;
  readonly pulse: Pulse;
  readonly log: Log;
  /** Ends the process; called after everything was stopped. */
  readonly exit: (code: ExitCode) => void;
};

export class Scan {
  readonly #parts: ScanParts;
  readonly #lamp: ScanLamp;
  readonly #reader: CodeReader;
  readonly #frames: ScanFrames;
  readonly #keeper: CameraKeeper;
  readonly #vitals: ScanVitals;
  readonly #stopTimers: (() => void)[] = [];
  #keys: CodeKeys | undefined;
  #camera: 'starting' | 'running' | 'lost' = 'starting';
  #isDone = false;
  #refusalLogged: Refusal | undefined;
  #refusalLoggedAtUs = 0;
  #patternLogged: ScanPatternName = 'starting';
  /** When a code of ours was read last and was not handed on; undefined: none since the start. */
  #secretReadAtUs: number | undefined;

  constructor(parts: ScanParts) {
    const { camera, clock, lamp, log } = parts;
    this.#parts = parts;
    this.#lamp = new ScanLamp(lamp, clock);
    this.#vitals = new ScanVitals(parts.pulse, clock.monotonicUs());
    this.#reader = new CodeReader(clock, {
      onText: (text) => this.#onText(text),
      onUnreadable: () => this.#lamp.showSeen(),
      onFault: (why, failuresInRow) => this.#onThreadFault(why, failuresInRow),
    });
    this.#frames = new ScanFrames((frame) => this.#reader.offer(frame));
    this.#keeper = new CameraKeeper(
      camera,
      this.#frames,
      () => this.#frames.framesRead,
      {
        onRunning: () => this.#showCamera('running'),
        onLost: (error, pauseMs) => {
          log.warn({ camera: camera.name, kind: error.kind, hint: error.hint }, `camera lost: ${error.message}`);
          log.info(`the camera is tried again in ${pauseMs} ms`);
          this.#frames.clear();
          this.#showCamera('lost');
        },
        onEnd: () => void this.stop(ExitCode.ok),
        onGivenUp: (error) => {
          log.fatal({ hint: error.hint }, error.message);
          void this.stop(error.exitCode);
        },
        onStuck: (error) => {
          log.fatal({ camera: camera.name }, `camera cannot be stopped: ${explain(error)}`);
          this.#frames.clear();
          parts.exit(ExitCode.ioError);
        },
        onTruth: () => {},
      },
      Number.POSITIVE_INFINITY,
    );
  }

  /** The button is held for long enough. */
  showHeld(): void {
    this.#lamp.showHeld(true);
  }

  /** It was let go. isMeant: whoever started us removes what is half set up, and starts us again. */
  onHold(isMeant: boolean): void {
    this.#lamp.showHeld(false);
    const { log, files } = this.#parts;
    if (!isMeant) {
      log.warn('the button was held too long; nothing is done. Check its cable for a short.');
      return;
    }
    log.warn('the button was held: what is half set up is forgotten');
    try {
      files.forgetTaken();
    } catch (error) {
      log.warn(`the code that was taken cannot be removed: ${explain(error)}`);
    }
    void this.stop(ExitCode.reset);
  }

  start(): void {
    const { clock } = this.#parts;
    // The clock's own timers let a process end that has no camera and no thread, as one without a key has not.
    const alive = setInterval(() => {}, MS_PER_MINUTE);
    this.#stopTimers.push(() => clearInterval(alive));
    this.#stopTimers.push(clock.every(MS_PER_S, () => this.#look()));
    this.#stopTimers.push(clock.every(MS_PER_MINUTE, () => this.#logMinute()));
    this.#look();
  }

  /** Ends camera and thread, lamp last; then `exit`. Safe to call twice. */
  async stop(code: ExitCode): Promise<void> {
    if (!this.#isDone) await this.#stopLooking();
    for (const stop of this.#stopTimers.splice(0)) stop();
    this.#lamp.stop();
    this.#parts.exit(code);
  }

  /** Once a second: keys, what the later steps say, and whether we are well. */
  #look(): void {
    if (this.#parts.files.isConfigured()) {
      this.#parts.log.info('there is a configuration: no code is looked for');
      void this.stop(ExitCode.ok);
      return;
    }
    if (this.#keys === undefined) this.#readKeys();
    this.#hearLaterSteps();
    this.#chooseLampState();
    this.#logPattern();
    this.#forgetSecrets();
    this.#vitals.tick(
      { isExpecting: this.#camera === 'running', frameCount: this.#frames.framesRead + this.#frames.framesDropped },
      this.#lamp.pattern,
      this.#parts.clock.monotonicUs(),
    );
  }

  #forgetSecrets(): void {
    if (this.#isDone || this.#secretReadAtUs === undefined) return;
    if (this.#parts.clock.monotonicUs() - this.#secretReadAtUs < SECRET_MS_MAX * US_PER_MS) return;
    this.#parts.log.info('ends to be started anew: a code that was not taken may still be in memory');
    void this.stop(ExitCode.ok);
  }

  #hearLaterSteps(): void {
    const refusal = this.#parts.files.takeRefusal();
    if (refusal === undefined) return;
    this.#parts.log.warn({ refusal }, `a later step says: ${textOf(refusal)}`);
    this.#lamp.showRefusal(refusal);
  }

  /** Without a key no code could be taken, so no picture is taken either. */
  #readKeys(): void {
    const { files, log } = this.#parts;
    try {
      this.#keys = files.keys();
    } catch (error) {
      if (this.#lamp.pattern !== 'noKeys') log.error(`no code can be taken: ${explain(error)}`);
      return;
    }
    log.info({ key_ids: [...this.#keys.keys()] }, 'looking for a code');
    this.#reader.start();
    this.#keeper.start();
  }

  #showCamera(state: 'running' | 'lost'): void {
    this.#camera = state;
    if (state === 'running') this.#parts.log.info({ camera: this.#parts.camera.name }, 'the camera runs');
    this.#chooseLampState();
  }

  #chooseLampState(): void {
    if (this.#isDone || this.#isUnderWay()) this.#lamp.showState('accepted');
    else if (this.#keys === undefined) this.#lamp.showState('noKeys');
    else if (this.#camera === 'lost') this.#lamp.showState('cameraLost');
    else this.#lamp.showState(this.#frames.framesRead > 0 ? 'waiting' : 'starting');
  }

  /** A code was handed on not long ago, and nobody has refused it. */
  #isUnderWay(taken = this.#parts.files.taken()): boolean {
    if (taken === undefined || taken.isRefused) return false;
    return Math.abs(this.#parts.clock.wallMs() - taken.takenAtMs) < UNDER_WAY_MS_MAX;
  }

  /** Still held before the camera: it is under way, or its refusal is being told and must be seen before it is tried again. */
  #isHandledNow(text: string): boolean {
    const taken = this.#parts.files.taken();
    if (taken?.digest !== digestOf(text)) return false;
    // It may have been refused since the last look.
    this.#hearLaterSteps();
    return this.#isUnderWay(taken) || this.#lamp.isRefusing;
  }

  #onText(text: string): void {
    const { files, deviceName } = this.#parts;
    if (this.#isDone || this.#keys === undefined) return;
    // Set up since the last look, and the code is still there: handed on, it would wait for a step that never comes again.
    if (files.isConfigured()) return;
    if (OURS.test(text)) this.#secretReadAtUs = this.#parts.clock.monotonicUs();
    if (this.#isHandledNow(text)) return;
    const device = { ...(deviceName !== undefined && { name: deviceName }), spent: () => false };
    const reading = readCode(text, this.#keys, files.moment(), device);
    if (reading.ok) this.#onAccepted(text, reading.payload);
    else this.#onRefused(reading.refusal);
  }

  #onAccepted(text: string, payload: SetupPayload): void {
    try {
      this.#parts.files.handOn(text);
    } catch (error) {
      this.#parts.log.error(`the code cannot be handed on (${(error as NodeJS.ErrnoException).code}).`);
      this.#onRefused('no_disk');
      return;
    }
    this.#isDone = true;
    const { site, device, keyId: key_id } = payload;
    this.#parts.log.info({ site, device, key_id }, 'code taken; the later steps go on with it');
    this.#chooseLampState();
    this.#logPattern();
    const shown = new Promise((resolve) => setTimeout(resolve, ACCEPTED_MS));
    void Promise.all([this.#stopLooking(), shown]).then(() => this.stop(ExitCode.ok));
  }

  #onRefused(refusal: Refusal): void {
    this.#lamp.showRefusal(refusal);
    this.#logPattern();
    const nowUs = this.#parts.clock.monotonicUs();
    const isNews = refusal !== this.#refusalLogged || nowUs - this.#refusalLoggedAtUs >= REFUSAL_LOG_MS * US_PER_MS;
    if (!isNews) return;
    this.#refusalLogged = refusal;
    this.#refusalLoggedAtUs = nowUs;
    this.#parts.log.warn({ refusal }, `code refused: ${textOf(refusal)}`);
  }

  async #stopLooking(): Promise<void> {
    await this.#keeper.stop();
    this.#frames.clear();
    await this.#reader.stop();
  }

  #onThreadFault(why: string, failuresInRow: number): void {
    this.#parts.log.error(`the thread that reads codes has failed: ${why}`);
    if (failuresInRow >= THREAD_FAILURES_MAX) void this.stop(ExitCode.ioError);
  }

  #logPattern(): void {
    const { pattern } = this.#lamp;
    if (pattern === this.#patternLogged) return;
    this.#patternLogged = pattern;
    this.#parts.log.info({ lamp: pattern }, 'lamp');
  }

  #logMinute(): void {
    const { framesRead, framesDropped } = this.#frames;
    const { looksCount, skippedCount } = this.#reader;
    const lookMs = this.#reader.takeLookMs();
    this.#parts.log.info(
      {
        frames_read: framesRead,
        frames_dropped: framesDropped,
        looks: looksCount,
        skipped: skippedCount,
        ...(lookMs && { look_ms_mean: round(lookMs.mean), look_ms_max: round(lookMs.max) }),
      },
      'since the start',
    );
  }
}

function textOf(refusal: Refusal): string {
  const { sentence, remedy } = REFUSALS[refusal];
  return `${sentence} ${remedy}`;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
