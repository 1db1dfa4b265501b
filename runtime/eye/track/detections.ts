/**
 * Detections of one frame: a fixed table that the decoder fills and the tracker reads.
 * Space: pixels of the model's frame (256 × 192), origin top left. The point of a person lies between the head, which the
 * network finds, and the body's middle (frame/decode.ts says where and why). Of the body's box only the size is kept, as
 * the measure of what is near and far.
 * Memory: DETECTIONS_MAX rows of five floats, taken at boot. In a doorway more than 64 people are not 64 people any more.
 */
export const DETECTIONS_MAX = 64;

export class DetectionTable {
  count = 0;
  /** The point that is followed. */
  readonly xPx = new Float32Array(DETECTIONS_MAX);
  readonly yPx = new Float32Array(DETECTIONS_MAX);
  /** Size of the body's box. */
  readonly widthPx = new Float32Array(DETECTIONS_MAX);
  readonly heightPx = new Float32Array(DETECTIONS_MAX);
  /** 0..1 */
  readonly score = new Float32Array(DETECTIONS_MAX);

  /** Adds a row at the end; a full table takes no more and says so with false. */
  add(xPx: number, yPx: number, widthPx: number, heightPx: number, score: number): boolean {
    const row = this.count;
    if (row === DETECTIONS_MAX) return false;
    this.xPx[row] = xPx;
    this.yPx[row] = yPx;
    this.widthPx[row] = widthPx;
    this.heightPx[row] = heightPx;
    this.score[row] = score;
    this.count = row + 1;
    return true;
  }

  clear(): void {
    this.count = 0;
  }
}
