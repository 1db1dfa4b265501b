/**
 * From a tree to the file that a device takes: tar and gzip, measured and hashed, then signed.
 * Bytes depend on the tree alone: names sorted, one time, root's; gzip of Node's own zlib writes no time.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import {
  APPLICATION_NAME,
  canonicalManifest,
  MANIFEST_NAME,
  type Manifest,
  releaseKeyId,
  SIGNATURE_NAME,
  signManifest,
} from '../manifest.ts';
import { type TarFile, writeTar } from '../tar.ts';
import { isExecutable } from './contents.ts';
import { filesBelow, type Release } from './tree.ts';

export type BundleOptions = {
  readonly tree: string;
  readonly release: Release;
  readonly fromMin: string;
  /** Ed25519, private. */
  readonly key: KeyObject;
  readonly target: string;
};

/** Writes beside and renames: a bundle that has its name is whole. Throws system errors. */
export async function writeBundle({ tree, release, fromMin, key, target }: BundleOptions): Promise<Manifest> {
  const made = new Date(release.made_at);
  const beside = mkdtempSync(join(dirname(target), '.lethe-bundle-'));
  try {
    const application = join(beside, APPLICATION_NAME);
    const members = treeMembers(tree);
    const { bytes, sha256 } = await writeHashed(writeTar(members, made), application);
    const manifest: Manifest = {
      v: 1,
      name: 'lethe',
      version: release.version,
      target: release.target,
      bytes,
      sha256,
      unpacked_bytes: members.reduce((sum, member) => sum + member.bytes, 0),
      file_count: members.length,
      node: release.node,
      made_at: release.made_at,
      from_min: fromMin,
      key_id: releaseKeyId(createPublicKey(key)),
    };
    const bundle = writeTar(
      [
        memberOfText(MANIFEST_NAME, canonicalManifest(manifest)),
        memberOfText(SIGNATURE_NAME, Buffer.from(`${signManifest(manifest, key)}\n`)),
        { name: APPLICATION_NAME, bytes, isExecutable: false, open: () => createReadStream(application) },
      ],
      made,
    );
    await pipeline(bundle, createWriteStream(join(beside, 'bundle')));
    renameSync(join(beside, 'bundle'), target);
    return manifest;
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}

function treeMembers(tree: string): TarFile[] {
  return filesBelow(tree).map((name) => ({
    name,
    bytes: statSync(join(tree, name)).size,
    isExecutable: isExecutable(name),
    open: () => createReadStream(join(tree, name)),
  }));
}

function memberOfText(name: string, text: Buffer): TarFile {
  return { name, bytes: text.length, isExecutable: false, open: () => Readable.from([text]) };
}

async function writeHashed(tar: Readable, path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(undefined, chunk);
    },
  });
  await pipeline(tar, createGzip({ level: 9 }), measure, createWriteStream(path));
  return { bytes, sha256: hash.digest('hex') };
}
