/** The machine itself, for the checks of `doctor --privacy`. Reads only. */
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { runProgram } from '../run-program.ts';
import type { PrivacyProbes } from './finding.ts';

/** Undefined for everything that cannot be had: a check does not care whether a file is absent or forbidden. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

const readText = (path: string) => attempt(() => readFileSync(path, 'utf8'));

export function systemProbes(stateDir: string): PrivacyProbes {
  let config: string | undefined;
  return {
    userId: process.getuid?.() ?? -1,
    nodeOptions: process.env['NODE_OPTIONS'] ?? '',
    temporaryFolder: process.env['XDG_RUNTIME_DIR'] ?? tmpdir(),
    stateFolder: stateDir,
    readText,
    exists: existsSync,
    list: (folder) => attempt(() => readdirSync(folder)),
    link: (path) => attempt(() => readlinkSync(path)),
    status: (path) =>
      attempt(() => {
        const { mode, uid } = statSync(path);
        return { mode, userId: uid };
      }),
    kernelConfig() {
      config ??=
        attempt(() => gunzipSync(readFileSync('/proc/config.gz')).toString('utf8')) ??
        readText(`/boot/config-${release()}`);
      return config;
    },
    run: runProgram,
  };
}
