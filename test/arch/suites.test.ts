// Goal: no test passes by not running. uvu exits 0 when a file forgets `.run()`.
// Method: look at the sources of all test files, and check that the runner itself fails such a file.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sourceRoot } from '../fakes/root.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = sourceRoot();

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(path);
    return entry.name.endsWith('.test.ts') ? [path] : [];
  });
}

test('every test file says what it is for and ends by running', () => {
  const wrong: string[] = [];
  for (const file of testFiles(join(root, 'test'))) {
    const text = readFileSync(file, 'utf8').trim();
    if (!/\.run\(\);$/.test(text)) wrong.push(`${file} does not end in .run()`);
    if (!/^(?:\/\/|\/\*\*) ?\S?/.test(text)) wrong.push(`${file} does not begin with its goal and method`);
  }
  assert.equal(wrong, []);
});

/** A copy of the runner over a test folder of our own. */
function runnerOver(source: string): { status: number | null; lastLine: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-runner-'));
  try {
    mkdirSync(join(folder, 'scripts'));
    mkdirSync(join(folder, 'test'));
    cpSync(join(here, '..', '..', 'scripts', 'test.js'), join(folder, 'scripts', 'test.js'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'test', 'a.test.js'), source);
    const done = spawnSync(process.execPath, [join(folder, 'scripts', 'test.js')], { encoding: 'utf8' });
    return { status: done.status, lastLine: done.stdout.trim().split('\n').at(-1) ?? '' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const IMPORTS = "import { test } from 'uvu';\nimport * as assert from 'uvu/assert';\n";

test('the runner passes a good file', () => {
  assert.equal(runnerOver(`${IMPORTS}test('a', () => assert.ok(true));\ntest.run();`), {
    status: 0,
    lastLine: '1 passed, 0 failed',
  });
});

test('the runner fails a file that forgets .run()', () => {
  assert.equal(runnerOver(`${IMPORTS}test('a', () => assert.ok(true));`), {
    status: 1,
    lastLine: '0 passed, 1 failed',
  });
});

test('the runner fails a failing test and counts the others', () => {
  assert.equal(
    runnerOver(`${IMPORTS}test('a', () => assert.ok(true));\ntest('b', () => assert.ok(false));\ntest.run();`),
    {
      status: 1,
      lastLine: '1 passed, 1 failed',
    },
  );
});

test('the runner fails a file that crashes after its tests', () => {
  const crash = `${IMPORTS}test('a', () => assert.ok(true));\ntest.run();\nsetTimeout(() => { throw new Error('late'); }, 300);`;
  assert.equal(runnerOver(crash), { status: 1, lastLine: '1 passed, 1 failed' });
});

test.run();
