/**
 * Model loading: manifest → bytes that are what the manifest says. The eye refuses anything else before the first frame.
 * What the hash proves is that the file is the one the manifest names, not who made it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { faultsOf } from '../config/faults.ts';
import { ModelError } from '../errors.ts';
import { PACKAGE_ROOT } from '../package.ts';

const ManifestSchema = Type.Object({
  name: Type.String(),
  version: Type.String(),
  file: Type.String({ pattern: '^[A-Za-z0-9_.-]+\\.tflite$' }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  bytes: Type.Integer({ minimum: 1, maximum: 16_777_216 }),
  frame: Type.Object({ width_px: Type.Integer({ minimum: 16 }), height_px: Type.Integer({ minimum: 16 }) }),
  decode: Type.Object({
    cell_px: Type.Integer({ minimum: 1, maximum: 64 }),
    score_min: Type.Number({ minimum: 0, maximum: 1 }),
    score_low: Type.Number({ minimum: 0, maximum: 1 }),
    overlap_max: Type.Number({ minimum: 0, maximum: 1 }),
  }),
});
export type Manifest = Static<typeof ManifestSchema>;

export type Model = { readonly manifest: Manifest; readonly bytes: Uint8Array; readonly path: string };

export function defaultManifestPath(): string {
  return join(PACKAGE_ROOT, 'models', 'person', 'manifest.json');
}

function readOrRefuse(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ModelError(
      'MODEL_MISSING',
      `${what} ${path} cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
      {
        op: `read ${what}`,
        cause,
        hint: 'Set model.manifest to a manifest with its .tflite beside it, or remove the line to use the one that comes with Lethe.',
      },
    );
  }
}

/** manifestPath '' = the model that comes with Lethe. Throws ModelError: missing, not a manifest, size or hash differ. */
export function loadModel(manifestPath: string): Model {
  const path = manifestPath === '' ? defaultManifestPath() : manifestPath;
  const text = readOrRefuse(path, 'model manifest').toString('utf8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ModelError('MODEL_MANIFEST', `${path} is not JSON: ${(cause as Error).message}`, {
      op: 'read model manifest',
      cause,
    });
  }
  if (!Value.Check(ManifestSchema, parsed)) {
    throw new ModelError('MODEL_MANIFEST', `${path} is not a model manifest: ${faultsOf(ManifestSchema, parsed)}.`, {
      op: 'read model manifest',
      hint: 'Point model.manifest at a manifest.json written by models/training, not at the .tflite.',
    });
  }
  const file = join(dirname(path), parsed.file);
  const bytes = readOrRefuse(file, 'model');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (bytes.length !== parsed.bytes || sha256 !== parsed.sha256) {
    throw new ModelError(
      'MODEL_HASH',
      `${file} has ${bytes.length} bytes and sha256 ${sha256.slice(0, 12)}…; expected ${parsed.bytes} bytes and ${parsed.sha256.slice(0, 12)}….`,
      {
        op: 'check model',
        hint: 'The file is damaged or not the one the manifest was made for: restore both together.',
      },
    );
  }
  return { manifest: parsed, bytes, path: file };
}
