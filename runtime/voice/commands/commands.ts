/**
 * Commands: what arrives on `cmd/<name>` is checked (check.ts), carried out by the voice (VoiceActions) and answered on
 * `reply/<name>` with the id and the correlation data of the request. Read this file first.
 *
 * What can be refused is, by a code and a sentence, and nothing has changed then. A signed command is remembered on disk before
 * it is carried out (memory.ts): a crash in between loses it, and never does it twice.
 * Bounds: so many messages a minute, whatever they are; beyond that one refusal each ten seconds is said, the rest only
 * counted. Refusals in the log: one line a minute, with how many there were. So many replies wait for the broker at most.
 * Who floods `cmd/` keeps others from being heard: to publish there is for the broker to allow (provisioning/gateway).
 * Memory: what memory.ts keeps, and the replies that wait.
 */
import type { CommandName, RefusalCode, Request } from '../../contract/commands.ts';
import { REPLY_UNKNOWN } from '../../contract/commands.ts';
import { baseTopic, type TopicNames } from '../../contract/topics.ts';
import type { Log } from '../../log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Link, LinkMessage } from '../../ports/link.ts';
import { keyFingerprint } from '../../privacy/command-signature.ts';
import { US_PER_S } from '../../units.ts';
import { type CommandFacts, donePayload, type ReplyFacts, refusedPayload } from '../topics/payloads.ts';
import { Allowance } from './allowance.ts';
import { type Checked, checkCommand } from './check.ts';
import { type CommandMemory, forgetExpired, remember } from './memory.ts';
import { type Refusal, refusal } from './refusal.ts';

/** People who set up a door, and a gateway that asks for what it missed. */
const PER_MINUTE = 30;
const BURST = 20;
/** `too_many` is said so often. */
const TOO_MANY_PER_MINUTE = 6;
const LOG_PERIOD_US = 60 * US_PER_S;
const REPLIES_WAITING_MAX = 16;

/** What came of a command that was carried out. */
export type Outcome = { readonly refused: Refusal } | Done;
type Done = {
  readonly result: ReplyFacts;
  /** Once the reply is out, or cannot get out. */
  readonly afterReply?: () => void;
};
type Accepted = Extract<Checked, { request: object }>;

/** What the voice can do; each is called with a request that was checked. */
export type CommandActions = { readonly [Name in CommandName]: (request: Request<Name>) => Outcome };

export type CommandsOptions = {
  readonly site: string;
  readonly device: string;
  readonly publicKeys: readonly string[];
  readonly topics: TopicNames;
  readonly link: Link;
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: CommandMemory;
  /** Puts the memory on disk; false: it is not there. */
  readonly save: () => boolean;
  readonly actions: CommandActions;
};

export class Commands {
  readonly #options: CommandsOptions;
  readonly #prefix: string;
  readonly #messages: Allowance;
  readonly #tooMany: Allowance;
  #accepted = 0;
  #refused = 0;
  #lastAtMs: number | null = null;
  #repliesWaiting = 0;
  #loggedAtUs = Number.NEGATIVE_INFINITY;
  #refusedSinceLog = 0;

  constructor(options: CommandsOptions) {
    this.#options = options;
    const { site, device, clock } = options;
    this.#prefix = `${baseTopic(site, device)}/cmd/`;
    const nowUs = () => clock.monotonicUs();
    this.#messages = new Allowance(PER_MINUTE, BURST, nowUs);
    this.#tooMany = new Allowance(TOO_MANY_PER_MINUTE, 1, nowUs);
  }

  /** To subscribe to. */
  get filter(): string {
    return `${this.#prefix}+`;
  }

