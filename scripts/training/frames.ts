/**
 * Draws pictures of the scene camera with their truth, for models/training/scene_camera.py, which reads them from a pipe.
 * Stream: for each picture a line of JSON (seed, frame, how the camera hangs, `people` as PersonRow) and then the frame's
 * bytes, planar YUV420 without padding. Nothing is written to a disk here, and nothing but this drawing can come out.
 * Usage: node dist/scripts/training/frames.js --seed 100000 --entrances 25 --frames 10
 */
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Scene } from '../../drivers/camera/scene/simulation.ts';
import { ExitCode } from '../../runtime/errors.ts';
import { framesOf, optionsOf, rowsOf, TRAINING_SEED_MIN } from './entrances.ts';

const HELP = `Draws pictures of the scene camera with their truth, for training.
  --seed N        the first entrance, ${TRAINING_SEED_MIN} or more: smaller ones are for measuring the product
  --entrances N   how many, with following seeds (25)
  --frames N      pictures of each, seconds apart (10)
`;

function writeAll(bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      // A pipe that is full for the moment; the reader will empty it.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
}

function writeEntrance(seed: number, frameCount: number): void {
  const scene = new Scene(optionsOf(seed));
  const slot = new Uint8Array(scene.format.frameBytes);
  const { heightM, tiltDeg, fovDeg } = scene.options;
  for (const frame of framesOf(seed, frameCount, scene.format.frameRateHz)) {
    scene.step(frame);
    scene.draw(slot);
    const truth = { seed, frame, height_m: heightM, tilt_deg: tiltDeg, fov_deg: fovDeg, people: rowsOf(scene) };
    writeAll(Buffer.from(`${JSON.stringify(truth)}\n`));
    writeAll(slot);
  }
}

function main(): number {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '' },
      entrances: { type: 'string', default: '25' },
      frames: { type: 'string', default: '10' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const [seed, entrances, frames] = [values.seed, values.entrances, values.frames].map(Number) as [
    number,
    number,
    number,
  ];
  if (
    ![seed, entrances, frames].every(Number.isSafeInteger) ||
    seed < TRAINING_SEED_MIN ||
    entrances < 1 ||
    frames < 1
  ) {
    process.stderr.write(`--seed is ${TRAINING_SEED_MIN} or more, --entrances and --frames 1 or more\n\n${HELP}`);
    return ExitCode.usage;
  }
  for (let entrance = 0; entrance < entrances; entrance += 1) writeEntrance(seed + entrance, frames);
  return ExitCode.ok;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  process.exitCode = ExitCode.usage;
}
