/**
 * `lethe command <name>`: sends one command to a device, signed where it must be, waits for the reply and says what came of it.
 * `setup` stays and shows where people are until the minutes are over, or ends them at Ctrl-C.
 * Exit: 0 done, 1 refused by the device, 69 no broker or no reply, 64 words that do not go together, 78 a key that cannot be used.
 */
import { Value } from 'typebox/value';
import type { Config } from '../../config/schema.ts';
import { type Reply, ReplySchema } from '../../contract/commands.ts';
import { baseTopic, topicNames } from '../../contract/topics.ts';
import { ExitCode, LinkError } from '../../errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Link, LinkMessage } from '../../ports/link.ts';
import { keyFingerprint, makeCommandKey, openCommandKey } from '../../privacy/command-signature.ts';
import type { DeviceKey } from '../../privacy/receipts.ts';
import { MS_PER_S } from '../../units.ts';
import { LiveView } from './live-view.ts';
import { type ArgumentWords, type Plan, planOf, requestOf } from './request.ts';

const REDRAW_MS = 1000;

export type CommandOptions = ArgumentWords & {
  readonly name: string;
  readonly config: Config;
  /** File of the key; undefined: none. */
  readonly key?: string | undefined;
  /** How long to wait for the broker, and then for the reply. */
  readonly timeoutS: number;
  readonly json: boolean;
};

/** What it touches of the machine; tests hand in others. */
export type CommandEnvironment = {
  readonly clock: Clock;
  readonly link: Link;
  readonly out: (text: string) => void;
  /** Of the terminal that is written to; undefined: it is none. */
  readonly size: () => { readonly columns: number; readonly rows: number } | undefined;
  /** Calls `stop` when the system asks for an end; returns what takes that back. */
  readonly onStopRequest: (stop: () => void) => () => void;
};

/** Makes a key, and prints what belongs into the configuration. */
export function newKeyCommand(file: string, out: (text: string) => void): ExitCode {
  const { publicKey } = makeCommandKey(file);
  out(
    `key ${keyFingerprint(publicKey)}\nprivate half: ${file}; keep it, and keep it secret\n` +
      `for the configuration of the counters that it may command:\n"commands": { "public_keys": ["${publicKey}"] }\n`,
  );
  return ExitCode.ok;
}

/** Throws LetheError before anything was sent, LinkError without a broker or a reply. */
export async function commandCommand(options: CommandOptions, environment: CommandEnvironment): Promise<ExitCode> {
  const plan = planOf(options.name, options, options.key !== undefined);
  const key = options.key === undefined ? undefined : openCommandKey(options.key);
  const call = new Call(options, plan, key, environment);
  try {
    await call.connect();
    const reply = await call.ask(plan);
    call.print(reply);
    if (!reply.ok) return ExitCode.failed;
    if (plan.name === 'setup' && reply.until) await call.watch(Date.parse(reply.until));
    return ExitCode.ok;
  } finally {
    await environment.link.stop();
  }
}

class Call {
  readonly #options: CommandOptions;
  readonly #plan: Plan;
  readonly #key: DeviceKey | undefined;
  readonly #environment: CommandEnvironment;
  readonly #topics: ReturnType<typeof topicNames>;
  #onReply: ((reply: Reply) => void) | undefined;
  #view: LiveView | undefined;

  constructor(options: CommandOptions, plan: Plan, key: DeviceKey | undefined, environment: CommandEnvironment) {
    this.#options = options;
    this.#plan = plan;
    this.#key = key;
    this.#environment = environment;
    this.#topics = topicNames(options.config.site, options.config.device);
  }

  connect(): Promise<void> {
    const { config, timeoutS } = this.#options;
    const topics = [this.#topics.reply(this.#plan.name), this.#topics.reply('unknown'), this.#topics.setup];
    return new Promise((resolve, reject) => {
      const fail = (reason: string) =>
        reject(
          new LinkError('COMMAND_NO_BROKER', reason, {
            op: 'reach the counter',
            hint: 'Give the same configuration as the counter has (-c FILE), and a user of the broker that may publish on cmd/.',
          }),
        );
      const timer = setTimeout(
        () => fail(`The broker at ${config.mqtt.url} does not answer within ${timeoutS} s.`),
        timeoutS * MS_PER_S,
      );
      const first = (act: () => void) => {
        clearTimeout(timer);
        act();
      };
      this.#environment.link.start(
        { topics },
        {
          onUp: () => first(resolve),
          onDown: (reason) => first(() => fail(reason)),
          onMessage: (message) => this.#hear(message),
        },
      );
    });
  }

