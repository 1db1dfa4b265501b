// Goal: each program of the setup has the rights that it needs and no other: root without a network or a network without root,
// no camera and no device at all; what Node may write systemd lets it write, and nothing that can be written can be executed.
// Method: the files are parsed and asked, then systemd's own checker where it is installed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ExitCode } from '../../runtime/errors.ts';
import { sourceRoot } from '../fakes/root.ts';
import { parseUnit, settingOf, type UnitFile, wordsOf } from './unit-file.ts';

const test = suite('units of the setup');
const folder = join(sourceRoot(), 'provisioning', 'units');
const unitOf = (name: string) => parseUnit(readFileSync(join(folder, `lethe-${name}`), 'utf8'));
const [join_, claim, settle, reset, eye] = ['join', 'claim', 'settle', 'reset', 'eye'].map((name) =>
  unitOf(`${name}.service`),
) as [UnitFile, UnitFile, UnitFile, UnitFile, UnitFile];
const ALL: readonly (readonly [string, UnitFile])[] = [
  ['join', join_],
  ['claim', claim],
  ['settle', settle],
  ['reset', reset],
];
const ROOTS = ALL.filter(([name]) => name !== 'claim');
const pathsOf = (unit: UnitFile, key: string) => wordsOf(unit, key).map((path) => path.replace(/^-/, ''));
const grants = (unit: UnitFile, flag: string) =>
  wordsOf(unit, 'ExecStart').flatMap((word) => (word.startsWith(`${flag}=`) ? [word.slice(flag.length + 1)] : []));

test('no device, and no group of the cameras', () => {
  for (const [name, unit] of ALL) {
    assert.is(settingOf(unit, 'PrivateDevices'), 'yes', name);
    assert.is(settingOf(unit, 'DevicePolicy'), 'closed', name);
    assert.is(settingOf(unit, 'DeviceAllow'), undefined, name);
    assert.not.ok(wordsOf(unit, 'SupplementaryGroups').includes('video'), name);
    assert.ok(pathsOf(unit, 'InaccessiblePaths').includes('/run/lethe-eye'), name);
  }
});

test('claim has the network and is not root; root’s three speak no protocol of the internet', () => {
  assert.is(settingOf(claim, 'User'), 'lethe-claim');
  assert.is(settingOf(claim, 'CapabilityBoundingSet'), '');
  for (const [name, unit] of ROOTS) {
    assert.is(settingOf(unit, 'User'), undefined, name);
    assert.not.ok(
      wordsOf(unit, 'RestrictAddressFamilies').some((family) => family.startsWith('AF_INET')),
      name,
    );
    assert.is(settingOf(unit, 'IPAddressDeny'), 'any', name);
  }
  assert.is(settingOf(settle, 'PrivateNetwork'), 'yes');
  assert.is(settingOf(reset, 'PrivateNetwork'), 'yes');
});

test('of root’s rights nobody has any, but join that of the radio’s rules', () => {
  const rights = ROOTS.map(([name, unit]) => `${name} ${settingOf(unit, 'CapabilityBoundingSet')}`);
  assert.equal(rights, ['join CAP_NET_ADMIN', 'settle ', 'reset ']);
  for (const [name, unit] of ALL) {
    assert.is(settingOf(unit, 'NoNewPrivileges'), 'yes', name);
    assert.is(settingOf(unit, 'AmbientCapabilities'), '', name);
  }
});

test('what Node may write systemd lets it write, and it cannot be executed', () => {
  for (const [name, unit] of ALL) {
    assert.is(settingOf(unit, 'ProtectSystem'), 'strict', name);
    const writable = [
      ...pathsOf(unit, 'ReadWritePaths'),
      ...wordsOf(unit, 'StateDirectory').map((path) => `/var/lib/${path}`),
    ];
    const written = grants(unit, '--allow-fs-write');
    assert.equal(written.map((path) => path.replace(/\/$/, '')).sort(), [...new Set(writable)].sort(), name);
    const closed = pathsOf(unit, 'NoExecPaths');
    assert.is(closed[0], '/', name);
    for (const path of writable)
      assert.ok(
        closed.slice(1).some((above) => path === above || path.startsWith(`${above}/`)),
        `${name} ${path}`,
      );
  }
});

test('no folder has the beginning of another one’s name, or Node (20 and 24) could not list it', () => {
  for (const [name, unit] of ALL) {
    for (const flag of ['--allow-fs-read', '--allow-fs-write']) {
      const folders = grants(unit, flag).filter((path) => path.endsWith('/'));
      const short = folders.filter((path) =>
        folders.some((other) => other !== path && other.startsWith(path.slice(0, -1))),
      );
      assert.equal(short, [], `${name} ${flag}`);
    }
  }
});

test('the time’s mark is granted by its own name: a folder that is not there yet would be taken for a file', () => {
  for (const unit of [join_, claim])
    assert.ok(grants(unit, '--allow-fs-read').includes('/run/systemd/timesync/synchronized'));
});

