/** Cases of operators that move, pool, average or resize. Shapes are [y, x, channel] unless they have another rank. */
import type { NetBuilder, NetTensor, Pair, ResizeOptions } from '../nets/build.ts';
import { type CaseOptions, defineCase, type GoldenCase } from './case.ts';

type Image = readonly [y: number, x: number, channels: number];

const STYLE = { scale: 0.0173, zeroPoint: 9 } as const;

function image(net: NetBuilder, [height, width, channels]: Image, zeroPoint = 9, scale = 0.0173): NetTensor {
  return net.input([1, height, width, channels], { scale, zeroPoint });
}

const CONCATENATIONS: readonly GoldenCase[] = [
  // Two convolutions write into the output, the input has to be copied.
  defineCase(
    'CONCATENATION',
    'in place and by copy',
    (net) => {
      const x = net.input([1, 4, 5, 8], STYLE);
      const parts = [net.convolution(x, { channels: 16, ...STYLE }), x, net.depthwise(x, STYLE)];
      return net.concatenate(parts, { name: 'out' });
    },
    { copies: 1 },
  ),
  defineCase(
    'CONCATENATION',
    'odd channels, axis -1',
    (net) => {
      const parts = [net.input([1, 3, 5, 5], STYLE), net.input([1, 3, 5, 3], { name: 'b', ...STYLE })];
      return net.concatenate(parts, { name: 'out', axis: -1 });
    },
    { copies: 2 },
  ),
  // A tensor with two readers cannot be written in place.
  defineCase(
    'CONCATENATION',
    'one tensor twice',
    (net) => {
      const x = net.convolution(net.input([1, 3, 5, 8], STYLE), { channels: 8, ...STYLE });
      return net.convolution(net.concatenate([x, x]), { name: 'out', channels: 8, ...STYLE });
    },
    { copies: 2 },
  ),
  // In place is for channels only.
  defineCase(
    'CONCATENATION',
    'convolutions along rows',
    (net) => {
      const x = net.input([1, 3, 5, 8], STYLE);
      const parts = [net.convolution(x, { channels: 5, ...STYLE }), net.convolution(x, { channels: 5, ...STYLE })];
      return net.concatenate(parts, { name: 'out', axis: 1 });
    },
    { copies: 2 },
  ),
  defineCase(
    'CONCATENATION',
    'parts in place, joined again with a constant',
    (net) => {
      const x = net.input([1, 3, 4, 8], STYLE);
      const parts = [net.convolution(x, { channels: 7, ...STYLE }), net.convolution(x, { channels: 9, ...STYLE })];
      return net.concatenate([net.concatenate(parts), net.constant([1, 3, 4, 3], STYLE)], { name: 'out' });
    },
    { copies: 2 },
  ),
  ...(
    [
      ['along columns', [1, 3, 5, 7], 2, [5, 2]],
      ['along batches, axis -4', [1, 2, 3, 5], -4, [1, 2]],
      ['rank 1', [9], 0, [9, 1, 17]],
      ['rank 2, rows', [3, 21], 0, [3, 2]],
      ['rank 2, columns', [3, 21], 1, [21, 40]],
      ['rank 3, the middle', [2, 3, 11], -2, [3, 1, 4]],
      ['one input only', [1, 2, 3, 19], 3, [19]],
      ['sixteen inputs', [1, 2, 2, 1], 3, [1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6, 5, 4, 3, 2]],
    ] as const
  ).map(([name, shape, axis, sizes]) =>
    defineCase('CONCATENATION', name, (net) => {
      const along = axis < 0 ? axis + shape.length : axis;
      const parts = sizes.map((size, i) =>
        net.input(
          shape.map((other, j) => (j === along ? size : other)),
          { name: `x${i}`, ...STYLE },
        ),
      );
      return net.concatenate(parts, { name: 'out', axis });
    }),
  ),
];

function nearest(
  name: string,
  shape: Image,
  size: readonly [number, number],
  options: ResizeOptions = {},
  inputs: CaseOptions['inputs'] = 'any',
): GoldenCase {
  const build = (net: NetBuilder): NetTensor => net.resizeNearest(image(net, shape), size, { name: 'out', ...options });
  return defineCase('RESIZE_NEAREST_NEIGHBOR', name, build, { inputs });
}

