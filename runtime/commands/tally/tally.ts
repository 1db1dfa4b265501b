/**
 * Tally: how good is this device at this door? A person presses one key for each who comes in and one for each who goes
 * out while the device counts; the report says who agrees with whom, crossing by crossing, and whether that is enough for
 * a verdict. Why so: everywhere else an audit means recorded video. Here nothing is recorded but times and directions,
 * and the device's side is what leaves it anyway: its running total, heard at the broker like any facility system does.
 *
 *   keys, lines, buttons (input.ts) ─► session.ts ─► match.ts ─► result.ts ─► record.ts (signed) ─► report.ts, the broker
 *   broker ─► observer.ts ─────────────┘
 *
 * Totals come once a second, so the device's times are good to a second; matching knows that. The order at the end is:
 * no more presses, then the last totals, then the record: printed, written, published, in this order, so that a broker
 * that is away costs nothing. The key and the file are tried before the person stands at the door for two hours.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { counterNames } from '../../config/counters.ts';
import { TOPIC_ROOT } from '../../contract/contract.ts';
import { TALLY_MOMENTS_MAX } from '../../contract/tally.ts';
import { topicNames } from '../../contract/topics.ts';
import { replaceDurable } from '../../durable.ts';
import { ExitCode, explain, LetheError, LinkError } from '../../errors.ts';
import { PACKAGE_VERSION } from '../../package.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Gpio } from '../../ports/gpio.ts';
import type { Link } from '../../ports/link.ts';
import { type DeviceKey, openDeviceKey } from '../../privacy/device-key.ts';
import { MS_PER_S, US_PER_MS } from '../../units.ts';
import { Display } from './display.ts';
import { KeyReader, LineReader, openButtons, WORDS, type Word } from './input.ts';
import { Observer } from './observer.ts';
import { type Plan, planOf, type TallyOptions } from './plan.ts';
import { recordText, signedRecord, type TallyRecord } from './record.ts';
import { reportText } from './report.ts';
import { Session } from './session.ts';

/** What a session touches of the machine; tests hand in others. */
export type TallyEnvironment = {
  readonly clock: Clock;
  readonly link: Link;
  readonly openGpio: () => Promise<Gpio>;
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown };
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Of the terminal that is written to; undefined: it is none. */
  readonly columns: () => number | undefined;
  /** Calls `stop` when the system asks for an end; returns what takes that back. */
  readonly onStopRequest: (stop: () => void) => () => void;
  /** For tests. */
  readonly firstWordMsMax?: number;
};

/** A broker in the same building answers within a second; TLS and a slow Wi-Fi take longer. */
const CONNECT_MS_MAX = 10_000;
/** What is retained comes with the subscription; a counter that starts at this moment needs a little. */
const FIRST_WORD_MS_MAX = 5000;

/** Resolves with exit code 0 after a session with a record, whatever its verdict. Throws LetheError before one. */
export async function tallyCommand(options: TallyOptions, environment: TallyEnvironment): Promise<ExitCode> {
  const plan = planOf(options);
  const key = openDeviceKey(options.config.stateDir);
  const session = new RunningTally(options, plan, key, environment);
  try {
    await session.prepare();
    await session.run();
    return await session.conclude();
  } finally {
    await session.close();
  }
}

class RunningTally {
  readonly #options: TallyOptions;
  readonly #plan: Plan;
  readonly #key: DeviceKey;
  readonly #environment: TallyEnvironment;
  readonly #session = new Session();
  readonly #observer: Observer;
  readonly #display: Display;
  readonly #topics: ReturnType<typeof topicNames>;
  /** What is written besides a record on stdout. */
  readonly #tell: (text: string) => void;
  #downReason = '';
  /** Undefined before the session has begun. */
  #startedUs: number | undefined;
  #startedAtMs = 0;
  #durationMs: number | undefined;
  #end: () => void = () => {};
  readonly #undo: (() => void)[] = [];

