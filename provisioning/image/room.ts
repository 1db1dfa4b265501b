/**
 * How much room the contents need in the system partition, and by how much the image has to grow for them. A stock image has
 * a few hundred megabytes left, which is measured and not assumed; at its first start the system takes the whole card.
 */
import { bytesOf, type Entry, type Room } from './ext4.ts';

/** For directories and tables of extents, and so that the first start has room before it grows the partition. */
const SPARE_BYTES = 64 * 1024 * 1024;
const SPARE_INODES = 1000;
/** Cards are sold in whole MiB; partitions of Raspberry Pi OS are multiples of 4 MiB. */
const GROWTH_STEP_BYTES = 4 * 1024 * 1024;

export type RoomPlan = {
  readonly neededBytes: number;
  /** 0: it fits. */
  readonly growthBytes: number;
};

export function roomFor(entries: readonly Entry[], room: Room): RoomPlan {
  const blocks = (bytes: number) => Math.ceil(bytes / room.blockBytes);
  let neededBlocks = 0;
  for (const entry of entries) {
    if (entry.kind === 'file') neededBlocks += blocks(bytesOf(entry));
    if (entry.kind === 'folder') neededBlocks += 1;
  }
  const neededBytes = neededBlocks * room.blockBytes;
  const missing = neededBytes + SPARE_BYTES - room.freeBytes;
  // resize2fs adds inodes with the blocks, in the proportion in which the file system was made.
  const missingInodes = entries.length + SPARE_INODES - room.freeInodes;
  const inodesPerByte = Math.max(1, room.totalInodes) / room.totalBytes;
  const growth = Math.max(missing, missingInodes > 0 ? missingInodes / inodesPerByte : 0);
  return {
    neededBytes,
    growthBytes: growth <= 0 ? 0 : Math.ceil(growth / GROWTH_STEP_BYTES) * GROWTH_STEP_BYTES,
  };
}
