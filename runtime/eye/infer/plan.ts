/**
 * Memory plan: where every byte of the engine lies, decided before the first frame and never changed.
 *
 * A pure function from a list of needs to a table of regions. Tensors share bytes only when their lifetimes do not
 * overlap; the order is greedy by size (largest first, each at the lowest offset where it fits), as in
 * tensorflow/lite/micro/memory_planner/greedy_memory_planner.cc and Pisarchyk, Lee: Efficient Memory Management for
 * Deep Neural Net Inference, 2020, section 5.2. Optimal packing is NP-hard; greedy comes within a few per cent.
 *
 * Memory, in this order: guard | frame slot | arena | scratch | constants. What is derived from the picture (arena and
 * scratch) is one stretch, so it is erased by one fill.
 */

/** SIMD loads and stores are 16 bytes wide; a tensor may be written up to the next multiple. */
export const ALIGNMENT_BYTES = 16;
/** WebAssembly page. */
export const PAGE_BYTES = 65_536;

/** A tensor that needs bytes from operator `firstUse` (its writer; -1: before all) to `lastUse` (its last reader), inclusive. */
export type Need = {
  readonly name: string;
  readonly bytes: number;
  readonly firstUse: number;
  readonly lastUse: number;
};

/** A piece of the linear memory. `lifetime` is present for tensors of the arena only. */
export type Region = {
  readonly name: string;
  readonly offsetBytes: number;
  readonly bytes: number;
  readonly lifetime?: readonly [firstUse: number, lastUse: number];
};

export type Plan = {
  readonly slot: Region;
  /** All tensors together; their pieces are in `tensors`. */
  readonly arena: Region;
  /** In the order of the needs. */
  readonly tensors: readonly Region[];
  readonly scratch: Region;
  readonly constants: Region;
  /** Size of the whole memory in WebAssembly pages. */
  readonly pages: number;
};

/** Sizes in bytes, each >= 0. Never fails: whatever is asked for is laid out. */
export function planMemory(sizes: {
  readonly slotBytes: number;
  readonly tensors: readonly Need[];
  readonly scratchBytes: number;
  readonly constantBytes: number;
}): Plan {
  // Offset 0 stays empty: a forgotten address would otherwise be the first pixel.
  const slot = { name: 'frame slot', offsetBytes: ALIGNMENT_BYTES, bytes: sizes.slotBytes };
  const arenaOffset = alignUp(slot.offsetBytes + slot.bytes);
  const packed = packTensors(sizes.tensors);
  const tensors = sizes.tensors.map(
    (need, i): Region => ({
      name: need.name,
      offsetBytes: arenaOffset + packed.offsets[i]!,
      bytes: need.bytes,
      lifetime: [need.firstUse, need.lastUse],
    }),
  );
  const arena = { name: 'arena', offsetBytes: arenaOffset, bytes: packed.bytes };
  const scratch = { name: 'scratch', offsetBytes: arenaOffset + packed.bytes, bytes: alignUp(sizes.scratchBytes) };
  const constants = { name: 'constants', offsetBytes: scratch.offsetBytes + scratch.bytes, bytes: sizes.constantBytes };
  // Kernels may read up to 16 bytes past the end of what they use, never write.
  const end = constants.offsetBytes + constants.bytes + ALIGNMENT_BYTES;
  return { slot, arena, tensors, scratch, constants, pages: Math.ceil(end / PAGE_BYTES) };
}

/** Offsets from the start of the arena, in the order of the needs, and the arena's size. */
export function packTensors(needs: readonly Need[]): { readonly offsets: readonly number[]; readonly bytes: number } {
  const offsets = new Array<number>(needs.length).fill(0);
  // Ties go by position, so that the same model always gives the same plan.
  const order = needs.map((_, i) => i).sort((a, b) => needs[b]!.bytes - needs[a]!.bytes || a - b);
  const placed: { readonly start: number; readonly end: number; readonly need: Need }[] = [];
  let bytes = 0;
  for (const i of order) {
    const need = needs[i]!;
    const size = alignUp(need.bytes);
    let start = 0;
    // `placed` is sorted by start: the first gap that is wide enough is the lowest.
    for (const other of placed) {
      if (other.need.firstUse > need.lastUse || need.firstUse > other.need.lastUse) continue;
      if (start + size <= other.start) break;
      start = Math.max(start, other.end);
    }
    offsets[i] = start;
    placed.push({ start, end: start + size, need });
    placed.sort((a, b) => a.start - b.start);
    bytes = Math.max(bytes, start + size);
  }
  return { offsets, bytes };
}

/** The plan as lines for the boot log: offset, bytes, name, lifetime in operators. */
export function describePlan(plan: Plan): string[] {
  const line = (region: Region, indent: string): string => {
    const use = region.lifetime ? `, operators ${region.lifetime[0]} to ${region.lifetime[1]}` : '';
    return `${String(region.offsetBytes).padStart(9)} ${String(region.bytes).padStart(9)}  ${indent}${region.name}${use}`;
  };
  return [
    `   offset     bytes  region (${plan.pages} pages of ${PAGE_BYTES} bytes, fixed)`,
    line(plan.slot, ''),
    line(plan.arena, ''),
    ...plan.tensors.map((tensor) => line(tensor, '  ')),
    line(plan.scratch, ''),
    line(plan.constants, ''),
  ];
}

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
