/**
 * Operators that move bytes and compute nothing: concatenation, padding, slices, and reshapes that cannot share their
 * bytes. One kernel of nested loops around a contiguous run serves them all; the loader makes the run as long as it can.
 * Sixteen bytes at a time, or fewer: a memory.copy per pixel would cost a call out of WebAssembly each.
 */
import { SOURCE, TARGET } from '../layout/command';
import { FILL_BYTES, FILL_VALUE, LOOP_COUNTS, RUN_BYTES, SOURCE_STEPS, TARGET_STEPS } from '../layout/spatial';
import { address, word } from './word';

/** Runs longer than this are left to memory.copy. */
const LONG_RUN_BYTES: usize = 1024;

export function move(command: usize): void {
  const run = address(command, RUN_BYTES);
  const count0 = word(command, LOOP_COUNTS);
  const count1 = word(command, LOOP_COUNTS + 1);
  const count2 = word(command, LOOP_COUNTS + 2);
  const count3 = word(command, LOOP_COUNTS + 3);
  // Steps may be negative; addresses wrap around, so the sums come out right.
  const sourceStep0 = address(command, SOURCE_STEPS);
  const sourceStep1 = address(command, SOURCE_STEPS + 1);
  const sourceStep2 = address(command, SOURCE_STEPS + 2);
  const sourceStep3 = address(command, SOURCE_STEPS + 3);
  const targetStep0 = address(command, TARGET_STEPS);
  const targetStep1 = address(command, TARGET_STEPS + 1);
  const targetStep2 = address(command, TARGET_STEPS + 2);
  const targetStep3 = address(command, TARGET_STEPS + 3);
  let source0 = address(command, SOURCE);
  let target0 = address(command, TARGET);
  for (let i0 = 0; i0 < count0; i0++) {
    let source1 = source0;
    let target1 = target0;
    for (let i1 = 0; i1 < count1; i1++) {
      let source2 = source1;
      let target2 = target1;
      for (let i2 = 0; i2 < count2; i2++) {
        let source3 = source2;
        let target3 = target2;
        for (let i3 = 0; i3 < count3; i3++) {
          copyRun(source3, target3, run);
          source3 += sourceStep3;
          target3 += targetStep3;
        }
        source2 += sourceStep2;
        target2 += targetStep2;
      }
      source1 += sourceStep1;
      target1 += targetStep1;
    }
    source0 += sourceStep0;
    target0 += targetStep0;
  }
}

export function fill(command: usize): void {
  memory.fill(address(command, TARGET), <u8>word(command, FILL_VALUE), address(command, FILL_BYTES));
}

/** Copies bytes that do not overlap. The last piece of a run overlaps the one before it where they do not divide evenly. */
// @ts-ignore: decorator
@inline
export function copyRun(source: usize, target: usize, count: usize): void {
  if (count >= 16) {
    if (count >= LONG_RUN_BYTES) {
      memory.copy(target, source, count);
    } else {
      const last = count - 16;
      for (let i: usize = 0; i < last; i += 16) v128.store(target + i, v128.load(source + i));
      v128.store(target + last, v128.load(source + last));
    }
  } else if (count >= 8) {
    store<u64>(target, load<u64>(source));
    store<u64>(target + count - 8, load<u64>(source + count - 8));
  } else if (count >= 4) {
    store<u32>(target, load<u32>(source));
    store<u32>(target + count - 4, load<u32>(source + count - 4));
  } else {
    for (let i: usize = 0; i < count; i++) store<u8>(target + i, load<u8>(source + i));
  }
}
