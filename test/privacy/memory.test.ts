// Goal: the audit says `nothing found` of the eye as it is, and finds an eye that keeps a few pixels.
// Method: the whole audit, short, on real processes; the wrong eye keeps 64 pixels a frame as numbers in a list.
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type MemoryAuditOptions, memoryAudit } from '../../runtime/commands/audit/memory.ts';
import { ExitCode } from '../../runtime/errors.ts';

const WRONG_EYE = fileURLToPath(new URL('./wrong-eye.js', import.meta.url));

type Report = {
  readonly verdict: string;
  readonly faults: readonly string[];
  readonly control: { readonly decoy: { readonly missed: readonly string[] } };
  readonly eye: {
    readonly frames_sent: number;
    readonly frames: { readonly read: number };
    readonly places: readonly {
      readonly place: string;
      readonly found_bytes: number;
      readonly forms: readonly string[];
    }[];
  };
};

async function audit(options: Partial<MemoryAuditOptions>): Promise<{ exit: ExitCode; report: Report }> {
  let text = '';
  const exit = await memoryAudit({
    configPath: undefined,
    overrides: [],
    frameRateHz: 30,
    seconds: 2,
    json: true,
    out: (more) => {
      text += more;
    },
    progress: () => {},
    ...options,
  });
  return { exit, report: JSON.parse(text) as Report };
}

test('nothing is found in eye and voice, and both controls find what they must', async () => {
  const { exit, report } = await audit({});
  assert.equal(report.faults, []);
  assert.is(report.verdict, 'nothing found');
  assert.is(exit, ExitCode.ok);
  assert.is(report.eye.frames.read, 60);
  assert.equal(report.control.decoy.missed, []);
  for (const place of ['memory of the eye', 'memory of the voice', 'corridor', 'state folder', 'log'])
    assert.ok(
      report.eye.places.some(({ place: name }) => name === place),
      `${place} was searched`,
    );
});

test('an eye that keeps 64 pixels of each frame is found out', async () => {
  const { exit, report } = await audit({
    eyeWords: ['--import', `file://${WRONG_EYE}#keep`],
    eyeReadPaths: [WRONG_EYE],
  });
  assert.is(report.verdict, 'pictures found');
  assert.is(exit, ExitCode.failed);
  const finds = report.eye.places.filter(({ found_bytes }) => found_bytes > 0);
  assert.ok(finds.some(({ place, forms }) => place === 'memory of the eye' && forms.includes('float64 v/255')));
  assert.ok(finds.reduce((sum, { found_bytes }) => sum + found_bytes, 0) >= 60 * 64 * 8);
});

test.run();
