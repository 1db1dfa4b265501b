/**
 * The second engine: the same `.tflite`, checked by the same graph.ts, run by TensorFlow.js. What it is for: an
 * implementation that we did not write, to hold ours against, and a way onto hardware that libtensorflow knows.
 *
 * What it cannot do is what Lethe is for. Its tensors live in heaps that belong to TensorFlow.js: their memory is given
 * back, not zeroed, and nobody outside can name it. Looked for from another process after one frame of noise, all that is
 * ours erased, in 64-byte pieces of the luma plane: with JavaScript alone all of 100 pieces were still there as float32,
 * with the native add-on 2 of 16 (of a float net that copied its input once, all of it); after one more, blank frame none
 * was found, which is luck and not a promise. So `erasePixels` and `eraseTensors` zero what is ours (slot, converted
 * picture, outputs) and let go of the rest. On a device the configuration refuses this engine unless model.accept_residue
 * says that somebody decided so (config/config.ts).
 *
 * Memory: allocates with every frame. Time of the person detector on a shared x86-64 core: 10 to 40 ms with the native
 * add-on, 65 to 90 ms with JavaScript alone, where our engine takes 0.7. Outputs differ from ours by rounding only
 * (tfjs/quantised.ts); those of the person detector are, byte for byte, XNNPACK's.
 */
import { explain, ModelError } from '../../errors.ts';
import type { FrameFormat } from '../../ports/camera.ts';
import type { OutputTensor } from '../../ports/engine.ts';
import { type DescribedEngine, planEngine } from './engine.ts';
import { countMacs, type Graph } from './graph.ts';
import type { GraphTensor } from './tensor.ts';
import { TfjsExecution } from './tfjs/execution.ts';
import { PixelReader } from './tfjs/pixel-reader.ts';
import type { TensorFlow } from './tfjs/tensorflow.ts';

/** The version that the tests run against; scripts/tfjs-node.ts builds the same. */
export const TFJS_VERSION = '4.22.0';

/** The first frames compile JavaScript and start thread pools; they should not be real ones. */
const WARM_UP_FRAMES = 3;

export type TfjsPackages = {
  /** Load the package; rejects with ERR_MODULE_NOT_FOUND where it is not installed. */
  readonly native: () => Promise<{ readonly default: TensorFlow }>;
  readonly script: () => Promise<{ readonly default: TensorFlow }>;
};
const PACKAGES: TfjsPackages = {
  native: () => import('@tensorflow/tfjs-node'),
  script: () => import('@tensorflow/tfjs'),
};

/**
 * TensorFlow.js with its native add-on where that is installed, in plain JavaScript otherwise. packages: for tests.
 * Throws ModelError: ENGINE_MISSING (neither is installed), ENGINE_BROKEN (installed, but computes nothing).
 */
export async function loadTfjs(packages: TfjsPackages = PACKAGES): Promise<TensorFlow> {
  const module = (await importInstalled(packages.native)) ?? (await importInstalled(packages.script));
  if (module === undefined) {
    throw new ModelError(
      'ENGINE_MISSING',
      'model.engine is "tfjs", but neither @tensorflow/tfjs-node nor @tensorflow/tfjs is installed.',
      {
        op: 'load TensorFlow.js',
        hint: `npm install --no-save @tensorflow/tfjs-node@${TFJS_VERSION}; where its installer finds nothing to download (arm64, no network), npm run -s tfjs-node -- --help, or @tensorflow/tfjs@${TFJS_VERSION}, which is JavaScript only and slow. Or remove the line to use our own engine.`,
      },
    );
  }
  const tf = module.default;
  try {
    tf.enableProdMode();
    await tf.ready();
    // With Node 23 and later tfjs-node 4.22 loads, and its first operation fails.
    const two = tf.tidy(() => tf.add(tf.tensor(Float32Array.of(1), [1]), 1));
    if (two.dataSync()[0] !== 2) throw new Error('1 + 1 is not 2');
    two.dispose();
  } catch (cause) {
    throw broken(cause);
  }
  return tf;
}

