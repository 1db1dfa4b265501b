/** How far the results of two engines lie apart. */
import * as assert from 'uvu/assert';
import type { GraphTensor } from '../../runtime/eye/infer/tensor.ts';

/** Float32 results have no steps: this share of the value counts as one. */
const REAL_STEP = 1e-5;

/** Quantised values of a tensor's bytes, or real ones of a float32 tensor. */
export function numbers({ kind, count }: GraphTensor, bytes: Uint8Array): Float32Array {
  if (kind === 'float32') return new Float32Array(bytes.slice().buffer, 0, count);
  return Float32Array.from(kind === 'int8' ? new Int8Array(bytes.buffer, bytes.byteOffset, count) : bytes);
}

/** In steps of the tensor's scale. */
export class Distance {
  valueCount = 0;
  differCount = 0;
  stepsMax = 0;
  #stepsSum = 0;

  add({ kind, count }: GraphTensor, a: ArrayLike<number>, b: ArrayLike<number>): void {
    assert.is(a.length, count);
    assert.is(b.length, count);
    for (let i = 0; i < count; i += 1) {
      const step = kind === 'float32' ? REAL_STEP * Math.max(Math.abs(a[i]!), REAL_STEP) : 1;
      const steps = Math.abs(a[i]! - b[i]!) / step;
      this.valueCount += 1;
      if (steps !== 0) this.differCount += 1;
      this.#stepsSum += steps;
      // Written so that NaN is kept.
      if (!(steps <= this.stepsMax)) this.stepsMax = steps;
    }
  }

  merge(other: Distance): void {
    this.valueCount += other.valueCount;
    this.differCount += other.differCount;
    this.stepsMax = Math.max(this.stepsMax, other.stepsMax);
    this.#stepsSum += other.#stepsSum;
  }

  /** Of values that differ, 0..1. */
  get share(): number {
    return this.differCount / this.valueCount;
  }

  get stepsMean(): number {
    return this.#stepsSum / this.valueCount;
  }

  toString(): string {
    const percent = (100 * this.share).toFixed(2);
    return `${this.differCount} of ${this.valueCount} values differ (${percent} %), by ${this.stepsMean.toPrecision(2)} steps in the mean, ${this.stepsMax} at most`;
  }
}

export function kinds(totals: Map<string, Distance>, kind: string): Distance {
  const total = totals.get(kind) ?? new Distance();
  totals.set(kind, total);
  return total;
}
