// Goal: the scan's unit promises what the eye's does: a camera, no network, no file but the code.
// Method: both files are parsed and compared; then systemd's own checker where it is installed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ExitCode } from '../../runtime/errors.ts';
import { sourceRoot } from '../fakes/root.ts';
import { parseUnit, settingOf, type UnitFile, wordsOf } from './unit-file.ts';

const path = (name: string) => join(sourceRoot(), 'provisioning', 'units', name);
const unit = (name: string) => parseUnit(readFileSync(path(name), 'utf8'));
const scan = unit('lethe-scan.service');
const eye = unit('lethe-eye.service');
const grants = (of: UnitFile, flag: string) =>
  wordsOf(of, 'ExecStart').flatMap((word) => (word.startsWith(`${flag}=`) ? [word.slice(flag.length + 1)] : []));

/** In these the scan is another program than the eye; all else must be the same. */
const OWN = [
  'Description',
  'After',
  'Wants',
  'ConditionPathExists',
  'OnFailure',
  'ExecStart',
  'ExecStopPost',
  'RestartSec',
  'RestartPreventExitStatus',
  'RestartForceExitStatus',
  'SuccessExitStatus',
  'SupplementaryGroups',
  'RuntimeDirectory',
  'ReadWritePaths',
  'InaccessiblePaths',
  'NoExecPaths',
];

test('in all that keeps it in, it is the eye', () => {
  const rest = (of: UnitFile) =>
    Object.fromEntries(
      [...of].filter(([key]) => !OWN.includes(key.split(' ')[1]!)).sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  assert.equal(rest(scan), rest(eye));
});

test('it runs only without a configuration, and never gives up', () => {
  assert.is(scan.get('Unit ConditionPathExists')?.[0], '!/etc/lethe/lethe.json');
  assert.is(settingOf(scan, 'Restart'), 'always');
  assert.is(scan.get('Unit StartLimitIntervalSec')?.[0], '0');
  assert.equal(wordsOf(scan, 'RestartPreventExitStatus'), [String(ExitCode.reset)]);
  assert.is(scan.get('Unit OnFailure')?.[0], 'lethe-reset.service');
});

test('it may write where its pipes lie, where the code goes, and pins and LED; nowhere else', () => {
  assert.equal(wordsOf(scan, 'ReadWritePaths'), [
    '/run/lethe-setup',
    '-/sys/class/gpio',
    '-/sys/class/leds',
    '-/sys/devices/platform',
  ]);
  assert.equal(grants(scan, '--allow-fs-write'), [
    '/run/lethe-setup/',
    '/run/lethe-scan/',
    '/run/lethe-pulse/lethe-scan',
    '/sys/class/gpio/',
    '/sys/class/leds/',
    '/sys/devices/platform/',
  ]);
  for (const folder of ['/run/lethe-scan', '/run/lethe-setup', '/'])
    assert.ok(wordsOf(scan, 'NoExecPaths').includes(folder), folder);
});

test('it sees nothing of what the other programs keep', () => {
  const hidden = wordsOf(scan, 'InaccessiblePaths').map((word) => word.replace(/^-/, ''));
  for (const folder of [
    '/var/lib/lethe',
    '/var/lib/lethe-setup',
    '/var/lib/lethe-claim',
    '/run/lethe',
    '/run/lethe-eye',
  ])
    assert.ok(hidden.includes(folder), folder);
  for (const file of grants(scan, '--allow-fs-read')) assert.not.match(file, /device\.|ca\.crt|^\/var/);
});

test('threads it may have, which the eye may not', () => {
  assert.ok(wordsOf(scan, 'ExecStart').includes('--allow-worker'));
  assert.not.ok(wordsOf(eye, 'ExecStart').includes('--allow-worker'));
});

test('the board’s LED may be written by the group of the pins, and nothing else is changed', () => {
  const rows = readFileSync(path('lamp.conf'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/).slice(0, 5));
  assert.is(rows.length, 4);
  for (const [kind, file, mode, user, group] of rows) {
    assert.equal([kind, mode, user, group], ['z', '0664', 'root', 'gpio']);
    assert.match(file!, /^\/sys\/class\/leds\/(ACT|led0)\/(brightness|trigger)$/);
  }
  assert.ok(wordsOf(scan, 'SupplementaryGroups').includes('gpio'));
});

test('systemd finds its exposure to be 1.0 at most', () => {
  const done = spawnSync('systemd-analyze', ['security', '--offline=true', path('lethe-scan.service')], {
    encoding: 'utf8',
  });
  if (done.error !== undefined) return; // no systemd on this machine
  const exposure = Number(/exposure level for lethe-scan\.service: ([\d.]+)/.exec(done.stdout)?.[1]);
  assert.ok(exposure <= 1, `${exposure}`);
});

test.run();
