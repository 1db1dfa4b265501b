// Goal: a new version reaches every device, a few at a time, and a bad one costs a door or two and not the store.
// Method: offers with a clock moved by hand and scripted devices, failures in a real database; then any behaviour by fast-check.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { UpdateFailures } from '../../../../runtime/gateway/updates/failures.ts';
import type { Release } from '../../../../runtime/gateway/updates/release-watch.ts';
import { ASKED_AGAIN_MS, GAP_MS, LOST_MS, NO_ANSWER_MS, Updates } from '../../../../runtime/gateway/updates/updates.ts';
import { createLog } from '../../../../runtime/log.ts';
import { databaseOn } from '../../../fakes/database.ts';
import { SimulatedDisk } from '../../../fakes/disk.ts';

const DAY_MS = 86_400_000;
const SHA256 = 'cd'.repeat(32);

function releaseOf(version: string, fromMin = '0.1.0'): Release {
  const manifest = {
    v: 1,
    name: 'lethe',
    version,
    target: 'linux-arm64',
    bytes: 1000,
    sha256: SHA256,
    unpacked_bytes: 2000,
    file_count: 3,
    node: '24.1.0',
    made_at: '2026-01-05T11:00:00Z',
    from_min: fromMin,
    key_id: '00000000',
  } as const;
  return { manifest, signature: `${'A'.repeat(86)}==`, path: '/nowhere', bytes: 3000 };
}

type Offer = { readonly device: string; readonly id: string; readonly version: string; readonly url: string };

class Bench {
  readonly offers: Offer[] = [];
  release: Release | undefined = releaseOf('0.2.0');
  isTime = true;
  offline = new Set<string>();
  nowMs = 0;
  updates: Updates;
  readonly #database = databaseOn(new SimulatedDisk())('gateway.db');
  readonly #devices: readonly string[];
  readonly #limits: { readonly atOnce: number; readonly failuresMax: number };

  constructor(devices: readonly string[], limits = { atOnce: 1, failuresMax: 2 }) {
    this.#devices = devices;
    this.#limits = limits;
    this.updates = this.#make();
    for (const device of devices) this.updates.noteVersion(device, '0.1.0');
  }

  restart(): void {
    this.updates = this.#make();
    for (const device of this.#devices) this.updates.noteVersion(device, '0.1.0');
  }

  /** Lets time pass, a second at a time where it matters. */
  pass(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.nowMs += Math.min(1000, end - this.nowMs);
      this.updates.tick(this.nowMs, this.nowMs);
    }
  }

  say(device: string, state: string, version = '0.1.0', offered: string | null = '0.2.0', reason = ''): void {
    this.updates.noteState(device, { state, version, offered, reason }, this.nowMs, this.nowMs);
  }

  takes(device: string): void {
    for (const state of ['downloading', 'ready', 'trial']) this.say(device, state);
    this.say(device, 'confirmed', '0.2.0');
    this.updates.noteVersion(device, '0.2.0');
  }

  get names(): string[] {
    return this.offers.map(({ device }) => device);
  }

  #make(): Updates {
    return new Updates({
      release: () => this.release,
      failures: new UpdateFailures(this.#database),
      ...this.#limits,
      boot: 7,
      devices: () => this.#devices,
      isOnline: (device) => !this.offline.has(device),
      isTime: () => this.isTime,
      serverOf: () => 'https://gateway:8885',
      publish: (device, payload) => {
        const { id, manifest, url } = JSON.parse(payload);
        this.offers.push({ device, id, version: manifest.version, url });
      },
      log: createLog('gateway', 'fatal'),
    });
  }
}

