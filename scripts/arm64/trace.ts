/**
 * Trace: every machine instruction that the kernels execute for one frame, as V8 emitted it for arm64 and QEMU saw it.
 *
 * Why a trace, not the kernels' text: what the kernels look like, which of them asc inlines into which, how V8 unrolls and
 * where it puts checks need not be known. QEMU cuts code into blocks that end at a branch; `-d in_asm` prints the instructions
 * of each and `-d exec` a line whenever one is entered (`nochain`: at every entry). Between two entries of the function `run`
 * lies one command. So counts are counted, not derived from loop bounds.
 *
 * Two emulated runs: the first tells where V8 puts the code (with one thread and a fixed seed at the same place), the second logs
 * that region only; all of Node's own code would be a log of gigabytes.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExitCode, LetheError } from '../../runtime/errors.ts';
import type { Rounding } from '../../runtime/eye/infer/quantize.ts';
import type { Calls, Step } from './calls.ts';
import { Emulator, type NodeMajor } from './emulator.ts';
import { TIER_FLAGS } from './hash.ts';

export type TraceChoice = {
  readonly major: NodeMajor;
  readonly rounding: Rounding;
  readonly model: string;
  /** pairs: as on a Cortex-A72; relaxed: as on a Cortex-A76, which has dot products. */
  readonly kernels: 'pairs' | 'relaxed-signed';
};

export type Instruction = {
  readonly address: number;
  /** The 32 bits of it. */
  readonly word: number;
  /** As QEMU's disassembler writes it: `smull v1.8h, v2.8b, v3.8b`. */
  readonly text: string;
};
export type Block = readonly Instruction[];

export type CommandTrace = {
  /** Index into Trace.steps. */
  readonly step: number;
  readonly kernel: string;
  /** In the order of execution: indices into Trace.blocks. */
  readonly entered: readonly number[];
};

export type Trace = {
  readonly choice: TraceChoice;
  readonly nodeVersion: string;
  readonly blocks: readonly Block[];
  readonly commands: readonly CommandTrace[];
  readonly steps: readonly Step[];
};

const PROGRAM = fileURLToPath(new URL('./calls.js', import.meta.url));
/**
 * V8 chooses addresses at random: by a fixed seed here. How often it has chosen before depends on threads and on when garbage is
 * collected, so there is one thread and a schedule, and where the code lies elsewhere nevertheless, that place is watched too.
 */
const STEADY_FLAGS = ['--predictable', '--single-threaded', '--random-seed=1', '--print-wasm-code'];
const ATTEMPTS = 6;
/** Room around the functions' first instructions: V8 reserves code space for a module in one piece. */
const REGION_MARGIN_BYTES = 2 ** 20;

