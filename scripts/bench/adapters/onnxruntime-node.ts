/**
 * ONNX Runtime as a native add-on. Its run() is a setImmediate around a synchronous call (dist/backend.js), some 10 µs;
 * here the call is made directly, through the binding that run() itself uses. Outputs are written into tensors of ours.
 */
import { join } from 'node:path';
import type { Adapter } from '../adapter.ts';
import { nameOf } from '../onnx.ts';
import { emptyTensor, type OnnxTensor, onnxJob, type TensorClass } from './onnxruntime.ts';

type Tensors = Record<string, OnnxTensor>;
type Binding = {
  readonly initOrt: () => void;
  readonly binding: {
    readonly InferenceSession: new () => {
      loadModel(buffer: ArrayBufferLike, offset: number, bytes: number, options: object): void;
      run(feeds: Tensors, fetches: Tensors, options: object): Tensors;
    };
  };
};

export const adapter: Adapter = (job) => {
  const { bytes, makeFeeds, steps } = onnxJob(job);
  return {
    load: () => {
      const { require, folder } = job.peer('onnxruntime-node');
      const { Tensor } = require(folder) as { readonly Tensor: TensorClass };
      const { binding, initOrt } = require(join(folder, 'dist', 'binding.js')) as Binding;
      initOrt();
      const session = new binding.InferenceSession();
      session.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
      });
      const { feeds, fill } = makeFeeds(Tensor);
      const fetches = Object.fromEntries(job.outputs.map((port) => [nameOf(port.index), emptyTensor(Tensor, port)]));
      return {
        run: (sampleIndex) => {
          fill(sampleIndex);
          session.run(feeds, fetches, {});
          return undefined;
        },
        outputs: () => steps(fetches),
      };
    },
  };
};
