// Goal: the judge of the fault tests sees each kind of loss; one that finds nothing in everything would prove nothing.
// Method: a sound series of messages, spoilt in one way at a time.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Case, judge, type Verdict } from './parts/judge.ts';
import type { Heard } from './parts/observer.ts';

const BASE = 'lethe/v1/demo/door1';
const SOUND: Verdict = {
  records: 4,
  lost: 0,
  lostByBroker: 0,
  changed: 0,
  doubled: 0,
  redelivered: 0,
  disordered: 0,
  fell: 0,
  unsummed: 0,
  people: {},
  epochs: 1,
  findings: [],
};

function message(topic: string, fields: object, dup = false): Heard {
  return { topic: `${BASE}/${topic}`, payload: JSON.stringify({ epoch_id: 'e1', ...fields }), retain: false, dup };
}

function interval(seq: number, people: number, totalIn: number, more: object = {}): Heard {
  const from = `2026-01-05T12:00:${String(seq * 5).padStart(2, '0')}.000Z`;
  return message('interval/door', { seq, from, in: people, out: 0, total_in: totalIn, total_out: 0, ...more });
}

/** Four intervals with 1, 2, 3 and 4 people. */
function series(): Heard[] {
  return [interval(1, 1, 1), interval(2, 2, 3), interval(3, 3, 6), interval(4, 4, 10)];
}

function verdictOf(heard: Heard[], more: Partial<Case> = {}): Promise<Verdict> {
  return judge({ heard, truth: { 'door1/door': { in: 10, out: 0 } }, acknowledged: new Set(), ...more });
}

test('a sound series is sound, also when a part of it comes twice and as historical', async () => {
  assert.equal(await verdictOf(series()), SOUND);
  const again = [...series(), interval(3, 3, 6, { historical: true }), interval(4, 4, 10)];
  assert.equal(await verdictOf(again), { ...SOUND, redelivered: 2 });
});

test('a number that is missing was lost, by the broker if it had acknowledged it', async () => {
  const heard = series().filter((_, index) => index !== 1);
  const spoilt = { ...SOUND, records: 3, unsummed: 1, people: { 'door1/door in': -2 } };
  assert.equal(await verdictOf(heard), { ...spoilt, lost: 1 });
  assert.equal(await verdictOf(heard, { acknowledged: new Set(['e1/2']) }), { ...spoilt, lostByBroker: 1 });
});

test('a new epoch begins with 1 or goes on with the numbers of the one before; between them nothing may be missing', async () => {
  const second = (seq: number) => interval(seq, 1, 10 + seq, { epoch_id: 'e2' });
  assert.is((await verdictOf([...series(), second(1), second(2)])).lost, 0);
  assert.is((await verdictOf([...series(), second(2)])).lost, 1);
  assert.is((await verdictOf([...series(), second(5), second(6)])).lost, 0);
  assert.is((await verdictOf([...series(), second(6)])).lost, 1);
});

test('another content under the same number, and the same interval under two numbers, are told apart', async () => {
  assert.is((await verdictOf([...series(), interval(3, 4, 7)])).changed, 1);
  const twice = await verdictOf([...series(), { ...interval(4, 4, 14, { seq: 5 }) }]);
  assert.equal([twice.doubled, twice.people], [1, { 'door1/door in': 4 }]);
});

test('records out of order and sums that do not fit are found', async () => {
  const [first, second, third, fourth] = series();
  assert.is((await verdictOf([first!, third!, second!, fourth!])).disordered, 1);
  assert.is((await verdictOf([first!, second!, interval(3, 3, 7), interval(4, 4, 11)])).unsummed, 1);
});

test('a total that falls is found, but not in an old copy that the broker kept or sent again', async () => {
  const total = (count: number, more: Partial<Heard> = {}) => ({
    ...message('total/door', { in: count, out: 0 }),
    ...more,
  });
  assert.is((await verdictOf([...series(), total(5), total(4)])).fell, 1);
  assert.is((await verdictOf([...series(), total(5), total(4, { dup: true }), total(3, { retain: true })])).fell, 0);
});

test('a receipt of something else is found', async () => {
  const { findings } = await verdictOf([...series(), message('receipt', { seq: 5, v: 1 })]);
  assert.is(findings.length, 1);
});

test.run();
