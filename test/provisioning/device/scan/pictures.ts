/** Pictures of a code as a camera would see it: grey, [480, 640] uint8, drawn here; no picture of anything real. */
import encodeQR from 'qr';

export const WIDTH_PX = 640;
export const HEIGHT_PX = 480;
const PAPER = 215;
const INK = 45;
const WALL = 150;

export type PictureOptions = {
  /** Pixels along one module of the code; default: as large as fits. */
  readonly modulePx?: number;
  /** Standard deviation of the noise, grey levels. */
  readonly noise?: number;
  readonly seed?: number;
};

/** The code in the middle of a grey wall. */
export function pictureOf(text: string, { modulePx, noise = 0, seed = 1 }: PictureOptions = {}): Uint8Array {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: 4 });
  const sidePx = modulePx ?? Math.floor((HEIGHT_PX - 20) / rows.length);
  const left = (WIDTH_PX - rows.length * sidePx) >> 1;
  const top = (HEIGHT_PX - rows.length * sidePx) >> 1;
  const picture = new Uint8Array(WIDTH_PX * HEIGHT_PX).fill(WALL);
  rows.forEach((row, rowIndex) => {
    row.forEach((isDark, columnIndex) => {
      for (let y = 0; y < sidePx; y++) {
        const from = (top + rowIndex * sidePx + y) * WIDTH_PX + left + columnIndex * sidePx;
        picture.fill(isDark ? INK : PAPER, from, from + sidePx);
      }
    });
  });
  return noise === 0 ? picture : withNoise(picture, noise, seed);
}

/** Covers a square of the code's middle: found, but beyond what error correction mends. */
export function covered(picture: Uint8Array, sidePx: number): Uint8Array {
  const result = picture.slice();
  for (let y = (HEIGHT_PX - sidePx) >> 1; y < (HEIGHT_PX + sidePx) >> 1; y++) {
    const from = y * WIDTH_PX + ((WIDTH_PX - sidePx) >> 1);
    result.fill(PAPER, from, from + sidePx);
  }
  return result;
}

/** Numbers 0..1, the same for the same seed (generator of Numerical Recipes). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Sum of three uniform numbers: near enough to a normal distribution, with variance 1/4. */
export function withNoise(picture: Uint8Array, deviation: number, seed: number): Uint8Array {
  const random = randomOf(seed);
  return picture.map((grey) =>
    Math.max(0, Math.min(255, grey + (random() + random() + random() - 1.5) * 2 * deviation)),
  );
}