  constructor(options: TallyOptions, plan: Plan, key: DeviceKey, environment: TallyEnvironment) {
    this.#options = options;
    this.#plan = plan;
    this.#key = key;
    this.#environment = environment;
    this.#tell = options.json === '-' ? environment.err : environment.out;
    const { site, device } = options.config;
    this.#topics = topicNames(site, device);
    this.#display = new Display({
      write: this.#tell,
      columns: environment.columns,
      isTerminal: environment.columns() !== undefined,
      deviceShown: !options.blind,
    });
    this.#observer = new Observer(this.#observed(), this.#session, (sentence) => {
      if (this.#startedUs === undefined) return;
      this.#display.say(`${this.#clockText()} ${sentence}`);
      this.#draw();
    });
  }

  /** Connects, and resolves when the device is online and its total is here. Throws LinkError with what to do, else. */
  async prepare(): Promise<void> {
    const { link } = this.#environment;
    const { status, total, health } = this.#observed();
    let changed = () => {};
    link.start(
      { topics: [status, total, health] },
      {
        onUp: () => {
          this.#observer.linkUp(this.#nowMs());
          changed();
        },
        onDown: (reason) => {
          this.#downReason = reason;
          this.#observer.linkDown(this.#nowMs(), reason);
          changed();
        },
        onMessage: ({ topic, payload, retained }) => {
          this.#observer.message(this.#nowMs(), topic, payload, retained);
          changed();
          this.#endIfFull();
          this.#draw();
        },
      },
    );
    const until = (timeoutMs: number, isReached: () => boolean) =>
      new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), timeoutMs);
        changed = () => {
          if (!isReached()) return;
          clearTimeout(timer);
          resolve(true);
        };
        changed();
      });
    // A reason ends the waiting: it names the remedy, and the person stands at the door.
    await until(CONNECT_MS_MAX, () => link.up || this.#downReason !== '');
    if (!link.up) throw this.#notConnected();
    const { firstWordMsMax = FIRST_WORD_MS_MAX } = this.#environment;
    if (!(await until(firstWordMsMax, () => this.#observer.isObserving))) throw this.#notCounting();
    await this.#openPins();
  }

  /** Resolves when the person, the time or the system ends the session. */
  async run(): Promise<void> {
    const { clock, onStopRequest } = this.#environment;
    const { seconds } = this.#options;
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    this.#introduce();
    this.#startedUs = clock.monotonicUs();
    this.#startedAtMs = clock.wallMs();
    this.#observer.begin();
    this.#undo.push(onStopRequest(this.#end));
    if (seconds !== undefined) {
      const timer = setTimeout(this.#end, seconds * MS_PER_S);
      this.#undo.push(() => clearTimeout(timer));
    }
    this.#undo.push(clock.every(MS_PER_S, () => this.#draw()));
    this.#listenToPerson();
    this.#draw();
    await ended;
    this.#durationMs = this.#nowMs();
    this.#display.clear();
  }

  /** The last totals, then the record: printed, written, published. */
  async conclude(): Promise<ExitCode> {
    const { config, windowS } = this.#options;
    this.#tell('Ended; waiting for the last totals.\n');
    await new Promise((resolve) => setTimeout(resolve, windowS * MS_PER_S));
    const record = signedRecord(
      this.#session,
      {
        site: config.site,
        device: config.device,
        line: this.#plan.line,
        version: PACKAGE_VERSION,
        startedAtMs: this.#startedAtMs,
        durationMs: this.#durationMs ?? this.#nowMs(),
        windowMs: Math.round(windowS * MS_PER_S),
        marginShare: this.#options.marginPercent / 100,
        deviceShown: !this.#options.blind,
      },
      this.#key,
    );
    this.#tell(`\n${reportText(record, config.timeZone)}\nSigned with the key ${record.key} of this machine.\n`);
    await this.#publish(record, this.#writeRecord(record));
    return ExitCode.ok;
  }

  async close(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo();
    await this.#environment.link.stop();
  }

  #observed(): { status: string; total: string; health: string } {
    return { status: this.#topics.status, total: this.#topics.total(this.#plan.line), health: this.#topics.health };
  }

  /** ms since the begin; 0 before it. */
  #nowMs(): number {
    if (this.#startedUs === undefined) return 0;
    return Math.round((this.#environment.clock.monotonicUs() - this.#startedUs) / US_PER_MS);
  }

  #notConnected(): LinkError {
    const { url } = this.#options.config.mqtt;
    const message = this.#downReason === '' ? `The broker at ${url} does not answer.` : this.#downReason;
    return new LinkError('TALLY_NO_BROKER', message, {
      op: 'hear the counter',
      hint: 'Tally stands beside a counter that runs: give it the same configuration (-c FILE). For `npm start`, whose broker has a port of its own, add -s mqtt.url=mqtt://127.0.0.1:PORT as it prints it.',
    });
  }

  #notCounting(): LinkError {
    const { site, device, mqtt } = this.#options.config;
    const { line } = this.#plan;
    const { state } = this.#observer;
    const faults: string[] = [];
    if (state === '') faults.push(`At ${mqtt.url} nobody has spoken as ${site}/${device}.`);
    else if (state !== 'online') faults.push(`The counter ${site}/${device} is ${state}.`);
    if (!this.#observer.hasTotal) faults.push(`No total of the line ${line} has come.`);
    const names = counterNames(this.#options.config).join(', ');
    return new LinkError('TALLY_NO_COUNTER', faults.join('\n'), {
      op: 'hear the counter',
      hint: `Start it (lethe run -c FILE), and give tally the same configuration: site, device and lines (here: ${names}). Who is there: mosquitto_sub -v -t '${TOPIC_ROOT}/+/+/status'`,
    });
  }

  async #openPins(): Promise<void> {
    const { pins } = this.#plan;
    if (pins === undefined) return;
    const gpio = await this.#environment.openGpio();
    if (!gpio.available) {
      throw new LetheError(
        'TALLY_NO_PINS',
        `--gpio-in and --gpio-out need pins: ${gpio.reason}`,
        ExitCode.unavailable,
        {
          op: 'open buttons',
          hint: 'Leave them out to use the keyboard.',
        },
      );
    }
    this.#undo.push(openButtons(gpio, pins, (word) => this.#take(word)));
  }

  #introduce(): void {
    const { config, marginPercent, blind } = this.#options;
    const { line, keys, pins } = this.#plan;
    const { site, device } = config;
    const ways = this.#isKeyboard()
      ? `${keys.in} in, ${keys.out} out, u takes the last one back, p pauses both, q ends.`
      : `Lines: ${WORDS.join(', ')}.`;
    const buttons = pins === undefined ? '' : ` Buttons: BCM ${pins.in} in, BCM ${pins.out} out.`;
    this.#tell(
      `Tally of line ${line} of ${site}/${device} at ${config.mqtt.url}, margin ${marginPercent} %.\n${ways}${buttons}\n` +
        `Press at the moment somebody crosses the line. Only times and directions are kept.${blind ? ' The device’s numbers come at the end.' : ''}\n`,
    );
    const { eyeState } = this.#observer;
    if (eyeState !== '' && eyeState !== 'counting')
      this.#tell(`Mind: the device says that its eye is ${eyeState}. It counts nobody in this state.\n`);
  }

  #isKeyboard(): boolean {
    const { input } = this.#environment;
    return input.isTTY === true && input.setRawMode !== undefined;
  }

  #listenToPerson(): void {
    const { input } = this.#environment;
    const isKeyboard = this.#isKeyboard();
    const keys = new KeyReader(this.#plan.keys);
    const lines = new LineReader((line) =>
      this.#display.say(
        `"${line.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 40)}" is no word; expected ${WORDS.join(', ')}.`,
      ),
    );
    const onData = (chunk: Buffer | string) => {
      const text = chunk.toString();
      for (const word of isKeyboard ? keys.read(text, this.#nowMs()) : lines.read(text)) this.#take(word);
    };
    // A service with buttons has no input at all, and one with --seconds may have none: its end is then not ours.
    const endsWithInput = this.#plan.pins === undefined && this.#options.seconds === undefined;
    const onEnd = () => {
      for (const word of lines.finish()) this.#take(word);
      if (endsWithInput) this.#end();
    };
    if (isKeyboard) input.setRawMode?.(true);
    input.on('data', onData);
    input.on('end', onEnd);
    input.resume();
    this.#undo.push(() => {
      input.off('data', onData);
      input.off('end', onEnd);
      if (isKeyboard) input.setRawMode?.(false);
      input.pause();
    });
  }

  #take(word: Word): void {
    // A button may be pressed before the session begins, and until the last totals have come.
    if (this.#startedUs === undefined || this.#durationMs !== undefined) return;
    const tMs = this.#nowMs();
    if (word === 'end') this.#end();
    else if (word === 'pause') this.#pause(tMs);
    else if (word === 'undo') {
      const direction = this.#session.undo(tMs);
      this.#display.echo(direction === undefined ? 'nothing to take back' : `took back ${direction}`);
    } else if (this.#session.press(tMs, word)) this.#display.echo(word === 'in' ? '-> in' : '<- out');
    else this.#display.echo('not taken: paused');
    this.#endIfFull();
    this.#draw();
  }

  #endIfFull(): void {
    if (!this.#session.isFull || this.#durationMs !== undefined) return;
    this.#display.say(`${TALLY_MOMENTS_MAX} events are as many as a record holds: the session ends here.`);
    this.#end();
  }

  #pause(tMs: number): void {
    if (this.#session.isPaused) this.#session.closeGap(tMs, 'pause');
    else this.#session.openGap(tMs, 'pause');
    this.#display.echo(this.#session.isPaused ? 'p goes on' : 'goes on');
  }

  #draw(): void {
    if (this.#startedUs !== undefined && this.#durationMs === undefined)
      this.#display.draw(this.#session, this.#nowMs());
  }

  #clockText(): string {
    const { timeZone } = this.#options.config;
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone, timeStyle: 'medium' });
    return format.format(this.#environment.clock.wallMs());
  }

  /** Where the record is afterwards, or '' if it was not asked for or the disk is full: then it is still published. */
  #writeRecord(record: TallyRecord): string {
    const { json } = this.#options;
    const text = `${recordText(record)}\n`;
    if (json === '-') this.#environment.out(text);
    if (json === undefined || json === '-') return json ?? '';
    try {
      writeFileSync(json, text);
      return json;
    } catch (error) {
      this.#tell(`Not written: ${json} (${(error as NodeJS.ErrnoException).code}).\n`);
      return '';
    }
  }

  /** A session that cannot be published must not be lost: then it is kept beside the key, and else printed. */
  async #publish(record: TallyRecord, writtenTo: string): Promise<void> {
    const topic = this.#topics.tally(record.line);
    try {
      await this.#environment.link.publish(topic, recordText(record), { retain: true, qos: 1 });
      this.#tell(`Published on ${topic}.\n`);
    } catch (error) {
      const place = writtenTo === '' ? this.#keep(record) : writtenTo;
      this.#tell(
        `Not published: ${explain(error)}\n${place === '-' ? 'It was printed' : `It is in ${place}`}; to publish it later: mosquitto_pub -r -q 1 -t ${topic} -f FILE\n`,
      );
    }
  }

  #keep(record: TallyRecord): string {
    const name = `tally-${record.line}-${record.from.replaceAll(/[-:]|\.\d+/g, '')}.json`;
    const place = join(this.#options.config.stateDir, name);
    try {
      replaceDurable(place, `${recordText(record)}\n`);
      return place;
    } catch {
      this.#environment.out(`${recordText(record)}\n`);
      return '-';
    }
  }
}
