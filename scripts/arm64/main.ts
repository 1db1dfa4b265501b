/**
 * arm64 without a board. Start here: `hash` asks whether the bytes are the same, `code` which instructions the kernels are
 * made of, `estimate` how long they would take. emulator.ts runs Node for arm64, trace.ts watches it, mca.ts counts cycles.
 * Usage: arm64 hash|code|estimate [options]; `--help` says more.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ExitCode, explain, LetheError } from '../../runtime/errors.ts';
import { ROUNDINGS, type Rounding } from '../../runtime/eye/infer/quantize.ts';
import { PACKAGE_ROOT } from '../../runtime/package.ts';
import { codeOf, faultsOf, formatCode } from './code.ts';
import { CPUS, NODE_MAJORS } from './emulator.ts';
import { estimate, formatEstimates } from './estimate.ts';
import { compareHashes, formatHashes, TIERS } from './hash.ts';

const HELP = `Looks at the kernels on arm64, emulated.
  hash      same bytes as on this machine? every golden case and the person detector, every rounding, every kernel shape
    --node 20,22,24   versions of Node (20)        --tier turbofan,liftoff   V8's compilers (turbofan)
    --cpu a72,a76     processors (both)            --v8 '--FLAG …'           more flags for the emulated Node
    --all             all of the above, and more rounds
  code      what V8 emits: per kernel the hottest loop, instructions per turn; checks smull, smlal, smlal2, sadalp
    --node 20  --rounding double  --model FILE.tflite  --list   the loops' instructions as well
  estimate  cycles of one frame by llvm-mca over the instructions that the emulator saw
    --node 20  --rounding double,single,fp32 (all)  --model FILE.tflite
  code, estimate: --kernels pairs|relaxed-signed   (pairs; the other needs Node 22, and fp32 to differ)
Exit 0: as expected. 1: different bytes, or an instruction is missing. 69: a tool is missing; the message says how to get it.
`;

/** Two look different in content (noise, ramp), more find rarer sums. */
const ROUND_COUNT = 2;
const ROUND_COUNT_ALL = 6;

function usage(message: string): LetheError {
  return new LetheError('USAGE', message, ExitCode.usage, { op: 'read arguments', hint: 'npm run -s arm64 -- --help' });
}

function choose<Choice extends string | number>(
  text: string | undefined,
  all: readonly Choice[],
  absent: readonly Choice[],
) {
  if (text === undefined) return absent;
  return text.split(',').map((word) => {
    const found = all.find((choice) => String(choice) === word);
    if (found === undefined) throw usage(`${word} is not known; expected some of ${all.join(', ')}.`);
    return found;
  });
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      node: { type: 'string' },
      cpu: { type: 'string' },
      tier: { type: 'string' },
      v8: { type: 'string' },
      rounding: { type: 'string' },
      kernels: { type: 'string' },
      model: { type: 'string' },
      all: { type: 'boolean' },
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const [command] = positionals;
  if (values.help || command === undefined || positionals.length > 1) {
    process.stdout.write(HELP);
    return values.help ? ExitCode.ok : ExitCode.usage;
  }
  const progress = (line: string): void => void process.stderr.write(`arm64: ${line}\n`);
  const all = values.all === true;
  const majors = choose(values.node, NODE_MAJORS, all && command === 'hash' ? NODE_MAJORS : [20]);
  if (command === 'hash') {
    const rows = compareHashes(
      {
        majors,
        cpus: choose(values.cpu, CPUS, CPUS),
        tiers: choose(values.tier, TIERS, all ? TIERS : ['turbofan']),
        v8Flags: values.v8?.split(' ').filter((flag) => flag !== '') ?? [],
        roundCount: all ? ROUND_COUNT_ALL : ROUND_COUNT,
      },
      progress,
    );
    process.stdout.write(formatHashes(rows));
    return rows.every(({ differences }) => differences.length === 0) ? ExitCode.ok : ExitCode.failed;
  }
  const model = values.model ?? join(PACKAGE_ROOT, 'models', 'person', 'person.tflite');
  const roundings: readonly Rounding[] = choose(
    values.rounding,
    ROUNDINGS,
    command === 'code' ? ['double'] : ROUNDINGS,
  );
  const [kernels = 'pairs'] = choose(values.kernels, ['pairs', 'relaxed-signed'] as const, []);
  if (command === 'code') {
    let faultCount = 0;
    for (const major of majors) {
      for (const rounding of roundings) {
        progress(`Node ${major}, rounding ${rounding} …`);
        const code = codeOf({ major, rounding, model, kernels });
        const faults = faultsOf(code);
        faultCount += faults.length;
        process.stdout.write(formatCode(code, values.list === true));
        for (const fault of faults) process.stdout.write(`${fault}\n`);
      }
    }
    return faultCount === 0 ? ExitCode.ok : ExitCode.failed;
  }
  if (command === 'estimate') {
    for (const major of majors) {
      const estimates = roundings.map((rounding) => {
        progress(`Node ${major}, rounding ${rounding} …`);
        return estimate({ major, rounding, model, kernels });
      });
      process.stdout.write(formatEstimates(estimates));
    }
    return ExitCode.ok;
  }
  throw usage(`${command} is not a command; expected hash, code or estimate.`);
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = error instanceof LetheError ? error.exitCode : ExitCode.failed;
}
