/**
 * LiteRT.js (TFLite with XNNPACK, in WebAssembly) under Node, for which it was not made. It wants a browser's worker:
 * `self`, and `importScripts` for its loader, an old-style script inside of a package of new-style modules. Its documented
 * interface knows no int8, so tensors go through the binding below it, whose buffers are pointers into its memory.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import { type Adapter, valueCount } from '../adapter.ts';

type TensorBuffer = {
  lock(mode: unknown): number;
  unlock(): void;
  delete(): void;
};
type Deletable = { delete(): void };
type Names = Deletable & { size(): number; get(index: number): string };
type Wasm = {
  readonly HEAPU8: Uint8Array;
  readonly LiteRtTensorBuffer: {
    createManaged(environment: unknown, kind: unknown, type: unknown, bytes: number): TensorBuffer;
  };
  readonly LiteRtTensorBufferType: { readonly HOST_MEMORY: unknown };
  readonly LiteRtTensorBufferLockMode: { readonly READ: unknown; readonly WRITE: unknown };
  _malloc(bytes: number): number;
  loadModel(environment: unknown, pointer: number, bytes: number): Model;
  compileModel(environment: unknown, model: Model, options: object): Promise<Compiled>;
};
type Model = {
  getSignature(index: number): { inputNames(): Names; outputNames(): Names };
  getInputTensorType(signature: number, index: number): { bytes(): number };
};
type Compiled = { run(signature: number, inputs: readonly TensorBuffer[]): TensorBuffer[] | Promise<TensorBuffer[]> };
type LiteRt = {
  loadLiteRt(path: string): Promise<{
    readonly liteRtWasm: Wasm;
    getDefaultEnvironment(): { readonly liteRtEnvironment: unknown };
  }>;
};

function pretendWorker(): void {
  const world = globalThis as unknown as Record<string, unknown>;
  world['self'] = globalThis;
  // Node 20 has none; later ones do, and it cannot be replaced there.
  if (!('navigator' in globalThis)) world['navigator'] = {};
  world['importScripts'] = (path: string) => {
    const module = { exports: {} };
    const words = ['module', 'exports', 'require', '__filename', '__dirname'];
    const script = compileFunction(readFileSync(path, 'utf8'), words, { filename: path });
    script(module, module.exports, createRequire(path), path, dirname(path));
    world['ModuleFactory'] = module.exports;
  };
}

export const adapter: Adapter = ({ bytes, samples, peer, inputs, outputs }) => ({
  load: async () => {
    pretendWorker();
    const { require, folder } = peer('@litertjs/core');
    const { loadLiteRt } = require(folder) as LiteRt;
    const liteRt = await loadLiteRt(join(folder, 'wasm/'));
    const wasm = liteRt.liteRtWasm;
    const { liteRtEnvironment: environment } = liteRt.getDefaultEnvironment();
    const pointer = wasm._malloc(bytes.length);
    wasm.HEAPU8.set(bytes, pointer);
    const loaded = wasm.loadModel(environment, pointer, bytes.length);
    const compiled = await wasm.compileModel(environment, loaded, {
      environment: liteRt.getDefaultEnvironment(),
      accelerator: 'wasm',
      cpuOptions: { numThreads: 1 },
      gpuOptions: {},
      webNNOptions: {},
    });
    const signature = loaded.getSignature(0);
    const inputNames = namesOf(signature.inputNames());
    const outputNames = namesOf(signature.outputNames());
    const buffers = inputNames.map((_, index) => {
      const type = loaded.getInputTensorType(0, index);
      return wasm.LiteRtTensorBuffer.createManaged(
        environment,
        wasm.LiteRtTensorBufferType.HOST_MEMORY,
        type,
        type.bytes(),
      );
    });
    const order = inputs.map(({ name }) => inputNames.indexOf(name));
    const wanted = outputs.map((port) => ({ index: outputNames.indexOf(port.name), bytes: valueCount(port) }));
    let results: Int8Array[] = [];
    const finish = (made: readonly TensorBuffer[]): void => {
      // Copied: deleting a buffer lets the allocator write into it.
      results = wanted.map(({ index, bytes: count }) => {
        const start = made[index]!.lock(wasm.LiteRtTensorBufferLockMode.READ);
        const values = new Int8Array(wasm.HEAPU8.slice(start, start + count).buffer);
        made[index]!.unlock();
        return values;
      });
      for (const buffer of made) buffer.delete();
    };
    return {
      run: (sampleIndex) => {
        const sample = samples[sampleIndex]!;
        for (let i = 0; i < sample.length; i += 1) {
          const buffer = buffers[order[i]!]!;
          const start = buffer.lock(wasm.LiteRtTensorBufferLockMode.WRITE);
          wasm.HEAPU8.set(sample[i]!, start);
          buffer.unlock();
        }
        const made = compiled.run(0, buffers);
        if (Array.isArray(made)) return finish(made) as undefined;
        return made.then(finish);
      },
      outputs: () => Float32Array.from(results.flatMap((values) => [...values])),
    };
  },
});

function namesOf(names: Names): string[] {
  const list = Array.from({ length: names.size() }, (_, index) => names.get(index));
  names.delete();
  return list;
}
