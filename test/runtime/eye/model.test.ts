// Goal: nothing but the very file that a trusted key signed is ever run, and who mixed them up learns what to do.
// Method: manifests and models in a temporary folder, each wrong in one way; every refusal is a ModelError with exit code 78.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualClock } from '../../../drivers/clock/manual.ts';
import { parseConfig } from '../../../runtime/config/config.ts';
import { ModelError } from '../../../runtime/errors.ts';
import { NO_EVENTS } from '../../../runtime/eye/count/counting.ts';
import { defaultManifestPath, loadModel } from '../../../runtime/eye/model.ts';
import { BUILT_IN_KEYS, keyId, rawPublicKey, signManifest } from '../../../runtime/eye/model-signature.ts';
import { createPipeline } from '../../../runtime/eye/pipeline.ts';
import { smallDetector } from './infer/golden.ts';

const test = suite('model');
const folder = mkdtempSync(join(tmpdir(), 'lethe-model-'));
const manifestPath = join(folder, 'manifest.json');
const signaturePath = join(folder, 'manifest.sig');
/** Somebody's own key, which the configuration names. */
const { privateKey } = generateKeyPairSync('ed25519');
const ownKey = rawPublicKey(privateKey);
const { model: detector } = smallDetector();
test.after(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** A model of 48 × 32 px in the folder; `changes` are fields of its manifest. */
function write(bytes: Uint8Array = detector, changes: object = {}): void {
  const manifest = {
    name: 'small',
    version: '1',
    file: 'small.tflite',
    sha256: sha256(bytes),
    bytes: bytes.length,
    engine: 1,
    training_commit: '0123abc',
    frame: { width_px: 48, height_px: 32 },
    decode: { cell_px: 8, score_min: 0.4, score_low: 0.2, near_max: 0.3, overlap_max: 0.4 },
    ...changes,
  };
  writeFileSync(join(folder, 'small.tflite'), bytes);
  writeFileSync(manifestPath, JSON.stringify(manifest));
  writeFileSync(signaturePath, signManifest(readFileSync(manifestPath), privateKey));
}

function refusal(action: () => unknown): ModelError {
  try {
    action();
  } catch (error) {
    assert.instance(error, ModelError);
    assert.is((error as ModelError).exitCode, 78);
    return error as ModelError;
  }
  return assert.unreachable('accepted') as never;
}

/** What is said when a pipeline is built from the folder's model. */
function pipelineRefusal(camera: object): ModelError {
  const config = parseConfig({ camera });
  return refusal(() => createPipeline(config, loadModel(manifestPath, ownKey), config, new ManualClock(), NO_EVENTS));
}

test('a manifest with its model beside it is loaded', () => {
  write();
  const { manifest, bytes, path } = loadModel(manifestPath, ownKey);
  assert.equal([manifest.name, path], ['small', join(folder, 'small.tflite')]);
  assert.ok(Buffer.from(bytes).equals(detector));
});

test('the model that comes with Lethe is what its manifest says, and fits the default camera', () => {
  const { manifest, path, signer } = loadModel('');
  assert.is(signer.name, BUILT_IN_KEYS[0]!.name);
  assert.is(path, join(defaultManifestPath(), '..', manifest.file));
  const { camera } = parseConfig({});
  assert.equal(manifest.frame.width_px, camera.widthPx);
  assert.equal(manifest.frame.height_px, camera.heightPx);
  assert.ok(manifest.decode.score_low <= manifest.decode.score_min);
});

test('a model without a signature is refused', () => {
  write();
  rmSync(signaturePath);
  const error = refusal(() => loadModel(manifestPath, ownKey));
  assert.is(error.code, 'MODEL_UNSIGNED');
  assert.match(error.message, 'has no manifest.sig beside it');
  assert.match(error.hint, 'npm run -s sign');
});

test('a model signed with a key that nobody here trusts is refused with both ids', () => {
  write();
  const error = refusal(() => loadModel(manifestPath));
  assert.is(error.code, 'MODEL_KEY_UNKNOWN');
  assert.match(error.message, `signed with key ${keyId(ownKey)}`);
  assert.match(error.message, `${keyId(BUILT_IN_KEYS[0]!.publicKey)} (lethe development)`);
  assert.match(error.hint, 'model.public_key');
});

test('a signature that claims a trusted key and was made with another is refused', () => {
  write();
  const id = keyId(BUILT_IN_KEYS[0]!.publicKey);
  writeFileSync(signaturePath, readFileSync(signaturePath, 'latin1').replace(keyId(ownKey), id));
  assert.is(refusal(() => loadModel(manifestPath, ownKey)).code, 'MODEL_SIGNATURE');
});

test('a signature for something else made with the same key is refused', () => {
  write();
  const other = signManifest(Buffer.from('{}'), privateKey);
  writeFileSync(signaturePath, other);
  assert.match(refusal(() => loadModel(manifestPath, ownKey)).message, 'was changed afterwards');
});

test('one flipped bit anywhere in manifest, signature or model is refused', () => {
  write();
  const files = [manifestPath, signaturePath, join(folder, 'small.tflite')].map((path) => ({
    path,
    bytes: readFileSync(path),
  }));
  fc.assert(
    fc.property(
      fc.nat({ max: 2 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      fc.nat({ max: 7 }),
      (i, share, bit) => {
        const { path, bytes } = files[i]!;
        const changed = Buffer.from(bytes);
        changed[Math.floor(share * bytes.length)]! ^= 1 << bit;
        writeFileSync(path, changed);
        try {
          refusal(() => loadModel(manifestPath, ownKey));
        } finally {
          writeFileSync(path, bytes);
        }
      },
    ),
  );
  assert.is(loadModel(manifestPath, ownKey).signer.id, keyId(ownKey));
});

test('a model for another engine version is refused', () => {
  write(detector, { engine: 2 });
  const error = refusal(() => loadModel(manifestPath, ownKey));
  assert.is(error.code, 'MODEL_ENGINE');
  assert.match(error.message, 'is for engine version 2; expected 1');
});

test('a manifest that is not there is told with its path', () => {
  const error = refusal(() => loadModel(join(folder, 'none.json')));
  assert.is(error.code, 'MODEL_MISSING');
  assert.is(error.message, `model manifest ${join(folder, 'none.json')} cannot be read (ENOENT).`);
  assert.match(error.hint, 'model.manifest');
});

test('a model that is not there is told with its path', () => {
  write(detector, { file: 'gone.tflite' });
  const error = refusal(() => loadModel(manifestPath, ownKey));
  assert.is(error.message, `model ${join(folder, 'gone.tflite')} cannot be read (ENOENT).`);
});

test('a manifest that is not JSON, such as the model itself, is refused', () => {
  write();
  const error = refusal(() => loadModel(join(folder, 'small.tflite')));
  assert.is(error.code, 'MODEL_MANIFEST');
  assert.match(error.message, 'small.tflite is not JSON');
});

test('a manifest with missing and wrong fields names them', () => {
  write(detector, { sha256: 'ABC', decode: undefined });
  const error = refusal(() => loadModel(manifestPath, ownKey));
  assert.match(error.message, 'is not a model manifest');
  assert.match(error.message, '/sha256');
  assert.match(error.message, 'decode');
});

test('a file name that leaves the folder is refused', () => {
  write(detector, { file: '../small.tflite' });
  assert.match(refusal(() => loadModel(manifestPath, ownKey)).message, '/file');
});

test('a hash that differs is told with both', () => {
  const other = '0'.repeat(64);
  write(detector, { sha256: other });
  const error = refusal(() => loadModel(manifestPath, ownKey));
  assert.is(error.code, 'MODEL_HASH');
  assert.match(error.message, sha256(detector).slice(0, 12));
  assert.match(error.message, `expected ${detector.length} bytes and 000000000000…`);
  assert.match(error.hint, 'restore both together');
});

test('one changed byte is found', () => {
  write();
  const swapped = Uint8Array.from(detector);
  swapped[1000]! ^= 1;
  writeFileSync(join(folder, 'small.tflite'), swapped);
  assert.is(refusal(() => loadModel(manifestPath, ownKey)).code, 'MODEL_HASH');
});

test('a file that was cut off is found', () => {
  write();
  writeFileSync(join(folder, 'small.tflite'), detector.subarray(0, 4000));
  assert.match(refusal(() => loadModel(manifestPath, ownKey)).message, 'has 4000 bytes');
});

test('a file that was cut off before its manifest was made is found by the engine', () => {
  write(detector.subarray(0, 4000), { frame: { width_px: 128, height_px: 64 } });
  assert.is(pipelineRefusal({ width_px: 128, height_px: 64 }).code, 'MODEL_DAMAGED');
});

test('a model for frames of another size than the camera gives is refused with both sizes', () => {
  write();
  const error = pipelineRefusal({});
  assert.is(error.code, 'MODEL_FRAME');
  assert.match(error.message, 'is 256 × 192; expected 48 × 32 px');
});

test('a manifest that lies about the frame size is found by the engine', () => {
  write(detector, { frame: { width_px: 256, height_px: 192 } });
  const error = pipelineRefusal({});
  assert.is(error.code, 'MODEL_MISMATCH');
  assert.match(error.message, 'input y is int8 [1, 32, 48, 1]; expected int8 [1, 192, 256, 1]');
});

test.run();
