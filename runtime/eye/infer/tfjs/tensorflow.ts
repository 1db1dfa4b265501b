/**
 * The part of TensorFlow.js that we use, in our own words: the packages are optional and the program must compile
 * without them. Everything here exists with the same meaning in @tensorflow/tfjs and @tensorflow/tfjs-node 4.22.
 */
export interface Tensor {
  readonly shape: readonly number[];
  /** Values, last dimension first. With the backend `cpu` these are the tensor's own, not a copy. */
  dataSync(): Float32Array;
  dispose(): void;
}

/** [y, x], or what is added before and after a dimension. */
export type Pair = readonly [number, number];

export interface TensorFlow {
  readonly version: Readonly<Record<string, string>>;
  /** Resolves when a backend has been chosen and works. */
  ready(): Promise<void>;
  getBackend(): string;
  /** No banner on stderr, and no checks of every argument. */
  enableProdMode(): void;
  /** Disposes of every tensor made inside, but for the one returned. */
  tidy(make: () => Tensor): Tensor;
  memory(): { readonly numTensors: number };

  /** With the backend `cpu` a Float32Array becomes the tensor's memory; nothing is copied. */
  tensor(values: Float32Array | Int32Array, shape: readonly number[], type?: 'float32' | 'int32'): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  cast(x: Tensor, type: 'float32' | 'int32'): Tensor;
  add(a: Tensor, b: Tensor | number): Tensor;
  sub(a: Tensor, b: Tensor | number): Tensor;
  mul(a: Tensor, b: Tensor | number): Tensor;
  div(a: Tensor, b: Tensor | number): Tensor;
  /** To the nearest, halves to the even one. */
  round(x: Tensor): Tensor;
  clipByValue(x: Tensor, least: number, most: number): Tensor;
  concat(tensors: readonly Tensor[], axis: number): Tensor;
  gather(x: Tensor, indices: Tensor, axis: number): Tensor;
  softmax(x: Tensor): Tensor;
  sum(x: Tensor, axes: readonly number[]): Tensor;
  pad(x: Tensor, paddings: readonly Pair[], value?: number): Tensor;
  slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  stridedSlice(x: Tensor, begin: readonly number[], end: readonly number[], strides: readonly number[]): Tensor;
  maxPool(x: Tensor, window: Pair, strides: Pair, padding: 'valid'): Tensor;
  conv2d(x: Tensor, filter: Tensor, strides: Pair, padding: 'valid', layout: 'NHWC', dilations: Pair): Tensor;
  /** filter: [y, x, output, input] */
  conv2dTranspose(x: Tensor, filter: Tensor, outputShape: readonly number[], strides: Pair, padding: 'valid'): Tensor;
  depthwiseConv2d(x: Tensor, filter: Tensor, strides: Pair, padding: 'valid'): Tensor;
}
