// Goal: what an installer sees is where people and lines are: in proportion, inside the frame, people over everything.
// Method: small drawings as literals; any positions by fast-check.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { draw, sizeFor } from '../../../../runtime/commands/command/drawing.ts';
import { parseConfig } from '../../../../runtime/config/config.ts';

test('a line, its way in, its name, and a person over it', () => {
  const rows = draw(
    parseConfig({}),
    [
      [0.5, 0.5],
      [0.01, 0.99],
    ],
    { columns: 16, rows: 6 },
  );
  assert.equal(rows, [
    '┌────────────────┐',
    '│                │',
    '│                │',
    '│                │',
    '│─door──↓●──↓─── │',
    '│                │',
    '│●               │',
    '└────────────────┘',
  ]);
});

test('the picture keeps its shape and fits the terminal', () => {
  assert.equal(sizeFor(78, 25), { columns: 67, rows: 25 });
  assert.equal(sizeFor(40, 100), { columns: 40, rows: 15 });
  assert.equal(sizeFor(0, 0), { columns: 16, rows: 6 });
});

test('whatever the positions, the frame stays whole', () => {
  const config = parseConfig({
    zones: [
      {
        name: 'till',
        polygon: [
          [0, 0],
          [1, 0],
          [1, 1],
        ],
      },
    ],
  });
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(share, share)), (dots) => {
      const rows = draw(config, dots, { columns: 32, rows: 12 });
      assert.is(rows.length, 14);
      for (const row of rows) assert.is([...row].length, 34);
      assert.is(rows.join('').includes('●'), dots.length > 0);
    }),
  );
});

test.run();
