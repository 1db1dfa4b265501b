/** Where this package lies and which version it is: from its own package.json, in sources and in dist/ alike. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

type Package = { readonly root: string; readonly version: string };

function findPackage(): Package {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const json = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (json.name === 'lethe' && json.version !== undefined) return { root: folder, version: json.version };
    } catch {
      // Not here: one folder up.
    }
  }
  throw new Error(`no package.json of lethe above ${start}`);
}

const found = findPackage();
/** Folder of package.json; models/ is below it. */
export const PACKAGE_ROOT = found.root;
export const PACKAGE_VERSION = found.version;
