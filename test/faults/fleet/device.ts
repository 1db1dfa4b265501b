/**
 * A simulated device: the product's own voice with its ledger, receipts and MQTT link, without a process, pipe and disk of
 * its own: many of them live in one process. What it keeps is in memory and survives its crashes as a card would.
 */

import { SystemClock } from '../../../drivers/clock/system.ts';
import { MqttLink } from '../../../drivers/link/mqtt.ts';
import { brokerAccess } from '../../../runtime/config/broker.ts';
import { parseConfig } from '../../../runtime/config/config.ts';
import type { Config } from '../../../runtime/config/schema.ts';
import { EyeState } from '../../../runtime/corridor/record.ts';
import { createLog } from '../../../runtime/log.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';
import type { PublishOptions } from '../../../runtime/ports/link.ts';
import type { DeviceKey } from '../../../runtime/privacy/receipts.ts';
import { Voice } from '../../../runtime/voice/voice.ts';
import { databaseOn } from '../../fakes/database.ts';
import { SimulatedDisk } from '../../fakes/disk.ts';
import { memoryKey } from '../../fakes/key.ts';
import { FakeEye } from '../../runtime/voice/bench.ts';
import type { Count } from '../parts/eye.ts';
import { Random } from '../parts/random.ts';

const FRAME_RATE_HZ = 15;
const FATAL_ONLY = createLog('voice', 'fatal');

/** What all devices of a process have published. */
export const traffic = { publications: 0, bytes: 0 };

export type DeviceOptions = {
  readonly url: string;
  readonly site: string;
  readonly device: string;
  readonly intervalS: number;
  readonly crossingsPerMinute: number;
};

export class FleetDevice {
  readonly truth: Count = { in: 0, out: 0 };
  readonly #config: Config;
  readonly #random: Random;
  readonly #key: DeviceKey = memoryKey();
  readonly #disk = new SimulatedDisk();
  readonly #openDatabase = databaseOn(this.#disk);
  readonly #eye: FakeEye;
  readonly #crossingsPerS: number;
  #voice: Voice | undefined;
  #link: CountingLink | undefined;
  #life = { isAlive: false };
  #timer: NodeJS.Timeout | undefined;
  #isQuiet = false;

  constructor({ url, site, device, intervalS, crossingsPerMinute }: DeviceOptions) {
    this.#config = parseConfig({ site, device, interval_s: intervalS, state_dir: '/state', mqtt: { url } });
    this.#random = new Random(device);
    this.#eye = new FakeEye(this.#random.whole(1, 0xfffffffe));
    this.#crossingsPerS = crossingsPerMinute / 60;
  }

  get isRunning(): boolean {
    return this.#life.isAlive;
  }

  start(): void {
    // A dead process has no timers: each life has a clock of its own, which dies with it.
    const life = { isAlive: true };
    const system = new SystemClock();
    const clock: Clock = {
      monotonicUs: () => system.monotonicUs(),
      wallMs: () => system.wallMs(),
      every: (periodMs, task) => system.every(periodMs, () => life.isAlive && task()),
    };
    const { site, device, mqtt } = this.#config;
    const clientId = `lethe-${site}-${device}`;
    this.#life = life;
    this.#link = new CountingLink({ ...brokerAccess(mqtt, {}), clientId });
    this.#voice = new Voice({
      config: this.#config,
      clock,
      timeSource: { trust: () => 'synced' },
      link: this.#link,
      log: FATAL_ONLY,
      version: '0.0.0-fleet',
      openKey: () => this.#key,
      control: () => {},
      onFatal: (reason) => {
        throw new Error(`${device}: ${reason}`);
      },
      readConfig: () => this.#config,
      onStartAgain: () => {},
      openDatabase: this.#openDatabase,
    });
    this.#voice.start();
    this.#feed(this.#eye.hello(Date.now()));
    this.#feed(this.#eye.state(Date.now(), EyeState.counting));
    this.#timer ??= setInterval(() => this.#second(), 1000);
  }

  /** The voice is gone without a good-bye; the eye goes on counting. */
  async crash(): Promise<void> {
    this.#life.isAlive = false;
    this.#disk.kill();
    this.#voice?.ledger.close();
    this.#voice = undefined;
    await this.#link?.stop();
  }

  quiet(): void {
    this.#isQuiet = true;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#voice?.stop();
    this.#life.isAlive = false;
  }

  #second(): void {
    const nowMs = Date.now();
    if (!this.#isQuiet && this.#random.isTrue(this.#crossingsPerS)) {
      const way = this.#random.isTrue(0.5) ? 'in' : 'out';
      this.truth[way] += 1;
      this.#feed(this.#eye.cross(way, nowMs));
    }
    this.#feed(this.#eye.totals(nowMs));
    this.#feed(this.#eye.netTotals(nowMs));
    this.#feed(this.#eye.frames(FRAME_RATE_HZ));
    this.#feed(this.#eye.longest(400, 1200, nowMs));
  }

  #feed(bytes: Uint8Array): void {
    this.#voice?.feed(bytes, bytes.length);
  }
}

class CountingLink extends MqttLink {
  override publish(topic: string, payload: string, options: PublishOptions): Promise<void> {
    traffic.publications += 1;
    traffic.bytes += topic.length + payload.length;
    return super.publish(topic, payload, options);
  }
}
