/**
 * Doctor: what is here, what is missing, how to get it; for the person on the ladder and for scripts (--json).
 * A row is `missing` only if the configured camera driver cannot run without it; what merely makes the counter weaker or
 * less private is `warn`, what this configuration does not use is `skip`. So the exit code is a fact, not an opinion.
 * How: every check is a function of Probes, which are all the ways doctor touches the machine; tests hand in others.
 * Programs are run by argument array with a time-out, never through a shell; nothing is opened that a running counter
 * holds (no pin, no camera), and the only connection made is to the configured broker.
 */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { type GpioDriver, openGpio } from '../../drivers/gpio/gpio.ts';
import { findHeaderChip, loadOnoff } from '../../drivers/gpio/onoff.ts';
import { type BrokerAnswer, tryBroker } from '../../drivers/link/trial.ts';
import { boardModel } from '../config/board.ts';
import { brokerAccess } from '../config/broker.ts';
import { loadConfig } from '../config/config.ts';
import type { Config } from '../config/schema.ts';
import { ConfigError, ExitCode, explain, LetheError } from '../errors.ts';
import { loadModel } from '../eye/model.ts';
import { coreLimits, corePattern } from './privacy-doctor/dumps.ts';
import type { Verdict } from './privacy-doctor/finding.ts';
import { swap } from './privacy-doctor/memory.ts';
import { type ProgramResult, printable, runProgram } from './run-program.ts';

/** package.json `engines` says the same. */
const NODE_MIN = [20, 19] as const;
/** An estimate: three Node processes of 50 to 60 MB each. With less the kernel begins to swap or to kill. */
const MEMORY_AVAILABLE_BYTES_MIN = 200 * 2 ** 20;
/** An estimate: 150 days of minute records of some 300 bytes are 65 MB; the rest is room for the system's own logs. */
const DISK_FREE_BYTES_MIN = 200 * 2 ** 20;
const PROGRAM_TIMEOUT_MS = 3000;
/** Listing cameras probes every sensor on the bus; a cable half in its socket makes it wait. */
const CAMERA_LIST_TIMEOUT_MS = 5000;
/** TLS with a Pi 4 on a slow line takes a second; a broker that is silent for so long is none. */
const BROKER_TIMEOUT_MS = 4000;

export type CheckState = 'ok' | 'warn' | 'missing' | 'skip';
export type Check = {
  readonly name: string;
  readonly state: CheckState;
  /** What is there, in a few words; several lines where there are several faults. */
  readonly found: string;
  /** What to do; empty when there is nothing to do. */
  readonly remedy: string;
};

export type PinsResult = { readonly available: boolean; readonly found: string; readonly reason: string };

/** Every way in which doctor touches the machine. */
export type Probes = {
  readonly nodeVersion: string;
  readonly architecture: string;
  /** Text of a file, or undefined if it cannot be read. */
  readText(path: string): string | undefined;
  exists(path: string): boolean;
  /** Runs a program with an argument array; output is stdout then stderr. `failed`: it ended with another code than 0. */
  run(program: string, words: readonly string[], timeoutMs: number): ProgramResult;
  /** Free bytes for this user at the nearest existing folder above `path`, and whether that may be written. */
  disk(path: string): { readonly freeBytes: number; readonly writable: boolean } | undefined;
  /** Connects to the broker as the voice would, and hangs up. */
  broker(config: Config, timeoutMs: number): Promise<BrokerAnswer>;
  pins(driver: GpioDriver): Promise<PinsResult>;
  /** Empty when the package onoff loads, else the reason and the remedy. */
  loadOnoff(): Promise<string>;
  /** A line about the model. Throws ModelError. */
  model(manifestPath: string, publicKey: string): string;
  config(path: string | undefined, overrides: readonly string[]): Config;
};

const ok = (name: string, found: string): Check => ({ name, state: 'ok', found, remedy: '' });
const warn = (name: string, found: string, remedy: string): Check => ({ name, state: 'warn', found, remedy });
const missing = (name: string, found: string, remedy: string): Check => ({ name, state: 'missing', found, remedy });
const skip = (name: string, found: string, remedy = ''): Check => ({ name, state: 'skip', found, remedy });

