/** ONNX Runtime in WebAssembly, with SIMD, in the thread that calls it. */
import { join } from 'node:path';
import type { Adapter } from '../adapter.ts';
import { type OnnxTensor, onnxJob, type TensorClass } from './onnxruntime.ts';

type Tensors = Record<string, OnnxTensor>;
type OrtWeb = {
  readonly Tensor: TensorClass;
  readonly env: { readonly wasm: { numThreads: number; proxy: boolean; wasmPaths?: string }; logLevel: string };
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<{ run(feeds: Tensors): Promise<Tensors> }>;
  };
};

export const adapter: Adapter = (job) => {
  const { bytes, makeFeeds, steps } = onnxJob(job);
  return {
    load: async () => {
      const { require, folder } = job.peer('onnxruntime-web');
      const { env, Tensor, InferenceSession } = require(join(folder, 'dist', 'ort.node.min.js')) as OrtWeb;
      env.wasm.numThreads = 1;
      env.wasm.proxy = false;
      env.logLevel = 'error';
      const session = await InferenceSession.create(bytes, {
        executionProviders: ['wasm'],
        executionMode: 'sequential',
        graphOptimizationLevel: 'all',
      });
      const { feeds, fill } = makeFeeds(Tensor);
      let results: Tensors = {};
      return {
        run: async (sampleIndex) => {
          fill(sampleIndex);
          results = await session.run(feeds);
        },
        outputs: () => steps(results),
      };
    },
  };
};