const NEAREST: readonly GoldenCase[] = [
  nearest('doubling 8 channels', [3, 5, 8], [6, 10]),
  nearest('doubling 3 channels, half pixel centres', [2, 3, 3], [4, 6], { halfPixelCenters: true }),
  nearest('doubling 17 channels, aligned corners: not every cell twice', [3, 5, 17], [6, 10], { alignCorners: true }),
  nearest('three times', [2, 3, 5], [6, 9]),
  nearest('odd sizes up', [3, 5, 2], [7, 11]),
  nearest('odd sizes up, half pixel centres', [3, 5, 2], [7, 11], { halfPixelCenters: true }),
  nearest('odd sizes up, aligned corners', [3, 5, 2], [7, 11], { alignCorners: true }),
  nearest('odd sizes up, both options', [3, 5, 2], [7, 11], { alignCorners: true, halfPixelCenters: true }),
  nearest('down', [9, 7, 3], [4, 5]),
  nearest('down, half pixel centres', [9, 7, 3], [4, 5], { halfPixelCenters: true }),
  nearest('down, aligned corners', [9, 7, 3], [4, 5], { alignCorners: true }),
  nearest('to one cell, aligned corners', [5, 6, 33], [1, 1], { alignCorners: true }),
  nearest('of one cell', [1, 1, 20], [3, 4], { halfPixelCenters: true }),
  nearest('up in one direction, down in the other', [2, 9, 16], [7, 4]),
  // Products that float32 rounds up to the next whole number.
  nearest('a long row, 255 to 301', [1, 255, 1], [1, 301], {}, 'every'),
  nearest('a long row, 254 to 127, aligned corners: ties', [1, 254, 1], [1, 127], { alignCorners: true }, 'every'),
  nearest('a long row, 119 to 357, half pixel centres', [1, 119, 1], [1, 357], { halfPixelCenters: true }, 'every'),
];

function bilinear(
  name: string,
  shape: Image,
  size: readonly [number, number],
  options: ResizeOptions = {},
  inputs: CaseOptions['inputs'] = 'any',
): GoldenCase {
  const build = (net: NetBuilder): NetTensor =>
    net.resizeBilinear(image(net, shape), size, { name: 'out', ...options });
  return defineCase('RESIZE_BILINEAR', name, build, { inputs });
}

const BILINEAR: readonly GoldenCase[] = [
  bilinear('doubling 8 channels', [3, 4, 8], [6, 8]),
  bilinear('doubling 8 channels, half pixel centres', [3, 4, 8], [6, 8], { halfPixelCenters: true }),
  bilinear('doubling 8 channels, aligned corners', [3, 4, 8], [6, 8], { alignCorners: true }),
  bilinear('values at their ends: ties', [4, 4, 16], [8, 8], {}, 'ends'),
  bilinear('values at their ends: ties, half pixel centres', [4, 4, 16], [8, 8], { halfPixelCenters: true }, 'ends'),
  bilinear('odd sizes up, 3 channels', [3, 5, 3], [7, 11]),
  bilinear('odd sizes up, 3 channels, half pixel centres', [3, 5, 3], [7, 11], { halfPixelCenters: true }),
  bilinear('odd sizes up, 3 channels, aligned corners', [3, 5, 3], [7, 11], { alignCorners: true }),
  bilinear('down, 17 channels', [9, 7, 17], [4, 3]),
  bilinear('down, 17 channels, half pixel centres', [9, 7, 17], [4, 3], { halfPixelCenters: true }),
  bilinear('down, 17 channels, aligned corners', [9, 7, 17], [4, 3], { alignCorners: true }),
  bilinear('the same size', [3, 4, 5], [3, 4]),
  bilinear('to one cell, aligned corners', [5, 6, 33], [1, 1], { alignCorners: true }),
  bilinear('to one cell, half pixel centres', [5, 6, 33], [1, 1], { halfPixelCenters: true }),
  bilinear('of one cell', [1, 1, 20], [3, 4], { halfPixelCenters: true }),
  bilinear('of one row', [1, 5, 1], [4, 9], {}, 'ends'),
  bilinear('eight times, half pixel centres', [2, 3, 1], [16, 24], { halfPixelCenters: true }, 'ends'),
  bilinear('a long row, 101 to 299', [1, 101, 1], [1, 299], {}, 'every'),
];

