/** The checkout's root, whether a test runs from dist/ or from its source. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export function sourceRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'tsconfig.json'))) return folder;
    if (folder === dirname(folder))
      throw new Error(`no tsconfig.json above ${start}: build into dist/ of the checkout`);
  }
}