async function importInstalled<Module>(load: () => Promise<Module>): Promise<Module | undefined> {
  try {
    return await load();
  } catch (cause) {
    // Of the package itself; a file that is missing inside of it has a path in place of the name.
    const isAbsent =
      (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' &&
      /package '@tensorflow\//.test((cause as Error).message);
    if (isAbsent) return undefined;
    throw broken(cause);
  }
}

function broken(cause: unknown): ModelError {
  const reason = explain(cause).split('\n', 1)[0];
  return new ModelError('ENGINE_BROKEN', `TensorFlow.js is installed, but does not run: ${reason}`, {
    op: 'load TensorFlow.js',
    cause,
    hint: 'Build its add-on for this machine and Node 20 or 22: npm run -s tfjs-node -- --help. Or remove model.engine to use our own engine.',
  });
}

/**
 * modelBytes, format: as for createEngine, and refused with the same errors; an operator that only our own engine runs is
 * MODEL_UNSUPPORTED. tf: from loadTfjs.
 */
export function createTfjsEngine(modelBytes: Uint8Array, format: FrameFormat, tf: TensorFlow): DescribedEngine {
  const { graph } = planEngine(modelBytes, format);
  const engine = new TfjsEngine(graph, format, tf);
  for (let frame = 0; frame < WARM_UP_FRAMES; frame += 1) {
    engine.readPixels();
    engine.erasePixels();
    engine.finish();
    engine.eraseTensors();
  }
  return engine;
}

class TfjsEngine implements DescribedEngine {
  readonly name = 'tfjs';
  readonly format: FrameFormat;
  readonly slot: Uint8Array;
  readonly outputs: readonly OutputTensor[];
  readonly macCount: number;
  readonly #pixels: PixelReader;
  readonly #execution: TfjsExecution;
  readonly #results: readonly GraphTensor[];
  /** Operators before this one include all that read pixels. */
  readonly #pixelEnd: number;
  readonly #backend: string;

  constructor(graph: Graph, format: FrameFormat, tf: TensorFlow) {
    this.format = format;
    this.#pixels = new PixelReader(graph, format);
    this.slot = this.#pixels.slot;
    this.#results = [...graph.outputs.values()];
    this.outputs = [...graph.outputs].map(([name, tensor]) => ({
      name,
      shape: tensor.shape,
      scale: tensor.scale,
      zeroPoint: tensor.zeroPoint,
      data: emptyData(tensor),
    }));
    this.macCount = countMacs(graph);
    const pixelTensors = new Set([...graph.inputs.values()].map(({ index }) => index));
    this.#pixelEnd =
      1 + graph.operators.findLastIndex(({ inputs }) => inputs.some((one) => pixelTensors.has(one.index)));
    this.#execution = new TfjsExecution(graph, tf);
    this.#backend = `${tf.getBackend()}, version ${tf.version['tfjs-node'] ?? tf.version['tfjs'] ?? 'unknown'}`;
  }

  readPixels(): void {
    this.#pixels.read((input, values) => this.#execution.set(input, values));
    this.#execution.run(0, this.#pixelEnd);
  }

  erasePixels(): void {
    this.#pixels.erase();
  }

  finish(): void {
    this.#execution.run(this.#pixelEnd, this.#execution.operatorCount);
    this.#results.forEach((tensor, i) => {
      this.outputs[i]!.data.set(this.#execution.read(tensor));
    });
    this.#execution.clear();
  }

  eraseTensors(): void {
    this.#execution.clear();
    for (const { data } of this.outputs) data.fill(0);
  }

  describe(): string[] {
    return [
      `engine ${this.name}: ${(this.macCount / 1e6).toFixed(2)} million multiply-adds, backend ${this.#backend}`,
      'its tensors lie in heaps that cannot be erased from here',
    ];
  }
}

function emptyData({ kind, count }: GraphTensor): OutputTensor['data'] {
  if (kind === 'int8') return new Int8Array(count);
  return kind === 'uint8' ? new Uint8Array(count) : new Float32Array(count);
}
