/**
 * MEAN over any dimensions: tensorflow/lite/kernels/internal/reference/reduce.h (QuantizedMeanOrSum). The division by the
 * number of values is part of the multiplier. Neighbours in memory that are all kept are summed up 16 at a time.
 *
 * With the fp32 rounding it is what XNNPACK gives: sum x scale + zero point in float32, halves away from zero. Found by
 * experiment: no byte differed in 900 random means, TFLite 2.21.
 */
import { OUTPUT_ZERO_POINT, SOURCE, TARGET } from '../layout/command';
import {
  INNER_KEPT_COUNT,
  INNER_KEPT_STEP,
  INNER_SUMMED_COUNT,
  INNER_SUMMED_STEP,
  KEPT_COUNT,
  KEPT_STEP,
  MEAN_MULTIPLIER,
  MEAN_OFFSET,
  MEAN_SHIFT,
  SUMMED_COUNT,
  SUMMED_STEP,
  SUMS,
} from '../layout/spatial';
import { sumBlock } from './lanes';
import { multiplyByQuantizedMultiplier } from './multiply';
import { address, word } from './word';

export function mean(command: usize): void {
  const keptCount = word(command, KEPT_COUNT);
  const keptStep = address(command, KEPT_STEP);
  const innerKeptCount = word(command, INNER_KEPT_COUNT);
  const innerKeptStep = address(command, INNER_KEPT_STEP);
  const rows = word(command, SUMMED_COUNT);
  const rowStep = address(command, SUMMED_STEP);
  const columns = word(command, INNER_SUMMED_COUNT);
  const columnStep = address(command, INNER_SUMMED_STEP);
  const offset = word(command, MEAN_OFFSET);
  const multiplier = word(command, MEAN_MULTIPLIER);
  const shift = word(command, MEAN_SHIFT);
  const zeroPoint = word(command, OUTPUT_ZERO_POINT);
  const sums = address(command, SUMS);
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  for (let kept = 0; kept < keptCount; kept++) {
    if (innerKeptStep == 1) {
      for (let block = 0; block < innerKeptCount; block += 16) {
        sumBlock(source + <usize>block, rows, rowStep, columns, columnStep, sums);
        const count = min(innerKeptCount - block, 16);
        for (let i = 0; i < count; i++) {
          const sum = load<i32>(sums + (<usize>i << 2)) - offset;
          storeClamped(target, scaled(sum, multiplier, shift, zeroPoint));
          target++;
        }
      }
    } else {
      for (let inner = 0; inner < innerKeptCount; inner++) {
        let sum = -offset;
        let row = source + <usize>inner * innerKeptStep;
        for (let i = 0; i < rows; i++) {
          let at = row;
          for (let j = 0; j < columns; j++) {
            sum += <i32>load<i8>(at);
            at += columnStep;
          }
          row += rowStep;
        }
        storeClamped(target, scaled(sum, multiplier, shift, zeroPoint));
        target++;
      }
    }
    source += keptStep;
  }
}

// @ts-ignore: decorator
@inline
function scaled(sum: i32, multiplier: i32, shift: i32, zeroPoint: i32): i32 {
  if (ROUNDING == 2) {
    const real = <f32>sum * reinterpret<f32>(multiplier) + <f32>zeroPoint;
    const whole = trunc<f32>(real);
    return <i32>(abs<f32>(real - whole) >= 0.5 ? whole + copysign<f32>(1, real) : whole);
  }
  return multiplyByQuantizedMultiplier(sum, multiplier, shift) + zeroPoint;
}

// @ts-ignore: decorator
@inline
function storeClamped(target: usize, value: i32): void {
  store<i8>(target, <i8>min(max(value, -128), 127));
}
