/** A folder with a NetworkManager of its own: the fake nmcli as a program that can be executed, its world, and its calls. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WORLD, type World } from './nmcli.ts';

const FAKE = join(dirname(fileURLToPath(import.meta.url)), 'nmcli.js');

export class FakeNetworkManager {
  readonly #folder: string;
  readonly nmcli: string;
  readonly iw: string;

  /** Programs are written below root/usr/bin, as `--root` looks for them. */
  constructor(root: string, world: Partial<World> = {}) {
    this.#folder = join(root, 'fake-network');
    this.nmcli = join(root, 'usr/bin/nmcli');
    this.iw = join(root, 'usr/sbin/iw');
    for (const folder of [this.#folder, dirname(this.nmcli), dirname(this.iw)]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(this.#folder, 'calls.txt'), '');
    this.set(world);
    // The words are those of the test's own paths, and none of them is data. Node 24 hands its permissions on to its children.
    writeFileSync(
      this.nmcli,
      `#!/bin/sh\nunset NODE_OPTIONS\nexec '${process.execPath}' '${FAKE}' '${this.#folder}' "$@"\n`,
      {
        mode: 0o755,
      },
    );
    writeFileSync(this.iw, `#!/bin/sh\necho "iw $*" >> '${this.#folder}/iw.txt'\n`, { mode: 0o755 });
  }

  get world(): World {
    return JSON.parse(readFileSync(join(this.#folder, 'world.json'), 'utf8')) as World;
  }

  set(world: Partial<World>): void {
    writeFileSync(join(this.#folder, 'world.json'), JSON.stringify({ ...WORLD, ...world }));
  }

  /** The words of each call of nmcli. */
  get calls(): string[][] {
    const text = readFileSync(join(this.#folder, 'calls.txt'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as string[]);
  }

  get iwCalls(): string {
    try {
      return readFileSync(join(this.#folder, 'iw.txt'), 'utf8');
    } catch {
      return '';
    }
  }
}

/** As world.json names an access point. */
export function ssidKey(ssid: string | Uint8Array): string {
  return Buffer.from(ssid as string).toString('hex');
}
