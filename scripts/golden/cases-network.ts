/** Cases of several operators at work together, on the planes of a frame. */
import { overlappingNet, smallDetector } from '../nets/frames.ts';
import { caseOf, type GoldenCase } from './case.ts';

function frameCase(name: string, net: typeof smallDetector, heightPx: number, widthPx: number): GoldenCase {
  return caseOf('NETWORK', name, net(heightPx, widthPx), { frame: { heightPx, widthPx } });
}

export const SMALL_DETECTOR = frameCase('small detector', smallDetector, 32, 48);

export const NETWORK_CASES: readonly GoldenCase[] = [
  SMALL_DETECTOR,
  frameCase('pixels read by any convolution', overlappingNet, 12, 16),
];
