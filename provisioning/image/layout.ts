/**
 * The partitions of an image. Raspberry Pi OS has an MBR with two: FAT for the firmware (label bootfs), ext4 for the system.
 * Anything else is refused before it is looked at more closely. The disk's id is never changed: the kernel's command line and
 * /etc/fstab name the partitions by it (PARTUUID), and the first start replaces it everywhere.
 */
import { ImageError } from '../../runtime/errors.ts';
import { megabytes } from './progress.ts';
import { firstBytes } from './source.ts';
import { run } from './tools.ts';

const SECTOR_BYTES = 512;
const MBR_SIGNATURE = 0xaa55;
const MBR_ENTRY_OFFSET = 446;
/** Types of FAT32 and FAT16, with and without LBA; of Linux; of a GPT behind a protective MBR. */
const FAT_TYPES = ['b', 'c', 'e', '6'];
const LINUX_TYPE = '83';
const GPT_TYPE = 0xee;

export type Partition = { readonly startBytes: number; readonly lengthBytes: number; readonly type: string };
export type Layout = {
  /** As `PARTUUID=<diskId>-02`: eight hex digits. */
  readonly diskId: string;
  readonly boot: Partition;
  readonly root: Partition;
};

type SfdiskTable = {
  readonly partitiontable?: {
    readonly label: string;
    readonly id: string;
    readonly sectorsize?: number;
    readonly partitions?: readonly { readonly start: number; readonly size: number; readonly type: string }[];
  };
};

const TAKE = 'Take the image of Raspberry Pi OS Lite (64-bit) as it was downloaded.';

function refuse(code: string, problem: string, hint = TAKE): never {
  throw new ImageError(code, problem, { op: 'read partitions', hint });
}

/** Throws for whatever is not the layout of Raspberry Pi OS. `imageBytes`: length of the file. */
export async function readLayout(path: string, imageBytes: number): Promise<Layout> {
  const sector = firstBytes(path, SECTOR_BYTES);
  if (sector.length < SECTOR_BYTES || sector.readUInt16LE(510) !== MBR_SIGNATURE)
    refuse('NO_PARTITIONS', `${path} has no partition table; expected the image of a whole card.`);
  if (sector[MBR_ENTRY_OFFSET + 4] === GPT_TYPE)
    refuse(
      'GPT',
      `${path} has a GPT partition table, which is for PCs and some other boards; expected an MBR with two partitions.`,
    );
  const { code, out, err } = await run('sfdisk', ['-J', '--', path], { codes: [0, 1] });
  if (code !== 0)
    refuse('NO_PARTITIONS', `${path} has a partition table that sfdisk cannot read: ${err.trim().slice(0, 200)}`);
  return layoutOf(JSON.parse(out) as SfdiskTable, path, imageBytes);
}

export function layoutOf(table: SfdiskTable, path: string, imageBytes: number): Layout {
  const { label = '', id = '', sectorsize = SECTOR_BYTES, partitions = [] } = table.partitiontable ?? {};
  if (label !== 'dos')
    refuse('NO_PARTITIONS', `${path} has a partition table of kind ${label || 'unknown'}; expected an MBR (dos).`);
  const [boot, root, ...rest] = partitions.map(({ start, size, type }) => ({
    startBytes: start * sectorsize,
    lengthBytes: size * sectorsize,
    type: type.toLowerCase(),
  }));
  if (boot === undefined || root === undefined || rest.length > 0)
    refuse(
      'PARTITIONS',
      `${path} has ${partitions.length} partition${partitions.length === 1 ? '' : 's'}; expected two, one for the firmware (FAT) and one for the system (ext4).`,
    );
  if (!FAT_TYPES.includes(boot.type) || root.type !== LINUX_TYPE)
    refuse(
      'PARTITIONS',
      `${path} has partitions of the types ${boot.type} and ${root.type}; expected c (FAT) and 83 (Linux).`,
    );
  const endBytes = root.startBytes + root.lengthBytes;
  if (boot.startBytes + boot.lengthBytes > root.startBytes)
    refuse(
      'PARTITIONS',
      `${path} has partitions that overlap or are in another order; expected FAT first, then Linux.`,
    );
  if (endBytes > imageBytes)
    refuse(
      'TRUNCATED',
      `${path} has ${megabytes(imageBytes)}, but its partitions need ${megabytes(endBytes)}: the download or the copy is not whole.`,
      'Download it again and compare its checksum: --sha256 does that.',
    );
  return { diskId: id.replace(/^0x/, ''), boot, root };
}

/** The second partition to the end of the file, which was made longer before. Everything else stays, the disk's id too. */
export async function growRoot(path: string): Promise<void> {
  await run('sfdisk', ['--quiet', '--no-reread', '--no-tell-kernel', '-N', '2', '--', path], { input: ', +\n' });
}
