/** Releases for an emulated device: the application that was flashed under a later version, whole or with an eye that does not start. */
import { createPrivateKey } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Release } from '../../../provisioning/bundle/build/tree.ts';
import { writeBundle } from '../../../provisioning/bundle/build/write.ts';

const EYE = join('dist', 'runtime', 'eye', 'main.js');

export type ReleaseWish = {
  readonly version: string;
  /** The eye ends at once, as one with a fault in it does. */
  readonly isBroken: boolean;
};

/** From the tree of the application; gives the path of the signed bundle. */
export async function makeRelease(tree: string, keyFile: string, target: string, wish: ReleaseWish): Promise<void> {
  const copy = `${target}.tree`;
  cpSync(tree, copy, { recursive: true });
  const change = (path: string, text: string): void => writeFileSync(join(copy, path), text);
  const read = (path: string) => JSON.parse(readFileSync(join(copy, path), 'utf8')) as Record<string, unknown>;
  const release = { ...(read('release.json') as unknown as Release), version: wish.version };
  change('release.json', JSON.stringify(release));
  change('package.json', JSON.stringify({ ...read('package.json'), version: wish.version }));
  if (wish.isBroken) change(EYE, "throw new Error('this release is broken on purpose');\n");
  const key = createPrivateKey(readFileSync(keyFile));
  await writeBundle({ tree: copy, release, fromMin: '0.0.0', key, target });
  rmSync(copy, { recursive: true });
}
