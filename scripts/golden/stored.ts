/** Golden vectors as they are stored in test/golden/infer, one file per group. */
import { createHash } from 'node:crypto';
import type { Tensors } from './interpreter.ts';
import type { StoredWhole } from './whole.ts';

export type GoldenHeader = {
  readonly origin: string;
  readonly command: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Of the texts of all outputs, one after another. */
  readonly sha256: string;
  readonly sha256_of: string;
};

export type GoldenFile<Case> = { readonly header: GoldenHeader; readonly cases: readonly Case[] };

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

/** Hash of each tensor by its name. */
export function hashesOf(tensors: Tensors): Record<string, string> {
  return Object.fromEntries([...tensors].map(([name, data]) => [name, sha256(data)]));
}

/** All texts that a case's outputs are stored as: what the header's hash is made of. */
export function resultsOf(stored: StoredCase | StoredWhole): string[] {
  return 'outputs' in stored
    ? Object.values(stored.outputs)
    : Object.values(stored.runs).flatMap(Object.values<string>);
}