export function checkNode(probes: Probes): Check {
  const [major = 0, minor = 0] = probes.nodeVersion.replace(/^v/, '').split('.').map(Number);
  const isEnough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (isEnough) return ok('node', probes.nodeVersion);
  return missing(
    'node',
    `${probes.nodeVersion}; expected ${NODE_MIN.join('.')} or later`,
    'Install Node 20.19 or later for this board: Raspberry Pi OS trixie has it (sudo apt install nodejs).',
  );
}

export function checkArchitecture(probes: Probes): Check {
  if (probes.architecture === 'arm64' || probes.architecture === 'x64') return ok('architecture', probes.architecture);
  return warn(
    'architecture',
    `${probes.architecture}; tested are arm64 and x64`,
    'On a Raspberry Pi use the 64-bit system: the engine is WebAssembly SIMD, which 32-bit ARM runs slowly or not at all.',
  );
}

export function checkBoard(probes: Probes): Check {
  const model = boardModel((path) => probes.readText(path));
  if (model === '') return skip('board', 'no device tree: not a Raspberry Pi');
  return ok('board', model);
}

/** First line of what a program says about itself, if it is there. */
function versionOf(result: ProgramResult): string {
  return (
    result.output
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? 'no version given'
  );
}

/** A program that only some configurations need. */
function checkProgram(
  name: string,
  result: ProgramResult,
  isNeeded: boolean,
  purpose: string,
  remedy: string,
  isFailureFine = false,
): Check {
  if (result.outcome === 'ok' || (isFailureFine && result.outcome === 'failed')) return ok(name, versionOf(result));
  const found = {
    absent: 'not installed',
    timeout: 'does not answer',
    failed: `does not run: ${versionOf(result)}`,
  }[result.outcome as 'absent' | 'timeout' | 'failed'];
  return isNeeded ? missing(name, found, remedy) : skip(name, `${found}; ${purpose}`, remedy);
}

export function checkVideoPrograms(probes: Probes, config: Config): Check[] {
  return ['ffmpeg', 'ffprobe'].map((name) =>
    checkProgram(
      name,
      probes.run(name, ['-hide_banner', '-version'], PROGRAM_TIMEOUT_MS),
      config.camera.driver === 'video',
      'only for camera driver video',
      'sudo apt install ffmpeg',
    ),
  );
}

/** rpicam-vid and the camera itself. `program` is another one with the same command line, as the camera driver allows. */
export function checkCamera(probes: Probes, config: Config, program = 'rpicam-vid'): Check[] {
  const isNeeded = config.camera.driver === 'rpicam';
  const version = probes.run(program, ['--version'], PROGRAM_TIMEOUT_MS);
  if (version.outcome === 'absent') {
    const legacy = probes.run('libcamera-vid', ['--version'], PROGRAM_TIMEOUT_MS).outcome !== 'absent';
    const found = legacy ? `no ${program}, only its old name libcamera-vid` : `no ${program}`;
    const remedy = legacy
      ? 'Update (sudo apt full-upgrade): the camera programs are called rpicam-* now.'
      : 'sudo apt install rpicam-apps-lite (Raspberry Pi OS bookworm or later)';
    const camera = skip('camera', `not looked for: no ${program}`);
    return isNeeded
      ? [missing('rpicam-vid', found, remedy), camera]
      : [skip('rpicam-vid', `${found}; only for camera driver rpicam`, remedy), camera];
  }
  const list = probes.run(program, ['--list-cameras'], CAMERA_LIST_TIMEOUT_MS);
  return [
    checkProgram(
      'rpicam-vid',
      version,
      isNeeded,
      'only for camera driver rpicam',
      'sudo apt install --reinstall rpicam-apps-lite',
    ),
    checkCameraList(list, isNeeded, config.camera.rpicam.cameraIndex),
  ];
}

function checkCameraList(list: ProgramResult, isNeeded: boolean, cameraIndex: number): Check {
  const lacking = isNeeded ? missing : skip;
  if (list.outcome === 'timeout') {
    return lacking(
      'camera',
      `listing cameras took more than ${CAMERA_LIST_TIMEOUT_MS / 1000} s`,
      'Switch off, seat the ribbon cable at both ends, switch on.',
    );
  }
  // 0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)
  const cameras = [...list.output.matchAll(/^\s*(\d+) : (\S+)(?: \[([^\]]+)\])?/gm)].map((match) => ({
    index: Number(match[1]),
    text: `${match[1]}: ${match[2]}${match[3] === undefined ? '' : ` ${match[3]}`}`,
  }));
  const found = cameras.map((camera) => camera.text).join(', ');
  if (cameras.length === 0) {
    return lacking(
      'camera',
      'no camera found',
      'Switch off, seat the ribbon cable at both ends (contacts towards the board’s contacts), switch on; camera_auto_detect=1 in /boot/firmware/config.txt.',
    );
  }
  if (isNeeded && !cameras.some((camera) => camera.index === cameraIndex)) {
    return missing(
      'camera',
      `${found}; expected number ${cameraIndex}`,
      'Set camera.rpicam.camera_index to one that is there, or remove the line to use 0.',
    );
  }
  return ok('camera', found);
}

