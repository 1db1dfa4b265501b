/**
 * The application as a folder of this machine, and as entries of an image: slot /opt/lethe/a, the link `current`, all of it
 * root's and read-only for all others.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from '../../runtime/errors.ts';
import type { Entry } from './ext4.ts';

export const SLOTS_FOLDER = '/opt/lethe';
const FIRST_SLOT = 'a';
const EXECUTABLE_BITS = 0o111;
/** Without these it would not start; the rest is the bundle's business. */
const NEEDED = [
  'bin/node',
  'dist/runtime/eye/main.js',
  'dist/runtime/voice/main.js',
  'provisioning/units',
  'package.json',
];
const AARCH64 = 0xb7;

export type Application = {
  readonly folder: string;
  readonly version: string;
};

/** A tree as `lethe bundle --tree` makes it. Throws when something is missing or made for another machine. */
export function applicationAt(folder: string): Application {
  const problems = NEEDED.filter((path) => lstatSync(join(folder, path), { throwIfNoEntry: false }) === undefined).map(
    (path) => `${path} is missing in the application.`,
  );
  if (problems.length === 0) problems.push(...machineProblems(join(folder, 'bin/node')));
  if (problems.length > 0)
    throw new ImageError('APPLICATION', problems, {
      op: 'read application',
      hint: 'Make it with: npm run -s lethe -- bundle --out FILE.lethe',
    });
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { readonly version: string };
  return { folder, version };
}

function machineProblems(node: string): string[] {
  const head = readFileSync(node).subarray(0, 20);
  const isElf = head.toString('latin1', 1, 4) === 'ELF';
  return isElf && head.readUInt16LE(18) === AARCH64 ? [] : ['bin/node of the application is not made for 64-bit ARM.'];
}

/** The slot and the link to it. */
export function applicationEntries({ folder }: Application): Entry[] {
  const root = { uid: 0, gid: 0 };
  return [
    { kind: 'folder', path: SLOTS_FOLDER, mode: 0o755, ...root },
    { kind: 'folder', path: `${SLOTS_FOLDER}/${FIRST_SLOT}`, mode: 0o755, ...root },
    ...treeEntries(folder, `${SLOTS_FOLDER}/${FIRST_SLOT}`),
    { kind: 'link', path: `${SLOTS_FOLDER}/current`, target: FIRST_SLOT },
  ];
}

/** Everything below a folder, in an order in which each folder comes before what is in it. */
function treeEntries(folder: string, target: string): Entry[] {
  const names = readdirSync(folder).sort();
  return names.flatMap((name): Entry[] => {
    const from = join(folder, name);
    const path = `${target}/${name}`;
    const stat = lstatSync(from);
    const root = { uid: 0, gid: 0 };
    if (stat.isSymbolicLink()) return [{ kind: 'link', path, target: readlinkSync(from) }];
    if (stat.isDirectory()) return [{ kind: 'folder', path, mode: 0o755, ...root }, ...treeEntries(from, path)];
    if (!stat.isFile())
      throw new ImageError('APPLICATION', `${from} is neither file, folder nor link.`, { op: 'read application' });
    const mode = stat.mode & EXECUTABLE_BITS ? 0o755 : 0o644;
    return [{ kind: 'file', path, mode, ...root, from: { file: from, bytes: stat.size } }];
  });
}

/** Our units and settings, which are part of the version: name → text. */
export function unitFiles({ folder }: Application): Map<string, string> {
  const units = join(folder, 'provisioning/units');
  const files = readdirSync(units, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map(({ name }) => [name, readFileSync(join(units, name), 'utf8')]));
}
