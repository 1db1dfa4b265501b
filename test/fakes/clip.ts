/**
 * Footage for tests: the simulated entrance, encoded by a real ffmpeg as a camera would, and everybody's true crossings.
 */
import { spawnSync } from 'node:child_process';
import * as assert from 'uvu/assert';
import { Scene, type SceneOptions } from '../../drivers/camera/scene/scene.ts';

export type ClipEvent = { readonly t: number; readonly dir: 'in' | 'out' };

export function ffmpeg(words: readonly string[], input?: Buffer): void {
  const done = spawnSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...words], { input, encoding: 'utf8' });
  if (done.error) throw new Error('these tests need ffmpeg: apt install ffmpeg');
  assert.is(done.status, 0, done.stderr);
}

/** Writes frameCount frames to file; returns the true crossings. */
export function entranceClip(file: string, options: Partial<SceneOptions>, frameCount: number): ClipEvent[] {
  const scene = new Scene(options);
  const { widthPx, heightPx, frameBytes, frameRateHz } = scene.format;
  const frames = Buffer.alloc(frameCount * frameBytes);
  const events: ClipEvent[] = [];
  for (let frame = 0; frame < frameCount; frame++) {
    scene.step(frame);
    scene.draw(frames.subarray(frame * frameBytes, (frame + 1) * frameBytes));
    for (let i = 0; i < scene.crossings.count; i++)
      events.push({ t: frame / frameRateHz, dir: scene.crossings.direction[i] === 0 ? 'in' : 'out' });
  }
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'yuvj420p', '-s', `${widthPx}x${heightPx}`, '-r', String(frameRateHz)];
  ffmpeg([...raw, '-i', 'pipe:0', '-c:v', 'libx264', '-crf', '18', '-preset', 'ultrafast', file], frames);
  return events;
}
