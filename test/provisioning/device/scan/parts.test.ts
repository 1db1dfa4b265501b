// Goal: a held button forgets what was taken and ends the scan with its own code; the pulse stops when no picture comes.
// Method: the scan in this process, on a camera moved by hand, files in a temporary folder and a pulse that remembers.
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualClock } from '../../../../drivers/clock/manual.ts';
import { MemoryPulse } from '../../../../drivers/watchdog/memory.ts';
import { placesBelow } from '../../../../provisioning/device/places.ts';
import { digestOf, SetupFiles } from '../../../../provisioning/device/scan/files.ts';
import { SCAN_FORMAT } from '../../../../provisioning/device/scan/plate.ts';
import { Scan } from '../../../../provisioning/device/scan/scan.ts';
import { ScanVitals } from '../../../../provisioning/device/scan/vitals.ts';
import { ExitCode } from '../../../../runtime/errors.ts';
import { createLog } from '../../../../runtime/log.ts';
import { FakeCamera } from '../../../fakes/camera.ts';
import { within } from '../../../fakes/within.ts';

const SOON_MS = 20_000;
const test = suite('scan, parts');
let root = '';
test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'lethe-scan-'));
  mkdirSync(join(root, 'run/lethe-setup'), { recursive: true });
});
test.after.each(() => rmSync(root, { recursive: true }));

function scanIn(folder: string) {
  const clock = new ManualClock(Date.now());
  const exits: number[] = [];
  let tellExit: () => void = () => {};
  const exited = new Promise<void>((resolve) => {
    tellExit = resolve;
  });
  const levels: boolean[] = [];
  const pulse = new MemoryPulse();
  const scan = new Scan({
    camera: new FakeCamera(SCAN_FORMAT),
    clock,
    lamp: { write: (high) => levels.push(high), close: () => {} },
    files: new SetupFiles(placesBelow(folder)),
    deviceName: undefined,
    pulse,
    log: createLog('scan', 'silent'),
    exit: (code) => {
      exits.push(code);
      tellExit();
    },
  });
  return { scan, clock, exits, exited, levels, pulse };
}

test('a button that is held and let go in time ends it with 76, and nothing is under way any more', async () => {
  const files = new SetupFiles(placesBelow(root));
  files.handOn('LETHE1.abc.def');
  const { scan, exits, exited } = scanIn(root);
  scan.start();
  scan.showHeld();
  scan.onHold(true);
  await within(SOON_MS, 'the end', exited);
  assert.equal(exits, [ExitCode.reset]);
  assert.is(files.taken(), undefined);
  assert.not.ok(existsSync(join(root, 'run/lethe-setup/code')));
});

test('a button that is held for ever, as a cable with a short is, does nothing', async () => {
  const files = new SetupFiles(placesBelow(root));
  files.handOn('LETHE1.abc.def');
  const { scan, exits } = scanIn(root);
  scan.start();
  scan.showHeld();
  scan.onHold(false);
  assert.is(files.taken()?.digest, digestOf('LETHE1.abc.def'));
  assert.equal(exits, []);
  await scan.stop(ExitCode.ok);
  assert.equal(exits, [ExitCode.ok]);
});

test('the loop is well without a key, each second, and says what the lamp says', async () => {
  const { scan, clock, pulse } = scanIn(root);
  scan.start();
  clock.advance(60_000);
  assert.ok(pulse.isReady);
  assert.is(pulse.withheldCount, 0);
  assert.is(pulse.status, 'noKeys');
  await scan.stop(ExitCode.ok);
});

test('a camera that runs and delivers nothing for half a minute is not well; one that is lost is', () => {
  const pulse = new MemoryPulse();
  const vitals = new ScanVitals(pulse, 0);
  const second = (atS: number, isExpecting: boolean, frameCount: number) =>
    vitals.tick({ isExpecting, frameCount }, 'waiting', atS * 1e6);
  for (let atS = 1; atS <= 30; atS++) second(atS, true, 0);
  assert.is(pulse.withheldCount, 0);
  second(31, true, 0);
  assert.is(pulse.withheldCount, 1);
  second(32, true, 1);
  assert.is(pulse.withheldCount, 1, 'a picture came');
  for (let atS = 33; atS <= 200; atS++) second(atS, false, 1);
  assert.is(pulse.withheldCount, 1, 'the camera is lost and tried again');
});

test('a refusal that is older than the code that was taken is none of that code', () => {
  const files = new SetupFiles(placesBelow(root));
  const refusal = join(root, 'run/lethe-setup/refusal');
  writeFileSync(refusal, 'wifi_password');
  const longAgoS = Date.now() / 1000 - 100;
  utimesSync(refusal, longAgoS, longAgoS);
  files.handOn('LETHE1.abc.def');
  assert.is(files.taken()?.isRefused, false);
  writeFileSync(refusal, 'wifi_password');
  assert.is(files.taken()?.isRefused, true);
});

test('a refusal is told once for each time that it was written, and a word of another length is not read', () => {
  const files = new SetupFiles(placesBelow(root));
  const refusal = join(root, 'run/lethe-setup/refusal');
  writeFileSync(refusal, 'expired\n');
  assert.is(files.takeRefusal(), 'expired');
  assert.is(files.takeRefusal(), undefined);
  writeFileSync(refusal, 'expired'.repeat(1000));
  utimesSync(refusal, 1, 1);
  assert.is(files.takeRefusal(), undefined);
});

test.run();
