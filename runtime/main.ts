#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
/**
 * The command line: `lethe <command>`. Thin: it reads words, loads the configuration, calls one function in commands/.
 * Expected errors become one message with a remedy and their exit code; an unknown word gets a suggestion and exit 64.
 */
import { LANGUAGES, type Language } from '../provisioning/site/languages.ts';
import { loadConfig } from './config/config.ts';
import { ExitCode, explain, LetheError } from './errors.ts';
import { KERNEL_SHAPES, type KernelShape } from './eye/infer/operators/lowering.ts';
import { ROUNDINGS, type Rounding } from './eye/infer/quantize.ts';
import { PACKAGE_VERSION } from './package.ts';

const out = (text: string) => void process.stdout.write(text);
const err = (text: string) => void process.stderr.write(text);

type ModelWords = { readonly publicKey?: string; readonly rounding?: Rounding; readonly kernels?: KernelShape };
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
type ConfigOptions = { readonly config?: string; readonly set?: string[] };

type AuditWords = {
  readonly seconds: number;
  readonly rate: number;
  readonly isolation?: boolean;
  readonly json?: boolean;
};

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

function positiveSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0 && seconds <= 31_536_000)) throw new InvalidArgumentError('expected a number of seconds above 0.');
  return seconds;
}

function positiveCount(text: string): number {
  const count = Number(text);
  if (!(Number.isInteger(count) && count >= 1 && count <= 256))
    throw new InvalidArgumentError('expected a whole number from 1 to 256.');
  return count;
}

type EvaluateWords = {
  readonly json?: boolean;
  readonly svg?: string;
  readonly scenes?: boolean;
  readonly quick?: boolean;
  readonly perfect?: boolean;
  readonly jobs?: number;
};

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

function frameRate(text: string): number {
  const rateHz = Number(text);
  if (!(rateHz >= 1 && rateHz <= 60)) throw new InvalidArgumentError('expected 1..60 pictures a second.');
  return rateHz;
}

function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
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

type PapersWords = {
  readonly out?: string;
  readonly language?: Language[];
  readonly date?: string;
  readonly force?: boolean;
  readonly pdf?: string;
};

function languageList(text: string): Language[] {
  const words = text.split(',').map((word) => word.trim());
  const isKnown = (word: string): word is Language => LANGUAGES.some((language) => language === word);
  if (!words.every(isKnown)) throw new InvalidArgumentError(`expected some of ${LANGUAGES.join(',')}, with commas.`);
  return words;
}

function calendarDay(text: string): string {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
  if (!isDay || new Date(text).toISOString().slice(0, 10) !== text)
    throw new InvalidArgumentError('expected a day such as 2026-11-27.');
  return text;
}

/** The two options that every command with a configuration has. */
function withConfig(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (JSON); without it: defaults')
    .option('-s, --set <field=value>', 'set one field over the file, such as camera.driver=video; repeatable', collect);
}

function configOf(options: ConfigOptions) {
  return loadConfig({ path: options.config, overrides: options.set });
}

