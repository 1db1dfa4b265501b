/**
 * Goal: what is drawn of a shape is exactly what its bounds promise, from every side, however it is squeezed.
 * Method: random round cones before an empty background; the outermost drawn samples are held against the bounds.
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LIGHT_COUNT, makeCloth, Raster } from '../../../../drivers/camera/scene/raster.ts';
import { Field, PART_COLUMNS, Part, Solids, Weave } from '../../../../drivers/camera/scene/solids.ts';
import { makeView } from '../../../../drivers/camera/scene/view.ts';

const test = suite('scene raster');
const view = makeView({ heightM: 3, tiltDeg: 35, fovDeg: 66 }, 256, 192);
const raster = new Raster(
  view,
  makeCloth(() => 0.5),
);
const solids = new Solids(view, 4);
const nothing = new Float32Array(raster.depth.length).fill(1e6);
const lights = new Float64Array(LIGHT_COUNT).fill(0.5);

/** Draws one part between two points; samples drawn as left, top, right, bottom in pixels, and how many. */
function draw(ends: readonly number[], radiusA: number, radiusB: number, flat: number, tall: number) {
  const part = new Float64Array(PART_COLUMNS);
  part[Part.jointA] = 0;
  part[Part.jointB] = 1;
  part[Part.radiusA] = radiusA;
  part[Part.radiusB] = radiusB;
  part[Part.flat] = flat;
  part[Part.tall] = tall;
  part[Part.y] = 200;
  part[Part.weave] = Weave.plain;
  part[Part.openA] = 1;
  part[Part.openB] = 1;
  solids.count = 0;
  solids.side.set([0.6, 0.8, 0]);
  solids.beginBox();
  solids.add(part, 0, Float64Array.from(ends), 1);
  raster.begin(nothing);
  if (solids.count > 0) raster.draw(solids.table, 0, lights);
  const seen = [1e6, 1e6, -1e6, -1e6];
  let count = 0;
  raster.owner.forEach((owner, sample) => {
    if (owner === 0) return;
    count += 1;
    const x = ((sample % raster.widthSamples) + 0.5) / 2;
    const y = (Math.floor(sample / raster.widthSamples) + 0.5) / 2;
    seen[0] = Math.min(seen[0]!, x);
    seen[1] = Math.min(seen[1]!, y);
    seen[2] = Math.max(seen[2]!, x);
    seen[3] = Math.max(seen[3]!, y);
  });
  return { seen, count };
}

test('a ball straight ahead is a disc of the right size', () => {
  const aheadM = 3;
  const centre = [0, view.cameraYM - aheadM * view.sinTilt, view.cameraZM - aheadM * view.cosTilt];
  const { seen, count } = draw([...centre, ...centre], 0.3, 0, 1, 1);
  // Outline of a ball: focal · r / sqrt(d² - r²) around the middle.
  const radiusPx = (view.focalPx * 0.3) / Math.sqrt(aheadM ** 2 - 0.3 ** 2);
  assert.ok(Math.abs(seen[0]! - (128 - radiusPx)) < 0.6 && Math.abs(seen[2]! - (128 + radiusPx)) < 0.6);
  assert.ok(Math.abs(seen[1]! - (96 - radiusPx)) < 0.6 && Math.abs(seen[3]! - (96 + radiusPx)) < 0.6);
  assert.ok(Math.abs(count / 4 - Math.PI * radiusPx ** 2) < Math.PI * radiusPx ** 2 * 0.01);
});

test('a limb fills its bounds from every side', () => {
  const offset = fc.double({ min: -0.4, max: 0.4, noNaN: true });
  const scale = fc.double({ min: 0.45, max: 1.4, noNaN: true });
  const radius = fc.double({ min: 0.06, max: 0.16, noNaN: true });
  fc.assert(
    fc.property(fc.tuple(offset, offset, offset), radius, radius, scale, scale, (to, radiusA, radiusB, flat, tall) => {
      const from = [0.1, view.aimYM, 0.9];
      const { seen } = draw([...from, ...to.map((value, axis) => from[axis]! + value)], radiusA, radiusB, flat, tall);
      // One ball inside the other is not a limb and is not drawn.
      if (solids.count === 0) return;
      for (let edge = 0; edge < 4; edge += 1) {
        const inward = (seen[edge]! - solids.table[Field.bounds + edge]!) * (edge < 2 ? 1 : -1);
        assert.ok(inward > -1e-6 && inward < 0.8, `edge ${edge}: ${inward} px between bounds and what is drawn`);
      }
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 150) },
  );
});

test('the nearer shape hides the farther, whichever is drawn first', () => {
  const at = (aheadM: number): number[] => [
    0,
    view.cameraYM - aheadM * view.sinTilt,
    view.cameraZM - aheadM * view.cosTilt,
  ];
  const middle = raster.widthSamples * 192 + 256;
  draw([...at(2), ...at(2)], 0.2, 0, 1, 1);
  const near = raster.depth[middle]!;
  assert.ok(Math.abs(near - 1.8) < 0.01);
  const nearTable = solids.table.slice();
  draw([...at(3), ...at(3)], 0.3, 0, 1, 1);
  raster.draw(nearTable, 0, lights);
  assert.is(raster.depth[middle], near);
  raster.draw(solids.table, 0, lights);
  assert.is(raster.depth[middle], near);
});

test.run();
