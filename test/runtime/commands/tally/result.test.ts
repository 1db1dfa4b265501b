// Goal: the result says who agrees with whom, leaves out what one of the two could not see, and can be read and checked by others.
// Method: scripted sessions with known answers; a sound record in which every field is changed in turn.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Moment } from '../../../../runtime/commands/tally/match.ts';
import { recordText, signedRecord, type TallyRecord, verifyRecord } from '../../../../runtime/commands/tally/record.ts';
import { reportText } from '../../../../runtime/commands/tally/report.ts';
import { tallyResult } from '../../../../runtime/commands/tally/result.ts';
import { Session } from '../../../../runtime/commands/tally/session.ts';
import { openDeviceKey } from '../../../../runtime/privacy/device-key.ts';

const test = suite('tally result');
const folder = mkdtempSync(join(tmpdir(), 'lethe-tally-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));
const key = openDeviceKey(folder);
const RULES = { windowMs: 2000, marginShare: 0.02, alpha: 0.05 };
const MINUTE = 60_000;

const every = (ms: number, count: number, way: 'in' | 'out'): Moment[] =>
  Array.from({ length: count }, (_, index) => [(index + 1) * ms, way]);
const later = (moments: readonly Moment[], ms: number): Moment[] => moments.map(([t, way]) => [t + ms, way]);

test('one missed, one doubled: named with moment and side, and the rest matched', () => {
  const presses = every(10_000, 20, 'in');
  const counts = later(presses, 700).filter((_, index) => index !== 4);
  counts.push([146_000, 'in']);
  counts.sort((a, b) => a[0] - b[0]);
  const result = tallyResult({ presses, counts, gaps: [], durationMs: 5 * MINUTE }, RULES);
  assert.is(result.lag_ms, 700);
  const { person, device, matched, missed, extra, unobserved, unobserved_counts: counted } = result.in;
  assert.equal(
    { person, device, matched, missed, extra, unobserved, counted },
    {
      person: 20,
      device: 20,
      matched: 19,
      missed: 1,
      extra: 1,
      unobserved: 0,
      counted: 0,
    },
  );
  assert.equal([result.in.recall, result.in.precision, result.in.bias], [0.95, 0.95, 0]);
  assert.equal(result.unmatched, [
    [50_000, 'in', 'person'],
    [145_300, 'in', 'device'],
  ]);
  assert.is(result.out.person, 0);
  assert.equal([result.out.recall, result.out.recall_low, result.out.verdict], [null, null, 'undecided']);
});

test('2,000 without a fault are equivalent, ten are not yet, and a tenth missing is not', () => {
  const verdictOf = (count: number, share: number) => {
    const presses = every(5000, count, 'out');
    const counts = later(presses, 500).filter((_, index) => index % 10 >= 10 * share);
    const durationMs = (count + 2) * 5000;
    return tallyResult({ presses, counts, gaps: [], durationMs }, RULES).out;
  };
  assert.is(verdictOf(2000, 0).verdict, 'equivalent');
  assert.is(verdictOf(2000, 0).more_needed, 0);
  assert.is(verdictOf(10, 0).verdict, 'undecided');
  assert.ok(verdictOf(10, 0).more_needed! > 100);
  assert.is(verdictOf(2000, 0.1).verdict, 'not_equivalent');
  assert.is(verdictOf(2000, 0.1).recall, 0.9);
});

test('presses while the counts were not seen, and near it, are left out and told', () => {
  const presses = every(10_000, 20, 'in');
  const counts = later(presses, 500).filter(([t]) => t < 60_000 || t > 120_000);
  const result = tallyResult({ presses, counts, gaps: [[58_500, 121_500, 'broker']], durationMs: 4 * MINUTE }, RULES);
  assert.is(result.in.unobserved, 7); // 60 to 120 s
  assert.equal([result.in.person, result.in.missed, result.in.extra], [13, 0, 0]);
});

test('what the device counts while the person pauses is left out, also the total that comes a moment later', () => {
  const presses = every(10_000, 6, 'in');
  const counts = [...later(presses, 500), [70_000, 'out'], [80_900, 'out']] as Moment[];
  const result = tallyResult({ presses, counts, gaps: [[65_000, 80_000, 'pause']], durationMs: 2 * MINUTE }, RULES);
  assert.equal([result.out.device, result.out.extra, result.out.unobserved_counts], [0, 0, 2]);
  assert.equal(result.unmatched, []);
});

test('a count at either end that may belong to somebody before or after the session is left out', () => {
  const presses = every(10_000, 6, 'in');
  const counts: Moment[] = [[300, 'out'], ...later(presses, 500), [70_400, 'in']];
  const { in: resultIn, out } = tallyResult({ presses, counts, gaps: [], durationMs: 70_000 }, RULES);
  assert.equal([resultIn.extra, out.extra], [0, 0]);
  assert.equal([resultIn.unobserved_counts, out.unobserved_counts], [1, 1]);
});

test('every press and every count is in exactly one place', () => {
  const moments = fc
    .array(fc.tuple(fc.nat(100_000), fc.constantFrom('in' as const, 'out' as const)), { maxLength: 40 })
    .map((list): Moment[] => [...list].sort((a, b) => a[0] - b[0]));
  const gap = fc.tuple(fc.nat(100_000), fc.nat(20_000)).map(([from, ms]) => [from, from + ms, 'device'] as const);
  fc.assert(
    fc.property(moments, moments, fc.array(gap, { maxLength: 3 }), (presses, counts, gaps) => {
      const result = tallyResult({ presses, counts, gaps, durationMs: 100_000 }, RULES);
      for (const way of ['in', 'out'] as const) {
        const side = result[way];
        assert.is(side.person + side.unobserved, presses.filter(([, direction]) => direction === way).length);
        assert.is(side.device + side.unobserved_counts, counts.filter(([, direction]) => direction === way).length);
        assert.is(side.missed, result.unmatched.filter(([, d, who]) => d === way && who === 'person').length);
        assert.is(side.extra, result.unmatched.filter(([, d, who]) => d === way && who === 'device').length);
      }
    }),
  );
});

function session(): Session {
  const session = new Session();
  for (let index = 1; index <= 12; index++) {
    const way = index % 3 === 0 ? 'out' : 'in';
    session.press(index * 10_000, way);
    if (index !== 5) session.count(index * 10_000 + 600, way);
  }
  session.press(125_000, 'out');
  session.undo(126_000);
  session.openGap(130_000, 'pause');
  session.closeGap(140_000, 'pause');
  session.note(135_000, 'new_boot');
  return session;
}

const FACTS = {
  site: 'stockholm',
  device: 'main_door',
  line: 'door',
  version: '0.1.0',
  startedAtMs: Date.UTC(2026, 5, 1, 9, 30),
  durationMs: 150_000,
  windowMs: 2000,
  marginShare: 0.02,
  deviceShown: true,
};
const record = signedRecord(session(), FACTS, key);

test('a record is sound, in whatever order and spacing its keys come', () => {
  assert.equal(verifyRecord(recordText(record)).faults, []);
  const shuffled = Object.fromEntries(Object.entries(record).reverse());
  assert.equal(verifyRecord(JSON.stringify(shuffled, null, 2), key.publicKey).faults, []);
  assert.is(record.from, '2026-06-01T09:30:00.000Z');
  assert.is(record.to, '2026-06-01T09:32:30.000Z');
  assert.equal(record.undone, [[125_000, 'out', 126_000]]);
});

/** Another value of the same kind. */
function changed(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (value === null) return 0.5;
  if (value === 'in') return 'out';
  if (value === 'out') return 'in';
  if (typeof value === 'string') return value.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));
  return value;
}