export function checkMosquitto(probes: Probes): Check {
  // `-h` prints the version and ends with code 3; there is no switch that prints it and ends with 0. Debian keeps it in
  // sbin, which is not on everybody's path.
  for (const program of ['mosquitto', '/usr/sbin/mosquitto']) {
    const result = probes.run(program, ['-h'], PROGRAM_TIMEOUT_MS);
    if (result.outcome !== 'absent')
      return checkProgram('mosquitto', result, false, 'only for npm run test:broker', '', true);
  }
  return skip('mosquitto', 'not installed; only for npm run test:broker', 'sudo apt install mosquitto');
}

/** Lamp and button: the package, the pins, and the pull resistor that sysfs cannot set. */
export async function checkPins(probes: Probes, config: Config): Promise<Check[]> {
  const { driver, ledBcm, buttonBcm } = config.gpio;
  if (driver === 'memory') return [skip('pins', 'gpio.driver is memory: none are used')];
  if (ledBcm < 0 && buttonBcm < 0) return [skip('pins', 'no lamp and no button configured')];
  const lacking = driver === 'onoff' ? missing : skip;
  const reason = await probes.loadOnoff();
  const checks = [reason === '' ? ok('onoff', 'loads') : lacking('onoff', 'does not load', reason)];
  const pins = await probes.pins(driver);
  if (!pins.available)
    return [
      ...checks,
      lacking('pins', pins.reason, driver === 'onoff' ? 'Or set gpio.driver to auto to do without.' : ''),
    ];
  checks.push(ok('pins', pins.found));
  if (buttonBcm >= 0) checks.push(checkButton(probes, buttonBcm));
  return checks;
}

function checkButton(probes: Probes, bcm: number): Check {
  const result = probes.run('pinctrl', ['get', String(bcm)], PROGRAM_TIMEOUT_MS);
  // 27: ip    pd | lo // GPIO27 = input
  const [, pull, level] = /\b(pu|pd|pn)\b.*\|\s*(hi|lo)\b/.exec(result.output) ?? [];
  if (result.outcome !== 'ok' || pull === undefined || level === undefined)
    return skip('button', `BCM ${bcm}; level unknown without pinctrl`);
  if (level === 'hi') return ok('button', `BCM ${bcm} is high, as it should be while nobody presses`);
  if (pull === 'pu')
    return warn(
      'button',
      `BCM ${bcm} is low although it is pulled up`,
      'Let go of the button, or look for a short to ground.',
    );
  return warn(
    'button',
    `BCM ${bcm} is low and not pulled up: no press will be seen`,
    `Add gpio=${bcm}=ip,pu to /boot/firmware/config.txt and restart, or fit 10 kΩ from BCM ${bcm} to 3.3 V.`,
  );
}

export function checkMemory(probes: Probes): Check {
  const text = probes.readText('/proc/meminfo') ?? '';
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? Number.NaN) * 1024;
  const available = field('MemAvailable');
  if (Number.isNaN(available)) return skip('memory', 'unknown: no /proc/meminfo');
  const found = `${mebibytes(available)} available of ${mebibytes(field('MemTotal'))}`;
  if (available >= MEMORY_AVAILABLE_BYTES_MIN) return ok('memory', found);
  return warn(
    'memory',
    found,
    `Have ${mebibytes(MEMORY_AVAILABLE_BYTES_MIN)} free: end other programs, leave the desktop out.`,
  );
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** `doctor --privacy` looks closer; here it is enough to know that there is something to look at. */
function fromPrivacy(name: string, { colour, found, remedy }: Verdict): Check {
  if (colour === 'green') return ok(name, found);
  return colour === 'grey' ? skip(name, found) : warn(name, found, remedy);
}

export function checkSwap(probes: Probes): Check {
  return fromPrivacy('swap', swap(probes));
}

