/**
 * A fleet: many simulated devices (device.ts) in a few processes, one real mosquitto, the store's gateway, a listener, and what it
 * all costs.
 * FLEET_DEVICES, FLEET_SECONDS, FLEET_INTERVAL_S and FLEET_PROCESSES make it larger and longer.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TestBroker } from '../../fakes/broker.ts';
import { eventually, within } from '../../fakes/within.ts';
import type { Count } from '../parts/eye.ts';
import { judge, type Verdict } from '../parts/judge.ts';
import { Observer } from '../parts/observer.ts';
import { kindOf, placeOf, type RecordPayload } from '../parts/records.ts';
import type { DevicesReport, DevicesWish } from './devices.ts';
import { GatewayProcess, isOfStore, type Kept, storeTotal } from './gateway.ts';

export const FLEET = {
  devices: Number(process.env['FLEET_DEVICES'] ?? 40),
  seconds: Number(process.env['FLEET_SECONDS'] ?? 12),
  intervalS: Number(process.env['FLEET_INTERVAL_S'] ?? 5),
  processes: Number(process.env['FLEET_PROCESSES'] ?? 1),
} as const;
export const SITE = 'fleet';
export const LINE = 'door';
const CROSSINGS_PER_MINUTE = 12;
const AWAY_SHARE = 0.05;
const AWAY_S = Math.min(30, FLEET.seconds / 5);
const DEVICES = fileURLToPath(new URL('./devices.js', import.meta.url));
/** Everything must have arrived this long after the last crossing: the last interval, and a back-off of up to 30 s. */
const SETTLE_MS_MAX = 90_000;
const STOP_MS_MAX = 60_000;
/** Longer than its deadline. */
const GATEWAY_MS_MAX = 60_000;

export type Cost = { readonly cpuMs: number; readonly residentMib: number };

export type FleetResult = {
  readonly verdict: Verdict;
  /** By device. */
  readonly truth: Readonly<Record<string, Count>>;
  /** Real seconds from the last device's start until everything had arrived. */
  readonly seconds: number;
  readonly crashes: number;
  readonly publications: number;
  readonly bytes: number;
  readonly devices: Cost;
  readonly broker: Cost;
  readonly gateway: Cost;
  /** Who crossed any line; what the gateway's totals of all doors come to; what its database keeps in closed intervals. */
  readonly everybody: Count;
  readonly shown: Count | undefined;
  readonly kept: Kept;
  readonly gatewayLog: string;
};

export function deviceNames(): string[] {
  return Array.from({ length: FLEET.devices }, (_, index) => `device-${index + 1}`);
}

/** Everybody runs from the first device's start to the last record; then the devices end, the broker last. */
export async function runFleet(): Promise<FleetResult> {
  const broker = await TestBroker.create({ lines: ['max_queued_messages 0', 'max_inflight_messages 0'] });
  const observer = await Observer.create(broker.url);
  const processes: ChildProcess[] = [];
  const names = deviceNames();
  let gateway: GatewayProcess | undefined;
  try {
    gateway = new GatewayProcess({
      url: broker.url,
      site: SITE,
      line: LINE,
      devices: names,
      intervalS: FLEET.intervalS,
    });
    const { pid } = gateway;
    const store = `lethe/v1/${SITE}/store/status`;
    await eventually(10_000, 'the gateway is online', () => observer.heard.some(({ topic }) => topic === store));
    const startedMs = Date.now();
    processes.push(...wishes(broker.url).map((wish) => fork(DEVICES, [JSON.stringify(wish)])));
    await Promise.all(processes.map((child) => word(child, 'up', 120_000)));
    await new Promise((resolve) => setTimeout(resolve, FLEET.seconds * 1000));
    const quiet = await Promise.all(processes.map((child) => ask(child, 'quiet')));
    const truth: Record<string, Count> = Object.assign({}, ...quiet.map((report) => report.truth));
    await eventually(SETTLE_MS_MAX, 'all records', isTold(observer, truth)).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 1000 * FLEET.intervalS)); // the receipts of the last intervals
    const seconds = (Date.now() - startedMs) / 1000;
    const everybody = sumOf(Object.values(truth));
    const isShown = () => isSame(storeTotal(observer), everybody);
    await eventually(GATEWAY_MS_MAX, 'store totals', isShown).catch(() => {});
    const [brokerCost, gatewayCost] = [costOf(broker.pid), costOf(pid)];
    const kept = await keptAtLast(gateway, everybody);
    const reports = await Promise.all(processes.map((child) => ask(child, 'stop')));
    const byPlace = Object.fromEntries(Object.entries(truth).map(([device, count]) => [`${device}/${LINE}`, count]));
    const sum = (field: Exclude<keyof DevicesReport, 'truth'>) =>
      reports.reduce((total, report) => total + report[field], 0);
    return {
      verdict: await judge({
        heard: observer.heard.filter(({ topic }) => !isOfStore(topic)),
        truth: byPlace,
        acknowledged: new Set(),
      }),
      truth,
      seconds,
      crashes: sum('crashes'),
      publications: sum('publications'),
      bytes: sum('bytes'),
      devices: { cpuMs: sum('cpuMs'), residentMib: sum('residentMib') },
      broker: brokerCost,
      gateway: gatewayCost,
      everybody,
      shown: storeTotal(observer),
      kept,
      gatewayLog: gateway.output,
    };
  } catch (error) {
    process.stdout.write(`${gateway?.output ?? ''}\n`);
    throw error;
  } finally {
    for (const child of processes) child.kill('SIGKILL');
    await gateway?.dispose();
    await observer.end();
    await broker.stop();
  }
}

