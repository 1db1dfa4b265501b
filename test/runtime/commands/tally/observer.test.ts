// Goal: what the broker passes on becomes counts, each once; what may have been missed becomes a gap.
// Method: scripted messages with times; no broker.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Observer } from '../../../../runtime/commands/tally/observer.ts';
import { Session } from '../../../../runtime/commands/tally/session.ts';

const TOPICS = { status: 's', total: 't', health: 'h' };

class Bench {
  readonly session = new Session();
  readonly sentences: string[] = [];
  readonly observer = new Observer(TOPICS, this.session, (sentence) => this.sentences.push(sentence));

  constructor() {
    this.observer.linkUp(0);
    this.status(0, 'online', 1, true);
    this.total(0, 5, 3, 'e1', true);
    this.observer.begin();
  }

  total(tMs: number, countIn: number, out: number, epoch = 'e1', retained = false): void {
    this.observer.message(tMs, 't', JSON.stringify({ v: 1, in: countIn, out, epoch_id: epoch }), retained);
  }

  status(tMs: number, state: string, boot = 1, retained = false): void {
    this.observer.message(tMs, 's', JSON.stringify({ v: 1, state, boot }), retained);
  }

  health(tMs: number, state = 'counting'): void {
    this.observer.message(tMs, 'h', JSON.stringify({ eye: { state, reason: '' } }), false);
  }
}

test('a retained total is the base line and no count; the differences after it are', () => {
  const { observer, session, total } = bound();
  assert.ok(observer.isObserving);
  total(1000, 6, 3);
  total(2000, 6, 3);
  total(3000, 8, 4);
  assert.equal(session.counts, [
    [1000, 'in'],
    [3000, 'in'],
    [3000, 'in'],
    [3000, 'out'],
  ]);
  assert.equal(session.gapsUntil(9000), []);
});

function bound() {
  const bench = new Bench();
  return {
    bench,
    observer: bench.observer,
    session: bench.session,
    total: bench.total.bind(bench),
    status: bench.status.bind(bench),
  };
}

test('a broker that goes is a gap from the last sign of life; what was counted meanwhile is no count', () => {
  const { bench, observer, session, total, status } = bound();
  total(1000, 6, 3);
  observer.linkDown(20_000, 'The cable is out.');
  assert.not.ok(observer.isObserving);
  assert.match(bench.sentences.at(-1)!, 'The cable is out.');
  observer.linkUp(50_000);
  status(50_010, 'online', 1, true);
  assert.not.ok(observer.isObserving);
  total(50_020, 60, 30, 'e1', true);
  assert.ok(observer.isObserving);
  total(60_000, 61, 30);
  assert.equal(session.counts, [
    [1000, 'in'],
    [60_000, 'in'],
  ]);
  // A silent cable is noticed within ten seconds.
  assert.equal(session.gapsUntil(90_000), [[10_000, 50_020, 'broker']]);
});

test('a broker that was heard a moment ago was lost after that moment', () => {
  const { observer, session, total, status } = bound();
  total(19_500, 6, 3);
  observer.linkDown(20_000, 'The cable is out.');
  observer.linkUp(21_000);
  status(21_000, 'online', 1, true);
  total(21_000, 6, 3, 'e1', true);
  assert.equal(session.gapsUntil(90_000), [[19_500, 21_000, 'broker']]);
});

test('a broker that dies and forgets: counts are seen when the device has come back as well', () => {
  const { observer, session, total, status } = bound();
  total(9000, 6, 3);
  observer.linkDown(10_000, 'The broker died.');
  observer.linkUp(11_000);
  total(15_000, 9, 3); // a device that reconnects sends totals that changed first
  status(15_001, 'online');
  total(15_002, 9, 3);
  total(20_000, 10, 3);
  assert.equal(session.counts, [
    [9000, 'in'],
    [20_000, 'in'],
  ]);
  const gaps = session.gapsUntil(30_000);
  assert.is(gaps[0]![0], 9000);
  assert.is(Math.max(...gaps.map(([, to]) => to)), 15_001);
});

