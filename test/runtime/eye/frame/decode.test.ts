// Goal: a person in the maps is one box, where the maps say; nobody is doubled, and the strongest are never lost to noise.
// Method: literal int8 maps through an engine without a network (logit = q / 10; a cell is 8 px).
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../../runtime/errors.ts';
import { HeatMapDecoder } from '../../../../runtime/eye/frame/decode.ts';
import { DETECTIONS_MAX, DetectionTable } from '../../../../runtime/eye/track/detections.ts';
import { FAKE_CELL_PX, FakeEngine, type FakePeak } from '../../../fakes/engine.ts';

/** Logit 0: half. */
const SCORE_LOW = 0.5;

type Box = { x: number; y: number; width: number; height: number; score: number };

function decode(...peaks: FakePeak[]): Box[] {
  const engine = new FakeEngine();
  const table = new DetectionTable();
  engine.draw(...peaks);
  new HeatMapDecoder(engine, { cellPx: FAKE_CELL_PX, scoreLow: SCORE_LOW, overlapMax: 0.4 }).decode(table);
  return Array.from({ length: table.count }, (_, i) => ({
    x: table.xPx[i]!,
    y: table.yPx[i]!,
    width: table.widthPx[i]!,
    height: table.heightPx[i]!,
    score: Math.round(table.score[i]! * 1000) / 1000,
  }));
}

test('a peak becomes a box: centre in its cell, size by octaves, score by the logistic curve', () => {
  const found = decode({ row: 2, column: 3, heatQ: 20, dx: 0.5, dy: 0.25, log2Width: 2, log2Height: 3 });
  assert.equal(found, [{ x: 28, y: 18, width: 32, height: 64, score: 0.881 }]);
});

test('an empty map has nobody in it', () => {
  assert.equal(decode(), []);
});

test('the threshold is included, one step below is not', () => {
  assert.is(decode({ row: 5, column: 5, heatQ: 0 }).length, 1);
  assert.is(decode({ row: 5, column: 5, heatQ: -1 }).length, 0);
});

test('the neighbours of a peak are not people', () => {
  const found = decode(
    { row: 5, column: 5, heatQ: 30 },
    { row: 4, column: 4, heatQ: 20 },
    { row: 5, column: 6, heatQ: 29 },
    { row: 6, column: 5, heatQ: 10 },
  );
  assert.equal(
    found.map(({ score }) => score),
    [0.953],
  );
});

test('a plateau is one person: the first cell in reading order', () => {
  const square = [5, 6].flatMap((row) => [8, 9].map((column) => ({ row, column, heatQ: 15 })));
  assert.equal(
    decode(...square).map(({ x, y }) => [x, y]),
    [[64, 40]],
  );
  const row = [8, 9, 10, 11].map((column) => ({ row: 7, column, heatQ: 15 }));
  assert.equal(
    decode(...row).map(({ x, y }) => [x, y]),
    [[64, 56]],
  );
});

test('peaks in the corners of the map are people too', () => {
  const corners = [0, 23].flatMap((row) => [0, 31].map((column) => ({ row, column, heatQ: 10 })));
  assert.equal(
    decode(...corners).map(({ x, y }) => [x, y]),
    [
      [0, 0],
      [248, 0],
      [0, 184],
      [248, 184],
    ],
  );
});

test('two boxes that share more than 0.4 of their union are one person, with the stronger box', () => {
  const large = { log2Width: 3, log2Height: 3 }; // 64 px: 16 px apart share 0.6 of their union
  const found = decode({ row: 5, column: 5, heatQ: 10, ...large }, { row: 5, column: 7, heatQ: 20, ...large });
  assert.equal(found, [{ x: 56, y: 40, width: 64, height: 64, score: 0.881 }]);
  const reversed = decode({ row: 5, column: 5, heatQ: 20, ...large }, { row: 5, column: 7, heatQ: 10, ...large });
  assert.equal(reversed, [{ x: 40, y: 40, width: 64, height: 64, score: 0.881 }]);
});

