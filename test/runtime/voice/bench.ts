/** A voice on the bench: manual clock, link and disk in memory, and an eye made of records. */
import { ManualClock } from '../../../drivers/clock/manual.ts';
import { MemoryLink } from '../../../drivers/link/memory.ts';
import { parseConfig } from '../../../runtime/config/config.ts';
import type { Config } from '../../../runtime/config/schema.ts';
import type { ControlWord } from '../../../runtime/corridor/control.ts';
import {
  type CorridorRecord,
  Direction,
  EyeReason,
  EyeState,
  emptyRecord,
  encodeRecord,
  RECORD_BYTES,
  RecordKind,
  type ResidencySpan,
  TIME_MS_MIN,
} from '../../../runtime/corridor/record.ts';
import { createLog, type Log } from '../../../runtime/log.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import type { OpenDatabase } from '../../../runtime/ports/database.ts';
import type { Receipt } from '../../../runtime/privacy/receipts.ts';
import { Voice, type VoiceUpdates } from '../../../runtime/voice/voice.ts';
import { checkContract } from '../../fakes/contract.ts';
import { databaseOn } from '../../fakes/database.ts';
import { SimulatedDisk } from '../../fakes/disk.ts';
import { memoryKey } from '../../fakes/key.ts';

export function encode(record: Partial<CorridorRecord>): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  encodeRecord({ ...emptyRecord(), ...record }, bytes, new DataView(bytes.buffer), 0);
  return bytes;
}

/** The eye's side of the protocol, as far as numbers go. */
export class FakeEye {
  readonly boot: number;
  /** [counter] */
  readonly counts: { in: number; out: number }[];
  readonly net: { in: number; out: number }[];
  /** [zone] */
  readonly zones: {
    people: number;
    queue: number;
    visits: number;
    bounces: number;
    passersBy: number;
    ended: number;
  }[];
  framesRead = 0;
  #sequence = 0;

  constructor(boot: number, counterCount = 1, zoneCount = 0) {
    this.boot = boot;
    this.counts = Array.from({ length: counterCount }, () => ({ in: 0, out: 0 }));
    this.net = Array.from({ length: counterCount }, () => ({ in: 0, out: 0 }));
    this.zones = Array.from({ length: zoneCount }, () => ({
      people: 0,
      queue: 0,
      visits: 0,
      bounces: 0,
      passersBy: 0,
      ended: 0,
    }));
  }

