/**
 * Ways of damaging a `.tflite` file, all decided by one seed: what a bad card, a cut download or an enemy would do.
 * Not only noise: offsets, counts, shapes and options are where a reader goes wrong, so whole words are changed to values
 * that lie near limits, moved within the file, or exchanged.
 */

/** Numbers at which readers and planners break. */
const WORDS = [
  0,
  1,
  2,
  3,
  4,
  7,
  8,
  15,
  16,
  127,
  128,
  255,
  256,
  4095,
  65_535,
  65_536,
  0x7fff,
  0x8000,
  1 << 20,
  1 << 26,
  0x3fffffff,
  0x40000000,
  0x7fffffff,
  0x80000000,
  0xfffffffc,
  0xffffffff,
  0x7f800000,
  0x7fc00000,
  0x3f800000,
  0x00000001,
] as const;

/** xorshift32; the same damage for the same seed, everywhere. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  }
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state;
  }
  below(limit: number): number {
    return limit <= 0 ? 0 : this.next() % limit;
  }
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

type Damage = (bytes: Uint8Array, random: Random) => Uint8Array;

/** Most of a model is weights, where damage changes nothing but values: half of the hits go to its tables. */
function place(bytes: Uint8Array, random: Random): number {
  const tables = Math.min(bytes.length, 2000);
  const end = bytes.length;
  switch (random.below(4)) {
    case 0:
      return random.below(tables);
    case 1:
      return end - 1 - random.below(tables);
    case 2:
      return Math.max(0, end - 1 - random.below(Math.min(end, 12_000)));
    default:
      return random.below(end);
  }
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Start of a whole word at or before a place. */
function wordAt(bytes: Uint8Array, random: Random): number {
  return Math.max(0, Math.min(place(bytes, random), bytes.length - 4)) & ~3;
}

const flipBit: Damage = (bytes, random) => {
  const at = place(bytes, random);
  bytes[at] = bytes[at]! ^ (1 << random.below(8));
  return bytes;
};
const setByte: Damage = (bytes, random) => {
  bytes[place(bytes, random)] = random.below(256);
  return bytes;
};
const setWord: Damage = (bytes, random) => {
  view(bytes).setUint32(wordAt(bytes, random), random.pick(WORDS), true);
  return bytes;
};
const setHalf: Damage = (bytes, random) => {
  view(bytes).setUint16(wordAt(bytes, random) + 2 * random.below(2), random.pick(WORDS) & 0xffff, true);
  return bytes;
};
/** Points somewhere else in the file: shared tables, cycles, tables inside of data. */
const turnOffset: Damage = (bytes, random) => {
  const at = wordAt(bytes, random);
  view(bytes).setUint32(at, (random.below(bytes.length) - at) >>> 0, true);
  return bytes;
};
const nudge: Damage = (bytes, random) => {
  const at = wordAt(bytes, random);
  view(bytes).setUint32(at, (view(bytes).getUint32(at, true) + random.below(9) - 4) >>> 0, true);
  return bytes;
};
const exchange: Damage = (bytes, random) => {
  const [a, b] = [wordAt(bytes, random), wordAt(bytes, random)];
  const word = view(bytes).getUint32(a, true);
  view(bytes).setUint32(a, view(bytes).getUint32(b, true), true);
  view(bytes).setUint32(b, word, true);
  return bytes;
};
const copyBlock: Damage = (bytes, random) => {
  const count = 4 * (1 + random.below(16));
  const from = random.below(Math.max(1, bytes.length - count));
  bytes.copyWithin(place(bytes, random), from, from + count);
  return bytes;
};
const cut: Damage = (bytes, random) => bytes.subarray(0, random.below(bytes.length));

const DAMAGES: readonly Damage[] = [
  flipBit,
  flipBit,
  setByte,
  setByte,
  setWord,
  setWord,
  setWord,
  setHalf,
  turnOffset,
  nudge,
  nudge,
  exchange,
  copyBlock,
  cut,
];

/** A damaged copy: one to four damages, most often one. */
export function damaged(good: Uint8Array, seed: number): Uint8Array {
  const random = new Random(seed);
  let bytes: Uint8Array = good.slice();
  const count = random.pick([1, 1, 1, 1, 2, 2, 3, 4]);
  for (let i = 0; i < count && bytes.length > 4; i += 1) bytes = random.pick(DAMAGES)(bytes, random);
  return bytes;
}
