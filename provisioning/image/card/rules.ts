/**
 * When a disk may be erased: only a whole disk that can be taken out, that nothing uses, and that is not larger than cards
 * are. Every rule has its own sentence; all that are broken are told.
 */
import { megabytes } from '../progress.ts';
import type { BlockDevice, Inventory } from './inventory.ts';

/** The largest card that is usual for a counter; above it a backup disk is likelier than a card. */
export const CARD_BYTES_MAX = 256 * 1000 ** 3;

export type CardWish = {
  /** Resolved path, without links. */
  readonly path: string;
  readonly imageBytes: number;
  readonly isLargeAllowed: boolean;
};

/** Sentences why this disk is not written; empty: it may be, once somebody has said which it is. */
export function cardProblems(inventory: Inventory, { path, imageBytes, isLargeAllowed }: CardWish): string[] {
  const found = find(inventory.devices, path);
  if (found === undefined) {
    const candidates = inventory.devices.filter(isTakenOut).map(describe);
    return [
      `${path} is no disk of this machine; ${candidates.length === 0 ? 'no card is plugged in.' : `plugged in: ${candidates.join('; ')}.`}`,
    ];
  }
  const { device, disk } = found;
  if (device !== disk && device.type === 'part')
    return [`${path} is a partition; expected the whole disk, ${disk.path}.`];
  if (device.type !== 'disk') return [`${path} is of the kind ${device.type}; expected a disk.`];
  return [
    ...systemProblems(inventory, device),
    ...useProblems(device),
    ...(isTakenOut(device)
      ? []
      : [`${path} is built in (${device.transport || 'no removable transport'}); expected a card or a USB disk.`]),
    ...(device.isReadOnly ? [`${path} is write-protected; look for the small slider on the card or its adapter.`] : []),
    ...sizeProblems(device, imageBytes, isLargeAllowed),
  ];
}

function systemProblems({ system }: Inventory, device: BlockDevice): string[] {
  const paths = new Set(below(device).map(({ path }) => path));
  const folders = system.filter(({ source }) => paths.has(source)).map(({ folder }) => folder);
  return folders.length === 0
    ? []
    : [`${device.path} holds ${folders.join(', ')} of this machine; it is never written.`];
}

function useProblems(device: BlockDevice): string[] {
  const all = below(device);
  const mounted = all.flatMap(({ path, mountPoints }) =>
    mountPoints.filter((point) => point !== '[SWAP]').map((point) => `${path} at ${point}`),
  );
  const swap = all.filter(({ mountPoints }) => mountPoints.includes('[SWAP]')).map(({ path }) => path);
  const holders = all
    .filter((one) => one !== device && one.type !== 'part')
    .map(({ path, type }) => `${path} (${type})`);
  return [
    ...(mounted.length > 0 ? [`${device.path} is mounted: ${mounted.join(', ')}. Unmount it first.`] : []),
    ...(swap.length > 0 ? [`${device.path} is used as swap: ${swap.join(', ')}. swapoff it first.`] : []),
    ...(holders.length > 0 ? [`${device.path} is held by ${holders.join(', ')}; close that first.`] : []),
  ];
}

function sizeProblems({ path, sizeBytes }: BlockDevice, imageBytes: number, isLargeAllowed: boolean): string[] {
  if (sizeBytes === 0) return [`${path} has no medium: there is no card in the reader.`];
  if (sizeBytes < imageBytes)
    return [`${path} has ${megabytes(sizeBytes)}; expected ${megabytes(imageBytes)} or more for this image.`];
  if (sizeBytes > CARD_BYTES_MAX && !isLargeAllowed)
    return [
      `${path} has ${megabytes(sizeBytes)}, more than a card usually has (${megabytes(CARD_BYTES_MAX)}). If it is one, add --allow-large.`,
    ];
  return [];
}

function isTakenOut({ path, isRemovable, isHotplug, transport, type }: BlockDevice): boolean {
  if (type !== 'disk') return false;
  return isRemovable || isHotplug || ['usb', 'mmc'].includes(transport) || /^\/dev\/mmcblk\d+$/.test(path);
}

export function find(
  devices: readonly BlockDevice[],
  path: string,
): { readonly device: BlockDevice; readonly disk: BlockDevice } | undefined {
  for (const disk of devices) {
    const device = below(disk).find((one) => one.path === path);
    if (device !== undefined) return { device, disk };
  }
  return undefined;
}

/** The device and everything on it. */
function below(device: BlockDevice): BlockDevice[] {
  return [device, ...device.children.flatMap(below)];
}

/** `/dev/sdb  SanDisk Ultra  31914 MB` */
export function describe({ path, model, serial, sizeBytes }: BlockDevice): string {
  return `${path} ${[model, serial].filter((word) => word !== '').join(' ') || '(no name)'} ${megabytes(sizeBytes)}`;
}

/** What has to be typed: the model, else the serial number, else the path. */
export function nameToType({ path, model, serial }: BlockDevice): string {
  return model || serial || path;
}

export function isNamed(device: BlockDevice, typed: string): boolean {
  const said = typed.trim();
  return said !== '' && [nameToType(device), device.serial].includes(said);
}
