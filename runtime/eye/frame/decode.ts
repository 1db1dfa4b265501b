/**
 * Decoder: the network's two output maps → people. A person is a local maximum of the heat map, which says where heads are;
 * the box map says where in its cell the head lies, how large the body is and where it lies seen from the head
 * (after "Objects as Points", Zhou et al. 2019, with the head for the centre: in a crowd heads stay apart when bodies do not).
 *   heat [1, H, W, 1] int8: logit of "the middle of a head is in this cell"
 *   box  [1, H, W, 6] int8: dx, dy (cells), log2(width / cell), log2(height / cell),
 *                           ex = (box middle x - head x) / width, ey = (box middle y - head y) / height
 * All functions of a quantised value are tables of 256 entries made at boot; nothing is allocated per frame.
 */
import { ModelError } from '../../errors.ts';
import type { Engine, OutputTensor } from '../../ports/engine.ts';
import { DETECTIONS_MAX, type DetectionTable } from '../track/detections.ts';

const BOX_CHANNELS = 6;
/**
 * How far from the head to the body's middle the point lies that is followed: about the chest. Heads are found best, but
 * where exactly a small one lies is uncertain by half its size, and a shaking point crosses lines twice; the middle of a
 * body alone is a guess where it is hidden. Missed or doubled crossings of 170 on 12 rendered and of 63 on 9 public clips
 * (score_min 0.3): the head 113 and 32, half way 114 and 25, the middle 126 and 29. So the public
 * clips decided, on few crossings.
 */
const FOLLOWED_SHARE = 0.5;
/** 14 ms at boot on the server of the README's figures; the last of the compiler's changes came before the 170th frame. */
const WARM_UP_ROUNDS = 300;
/** A crowd, so that suppression has something to do. */
const WARM_UP_HEADS = 12;
/** No body is larger than four frames; the exponent is bounded before it becomes a size. */
const LOG2_CELLS_MAX = 8;

export type DecodeOptions = {
  /** Pixels of the frame per cell of the maps. */
  readonly cellPx: number;
  /** Least score (0..1) that makes a detection. */
  readonly scoreLow: number;
  /** Of two heads nearer than this share of the smaller box's shorter side the weaker goes: one head seen twice. */
  readonly nearMax: number;
  /** Of two boxes that share more than this of their union the weaker goes: one person seen twice. */
  readonly overlapMax: number;
};

/** Table over q = -128..127 at index q + 128. */
function tableOf(tensor: OutputTensor, f: (real: number) => number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, i) => f((i - 128 - tensor.zeroPoint) * tensor.scale));
}

/** One of the two maps. */
type MapTensor = OutputTensor & {
  readonly shape: readonly [number, number, number, number];
  readonly data: Int8Array;
};

function isMap(tensor: OutputTensor | undefined, channelCount: number): tensor is MapTensor {
  return tensor?.shape.length === 4 && tensor.shape[3] === channelCount && tensor.data instanceof Int8Array;
}

function outputNamed(engine: Engine, name: string, channelCount: number): MapTensor {
  const tensor = engine.outputs.find((output) => output.name === name);
  if (!isMap(tensor, channelCount)) {
    const found = engine.outputs.map((output) => `${output.name} [${output.shape.join(', ')}]`).join(', ');
    throw new ModelError(
      'MODEL_OUTPUTS',
      `the model's outputs are ${found}; expected int8 heat [1, H, W, 1] and box [1, H, W, 6]. Use a model exported by models/training.`,
      { op: 'read model outputs' },
    );
  }
  return tensor;
}

