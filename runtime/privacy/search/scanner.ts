/**
 * Scanner: looks through bytes of a memory for runs of eight values or more that come from known frames, in whatever form
 * a program may have kept them. A form is what one has to do to the memory to see the frame's bytes again:
 *
 *   uint8       as they came; all three planes, one after another as in the slot
 *   int8        128 less, as a quantised network wants them
 *   halved      shifted right by one, as a cheap conversion to seven bits does
 *   each of these in every 1st, 2nd, 3rd, 4th or 8th byte: planes apart, luma among chroma (YUYV, NV12), colours beside each
 *               other, and numbers of 16, 32 or 64 bits (which is also what whole numbers in a JavaScript heap are)
 *   float32, float64   v, v/255, v/128-1, v/127.5-1, v-128
 *
 * Every byte is looked at at every alignment (floats: at theirs). Not seen: anything that mixes pixels, such as a scaled
 * picture. What our own engine mixes is searched for as `tensor`, from a reference run.
 * Memory: a list of values as long as the longest stretch of floats in a chunk.
 */
import { AS_HALF, AS_WHOLE, type Pattern } from './pattern.ts';
import { roll, WINDOW_BYTES, type WindowSet } from './windows.ts';

export type Find = {
  /** Where in the chunk the run begins. */
  readonly offset: number;
  /** In words: `uint8`, `int8, every 2nd byte`, `float32 v/255`, `tensor`. */
  readonly form: string;
  /** Bytes of memory from the first value to the last. */
  readonly spanBytes: number;
  readonly valueCount: number;
};

/** What is searched for. halved: the same frames, each value halved. */
export type Quarry = {
  readonly pattern: Pattern;
  readonly frames: WindowSet;
  readonly halved: WindowSet;
  readonly tensors: WindowSet;
};

/** A run across the seam of two chunks is seen if they overlap by this much. */
export const OVERLAP_BYTES = WINDOW_BYTES * 8;

const STRIDES = [1, 2, 3, 4, 8] as const;
const EVERY: Readonly<Record<number, string>> = {
  1: '',
  2: ', every 2nd byte',
  3: ', every 3rd byte',
  4: ', every 4th byte',
  8: ', every 8th byte',
};
const SIGN_BIT = 0x80;

const FLOAT_FORMS: readonly (readonly [name: string, scale: number, shift: number])[] = [
  ['v', 1, 0],
  ['v/255', 255, 0],
  ['v/128-1', 128, 128],
  ['v/127.5-1', 127.5, 127.5],
  ['v-128', 1, 128],
];
/** Smallest and largest size of a number in any of these forms, with room: 1/128 - 1/127.5 apart, up to 255. */
const FLOAT_SIZE_MIN = 2 ** -9;
const FLOAT_SIZE_MAX = 256;
/** Float32 has 24 bits: a value that was divided comes back to far better than this. */
const FLOAT_ERROR_MAX = 1 / 64;

type OnFind = (find: Find) => void;

export class Scanner {
  readonly #quarry: Quarry;

  constructor(quarry: Quarry) {
    this.#quarry = quarry;
  }

  /** Calls `onFind` for every run in `bytes`, which begin at a multiple of 8 in the memory and in their buffer. */
  scan(bytes: Uint8Array, onFind: OnFind): void {
    const { pattern, frames, halved, tensors } = this.#quarry;
    for (const stride of STRIDES) {
      const tryWhole = (first: number): number =>
        reportRun(frames, bytes, { first, stride, flip: 0, form: 'uint8' }, onFind) ||
        reportRun(frames, bytes, { first, stride, flip: SIGN_BIT, form: 'int8' }, onFind);
      const tryHalf = (first: number): number =>
        reportRun(halved, bytes, { first, stride, flip: 0, form: 'halved' }, onFind);
      searchFrames(pattern.follows, bytes, stride, tryWhole, tryHalf);
    }
    searchTensors(tensors, bytes, onFind);
    const { buffer, byteOffset, length } = bytes;
    this.#searchFloats(new Float32Array(buffer, byteOffset, length >> 2), onFind);
    this.#searchFloats(new Float64Array(buffer, byteOffset, length >> 3), onFind);
  }

