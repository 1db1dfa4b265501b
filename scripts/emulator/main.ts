/**
 * A Raspberry Pi that is none: a stock card image of Debian in the layout of Raspberry Pi OS, and a machine to start cards in.
 * Read on in packages.ts (what is on it), pi-like.ts (how it is laid out), initrd.ts, overlay.ts (what is added for tests),
 * machine.ts (how it runs). The lane that provisions a device from its first picture is test/emulator.
 * Usage: emulator image|boot [options]; `--help` says more.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ExitCode, explain, LetheError } from '../../runtime/errors.ts';
import { kernelWords, makeCard } from './card.ts';
import { Machine } from './machine.ts';
import { makeOverlay } from './overlay.ts';
import { makeImage } from './pi-like.ts';
import { CACHE_FOLDER, RUN_PROGRAMS, requirePrograms } from './tools.ts';

const HELP = `Emulates a device: an arm64 system in the layout of Raspberry Pi OS Lite, without a board.
  image     makes the stock card image (Debian trixie, no Lethe and no Node in it); kept below ${CACHE_FOLDER}
    --again   lay it out again      --anew   fetch the packages again as well (about five minutes, and the network)
  boot      starts a card in the emulator and shows its console and journal until it is ended (Ctrl-C)
    --image FILE.img   a flashed image; without it the stock one. It is never written to.
    --seconds N        end by itself
    --run 'COMMAND'    run this as root once it answers, print what it says, and end with its exit code
The test of the whole way from a code to counts: npm run -s test:emulator
Exit 0: done. 69: a program is missing; the message has the line that installs it.
`;

const say = (line: string): void => void process.stderr.write(`emulator: ${line}\n`);
/** Two processors emulating two: a minute and a half, and more beside other work. */
const ANSWER_MS = 300_000;
const SHOW_MS = 250;

async function boot(image: string | undefined, seconds: number, command: string | undefined): Promise<number> {
  requirePrograms(RUN_PROGRAMS);
  const stock = makeImage(say);
  const folder = mkdtempSync(join(tmpdir(), 'lethe-boot-'));
  const share = join(folder, 'share');
  const card = join(folder, 'card.img');
  const overlay = join(folder, 'overlay.gz');
  mkdirSync(share);
  makeCard(image ?? stock.card, card);
  writeFileSync(overlay, makeOverlay());
  const words = kernelWords(image ?? stock.card);
  const machine = new Machine({ ...stock, initrds: [stock.initrd, overlay], card, words, share, folder });
  const startedAtMs = Date.now();
  let shown = 0;
  const show = (): void => {
    const text = readFileSync(machine.serialLog, 'latin1');
    process.stdout.write(text.slice(shown));
    shown = text.length;
  };
  try {
    await machine.start();
    const shower = setInterval(show, SHOW_MS);
    const ended = new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
      if (seconds > 0) setTimeout(resolve, seconds * 1000).unref();
    });
    try {
      if (command === undefined) {
        await ended;
        return ExitCode.ok;
      }
      await machine.answers(ANSWER_MS);
      say(`answers after ${((Date.now() - startedAtMs) / 1000).toFixed(0)} s`);
      const { status, output } = await machine.sh(command, ANSWER_MS);
      process.stdout.write(`${output}\n`);
      return status;
    } finally {
      clearInterval(shower);
    }
  } finally {
    await machine.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      again: { type: 'boolean' },
      anew: { type: 'boolean' },
      image: { type: 'string' },
      seconds: { type: 'string' },
      run: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const [command] = positionals;
  if (command === 'image' && !values.help) {
    const image = makeImage(say, { isAnew: values.again === true, isFetched: values.anew === true });
    process.stdout.write(`${image.card}\n`);
    return ExitCode.ok;
  }
  if (command === 'boot' && !values.help) return boot(values.image, Number(values.seconds ?? 0), values.run);
  process.stdout.write(HELP);
  return values.help ? ExitCode.ok : ExitCode.usage;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = error instanceof LetheError ? error.exitCode : ExitCode.failed;
}
