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
  new HeatMapDecoder(engine, { cellPx: FAKE_CELL_PX, scoreLow: SCORE_LOW, nearMax: 0.3, overlapMax: 0.4 }).decode(
    table,
  );
  return Array.from({ length: table.count }, (_, i) => ({
    x: table.xPx[i]!,
    y: table.yPx[i]!,
    width: table.widthPx[i]!,
    height: table.heightPx[i]!,
    score: Math.round(table.score[i]! * 1000) / 1000,
  }));
}

test('a peak becomes a person: the head in its cell, the body by octaves, the score by the logistic curve', () => {
  const found = decode({ row: 2, column: 3, heatQ: 20, dx: 0.5, dy: 0.25, log2Width: 2, log2Height: 3 });
  assert.equal(found, [{ x: 28, y: 18, width: 32, height: 64, score: 0.881 }]);
});

test("the point that is followed lies half way from the head to the body's middle", () => {
  const found = decode({ row: 2, column: 3, heatQ: 20, log2Width: 2, log2Height: 3, ex: 0.25, ey: 0.5 });
  assert.equal([found[0]!.x, found[0]!.y], [24 + 4, 16 + 16]);
});

test('warming up saw people, leaves none of them, and changes nothing', () => {
  const engine = new FakeEngine();
  const decoder = new HeatMapDecoder(engine, {
    cellPx: FAKE_CELL_PX,
    scoreLow: SCORE_LOW,
    nearMax: 0.3,
    overlapMax: 0.4,
  });
  let mostPeople = 0;
  class WatchedTable extends DetectionTable {
    override clear(): void {
      mostPeople = Math.max(mostPeople, this.count);
      super.clear();
    }
  }
  const table = new WatchedTable();
  decoder.warmUp(table);
  assert.ok(mostPeople > 1, `${mostPeople} people`);
  assert.is(table.count, 0);
  assert.ok(engine.outputs.every(({ data }) => data.every((q: number) => q === 0)));
  engine.draw({ row: 2, column: 3, heatQ: 20, dx: 0.5, dy: 0.25, log2Width: 2, log2Height: 3 });
  decoder.decode(table);
  assert.equal([table.count, table.xPx[0], table.yPx[0], table.heightPx[0]], [1, 28, 18, 64]);
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

/** 32 x 64 px: heads nearer than 0.3 x 32 = 9.6 px are one. */
const BODY = { log2Width: 2, log2Height: 3 };
/** Boxes below their heads, the one to the left, the other to the right: 24 px apart. */
const ASIDE = [
  { ...BODY, ex: -0.25, ey: 0.5 },
  { ...BODY, ex: 0.25, ey: 0.5 },
] as const;

test('two heads nearer than a share of the narrower body are one person, with the stronger point', () => {
  const found = decode(
    { row: 5, column: 5, heatQ: 10, dx: 0.5, ...ASIDE[0] },
    { row: 5, column: 7, heatQ: 20, dx: -0.5, ...ASIDE[1] },
  );
  assert.equal(found, [{ x: 56, y: 56, width: 32, height: 64, score: 0.881 }]);
});

test('two heads side by side stay two, though their bodies overlap', () => {
  const one = { row: 5, column: 5, heatQ: 10, ...BODY }; // 16 px apart, bodies share a third of their union
  assert.is(decode(one, { row: 5, column: 7, heatQ: 20, ...BODY }).length, 2);
});

test('two boxes that share more than 0.4 of their union are one person, however far their heads seem', () => {
  const upper = { row: 5, column: 5, heatQ: 20, ...BODY, ey: 0.5 };
  const lower = { row: 7, column: 5, heatQ: 10, ...BODY, ey: 0.25 }; // the same box, seen from 16 px further down
  assert.equal(
    decode(upper, lower).map(({ y }) => y),
    [56],
  );
  assert.is(decode(upper, { ...lower, ex: 0.75 }).length, 2);
});

test('a chain of boxes loses only those that overlap a stronger one that stays', () => {
  const body = { log2Width: 3, log2Height: 3, ex: 0, ey: 0 }; // neighbours share 0.45 of their union, the ends 0.14
  const found = decode(
    { row: 5, column: 5, heatQ: 10, ...body },
    { row: 5, column: 8, heatQ: 15, ...body },
    { row: 5, column: 11, heatQ: 20, ...body },
  );
  assert.equal(
    found.map(({ x }) => x),
    [88, 40],
  );
});

test('offsets reach two cells further and sizes stay below 256 cells, whatever the network says', () => {
  const [box] = decode({ row: 1, column: 1, heatQ: 10, dx: 5, dy: -5, log2Width: 20, log2Height: -3 });
  assert.equal([box!.x, box!.y, box!.width, box!.height], [32, -8, 2048, 1]);
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
  const decoder = new HeatMapDecoder(engine, {
    cellPx: FAKE_CELL_PX,
    scoreLow: SCORE_LOW,
    nearMax: 0.3,
    overlapMax: 0.4,
  });
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
    new HeatMapDecoder(other, { cellPx: FAKE_CELL_PX, scoreLow: SCORE_LOW, nearMax: 0.3, overlapMax: 0.4 });
    assert.unreachable('accepted');
  } catch (error) {
    assert.instance(error, ModelError);
    assert.match((error as ModelError).message, "the model's outputs are heat [1, 24, 32, 1]; expected int8 heat");
    assert.is((error as ModelError).exitCode, 78);
  }
});

test.run();
