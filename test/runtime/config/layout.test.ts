// Goal: whatever in a picture cannot count is refused before it is hung up, all of it at once, with what to do.
// Method: one file with every fault; each fault alone; a property that the suggested line is accepted.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../runtime/config/config.ts';
import { ConfigError } from '../../../runtime/errors.ts';

function problemsOf(file: object): readonly string[] {
  try {
    parseConfig(file);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const DOOR = { name: 'door', from: [0.1, 0.5], to: [0.9, 0.5], in: 'down' };
const SQUARE = [
  [0.2, 0.6],
  [0.8, 0.6],
  [0.8, 0.9],
  [0.2, 0.9],
];

test('everything wrong with lines, entrances, zones and hours is told in one go', () => {
  const problems = problemsOf({
    lines: [DOOR, { ...DOOR, from: [0.1, 0.03], to: [0.9, 0.03] }, { ...DOOR, name: 'far', to: [1.4, 0.5] }],
    entrances: [{ name: 'main', lines: ['door', 'dor'] }],
    zones: [
      {
        name: 'bow',
        polygon: [
          [0.1, 0.1],
          [0.9, 0.9],
          [0.9, 0.1],
          [0.1, 0.9],
        ],
      },
      {
        name: 'flat',
        polygon: [
          [0.1, 0.5],
          [0.5, 0.5],
          [0.9, 0.5],
        ],
      },
    ],
    opening_hours: ['Mo-Fr 25:00-20:00'],
    time_zone: 'Europe/Atlantis',
  });
  for (const words of [
    /^lines\.2\.to is \[1\.4,0\.5\]; expected \[x, y\]/,
    /^time_zone is "Europe\/Atlantis"/,
    /^lines\.1\.name is "door"; expected a name that lines\.0 does not have/,
    /^lines\.1 is 0\.03 of the picture's height away from its upper edge/,
    /^entrances\.0\.lines holds "dor"; expected the name of a line\. Did you mean "door"\?/,
    /^zones\.0\.polygon crosses itself/,
    /^zones\.1\.polygon has an area of 0\.0000/,
    /^opening_hours\.0 is "Mo-Fr 25:00-20:00"/,
  ]) {
    assert.ok(
      problems.some((problem) => words.test(problem)),
      `${words} in:\n${problems.join('\n')}`,
    );
  }
  assert.is(problems.length, 8, problems.join('\n'));
});

test('a line too near to the edge is refused with the place where it counts, and that place is accepted', () => {
  const way = fc.constantFrom('up', 'down', 'left', 'right');
  const far = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(way, far, far, (inWay, across, size) => {
      const isFlat = inWay === 'up' || inWay === 'down';
      const person = 0.05 + 0.3 * size;
      const line = isFlat
        ? { name: 'door', from: [0.1, across], to: [0.9, across], in: inWay }
        : { name: 'door', from: [across, 0.1], to: [across, 0.9], in: inWay };
      const problems = problemsOf({ lines: [line], person_size: person });
      const room = isFlat ? Math.min(across, 1 - across) : (Math.min(across, 1 - across) * 256) / 192;
      if (room >= person) {
        assert.equal(problems, []);
        return;
      }
      assert.is(problems.length, 1);
      const moved = /Move it to from (\[.*?\]), to (\[.*?\]),/.exec(problems[0]!)!;
      const again = { ...line, from: JSON.parse(moved[1]!), to: JSON.parse(moved[2]!) };
      // Two digits are what is told.
      assert.equal(problemsOf({ lines: [again], person_size: person - 0.01 }), []);
    }),
  );
});

test('a line may end at the edge, and a slanting one needs room in its middle', () => {
  assert.equal(problemsOf({ lines: [{ ...DOOR, from: [0, 0.5], to: [1, 0.5] }] }), []);
  assert.equal(problemsOf({ lines: [{ ...DOOR, from: [0, 0.2], to: [1, 0.8] }] }), []);
  assert.match(problemsOf({ lines: [{ ...DOOR, from: [0, 0.9], to: [0.2, 1] }] })[0] ?? '', /lower edge|left edge/);
});

test('an entrance takes lines that exist, each once', () => {
  const inner = { ...DOOR, name: 'inner', from: [0.1, 0.6], to: [0.9, 0.6] };
  const lines = [DOOR, inner];
  assert.equal(problemsOf({ lines, entrances: [{ name: 'main', lines: ['door', 'inner'] }] }), []);
  assert.match(
    problemsOf({
      lines,
      entrances: [
        { name: 'a', lines: ['door'] },
        { name: 'b', lines: ['door'] },
      ],
    })[0] ?? '',
    /^entrances\.1\.lines holds "door", and so does entrances\.0; expected each line once/,
  );
  assert.match(
    problemsOf({ lines, entrances: [{ name: 'door', lines: ['inner'] }] })[0] ?? '',
    /^entrances\.0\.name is "door"; expected a name that lines\.0 does not have/,
  );
});

test('a zone is not called store, passes a line that exists, and may have a dent', () => {
  assert.match(problemsOf({ zones: [{ name: 'store', polygon: SQUARE }] })[0] ?? '', /under which the whole store/);
  assert.match(
    problemsOf({ zones: [{ name: 'hall', polygon: SQUARE, passes: 'doors' }] })[0] ?? '',
    /^zones\.0\.passes holds "doors"; expected the name of a line or entrance\. Did you mean "door"\?/,
  );
  const dent = [
    [0.1, 0.1],
    [0.3, 0.1],
    [0.3, 0.7],
    [0.7, 0.7],
    [0.7, 0.1],
    [0.9, 0.1],
    [0.9, 0.9],
    [0.1, 0.9],
  ];
  assert.equal(problemsOf({ zones: [{ name: 'u', polygon: dent }] }), []);
  assert.match(
    problemsOf({ zones: [{ name: 'u', polygon: SQUARE.slice(0, 2) }] })[0] ?? '',
    /expected 3 to 12 corners/,
  );
});

test('the way into the store names each way once', () => {
  const inner = { ...DOOR, name: 'inner', from: [0.1, 0.6], to: [0.9, 0.6] };
  const file = { lines: [DOOR, inner], entrances: [{ name: 'main', lines: ['door', 'inner'] }] };
  assert.match(
    problemsOf({ ...file, occupancy: { counters: ['main', 'inner'] } })[0] ?? '',
    /^occupancy\.counters holds "inner" and "main", of which it is part/,
  );
  assert.match(problemsOf({ ...file, occupancy: { counters: ['mian'] } })[0] ?? '', /Did you mean "main"\?/);
  assert.equal(problemsOf({ ...file, occupancy: { counters: ['main'] } }), []);
});

test.run();
