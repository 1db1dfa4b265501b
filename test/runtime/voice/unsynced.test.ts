// Goal: counts of a board whose clock nobody has set yet say so, with what places them later; nobody is lost when the time
// comes and the clock jumps.
// Method: a voice on the bench whose clock is trusted, or not, by hand.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Interval } from '../../../runtime/contract/counts.ts';
import { type Health, VoiceBench } from './bench.ts';

/** What a board remembers of its last shutdown, at a whole minute. */
const SHUTDOWN_MS = Date.UTC(2026, 0, 5, 12);
const HOUR_MS = 3_600_000;

async function started(trust: 'synced' | 'unsynced' | 'unknown', startMs = SHUTDOWN_MS): Promise<VoiceBench> {
  const bench = new VoiceBench({}, startMs);
  bench.clock.trusted = trust;
  await bench.start();
  bench.greet();
  return bench;
}

test('records of a clock that was set, or of which nobody knows, bear no word about it', async () => {
  for (const trust of ['synced', 'unknown'] as const) {
    const bench = await started(trust);
    await bench.seconds(125);
    assert.equal(
      bench.intervals().map((interval) => 'time' in interval || 'uptime_s' in interval),
      [false, false],
    );
    assert.is(bench.retained<Health>('health')?.clock.state, trust);
    await bench.dispose();
  }
});

test('before the time is known every record says unsynced, with the seconds since the start at its end', async () => {
  const bench = await started('unsynced');
  bench.feed(bench.eye.cross('in', bench.eyeMs));
  await bench.seconds(125);
  assert.equal(
    bench.intervals().map(({ in: countIn, time, uptime_s }) => ({ in: countIn, time, uptime_s })),
    [
      { in: 1, time: 'unsynced', uptime_s: 59 },
      { in: 0, time: 'unsynced', uptime_s: 119 },
    ],
  );
  assert.is(bench.intervals()[0]?.quality, 'ok', 'the count itself is as good as any');
  assert.is(bench.retained<Health>('health')?.clock.state, 'unsynced');
  await bench.dispose();
});

test('when the time comes the clock jumps, nobody is lost, and a reader can place what came before', async () => {
  const bench = await started('unsynced');
  bench.feed(bench.eye.cross('in', bench.eyeMs));
  await bench.seconds(90);
  const jumpMs = 7 * HOUR_MS;
  bench.clock.jumpWall(jumpMs);
  bench.clock.trusted = 'synced';
  bench.feed(bench.eye.cross('in', bench.eyeMs));
  await bench.seconds(90);
  const told = bench.intervals();
  assert.is(
    told.reduce((sum, { in: countIn }) => sum + countIn, 0),
    2,
  );
  const { clock, at } = bench.retained<Health & { at: string }>('health')!;
  assert.is(clock.state, 'synced');
  const [first] = told;
  const boots = bench.payloads<Interval>('interval/door').map(({ boot }) => boot);
  assert.equal([...new Set(boots)], [1]);
  // What the contract promises to a reader: health of the same boot says when this boot began.
  const bootMs = Date.parse(at) - clock.uptime_s * 1000;
  const trueEndMs = bootMs + first!.uptime_s! * 1000;
  assert.ok(Math.abs(trueEndMs - (Date.parse(first!.to) + jumpMs)) <= 2000, new Date(trueEndMs).toISOString());
  assert.is(told.at(-1)?.time, undefined);
  await bench.dispose();
});

test('a clock set back to the true time after a battery lied counts nobody twice, and the records say which is which', async () => {
  const bench = await started('unsynced', SHUTDOWN_MS + 30 * 24 * HOUR_MS);
  bench.feed(bench.eye.cross('in', bench.eyeMs));
  await bench.seconds(70);
  bench.clock.jumpWall(-30 * 24 * HOUR_MS);
  bench.clock.trusted = 'synced';
  await bench.seconds(130);
  const told = bench.intervals();
  assert.is(
    told.reduce((sum, { in: countIn }) => sum + countIn, 0),
    1,
  );
  assert.equal(
    told.map(({ time }) => time),
    ['unsynced', 'unsynced', undefined, undefined],
  );
  await bench.dispose();
});

test('a clock of 1970 gives no records; who was counted comes with the first ones of the set clock, which say so', async () => {
  const bench = await started('unsynced', Date.UTC(1970, 0, 1));
  bench.feed(bench.eye.cross('in', bench.eyeMs));
  await bench.seconds(100);
  assert.is(bench.intervals().length, 0);
  bench.clock.jumpWall(SHUTDOWN_MS - bench.nowMs);
  bench.clock.trusted = 'synced';
  await bench.seconds(130);
  const [first, second] = bench.intervals();
  assert.equal([first?.in, first?.time, first?.quality], [1, 'unsynced', 'degraded']);
  assert.equal([second?.in, second?.time, second?.quality], [0, undefined, 'ok']);
  await bench.dispose();
});

test('what waits in the ledger and its receipt keep the word over a crash, and the new start claims no uptime of the old', async () => {
  const bench = await started('unsynced');
  await bench.link.stop();
  await bench.seconds(90);
  await bench.crash();
  bench.clock.trusted = 'unsynced';
  bench.greet();
  await bench.seconds(40);
  const [before, across] = bench.intervals();
  assert.equal([before?.boot, before?.time, before?.uptime_s], [1, 'unsynced', 59]);
  assert.equal([across?.boot, across?.time, across!.uptime_s! < 60], [2, 'unsynced', true]);
  await bench.dispose();
});

test.run();