test('one after the other: the next is asked when the one before counts with the new version', () => {
  const bench = new Bench(['a', 'b', 'c']);
  bench.pass(GAP_MS * 3);
  assert.equal(bench.offers, [
    { device: 'a', id: 'update-7-1', version: '0.2.0', url: `https://gateway:8885/v1/bundle/${SHA256}` },
  ]);
  bench.say('a', 'downloading');
  bench.say('a', 'ready');
  bench.updates.noteVersion('a', '0.2.0');
  bench.say('a', 'trial', '0.2.0');
  bench.pass(GAP_MS * 3);
  assert.equal(bench.names, ['a'], 'it runs, and has not shown yet that it counts');
  bench.takes('a');
  bench.pass(GAP_MS * 2);
  assert.equal(bench.names, ['a', 'b']);
  bench.takes('b');
  bench.pass(GAP_MS * 2);
  bench.takes('c');
  bench.pass(ASKED_AGAIN_MS * 2);
  assert.equal(bench.names, ['a', 'b', 'c']);
  assert.equal(bench.updates.facts(), {
    version: '0.2.0',
    current: 3,
    older: [],
    busy: [],
    failures: [],
    isHalted: false,
  });
});

test('without a release, at the wrong time, to who is away, has it, is too old or has not said: nothing', () => {
  const bench = new Bench(['a']);
  bench.isTime = false;
  bench.pass(GAP_MS * 2);
  bench.isTime = true;
  bench.offline.add('a');
  bench.pass(GAP_MS * 2);
  bench.offline.clear();
  for (const release of [undefined, releaseOf('0.1.0'), releaseOf('0.0.9'), releaseOf('0.3.0', '0.2.0')]) {
    bench.release = release;
    bench.pass(GAP_MS * 2);
  }
  assert.equal(bench.names, []);
  bench.release = releaseOf('0.10.0', '0.1.0');
  bench.pass(GAP_MS * 2);
  assert.equal(bench.names, ['a'], '0.10.0 is newer than 0.1.0, by number');
});

test('a device that went back is not offered this version again, also after a restart and years; a newer one it is', () => {
  const bench = new Bench(['a', 'b']);
  bench.pass(GAP_MS * 2);
  bench.say('a', 'rolled_back', '0.1.0', '0.2.0', 'not_healthy');
  bench.pass(GAP_MS * 2);
  assert.equal(bench.names, ['a', 'b'], 'the next one is tried');
  assert.equal(bench.updates.facts()?.failures, [{ device: 'a', kind: 'rolled_back', reason: 'not_healthy' }]);
  bench.takes('b');
  bench.restart();
  bench.updates.noteVersion('b', '0.2.0');
  bench.nowMs += 1000 * DAY_MS;
  bench.pass(ASKED_AGAIN_MS);
  assert.equal(bench.names, ['a', 'b']);
  bench.release = releaseOf('0.2.1');
  bench.pass(GAP_MS * 2);
  assert.equal(bench.offers.at(-1)?.version, '0.2.1');
});

test('a version that failed on two devices is offered to no more', () => {
  const bench = new Bench(['a', 'b', 'c', 'd']);
  bench.pass(GAP_MS * 2);
  bench.say('a', 'rolled_back');
  bench.pass(GAP_MS * 2);
  bench.say('b', 'trial');
  bench.pass(LOST_MS + GAP_MS * 2);
  assert.equal(bench.names, ['a', 'b']);
  assert.is(bench.updates.facts()?.isHalted, true);
  assert.equal(
    bench.updates.facts()?.failures.map(({ device, kind }) => [device, kind]),
    [
      ['a', 'rolled_back'],
      ['b', 'lost'],
    ],
  );
  bench.say('b', 'confirmed', '0.2.0');
  bench.pass(GAP_MS * 2);
  assert.equal(bench.names, ['a', 'b', 'c'], 'it came back, and counts');
});

