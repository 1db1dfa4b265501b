/**
 * What passes before the emulated camera: a drawn entrance as a loop of pictures, with the truth of who crossed. The first
 * picture is empty; it is what stands still between two takes. All of it is drawn here, as drawing in the emulator is slow.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Scene } from '../../../drivers/camera/scene/simulation.ts';
import { SCENE_SUITE } from '../../../drivers/camera/scene/suite.ts';

/** Two crossing streams of single people below a camera that looks slightly down: what is counted exactly on the host, too. */
const CASE = '1-25-plain';

export type Take = {
  /** Crossings of the one line in one take. */
  readonly inCount: number;
  readonly outCount: number;
  readonly frameCount: number;
  readonly seconds: number;
};

/** Writes the pictures to `path`. Nobody is half in the picture at the end: the last seconds show who is there leaving. */
export function writeScene(path: string, frameRateHz: number, secondsMax: number): Take {
  const found = SCENE_SUITE.find(({ name }) => name === CASE)!;
  const format = { widthPx: 256, heightPx: 192, strideBytes: 256, frameBytes: 256 * 192 * 1.5, frameRateHz };
  const scene = new Scene({ ...found.options, realtime: false }, format);
  const picture = new Uint8Array(format.frameBytes);
  const file = openSync(path, 'w');
  let frameCount = 0;
  let quiet = { frameCount: 0, inCount: 0, outCount: 0 };
  try {
    for (let frame = 0; frame < secondsMax * frameRateHz; frame += 1) {
      scene.step(frame);
      scene.draw(picture);
      writeSync(file, picture);
      frameCount += 1;
      if (scene.people.count === 0)
        quiet = { frameCount, inCount: scene.inCount[0] ?? 0, outCount: scene.outCount[0] ?? 0 };
    }
  } finally {
    closeSync(file);
  }
  return { ...quiet, seconds: quiet.frameCount / frameRateHz };
}
