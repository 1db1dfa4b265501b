/** Cases of operators that compute value by value, of FULLY_CONNECTED and of SOFTMAX. */
import { type Activation, TensorType } from '../../runtime/eye/infer/schema.ts';
import type { NetBuilder, NetTensor, Weighted } from '../nets/build.ts';
import { type CaseOptions, defineCase, type GoldenCase } from './case.ts';

/** Scale and zero point. */
type Quantised = readonly [scale: number, zeroPoint: number];
type Shape = readonly number[];

type PairOptions = CaseOptions & {
  readonly activation?: keyof typeof Activation;
  /** The input that is a constant. */
  readonly constant?: 'a' | 'b';
};

/** Two inputs, of one shape or of two. */
function pair(
  group: 'ADD' | 'MUL',
  name: string,
  shapes: Shape | readonly [a: Shape, b: Shape],
  quantised: string,
  options: PairOptions = {},
): GoldenCase {
  const { activation = 'none', constant, ...rest } = options;
  const [shapeA, shapeB] = isTwo(shapes) ? shapes : [shapes, shapes];
  const [a, b, out] = quantised.split(', ').map(quantisedOf);
  return defineCase(
    group,
    name,
    (net) => {
      const tensor = (which: 'a' | 'b', shape: Shape, [scale, zeroPoint]: Quantised): NetTensor =>
        constant === which
          ? net.constant(shape, { name: which, scale, zeroPoint })
          : net.input(shape, { name: which, scale, zeroPoint });
      const [first, second] = [tensor('a', shapeA, a!), tensor('b', shapeB, b!)];
      const style = { name: 'out', scale: out![0], zeroPoint: out![1], activation };
      return group === 'ADD' ? net.add(first, second, style) : net.multiply(first, second, style);
    },
    rest,
  );
}

function isTwo(shapes: Shape | readonly [a: Shape, b: Shape]): shapes is readonly [a: Shape, b: Shape] {
  return typeof shapes[0] !== 'number';
}

/** `0.02 -128` or `2^-6 0` */
function quantisedOf(text: string): Quantised {
  const [scale = '', zeroPoint = ''] = text.split(' ');
  return [scale.startsWith('2^') ? 2 ** Number(scale.slice(2)) : Number(scale), Number(zeroPoint)];
}

const add = pair.bind(undefined, 'ADD');
const multiply = pair.bind(undefined, 'MUL');

