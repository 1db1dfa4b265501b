/**
 * Goal: what cannot be run exactly is refused, all of it at once, with operator, index and tensor names.
 * Method: a good parsed model with single facts changed.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ModelError } from '../../../../runtime/errors.ts';
import { checkGraph } from '../../../../runtime/eye/infer/graph.ts';
import {
  readTflite,
  type TfliteModel,
  type TfliteOperator,
  type TfliteTensor,
} from '../../../../runtime/eye/infer/tflite.ts';
import { smallDetector } from './golden.ts';

const good = readTflite(smallDetector().model);

function problems(model: TfliteModel): string[] {
  try {
    checkGraph(model);
    return [];
  } catch (error) {
    assert.instance(error, ModelError);
    assert.is((error as ModelError).code, 'MODEL_UNSUPPORTED');
    return (error as ModelError).message.split('\n');
  }
}

function withOperator(index: number, change: Partial<TfliteOperator>): TfliteModel {
  return { ...good, operators: good.operators.map((o) => (o.index === index ? { ...o, ...change } : o)) };
}

function withOptions(index: number, change: Record<string, number>): TfliteModel {
  return withOperator(index, { options: { ...good.operators[index]!.options, ...change } });
}

function withTensor(name: string, change: Partial<TfliteTensor>): TfliteModel {
  return { ...good, tensors: good.tensors.map((t) => (t.name === name ? { ...t, ...change } : t)) };
}

test('the good model has no problems', () => {
  assert.equal(problems(good), []);
  assert.is(checkGraph(good).operators.length, 15);
});

test('an unknown operator is refused by name, index and tensors', () => {
  assert.equal(problems(withOperator(8, { code: 16 })), [
    'operator 8 LSTM (down, block_point -> block) is not supported',
  ]);
});

test('every problem is listed once, and its consequences are not', () => {
  const changed = withOperator(8, { code: 16 });
  const broken = {
    ...changed,
    operators: changed.operators.map((o) => (o.index === 1 ? { ...o, options: { ...o.options, padding: 2 } } : o)),
  };
  const found = problems(broken);
  assert.is(found.length, 2);
  assert.match(found[0]!, /^operator 1 CONV_2D \(u, stem_u\/weight, stem_u\/bias -> stem_u\) has padding 2/);
  assert.match(found[1]!, /^operator 8 LSTM/);
});

test('a concatenation that would need requantising is refused', () => {
  const quantization = { ...good.tensors.find((t) => t.name === 'stem_u')!.quantization, scales: [0.5] };
  assert.match(problems(withTensor('stem_u', { quantization })).join('\n'), 'would have to requantise stem_u for stem');
});

test('a tensor of another type is refused', () => {
  assert.match(problems(withTensor('heat', { type: 0 })).join('\n'), 'tensor heat of type float32; expected int8');
});

test('a shape that does not follow from the kernel is refused', () => {
  assert.match(
    problems(withTensor('down', { shape: [1, 4, 5, 24] })).join('\n'),
    'shape [1,4,5,24]; expected [1,4,6,24]',
  );
});

test('weights of the wrong length are refused', () => {
  assert.match(problems(withTensor('heat/weight', { data: new Uint8Array(3) })).join('\n'), 'has 3 bytes of weights');
});

test('a bias in other units is refused', () => {
  const bias = good.tensors.find((t) => t.name === 'heat/bias')!;
  const quantization = { ...bias.quantization, scales: [1] };
  assert.match(problems(withTensor('heat/bias', { quantization })).join('\n'), 'has bias scale 1 in channel 0');
});

test('a resize whose output is not of the size it asks for is refused', () => {
  const data = new Uint8Array(Int32Array.of(6, 9).buffer);
  assert.match(problems(withTensor('coarse_up/size', { data })).join('\n'), 'shape [1,4,6,24]; expected [1,6,9,24]');
});

test('a concatenation along a dimension that is not there is refused', () => {
  assert.match(problems(withOptions(3, { axis: 4 })).join('\n'), 'joins along axis 4 of 4');
});

test('operators in an order that reads before it writes are refused', () => {
  const operators = [...good.operators.slice(1), good.operators[0]!];
  assert.match(problems({ ...good, operators }).join('\n'), 'reads stem_y, which no operator before it wrote');
});

test('a tensor written twice is refused', () => {
  const operators = [...good.operators, good.operators[14]!];
  assert.match(problems({ ...good, operators }).join('\n'), 'writes tensor box, which was written before');
});

test('an output that nobody computes is refused', () => {
  const outputs = new Map([['heat', good.tensors.find((t) => t.name === 'heat/weight')!.index]]);
  assert.equal(problems({ ...good, outputs }), ['output heat is not computed by any operator']);
});

test('an output that is an input is refused: it would hand out the picture', () => {
  const outputs = new Map([['heat', good.inputs.get('y')!]]);
  assert.equal(problems({ ...good, outputs }), ['output heat is an input']);
});

test.run();
