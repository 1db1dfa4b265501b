/** Cases of operators that compute value by value. */
import { defineCase, type GoldenCase, type InputBytes } from './case.ts';

/** Scale and zero point. */
type Quantised = readonly [scale: number, zeroPoint: number];

function add(
  name: string,
  shape: readonly number[],
  [a, b, out]: readonly [a: Quantised, b: Quantised, out: Quantised],
  options: { readonly activation?: 'none' | 'relu' | 'reluN1To1' | 'relu6'; readonly inputs?: InputBytes } = {},
): GoldenCase {
  const { activation = 'none', inputs = 'any' } = options;
  return defineCase(
    'ADD',
    name,
    (net) => {
      const first = net.input(shape, { scale: a[0], zeroPoint: a[1] });
      const second = net.input(shape, { name: 'b', scale: b[0], zeroPoint: b[1] });
      return net.add(first, second, { name: 'out', scale: out[0], zeroPoint: out[1], activation });
    },
    { inputs },
  );
}

const ADDITIONS: readonly GoldenCase[] = [
  add(
    'larger scale first, RELU',
    [1, 3, 5, 8],
    [
      [0.0173, -128],
      [0.0071, 12],
      [0.02, -128],
    ],
    { activation: 'relu' },
  ),
  add(
    'larger scale second',
    [1, 3, 5, 8],
    [
      [0.0173, 12],
      [0.0291, -128],
      [0.03, 3],
    ],
  ),
  add(
    'equal scales, RELU6',
    [1, 4, 4, 8],
    [
      [0.0173, -1],
      [0.0173, 5],
      [0.025, 0],
    ],
    { activation: 'relu6' },
  ),
  add(
    'RELU_N1_TO_1',
    [1, 4, 4, 8],
    [
      [0.0173, -1],
      [0.011, 5],
      [0.025, 10],
    ],
    { activation: 'reluN1To1' },
  ),
  add(
    'zero points 127 and -128',
    [1, 5, 5, 8],
    [
      [0.0173, 127],
      [0.011, -128],
      [0.04, 127],
    ],
  ),
  add(
    'seven values',
    [1, 1, 1, 7],
    [
      [0.0173, 0],
      [0.0171, 0],
      [0.03, 0],
    ],
  ),
  add(
    'most outputs saturate',
    [1, 3, 3, 8],
    [
      [0.0173, 0],
      [0.02, 0],
      [0.0011, 0],
    ],
  ),
  add(
    'scales far apart',
    [1, 5, 5, 8],
    [
      [0.0173, 3],
      [0.00002, 3],
      [0.02, 3],
    ],
  ),
  add(
    'scales that are powers of two: exact ties',
    [1, 16, 8, 8],
    [
      [2 ** -6, 0],
      [2 ** -7, 0],
      [2 ** -4, 0],
    ],
  ),
  add(
    'inputs at their ends',
    [1, 3, 5, 8],
    [
      [0.0173, 127],
      [0.02, -128],
      [0.04, 0],
    ],
    { inputs: 'ends' },
  ),
];

export const ELEMENTWISE_CASES: readonly GoldenCase[] = [...ADDITIONS];
