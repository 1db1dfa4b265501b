/**
 * Pulse to systemd, without a socket of our own. Node has no datagram sockets of AF_UNIX (nodejs/node#29339), and the eye
 * must not make any: systemd itself opens /run/systemd/notify and hands it over connected
 * (`OpenFile=/run/systemd/notify:notify:graceful`, systemd 253), so a message is one write(2) to a file that is open already.
 * That needs neither AF_UNIX nor a child, and the permission model of Node 20 to 24 lets it pass.
 * Where systemd is older, a file takes the same words (provisioning/units/bookworm) and a timer looks whether they change.
 *
 * What comes in by the environment is not believed: the file must be there and a socket (or, for a file, be writable), or
 * there is no pulse. A write that fails ends nothing: the next one is tried all the same, as systemd opens its socket anew
 * when it is itself replaced. The socket is of the blocking kind; a systemd that reads nothing takes about 500 messages,
 * more than an hour of beats, before a write would wait, and the hardware's watchdog ends such a machine after 14 s.
 * Programs that we start get nothing of it: Node closes what it was handed when a child begins (test).
 */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { Pulse } from '../../runtime/ports/pulse.ts';
import { US_PER_MS } from '../../runtime/units.ts';

/** Name that the unit gives to the socket. */
export const NOTIFY_NAME = 'notify';
/** First file that systemd hands over (SD_LISTEN_FDS_START). */
const FIRST_FD = 3;
/** More is nonsense. */
const FDS_MAX = 64;
/** Three in a time of the watchdog: one may come late, and one may be lost. */
const BEATS_PER_WATCHDOG = 3;
/** Where nobody says how often. */
const BEAT_MS_DEFAULT = 10_000;
/** A status is for one line of a terminal. */
const STATUS_LENGTH_MAX = 200;
const VARIABLES = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'];

export type PulseOptions = {
  readonly environment: NodeJS.ProcessEnv;
  readonly pid: number;
  readonly nowUs: () => number;
};

/** Takes its variables out of the environment, so that no child believes they were meant for it. */
export function openPulse({ environment, pid, nowUs }: PulseOptions): Pulse {
  const values = Object.fromEntries(VARIABLES.map((name) => [name, environment[name]]));
  const path = environment['LETHE_PULSE_FILE'];
  for (const name of [...VARIABLES, 'LETHE_PULSE_FILE']) delete environment[name];
  const beatMs = beatMsOf(values['WATCHDOG_USEC']);
  const fd = handedFd(values, pid);
  if (fd !== undefined) return new WrittenPulse('systemd', (text) => writeSync(fd, text), beatMs, nowUs);
  const filePulse = path === undefined ? undefined : openFile(path, pid);
  return filePulse === undefined ? SILENT : new WrittenPulse('file', filePulse, beatMs, nowUs);
}

const SILENT: Pulse = { name: 'none', ready: () => {}, beat: () => {}, stopping: () => {} };

class WrittenPulse implements Pulse {
  readonly name: string;
  readonly #write: (text: string) => void;
  readonly #beatUs: number;
  readonly #nowUs: () => number;
  #isReady = false;
  #status = '';
  #beatAtUs = Number.NEGATIVE_INFINITY;

  constructor(name: string, write: (text: string) => void, beatMs: number, nowUs: () => number) {
    this.name = name;
    this.#write = write;
    this.#beatUs = beatMs * US_PER_MS;
    this.#nowUs = nowUs;
  }

  ready(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#send('READY=1');
  }

  beat(isWell: boolean, status: string): void {
    const nowUs = this.#nowUs();
    const isDue = isWell && nowUs - this.#beatAtUs >= this.#beatUs;
    const line = status.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, STATUS_LENGTH_MAX);
    const isNews = line !== this.#status;
    this.#status = line;
    if (isDue) this.#beatAtUs = nowUs;
    if (isDue || isNews)
      this.#send([...(isDue ? ['WATCHDOG=1'] : []), ...(isNews ? [`STATUS=${line}`] : [])].join('\n'));
  }

  stopping(): void {
    this.#send('STOPPING=1');
  }

  /** Nobody there, or no longer the file that it was: the watchdog, if there is one, will do what it is for. */
  #send(text: string): void {
    try {
      this.#write(text);
    } catch {}
  }
}

function beatMsOf(watchdogUs: string | undefined): number {
  const watchdogMs = Number(watchdogUs) / 1000;
  return watchdogMs >= 1 && Number.isFinite(watchdogMs) ? watchdogMs / BEATS_PER_WATCHDOG : BEAT_MS_DEFAULT;
}

/** sd_listen_fds_with_names(3), for the one name that we know. */
function handedFd(values: NodeJS.ProcessEnv, pid: number): number | undefined {
  const count = Number(values['LISTEN_FDS']);
  if (Number(values['LISTEN_PID']) !== pid || !Number.isInteger(count) || count < 1 || count > FDS_MAX)
    return undefined;
  const index = (values['LISTEN_FDNAMES'] ?? '').split(':').indexOf(NOTIFY_NAME);
  if (index < 0 || index >= count) return undefined;
  const fd = FIRST_FD + index;
  try {
    return fstatSync(fd).isSocket() ? fd : undefined;
  } catch {
    return undefined; // stale
  }
}

/** Each message replaces the one before, with a number in front, so that two of them are never the same. */
function openFile(path: string, pid: number): ((text: string) => void) | undefined {
  try {
    const fd = openSync(path, 'r+');
    if (!fstatSync(fd).isFile()) {
      closeSync(fd);
      return undefined;
    }
    let number = 0;
    return (text) => {
      if (!text.includes('WATCHDOG=1') && !text.includes('STOPPING=1')) return;
      number += 1;
      writeSync(fd, `${pid} ${`${number}`.padStart(12, '0')}\n`, 0);
    };
  } catch {
    return undefined;
  }
}
