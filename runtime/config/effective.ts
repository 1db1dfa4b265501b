/**
 * The configuration as it would stand in a file, with every default filled in and every path made whole: what a receipt
 * names by its hash. It holds no secret: passwords are in files of their own, and what somebody wrote into the address of
 * a stream (`rtsp://user:password@…`) is taken out, so that nobody can try passwords against the hash. What is printed on
 * papers is no setting of the counter and left out: a new telephone number is not another counter.
 */
import type { Config } from './schema.ts';

export function effectiveFile(config: Config): Record<string, unknown> {
  const { papers: _papers, ...counting } = config;
  const file = snakeKeys(counting) as { camera: { video: { source: string } } };
  const { video } = file.camera;
  return { ...file, camera: { ...file.camera, video: { ...video, source: withoutUser(video.source) } } };
}

function withoutUser(address: string): string {
  return address.replace(/^([a-z0-9+.-]+:\/\/)[^/?#]*@/i, '$1');
}

function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, inner]) => [
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    snakeKeys(inner),
  ]);
  return Object.fromEntries(entries);
}
