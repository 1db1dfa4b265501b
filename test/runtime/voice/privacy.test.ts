// Goal: whoever reads `privacy`, `health` or the log knows how long pictures lived and which model looked at them; what
// cannot be is not believed, and what is not known is null.
// Method: a voice with manual clock and link in memory, fed with records; what it publishes is compared with literals.
import fc from 'fast-check';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyRecord, RecordKind, ResidencySpan } from '../../../runtime/corridor/record.ts';
import { PrivacyWatch } from '../../../runtime/voice/privacy-watch.ts';
import { type BenchOptions, FakeEye, type Health, settle, VoiceBench } from './bench.ts';

const START_MS = Date.UTC(2026, 0, 5, 12);
const SHA256 = '00000001fffffffe0123456789abcdeffedcba98765432100000000000000abc';
type Told = { p50: number; p99: number; max: number; n: number } | null;
type Privacy = {
  frames: { read: number; erased: number; dropped: number };
  reported_at: string | null;
  residency_us: Record<'minute' | 'since_boot', { pixels: Told; derived: Told }>;
  over_limit: number | null;
  model_sha256: string | null;
};

function onBench(name: string, body: (bench: VoiceBench) => Promise<void>, options: BenchOptions = {}): void {
  test(name, async () => {
    const bench = new VoiceBench(options, START_MS);
    try {
      await bench.start();
      await body(bench);
    } finally {
      await bench.dispose();
    }
  });
}

/** What a healthy eye tells each minute. */
function tellMinute(bench: VoiceBench): void {
  const { eye } = bench;
  bench.feed(eye.residency(ResidencySpan.pixelsMinute, 240, 700, 1200, 902));
  bench.feed(eye.residency(ResidencySpan.derivedMinute, 900, 1700, 2500, 900));
  bench.feed(eye.residency(ResidencySpan.pixelsBoot, 250, 800, 45_000, 90_200));
  bench.feed(eye.residency(ResidencySpan.derivedBoot, 910, 1800, 9000, 90_000));
}

onBench(
  'privacy goes out each minute with both residencies of the minute and since boot, limit and model',
  async (bench) => {
    bench.greet();
    for (const half of bench.eye.model(SHA256)) bench.feed(half);
    await bench.seconds(50);
    tellMinute(bench);
    bench.feed(bench.eye.overlong(START_MS + 41_500, 45_000, 3));
    await bench.seconds(10);
    assert.equal(bench.payloads('privacy'), [
      {
        v: 1,
        at: '2026-01-05T12:01:00.000Z',
        frames: { read: 885, erased: 885, dropped: 0 },
        reported_at: '2026-01-05T12:00:50.000Z',
        residency_us: {
          minute: {
            pixels: { p50: 240, p99: 700, max: 1200, n: 902 },
            derived: { p50: 900, p99: 1700, max: 2500, n: 900 },
          },
          since_boot: {
            pixels: { p50: 250, p99: 800, max: 45_000, n: 90_200 },
            derived: { p50: 910, p99: 1800, max: 9000, n: 90_000 },
          },
        },
        limit_ms: 10,
        over_limit: 3,
        last_at: '2026-01-05T12:00:41.500Z',
        last_us: 45_000,
        model_sha256: SHA256,
      },
    ]);
  },
);

onBench('what the eye has not told yet is null, not zero', async (bench) => {
  bench.feed(bench.eye.model(SHA256)[0]!);
  await bench.seconds(60);
  const [privacy] = bench.payloads<Privacy>('privacy');
  const nothing = { pixels: null, derived: null };
  assert.equal(privacy?.residency_us, { minute: nothing, since_boot: nothing });
  assert.equal([privacy?.reported_at, privacy?.over_limit, privacy?.model_sha256], [null, null, null]);
  assert.is(bench.retained<Health>('health')?.privacy.over_limit, null);
});

onBench('another boot of the eye: nothing of the one before is told of it', async (bench) => {
  bench.greet();
  tellMinute(bench);
  bench.feed(bench.eye.overlong(bench.nowMs, 11_000, 7));
  for (const half of bench.eye.model(SHA256)) bench.feed(half);
  bench.eye = new FakeEye(2);
  bench.greet();
  await bench.seconds(60);
  const privacy = bench.payloads<Privacy>('privacy').at(-1)!;
  assert.equal([privacy.residency_us.since_boot.pixels, privacy.model_sha256, privacy.over_limit], [null, null, 0]);
  assert.is(privacy.frames.read, 885);
});

onBench('frames over the limit raise health once for each change of their number', async (bench) => {
  bench.greet();
  await bench.seconds(5);
  const told = (): unknown[] => bench.payloads<Health>('health').map(({ privacy }) => privacy);
  const none = { limit_ms: 10, over_limit: 0, last_at: null, last_us: null };
  assert.equal(told().at(-1), none);
  const before = told().length;
  bench.feed(bench.eye.overlong(START_MS + 4700, 31_000, 2));
  await bench.seconds(3);
  bench.feed(bench.eye.overlong(START_MS + 4700, 31_000, 2)); // the minute's repetition
  await bench.seconds(3);
  bench.feed(bench.eye.overlong(START_MS + 10_200, 12_500, 3));
  await bench.seconds(3);
  assert.equal(told().slice(before), [
    { limit_ms: 10, over_limit: 2, last_at: '2026-01-05T12:00:04.700Z', last_us: 31_000 },
    { limit_ms: 10, over_limit: 3, last_at: '2026-01-05T12:00:10.200Z', last_us: 12_500 },
  ]);
});

