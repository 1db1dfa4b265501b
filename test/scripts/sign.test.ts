// Goal: who signs a model learns what a device must be told, and a private key is neither overwritten nor readable by others.
// Method: the real script as a process, in a temporary folder, with a copy of the small model.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loadModel } from '../../runtime/eye/model.ts';
import { sourceRoot } from '../fakes/root.ts';
import { smallDetector } from '../runtime/eye/infer/golden.ts';

const test = suite('sign');
const folder = mkdtempSync(join(tmpdir(), 'lethe-sign-'));
const keyFile = join(folder, 'key.pem');
test.after(() => rmSync(folder, { recursive: true, force: true }));

function sign(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(sourceRoot(), 'dist/scripts/sign.js'), ...args],
    {
      encoding: 'utf8',
      timeout: 20_000,
    },
  );
  return { status, stdout, stderr };
}

function writeModel(): void {
  const { model } = smallDetector();
  const manifest = {
    name: 'small',
    version: '1',
    file: 'small.tflite',
    sha256: createHash('sha256').update(model).digest('hex'),
    bytes: model.length,
    engine: 1,
    training_commit: '0123abc',
    frame: { width_px: 48, height_px: 32 },
    decode: { cell_px: 8, score_min: 0.4, score_low: 0.2, near_max: 0.3, overlap_max: 0.4 },
  };
  writeFileSync(join(folder, 'small.tflite'), model);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
}

test('a new key is for its owner alone, and signs a model that a device with its public half loads', () => {
  const made = sign('--new-key', keyFile);
  assert.is(made.status, 0, made.stderr);
  assert.is(statSync(keyFile).mode & 0o777, 0o600);
  const publicKey = /model\.public_key: (\S{44})\n/.exec(made.stdout)![1]!;
  writeModel();
  const signed = sign('--key', keyFile, folder);
  assert.is(signed.status, 0, signed.stderr);
  assert.match(signed.stdout, `devices need\nmodel.public_key: ${publicKey}`);
  assert.is(loadModel(join(folder, 'manifest.json'), publicKey).signer.name, 'model.public_key');
});

test('an old key is not overwritten', () => {
  const before = readFileSync(keyFile);
  const again = sign('--new-key', keyFile);
  assert.is(again.status, 1);
  assert.match(again.stderr, 'EEXIST');
  assert.equal(readFileSync(keyFile), before);
});

test('a folder whose model is not the one of its manifest is signed by nobody unnoticed', () => {
  writeModel();
  writeFileSync(join(folder, 'small.tflite'), 'something else');
  const result = sign('--key', keyFile, folder);
  assert.is(result.status, 1);
  assert.match(result.stderr, 'has 14 bytes');
});

test('without arguments it says what it needs', () => {
  const { status, stderr } = sign();
  assert.is(status, 64);
  assert.match(stderr, 'sign --new-key FILE');
});

test.run();
