/**
 * What the bench asks of an engine. Every engine runs in a child process of its own, so that heaps, compilers and threads
 * do not disturb each other; there an adapter (adapters/) brings it into this form.
 *
 * What is timed is the same for all: the caller has a frame's int8 inputs at hand; it is over when the outputs can be read.
 * So the copy into the engine belongs to the time; conversion of the file, and of the inputs into the layout and type that
 * the engine likes best (planar, uint8, float32), does not.
 */
import type { Peer, PeerName } from '../peers.ts';

/** An int8 input or output of the net. */
export type Port = {
  /** In the signature. */
  readonly name: string;
  /** Of the tensor in the file. */
  readonly index: number;
  /** NHWC where it is a picture. */
  readonly shape: readonly number[];
  readonly scale: number;
  readonly zeroPoint: number;
};

/** One frame: the bytes of every input, in the order of the ports. */
export type Sample = readonly Int8Array[];

export type Job = {
  /** The .tflite file. */
  readonly bytes: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly samples: readonly Sample[];
  /** Which of the adapter's ways to run: a rounding, a backend. */
  readonly variant: string;
  /** The packages that the row of engines.ts names; they are installed. */
  readonly peer: (name: PeerName) => Peer;
};

export type Session = {
  /** Runs one of the samples. A promise only where the engine has no other way. */
  run(sampleIndex: number): undefined | Promise<void>;
  /**
   * Outputs of the last run in steps of the model's own quantisation (real / scale + zero point), NHWC, in the order of
   * the ports, one after another. Not timed.
   */
  outputs(): Float32Array | Promise<Float32Array>;
};

/** Converts what must be converted, untimed; `load`, timed, loads the engine's code and the model. */
export type Adapter = (job: Job) => { readonly load: () => Session | Promise<Session> };

export function valueCount({ shape }: Pick<Port, 'shape'>): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The numbers that a sample stands for. */
export function realInputs(sample: Sample, ports: readonly Port[]): Float32Array[] {
  return sample.map((values, i) => {
    const { scale, zeroPoint } = ports[i]!;
    return Float32Array.from(values, (q) => scale * (q - zeroPoint));
  });
}

/** NHWC → NCHW of one picture; other ranks stay as they are. */
export function toPlanar<Values extends Int8Array | Uint8Array | Float32Array>(
  values: Values,
  shape: readonly number[],
) {
  return permute(values, shape, true);
}

/** shape: NHWC, of the result. */
export function fromPlanar<Values extends Int8Array | Uint8Array | Float32Array>(
  values: Values,
  shape: readonly number[],
) {
  return permute(values, shape, false);
}

function permute<Values extends Int8Array | Uint8Array | Float32Array>(
  values: Values,
  shape: readonly number[],
  toPlanes: boolean,
): Values {
  const result = values.slice() as Values;
  if (shape.length !== 4) return result;
  const [, height = 1, width = 1, channels = 1] = shape;
  const pixels = height * width;
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    for (let channel = 0; channel < channels; channel += 1) {
      const interleaved = pixel * channels + channel;
      const planar = channel * pixels + pixel;
      if (toPlanes) result[planar] = values[interleaved]!;
      else result[interleaved] = values[planar]!;
    }
  }
  return result;
}
