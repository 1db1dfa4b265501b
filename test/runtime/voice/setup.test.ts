/**
 * Goal: positions are published while somebody asked for them, by minutes that end, and taken from the eye at no other time.
 * Method: a voice on the bench, an eye made of records; the end by time, by word, by restart; hostile parts.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ControlWord } from '../../../runtime/corridor/control.ts';
import { RecordKind } from '../../../runtime/corridor/record.ts';
import { memoryKey } from '../../fakes/key.ts';
import { BASE, settle, VoiceBench } from './bench.ts';
import { signedJson } from './commands/requests.ts';

const START_MS = Date.UTC(2026, 5, 1, 12);
const KEY = memoryKey();
type Dots = { readonly at: string; readonly until: string; readonly dots: [number, number][] };

function onBench(name: string, body: (bench: VoiceBench) => Promise<void>): void {
  test(name, async () => {
    const bench = new VoiceBench({ config: { commands: { public_keys: [KEY.publicKey] } } }, START_MS);
    try {
      await bench.start();
      bench.greet();
      await body(bench);
    } finally {
      await bench.dispose();
    }
  });
}

async function setup(bench: VoiceBench, minutes: number): Promise<void> {
  const json = signedJson({ name: 'setup', key: KEY, nowMs: bench.nowMs, fields: { minutes } });
  bench.link.say(`${BASE}/cmd/setup`, JSON.stringify(json), false);
  await settle();
}

/** dots: x · 256 + y, rising; told in as many parts as they need. */
function tell(bench: VoiceBench, dots: readonly number[], changes: { readonly parts?: number } = {}): void {
  const parts = changes.parts ?? Math.max(1, Math.ceil(dots.length / 8));
  for (let index = 0; index < parts; index++) {
    const of = (i: number) => dots[8 * index + i] ?? 0;
    const pair = (i: number) => (of(i) | (of(i + 1) << 16)) >>> 0;
    bench.feed(
      bench.eye.record({
        kind: RecordKind.dots,
        index,
        code: dots.length,
        a: pair(0),
        b: pair(2),
        c: pair(4),
        d: pair(6),
      }),
    );
  }
}
const told = (bench: VoiceBench) => bench.payloads<Dots>('setup');
const until = (bench: VoiceBench) => bench.retained<{ setup: { until: string | null } }>('health')?.setup.until;

onBench(
  'a moment is published as positions in the picture, not retained, and health says until when',
  async (bench) => {
    await setup(bench, 10);
    assert.is(bench.words.at(-1), ControlWord.setupOn);
    tell(bench, [64 * 256 + 128, 200 * 256 + 7]);
    assert.equal(told(bench) as unknown, [
      {
        v: 1,
        at: '2026-06-01T12:00:00.000Z',
        until: '2026-06-01T12:10:00.000Z',
        dots: [
          [0.252, 0.502],
          [0.7832, 0.0293],
        ],
      },
    ]);
    const { retain, qos } = bench.link.published.find(({ topic }) => topic === `${BASE}/setup`)!;
    assert.equal([retain, qos], [false, 0]);
    assert.is(until(bench), '2026-06-01T12:10:00.000Z');
  },
);

onBench('thirty people come in four parts and are one message; an empty view is one too', async (bench) => {
  await setup(bench, 1);
  tell(
    bench,
    Array.from({ length: 30 }, (_, i) => 1000 * i + 1),
  );
  await settle();
  tell(bench, []);
  assert.equal(
    told(bench).map(({ dots }) => dots.length),
    [30, 0],
  );
});

onBench('at most four messages a second leave', async (bench) => {
  await setup(bench, 1);
  for (let i = 0; i < 40; i++) tell(bench, [i]);
  await settle();
  const atOnce = told(bench).length;
  assert.ok(atOnce <= 2, `${atOnce}`);
  for (let i = 0; i < 40; i++) {
    bench.clock.advance(100);
    tell(bench, [i]);
    await settle();
  }
  const inFourSeconds = told(bench).length - atOnce;
  assert.ok(inFourSeconds >= 14 && inFourSeconds <= 16, `${inFourSeconds}`);
});

onBench('the eye is asked again each half minute, and told when the minutes are over', async (bench) => {
  await setup(bench, 2);
  await bench.seconds(119);
  const asked = bench.words.filter((word) => word === ControlWord.setupOn).length;
  assert.is(asked, 4);
  await bench.seconds(1);
  assert.is(bench.words.at(-1), ControlWord.setupOff);
  assert.is(until(bench), null);
});

onBench(
  'minutes 0 ends it; what was under way is dropped without harm, and later positions are a breach',
  async (bench) => {
    await setup(bench, 10);
    await setup(bench, 0);
    assert.is(bench.words.at(-1), ControlWord.setupOff);
    tell(bench, [5]);
    await bench.seconds(129);
    tell(bench, [5]);
    assert.equal([told(bench).length, bench.fatal], [0, []]);
    await bench.seconds(1);
    tell(bench, [5]);
    await settle();
    assert.match(
      bench.retained<{ eye: { reason: string } }>('health')?.eye.reason ?? '',
      'nobody asked for set-up mode',
    );
  },
);

onBench('asked anew it begins anew, for the eye as well', async (bench) => {
  await setup(bench, 60);
  await bench.seconds(10);
  await setup(bench, 60);
  assert.equal(bench.words.slice(-2), [ControlWord.setupOff, ControlWord.setupOn]);
  assert.is(until(bench), '2026-06-01T13:00:10.000Z');
});

onBench('positions that nobody asked for cut the eye off', async (bench) => {
  tell(bench, [5]);
  await settle();
  assert.match(bench.retained<{ eye: { reason: string } }>('health')?.eye.reason ?? '', 'nobody asked for set-up mode');
});

onBench('positions that do not rise from part to part cut the eye off', async (bench) => {
  await setup(bench, 1);
  tell(bench, [9, 10, 11, 12, 13, 14, 15, 16, 4]);
  await settle();
  assert.match(bench.retained<{ eye: { reason: string } }>('health')?.eye.reason ?? '', 'positions that do not rise');
});

onBench('a moment of which a part is missing is left out', async (bench) => {
  await setup(bench, 1);
  tell(bench, [1, 2, 3, 4, 5, 6, 7, 8, 9], { parts: 1 });
  tell(bench, [40]);
  assert.equal(
    told(bench).map(({ dots }) => dots.length),
    [1],
  );
});

onBench(
  'a voice that is started again ends it, and does not cut off an eye that has not heard of it',
  async (bench) => {
    await setup(bench, 10);
    await bench.crash();
    assert.ok(bench.words.slice(-3).includes(ControlWord.setupOff));
    tell(bench, [5]);
    await bench.seconds(5);
    tell(bench, [5]);
    assert.equal([told(bench).length, bench.fatal, until(bench)], [0, [], null]);
  },
);

onBench('an eye that is started again is asked again', async (bench) => {
  await setup(bench, 10);
  bench.words.length = 0;
  bench.feed(bench.eye.hello(bench.nowMs));
  assert.is(bench.words.at(-1), ControlWord.setupOn);
});

onBench('a link that is down loses positions, and keeps none for later', async (bench) => {
  await setup(bench, 10);
  bench.link.cut();
  tell(bench, [5]);
  bench.link.goUp();
  await bench.seconds(3);
  assert.is(told(bench).length, 0);
});

test.run();
