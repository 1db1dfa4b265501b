/**
 * Entry of the voice process: picks the drivers, opens the two FIFOs, hands signals on. Everything else is in voice.ts.
 * Ends with 0 after SIGTERM or SIGINT, 65 after the eye was cut off (the supervisor, or lethe-cutoff.service, ends that eye
 * and starts both again), 74 without its FIFOs, 75 to be started again with a new configuration, 78 with one that cannot be used.
 */
// First, so that it runs before anything else is evaluated.
import '../no-inspector.ts';
import { existsSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '../../drivers/clock/system.ts';
import { FileTimeSource } from '../../drivers/clock/trust.ts';
import { loadSqlite } from '../../drivers/database/sqlite.ts';
import { openCorridorFifo, openInlet } from '../../drivers/inlet.ts';
import { MqttLink } from '../../drivers/link/mqtt.ts';
import { openPulse } from '../../drivers/watchdog/systemd.ts';
import { readProcessArguments } from '../config/arguments.ts';
import { brokerAccess } from '../config/broker.ts';
import type { Config } from '../config/schema.ts';
import { CONTROL_FIFO, CORRIDOR_FIFO, type ControlWord } from '../corridor/control.ts';
import { ConfigError, ExitCode, LetheError } from '../errors.ts';
import { createLog, type Log } from '../log.ts';
import { PACKAGE_ROOT, PACKAGE_VERSION } from '../package.ts';
import { openDeviceKey } from '../privacy/receipts.ts';
import { onStopRequest, runMain } from '../process.ts';
import { CONFIG_REPLACED } from './commands/actions.ts';
import { VoiceVitals } from './vitals.ts';
import { Voice, type VoiceUpdates } from './voice.ts';

/** One read takes at most the whole pipe (64 KiB on Linux). */
const READ_BYTES = 65_536;
/** The eye is stopped at the same moment; what it still has to tell is in the corridor by then. */
const LAST_RECORDS_MS = 200;

async function main(): Promise<void> {
  const clock = new SystemClock();
  const pulse = openPulse({ environment: process.env, pid: process.pid, nowUs: () => clock.monotonicUs() });
  const end = (code: ExitCode) => {
    pulse.stopping();
    process.exit(code);
  };
  const { config, configPath, runtimeDir } = readProcessArguments(process.argv.slice(2));
  const openDatabase = await loadSqlite();
  const log = createLog('voice', config.logLevel);
  const controlFd = openCorridorFifo(join(runtimeDir, CONTROL_FIFO));
  const timeSource = new FileTimeSource();
  const vitals = new VoiceVitals(pulse);
  // Only a release knows of releases: everything else is updated in the way in which it was installed.
  const updates = isRelease() ? await openReleases(config, log) : undefined;
  let fault: string | undefined;
  const voice = new Voice({
    config,
    clock,
    timeSource,
    link: new MqttLink({
      ...brokerAccess(config.mqtt, process.env),
      isClockUnset: () => timeSource.trust() === 'unsynced',
      clientId: `lethe-${config.site}-${config.device}`,
    }),
    log,
    version: PACKAGE_VERSION,
    openKey: () => openDeviceKey(config.stateDir),
    control: (word) => sendWord(controlFd, word),
    onFatal: () => end(ExitCode.dataError),
    readConfig: () => readConfigAgain(configPath),
    onStartAgain: () => end(ExitCode.again),
    openDatabase,
    ...(updates && { updates }),
    onTick: () => {
      const found = vitals.tick(voice.facts(), clock.monotonicUs());
      if (found !== undefined && found !== fault)
        log.error(`Not well: ${found}. If it stays so, the service manager starts the voice again.`);
      fault = found;
    },
  });
  openInlet(join(runtimeDir, CORRIDOR_FIFO), READ_BYTES, {
    onBytes: (chunk, byteCount) => voice.feed(chunk, byteCount),
    onError: (error) => {
      log.error(`The corridor cannot be read (${error.message}). The supervisor starts the voice again.`);
      void voice.stop().then(() => end(ExitCode.ioError));
    },
  });
  voice.start();
  // The ledger is open, both pipes are, and the seconds run. A broker is none of it: counting does not wait for one.
  pulse.ready();
  const stop = () => void voice.stop().then(() => end(ExitCode.ok));
  onStopRequest(() => {
    pulse.stopping();
    setTimeout(stop, LAST_RECORDS_MS);
  });
}

/** Under `lethe run` the file is not shown, and asking for it is refused by the permission model: no release. */
function isRelease(): boolean {
  try {
    return existsSync(join(PACKAGE_ROOT, 'release.json'));
  } catch {
    return false;
  }
}

/** Root's side of it is provisioning/device/update. */
async function openReleases(config: Config, log: Log): Promise<VoiceUpdates> {
  const [{ openUpdates }, { HttpsDownloader }] = await Promise.all([
    import('./update/open.ts'),
    import('../../drivers/download/https.ts'),
  ]);
  const access = brokerAccess(config.mqtt, process.env);
  return openUpdates({
    folder: join(config.stateDir, 'update'),
    version: PACKAGE_VERSION,
    brokerUrl: config.mqtt.url,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    downloader: new HttpsDownloader(access),
    log,
  });
}

/** Throws ConfigError with every fault, and LetheError (CONFIG_REPLACED) where only a new start can see the file. */
function readConfigAgain(configPath: string | undefined): Config {
  if (configPath === undefined)
    throw new ConfigError(['This counter runs without a configuration file: there is nothing to read again.'], {
      op: 'read configuration again',
      hint: 'Start it with --config FILE.',
    });
  if (isReplaced(configPath))
    throw new LetheError(
      CONFIG_REPLACED,
      `${configPath} was replaced by another file of this name, and the voice still sees the one that it was started with.`,
      ExitCode.config,
      { op: 'read configuration again', hint: 'Write into the file instead (cp NEW FILE), or start the counter anew.' },
    );
  return readProcessArguments(process.argv.slice(2)).config;
}

/** In a view of its own (isolation/view.ts) a file stays what it was when somebody moves another one over it: a file without a name. */
function isReplaced(path: string): boolean {
  try {
    return statSync(path).nlink === 0;
  } catch {
    return false; // told by whoever reads it
  }
}

/** A pipe full of words that no eye reads: this word is old news by the time one does. */
function sendWord(fd: number, word: ControlWord): void {
  try {
    writeSync(fd, Uint8Array.of(word));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
}

runMain('voice', main);
