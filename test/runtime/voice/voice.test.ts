/**
 * Goal: what the gateway hears is right and whole, whatever happens to eye, broker, disk and clock.
 * Method: a voice with manual clock and link in memory, fed with records; what it publishes is compared with literals.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SchemaDocument } from '../../../runtime/contract/schema-document.ts';
import { ControlWord } from '../../../runtime/corridor/control.ts';
import { EyeReason, EyeState, RecordKind } from '../../../runtime/corridor/record.ts';
import { within } from '../../fakes/within.ts';
import { BASE, type BenchOptions, FakeEye, type Health, settle, type Total, VoiceBench } from './bench.ts';

const MINUTE_START_MS = Date.UTC(2026, 0, 5, 12);
const LEDGER_PATH = '/state/ledger.db';

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

onBench('on connect it publishes status, info, totals and health, retained', async (bench) => {
  await bench.start();
  assert.equal(bench.retained('status'), { v: 1, state: 'online', boot: 1, version: '0.0.0-test' });
  assert.equal(bench.retained<{ lines: unknown }>('info')?.lines, [{ name: 'door', in: 'down' }]);
  const total = bench.retained<Total>('total/door');
  assert.is(total?.in, 0);
  assert.is(total?.out, 0);
  assert.is(bench.retained<Health>('health')?.eye.state, 'unknown');
});

onBench('on connect it describes itself, retained: every topic it uses stands in its schema', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(62);
  const document = bench.retained<SchemaDocument>('schema');
  assert.is(document?.base, BASE);
  assert.equal(document?.lines, ['door']);
  const described = Object.values(document?.topics ?? {}).map(({ topic }) => topic.split('/')[0]);
  for (const { topic } of bench.link.published) assert.ok(described.includes(topic.split('/')[4]!), topic);
});

onBench('the last will is offline with the boot of this life', async (bench) => {
  await bench.start();
  bench.link.goDown();
  assert.equal(bench.retained('status'), { v: 1, state: 'offline', boot: 1, version: '0.0.0-test' });
});

onBench('a minute with people is one interval with counts, totals and coverage', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(10);
  bench.feed(bench.eye.cross('in', bench.nowMs));
  bench.feed(bench.eye.cross('in', bench.nowMs));
  bench.feed(bench.eye.cross('out', bench.nowMs));
  await bench.seconds(52);
  const { epoch_id, ...interval } = bench.intervals()[0]!;
  assert.match(epoch_id, /^[0-9a-f-]{36}$/);
  assert.equal(interval as unknown, {
    v: 1,
    seq: 1,
    boot: 1,
    from: '2026-01-05T12:00:00.000Z',
    to: '2026-01-05T12:01:00.000Z',
    tz: 'UTC',
    open: true,
    in: 2,
    out: 1,
    net_in: 0, // nobody has left the view
    net_out: 0,
    total_in: 2,
    total_out: 1,
    chains: 1,
    groups_hour: 1.1,
    samples: 885, // the 15 frames of the last second are told after it, in the next minute
    expected: 900,
    quality: 'ok',
    historical: false,
  });
});

onBench('minutes without people are sent as well, in order and without a gap', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(200);
  assert.equal(
    bench
      .intervals()
      .map(({ seq, from, in: countIn, out, quality }) => [seq, from.slice(14, 16), countIn, out, quality]),
    [
      [1, '00', 0, 0, 'ok'], // 2 is its receipt
      [3, '01', 0, 0, 'ok'],
      [5, '02', 0, 0, 'ok'],
    ],
  );
});

onBench('a crossing belongs to the interval of its own time, also when it is read after the end', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(60);
  bench.feed(bench.eye.cross('in', bench.nowMs - 10));
  bench.feed(bench.eye.cross('out', bench.nowMs + 10));
  await bench.seconds(65);
  assert.equal(
    bench.intervals().map((interval) => [interval.in, interval.out, interval.total_in, interval.total_out]),
    [
      [1, 0, 1, 0],
      [0, 1, 1, 1],
    ],
  );
});

onBench('people that only the totals tell go to the current interval, which is marked', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(10);
  bench.eye.cross('in', bench.nowMs); // these two records are lost
  bench.eye.cross('out', bench.nowMs);
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(52);
  const interval = bench.intervals()[0]!;
  assert.equal([interval.in, interval.out, interval.quality], [2, 1, 'degraded']);
});

onBench('a record read by two voices in turn counts once', async (bench) => {
  await bench.start();
  bench.greet();
  const crossing = bench.eye.cross('in', bench.nowMs);
  bench.feed(crossing);
  await bench.seconds(2);
  await bench.crash();
  bench.feed(crossing);
  await bench.seconds(62);
  assert.is(bench.intervals()[0]!.in, 1);
  assert.is(bench.retained<Total>('total/door')?.in, 1);
});

onBench('a restart of the eye adds, it never resets', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(3);
  bench.eye = new FakeEye(77);
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(3);
  assert.is(bench.retained<Total>('total/door')?.in, 2);
});

onBench(
  'a crash of the voice loses nothing and doubles nothing: the eye goes on, totals and epoch stay',
  async (bench) => {
    await bench.start();
    bench.greet();
    bench.feed(bench.eye.cross('in', bench.nowMs));
    await bench.seconds(3);
    bench.feed(bench.eye.cross('in', bench.nowMs)); // read, but not saved
    const before = bench.retained<Total>('total/door');
    await bench.crash();
    await bench.seconds(3);
    const after = bench.retained<Total>('total/door');
    assert.is(after?.in, 2);
    assert.is(after?.epoch_id, before?.epoch_id);
    assert.is(bench.retained<{ boot: number }>('status')?.boot, 2);
    await bench.seconds(60);
    assert.is(
      bench.intervals().reduce((sum, interval) => sum + interval.in, 0),
      2,
    );
  },
);

onBench('eye and voice restarted within the same second: what was not saved yet is not lost', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  bench.eye = new FakeEye(2);
  bench.greet();
  await bench.crash();
  await bench.seconds(2);
  assert.is(bench.retained<Total>('total/door')?.in, 1);
});

onBench(
  'a total that the broker had is on disk: a crash right after a reconnect does not make it fall',
  async (bench) => {
    await bench.start();
    bench.greet();
    bench.feed(bench.eye.cross('in', bench.nowMs));
    bench.link.goDown();
    bench.link.goUp();
    await settle();
    await bench.crash();
    assert.equal(
      bench.payloads<Total>('total/door').map((total) => total.in),
      [0, 1, 1],
    );
  },
);

onBench('a voice that is started again goes on inside the same minute', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(30);
  await bench.crash();
  await bench.seconds(32);
  assert.equal(
    bench.intervals().map((interval) => [interval.seq, interval.in, interval.quality]),
    [[1, 1, 'ok']],
  );
});

onBench(
  'crossings that waited in the pipe go to their own minutes, quiet minutes between them are sent',
  async (bench) => {
    await bench.start();
    bench.greet();
    await bench.seconds(62);
    await bench.voice.stop();
    bench.clock.advance(4 * 60_000);
    await bench.crash();
    bench.feed(bench.eye.cross('in', MINUTE_START_MS + 2.5 * 60_000));
    await bench.seconds(5);
    assert.equal(
      bench.intervals().map((interval) => [interval.from.slice(14, 16), interval.in, interval.historical]),
      [
        ['00', 0, false],
        ['01', 0, true],
        ['02', 1, true],
        ['03', 0, true],
        ['04', 0, false],
      ],
    );
  },
);

onBench('without a broker intervals wait and then come in order, the old ones as historical', async (bench) => {
  await bench.start();
  bench.greet();
  bench.link.goDown();
  await bench.seconds(310);
  assert.is(bench.intervals().length, 0);
  assert.is(bench.voice.ledger.pendingCount, 10, 'five minutes and their receipts');
  bench.link.goUp();
  await settle();
  await bench.seconds(1);
  assert.equal(
    bench.intervals().map((interval) => [interval.seq, interval.historical]),
    [
      [1, true],
      [3, true],
      [5, true],
      [7, true],
      [9, false],
    ],
  );
  assert.is(bench.voice.ledger.pendingCount, 0);
});

onBench('an interval leaves the ledger only when the broker has acknowledged it', async (bench) => {
  await bench.start();
  bench.greet();
  bench.link.holdAcknowledgements = true;
  await bench.seconds(125);
  assert.is(bench.intervals().length, 1, 'one in flight, the next waits for it');
  assert.is(bench.voice.ledger.pendingCount, 4);
  bench.link.goDown();
  bench.link.holdAcknowledgements = false;
  bench.link.goUp();
  await settle();
  await bench.seconds(1);
  assert.equal(
    bench.intervals().map((interval) => interval.seq),
    [1, 1, 3],
    'what was not acknowledged is sent again under its number',
  );
  assert.is(bench.voice.ledger.pendingCount, 0);
});

onBench('a refused interval is tried again and stays first', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(60);
  bench.link.failNext('The broker says no.');
  bench.link.failNext('The broker says no.');
  await bench.seconds(64);
  assert.equal(
    bench.intervals().map((interval) => interval.seq),
    [1, 3],
  );
});

onBench(
  'a long backlog is sent at a bounded rate',
  async (bench) => {
    await bench.start();
    bench.greet();
    bench.link.goDown();
    await bench.seconds(5 * 251);
    bench.link.goUp();
    await settle();
    for (let i = 0; i < 100; i++) await settle();
    assert.is(bench.intervals().length + bench.receipts().length, 100);
    bench.clock.advance(1000);
    for (let i = 0; i < 100; i++) await settle();
    assert.is(bench.intervals().length + bench.receipts().length, 200);
  },
  { config: { interval_s: 5 } },
);

onBench(
  'several lines: own topics, one sequence',
  async (bench) => {
    await bench.start();
    bench.greet();
    bench.feed(bench.eye.cross('out', bench.nowMs, 1));
    await bench.seconds(62);
    assert.equal(
      [...bench.intervals('north'), ...bench.intervals('south')].map(({ seq, in: countIn, out }) => [
        seq,
        countIn,
        out,
      ]),
      [
        [1, 0, 0],
        [2, 0, 1],
      ],
    );
  },
  {
    config: {
      lines: [
        { name: 'north', from: [0.1, 0.3], to: [0.9, 0.3], in: 'down' },
        { name: 'south', from: [0.1, 0.7], to: [0.9, 0.7], in: 'down' },
      ],
    },
  },
);

onBench('an eye that falls silent for five seconds is told, and the interval is degraded', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(20);
  await bench.seconds(4, false);
  assert.is(bench.retained<Health>('health')?.eye.state, 'counting');
  await bench.seconds(1, false);
  assert.is(bench.retained<Health>('health')?.eye.state, 'silent');
  await bench.seconds(40);
  assert.is(bench.retained<Health>('health')?.eye.state, 'counting');
  assert.is(bench.intervals()[0]!.quality, 'degraded');
});

onBench('the privacy button: health says paused and why, the interval as well', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(20);
  bench.feed(bench.eye.state(bench.nowMs, EyeState.paused, EyeReason.button));
  await settle();
  assert.equal(bench.retained<Health>('health')?.eye, { state: 'paused', reason: 'button' });
  await bench.seconds(5);
  bench.feed(bench.eye.state(bench.nowMs, EyeState.counting));
  await bench.seconds(100);
  assert.equal(
    bench.intervals().map((interval) => interval.quality),
    ['paused', 'ok'],
  );
});

onBench('a lost camera is told in health and in every interval that it touches', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(50);
  bench.feed(bench.eye.state(bench.nowMs, EyeState.cameraLost, EyeReason.disconnected));
  await bench.seconds(20);
  assert.equal(bench.retained<Health>('health')?.eye, { state: 'camera_lost', reason: 'disconnected' });
  bench.feed(bench.eye.state(bench.nowMs, EyeState.counting));
  await bench.seconds(112);
  assert.equal(
    bench.intervals().map((interval) => interval.quality),
    ['camera_lost', 'camera_lost', 'ok'],
  );
});

onBench('totals that go backwards within a boot cut the eye off', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  bench.feed(bench.eye.record({ kind: RecordKind.totals, timeMs: bench.nowMs, a: 0, b: 0 }));
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await settle();
  assert.is(bench.fatal.length, 1);
  assert.match(bench.fatal[0]!, 'backwards');
  assert.is(bench.retained<Health>('health')?.eye.state, 'eye_cut_off');
  assert.is(bench.voice.ledger.state.lines['door']?.in, 1, 'nothing is read afterwards');
  assert.is(bench.retained<{ state: string }>('status')?.state, 'online', 'the last will is left to speak');
});

onBench('a malformed record cuts the eye off, and what was counted is kept', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  bench.feed(new Uint8Array(32).fill(7));
  await settle();
  assert.is(bench.fatal.length, 1);
  assert.is(bench.retained<Health>('health')?.corridor.cut_off, true);
  await bench.crash();
  assert.is(bench.retained<Total>('total/door')?.in, 1);
});

onBench('a line that the configuration does not have cuts the eye off', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.record({ kind: RecordKind.totals, index: 3, timeMs: bench.nowMs }));
  await settle();
  assert.match(bench.fatal[0] ?? '', 'line 4');
});

onBench('an eye with another number of lines is cut off at its first word', async (bench) => {
  await bench.start();
  bench.eye = new FakeEye(5, 2);
  bench.feed(bench.eye.hello(bench.nowMs));
  await settle();
  assert.match(bench.fatal[0] ?? '', '2 lines');
});

onBench('the eye hears whether the link is up, also after its own restart', async (bench) => {
  await bench.start();
  bench.link.goDown();
  bench.link.goUp();
  bench.greet();
  assert.equal(bench.words, [ControlWord.linkUp, ControlWord.linkDown, ControlWord.linkUp, ControlWord.linkUp]);
});

onBench('stop publishes stopped and keeps the running minute for the next start', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.voice.stop();
  assert.is(bench.retained<{ state: string }>('status')?.state, 'stopped');
  assert.is(bench.retained<Total>('total/door')?.in, 1);
  await bench.crash();
  await bench.seconds(62);
  assert.is(bench.intervals()[0]!.in, 1);
});

onBench('a second stop waits for the first', async (bench) => {
  await bench.start();
  bench.link.holdAcknowledgements = true;
  const first = bench.voice.stop();
  let isSecondOver = false;
  const second = bench.voice.stop().then(() => {
    isSecondOver = true;
  });
  await settle();
  assert.is(isSecondOver, false);
  bench.link.acknowledge();
  await within(1000, 'both stops', Promise.all([first, second]));
});

onBench('stop ends although the broker never answers', async (bench) => {
  await bench.start();
  bench.link.holdAcknowledgements = true;
  const startedMs = Date.now();
  await bench.voice.stop();
  assert.ok(Date.now() - startedMs < 1500);
});

onBench('simulation goes out when a simulated camera tells the truth', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.record({ kind: RecordKind.truth, timeMs: bench.nowMs, a: 4, b: 2 }));
  await settle();
  assert.equal(bench.payloads('simulation/door'), [
    { v: 1, simulated: true, at: '2026-01-05T12:00:00.000Z', true_in: 4, true_out: 2 },
  ]);
});

onBench('a wall clock that is set back closes what is open and goes on, totals never fall', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(90);
  bench.clock.jumpWall(-3_600_000);
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(62);
  assert.equal(
    bench.intervals().map((interval) => [interval.from.slice(11, 16), interval.total_in, interval.quality]),
    [
      ['12:00', 1, 'ok'],
      ['12:01', 2, 'degraded'],
      ['11:01', 2, 'degraded'],
    ],
  );
});

onBench('a wall clock that is set forward by days does not make a flood of quiet minutes', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(10);
  bench.clock.jumpWall(3 * 24 * 3_600_000);
  await bench.seconds(62);
  assert.equal(
    bench.intervals().map((interval) => interval.from.slice(5, 16)),
    ['01-05T12:00', '01-08T12:00'],
  );
});

onBench('no payload and no topic holds anything but what the lists above name', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(62);
  for (const { topic, payload } of bench.link.published) {
    assert.ok(topic.startsWith(`${BASE}/`), topic);
    if (topic === `${BASE}/schema`) continue; // the same text for every device, in sentences about pictures too
    assert.not.match(payload, /track|picture|image|base64/);
    assert.ok(payload.length < 1000, `${topic} has ${payload.length} characters`);
    assert.match(payload, /^\{"v":1,/);
  }
});

onBench(
  'a card that is full is told, counting goes on, nothing is told that it does not hold, and all of it when it is free again',
  async (bench) => {
    await bench.start();
    bench.greet();
    bench.feed(bench.eye.cross('in', bench.nowMs));
    await bench.seconds(3);
    bench.disk.fault = 'ENOSPC';
    bench.feed(bench.eye.cross('in', bench.nowMs));
    await bench.seconds(70);
    const { ledger } = bench.retained<Health>('health')!;
    assert.is(ledger.state, 'unwritable');
    assert.match(ledger.reason, 'ENOSPC');
    assert.is(bench.retained<Total>('total/door')?.in, 1);
    assert.equal([bench.intervals().length, ledger.pending], [0, 2]);
    bench.disk.fault = undefined;
    await bench.seconds(60);
    assert.is(bench.retained<Health>('health')?.ledger.state, 'ok');
    assert.is(bench.retained<Total>('total/door')?.in, 2);
    assert.equal(
      bench.intervals().map((interval) => interval.in),
      [2, 0],
    );
    await bench.crash();
    assert.is(bench.retained<Total>('total/door')?.in, 2);
  },
);

onBench('after ten minutes without a disk the voice goes on under a new epoch, with its totals', async (bench) => {
  await bench.start();
  bench.greet();
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(62);
  const { epoch_id: epochId } = bench.retained<Total>('total/door')!;
  bench.disk.fault = 'EIO';
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(595);
  assert.is(bench.intervals().length, 1, 'all that waits is on no disk');
  await bench.seconds(40);
  const total = bench.retained<Total>('total/door')!;
  assert.is.not(total.epoch_id, epochId);
  assert.is(total.in, 2);
  assert.is(bench.retained<{ epoch_id: string }>('info')!.epoch_id, total.epoch_id);
  const later = bench.intervals().slice(1);
  assert.equal([...new Set(later.map((interval) => interval.epoch_id))], [total.epoch_id]);
  assert.equal(
    later.map((interval) => [interval.seq, interval.in]),
    Array.from({ length: 10 }, (_, index) => [3 + 2 * index, index === 0 ? 1 : 0]),
    'numbers go on, and nothing is left out',
  );
  bench.disk.fault = undefined;
  await bench.seconds(60);
  await bench.crash();
  assert.equal(bench.retained<Total>('total/door'), { ...total, at: new Date(bench.nowMs).toISOString() });
});

onBench('what the broker has had can be sent again, marked historical, behind what waits', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(182);
  const sent = bench.link.published.filter(({ topic }) => /interval|receipt/.test(topic));
  const { epochId } = bench.voice.ledger.state;
  assert.is(bench.voice.resend(epochId, 3, 4), 'queued');
  await settle();
  await settle();
  const again = bench.link.published.filter(({ topic }) => /interval|receipt/.test(topic)).slice(sent.length);
  const asHistorical = (payload: string) => payload.replace('"historical":false', '"historical":true');
  assert.equal(
    again.map(({ payload }) => payload),
    sent.slice(2, 4).map(({ payload }) => asHistorical(payload)),
  );
  assert.is(bench.voice.resend(epochId, 7, 900), 'none');
  assert.is(bench.voice.resend('00000000-0000-4000-8000-000000000000', 1, 4), 'none');
});

onBench('a state that was lost while the eye ran on does not count its people again', async (bench) => {
  await bench.start();
  bench.greet();
  for (let i = 0; i < 5; i++) bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(62);
  const epoch = bench.retained<Total>('total/door')?.epoch_id;
  for (const tail of ['', '-wal']) bench.disk.put(LEDGER_PATH + tail, Buffer.from('rubbish'.repeat(1000)));
  await bench.crash();
  await bench.seconds(2);
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(62);
  const total = bench.retained<Total>('total/door')!;
  assert.is.not(total.epoch_id, epoch);
  assert.is(total.in, 1);
  assert.is(bench.retained<Health>('health')?.eye.state, 'counting', 'frames come, although nobody said counting');
  assert.ok(bench.disk.paths.some((path) => path.includes('.damaged-')));
});

onBench('a quiet hour writes the disk once a minute, not every second', async (bench) => {
  await bench.start();
  bench.greet();
  await bench.seconds(2);
  const before = bench.disk.syncCount;
  await bench.seconds(600);
  assert.ok(bench.disk.syncCount - before <= 10, `${bench.disk.syncCount - before} syncs in ten minutes`);
});

test.run();
