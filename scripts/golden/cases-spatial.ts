/** Cases of operators that move, resize or reduce. */
import { defineCase, type GoldenCase } from './case.ts';

const STYLE = { scale: 0.0173, zeroPoint: 9 } as const;

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
];

const NEAREST: readonly GoldenCase[] = [
  defineCase('RESIZE_NEAREST_NEIGHBOR', 'doubling 8 channels', (net) => {
    return net.resizeNearest(net.input([1, 3, 5, 8], STYLE), [6, 10], { name: 'out' });
  }),
  defineCase('RESIZE_NEAREST_NEIGHBOR', 'doubling 3 channels, half pixel centres', (net) => {
    return net.resizeNearest(net.input([1, 2, 3, 3], STYLE), [4, 6], { name: 'out', halfPixelCenters: true });
  }),
];

export const SPATIAL_CASES: readonly GoldenCase[] = [...CONCATENATIONS, ...NEAREST];
