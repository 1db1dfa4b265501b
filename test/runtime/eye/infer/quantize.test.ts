/**
 * Goal: fixed-point constants are those of TFLite.
 * Method: values worked out by hand from quantization_util.cc, and the definition as a property.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  activationRange,
  addMultipliers,
  divideByPowerOfTwo,
  highMultiply,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  xnnpackProduct,
  xnnpackRange,
  xnnpackSum,
} from '../../../../runtime/eye/infer/quantize.ts';

test('powers of two have the mantissa one half', () => {
  assert.equal(quantizeMultiplier(0.5), { multiplier: 2 ** 30, shift: 0 });
  assert.equal(quantizeMultiplier(1), { multiplier: 2 ** 30, shift: 1 });
  assert.equal(quantizeMultiplier(2 ** -9), { multiplier: 2 ** 30, shift: -8 });
});

test('a mantissa that rounds up to one becomes one half and a larger shift', () => {
  assert.equal(quantizeMultiplier(1 - 2 ** -40), { multiplier: 2 ** 30, shift: 1 });
});

test('factors below 2^-32 vanish', () => {
  assert.equal(quantizeMultiplier(0), { multiplier: 0, shift: 0 });
  assert.equal(quantizeMultiplier(2 ** -33), { multiplier: 0, shift: 0 });
  assert.equal(quantizeMultiplier(2 ** -32), { multiplier: 2 ** 30, shift: -31 });
});

test('the factor is multiplier x 2^(shift - 31) to within half a unit', () => {
  fc.assert(
    fc.property(fc.double({ min: 2 ** -31, max: 1000, noNaN: true }), (factor) => {
      const { multiplier, shift } = quantizeMultiplier(factor);
      assert.ok(multiplier >= 2 ** 30 && multiplier < 2 ** 31);
      assert.ok(Math.abs(factor / 2 ** (shift - 31) - multiplier) <= 0.5);
    }),
  );
});

test('activations clamp at zero point and at six', () => {
  assert.equal(activationRange(0, 0.1, 5), { minQ: -128, maxQ: 127 });
  assert.equal(activationRange(1, 0.1, 5), { minQ: 5, maxQ: 127 });
  assert.equal(activationRange(3, 0.1, 5), { minQ: 5, maxQ: 65 });
  assert.equal(activationRange(3, 0.01, -128), { minQ: -128, maxQ: 127 });
  assert.equal(activationRange(2, Math.fround(0.1), 5), { minQ: -5, maxQ: 15 });
});

test('halves round away from zero', () => {
  // 1 / 0.4 = 2.5 in float32 as well.
  assert.equal(activationRange(2, 0.4, 0), { minQ: -3, maxQ: 3 });
});

test('the larger input of an addition has factor one half exactly', () => {
  const half = { multiplier: 2 ** 30, shift: 0 };
  assert.equal(addMultipliers(0.3, 0.2, 0.5).a, half);
  assert.equal(addMultipliers(0.2, 0.3, 0.5).b, half);
});

test('a high product rounds half up, a division by a power of two half away from zero', () => {
  assert.equal(
    [3, 1, -1, -3].map((value) => highMultiply(value, 2 ** 30)),
    [2, 1, 0, -1],
  );
  assert.equal(
    [3, 1, 0, -1, -3].map((value) => divideByPowerOfTwo(value, 1) + 0),
    [2, 1, 0, -1, -2],
  );
});

test('two roundings lift what lies just below a tie, one rounding does not', () => {
  const factor = quantizeMultiplier(2 ** -9);
  assert.is(multiplyByQuantizedMultiplier(511 * 5 + 255, factor, 'double'), 5);
  assert.is(multiplyByQuantizedMultiplier(512 * 5 + 255, factor, 'double'), 6);
  assert.is(multiplyByQuantizedMultiplier(512 * 5 + 255, factor, 'single'), 5);
  assert.is(multiplyByQuantizedMultiplier(512 * 5 + 256, factor, 'single'), 6);
});

test('factors above one lift the value first', () => {
  for (const rounding of ['double', 'single'] as const) {
    assert.is(multiplyByQuantizedMultiplier(-7, quantizeMultiplier(3), rounding), -21);
    assert.is(multiplyByQuantizedMultiplier(255, quantizeMultiplier(1), rounding), 255);
  }
});

test('the larger factor of a sum in XNNPACK has 21 bits', () => {
  const out = { scale: 1, zeroPoint: 0 };
  const sum = xnnpackSum({ scale: 0.75, zeroPoint: 2 }, { scale: 0.25, zeroPoint: -4 }, out);
  const [a, b] = [0.75 * 2 ** 21, 0.25 * 2 ** 21];
  assert.equal(sum, { a, b, bias: 2 ** 20 - 2 * a + 4 * b, shift: 21 });
});

test('XNNPACK leaves scales that are far apart to TFLite', () => {
  const [near, far] = [1, 2 ** 8].map((scale) => ({ scale, zeroPoint: 0 }));
  assert.is(xnnpackSum(near!, far!, near!), undefined);
  assert.is(xnnpackSum(near!, near!, { scale: 2 ** 11, zeroPoint: 0 }), undefined);
  assert.is(xnnpackProduct(near!, far!, near!), undefined);
  assert.is(xnnpackProduct(near!, near!, { scale: 2 ** 17, zeroPoint: 0 }), undefined);
  assert.is(xnnpackProduct(near!, near!, { scale: 4, zeroPoint: 0 }), 0.25);
});

test('ends of an activation that are ties go to the nearest even in XNNPACK', () => {
  assert.equal(activationRange(2, 2, 104), { minQ: 103, maxQ: 105 });
  assert.equal(xnnpackRange(2, 2, 104), { minQ: 104, maxQ: 104 });
  assert.equal(xnnpackRange(3, 4, -9), { minQ: -9, maxQ: -8 });
});

test.run();
