/** TensorFlow.js in float32 (float.ts): in WebAssembly, in plain JavaScript, or on TensorFlow's library, one thread each. */
import { join } from 'node:path';
import { readTflite } from '../../../runtime/eye/infer/tflite.ts';
import { type Adapter, type Job, realInputs } from '../adapter.ts';
import { floatNet, type Tensor, type Tf } from '../float.ts';

type WasmBackend = { setThreadsCount(count: number): void; setWasmPaths(folder: string): void };

/** variant → TensorFlow.js with that backend. */
const BACKENDS: Readonly<Record<string, (job: Job) => Promise<Tf>>> = {
  cpu: async ({ peer }) => {
    const tf = peer('@tensorflow/tfjs').require('@tensorflow/tfjs') as Tf;
    await tf.setBackend('cpu');
    return tf;
  },
  wasm: async ({ peer }) => {
    const { require, folder } = peer('@tensorflow/tfjs-backend-wasm');
    const tf = require('@tensorflow/tfjs-core') as Tf;
    const backend = require(folder) as WasmBackend;
    backend.setWasmPaths(join(folder, 'wasm-out/'));
    backend.setThreadsCount(1);
    if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend did not start');
    return tf;
  },
  node: async ({ peer }) => peer('@tensorflow/tfjs-node').require('@tensorflow/tfjs-node') as Tf,
};

export const adapter: Adapter = (job) => {
  const model = readTflite(job.bytes);
  const samples = job.samples.map((sample) => realInputs(sample, job.inputs));
  return {
    load: async () => {
      const backend = BACKENDS[job.variant];
      if (backend === undefined) throw new Error(`no backend ${job.variant}`);
      const tf = await backend(job);
      const net = floatNet(tf, model);
      let results: Float32Array[] = [];
      return {
        run: (sampleIndex) => {
          const inputs = samples[sampleIndex]!.map((values, i) => tf.tensor(values, job.inputs[i]!.shape, 'float32'));
          const outputs: Tensor[] = net(inputs);
          results = outputs.map((tensor) => tensor.dataSync());
          tf.dispose([...inputs, ...outputs]);
          return undefined;
        },
        outputs: () =>
          Float32Array.from(
            job.outputs.flatMap(({ scale, zeroPoint }, i) =>
              // What a quantised output cannot hold, ours does not show either.
              Array.from(results[i]!, (real) => Math.min(127, Math.max(-128, real / scale + zeroPoint))),
            ),
          ),
      };
    },
  };
};
