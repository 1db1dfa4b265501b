/** The store's gateway as a program of its own beside the fleet, with a door for every 32 devices, and what it says at the end. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { within } from '../../fakes/within.ts';
import type { Count } from '../parts/eye.ts';
import type { Observer } from '../parts/observer.ts';
import { kindOf, type TotalPayload } from '../parts/records.ts';

const MAIN = fileURLToPath(new URL('../../../runtime/main.js', import.meta.url));
const STOP_MS_MAX = 20_000;
/** As the schema allows for one door. */
const DEVICES_PER_DOOR = 32;

export type GatewayOptions = {
  readonly url: string;
  readonly site: string;
  readonly line: string;
  readonly devices: readonly string[];
  readonly intervalS: number;
};

export type Kept = { readonly doors: Count; readonly store: Count };

export class GatewayProcess {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-gateway-'));
  output = '';
  readonly #config: string;
  readonly #child: ChildProcess;

  constructor({ url, site, line, devices, intervalS }: GatewayOptions) {
    const doors = Array.from({ length: Math.ceil(devices.length / DEVICES_PER_DOOR) }, (_, index) => ({
      name: `door-${index + 1}`,
      of: devices.slice(index * DEVICES_PER_DOOR, (index + 1) * DEVICES_PER_DOOR).map((device) => ({ device, line })),
    }));
    const config = join(this.folder, 'gateway.json');
    this.#config = config;
    const file = { site, mqtt: { url }, state_dir: 'state', interval_s: intervalS, deadline_s: 30, devices, doors };
    writeFileSync(config, JSON.stringify(file));
    const child = spawn(process.execPath, [MAIN, 'gateway', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** Everybody of all intervals that are closed, in the database: of the doors together, and of the store. */
  kept(): Kept {
    const words = [MAIN, 'gateway', 'export', '--config', this.#config, '--by', 'minute'];
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', maxBuffer: 2 ** 30 });
    if (status !== 0) throw new Error(`export ended with ${status}: ${stderr}`);
    const [head, ...rows] = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const [door, countIn, out] = ['door', 'in', 'out'].map((name) => head!.indexOf(name)) as [number, number, number];
    const sums = { doors: { in: 0, out: 0 }, store: { in: 0, out: 0 } };
    for (const row of rows) {
      const sum = row[door] === 'store' ? sums.store : sums.doors;
      sum.in += Number(row[countIn]);
      sum.out += Number(row[out]);
    }
    return sums;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async dispose(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve));
      this.#child.kill('SIGTERM');
      await within(STOP_MS_MAX, 'the gateway ends', ended).catch(() => this.kill());
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A message of the store, and of no device. */
export function isOfStore(topic: string): boolean {
  return topic.split('/')[3] === 'store';
}

/** Sum of the last totals of all doors; undefined: none was told. */
export function storeTotal(observer: Observer): Count | undefined {
  const last = new Map<string, TotalPayload>();
  for (const { topic, payload } of observer.heard) {
    const isDoor = isOfStore(topic) && kindOf(topic) === 'total' && topic.includes('/door-');
    if (isDoor) last.set(topic, JSON.parse(payload) as TotalPayload);
  }
  if (last.size === 0) return undefined;
  const sum = { in: 0, out: 0 };
  for (const total of last.values()) {
    sum.in += total.in;
    sum.out += total.out;
  }
  return sum;
}
