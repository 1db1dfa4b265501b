/**
 * Test runner: every test file is a program of its own (uvu), so a leak or a crash in one cannot hide in another.
 * Usage: test [group…]; groups are `unit` (default: no server, no hardware, no network), `broker`, `faults`, `privacy`, `video`, `tfjs`, `arm64`,
 * `image`, `emulator`, `device`, `all`.
 * Lines that begin with `|` are rows of a table: those of all files are printed together at the end, each once.
 * Prints each failing file whole, then `N passed, N failed` alone on the last line. A file that reports no test at all
 * fails: uvu exits 0 when `.run()` was forgotten.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders of test/ that need something from outside; everything else is `unit`. */
const GROUP_FOLDERS = ['broker', 'faults', 'privacy', 'video', 'tfjs', 'arm64', 'image', 'emulator', 'device'] as const;
/** A test file that hangs is ended; long runs by variable (FC_RUNS) get more. */
const FILE_TIMEOUT_MS = Number(process.env['LETHE_TEST_TIMEOUT_MS'] ?? 180_000);
/**
 * Searching all memory of several processes takes minutes on a busy machine. What is emulated instruction by instruction takes
 * its time; one device lives through a day of its life in one file.
 */
const GROUP_TIMEOUTS_MS: Readonly<Record<string, number>> = {
  privacy: 480_000,
  arm64: 600_000,
  emulator: 2_700_000,
};

type Outcome = {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly output: string;
  readonly ms: number;
};

const testRoot = join(dirname(fileURLToPath(import.meta.url)), '..', 'test');

function findTests(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return findTests(path);
    return entry.name.endsWith('.test.js') ? [path] : [];
  });
}

function groupOf(file: string): string {
  const top = relative(testRoot, file).split('/')[0] ?? '';
  return (GROUP_FOLDERS as readonly string[]).includes(top) ? top : 'unit';
}

function runFile(file: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const startedAtMs = Date.now();
    let output = '';
    let timedOut = false;
    // Allocation tests need the collector by hand and a fixed young generation (test/alloc says why).
    const flags =
      groupOf(file) === 'unit' && relative(testRoot, file).startsWith('alloc/')
        ? ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64']
        : [];
    const child = spawn(process.execPath, [...flags, file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'test', FORCE_COLOR: '0' },
    });
    const timeoutMs = Math.max(FILE_TIMEOUT_MS, GROUP_TIMEOUTS_MS[groupOf(file)] ?? 0);
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', (code) => {
      clearTimeout(timer);
      const total = Number(/^\s*Total:\s+(\d+)/m.exec(output)?.[1] ?? 0);
      const passed = Number(/^\s*Passed:\s+(\d+)/m.exec(output)?.[1] ?? 0);
      let failed = total - passed;
      if (timedOut) output += `\nended after ${timeoutMs} ms`;
      if (total === 0) output += '\nno test ran: does the file end in .run()?';
      // A crash after the last test, a time-out or a silent file is a failure even if every test in it passed.
      if (failed === 0 && (code !== 0 || total === 0)) failed = 1;
      resolve({ file: relative(testRoot, file), passed, failed, output, ms: Date.now() - startedAtMs });
    });
  });
}

const wanted = process.argv.slice(2);
const groups = wanted.length === 0 ? ['unit'] : wanted.includes('all') ? ['unit', ...GROUP_FOLDERS] : wanted;
const unknown = groups.filter((group) => group !== 'unit' && !(GROUP_FOLDERS as readonly string[]).includes(group));
if (unknown.length > 0) {
  process.stderr.write(`unknown test group ${unknown.join(', ')}; known: unit, ${GROUP_FOLDERS.join(', ')}, all\n`);
  process.exit(64);
}

const queue = findTests(testRoot)
  .filter((file) => groups.includes(groupOf(file)))
  .sort();
const outcomes: Outcome[] = [];
/** Two emulated devices at a time would only wait for each other. */
const workerCount = groups.includes('emulator') ? 1 : Math.min(availableParallelism(), 4);
await Promise.all(
  Array.from({ length: workerCount }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const outcome = await runFile(file);
      outcomes.push(outcome);
      const mark = outcome.failed === 0 ? 'ok  ' : 'FAIL';
      process.stdout.write(`${mark} ${outcome.file} (${outcome.passed} tests, ${outcome.ms} ms)\n`);
      if (outcome.failed > 0) process.stdout.write(`${outcome.output.trim()}\n\n`);
    }
  }),
);

const rows = outcomes
  .sort((a, b) => (a.file < b.file ? -1 : 1))
  .flatMap(({ output }) => output.match(/\| .+ \|$/gm) ?? []);
if (rows.length > 0) process.stdout.write(`${[...new Set(rows)].join('\n')}\n`);

const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