test('only what starts nmcli may start programs, and of these only the ones it needs', () => {
  const programs = (unit: UnitFile) => pathsOf(unit, 'ExecPaths').filter((path) => !/^\/usr\/lib/.test(path));
  const node = '/opt/lethe/current/bin/node';
  assert.equal(programs(claim), [node]);
  assert.equal(programs(join_), [node, '/usr/bin/systemctl', '/usr/bin/nmcli', '/usr/sbin/iw']);
  assert.equal(programs(settle), [node, '/usr/bin/dash', '/usr/bin/systemctl', '/usr/bin/nmcli']);
  assert.equal(programs(reset), [node, '/usr/bin/dash', '/usr/bin/rm', '/usr/bin/systemctl', '/usr/bin/nmcli']);
  assert.not.ok(wordsOf(claim, 'ExecStart').includes('--allow-child-process'));
  for (const [name, unit] of ALL)
    assert.not.ok(
      wordsOf(unit, 'ExecStart').some((word) => /allow-(addons|worker|wasi)|inspect/.test(word)),
      name,
    );
});

test('claim sees neither root’s folder nor the voice’s: the setup is handed over in memory', () => {
  assert.equal(claim.get('Service LoadCredential'), ['setup:/var/lib/lethe-setup/setup.json']);
  for (const path of ['/var/lib/lethe-setup', '/var/lib/lethe'])
    assert.ok(pathsOf(claim, 'InaccessiblePaths').includes(path), path);
});

test('one starts the next: a code join, join the claim, the claim settle; and what the power cut off at the next start', () => {
  assert.equal(unitOf('join.path').get('Path PathExists'), ['/run/lethe-setup/code']);
  assert.equal(join_.get('Unit OnSuccess'), ['lethe-claim.service']);
  assert.equal(claim.get('Unit OnSuccess'), ['lethe-settle.service']);
  for (const unit of [join_, settle, reset, unitOf('join.path')])
    assert.equal(unit.get('Install WantedBy'), ['multi-user.target']);
  assert.is(claim.get('Install WantedBy'), undefined);
});

test('a device with a configuration is never joined or claimed again', () => {
  for (const unit of [join_, claim])
    assert.ok(unit.get('Unit ConditionPathExists')?.includes('!/etc/lethe/lethe.json'));
});

test('a refusal ends, everything else is tried again for ever', () => {
  for (const [name, unit] of ALL) {
    assert.is(settingOf(unit, 'Restart'), 'on-failure', name);
    assert.equal(unit.get('Unit StartLimitIntervalSec'), ['0'], name);
  }
  for (const unit of [join_, settle]) assert.is(settingOf(unit, 'RestartPreventExitStatus'), `${ExitCode.dataError}`);
});

test('after 76 the eye stays down and the reset is asked for, which looks for just that', () => {
  assert.ok(wordsOf(eye, 'RestartPreventExitStatus').includes(`${ExitCode.reset}`));
  assert.not.ok(wordsOf(eye, 'SuccessExitStatus').includes(`${ExitCode.reset}`), 'a success would not be OnFailure');
  assert.equal(eye.get('Unit OnFailure'), ['lethe-reset.service']);
  const condition = reset.get('Service ExecCondition')?.join('\n') ?? '';
  assert.match(condition, /ExecMainStatus --value \$\$unit\.service\)" = 76/);
  assert.match(condition, /test -e \/var\/lib\/lethe-setup\/reset'$/);
  const after = reset.get('Service ExecStartPost') ?? [];
  const clean = after.indexOf('/usr/bin/systemctl clean --what=state lethe-voice.service');
  const unmarked = after.indexOf('/usr/bin/rm -f /var/lib/lethe-setup/reset');
  assert.ok(clean >= 0 && unmarked > clean, 'the mark goes after the counts');
});

test('credentials of the voice come from the group of settle', () => {
  assert.is(settingOf(settle, 'Group'), 'lethe-voice');
  assert.is(settingOf(settle, 'UMask'), '0022');
});

const analyze = (...words: string[]) =>
  spawnSync('systemd-analyze', words, { encoding: 'utf8', cwd: folder, timeout: 30_000 });
const isInstalled = analyze('--version').status === 0;

for (const [name, exposureMax] of [
  ['join', 1.5],
  ['claim', 1.5],
  ['settle', 1.0],
  ['reset', 1.0],
] as const) {
  (isInstalled ? test : test.skip)(`systemd-analyze finds the exposure of ${name} at most ${exposureMax}`, () => {
    const { stdout, stderr } = analyze('security', '--offline=true', '--no-pager', `./lethe-${name}.service`);
    const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
    assert.ok(exposure !== undefined, stderr);
    assert.ok(Number(exposure) <= exposureMax, `${exposure}`);
  });

  (isInstalled ? test : test.skip)(`systemd reads every line of the unit of ${name}`, () => {
    const { stderr } = analyze('verify', '--man=no', `./lethe-${name}.service`);
    assert.equal(
      stderr
        .split('\n')
        .filter(
          (line) => line.includes(`lethe-${name}.service`) && /Unknown|Failed to parse|ignoring|Invalid/i.test(line),
        ),
      [],
    );
  });
}

test.run();
