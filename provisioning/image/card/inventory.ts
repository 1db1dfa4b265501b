/**
 * The disks of this machine, as lsblk and findmnt tell them. An interface, so that each rule (rules.ts) can be tried on
 * machines that were invented.
 */
import { run } from '../tools.ts';

export type BlockDevice = {
  /** /dev/sdb */
  readonly path: string;
  /** disk, part, loop, rom, crypt, lvm, raid1 … */
  readonly type: string;
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly isRemovable: boolean;
  readonly isHotplug: boolean;
  /** usb, mmc, sata, nvme …; empty: not said. */
  readonly transport: string;
  readonly model: string;
  readonly serial: string;
  /** `[SWAP]` for swap space in use. */
  readonly mountPoints: readonly string[];
  readonly children: readonly BlockDevice[];
};

/** What is mounted at folders without which this machine does not run. */
export type SystemMount = { readonly folder: string; readonly source: string };
export type Inventory = { readonly devices: readonly BlockDevice[]; readonly system: readonly SystemMount[] };
export type InventoryReader = () => Promise<Inventory>;

const SYSTEM_FOLDERS = ['/', '/boot', '/boot/efi', '/boot/firmware', '/home', '/usr', '/var'];
const COLUMNS = 'PATH,TYPE,SIZE,RO,RM,HOTPLUG,TRAN,MODEL,SERIAL,MOUNTPOINTS';

export const readInventory: InventoryReader = async () => {
  const { out } = await run('lsblk', ['-J', '-b', '-o', COLUMNS]);
  const system: SystemMount[] = [];
  for (const folder of SYSTEM_FOLDERS) {
    const { code, out: source } = await run('findmnt', ['-n', '-o', 'SOURCE', '--mountpoint', folder], {
      codes: [0, 1],
    });
    // btrfs says the subvolume in brackets behind the device.
    if (code === 0)
      for (const line of source.trim().split('\n')) system.push({ folder, source: line.replace(/\[.*\]$/, '') });
  }
  return { devices: devicesOf(out), system };
};

type LsblkDevice = Readonly<Record<string, unknown>> & { readonly children?: readonly LsblkDevice[] };

/** The answer of `lsblk -J -b`. Older versions say numbers and booleans as words. */
export function devicesOf(json: string): BlockDevice[] {
  const { blockdevices = [] } = JSON.parse(json) as { readonly blockdevices?: readonly LsblkDevice[] };
  return blockdevices.map(deviceOf);
}

function deviceOf(row: LsblkDevice): BlockDevice {
  const word = (key: string) => (typeof row[key] === 'string' ? (row[key] as string).trim() : '');
  const flag = (key: string) => row[key] === true || row[key] === '1' || row[key] === 1;
  const mountPoints = Array.isArray(row['mountpoints']) ? row['mountpoints'] : [];
  return {
    path: word('path'),
    type: word('type'),
    sizeBytes: Number(row['size'] ?? 0),
    isReadOnly: flag('ro'),
    isRemovable: flag('rm'),
    isHotplug: flag('hotplug'),
    transport: word('tran'),
    model: word('model'),
    serial: word('serial'),
    mountPoints: mountPoints.filter((point): point is string => typeof point === 'string'),
    children: (row.children ?? []).map(deviceOf),
  };
}