onBench('a voice that was restarted learns everything again from the next minute of the eye', async (bench) => {
  bench.greet();
  await bench.crash();
  await bench.seconds(2);
  assert.is(bench.retained<Health>('health')?.privacy.over_limit, null);
  tellMinute(bench);
  bench.feed(bench.eye.overlong(START_MS - 3_600_000, 11_000, 1));
  for (const half of bench.eye.model(SHA256)) bench.feed(half);
  await bench.seconds(60);
  const privacy = bench.payloads<Privacy>('privacy').at(-1)!;
  assert.equal([privacy.model_sha256, privacy.over_limit, privacy.residency_us.minute.derived?.p99], [SHA256, 1, 1700]);
  assert.equal(bench.retained<Health>('health')?.privacy, {
    limit_ms: 10,
    over_limit: 1,
    last_at: '2026-01-05T11:00:00.000Z',
    last_us: 11_000,
  });
});

onBench(
  'the limit told is the configured one',
  async (bench) => {
    bench.greet();
    await bench.seconds(60);
    assert.is(bench.retained<Health>('health')?.privacy.limit_ms, 2.5);
    assert.is(bench.payloads<{ limit_ms: number }>('privacy')[0]?.limit_ms, 2.5);
  },
  { config: { privacy: { residency_ms_max: 2.5 } } },
);

const lines: Record<string, unknown>[] = [];
onBench(
  "the log's line of the minute shows p50, p99 and max of both residencies",
  async (bench) => {
    bench.greet();
    tellMinute(bench);
    await bench.seconds(60);
    assert.equal(
      lines.filter(({ msg }) => msg === 'minute').map((line) => [line['frames'], line['residency_us']]),
      [
        [
          885,
          {
            pixels: { p50: 240, p99: 700, max: 1200, n: 902 },
            derived: { p50: 900, p99: 1700, max: 2500, n: 900 },
          },
        ],
      ],
    );
  },
  { log: pino({ base: null }, { write: (line) => lines.push(JSON.parse(line)) }) },
);

/** Each is refused after `tellMinute`, an overlong count of 2 and a model. */
const NONSENSE: Record<string, (eye: FakeEye) => Uint8Array> = {
  'p50 1701, p99 1700': (eye) => eye.residency(ResidencySpan.derivedMinute, 1701, 1700, 2500, 900),
  'p99 2501 and max 2500': (eye) => eye.residency(ResidencySpan.derivedMinute, 900, 2501, 2500, 900),
  'expected 0 µs of no frames': (eye) => eye.residency(ResidencySpan.pixelsMinute, 0, 0, 5, 0),
  'over 90199 frames, after': (eye) => eye.residency(ResidencySpan.pixelsBoot, 250, 800, 45_000, 90_199),
  'max 8999 µs over 90001 frames, after': (eye) => eye.residency(ResidencySpan.derivedBoot, 910, 1800, 8999, 90_001),
  '1 frames over the limit since its boot, after 2': (eye) => eye.overlong(START_MS, 11_000, 1),
  'the longest of 0 µs': (eye) => eye.overlong(START_MS, 0, 4),
  'another model': (eye) => eye.model(SHA256.replace(/abc$/, 'abd'))[1]!,
};

for (const [what, record] of Object.entries(NONSENSE)) {
  onBench(`an eye is cut off that sends what cannot be: ${what}`, async (bench) => {
    bench.greet();
    tellMinute(bench);
    bench.feed(bench.eye.overlong(START_MS, 11_000, 2));
    for (const half of bench.eye.model(SHA256)) bench.feed(half);
    assert.equal(bench.fatal, []);
    bench.feed(record(bench.eye));
    await settle();
    assert.is(bench.fatal.length, 1);
    assert.match(bench.fatal[0]!, what);
    const health = bench.retained<Health>('health')!;
    assert.equal([health.eye.state, health.corridor.cut_off], ['eye_cut_off', true]);
  });
}

onBench('a minute may be better than the one before, and empty when the camera is paused', async (bench) => {
  bench.greet();
  tellMinute(bench);
  bench.feed(bench.eye.residency(ResidencySpan.pixelsMinute, 200, 300, 400, 5));
  bench.feed(bench.eye.residency(ResidencySpan.pixelsMinute, 0, 0, 0, 0));
  tellMinute(bench); // since boot: the same again
  await settle();
  assert.equal(bench.fatal, []);
});

test('whatever four numbers come: told as they are when they are in order, refused otherwise', () => {
  const us = fc.oneof(fc.nat(3), fc.integer({ min: 0, max: 0xffffffff }));
  fc.assert(
    fc.property(us, us, us, us, (a, b, c, d) => {
      const watch = new PrivacyWatch(10);
      const record = { ...emptyRecord(), kind: RecordKind.residency, boot: 1, a, b, c, d };
      watch.take({ ...emptyRecord(), kind: RecordKind.frames, boot: 1 }, START_MS);
      const fault = watch.take(record, START_MS);
      const isGood = a <= b && b <= c && (d > 0 || c === 0);
      assert.is(fault === undefined, isGood, fault);
      assert.equal(watch.facts(START_MS)?.minute.pixels, isGood ? { p50: a, p99: b, max: c, n: d } : null);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 500) },
  );
});

test.run();
