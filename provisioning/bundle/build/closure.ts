/**
 * Which files a program needs: imports followed from file to file, into the packages too. The idea of the scanner in
 * test/arch/imports.test.ts, over compiled code. Imports of ours are literal; packages are read generously (a `require` in
 * a comment counts), so the answer may hold a file too many, never one too few for what is written as a literal.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, extname, join, relative } from 'node:path';
import { BundleError } from '../../../runtime/errors.ts';

export type Closure = {
  /** Relative to the root, sorted. */
  readonly files: readonly string[];
  /** Folders of the packages among them, such as node_modules/mqtt, sorted. */
  readonly packages: readonly string[];
  /** `file → specifier` of what packages name and nobody has here: optional parts of theirs. */
  readonly absent: readonly string[];
};

export type ClosureOptions = {
  readonly root: string;
  readonly entries: readonly string[];
  /** false: what `from` imports there is neither followed nor part of it. */
  readonly isFollowed: (from: string, file: string) => boolean;
  readonly optionalPackages: readonly string[];
};

const SPECIFIERS: readonly RegExp[] = [
  /\brequire\(\s*['"]([\w@./+:-]+)['"]\s*\)/g,
  /\bfrom\s*['"]([\w@./+:-]+)['"]/g,
  /\bimport\s*['"]([\w@./+:-]+)['"]/g,
  /\bimport\(\s*['"]([\w@./+:-]+)['"]\s*\)/g,
  // A file of a package that is read: import.meta.resolve(…), createRequire(…).resolve(…).
  /\.resolve\(\s*['"]((?:@[\w.-]+\/)?\w[\w.-]*\/[\w./-]+\.\w+)['"]\s*\)/g,
  /\bnew URL\(\s*['"]([\w@./+-]*\w\.\w+)['"]\s*,\s*import\.meta\.url\s*\)/g,
];
/** The last of them needs no `./` before a file beside. */
const FILE_URL = SPECIFIERS.length - 1;
const SCRIPTS = ['.js', '.cjs', '.mjs'];
/** What Node itself asks for, in the order in which packages list them. */
const CONDITIONS = new Set(['node', 'import', 'require', 'default', 'module-sync']);

/** Throws BundleError incomplete with all of our own imports that lead nowhere. */
export function closureOf({ root, entries, isFollowed, optionalPackages }: ClosureOptions): Closure {
  const files = new Set<string>();
  const packages = new Set<string>();
  const absent: string[] = [];
  const broken: string[] = [];
  const open = [...entries];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    if (!SCRIPTS.includes(extname(file))) continue;
    for (const specifier of specifiersOf(readFileSync(join(root, file), 'utf8'))) {
      if (isBuiltin(specifier) || optionalPackages.includes(specifier)) continue;
      const found = resolve(root, file, specifier);
      if (found.length === 0) (file.startsWith('node_modules/') ? absent : broken).push(`${file} → ${specifier}`);
      for (const target of found) {
        if (!isFollowed(file, target.file)) continue;
        open.push(target.file);
        if (target.package !== undefined) packages.add(target.package);
      }
    }
  }
  if (broken.length > 0)
    throw new BundleError('incomplete', `Imports lead nowhere:\n${broken.join('\n')}`, {
      op: 'collect programs',
      hint: 'Install and build again: npm ci, then npm run build.',
    });
  return { files: [...files].sort(), packages: [...packages].sort(), absent: absent.sort() };
}

function specifiersOf(text: string): Set<string> {
  const found = SPECIFIERS.flatMap((pattern, i) =>
    [...text.matchAll(pattern)].map(([, name = '']) => (i === FILE_URL && !name.startsWith('.') ? `./${name}` : name)),
  );
  return new Set(found);
}

type Target = { readonly file: string; readonly package?: string };

/** Every file that the specifier may mean: a package may give other files to import and to require. */
function resolve(root: string, from: string, specifier: string): Target[] {
  if (specifier.startsWith('.')) {
    const file = fileAt(root, join(dirname(from), specifier));
    return file === undefined ? [] : [{ file }];
  }
  const parts = specifier.split('/');
  const name = specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!;
  const subpath = parts.slice(name.split('/').length).join('/');
  const folder = packageFolder(root, from, name);
  if (folder === undefined) return [];
  const json = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as PackageJson;
  const inside =
    json.exports === undefined
      ? [subpath === '' ? (json.main ?? 'index.js') : subpath]
      : exported(json.exports, subpath === '' ? '.' : `./${subpath}`);
  return inside.flatMap((path) => {
    const file = fileAt(root, join(folder, path));
    return file === undefined ? [] : [{ file, package: folder }];
  });
}

type Exports = string | null | readonly Exports[] | { readonly [key: string]: Exports };
type PackageJson = { readonly main?: string; readonly exports?: Exports };

/** Node's search (https://nodejs.org/api/modules.html#loading-from-node_modules-folders), no further up than the root. */
function packageFolder(root: string, from: string, name: string): string | undefined {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(root, candidate, 'package.json'))) return candidate;
    if (folder === '.' || folder === '/') return undefined;
  }
}

/** https://nodejs.org/api/packages.html#subpath-exports, with one star; all conditions that Node may have, not only the first. */
function exported(exports: Exports, subpath: string): string[] {
  const isMap =
    typeof exports === 'object' &&
    exports !== null &&
    !Array.isArray(exports) &&
    Object.keys(exports).some((key) => key.startsWith('.'));
  if (!isMap) return subpath === '.' ? targets(exports) : [];
  const map = exports as { readonly [key: string]: Exports };
  if (Object.hasOwn(map, subpath)) return targets(map[subpath]!);
  for (const [key, value] of Object.entries(map)) {
    const [before, after] = key.split('*');
    if (before === undefined || after === undefined) continue;
    if (!subpath.startsWith(before) || !subpath.endsWith(after)) continue;
    const middle = subpath.slice(before.length, subpath.length - after.length);
    return targets(value).map((path) => path.replaceAll('*', middle));
  }
  return [];
}

function targets(value: Exports): string[] {
  if (value === null) return [];
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap(targets);
  const found: string[] = [];
  for (const [condition, inside] of Object.entries(value)) {
    if (!CONDITIONS.has(condition)) continue;
    found.push(...targets(inside as Exports));
    // What comes after `node` or `default` is for others.
    if (condition === 'node' || condition === 'default') break;
  }
  return found;
}

function fileAt(root: string, path: string): string | undefined {
  const candidates = [path, `${path}.js`, `${path}.cjs`, `${path}.json`, `${path}/index.js`];
  const found = candidates.find((candidate) => statSync(join(root, candidate), { throwIfNoEntry: false })?.isFile());
  return found === undefined ? undefined : relative('.', found);
}
