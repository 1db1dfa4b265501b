// Goal: devices in, doors and store out: every record once, totals that never fall, intervals that say who was missing.
// Method: the gateway with a real database, a link in memory, a clock moved by hand; then any order, doubles and deaths by fast-check.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { databaseOn } from '../../fakes/database.ts';
import { SimulatedDisk } from '../../fakes/disk.ts';
import { EPOCH_A, EPOCH_B, GatewayBench, intervalOf } from './bench.ts';

const TWO_DOORS = {
  devices: ['left', 'right', 'garage'],
  doors: [
    {
      name: 'entrance',
      of: [
        { device: 'left', line: 'door' },
        { device: 'right', line: 'door' },
      ],
    },
    { name: 'garage', of: [{ device: 'garage', line: 'door' }] },
  ],
};

test('an interval is closed as soon as all devices have reported, and joins their lines', async () => {
  const bench = await new GatewayBench(TWO_DOORS).start();
  bench.interval({ device: 'left', seq: 1, minute: 0, in: 3, out: 1 });
  bench.interval({ device: 'right', seq: 1, minute: 0, in: 2, out: 2 });
  await bench.seconds(62);
  assert.equal(bench.intervals('store'), []);
  bench.interval({ device: 'garage', seq: 1, minute: 0, in: 5, out: 0 });
  await bench.seconds(2);
  const [entrance] = bench.intervals('entrance');
  const [store] = bench.intervals('store');
  assert.equal([entrance?.in, entrance?.out, entrance?.devices, entrance?.complete], [5, 3, 2, true]);
  assert.equal([store?.in, store?.out, store?.total_in, store?.missing, store?.quality], [10, 3, 10, [], 'ok']);
  assert.is(store?.from, '2026-01-05T12:00:00.000Z');
  assert.equal([bench.lastTotal('store')?.in, bench.lastTotal('entrance')?.in], [10, 5]);
  await bench.end();
});

test('at the deadline it is closed without those who were silent, and told again when they speak', async () => {
  const bench = await new GatewayBench({ ...TWO_DOORS, deadline_s: 30 }).start();
  bench.interval({ device: 'left', seq: 1, minute: 0, in: 3 });
  bench.interval({ device: 'garage', seq: 1, minute: 0, in: 1 });
  await bench.seconds(89);
  assert.equal(bench.intervals('store'), []);
  await bench.seconds(3);
  const [first] = bench.intervals('store');
  assert.equal(
    [first?.in, first?.complete, first?.missing, first?.revision, first?.quality],
    [4, false, ['right'], 0, 'degraded'],
  );
  bench.interval({ device: 'right', seq: 1, minute: 0, in: 7 });
  await bench.seconds(10);
  const [, second] = bench.intervals('store');
  assert.equal(
    [second?.in, second?.complete, second?.missing, second?.revision, second?.total_in],
    [11, true, [], 1, 11],
  );
  assert.equal(
    bench.intervals('garage').map(({ revision }) => revision),
    [0],
    'a door that did not change is not told again',
  );
  await bench.end();
});

test('lines that see the same people count what the best of them saw, each direction by itself', async () => {
  const doors = [{ ...TWO_DOORS.doors[0], overlap: 'max' }];
  const bench = await new GatewayBench({ devices: ['left', 'right'], doors }).start();
  bench.interval({ device: 'left', seq: 1, minute: 0, in: 9, out: 1 });
  bench.interval({ device: 'right', seq: 1, minute: 0, in: 8, out: 4 });
  await bench.seconds(62);
  assert.equal([bench.intervals('store')[0]?.in, bench.intervals('store')[0]?.out], [9, 4]);
  await bench.end();
});

test('a door is as fresh as its devices, and what their running totals told first is not counted twice', async () => {
  const bench = await new GatewayBench().start();
  bench.interval({ seq: 1, minute: 0, in: 3, totalIn: 103 });
  await bench.seconds(2);
  bench.total('door1', 'door', 105, 0);
  await bench.seconds(2);
  assert.is(bench.lastTotal('store')?.in, 5);
  bench.interval({ seq: 2, minute: 1, in: 4, totalIn: 107 });
  await bench.seconds(2);
  assert.is(bench.lastTotal('store')?.in, 7);
  bench.total('door1', 'door', 107, 0);
  await bench.seconds(2);
  assert.is(bench.lastTotal('store')?.in, 7);
  await bench.end();
});