export class HeatMapDecoder {
  readonly #heat: Int8Array;
  readonly #box: Int8Array;
  readonly #rowCount: number;
  readonly #columnCount: number;
  readonly #cellPx: number;
  readonly #nearMax: number;
  readonly #overlapMax: number;
  /** Least quantised heat that is looked at. */
  readonly #heatQMin: number;
  readonly #score: Float32Array;
  readonly #offset: Float32Array;
  readonly #size: Float32Array;
  readonly #shift: Float32Array;
  /** Heads and middles of the bodies of the rows, beside the table: only suppression needs them. */
  readonly #headXPx = new Float32Array(DETECTIONS_MAX);
  readonly #headYPx = new Float32Array(DETECTIONS_MAX);
  readonly #middleXPx = new Float32Array(DETECTIONS_MAX);
  readonly #middleYPx = new Float32Array(DETECTIONS_MAX);
  readonly #peaks = new Int32Array(DETECTIONS_MAX);
  #peakCount = 0;

  /** Throws ModelError. */
  constructor(engine: Engine, { cellPx, scoreLow, nearMax, overlapMax }: DecodeOptions) {
    const heat = outputNamed(engine, 'heat', 1);
    const box = outputNamed(engine, 'box', BOX_CHANNELS);
    this.#heat = heat.data;
    this.#box = box.data;
    this.#rowCount = heat.shape[1];
    this.#columnCount = heat.shape[2];
    this.#cellPx = cellPx;
    this.#nearMax = nearMax;
    this.#overlapMax = overlapMax;
    this.#score = tableOf(heat, (logit) => 1 / (1 + Math.exp(-logit)));
    // A peak may lie two cells beside the middle of a large head, so offsets reach that far.
    this.#offset = tableOf(box, (cells) => Math.min(3, Math.max(-2, cells)));
    this.#size = tableOf(box, (log2Cells) => cellPx * 2 ** Math.min(LOG2_CELLS_MAX, log2Cells));
    this.#shift = tableOf(box, (sizes) => Math.min(1, Math.max(-1, sizes)));
    const first = this.#score.findIndex((score) => score >= scoreLow);
    this.#heatQMin = (first === -1 ? 256 : first) - 128;
  }

  /** Fills `detections` anew, strongest first. */
  decode(detections: DetectionTable): void {
    this.#findPeaks();
    detections.clear();
    // Non-maximum suppression: from the strongest down, each box that overlaps one that was kept is dropped.
    for (let i = 0; i < this.#peakCount; i++) {
      const row = detections.count;
      this.#writeBox(detections, row, this.#peaks[i]!);
      let isNew = true;
      for (let kept = 0; kept < row && isNew; kept++) isNew = !this.#isSamePerson(detections, kept, row);
      if (isNew) detections.count = row + 1;
    }
  }

  /**
   * Decodes made-up maps before the first frame; leaves the maps zero. V8 compiles a function well only after some use, and
   * decoding lies between picture and erasure: without this the sixth frame had everything derived from it for 2.3 ms longer.
   */
  warmUp(detections: DetectionTable): void {
    let random = 1;
    for (let round = 0; round < WARM_UP_ROUNDS; round++) {
      this.#heat.fill(-128);
      for (let head = 0; head < WARM_UP_HEADS; head++) {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0; // the generator of Numerical Recipes
        const cell = random % this.#heat.length;
        this.#heat[cell] = 127 - (head % 16);
        this.#box.fill((random >>> 24) - 128, cell * BOX_CHANNELS, (cell + 1) * BOX_CHANNELS);
      }
      this.decode(detections);
    }
    this.#heat.fill(0);
    this.#box.fill(0);
    detections.clear();
  }

  /** Cells of local maxima into #peaks, strongest first; of more than the table holds the weakest go. */
  #findPeaks(): void {
    this.#peakCount = 0;
    for (let row = 0; row < this.#rowCount; row++) {
      for (let column = 0; column < this.#columnCount; column++) {
        const cell = row * this.#columnCount + column;
        const heatQ = this.#heat[cell]!;
        if (heatQ >= this.#heatQMin && this.#isPeak(row, column, heatQ)) this.#insertPeak(cell, heatQ);
      }
    }
  }

