/**
 * Builds dist/: TypeScript by tsc, the kernels by the AssemblyScript compiler.
 * `buildIfNeeded` compares the newest source with a stamp, so that a second start costs milliseconds.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamp = join(root, 'dist', '.stamp');
const SOURCE_ROOTS = ['runtime', 'drivers', 'provisioning', 'scripts', 'test', 'tsconfig.json', 'package-lock.json'];
const KERNELS = 'runtime/eye/infer/kernels';

function newestMs(path) {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  let newest = 0;
  for (const name of readdirSync(path)) newest = Math.max(newest, newestMs(join(path, name)));
  return newest;
}

function run(label, script, args) {
  const done = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (done.status !== 0) {
    process.stderr.write(`lethe: ${label} failed; its messages are above.\n`);
    process.exit(1);
  }
}

// A promise of 64 KiB spares arm64, where V8 checks every load, the checks of small constant offsets.
const MEMORY = ['--importMemory', '--initialMemory', '1'];
const RELAXED_SIMD = ['--enable', 'relaxed-simd'];

function compileKernels(source, module, options) {
  const files = [`${KERNELS}/${source}.ts`, '--outFile', `dist/${KERNELS}/${module}.wasm`];
  // stub runtime: no allocator, no garbage collector, no data segment; --noAssert: loop bounds are proved when the plan is made.
  const common = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--use', 'abort='];
  run('asc', 'assemblyscript/bin/asc.js', [...files, ...common, ...options]);
}

export function build() {
  const startedAtMs = Date.now();
  // A removed source must not live on as compiled code: uvu would still run its tests.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  mkdirSync(join(root, 'dist', KERNELS), { recursive: true });
  run('tsc', 'typescript/bin/tsc', []);
  // One module for each way of rounding, which is thereby folded into the kernels (runtime/eye/infer/quantize.ts, Rounding),
  // and the last again for machines with relaxed SIMD (runtime/eye/infer/relaxed.ts), which probe.wasm finds out.
  ['double', 'single', 'fp32'].forEach((rounding, index) => {
    compileKernels('index', rounding, [...MEMORY, '--use', `ROUNDING=${index}`, '--use', 'RELAXED=0']);
  });
  compileKernels('index', 'relaxed', [...MEMORY, ...RELAXED_SIMD, '--use', 'ROUNDING=2', '--use', 'RELAXED=1']);
  compileKernels('probe', 'probe', ['--noExportMemory', ...RELAXED_SIMD]);
  writeFileSync(stamp, `${new Date(startedAtMs).toISOString()}\n`);
  process.stderr.write(`lethe: built in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s\n`);
}

export function buildIfNeeded() {
  const builtAtMs = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  const newest = Math.max(...SOURCE_ROOTS.map((name) => newestMs(join(root, name))));
  if (newest > builtAtMs) build();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
