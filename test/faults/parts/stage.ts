/**
 * A stage: the real voice, a real mosquitto, a tap between them, a scripted eye and an observer. A fault test does its
 * mischief to these, then `settle` lets everything come to rest, and the judge says what was lost.
 *
 * The voice runs under Node's permission model, as the supervisor starts it, since there it may not call fsync.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import { VoiceProcess } from '../../broker/process.ts';
import { TestBroker } from '../../fakes/broker.ts';
import { checkContract } from '../../fakes/contract.ts';
import { eventually } from '../../fakes/within.ts';
import { type Count, ScriptedEye } from './eye.ts';
import { judge, missingOf, type Verdict } from './judge.ts';
import { Observer } from './observer.ts';
import { Random, SEED } from './random.ts';
import { kindOf, placeOf, type RecordPayload } from './records.ts';
import { Tap } from './tap.ts';
import { QuickTime, TIME_FILE_VARIABLE } from './time.ts';

/** How often each fault strikes. LETHE_TEST_TIMEOUT_MS must grow with it: 200 tries take some minutes a file. */
export const TRIES = Number(process.env['FAULT_TRIES'] ?? 10);
/** The least that the schema allows. */
export const INTERVAL_S = 5;
const LINES_DEFAULT = 8;
const BASE = 'lethe/v1/demo/door1';
const START_MS_MAX = 20_000;
/** Real time in which everything must have arrived after the last fault. */
const SETTLE_MS_MAX = Math.max(60_000, TRIES * 1000);
const END_MS_MAX = 10_000;
/** Requests to send again that a voice lets wait are twice as many. */
const REQUESTS_MAX = 8;

/** Node 20 and 22 call it experimental. */
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
const PRELOAD = join(dirname(fileURLToPath(import.meta.url)), 'time-preload.js');

export type StageOptions = {
  /** Names the random numbers. */
  readonly name: string;
  /** Mosquitto keeps sessions and retained messages on its disk. */
  readonly persistent?: boolean;
  /** A folder that is there, for the voice's state; its own by default. */
  readonly stateDir?: string;
  /** Words that start the voice elsewhere, such as those of nsenter. */
  readonly before?: readonly string[];
  readonly pace?: number;
  /** Each makes a record an interval. */
  readonly lineCount?: number;
};

export type Status = { readonly state: string; readonly boot: number };

export class Stage {
  readonly time: QuickTime;
  readonly random: Random;
  readonly broker: TestBroker;
  readonly tap: Tap;
  readonly observer: Observer;
  readonly voice: VoiceProcess;
  readonly eye: ScriptedEye;
  /** Records that the broker had acknowledged and lost, so that they were asked for again. */
  askedCount = 0;
  readonly #lineCount: number;
  /** By line, the newest of the first #readCount messages. */
  readonly #told = new Map<string, RecordPayload>();
  #readCount = 0;