function buildProgram(finish: (code: ExitCode) => void): Command {
  const program = new Command('lethe')
    .description('Anonymous people counter: pictures are erased in milliseconds, numbers leave over MQTT.')
    .version(PACKAGE_VERSION)
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .showSuggestionAfterError()
    .showHelpAfterError('Run `lethe --help` for the commands.');

  withConfig(program.command('run'))
    .description('count: start eye and voice and keep them running until Ctrl-C')
    .option('--demo', 'simulated entrance and a broker of its own; prints crossings and counted against true')
    .option('--seconds <n>', 'stop after n seconds', positiveSeconds)
    .option('-v, --verbose', 'with --demo: print the logs too')
    .action(async (options: ConfigOptions & { demo?: boolean; seconds?: number; verbose?: boolean }) => {
      const { runCommand } = await import('./commands/run.ts');
      const { seconds, demo = false, verbose = false } = options;
      finish(
        await runCommand({ configPath: options.config, overrides: options.set ?? [], demo, verbose, seconds, out }),
      );
    });

  withConfig(program.command('replay <file>'))
    .description('count people in footage as fast as possible; prints JSON')
    .action(async (file: string, options: ConfigOptions) => {
      const { replayCommand } = await import('./commands/replay.ts');
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
        const { evaluateScenes } = await import('./commands/evaluate/scenes.ts');
        finish(await evaluateScenes({ ...output, config: configOf(options), quick, perfect, jobs }));
      } else if (folder !== undefined) {
        const { evaluateCommand } = await import('./commands/evaluate/evaluate.ts');
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
        const { verifyCommand } = await import('./commands/tally/verify.ts');
        finish(verifyCommand({ file, publicKey, timeZone: config.timeZone, out, err }));
        return;
      }
      const { tallyCommand } = await import('./commands/tally/tally.ts');
      const { systemEnvironment } = await import('./commands/tally/environment.ts');
      const { line, keys, gpioIn, gpioOut, seconds, json } = options;
      const words = { config, line, keys, gpioIn, gpioOut, windowS, marginPercent: margin, seconds, json, blind };
      finish(await tallyCommand(words, systemEnvironment(config, json === '-')));
    });

  program
    .command('verify <file>')
    .description('check receipts: a recording of a device’s topics (mosquitto_sub -v), its ledger, or - for the input')
    .option('--public-key <base64>', 'the only key that may have signed; without it, compare the one that is shown')
    .option('--json', 'print JSON instead of the report')
    .action(async (file: string, { publicKey = '', json = false }: { publicKey?: string; json?: boolean }) => {
      const { verifyCommand } = await import('./commands/verify/verify.ts');
      finish(await verifyCommand({ file, publicKey, json, out }));
    });

  program
    .command('model <file>')
    .description('what the engine makes of a .tflite file: operators, multiply-adds, where every byte lies')
    .option('--frame <size>', 'size of the camera’s picture, such as 256x192; without it: the model’s own')
    .option('--public-key <base64>', 'trust this key besides the built-in ones, as model.public_key does')
    .addOption(new Option('--rounding <mode>', 'way of rounding').choices([...ROUNDINGS]))
    .addOption(new Option('--kernels <shape>', 'kernels to plan for').choices([...KERNEL_SHAPES]))
    .option('--svg <file>', 'also draw the arena over time')
    .option('--json', 'print JSON instead of the tables')
    .action(async (path: string, options: { frame?: string; svg?: string; json?: boolean } & ModelWords) => {
      const { modelCommand } = await import('./commands/model.ts');
      const { frame, svg, json = false, publicKey, rounding, kernels: shape } = options;
      const choice = { ...(rounding && { rounding }), ...(shape && { shape }) };
      finish(modelCommand({ path, publicKey: publicKey ?? '', frame, svg, json, choice, out }));
    });

  withConfig(program.command('doctor'))
    .description('what is here, what is missing, how to get it')
    .option(
      '--privacy',
      'where a picture could remain or be read outside of the program: swap, dumps, debuggers, logs …',
    )
    .option('--json', 'print JSON instead of the table')
    .addHelpText(
      'after',
      '\nExit: 0 nothing is lacking (--privacy: nothing is red), 69 something is lacking, 1 with --privacy: something is red.',
    )
    .action(async (options: ConfigOptions & { privacy?: boolean; json?: boolean }) => {
      const { config: path, set: overrides = [], privacy = false, json = false } = options;
      if (privacy) {
        const { privacyDoctor } = await import('./commands/privacy-doctor/privacy-doctor.ts');
        const isColoured = process.stdout.isTTY === true && !process.env['NO_COLOR'];
        finish(privacyDoctor({ json, isColoured, out, overrides, config: path }));
        return;
      }
      const { doctor } = await import('./commands/doctor.ts');
      finish(await doctor({ json, out, overrides, ...(path === undefined ? {} : { config: path }) }));
    });

  withConfig(program.command('audit'))
    .description('is a picture left anywhere? Runs the real eye on a keyed pattern and searches all memory for it')
    .option('--seconds <n>', 'how long the eye looks at pictures', positiveSeconds, 60)
    .option('--rate <hz>', 'pictures per second', frameRate, 15)
    .option('--isolation', 'instead: try from inside what eye and voice must not be able to do')
    .option('--json', 'print JSON instead of the table')
    .action(async (options: ConfigOptions & AuditWords) => {
      const { config: configPath, set: overrides = [], seconds, rate: frameRateHz, json = false } = options;
      if (options.isolation) {
        const { isolationAudit } = await import('./commands/audit/isolation.ts');
        finish(await isolationAudit({ config: configOf(options), json, out }));
        return;
      }
      const { memoryAudit } = await import('./commands/audit/memory.ts');
      finish(await memoryAudit({ configPath, overrides, seconds, frameRateHz, json, out, progress: err }));
    });

  withConfig(program.command('papers'))
    .description(
      'papers for the site from its configuration: door sign, privacy notice, impact assessment, record, answers',
    )
    .option('--out <dir>', 'folder to write them to')
    .option('--language <list>', 'languages, such as sv,en; without it: papers.languages', languageList)
    .option('--date <day>', 'day of the papers, YYYY-MM-DD; without it: today', calendarDay)
    .option('--force', 'overwrite papers that somebody changed')
    .option('--pdf <file>', 'in place of --out: set a Markdown paper that was filled in again as PDF')
    .action(async (options: ConfigOptions & PapersWords) => {
      const { languageOfPath, papersCommand, pdfAgain } = await import('./commands/papers/papers.ts');
      const { out: folder, pdf: file, language: languages, force = false, date } = options;
      const config = configOf(options);
      const day = date ?? new Date().toISOString().slice(0, 10);
      if ((folder === undefined) === (file === undefined))
        throw new LetheError('USAGE', '--out DIR or --pdf FILE is needed, and only one of them.', ExitCode.usage, {
          op: 'read options',
          hint: 'Run `lethe papers --help` for its options.',
        });
      if (file !== undefined) {
        const language = languages?.[0] ?? languageOfPath(file) ?? config.papers.languages[0] ?? 'en';
        finish(await pdfAgain({ file, language, config, day, out }));
      } else if (folder !== undefined)
        finish(await papersCommand({ config, languages, folder, isForced: force, day, out }));
    });

  // Sub-commands inherit neither; without it a wrong option in one of them would end the process behind our back.
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`Run \`lethe ${command.name()} --help\` for its options.`);
  return program;
}

async function main(argv: readonly string[]): Promise<void> {
  const program = buildProgram((code) => {
    process.exitCode = code;
  });
  try {
    if (argv.length === 0) {
      program.outputHelp();
      return;
    }
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are thrown too, with exit code 0.
      process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    } else if (error instanceof LetheError) {
      err(`lethe: ${explain(error)}\n`);
      process.exitCode = error.exitCode;
    } else {
      throw error;
    }
  }
}

await main(process.argv.slice(2));
