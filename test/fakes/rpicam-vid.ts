/**
 * Where the simulated rpicam-vid lies, what its pictures contain, and how a test selects a failure of it.
 * The program itself is rpicam-vid.mjs: a script that needs no build, so that it can be executed by its path.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Found by walking up: the compiled tests lie in dist/, the script does not. */
export const FAKE_RPICAM_VID = ((): string => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const path = join(folder, 'test', 'fakes', 'rpicam-vid.mjs');
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) throw new Error('test/fakes/rpicam-vid.mjs is missing');
  }
})();

/** Byte `index` of frame `frameIndex`. */
export function fakeByte(frameIndex: number, index: number): number {
  return (31 * frameIndex + 7 * index + 13 * (index >> 8)) & 255;
}

/** The frame whose pattern fills the slot exactly, or -1 when a single byte differs. Only the first 256 frames differ. */
export function fakeFrameIndex(slot: Uint8Array): number {
  // 31 × 223 = 6913 = 27 × 256 + 1, so 223 undoes the multiplication.
  const frameIndex = (slot[0]! * 223) & 255;
  return slot.every((byte, index) => byte === fakeByte(frameIndex, index)) ? frameIndex : -1;
}

/** Selects the failure of the next start: `no-camera`, `silent-stall:5` … (list in rpicam-vid.mjs); '' for none. */
export function fakeRpicam(mode: string, settings: { platform?: 'vc4' | 'pisp'; startMs?: number } = {}): void {
  process.env['LETHE_FAKE_RPICAM'] = mode;
  process.env['LETHE_FAKE_RPICAM_PLATFORM'] = settings.platform ?? 'pisp';
  process.env['LETHE_FAKE_RPICAM_START_MS'] = String(settings.startMs ?? 30);
  // The script is started by `env node`: the node that runs the test must be the one found.
  const bin = dirname(process.execPath);
  if (!process.env['PATH']?.split(':').includes(bin)) process.env['PATH'] = `${bin}:${process.env['PATH'] ?? ''}`;
}
