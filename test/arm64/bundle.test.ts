/**
 * Goal: the tree that a device gets runs on arm64 with the Node that is in it: the command line, the native module, an eye that
 * counts, and a bundle that an update's program unpacks.
 * Method: the tree is built for real (Node for arm64 from npm, epoll by the cross compiler) and run under QEMU's user-mode
 * emulation. Needs qemu-aarch64-static, libraries of arm64 and g++-aarch64-linux-gnu. SKIP_ARM64=1 skips it.
 */
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { buildTree, filesBelow } from '../../provisioning/bundle/build/tree.ts';
import { writeBundle } from '../../provisioning/bundle/build/write.ts';
import { READY_FILE } from '../../provisioning/device/update/update.ts';
import { sourceRoot } from '../fakes/root.ts';

const LIBRARIES = '/usr/aarch64-linux-gnu';
const TIMEOUT_MS = 120_000;

if (process.env['SKIP_ARM64'] === '1') {
  process.stdout.write('SKIP_ARM64=1: the tree of a device is not run on emulated arm64\n');
  test('skipped by SKIP_ARM64=1', () => {});
} else {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-arm64-tree-'));
  const tree = join(folder, 'tree');
  const build = (target: string, version = '0.1.0') =>
    buildTree({ root: sourceRoot(), target, version, node: undefined, hasPins: true, progress: () => {} });
  const release = build(tree);

  const run = (...words: string[]) =>
    spawnSync('qemu-aarch64-static', ['-cpu', 'cortex-a72', '-L', LIBRARIES, join(tree, 'bin/node'), ...words], {
      encoding: 'utf8',
      cwd: folder,
      timeout: TIMEOUT_MS,
    });

  test('release.json lists every other file with its hash', () => {
    const listed = release.files.map(({ path }) => path);
    assert.equal([...listed, 'release.json'].sort(), filesBelow(tree));
    for (const { path, sha256 } of release.files.filter(({ bytes }) => bytes < 1_000_000))
      assert.is(
        createHash('sha256')
          .update(readFileSync(join(tree, path)))
          .digest('hex'),
        sha256,
        path,
      );
  });

  test('the command line starts with the Node of the tree, and says which', () => {
    const done = run(join(tree, 'dist/runtime/main.js'), '--version');
    assert.is(done.stdout.trim(), '0.1.0', done.stderr);
    assert.is(run('--version').stdout.trim(), `v${release.node}`);
  });

  test('epoll, the one native module, loads', () => {
    const load = `process.getBuiltinModule('module').createRequire(${JSON.stringify(join(tree, 'node_modules/onoff/onoff.js'))})('epoll').Epoll.EPOLLPRI`;
    const done = run('-p', load);
    assert.is(done.stdout.trim(), '2', done.stderr);
  });

  test('doctor finds the model signed and onoff in place', () => {
    const done = run(join(tree, 'dist/runtime/main.js'), 'doctor');
    assert.match(done.stdout, /✓ model +person/, done.stderr);
    assert.match(done.stdout, /✓ onoff +loads/);
    assert.match(done.stdout, /✓ architecture +arm64/);
  });

  test('a command that a device does not have is named as that', () => {
    const done = run(join(tree, 'dist/runtime/main.js'), 'papers', '--out', join(folder, 'papers'));
    assert.is(done.status, 69);
    assert.match(done.stderr, /papers is not part of a device/);
  });

  test('the update’s own program, emulated, unpacks a bundle of the whole tree into the other slot', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const root = join(folder, 'card');
    for (const path of ['opt/lethe/a', 'etc/lethe/release', 'var/lib/lethe/update'])
      mkdirSync(join(root, path), { recursive: true });
    for (const link of ['current', 'confirmed']) symlinkSync('a', join(root, 'opt/lethe', link));
    writeFileSync(join(root, 'opt/lethe/a/package.json'), '{"version":"0.1.0"}');
    writeFileSync(join(root, 'etc/lethe/release/ours.pem'), publicKey.export({ format: 'pem', type: 'spki' }));
    const newer = join(folder, 'newer');
    const made = build(newer, '0.1.1');
    await writeBundle({
      tree: newer,
      release: made,
      fromMin: '0.1.0',
      key: privateKey,
      target: join(root, READY_FILE),
    });
    const done = run(join(tree, 'dist/provisioning/device/update/install/main.js'), '--root', root);
    assert.is(done.status, 0, done.stdout + done.stderr);
    assert.is(readlinkSync(join(root, 'opt/lethe/current')), 'b', done.stdout);
    assert.equal(filesBelow(join(root, 'opt/lethe/b')), filesBelow(newer));
  });

  test('the same sources give the same tree', () => {
    const again = build(join(folder, 'again'));
    assert.equal(again.files, release.files);
  });

  test.after(() => rmSync(folder, { recursive: true, force: true }));
}

test.run();