test('who refuses is asked again the next day, who was busy the next hour', () => {
  const bench = new Bench(['a']);
  bench.pass(GAP_MS * 2);
  bench.updates.answered('a', 'update-7-1', 'update_refused');
  assert.equal(bench.updates.facts()?.busy, []);
  bench.pass(ASKED_AGAIN_MS);
  assert.is(bench.offers.length, 2);
  bench.say('a', 'refused', '0.1.0', '0.2.0', 'no_room');
  bench.pass(ASKED_AGAIN_MS * 3);
  assert.is(bench.offers.length, 2);
  bench.nowMs += DAY_MS;
  bench.pass(GAP_MS);
  assert.is(bench.offers.length, 3);
  assert.is(bench.updates.facts()?.isHalted, false);
});

test('who never begins keeps the others waiting for some minutes, and fails nobody', () => {
  const bench = new Bench(['a', 'b', 'c']);
  bench.pass(GAP_MS * 2 + NO_ANSWER_MS);
  assert.equal(bench.names, ['a', 'b']);
  bench.pass(NO_ANSWER_MS * 2);
  assert.equal(bench.names, ['a', 'b', 'c']);
  assert.equal(bench.updates.facts()?.failures, []);
});

test('a slow download is not a lost device as long as it says so; an endless trial is one', () => {
  const bench = new Bench(['a', 'b']);
  bench.pass(GAP_MS * 2);
  for (let hour = 0; hour < 5; hour += 1) {
    bench.say('a', 'downloading');
    bench.pass(3_600_000);
  }
  assert.equal(bench.names, ['a']);
  bench.say('a', 'ready');
  bench.say('a', 'trial');
  for (let hour = 0; hour < 3; hour += 1) {
    bench.say('a', 'trial');
    bench.pass(3_600_000);
  }
  assert.equal(bench.names, ['a', 'b']);
});

test('after a restart of the gateway who is busy is heard of before anybody else is asked', () => {
  const bench = new Bench(['a', 'b']);
  bench.pass(GAP_MS * 2);
  bench.restart();
  bench.pass(1000);
  bench.say('a', 'downloading');
  bench.pass(GAP_MS * 3);
  assert.equal(bench.names, ['a']);
});

const reactions = fc.array(
  fc.constantFrom('takes', 'rolls back', 'refuses', 'is silent', 'is away', 'is back', 'downloads', 'restart'),
  { minLength: 1, maxLength: 60 },
);

test('whatever devices do: never more busy at once, nobody asked twice an hour or after going back', () =>
  fc.assert(
    fc.property(reactions, fc.integer({ min: 1, max: 3 }), (list, atOnce) => {
      const bench = new Bench(['a', 'b', 'c', 'd', 'e'], { atOnce, failuresMax: 3 });
      const asked = new Map<string, number>();
      const wentBack = new Set<string>();
      let heard = 0;
      for (const [at, reaction] of list.entries()) {
        bench.pass(GAP_MS + 1000);
        for (const { device } of bench.offers.slice(heard)) {
          assert.not.ok(wentBack.has(device), `${device} went back`);
          const before = asked.get(device);
          if (before !== undefined) assert.ok(bench.nowMs - before >= ASKED_AGAIN_MS - GAP_MS, `${device} again`);
          asked.set(device, bench.nowMs);
        }
        heard = bench.offers.length;
        const { busy } = bench.updates.facts()!;
        assert.ok(busy.length <= atOnce, busy.join());
        const device = busy[at % Math.max(1, busy.length)];
        if (reaction === 'restart') {
          for (const name of busy) bench.say(name, 'refused');
          asked.clear();
          bench.restart();
        } else if (device === undefined) continue;
        else if (reaction === 'takes') bench.takes(device);
        else if (reaction === 'rolls back') {
          bench.say(device, 'rolled_back');
          wentBack.add(device);
        } else if (reaction === 'refuses') bench.say(device, 'refused');
        else if (reaction === 'is away') bench.offline.add(device);
        else if (reaction === 'is back') bench.offline.clear();
        else if (reaction === 'downloads') bench.say(device, 'downloading');
        else bench.pass(600_000);
      }
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 30) },
  ));

test.run();
