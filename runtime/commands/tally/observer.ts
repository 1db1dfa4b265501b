/**
 * Observer: turns what the broker passes on into counts with a time. The device publishes a running total per line, once
 * a second on change; the difference to the one before is that many crossings, now.
 * What is retained says how things are: a base line, never a count. After anything that may have hidden totals from us
 * (our connection gone, the device gone or started anew) the next total is a base line again, and the time between is a gap.
 *
 * When did the gap begin? A broken cable is noticed late, so it began when the device was last heard. Messages of the
 * same reconnect come as a burst, total before status or after, and do not count as having been heard before it.
 */
import type { Session } from './session.ts';

/** A connection that died in silence is noticed by then: keep-alive of LISTEN_KEEPALIVE_S and half of it again. */
export const SILENCE_MS = 10_000;
export const LISTEN_KEEPALIVE_S = 5;
/** What a device sends on a reconnect arrives within this time. */
const BURST_MS = 2000;
/** More people than this cross no line within a second: another meter took the name, or somebody plays with the broker. */
const COUNTS_PER_TOTAL_MAX = 100;
const TEXT_MAX = 64;

export type ObservedTopics = { readonly status: string; readonly total: string; readonly health: string };
type Total = { readonly in: number; readonly out: number; readonly epochId: string };

export class Observer {
  /** online, offline, stopped, or '' as long as nothing was heard. */
  state = '';
  /** As the device's health says: counting, paused, camera_lost …; '' as long as nothing was heard. */
  eyeState = '';
  readonly #topics: ObservedTopics;
  readonly #session: Session;
  readonly #tell: (sentence: string) => void;
  #isLinkUp = false;
  #boot = -1;
  #base: Total | undefined;
  #baseAtMs = Number.NEGATIVE_INFINITY;
  /** Times of live messages: those of the burst that may be going on, and the last one before it. */
  #heardMs: number[] = [0];
  #started = false;

  constructor(topics: ObservedTopics, session: Session, tell: (sentence: string) => void) {
    this.#topics = topics;
    this.#session = session;
    this.#tell = tell;
  }

  /** Online, and the total has arrived: every count is seen from now on. */
  get isObserving(): boolean {
    return this.#isLinkUp && this.state === 'online' && this.#base !== undefined;
  }

  get hasTotal(): boolean {
    return this.#base !== undefined;
  }

  /** The session begins now, at 0: what is open before is nobody's gap. */
  begin(): void {
    this.#started = true;
    this.#heardMs = [0];
  }

  linkUp(tMs: number): void {
    this.#isLinkUp = true;
    this.#mayResume(tMs);
  }

  linkDown(tMs: number, reason: string): void {
    if (this.#isLinkUp || !this.#started) this.#tell(`Counts of the device are not seen: ${reason}`);
    if (this.#isLinkUp) this.#lose(tMs, Math.max(this.#heardMs.at(-1)!, tMs - SILENCE_MS), 'broker');
    this.#isLinkUp = false;
    this.state = '';
  }

  message(tMs: number, topic: string, payload: string, retained: boolean): void {
    const json = parse(payload);
    if (json === undefined) {
      this.#session.note(tMs, 'odd_payload');
      return;
    }
    if (topic === this.#topics.total) this.#total(tMs, json);
    if (topic === this.#topics.status) this.#status(tMs, json, retained);
    if (topic === this.#topics.health) this.#health(json);
    if (!retained) this.#heard(tMs);
    this.#mayResume(tMs);
  }

  #heard(tMs: number): void {
    const before = this.#lastHeardBefore(tMs);
    this.#heardMs = [before, ...this.#heardMs.filter((ms) => ms > before), tMs];
  }

  #lastHeardBefore(tMs: number): number {
    return this.#heardMs.findLast((ms) => ms < tMs - BURST_MS) ?? this.#heardMs[0]!;
  }

  #total(tMs: number, json: Record<string, unknown>): void {
    const total = { in: Number(json['in']), out: Number(json['out']), epochId: String(json['epoch_id']) };
    const isMeter =
      Number.isSafeInteger(total.in) && Number.isSafeInteger(total.out) && total.in >= 0 && total.out >= 0;
    if (!isMeter || typeof json['epoch_id'] !== 'string') {
      this.#session.note(tMs, 'odd_payload');
      return;
    }
    const base = this.#base;
    this.#base = total;
    this.#baseAtMs = tMs;
    if (base === undefined || !this.#started) return;
    if (total.epochId !== base.epochId) this.#restarted(tMs, 'new_epoch', 'its totals began again at 0');
    else if (total.in < base.in || total.out < base.out) this.#restarted(tMs, 'total_fell', 'its total fell');
    else if (total.in - base.in + total.out - base.out > COUNTS_PER_TOTAL_MAX)
      this.#restarted(tMs, 'total_jumped', 'its total jumped');
    else {
      for (let n = base.in; n < total.in; n++) this.#session.count(tMs, 'in');
      for (let n = base.out; n < total.out; n++) this.#session.count(tMs, 'out');
    }
  }

  /** The total at hand is a base line already. */
  #restarted(tMs: number, word: 'new_epoch' | 'total_fell' | 'total_jumped', sentence: string): void {
    this.#session.note(tMs, word);
    this.#tell(`The device started anew: ${sentence}. Counts go on from here; nothing is counted twice.`);
    this.#session.openGap(this.#lastHeardBefore(tMs), 'device');
    this.#session.closeGap(tMs, 'device');
  }

  #status(tMs: number, json: Record<string, unknown>, retained: boolean): void {
    const before = this.state;
    const boot = Number(json['boot']);
    this.state = String(json['state']).slice(0, TEXT_MAX);
    const isNewBoot = this.#boot !== -1 && boot !== this.#boot;
    this.#boot = boot;
    if (!this.#started) return;
    if (isNewBoot) this.#session.note(tMs, 'new_boot');
    if (this.state === 'online') {
      // Said live, it means that the device has just come back, whether we saw it go or not.
      if (retained && !isNewBoot) return;
      this.#lose(tMs, this.#lastHeardBefore(tMs), 'device');
      return;
    }
    if (before === 'online' || before === '') this.#tell(`The device says that it is ${this.state}.`);
    this.#lose(tMs, this.state === 'stopped' ? tMs : this.#lastHeardBefore(tMs), 'device');
  }

  #health(json: Record<string, unknown>): void {
    const eye = json['eye'] as { state?: unknown } | undefined;
    const state = typeof eye?.state === 'string' ? eye.state.slice(0, TEXT_MAX) : '';
    if (this.#started && state !== this.eyeState) this.#tell(`The device says that its eye is ${state}.`);
    this.eyeState = state;
  }

  /** A total of the same burst is a base line; an older one may have been followed by some that we missed. */
  #lose(tMs: number, fromMs: number, reason: 'broker' | 'device'): void {
    if (!this.#started) return;
    this.#session.openGap(fromMs, reason);
    const isFresh = reason === 'device' && this.state === 'online' && tMs - this.#baseAtMs <= BURST_MS;
    if (!isFresh) this.#base = undefined;
  }

  #mayResume(tMs: number): void {
    if (!this.#started || !this.isObserving) return;
    if (this.#session.isOpen('broker') || this.#session.isOpen('device'))
      this.#tell('Counts of the device are seen again.');
    this.#session.closeGap(tMs, 'broker');
    this.#session.closeGap(tMs, 'device');
  }
}

function parse(payload: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(payload);
    return json !== null && typeof json === 'object' ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
