/**
 * All golden cases. To add some: an array in a file cases-….ts, listed here, then `npm run -s golden -- --only OPERATOR`.
 */
import { strict as assert } from 'node:assert';
import type { GoldenCase } from './case.ts';
import { CONVOLUTION_CASES } from './cases-convolution.ts';
import { ELEMENTWISE_CASES } from './cases-elementwise.ts';
import { NETWORK_CASES } from './cases-network.ts';
import { SPATIAL_CASES } from './cases-spatial.ts';

export const GOLDEN_CASES: readonly GoldenCase[] = [
  ...CONVOLUTION_CASES,
  ...ELEMENTWISE_CASES,
  ...SPATIAL_CASES,
  ...NETWORK_CASES,
];

const names = GOLDEN_CASES.map(({ group, name }) => `${group} ${name}`);
assert.deepEqual(
  names.filter((name, i) => names.indexOf(name) !== i),
  [],
  'every case has a name of its own',
);
