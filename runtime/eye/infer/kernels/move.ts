/**
 * Operators that move bytes and compute nothing: one input of a concatenation, and doubling by nearest neighbour.
 * Eight bytes at a time where channels allow it: a memory.copy per pixel would cost a call out of WebAssembly each.
 */
import {
  INPUT_CHANNELS,
  INPUT_HEIGHT,
  INPUT_WIDTH,
  OUTPUT_CHANNELS,
  OUTPUT_HEIGHT,
  OUTPUT_WIDTH,
  SOURCE,
  TARGET,
  TARGET_PIXEL,
} from '../layout/command';
import { address, word } from './word';

/** Copies the channels of every pixel into a wider pixel. */
export function copyChannels(command: usize): void {
  const pixelCount = word(command, OUTPUT_HEIGHT) * word(command, OUTPUT_WIDTH);
  const channels = address(command, INPUT_CHANNELS);
  const targetPixel = address(command, TARGET_PIXEL);
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  for (let pixel = 0; pixel < pixelCount; pixel++) {
    copy(source, target, channels);
    source += channels;
    target += targetPixel;
  }
}

/** tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h at factor two: output (y, x) is input (y/2, x/2). */
export function double(command: usize): void {
  const height = word(command, INPUT_HEIGHT);
  const width = word(command, INPUT_WIDTH);
  const channels = address(command, OUTPUT_CHANNELS);
  const targetRow = <usize>(2 * width) * channels;
  let source = address(command, SOURCE);
  let target = address(command, TARGET);
  for (let y = 0; y < height; y++) {
    const start = target;
    for (let x = 0; x < width; x++) {
      copy(source, target, channels);
      copy(source, target + channels, channels);
      source += channels;
      target += 2 * channels;
    }
    memory.copy(target, start, targetRow);
    target += targetRow;
  }
}

// @ts-ignore: decorator
@inline
function copy(source: usize, target: usize, count: usize): void {
  if ((count & 7) == 0) {
    for (let i: usize = 0; i < count; i += 8) store<u64>(target + i, load<u64>(source + i));
  } else {
    for (let i: usize = 0; i < count; i++) store<u8>(target + i, load<u8>(source + i));
  }
}
