/**
 * Wi-Fi by NetworkManager through its `nmcli`, with an argument array and without a shell. The secret goes into the file
 * (keyfile.ts, 0600 of root, or NetworkManager ignores it), never into the words.
 *
 * What nmcli says was looked at with 1.42.4 (bookworm; trixie has 1.52), and is matched with LC_ALL=C:
 * - exit 8 "NetworkManager is not running."; 10 unknown connection; 3 "Timeout expired (N seconds)"; 4 "Connection activation
 *   failed: REASON", where REASON is one sentence of the table in libnmc-base/nm-client-utils.c (device state reasons);
 * - `connection load` ends with 0 even when it says "Could not load file": whether it is known is asked afterwards;
 * - a wrong passphrase of WPA2 is "Secrets were required, but not provided": the handshake fails, NetworkManager asks for
 *   another secret, and nobody is there to answer. WPA3 (and some drivers) say that the supplicant took too long instead. An
 *   access point that was found and then did not let us in is taken for that, too, as the first guess of a person would be.
 * The radio's rules: `iw reg set` for now, a line for the kernel's module for the next start. Without a country Raspberry Pi
 * OS keeps the radio off (rfkill), which `nmcli radio wifi on` undoes, as raspi-config does.
 * Does not: touch any connection but the one with our UUID.
 */