function sumOf(counts: readonly Count[]): Count {
  return counts.reduce((sum, count) => ({ in: sum.in + count.in, out: sum.out + count.out }), { in: 0, out: 0 });
}

function isSame(a: Count | undefined, b: Count): boolean {
  return a?.in === b.in && a.out === b.out;
}

/** Intervals close when all have reported, or at their deadline. */
async function keptAtLast(gateway: GatewayProcess, everybody: Count): Promise<Kept> {
  const untilMs = Date.now() + GATEWAY_MS_MAX;
  for (;;) {
    const kept = gateway.kept();
    if (isSame(kept.doors, everybody) && isSame(kept.store, everybody)) return kept;
    if (Date.now() > untilMs) return kept;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}

function wishes(url: string): DevicesWish[] {
  const names = deviceNames();
  return Array.from({ length: FLEET.processes }, (_, process) => ({
    url,
    site: SITE,
    names: names.filter((_, index) => index % FLEET.processes === process),
    intervalS: FLEET.intervalS,
    crossingsPerMinute: CROSSINGS_PER_MINUTE,
    awayShare: AWAY_SHARE,
    awayS: AWAY_S,
    rampS: Math.min(30, FLEET.devices / 25),
  }));
}

/** The newest record of each device has everybody. Looks only at what came since it looked last. */
function isTold(observer: Observer, truth: FleetResult['truth']): () => boolean {
  const told = new Map<string, RecordPayload>();
  let next = 0;
  return () => {
    for (; next < observer.heard.length; next++) {
      const { topic, payload } = observer.heard[next]!;
      if (kindOf(topic) !== 'interval') continue;
      const record = JSON.parse(payload) as RecordPayload;
      if (record.seq > (told.get(placeOf(topic))?.seq ?? 0)) told.set(placeOf(topic), record);
    }
    return Object.entries(truth).every(([device, count]) => {
      const record = told.get(`${device}/${LINE}`);
      return record?.total_in === count.in && record.total_out === count.out;
    });
  };
}

function word(child: ChildProcess, expected: string, timeoutMs: number): Promise<void> {
  return within(
    timeoutMs,
    `devices say ${expected}`,
    new Promise((resolve) => child.once('message', (message) => message === expected && resolve())),
  );
}

function ask(child: ChildProcess, question: 'quiet' | 'stop'): Promise<DevicesReport> {
  const answer = new Promise<DevicesReport>((resolve) =>
    child.once('message', (message) => resolve(message as DevicesReport)),
  );
  child.send(question);
  return within(STOP_MS_MAX, `devices answer ${question}`, answer);
}

/** Of a process of this machine: CPU since its start, memory at its highest. */
export function costOf(pid: number): Cost {
  // proc(5): utime and stime are fields 14 and 15, in clock ticks of 10 ms; the name in field 2 may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const peakKib = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]);
  return { cpuMs: 10 * (Number(fields[11]) + Number(fields[12])), residentMib: peakKib / 1024 };
}
