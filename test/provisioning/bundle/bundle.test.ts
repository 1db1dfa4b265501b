// Goal: a bundle comes out as it went in, the same every time, and every bad one is refused by its own name, unpacked or not.
// Method: bundles of a small tree, written by the real writer, then damaged; tar members of other kinds by hand.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Release } from '../../../provisioning/bundle/build/tree.ts';
import { writeBundle } from '../../../provisioning/bundle/build/write.ts';
import {
  canonicalManifest,
  checkFits,
  compareVersions,
  type Manifest,
  manifestOf,
  type ReleaseKeys,
  readReleaseKeys,
  releaseKeyId,
  signManifest,
} from '../../../provisioning/bundle/manifest.ts';
import { readBundle } from '../../../provisioning/bundle/read.ts';
import { isPlainName, readTar, writeTar } from '../../../provisioning/bundle/tar.ts';
import { BundleError, type BundleErrorKind } from '../../../runtime/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-bundle-test-'));
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const keys: ReleaseKeys = new Map([[releaseKeyId(publicKey), publicKey]]);

const FILES: Readonly<Record<string, string>> = {
  'bin/node': '#!/bin/sh\n',
  'dist/runtime/main.js': 'export {};\n'.repeat(5000),
  'package.json': '{}',
  'release.json': '{}',
};

function tree(): string {
  const root = mkdtempSync(join(folder, 'tree-'));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const release = (version: string): Release => ({
  v: 1,
  name: 'lethe',
  version,
  commit: 'unknown',
  made_at: '2026-11-27T12:00:00Z',
  target: 'linux-arm64',
  node: '24.22.0',
  files: [],
});

let fileCount = 0;
async function bundle(version = '1.2.3', key: KeyObject = privateKey): Promise<string> {
  fileCount += 1;
  const target = join(folder, `${fileCount}.lethe`);
  await writeBundle({ tree: tree(), release: release(version), fromMin: '0.0.0', key, target });
  return target;
}

async function refusalOf(act: () => Promise<unknown>): Promise<BundleErrorKind | 'accepted'> {
  try {
    await act();
    return 'accepted';
  } catch (error) {
    if (error instanceof BundleError) return error.kind;
    throw error;
  }
}

/** As a device does it. */
async function install(path: string, trusted: ReleaseKeys = keys): Promise<string> {
  const target = mkdtempSync(join(folder, 'slot-'));
  rmSync(target, { recursive: true });
  const opened = await readBundle(path, trusted);
  try {
    await opened.check();
    await opened.unpackTo(target);
  } finally {
    opened.close();
  }
  return target;
}

test('what was packed comes out, with its two modes', async () => {
  const target = await install(await bundle());
  for (const [path, text] of Object.entries(FILES)) assert.is(readFileSync(join(target, path), 'utf8'), text);
  assert.is(statSync(join(target, 'bin/node')).mode & 0o777, 0o755);
  assert.is(statSync(join(target, 'package.json')).mode & 0o777, 0o644);
});

test('the same tree gives the same bytes, whatever modes, times and order it has on the disk', async () => {
  const [one, other] = [await bundle(), await bundle()];
  assert.ok(readFileSync(one).equals(readFileSync(other)));
});

test('a stranger’s signature, a foreign one and a changed manifest are told apart', async () => {
  assert.is(await refusalOf(async () => install(await bundle('1.2.3', stranger.privateKey))), 'unknown_key');
  const path = await bundle();
  const bytes = readFileSync(path);
  // The version inside the signed manifest: the bytes stay as many.
  const changed = Buffer.from(bytes.toString('latin1').replace('"version":"1.2.3"', '"version":"9.2.3"'), 'latin1');
  writeFileSync(path, changed);
  assert.is(await refusalOf(() => install(path)), 'forged');
});

test('another file, an empty one, a folder and a link are no bundle', async () => {
  const text = join(folder, 'text');
  writeFileSync(text, 'lethe '.repeat(1000));
  const link = join(folder, 'link');
  symlinkSync(await bundle(), link);
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  for (const path of [text, empty, folder, link, join(folder, 'absent')])
    assert.is(await refusalOf(() => install(path)), 'not_a_bundle', path);
});

test('a bundle cut short anywhere is refused', async () => {
  const path = await bundle();
  const size = statSync(path).size;
  const whole = readFileSync(path);
  // The last kilobyte is the end mark of the tar around it, and padding.
  for (let bytes = 0; bytes < size - 1536; bytes += 97) {
    writeFileSync(path, whole);
    truncateSync(path, bytes);
    assert.not.equal(await refusalOf(() => install(path)), 'accepted', `${bytes} of ${size} bytes`);
  }
});

test('property: a bundle with one changed byte is refused, or it was in what nobody reads', async () => {
  const path = await bundle();
  const whole = readFileSync(path);
  const good = await install(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const changed = Buffer.from(whole);
      changed[at]! ^= flip;
      writeFileSync(path, changed);
      let target: string;
      try {
        target = await install(path);
      } catch (error) {
        assert.instance(error, BundleError);
        return;
      }
      for (const name of Object.keys(FILES))
        assert.ok(readFileSync(join(target, name)).equals(readFileSync(join(good, name))), `byte ${at}`);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 100) },
  );
});

