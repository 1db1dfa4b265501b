/**
 * Claim: from a network to credentials. Runs without root and without a camera; it has the network, and the one thing that it
 * may write is its own attempt (state.ts), which settle then checks anew.
 *
 * Time. A blank Pi does not know it, and three things need it: whether the code has expired, whether the certificates of the
 * gateway are valid today, and later whether ours is. So nothing is sent before a time server has answered, which is waited for
 * TIME_WAIT_MS at most; then `no_time` is shown, and it begins again. The gateway's own `time` cannot help out: it comes over a
 * connection that can be believed only when the time is known, and whoever can fake the gateway could set our clock back to when
 * a stolen certificate was valid. It is compared afterwards, and a difference is logged. Time servers are not authenticated
 * either: who controls the network can make an expired code look valid to us, but not to the gateway, which has its own clock;
 * and an expired certificate of the store's own authority, which is worth that one bound.
 *
 * What it may end with: `claimed`, or a refusal that this code will always meet; settle does what follows from either. What may
 * pass (nobody answers, the wrong one answers, no time) is shown while it lasts, and tried again until the gateway has said how it
 * ends, or another code is shown.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { Log } from '../../../runtime/log.ts';
import { type CodeMoment, readCode } from '../../payload/code.ts';
import type { CodeKeys } from '../../payload/keys.ts';
import type { SetupPayload } from '../../payload/payload.ts';
import type { Refusal } from '../../payload/refusals.ts';
import type { Board } from '../card.ts';
import type { SetupDisk } from '../disk.ts';
import { ONCE_VALID } from '../moment.ts';
import type { Places } from '../places.ts';
import { clearRefusal, isDiskFault, tellRefusal } from '../refusing.ts';
import { type Settings, settingsFrom } from '../settings.ts';
import { type ClaimAttempt, type PendingSetup, SetupState } from '../state.ts';
import type { Fault } from './authority.ts';
import type { ClaimRequest, Exchanged, GatewayAddress } from './exchange.ts';

/** Pauses between tries: doubled, up to the last. */
const PAUSE_MS_MIN = 1000;
const PAUSE_MS_MAX = 30_000;
/** Then the program ends and is started anew by systemd, which frees whatever it may have got stuck in. */
const TRIES_MAX = 12;
/** From how far on a clock is worth a line in the log. */
const CLOCK_DIFFERENCE_MS = 60_000;

const PURPOSE = 'lethe claim v1\n';

/** May be otherwise in a minute: shown, and tried again. */
const PASSING: readonly Refusal[] = [
  'gateway_unreachable',
  'gateway_other_certificate',
  'no_time',
  'no_network',
  'no_disk',
];

/** The network, for the tests to stand in for. */
export type Gateway = {
  /** PEM of the authority whose key the code names. */
  findAuthority(host: string, port: number, caPin: string): Promise<string | Fault>;
  exchange(address: GatewayAddress, body: ClaimRequest): Promise<Exchanged | Fault>;
  /** Connects to the broker once with what was received; undefined: it let us in. */
  tryBroker(settings: Settings): Promise<Fault | undefined>;
};

export type ClaimParts = {
  readonly disk: SetupDisk;
  readonly places: Places;
  readonly log: Log;
  readonly keys: CodeKeys;
  readonly board: Board;
  readonly gateway: Gateway;
  /** The setup as it was handed over; undefined: none. */
  readonly pending: PendingSetup | undefined;
  readonly hardware: ClaimRequest['hardware'];
  readonly version: string;
  readonly moment: () => CodeMoment;
  /** Whether the time got known within the time that people wait. */
  readonly waitForTime: () => Promise<boolean>;
  readonly pause: (ms: number) => Promise<void>;
  /** PKCS#8 PEM of a new key, for tests; otherwise made here. */
  readonly makeKey?: () => string;
};

/** ended: the attempt says how. again: to be started again. idle: there is nothing to claim. */
export type ClaimResult = 'ended' | 'again' | 'idle';

export async function claim(parts: ClaimParts): Promise<ClaimResult> {
  const { pending } = parts;
  if (pending === undefined) return 'idle';
  try {
    return await new Claim(parts, pending).run();
  } catch (error) {
    if (!isDiskFault(error)) throw error;
    tellRefusal(parts, 'no_disk', (error as Error).message);
    return 'again';
  }
}

class Claim {
  readonly #parts: ClaimParts;
  readonly #pending: PendingSetup;
  readonly #state: SetupState;
  constructor(parts: ClaimParts, pending: PendingSetup) {
    this.#parts = parts;
    this.#pending = pending;
    this.#state = new SetupState(parts.disk, parts.places);
  }

