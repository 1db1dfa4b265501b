/**
 * An engine without a network: it notes its calls, erases like the real one, and shows the maps that a test has drawn.
 * Scales are chosen so that literals stay readable: heat logit = q / 10; box: 1 cell, 1 octave or 1 size = q 4.
 */
import type { FrameFormat } from '../../runtime/ports/camera.ts';
import type { Engine, OutputTensor } from '../../runtime/ports/engine.ts';
import { yuv420Bytes } from '../../runtime/units.ts';

export const FAKE_CELL_PX = 8;

/** One person of the maps; offsets in cells, sizes in octaves of a cell (2 = four cells = 32 px), the box's middle in sizes. */
export type FakePeak = {
  readonly row: number;
  readonly column: number;
  readonly heatQ: number;
  readonly dx?: number;
  readonly dy?: number;
  readonly log2Width?: number;
  readonly log2Height?: number;
  readonly ex?: number;
  readonly ey?: number;
};

export class FakeEngine implements Engine {
  readonly name = 'fake';
  readonly format: FrameFormat;
  readonly slot: Uint8Array;
  readonly outputs: readonly OutputTensor[];
  /** Names of the port's functions in the order in which they were called. */
  readonly calls: string[] = [];
  /** A test looks at memory, or moves its clock, at the beginning of any step. */
  onCall: (name: string) => void = () => {};
  readonly #heat: Int8Array;
  readonly #box: Int8Array;
  readonly #columnCount: number;
  #peaks: readonly FakePeak[] = [];

  /** The maps have one cell for 8 × 8 pixels. */
  constructor(rowCount = 24, columnCount = 32) {
    const widthPx = columnCount * FAKE_CELL_PX;
    const heightPx = rowCount * FAKE_CELL_PX;
    const frameBytes = yuv420Bytes(widthPx, heightPx);
    this.format = { widthPx, heightPx, strideBytes: widthPx, frameBytes, frameRateHz: 15 };
    this.slot = new Uint8Array(frameBytes);
    this.#columnCount = columnCount;
    this.#heat = new Int8Array(rowCount * columnCount);
    this.#box = new Int8Array(rowCount * columnCount * 6);
    this.outputs = [
      { name: 'heat', shape: [1, rowCount, columnCount, 1], scale: 0.1, zeroPoint: 0, data: this.#heat },
      { name: 'box', shape: [1, rowCount, columnCount, 6], scale: 0.25, zeroPoint: 0, data: this.#box },
    ];
  }

  /** What every frame from now on shows. */
  show(...peaks: FakePeak[]): void {
    this.#peaks = peaks;
  }

  /** Writes the maps at once, for tests of the decoder alone. */
  draw(...peaks: FakePeak[]): void {
    this.#heat.fill(-128);
    this.#box.fill(0);
    for (const { row, column, heatQ, dx = 0, dy = 0, log2Width = 0, log2Height = 0, ex = 0, ey = 0 } of peaks) {
      const cell = row * this.#columnCount + column;
      this.#heat[cell] = heatQ;
      this.#box.set([4 * dx, 4 * dy, 4 * log2Width, 4 * log2Height, 4 * ex, 4 * ey], 6 * cell);
    }
  }

  readPixels(): void {
    this.#note('readPixels');
  }

  erasePixels(): void {
    this.#note('erasePixels');
    this.slot.fill(0);
  }

  finish(): void {
    this.#note('finish');
    this.draw(...this.#peaks);
  }

  eraseTensors(): void {
    this.#note('eraseTensors');
    this.#heat.fill(0);
    this.#box.fill(0);
  }

  #note(name: string): void {
    this.calls.push(name);
    this.onCall(name);
  }
}
