// Goal: the ONNX files of the bench are well formed: protobuf's encoding, and pictures turned from interleaved to planar.
// Method: bytes from protobuf's own documentation, and small pictures by hand. That ONNX Runtime computes the same net is
// shown by each run of the bench.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fromPlanar, toPlanar } from '../../../scripts/bench/adapter.ts';
import { planarShape, shifted } from '../../../scripts/bench/onnx.ts';
import * as protobuf from '../../../scripts/bench/protobuf.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('encodes as protobuf.dev/programming-guides/encoding shows', () => {
  assert.is(hex(protobuf.whole(1, 150)), '089601');
  assert.is(hex(protobuf.text(2, 'testing')), '120774657374696e67');
  assert.is(hex(protobuf.message(3, [protobuf.whole(1, 150)])), '1a03089601');
  assert.is(hex(protobuf.whole(1, -2)), '08feffffffffffffffff01');
});

test('encodes field numbers above 15, lists and floats', () => {
  assert.is(hex(protobuf.whole(20, 7)), 'a00107');
  assert.is(hex(protobuf.wholes(8, [1, 300])), '400140ac02');
  assert.is(hex(protobuf.float(2, 1)), '150000803f');
});

test('turns a picture from interleaved to planar and back', () => {
  const shape = [1, 1, 2, 3];
  const planar = toPlanar(Uint8Array.of(1, 2, 3, 11, 12, 13), shape);
  assert.equal([...planar], [1, 11, 2, 12, 3, 13]);
  assert.equal([...fromPlanar(planar, shape)], [1, 2, 3, 11, 12, 13]);
  assert.equal(planarShape(shape), [1, 3, 1, 2]);
});

test('leaves what is not a picture as it is', () => {
  assert.equal([...toPlanar(Uint8Array.of(1, 2, 3), [1, 3])], [1, 2, 3]);
  assert.equal(planarShape([1, 3]), [1, 3]);
});

test('shifts int8 to uint8 by 128', () => {
  assert.equal([...shifted(Int8Array.of(-128, -1, 0, 127))], [0, 127, 128, 255]);
});

test.run();
