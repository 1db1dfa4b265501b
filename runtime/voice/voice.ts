/**
 * The voice: records of the eye in, messages for the gateway out. Everything it does follows from four events: bytes from the
 * corridor (`feed`), a second that passed, the link that goes up or down, and `stop`.
 *
 *   corridor → reception → bookkeeper (totals, intervals, occupancy) → notary (receipts) → ledger (on disk) → delivery → link
 *                                                                       bulletin (the latest of each fact) ↗
 *
 * It has the network and no camera: nothing here may import the eye, a camera or the engine (a test reads the imports).
 * An eye that breaks the protocol is cut off: not one further byte of it is read, `health` says so, and `onFatal` lets
 * the process end, so that both sides are started again.
 */

import { counterNames } from '../config/counters.ts';
import type { Config } from '../config/schema.ts';
import { topicNames } from '../contract/topics.ts';
import { ControlWord } from '../corridor/control.ts';
import { atMost } from '../link/at-most.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports/clock.ts';
import type { OpenDatabase } from '../ports/database.ts';
import type { Link, LinkMessage } from '../ports/link.ts';
import type { ClockTrust, TimeSource } from '../ports/time-source.ts';
import type { DeviceKey } from '../privacy/receipts.ts';
import { MS_PER_S, US_PER_S } from '../units.ts';
import { Bookkeeper } from './bookkeeper.ts';
import { Bulletin } from './bulletin.ts';
import { commandActions } from './commands/actions.ts';
import { Commands, type Outcome } from './commands/commands.ts';
import { refusal } from './commands/refusal.ts';
import { Delivery, type ResendAnswer } from './delivery.ts';
import { Discovery } from './discovery/discovery.ts';
import { EyeWatch } from './eyewatch.ts';
import { Ledger } from './ledger/ledger.ts';
import { PrivacyWatch } from './privacy-watch.ts';
import { Notary } from './receipts/notary.ts';
import { Reception } from './reception.ts';
import { Setup } from './setup.ts';
import { Summary } from './summary.ts';
import { intervalPayload } from './topics/payloads.ts';
import type { HealthNote } from './update/health.ts';
import type { Updates } from './update/updates.ts';
import type { VoiceFacts } from './vitals.ts';

/**
 * After a start, pipe and ring of the eye may hold crossings of the last hour; intervals are closed only when these were
 * read. The pipe takes a third of them at once, and the eye fills it again each second.
 */
const DRAIN_US = 4 * US_PER_S;
const MINUTE_TICKS = 60;
/** A stop has to be over in 2 s, broker or no broker: so much for the last message, so much for the good-bye. */
const LAST_WORD_MS = 800;
const GOODBYE_MS = 500;
/** An eye that is asked to end stops its camera first, which takes up to 3 s. */
const EYE_ENDS_US_MAX = 5 * US_PER_S;

export type VoiceUpdates = {
  readonly offer: Updates['offer'];
  readonly tick: Updates['tick'];
  readonly facts: Updates['facts'];
  readonly stop: Updates['stop'];
  readonly health: { readonly note: HealthNote['note'] };
};

const NO_UPDATES: Outcome = {
  refused: refusal(
    'update_refused',
    'This counter was not set up with releases. Update it in the way in which it was installed.',
  ),
};

export type VoiceOptions = {
  readonly config: Config;
  readonly clock: Clock;
  readonly timeSource: TimeSource;
  readonly link: Link;
  readonly log: Log;
  /** Version of Lethe. */
  readonly version: string;
  /** The key that signs receipts; throws when there is none. */
  readonly openKey: () => DeviceKey;
  /** Sends a word to the eye. */
  readonly control: (word: ControlWord) => void;
  /** The voice cannot go on; everything is saved and told when this is called. */
  readonly onFatal: (reason: string) => void;
  /** Reads the configuration as a new start would. Throws LetheError. */
  readonly readConfig: () => Config;
  /** Start voice and eye again: everything is saved and told when this is called. */
  readonly onStartAgain: () => void;
  readonly openDatabase: OpenDatabase;
  /** Newer releases; only on a device that was set up with them (update/). */
  readonly updates?: VoiceUpdates;
  /** A second has passed, and all that it brings was done. */
  readonly onTick?: () => void;
  /** 0..1; Math.random by default. */
  readonly random?: () => number;
};

