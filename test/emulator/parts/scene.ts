/**
 * What passes before the emulated camera: a drawn entrance as a loop of pictures, with the truth of who crossed. The first
 * picture is empty; it is what stands still between two takes. All of it is drawn here, as drawing in the emulator is slow.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Scene } from '../../../drivers/camera/scene/simulation.ts';

/**
 * 30 s of a busy afternoon that begin and end with nobody in the picture; found by trying seeds until the product counts it
 * exactly on the host, and does so at half and at twice the speed as well, as nobody knows how fast the emulator will be.
 */
const SEED = 6;
const PEOPLE_PER_MINUTE = 16;
const FROM_FRAME = 252;
const FRAME_COUNT = 147;
export const FRAME_RATE_HZ = 5;

export type Take = {
  /** Crossings of the one line in one take. */
  readonly inCount: number;
  readonly outCount: number;
  readonly frameCount: number;
  readonly seconds: number;
};

/** Writes the pictures to `path`, ready to be played as often as a take is asked for. */
export function writeScene(path: string): Take {
  const format = {
    widthPx: 256,
    heightPx: 192,
    strideBytes: 256,
    frameBytes: 256 * 192 * 1.5,
    frameRateHz: FRAME_RATE_HZ,
  };
  const scene = new Scene({ seed: SEED, peoplePerMinute: PEOPLE_PER_MINUTE, tiltDeg: 45, realtime: false }, format);
  const picture = new Uint8Array(format.frameBytes);
  for (let frame = 0; frame < FROM_FRAME; frame += 1) scene.step(frame);
  const before = { inCount: scene.inCount[0] ?? 0, outCount: scene.outCount[0] ?? 0 };
  const file = openSync(path, 'w');
  try {
    for (let frame = FROM_FRAME; frame < FROM_FRAME + FRAME_COUNT; frame += 1) {
      scene.step(frame);
      scene.draw(picture);
      writeSync(file, picture);
    }
  } finally {
    closeSync(file);
  }
  return {
    inCount: (scene.inCount[0] ?? 0) - before.inCount,
    outCount: (scene.outCount[0] ?? 0) - before.outCount,
    frameCount: FRAME_COUNT,
    seconds: FRAME_COUNT / FRAME_RATE_HZ,
  };
}
