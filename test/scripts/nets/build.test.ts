/**
 * Goal: networks made by seed are the same everywhere, and their activations stay alive however deep they are.
 * Method: a file's hash as a literal; twenty layers run by our engine, with the share of bytes at the ends counted.
 */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadProgram } from '../../../runtime/eye/infer/engine.ts';
import { checkGraph } from '../../../runtime/eye/infer/graph.ts';
import { NO_PIXELS } from '../../../runtime/eye/infer/pixels.ts';
import { prepareProgram } from '../../../runtime/eye/infer/program.ts';
import { NetBuilder, type NetTensor } from '../../../scripts/nets/build.ts';
import { Random } from '../../../scripts/nets/random.ts';
import { writeTflite } from '../../../scripts/nets/writer.ts';

/** Twenty layers with shortcuts; the last of each kind of activation are the outputs. */
function deepNet(seed: number): { readonly net: NetBuilder; readonly outputs: readonly NetTensor[] } {
  const net = new NetBuilder(seed);
  let last = net.convolution(net.input([1, 24, 24, 3]), { channels: 16, kernel: 3, stride: 2, activation: 'relu6' });
  const outputs: NetTensor[] = [];
  for (let block = 0; block < 7; block += 1) {
    const depth = net.depthwise(last, { activation: 'relu6' });
    const point = net.convolution(depth, { channels: 16 });
    const sum = net.add(last, point, { activation: 'relu' });
    outputs.push(depth, point, sum);
    last = sum;
  }
  return { net, outputs };
}

test('one seed is one file', () => {
  const { net, outputs } = deepNet(1);
  const sha256 = createHash('sha256')
    .update(writeTflite(net.model(...outputs)))
    .digest('hex');
  assert.is(sha256, '137c77a8187ac030609c3a99a2d361a1965f0c076e21d250d487b9a4e77573cf');
});

test('activations of twenty layers are neither saturated nor dead', () => {
  for (const seed of [1, 2, 3]) {
    const { net, outputs } = deepNet(seed);
    const graph = checkGraph(net.model(...outputs));
    const program = prepareProgram(graph, NO_PIXELS, { shape: 'scalar', rounding: 'double' });
    const machine = loadProgram(program);
    const memory = new Int8Array(machine.memory.buffer);
    const bytesOf = (index: number): Int8Array => {
      const { offsetBytes, bytes } = program.regions.get(index)!;
      return memory.subarray(offsetBytes, offsetBytes + bytes);
    };
    bytesOf(graph.inputs.get('x')!.index).set(new Random(seed).bytes(24 * 24 * 3));
    machine.kernels.run(program.commandsOffset, 0, program.commandCount);
    for (const { name, index } of outputs) {
      const values = bytesOf(index);
      const share = (wanted: number): number => values.filter((value) => value === wanted).length / values.length;
      assert.ok(share(127) < 0.1, `${name} of seed ${seed}: ${share(127)} of the values are 127`);
      // Half of the values before a RELU are expected below 0.
      assert.ok(share(-128) < 0.85, `${name} of seed ${seed}: ${share(-128)} of the values are -128`);
      assert.ok(new Set(values).size > 60, `${name} of seed ${seed} has ${new Set(values).size} different values`);
    }
  }
});

test.run();