/** A bundle whose manifest is signed and true, around an application of our own. */
async function around(application: Buffer, changes: Partial<Manifest> = {}): Promise<string> {
  const { createHash } = await import('node:crypto');
  const manifest: Manifest = {
    v: 1,
    name: 'lethe',
    version: '1.2.3',
    target: 'linux-arm64',
    bytes: application.length,
    sha256: createHash('sha256').update(application).digest('hex'),
    unpacked_bytes: 4,
    file_count: 1,
    node: '24.22.0',
    made_at: '2026-11-27T12:00:00Z',
    from_min: '0.0.0',
    key_id: releaseKeyId(publicKey),
    ...changes,
  };
  const member = (name: string, content: Buffer) => ({
    name,
    bytes: content.length,
    isExecutable: false,
    open: () => Readable.from([content]),
  });
  const members = [
    member('manifest.json', canonicalManifest(manifest)),
    member('manifest.sig', Buffer.from(`${signManifest(manifest, privateKey)}\n`)),
    member('app.tar.gz', application),
  ];
  fileCount += 1;
  const path = join(folder, `${fileCount}.lethe`);
  writeFileSync(path, await bytesOf(writeTar(members, new Date(0))));
  return path;
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(Buffer.from(piece as Uint8Array));
  return Buffer.concat(pieces);
}

/** One ustar head (POSIX.1-2017, pax, ustar Interchange Format) and its content. */
function tarMember(name: string, type: string, content = 'evil', mode = '0000644'): Buffer {
  const head = Buffer.alloc(512);
  head.write(name, 0);
  head.write(`${mode}\0`, 100);
  head.write('0000000\0', 108);
  head.write('0000000\0', 116);
  const size = type === '0' ? content.length : 0;
  head.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0', 136);
  head.write('        ', 148);
  head.write(type, 156);
  if (type === '1' || type === '2') head.write('/etc/passwd', 157);
  head.write('ustar\u000000', 257, 'latin1');
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(size === 0 ? 0 : 512);
  body.write(size === 0 ? '' : content);
  return Buffer.concat([head, body]);
}
const END = Buffer.alloc(1024);

test('even a signed bundle gets no link, device, pipe, strange mode or way out of its folder', async () => {
  const good = await around(gzipSync(Buffer.concat([tarMember('a', '0'), END])));
  assert.is(await refusalOf(() => install(good)), 'accepted');
  const cases: Readonly<Record<string, Buffer>> = {
    'a hard link': tarMember('a', '1'),
    'a symbolic link': tarMember('a', '2'),
    'a character device': tarMember('a', '3'),
    'a block device': tarMember('a', '4'),
    'a folder': tarMember('a', '5'),
    'a pipe': tarMember('a', '6'),
    'a way up': tarMember('../a', '0'),
    'a way up inside': tarMember('b/../../a', '0'),
    'an absolute name': tarMember('/etc/a', '0'),
    'a name with a space': tarMember('a b', '0'),
    'set-user-id': tarMember('a', '0', 'evil', '0004755'),
    'writable for all': tarMember('a', '0', 'evil', '0000666'),
    'the same name twice': Buffer.concat([tarMember('a', '0', 'ev'), tarMember('a', '0', 'il')]),
  };
  for (const [what, member] of Object.entries(cases)) {
    const count = what.startsWith('the same') ? 2 : 1;
    const path = await around(gzipSync(Buffer.concat([member, END])), { file_count: count });
    assert.not.equal(await refusalOf(() => install(path)), 'accepted', what);
  }
});

