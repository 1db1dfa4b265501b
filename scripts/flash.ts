/**
 * Puts Lethe into an image of Raspberry Pi OS, and the image onto a card. The work is in provisioning/image (flash.ts first);
 * here are the words, the terminal and the application.
 * Usage: npm run -s flash -- --help
 */
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { buildTree } from '../provisioning/bundle/build/tree.ts';
import { readBundle } from '../provisioning/bundle/read.ts';
import { applicationAt } from '../provisioning/image/application.ts';
import { type FlashContext, flash, removeUnfinished } from '../provisioning/image/flash.ts';
import type { PublicKeyFile } from '../provisioning/image/keys.ts';
import { type FlashOptions, HELP, readOptions } from '../provisioning/image/options.ts';
import { progressOn } from '../provisioning/image/progress.ts';
import { ExitCode, explain, LetheError } from '../runtime/errors.ts';
import { PACKAGE_ROOT, PACKAGE_VERSION } from '../runtime/package.ts';

/** As a shell does: 128 and the number of the signal. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const say = (line: string) => process.stdout.write(`${line}\n`);

/** --tree as it is; --bundle unpacked; else made from this checkout. */
async function application({ tree, bundle, wishes }: FlashOptions) {
  if (tree !== undefined) return { ...applicationAt(tree), remove: () => {} };
  const parent = mkdtempSync(join(tmpdir(), 'lethe-tree-'));
  const folder = join(parent, 'application');
  const remove = () => rmSync(parent, { recursive: true, force: true });
  try {
    if (bundle !== undefined) {
      await unpackBundle(bundle, wishes.releaseKeys, folder);
      return { ...applicationAt(folder), remove };
    }
    say('making the application (npm run -s lethe -- bundle --tree DIR does it once for many cards)');
    buildTree({
      root: PACKAGE_ROOT,
      target: folder,
      version: PACKAGE_VERSION,
      node: undefined,
      hasPins: true,
      progress: say,
    });
    return { ...applicationAt(folder), remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Only what one of the given keys signed gets onto a card. */
async function unpackBundle(path: string, keys: readonly PublicKeyFile[], folder: string): Promise<void> {
  const bundle = await readBundle(path, new Map(keys.map(({ keyId, pem }) => [keyId, createPublicKey(pem)])));
  try {
    await bundle.unpackTo(folder);
  } finally {
    bundle.close();
  }
}

async function ask(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), Date.now());
  if (options === undefined) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const context: FlashContext = {
    say,
    progress: progressOn(process.stderr),
    ...(process.stdin.isTTY ? { ask } : {}),
    application: () => application(options),
    nowMs: Date.now,
  };
  await flash(options, context);
  return ExitCode.ok;
}

// Everything temporary goes into one folder, ours and that of our children, so that an end by Ctrl-C leaves none of it.
const workshop = mkdtempSync(join(tmpdir(), 'lethe-flash-'));
process.env['TMPDIR'] = workshop;
const clean = () => {
  removeUnfinished();
  rmSync(workshop, { recursive: true, force: true });
};
for (const [signal, code] of Object.entries(SIGNAL_CODES))
  process.on(signal, () => {
    clean();
    process.exit(code);
  });

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = error instanceof LetheError ? error.exitCode : ExitCode.failed;
} finally {
  clean();
}
