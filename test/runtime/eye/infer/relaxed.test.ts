/**
 * Goal: relaxed kernels are chosen only where they are exact and fast.
 * Method: the choice from models of what V8 makes of the instruction on each kind of machine; lines of /proc/cpuinfo as boards
 * have them; this machine's own choice against what it computes.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hasDotProducts, loadProbe, relaxedShape, shapeOf } from '../../../../runtime/eye/infer/relaxed.ts';

type Read = (byte: number) => number;
const signed: Read = (byte) => (byte << 24) >> 24;
const unsigned: Read = (byte) => byte & 255;

/** A machine: how it reads the second operand, and what becomes of sums of two products. */
function machine(read: Read, addPair: (sum: number) => number = (sum) => sum) {
  return (weights: number, taps: number, sum: number): number => {
    const product = (i: number): number => signed(weights >> (8 * i)) * read(taps >> (8 * i));
    return (sum + addPair(product(0) + product(1)) + addPair(product(2) + product(3))) | 0;
  };
}

const saturate16 = (sum: number): number => Math.max(-32768, Math.min(32767, sum));
const wrap16 = (sum: number): number => (sum << 16) >> 16;

test('sdot and vpdpbssd take taps as they are, vpdpbusd takes them unsigned', () => {
  assert.is(shapeOf(machine(signed)), 'relaxed-signed');
  assert.is(shapeOf(machine(unsigned)), 'relaxed-unsigned');
});

test('sums in int16 that overflow only at -128 x -128 do no harm, because no weight is -128', () => {
  assert.is(shapeOf(machine(signed, wrap16)), 'relaxed-signed');
});

test('vpmaddubsw saturates sums of two products, Node 20 has no such instructions: no relaxed kernels', () => {
  assert.is(shapeOf(machine(unsigned, saturate16)), undefined);
  assert.is(shapeOf(undefined), undefined);
});

test('a machine that is wrong in any way has no relaxed kernels', () => {
  const right = machine(signed);
  assert.is(
    shapeOf((weights, taps) => right(weights, taps, 0)),
    undefined,
    'forgets the sum',
  );
  assert.is(
    shapeOf((weights, taps, sum) => right(taps, weights, sum) + 1),
    undefined,
    'off by one',
  );
  assert.is(shapeOf(machine((byte) => byte & 127)), undefined, 'seven bits');
});

test('arm64 has dot products where Linux says so; x86-64 is judged by what it computes', () => {
  // First lines of both boards' files; the Cortex-A76 has asimddp, the Cortex-A72 has not.
  const pi4 = 'processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n';
  const pi5 =
    'processor\t: 0\nBogoMIPS\t: 108.00\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp\nCPU part\t: 0xd0b\n';
  assert.is(hasDotProducts('arm64', pi4), false);
  assert.is(hasDotProducts('arm64', pi5), true);
  assert.is(hasDotProducts('arm64', ''), false);
  assert.is(hasDotProducts('x64', ''), true);
});

test('this machine chooses what it computes, or nothing', () => {
  const shape = relaxedShape();
  assert.ok(shape === undefined || shape === shapeOf(loadProbe()), shape);
});

test.run();