test('a signed bundle that unpacks to more than it says is stopped', async () => {
  const big = gzipSync(Buffer.concat([tarMember('a', '0', 'x'.repeat(400)), END]));
  assert.is(await refusalOf(async () => install(await around(big))), 'damaged');
  const bomb = gzipSync(Buffer.concat([tarMember('a', '0'), Buffer.alloc(50_000_000)]));
  assert.is(await refusalOf(async () => install(await around(bomb))), 'damaged');
  const many = gzipSync(Buffer.concat([tarMember('a', '0', 'ev'), tarMember('b', '0', 'il'), END]));
  assert.is(await refusalOf(async () => install(await around(many))), 'damaged');
});

test('a disk that refuses is called so', async () => {
  const path = await bundle();
  const opened = await readBundle(path, keys);
  assert.is(await refusalOf(() => opened.unpackTo('/proc/nowhere/slot')), 'disk');
  opened.close();
});

test('a release fits a device or is refused by the reason', async () => {
  const manifest = manifestOf({
    ...JSON.parse(
      readFileSync(await bundle(), 'latin1')
        .slice(512)
        .split('\0')[0]!,
    ),
  })!;
  const refused = (changes: Partial<Manifest>, installed: string, rolledBack: string[] = []) =>
    refusalOf(async () => checkFits({ ...manifest, ...changes }, installed, rolledBack));
  assert.is(await refused({}, '1.2.2'), 'accepted');
  assert.is(await refused({}, '1.2.3'), 'older');
  assert.is(await refused({}, '1.10.0'), 'older');
  assert.is(await refused({ target: 'linux-x64' }, '1.2.2'), 'other_target');
  assert.is(await refused({ from_min: '1.2.0' }, '1.1.9'), 'needs_newer');
  assert.is(await refused({}, '1.2.2', ['1.2.3']), 'rolled_back');
});

test('versions are compared by number', () => {
  assert.is(compareVersions('0.10.0', '0.9.9'), 1);
  assert.is(compareVersions('1.0.0', '1.0.0'), 0);
  assert.is(compareVersions('1.0.9', '1.1.0'), -1);
});

test('a manifest has its fields and no other', () => {
  assert.is(manifestOf({}), undefined);
  assert.is(manifestOf(null), undefined);
  assert.is(manifestOf([]), undefined);
});

test('public keys are read from a folder; a private one in it, or rubbish, is named', () => {
  const place = mkdtempSync(join(folder, 'keys-'));
  assert.is(readReleaseKeys(join(place, 'absent')).size, 0);
  writeFileSync(join(place, 'ours.pem'), publicKey.export({ format: 'pem', type: 'spki' }));
  assert.equal([...readReleaseKeys(place).keys()], [releaseKeyId(publicKey)]);
  writeFileSync(join(place, 'rubbish.pem'), 'no key');
  assert.throws(() => readReleaseKeys(place), /rubbish\.pem is no public Ed25519 key/);
});

test('names are plain', () => {
  for (const name of ['a', 'a/b.c', 'node_modules/@x/y+z_1/package.json']) assert.ok(isPlainName(name), name);
  for (const name of ['', '/a', 'a//b', '../a', 'a/..', './a', 'a\nb', 'a"b', 'ä', 'a'.repeat(201), '~a'])
    assert.not.ok(isPlainName(name), JSON.stringify(name));
});

test('a tar that ends early is an error', async () => {
  const bytes = tarMember('a', '0');
  let isRefused = false;
  try {
    await readTar(Readable.from([bytes.subarray(0, 514)]), async ({ content }) => {
      for await (const _ of content);
    });
  } catch {
    isRefused = true;
  }
  assert.ok(isRefused);
});

test.after(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

test.run();