const ADDITIONS: readonly GoldenCase[] = [
  add('larger scale first, RELU', [1, 3, 5, 8], '0.0173 -128, 0.0071 12, 0.02 -128', { activation: 'relu' }),
  add('larger scale second', [1, 3, 5, 8], '0.0173 12, 0.0291 -128, 0.03 3'),
  add('equal scales, RELU6', [1, 4, 4, 8], '0.0173 -1, 0.0173 5, 0.025 0', { activation: 'relu6' }),
  add('RELU_N1_TO_1', [1, 4, 4, 8], '0.0173 -1, 0.011 5, 0.025 10', { activation: 'reluN1To1' }),
  add('zero points 127 and -128', [1, 5, 5, 8], '0.0173 127, 0.011 -128, 0.04 127'),
  add('seven values', [1, 1, 1, 7], '0.0173 0, 0.0171 0, 0.03 0'),
  add('seventeen values of rank 1', [17], '0.0173 0, 0.0171 0, 0.03 0'),
  add('most outputs saturate', [1, 3, 3, 8], '0.0173 0, 0.02 0, 0.0011 0'),
  add('scales far apart', [1, 5, 5, 8], '0.0173 3, 0.00002 3, 0.02 3'),
  add('a scale that vanishes beside the other', [1, 5, 5, 8], '1e-11 3, 0.02 3, 0.02 3'),
  add('an output scale above all sums', [1, 3, 3, 8], '0.0173 3, 0.02 3, 90 -7'),
  // The other kernels overflow there.
  add('an output scale that makes the factor almost one', [1, 3, 3, 8], '0.02 3, 0.01 3, 5e-8 -7', {
    referenceOnly: true,
  }),
  add('RELU_N1_TO_1 whose ends are ties', [1, 3, 3, 8], '0.25 3, 0.5 3, 2 104', { activation: 'reluN1To1' }),
  add('scales that are powers of two: exact ties', [1, 16, 8, 8], '2^-6 0, 2^-7 0, 2^-4 0'),
  add('powers of two and odd zero points: exact ties', [1, 16, 8, 8], '2^-6 -13, 2^-4 77, 2^-2 1'),
  add('inputs at their ends', [1, 3, 5, 8], '0.0173 127, 0.02 -128, 0.04 0', { inputs: 'ends' }),
  add(
    'one value per channel',
    [
      [1, 4, 3, 16],
      [1, 1, 1, 16],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
  add('one constant per channel, larger scale', [[1, 4, 3, 8], [8]], '0.0173 7, 0.05 -3, 0.06 0', { constant: 'b' }),
  add('one constant per odd channel on the left', [[5], [1, 4, 3, 5]], '0.0173 7, 0.05 -3, 0.06 0', { constant: 'a' }),
  add('a scalar of rank 0', [[1, 3, 3, 5], []], '0.0173 7, 0.05 -3, 0.06 0'),
  add('a constant scalar on the left, RELU', [[1], [1, 3, 3, 8]], '0.0173 7, 0.05 -3, 0.06 -128', {
    constant: 'a',
    activation: 'relu',
  }),
  add(
    'one value per pixel',
    [
      [1, 4, 5, 12],
      [1, 4, 5, 1],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
  add(
    'one value per row',
    [
      [1, 4, 5, 9],
      [1, 4, 1, 1],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
  add(
    'rows and columns',
    [
      [1, 4, 1, 11],
      [1, 1, 3, 11],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
  add(
    'every dimension in turn',
    [
      [2, 1, 4, 1],
      [1, 3, 1, 5],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
];

const MULTIPLICATIONS: readonly GoldenCase[] = [
  multiply('equal shapes', [1, 3, 5, 8], '0.0173 -128, 0.0071 12, 0.02 -128'),
  multiply('RELU', [1, 3, 5, 8], '0.0173 12, 0.0291 -128, 0.03 -3', { activation: 'relu' }),
  multiply('RELU6', [1, 4, 4, 8], '0.0373 -1, 0.0573 5, 0.045 -10', { activation: 'relu6' }),
  multiply('RELU_N1_TO_1', [1, 4, 4, 8], '0.0173 -1, 0.021 5, 0.015 10', { activation: 'reluN1To1' }),
  multiply('RELU6 whose end is a tie', [1, 4, 4, 8], '0.25 3, 1 3, 4 -9', { activation: 'relu6' }),
  multiply('zero points 127 and -128', [1, 5, 5, 8], '0.0173 127, 0.011 -128, 0.04 127'),
  multiply('seven values', [1, 1, 1, 7], '0.0173 0, 0.0171 0, 0.003 0'),
  multiply('thirty-one values of rank 2', [1, 31], '0.0173 0, 0.0171 0, 0.003 0'),
  multiply('most outputs saturate', [1, 3, 3, 8], '0.0173 0, 0.02 0, 0.0001 0'),
  multiply('factor of one', [1, 3, 3, 8], '0.25 0, 0.25 0, 0.0625 0'),
  multiply('factor above one', [1, 4, 4, 8], '1 3, 0.3 3, 0.011 0'),
  multiply('factor of many thousands', [1, 4, 4, 8], '1 3, 3 3, 0.0001 0'),
  multiply('factor that leaves single units', [1, 4, 4, 8], '0.01 127, 0.01 -128, 2.5 0'),
  multiply('factor that vanishes', [1, 4, 4, 8], '1e-6 127, 1e-6 -128, 1 5'),
  multiply('powers of two: exact ties', [1, 16, 8, 8], '2^-6 0, 2^-6 0, 2^-3 0'),
  multiply('powers of two and odd zero points: exact ties', [1, 16, 8, 8], '2^-6 -13, 2^-4 77, 2^-1 1'),
  multiply('inputs at their ends', [1, 3, 5, 8], '0.0173 127, 0.02 -128, 0.4 0', { inputs: 'ends' }),
  multiply(
    'one value per channel: squeeze and excite',
    [
      [1, 4, 3, 24],
      [1, 1, 1, 24],
    ],
    '0.0173 7, 0.00390625 -128, 0.017 0',
  ),
  multiply(
    'squeeze and excite, the other way',
    [
      [1, 1, 1, 16],
      [1, 4, 3, 16],
    ],
    '0.00390625 -128, 0.0173 7, 0.017 0',
  ),
  multiply(
    'one value per odd channel',
    [
      [1, 4, 3, 13],
      [1, 1, 1, 13],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
  multiply('one constant per channel of three', [[1, 5, 5, 3], [3]], '0.0173 7, 0.05 -3, 0.03 0', { constant: 'b' }),
  multiply('a constant on the left', [[8], [1, 4, 3, 8]], '0.0173 7, 0.05 -3, 0.03 0', { constant: 'a' }),
  multiply('a constant of equal shape', [1, 4, 3, 8], '0.0173 7, 0.05 -3, 0.03 0', { constant: 'b' }),
  multiply('a constant scalar of rank 0', [[1, 3, 3, 5], []], '0.0173 7, 0.05 -3, 0.06 0', { constant: 'b' }),
  multiply(
    'a scalar on the left, RELU6',
    [
      [1, 1],
      [1, 3, 3, 8],
    ],
    '0.173 7, 0.05 -3, 0.06 -128',
    { activation: 'relu6' },
  ),
  multiply(
    'one value per pixel: spatial attention',
    [
      [1, 4, 5, 12],
      [1, 4, 5, 1],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
  multiply(
    'rows and columns',
    [
      [1, 4, 1, 11],
      [1, 1, 3, 11],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
  multiply(
    'every dimension in turn',
    [
      [2, 1, 4, 1],
      [1, 3, 1, 5],
    ],
    '0.0173 7, 0.02 -128, 0.03 0',
  ),
];

/** One input whose values are all 256 bytes, unless a shape is given. quantised: of input and output. */
function unary(
  group: 'RELU' | 'RELU6' | 'LEAKY_RELU' | 'HARD_SWISH',
  name: string,
  quantised: string,
  { alpha = 0.1, shape = [1, 4, 8, 8] as Shape } = {},
): GoldenCase {
  const [input, out] = quantised.split(', ').map(quantisedOf);
  return defineCase(
    group,
    name,
    (net) => {
      const source = net.input(shape, { scale: input![0], zeroPoint: input![1] });
      const style = { name: 'out', scale: out![0], zeroPoint: out![1] };
      if (group === 'RELU') return net.relu(source, style);
      if (group === 'RELU6') return net.relu6(source, style);
      return group === 'LEAKY_RELU' ? net.leakyRelu(source, { alpha, ...style }) : net.hardSwish(source, style);
    },
    { inputs: 'every' },
  );
}

/** Of each kind of ratio there is: what they do to RELU and RELU6 differs in the clamp alone. */
const RATIOS: readonly (readonly [name: string, quantised: string])[] = [
  ['same scale', '0.05 -20, 0.05 -20'],
  ['same scale, another zero point', '0.05 -20, 0.05 -128'],
  ['finer output', '0.05 3, 0.02 -128'],
  ['coarser output', '0.05 3, 0.11 -128'],
  ['zero points at their ends', '0.05 127, 0.03 -128'],
  ['zero points at the other ends', '0.05 -128, 0.03 127'],
  ['half the scale', '2^-5 0, 2^-4 0'],
  ['half the scale, odd zero points: exact ties', '2^-5 11, 2^-4 -3'],
  ['an eighth of the scale: exact ties', '2^-6 -1, 2^-3 0'],
  ['output a thousand times finer', '0.05 3, 0.00005 0'],
  ['output a thousand times coarser', '0.05 3, 50 0'],
  ['output too coarse for anything', '1e-9 3, 50 7'],
];

const RELUS: readonly GoldenCase[] = (['RELU', 'RELU6'] as const).flatMap((group) => [
  ...RATIOS.map(([name, quantised]) => unary(group, name, quantised)),
  unary(group, 'seventeen values', '0.05 3, 0.02 -128', { shape: [17] }),
]);

const LEAKY_RELUS: readonly GoldenCase[] = [
  ...RATIOS.map(([name, quantised]) => unary('LEAKY_RELU', name, quantised)),
  unary('LEAKY_RELU', 'alpha 0', '0.05 3, 0.06 -20', { alpha: 0 }),
  unary('LEAKY_RELU', 'alpha 1', '0.05 3, 0.06 -20', { alpha: 1 }),
  unary('LEAKY_RELU', 'alpha 3', '0.05 3, 0.06 -20', { alpha: 3 }),
  unary('LEAKY_RELU', 'alpha 0.5 and powers of two: exact ties', '2^-5 11, 2^-4 -3', { alpha: 0.5 }),
  unary('LEAKY_RELU', 'alpha 0.01', '0.05 100, 0.01 0', { alpha: 0.01 }),
];

const HARD_SWISHES: readonly GoldenCase[] = [
  unary('HARD_SWISH', 'as in MobileNetV3', '0.0471 -5, 0.0239 -112'),
  unary('HARD_SWISH', 'same scale', '0.05 -20, 0.05 -20'),
  unary('HARD_SWISH', 'zero points at their ends', '0.05 127, 0.03 -128'),
  unary('HARD_SWISH', 'zero points at the other ends', '0.05 -128, 0.03 127'),
  unary('HARD_SWISH', 'powers of two', '2^-5 0, 2^-5 -16'),
  unary('HARD_SWISH', 'powers of two: exact ties', '2^-5 0, 2^-3 3'),
  unary('HARD_SWISH', 'input within -3 to 3', '0.01 0, 0.01 -30'),
  unary('HARD_SWISH', 'input within -0.1 to 0.1', '0.001 0, 0.0005 0'),
  unary('HARD_SWISH', 'input far beyond 3', '1.1 0, 1 -128'),
  unary('HARD_SWISH', 'input hundreds wide', '4.7 -60, 3.3 -100'),
  unary('HARD_SWISH', 'input thousands wide', '90 0, 90 -128'),
  unary('HARD_SWISH', 'output saturates', '0.05 0, 0.001 0'),
  unary('HARD_SWISH', 'output of single units', '0.05 0, 5 0'),
  unary('HARD_SWISH', 'seventeen values', '0.05 3, 0.02 -128', { shape: [17] }),
];

const LOGISTICS: readonly GoldenCase[] = [
  [0.05, 0],
  [0.05, -128],
  [0.05, 127],
  [0.09, 31],
  [0.0234, -7],
  [0.001, 0],
  [0.00001, 5],
  [2 ** -4, 0],
  [2 ** -5, -16],
  [0.5, 3],
  [1, 0],
  [20, -60],
  [300, 1],
].map(([scale = 0, zeroPoint = 0]) =>
  defineCase(
    'LOGISTIC',
    `scale ${scale}, zero point ${zeroPoint}`,
    (net) => net.logistic(net.input([1, 16, 16], { scale, zeroPoint }), { name: 'out' }),
    { inputs: 'every' },
  ),
);

const { int8, uint8, float32 } = TensorType;
const TYPES = { int8, uint8, float32 } as const;
type TypeName = keyof typeof TYPES;

function quantise(
  name: string,
  [from, to]: readonly [TypeName, TypeName],
  quantised: string,
  shape: Shape = [256],
): GoldenCase {
  const [input, out] = quantised.split(', ').map(quantisedOf);
  return defineCase(
    'QUANTIZE',
    `${from} to ${to}, ${name}`,
    (net) => {
      const source = net.input(shape, { type: TYPES[from], scale: input![0], zeroPoint: input![1] });
      return net.quantize(source, { name: 'out', type: TYPES[to], scale: out![0], zeroPoint: out![1] });
    },
    { inputs: 'every' },
  );
}

const QUANTISATIONS: readonly GoldenCase[] = [
  quantise('the usual first operator', ['uint8', 'int8'], '0.00390625 0, 0.00390625 -128'),
  quantise('the usual last operator', ['int8', 'uint8'], '0.05 -20, 0.05 108'),
  quantise('same scale, another shift', ['uint8', 'int8'], '0.05 20, 0.05 -20'),
  quantise('coarser', ['uint8', 'int8'], '0.05 200, 0.11 -20'),
  quantise('finer', ['int8', 'uint8'], '0.05 100, 0.011 20'),
  quantise('finer', ['uint8', 'uint8'], '0.05 255, 0.03 0'),
  quantise('exact ties', ['uint8', 'uint8'], '2^-5 121, 2^-3 3'),
  quantise('same scale', ['int8', 'int8'], '0.05 3, 0.05 3'),
  quantise('another zero point', ['int8', 'int8'], '0.05 3, 0.05 -100'),
  quantise('coarser', ['int8', 'int8'], '0.05 3, 0.07 127'),
  quantise('exact ties', ['int8', 'int8'], '2^-5 11, 2^-4 -3'),
  quantise('a thousand times finer', ['int8', 'int8'], '0.05 3, 0.00005 0'),
  quantise('too coarse for anything', ['int8', 'int8'], '1e-9 3, 50 7'),
  quantise('37 values', ['int8', 'int8'], '0.05 3, 0.04 0', [1, 37]),
  quantise('some saturate', ['float32', 'int8'], '1 0, 0.02 -10', [3, 41]),
  quantise('coarse', ['float32', 'int8'], '1 0, 0.7 127', [1, 3, 7, 3]),
  quantise('one value', ['float32', 'int8'], '1 0, 0.02 -10', [1]),
  quantise('some saturate', ['float32', 'uint8'], '1 0, 0.02 128', [123]),
  quantise('fine', ['float32', 'uint8'], '1 0, 0.0001 255', [64]),
];

function dequantise(name: string, type: 'int8' | 'uint8', quantised: string, shape: Shape = [64]): GoldenCase {
  const [scale, zeroPoint] = quantisedOf(quantised);
  return defineCase('DEQUANTIZE', `${type}, ${name}`, (net) => {
    return net.dequantize(net.input(shape, { type: TYPES[type], scale, zeroPoint }), { name: 'out' });
  });
}

const DEQUANTISATIONS: readonly GoldenCase[] = [
  dequantise('a common scale', 'int8', '0.0471 -5'),
  dequantise('zero point -128', 'int8', '0.00390625 -128'),
  dequantise('zero point 127', 'int8', '0.3 127'),
  dequantise('a large scale', 'int8', '1e30 3'),
  dequantise('a small scale', 'int8', '1e-30 3'),
  dequantise('one value', 'int8', '0.0471 -5', [1]),
  dequantise('of four dimensions', 'int8', '0.0471 -5', [1, 3, 5, 3]),
  dequantise('a common scale', 'uint8', '0.0471 123'),
  dequantise('zero point 0', 'uint8', '0.00390625 0'),
  dequantise('zero point 255', 'uint8', '0.3 255'),
  dequantise('seven values', 'uint8', '0.0471 5', [7]),
  dequantise('a scale above one', 'uint8', '3.7 5', [1, 33]),
];

type SoftmaxOptions = CaseOptions & { readonly beta?: number };

function softmax(
  name: string,
  shape: Shape,
  quantised: string,
  { beta = 1, ...rest }: SoftmaxOptions = {},
): GoldenCase {
  const [scale, zeroPoint] = quantisedOf(quantised);
  return defineCase(
    'SOFTMAX',
    name,
    (net) => net.softmax(net.input(shape, { scale, zeroPoint }), { beta, name: 'out' }),
    rest,
  );
}

const SOFTMAXES: readonly GoldenCase[] = [
  softmax('three classes in every cell', [1, 6, 6, 3], '0.12 -20'),
  softmax('two classes', [1, 2], '0.05 3'),
  softmax('two classes in many rows', [60, 2], '0.03 3'),
  softmax('one class', [3, 1], '0.05 3'),
  softmax('rank 1', [10], '0.05 -128'),
  softmax('rank 3', [2, 3, 17], '0.05 127'),
  softmax('all 256 values', [1, 256], '0.05 0', { inputs: 'every' }),
  softmax('all 256 values, coarse', [1, 256], '2 0', { inputs: 'every' }),
  softmax('all 256 values, fine', [1, 256], '0.0001 0', { inputs: 'every' }),
  softmax('beta 0.3', [2, 30], '0.11 0', { beta: 0.3 }),
  softmax('beta 4', [2, 30], '0.03 0', { beta: 4 }),
  softmax('a power of two', [4, 30], '2^-4 0'),
  softmax('differences too large to count', [6, 9], '40 0'),
  softmax('differences beyond the last shift', [6, 9], '100 0', { beta: 10 }),
  softmax('inputs at their ends', [6, 9], '0.02 0', { inputs: 'ends' }),
  softmax('as many alike as a sum may have', [1, 511], '1e-7 0'),
];

type MatrixOptions = Weighted &
  CaseOptions & {
    readonly channels: number;
    readonly input?: string;
    readonly depth?: number;
    readonly keepDims?: boolean;
  };

function matrix(name: string, shape: Shape, options: MatrixOptions): GoldenCase {
  const { input = '0.0173 -128', inputs = 'any', ...rest } = options;
  const [scale, zeroPoint] = quantisedOf(input);
  const style = (net: NetBuilder) => ({ name: 'out', zeroPoint: 0, scale: net.random.real(0.005, 0.03), ...rest });
  return defineCase(
    'FULLY_CONNECTED',
    name,
    (net) => net.fullyConnected(net.input(shape, { scale, zeroPoint }), style(net)),
    { inputs },
  );
}

const TIES = { powersOfTwo: true, input: '2^-5 0', scale: 2 ** -6, zeroPoint: 1 } as const;

/** Sums one unit below a tie: rounded twice they go up, rounded once they do not. */
const BELOW_TIES: MatrixOptions = {
  channels: 40,
  weights: () => 0,
  bias: (channel) => 512 * (channel - 20) + 255,
  powersOfTwo: true,
  factor: 2 ** -8,
  input: '2^-5 0',
  scale: 2 ** -6,
};

const MATRICES: readonly GoldenCase[] = [
  matrix('64 to 10', [1, 64], { channels: 10 }),
  matrix('64 to 10, one scale', [1, 64], { channels: 10, perTensor: true }),
  matrix('64 to 10, without bias', [1, 64], { channels: 10, bias: false }),
  matrix('32 to 8, RELU, zero point 127', [3, 32], {
    channels: 8,
    activation: 'relu',
    input: '0.0173 127',
    zeroPoint: -128,
  }),
  matrix('32 to 8, RELU6', [3, 32], { channels: 8, activation: 'relu6', zeroPoint: -100 }),
  matrix('32 to 8, RELU_N1_TO_1, one scale', [3, 32], { channels: 8, activation: 'reluN1To1', perTensor: true }),
  matrix('17 to 5, odd sizes', [5, 17], { channels: 5, input: '0.0173 11' }),
  matrix('1 to 3', [7, 1], { channels: 3 }),
  matrix('5 to 1', [9, 5], { channels: 1, perTensor: true }),
  matrix('a picture flattened to one row', [1, 3, 4, 4], { channels: 6, depth: 48 }),
  matrix('a picture flattened to two rows', [1, 3, 4, 4], { channels: 6, depth: 24 }),
  matrix('every pixel of a picture, dimensions kept', [1, 3, 4, 12], { channels: 9, keepDims: true }),
  matrix('every row of rank 3, dimensions kept', [2, 5, 8], { channels: 4, keepDims: true, bias: false }),
  matrix('weights and inputs at their ends', [4, 100], { channels: 12, weights: 'ends', inputs: 'ends' }),
  matrix('weights of -128', [4, 40], { channels: 4, weights: (i) => (i % 5 < 2 ? -128 : 127), inputs: 'ends' }),
  matrix('most outputs saturate', [6, 16], { channels: 8, spreadQ: 900, inputs: 'ends' }),
  matrix('small factors', [6, 16], { channels: 8, spreadQ: 1.5, zeroPoint: 100 }),
  matrix('factors above one', [6, 16], { channels: 8, weights: (i) => (i % 3) - 1, factor: 2.7, bias: false }),
  matrix('powers of two: exact ties', [16, 8], { channels: 16, ...TIES }),
  matrix('powers of two: exact ties, one scale', [16, 8], { channels: 16, perTensor: true, ...TIES }),
  matrix('sums just below ties', [2, 8], BELOW_TIES),
  matrix('sums just below ties, one scale', [2, 8], { ...BELOW_TIES, perTensor: true }),
];

export const ELEMENTWISE_CASES: readonly GoldenCase[] = [
  ...ADDITIONS,
  ...MULTIPLICATIONS,
  ...RELUS,
  ...LEAKY_RELUS,
  ...HARD_SWISHES,
  ...LOGISTICS,
  ...QUANTISATIONS,
  ...DEQUANTISATIONS,
  ...SOFTMAXES,
  ...MATRICES,
];