test('of lines that see the same people, what one tells before the other is not added', async () => {
  const doors = [{ ...TWO_DOORS.doors[0], overlap: 'max' }];
  const bench = await new GatewayBench({ devices: ['left', 'right'], doors }).start();
  bench.interval({ device: 'left', seq: 1, minute: 0, in: 0, totalIn: 0 });
  bench.interval({ device: 'right', seq: 1, minute: 0, in: 0, totalIn: 0 });
  bench.total('right', 'door', 5, 0);
  await bench.seconds(2);
  bench.interval({ device: 'left', seq: 2, minute: 1, in: 5, totalIn: 5 });
  await bench.seconds(2);
  bench.interval({ device: 'right', seq: 2, minute: 1, in: 5, totalIn: 5 });
  await bench.seconds(2);
  assert.is(bench.lastTotal('store')?.in, 5);
  await bench.end();
});

test('a record that comes twice counts once, also after a restart; one of a new epoch is another', async () => {
  const bench = await new GatewayBench().start();
  bench.interval({ seq: 1, minute: 0, in: 3 });
  bench.interval({ seq: 1, minute: 0, in: 3 });
  await bench.seconds(2);
  await bench.killAndStart();
  bench.interval({ seq: 1, minute: 0, in: 3 });
  bench.interval({ seq: 1, minute: 0, in: 2, epochId: EPOCH_B });
  await bench.seconds(2);
  assert.is(bench.lastTotal('store')?.in, 5);
  await bench.seconds(60);
  assert.is(bench.lastHealth()?.records.doubled, 1, 'since the restart');
  await bench.end();
});

test('a payload that breaks the contract is refused by name and counted; what it says more is allowed', async () => {
  const bench = await new GatewayBench().start();
  bench.interval({ seq: 1, minute: 0, in: 3, more: { in: -1 } });
  bench.interval({ seq: 2, minute: 0, in: 3, more: { to: '2026-01-05T13:00:00.000Z' } });
  bench.interval({ seq: 3, minute: 0, in: 3, more: { in: 2_000_000 } });
  bench.say('door1/interval/door', 'no json');
  bench.say('door1/interval/Door', '{}');
  bench.interval({ seq: 4, minute: 0, in: 4, more: { new_field: 1, quality: 'a_new_word' } });
  await bench.seconds(62);
  assert.is(bench.lastHealth()?.records.refused, 5);
  assert.equal([bench.intervals('store')[0]?.in, bench.intervals('store')[0]?.quality], [4, 'camera_lost']);
  await bench.end();
});

test('a device that nobody expects is told and not counted, unless accept_unknown says so', async () => {
  for (const accept_unknown of [false, true]) {
    const bench = await new GatewayBench({ accept_unknown }).start();
    bench.interval({ seq: 1, minute: 0, in: 3 });
    bench.interval({ device: 'visitor', seq: 1, minute: 0, in: 4 });
    await bench.seconds(62);
    assert.equal(bench.lastHealth()?.devices.unknown, ['visitor']);
    assert.is(bench.intervals('store')[0]?.in, accept_unknown ? 7 : 3);
    assert.is(bench.lastTotal('other')?.in, accept_unknown ? 4 : undefined);
    await bench.end();
  }
});

test('missing numbers are asked for, with pauses, and health says so until they come', async () => {
  const bench = await new GatewayBench().start();
  bench.status('door1', 'online');
  bench.interval({ seq: 1, minute: 0, in: 1 });
  bench.interval({ seq: 4, minute: 1, in: 1 });
  await bench.seconds(5);
  assert.equal(bench.lastHealth()?.gaps, { numbers: 2, given_up: 0, devices: ['door1'] });
  const asked = () => bench.link.published.filter(({ topic }) => topic === 'lethe/v1/shop/door1/cmd/resend');
  await bench.seconds(20);
  assert.is(asked().length, 1);
  const request = JSON.parse(asked()[0]!.payload);
  assert.equal([request.epoch_id, request.from_seq, request.to_seq], [EPOCH_A, 2, 3]);
  await bench.seconds(3600);
  assert.is(asked().length, 7, 'six tries and the last');
  assert.is(bench.lastHealth()?.gaps.given_up, 2);
  bench.interval({ seq: 2, minute: 0, in: 1 });
  bench.interval({ seq: 3, minute: 0, in: 1 });
  await bench.seconds(6);
  assert.equal(bench.lastHealth()?.gaps, { numbers: 0, given_up: 0, devices: [] });
  await bench.end();
});

test('a device that answers that it has them no more is not asked again', async () => {
  const bench = await new GatewayBench().start();
  bench.status('door1', 'online');
  bench.interval({ seq: 1, minute: 0 });
  bench.interval({ seq: 3, minute: 1 });
  await bench.seconds(20);
  const asked = () => bench.link.published.filter(({ topic }) => topic.endsWith('cmd/resend'));
  const { id } = JSON.parse(asked()[0]!.payload);
  bench.say('door1/reply/resend', { v: 1, at: '', id, ok: false, error: { code: 'not_kept', message: '' } });
  await bench.seconds(1800);
  assert.is(asked().length, 1);
  await bench.end();
});

