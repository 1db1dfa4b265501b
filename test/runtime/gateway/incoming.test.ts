// Goal: nothing that somebody sends breaks the gateway or is taken for a record that it is not.
// Method: any text and any JSON at all, and good records with one field changed, by fast-check; literal faults.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTERVAL, RECEIPT, STATUS, TOTAL, ZONE } from '../../../runtime/contract/examples.ts';
import { type DeviceTopic, parseTopic, readMessage } from '../../../runtime/gateway/incoming.ts';

const NOW_MS = Date.UTC(2026, 0, 5, 12, 5);
const runs = { numRuns: Number(process.env['FC_RUNS'] ?? 500) };
const topic = (path: string): DeviceTopic => parseTopic(`lethe/v1/shop/${path}`, 'shop')!;
const read = (path: string, payload: unknown) => readMessage(topic(path), JSON.stringify(payload), 60, NOW_MS);
const faultOf = (path: string, payload: unknown) => {
  const reading = read(path, payload);
  return reading.kind === 'fault' ? reading.fault : reading.kind;
};

test('the examples of the contract are taken', () => {
  assert.is(read('door1/interval/door', INTERVAL[0]).kind, 'interval');
  assert.is(read('door1/zone/till', ZONE[0]).kind, 'zone');
  assert.is(read('door1/receipt', RECEIPT[0]).kind, 'receipt');
  assert.is(read('door1/total/door', TOTAL[0]).kind, 'total');
  assert.equal(read('door1/status', STATUS[1]), { kind: 'status', device: 'door1', isOnline: false, boot: 3 });
});

test('counts of a device whose clock nobody has set are taken, and are no good time of the store', () => {
  const qualityOf = (field: object) => {
    const reading = read('door1/interval/door', { ...INTERVAL[0], ...field });
    return reading.kind === 'interval' ? reading.quality : reading.kind;
  };
  const [ok, degraded, , cameraLost] = [0, 1, 2, 3];
  assert.is(qualityOf({}), ok);
  assert.is(qualityOf({ time: 'unsynced', uptime_s: 59 }), degraded);
  assert.is(qualityOf({ time: 'unsynced', uptime_s: 59, quality: 'camera_lost' }), cameraLost);
});

test('what is wrong is told by name, with what was expected', () => {
  const wrong = (field: object) => faultOf('door1/interval/door', { ...INTERVAL[0], ...field });
  assert.match(wrong({ in: -1 }), /^door1\/interval\/door: in must be >= 0/);
  assert.match(wrong({ seq: 1.5 }), 'seq must be integer');
  assert.match(wrong({ epoch_id: 'x' }), 'epoch_id must match');
  assert.match(wrong({ in: 1e7 }), 'in is 10000000; expected at most 1000000');
  assert.match(wrong({ from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:01:00.000Z' }), 'before 2020');
  assert.match(wrong({ from: '2027-01-05T12:00:00.000Z', to: '2027-01-05T12:01:00.000Z' }), 'more than an hour ahead');
  assert.match(wrong({ to: '2026-01-05T12:05:00.000Z' }), '300 s from 2026-01-05T12:00:00.000Z do not fit');
  assert.match(wrong({ from: '2026-01-05T12:00:30.000Z', to: '2026-01-05T12:01:30.000Z' }), 'do not fit');
  assert.match(wrong({ v: 2 }), 'v must');
  const { seq: _seq, ...without } = INTERVAL[0]!;
  assert.match(faultOf('door1/interval/door', without), 'must have required');
});

test('a topic that is none of a device of this site is not looked at', () => {
  for (const path of [
    'shop2/door1/status',
    'shop/door1/cmd/ping',
    'shop/door1/interval/a/b',
    'shop/Door/status',
    'shop//status',
  ])
    assert.is(parseTopic(`lethe/v1/${path}`, 'shop'), undefined);
  assert.is(parseTopic('homeassistant/status', 'shop'), undefined);
});

test('any text and any JSON is taken or refused, and never thrown over', () => {
  const paths = fc.constantFrom(
    'interval/door',
    'zone/till',
    'receipt',
    'total/door',
    'status',
    'info',
    'reply/resend',
    'health',
  );
  fc.assert(
    fc.property(
      paths,
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.jsonValue().map((value) => JSON.stringify(value)),
      ),
      (path, text) => {
        const reading = readMessage(topic(`door1/${path}`), text, 60, NOW_MS);
        assert.is(reading.device, 'door1');
      },
    ),
    runs,
  );
});

test('a record with one field changed is refused, or its numbers are whole and bounded', () => {
  const fields = Object.keys(INTERVAL[0]!);
  fc.assert(
    fc.property(fc.constantFrom(...fields), fc.oneof(fc.jsonValue(), fc.double(), fc.integer()), (field, value) => {
      const reading = read('door1/interval/door', { ...INTERVAL[0], [field]: value });
      if (reading.kind === 'fault') return;
      assert.is(reading.kind, 'interval');
      if (reading.kind !== 'interval') return;
      for (const number of [
        reading.seq,
        reading.fromS,
        reading.spanS,
        reading.in,
        reading.out,
        reading.netIn,
        reading.totalIn,
      ])
        assert.ok(Number.isSafeInteger(number) && number >= 0, `${field} = ${JSON.stringify(value)}`);
      assert.ok(reading.spanS >= 1 && reading.spanS <= 60 && reading.quality >= 0 && reading.quality <= 3);
    }),
    runs,
  );
});

test.run();