  /** Stretches of numbers that could be pixels are rare; each is tried in every form. */
  #searchFloats(numbers: Float32Array | Float64Array, onFind: OnFind): void {
    let begin = 0;
    for (let i = 0; i <= numbers.length; i++) {
      const size = i < numbers.length ? Math.abs(numbers[i]!) : 0;
      if (size >= FLOAT_SIZE_MIN && size < FLOAT_SIZE_MAX) continue;
      if (i - begin >= WINDOW_BYTES) this.#tryForms(numbers.subarray(begin, i), begin, onFind);
      begin = i + 1;
    }
  }

  #tryForms(numbers: Float32Array | Float64Array, begin: number, onFind: OnFind): void {
    const { pattern, frames } = this.#quarry;
    const size = numbers.BYTES_PER_ELEMENT;
    const values = new Uint8Array(numbers.length);
    for (const [name, scale, shift] of FLOAT_FORMS) {
      for (let i = 0; i < numbers.length; i++) values[i] = wholeOf(numbers[i]! * scale + shift);
      const form = `float${8 * size} ${name}`;
      const tryFloats = (first: number): number =>
        reportRun(frames, values, { first, stride: 1, flip: 0, form }, (find) =>
          onFind({ ...find, offset: (begin + find.offset) * size, spanBytes: find.valueCount * size }),
        );
      searchFrames(pattern.follows, values, 1, tryFloats, () => 0);
    }
  }
}

/** The byte that a number stands for; 0, which is in no frame, for one that stands for none. */
function wholeOf(value: number): number {
  const whole = value >= 1 && value < 256 ? Math.round(value) : 0;
  return Math.abs(value - whole) < FLOAT_ERROR_MAX ? whole : 0;
}

/**
 * Calls `tryWhole` or `tryHalf` where eight values, `stride` bytes apart, follow each other as the pattern's values or
 * their halves do; each answers how many values it has dealt with, 0 for none.
 */
function searchFrames(
  follows: Uint8Array,
  bytes: Uint8Array,
  stride: number,
  tryWhole: (first: number) => number,
  tryHalf: (first: number) => number,
): void {
  const back = (WINDOW_BYTES - 1) * stride;
  for (let phase = 0; phase < stride; phase++) {
    let wholeRun = 0;
    let halfRun = 0;
    for (let i = phase + stride; i < bytes.length; i += stride) {
      const ways = follows[(bytes[i - stride]! << 8) | bytes[i]!]!;
      if (ways === 0) {
        wholeRun = 0;
        halfRun = 0;
        continue;
      }
      wholeRun = (ways & AS_WHOLE) === 0 ? 0 : wholeRun + 1;
      halfRun = (ways & AS_HALF) === 0 ? 0 : halfRun + 1;
      let done = 0;
      if (wholeRun >= WINDOW_BYTES - 1) done = tryWhole(i - back);
      if (halfRun >= WINDOW_BYTES - 1 && done === 0) done = tryHalf(i - back);
      if (done === 0) continue;
      i += (done - WINDOW_BYTES) * stride;
      wholeRun = 0;
      halfRun = 0;
    }
  }
}

type Place = { readonly first: number; readonly stride: number; readonly flip: number; readonly form: string };

/** Reports the run of `set` that begins here, as long as it goes; its length in values, or 0 if there is none. */
function reportRun(set: WindowSet, bytes: Uint8Array, place: Place, onFind: OnFind): number {
  const { first, stride, flip, form } = place;
  let hash = 0;
  for (let i = 0; i < WINDOW_BYTES; i++) hash = roll(hash, bytes[first + i * stride]! ^ flip, 0);
  if (!set.mayHave(hash)) return 0;
  const isSame = (textOffset: number, i: number): boolean =>
    set.text[textOffset + i] === (bytes[first + i * stride]! ^ flip);
  const textOffset = set.find(hash, (candidate) => {
    for (let i = 0; i < WINDOW_BYTES; i++) if (!isSame(candidate, i)) return false;
    return true;
  });
  if (textOffset < 0) return 0;
  const valuesMax = Math.min(Math.ceil((bytes.length - first) / stride), set.textBytes - textOffset);
  let valueCount = WINDOW_BYTES;
  while (valueCount < valuesMax && isSame(textOffset, valueCount)) valueCount += 1;
  onFind({ offset: first, form: form + EVERY[stride], valueCount, spanBytes: (valueCount - 1) * stride + 1 });
  return valueCount;
}

/** Tensors have no pattern of their own: every window's hash is looked up. */
function searchTensors(set: WindowSet, bytes: Uint8Array, onFind: OnFind): void {
  if (set.textBytes === 0) return;
  let hash = 0;
  for (let i = 0; i < bytes.length; i++) {
    hash = roll(hash, bytes[i]!, i < WINDOW_BYTES ? 0 : bytes[i - WINDOW_BYTES]!);
    const first = i - WINDOW_BYTES + 1;
    if (first < 0 || !set.mayHave(hash)) continue;
    const valueCount = reportRun(set, bytes, { first, stride: 1, flip: 0, form: 'tensor' }, onFind);
    for (const end = i + valueCount - WINDOW_BYTES; valueCount > 0 && i < end; ) {
      i += 1;
      hash = roll(hash, bytes[i]!, i < WINDOW_BYTES ? 0 : bytes[i - WINDOW_BYTES]!);
    }
  }
}
