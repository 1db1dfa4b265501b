/**
 * Makes fleet keys and setup codes: the words of the command line; what they do is in provisioning/create/.
 * Usage: provision key | create | show | lamp; `--help` says more. The pictures and texts it makes are secrets.
 */
import { readFileSync } from 'node:fs';
import { type CodeFiles, type MadeCode, makeCodes, nextSteps, writeCodes } from '../provisioning/create/create.ts';
import { keyFolders, makeFleetKey } from '../provisioning/create/keys.ts';
import { type CreateWords, readRequest } from '../provisioning/create/request.ts';
import { showCode } from '../provisioning/create/show.ts';
import { lampCard } from '../provisioning/device/scan/lamp-card.ts';
import { readFleetKeys } from '../provisioning/payload/keys.ts';
import { qrHalfBlocks, qrPlain } from '../provisioning/qr/terminal.ts';
import { Command, CommanderError, Option } from '../runtime/command-line/words.ts';
import { ExitCode, explain, LetheError, ProvisioningError } from '../runtime/errors.ts';

const NAME = 'npm run -s provision --';
const SHOW_BYTES_MAX = 4096;

const out = (text: string) => void process.stdout.write(text);
const err = (text: string) => void process.stderr.write(text);

type KeyWords = { readonly folder?: string; readonly another: boolean };
type ShowWords = { readonly keys?: string; readonly folder?: string; readonly device?: string; readonly at?: string };
type OutputWords = {
  readonly out?: string;
  readonly png?: boolean;
  readonly svg?: boolean;
  readonly terminal?: boolean;
  readonly plain?: boolean;
  readonly text?: boolean;
};

const folderOption = () => new Option('--folder <dir>', 'where fleet keys lie; without it ~/.config/lethe');

function buildProgram(): Command {
  const program = new Command('provision')
    .usage('<command> [options]')
    .description(
      'Makes the QR code that sets a flashed, blank device up: Wi-Fi, gateway, site, and a token that works once.',
    )
    .addHelpText(
      'after',
      `\nFirst time: ${NAME} key, then flash cards with its public half. Then one create for each device.`,
    )
    .showSuggestionAfterError()
    .configureOutput({ writeOut: out, writeErr: err });
  addKey(program);
  addCreate(program);
  addShow(program);
  addLamp(program);
  for (const command of [program, ...program.commands])
    command
      .exitOverride()
      .showHelpAfterError(`Run \`${NAME} ${command === program ? '' : `${command.name()} `}--help\`.`);
  return program;
}

function addKey(program: Command): void {
  program
    .command('key')
    .description('make a fleet key: private half for this computer, public half for cards and gateways')
    .addOption(folderOption())
    .option('--another', 'make a second one, to replace the first', false)
    .action(({ folder, another }: KeyWords) => {
      const { id, privatePath, publicPath } = makeFleetKey(keyFolders(folder), another);
      out(
        `key ${id}\nprivate half: ${privatePath}\n  Keep it, keep a copy, and keep it secret: whoever has it makes codes for your devices.\npublic half: ${publicPath}\n  Next: give its folder to flash and to the gateway; both take several keys.\n`,
      );
      if (another)
        out(
          'Until no card is about that knows the old key alone, sign with the old one; afterwards remove it everywhere.\n',
        );
    });
}

function addCreate(program: Command): void {
  program
    .command('create')
    .description('make a code for each device (without --device: one that any blank device of the site may use)')
    .option('--site <name>', 'site, as in the topics')
    .option('--device <name>', 'device, as in the topics; several: repeat it, or a,b,c', collect)
    .option('--host <name>', 'the gateway: a host name or an IPv4 address that stands in its certificate')
    .option('--mqtt-port <port>', 'its broker (8883)')
    .option('--claim-port <port>', 'its claim service (8885)')
    .option('--ca <file>', "ca.crt of the store's authority; the code holds its fingerprint")
    .option('--wifi-ssid <name>', 'Wi-Fi; without it the device is on a cable')
    .option(
      '--wifi-passphrase-file <file>',
      'file with the passphrase, or - for standard input; without it you are asked',
    )
    .addOption(new Option('--wifi-passphrase [secret]').hideHelp())
    .option('--wifi-security <kind>', 'wpa (WPA2, also WPA2/WPA3), sae (WPA3 only), open (wpa)')
    .option('--hidden', 'the access point does not send its name around')
    .option('--country <code>', 'by whose rules the radio sends, such as SE')
    .option('--valid <span>', '90s, 15m, 2h, at most 7d (15m)')
    .option('--lines <file>', 'a lethe.json whose counting lines go into the code; without it: those of the gateway')
    .option('--key <id or file>', 'fleet key to sign with, if there are several')
    .addOption(folderOption())
    .option('--out <dir>', 'write NAME.png and NAME.svg (mode 600) there')
    .option('--png', 'of both only the PNG: the bare code')
    .option('--svg', 'of both only the SVG: a page with name, end of validity and what to do')
    .option('--terminal', 'draw the code on the terminal; so it is without --out')
    .option('--plain', 'draw it without colours, for terminals that have none')
    .option('--text', 'print the text of the code instead, for other programs')
    .action(async (words: CreateWords & OutputWords & { readonly wifiPassphrase?: unknown }) => {
      if (words.wifiPassphrase !== undefined) throw passphraseInArguments();
      const files = filesOf(words);
      const nowMs = Date.now();
      const request = await readRequest(words, nowMs);
      const codes = makeCodes(request, nowMs);
      const paths = words.out === undefined ? [] : writeCodes(codes, words.out, files);
      draw(codes, words);
      for (const remark of request.remarks) err(`note: ${remark}\n`);
      err(nextSteps(codes, paths));
    });
}

