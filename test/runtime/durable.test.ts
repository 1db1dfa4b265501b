// Goal: ledger and key can be written under Node's permission model, which forbids fsync, and nobody else can read them.
// Method: the functions here, and in a Node of its own started with the permission model.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { settleFolder, writeDurable } from '../../runtime/durable.ts';

const test = suite('durable');
const dist = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';
let folder: string;

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-durable-'));
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

test('a file that others could read is replaced by one that they cannot', () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'old and longer');
  chmodSync(path, 0o644);
  writeDurable(path, 'new');
  assert.is(readFileSync(path, 'utf8'), 'new');
  assert.is(statSync(path).mode & 0o777, 0o600);
  settleFolder(folder);
  assert.equal(readdirSync(folder), ['a']);
});

test('under the permission model ledger and key are written, and nothing else is left behind', () => {
  const script = `
    const { replaceDurable } = await import('./runtime/durable.js');
    const { openDeviceKey } = await import('./runtime/privacy/device-key.js');
    replaceDurable(process.argv[1] + '/ledger.json', 'kept');
    openDeviceKey(process.argv[1]);
    process.stdout.write(String(process.permission.has('fs.write', '/')));
  `;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [PERMISSION, `--allow-fs-read=${dist}/`, `--allow-fs-read=${folder}/`, `--allow-fs-write=${folder}/`].concat([
      '--input-type=module',
      '-e',
      script,
      folder,
    ]),
    { cwd: dist, encoding: 'utf8' },
  );
  assert.is(status, 0, stderr);
  assert.is(stdout, 'false');
  assert.equal(readdirSync(folder).sort(), ['device-key.pem', 'ledger.json']);
  assert.is(readFileSync(join(folder, 'ledger.json'), 'utf8'), 'kept');
});

test.run();