  async run(): Promise<ClaimResult> {
    const { log, waitForTime } = this.#parts;
    if (this.#state.attemptFor(this.#pending.nonce)?.outcome !== undefined) return 'ended';
    if (!(await waitForTime())) {
      tellRefusal(this.#parts, 'no_time');
      return 'again';
    }
    log.info('the time is known');
    for (let tries = 1, pauseMs = PAUSE_MS_MIN; ; tries++) {
      const fault = await this.#try();
      if (fault === undefined) return 'ended';
      tellRefusal(this.#parts, fault.refusal, fault.reason);
      if (tries === TRIES_MAX) return 'again';
      await this.#parts.pause(pauseMs);
      pauseMs = Math.min(PAUSE_MS_MAX, 2 * pauseMs);
    }
  }

  /** undefined: the attempt has ended, well or not. Otherwise what may pass. */
  async #try(): Promise<Fault | undefined> {
    const { keys, moment } = this.#parts;
    const { nonce, code } = this.#pending;
    const begun = this.#state.attemptFor(nonce);
    // The gateway may have spent the token for a key that was sent, and lost the answer to a cut: it alone knows, by its own
    // clock, whether it is too late.
    const judged = begun === undefined ? { ...moment(), isTimeKnown: true } : ONCE_VALID;
    const reading = readCode(code, keys, judged, { spent: () => false });
    const attempt = begun ?? this.#begin(nonce);
    if (!reading.ok) return this.#end(attempt, { refusal: reading.refusal, reason: '' });
    const claimed = await this.#exchange(attempt, reading.payload);
    if ('refusal' in claimed) return this.#end(attempt, claimed);
    return this.#prove(claimed, reading.payload);
  }

  /** The key is on disk before anybody hears of it. */
  #begin(nonce: string): ClaimAttempt {
    const { makeKey = newKey } = this.#parts;
    const attempt = { nonce, key: makeKey() };
    this.#state.writeAttempt(attempt);
    this.#parts.log.info('key made');
    return attempt;
  }

  async #exchange(attempt: ClaimAttempt, payload: SetupPayload): Promise<ClaimAttempt | Fault> {
    if (attempt.answer !== undefined) return attempt;
    const { gateway, hardware, version, log } = this.#parts;
    const { host, claimPort: port } = payload;
    const ca = await gateway.findAuthority(host, port, payload.caPin);
    if (typeof ca !== 'string') return ca;
    const { code } = this.#pending;
    const key = createPrivateKey(attempt.key);
    const exchanged = await gateway.exchange(
      { host, port, ca },
      {
        v: 1,
        code,
        public_key: createPublicKey(key).export({ format: 'pem', type: 'spki' }).toString(),
        proof: sign('sha256', Buffer.from(PURPOSE + code), key).toString('base64'),
        hardware,
        version,
      },
    );
    if ('refusal' in exchanged) return exchanged;
    const claimed = { ...attempt, answer: exchanged.answer };
    this.#state.writeAttempt(claimed);
    log.info({ device: exchanged.answer.device.slice(0, 40) }, 'claimed');
    this.#compareClock(exchanged.time);
    return claimed;
  }

  async #prove(attempt: ClaimAttempt, payload: SetupPayload): Promise<Fault | undefined> {
    const { answer } = attempt;
    if (answer === undefined) return undefined;
    const settings = settingsFrom(answer, attempt.key, payload, this.#parts.board);
    if (isProblems(settings)) return this.#end(attempt, { refusal: 'claim_refused', reason: settings.join(' ') });
    const fault = await this.#parts.gateway.tryBroker(settings);
    if (fault !== undefined) return this.#end(attempt, fault);
    this.#state.writeAttempt({ ...attempt, outcome: 'claimed' });
    clearRefusal(this.#parts);
    this.#parts.log.info('the broker let us in');
    return undefined;
  }

  /** What may pass is handed back; anything else is how this attempt ends. */
  #end(attempt: ClaimAttempt, fault: Fault): Fault | undefined {
    if (PASSING.includes(fault.refusal)) return fault;
    tellRefusal(this.#parts, fault.refusal, fault.reason);
    this.#state.writeAttempt({ ...attempt, outcome: fault.refusal });
    return undefined;
  }

  #compareClock(time: string): void {
    const differenceMs = Math.abs(Date.parse(time) - this.#parts.moment().nowMs);
    if (differenceMs > CLOCK_DIFFERENCE_MS)
      this.#parts.log.warn({ differenceMs }, 'the clocks of gateway and device differ. Look at their time servers.');
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
}

export function isProblems(settings: Settings | readonly string[]): settings is readonly string[] {
  return Array.isArray(settings);
}