type PoolOptions = {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding?: 'same' | 'valid';
  readonly activation?: 'relu' | 'reluN1To1' | 'relu6';
  /** Of input and output alike. */
  readonly zeroPoint?: number;
  readonly scale?: number;
  readonly inputs?: CaseOptions['inputs'];
};

/** Both pools have the same windows to get right. */
function pools(
  name: string,
  shape: Image,
  { zeroPoint, scale, inputs = 'any', ...options }: PoolOptions,
): GoldenCase[] {
  return (['MAX_POOL_2D', 'AVERAGE_POOL_2D'] as const).map((group) =>
    defineCase(
      group,
      name,
      (net) => {
        const x = image(net, shape, zeroPoint, scale);
        const all = { name: 'out', ...options };
        return group === 'MAX_POOL_2D' ? net.maxPool(x, all) : net.averagePool(x, all);
      },
      { inputs },
    ),
  );
}

const POOLS: readonly GoldenCase[] = [
  ...pools('2x2 stride 2, 8 channels', [4, 6, 8], { kernel: 2, stride: 2 }),
  ...pools('2x2 stride 2, 16 channels, odd sizes', [5, 7, 16], { kernel: 2, stride: 2 }),
  ...pools('2x2 stride 2 SAME, odd sizes', [5, 7, 3], { kernel: 2, stride: 2, padding: 'same' }),
  ...pools('3x3 stride 1 SAME, 17 channels', [4, 5, 17], { kernel: 3, stride: 1, padding: 'same' }),
  ...pools('3x3 stride 2 SAME, values at their ends', [6, 6, 9], {
    kernel: 3,
    stride: 2,
    padding: 'same',
    inputs: 'ends',
  }),
  ...pools('3x2 stride 1x3, 33 channels', [5, 8, 33], { kernel: [3, 2], stride: [1, 3] }),
  ...pools('5x5 stride 1 SAME, larger than the image', [3, 4, 5], { kernel: 5, stride: 1, padding: 'same' }),
  ...pools('1x1 stride 3', [7, 7, 2], { kernel: 1, stride: 3 }),
  ...pools('2x2 values at their ends: ties', [8, 8, 4], { kernel: 2, stride: 2, inputs: 'ends' }),
  ...pools('the whole image, 24 channels', [6, 5, 24], { kernel: [6, 5], stride: [6, 5] }),
  ...pools('the whole image of 17 x 17, its stride beyond 16', [17, 17, 1], { kernel: 17, stride: 17 }),
  ...pools('one pixel', [1, 1, 31], { kernel: 2, stride: 2, padding: 'same' }),
  ...pools('RELU, zero point -20', [4, 4, 10], { kernel: 2, stride: 1, activation: 'relu', zeroPoint: -20 }),
  ...pools('RELU6, zero point -128', [4, 4, 10], {
    kernel: 2,
    stride: 1,
    activation: 'relu6',
    zeroPoint: -128,
    scale: 0.035,
  }),
  ...pools('RELU_N1_TO_1, zero point 5', [4, 4, 10], {
    kernel: 2,
    stride: 1,
    activation: 'reluN1To1',
    zeroPoint: 5,
    scale: 0.03,
  }),
  ...pools('RELU, zero point 127: all one value', [4, 4, 3], {
    kernel: 2,
    stride: 2,
    activation: 'relu',
    zeroPoint: 127,
  }),
  defineCase('AVERAGE_POOL_2D', '257 values of -128 in one window', (net) => {
    const x = net.pad(net.input([1, 1, 1, 18], { scale: 0.0173, zeroPoint: -128 }), [
      [0, 0],
      [0, 0],
      [0, 256],
      [0, 0],
    ]);
    return net.averagePool(x, { name: 'out', kernel: [1, 257], stride: [1, 257] });
  }),
];

type MeanOptions = {
  readonly axes: readonly number[];
  readonly keepDims?: boolean;
  readonly inputZeroPoint?: number;
  readonly zeroPoint?: number;
  /** Output scale in input scales. */
  readonly ratio?: number;
  readonly inputs?: CaseOptions['inputs'];
  readonly referenceOnly?: boolean;
};

function mean(name: string, shape: readonly number[], options: MeanOptions): GoldenCase {
  const {
    axes,
    keepDims = true,
    inputZeroPoint = 9,
    zeroPoint = 9,
    ratio = 1,
    inputs = 'any',
    referenceOnly = false,
  } = options;
  return defineCase(
    'MEAN',
    name,
    (net) => {
      const x = net.input(shape, { scale: 0.0173, zeroPoint: inputZeroPoint });
      return net.mean(x, { name: 'out', axes, keepDims, scale: x.scale * ratio, zeroPoint });
    },
    { inputs, referenceOnly },
  );
}

