/**
 * Commands that move bytes: what concatenations, paddings, slices and reshapes have in common.
 */
import { strict as assert } from 'node:assert';
import * as command from '../layout/command.ts';
import * as layout from '../layout/spatial.ts';
import type { GraphTensor } from '../tensor.ts';
import type { Command } from './lowering.ts';

/** A loop: how often, and how many bytes further each time. */
export type Loop = { readonly count: number; readonly sourceStep: number; readonly targetStep: number };

/** Loops, outermost first, around a run of bytes that lie together in source and target. */
export type Move = {
  readonly loops: readonly Loop[];
  readonly runBytes: number;
  /** From the start of the tensors to the first byte. */
  readonly sourceOffset: number;
  readonly targetOffset: number;
};

/** Ranks above this would need more loops than the kernel has. */
export const MOVE_RANK_MAX = layout.MOVE_LOOPS;

/** Bytes from one index to the next in each dimension of a dense tensor. */
export function stepsOf(shape: readonly number[], valueBytes: number): number[] {
  const steps = new Array<number>(shape.length);
  let step = valueBytes;
  for (let i = shape.length - 1; i >= 0; i -= 1) {
    steps[i] = step;
    step *= shape[i]!;
  }
  return steps;
}

/** Makes the run as long and the loops as few as they can be. runBytes: what lies together for sure, one value at least. */
export function joinLoops(loops: readonly Loop[], runBytes: number): Pick<Move, 'loops' | 'runBytes'> {
  const joined: Loop[] = [];
  for (const loop of [...loops].reverse()) {
    if (loop.count === 1) continue;
    const inner = joined[0];
    if (inner === undefined && loop.sourceStep === runBytes && loop.targetStep === runBytes) {
      runBytes *= loop.count;
    } else if (
      inner !== undefined &&
      loop.sourceStep === inner.sourceStep * inner.count &&
      loop.targetStep === inner.targetStep * inner.count
    ) {
      joined[0] = { ...inner, count: inner.count * loop.count };
    } else {
      joined.unshift(loop);
    }
  }
  return { loops: joined, runBytes };
}

/** All bytes of a tensor to the start of another. */
export function wholeMove(tensor: GraphTensor): Move {
  return { loops: [], runBytes: tensor.bytes, sourceOffset: 0, targetOffset: 0 };
}

export function moveCommand(input: GraphTensor, output: GraphTensor, move: Move): Command {
  const { loops, runBytes, sourceOffset, targetOffset } = move;
  assert.ok(loops.length <= layout.MOVE_LOOPS, `${loops.length} loops; the kernel has ${layout.MOVE_LOOPS}`);
  return {
    kernel: 'copy',
    write: (words, address) => {
      words[command.KIND] = layout.KIND_MOVE;
      words[command.SOURCE] = address.tensor(input) + sourceOffset;
      words[command.TARGET] = address.tensor(output) + targetOffset;
      words[layout.RUN_BYTES] = runBytes;
      for (let i = 0; i < layout.MOVE_LOOPS; i += 1) {
        const loop = loops[i - layout.MOVE_LOOPS + loops.length];
        words[layout.LOOP_COUNTS + i] = loop?.count ?? 1;
        words[layout.SOURCE_STEPS + i] = loop?.sourceStep ?? 0;
        words[layout.TARGET_STEPS + i] = loop?.targetStep ?? 0;
      }
    },
  };
}

/** Every byte of the tensor becomes `value`. */
export function fillCommand(output: GraphTensor, value: number): Command {
  return {
    kernel: 'fill',
    write: (words, address) => {
      words[command.KIND] = layout.KIND_FILL;
      words[command.TARGET] = address.tensor(output);
      words[layout.FILL_BYTES] = output.bytes;
      words[layout.FILL_VALUE] = value;
    },
  };
}
