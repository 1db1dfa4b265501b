/**
 * Join: from a code that was seen to a network. Runs as root (NetworkManager's file), sees no camera, opens no socket but
 * NetworkManager's. Whoever wrote the code has the camera and might be anybody by now, so it is checked again here.
 *
 * What was refused is over when the code is at fault, or what it says of the Wi-Fi; then the connection is removed, the device
 * scans on, and the same code may be shown again unless it was the code itself. When the device had been in this network
 * before (a store after a power cut, whose access point takes minutes), or waits for a cable, it is only told and tried again.
 */
import type { Log } from '../../../runtime/log.ts';
import type { Wifi, WifiFault } from '../../../runtime/ports/wifi.ts';
import { type CodeMoment, readCode } from '../../payload/code.ts';
import type { CodeKeys } from '../../payload/keys.ts';
import { CODE_CHARS_MAX, type SetupPayload } from '../../payload/payload.ts';
import type { Refusal } from '../../payload/refusals.ts';
import type { SetupDisk } from '../disk.ts';
import { ONCE_VALID } from '../moment.ts';
import type { Places } from '../places.ts';
import { clearRefusal, isDiskFault, tellRefusal } from '../refusing.ts';
import { type PendingSetup, SetupState } from '../state.ts';

export type JoinParts = {
  readonly disk: SetupDisk;
  readonly places: Places;
  readonly log: Log;
  readonly wifi: Wifi;
  readonly keys: CodeKeys;
  /** Name of this device, where its card says one. */
  readonly deviceName?: string | undefined;
  readonly moment: () => CodeMoment;
  /** Whether there is an address within the time that people wait. */
  readonly waitForAddress: () => Promise<boolean>;
};

/** joined: go on with the claim. refused: nothing is left, scan on. again: told, and to be tried again soon. idle: no code. */
export type JoinResult = 'joined' | 'refused' | 'again' | 'idle';

const FAULT_WORDS: Readonly<Record<WifiFault, Refusal>> = {
  not_found: 'wifi_not_found',
  password: 'wifi_password',
  no_address: 'no_network',
  blocked: 'no_network',
  unavailable: 'no_network',
};

export async function join(parts: JoinParts): Promise<JoinResult> {
  try {
    return await new Join(parts).run();
  } catch (error) {
    if (!isDiskFault(error)) throw error;
    tellRefusal(parts, 'no_disk', (error as Error).message);
    return 'again';
  }
}

class Join {
  readonly #parts: JoinParts;
  readonly #state: SetupState;
  constructor(parts: JoinParts) {
    this.#parts = parts;
    this.#state = new SetupState(parts.disk, parts.places);
  }

  async run(): Promise<JoinResult> {
    const wasRefused = this.#takeCode() === 'refused';
    const pending = this.#state.readPending();
    if (pending === undefined) return wasRefused ? 'refused' : 'idle';
    const { moment, deviceName, log, keys } = this.#parts;
    // Of a setup that goes on: it may have expired meanwhile. Its own nonce is spent by itself.
    // Once a key was made for it, the gateway may have spent the token for that key: it alone knows whether it is too late.
    const isBegun = this.#state.attemptFor(pending.nonce) !== undefined;
    const judged = isBegun ? ONCE_VALID : moment();
    const reading = readCode(
      pending.code,
      keys,
      judged,
      named(deviceName, () => false),
    );
    if (!reading.ok) return this.#giveUp(pending, reading.refusal, '', false);
    this.#state.spend(pending.nonce);
    const { site, device, wifi } = reading.payload;
    log.info(
      { site, device, network: wifi === undefined ? 'cable' : 'wifi', step: pending.step },
      'joining the network',
    );
    const fault = await this.#connect(reading.payload);
    if (fault === undefined) {
      if (pending.step !== 'joined') this.#state.writePending({ ...pending, step: 'joined' });
      // So that claim, which may not replace root's, can write its own.
      clearRefusal(this.#parts);
      log.info('network joined');
      return 'joined';
    }
    if (pending.step === 'joined' || wifi === undefined) {
      tellRefusal(this.#parts, ...fault);
      return 'again';
    }
    return this.#giveUp(pending, ...fault, true);
  }

  /** The code is consumed whatever it is, so that nobody starts us again and again for the same one. */
  #takeCode(): 'taken' | 'refused' | 'none' {
    const { disk, places, keys, moment, deviceName } = this.#parts;
    const text = disk.read(places.code);
    if (text === undefined) return 'none';
    const pending = this.#state.readPending();
    const isSpent = (nonce: string) => this.#state.isSpent(nonce) && nonce !== pending?.nonce;
    // One character more than allowed is enough for readCode to refuse it.
    const code = text.trim().slice(0, CODE_CHARS_MAX + 1);
    const reading = readCode(code, keys, moment(), named(deviceName, isSpent));
    if (!reading.ok) {
      disk.remove(places.code);
      tellRefusal(this.#parts, reading.refusal);
      return 'refused';
    }
    const { nonce } = reading.payload;
    // The newest code holds: somebody shows it because the one before did not work out.
    if (pending?.code !== code) this.#state.writePending({ code, nonce, step: 'accepted' });
    this.#state.spend(nonce);
    disk.remove(places.code);
    clearRefusal(this.#parts);
    this.#parts.log.info('code accepted');
    return 'taken';
  }

  async #connect(payload: SetupPayload): Promise<[Refusal, string] | undefined> {
    const { wifi, waitForAddress } = this.#parts;
    if (payload.wifi === undefined)
      return (await waitForAddress())
        ? undefined
        : ['no_network', 'There is no Wi-Fi in the code: a cable is expected.'];
    const { ssid, passphrase, security, isHidden } = payload.wifi;
    const answer = await wifi.join({
      ssid: Buffer.from(ssid),
      passphrase,
      security,
      isHidden,
      country: payload.country,
    });
    return answer.isJoined ? undefined : [FAULT_WORDS[answer.fault], answer.reason];
  }

  /** The lamp first: a cut between here and the end is a device that scans, or tries this code once more. */
  async #giveUp(pending: PendingSetup, refusal: Refusal, reason: string, mayComeAgain: boolean): Promise<JoinResult> {
    tellRefusal(this.#parts, refusal, reason);
    await this.#parts.wifi.forget();
    if (mayComeAgain) this.#state.release(pending.nonce);
    this.#state.removePending();
    return 'refused';
  }
}

function named(name: string | undefined, spent: (nonce: string) => boolean) {
  return { ...(name !== undefined && { name }), spent };
}
