/**
 * Decoder: the network's two output maps → boxes. A person is a local maximum of the heat map; the box map says where in
 * the cell the centre lies and how large the body is (centre-point detection: Zhou et al., "Objects as Points", 2019).
 *   heat [1, H, W, 1] int8: logit of "a body's centre is in this cell"
 *   box  [1, H, W, 4] int8: dx, dy (0..1 cells), log2(width / cell), log2(height / cell)
 * All functions of a quantised value are tables of 256 entries made at boot; nothing is allocated per frame.
 */
import { ModelError } from '../../errors.ts';
import type { Engine, OutputTensor } from '../../ports/engine.ts';
import { DETECTIONS_MAX, type DetectionTable } from '../track/detections.ts';

/**
 * A box that shares more than this with a stronger one, of its own area or the other's, whichever is smaller, is a part of
 * the same person: head and shoulders inside the whole body.
 */
const INNER_SHARE_MAX = 0.6;

export type DecodeOptions = {
  /** Pixels of the frame per cell of the maps. */
  readonly cellPx: number;
  /** Least score (0..1) that makes a detection. */
  readonly scoreLow: number;
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
      `the model's outputs are ${found}; expected int8 heat [1, H, W, 1] and box [1, H, W, 4]. Use a model exported by models/training.`,
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
  readonly #overlapMax: number;
  /** Least quantised heat that is looked at. */
  readonly #heatQMin: number;
  readonly #score: Float32Array;
  readonly #offset: Float32Array;
  readonly #size: Float32Array;
  readonly #peaks = new Int32Array(DETECTIONS_MAX);
  #peakCount = 0;

  /** Throws ModelError. */
  constructor(engine: Engine, { cellPx, scoreLow, overlapMax }: DecodeOptions) {
    const heat = outputNamed(engine, 'heat', 1);
    const box = outputNamed(engine, 'box', 4);
    this.#heat = heat.data;
    this.#box = box.data;
    this.#rowCount = heat.shape[1];
    this.#columnCount = heat.shape[2];
    this.#cellPx = cellPx;
    this.#overlapMax = overlapMax;
    this.#score = tableOf(heat, (logit) => 1 / (1 + Math.exp(-logit)));
    this.#offset = tableOf(box, (cells) => Math.min(1, Math.max(0, cells)));
    this.#size = tableOf(box, (log2Cells) => cellPx * 2 ** Math.min(6, log2Cells));
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
    const at = cell * 4;
    const column = cell % this.#columnCount;
    detections.xPx[row] = (column + this.#offset[this.#box[at]! + 128]!) * this.#cellPx;
    detections.yPx[row] =
      ((cell - column) / this.#columnCount + this.#offset[this.#box[at + 1]! + 128]!) * this.#cellPx;
    detections.widthPx[row] = this.#size[this.#box[at + 2]! + 128]!;
    detections.heightPx[row] = this.#size[this.#box[at + 3]! + 128]!;
    detections.score[row] = this.#score[this.#heat[cell]! + 128]!;
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
    const { xPx, yPx, widthPx, heightPx } = detections;
    const left = Math.max(xPx[i]! - widthPx[i]! / 2, xPx[k]! - widthPx[k]! / 2);
    const right = Math.min(xPx[i]! + widthPx[i]! / 2, xPx[k]! + widthPx[k]! / 2);
    const top = Math.max(yPx[i]! - heightPx[i]! / 2, yPx[k]! - heightPx[k]! / 2);
    const bottom = Math.min(yPx[i]! + heightPx[i]! / 2, yPx[k]! + heightPx[k]! / 2);
    if (right <= left || bottom <= top) return false;
    const shared = (right - left) * (bottom - top);
    const areaI = widthPx[i]! * heightPx[i]!;
    const areaK = widthPx[k]! * heightPx[k]!;
    return shared > this.#overlapMax * (areaI + areaK - shared) || shared > INNER_SHARE_MAX * Math.min(areaI, areaK);
  }
}