const MEANS: readonly GoldenCase[] = [
  mean('image to channels', [1, 4, 6, 24], { axes: [1, 2] }),
  mean('image to channels, axes -2 and -3, without kept dimensions', [1, 5, 3, 17], {
    axes: [-2, -3],
    keepDims: false,
  }),
  mean('image to channels, another scale', [1, 5, 7, 33], {
    axes: [1, 2],
    ratio: 0.37,
    zeroPoint: -128,
    inputZeroPoint: 127,
  }),
  mean('image to channels, values at their ends, exact ties', [1, 2, 4, 40], {
    axes: [2, 1],
    inputs: 'ends',
    zeroPoint: 0,
    inputZeroPoint: 0,
  }),
  mean('image to channels, most outputs saturate', [1, 3, 3, 16], { axes: [1, 2], ratio: 0.02, inputs: 'ends' }),
  mean('image to channels, a wide output scale', [1, 3, 3, 16], { axes: [1, 2], ratio: 15, inputZeroPoint: -128 }),
  mean('rows', [1, 5, 3, 7], { axes: [1], zeroPoint: -5 }),
  mean('columns', [1, 3, 6, 18], { axes: [2], keepDims: false, ratio: 0.8 }),
  mean('channels', [1, 4, 5, 19], { axes: [3], keepDims: false, ratio: 0.6 }),
  mean('everything but the batch', [1, 4, 5, 6], { axes: [1, 2, 3], keepDims: false, ratio: 0.1 }),
  mean('everything', [1, 3, 3, 5], { axes: [0, 1, 2, 3], ratio: 0.1 }),
  mean('rows and channels', [1, 4, 5, 6], { axes: [1, 3], ratio: 0.3, zeroPoint: 100 }),
  mean('batches and columns', [3, 4, 5, 6], { axes: [0, 2], ratio: 0.3 }),
  mean('an axis twice', [1, 4, 5, 6], { axes: [1, -3], ratio: 0.3, referenceOnly: true }),
  mean('a dimension of one: another scale and zero point only', [1, 7, 1, 9], {
    axes: [2],
    ratio: 1.3,
    zeroPoint: -77,
  }),
  mean('rank 1', [21], { axes: [0], ratio: 0.2 }),
  mean('rank 2, rows', [7, 35], { axes: [0], keepDims: false, ratio: 0.5 }),
  mean('rank 3, columns', [3, 50, 2], { axes: [1], ratio: 0.2, zeroPoint: 0 }),
  mean('sums of more than 256 values', [1, 300, 1, 3], { axes: [1, 2], inputs: 'ends', ratio: 0.05 }),
];

type Paddings = readonly (readonly [number, number])[];

function paddings(name: string, shape: readonly number[], around: Paddings, zeroPoint: number): GoldenCase[] {
  return (['PAD', 'PADV2'] as const).map((group) =>
    defineCase(group, name, (net) => {
      const x = net.input(shape, { scale: 0.0173, zeroPoint });
      // PADV2 pads with something else than the zero point.
      return net.pad(x, around, { name: 'out', ...(group === 'PAD' ? {} : { valueQ: -1 - zeroPoint }) });
    }),
  );
}

