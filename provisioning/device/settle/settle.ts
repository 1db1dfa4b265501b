/**
 * Settle: what follows from how the claim ended. Runs as root, without network; it takes nothing from claim unseen, as claim
 * speaks to a network: everything is parsed, checked against the code once more and written anew.
 * Well ended: ca.crt, device.crt and device.key are on disk before lethe.json appears, which is what makes a device count.
 * Refused: the connection goes, and the code may be shown again where the fault was not its own.
 * What is removed goes in this order: setup.json, which holds the passphrase, first; the attempt, which starts us, last.
 */
import type { Log } from '../../../runtime/log.ts';
import type { Wifi } from '../../../runtime/ports/wifi.ts';
import { readCode } from '../../payload/code.ts';
import type { CodeKeys } from '../../payload/keys.ts';
import type { Refusal } from '../../payload/refusals.ts';
import type { Board } from '../card.ts';
import { isProblems } from '../claim/claim.ts';
import type { SetupDisk } from '../disk.ts';
import { ONCE_VALID } from '../moment.ts';
import type { Places } from '../places.ts';
import { clearRefusal, isDiskFault, tellRefusal } from '../refusing.ts';
import { type Settings, settingsFrom } from '../settings.ts';
import { type ClaimAttempt, type PendingSetup, SetupState } from '../state.ts';

/** root:lethe-voice, by the group of the unit. */
const FOR_THE_VOICE = 0o640;
/** No secret in it; the eye reads it too. */
const FOR_ALL = 0o644;

export type SettleParts = {
  readonly disk: SetupDisk;
  readonly places: Places;
  readonly log: Log;
  readonly keys: CodeKeys;
  readonly board: Board;
  readonly wifi: Wifi;
};

/** installed: the device has a configuration. refused: it scans on. again: the card could not be written. idle: no end yet. */
export type SettleResult = 'installed' | 'refused' | 'again' | 'idle';

export async function settle(parts: SettleParts): Promise<SettleResult> {
  try {
    return await new Settle(parts).run();
  } catch (error) {
    if (!isDiskFault(error)) throw error;
    tellRefusal(parts, 'no_disk', (error as Error).message);
    return 'again';
  }
}

class Settle {
  readonly #parts: SettleParts;
  readonly #state: SetupState;
  constructor(parts: SettleParts) {
    this.#parts = parts;
    this.#state = new SetupState(parts.disk, parts.places);
  }

  async run(): Promise<SettleResult> {
    const { disk, places } = this.#parts;
    const attempt = this.#state.readAttempt();
    if (disk.read(places.config) !== undefined) return this.#finish();
    const pending = this.#state.readPending();
    // Of a code that another one has taken the place of, or of a setup that was over when the power went.
    if (pending === undefined || attempt?.nonce !== pending.nonce) {
      this.#state.removeAttempt();
      return 'idle';
    }
    if (attempt.outcome === undefined) return 'idle';
    if (attempt.outcome !== 'claimed') return this.#giveUp(pending, attempt.outcome, '');
    const settings = this.#settings(attempt, pending);
    if (isProblems(settings)) return this.#giveUp(pending, 'claim_refused', settings.join(' '));
    this.#install(settings);
    return this.#finish();
  }

  #settings({ answer, key }: ClaimAttempt, { code }: PendingSetup): Settings | readonly string[] {
    // Its time was judged when it was claimed.
    const reading = readCode(code, this.#parts.keys, ONCE_VALID, { spent: () => false });
    if (answer === undefined || !reading.ok) return ['the claim and its code do not belong together.'];
    return settingsFrom(answer, key, reading.payload, this.#parts.board);
  }

  #install({ ca, certificate, key, config, configText }: Settings): void {
    const { disk, places, log } = this.#parts;
    disk.replace(places.caFile, ca, FOR_THE_VOICE);
    disk.replace(places.certFile, certificate, FOR_THE_VOICE);
    disk.replace(places.keyFile, key, FOR_THE_VOICE);
    disk.replace(places.config, configText, FOR_ALL);
    log.info({ site: config.site, device: config.device }, 'installed');
  }

  #finish(): SettleResult {
    const { disk, places, log } = this.#parts;
    clearRefusal(this.#parts);
    for (const path of [places.code, places.taken]) disk.remove(path);
    this.#state.removePending();
    this.#state.removeAttempt();
    log.info('set up; code, passphrase and claim are removed');
    return 'installed';
  }

  async #giveUp(pending: PendingSetup, refusal: Refusal, reason: string): Promise<SettleResult> {
    tellRefusal(this.#parts, refusal, reason);
    await this.#parts.wifi.forget();
    // The token may have been used: this code has no future here.
    this.#state.spend(pending.nonce);
    this.#state.removePending();
    this.#state.removeAttempt();
    return 'refused';
  }
}
