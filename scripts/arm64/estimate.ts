/**
 * `arm64 estimate`: how long a frame would take on the boards, from executed instructions (trace.ts, counted) and cycles per
 * instruction (mca.ts, a model). Of a long command not all is given to the model, but stretches spread evenly over it.
 *
 * Limits: the first level of cache always hits, branches are always foreseen, the processor has nothing else to do. On a
 * board plan with 1.3 to 2 times as much, more on the Cortex-A53 and at cold caches. `erase` and JavaScript are not in it.
 * LLVM's model of the Cortex-A72 is that of the A57, its Neoverse N1 stands for the Cortex-A76, of which it is the sibling.
 */
import { Llvm } from './mca.ts';
import { instructionCount, type Trace, type TraceChoice, traceFrame } from './trace.ts';

type Processor = { readonly name: string; readonly llvm: string };
const PROCESSORS: readonly Processor[] = [
  { name: 'A53', llvm: 'cortex-a53' },
  { name: 'A72', llvm: 'cortex-a72' },
  { name: 'A76', llvm: 'neoverse-n1' },
];
const BOARDS = [
  { name: 'Zero 2 W, A53 at 1.0 GHz', processor: 0, gigahertz: 1.0 },
  { name: 'Pi 4, A72 at 1.5 GHz', processor: 1, gigahertz: 1.5 },
  { name: 'Pi 4, A72 at 1.8 GHz', processor: 1, gigahertz: 1.8 },
  { name: 'Pi 5, A76 at 2.4 GHz', processor: 2, gigahertz: 2.4 },
] as const;

/** A stretch is long beside the pipelines' filling (tens of cycles), and a few of them see every part of a loop nest. */
const STRETCH_INSTRUCTIONS = 2000;
const STRETCHES_PER_COMMAND = 4;

export type OperatorEstimate = {
  /** Index of the operator and its kernels. */
  readonly label: string;
  readonly output: string;
  readonly macs: number;
  readonly instructions: number;
  /** In the order of PROCESSORS. */
  readonly cycles: readonly number[];
};
export type Estimate = {
  readonly choice: TraceChoice;
  readonly nodeVersion: string;
  readonly llvmVersion: number;
  readonly operators: readonly OperatorEstimate[];
};

export function estimate(choice: TraceChoice): Estimate {
  // First, because it is quick to tell that a tool is missing.
  const llvm = new Llvm();
  const trace = traceFrame(choice);
  const samples = trace.commands.map(({ entered }) => stretches(trace, entered));
  const flat = samples.flat();
  const measured = PROCESSORS.map((processor) => llvm.cycles(flat, processor.llvm));
  let next = 0;
  const commands = trace.commands.map((command, i) => {
    const count = samples[i]!.length;
    const sampled = samples[i]!.reduce((sum, words) => sum + words.length, 0);
    const instructions = instructionCount(trace, command);
    const cycles = measured.map((all) => (sum(all.slice(next, next + count)) * instructions) / sampled);
    next += count;
    return { ...command, instructions, cycles };
  });
  const operators = trace.steps.flatMap(({ label, kernels, output, shape, macs }, step): OperatorEstimate[] => {
    const own = commands.filter((command) => command.step === step);
    if (own.length === 0) return [];
    return [
      {
        label: `${label.padStart(4)} ${kernels.join(' + ')}`,
        output: `${output} [${shape.join(', ')}]`,
        macs,
        instructions: sum(own.map((command) => command.instructions)),
        cycles: PROCESSORS.map((_, p) => sum(own.map((command) => command.cycles[p]!))),
      },
    ];
  });
  return { choice, nodeVersion: trace.nodeVersion, llvmVersion: llvm.version, operators };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Stretches of machine words spread evenly over what was executed; all of it where it is short. */
function stretches({ blocks }: Trace, entered: readonly number[]): number[][] {
  const total = sum(entered.map((block) => blocks[block]!.length));
  const all = total <= STRETCH_INSTRUCTIONS * STRETCHES_PER_COMMAND;
  const count = all ? 1 : STRETCHES_PER_COMMAND;
  const length = all ? total : STRETCH_INSTRUCTIONS;
  const found = Array.from({ length: count }, (): number[] => []);
  const starts = found.map((_, i) => Math.floor(((total - length) * (i + 0.5)) / count));
  let position = 0;
  for (const block of entered) {
    const words = blocks[block]!;
    starts.forEach((start, i) => {
      const stretch = found[i]!;
      // Whole blocks: a stretch may be longer by one.
      if (position + words.length > start && stretch.length < length) for (const { word } of words) stretch.push(word);
    });
    position += words.length;
  }
  return found;
}

export function formatEstimates(estimates: readonly Estimate[]): string {
  const lines: string[] = [];
  for (const { choice, nodeVersion, operators } of estimates) {
    lines.push(
      `Node ${nodeVersion}, rounding ${choice.rounding}: thousands of cycles, multiply-adds per cycle`,
      `  op kernel           kMAC  kinstr ${PROCESSORS.map(({ name }) => `${name.padStart(7)}  /cycle`).join('')}  output`,
    );
    const row = (
      label: string,
      macs: number,
      instructions: number,
      cycles: readonly number[],
      output: string,
    ): void => {
      const cells = cycles.map((one) => {
        const density = macs === 0 ? '-' : (macs / one).toFixed(2);
        return `${(one / 1000).toFixed(1).padStart(7)}${density.padStart(8)}`;
      });
      const counts = [macs, instructions].map((one) => (one / 1000).toFixed(1).padStart(8));
      lines.push(`${label.padEnd(17)}${counts.join('')} ${cells.join('')}  ${output}`.trimEnd());
    };
    for (const { label, macs, instructions, cycles, output } of operators)
      row(label, macs, instructions, cycles, output);
    const total = totals(operators);
    row('     sum', total.macs, total.instructions, total.cycles, '');
    lines.push('');
  }
  const width = Math.max(...BOARDS.map(({ name }) => name.length));
  lines.push(`${'one frame, ms (ms per million multiply-adds)'.padEnd(width)}`);
  lines.push(`${''.padEnd(width)} ${estimates.map(({ choice }) => choice.rounding.padStart(16)).join('')}`);
  for (const { name, processor, gigahertz } of BOARDS) {
    const cells = estimates.map(({ operators }) => {
      const { macs, cycles } = totals(operators);
      const ms = cycles[processor]! / gigahertz / 1e6;
      return `${ms.toFixed(2)} (${(ms / (macs / 1e6)).toFixed(3)})`.padStart(16);
    });
    lines.push(`${name.padEnd(width)} ${cells.join('')}`);
  }
  lines.push(
    `An estimate by llvm-mca ${estimates[0]!.llvmVersion} over the instructions executed: every load hits the first cache, every branch is`,
    'foreseen, nothing else runs. Plan with 1.3 to 2 times as much on a board.',
    '',
  );
  return lines.join('\n');
}

function totals(operators: readonly OperatorEstimate[]) {
  return {
    macs: sum(operators.map(({ macs }) => macs)),
    instructions: sum(operators.map(({ instructions }) => instructions)),
    cycles: PROCESSORS.map((_, p) => sum(operators.map(({ cycles }) => cycles[p]!))),
  };
}
