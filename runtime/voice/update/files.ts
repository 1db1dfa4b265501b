/**
 * Files of updates as the voice has them: its own folder, in which a bundle grows and becomes `ready` for root, and root's
 * state, which it reads (provisioning/device/update/state.ts).
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Manifest, ReleaseKeys } from '../../../provisioning/bundle/manifest.ts';
import { readReleaseKeys } from '../../../provisioning/bundle/manifest.ts';
import { readBundle } from '../../../provisioning/bundle/read.ts';
import { parseState, type UpdateState } from '../../../provisioning/device/update/state.ts';
import { settleFolder } from '../../durable.ts';

export type UpdateFiles = {
  keys(): ReleaseKeys;
  /** Root's word; undefined: there is none. */
  state(): UpdateState | undefined;
  /** Where the bundle of this manifest grows; what is left of others goes. */
  beginPart(manifest: Manifest): string;
  partBytes(manifest: Manifest): number;
  dropPart(manifest: Manifest): void;
  isReady(): boolean;
  freeBytes(): number;
  /** Checks the whole file and hands it to root. Throws BundleError. */
  makeReady(manifest: Manifest): Promise<void>;
};

const READY = 'ready';
const HEALTHY = 'healthy';

/** folder: of the voice, made here; stateFile and keysFolder: root's. */
export function updateFiles(folder: string, stateFile: string, keysFolder: string): UpdateFiles {
  const partOf = ({ sha256 }: Manifest) => join(folder, `${sha256}.part`);
  return {
    keys: () => readReleaseKeys(keysFolder),
    state() {
      try {
        return parseState(readFileSync(stateFile, 'utf8'));
      } catch {
        return undefined;
      }
    },
    beginPart(manifest) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const part = partOf(manifest);
      for (const name of readdirSync(folder))
        if (name !== READY && name !== HEALTHY && join(folder, name) !== part)
          rmSync(join(folder, name), { force: true });
      return part;
    },
    partBytes: (manifest) => statSync(partOf(manifest), { throwIfNoEntry: false })?.size ?? 0,
    dropPart: (manifest) => rmSync(partOf(manifest), { force: true }),
    isReady: () => statSync(join(folder, READY), { throwIfNoEntry: false }) !== undefined,
    freeBytes() {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const { bavail, bsize } = statfsSync(folder);
      return bavail * bsize;
    },
    async makeReady(manifest) {
      const bundle = await readBundle(partOf(manifest), readReleaseKeys(keysFolder));
      try {
        await bundle.check();
      } finally {
        bundle.close();
      }
      renameSync(partOf(manifest), join(folder, READY));
      settleFolder(folder);
    },
  };
}
