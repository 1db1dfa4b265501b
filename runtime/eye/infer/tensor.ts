/** A tensor that is computed per frame, or a constant that is read like one; and the two ways of looking at its shape. */

export type TensorKind = 'int8' | 'uint8' | 'float32';

export type GraphTensor = {
  /** Position in the file, unique. */
  readonly index: number;
  readonly name: string;
  readonly kind: TensorKind;
  /** As in the file, rank 0 to 6, every size >= 1; values lie densely, last dimension first. */
  readonly shape: readonly number[];
  /** Product of the shape. */
  readonly count: number;
  /** count × size of a value. */
  readonly bytes: number;
  /** real = scale × (q - zeroPoint); 1 and 0 for float32. */
  readonly scale: number;
  readonly zeroPoint: number;
  /** Values of a constant, `bytes` long; undefined for a tensor that is computed. */
  readonly constant?: Uint8Array;
};

/** [batch, y, x, channel] */
export type ImageShape = readonly [batch: number, heightCells: number, widthCells: number, channelCount: number];

/** The shape with ones before it up to rank 4, as TFLite extends it; ranks above 4 are not images and give undefined. */
export function imageShape({ shape }: GraphTensor): ImageShape | undefined {
  if (shape.length > 4) return undefined;
  const [a = 1, b = 1, c = 1, d = 1] = [...new Array<number>(4 - shape.length).fill(1), ...shape];
  return [a, b, c, d];
}

export function valueBytes(kind: TensorKind): number {
  return kind === 'float32' ? 4 : 1;
}