const PADDINGS: readonly GoldenCase[] = [
  ...paddings(
    'one cell around an image',
    [1, 3, 4, 8],
    [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ],
    -128,
  ),
  ...paddings(
    'below and right, as before a stride of 2',
    [1, 4, 4, 16],
    [
      [0, 0],
      [0, 1],
      [0, 1],
      [0, 0],
    ],
    127,
  ),
  ...paddings(
    'above and left, 3 channels',
    [1, 4, 5, 3],
    [
      [0, 0],
      [2, 0],
      [3, 0],
      [0, 0],
    ],
    9,
  ),
  ...paddings(
    'rows only',
    [1, 3, 5, 7],
    [
      [0, 0],
      [1, 2],
      [0, 0],
      [0, 0],
    ],
    0,
  ),
  ...paddings(
    'columns only',
    [1, 3, 5, 7],
    [
      [0, 0],
      [0, 0],
      [2, 1],
      [0, 0],
    ],
    -1,
  ),
  ...paddings(
    'channels before',
    [1, 3, 4, 5],
    [
      [0, 0],
      [0, 0],
      [0, 0],
      [3, 0],
    ],
    5,
  ),
  ...paddings(
    'channels behind',
    [1, 3, 4, 17],
    [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 15],
    ],
    5,
  ),
  ...paddings(
    'every dimension',
    [2, 3, 2, 5],
    [
      [1, 0],
      [0, 2],
      [1, 1],
      [2, 3],
    ],
    -77,
  ),
  ...paddings(
    'nothing at all',
    [1, 2, 3, 4],
    [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    3,
  ),
  ...paddings('rank 1', [21], [[4, 7]], -128),
  ...paddings(
    'rank 2',
    [3, 33],
    [
      [1, 1],
      [0, 9],
    ],
    12,
  ),
  ...paddings(
    'rank 3',
    [2, 1, 6],
    [
      [0, 1],
      [3, 0],
      [1, 1],
    ],
    127,
  ),
  defineCase('PAD', 'before a convolution without padding', (net) => {
    const x = net.pad(image(net, [5, 6, 8], -60), [
      [0, 0],
      [0, 1],
      [0, 1],
      [0, 0],
    ]);
    return net.convolution(x, { name: 'out', channels: 4, kernel: 3, stride: 2, padding: 'valid', ...STYLE });
  }),
];

function reshape(name: string, shapes: readonly (readonly number[])[], copies: number): GoldenCase {
  const build = (net: NetBuilder): NetTensor => {
    const names = shapes.map((_, i) => (i === shapes.length - 1 ? 'out' : `shape_${i}`));
    const first: NetTensor = net.input(shapes[0]!, STYLE);
    return shapes.slice(1).reduce((x, shape, i) => net.reshape(x, shape, { name: names[i + 1]! }), first);
  };
  return defineCase('RESHAPE', name, build, { copies });
}

/** An input of the model keeps its bytes for itself, so its first reshape is a copy. */
const RESHAPES: readonly GoldenCase[] = [
  reshape(
    'image to vector',
    [
      [1, 3, 4, 5],
      [1, 60],
    ],
    1,
  ),
  reshape('vector to image', [[60], [1, 3, 4, 5]], 1),
  reshape(
    'rows to channels',
    [
      [1, 4, 6, 2],
      [1, 2, 3, 8],
    ],
    1,
  ),
  reshape(
    'rank 6',
    [
      [1, 4, 6, 2],
      [1, 2, 2, 3, 2, 2],
    ],
    1,
  ),
  reshape('one value', [[1], [1, 1, 1, 1]], 1),
  reshape('scalar', [[1, 1], []], 1),
  reshape('1025 values', [[1025], [5, 205]], 1),
  reshape('a chain of reshapes', [[1, 4, 6], [24], [2, 12], [1, 3, 8, 1]], 1),
  defineCase(
    'RESHAPE',
    'between convolutions: no copy',
    (net) => {
      const x = net.convolution(image(net, [4, 6, 8]), { channels: 8, ...STYLE });
      return net.convolution(net.reshape(x, [1, 2, 12, 8]), { name: 'out', channels: 5, kernel: 3, ...STYLE });
    },
    { copies: 0 },
  ),
  defineCase(
    'RESHAPE',
    'of a convolution, output of the model: no copy',
    (net) => net.reshape(net.convolution(image(net, [4, 3, 8]), { channels: 5, ...STYLE }), [12, 5], { name: 'out' }),
    { copies: 0 },
  ),
  defineCase(
    'RESHAPE',
    'of a concatenation whose parts are written in place',
    (net) => {
      const x = image(net, [2, 3, 8]);
      const parts = [net.convolution(x, { channels: 8, ...STYLE }), net.convolution(x, { channels: 3, ...STYLE })];
      return net.reshape(net.concatenate(parts), [6, 11], { name: 'out' });
    },
    { copies: 0 },
  ),
  defineCase(
    'RESHAPE',
    'two shapes of one tensor, and the tensor, all outputs',
    (net) => {
      const x = net.maxPool(image(net, [4, 6, 5]), { name: 'out' });
      return [x, net.reshape(x, [6, 5], { name: 'a' }), net.reshape(x, [30], { name: 'b' })];
    },
    { copies: 2 },
  ),
  defineCase(
    'RESHAPE',
    'of a tensor that is read afterwards',
    (net) => {
      const x = net.maxPool(image(net, [4, 6, 5]));
      const other = net.mean(net.reshape(x, [1, 6, 5]), { name: 'a', axes: [1], ...STYLE });
      return [other, net.averagePool(x, { name: 'b', kernel: 2, stride: 1 })];
    },
    { copies: 0 },
  ),
  defineCase(
    'RESHAPE',
    'parts of a concatenation with another shape',
    (net) => {
      const x = net.maxPool(image(net, [4, 6, 5]));
      return net.concatenate([net.reshape(x, [1, 3, 2, 5]), net.input([1, 3, 2, 4], { name: 'b', ...STYLE })], {
        name: 'out',
      });
    },
    { copies: 2 },
  ),
];

