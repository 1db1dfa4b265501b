/**
 * Run: one supervisor with eye and voice until Ctrl-C, or for some seconds. With --demo: the simulated entrance, an
 * embedded broker, and a table of counted against true, read back from the broker like any subscriber would.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../drivers/link/embedded-broker.ts';
import { configWords } from '../config/arguments.ts';
import { embeddedBrokerWords } from '../config/broker.ts';
import { loadConfig } from '../config/config.ts';
import type { Config } from '../config/schema.ts';
import { DriverError, ExitCode } from '../errors.ts';
import { loadModel } from '../eye/model.ts';
import { createLog } from '../log.ts';
import { Supervisor } from '../supervisor.ts';
import { MS_PER_S } from '../units.ts';
import { DemoReport } from './demo.ts';

export type RunOptions = {
  readonly configPath: string | undefined;
  readonly overrides: readonly string[];
  readonly demo: boolean;
  readonly verbose: boolean;
  readonly seconds: number | undefined;
  readonly out: (text: string) => void;
};

/** Resolves with the exit code when everything has stopped. Throws ConfigError or ModelError before anything is started. */
export async function runCommand(options: RunOptions): Promise<ExitCode> {
  if (options.demo) return runDemo(options);
  const config = checkedConfig(options.configPath, options.overrides);
  return supervise(options, config, options.overrides, () => {});
}

/** What no restart can mend is told here, once, and not by two children in turn. */
function checkedConfig(configPath: string | undefined, overrides: readonly string[]): Config {
  const config = loadConfig({ path: configPath, overrides });
  loadModel(config.model.manifest, config.model.publicKey);
  const { driver, video } = config.camera;
  if (driver === 'video' && !video.source.includes('://') && !existsSync(video.source)) {
    throw new DriverError('absent', `camera.video.source is ${video.source}; no such file.`, {
      op: 'check configuration',
      hint: 'Correct the path; relative ones count from the folder of the configuration file.',
    });
  }
  return config;
}

async function runDemo(options: RunOptions): Promise<ExitCode> {
  const broker = await startEmbeddedBroker(0);
  const stateDir = mkdtempSync(join(tmpdir(), 'lethe-demo-'));
  const overrides = [
    ...embeddedBrokerWords(broker.port),
    `state_dir=${stateDir}`,
    // A newcomer should see whole intervals arrive within half a minute; --set can say otherwise.
    'interval_s=10',
    ...(options.verbose ? [] : ['log_level=warn']),
    ...options.overrides,
  ];
  try {
    const config = checkedConfig(options.configPath, overrides);
    const report = new DemoReport(config, options.out);
    report.welcome(broker.port);
    listen(broker, report);
    const code = await supervise(options, config, overrides, () => report.summarise());
    return code;
  } finally {
    await broker.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function listen(broker: EmbeddedBroker, report: DemoReport): void {
  broker.onMessage('lethe/v1/#', (topic, payload) => report.onMessage(topic, payload));
}

function supervise(
  options: RunOptions,
  config: Config,
  overrides: readonly string[],
  onStopped: () => void,
): Promise<ExitCode> {
  const log = createLog('supervisor', config.logLevel);
  return new Promise((resolve) => {
    const finish = (code: ExitCode) => {
      clearTimeout(timer);
      onStopped();
      resolve(code);
    };
    const supervisor = new Supervisor({
      args: configWords(options.configPath, overrides),
      log,
      onEnded: finish,
    });
    const stop = () => void supervisor.stop().then(() => finish(ExitCode.ok));
    const timer = options.seconds === undefined ? undefined : setTimeout(stop, options.seconds * MS_PER_S);
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
    supervisor.start();
    log.info(
      { eyePid: supervisor.eyePid, voicePid: supervisor.voicePid, runtimeDir: supervisor.runtimeDir },
      'started',
    );
  });
}