export class Voice {
  readonly ledger: Ledger;
  readonly #options: VoiceOptions;
  readonly #reception: Reception;
  readonly #books: Bookkeeper;
  readonly #notary: Notary;
  readonly #watch: EyeWatch;
  readonly #delivery: Delivery;
  readonly #bulletin: Bulletin;
  readonly #summary: Summary;
  readonly #privacy: PrivacyWatch;
  readonly #commands: Commands;
  readonly #discovery: Discovery;
  readonly #startedUs: number;
  /** As it was told last: the ledger begins a new one when its disk fails for long. */
  #epochId: string;
  /** As the log was told last. */
  #clockTrust: ClockTrust | undefined;
  #tickCount = 0;
  #isTelling = false;
  /** When we end even if the eye has not told that it does; µs. */
  #startAgainUs: number | undefined;
  #stopTicking: (() => void) | undefined;
  #ended = false;
  #ending: Promise<void> | undefined;

  constructor(options: VoiceOptions) {
    const { config, clock, link, log, version, openKey } = options;
    this.#options = options;
    const topics = topicNames(config.site, config.device);
    this.#startedUs = clock.monotonicUs();
    const startedAtMs = clock.wallMs();
    this.ledger = new Ledger({
      folder: config.stateDir,
      lines: counterNames(config),
      zones: config.zones.map(({ name }) => name),
      openDatabase: options.openDatabase,
      wallMs: () => clock.wallMs(),
      nowUs: this.#startedUs,
      events: {
        onProblem: (sentence) => log.error(sentence),
        onNote: (sentence) => log.info(sentence),
        onRecovered: () => log.info('state is saved again'),
      },
    });
    this.#epochId = this.ledger.state.epochId;
    const { state } = this.ledger;
    this.#books = new Bookkeeper(config, this.ledger);
    this.#books.tick(startedAtMs);
    this.#notary = new Notary(
      {
        config,
        version,
        ledger: this.ledger,
        openKey,
        onProblem: (sentence) => log.error(sentence),
        onRecovered: () => log.info('the device’s key is there: intervals bear receipts again'),
      },
      startedAtMs,
    );
    this.ledger.renewReceipt = (receipt, records) => this.#notary.renewed(receipt, records);
    this.#watch = new EyeWatch(this.#startedUs);
    this.#summary = new Summary(this.#books.counters);
    this.#privacy = new PrivacyWatch(config.privacy.residencyMsMax);
    this.#reception = new Reception(
      {
        clock,
        log,
        ledger: this.ledger,
        books: this.#books,
        watch: this.#watch,
        privacy: this.#privacy,
        summary: this.#summary,
        control: options.control,
        isLinkUp: () => link.up,
        onTruth: (record) => this.#bulletin.tellTruth(record),
        onState: () => this.#bulletin.tellHealth(),
        onEyeStopping: () => {
          if (this.#startAgainUs !== undefined) this.#leave();
        },
        onBreach: (reason) => this.#cutOff(reason),
      },
      (onTakesDots) =>
        new Setup({
          clock,
          memory: state.commands,
          control: options.control,
          onTakesDots,
          publish: (dots, untilMs) => this.#bulletin.tellDots(dots, untilMs),
          touch: () => this.ledger.touch(),
        }),
    );
    const { setup } = this.#reception;
    this.#commands = new Commands({
      site: config.site,
      device: config.device,
      publicKeys: config.commands.publicKeys,
      topics,
      link,
      clock,
      log,
      memory: state.commands,
      save: () => this.ledger.save(this.#nowUs()),
      actions: commandActions({
        config,
        version,
        clock,
        startedUs: this.#startedUs,
        control: options.control,
        books: this.#books,
        setup,
        pendingCount: () => this.ledger.pendingCount,
        resend: (epochId, fromSeq, toSeq) => this.resend(epochId, fromSeq, toSeq),
        readConfig: options.readConfig,
        startAgain: () => this.#startAgain(),
        offer: (request) => options.updates?.offer(request) ?? NO_UPDATES,
      }),
    });
    this.#discovery = new Discovery({
      config,
      version,
      topics,
      counters: this.#books.counters,
      link,
      memory: state.discovery,
      save: () => this.ledger.save(this.#nowUs()),
      monotonicUs: () => this.#nowUs(),
      random: options.random ?? Math.random,
      onFailure: (sentence) => log.warn(sentence),
    });
    this.#delivery = new Delivery({
      link,
      ledger: this.ledger,
      intervalS: config.intervalS,
      topicOf: (record) => {
        if (record.kind === 'receipt') return topics.receipt;
        return record.kind === 'zone' ? topics.zone(record.name) : topics.interval(record.name);
      },
      payloadOf: (record, historical) =>
        record.kind === 'receipt'
          ? JSON.stringify(record.receipt)
          : intervalPayload({ record, epochId: record.epochId, tz: config.timeZone, historical }),
      wallMs: () => clock.wallMs(),
      onFailure: (sentence) => log.warn(sentence),
    });
    this.#bulletin = new Bulletin(
      {
        config,
        version,
        topics,
        ledger: this.ledger,
        books: this.#books,
        notary: this.#notary,
        watch: this.#watch,
        privacy: this.#privacy,
        setup,
        commands: this.#commands,
        startedAtMs,
        wallMs: () => clock.wallMs(),
        clockFacts: () => ({ trust: options.timeSource.trust(), uptimeS: this.#uptimeS() }),
        isLinkUp: () => link.up,
        recordCount: () => this.#reception.recordCount,
        save: () => this.ledger.saveToTell(this.#nowUs()),
        tell: (topic, payload) => this.#tellOnce(topic, payload),
      },
      this.#delivery,
    );
  }

  /** Whether it is well (vitals.ts). */
  facts(): VoiceFacts {
    const { ledger } = this;
    return {
      eyeState: this.#watch.state,
      isSilent: this.#watch.silent,
      ledgerState: ledger.condition.state,
      unsavedUs: ledger.unsavedUs(this.#nowUs()),
      isLinkUp: this.#options.link.up,
      pendingCount: ledger.pendingCount,
      acknowledgedSeq: ledger.state.acknowledgedSeq,
    };
  }

  /** Starts the link and the seconds. */
  start(): void {
    const { config, clock, link, log } = this.#options;
    const { boot, epochId } = this.ledger.state;
    const backlog = this.ledger.pendingCount;
    log.info(
      { boot, epoch_id: epochId, backlog, lines: this.#books.counters, zones: this.#books.zones },
      'voice started',
    );
    this.#reception.setup.resume(this.ledger.state.commands.isSetupOn);
    this.#bulletin.begin();
    if (this.#options.updates !== undefined) this.#bulletin.tellUpdate(this.#options.updates.facts());
    this.#stopTicking = clock.every(MS_PER_S, () => this.#tick());
    link.start(
      { will: this.#bulletin.will, topics: [this.#commands.filter, ...this.#discovery.filters], refused: 'tell' },
      {
        onUp: () => {
          log.info({ backlog: this.ledger.pendingCount }, `link up: ${config.mqtt.url}`);
          this.#options.control(ControlWord.linkUp);
          this.#bulletin.tellCounts();
          this.#bulletin.tellHealth();
          this.#delivery.connected();
          this.#discovery.connected();
        },
        onDown: (reason) => {
          log.warn(`link down: ${reason}`);
          this.#options.control(ControlWord.linkDown);
        },
        onNotice: (sentence) => log.warn(sentence),
        onMessage: (message) => this.#hear(message),
      },
    );
  }

  /** Sends kept records again (delivery.ts). */
  resend(epochId: string, fromSeq: number, toSeq: number): ResendAnswer {
    return this.#delivery.resend(epochId, fromSeq, toSeq);
  }

  /** Bytes from the corridor. */
  feed(chunk: Uint8Array, byteCount: number): void {
    this.#reception.feed(chunk, byteCount);
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
    this.#options.updates?.stop();
    this.#bulletin.tellCounts();
    this.#bulletin.tellPrivacy();
    this.#end();
    const { link, log } = this.#options;
    await atMost(LAST_WORD_MS, this.#bulletin.farewell());
    await atMost(GOODBYE_MS, link.stop());
    this.ledger.save(this.#nowUs()); // what was acknowledged meanwhile
    this.ledger.close();
    log.info({ backlog: this.ledger.pendingCount }, 'voice stopped');
  }

  #hear(message: LinkMessage): void {
    if (this.#ended) return;
    if (this.#discovery.hear(message)) return;
    this.#commands.hear(message);
    this.#bulletin.tellCounts();
    this.#bulletin.tellHealth();
  }

  /** One at a time: a broker that takes nothing must not make a queue of what is old in a moment. */
  #tellOnce(topic: string, payload: string): void {
    const { link } = this.#options;
    if (this.#isTelling || !link.up) return;
    this.#isTelling = true;
    const done = () => {
      this.#isTelling = false;
    };
    link.publish(topic, payload, { retain: false, qos: 0 }).then(done, done);
  }

  /** The eye first: what it counted until then is told by us under the old configuration. */
  #startAgain(): void {
    if (this.#startAgainUs !== undefined) return;
    this.#options.log.info('the configuration has changed: eye and voice are started again');
    this.#startAgainUs = this.#nowUs() + EYE_ENDS_US_MAX;
    this.#options.control(ControlWord.startAgain);
  }

  #leave(): void {
    void this.stop().then(() => this.#options.onStartAgain());
  }

  #tick(): void {
    const nowUs = this.#nowUs();
    this.#tickCount += 1;
    this.#bulletin.tick();
    this.#lookAtClock();
    this.#books.tick(this.#wallMs());
    this.#reception.tick();
    if (nowUs - this.#startedUs >= DRAIN_US) this.#closeIntervals();
    this.ledger.saveSoon(nowUs);
    this.#tellEpoch();
    this.#bulletin.tellCounts();
    if (this.#tickCount % MINUTE_TICKS === 0) this.#minute();
    this.#reception.setup.tick();
    this.#bulletin.tellHealth();
    this.#delivery.tick();
    this.#discovery.tick();
    this.#tickUpdates();
    this.#options.onTick?.();
    if (this.#startAgainUs !== undefined && nowUs >= this.#startAgainUs) this.#leave();
  }

  /** Counts of a clock that nobody has set are counts; they say of themselves that their times may be wrong. */
  #lookAtClock(): void {
    const { timeSource, log } = this.#options;
    const trust = timeSource.trust();
    if (trust === 'unsynced') this.#books.markUnsynced(this.#uptimeS(), this.#wallMs());
    if (trust === this.#clockTrust) return;
    if (trust === 'unsynced')
      log.warn('nobody has set the clock since the board started: records say so until a time server answers');
    else if (this.#clockTrust === 'unsynced') log.info({ uptimeS: this.#uptimeS() }, 'the clock is set');
    this.#clockTrust = trust;
  }

  #tickUpdates(): void {
    const { updates, log } = this.#options;
    if (updates === undefined) return;
    const news = updates.tick();
    if (news !== undefined) this.#bulletin.tellUpdate(news);
    const facts = {
      frames: this.#privacy.framesRead,
      isCounting: this.#watch.state === 'counting',
      isAcknowledged: this.#delivery.hasAcknowledged,
    };
    try {
      if (updates.health.note(facts, this.#wallMs())) log.info('this version counts and has reached the broker');
    } catch (error) {
      log.error(`Cannot write down that this version is well (${(error as Error).message}).`);
    }
  }

  #closeIntervals(): void {
    const nowMs = this.#wallMs();
    if (!this.#books.closeIntervals(nowMs, (interval, records) => this.#notary.certify(interval, records, nowMs)))
      return;
    this.ledger.save(this.#nowUs());
    this.#delivery.pump();
  }

  #tellEpoch(): void {
    const { epochId } = this.ledger.state;
    if (epochId === this.#epochId) return;
    this.#epochId = epochId;
    this.#books.isCounterStale.fill(true);
    this.#bulletin.tellInfo();
  }

  #minute(): void {
    const { link, log } = this.#options;
    log.info(
      {
        ...this.#summary.minute(),
        ...this.#privacy.line(),
        link: link.up ? 'up' : 'down',
        backlog: this.ledger.pendingCount,
      },
      'minute',
    );
    this.#bulletin.tellPrivacy();
  }

  #cutOff(reason: string): void {
    this.#watch.cutOffReason = reason;
    this.#options.log.error(`eye cut off: ${reason}`);
    this.#books.mark(this.#watch.flags, this.#wallMs(), this.#wallMs());
    this.#end();
    // The connection is left standing: when the process ends, the broker publishes the last will.
    this.#ending = atMost(LAST_WORD_MS, this.#bulletin.lastHealth()).then(() => this.#options.onFatal(reason));
  }

  /** No further byte is read and no further second counted; the open intervals go to disk. */
  #end(): void {
    this.#ended = true;
    this.#reception.end();
    this.#stopTicking?.();
    this.ledger.save(this.#nowUs());
  }

  /** Since this start of the voice. */
  #uptimeS(): number {
    return Math.floor((this.#nowUs() - this.#startedUs) / US_PER_S);
  }

  #nowUs(): number {
    return this.#options.clock.monotonicUs();
  }

  #wallMs(): number {
    return this.#options.clock.wallMs();
  }
}