type SliceOptions = Omit<Parameters<NetBuilder['stridedSlice']>[1], 'name'>;

function slice(name: string, shape: readonly number[], options: SliceOptions): GoldenCase {
  const build = (net: NetBuilder): NetTensor => net.stridedSlice(net.input(shape, STYLE), { name: 'out', ...options });
  return defineCase('STRIDED_SLICE', name, build);
}

const SLICES: readonly GoldenCase[] = [
  slice('a window of an image', [1, 5, 6, 8], { begin: [0, 1, 2, 0], end: [1, 4, 6, 8] }),
  slice('channels', [1, 3, 4, 24], { begin: [0, 0, 0, 5], end: [0, 0, 0, 21], beginMask: 7, endMask: 7 }),
  slice('every other row and column', [1, 6, 7, 5], { begin: [0, 1, 0, 0], end: [1, 6, 7, 5], strides: [1, 2, 2, 1] }),
  slice('every third channel', [1, 3, 4, 20], { begin: [0, 0, 0, 1], end: [1, 3, 4, 20], strides: [1, 1, 1, 3] }),
  slice('backwards along all dimensions', [2, 3, 4, 5], {
    begin: [0, 0, 0, 0],
    end: [0, 0, 0, 0],
    strides: [-1, -1, -1, -1],
    beginMask: 15,
    endMask: 15,
  }),
  slice('backwards, every other column, ends given', [1, 2, 9, 3], {
    begin: [0, 0, 7, 0],
    end: [1, 2, 1, 3],
    strides: [1, 1, -2, 1],
  }),
  slice('negative begins and ends', [1, 5, 6, 7], { begin: [0, -4, -3, -7], end: [1, -1, 6, -2] }),
  slice('begins and ends beyond the dimensions', [1, 5, 6, 7], { begin: [-9, -99, 2, 0], end: [9, 99, 77, 100] }),
  slice('backwards from beyond the last to before the first', [5, 3], {
    begin: [99, 1],
    end: [-99, 3],
    strides: [-2, 1],
  }),
  slice('one row, its dimension left out', [1, 5, 4, 6], {
    begin: [0, -2, 0, 0],
    end: [1, -1, 4, 6],
    shrinkAxisMask: 2,
  }),
  slice('one value', [2, 3, 4], { begin: [1, 2, -1], end: [0, 0, 0], shrinkAxisMask: 7 }),
  slice('a new dimension in front', [3, 4, 5], { begin: [0, 1, 0, 2], end: [0, 3, 4, 5], newAxisMask: 1 }),
  slice('a new dimension behind', [3, 7], { begin: [1, 0, 0], end: [3, 7, 0], newAxisMask: 4 }),
  slice('an ellipsis, then channels', [1, 3, 4, 10], { begin: [0, 2], end: [0, 7], ellipsisMask: 1 }),
  slice('an ellipsis in the middle, a new dimension, one left out', [2, 3, 4, 10], {
    begin: [1, 0, 0, 3],
    end: [2, 0, 0, 9],
    ellipsisMask: 2,
    newAxisMask: 4,
    shrinkAxisMask: 1,
  }),
  slice('fewer entries than dimensions', [4, 3, 5], { begin: [1], end: [3] }),
  slice('rank 1', [40], { begin: [3], end: [36] }),
  slice('rank 1, stride 7', [40], { begin: [3], end: [40], strides: [7] }),
  slice('the whole tensor', [1, 3, 4, 5], { begin: [0, 0, 0, 0], end: [1, 3, 4, 5] }),
];

