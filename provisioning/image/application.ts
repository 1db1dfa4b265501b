/**
 * The application as a folder of this machine, and as entries of an image: where things go is said by device/layout.ts, the
 * same for flashing and for updates; all of it is root's and read-only for all others.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ImageError } from '../../runtime/errors.ts';
import { applicationLayout, isUnitName, UNITS_IN_SLOT } from '../device/layout.ts';
import type { Entry } from './ext4.ts';

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

/** Slot, links to it, units and the links that switch them on. */
export function applicationEntries({ folder }: Application): Entry[] {
  const files = filesBelow(folder);
  const units = [...unitFiles({ folder })].filter(([name]) => isUnitName(name)).map(([name, text]) => ({ name, text }));
  const isExecutable = (path: string) => (statSync(join(folder, path)).mode & EXECUTABLE_BITS) !== 0;
  const root = { uid: 0, gid: 0 };
  return applicationLayout(files, units, isExecutable).map((entry): Entry => {
    if (entry.kind === 'link') return entry;
    if (entry.kind === 'folder') return { ...entry, ...root };
    const file = join(folder, entry.source);
    return { kind: 'file', path: entry.path, mode: entry.mode, ...root, from: { file, bytes: statSync(file).size } };
  });
}

/** Paths relative to the folder. A release holds neither links nor anything else that is no file. */
function filesBelow(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below))
    .sort()
    .flatMap((name) => {
      const path = below === '' ? name : `${below}/${name}`;
      const stat = lstatSync(join(folder, path));
      if (stat.isDirectory()) return filesBelow(folder, path);
      if (stat.isFile()) return [path];
      throw new ImageError('APPLICATION', `${path} of the application is neither file nor folder.`, {
        op: 'read application',
        hint: 'Make it with: npm run -s lethe -- bundle --tree DIR',
      });
    });
}

/** Our units and settings, which are part of the version: name → text. `below`: a folder in theirs. */
export function unitFiles({ folder }: Pick<Application, 'folder'>, below = '.'): Map<string, string> {
  const units = join(folder, UNITS_IN_SLOT, below);
  if (!existsSync(units)) return new Map();
  const files = readdirSync(units, { withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(files.map(({ name }) => [name, readFileSync(join(units, name), 'utf8')]));
}
