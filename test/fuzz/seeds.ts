/** The good models that are damaged: small, and between them every operator. */
import { NetBuilder } from '../../scripts/nets/build.ts';
import { randomGraph } from '../../scripts/nets/nets.ts';
import { writeTflite } from '../../scripts/nets/writer.ts';
import { frameOf, smallDetector } from '../runtime/eye/infer/golden.ts';
import type { FuzzSeed } from './engine.ts';

const RANDOM_GRAPHS = 40;

export function fuzzSeeds(): readonly FuzzSeed[] {
  const { model, format } = smallDetector();
  const pictures = [
    { name: 'small detector', bytes: model, format },
    { name: 'moves and pools', bytes: movesAndPools(), format: frameOf(32, 24, 32) },
  ];
  // Two of three cases damage a model that reads a picture, the third one a random graph.
  return Array.from({ length: RANDOM_GRAPHS }, (_, i) => [
    ...pictures,
    { name: `random graph ${i + 1}`, bytes: writeTflite(randomGraph(i + 1)), format: undefined },
  ]).flat();
}

/** Every operator that moves, pools, averages, resizes or convolves backwards, on a picture of 12 x 16 cells. */
function movesAndPools(): Uint8Array {
  const net = new NetBuilder(1);
  const style = { scale: 0.02, zeroPoint: 3 } as const;
  const picture = net.input([1, 12, 16, 3], { name: 'rgb' });
  const stem = net.convolution(
    net.pad(
      picture,
      [
        [0, 0],
        [0, 1],
        [0, 1],
        [0, 0],
      ],
      { valueQ: 7 },
    ),
    {
      channels: 8,
      kernel: 3,
      stride: 2,
      padding: 'valid',
      ...style,
    },
  );
  const pooled = net.maxPool(
    net.pad(stem, [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ]),
    { kernel: 3, stride: 2 },
  );
  const grown = net.transposeConvolution(pooled, { channels: 5, ...style });
  const middle = net.averagePool(grown, { kernel: 2, stride: 1, padding: 'same' });
  const slice = net.stridedSlice(middle, { begin: [0, 0, 0, 1], end: [1, 6, 6, 4], strides: [1, 2, 1, 1] });
  const resized = net.resizeBilinear(net.resizeNearest(slice, [4, 7]), [6, 8], { halfPixelCenters: true });
  const joined = net.concatenate([resized, net.convolution(resized, { channels: 4, ...style })]);
  const flat = net.reshape(joined, [1, 48, 7], { name: 'flat' });
  return writeTflite(net.model(flat, net.mean(joined, { name: 'mean', axes: [1, 2], keepDims: false })));
}
