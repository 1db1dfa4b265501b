/**
 * `arm64 code`: which instructions the kernels spend their time in. For each kernel the innermost loop that executed most
 * instructions, with the instructions of one turn, counted in the trace (so what is jumped over is not counted).
 */
import { type Instruction, type Trace, type TraceChoice, traceFrame } from './trace.ts';

/** Kernels that multiply pairs of bytes, and what must be in their hottest loop for that: see kernels/pairs.ts. */
const MUST_HAVE: Readonly<Record<string, readonly string[]>> = {
  patch: ['smull', 'smlal', 'smull2', 'smlal2', 'sadalp'],
  pointwise: ['smull', 'smlal', 'smull2', 'smlal2', 'sadalp'],
  depthwise: ['smull', 'smlal', 'smull2', 'smlal2', 'sadalp'],
};

export type HotLoop = {
  readonly turns: number;
  /** Of all instructions that the kernel executed. */
  readonly share: number;
  /** Per turn. */
  readonly instructions: number;
  /** Conditional jumps forward that were never taken, per turn: bounds checks and the check for interrupts. */
  readonly checks: number;
  /** Mnemonic → executed per turn, most frequent first. */
  readonly mnemonics: readonly (readonly [string, number])[];
  readonly list: readonly { readonly instruction: Instruction; readonly perTurn: number }[];
};

export type KernelCode = {
  readonly kernel: string;
  readonly instructions: number;
  readonly macs: number;
  readonly loop: HotLoop | undefined;
};
export type Code = { readonly trace: Trace; readonly kernels: readonly KernelCode[] };

export function codeOf(choice: TraceChoice): Code {
  const trace = traceFrame(choice);
  const names = [...new Set(trace.commands.map(({ kernel }) => kernel))];
  return { trace, kernels: names.map((kernel) => kernelCode(trace, kernel)) };
}

/** next: addresses that were executed directly after it. */
type Executed = { readonly instruction: Instruction; count: number; readonly next: Set<number> };
type Graph = ReadonlyMap<number, Executed>;

export function kernelCode(trace: Trace, kernel: string): KernelCode {
  const commands = trace.commands.filter((command) => command.kernel === kernel);
  const executed = new Map<number, Executed>();
  for (const { entered } of commands) {
    entered.forEach((block, i) => {
      const instructions = trace.blocks[block]!;
      for (const [place, instruction] of instructions.entries()) {
        const one = executed.get(instruction.address) ?? { instruction, count: 0, next: new Set() };
        one.count += 1;
        executed.set(instruction.address, one);
        const within = instructions[place + 1];
        const after = entered[i + 1];
        if (within !== undefined) one.next.add(within.address);
        else if (CALL.test(instruction.text)) one.next.add(instruction.address + 4);
        else if (after !== undefined && !RETURN.test(instruction.text)) one.next.add(trace.blocks[after]![0]!.address);
      }
    });
  }
  const all = [...executed.values()].sort((a, b) => a.instruction.address - b.instruction.address);
  const total = all.reduce((sum, { count }) => sum + count, 0);
  const steps = new Set(commands.map(({ step }) => step));
  const macs = [...steps].reduce((sum, step) => sum + trace.steps[step]!.macs, 0);
  const loops = innermostLoops(executed, new Set(executed.keys())).map((loop) => describeLoop(executed, loop, total));
  loops.sort((a, b) => b.share - a.share);
  return { kernel, instructions: total, macs, loop: loops[0] };
}

/** What follows a call is the instruction behind it: functions are looked at one by one. */
const CALL = /^blr? /;
const RETURN = /^ret/;

/** Target of a direct branch, or undefined: the disassembler writes it as #0x… at the end. Calls are no branches here. */
export function branchTarget(text: string): number | undefined {
  const found = /^(?:b|b\.\w+|cbn?z|tbn?z) .*#0x([0-9a-f]+)$/.exec(text)?.[1];
  return found === undefined ? undefined : Number.parseInt(found, 16);
}

/**
 * Loops without loops inside, as sets of addresses: a loop is what can be reached from itself, its first instruction is where
 * it is entered; without that, what still can is inside. (Where V8 puts the parts of a loop does not matter then.)
 */
function innermostLoops(graph: Graph, within: ReadonlySet<number>): Set<number>[] {
  return cycles(graph, within).flatMap((cycle) => {
    const inside = new Set(cycle);
    for (const address of loopEntries(graph, cycle)) inside.delete(address);
    const inner = inside.size < cycle.size ? innermostLoops(graph, inside) : [];
    return inner.length > 0 ? inner : [cycle];
  });
}