  /** Sends, and resolves with the reply that bears the id. */
  async ask(plan: Plan): Promise<Reply> {
    const { config, timeoutS } = this.#options;
    const { site, device } = config;
    const { link, clock } = this.#environment;
    const { id, payload } = requestOf(plan, config, this.#key, clock.wallMs());
    let timer: NodeJS.Timeout | undefined;
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#onReply = (heard) => heard.id === id && resolve(heard);
      timer = setTimeout(
        () =>
          reject(
            new LinkError('COMMAND_NO_REPLY', `${site}/${device} did not reply within ${timeoutS} s.`, {
              op: `send ${plan.name}`,
              hint: 'Is it running, is it at this broker, may it read cmd/ there? It may have done what was asked all the same: look at health.',
            }),
          ),
        timeoutS * MS_PER_S,
      );
    });
    // Without a listener a reply that never comes would end the program while the publication fails.
    reply.catch(() => {});
    try {
      await link.publish(`${baseTopic(site, device)}/cmd/${plan.name}`, payload, {
        retain: false,
        qos: 1,
        correlationData: Buffer.from(id),
      });
      return await reply;
    } finally {
      clearTimeout(timer);
      this.#onReply = undefined;
    }
  }

  print(reply: Reply): void {
    const { out } = this.#environment;
    out(this.#options.json ? `${JSON.stringify(reply)}\n` : `${sentenceOf(this.#plan.name, reply)}\n`);
  }

  /** Shows positions until the minutes are over; Ctrl-C ends them on the device as well. */
  async watch(untilMs: number): Promise<void> {
    const { clock, out, size, onStopRequest } = this.#environment;
    const { config, json } = this.#options;
    const view = new LiveView({ config, out, size: json ? () => undefined : size }, untilMs, clock.wallMs());
    this.#view = view;
    const stopped = await new Promise<boolean>((resolve) => {
      const undo = [
        onStopRequest(() => finish(true)),
        clock.every(REDRAW_MS, () => {
          view.show(clock.wallMs());
          if (view.isOver(clock.wallMs())) finish(false);
        }),
      ];
      // Keeps the process alive where the clock does not.
      const alive = setInterval(() => {}, REDRAW_MS);
      const finish = (isStopped: boolean) => {
        clearInterval(alive);
        for (const take of undo) take();
        resolve(isStopped);
      };
    });
    this.#view = undefined;
    view.close();
    if (stopped) this.print(await this.ask({ name: 'setup', arguments: { minutes: 0 } }));
  }

  #hear({ topic, payload, retained }: LinkMessage): void {
    if (topic === this.#topics.setup) {
      this.#view?.hear(payload, this.#environment.clock.wallMs());
      return;
    }
    if (retained) return;
    let json: unknown;
    try {
      json = JSON.parse(payload);
    } catch {
      return;
    }
    if (Value.Check(ReplySchema, json)) this.#onReply?.(json);
  }
}

function sentenceOf(name: string, reply: Reply): string {
  if (!reply.ok) return `${name} was refused (${reply.error?.code ?? 'no reason'}): ${reply.error?.message ?? ''}`;
  if (reply.uptime_s !== undefined)
    return `Here: Lethe ${reply.version}, up for ${reply.uptime_s} s, its clock ${reply.at}.`;
  if (reply.seconds !== undefined) return `The lamp flickers for ${reply.seconds} s.`;
  if (reply.until !== undefined)
    return reply.until === null ? 'Set-up mode is off.' : `Set-up mode until ${reply.until}.`;
  if (reply.people !== undefined) return `${reply.people} people are taken to be inside now.`;
  if (reply.from_seq !== undefined) return `What is kept of ${reply.from_seq} to ${reply.to_seq} is sent once more.`;
  if (reply.changed !== undefined)
    return `The configuration is good; the counter is started again with it. Different: ${reply.changed.join(', ') || 'nothing'}.`;
  return 'Done.';
}
