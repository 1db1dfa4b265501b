/**
 * Goal: no two tensors ever share a byte while both are needed, and the plan is deterministic and tight.
 * Method: worked examples, and fast-check over random sizes and lifetimes.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describePlan, type Need, packTensors, planMemory, type Region } from '../../../../runtime/eye/infer/plan.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 300);

const needs = fc.array(
  fc
    .tuple(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: -1, max: 40 }), fc.integer({ min: 0, max: 12 }))
    .map(([bytes, firstUse, length]): Need => ({ name: 'tensor', bytes, firstUse, lastUse: firstUse + length })),
  { maxLength: 60 },
);

function overlap(a: Region, b: Region): boolean {
  return a.offsetBytes < b.offsetBytes + b.bytes && b.offsetBytes < a.offsetBytes + a.bytes;
}

test('tensors that live at the same time never share a byte', () => {
  fc.assert(
    fc.property(
      needs,
      fc.nat(200_000),
      fc.nat(5000),
      fc.nat(5000),
      (tensors, slotBytes, scratchBytes, constantBytes) => {
        const plan = planMemory({ slotBytes, tensors, scratchBytes, constantBytes });
        for (const [i, a] of plan.tensors.entries()) {
          const arenaEnd = plan.arena.offsetBytes + plan.arena.bytes;
          assert.ok(
            a.offsetBytes >= plan.arena.offsetBytes && a.offsetBytes + a.bytes <= arenaEnd,
            'inside of the arena',
          );
          assert.is(a.offsetBytes % 16, 0, 'aligned');
          for (const b of plan.tensors.slice(0, i)) {
            const together = a.lifetime![0] <= b.lifetime![1] && b.lifetime![0] <= a.lifetime![1];
            assert.not(together && overlap(a, b), `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
          }
        }
      },
    ),
    { numRuns: RUNS },
  );
});

test('slot, arena, scratch and constants never overlap and fit into the memory', () => {
  fc.assert(
    fc.property(
      needs,
      fc.nat(200_000),
      fc.nat(5000),
      fc.nat(5000),
      (tensors, slotBytes, scratchBytes, constantBytes) => {
        const plan = planMemory({ slotBytes, tensors, scratchBytes, constantBytes });
        const regions = [plan.slot, plan.arena, plan.scratch, plan.constants];
        for (const [i, region] of regions.entries()) {
          assert.ok(region.offsetBytes >= 16 && region.offsetBytes + region.bytes + 16 <= plan.pages * 65_536);
          for (const other of regions.slice(0, i)) assert.not(overlap(region, other));
        }
        assert.is(plan.scratch.offsetBytes, plan.arena.offsetBytes + plan.arena.bytes, 'one stretch to erase');
      },
    ),
    { numRuns: RUNS },
  );
});

test('tensors whose lifetimes only touch at one operator do not share: it reads one while it writes the other', () => {
  const { offsets, bytes } = packTensors([
    { name: 'a', bytes: 32, firstUse: 0, lastUse: 1 },
    { name: 'b', bytes: 32, firstUse: 1, lastUse: 2 },
    { name: 'c', bytes: 32, firstUse: 2, lastUse: 3 },
  ]);
  assert.equal(offsets, [0, 32, 0]);
  assert.is(bytes, 64);
});

test('a gap is filled before the arena grows', () => {
  const { offsets, bytes } = packTensors([
    { name: 'first', bytes: 160, firstUse: 0, lastUse: 1 },
    { name: 'kept', bytes: 80, firstUse: 0, lastUse: 9 },
    { name: 'later', bytes: 96, firstUse: 2, lastUse: 3 },
    { name: 'small', bytes: 64, firstUse: 2, lastUse: 3 },
  ]);
  assert.equal(offsets, [0, 160, 0, 96]);
  assert.is(bytes, 240);
});

test('the description names every region with offset and bytes', () => {
  const tensors = [{ name: 'stem', bytes: 48, firstUse: 0, lastUse: 4 }];
  const lines = describePlan(planMemory({ slotBytes: 96, tensors, scratchBytes: 16, constantBytes: 10 }));
  assert.equal(lines, [
    '   offset     bytes  region (1 pages of 65536 bytes, fixed)',
    '       16        96  frame slot',
    '      112        48  arena',
    '      112        48    stem, operators 0 to 4',
    '      160        16  scratch',
    '      176        10  constants',
  ]);
});

test.run();
