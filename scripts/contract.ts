/**
 * Writes what is made of the contract: runtime/contract/asyncapi.json, and test/golden/contract-v1.json, the list of all that
 * was promised so far. Refuses, and names each fault, when something promised is gone or has changed (contract/promises.ts).
 * `npm run -s contract` writes, `npm run -s contract -- --check` only compares and exits 1 when a file differs.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asyncApiDocument } from '../runtime/contract/asyncapi.ts';
import { TREE_TOPICS } from '../runtime/contract/trees.ts';
import { brokenPromises, type Promises, promisesOf } from './contract/promises.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const PROMISES_FILE = join('test', 'golden', 'contract-v1.json');

const promises = promisesOf(TREE_TOPICS);
const texts: Readonly<Record<string, string>> = {
  [join('runtime', 'contract', 'asyncapi.json')]: `${JSON.stringify(asyncApiDocument(), null, 2)}\n`,
  [PROMISES_FILE]: `${JSON.stringify(promises, null, 1)}\n`,
};

function fail(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
}

const promisesPath = join(root, PROMISES_FILE);
const before = existsSync(promisesPath) ? (JSON.parse(readFileSync(promisesPath, 'utf8')) as Promises) : {};
const broken = brokenPromises(before, promises);
if (broken.length > 0) fail(`version 1 only grows; nothing was written:\n${broken.join('\n')}`);
for (const [file, text] of broken.length > 0 ? [] : Object.entries(texts)) {
  const path = join(root, file);
  if (!process.argv.includes('--check')) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text)
    fail(`${file} is not what the contract says; run: npm run -s contract`);
}