type TransposedOptions = Parameters<NetBuilder['transposeConvolution']>[1] & {
  readonly inputZeroPoint?: number;
  readonly inputScale?: number;
  readonly inputs?: CaseOptions['inputs'];
};

function transposed(name: string, shape: Image, options: TransposedOptions): GoldenCase {
  const { inputs = 'any', inputScale = 0.0173, inputZeroPoint = -128, ...rest } = options;
  return defineCase(
    'TRANSPOSE_CONV',
    name,
    (net) => {
      const scale = rest.scale ?? net.random.real(0.005, 0.03);
      const x = image(net, shape, inputZeroPoint, inputScale);
      return net.transposeConvolution(x, { name: 'out', zeroPoint: 0, ...rest, scale });
    },
    { inputs },
  );
}

const TRANSPOSED: readonly GoldenCase[] = [
  transposed('2x2 stride 2, 16 to 8', [3, 4, 16], { channels: 8, kernel: 2, stride: 2 }),
  transposed('3x3 stride 2 SAME, 8 to 5', [3, 4, 8], { channels: 5 }),
  transposed('3x3 stride 2 VALID, 5 to 3', [3, 4, 5], { channels: 3, padding: 'valid', inputZeroPoint: 127 }),
  transposed('3x3 stride 1 SAME, 17 to 4', [3, 4, 17], { channels: 4, stride: 1, zeroPoint: 127 }),
  transposed('4x4 stride 2 SAME, 33 to 2', [2, 3, 33], { channels: 2, kernel: 4, inputZeroPoint: 0 }),
  transposed('5x3 stride 3x1 VALID, 3 to 7', [2, 3, 3], {
    channels: 7,
    kernel: [5, 3],
    stride: [3, 1],
    padding: 'valid',
  }),
  transposed('1x1 stride 2: gaps', [3, 3, 4], { channels: 3, kernel: 1, zeroPoint: -128 }),
  transposed('2x3 stride 4 VALID: gaps', [2, 3, 4], { channels: 3, kernel: [2, 3], stride: 4, padding: 'valid' }),
  transposed('one pixel', [1, 1, 20], { channels: 6, kernel: 5, stride: 1, padding: 'valid', inputZeroPoint: 3 }),
  transposed('an odd output size, SAME', [3, 4, 8], { channels: 4, size: [5, 7] }),
  transposed('without bias', [3, 3, 8], { channels: 4, bias: false }),
  transposed('one scale for all channels', [3, 3, 8], { channels: 4, perTensor: true, zeroPoint: -20 }),
  transposed('RELU', [3, 3, 8], { channels: 4, activation: 'relu', zeroPoint: -60 }),
  transposed('RELU6', [3, 3, 8], { channels: 4, activation: 'relu6', zeroPoint: -128, scale: 0.04 }),
  transposed('RELU_N1_TO_1', [3, 3, 8], { channels: 4, activation: 'reluN1To1', zeroPoint: 7, scale: 0.02 }),
  transposed('most outputs saturate', [3, 3, 16], { channels: 4, spreadQ: 900, inputs: 'ends' }),
  transposed('weights and inputs at their ends', [3, 3, 24], { channels: 4, weights: 'ends', inputs: 'ends' }),
  transposed('weights of -128', [3, 3, 16], {
    channels: 4,
    weights: (i) => (i % 3 === 0 ? -128 : 127),
    inputs: 'ends',
  }),
  transposed('scales that are powers of two: exact ties', [4, 4, 8], {
    channels: 8,
    powersOfTwo: true,
    scale: 2 ** -5,
    inputScale: 2 ** -5,
    inputZeroPoint: 0,
    zeroPoint: 1,
  }),
  transposed('factors of one and more', [3, 3, 8], {
    channels: 4,
    weights: (i) => (i % 3) - 1,
    factor: 2.7,
    bias: false,
    inputZeroPoint: 1,
  }),
  transposed('small factors', [3, 3, 16], { channels: 4, spreadQ: 1.5, zeroPoint: 100 }),
];

export const SPATIAL_CASES: readonly GoldenCase[] = [
  ...CONCATENATIONS,
  ...NEAREST,
  ...BILINEAR,
  ...POOLS,
  ...MEANS,
  ...PADDINGS,
  ...RESHAPES,
  ...SLICES,
  ...TRANSPOSED,
];
