// Goal: without TensorFlow.js, or with one that does not run, a person reads what to do; with one, each operator is asked
// for by its name.
// Method: packages of a few lines in place of the real ones; what the real one computes is test/tfjs.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { ExitCode, ModelError } from '../../../../runtime/errors.ts';
import { prepareEngine } from '../../../../runtime/eye/engine-choice.ts';
import { prepareOperators } from '../../../../runtime/eye/infer/tfjs/operators.ts';
import type { Tensor, TensorFlow } from '../../../../runtime/eye/infer/tfjs/tensorflow.ts';
import { loadTfjs } from '../../../../runtime/eye/infer/tfjs.ts';
import { loadModel } from '../../../../runtime/eye/model.ts';

type Module = { readonly default: TensorFlow };

/** As Node says it of a package that is not installed. */
function absent(name: string): () => Promise<Module> {
  const message = `Cannot find package '${name}' imported from /somewhere/tfjs.js`;
  return () => Promise.reject(Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' }));
}

/** As much of TensorFlow.js as adds one to one. */
function adding(name: string, sum: number): () => Promise<Module> {
  const two = { dataSync: () => Float32Array.of(sum), dispose: () => {} } as unknown as Tensor;
  const tf = {
    version: { [name]: '4.22.0' },
    enableProdMode: () => {},
    ready: async () => {},
    tidy: (make: () => Tensor) => make(),
    tensor: () => two,
    add: () => two,
  };
  return async () => ({ default: tf as unknown as TensorFlow });
}

async function refusal(action: () => Promise<unknown>): Promise<ModelError> {
  try {
    await action();
  } catch (error) {
    assert.instance(error, ModelError);
    assert.is((error as ModelError).exitCode, ExitCode.config);
    return error as ModelError;
  }
  return assert.unreachable('accepted') as never;
}

test('without either package it says so and how to get one', async () => {
  const error = await refusal(() =>
    loadTfjs({ native: absent('@tensorflow/tfjs-node'), script: absent('@tensorflow/tfjs') }),
  );
  assert.is(error.code, 'ENGINE_MISSING');
  assert.is(
    error.message,
    'model.engine is "tfjs", but neither @tensorflow/tfjs-node nor @tensorflow/tfjs is installed.',
  );
  assert.match(error.hint, /^npm install --no-save @tensorflow\/tfjs-node@4\.22\.0;/);
  assert.match(error.hint, 'npm run -s tfjs-node -- --help');
});

test('the native package is preferred, the other one is the next best', async () => {
  const native = adding('tfjs-node', 2);
  const script = adding('tfjs', 2);
  assert.ok((await loadTfjs({ native, script })).version['tfjs-node']);
  assert.ok((await loadTfjs({ native: absent('@tensorflow/tfjs-node'), script })).version['tfjs']);
});

test('an installed package whose add-on was never built is told, not passed over', async () => {
  const message = 'The Node.js native addon module (tfjs_binding.node) can not be found at path: …';
  const native = () => Promise.reject(new Error(message));
  const error = await refusal(() => loadTfjs({ native, script: adding('tfjs', 2) }));
  assert.is(error.code, 'ENGINE_BROKEN');
  assert.is(error.message, `TensorFlow.js is installed, but does not run: ${message}`);
  assert.match(error.hint, 'npm run -s tfjs-node');
});

test('a part that the package itself lacks is not taken for its absence', async () => {
  const error = await refusal(() =>
    loadTfjs({ native: absent('google-protobuf'), script: absent('@tensorflow/tfjs') }),
  );
  assert.is(error.code, 'ENGINE_BROKEN');
});

test('a package that cannot add is refused before the first frame', async () => {
  const error = await refusal(() => loadTfjs({ native: adding('tfjs-node', 3), script: absent('@tensorflow/tfjs') }));
  assert.is(error.code, 'ENGINE_BROKEN');
  assert.match(error.message, '1 + 1 is not 2');
});

test('an operator that only our own engine runs is refused by its name', async () => {
  const operator = { kind: 'fortune', index: 3, inputs: [], output: { name: 'telling' } };
  const error = await refusal(async () => prepareOperators([operator as never], {} as TensorFlow));
  assert.is(error.code, 'MODEL_UNSUPPORTED');
  assert.is(error.message, 'operator 3 fortune (-> telling) is not run by engine tfjs');
});

test('wasm is prepared unless the configuration says otherwise', async () => {
  const engine = await prepareEngine(parseConfig({}), loadModel(''));
  assert.is(engine.name, 'wasm');
});

test.run();
