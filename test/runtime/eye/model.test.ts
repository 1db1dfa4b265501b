// Goal: nothing but the very file that the manifest names is ever run, and who mixed them up learns what to do.
// Method: manifests and models in a temporary folder, each wrong in one way; every refusal is a ModelError with exit code 78.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualClock } from '../../../drivers/clock/manual.ts';
import { parseConfig } from '../../../runtime/config/config.ts';
import { ModelError } from '../../../runtime/errors.ts';
import { defaultManifestPath, loadModel } from '../../../runtime/eye/model.ts';
import { createPipeline } from '../../../runtime/eye/pipeline.ts';
import { smallDetector } from './infer/golden.ts';

const test = suite('model');
const folder = mkdtempSync(join(tmpdir(), 'lethe-model-'));
const manifestPath = join(folder, 'manifest.json');
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
    frame: { width_px: 48, height_px: 32 },
    decode: { cell_px: 8, score_min: 0.4, score_low: 0.2, overlap_max: 0.4 },
    ...changes,
  };
  writeFileSync(join(folder, 'small.tflite'), bytes);
  writeFileSync(manifestPath, JSON.stringify(manifest));
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
  return refusal(() => createPipeline(config, loadModel(manifestPath), config.lines, new ManualClock(), () => {}));
}

test('a manifest with its model beside it is loaded', () => {
  write();
  const { manifest, bytes, path } = loadModel(manifestPath);
  assert.equal([manifest.name, path], ['small', join(folder, 'small.tflite')]);
  assert.ok(Buffer.from(bytes).equals(detector));
});

test('the model that comes with Lethe is what its manifest says, and fits the default camera', () => {
  const { manifest, path } = loadModel('');
  assert.is(path, join(defaultManifestPath(), '..', manifest.file));
  const { camera } = parseConfig({});
  assert.equal(manifest.frame.width_px, camera.widthPx);
  assert.equal(manifest.frame.height_px, camera.heightPx);
  assert.ok(manifest.decode.score_low <= manifest.decode.score_min);
});

test('a manifest that is not there is told with its path', () => {
  const error = refusal(() => loadModel(join(folder, 'none.json')));
  assert.is(error.code, 'MODEL_MISSING');
  assert.is(error.message, `model manifest ${join(folder, 'none.json')} cannot be read (ENOENT).`);
  assert.match(error.hint, 'model.manifest');
});

test('a model that is not there is told with its path', () => {
  write(detector, { file: 'gone.tflite' });
  const error = refusal(() => loadModel(manifestPath));
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
  const error = refusal(() => loadModel(manifestPath));
  assert.match(error.message, 'is not a model manifest');
  assert.match(error.message, '/sha256');
  assert.match(error.message, 'decode');
});

test('a file name that leaves the folder is refused', () => {
  write(detector, { file: '../small.tflite' });
  assert.match(refusal(() => loadModel(manifestPath)).message, '/file');
});

test('a hash that differs is told with both', () => {
  const other = '0'.repeat(64);
  write(detector, { sha256: other });
  const error = refusal(() => loadModel(manifestPath));
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
  assert.is(refusal(() => loadModel(manifestPath)).code, 'MODEL_HASH');
});

test('a file that was cut off is found', () => {
  write();
  writeFileSync(join(folder, 'small.tflite'), detector.subarray(0, 4000));
  assert.match(refusal(() => loadModel(manifestPath)).message, 'has 4000 bytes');
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
