/** The good models that are damaged: small, and between them every operator. */
import { smallDetector } from '../runtime/eye/infer/golden.ts';
import type { FuzzSeed } from './engine.ts';

export function fuzzSeeds(): readonly FuzzSeed[] {
  const { model, format } = smallDetector();
  return [{ name: 'small detector', bytes: model, format }];
}
