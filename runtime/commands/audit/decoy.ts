/**
 * A process that keeps what it should not: one frame of the pattern in every form that the audit claims to find. Whoever
 * searches it sees whether the claim holds, on this kernel and with these rights. Started by the audit alone.
 * `node decoy.js FOLDER FRAME_BYTES`; writes `ready` and waits until its input ends.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Pattern } from '../../privacy/search/pattern.ts';
import { CAMERA_FILES } from './camera-files.ts';

const [folder = '', frameBytes = ''] = process.argv.slice(2);
const frame = new Uint8Array(Number(frameBytes));
new Pattern(readFileSync(join(folder, CAMERA_FILES.key))).fill(0, frame);

function spread(stride: number): Uint8Array {
  const kept = new Uint8Array(frame.length * stride);
  frame.forEach((value, i) => {
    kept[i * stride] = value;
  });
  return kept;
}
const floats = (numberOf: (value: number) => number): readonly [Float32Array, Float64Array] => [
  Float32Array.from(frame, numberOf),
  Float64Array.from(frame, numberOf),
];

const kept = [
  Int8Array.from(frame, (value) => value - 128),
  frame.map((value) => value >> 1),
  ...[2, 3, 4].map(spread),
  // Whole numbers of an ordinary list: eight bytes each.
  Array.from(frame),
  ...floats((value) => value),
  ...floats((value) => value / 255),
  ...floats((value) => value / 128 - 1),
  ...floats((value) => value / 127.5 - 1),
  ...floats((value) => value - 128),
];
process.stdout.write('ready\n');
process.stdin.on('end', () => process.stderr.write(kept.length > 0 ? '' : 'nothing kept\n'));
process.stdin.resume();