  #insertPeak(cell: number, heatQ: number): void {
    let at = this.#peakCount;
    if (at < DETECTIONS_MAX) this.#peakCount = at + 1;
    else if (this.#heat[this.#peaks[--at]!]! >= heatQ) return;
    for (; at > 0 && this.#heat[this.#peaks[at - 1]!]! < heatQ; at--) this.#peaks[at] = this.#peaks[at - 1]!;
    this.#peaks[at] = cell;
  }

  #writeBox(detections: DetectionTable, row: number, cell: number): void {
    const at = cell * BOX_CHANNELS;
    const column = cell % this.#columnCount;
    const xPx = (column + this.#offset[this.#box[at]! + 128]!) * this.#cellPx;
    const yPx = ((cell - column) / this.#columnCount + this.#offset[this.#box[at + 1]! + 128]!) * this.#cellPx;
    const widthPx = this.#size[this.#box[at + 2]! + 128]!;
    const heightPx = this.#size[this.#box[at + 3]! + 128]!;
    const toMiddleXPx = this.#shift[this.#box[at + 4]! + 128]! * widthPx;
    const toMiddleYPx = this.#shift[this.#box[at + 5]! + 128]! * heightPx;
    detections.xPx[row] = xPx + FOLLOWED_SHARE * toMiddleXPx;
    detections.yPx[row] = yPx + FOLLOWED_SHARE * toMiddleYPx;
    detections.widthPx[row] = widthPx;
    detections.heightPx[row] = heightPx;
    detections.score[row] = this.#score[this.#heat[cell]! + 128]!;
    this.#headXPx[row] = xPx;
    this.#headYPx[row] = yPx;
    this.#middleXPx[row] = xPx + toMiddleXPx;
    this.#middleYPx[row] = yPx + toMiddleYPx;
  }

  /** Largest of its 3 × 3 cells; of equal neighbours the first in reading order is the peak. */
  #isPeak(row: number, column: number, heatQ: number): boolean {
    const rowMax = Math.min(this.#rowCount - 1, row + 1);
    const columnMax = Math.min(this.#columnCount - 1, column + 1);
    for (let r = Math.max(0, row - 1); r <= rowMax; r++) {
      for (let c = Math.max(0, column - 1); c <= columnMax; c++) {
        const other = this.#heat[r * this.#columnCount + c]!;
        if (other > heatQ) return false;
        if (other === heatQ && (r < row || (r === row && c < column))) return false;
      }
    }
    return true;
  }

  /** Rows and not boxes are handed over: a double that goes into a function which V8 does not inline costs 16 bytes. */
  #isSamePerson(detections: DetectionTable, i: number, k: number): boolean {
    const { widthPx, heightPx } = detections;
    const dx = this.#headXPx[i]! - this.#headXPx[k]!;
    const dy = this.#headYPx[i]! - this.#headYPx[k]!;
    const near = this.#nearMax * Math.min(widthPx[i]!, heightPx[i]!, widthPx[k]!, heightPx[k]!);
    if (dx * dx + dy * dy < near * near) return true;
    const middleX = this.#middleXPx;
    const middleY = this.#middleYPx;
    const left = Math.max(middleX[i]! - widthPx[i]! / 2, middleX[k]! - widthPx[k]! / 2);
    const right = Math.min(middleX[i]! + widthPx[i]! / 2, middleX[k]! + widthPx[k]! / 2);
    const top = Math.max(middleY[i]! - heightPx[i]! / 2, middleY[k]! - heightPx[k]! / 2);
    const bottom = Math.min(middleY[i]! + heightPx[i]! / 2, middleY[k]! + heightPx[k]! / 2);
    if (right <= left || bottom <= top) return false;
    const shared = (right - left) * (bottom - top);
    return shared > this.#overlapMax * (widthPx[i]! * heightPx[i]! + widthPx[k]! * heightPx[k]! - shared);
  }
}
