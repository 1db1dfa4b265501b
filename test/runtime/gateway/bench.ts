/** A gateway on a desk: a clock that is moved by hand, a link in memory, a real database in a temporary folder, devices that speak. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '../../../drivers/clock/manual.ts';
import { loadSqlite } from '../../../drivers/database/sqlite.ts';
import { MemoryLink } from '../../../drivers/link/memory.ts';
import type { Total } from '../../../runtime/contract/counts.ts';
import type { StoreHealth, StoreInterval, StoreOccupancy } from '../../../runtime/contract/store.ts';
import { type GatewayConfig, parseGatewayConfig } from '../../../runtime/gateway/config.ts';
import { Gateway } from '../../../runtime/gateway/gateway.ts';
import { createLog } from '../../../runtime/log.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import type { Database, SqlValue } from '../../../runtime/ports/database.ts';

/** A Monday, on a whole hour. */
export const START_MS = Date.UTC(2026, 0, 5, 12);
export const EPOCH_A = '00000000-0000-4000-8000-00000000000a';
export const EPOCH_B = '00000000-0000-4000-8000-00000000000b';
const SETTLE_TURNS = 6;

const openDatabase = await loadSqlite();

export type Spoken = {
  readonly device?: string;
  readonly line?: string;
  readonly seq: number;
  /** Minutes after START_MS. */
  readonly minute: number;
  readonly in?: number;
  readonly out?: number;
  readonly totalIn?: number;
  readonly totalOut?: number;
  readonly epochId?: string;
  readonly more?: object;
};

export function intervalOf(spoken: Spoken): object {
  const { seq, minute, in: countIn = 0, out = 0, totalIn = countIn, totalOut = out, epochId = EPOCH_A } = spoken;
  return {
    v: 1,
    seq,
    boot: 1,
    epoch_id: epochId,
    from: new Date(START_MS + minute * 60_000).toISOString(),
    to: new Date(START_MS + (minute + 1) * 60_000).toISOString(),
    tz: 'UTC',
    open: true,
    in: countIn,
    out,
    net_in: countIn,
    net_out: out,
    total_in: totalIn,
    total_out: totalOut,
    chains: 0,
    groups_hour: 0,
    samples: 900,
    expected: 900,
    quality: 'ok',
    historical: false,
    ...spoken.more,
  };
}

export class GatewayBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-gateway-'));
  readonly clock = new ManualClock(START_MS);
  readonly config: GatewayConfig;
  link = new MemoryLink();
  gateway: Gateway;
  #life: Life;

  readonly #open: (path: string) => Database;

  /** open: real files, unless a test has a disk of its own. */
  constructor(config: object = {}, open: (path: string) => Database = openDatabase) {
    this.config = parseGatewayConfig({ site: 'shop', log_level: 'fatal', ...config });
    this.#open = open;
    this.#life = new Life(this.clock, open(this.databasePath));
    this.gateway = this.#make();
  }

  get databasePath(): string {
    return join(this.folder, 'gateway.db');
  }

  async start(): Promise<this> {
    this.gateway.start();
    await this.turns();
    return this;
  }

  /** The process is killed: from here on it does and writes nothing. The next one has the same folder and broker. */
  async killAndStart(): Promise<void> {
    this.#life.end();
    this.link.cut();
    const before = this.link;
    this.#life = new Life(this.clock, this.#open(this.databasePath));
    this.link = new MemoryLink();
    this.link.published.push(...before.published);
    for (const [topic, payload] of before.retained) this.link.retained.set(topic, payload);
    this.gateway = this.#make();
    await this.start();
  }

  say(topic: string, payload: object | string, retain = false): void {
    this.link.say(`lethe/v1/shop/${topic}`, typeof payload === 'string' ? payload : JSON.stringify(payload), retain);
  }

  interval(spoken: Spoken): void {
    this.say(`${spoken.device ?? 'door1'}/interval/${spoken.line ?? 'door'}`, intervalOf(spoken));
  }

  status(device: string, state: string, boot = 1): void {
    this.say(`${device}/status`, { v: 1, state, boot, version: '0.1.0' }, true);
  }

  total(device: string, line: string, countIn: number, out: number, epochId = EPOCH_A): void {
    const at = new Date(this.clock.wallMs()).toISOString();
    this.say(`${device}/total/${line}`, { v: 1, in: countIn, out, net_in: 0, net_out: 0, epoch_id: epochId, at }, true);
  }

  /** Lets seconds pass, with what follows from them. */
  async seconds(count: number): Promise<void> {
    for (let second = 0; second < count; second += 1) {
      this.clock.advance(1000);
      await this.turns();
    }
  }

  async turns(): Promise<void> {
    for (let turn = 0; turn < SETTLE_TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  intervals(door: string): StoreInterval[] {
    return this.all<StoreInterval>(`interval/${door}`);
  }

  lastTotal(door: string): Total | undefined {
    return this.all<Total>(`total/${door}`).at(-1);
  }

  lastHealth(): StoreHealth | undefined {
    return this.all<StoreHealth>('health').at(-1);
  }

  lastOccupancy(): StoreOccupancy | undefined {
    return this.all<StoreOccupancy>('occupancy/store').at(-1);
  }

  all<T>(below: string): T[] {
    return this.link.published
      .filter(({ topic }) => topic === `lethe/v1/shop/store/${below}`)
      .map(({ payload }) => JSON.parse(payload) as T);
  }

  async end(): Promise<void> {
    await this.gateway.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #make(): Gateway {
    const { config, link } = this;
    return new Gateway({
      config,
      clock: this.#life,
      link,
      database: this.#life,
      log: createLog('gateway', 'fatal'),
      version: '0.1.0',
    });
  }
}

/** Clock and database of one life of the gateway; after `end` nothing runs and nothing is written any more. */
class Life implements Clock, Database {
  #isOver = false;
  readonly #clock: ManualClock;
  readonly #database: Database;

  constructor(clock: ManualClock, database: Database) {
    this.#clock = clock;
    this.#database = database;
  }

  end(): void {
    this.#isOver = true;
    this.#database.close();
  }

  monotonicUs(): number {
    return this.#clock.monotonicUs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  every(periodMs: number, task: () => void): () => void {
    return this.#clock.every(periodMs, () => {
      if (!this.#isOver) task();
    });
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  run(sql: string, values?: readonly SqlValue[]): void {
    this.#database.run(sql, values);
  }

  all<Row extends object>(sql: string, values?: readonly SqlValue[]): Row[] {
    return this.#isOver ? [] : this.#database.all(sql, values);
  }

  transaction<T>(work: () => T): T {
    return this.#isOver ? (undefined as T) : this.#database.transaction(work);
  }

  get changes(): number {
    return this.#database.changes;
  }

  close(): void {
    if (!this.#isOver) this.#database.close();
  }
}
