/**
 * Model loading: signature → manifest → bytes that are what the manifest says. The eye refuses anything else before the
 * first frame. The hash proves that the file is the one the manifest names, the signature who made both.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { faultsOf } from '../config/faults.ts';
import { ModelError } from '../errors.ts';
import { PACKAGE_ROOT } from '../package.ts';
import { checkSignature, type Signer } from './model-signature.ts';

/** Meaning of the outputs that this eye decodes: 1 = heat of head points, box of six channels (frame/decode.ts). */
export const ENGINE_VERSION = 1;

const ManifestSchema = Type.Object({
  name: Type.String(),
  version: Type.String(),
  file: Type.String({ pattern: '^[A-Za-z0-9_.-]+\\.tflite$' }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  bytes: Type.Integer({ minimum: 1, maximum: 16_777_216 }),
  engine: Type.Integer({ minimum: 1 }),
  training_commit: Type.String({ pattern: '^[0-9a-f]{7,40}$' }),
  frame: Type.Object({ width_px: Type.Integer({ minimum: 16 }), height_px: Type.Integer({ minimum: 16 }) }),
  decode: Type.Object({
    cell_px: Type.Integer({ minimum: 1, maximum: 64 }),
    score_min: Type.Number({ minimum: 0, maximum: 1 }),
    score_low: Type.Number({ minimum: 0, maximum: 1 }),
    near_max: Type.Number({ minimum: 0, maximum: 1 }),
    overlap_max: Type.Number({ minimum: 0, maximum: 1 }),
  }),
});
export type Manifest = Static<typeof ManifestSchema>;

export type Model = {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly path: string;
  readonly signer: Signer;
};

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

function signatureBeside(manifestPath: string): string | undefined {
  const path = manifestPath.replace(/\.json$/, '.sig');
  return path !== manifestPath && existsSync(path)
    ? readOrRefuse(path, 'model signature').toString('latin1')
    : undefined;
}

function parseManifest(path: string, manifest: Buffer): unknown {
  try {
    return JSON.parse(manifest.toString('utf8'));
  } catch (cause) {
    throw new ModelError('MODEL_MANIFEST', `${path} is not JSON: ${(cause as Error).message}`, {
      op: 'read model manifest',
      cause,
    });
  }
}

/**
 * manifestPath '' = the model that comes with Lethe. ownKey: config's model.public_key, trusted besides the built-in keys.
 * Throws ModelError: missing, not a manifest, unsigned, signed by a stranger, altered, for another engine.
 */
export function loadModel(manifestPath: string, ownKey = ''): Model {
  const path = manifestPath === '' ? defaultManifestPath() : manifestPath;
  const manifestBytes = readOrRefuse(path, 'model manifest');
  const parsed = parseManifest(path, manifestBytes);
  if (!Value.Check(ManifestSchema, parsed)) {
    throw new ModelError('MODEL_MANIFEST', `${path} is not a model manifest: ${faultsOf(ManifestSchema, parsed)}.`, {
      op: 'read model manifest',
      hint: 'Point model.manifest at a manifest.json written by models/training, not at the .tflite.',
    });
  }
  const signer = checkSignature(path, manifestBytes, signatureBeside(path), ownKey);
  if (parsed.engine !== ENGINE_VERSION) {
    throw new ModelError(
      'MODEL_ENGINE',
      `${path} is for engine version ${parsed.engine}; expected ${ENGINE_VERSION}.`,
      {
        op: 'check model',
        hint: 'Use a model and a Lethe of the same release.',
      },
    );
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
  return { manifest: parsed, bytes, path: file, signer };
}
