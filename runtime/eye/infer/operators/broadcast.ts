/**
 * Two tensors of different shapes, value by value: which value of each meets which. As numpy has it: shapes are aligned at
 * their last dimension, and a dimension of 1 is repeated (tensorflow/lite/kernels/kernel_util.cc,
 * CalculateShapeForBroadcast).
 *
 * Dimensions that both tensors walk through alike are merged, so equal shapes become one row, a value per channel becomes
 * rows of channels, and the kernels need no more than four loops.
 */
import * as command from '../layout/command.ts';
import * as layout from '../layout/elementwise.ts';
import type { ActivationRange } from '../quantize.ts';
import type { GraphTensor } from '../tensor.ts';
import { expectShape, refuse } from './checking.ts';
import type { Addresses } from './lowering.ts';

/** One loop, and what a step of it is worth in values of each input: 0 where the input repeats. */
type Loop = { readonly count: number; readonly stepA: number; readonly stepB: number };

/** Outermost first; the innermost one runs over neighbours, or repeats one of the inputs. */
export type Broadcast = readonly [Loop, Loop, Loop, Loop];

const ONCE: Loop = { count: 1, stepA: 0, stepB: 0 };

/** Refuses shapes that do not fit each other or the output. */
export function broadcast(a: GraphTensor, b: GraphTensor, output: GraphTensor): Broadcast {
  const rank = Math.max(a.shape.length, b.shape.length);
  const size = ({ shape }: GraphTensor, fromEnd: number): number => shape[shape.length - fromEnd] ?? 1;
  const loops: Loop[] = [];
  const shape: number[] = [];
  let [valuesA, valuesB] = [1, 1];
  for (let fromEnd = 1; fromEnd <= rank; fromEnd += 1) {
    const [sizeA, sizeB] = [size(a, fromEnd), size(b, fromEnd)];
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      refuse(`has inputs of shape [${a.shape}] and [${b.shape}]; expected sizes that are equal or 1`);
    }
    const loop = {
      count: Math.max(sizeA, sizeB),
      stepA: sizeA === 1 ? 0 : valuesA,
      stepB: sizeB === 1 ? 0 : valuesB,
    };
    shape.unshift(loop.count);
    valuesA *= sizeA;
    valuesB *= sizeB;
    if (loop.count === 1) continue;
    const inner = loops[0];
    if (inner && loop.stepA === inner.count * inner.stepA && loop.stepB === inner.count * inner.stepB) {
      loops[0] = { ...inner, count: inner.count * loop.count };
    } else loops.unshift(loop);
  }
  expectShape(output, shape);
  if (loops.length > 4) refuse(`has inputs of shape [${a.shape}] and [${b.shape}], which take more than four loops`);
  const [outer = ONCE, middle = ONCE, inner = ONCE, row = ONCE] = [
    ...new Array<Loop>(4 - loops.length).fill(ONCE),
    ...loops,
  ];
  return [outer, middle, inner, row];
}

/** Fills the words that ADD and MUL share: where the operands lie, their zero points, and which values meet. */
export function writeOperands(
  words: Int32Array,
  address: Addresses,
  [a, b]: readonly [GraphTensor, GraphTensor],
  output: GraphTensor,
  range: ActivationRange,
  loops: Broadcast,
): void {
  words[command.SOURCE] = address.tensor(a);
  words[layout.SOURCE_B] = address.tensor(b);
  words[command.TARGET] = address.tensor(output);
  words[layout.ZERO_POINT_A] = a.zeroPoint;
  words[layout.ZERO_POINT_B] = b.zeroPoint;
  words[command.OUTPUT_ZERO_POINT] = output.zeroPoint;
  words[command.OUTPUT_MIN] = range.minQ;
  words[command.OUTPUT_MAX] = range.maxQ;
  writeLoops(words, loops);
}

/** Fills the words of layout/elementwise.ts that say which values meet. */
function writeLoops(words: Int32Array, [outer, middle, inner, row]: Broadcast): void {
  words[layout.ROWS] = outer.count * middle.count * inner.count;
  words[layout.INNER] = inner.count;
  words[layout.MIDDLE] = middle.count;
  words[layout.ROW_VALUES] = row.count;
  // A step of an outer loop, less the way that the inner loops have gone already.
  words[layout.EACH_A] = row.stepA;
  words[layout.STEP_A] = inner.stepA;
  words[layout.NEXT_A] = middle.stepA - inner.count * inner.stepA;
  words[layout.LAST_A] = outer.stepA - middle.count * middle.stepA;
  words[layout.EACH_B] = row.stepB;
  words[layout.STEP_B] = inner.stepB;
  words[layout.NEXT_B] = middle.stepB - inner.count * inner.stepB;
  words[layout.LAST_B] = outer.stepB - middle.count * middle.stepB;
}

/** The same loops with the inputs in the other order. */
export function swapped(loops: Broadcast): Broadcast {
  const swap = ({ count, stepA, stepB }: Loop): Loop => ({ count, stepA: stepB, stepB: stepA });
  return [swap(loops[0]), swap(loops[1]), swap(loops[2]), swap(loops[3])];
}
