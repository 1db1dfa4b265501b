/**
 * The few things an update does to the disk, so that a test can cut the power between any two and in the middle of them.
 * Whatever changes a file or a link is on the disk when it returns, and is the old or the new one after a cut; a tree that is
 * unpacked or removed may be half of that until `sync` has returned. Errors are the system's, or BundleError.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { settleFolder, writeDurable } from '../../../runtime/durable.ts';
import type { Manifest, ReleaseKeys } from '../../bundle/manifest.ts';
import { readBundle } from '../../bundle/read.ts';

/** A bundle that was checked, whole and by signature. */
export type CheckedBundle = {
  readonly manifest: Manifest;
  unpackTo(folder: string): Promise<void>;
  close(): void;
};

export interface UpdateDisk {
  /** undefined: no such file, no file, or one that is longer than anything of ours. Follows no link at the end. */
  read(path: string): string | undefined;
  /** Readable for all. */
  replace(path: string, text: string): void;
  remove(path: string): void;
  exists(path: string): boolean;
  /** Where a link points; undefined: no link there. */
  linkTarget(path: string): string | undefined;
  /** Makes the link, or moves it in one step. */
  switchLink(path: string, target: string): void;
  /** Names in a folder; none if there is no such folder. */
  list(folder: string): string[];
  /** Opens and checks a bundle. Throws BundleError. */
  openBundle(path: string, keys: ReleaseKeys, allows: (manifest: Manifest) => void): Promise<CheckedBundle>;
  removeTree(folder: string): void;
  /** What a tree takes, about; 0 without one. */
  treeBytes(folder: string): number;
  freeBytes(folder: string): number;
  /** Everything of that file system is on the disk. */
  sync(folder: string): void;
}

const FILE_BYTES_MAX = 65_536;

export const realDisk: UpdateDisk = {
  read: readBounded,
  replace(path, text) {
    mkdirSync(dirname(path), { recursive: true });
    const beside = `${path}.new`;
    writeDurable(beside, text);
    chmodSync(beside, 0o644);
    renameSync(beside, path);
    settleFolder(dirname(path));
  },
  remove(path) {
    rmSync(path, { force: true });
    if (realDisk.exists(dirname(path))) settleFolder(dirname(path));
  },
  exists: (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined,
  linkTarget(path) {
    return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
  },
  switchLink(path, target) {
    mkdirSync(dirname(path), { recursive: true });
    const beside = `${path}.new`;
    if (realDisk.exists(beside)) unlinkSync(beside);
    symlinkSync(target, beside);
    renameSync(beside, path);
    settleFolder(dirname(path));
  },
  list(folder) {
    try {
      return readdirSync(folder).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  },
  async openBundle(path, keys, allows) {
    const bundle = await readBundle(path, keys);
    try {
      allows(bundle.manifest);
      await bundle.check();
    } catch (error) {
      bundle.close();
      throw error;
    }
    return bundle;
  },
  removeTree: (folder) => rmSync(folder, { recursive: true, force: true }),
  treeBytes(folder) {
    return realDisk.list(folder).reduce((sum, name) => {
      const path = join(folder, name);
      const status = lstatSync(path);
      return sum + (status.isDirectory() ? realDisk.treeBytes(path) : status.blocks * 512);
    }, 0);
  },
  freeBytes(folder) {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  },
  sync(folder) {
    // Thousands of fsync(2) would take minutes on a card; syncfs(2), which Node does not have, takes seconds.
    const done = spawnSync('sync', ['--file-system', folder], { stdio: 'ignore' });
    if (done.status !== 0) throw Object.assign(new Error('sync failed'), { code: 'EIO', syscall: 'syncfs' });
  },
};

function readBounded(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile() || status.size > FILE_BYTES_MAX) return undefined;
    const bytes = Buffer.alloc(FILE_BYTES_MAX);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, FILE_BYTES_MAX, 0));
  } finally {
    closeSync(fd);
  }
}
