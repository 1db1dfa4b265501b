/**
 * A process full of simulated devices (device.ts), started by fleet.ts with its wish as the only argument. It does as the
 * words on its channel say: `quiet`, nobody crosses any more; `stop`, everything ends after a last report.
 */

import type { Count } from '../parts/eye.ts';
import { Random } from '../parts/random.ts';
import { FleetDevice, traffic } from './device.ts';

export type DevicesWish = {
  readonly url: string;
  readonly site: string;
  readonly names: readonly string[];
  readonly intervalS: number;
  readonly crossingsPerMinute: number;
  /** Share of the devices that are away at any time, and how long each of them is. */
  readonly awayShare: number;
  readonly awayS: number;
  /** Devices come up one after the other over so long, as those of a store do after a power cut. */
  readonly rampS: number;
};

export type DevicesReport = {
  /** By device. */
  readonly truth: Readonly<Record<string, Count>>;
  readonly crashes: number;
  readonly publications: number;
  /** Topics and payloads. */
  readonly bytes: number;
  readonly cpuMs: number;
  readonly residentMib: number;
};

const wish = JSON.parse(process.argv[2]!) as DevicesWish;
const random = new Random(`devices ${wish.names[0]}`);
const devices = new Map(wish.names.map((device) => [device, new FleetDevice({ ...wish, device })]));
let crashes = 0;
let isQuiet = false;

const waitMs = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function rampUp(): Promise<void> {
  for (const device of devices.values()) {
    device.start();
    await waitMs((wish.rampS * 1000) / devices.size);
  }
}

/** So often that awayShare of the devices are away on average; they all come back. */
async function comeAndGo(): Promise<void> {
  const { awayShare, awayS, names } = wish;
  if (awayShare === 0) return;
  const everyMs = (awayS * 1000) / (awayShare * names.length);
  for (;;) {
    await waitMs(everyMs);
    if (isQuiet) return;
    const device = devices.get(random.pick(names))!;
    if (!device.isRunning) continue;
    crashes += 1;
    await device.crash();
    setTimeout(() => device.start(), random.between(0, 2 * awayS * 1000));
  }
}

function report(): DevicesReport {
  const { user, system } = process.cpuUsage();
  return {
    truth: Object.fromEntries([...devices].map(([name, device]) => [name, device.truth])),
    crashes,
    ...traffic,
    cpuMs: (user + system) / 1000,
    residentMib: process.memoryUsage.rss() / 2 ** 20,
  };
}

process.on('message', (word) => {
  if (word === 'quiet') {
    isQuiet = true;
    for (const device of devices.values()) device.quiet();
    process.send!(report());
  }
  if (word === 'stop') {
    const last = report();
    void Promise.all([...devices.values()].map((device) => device.stop())).then(() =>
      process.send!(last, () => process.exit(0)),
    );
  }
});
await rampUp();
process.send!('up');
await comeAndGo();
