// Goal: a device that claims belongs to the store at once and after a restart: expected, counted, told, without a word in the file.
// Method: the gateway with a real database and a link in memory; claims as the claim service writes them.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { StoreInfo } from '../../../runtime/contract/store.ts';
import { parseGatewayConfig } from '../../../runtime/gateway/config.ts';
import { Roster } from '../../../runtime/gateway/roster.ts';
import { databaseOn } from '../../fakes/database.ts';
import { SimulatedDisk } from '../../fakes/disk.ts';
import { EPOCH_A, GatewayBench } from './bench.ts';

const CLAIM = {
  claim: { cert_file: 'a', key_file: 'b', ca_file: 'c', ca_key_file: 'd', fleet_keys: 'e' },
};

/** Writes the books as a claim does. */
function claim(
  { gateway, clock }: GatewayBench,
  device: string,
  counters: readonly string[] = ['door'],
  board = device,
) {
  const claimed = {
    device,
    hardwareId: board,
    hardwareModel: 'Pi',
    version: '0.1.0',
    serial: `${board}-${clock.wallMs()}`,
    endsMs: clock.wallMs() + 1e9,
    counters,
    host: 'gateway:8885',
    codeIssuedS: 1,
    atMs: clock.wallMs(),
  };
  const token = claimed.serial;
  gateway.claimed.write(claimed, { token, code: token, publicKey: '', device, answer: '{}', endsMs: 0 });
  gateway.adopt(claimed);
}

test('it counts from its first record on, as a door of its own, and is waited for', async () => {
  const bench = await new GatewayBench(CLAIM).start();
  await bench.seconds(3);
  assert.is(bench.all<StoreInfo>('info').at(-1)?.device_count, 0);
  claim(bench, 'counter-1', ['left', 'right']);
  bench.interval({ device: 'counter-1', line: 'left', seq: 1, minute: 0, in: 3 });
  await bench.seconds(60);
  assert.equal(bench.intervals('store'), [], 'the other line has not reported');
  bench.interval({ device: 'counter-1', line: 'right', seq: 2, minute: 0, in: 4 });
  await bench.seconds(2);
  assert.equal([bench.intervals('counter-1')[0]?.in, bench.intervals('store')[0]?.in], [7, 7]);
  const info = bench.all<StoreInfo>('info').at(-1);
  assert.equal(
    [info?.device_count, info?.devices, info?.doors.map(({ name }) => name)],
    [1, ['counter-1'], ['counter-1']],
  );
  await bench.seconds(60);
  assert.is(bench.lastHealth()?.devices.offline[0]?.device, 'counter-1');
  await bench.end();
});

test('after a restart it is known, and its totals go on', async () => {
  const bench = await new GatewayBench(CLAIM).start();
  claim(bench, 'counter-1');
  bench.interval({ device: 'counter-1', seq: 1, minute: 0, in: 3 });
  await bench.seconds(62);
  await bench.killAndStart();
  bench.interval({ device: 'counter-1', seq: 2, minute: 1, in: 2, totalIn: 5 });
  await bench.seconds(62);
  assert.equal([bench.lastTotal('counter-1')?.in, bench.lastTotal('store')?.in], [5, 5]);
  await bench.end();
});

test('one that spoke before it was known is no stranger afterwards, and what it said then stays uncounted', async () => {
  const bench = await new GatewayBench({ ...CLAIM, devices: ['door1'] }).start();
  bench.interval({ device: 'counter-1', seq: 1, minute: 0, in: 3 });
  await bench.seconds(2);
  claim(bench, 'counter-1');
  bench.interval({ device: 'counter-1', seq: 2, minute: 0, in: 4 });
  await bench.seconds(62);
  await bench.killAndStart();
  await bench.seconds(60);
  assert.equal(bench.lastHealth()?.devices.unknown, []);
  assert.is(bench.lastTotal('store')?.in, 4);
  await bench.end();
});

test('what arrived and waits for the disk counts in the doors as they become', async () => {
  const bench = await new GatewayBench(CLAIM).start();
  claim(bench, 'counter-1');
  bench.interval({ device: 'counter-1', seq: 1, minute: 0, in: 3 });
  claim(bench, 'counter-2');
  bench.interval({ device: 'counter-2', seq: 1, minute: 0, in: 4, epochId: EPOCH_A });
  await bench.seconds(62);
  assert.equal(
    ['counter-1', 'counter-2', 'store'].map((door) => bench.intervals(door)[0]?.in),
    [3, 4, 7],
  );
  await bench.end();
});

test('while the disk is full nobody joins; when it can be written again, it does', async () => {
  const disk = new SimulatedDisk();
  const bench = await new GatewayBench(CLAIM, databaseOn(disk)).start();
  disk.fault = 'ENOSPC';
  bench.gateway.adopt({ device: 'counter-1', counters: ['door'] });
  await bench.seconds(2);
  assert.equal(bench.gateway.roster.devices, []);
  disk.fault = undefined;
  await bench.seconds(2);
  assert.equal(bench.gateway.roster.devices, ['counter-1']);
  bench.interval({ device: 'counter-1', seq: 1, minute: 0, in: 3 });
  await bench.seconds(62);
  assert.is(bench.lastTotal('store')?.in, 3);
  await bench.end();
});

test('a door of the file holds: whoever is in it has none of its own', () => {
  const file = parseGatewayConfig({
    ...CLAIM,
    doors: [
      { name: 'entrance', of: [{ device: 'counter-1', line: 'door' }] },
      { name: 'taken', of: [{ device: 'x', line: 'y' }] },
    ],
  });
  const roster = new Roster(file, [
    { device: 'counter-2', counters: ['door'] },
    { device: 'counter-1', counters: ['door'] },
    { device: 'taken', counters: ['door'] },
  ]);
  assert.equal(roster.devices, ['counter-1', 'counter-2', 'taken']);
  assert.equal(
    roster.doors.map(({ name }) => name),
    ['entrance', 'taken', 'counter-2'],
  );
  assert.equal(roster.doorless, ['taken']);
});

test('another board with other lines gives the door other lines', () => {
  const roster = new Roster(parseGatewayConfig(CLAIM), [{ device: 'a', counters: ['left'] }]);
  roster.take(roster.with([{ device: 'a', counters: ['door'] }]));
  assert.equal(roster.doors, [{ name: 'a', of: [{ device: 'a', line: 'door' }], overlap: 'sum' }]);
});

test.run();
