/**
 * The voice: records of the eye in, messages for the gateway out. Everything it does follows from four events: bytes from the
 * corridor (`feed`), a second that passed, the link that goes up or down, and `stop`.
 *
 *   corridor → totals and intervals → ledger (on disk) → delivery → link
 *
 * It has the network and no camera: nothing here may import the eye, a camera or the engine (a test reads the imports).
 * An eye that breaks the protocol is cut off: not one further byte of it is read, `health` says so, and `onFatal` lets
 * the process end, so that both sides are started again.
 */

import { basename } from 'node:path';
import type { Config } from '../config/schema.ts';
import { ControlWord } from '../corridor/control.ts';
import { CorridorReader } from '../corridor/reader.ts';
import { type CorridorRecord, Direction, EyeState, RecordKind } from '../corridor/record.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Link } from '../ports/link.ts';
import { MS_PER_S, US_PER_S } from '../units.ts';
import { Delivery } from './delivery.ts';
import { EyeWatch } from './eyewatch.ts';
import { IntervalBook } from './intervals/intervals.ts';
import { takeTotals } from './intervals/totals.ts';
import { type LedgerFiles, nodeFiles } from './ledger/files.ts';
import { Ledger } from './ledger/ledger.ts';
import { Summary } from './summary.ts';
import { topicNames } from './topics/names.ts';
import {
  healthPayload,
  infoPayload,
  intervalPayload,
  privacyPayload,
  simulationPayload,
  statusPayload,
  totalPayload,
} from './topics/payloads.ts';

/**
 * After a start, pipe and ring of the eye may hold crossings of the last hour; intervals are closed only when these were
 * read. The pipe takes a third of them at once, and the eye fills it again each second.
 */
const DRAIN_US = 4 * US_PER_S;
const MINUTE_TICKS = 60;
/** Stands for the number of frames of an eye that we met on its way. */
const FRAMES_UNKNOWN = -1;
/** A stop has to be over in 2 s, broker or no broker: so much for the last message, so much for the good-bye. */
const LAST_WORD_MS = 800;
const GOODBYE_MS = 500;

export type VoiceOptions = {
  readonly config: Config;
  readonly clock: Clock;
  readonly link: Link;
  readonly log: Log;
  /** Version of Lethe. */
  readonly version: string;
  /** Sends a word to the eye. */
  readonly control: (word: ControlWord) => void;
  /** The voice cannot go on; everything is saved and told when this is called. */
  readonly onFatal: (reason: string) => void;
  readonly files?: LedgerFiles;
};

export class Voice {
  readonly ledger: Ledger;
  readonly #options: VoiceOptions;
  readonly #names: readonly string[];
  readonly #topics: ReturnType<typeof topicNames>;
  readonly #reader: CorridorReader;
  readonly #book: IntervalBook;
  readonly #watch: EyeWatch;
  readonly #delivery: Delivery;
  readonly #summary: Summary;
  readonly #startedUs: number;
  readonly #startedAtMs: number;
  /** Per line: totals changed since they were last handed to the delivery. */
  readonly #isStale: boolean[];
  /** Time of the last record that bears one: frames and residencies have none of their own. */
  #recordTimeMs = 0;
  /** Eye boot that was running when our state was lost: its numbers count from where we met it. */
  #lostBoot: number | undefined;
  #hasMet = false;
  #healthKey = '';
  #healthTick = 0;
  #tickCount = 0;
  #stopTicking: (() => void) | undefined;
  #ended = false;
  #ending: Promise<void> | undefined;

