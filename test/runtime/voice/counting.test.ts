/**
 * Goal: net counts, entrances, zones and the store's occupancy are published as the eye told them, over a whole day and
 * over restarts, and a clock that was not set at boot costs nobody.
 * Method: a voice with manual clock and link in memory, fed with records; what it publishes is compared with literals.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EyeState, RecordKind } from '../../../runtime/corridor/record.ts';
import { type BenchOptions, type Total, VoiceBench } from './bench.ts';

const NOON_MS = Date.UTC(2026, 0, 5, 12);
const HOUR_S = 3600;
const LAYOUT = {
  lines: [
    { name: 'outer', from: [0.05, 0.4], to: [0.95, 0.4], in: 'down' },
    { name: 'inner', from: [0.05, 0.6], to: [0.95, 0.6], in: 'down' },
  ],
  entrances: [{ name: 'main', lines: ['outer', 'inner'] }],
  zones: [
    {
      name: 'pavement',
      polygon: [
        [0, 0],
        [1, 0],
        [1, 0.35],
        [0, 0.35],
      ],
      passes: 'main',
    },
  ],
};
const MAIN = 2;

type Zone = {
  visits: number;
  bounces: number;
  dwell_s: { n: number; mean: number | null; median: number | null };
  people: { mean: number | null; max: number };
  queue: { mean: number | null; max: number };
  passers_by: number;
  drop_in_rate: number | null;
  open: boolean;
};
type Store = {
  people: number;
  people_min: number | null;
  in: number;
  out: number;
  open: boolean;
  imbalance: number | null;
  days: number;
  reset_at: string | null;
};
type Counted = { in: number; net_in: number; net_out: number; chains: number; groups_hour: number; open: boolean };

function onBench(
  name: string,
  body: (bench: VoiceBench) => Promise<void>,
  options: BenchOptions = {},
  startMs = NOON_MS,
) {
  test(name, async () => {
    const bench = new VoiceBench(options, startMs);
    try {
      await bench.start();
      await body(bench);
    } finally {
      await bench.dispose();
    }
  });
}

onBench('net counts follow when people have left, and a lost record of them is made good', async (bench) => {
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  bench.feed(bench.eye.cross('out', bench.nowMs)); // turned back: nothing net
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(5);
  bench.eye.leave('in', bench.nowMs); // never arrives
  await bench.seconds(60);
  const total = bench.retained<Total & { net_in: number; net_out: number }>('total/door')!;
  assert.equal([total.in, total.out, total.net_in, total.net_out], [2, 1, 1, 0]);
  const [interval] = bench.payloads<Counted>('interval/door');
  assert.equal([interval?.in, interval?.net_in, interval?.net_out], [2, 1, 0]);
});

onBench('net totals survive a crash and never fall', async (bench) => {
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  bench.feed(bench.eye.leave('in', bench.nowMs));
  await bench.seconds(3);
  await bench.crash();
  await bench.seconds(3);
  assert.is(bench.retained<{ net_in: number }>('total/door')?.net_in, 1);
});

onBench(
  'an entrance is published like a line, and only it counts for the store',
  async (bench) => {
    bench.greet();
    for (const index of [0, MAIN, 1]) bench.feed(bench.eye.cross('in', bench.nowMs, index));
    await bench.seconds(3);
    assert.is(bench.retained<Total>('total/main')?.in, 1);
    assert.is(bench.retained<Total>('total/inner')?.in, 1);
    assert.is(bench.retained<Store>('occupancy/store')?.people, 1);
  },
  { config: LAYOUT },
);

onBench(
  'a zone: visits, dwell, queue, passers-by and the drop-in rate of the entrance behind it',
  async (bench) => {
    bench.greet();
    const zone = bench.eye.zones[0]!;
    Object.assign(zone, { people: 3, queue: 1, visits: 4, bounces: 1 });
    await bench.seconds(10);
    assert.equal(
      [
        bench.retained<Zone>('occupancy/pavement')?.people,
        bench.retained<Zone>('occupancy/pavement')?.queue,
      ] as unknown[],
      [3, 1],
    );
    bench.feed(bench.eye.visit(10_000, bench.nowMs));
    bench.feed(bench.eye.visit(30_000, bench.nowMs));
    zone.passersBy = 3;
    bench.feed(bench.eye.cross('in', bench.nowMs, MAIN));
    Object.assign(zone, { people: 0, queue: 0 });
    await bench.seconds(52);
    const told = bench.payloads<Zone>('zone/pavement')[0]!;
    assert.equal([told.visits, told.bounces, told.passers_by, told.drop_in_rate], [4, 1, 3, 0.25]);
    assert.equal([told.dwell_s.n, told.dwell_s.mean, told.people.max, told.queue.max], [2, 20, 3, 1]);
    assert.ok(Math.abs(told.people.mean! - (3 * 10) / 59) < 0.02, `mean ${told.people.mean}`);
    assert.is(bench.retained<Zone>('occupancy/pavement')?.people as unknown, 0);
  },
  { config: LAYOUT },
);

onBench(
  'while the eye is silent nobody is known to be in a zone',
  async (bench) => {
    bench.greet();
    Object.assign(bench.eye.zones[0]!, { people: 3, visits: 3 });
    await bench.seconds(3);
    await bench.seconds(8, false);
    assert.is(bench.retained<{ people: number }>('occupancy/pavement')?.people, 0);
  },
  { config: LAYOUT },
);

onBench('entries within three seconds of each other are one party of the hour', async (bench) => {
  bench.greet();
  for (const gapS of [1, 1, 10, 2, 20]) {
    bench.feed(bench.eye.cross('in', bench.nowMs));
    await bench.seconds(gapS);
  }
  await bench.seconds(30);
  const [interval] = bench.payloads<Counted>('interval/door');
  assert.equal([interval?.in, interval?.chains], [5, 2]);
  assert.ok(interval!.groups_hour >= 2 && interval!.groups_hour <= 5);
});

onBench(
  'at closing time the store is empty again, intervals say whether it was open, and the day’s imbalance is told',
  async (bench) => {
    bench.greet();
    for (let i = 0; i < 30; i++) bench.feed(bench.eye.cross('in', bench.nowMs));
    for (let i = 0; i < 28; i++) bench.feed(bench.eye.cross('out', bench.nowMs));
    await bench.seconds(3);
    assert.equal(
      [bench.retained<Store>('occupancy/store')?.people, bench.retained<Store>('occupancy/store')?.open],
      [2, true],
    );
    await bench.seconds(HOUR_S); // 13:00 UTC is 14:00 in Stockholm: closed
    const store = bench.retained<Store>('occupancy/store')!;
    assert.equal([store.people, store.open, store.reset_at], [0, false, '2026-01-05T13:00:00.000Z']);
    const open = bench.payloads<Counted>('interval/door').map((interval) => interval.open);
    assert.equal([open[0], open[59], open.length], [true, true, 60]);
    await bench.seconds(120);
    assert.is(bench.payloads<Counted>('interval/door')[60]?.open, false);
  },
  { config: { time_zone: 'Europe/Stockholm', opening_hours: ['Mo-Fr 09:00-14:00'] } },
);

onBench(
  'a whole day: next day the store begins at nobody, with the ratio and the band of the day before',
  async (bench) => {
    bench.greet();
    for (let i = 0; i < 105; i++) bench.feed(bench.eye.cross('in', bench.nowMs));
    for (let i = 0; i < 100; i++) bench.feed(bench.eye.cross('out', bench.nowMs));
    await bench.seconds(2);
    bench.clock.advance(24 * HOUR_S * 1000 - 3000);
    await bench.seconds(4);
    bench.feed(bench.eye.cross('in', bench.nowMs));
    await bench.seconds(2);
    const store = bench.retained<Store>('occupancy/store')!;
    assert.equal([store.people, store.days, store.imbalance], [1, 1, 0.0244]);
    assert.is(store.people_min, 0);
  },
  { config: { time_zone: 'Europe/Stockholm', opening_hours: ['Mo-Su 09:00-14:00'], interval_s: 3600 } },
);

for (const startMs of [Date.UTC(1970, 0, 1), Date.UTC(2000, 0, 1)]) {
  const year = new Date(startMs).getUTCFullYear();
  onBench(
    `a board that believes it is ${year} counts, publishes no interval, and has lost nobody when its clock is set`,
    async (bench) => {
      // The eye never sends a time before 2020.
      const eyeMs = Date.UTC(2020, 0, 1);
      bench.feed(bench.eye.hello(eyeMs));
      bench.feed(bench.eye.state(eyeMs, EyeState.counting));
      for (let i = 0; i < 5; i++) bench.feed(bench.eye.cross('in', eyeMs));
      for (let i = 0; i < 70; i++) {
        bench.clock.advance(1000);
        bench.feed(bench.eye.record({ kind: RecordKind.totals, timeMs: eyeMs, a: 5, b: 0 }));
        bench.feed(bench.eye.frames(15));
        await Promise.resolve();
      }
      assert.equal(bench.fatal, []);
      assert.is(bench.retained<Total>('total/door')?.in, 5);
      assert.equal(bench.intervals(), []);
      bench.clock.jumpWall(NOON_MS - bench.nowMs);
      bench.feed(bench.eye.cross('in', bench.nowMs));
      await bench.seconds(65);
      assert.equal(
        bench.intervals().map(({ from, in: count, quality }) => [from.slice(0, 16), count, quality]),
        [['2026-01-05T12:00', 6, 'degraded']],
      );
    },
    {},
    startMs,
  );
}

test.run();