  /** Since the start of the voice. */
  get facts(): CommandFacts {
    return { accepted: this.#accepted, refused: this.#refused, lastAtMs: this.#lastAtMs };
  }

  /** Any message of the link. Never throws for what a stranger sent. */
  hear(message: LinkMessage): void {
    if (!message.topic.startsWith(this.#prefix)) return;
    const { site, device, publicKeys, memory, clock } = this.#options;
    if (!this.#messages.take()) {
      this.#refuseTooMany(message);
      return;
    }
    const nowMs = clock.wallMs();
    forgetExpired(memory, nowMs);
    const name = message.topic.slice(this.#prefix.length);
    const checked = checkCommand(name, message, { site, device, publicKeys, memory, nowMs });
    if ('refused' in checked) {
      this.#refuse(checked, checked.refused, message);
      return;
    }
    const outcome = this.#carryOut(checked);
    if ('refused' in outcome) this.#refuse(checked, outcome.refused, message);
    else this.#done(checked, outcome, message);
  }

  #carryOut({ name, request }: Accepted): Outcome {
    const { memory, save, actions } = this.#options;
    if ('expires_at' in request) {
      remember(memory, request.id, Date.parse(request.expires_at));
      // On disk before the eye hears of it, so that a voice that comes after us knows why positions come.
      if ('minutes' in request && request.minutes > 0) memory.isSetupOn = true;
      if (!save())
        return {
          refused: refusal(
            'not_remembered',
            'The device cannot write down that it has had this command, so a restart would let somebody repeat it. See ledger in health, and mend that first.',
          ),
        };
    }
    // The name chooses the schema that the request was checked against; tsc cannot follow that through a table.
    return (actions[name] as (request: Request) => Outcome)(request);
  }

  #done({ name, id, request }: Accepted, outcome: Done, message: LinkMessage): void {
    const { clock, log } = this.#options;
    const nowMs = clock.wallMs();
    if ('expires_at' in request) {
      this.#accepted += 1;
      this.#lastAtMs = nowMs;
      const { public_key: publicKey, signature: _signature, v: _v, ...said } = request;
      log.info({ ...said, key: keyFingerprint(publicKey) }, 'command carried out');
    } else {
      log.debug({ command: name, id }, 'command carried out');
    }
    const replied = this.#reply(name, donePayload(nowMs, id, outcome.result), message);
    if (outcome.afterReply !== undefined) void replied.then(outcome.afterReply);
  }

  #refuse({ name, id }: Pick<Checked, 'name' | 'id'>, refused: Refusal, message: LinkMessage): void {
    this.#count(name, refused.code);
    void this.#reply(name, refusedPayload(this.#options.clock.wallMs(), id, refused), message);
  }

  #refuseTooMany(message: LinkMessage): void {
    this.#count(undefined, 'too_many');
    if (!this.#tooMany.take()) return;
    const sentence = `More than ${PER_MINUTE} commands a minute came. Wait some seconds; find out who sends them.`;
    const payload = refusedPayload(this.#options.clock.wallMs(), null, refusal('too_many', sentence));
    void this.#reply(undefined, payload, message);
  }

  /** Codes are our words; nothing of what a stranger wrote gets into the log. */
  #count(name: CommandName | undefined, code: RefusalCode): void {
    const { clock, log } = this.#options;
    this.#refused += 1;
    this.#refusedSinceLog += 1;
    const nowUs = clock.monotonicUs();
    if (nowUs - this.#loggedAtUs < LOG_PERIOD_US) return;
    this.#loggedAtUs = nowUs;
    log.warn({ command: name ?? REPLY_UNKNOWN, code, refused: this.#refusedSinceLog }, 'command refused');
    this.#refusedSinceLog = 0;
  }

  /** Resolves when the broker has it, or will not have it: a reply is said once. */
  async #reply(name: CommandName | undefined, payload: string, { correlationData }: LinkMessage): Promise<void> {
    const { link, topics } = this.#options;
    if (this.#repliesWaiting >= REPLIES_WAITING_MAX) return;
    this.#repliesWaiting += 1;
    try {
      await link.publish(topics.reply(name ?? REPLY_UNKNOWN), payload, {
        retain: false,
        qos: 1,
        ...(correlationData && { correlationData }),
      });
    } catch {
      // Who asked hears nothing, and asks again; a link that is down says so itself.
    } finally {
      this.#repliesWaiting -= 1;
    }
  }
}
