/**
 * Goal: fixed-point constants are those of TFLite.
 * Method: values worked out by hand from quantization_util.cc, and the definition as a property.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { activationRange, addMultipliers, quantizeMultiplier } from '../../../../runtime/eye/infer/quantize.ts';

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

test.run();