function loopEntries(graph: Graph, cycle: ReadonlySet<number>): Set<number> {
  const entries = new Set<number>();
  for (const [address, { next }] of graph) {
    if (!cycle.has(address)) for (const target of next) if (cycle.has(target)) entries.add(target);
  }
  return entries;
}

/** Strongly connected parts of more than one instruction (Tarjan 1972), or of one that follows itself. */
function cycles(graph: Graph, within: ReadonlySet<number>): Set<number>[] {
  const found: Set<number>[] = [];
  const order = new Map<number, number>();
  const low = new Map<number, number>();
  const stack: number[] = [];
  const onStack = new Set<number>();
  const visit = (address: number): void => {
    order.set(address, order.size);
    low.set(address, order.get(address)!);
    stack.push(address);
    onStack.add(address);
    const { next } = graph.get(address)!;
    for (const target of next) {
      if (!within.has(target)) continue;
      if (!order.has(target)) visit(target);
      if (onStack.has(target)) low.set(address, Math.min(low.get(address)!, low.get(target)!));
    }
    if (low.get(address) !== order.get(address)) return;
    const part = new Set(stack.splice(stack.lastIndexOf(address)));
    for (const member of part) onStack.delete(member);
    if (part.size > 1 || next.has(address)) found.push(part);
  };
  for (const address of within) if (!order.has(address)) visit(address);
  return found;
}

function describeLoop(graph: Graph, loop: ReadonlySet<number>, total: number): HotLoop {
  const body = [...loop].sort((a, b) => a - b).map((address) => graph.get(address)!);
  const work = body.reduce((sum, { count }) => sum + count, 0);
  const [entry = body[0]!.instruction.address] = loopEntries(graph, loop);
  const turns = graph.get(entry)!.count;
  const mnemonics = new Map<string, number>();
  let checks = 0;
  for (const { instruction, count, next } of body) {
    const name = mnemonicOf(instruction);
    mnemonics.set(name, (mnemonics.get(name) ?? 0) + count / turns);
    const target = branchTarget(instruction.text);
    const isForward = name !== 'b' && target !== undefined && target > instruction.address;
    if (isForward && !next.has(target)) checks += count / turns;
  }
  return {
    turns,
    share: work / total,
    instructions: work / turns,
    checks,
    mnemonics: [...mnemonics].sort((a, b) => b[1] - a[1]),
    list: body.map(({ instruction, count }) => ({ instruction, perTurn: count / turns })),
  };
}

/** QEMU's disassembler writes `.byte` for sdot (Arm Architecture Reference Manual, SDOT (vector), four lanes of 32 bits). */
function mnemonicOf({ word, text }: Instruction): string {
  return (word & 0xffe0fc00) >>> 0 === 0x4e809400 ? 'sdot' : text.split(' ', 1)[0]!;
}

/** One sentence per instruction that is missing where it must be. */
export function faultsOf({ kernels, trace }: Code): string[] {
  const isRelaxed = trace.choice.kernels === 'relaxed-signed' && trace.choice.rounding === 'fp32';
  return kernels.flatMap(({ kernel, loop }) => {
    const names = new Set(loop?.mnemonics.map(([name]) => name));
    const mustHave = isRelaxed && kernel !== 'depthwise' && MUST_HAVE[kernel] ? ['sdot'] : (MUST_HAVE[kernel] ?? []);
    const missing = mustHave.filter((name) => !names.has(name));
    return missing.length === 0 ? [] : [`${kernel}: its hottest loop has no ${missing.join(', ')}`];
  });
}

export function formatCode({ trace, kernels }: Code, withList: boolean): string {
  const lines = [`Node ${trace.nodeVersion}, rounding ${trace.choice.rounding}`];
  for (const { kernel, instructions, macs, loop } of kernels) {
    const density = macs === 0 ? '' : `, ${(macs / instructions).toFixed(2)} multiply-adds per instruction`;
    lines.push(`${kernel}: ${instructions} instructions per frame${density}`);
    if (loop === undefined) continue;
    const share = `${(loop.share * 100).toFixed(0)} % of them`;
    lines.push(
      `  hottest loop: ${share}, ${loop.turns} turns of ${short(loop.instructions)} instructions, ${short(loop.checks)} of them checks`,
      `  ${loop.mnemonics.map(([name, count]) => `${name} ${short(count)}`).join(', ')}`,
    );
    if (withList)
      for (const { instruction, perTurn } of loop.list)
        lines.push(`  ${short(perTurn).padStart(6)}  ${instruction.text}`);
  }
  return `${lines.join('\n')}\n`;
}

function short(count: number): string {
  return Number.isInteger(count) ? String(count) : count.toFixed(1);
}