import { execFile } from 'node:child_process';
import { chmodSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { removeDurable, replaceDurable, settleFolder, writeDurable } from '../../runtime/durable.ts';
import { DriverError } from '../../runtime/errors.ts';
import type { Wifi, WifiAnswer, WifiFault, WifiNetwork } from '../../runtime/ports/wifi.ts';
import { CONNECTION_FILE, CONNECTION_UUID, connectionText } from './keyfile.ts';

/** How long nmcli waits for an address: a scan (5 s, hidden ones longer), the handshake, DHCP. */
const UP_WAIT_S = 60;
/** Everything else is answered at once. */
const ANSWER_WAIT_S = 10;
/** Over nmcli's own limit: it hangs. */
const KILL_AFTER_S = 5;
const OUTPUT_BYTES_MAX = 65_536;
/** A radio that was just switched on has heard nobody yet. */
const SCAN_TRIES = 3;
const SCAN_PAUSE_MS = 5000;

export const NmcliExit = { ok: 0, timeout: 3, activation: 4, notRunning: 8, unknown: 10 } as const;

export type NmcliOptions = {
  readonly connectionsFolder?: string;
  /** Where the kernel module's options are written. */
  readonly modprobeFolder?: string;
  /** Programs, for tests. */
  readonly nmcli?: string;
  readonly iw?: string;
  readonly pauseMs?: number;
};

type Answer = { readonly code: number; readonly output: string };

export class NmcliWifi implements Wifi {
  readonly name = 'nmcli';
  readonly #file: string;
  /** Half written: NetworkManager reads every file of the folder but hidden ones. */
  readonly #beside: string;
  readonly #regulatoryFile: string;
  readonly #nmcli: string;
  readonly #iw: string;
  readonly #pauseMs: number;

  constructor(options: NmcliOptions = {}) {
    const folder = options.connectionsFolder ?? '/etc/NetworkManager/system-connections';
    this.#file = join(folder, CONNECTION_FILE);
    this.#beside = join(folder, `.${CONNECTION_FILE}.new`);
    this.#regulatoryFile = join(options.modprobeFolder ?? '/etc/modprobe.d', 'lethe-radio.conf');
    this.#nmcli = options.nmcli ?? '/usr/bin/nmcli';
    this.#iw = options.iw ?? '/usr/sbin/iw';
    this.#pauseMs = options.pauseMs ?? SCAN_PAUSE_MS;
  }

  async join(network: WifiNetwork): Promise<WifiAnswer> {
    if (network.country !== undefined) await this.#obey(network.country);
    const answer = (await this.#radioFault()) ?? (await this.#connect(network));
    if (!answer.isJoined) await this.forget();
    return answer;
  }

  async forget(): Promise<void> {
    // NetworkManager removes the file as well; where it does not run, or does not know it, we do.
    await this.#ask(ANSWER_WAIT_S, ['connection', 'delete', 'uuid', CONNECTION_UUID]);
    removeDurable(this.#beside);
    removeDurable(this.#file);
  }

  async #connect(network: WifiNetwork): Promise<WifiAnswer> {
    writeDurable(this.#beside, connectionText(network), 0o600);
    // A umask can only take rights away, and NetworkManager wants exactly these.
    chmodSync(this.#beside, 0o600);
    renameSync(this.#beside, this.#file);
    settleFolder(dirname(this.#file));
    await this.#ask(ANSWER_WAIT_S, ['connection', 'load', this.#file]);
    const words = ['--get-values', 'connection.id', 'connection', 'show', 'uuid', CONNECTION_UUID];
    const known = await this.#ask(ANSWER_WAIT_S, words);
    if (known.code === NmcliExit.unknown)
      return failed('unavailable', 'NetworkManager did not take the connection that was written for it.');
    for (let tries = 1; ; tries++) {
      const answer = answerOf(await this.#ask(UP_WAIT_S, ['connection', 'up', 'uuid', CONNECTION_UUID]));
      const mayBeEarly = !answer.isJoined && answer.fault === 'not_found' && tries < SCAN_TRIES;
      if (!mayBeEarly) return answer;
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs));
    }
  }

  async #radioFault(): Promise<WifiAnswer | undefined> {
    const turnedOn = await this.#ask(ANSWER_WAIT_S, ['radio', 'wifi', 'on']);
    if (turnedOn.code === NmcliExit.notRunning) return failed('unavailable', 'NetworkManager is not running.');
    const { code, output } = await this.#ask(ANSWER_WAIT_S, ['--get-values', 'WIFI-HW,WIFI', 'radio']);
    if (code !== NmcliExit.ok) return failed('unavailable', `NetworkManager does not answer (exit ${code}).`);
    const [hardware, software] = output.trim().split(':');
    if (hardware === 'missing') return failed('unavailable', 'there is no Wi-Fi radio on this board.');
    if (hardware === 'disabled') return failed('blocked', 'the Wi-Fi radio is switched off by hardware (rfkill).');
    if (software === 'disabled') return failed('blocked', 'the Wi-Fi radio cannot be switched on (rfkill).');
    return undefined;
  }

  /** Whose rules the radio obeys. A failure is told by the radio itself: it finds nobody on the channels of that country. */
  async #obey(country: string): Promise<void> {
    if (!/^[A-Z]{2}$/.test(country))
      throw new DriverError('other', `country ${country} is not two capital letters.`, { op: 'set radio rules' });
    await run(this.#iw, ['reg', 'set', country], ANSWER_WAIT_S);
    replaceDurable(this.#regulatoryFile, `options cfg80211 ieee80211_regdom=${country}\n`, 0o644);
  }

  #ask(waitS: number, words: readonly string[]): Promise<Answer> {
    return run(this.#nmcli, ['--wait', String(waitS), ...words], waitS);
  }
}

function failed(fault: WifiFault, reason: string): WifiAnswer {
  return { isJoined: false, fault, reason };
}

/** Sentences after "Connection activation failed: "; the first that fits. */
const REASONS: readonly (readonly [RegExp, WifiFault])[] = [
  [/Wi-Fi network could not be found/, 'not_found'],
  [/Secrets were required|No valid secrets|password for .* not given/, 'password'],
  [/supplicant (?:took too long|disconnected|failed|configuration failed)/, 'password'],
  [/IP configuration|DHCP|address/, 'no_address'],
  [/No suitable device|device .* not available/, 'unavailable'],
];

/** What the end of `connection up` means. Exported for the test of its table. */
export function answerOf({ code, output }: Answer): WifiAnswer {
  if (code === NmcliExit.ok) return { isJoined: true };
  const sentence = lastSentence(output);
  if (code === NmcliExit.notRunning) return failed('unavailable', 'NetworkManager is not running.');
  // Neither found out nor refused: whatever it waited for, in a minute there was no address.
  if (code === NmcliExit.timeout) return failed('no_address', `NetworkManager came to no end: ${sentence}`);
  const fault = REASONS.find(([pattern]) => pattern.test(output))?.[1] ?? 'no_address';
  return failed(fault, `NetworkManager says: ${sentence}`);
}

/** nmcli never repeats a secret; it is bounded all the same. */
function lastSentence(output: string): string {
  const line = output.split('\n').findLast((text) => text.startsWith('Error:')) ?? output.trim();
  return line.replace(/^Error: /, '').slice(0, 200);
}

/** Exit code and both outputs together; -1 for a program that cannot be started or had to be killed. */
function run(program: string, words: readonly string[], waitS: number): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(
      program,
      [...words],
      {
        encoding: 'utf8',
        timeout: (waitS + KILL_AFTER_S) * 1000,
        killSignal: 'SIGKILL',
        maxBuffer: OUTPUT_BYTES_MAX,
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1;
        const why = code === -1 ? `Error: ${program} cannot be run (${error?.code ?? error?.signal}).` : '';
        resolve({ code, output: `${stdout}${stderr}${why}` });
      },
    );
  });
}
