/**
 * Networks that read the planes y, u, v of a frame where they lie, as the person detector does; for tests of the whole
 * engine. heightPx, widthPx: of the frame, even; multiples of 16 for the small detector.
 */
import type { TfliteModel } from '../../runtime/eye/infer/tflite.ts';
import { NetBuilder, type NetTensor } from './build.ts';

type Planes = { readonly y: NetTensor; readonly u: NetTensor; readonly v: NetTensor };

/** Bytes q stand for pixels q + 128 in all of them. */
function planes(net: NetBuilder, heightPx: number, widthPx: number): Planes {
  const plane = (name: string, share: number): NetTensor =>
    net.input([1, heightPx / share, widthPx / share, 1], { name });
  return { y: plane('y', 1), u: plane('u', 2), v: plane('v', 2) };
}

/** Every operator of the person detector, with its heads heat and box at one cell per 8 px. */
export function smallDetector(heightPx: number, widthPx: number): TfliteModel {
  const net = new NetBuilder(7);
  const { y, u, v } = planes(net, heightPx, widthPx);
  const stem = { scale: 0.0071, zeroPoint: -128, activation: 'relu6', spreadQ: 90, padding: 'valid' } as const;
  const joined = net.concatenate(
    [
      net.convolution(y, { ...stem, name: 'stem_y', channels: 16, kernel: 4, stride: 4 }),
      net.convolution(u, { ...stem, name: 'stem_u', channels: 8, kernel: 2, stride: 2 }),
      net.convolution(v, { ...stem, name: 'stem_v', channels: 8, kernel: 2, stride: 2 }),
    ],
    { name: 'stem' },
  );
  const downDepth = net.depthwise(joined, { name: 'down_depth', stride: 2 });
  const down = net.convolution(downDepth, { name: 'down', channels: 24, activation: 'relu6' });
  const blockDepth = net.depthwise(down, { name: 'block_depth', activation: 'relu6' });
  const blockPoint = net.convolution(blockDepth, { name: 'block_point', channels: 24 });
  const block = net.add(down, blockPoint, { name: 'block', activation: 'relu' });
  const coarse = net.convolution(net.depthwise(block, { name: 'coarse_depth', stride: 2 }), {
    name: 'coarse',
    channels: 24,
  });
  const twice = net.resizeNearest(coarse, [heightPx / 8, widthPx / 8], { name: 'coarse_up' });
  const fused = net.add(block, twice, { name: 'fused', activation: 'relu' });
  return net.model(
    net.convolution(fused, { name: 'heat', channels: 1, zeroPoint: 31 }),
    net.convolution(fused, { name: 'box', channels: 6, zeroPoint: -86 }),
  );
}

/** Pixels read by kernels that are not patches: padding, overlap, an odd kernel. */
export function overlappingNet(heightPx: number, widthPx: number): TfliteModel {
  const net = new NetBuilder(8);
  const { y, u, v } = planes(net, heightPx, widthPx);
  const style = { scale: 0.009, zeroPoint: -128 } as const;
  return net.model(
    net.concatenate(
      [
        net.convolution(y, { ...style, channels: 8, kernel: 3, stride: 2, activation: 'relu' }),
        net.depthwise(u, { ...style, multiplier: 8 }),
        net.convolution(v, { ...style, channels: 3, kernel: 3 }),
      ],
      { name: 'heat' },
    ),
  );
}

/** A small file that asks for more memory than a small board has; it is refused and never run. */
export function tooLargeNet(heightPx: number, widthPx: number): TfliteModel {
  const net = new NetBuilder(9);
  let last = net.convolution(planes(net, heightPx, widthPx).y, {
    channels: 10,
    kernel: 4,
    stride: 4,
    padding: 'valid',
  });
  for (let i = 0; i < 8; i += 1) last = net.resizeNearest(last, [2 * last.shape[1]!, 2 * last.shape[2]!]);
  return net.model(last);
}