test('a small box inside of a large one is the same person, whichever is stronger', () => {
  const part = { log2Width: 2, log2Height: 2 };
  const whole = { log2Width: 3, log2Height: 3 };
  assert.is(decode({ row: 5, column: 5, heatQ: 10, ...part }, { row: 5, column: 7, heatQ: 20, ...whole }).length, 1);
  assert.is(decode({ row: 5, column: 5, heatQ: 20, ...part }, { row: 5, column: 7, heatQ: 10, ...whole }).length, 1);
});

test('two people side by side stay two', () => {
  const body = { log2Width: 2, log2Height: 3 }; // 32 × 64 px: 24 px apart share 0.14 of their union
  assert.is(decode({ row: 5, column: 5, heatQ: 10, ...body }, { row: 5, column: 8, heatQ: 20, ...body }).length, 2);
});

test('a chain of boxes loses only those that overlap a stronger one that stays', () => {
  const body = { log2Width: 3, log2Height: 3 }; // neighbours share 0.6 of their union, the ends 0.33
  const found = decode(
    { row: 5, column: 5, heatQ: 10, ...body },
    { row: 5, column: 7, heatQ: 15, ...body },
    { row: 5, column: 9, heatQ: 20, ...body },
  );
  assert.equal(
    found.map(({ x }) => x),
    [72, 40],
  );
});

test('near in one direction only is not near', () => {
  const tall = { log2Width: 0, log2Height: 4 }; // 8 × 128 px: 2.8 px across, 44.8 px along
  assert.is(decode({ row: 5, column: 5, heatQ: 10, ...tall }, { row: 5, column: 7, heatQ: 10, ...tall }).length, 2);
  assert.is(decode({ row: 5, column: 5, heatQ: 10, ...tall }, { row: 7, column: 5, heatQ: 10, ...tall }).length, 1);
});

test('offsets stay in their cell and sizes below 64 cells, whatever the network says', () => {
  const [box] = decode({ row: 1, column: 1, heatQ: 10, dx: 3, dy: -3, log2Width: 20, log2Height: -3 });
  assert.equal([box!.x, box!.y, box!.width, box!.height], [16, 8, 512, 1]);
});

test('a full table keeps its rows and takes no more', () => {
  const grid = Array.from({ length: 12 * 16 }, (_, i) => ({
    row: 2 * Math.floor(i / 16),
    column: 2 * (i % 16),
    heatQ: 10,
  }));
  assert.is(decode(...grid).length, DETECTIONS_MAX);
});

test('the table is filled anew: nobody stays from the frame before', () => {
  const engine = new FakeEngine();
  const table = new DetectionTable();
  const decoder = new HeatMapDecoder(engine, { cellPx: FAKE_CELL_PX, scoreLow: SCORE_LOW, overlapMax: 0.4 });
  engine.draw({ row: 1, column: 1, heatQ: 10 });
  decoder.decode(table);
  engine.draw();
  decoder.decode(table);
  assert.is(table.count, 0);
});

test('whatever the map, its strongest cell is among the detections', () => {
  const peak = fc.record({
    row: fc.integer({ min: 0, max: 23 }),
    column: fc.integer({ min: 0, max: 31 }),
    heatQ: fc.integer({ min: 0, max: 127 }),
    log2Width: fc.integer({ min: 0, max: 4 }),
    log2Height: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(peak, { minLength: 1, maxLength: 40, selector: (p) => p.row * 32 + p.column }),
      (peaks) => {
        const strongest = Math.max(...peaks.map(({ heatQ }) => heatQ));
        const expected = Math.round((1 / (1 + Math.exp(-strongest / 10))) * 1000) / 1000;
        assert.ok(decode(...peaks).some(({ score }) => score === expected));
      },
    ),
  );
});

test('a model with other outputs is refused with what it has', () => {
  const engine = new FakeEngine();
  const other = { name: 'other', format: engine.format, outputs: [engine.outputs[0]!] } as unknown as FakeEngine;
  try {
    new HeatMapDecoder(other, { cellPx: FAKE_CELL_PX, scoreLow: SCORE_LOW, overlapMax: 0.4 });
    assert.unreachable('accepted');
  } catch (error) {
    assert.instance(error, ModelError);
    assert.match((error as ModelError).message, "the model's outputs are heat [1, 24, 32, 1]; expected int8 heat");
    assert.is((error as ModelError).exitCode, 78);
  }
});

test.run();