test('what the broker did not acknowledge is sent again after a restart, and nothing else is', async () => {
  const bench = await new GatewayBench().start();
  bench.interval({ seq: 1, minute: 0, in: 1 });
  await bench.seconds(62);
  const before = bench.intervals('store').length;
  assert.is(before, 1);
  bench.link.holdAcknowledgements = true;
  bench.interval({ seq: 2, minute: 1, in: 1 });
  await bench.seconds(60);
  await bench.killAndStart();
  await bench.seconds(2);
  const after = bench.intervals('store').map(({ seq }) => seq);
  assert.equal(after, [2, 4, 4]);
  await bench.end();
});

test('what the broker acknowledges just before records are written leaves the outbox all the same', async () => {
  const bench = await new GatewayBench().start();
  for (let minute = 0; minute < 5; minute += 1) {
    bench.interval({ seq: minute + 1, minute, in: 1, totalIn: minute + 1 });
    await bench.seconds(59);
    // Closed, told and acknowledged within the second; the next record is written before the second is over.
    bench.clock.advance(1000);
    await bench.turns();
    bench.interval({ seq: 100 + minute, minute, line: 'other', in: 1 });
    await bench.turns();
  }
  await bench.seconds(5);
  assert.is(bench.gateway.outbox.count, 0);
  const before = bench.intervals('door').length;
  await bench.killAndStart();
  assert.is(bench.intervals('door').length, before, 'nothing is sent again');
  await bench.end();
});

test('a full disk: what arrives is not acknowledged, health says why, and all of it counts once there is room', async () => {
  const disk = new SimulatedDisk();
  const bench = new GatewayBench({}, databaseOn(disk));
  await bench.start();
  bench.interval({ seq: 1, minute: 0, in: 2 });
  await bench.seconds(1);
  disk.fault = 'ENOSPC';
  let isAcknowledged = false;
  const topic = 'lethe/v1/shop/door1/interval/door';
  const payload = JSON.stringify(intervalOf({ seq: 2, minute: 1, in: 3, totalIn: 5 }));
  const handled = bench.gateway.hearing.take({ topic, payload, retained: false });
  void Promise.resolve(handled).then(() => {
    isAcknowledged = true;
  });
  await bench.seconds(65);
  assert.is(isAcknowledged, false);
  const { state, reason } = bench.lastHealth()!.database;
  assert.is.not(state, 'ok');
  assert.match(reason, 'ENOSPC');
  assert.is(bench.lastTotal('door')?.in, 2);
  disk.fault = undefined;
  await bench.seconds(70);
  assert.is(isAcknowledged, true);
  assert.is(bench.lastTotal('door')?.in, 5);
  assert.is(bench.lastHealth()!.database.state, 'ok');
  assert.equal(
    bench.intervals('door').map((interval) => interval.in),
    [2, 3],
  );
  await bench.end();
});

test('an interval that was open in a life that was killed is closed in the next one', async () => {
  const bench = await new GatewayBench().start();
  bench.interval({ seq: 1, minute: 0, in: 1 });
  await bench.seconds(58);
  await bench.killAndStart();
  await bench.seconds(4);
  assert.equal(
    bench.intervals('store').map(({ from, in: countIn }) => [from, countIn]),
    [['2026-01-05T12:00:00.000Z', 1]],
  );
  await bench.end();
});

test('who is in the store: by records of their own time, and by what devices counted since', async () => {
  const bench = await new GatewayBench({ opening_hours: ['Mo-Su 09:00-20:00'] }).start();
  bench.status('door1', 'online');
  bench.interval({ seq: 1, minute: 0, in: 10, out: 4, totalIn: 10, totalOut: 4 });
  await bench.seconds(2);
  assert.is(bench.lastOccupancy()?.people, 6);
  bench.total('door1', 'door', 13, 5);
  await bench.seconds(2);
  assert.equal([bench.lastOccupancy()?.people, bench.lastOccupancy()?.missing], [8, []]);
  // Yesterday's records come late: they are in the totals, and nobody of them is inside today.
  bench.interval({ seq: 2, minute: -1440, in: 100, out: 20, epochId: EPOCH_B });
  await bench.seconds(8);
  assert.is(bench.lastOccupancy()?.people, 8);
  await bench.killAndStart();
  await bench.seconds(3);
  assert.is(bench.lastOccupancy()?.people, 8);
  await bench.end();
});

