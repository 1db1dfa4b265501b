/**
 * The kernels: AssemblyScript, compiled to WebAssembly SIMD. Start here.
 *
 * `run` walks a list of commands that the loader wrote into the linear memory (../layout.ts has its words) and calls
 * one kernel per command; `erase` zeroes bytes. Nothing else is exported, nothing is allocated, there is no state: all
 * that is known about a model lies in the memory that the loader planned.
 *
 * Every kernel gives the very bytes of the kernels it is held against: TFLite's reference kernels, or XNNPACK where the
 * rounding is fp32. None of them checks a bound: the loader has proved every address and size before the first frame.
 */
import { COMMAND_BYTES } from '../layout/command';
import {
  KIND_ANY_CONVOLUTION,
  KIND_DEPTHWISE_DOT,
  KIND_DEPTHWISE_PAIRS,
  KIND_GATHER_DOT,
  KIND_GATHER_PAIRS,
  KIND_GATHER_RELAXED,
  KIND_PATCH,
  KIND_PATCH_RELAXED,
  KIND_POINTWISE_DOT,
  KIND_POINTWISE_PAIRS,
  KIND_POINTWISE_RELAXED,
} from '../layout/convolution';
import {
  KIND_ADD,
  KIND_DEQUANTIZE,
  KIND_FULLY_CONNECTED,
  KIND_MULTIPLY,
  KIND_QUANTIZE,
  KIND_SOFTMAX,
  KIND_TABLE,
} from '../layout/elementwise';
import { KIND_FEED_GRAY, KIND_FEED_PLANE, KIND_FEED_RGB } from '../layout/pixels';
import {
  KIND_AVERAGE_POOL,
  KIND_BILINEAR,
  KIND_DOUBLE,
  KIND_FILL,
  KIND_MAX_POOL,
  KIND_MEAN,
  KIND_MOVE,
  KIND_NEAREST,
  KIND_TRANSPOSE_CONVOLUTION,
} from '../layout/spatial';
import { addition } from './addition';
import { anyConvolution } from './any';
import {
  gatherDot,
  gatherPairs,
  gatherRelaxed,
  patch,
  patchRelaxed,
  pointwiseDot,
  pointwisePairs,
  pointwiseRelaxed,
} from './convolution';
import { depthwiseDot, depthwisePairs } from './depthwise';
import { dequantize, quantize } from './edges';
import { fullyConnected } from './fully-connected';
import { mean } from './mean';
import { fill, move } from './move';
import { multiplication } from './multiplication';
import { feedGray, feedPlane, feedRgb } from './pixels';
import { averagePool, maxPool } from './pooling';
import { bilinear, double, nearestNeighbour } from './resize';
import { softmax } from './softmax';
import { table } from './table';
import { transposeConvolution } from './transpose-convolution';

/** Runs commands first .. last - 1 of the list at address `commands`. */
export function run(commands: usize, first: i32, last: i32): void {
  for (let i = first; i < last; i++) {
    const command = commands + <usize>i * COMMAND_BYTES;
    switch (load<i32>(command)) {
      case KIND_ANY_CONVOLUTION:
        anyConvolution(command);
        break;
      case KIND_PATCH:
        patch(command);
        break;
      case KIND_POINTWISE_PAIRS:
        pointwisePairs(command);
        break;
      case KIND_GATHER_PAIRS:
        gatherPairs(command);
        break;
      case KIND_DEPTHWISE_PAIRS:
        depthwisePairs(command);
        break;
      case KIND_POINTWISE_DOT:
        pointwiseDot(command);
        break;
      case KIND_GATHER_DOT:
        gatherDot(command);
        break;
      case KIND_DEPTHWISE_DOT:
        depthwiseDot(command);
        break;
      case KIND_ADD:
        addition(command);
        break;
      case KIND_MULTIPLY:
        multiplication(command);
        break;
      case KIND_TABLE:
        table(command);
        break;
      case KIND_SOFTMAX:
        softmax(command);
        break;
      case KIND_QUANTIZE:
        quantize(command);
        break;
      case KIND_DEQUANTIZE:
        dequantize(command);
        break;
      case KIND_FULLY_CONNECTED:
        fullyConnected(command);
        break;
      case KIND_MOVE:
        move(command);
        break;
      case KIND_FILL:
        fill(command);
        break;
      case KIND_DOUBLE:
        double(command);
        break;
      case KIND_FEED_PLANE:
        feedPlane(command);
        break;
      case KIND_FEED_GRAY:
        feedGray(command);
        break;
      case KIND_FEED_RGB:
        feedRgb(command);
        break;
      case KIND_NEAREST:
        nearestNeighbour(command);
        break;
      case KIND_BILINEAR:
        bilinear(command);
        break;
      case KIND_MAX_POOL:
        maxPool(command);
        break;
      case KIND_AVERAGE_POOL:
        averagePool(command);
        break;
      case KIND_MEAN:
        mean(command);
        break;
      case KIND_TRANSPOSE_CONVOLUTION:
        transposeConvolution(command);
        break;
      default:
        if (RELAXED == 1) runRelaxed(command);
        else unreachable();
    }
  }
}

/** What is compiled into the module `relaxed` alone. */
function runRelaxed(command: usize): void {
  switch (load<i32>(command)) {
    case KIND_PATCH_RELAXED:
      patchRelaxed(command);
      break;
    case KIND_POINTWISE_RELAXED:
      pointwiseRelaxed(command);
      break;
    case KIND_GATHER_RELAXED:
      gatherRelaxed(command);
      break;
    default:
      unreachable();
  }
}

/** Zeroes bytes; one memory.fill, which the engine compiles to the C library's memset. */
export function erase(offset: usize, bytes: usize): void {
  memory.fill(offset, 0, bytes);
}
