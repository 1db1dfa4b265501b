/** What both builds of ONNX Runtime have in common: the net as ONNX, samples and results in its layout. */
import { readTflite } from '../../../runtime/eye/infer/tflite.ts';
import { fromPlanar, type Job, type Port, toPlanar, valueCount } from '../adapter.ts';
import { nameOf, planarShape, shifted, writeOnnx } from '../onnx.ts';

export type OnnxTensor = { readonly data: Uint8Array };
export type TensorClass = new (type: 'uint8', data: Uint8Array, shape: readonly number[]) => OnnxTensor;

export function onnxJob({ bytes: file, samples, inputs, outputs }: Job) {
  const bytes = writeOnnx(readTflite(file));
  const planarSamples = samples.map((sample) => sample.map((values, i) => toPlanar(shifted(values), inputs[i]!.shape)));
  return {
    bytes,
    /** Tensors to run with; the samples go into their bytes one at a time. */
    makeFeeds(Tensor: TensorClass) {
      const tensors = inputs.map((port) => emptyTensor(Tensor, port));
      const feeds = Object.fromEntries(inputs.map((port, i) => [nameOf(port.index), tensors[i]!]));
      const fill = (sampleIndex: number): void => {
        const sample = planarSamples[sampleIndex]!;
        for (let i = 0; i < tensors.length; i += 1) tensors[i]!.data.set(sample[i]!);
      };
      return { feeds, fill };
    },
    /** Results as the bench compares them. */
    steps(results: Readonly<Record<string, OnnxTensor>>): Float32Array {
      return Float32Array.from(
        outputs.flatMap(({ index, shape }) =>
          Array.from(fromPlanar(results[nameOf(index)]!.data, shape), (value) => value - 128),
        ),
      );
    },
  };
}

export function emptyTensor(Tensor: TensorClass, port: Port): OnnxTensor {
  return new Tensor('uint8', new Uint8Array(valueCount(port)), planarShape(port.shape));
}
