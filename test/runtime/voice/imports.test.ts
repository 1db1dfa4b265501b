/**
 * Goal: the voice cannot come near a picture: no import, however indirect, reaches the eye, a camera or the engine.
 * Method: follow every literal import from voice/main.ts through the compiled files and look at what is reached.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const FORBIDDEN = [/^runtime\/eye\//, /^drivers\/camera\//, /^drivers\/gpio\//, /^models\//, /tensorflow/];
/** Sources in a development run, compiled files otherwise. */
const ENTRY = join(ROOT, 'runtime/voice/main') + (import.meta.url.endsWith('.ts') ? '.ts' : '.js');

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!);
}

function reachedFrom(entry: string): Map<string, string[]> {
  const reached = new Map<string, string[]>();
  const queue = [entry];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    const imports = importsOf(path);
    reached.set(path, imports);
    for (const specifier of imports) {
      if (!specifier.startsWith('.')) continue;
      const target = join(dirname(path), specifier);
      assert.ok(existsSync(target), `${specifier} of ${path} is there`);
      queue.push(target);
    }
  }
  return reached;
}

test('nothing that the voice reaches is of the eye, a camera, pins or the engine', () => {
  const reached = reachedFrom(ENTRY);
  const names = [...reached].flatMap(([path, imports]) => [
    relative(ROOT, path),
    ...imports.filter((specifier) => !specifier.startsWith('.')),
  ]);
  assert.ok(names.includes('mqtt'), 'the scan found the link');
  assert.ok(reached.size > 15, `the scan reached ${reached.size} files`);
  assert.equal(
    names.filter((name) => FORBIDDEN.some((pattern) => pattern.test(name))),
    [],
  );
});

test('the demo broker is not in the voice either', () => {
  assert.not.ok([...reachedFrom(ENTRY).values()].flat().includes('aedes'));
});

test.run();
