/**
 * A checked graph on TensorFlow.js: holds the tensors of one run, each only as long as somebody still reads it.
 */
import type { Graph } from '../graph.ts';
import type { GraphTensor } from '../tensor.ts';
import { prepareOperators } from './operators.ts';
import type { Execute } from './quantised.ts';
import type { Tensor, TensorFlow } from './tensorflow.ts';

export class TfjsExecution {
  readonly operatorCount: number;
  readonly #graph: Graph;
  readonly #tf: TensorFlow;
  readonly #executes: readonly Execute[];
  /** Constants that operators read like tensors; kept for life. */
  readonly #constants = new Map<number, Tensor>();
  /** Tensor index → operator after which nobody reads it; outputs are not in here. */
  readonly #lastReaders = new Map<number, number>();
  readonly #values = new Map<number, Tensor>();

  /** Throws ModelError `MODEL_UNSUPPORTED`. */
  constructor(graph: Graph, tf: TensorFlow) {
    this.#graph = graph;
    this.#tf = tf;
    this.operatorCount = graph.operators.length;
    this.#executes = prepareOperators(graph.operators, tf);
    graph.operators.forEach(({ inputs }, position) => {
      for (const input of inputs) {
        if (input.constant === undefined) this.#lastReaders.set(input.index, position);
        else if (!this.#constants.has(input.index))
          this.#constants.set(input.index, tf.tensor(constantValues(input), input.shape));
      }
    });
    for (const { index } of graph.outputs.values()) this.#lastReaders.delete(index);
  }

  /** Gives an input its values: quantised ones, or real ones for float32. Takes a copy. */
  set(input: GraphTensor, values: Float32Array): void {
    this.#keep(
      input,
      // The sum makes a tensor of its own where the first one is only a view of `values`.
      this.#tf.tidy(() => this.#tf.add(this.#tf.tensor(values, input.shape), 0)),
    );
  }

  /** Runs operators first..end-1. */
  run(first: number, end: number): void {
    for (let position = first; position < end; position += 1) {
      const { inputs, output } = this.#graph.operators[position]!;
      this.#keep(
        output,
        this.#tf.tidy(() => {
          const result = this.#executes[position]!(inputs.map((input) => this.#get(input)));
          return this.#tf.reshape(result, output.shape);
        }),
      );
      for (const { index } of inputs) if (this.#lastReaders.get(index) === position) this.#drop(index);
    }
  }

  /** Values of an output, after all operators ran. */
  read(output: GraphTensor): Float32Array {
    return this.#get(output).dataSync();
  }

  /** Disposes of every tensor of this run. What it was made of lies in a heap until TensorFlow.js uses that again. */
  clear(): void {
    for (const tensor of this.#values.values()) tensor.dispose();
    this.#values.clear();
  }

  #get({ index, name }: GraphTensor): Tensor {
    const tensor = this.#constants.get(index) ?? this.#values.get(index);
    if (tensor === undefined) throw new Error(`tensor ${name} was not computed`);
    return tensor;
  }

  #keep({ index }: GraphTensor, tensor: Tensor): void {
    this.#drop(index);
    this.#values.set(index, tensor);
  }

  #drop(index: number): void {
    this.#values.get(index)?.dispose();
    this.#values.delete(index);
  }
}

function constantValues({ kind, constant, count }: GraphTensor): Float32Array {
  const view = new DataView(constant!.buffer, constant!.byteOffset, constant!.length);
  return Float32Array.from({ length: count }, (_, i) => {
    if (kind === 'float32') return view.getFloat32(4 * i, true);
    return kind === 'int8' ? view.getInt8(i) : view.getUint8(i);
  });
}
