/**
 * Goal: what is read out of the emulator's log is what ran, and no difference of bytes is overlooked.
 * Method: a log as QEMU 7.2 writes it and code as V8 prints it, by hand; forged hashes; the command without an emulator.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ExitCode, LetheError } from '../../runtime/errors.ts';
import { branchTarget, type Code, faultsOf, kernelCode } from '../../scripts/arm64/code.ts';
import { differences, unlikeShapes } from '../../scripts/arm64/hash.ts';
import type { CaseHash } from '../../scripts/arm64/outputs.ts';
import { functionAddresses, readTrace, type Trace } from '../../scripts/arm64/trace.ts';

/** A function at 0x1000: entry, a loop of three instructions that turns three times, a check that is never taken, return. */
const CODE = [
  `----------------
IN: 
0x00001000:  d2800060  movz     x0, #0x3
0x00001004:  f1000400  subs     x0, x0, #1
0x00001008:  540000e3  b.lo     #0x1024
`,
  `----------------
IN: 
0x0000100c:  54ffffc1  b.ne     #0x1004
`,
  `----------------
IN: 
0x00001004:  f1000400  subs     x0, x0, #1
0x00001008:  540000e3  b.lo     #0x1024
`,
  `----------------
IN: 
0x00001010:  d65f03c0  ret      
`,
];

function entered(address: string): string {
  return `Trace 0: 0x7f2bd9924ac0 [0000000000001001/0000000000${address}/00000001/00080200] \n`;
}

const CALL = ['001000', '00100c', '001004', '00100c', '001004', '00100c', '001010'].map(entered).join('');
const ENTRY = 0x1000;

test('a log is cut at the entries of the function into calls, each a sequence of blocks', () => {
  const { blocks, calls } = readTrace(`${CODE.join('')}${entered('001010')}${CALL}${CALL}`, ENTRY);
  assert.is(blocks.length, 4);
  assert.equal(calls, [
    [0, 1, 2, 1, 2, 1, 3],
    [0, 1, 2, 1, 2, 1, 3],
  ]);
  assert.equal(blocks[0]![1], { address: 0x1004, word: 0xf1000400, text: 'subs x0, x0, #1' });
});

test('a block that a signal kept from running is not counted, the first of a call neither', () => {
  const stopped = 'Stopped execution of TB chain before 0x7f2bd9924ac0 [00001000] \n';
  const log = `${CODE.join('')}${entered('001000')}${stopped}${CALL}${entered('001010')}${stopped}`;
  assert.equal(readTrace(log, ENTRY).calls, [[0, 1, 2, 1, 2, 1, 3]]);
});

test('code that ran without having been printed is refused', () => {
  assert.throws(
    () => readTrace(`${CODE.slice(0, 2).join('')}${CALL}`, ENTRY),
    (error: unknown) => error instanceof LetheError && error.code === 'TRACE_UNREADABLE',
  );
});

test('the hottest loop is found by its jump back, with turns, instructions and checks counted', () => {
  const { blocks, calls } = readTrace(`${CODE.join('')}${CALL}`, ENTRY);
  const trace = {
    choice: { major: 20, rounding: 'double', model: '', kernels: 'pairs' },
    blocks,
    commands: [{ step: 0, kernel: 'pointwise', entered: calls[0]! }],
    steps: [{ label: '0', kernels: ['pointwise'], output: 'out', shape: [1], macs: 20 }],
  } as unknown as Trace;
  const kernel = kernelCode(trace, 'pointwise');
  assert.is(kernel.instructions, 11);
  assert.is(kernel.macs, 20);
  const { turns, instructions, checks, mnemonics } = kernel.loop!;
  assert.equal({ turns, instructions, checks }, { turns: 3, instructions: 3, checks: 1 });
  assert.equal(mnemonics, [
    ['subs', 1],
    ['b.lo', 1],
    ['b.ne', 1],
  ]);
  assert.equal(faultsOf({ trace, kernels: [kernel] } satisfies Code), [
    'pointwise: its hottest loop has no smull, smlal, smull2, smlal2, sadalp',
  ]);
});

test('targets of jumps are read, of calls and data are not', () => {
  assert.is(branchTarget('b.lo #0xdca136644e0'), 0xdca136644e0);
  assert.is(branchTarget('cbnz w3, #0x40'), 0x40);
  assert.is(branchTarget('tbz w3, #0x1f, #0x44'), 0x44);
  assert.is(branchTarget('bl #0x40'), undefined);
  assert.is(branchTarget('ldr x16, #0x40'), undefined);
});

test('addresses of functions are read from what V8 prints', () => {
  const printed = `--- WebAssembly code ---
name: wasm-function[2]
index: 2
kind: wasm function
compiler: TurboFan
Body (size = 16 = 12 + 4 padding)
Instructions (size = 12)
0x3430e8557720     0  a9bf7bfd       stp fp, lr, [sp, #-16]!
--- End code ---
--- WebAssembly code ---
name: wrapper
index: 1
kind: wasm-to-js
Instructions (size = 4)
0x100     0  a9bf7bfd       stp fp, lr, [sp, #-16]!
`;
  assert.equal([...functionAddresses(printed)], [[2, 0x3430e8557720]]);
});

function hashed(name: string, shape: CaseHash['shape'], sha256: string): CaseHash {
  return { rounding: 'double', shape, name, outputBytes: 4, sha256 };
}

test('a case with other bytes, or that did not run, is named', () => {
  const expected = [hashed('a', 'scalar', '1'), hashed('a', 'pairs', '1'), hashed('b', 'scalar', '2')];
  assert.equal(differences(expected, expected), []);
  assert.equal(differences(expected, [expected[0]!, hashed('a', 'pairs', '3')]), [
    'a (rounding double, kernels pairs) gives other bytes than this machine',
    'b (rounding double, kernels scalar) did not run',
  ]);
  assert.equal(differences(expected.slice(0, 2), expected), ['1 cases too many']);
});

test('kernel shapes that disagree on one machine are named', () => {
  assert.equal(unlikeShapes([hashed('a', 'scalar', '1'), hashed('a', 'pairs', '1'), hashed('a', 'dot', '4')]), [
    'a (rounding double, kernels dot) gives other bytes than the scalar kernels',
  ]);
});

test('without an emulator the command ends with 69 and says what to install', () => {
  const main = fileURLToPath(new URL('../../scripts/arm64/main.js', import.meta.url));
  const done = spawnSync(process.execPath, [main, 'hash'], { encoding: 'utf8', env: { PATH: '/nowhere' } });
  assert.is(done.status, ExitCode.unavailable);
  assert.match(done.stderr, 'sudo apt-get install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross');
});

test.run();