/** Every leaf of the record, as a path of keys. */
function leavesOf(value: unknown, path: string[] = []): string[][] {
  if (value === null || typeof value !== 'object') return [path];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

function withChange(path: readonly string[], change: (value: unknown) => unknown): TallyRecord {
  const copy = structuredClone(record) as unknown as Record<string, unknown>;
  let node = copy;
  for (const name of path.slice(0, -1)) node = node[name] as Record<string, unknown>;
  node[path.at(-1)!] = change(node[path.at(-1)!]);
  return copy as unknown as TallyRecord;
}

test('each field that is changed makes the record unsound, and the fault has a name', () => {
  const paths = leavesOf(record);
  assert.ok(paths.length > 80);
  for (const path of paths) {
    const { faults } = verifyRecord(recordText(withChange(path, changed)));
    assert.ok(faults.length > 0, path.join('.'));
    const named = faults.some((fault) => fault.startsWith('signature') || fault.startsWith(path[0]!));
    assert.ok(named, `${path.join('.')}: ${faults.join('; ')}`);
    if (path[0] === 'result' && path[1] !== 'unmatched')
      assert.ok(
        faults.some((fault) => fault.startsWith(path.slice(0, 2).join('.'))),
        `${path.join('.')}: ${faults.join('; ')}`,
      );
  }
});

test('each field that is gone and each that is added is named', () => {
  for (const name of Object.keys(record)) {
    const { [name as keyof TallyRecord]: _, ...rest } = record;
    const { faults } = verifyRecord(JSON.stringify(rest));
    assert.ok(
      faults.some((fault) => fault.includes(name)),
      `${name}: ${faults.join('; ')}`,
    );
  }
  assert.ok(verifyRecord(JSON.stringify({ ...record, names: ['x'] })).faults.length > 0);
});

test('a result that was made up is told part by part, even when whoever did it signed it anew', () => {
  const dressed = structuredClone(record) as TallyRecord & { result: { in: { matched: number; verdict: string } } };
  dressed.result.in.matched = 8;
  dressed.result.in.verdict = 'equivalent';
  const { faults } = verifyRecord(recordText(dressed));
  assert.ok(faults.includes('result.in.matched: 8; the moments give 7'), faults.join('\n'));
  assert.ok(faults.includes('result.in.verdict: "equivalent"; the moments give "undecided"'));
});

test('a key that was not asked for is refused', () => {
  const other = openDeviceKey(join(folder, 'other')).publicKey;
  assert.equal(
    verifyRecord(recordText(record), other).faults.map((fault) => fault.split(':')[0]),
    ['key'],
  );
});

test('moments out of order or outside of the session are told', () => {
  const faultsWith = (change: Partial<TallyRecord>) =>
    verifyRecord(recordText({ ...record, ...change })).faults.join('\n');
  assert.match(
    faultsWith({
      presses: [
        [2, 'in'],
        [1, 'in'],
      ],
    }),
    'presses: not in order',
  );
  assert.match(faultsWith({ presses: [[150_001, 'in']] }), 'presses: one lies after the end');
  assert.match(faultsWith({ undone: [[5, 'in', 4]] }), 'undone:');
  assert.match(faultsWith({ gaps: [[5, 4, 'pause']] }), 'gaps:');
  assert.match(faultsWith({ to: '2026-06-01T09:29:59.000Z' }), 'to:');
});

test('what is no record is told, not thrown', () => {
  for (const text of ['', 'null', '[]', '7', '{}', '{"v":1,"kind":"tally"}'])
    assert.ok(verifyRecord(text).faults.length > 0, text);
});

test('the report has the clock of the site, both sides, what is open and what it means', () => {
  const text = reportText(record, 'Europe/Stockholm');
  assert.match(text, '2026-06-01 11:30:00 to 11:32:30 (Europe/Stockholm), 2 min 30 s');
  assert.match(text, /^ in +8 +7 +7 +1 +0 +87\.5 % \(\d+\.\d %\) +100\.0 % \(\d+\.\d %\)$/m);
  assert.match(text, /^out +4 +4 +4 +0 +0 /m);
  assert.match(text, 'come 0.6 s after the presses');
  assert.match(text, /in: UNDECIDED: .* up to about \d+ more crossings are needed after these 8/);
  assert.match(text, '11:30:50  in   only the person');
  assert.match(text, 'Not observed: 10 s paused.');
  assert.match(text, 'Taken back by the person: 1.');
  assert.match(text, 'not infallible');
});

test.run();