export function checkCoreDumps(probes: Probes): Check {
  const limit = fromPrivacy('core dumps', coreLimits(probes));
  if (limit.state !== 'ok') return limit;
  const pattern = corePattern({ readText: (path) => probes.readText(path), list: () => [] });
  return pattern.colour === 'red'
    ? warn('core dumps', `the limit is 0, but dumps are ${pattern.found}`, pattern.remedy)
    : limit;
}

export function checkModel(probes: Probes, config: Config): Check {
  try {
    return ok('model', probes.model(config.model.manifest, config.model.publicKey));
  } catch (error) {
    if (!(error instanceof LetheError)) throw error;
    const word = error.code === 'MODEL_MISSING' ? 'missing' : error.code === 'MODEL_HASH' ? 'mismatch' : 'unusable';
    return missing('model', `${word}: ${error.message}`, error.hint);
  }
}

export async function checkBroker(probes: Probes, config: Config): Promise<Check> {
  const { fault, notices } = await probes.broker(config, BROKER_TIMEOUT_MS);
  if (fault !== '') {
    return warn(
      'broker',
      fault,
      'Counting works without it and counts are kept. (lethe run --demo brings its own.) Files of the voice may be closed to you: then run doctor as its user.',
    );
  }
  const found = `${config.mqtt.url} lets us in`;
  return notices.length === 0 ? ok('broker', found) : warn('broker', found, notices.join(' '));
}

export function checkTime(probes: Probes): Check {
  if (probes.exists('/run/systemd/timesync/synchronized')) return ok('time', 'synchronised');
  const result = probes.run('timedatectl', ['show', '--property=NTPSynchronized', '--value'], PROGRAM_TIMEOUT_MS);
  const answer = result.outcome === 'ok' ? result.output.trim() : '';
  if (answer === 'yes') return ok('time', 'synchronised');
  if (answer === 'no') {
    return warn(
      'time',
      'not synchronised',
      'A Raspberry Pi has no clock of its own before the Pi 5: let it reach a time server (sudo timedatectl set-ntp true).',
    );
  }
  return skip('time', 'unknown: no systemd-timesyncd and no timedatectl that answers');
}

export function checkDisk(probes: Probes, config: Config): Check {
  const disk = probes.disk(config.stateDir);
  if (disk === undefined) return skip('disk', `unknown at ${config.stateDir}`);
  const found = `${mebibytes(disk.freeBytes)} free at ${config.stateDir}`;
  if (!disk.writable) {
    return warn(
      'disk',
      `${found}; not writable by this user`,
      'Set state_dir, or run doctor as the user of the service.',
    );
  }
  if (disk.freeBytes >= DISK_FREE_BYTES_MIN) return ok('disk', found);
  return warn(
    'disk',
    found,
    `Have ${mebibytes(DISK_FREE_BYTES_MIN)} free: counts that were not delivered are kept there.`,
  );
}

/** The file's faults, and a configuration to go on with: the file's, or the defaults if it cannot be used. */
export function checkConfig(
  probes: Probes,
  path: string | undefined,
  overrides: readonly string[],
): { check: Check; config: Config } {
  const name = 'configuration';
  try {
    const config = probes.config(path, overrides);
    const found = path ?? (overrides.length > 0 ? 'defaults and --set' : 'defaults');
    return { check: ok(name, `${found}; camera driver ${config.camera.driver}`), config };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const remedy = `${error.hint || 'Correct each of these.'} What follows was checked with the defaults.`;
    return { check: missing(name, error.problems.join('\n'), remedy), config: probes.config(undefined, []) };
  }
}

/** All checks in the order in which a person would look. */
export async function examine(
  probes: Probes,
  path: string | undefined,
  overrides: readonly string[],
  cameraProgram?: string,
): Promise<{ checks: Check[]; config: Config }> {
  const { check, config } = checkConfig(probes, path, overrides);
  const checks = [
    check,
    checkNode(probes),
    checkArchitecture(probes),
    checkBoard(probes),
    checkModel(probes, config),
    ...checkCamera(probes, config, cameraProgram),
    ...checkVideoPrograms(probes, config),
    ...(await checkPins(probes, config)),
    checkMemory(probes),
    checkSwap(probes),
    checkCoreDumps(probes),
    checkDisk(probes, config),
    checkTime(probes),
    await checkBroker(probes, config),
    checkMosquitto(probes),
  ];
  return { checks: checks.map(withoutControls), config };
}

