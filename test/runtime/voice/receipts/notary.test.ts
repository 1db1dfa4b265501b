/**
 * Goal: each closed interval has one receipt that says what happened to its pictures, and the chain survives whatever
 * happens to eye, voice, disk and key.
 * Method: a voice with manual clock, link and disk in memory, fed with records; what is published is held against literals.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RecordKind } from '../../../../runtime/corridor/record.ts';
import { isReceiptSigned, messageHash, type Receipt, receiptHash } from '../../../../runtime/privacy/receipts.ts';
import { type BenchOptions, FakeEye, type Health, settle, VoiceBench } from '../bench.ts';

const MINUTE_START_MS = Date.UTC(2026, 0, 5, 12);
const MODEL = `${'ab'.repeat(31)}01`;
const OTHER_MODEL = 'cd'.repeat(32);

function onBench(name: string, body: (bench: VoiceBench) => Promise<void>, options: BenchOptions = {}): void {
  test(name, async () => {
    const bench = new VoiceBench(options, MINUTE_START_MS);
    try {
      await body(bench);
    } finally {
      await bench.dispose();
    }
  });
}

function introduce(bench: VoiceBench, model = MODEL): void {
  bench.greet();
  for (const half of bench.eye.model(model)) bench.feed(half);
}

/** Without those that came again after a crash. */
function receiptsOf(bench: VoiceBench): Receipt[] {
  const numbers = new Map(bench.receipts().map((receipt) => [receipt.number, receipt]));
  return [...numbers.values()];
}

/** One chain from its first receipt on: signed, numbered, linked. */
function assertChain(bench: VoiceBench): void {
  let previous: string | null = null;
  for (const [index, receipt] of receiptsOf(bench).entries()) {
    assert.ok(isReceiptSigned(receipt), `receipt ${index + 1} is signed`);
    assert.equal([receipt.number, receipt.previous], [index + 1, previous]);
    previous = receiptHash(receipt);
  }
}

const framesOf = (bench: VoiceBench) =>
  receiptsOf(bench).map(({ frames }) => [frames.read, frames.erased, frames.dropped]);
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

onBench(
  'a minute has one receipt: pictures, the longest of them, model, configuration, what it covers',
  async (bench) => {
    await bench.start();
    introduce(bench);
    await bench.seconds(30);
    bench.feed(bench.eye.longest(310, 1190, bench.nowMs));
    bench.feed(bench.eye.longest(290, 1201, bench.nowMs));
    await bench.seconds(32);
    const [receipt] = bench.receipts();
    assert.is(bench.receipts().length, 1);
    const { epoch_id, config_sha256, covers, public_key, signature, ...rest } = receipt!;
    assert.equal(rest as unknown, {
      v: 1,
      kind: 'receipt',
      site: 'demo',
      device: 'door1',
      number: 1,
      seq: 2,
      boot: 1,
      from: '2026-01-05T12:00:00.000Z',
      to: '2026-01-05T12:01:00.000Z',
      quality: 'ok',
      frames: { read: 885, erased: 885, dropped: 0 },
      longest_us: { pixels: 310, derived: 1201 },
      eye_starts: 1,
      models: [MODEL],
      version: '0.0.0-test',
      previous: null,
    });
    const [interval] = bench.intervals();
    assert.is(epoch_id, interval!.epoch_id);
    assert.equal(covers, [{ seq: 1, topic: 'interval/door', sha256: messageHash(interval!) }]);
    assert.match(config_sha256, /^[0-9a-f]{64}$/);
    assert.is(public_key, bench.key.publicKey);
    assert.is(Buffer.from(signature, 'base64').length, 64);
    assertChain(bench);
  },
);

onBench(
  'a receipt covers every line and zone of its interval, and comes after them',
  async (bench) => {
    await bench.start();
    introduce(bench);
    await bench.seconds(62);
    const kinds = bench.link.published
      .map(({ topic }) => topic.split('/').slice(4).join('/'))
      .filter((topic) => /^(interval|zone|receipt)/.test(topic));
    assert.equal(kinds, ['interval/door', 'zone/hall', 'receipt']);
    const zone = bench.payloads<object>('zone/hall')[0]!;
    assert.equal(bench.receipts()[0]!.covers[1], { seq: 2, topic: 'zone/hall', sha256: messageHash(zone) });
  },
  {
    config: {
      zones: [
        {
          name: 'hall',
          polygon: [
            [0, 0],
            [1, 0],
            [1, 1],
          ],
        },
      ],
    },
  },
);

