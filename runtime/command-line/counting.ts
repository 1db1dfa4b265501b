/** Commands that count: run, replay, evaluate, tally. */
import { ExitCode, LetheError } from '../errors.ts';
import {
  type CommandLine,
  type ConfigOptions,
  configOf,
  InvalidArgumentError,
  positiveCount,
  positiveSeconds,
  wholeNumber,
  withConfig,
} from './words.ts';

type EvaluateWords = {
  readonly json?: boolean;
  readonly svg?: string;
  readonly scenes?: boolean;
  readonly quick?: boolean;
  readonly perfect?: boolean;
  readonly jobs?: number;
};

type TallyWords = {
  readonly line?: string;
  readonly keys: string;
  readonly gpioIn?: number;
  readonly gpioOut?: number;
  readonly windowS: number;
  readonly margin: number;
  readonly seconds?: number;
  readonly json?: string;
  readonly blind?: boolean;
  readonly verify?: string;
  readonly publicKey?: string;
};

export function addCounting({ program, finish, out, err }: CommandLine): void {
  withConfig(program.command('run'))
    .description('count: start eye and voice and keep them running until Ctrl-C')
    .option('--demo', 'simulated entrance and a broker of its own; prints crossings and counted against true')
    .option('--seconds <n>', 'stop after n seconds', positiveSeconds)
    .option('-v, --verbose', 'with --demo: print the logs too')
    .action(async (options: ConfigOptions & { demo?: boolean; seconds?: number; verbose?: boolean }) => {
      const { runCommand } = await import('../commands/run.ts');
      const { seconds, demo = false, verbose = false } = options;
      finish(
        await runCommand({ configPath: options.config, overrides: options.set ?? [], demo, verbose, seconds, out }),
      );
    });

  withConfig(program.command('replay <file>'))
    .description('count people in footage as fast as possible; prints JSON')
    .action(async (file: string, options: ConfigOptions) => {
      const { replayCommand } = await import('../commands/replay.ts');
      await replayCommand({ config: configOf(options), source: file, out });
    });

  withConfig(program.command('evaluate [dir]'))
    .description('count in every DIR/*/clip.mp4 and hold it against truth.json, or in simulated entrances (--scenes)')
    .option('--scenes', 'in place of DIR: the suite of simulated entrances, whose truth is exact')
    .option('--quick', 'with --scenes: the short run')
    .option('--perfect', 'with --scenes: exact boxes with noise in place of the detector')
    .option('--jobs <n>', 'with --scenes: threads; without it: one a core', positiveCount)
    .option('--svg <file>', 'also draw counted against true')
    .option('--json', 'print JSON instead of the table')
    .action(async (folder: string | undefined, options: ConfigOptions & EvaluateWords) => {
      const { json = false, svg, scenes = false, quick = false, perfect = false, jobs } = options;
      checkEvaluateWords(folder, options);
      const output = { json, svg, out, progress: err };
      if (scenes) {
        const { evaluateScenes } = await import('../commands/evaluate/scenes.ts');
        finish(await evaluateScenes({ ...output, config: configOf(options), quick, perfect, jobs }));
      } else if (folder !== undefined) {
        const { evaluateCommand } = await import('../commands/evaluate/evaluate.ts');
        finish(await evaluateCommand({ ...output, config: configOf(options), folder }));
      }
    });

  withConfig(program.command('tally'))
    .description('audit a running counter: press a key for each who comes in or goes out, and get a signed record')
    .option('--line <name>', 'line of the configuration; without it: the first')
    .option('--keys <in,out>', 'two keys that the thumbs find blind', 'f,j')
    .option('--gpio-in <bcm>', 'button to ground for in, by BCM number', wholeNumber)
    .option('--gpio-out <bcm>', 'button to ground for out', wholeNumber)
    .option(
      '--window-s <n>',
      'press and count of one crossing are at most so far apart, once the lag is out',
      windowSeconds,
      2,
    )
    .option('--margin <percent>', 'difference that does not matter', marginPercent, 2)
    .option('--seconds <n>', 'end after n seconds', positiveSeconds)
    .option('--blind', 'show the device’s numbers only at the end')
    .option('--json <file>', 'write the record to a file, or to stdout with -')
    .option('--verify <file>', 'no session: check a record (- for stdin)')
    .option('--public-key <base64>', 'with --verify: the only key that may have signed')
    .action(async (options: ConfigOptions & TallyWords) => {
      const config = configOf(options);
      const { verify: file, publicKey = '', blind = false, margin, windowS } = options;
      if (file !== undefined) {
        const { verifyCommand } = await import('../commands/tally/verify.ts');
        finish(verifyCommand({ file, publicKey, timeZone: config.timeZone, out, err }));
        return;
      }
      const { tallyCommand } = await import('../commands/tally/tally.ts');
      const { systemEnvironment } = await import('../commands/tally/environment.ts');
      const { line, keys, gpioIn, gpioOut, seconds, json } = options;
      const words = { config, line, keys, gpioIn, gpioOut, windowS, marginPercent: margin, seconds, json, blind };
      finish(await tallyCommand(words, systemEnvironment(config, json === '-')));
    });
}

/** Throws LetheError with everything that does not go together. */
function checkEvaluateWords(folder: string | undefined, words: EvaluateWords): void {
  const problems: string[] = [];
  if (words.scenes && folder !== undefined)
    problems.push(`${folder} and --scenes are both given; expected one of them. Leave one out.`);
  if (!words.scenes && folder === undefined)
    problems.push(
      'neither a folder nor --scenes is given; expected one of them: lethe evaluate DIR, lethe evaluate --scenes.',
    );
  for (const word of ['quick', 'perfect', 'jobs'] as const)
    if (!words.scenes && words[word] !== undefined)
      problems.push(`--${word} is given without --scenes; expected both or neither. Add --scenes.`);
  if (problems.length === 0) return;
  throw new LetheError('USAGE', problems.join('\n'), ExitCode.usage, {
    op: 'read options',
    hint: 'Run `lethe evaluate --help` for its options.',
  });
}

function windowSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 0.1 && seconds <= 30)) throw new InvalidArgumentError('expected 0.1..30 seconds.');
  return seconds;
}

function marginPercent(text: string): number {
  const percent = Number(text);
  if (!(percent >= 0.1 && percent <= 50)) throw new InvalidArgumentError('expected 0.1..50 percent.');
  return percent;
}