/** Throws LetheError TOOL_MISSING (exit 69), or TRACE_UNREADABLE where this QEMU or V8 writes something else. */
export function traceFrame(choice: TraceChoice): Trace {
  const emulator = new Emulator(choice.major);
  const folder = mkdtempSync(join(tmpdir(), 'lethe-arm64-'));
  try {
    const [result, log] = [join(folder, 'calls.json'), join(folder, 'trace.txt')];
    const node = [
      ...TIER_FLAGS.turbofan,
      ...STEADY_FLAGS,
      PROGRAM,
      choice.model,
      choice.rounding,
      choice.kernels,
      result,
    ];
    const regions: Region[] = [];
    for (let attempt = 0; attempt <= ATTEMPTS; attempt += 1) {
      const filter = regions.map(({ start, end }) => `0x${start.toString(16)}..0x${end.toString(16)}`).join(',');
      const qemu = attempt === 0 ? [] : ['-d', 'in_asm,exec,nochain', '-dfilter', filter, '-D', log];
      const addresses = functionAddresses(emulator.run(choice.kernels === 'pairs' ? 'a72' : 'a76', node, qemu));
      const region = regionOf([...addresses.values()]);
      if (!regions.some(({ start, end }) => start <= region.start && region.end <= end)) {
        regions.push({ start: region.start - REGION_MARGIN_BYTES, end: region.end + REGION_MARGIN_BYTES });
        continue;
      }
      const calls = JSON.parse(readFileSync(result, 'utf8')) as Calls;
      const entry = addresses.get(calls.functionIndex);
      if (entry === undefined) return unreadable(`V8 printed no code of function ${calls.functionIndex}`);
      const { blocks, calls: entered } = readTrace(readFileSync(log, 'latin1'), entry);
      if (entered.length !== calls.commands.length)
        return unreadable(`${entered.length} calls were seen; expected ${calls.commands.length}`);
      return {
        choice,
        nodeVersion: emulator.nodeVersion,
        blocks,
        commands: calls.commands.map((command, i) => ({ ...command, entered: entered[i]! })),
        steps: calls.steps,
      };
    }
    return unreadable(`V8 put the code somewhere new in each of ${ATTEMPTS} runs`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Region = { readonly start: number; readonly end: number };

function regionOf(addresses: readonly number[]): Region {
  return { start: Math.min(...addresses), end: Math.max(...addresses) };
}

function unreadable(problem: string): never {
  throw new LetheError('TRACE_UNREADABLE', `the trace cannot be read: ${problem}.`, ExitCode.failed, {
    op: 'trace kernels',
    hint: 'It was written for QEMU 7.2 and Node 20, 22 and 24; compare their output with scripts/arm64/trace.ts.',
  });
}

/** What V8 prints with --print-wasm-code: function index → address of its first instruction. */
export function functionAddresses(printed: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const part of printed.split('--- WebAssembly code ---').slice(1)) {
    const index = /^index: (\d+)$/m.exec(part)?.[1];
    const address = /^Instructions \(size = \d+\)\n0x([0-9a-f]+) /m.exec(part)?.[1];
    if (/^kind: wasm function$/m.test(part) && index !== undefined && address !== undefined)
      found.set(Number(index), Number.parseInt(address, 16));
  }
  if (found.size === 0) unreadable('V8 printed no code');
  return found;
}

/** A log of QEMU: its blocks, and for every entry of the block at address `entry` the blocks from there to the next. */
export function readTrace(log: string, entry: number): { blocks: Block[]; calls: number[][] } {
  const blocks: Block[] = [];
  const calls: number[][] = [];
  /** Address of a block's first instruction → its newest translation. */
  const byAddress = new Map<number, number>();
  let open: Instruction[] | undefined;
  for (let at = 0; at < log.length; ) {
    const end = log.indexOf('\n', at);
    const line = log.slice(at, end === -1 ? log.length : end);
    at += line.length + 1;
    if (line.startsWith('Trace ')) {
      // Trace 0: host address [cs_base/address/flags/cflags]
      const address = Number.parseInt(line.slice(line.indexOf('/') + 1), 16);
      const block = byAddress.get(address);
      if (block === undefined) return unreadable(`code at 0x${address.toString(16)} ran without being printed`);
      if (address === entry) calls.push([]);
      calls.at(-1)?.push(block);
    } else if (line.startsWith('0x')) {
      const parts = /^0x([0-9a-f]+): {2}([0-9a-f]{8}) +(.*)$/.exec(line);
      if (parts === null || open === undefined) return unreadable(`the line ${JSON.stringify(line)}`);
      const [, digits = '', word = '', text = ''] = parts;
      const address = Number.parseInt(digits, 16);
      if (open.length === 0) {
        byAddress.set(address, blocks.length);
        blocks.push(open);
      }
      open.push({
        address,
        word: Number.parseInt(word, 16),
        text: text.trim().replace(/\s+/g, ' '),
      });
    } else if (line.startsWith('IN:')) {
      open = [];
    } else if (line.startsWith('Stopped execution of TB chain before')) {
      // A signal came: the block that was announced last did not run and is announced again.
      const call = calls.at(-1);
      call?.pop();
      if (call?.length === 0) calls.pop();
    }
  }
  return { blocks, calls };
}

/** Instructions executed by a command. */
export function instructionCount({ blocks }: Trace, { entered }: CommandTrace): number {
  let count = 0;
  for (const block of entered) count += blocks[block]!.length;
  return count;
}
