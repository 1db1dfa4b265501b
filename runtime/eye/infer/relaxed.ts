/**
 * Relaxed SIMD: i32x4.relaxed_dot_i8x16_i7x16_add_s multiplies four pairs of int8 and adds the products to an int32. What it
 * makes of a second operand outside of 0..127 is left to the machine (WebAssembly 3.0, relaxed vector instructions). V8:
 *
 * - x86-64 with AVX-VNNI has vpdpbusd, second operand unsigned, from Node 24 on. Everything else there adds pairs of
 *   products in int16 and saturates, which is wrong for large taps.
 * - arm64 takes both for signed. With dot products (Cortex-A76, Raspberry Pi 5) it is sdot; without (Cortex-A72, Raspberry
 *   Pi 4), and in the code that V8 makes first, it is five instructions, no better than `pairs`. Weights of -128 overflow there.
 *
 * So the machine is asked what it computes, and on arm64 Linux is asked what the processor has. Node 20 refuses modules with
 * these instructions.
 */
import { readFileSync } from 'node:fs';
import type { RelaxedShape } from './operators/lowering.ts';

/** Function of kernels/probe.ts. */
type Probe = (weights: number, taps: number, sum: number) => number;

/** Ends of the ranges and what is near zero, each beside each other; no kernel gives a weight of -128 to this instruction. */
const WEIGHTS = [-127, -1, 0, 1, 127];
const TAPS = [-128, -127, -1, 0, 1, 127];
const SUMS = [0, -1, 123_456_789];

let found: { readonly shape: RelaxedShape | undefined } | undefined;

/** The relaxed kernels that are exact and fast here; undefined where there are none. The machine is asked once. */
export function relaxedShape(): RelaxedShape | undefined {
  found ??= { shape: hasDotProducts(process.arch, readCpuInfo()) ? shapeOf(loadProbe()) : undefined };
  return found.shape;
}

/** cpuInfo: the text of /proc/cpuinfo. Other processors than arm64 show in what they compute whether they have them. */
export function hasDotProducts(arch: string, cpuInfo: string): boolean {
  return arch !== 'arm64' || /^Features\s*:.*\basimddp\b/m.test(cpuInfo);
}

function readCpuInfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    // Not a Linux: nothing is known about its processor.
    return '';
  }
}

/** Undefined where the machine refuses relaxed SIMD. */
export function loadProbe(): Probe | undefined {
  const wasm = readFileSync(new URL('./kernels/probe.wasm', import.meta.url));
  if (!WebAssembly.validate(wasm)) return undefined;
  return new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports['probe'] as Probe;
}

/** From what a machine computes to the kernels that are exact on it. */
export function shapeOf(probe: Probe | undefined): RelaxedShape | undefined {
  if (probe === undefined) return undefined;
  if (isExact(probe, (tap) => tap)) return 'relaxed-signed';
  return isExact(probe, (tap) => tap & 255) ? 'relaxed-unsigned' : undefined;
}

/** read: what a tap is taken for. */
function isExact(probe: Probe, read: (tap: number) => number): boolean {
  return pairsOf(WEIGHTS).every(([w0, w1]) =>
    pairsOf(TAPS).every(([t0, t1]) =>
      // A pair and the same pair again: sums of two products are all in it, and the largest of four.
      SUMS.every((sum) => probe(four(w0, w1), four(t0, t1), sum) === sum + 2 * (w0 * read(t0) + w1 * read(t1))),
    ),
  );
}

function pairsOf(values: readonly number[]): (readonly [number, number])[] {
  return values.flatMap((first) => values.map((second) => [first, second] as const));
}

function four(first: number, second: number): number {
  return ((first & 255) | ((second & 255) << 8)) * 0x10001;
}
