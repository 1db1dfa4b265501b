/** Whole networks and random graphs as golden cases: outputs are kept as hashes, for they are many. */
import type { OperatorName } from '../../runtime/eye/infer/schema.ts';
import type { TfliteModel } from '../../runtime/eye/infer/tflite.ts';
import { NETS, randomGraph } from '../nets/nets.ts';
import { inputsOf } from './case.ts';
import type { Tensors } from './interpreter.ts';

export type WholeCase = {
  readonly name: string;
  readonly model: TfliteModel;
  readonly runs: readonly { readonly name: string; readonly inputs: Tensors }[];
};

/** Hashes of outputs, by run and by the output's name. */
export type StoredWhole = {
  readonly name: string;
  readonly model_sha256: string;
  readonly runs: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/** Random graphs over all operators, and over those that share memory with their neighbours or read rows of pixels. */
const RANDOM_GRAPHS: readonly (readonly [name: string, count: number, only?: ReadonlySet<OperatorName>])[] = [
  ['random graph', 120],
  [
    'random convolutions',
    40,
    new Set<OperatorName>(['ADD', 'CONCATENATION', 'CONV_2D', 'DEPTHWISE_CONV_2D', 'RESIZE_NEAREST_NEIGHBOR']),
  ],
];

/** The reader takes 64 outputs at most. */
const OUTPUTS_MAX = 60;

/** The network with all it computes as outputs, named by their indices: names in a file need not be unique. */
export function withEveryTensor(model: TfliteModel): TfliteModel {
  const computed = model.operators.flatMap(({ outputs }) => outputs);
  return { ...model, outputs: new Map(computed.map((index) => [String(index), index])) };
}

function withOutputs(model: TfliteModel, tensors: readonly number[]): TfliteModel {
  return { ...model, outputs: new Map(tensors.map((index) => [model.tensors[index]!.name, index])) };
}

/**
 * All that a network computes as outputs, for classes of a picture hide a wrong byte and its tensors do not; in pieces that
 * the reader takes: outputs 0 to 59, 60 to 119 …
 */
function inPieces(model: TfliteModel): TfliteModel[] {
  const computed = model.operators.flatMap(({ outputs }) => outputs);
  return Array.from({ length: Math.ceil(computed.length / OUTPUTS_MAX) }, (_, i) =>
    withOutputs(model, computed.slice(i * OUTPUTS_MAX, (i + 1) * OUTPUTS_MAX)),
  );
}

/** Made when asked for: all of them take half a second. */
export function wholeCases(): WholeCase[] {
  const run = (model: TfliteModel, seed: number, kind: 'any' | 'smooth') => {
    return { name: `${kind} ${seed}`, inputs: inputsOf(model, seed, kind) };
  };
  const nets = Object.entries(NETS).flatMap(([name, make]): WholeCase[] => {
    const model = make();
    const runs = [run(model, 1, 'any'), run(model, 2, 'any'), run(model, 3, 'smooth'), run(model, 4, 'smooth')];
    return [
      { name, model, runs },
      ...inPieces(model).map((piece, i) => {
        return { name: `${name}, every tensor, piece ${i + 1}`, model: piece, runs: runs.slice(2, 3) };
      }),
    ];
  });
  const graphs = RANDOM_GRAPHS.flatMap(([name, count, only]) =>
    Array.from({ length: count }, (_, seed): WholeCase => {
      const model = randomGraph(seed, only);
      return { name: `${name} ${seed}`, model, runs: [run(model, seed, 'any')] };
    }),
  );
  return [...nets, ...graphs];
}