  record(fields: Partial<CorridorRecord>): Uint8Array {
    this.#sequence += 1;
    return encode({ boot: this.boot, sequence: this.#sequence, ...fields });
  }

  hello(timeMs: number): Uint8Array {
    return this.record({ kind: RecordKind.hello, index: this.counts.length, code: this.zones.length, timeMs });
  }

  state(timeMs: number, code: number, reason: number = EyeReason.none): Uint8Array {
    return this.record({ kind: RecordKind.state, code, a: reason, timeMs });
  }

  cross(direction: 'in' | 'out', timeMs: number, index = 0): Uint8Array {
    const count = this.counts[index]!;
    count[direction] += 1;
    return this.record({
      kind: RecordKind.crossing,
      index,
      code: Direction[direction],
      timeMs,
      a: count.in,
      b: count.out,
    });
  }

  totals(timeMs: number, index = 0): Uint8Array {
    const count = this.counts[index]!;
    return this.record({ kind: RecordKind.totals, index, timeMs, a: count.in, b: count.out });
  }

  leave(direction: 'in' | 'out', timeMs: number, index = 0): Uint8Array {
    this.net[index]![direction] += 1;
    return this.netTotals(timeMs, index);
  }

  netTotals(timeMs: number, index = 0): Uint8Array {
    const net = this.net[index]!;
    return this.record({ kind: RecordKind.net, index, timeMs, a: net.in, b: net.out });
  }

  visit(dwellMs: number, timeMs: number, index = 0): Uint8Array {
    this.zones[index]!.ended += 1;
    return this.record({ kind: RecordKind.visit, index, timeMs, a: dwellMs, b: this.zones[index]!.ended });
  }

  /** What the eye says of a zone each second. */
  zone(timeMs: number, index = 0): Uint8Array[] {
    const { people, queue, visits, bounces, passersBy, ended } = this.zones[index]!;
    return [
      this.record({ kind: RecordKind.zone, index, a: people, b: queue, c: visits, d: bounces }),
      this.record({ kind: RecordKind.passers, index, timeMs, a: passersBy, b: ended }),
    ];
  }

  /** µs and frames. */
  residency(span: ResidencySpan, p50: number, p99: number, max: number, n: number): Uint8Array {
    return this.record({ kind: RecordKind.residency, index: span, a: p50, b: p99, c: max, d: n });
  }

  /** The longest of those told now, and how many since boot. */
  overlong(timeMs: number, us: number, count: number): Uint8Array {
    return this.record({ kind: RecordKind.overlong, timeMs, a: us, b: count });
  }

  /** 64 hexadecimal digits, in two records. */
  model(sha256: string): Uint8Array[] {
    const words = Array.from({ length: 8 }, (_, index) => Number.parseInt(sha256.slice(8 * index, 8 * index + 8), 16));
    return [0, 1].map((half) => {
      const [a, b, c, d] = words.slice(4 * half);
      return this.record({ kind: RecordKind.model, index: half, a: a!, b: b!, c: c!, d: d! });
    });
  }

  frames(added: number): Uint8Array {
    this.framesRead += added;
    return this.record({ kind: RecordKind.frames, a: this.framesRead, b: this.framesRead });
  }

  longest(pixelsUs: number, derivedUs: number, timeMs: number): Uint8Array {
    return this.record({ kind: RecordKind.longest, timeMs, a: pixelsUs, b: derivedUs });
  }
}

export type BenchOptions = {
  readonly config?: object;
  readonly brokerIsUp?: boolean;
  /** The device's key cannot be opened. */
  readonly keyFault?: Error;
  /** Where the voice's log goes; by default only what is fatal is printed. */
  readonly log?: Log;
  /** As on a device that knows releases. */
  readonly updates?: VoiceUpdates;
};

export type Total = { in: number; out: number; epoch_id: string };
export type Interval = {
  seq: number;
  boot: number;
  epoch_id: string;
  from: string;
  to: string;
  in: number;
  out: number;
  total_in: number;
  total_out: number;
  samples: number;
  expected: number;
  quality: string;
  time?: string;
  uptime_s?: number;
  historical: boolean;
};
export type Health = {
  clock: { state: string; uptime_s: number };
  eye: { state: string; reason: string };
  ledger: { state: string; reason: string; pending: number; dropped: number };
  corridor: { records: number; cut_off: boolean };
  privacy: { limit_ms: number; over_limit: number | null; last_at: string | null; last_us: number | null };
};

export const BASE = 'lethe/v1/demo/door1';

export class VoiceBench {
  readonly disk = new SimulatedDisk();
  readonly config: Config;
  readonly clock: ManualClock;
  link: MemoryLink;
  eye: FakeEye;
  voice: Voice;
  readonly words: ControlWord[] = [];
  /** What the file says now; may throw. */
  nextConfig = (): Config => this.config;
  /** How often the voice asked to be started again. */
  startedAgain = 0;
  readonly fatal: string[] = [];
  /** What chance says, 0..1. */
  random = 0.5;
  readonly key = memoryKey();
  keyFault: Error | undefined;
  readonly #log: Log;
  readonly #updates: VoiceUpdates | undefined;
  readonly #openDatabase: OpenDatabase;
  #life = { isAlive: false };