test('a device that comes back unseen, total first: the jump lies in the gap', () => {
  const { bench, session, total, status } = bound();
  bench.health(30_000);
  total(80_000, 9, 3);
  status(80_005, 'online');
  total(80_010, 9, 3);
  const gaps = session.gapsUntil(100_000);
  assert.equal(gaps, [[30_000, 80_005, 'device']]);
  assert.ok(session.counts.every(([t]) => t >= gaps[0]![0] && t <= gaps[0]![1]));
  total(90_000, 10, 3);
  assert.equal(session.counts.at(-1), [90_000, 'in']);
});

test('a device that comes back unseen, total last: the jump is a base line', () => {
  const { session, total, status } = bound();
  total(30_000, 6, 3);
  status(80_000, 'online');
  total(80_010, 12, 3);
  assert.equal(session.counts, [[30_000, 'in']]);
  assert.equal(session.gapsUntil(100_000), [[30_000, 80_010, 'device']]);
});

test('on a busy line the gap of a device is short: it was heard until just before', () => {
  const { session, total, status } = bound();
  for (let second = 1; second <= 60; second++) total(second * 1000, 5 + second, 3);
  status(66_000, 'online');
  total(66_010, 70, 3);
  assert.equal(session.gapsUntil(100_000), [[60_000, 66_010, 'device']]);
});

test('a device that stops and starts anew: noted, a gap, nothing doubled', () => {
  const { bench, session, total, status } = bound();
  total(10_000, 6, 3);
  status(20_000, 'stopped');
  assert.match(bench.sentences.at(-1)!, 'stopped');
  status(40_000, 'online', 2);
  total(40_010, 6, 3);
  total(50_000, 7, 3);
  assert.equal(session.counts, [
    [10_000, 'in'],
    [50_000, 'in'],
  ]);
  assert.equal(session.notes, [[40_000, 'new_boot']]);
  assert.equal(session.gapsUntil(90_000), [[20_000, 40_010, 'device']]);
});

test('a new series of totals, a total that falls and one that jumps are base lines, noted', () => {
  for (const [word, countIn, epoch] of [
    ['new_epoch', 40, 'e2'],
    ['total_fell', 2, 'e1'],
    ['total_jumped', 5000, 'e1'],
  ] as const) {
    const { session, total } = bound();
    total(10_000, 6, 3);
    total(30_000, countIn, 3, epoch);
    total(31_000, countIn + 1, 3, epoch);
    assert.equal(session.counts, [
      [10_000, 'in'],
      [31_000, 'in'],
    ]);
    assert.equal(session.notes, [[30_000, word]]);
    assert.equal(session.gapsUntil(90_000), [[10_000, 30_000, 'device']]);
  }
});

test('what is no total of ours is noted and changes nothing', () => {
  const { observer, session, total } = bound();
  for (const payload of [
    '',
    '{',
    'null',
    '[]',
    '7',
    '{"in":-1,"out":0,"epoch_id":"e1"}',
    '{"in":1.5,"out":0,"epoch_id":"e1"}',
    '{"in":9,"out":9}',
  ])
    observer.message(1000, 't', payload, false);
  assert.equal(session.counts, []);
  assert.ok(session.notes.length > 0 && session.notes.every(([, word]) => word === 'odd_payload'));
  total(2000, 6, 3);
  assert.equal(session.counts, [[2000, 'in']]);
});

test('an eye that pauses is told', () => {
  const { bench } = bound();
  bench.health(1000, 'counting');
  bench.health(2000, 'paused');
  assert.match(bench.sentences.at(-1)!, 'paused');
});

test('undo takes the last press back and keeps what was taken back; pause takes none', () => {
  const { session } = new Bench();
  assert.is(session.undo(1), undefined);
  assert.ok(session.press(1000, 'in'));
  assert.ok(session.press(2000, 'out'));
  assert.is(session.undo(2500), 'out');
  session.openGap(3000, 'pause');
  assert.not.ok(session.press(3500, 'in'));
  session.closeGap(4000, 'pause');
  assert.ok(session.press(4500, 'out'));
  assert.equal(session.presses, [
    [1000, 'in'],
    [4500, 'out'],
  ]);
  assert.equal(session.undone, [[2000, 'out', 2500]]);
  assert.equal(session.gapsUntil(3500), [[3000, 3500, 'pause']]);
});

test.run();
