/**
 * Goal: on arm64 the kernels give the very bytes they give here, and V8 makes of them the instructions they were shaped for.
 * Method: the real Node for arm64 under QEMU's user-mode emulation, with V8's optimising compiler (scripts/arm64).
 * Needs QEMU and the C libraries of arm64; without them it fails and says how to install them. SKIP_ARM64=1 skips it.
 */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PACKAGE_ROOT } from '../../runtime/package.ts';
import { codeOf, faultsOf } from '../../scripts/arm64/code.ts';
import { compareHashes } from '../../scripts/arm64/hash.ts';

if (process.env['SKIP_ARM64'] === '1') {
  process.stdout.write('SKIP_ARM64=1: tests on emulated arm64 are skipped\n');
  test('skipped by SKIP_ARM64=1', () => {});
} else {
  test('Cortex-A72 and A76 give the bytes of this machine in every case, rounding and kernel shape', () => {
    const rows = compareHashes({ majors: [20], cpus: ['a72', 'a76'], tiers: ['turbofan'], v8Flags: [], roundCount: 1 });
    assert.equal(
      rows.flatMap(({ machine, differences }) => differences.map((text) => `${machine}: ${text}`)),
      [],
    );
    assert.is(rows.length, 3);
    for (const { machine, caseCount } of rows) assert.ok(caseCount > 1000, `${machine} ran ${caseCount} cases`);
  });

  test('convolutions spend their time in smull, smlal and sadalp', () => {
    const model = join(PACKAGE_ROOT, 'models', 'person', 'person.tflite');
    const code = codeOf({ major: 20, rounding: 'double', model, kernels: 'pairs' });
    const names = code.kernels.map(({ kernel }) => kernel);
    for (const kernel of ['patch', 'pointwise', 'depthwise'])
      assert.ok(names.includes(kernel), `${kernel} of ${names}`);
    assert.equal(faultsOf(code), []);
  });
}

test.run();
