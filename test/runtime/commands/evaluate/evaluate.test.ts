// Goal: counted crossings are matched to true ones honestly: one to one, same way, near in time; faulty truth is told clip by clip.
// Method: literal events and properties for the matching; folders with faulty truth.json for the rest (no clip is opened).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateCommand } from '../../../../runtime/commands/evaluate/evaluate.ts';
import { matchEvents } from '../../../../runtime/commands/evaluate/match.ts';
import { hashCrossings } from '../../../../runtime/commands/replay.ts';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { DriverError } from '../../../../runtime/errors.ts';
import { within } from '../../../fakes/within.ts';

const test = suite('evaluate');
let folder: string;
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-evaluate-'));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

const truth = (...events: [number, 'in' | 'out'][]) => events.map(([t, dir]) => ({ t, dir }));
const counted = (...events: [number, 'in' | 'out'][]) =>
  events.map(([atS, direction]) => ({ atS, direction, line: 'door' }));

test('a crossing up to one second away is the same one, further away it is not', () => {
  assert.is(matchEvents(truth([5, 'in']), counted([6, 'in'])), 1);
  assert.is(matchEvents(truth([5, 'in']), counted([4, 'in'])), 1);
  assert.is(matchEvents(truth([5, 'in']), counted([6.01, 'in'])), 0);
});

test('the other way is another event', () => {
  assert.is(matchEvents(truth([5, 'in']), counted([5, 'out'])), 0);
});

test('one true event matches one counted one, however many there are', () => {
  assert.is(matchEvents(truth([5, 'in']), counted([4.9, 'in'], [5, 'in'], [5.1, 'in'])), 1);
  assert.is(matchEvents(truth([4.9, 'in'], [5, 'in']), counted([5, 'in'])), 1);
});

test('the nearest pairs are taken first', () => {
  // 5.9 belongs to 6.0, so that 5.0 is left with 4.2.
  assert.is(matchEvents(truth([5, 'in'], [6, 'in']), counted([5.9, 'in'], [4.2, 'in'])), 2);
});

test('nothing matches nothing', () => {
  assert.is(matchEvents([], []), 0);
  assert.is(matchEvents(truth([1, 'in']), []), 0);
  assert.is(matchEvents([], counted([1, 'in'])), 0);
});

const events = fc.array(fc.tuple(fc.double({ min: 0, max: 20, noNaN: true }), fc.constantFrom('in', 'out')), {
  maxLength: 12,
}) as fc.Arbitrary<[number, 'in' | 'out'][]>;

test('a list matches itself whole, in any order', () => {
  fc.assert(
    fc.property(events, (list) => {
      assert.is(matchEvents(truth(...list), counted(...[...list].reverse())), list.length);
    }),
  );
});

test('never more matches than either list has, nor than one way has in both', () => {
  fc.assert(
    fc.property(events, events, (a, b) => {
      const ways = (['in', 'out'] as const).map((way) =>
        Math.min(a.filter(([, dir]) => dir === way).length, b.filter(([, dir]) => dir === way).length),
      );
      assert.ok(matchEvents(truth(...a), counted(...b)) <= ways[0]! + ways[1]!);
    }),
  );
});

/** A clip that is never opened, with this truth.json beside it. */
function clip(name: string, text: string): void {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'clip.mp4'), '');
  writeFileSync(join(folder, name, 'truth.json'), text);
}

async function evaluate(json: boolean): Promise<{ code: number; out: string }> {
  let out = '';
  const print = (text: string) => {
    out += text;
  };
  const options = { config: parseConfig({}), folder, json, out: print, progress: () => {} };
  const code = await within(10_000, 'the evaluation', evaluateCommand(options));
  return { code, out };
}

const GOOD = {
  line: [
    [0.1, 0.5],
    [0.9, 0.5],
  ],
  in: 0,
  out: 0,
  events: [],
  in_means: 'walking downwards',
};

test('faulty truth is a row with its problem and exit code 65; the others are still looked at', async () => {
  clip('a', '{ "line": ');
  clip('b', JSON.stringify({ ...GOOD, in: -1, events: [{ t: 1, dir: 'left' }] }));
  clip('c', JSON.stringify({ ...GOOD, in_means: 'towards the shop' }));
  const { code, out } = await evaluate(true);
  assert.is(code, 65);
  const { clips, total } = JSON.parse(out) as { clips: { clip: string; problem: string }[]; total: object };
  assert.equal(
    clips.map(({ clip }) => clip),
    ['a', 'b', 'c'],
  );
  assert.match(clips[0]!.problem, 'is not JSON');
  assert.match(clips[1]!.problem, '/in');
  assert.match(clips[1]!.problem, '/events/0/dir');
  assert.match(clips[2]!.problem, 'in_means is "towards the shop"; expected it to say upwards');
  assert.equal(total, {
    true: 0,
    counted: 0,
    off_by: 0,
    matched: 0,
    errors: 0,
    precision: null,
    recall: null,
    f1: null,
    crossings_sha256: hashCrossings([]),
  });
});

test('the table shows the problem in its row', async () => {
  clip('broken', '[]');
  const { code, out } = await evaluate(false);
  assert.is(code, 65);
  assert.match(out, /^broken .*truth\.json/m);
});

test('a folder that is not there, or has no clips, is refused with what is expected', async () => {
  for (const path of [join(folder, 'none'), folder]) {
    try {
      await evaluateCommand({ config: parseConfig({}), folder: path, json: false, out: () => {}, progress: () => {} });
      assert.unreachable('accepted');
    } catch (error) {
      assert.instance(error, DriverError);
      assert.is((error as DriverError).exitCode, 66);
      assert.match((error as DriverError).hint, 'truth.json');
    }
  }
});

test.run();