  constructor(options: BenchOptions = {}, startMs?: number) {
    this.config = parseConfig({ state_dir: '/state', log_level: 'fatal', ...options.config });
    this.keyFault = options.keyFault;
    this.#updates = options.updates;
    this.#log = options.log ?? createLog('voice', this.config.logLevel);
    this.#openDatabase = databaseOn(this.disk);
    this.clock = new ManualClock(startMs);
    const { lines, entrances, zones } = this.config;
    this.eye = new FakeEye(1, lines.length + entrances.length, zones.length);
    this.link = new MemoryLink(options.brokerIsUp ?? true);
    this.voice = this.#makeVoice();
  }

  #makeVoice(): Voice {
    // A dead process has no timers: each voice gets its own view of the clock, which dies with it.
    const life = { isAlive: true };
    this.#life = life;
    const clock: Clock = {
      monotonicUs: () => this.clock.monotonicUs(),
      wallMs: () => this.clock.wallMs(),
      every: (periodMs, task) => this.clock.every(periodMs, () => life.isAlive && task()),
    };
    return new Voice({
      config: this.config,
      clock,
      timeSource: this.clock,
      link: this.link,
      log: this.#log,
      version: '0.0.0-test',
      openKey: () => {
        if (this.keyFault !== undefined) throw this.keyFault;
        return this.key;
      },
      control: (word) => this.words.push(word),
      onFatal: (reason) => this.fatal.push(reason),
      readConfig: () => this.nextConfig(),
      onStartAgain: () => {
        this.startedAgain += 1;
      },
      openDatabase: this.#openDatabase,
      ...(this.#updates && { updates: this.#updates }),
      random: () => this.random,
    });
  }

  get nowMs(): number {
    return this.clock.wallMs();
  }

  /** As the eye writes it: a clock of 1970 is early, and no broken record. */
  get eyeMs(): number {
    return Math.max(TIME_MS_MIN, this.nowMs);
  }

  async start(): Promise<void> {
    this.voice.start();
    await settle();
  }

  /** hello and counting */
  greet(): void {
    this.feed(this.eye.hello(this.eyeMs));
    this.feed(this.eye.state(this.eyeMs, EyeState.counting));
  }

  feed(bytes: Uint8Array): void {
    this.voice.feed(bytes, bytes.length);
  }

  /** Seconds pass; each brings the heart beat of a healthy eye, if it is to. */
  async seconds(count: number, isAlive = true): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.clock.advance(1000);
      if (isAlive) {
        for (const index of this.eye.counts.keys()) {
          this.feed(this.eye.totals(this.eyeMs, index));
          this.feed(this.eye.netTotals(this.eyeMs, index));
        }
        for (const index of this.eye.zones.keys())
          for (const bytes of this.eye.zone(this.eyeMs, index)) this.feed(bytes);
        this.feed(this.eye.frames(this.config.camera.frameRateHz));
      }
      await settle();
    }
  }

  /** The voice dies without a word and another one starts on the same folder; the broker keeps what it has. */
  async crash(): Promise<void> {
    const { link } = this;
    this.#life.isAlive = false;
    this.disk.kill();
    this.voice.ledger.close();
    await link.stop();
    const next = new MemoryLink(true);
    next.published.push(...link.published);
    this.link = next;
    this.voice = this.#makeVoice();
    await this.start();
  }

  payloads<T>(topic: string): T[] {
    return this.link.published
      .filter((message) => message.topic === `${BASE}/${topic}`)
      .map((message) => JSON.parse(message.payload) as T);
  }

  retained<T>(topic: string): T | undefined {
    const payload = this.link.retained.get(`${BASE}/${topic}`);
    return payload === undefined ? undefined : (JSON.parse(payload) as T);
  }

  receipts(): Receipt[] {
    return this.payloads<Receipt>('receipt');
  }

  intervals(line = 'door'): Interval[] {
    return this.payloads<Interval>(`interval/${line}`);
  }

  /** Whatever a test was about: everything that the voice said in it is as the contract says. */
  async dispose(): Promise<void> {
    await this.voice.stop();
    checkContract(this.link.published);
  }
}

/** Lets promises of the link in memory run; nothing in a bench takes real time. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}