function addShow(program: Command): void {
  program
    .command('show')
    .description('say what is in the text of a code, secrets masked, and whether a device would take it now')
    .argument('<file>', 'file with the text, or - for standard input')
    .option('--keys <dir>', "folder of public fleet keys, *.pem; without it this computer's own")
    .addOption(folderOption())
    .option('--device <name>', 'as a device of this name would see it')
    .option('--at <time>', 'at this moment instead of now, such as 2026-01-31T08:00:00Z')
    .action((file: string, { keys, folder, device, at }: ShowWords) => {
      const nowMs = at === undefined ? Date.now() : Date.parse(at);
      if (Number.isNaN(nowMs))
        throw new ProvisioningError(
          'PROVISIONING_REQUEST',
          `--at is ${JSON.stringify(at)}; expected a moment such as 2026-01-31T08:00:00Z.`,
          { op: 'read options' },
        );
      const fleetKeys = readFleetKeys(keys ?? keyFolders(folder).publicFolder);
      const shown = showCode(readCodeText(file), fleetKeys, { nowMs, isTimeKnown: true }, device);
      out(shown.text);
      process.exitCode = shown.isTaken ? ExitCode.ok : ExitCode.failed;
    });
}

function addLamp(program: Command): void {
  program
    .command('lamp')
    .description('say what the lamp of a device means while it is set up')
    .action(() => out(lampCard()));
}

function filesOf({ out: folder, png = false, svg = false }: OutputWords): CodeFiles {
  if (folder === undefined && (png || svg))
    throw new ProvisioningError('PROVISIONING_REQUEST', '--png and --svg need a folder; expected --out DIR. Add it.', {
      op: 'read options',
    });
  return png || svg ? { png, svg } : { png: true, svg: true };
}

function draw(codes: readonly MadeCode[], words: OutputWords): void {
  const { out: folder, terminal = false, plain = false, text = false } = words;
  for (const code of codes) {
    if (text) out(`${code.text}\n`);
    if (plain || terminal || (folder === undefined && !text)) {
      if (codes.length > 1) out(`${code.name}\n`);
      out(plain ? qrPlain(code.matrix) : qrHalfBlocks(code.matrix));
      remarkSize(code);
    }
  }
}

/** A code of which the window shows a part is read by nobody. */
function remarkSize({ matrix }: MadeCode): void {
  const { columns, rows, isTTY } = process.stdout;
  const [needColumns, needRows] = [matrix.length, Math.ceil(matrix.length / 2)];
  if (isTTY && (columns < needColumns || rows < needRows))
    err(
      `note: The code needs ${needColumns} columns and ${needRows} rows; this window has ${columns} and ${rows}. Enlarge it, make its type smaller, or use --out DIR.\n`,
    );
}

function readCodeText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
      .slice(0, SHOW_BYTES_MAX)
      .trim();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    const what = file.startsWith('LETHE')
      ? 'That is no file but looks like a code: it is a secret, and would stay in the shell’s history.'
      : `${file} cannot be read (${code}).`;
    throw new ProvisioningError('PROVISIONING_REQUEST', what, {
      op: 'read code',
      hint: 'Give a file, or - and the text on standard input.',
      cause,
    });
  }
}

function passphraseInArguments(): ProvisioningError {
  return new ProvisioningError(
    'PROVISIONING_SECRET',
    'A passphrase in the command line can be read by everybody on this computer, and stays in the history of the shell.',
    {
      op: 'read options',
      hint: 'Leave it out to be asked, or use --wifi-passphrase-file. Remove this line from the history.',
    },
  );
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

try {
  const program = buildProgram();
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync(process.argv.slice(2), { from: 'user' });
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  else if (error instanceof LetheError) {
    err(`provision: ${explain(error)}\n`);
    process.exitCode = error.exitCode;
  } else throw error;
}