  constructor(options: VoiceOptions) {
    const { config, clock, link, log } = options;
    this.#options = options;
    this.#names = config.lines.map((line) => line.name);
    this.#topics = topicNames(config.site, config.device);
    this.#startedUs = clock.monotonicUs();
    this.#startedAtMs = clock.wallMs();
    this.#isStale = this.#names.map(() => true);
    this.ledger = new Ledger(
      config.stateDir,
      this.#names,
      this.#startedAtMs,
      { onProblem: (sentence) => log.error(sentence), onRecovered: () => log.info('state is saved again') },
      options.files ?? nodeFiles,
    );
    const { state } = this.ledger;
    this.#book = new IntervalBook(state.intervals, this.#names, config.intervalS, config.camera.frameRateHz);
    this.#watch = new EyeWatch(this.#startedUs);
    this.#summary = new Summary(this.#names);
    this.#reader = new CorridorReader(
      { onRecord: (record) => this.#take(record), onCutOff: (reason) => this.#cutOff(reason) },
      () => clock.monotonicUs(),
    );
    this.#delivery = new Delivery({
      link,
      ledger: this.ledger,
      intervalS: config.intervalS,
      topicOf: (record) => this.#topics.interval(record.line),
      payloadOf: (record, historical) =>
        intervalPayload({ record, epochId: state.epochId, tz: config.timeZone, historical }),
      wallMs: () => clock.wallMs(),
      onFailure: (sentence) => log.warn(sentence),
    });
  }

  /** Starts the link and the seconds. */
  start(): void {
    const { config, clock, link, log, version } = this.#options;
    const { boot, epochId, pending } = this.ledger.state;
    log.info({ boot, epoch_id: epochId, backlog: pending.length, lines: this.#names }, 'voice started');
    this.#delivery.set(this.#topics.status, statusPayload({ state: 'online', boot, version }), true);
    this.#delivery.set(this.#topics.info, this.#info(), true);
    this.#setHealth();
    this.#stopTicking = clock.every(MS_PER_S, () => this.#tick());
    link.start(
      { topic: this.#topics.status, payload: statusPayload({ state: 'offline', boot, version }) },
      {
        onUp: () => {
          log.info({ backlog: pending.length }, `link up: ${config.mqtt.url}`);
          this.#options.control(ControlWord.linkUp);
          this.#setTotals();
          this.#setHealth();
          this.#delivery.connected();
        },
        onDown: (reason) => {
          log.warn(`link down: ${reason}`);
          this.#options.control(ControlWord.linkDown);
        },
      },
    );
  }

  /** Bytes from the corridor. */
  feed(chunk: Uint8Array, byteCount: number): void {
    if (!this.#ended) this.#reader.feed(chunk, byteCount);
  }

  /**
   * Saves, says `stopped` if there is a broker to say it to, and ends within 1.5 s of real time. May be called again:
   * a terminal sends SIGINT to everybody, and the supervisor SIGTERM on top of it.
   */
  stop(): Promise<void> {
    this.#ending ??= this.#sayGoodbye();
    return this.#ending;
  }

  async #sayGoodbye(): Promise<void> {
    this.#setTotals();
    this.#setPrivacy();
    this.#end();
    const { link, log, version } = this.#options;
    const { boot } = this.ledger.state;
    const stopped = statusPayload({ state: 'stopped', boot, version });
    await atMost(LAST_WORD_MS, this.#delivery.last(this.#topics.status, stopped));
    await atMost(GOODBYE_MS, link.stop());
    this.ledger.save(this.#nowUs()); // what was acknowledged meanwhile
    log.info({ backlog: this.ledger.state.pending.length }, 'voice stopped');
  }

  #take(record: CorridorRecord): void {
    if (this.#ended) return;
    const { ledger } = this;
    if (record.index >= this.#names.length && record.kind !== RecordKind.hello) {
      this.#cutOff(
        `the eye sent line ${record.index + 1}, the configuration has ${this.#names.length}; it is cut off until it is restarted`,
      );
      return;
    }
    this.#meet(record);
    if (record.timeMs > 0) this.#recordTimeMs = record.timeMs;
    const seen = ledger.state.eye!;
    switch (record.kind) {
      case RecordKind.hello:
        this.#hello(record);
        break;
      case RecordKind.crossing:
      case RecordKind.totals:
        this.#count(record);
        break;
      case RecordKind.state:
        seen.state = record.code;
        seen.reason = record.a;
        ledger.touch();
        break;
      case RecordKind.frames:
        if (seen.framesRead !== FRAMES_UNKNOWN && record.a > seen.framesRead) {
          this.#book.addSamples(record.a - seen.framesRead, this.#recordTimeMs, this.#wallMs());
          // An eye that we met on its way said so before we listened; it says it only when it changes.
          if (seen.state === EyeState.starting) seen.state = EyeState.counting;
        }
        // Not worth a save of its own: after a crash the next such record tells the difference.
        seen.framesRead = record.a;
        this.#summary.frames(record.a, record.b, record.c);
        break;
      case RecordKind.residency:
        this.#summary.residency(record.a, record.b, record.c, record.d);
        break;
      case RecordKind.truth:
        this.#delivery.set(
          this.#topics.simulation(this.#names[record.index]!),
          simulationPayload({ atMs: record.timeMs, trueIn: record.a, trueOut: record.b }),
          false,
        );
        break;
    }
    if (!this.#ended) this.#eyeMayHaveChanged(() => this.#watch.heard(seen, this.#nowUs()));
  }

  /** Notes which boot of the eye is speaking. */
  #meet(record: CorridorRecord): void {
    const { state, lostMemory } = this.ledger;
    if (state.eye?.boot === record.boot) return;
    // The eye before cannot be asked again: what it told is saved before anything else is believed.
    this.ledger.saveIfDirty(this.#nowUs());
    // An eye that says hello now has counted nothing that somebody could have published.
    if (lostMemory && !this.#hasMet && record.kind !== RecordKind.hello) this.#lostBoot = record.boot;
    this.#hasMet = true;
    const framesRead = record.boot === this.#lostBoot ? FRAMES_UNKNOWN : 0;
    state.eye = { boot: record.boot, framesRead, state: EyeState.starting, reason: 0 };
    this.ledger.touch();
  }

  #hello(record: CorridorRecord): void {
    const { log, link, control } = this.#options;
    log.info({ eye_boot: record.boot }, 'eye started');
    if (record.index !== this.#names.length) {
      this.#cutOff(
        `the eye counts ${record.index} lines, the configuration has ${this.#names.length}; it is cut off until it is restarted`,
      );
      return;
    }
    control(link.up ? ControlWord.linkUp : ControlWord.linkDown);
  }

  #count(record: CorridorRecord): void {
    const { index, boot, a, b } = record;
    const name = this.#names[index]!;
    const added = takeTotals(this.ledger.totals(name), boot, a, b, boot === this.#lostBoot ? 'here' : 'zero');
    if (added === undefined) {
      this.#cutOff(`the eye sent totals of line ${name} that go backwards; it is cut off until it is restarted`);
      return;
    }
    let { in: lateIn, out: lateOut } = added;
    if (lateIn === 0 && lateOut === 0) return;
    const nowMs = this.#wallMs();
    if (record.kind === RecordKind.crossing) {
      // One of them is the crossing itself, at its own time; more than one: records before it were lost.
      const isIn = record.code === Direction.in;
      if (isIn && lateIn > 0) {
        this.#book.addCrossing(index, 'in', record.timeMs, nowMs);
        lateIn -= 1;
      } else if (!isIn && lateOut > 0) {
        this.#book.addCrossing(index, 'out', record.timeMs, nowMs);
        lateOut -= 1;
      }
    }
    if (lateIn > 0 || lateOut > 0) this.#book.addLate(index, lateIn, lateOut, nowMs);
    this.#options.log.debug({ line: name, in: added.in, out: added.out, late: lateIn + lateOut }, 'crossing');
    this.#summary.count(index, added.in, added.out);
    this.#isStale[index] = true;
    this.ledger.touch();
  }

  #tick(): void {
    const nowUs = this.#nowUs();
    this.#tickCount += 1;
    this.#eyeMayHaveChanged(() => this.#watch.tick(nowUs));
    if (this.#watch.flags !== 0) this.#markNow();
    if (nowUs - this.#startedUs >= DRAIN_US) this.#closeIntervals();
    this.ledger.saveSoon(nowUs);
    this.#setTotals();
    if (this.#tickCount % MINUTE_TICKS === 0) this.#minute();
    this.#setHealth();
    this.#delivery.tick();
  }

  #closeIntervals(): void {
    const { ledger } = this;
    const closed = this.#book.advance(this.#wallMs());
    if (closed.length === 0) return;
    // Totals at the end of each: those of now less all that came after it.
    const running = this.#names.map((name, i) => {
      const total = ledger.totals(name);
      return {
        in: total.in - this.#book.openCount(i, 'in') - closed.reduce((sum, interval) => sum + interval.in[i]!, 0),
        out: total.out - this.#book.openCount(i, 'out') - closed.reduce((sum, interval) => sum + interval.out[i]!, 0),
      };
    });
    for (const interval of closed) {
      for (const [i, line] of this.#names.entries()) {
        const total = running[i]!;
        total.in += interval.in[i]!;
        total.out += interval.out[i]!;
        ledger.append({
          seq: ledger.nextSeq(),
          boot: ledger.state.boot,
          line,
          fromMs: interval.fromMs,
          toMs: interval.toMs,
          in: interval.in[i]!,
          out: interval.out[i]!,
          totalIn: total.in,
          totalOut: total.out,
          samples: interval.samples,
          expected: interval.expected,
          quality: interval.quality,
        });
      }
    }
    ledger.save(this.#nowUs());
    this.#delivery.pump();
  }

  /** A state counts for the interval that it began in and for the one that it ended in. */
  #eyeMayHaveChanged(change: () => void): void {
    const before = this.#watch.state;
    const flagsBefore = this.#watch.flags;
    change();
    const { state, reason } = this.#watch;
    if (state === before) return;
    if (flagsBefore !== 0 || this.#watch.flags !== 0) {
      this.#book.mark(flagsBefore | this.#watch.flags, this.#markTimeMs(), this.#wallMs());
    }
    this.#options.log.info(`eye ${state}${reason ? ` (${reason})` : ''}, was ${before}`);
    this.#setHealth();
  }

  #markNow(): void {
    this.#book.mark(this.#watch.flags, this.#wallMs(), this.#wallMs());
  }

  #markTimeMs(): number {
    return this.#recordTimeMs === 0 || this.#watch.silent ? this.#wallMs() : this.#recordTimeMs;
  }

  /** What a broker once had must be on disk before, or a crash would make the meter fall. */
  #setTotals(): void {
    if (!this.#options.link.up || !this.#isStale.includes(true)) return;
    this.ledger.saveIfDirty(this.#nowUs());
    for (const [index, name] of this.#names.entries()) {
      if (!this.#isStale[index]) continue;
      this.#isStale[index] = false;
      const { in: countIn, out } = this.ledger.totals(name);
      const { epochId } = this.ledger.state;
      this.#delivery.set(
        this.#topics.total(name),
        totalPayload({ in: countIn, out, epochId, atMs: this.#wallMs() }),
        true,
      );
    }
  }

  /** Publishes health when one of its words changed, and each minute. */
  #setHealth(): void {
    const { state, condition } = this.ledger;
    const key = [this.#watch.state, this.#watch.reason, condition.state, state.droppedCount > 0].join('|');
    const isDue = this.#tickCount - this.#healthTick >= MINUTE_TICKS;
    if (key === this.#healthKey && !isDue) return;
    this.#healthKey = key;
    this.#healthTick = this.#tickCount;
    this.#delivery.set(this.#topics.health, this.#health(), true);
  }

  #health(): string {
    const { state, condition } = this.ledger;
    return healthPayload({
      atMs: this.#wallMs(),
      eyeState: this.#watch.state,
      eyeReason: this.#watch.reason,
      camera: this.#options.config.camera.driver,
      ledger: condition,
      pending: state.pending.length,
      dropped: state.droppedCount,
      records: this.#reader.recordCount,
      cutOff: this.#watch.cutOffReason !== '',
    });
  }

  #minute(): void {
    const { link, log } = this.#options;
    log.info(
      { ...this.#summary.minute(), link: link.up ? 'up' : 'down', backlog: this.ledger.state.pending.length },
      'minute',
    );
    this.#setPrivacy();
  }

  #setPrivacy(): void {
    const privacy = this.#summary.privacy(this.#wallMs());
    if (privacy !== undefined) this.#delivery.set(this.#topics.privacy, privacyPayload(privacy), false);
  }

  #info(): string {
    const { config, version } = this.#options;
    const { boot, epochId } = this.ledger.state;
    return infoPayload({
      site: config.site,
      device: config.device,
      version,
      nodeVersion: process.versions.node,
      boot,
      epochId,
      startedAtMs: this.#startedAtMs,
      tz: config.timeZone,
      intervalS: config.intervalS,
      frameRateHz: config.camera.frameRateHz,
      camera: config.camera.driver,
      model: config.model.manifest === '' ? 'default' : basename(config.model.manifest),
      lines: config.lines,
    });
  }

  #cutOff(reason: string): void {
    if (this.#ended) return;
    this.#watch.cutOffReason = reason;
    this.#options.log.error(`eye cut off: ${reason}`);
    this.#book.mark(this.#watch.flags, this.#wallMs(), this.#wallMs());
    this.#end();
    // The connection is left standing: when the process ends, the broker publishes the last will.
    this.#ending = atMost(LAST_WORD_MS, this.#delivery.last(this.#topics.health, this.#health())).then(() =>
      this.#options.onFatal(reason),
    );
  }

  /** No further byte is read and no further second counted; the open intervals go to disk. */
  #end(): void {
    this.#ended = true;
    this.#stopTicking?.();
    this.ledger.save(this.#nowUs());
  }

  #nowUs(): number {
    return this.#options.clock.monotonicUs();
  }

  #wallMs(): number {
    return this.#options.clock.wallMs();
  }
}

/** Real time on purpose: an end must come even where a test's clock stands still. */
function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    work.then(done, done);
  });
}
