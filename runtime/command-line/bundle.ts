/** The command that makes the application for devices: bundle, and its key. */
import type { CommandLine } from './words.ts';

type BundleWords = {
  readonly tree?: string;
  readonly out?: string;
  readonly key?: string;
  readonly node?: string;
  readonly release?: string;
  readonly fromMin: string;
  readonly withoutPins?: boolean;
};

export function addBundle({ program, finish, out, err }: CommandLine): void {
  const bundle = program
    .command('bundle')
    .description('the application for devices (arm64, with Node): a signed file for updates, or a folder for flashing')
    .option('--out <file>', 'file to write; without it and without --tree: lethe-<version>-arm64.lethe here')
    .option('--tree <dir>', 'also keep the folder that a device gets; without --out: only the folder, unsigned')
    .option('--key <file>', 'key that signs; without it: ~/.config/lethe/release.pem')
    .option('--node <dir>', 'unpacked Node for arm64 (bin/node, include/node); without it: fetched once by npm')
    .option('--release <version>', 'version of the release; without it: that of this package')
    .option('--from-min <version>', 'oldest version that it may replace', '0.0.0')
    .option('--without-pins', 'no driver for lamp and button, which takes a compiler: g++-aarch64-linux-gnu')
    .addHelpText(
      'after',
      '\nThe same sources give the same bytes; SOURCE_DATE_EPOCH or the commit says when they were made.' +
        '\nExit: 0 made, 1 something is missing (said with the remedy), 64 wrong words, 74 the disk refused.',
    )
    .action(async (words: BundleWords) => {
      const { bundleCommand } = await import('../commands/bundle/bundle.ts');
      const { tree, out: file, key, node, release, fromMin, withoutPins = false } = words;
      const made = { tree, out: file, key, node, release, fromMin, hasPins: !withoutPins };
      finish(await bundleCommand({ ...made, print: out, progress: err }));
    });
  bundle
    .command('key [file]')
    // Not handed down to what is below a sub-command.
    .exitOverride()
    .showHelpAfterError('Run `lethe bundle key --help` for its options.')
    .description('make a key that signs releases: 0600 in ~/.config/lethe/, and its public half for devices')
    .action(async (file: string | undefined) => {
      const { bundleKeyCommand } = await import('../commands/bundle/bundle.ts');
      finish(bundleKeyCommand(file, out));
    });
}
