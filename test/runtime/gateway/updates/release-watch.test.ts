// Goal: what is offered is whole and signed by somebody who may release; a file that is none of that is told once, and mended by replacing it.
// Method: bundles by the program that makes them, replaced and spoilt on the disk.
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeBundle } from '../../../../provisioning/bundle/build/write.ts';
import { releaseKeyId } from '../../../../provisioning/bundle/manifest.ts';
import { ConfigError } from '../../../../runtime/errors.ts';
import { releaseKeysIn } from '../../../../runtime/gateway/updates/keys.ts';
import { ReleaseWatch } from '../../../../runtime/gateway/updates/release-watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-releases-'));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const tree = join(folder, 'tree');
mkdirSync(tree);
// Not to be compressed, so that there is something to cut.
writeFileSync(join(tree, 'release.json'), randomBytes(100_000));
test.after(() => rmSync(folder, { recursive: true, force: true }));

async function bundle(version: string, key: KeyObject = privateKey, target = 'linux-arm64'): Promise<string> {
  const path = join(folder, `${version}.lethe`);
  const made = { v: 1, name: 'lethe', commit: 'unknown', made_at: '2026-01-05T11:00:00Z', files: [] } as const;
  const release = { ...made, version, target, node: '24.22.0' };
  await writeBundle({ tree, release, fromMin: '0.1.0', key, target: path });
  return path;
}

function watch(path: string) {
  const notices: string[] = [];
  const releases: string[] = [];
  const watched = new ReleaseWatch({
    path,
    keys: new Map([[releaseKeyId(publicKey), publicKey]]),
    onNotice: (sentence) => notices.push(sentence),
    onRelease: ({ manifest }) => releases.push(manifest.version),
  });
  return { watched, notices, releases };
}

test('a bundle is found, read once, and read again when another one is put there', async () => {
  const path = join(folder, 'current.lethe');
  const { watched, notices, releases } = watch(path);
  await watched.poll();
  assert.match(notices.join(), /^No update is offered: .*current\.lethe cannot be opened \(ENOENT\)/);
  renameSync(await bundle('0.2.0'), path);
  for (let poll = 0; poll < 3; poll += 1) await watched.poll();
  assert.is(watched.release?.bytes, readFileSync(path).length);
  renameSync(await bundle('0.3.0'), path);
  await watched.poll();
  assert.equal(releases, ['0.2.0', '0.3.0']);
  assert.is(notices.length, 1);
});

test('what is not to be offered is told once, with the reason', async () => {
  const stranger = generateKeyPairSync('ed25519').privateKey;
  const whole = readFileSync(await bundle('0.4.0'));
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes);
    return join(folder, name);
  };
  const cases: readonly [RegExp, string][] = [
    [/signed by the key [0-9a-f]{8}; known here/, await bundle('0.4.1', stranger)],
    [/is for linux-x64/, await bundle('0.4.2', privateKey, 'linux-x64')],
    [/cut short/, write('short', whole.subarray(0, whole.length - 4000))],
    [/no bundle of Lethe/, write('other', Buffer.alloc(4096, 'x'))],
  ];
  for (const [sentence, path] of cases) {
    const { watched, notices } = watch(path);
    await watched.poll();
    await watched.poll();
    assert.is(notices.length, 1, path);
    assert.match(notices[0]!, sentence);
    assert.is(watched.release, undefined);
  }
});

test('a changed byte of the application is found before anything is offered', async () => {
  const bytes = readFileSync(await bundle('0.5.0'));
  const at = bytes.indexOf(Buffer.from([0x1f, 0x8b])) + 40;
  bytes[at]! ^= 1;
  const path = join(folder, 'changed');
  writeFileSync(path, bytes);
  const { watched, notices } = watch(path);
  await watched.poll();
  assert.match(notices.join(), /not the one that was signed/);
});

test('a folder without keys of releases is a fault of the configuration', () => {
  const empty = mkdtempSync(join(folder, 'keys-'));
  for (const [name, sentence] of [
    ['', /holds no \*\.pem/],
    ['wrong.pem', /is no public Ed25519 key/],
  ] as const) {
    if (name !== '') writeFileSync(join(empty, name), 'no key');
    try {
      releaseKeysIn(empty);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, ConfigError);
      assert.match((error as Error).message, sentence);
    }
  }
});

test.run();