function withoutControls(check: Check): Check {
  return { ...check, found: printable(check.found), remedy: printable(check.remedy) };
}

const MARKS: Readonly<Record<CheckState, string>> = { ok: '✓', warn: '!', missing: '✗', skip: '·' };

/** Mark, name, what was found; the remedy on a line of its own. Ends with a summary line. */
export function renderTable(checks: readonly Check[], cameraDriver: string): string {
  const nameWidth = Math.max(...checks.map((check) => check.name.length));
  const margin = ' '.repeat(nameWidth + 4);
  const lines = checks.flatMap((check) => {
    const [first = '', ...more] = check.found.split('\n');
    const rows = [
      `${MARKS[check.state]} ${check.name.padEnd(nameWidth)}  ${first}`,
      ...more.map((line) => margin + line),
    ];
    return check.remedy === '' ? rows : [...rows, `${margin}→ ${check.remedy}`];
  });
  const named = (state: CheckState) => checks.filter((check) => check.state === state).map((check) => check.name);
  const lacking = named('missing');
  const summary =
    lacking.length > 0
      ? `Not ready for camera driver ${cameraDriver}: ${lacking.join(', ')}.`
      : `Ready for camera driver ${cameraDriver}.`;
  const doubts = named('warn');
  const advice = doubts.length > 0 ? ` Better with a look at: ${doubts.join(', ')}.` : '';
  const legend = `${MARKS.ok} fine  ${MARKS.warn} look at it  ${MARKS.missing} missing  ${MARKS.skip} not needed or not known`;
  return `${lines.join('\n')}\n\n${legend}\n${summary}${advice}\n`;
}

export function renderJson(checks: readonly Check[], cameraDriver: string): string {
  const ready = checks.every((check) => check.state !== 'missing');
  return `${JSON.stringify({ ready, camera_driver: cameraDriver, checks }, null, 2)}\n`;
}

export type DoctorOptions = {
  /** Path of the configuration file; without one the defaults are checked. */
  readonly config?: string | undefined;
  /** `field=value` words, as for run. */
  readonly overrides?: readonly string[] | undefined;
  readonly json: boolean;
  readonly out: (text: string) => void;
};

/** Checks, prints, and answers with ok, or unavailable (69) if something that this configuration needs is missing. */
export async function doctor(options: DoctorOptions, probes: Probes = systemProbes()): Promise<ExitCode> {
  const program = process.env['LETHE_RPICAM_VID'];
  const { checks, config } = await examine(probes, options.config, options.overrides ?? [], program);
  const render = options.json ? renderJson : renderTable;
  options.out(render(checks, config.camera.driver));
  return checks.some((check) => check.state === 'missing') ? ExitCode.unavailable : ExitCode.ok;
}

/** The machine itself. */
export function systemProbes(): Probes {
  return {
    nodeVersion: process.version,
    architecture: process.arch,
    readText(path) {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    exists: existsSync,
    run: runProgram,
    disk(path) {
      let folder = path;
      while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
      try {
        const { bavail, bsize } = statfsSync(folder);
        return { freeBytes: bavail * bsize, writable: isWritable(folder) };
      } catch {
        return undefined;
      }
    },
    broker({ mqtt, site, device }, timeoutMs) {
      // Not the counter's own name: the broker would push out the one that runs.
      const clientId = `lethe-doctor-${site}-${device}`;
      return tryBroker({ ...brokerAccess(mqtt, process.env), clientId }, timeoutMs);
    },
    async pins(driver) {
      const gpio = await openGpio(driver);
      if (!gpio.available) return { available: false, found: '', reason: gpio.reason };
      const chip = findHeaderChip();
      return { available: true, found: `${gpio.name}: ${chip.label}, base ${chip.base}`, reason: '' };
    },
    async loadOnoff() {
      try {
        await loadOnoff();
        return '';
      } catch (error) {
        return error instanceof LetheError ? `${error.message} ${error.hint}` : explain(error);
      }
    },
    model(manifestPath, publicKey) {
      const { manifest, signer } = loadModel(manifestPath, publicKey);
      return `${manifest.name} ${manifest.version}, ${manifest.bytes} bytes, sha256 ${manifest.sha256.slice(0, 12)}…, signed with key ${signer.id} (${signer.name})`;
    },
    config: (path, overrides) => loadConfig({ path, overrides }),
  };
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