  private constructor(options: StageOptions, broker: TestBroker, tap: Tap, observer: Observer) {
    this.broker = broker;
    this.tap = tap;
    this.observer = observer;
    this.random = new Random(options.name);
    this.time = new QuickTime(options.pace);
    this.#lineCount = options.lineCount ?? LINES_DEFAULT;
    const names = Array.from({ length: this.#lineCount }, (_, index) => lineName(index));
    const config = {
      mqtt: { url: tap.url },
      interval_s: INTERVAL_S,
      log_level: 'info',
      ...(options.stateDir === undefined ? {} : { state_dir: options.stateDir }),
      lines: names.map((name, index) => {
        const y = 0.2 + (0.6 * index) / names.length;
        return { name, from: [0.2, y], to: [0.8, y], in: 'down' };
      }),
      zones: [
        {
          name: 'hall',
          polygon: [
            [0.2, 0.2],
            [0.8, 0.2],
            [0.8, 0.8],
          ],
        },
      ],
    };
    const extraWords = options.before === undefined ? {} : { before: options.before };
    const nodeWords = ['--import', pathToFileURL(PRELOAD).href];
    const how = { ...extraWords, env: { [TIME_FILE_VARIABLE]: this.time.path }, nodeWords };
    this.voice = new VoiceProcess(config, true, how);
    const stateDir = options.stateDir ?? join(this.voice.folder, 'state');
    nodeWords.push('--no-warnings', PERMISSION, '--allow-fs-read=*', `--allow-fs-write=${this.voice.runtimeDir}/`);
    nodeWords.push(`--allow-fs-write=${stateDir}/`);
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    this.eye = new ScriptedEye({
      outlet: this.voice.outlet,
      time: this.time,
      random: new Random(`${options.name} eye`),
      lineCount: names.length,
      zoneCount: 1,
      crossingsPerSecond: 3,
    });
  }

  /** Everything runs, the voice is online and the eye counts. */
  static async create(options: StageOptions): Promise<Stage> {
    const broker = await TestBroker.create({ persistent: options.persistent ?? false });
    const tap = await Tap.create(broker.port);
    const observer = await Observer.create(broker.url);
    tap.gate = () => observer.isListening;
    const stage = new Stage(options, broker, tap, observer);
    stage.voice.start();
    stage.eye.start();
    await stage.online();
    return stage;
  }

  get status(): Status | undefined {
    return this.observer.last<Status>(`${BASE}/status`);
  }

  async online(): Promise<void> {
    await eventually(START_MS_MAX, 'online', () => this.tap.isConnected && this.status?.state === 'online');
  }

  /** Does something that breaks the connection, and waits until the voice has made another one. */
  async reconnected(mischief: () => Promise<void> | void): Promise<void> {
    const before = this.tap.connectionCount;
    await mischief();
    await eventually(START_MS_MAX, 'connected again', () => this.tap.connectionCount > before);
    await this.online();
  }

  truth(): Record<string, Count> {
    return Object.fromEntries(this.eye.truth.map((count, index) => [`door1/${lineName(index)}`, count]));
  }

  /**
   * The eye comes to rest; waits for as long as it may take until the records tell of everybody, or, where some people are
   * known to be lost, of intervals in which nobody crossed. Then the voice ends.
   */
  async settle(until: 'everybody' | 'nobody' = 'everybody'): Promise<void> {
    this.eye.quiet();
    const quietMs = this.time.wallMs();
    const isOver = () => this.#isTold() || (until === 'nobody' && this.#isPast(quietMs));
    await eventually(SETTLE_MS_MAX, 'all records', isOver).catch(() => {});
    await this.time.seconds(2 * INTERVAL_S); // the receipts of these intervals
    await this.#askAgain();
    this.eye.kill();
    this.voice.signal('SIGTERM');
    await this.voice.ended(END_MS_MAX);
    await eventually(END_MS_MAX, 'stopped', () => this.status?.state === 'stopped').catch(() => {});
  }

  /**
   * A broker that died behind its acknowledgement takes records with it; the voice has them still, and sends them when asked.
   * It takes a few requests at a time, and refuses what is more: those are made again.
   */
  async #askAgain(): Promise<void> {
    const untilMs = Date.now() + SETTLE_MS_MAX;
    for (let round = 0; Date.now() < untilMs; round++) {
      const missing = missingOf(this.observer.heard).filter((identity) => this.tap.acknowledged.has(identity));
      if (round === 0) this.askedCount = missing.length;
      if (missing.length === 0) return;
      for (const [index, { epochId, first, last }] of rangesOf(missing).slice(0, REQUESTS_MAX).entries()) {
        const words = { v: 1, id: `again-${round}-${index}`, epoch_id: epochId, from_seq: first, to_seq: last };
        await this.observer.publish(`${BASE}/cmd/resend`, JSON.stringify(words));
      }
      await this.time.seconds(4);
    }
  }

  /** Throws as well if anything that was heard is not as the contract says. */
  verdict(): Promise<Verdict> {
    checkContract(this.observer.heard.map(({ topic, payload }) => ({ topic, payload })));
    return judge({ heard: this.observer.heard, truth: this.truth(), acknowledged: this.tap.acknowledged });
  }

  /** Runs `body`, and everything ends afterwards; the voice's log is printed if it fails. */
  static async run(options: StageOptions, body: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = await Stage.create(options);
    try {
      await body(stage);
    } catch (error) {
      process.stdout.write(`${stage.voice.output}\n`);
      throw error;
    } finally {
      await stage.dispose();
    }
  }

  async dispose(): Promise<void> {
    this.eye.kill();
    await this.voice.dispose();
    await this.observer.end();
    await this.tap.dispose();
    await this.broker.stop();
    this.time.dispose();
  }

  /** The last record of each line; looks only at what came since it looked last, as it is asked many times a second. */
  #newest(): ReadonlyMap<string, RecordPayload> {
    const { heard } = this.observer;
    for (; this.#readCount < heard.length; this.#readCount++) {
      const { topic, payload } = heard[this.#readCount]!;
      if (kindOf(topic) !== 'interval') continue;
      this.#told.set(placeOf(topic), JSON.parse(payload) as RecordPayload);
    }
    return this.#told;
  }

  /** Of each line a record of an interval in which nobody crossed has come: since they come in order, none is behind it. */
  #isPast(quietMs: number): boolean {
    const newest = [...this.#newest().values()];
    return (
      newest.length === this.#lineCount && newest.every(({ from }) => Date.parse(from) > quietMs + INTERVAL_S * 1000)
    );
  }

  /** The newest record of each line has everybody of that line. */
  #isTold(): boolean {
    const newest = this.#newest();
    return Object.entries(this.truth()).every(([line, count]) => {
      const record = newest.get(line);
      return record?.total_in === count.in && record.total_out === count.out;
    });
  }
}

