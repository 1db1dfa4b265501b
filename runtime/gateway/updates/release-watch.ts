/**
 * The bundle that is offered: read and checked whole whenever the file changes. Looked at every ten seconds, and not watched by
 * the kernel, which says nothing for folders on other machines and for links that are switched. A file that is still being copied
 * is damaged, is told once, and is looked at again when it has changed.
 * Memory: a manifest; one piece of the file while it is read.
 */
import { statSync } from 'node:fs';
import { type Manifest, type ReleaseKeys, TARGET } from '../../../provisioning/bundle/manifest.ts';
import { readBundle } from '../../../provisioning/bundle/read.ts';
import { BundleError, explain, LetheError } from '../../errors.ts';

export type Release = {
  readonly manifest: Manifest;
  readonly signature: string;
  /** The bundle, as it was when it was checked. */
  readonly path: string;
  readonly bytes: number;
};

export type ReleaseWatchOptions = {
  readonly path: string;
  readonly keys: ReleaseKeys;
  /** One sentence. */
  readonly onNotice: (sentence: string) => void;
  readonly onRelease: (release: Release) => void;
};

export class ReleaseWatch {
  /** Undefined: there is none that may be offered. */
  release: Release | undefined;
  readonly #options: ReleaseWatchOptions;
  #seen = '';
  #isBusy = false;

  constructor(options: ReleaseWatchOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async poll(): Promise<void> {
    const now = this.#stamp();
    if (this.#isBusy || now === this.#seen) return;
    this.#isBusy = true;
    this.#seen = now;
    try {
      this.release = await this.#read();
      this.#options.onRelease(this.release);
    } catch (error) {
      if (!(error instanceof LetheError)) throw error;
      this.release = undefined;
      this.#options.onNotice(`No update is offered: ${explain(error).replace('\n  → ', ' ')}`);
    } finally {
      this.#isBusy = false;
    }
  }

  async #read(): Promise<Release> {
    const { path, keys } = this.#options;
    const bundle = await readBundle(path, keys);
    try {
      await bundle.check();
      const { manifest, signature, fileBytes } = bundle;
      if (manifest.target !== TARGET)
        throw new BundleError('other_target', `Release ${manifest.version} is for ${manifest.target}.`, {
          op: 'check release',
          hint: `Take the bundle for ${TARGET}.`,
        });
      return { manifest, signature, path, bytes: fileBytes };
    } finally {
      bundle.close();
    }
  }

  /** Another text: another file, or another content. */
  #stamp(): string {
    try {
      const { ino, size, mtimeMs, ctimeMs } = statSync(this.#options.path);
      return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'unknown';
    }
  }
}
