/** The card of an emulated device: a copy of the flashed image, and what its boot partition tells the kernel. */
import { run } from './tools.ts';

const SECTOR_BYTES = 512;

type Partition = { readonly start: number; readonly size: number };

/** Partitions in sectors, as sfdisk reads them. */
function partitionsOf(image: string): Partition[] {
  const { partitiontable } = JSON.parse(run('sfdisk', ['-J', image])) as {
    partitiontable: { partitions: Partition[] };
  };
  return partitiontable.partitions;
}

/** The words of cmdline.txt that mean the same in the emulator: not the board's consoles, and not its way to name the card. */
export function kernelWords(image: string): string[] {
  const offset = (partitionsOf(image)[0]?.start ?? 0) * SECTOR_BYTES;
  const line = run('mcopy', ['-n', '-i', `${image}@@${offset}`, '::/cmdline.txt', '-']);
  return line
    .trim()
    .split(/\s+/)
    .filter((word) => !/^(console|root|rootwait|rootfstype|resize|init)(=|$)/.test(word));
}

/** A new card: a copy of the image, as full of holes as it was; a second for a gigabyte. */
export function makeCard(image: string, card: string): void {
  run('cp', ['--reflink=auto', '--sparse=always', image, card]);
}