/** Neighbours become one request: a device takes a few at a time. */
function rangesOf(identities: readonly string[]): { epochId: string; first: number; last: number }[] {
  const ranges: { epochId: string; first: number; last: number }[] = [];
  for (const identity of identities) {
    const [epochId, seq] = identity.split('/') as [string, string];
    const range = ranges.at(-1);
    if (range?.epochId === epochId && range.last + 1 === Number(seq)) range.last += 1;
    else ranges.push({ epochId, first: Number(seq), last: Number(seq) });
  }
  return ranges;
}

function lineName(index: number): string {
  return `door-${index + 1}`;
}

const COLUMNS = [
  'fault',
  'tries',
  'records',
  'lost',
  'lost by broker',
  'doubled',
  'redelivered',
  'totals fell',
  'note',
];

/** A row of the table that the test runner prints at the end, of all faults together. */
export function printRow(fault: string, tries: number, verdict: Verdict, note = ''): void {
  const { records, lost, lostByBroker, changed, doubled, redelivered, fell } = verdict;
  const cells = [fault, tries, records, lost, lostByBroker, doubled + changed, redelivered, fell, note];
  for (const line of [COLUMNS, COLUMNS.map(() => '---'), cells]) process.stdout.write(`| ${line.join(' | ')} |\n`);
}

/** A test that could not be made here: it neither passed nor failed. */
export function printSkipped(fault: string, why: string): void {
  for (const line of [COLUMNS, COLUMNS.map(() => '---'), [fault, 'skipped', '', '', '', '', '', '', why]])
    process.stdout.write(`| ${line.join(' | ')} |\n`);
}

/** Nothing lost by the voice, nothing counted twice, nothing changed under its number; `but` what a test expects. */
export function assertSound(verdict: Verdict, but: Partial<Verdict> = {}): void {
  const { records, redelivered, ...rest } = verdict;
  const sound: Partial<Verdict> = {
    lost: 0,
    lostByBroker: 0,
    changed: 0,
    doubled: 0,
    disordered: 0,
    fell: 0,
    unsummed: 0,
    people: {},
    epochs: 1,
    findings: [],
    ...but,
  };
  assert.equal(rest, sound, `seed ${SEED}: ${JSON.stringify(verdict)}`);
  assert.ok(records > 0, 'something was heard');
  assert.ok(redelivered >= 0);
}