test('a gateway that was away waits for its broker and devices before it closes what it missed', async () => {
  const bench = await new GatewayBench({
    devices: ['left', 'right'],
    doors: [TWO_DOORS.doors[0]],
    deadline_s: 30,
  }).start();
  bench.interval({ device: 'left', seq: 1, minute: 0, in: 1 });
  bench.interval({ device: 'right', seq: 1, minute: 0, in: 1 });
  await bench.seconds(62);
  bench.link.goDown();
  await bench.seconds(600);
  assert.is(bench.intervals('store').length, 1);
  bench.link.goUp();
  await bench.seconds(5);
  for (let minute = 1; minute <= 10; minute += 1) {
    bench.interval({ device: 'left', seq: minute + 1, minute, in: 1 });
    bench.interval({ device: 'right', seq: minute + 1, minute, in: 1 });
  }
  await bench.seconds(5);
  const told = bench.intervals('store');
  assert.is(told.length, 11);
  assert.ok(told.every(({ complete, revision }) => complete && revision === 0));
  assert.ok(told[3]?.historical);
  await bench.end();
});

/** What happens to the records of the script on their way. */
const journey = fc.record({
  records: fc.array(
    fc.record({
      device: fc.constantFrom('left', 'right', 'garage'),
      epochId: fc.constantFrom(EPOCH_A, EPOCH_B),
      minute: fc.integer({ min: 0, max: 4 }),
      in: fc.nat(9),
      out: fc.nat(9),
      copies: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 24 },
  ),
  overlap: fc.constantFrom('sum', 'max'),
  shuffle: fc.infiniteStream(fc.nat(1000)),
  pauses: fc.array(fc.constantFrom(0, 0, 1, 7, 45, 130), { minLength: 8, maxLength: 8 }),
  deaths: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
});

type Scripted = {
  readonly device: string;
  readonly epochId: string;
  readonly minute: number;
  readonly in: number;
  readonly out: number;
};

/** Said in another way than by the gateway: all at once, from the finished list. */
function naiveTotals(records: readonly Scripted[], overlap: string): { in: number; out: number } {
  const total = { in: 0, out: 0 };
  for (const way of ['in', 'out'] as const)
    for (let minute = 0; minute < 5; minute += 1) {
      const of = (device: string) =>
        records.filter((r) => r.device === device && r.minute === minute).reduce((sum, r) => sum + r[way], 0);
      const [left, right] = [of('left'), of('right')];
      total[way] += (overlap === 'sum' ? left + right : Math.max(left, right)) + of('garage');
    }
  return total;
}

test('any order, doubles, delays, epochs and deaths lead to the same totals', async () => {
  await fc.assert(
    fc.asyncProperty(journey, async ({ records, overlap, shuffle, pauses, deaths }) => {
      const doors = [{ ...TWO_DOORS.doors[0], overlap }, TWO_DOORS.doors[1]];
      const bench = await new GatewayBench({ ...TWO_DOORS, doors, deadline_s: 30 }).start();
      const next = new Map<string, number>();
      const numbered = records.map((record) => {
        const key = `${record.device}/${record.epochId}`;
        next.set(key, (next.get(key) ?? 0) + 1);
        return { ...record, seq: next.get(key)! };
      });
      const sent = numbered.flatMap((record) => Array.from({ length: record.copies }, () => record));
      const places = new Map(sent.map((_, index) => [index, shuffle.next().value as number]));
      const order = sent
        .map((record, index) => ({ record, place: places.get(index)! }))
        .sort((a, b) => a.place - b.place);
      const lot = Math.ceil(order.length / pauses.length);
      for (const [index, pause] of pauses.entries()) {
        for (const { record } of order.slice(index * lot, (index + 1) * lot)) bench.interval(record);
        await bench.seconds(pause);
        // What was not acknowledged before a death the broker would bring again: here it is in the database, or never said.
        if (deaths[index] && pause > 0) await bench.killAndStart();
      }
      await bench.seconds(400);
      const expected = naiveTotals(numbered, overlap);
      const total = bench.lastTotal('store');
      assert.equal({ in: total?.in, out: total?.out }, expected);
      const told = bench.intervals('store');
      const bySeq = new Map(told.map((record) => [record.seq, record]));
      const inOrder = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
      const last = new Map<string, (typeof told)[number]>();
      let [totalIn, totalOut] = [0, 0];
      for (const record of inOrder) {
        const before = last.get(record.from);
        assert.is(record.revision, before === undefined ? 0 : before.revision + 1);
        totalIn += record.in - (before?.in ?? 0);
        totalOut += record.out - (before?.out ?? 0);
        assert.equal([record.total_in, record.total_out], [totalIn, totalOut]);
        assert.ok(record.in >= (before?.in ?? 0) && record.out >= (before?.out ?? 0), 'no interval becomes smaller');
        last.set(record.from, record);
      }
      assert.equal({ in: totalIn, out: totalOut }, expected, 'the latest revisions add up to the total');
      const totals = bench.all<{ in: number; out: number }>('total/store');
      for (const [index, { in: countIn, out }] of totals.entries())
        assert.ok(
          index === 0 || (countIn >= totals[index - 1]!.in && out >= totals[index - 1]!.out),
          'totals never fall',
        );
      await bench.end();
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
  );
});

test.run();
