/** Golden vectors as they are stored in test/golden/infer, one file per group. */
import { createHash } from 'node:crypto';
import type { Tensors } from './interpreter.ts';

export type GoldenFile = {
  readonly header: {
    readonly origin: string;
    readonly command: string;
    readonly versions: Readonly<Record<string, string>>;
    /** Of the outputs' base64 texts, one after another. */
    readonly sha256: string;
    readonly sha256_of: string;
  };
  readonly cases: readonly StoredCase[];
};

/** A case as it is stored; `xnnpack` only where it differs from the reference. */
export type StoredCase = {
  readonly name: string;
  readonly model_sha256: string;
  readonly inputs_sha256: string;
  readonly outputs: Readonly<Record<string, string>>;
  readonly xnnpack?: Readonly<Record<string, string>>;
};

export function sha256(...parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

export function sha256Of(tensors: Tensors): string {
  return sha256(...[...tensors].flat());
}
