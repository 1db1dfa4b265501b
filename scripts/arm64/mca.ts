/**
 * Cycles of a stretch of executed instructions, by llvm-mca: LLVM's model of how a processor's pipelines take instructions
 * in, wait for operands and share units (https://llvm.org/docs/CommandGuide/llvm-mca.html).
 * What it does not know: caches (every load hits the first level), mispredicted branches, page walks, other programs, heat.
 */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { ExitCode, LetheError } from '../../runtime/errors.ts';
import { missingTool } from './emulator.ts';

/** Older releases schedule the Neoverse N1, and with it the Cortex-A76, like a Cortex-A57. */
const LLVM_MIN = 16;
const LLVM_MAX = 30;
const TIMEOUT_MS = 300_000;
const OUTPUT_BYTES_MAX = 2 ** 28;
/** What the Cortex-A76 understands, the newest of the boards. */
const FEATURES = '-mattr=+v8.2a,+dotprod,+fullfp16';

export class Llvm {
  readonly version: number;
  /** Machine word → assembly text. */
  readonly #texts = new Map<number, string>();

  /** Throws LetheError TOOL_MISSING (exit 69). */
  constructor() {
    const versions = Array.from({ length: LLVM_MAX - LLVM_MIN + 1 }, (_, i) => LLVM_MAX - i);
    const found = versions.find((version) =>
      ['llvm-mca', 'llvm-mc'].every((name) => spawnSync(`${name}-${version}`, ['--version']).status === 0),
    );
    if (found === undefined) {
      throw missingTool(
        `llvm-mca-${LLVM_MIN} or newer is not installed.`,
        'Install it: sudo apt-get install llvm-19 (Debian 12, 13, Ubuntu 24.04).',
      );
    }
    this.version = found;
  }

  /** Texts of machine words, one each. */
  disassemble(words: readonly number[]): string[] {
    const unknown = [...new Set(words)].filter((word) => !this.#texts.has(word));
    const bytes = unknown.map((word) =>
      [0, 8, 16, 24].map((shift) => `0x${((word >>> shift) & 255).toString(16)}`).join(' '),
    );
    const output =
      unknown.length === 0
        ? ''
        : this.#run('llvm-mc', ['--disassemble', '-triple=aarch64', FEATURES], bytes.join('\n'));
    const texts = output
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('.'));
    if (texts.length !== unknown.length)
      throw failed(`llvm-mc-${this.version} read ${texts.length} of ${unknown.length} instructions`);
    for (const [i, word] of unknown.entries()) this.#texts.set(word, texts[i]!);
    return words.map((word) => this.#texts.get(word)!);
  }

  /** Cycles of each stretch of machine words, run once from empty pipelines. processor: LLVM's name of it. */
  cycles(stretches: readonly (readonly number[])[], processor: string): number[] {
    // Layers of one shape execute the same instructions: the model, which is slow, sees them once.
    const keys = stretches.map((words) => words.join());
    const different = new Map(keys.map((key, i) => [key, stretches[i]!]));
    const regions = [...different.values()].map((words, i) =>
      [`# LLVM-MCA-BEGIN s${i}`, ...this.disassemble(words), `# LLVM-MCA-END s${i}`].join('\n'),
    );
    const options = ['-iterations=1', '-instruction-info=0', '-resource-pressure=0'];
    const output = this.#run(
      'llvm-mca',
      ['-mtriple=aarch64', FEATURES, `-mcpu=${processor}`, ...options],
      `${regions.join('\n')}\n`,
    );
    const cycles = [...output.matchAll(/Code Region - s\d+\n[^[]*?Total Cycles: +(\d+)/g)].map((found) =>
      Number(found[1]),
    );
    if (cycles.length !== regions.length)
      throw failed(`llvm-mca-${this.version} gave cycles for ${cycles.length} of ${regions.length} stretches`);
    const byKey = new Map([...different.keys()].map((key, i) => [key, cycles[i]!]));
    return keys.map((key) => byKey.get(key)!);
  }

  #run(name: string, options: readonly string[], input: string): string {
    const done: SpawnSyncReturns<string> = spawnSync(`${name}-${this.version}`, options, {
      input,
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    if (done.status === 0) return done.stdout;
    throw failed(`${name}-${this.version} failed: ${done.error?.message ?? done.stderr.split('\n', 3).join(' ')}`);
  }
}

function failed(problem: string): LetheError {
  return new LetheError('ESTIMATE_FAILED', `${problem}.`, ExitCode.failed, { op: 'estimate cycles' });
}