onBench(
  'a message of a backlog has the hash that its receipt names, though it is historical and the zone has changed',
  async (bench) => {
    await bench.start();
    introduce(bench);
    bench.link.goDown();
    await bench.seconds(200);
    bench.link.goUp();
    await settle();
    await bench.seconds(2);
    const intervals = bench.intervals();
    assert.is(intervals.filter(({ historical }) => historical).length, 2);
    for (const [index, receipt] of bench.receipts().entries())
      assert.is(receipt.covers[0]!.sha256, messageHash({ ...intervals[index]!, tz: 'Europe/Stockholm' }));
  },
);

onBench(
  'the frames of all receipts are those that the eyes told, through a crash of the voice and new eyes',
  async (bench) => {
    await bench.start();
    introduce(bench);
    await bench.seconds(90);
    await bench.crash();
    await bench.seconds(60);
    const first = bench.eye;
    bench.eye = new FakeEye(77);
    introduce(bench, OTHER_MODEL);
    await bench.seconds(2);
    bench.feed(first.frames(15)); // the last record of the eye before, behind the first ones of its successor
    await bench.seconds(92);
    assertChain(bench);
    const inReceipts = sum(framesOf(bench).map(([read]) => read!));
    const inOpen = sum(bench.voice.ledger.state.intervals.open.map(({ frames }) => frames.read));
    assert.is(inReceipts + inOpen, first.framesRead + bench.eye.framesRead);
    assert.equal(
      receiptsOf(bench).map(({ eye_starts, models }) => [eye_starts, models]),
      [
        [1, [MODEL]],
        [0, [MODEL]],
        [1, [MODEL, OTHER_MODEL]],
        [0, [OTHER_MODEL]],
      ],
    );
  },
);

onBench('a picture in work at the end of a minute is erased in the next', async (bench) => {
  await bench.start();
  introduce(bench);
  await bench.seconds(59);
  bench.feed(bench.eye.record({ kind: RecordKind.frames, a: 1000, b: 999 }));
  bench.eye.framesRead = 1000;
  await bench.seconds(63);
  assert.equal(framesOf(bench), [
    [1000, 999, 0],
    [900, 901, 0],
  ]);
});

onBench('frames that go backwards cut the eye off', async (bench) => {
  await bench.start();
  introduce(bench);
  await bench.seconds(3);
  bench.feed(bench.eye.record({ kind: RecordKind.frames, a: 10, b: 10 }));
  await settle();
  assert.is(bench.retained<Health>('health')?.corridor.cut_off, true);
  assert.match(bench.retained<Health>('health')!.eye.reason, 'numbers of frames that go backwards');
});

onBench('an eye that has not said its model leaves the list empty', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.model(MODEL)[1]!); // half of it
  await bench.seconds(62);
  assert.equal(bench.receipts()[0]!.models, []);
  assert.equal(bench.receipts()[0]!.longest_us, { pixels: null, derived: null });
});

onBench(
  'what was acknowledged and not saved comes again after a crash, byte for byte, and the chain goes on',
  async (bench) => {
    await bench.start();
    introduce(bench);
    await bench.seconds(122); // the second minute is saved, sent and acknowledged, and that is not saved yet
    await bench.crash();
    await bench.seconds(65);
    assert.equal(
      bench.receipts().map(({ number }) => number),
      [1, 2, 2, 3],
    );
    const sent = bench.link.published.filter(({ topic }) => topic.endsWith('/receipt'));
    assert.is(new Set(sent.map(({ payload }) => payload)).size, 3, 'one text for each number');
  },
);

onBench('neither interval nor receipt leaves before it is on disk, and nothing is lost', async (bench) => {
  await bench.start();
  introduce(bench);
  await bench.seconds(62);
  bench.disk.fault = 'ENOSPC';
  await bench.seconds(120);
  assert.equal([bench.intervals().length, bench.receipts().length], [1, 1]);
  bench.disk.fault = undefined;
  await bench.seconds(12);
  assert.equal([bench.intervals().length, bench.receipts().length], [3, 3]);
  assertChain(bench);
});

test('without a key intervals are counted, health says why, once; the key is tried again and the chain begins', async () => {
  const bench = new VoiceBench({ keyFault: new Error('no key here') }, MINUTE_START_MS);
  try {
    await bench.start();
    introduce(bench);
    await bench.seconds(125);
    assert.equal([bench.intervals().length, bench.receipts().length], [2, 0]);
    const health = bench.retained<{ receipts: { state: string; reason: string } }>('health');
    assert.equal(health?.receipts, { state: 'no_key', reason: 'no key here' });
    bench.keyFault = undefined;
    await bench.seconds(60);
    assert.equal(
      bench.receipts().map(({ number, seq }) => [number, seq]),
      [[1, 4]],
    );
    assert.equal(bench.retained<{ receipts: object }>('health')?.receipts, { state: 'ok', reason: '' });
  } finally {
    await bench.dispose();
  }
});

test.run();
