/**
 * Gateway: the store's aggregator beside the broker, until Ctrl-C. Chooses the drivers; what it does is in runtime/gateway.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SystemClock } from '../../../drivers/clock/system.ts';
import { loadSqlite } from '../../../drivers/database/sqlite.ts';
import { MqttLink } from '../../../drivers/link/mqtt.ts';
import { startMetricsServer } from '../../../drivers/metrics/server.ts';
import { FileSink } from '../../../drivers/sink/file.ts';
import { HttpSink } from '../../../drivers/sink/http.ts';
import { brokerAccess } from '../../config/broker.ts';
import { DriverError, ExitCode } from '../../errors.ts';
import type { ClaimFiles } from '../../gateway/claim/files.ts';
import type { GatewayConfig } from '../../gateway/config.ts';
import { influxLine } from '../../gateway/export/influx.ts';
import { sqlRow, sqlTable } from '../../gateway/export/sql.ts';
import { Gateway } from '../../gateway/gateway.ts';
import { metricsText } from '../../gateway/metrics.ts';
import { type SinkPlan, Sinks } from '../../gateway/sinks.ts';
import { createLog } from '../../log.ts';
import { PACKAGE_VERSION } from '../../package.ts';
import { onStopRequest } from '../../process.ts';
import { readDeviceFiles, releaseWatchOf, serveDevices } from './devices-server.ts';

/** File in state_dir. */
export const DATABASE_FILE = 'gateway.db';
/** How often sinks look for what was told before they started, or failed. */
const SINK_PERIOD_MS = 10_000;
/** How often the bundle is looked at. */
const RELEASE_PERIOD_MS = 10_000;

/** Resolves with the exit code when it has ended. Throws DriverError or DatabaseError when it cannot begin. */
export async function gatewayCommand(config: GatewayConfig): Promise<ExitCode> {
  const { site, mqtt, prometheus, intervalS } = config;
  const log = createLog('gateway', config.logLevel);
  // Before anything is opened or written: a wrong file is no reason to begin.
  const { claim: claimFiles, releaseKeys } = readDeviceFiles(config);
  const releases = releaseKeys && releaseWatchOf(config, releaseKeys, log);
  makeFolder(config.stateDir);
  const openDatabase = await loadSqlite();
  const database = openDatabase(join(config.stateDir, DATABASE_FILE));
  const clock = new SystemClock();
  const link = new MqttLink({ ...brokerAccess(mqtt, process.env), clientId: `lethe-${site}-gateway` });
  const gateway = new Gateway({
    config,
    clock,
    link,
    database,
    log,
    version: PACKAGE_VERSION,
    releases: releases && claimFiles && { release: () => releases.release, server: serverAddress(config, claimFiles) },
    onClosed: () => sinks.pump(),
    onStopping: () => sinks.stop(),
  });
  const sinks = new Sinks(sinkPlans(config), { database, intervalS, onFailure: (sentence) => log.warn(sentence) });
  const deviceServer =
    claimFiles && (await serveDevices({ config, files: claimFiles, clock, database, gateway, link, releases, log }));
  const pages = {
    metrics: () => metricsText(gateway, clock.wallMs(), link.up, deviceServer?.claims.counts),
    illness: () => gateway.illness,
  };
  const server =
    prometheus.port === 0 ? undefined : await startMetricsServer(prometheus.address, prometheus.port, pages);
  return new Promise((resolve) => {
    // It also keeps the process alive: the clock's timers do not, nor does a link that waits to try again.
    const sinkTimer = setInterval(() => sinks.pump(), SINK_PERIOD_MS);
    onStopRequest(() => {
      clearInterval(sinkTimer);
      clearInterval(releaseTimer);
      void Promise.all([deviceServer?.stop(), server?.stop()])
        .then(() => gateway.stop())
        .then(() => resolve(ExitCode.ok));
    });
    const releaseTimer = releases && setInterval(() => void releases.poll(), RELEASE_PERIOD_MS);
    void releases?.poll();
    gateway.start();
  });
}

/** Of the server for devices, for those that were not told another by their code. */
function serverAddress({ updates, claim }: GatewayConfig, { serverName }: ClaimFiles): string {
  const host = serverName.includes(':') ? `[${serverName}]` : serverName;
  return updates.url === '' ? `https://${host}:${claim.port}` : updates.url;
}

function sinkPlans({ site, sinks }: GatewayConfig): SinkPlan[] {
  const { influx, sql } = sinks;
  const asInflux = { head: '', lineOf: (row: Parameters<typeof influxLine>[0]) => influxLine(row, site, 'minute') };
  const asSql = {
    head: sqlTable('minute'),
    lineOf: (row: Parameters<typeof sqlRow>[0]) => sqlRow(row, site, 'minute'),
  };
  return [
    ...(influx.url === '' ? [] : [{ ...asInflux, sink: new HttpSink('influx', influx.url, influx.tokenFile) }]),
    ...(influx.file === '' ? [] : [{ ...asInflux, sink: new FileSink('influx-file', influx.file) }]),
    ...(sql.file === '' ? [] : [{ ...asSql, sink: new FileSink('sql-file', sql.file) }]),
  ];
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new DriverError('other', `state_dir ${folder} cannot be made (${(cause as NodeJS.ErrnoException).code}).`, {
      op: 'make state_dir',
      hint: 'Set state_dir to a folder that this user may write.',
      cause,
    });
  }
}
