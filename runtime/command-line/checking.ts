/** Commands that check: verify, model, doctor, audit. */
import { KERNEL_SHAPES, type KernelShape } from '../eye/infer/operators/lowering.ts';
import { ROUNDINGS, type Rounding } from '../eye/infer/quantize.ts';
import {
  type CommandLine,
  type ConfigOptions,
  configOf,
  InvalidArgumentError,
  Option,
  positiveSeconds,
  withConfig,
} from './words.ts';

type ModelWords = { readonly publicKey?: string; readonly rounding?: Rounding; readonly kernels?: KernelShape };

type AuditWords = {
  readonly seconds: number;
  readonly rate: number;
  readonly isolation?: boolean;
  readonly json?: boolean;
};

export function addChecking({ program, finish, out, err }: CommandLine): void {
  program
    .command('verify <file>')
    .description('check receipts: a recording of a device’s topics (mosquitto_sub -v), its ledger, or - for the input')
    .option('--public-key <base64>', 'the only key that may have signed; without it, compare the one that is shown')
    .option('--json', 'print JSON instead of the report')
    .action(async (file: string, { publicKey = '', json = false }: { publicKey?: string; json?: boolean }) => {
      const { verifyCommand } = await import('../commands/verify/verify.ts');
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
      const { modelCommand } = await import('../commands/model.ts');
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
        const { privacyDoctor } = await import('../commands/privacy-doctor/privacy-doctor.ts');
        const isColoured = process.stdout.isTTY === true && !process.env['NO_COLOR'];
        finish(privacyDoctor({ json, isColoured, out, overrides, config: path }));
        return;
      }
      const { doctor } = await import('../commands/doctor.ts');
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
        const { isolationAudit } = await import('../commands/audit/isolation.ts');
        finish(await isolationAudit({ config: configOf(options), json, out }));
        return;
      }
      const { memoryAudit } = await import('../commands/audit/memory.ts');
      finish(await memoryAudit({ configPath, overrides, seconds, frameRateHz, json, out, progress: err }));
    });
}

function frameRate(text: string): number {
  const rateHz = Number(text);
  if (!(rateHz >= 1 && rateHz <= 60)) throw new InvalidArgumentError('expected 1..60 pictures a second.');
  return rateHz;
}
