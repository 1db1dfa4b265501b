// Goal: the units keep what they promise: the eye without network, devices and files but the camera's, the voice without a
// device; and the image's other files make `doctor --privacy` green.
// Method: the files are parsed and asked, then systemd's own checker where it is installed. What systemd then does is
// another matter: provisioning/units/README.md says what was run and where.
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, readdirSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TIME_FOLDERS } from '../../drivers/clock/trust.ts';
import { makeFifo } from '../../drivers/fifo.ts';
import { openCorridorFifo } from '../../drivers/inlet.ts';
import { PENDING_FILE, READY_FILE } from '../../provisioning/device/update/update.ts';
import { CONTROL_FIFO, CORRIDOR_FIFO } from '../../runtime/corridor/control.ts';
import { ExitCode } from '../../runtime/errors.ts';
import { START_US_MAX } from '../../runtime/eye/vitals.ts';
import { US_PER_S } from '../../runtime/units.ts';
import { sourceRoot } from '../fakes/root.ts';
import { look } from '../runtime/commands/privacy-doctor/world.ts';
import { parseUnit, settingOf, type UnitFile, wordsOf } from './unit-file.ts';

const folder = join(sourceRoot(), 'provisioning', 'units');
const text = (name: string) => readFileSync(join(folder, name), 'utf8');
const eye = parseUnit(text('lethe-eye.service'));
const voice = parseUnit(text('lethe-voice.service'));
const cutoff = parseUnit(text('lethe-cutoff.service'));
const BOTH: readonly (readonly [string, UnitFile])[] = [
  ['eye', eye],
  ['voice', voice],
];

/** Lines that are neither empty nor a comment. */
const linesOf = (name: string) =>
  text(name)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

/** Paths without the sign that lets them be absent. */
const pathsOf = (unit: UnitFile, key: string) => wordsOf(unit, key).map((path) => path.replace(/^-/, ''));
const commandOf = (unit: UnitFile) => wordsOf(unit, 'ExecStart');
const grants = (unit: UnitFile, flag: string) =>
  commandOf(unit).flatMap((word) => (word.startsWith(`${flag}=`) ? [word.slice(flag.length + 1)] : []));

test('the parser joins continued lines and lets an empty assignment take back what stood before', () => {
  const unit = parseUnit('[Service]\nA=1 \\\n  2\n# A=9\nA=3\nB=x\nB=\nB=y z\n');
  assert.equal(wordsOf(unit, 'A'), ['1', '2', '3']);
  assert.equal(wordsOf(unit, 'B'), ['y', 'z']);
  assert.is(settingOf(unit, 'C'), undefined);
});

test('the eye has no network: an empty one of its own, and no socket to leave it by', () => {
  assert.is(settingOf(eye, 'PrivateNetwork'), 'yes');
  assert.equal(wordsOf(eye, 'RestrictAddressFamilies'), ['AF_NETLINK']);
  for (const key of ['JoinsNamespaceOf', 'NetworkNamespacePath', 'BindPaths', 'BindReadOnlyPaths', 'Sockets'])
    assert.is(settingOf(eye, key) ?? eye.get(`Unit ${key}`), undefined, key);
  const denied = wordsOf(eye, 'SystemCallFilter').slice(1);
  assert.is(denied[0]?.[0], '~');
  for (const call of ['connect', 'listen', 'accept', 'accept4']) assert.ok(denied.includes(call), call);
});

test('every device that the eye may open is one of the camera’s, and the voice may open none', () => {
  const allowed = (eye.get('Service DeviceAllow') ?? []).map((line) => line.split(/\s+/)[0]!);
  assert.ok(allowed.includes('char-video4linux'));
  assert.equal(
    allowed.filter((device) => !['char-video4linux', 'char-media', 'char-dma_heap'].includes(device)),
    [],
  );
  assert.is(voice.get('Service DeviceAllow'), undefined);
  assert.is(settingOf(voice, 'PrivateDevices'), 'yes');
  for (const [name, unit] of BOTH) assert.is(settingOf(unit, 'DevicePolicy'), 'closed', name);
});

test('eye and voice are different users, none is root, and only the eye is in the group of the cameras', () => {
  assert.is.not(settingOf(eye, 'User'), settingOf(voice, 'User'));
  const made = linesOf('sysusers.conf').map((line) => line.split(/\s+/));
  for (const [name, unit] of BOTH) {
    const user = settingOf(unit, 'User')!;
    assert.ok(
      made.some(([kind, who]) => kind === 'u' && who === user),
      `${name}: ${user} is made`,
    );
  }
  assert.ok(wordsOf(eye, 'SupplementaryGroups').includes('video'));
  assert.equal(wordsOf(voice, 'SupplementaryGroups'), ['lethe-corridor']);
  assert.equal(
    made.filter(([kind]) => kind === 'm'),
    [],
    'no membership outlives the unit',
  );
});

test('the corridor is two named pipes that only root and its group can reach, in a folder that only root can fill', () => {
  const rows = linesOf('tmpfiles.conf').map((line) => line.split(/\s+/));
  assert.equal(
    rows
      .map(([kind, path, mode, user, group]) => [kind, path, mode, user, group].join(' '))
      .filter((row) => /\/run\/lethe(?:\/| )/.test(row)),
    [
      'd /run/lethe 0750 root lethe-corridor',
      `p /run/lethe/${CORRIDOR_FIFO} 0660 root lethe-corridor`,
      `p /run/lethe/${CONTROL_FIFO} 0660 root lethe-corridor`,
    ],
  );
  for (const [name, unit] of BOTH) {
    assert.ok(wordsOf(unit, 'SupplementaryGroups').includes('lethe-corridor'), name);
    const command = commandOf(unit);
    assert.is(command[command.indexOf('--runtime-dir') + 1], '/run/lethe', name);
  }
});

test('the folder of the set-up takes files of the scan and of root, and nobody replaces a file of somebody else’s', () => {
  const rows = linesOf('tmpfiles.conf').map((line) => line.split(/\s+/).slice(0, 5).join(' '));
  assert.ok(rows.includes('d /run/lethe-setup 3770 root lethe-setup'));
  for (const [name, unit] of BOTH) assert.not.ok(wordsOf(unit, 'SupplementaryGroups').includes('lethe-setup'), name);
  assert.ok(rows.includes('d /var/lib/lethe-setup 0700 root root'));
  assert.ok(rows.includes('d /opt/lethe/update 0755 root root'), 'the voice tells the state of updates');
  assert.ok(rows.includes('d /var/lib/lethe-claim 0770 lethe-claim lethe-claim'));
});

test('what installs a release and takes it back belongs to the good one, has one right, no network and no device', () => {
  for (const name of ['update', 'trial'] as const) {
    const unit = parseUnit(text(`lethe-${name}.service`));
    const program = name === 'update' ? 'install' : 'trial';
    assert.equal(commandOf(unit), [
      '/opt/lethe/confirmed/bin/node',
      '--disable-sigusr1',
      `/opt/lethe/confirmed/dist/provisioning/device/update/${program}/main.js`,
    ]);
    assert.equal(wordsOf(unit, 'CapabilityBoundingSet'), ['CAP_DAC_OVERRIDE'], name);
    assert.is(settingOf(unit, 'PrivateNetwork'), 'yes');
    assert.equal(wordsOf(unit, 'RestrictAddressFamilies'), ['AF_UNIX']);
    assert.is(settingOf(unit, 'PrivateDevices'), 'yes');
    assert.equal(wordsOf(unit, 'ReadWritePaths'), ['/opt/lethe', '/etc/systemd/system', '-/var/lib/lethe']);
    // What is written is not executed: not the release that is being unpacked, nor what the voice has left.
    for (const path of pathsOf(unit, 'ReadWritePaths')) assert.ok(pathsOf(unit, 'NoExecPaths').includes(path), path);
  }
  assert.equal(parseUnit(text('lethe-trial.service')).get('Unit ConditionPathExists'), [PENDING_FILE]);
  assert.equal(parseUnit(text('lethe-update.path')).get('Path PathExists'), [READY_FILE]);
});

test('without a configuration neither starts, so that the device is set up first', () => {
  for (const [name, unit] of BOTH) assert.equal(unit.get('Unit ConditionPathExists'), ['/etc/lethe/lethe.json'], name);
});

test('the voice may read the marks of the time by name too: Node takes a folder that is not there at its start for a file', () => {
  for (const folder of TIME_FOLDERS)
    for (const path of [`${folder}/`, `${folder}/synchronized`])
      assert.ok(grants(voice, '--allow-fs-read').includes(path), path);
});

test('no grant begins like a folder that is opened itself: Node would then refuse that folder', () => {
  // Measured on Node 20.20, 22.23 and 24.21: with /var/lib/lethe/ and /var/lib/lethe-update/ granted, files of the first can
  // be read and written, and listing or opening the folder itself is ERR_ACCESS_DENIED: the ledger could not be saved.
  for (const [name, folder] of [
    ['voice', '/var/lib/lethe'],
    ['eye', '/run/lethe-eye'],
  ] as const) {
    const granted = grants(name === 'eye' ? eye : voice, '--allow-fs-read');
    assert.ok(granted.includes(`${folder}/`), name);
    assert.equal(
      granted.filter((path) => path.startsWith(folder) && !path.startsWith(`${folder}/`)),
      [],
      name,
    );
  }
});

test('credentials of the voice can be read by the voice, and no credential is the eye’s', () => {
  const credentials = (unit: UnitFile) =>
    grants(unit, '--allow-fs-read').filter((path) => path.includes('credentials'));
  assert.equal(credentials(voice), ['/run/credentials/lethe-voice.service/']);
  assert.equal(credentials(eye), []);
  for (const key of ['LoadCredential', 'LoadCredentialEncrypted', 'ImportCredential', 'SetCredential'])
    assert.is(settingOf(eye, key), undefined, key);
});

test('the eye can write nothing but its runtime folder, the voice nothing but its state folder', () => {
  for (const [name, unit] of BOTH) {
    assert.is(settingOf(unit, 'ProtectSystem'), 'strict', name);
    assert.is(settingOf(unit, 'ProtectHome'), 'yes', name);
    for (const path of ['/tmp', '/var/tmp', '/run'])
      assert.ok(pathsOf(unit, 'ReadOnlyPaths').includes(path), `${name} ${path}`);
    for (const path of ['/dev/shm', '/dev/mqueue'])
      assert.ok(pathsOf(unit, 'InaccessiblePaths').includes(path), `${name} ${path}`);
    for (const key of ['CacheDirectory', 'LogsDirectory', 'ConfigurationDirectory', 'TemporaryFileSystem'])
      assert.is(settingOf(unit, key), undefined, `${name} ${key}`);
  }
  assert.equal(wordsOf(eye, 'RuntimeDirectory'), ['lethe-eye']);
  assert.equal(wordsOf(eye, 'StateDirectory'), []);
  // The kernel's attributes of the pins: what is written there is not kept.
  assert.equal(
    pathsOf(eye, 'ReadWritePaths').filter((path) => !path.startsWith('/sys/')),
    [],
  );
  assert.equal(wordsOf(voice, 'StateDirectory'), ['lethe']);
  assert.is(settingOf(voice, 'StateDirectoryMode'), '0700');
  assert.equal([...wordsOf(voice, 'RuntimeDirectory'), ...wordsOf(voice, 'ReadWritePaths')], []);
});

test('what may be written may not be executed, and what may be executed starts nothing but the camera', () => {
  for (const [name, unit] of BOTH) assert.ok(wordsOf(unit, 'NoExecPaths').includes('/'), name);
  assert.ok(wordsOf(eye, 'NoExecPaths').includes('/run/lethe-eye'));
  assert.ok(wordsOf(voice, 'NoExecPaths').includes('/var/lib/lethe'));
  const isLibrary = (path: string) =>
    /^\/usr\/lib(?:64$|\/(?:[a-z0-9_]+-linux-gnu|ld-linux-[a-z0-9-]+\.so\.\d)$)/.test(path);
  const programs = (unit: UnitFile) => pathsOf(unit, 'ExecPaths').filter((path) => !isLibrary(path));
  assert.equal(programs(voice), ['/opt/lethe/current/bin/node']);
  const shim = readFileSync(join(sourceRoot(), 'drivers', 'camera', 'rpicam', 'shim', 'libcamera-vid'), 'utf8');
  const shimTools = ['dash', 'grep', 'rm', 'rmdir', 'sleep'];
  for (const tool of shimTools.slice(1)) assert.match(shim, new RegExp(`\\b${tool} `), tool);
  assert.equal(
    programs(eye).sort(),
    [
      '/usr/bin/mkfifo',
      '/opt/lethe/current/bin/node',
      '/usr/bin/rpicam-vid',
      '/opt/lethe/current/drivers/camera/rpicam/shim/libcamera-vid',
      '/opt/lethe/current/node_modules/epoll',
      ...shimTools.map((tool) => `/usr/bin/${tool}`),
    ].sort(),
  );
});

test('a bad configuration stays down, and an eye that was cut off is ended by a service that acts on exit 65 alone', () => {
  assert.equal(wordsOf(eye, 'RestartPreventExitStatus'), [`${ExitCode.reset}`, `${ExitCode.config}`]);
  assert.equal(wordsOf(voice, 'RestartPreventExitStatus'), [`${ExitCode.dataError}`, `${ExitCode.config}`]);
  assert.equal(voice.get('Unit OnFailure'), ['lethe-cutoff.service']);
  assert.equal(eye.get('Unit OnFailure'), ['lethe-reset.service']);
  assert.match(
    settingOf(cutoff, 'ExecCondition')!,
    new RegExp(`'test .*--property=ExecMainStatus --value lethe-voice\\.service\\)" = ${ExitCode.dataError}'$`),
  );
  assert.is(cutoff.get('Install WantedBy'), undefined, 'nothing else starts it');
  assert.equal(cutoff.get('Service ExecStart'), [
    '-/usr/bin/systemctl kill --kill-whom=all --signal=SIGKILL lethe-eye.service',
    `/usr/bin/sleep ${settingOf(voice, 'RestartSec')}`,
    '/usr/bin/systemctl start --no-block lethe-voice.service',
  ]);
  // What starts the eye again, and does not when it was stopped by hand or has ended with 78.
  assert.is(settingOf(eye, 'Restart'), 'always');
});

test('a cut-off takes its rights from the socket of systemd, not from root', () => {
  assert.is(settingOf(cutoff, 'CapabilityBoundingSet'), '');
  assert.is(settingOf(cutoff, 'NoNewPrivileges'), 'yes');
  assert.is(settingOf(cutoff, 'PrivateNetwork'), 'yes');
  assert.equal(wordsOf(cutoff, 'RestrictAddressFamilies'), ['AF_UNIX']);
  assert.is(settingOf(cutoff, 'ProtectSystem'), 'strict');
  assert.ok(pathsOf(cutoff, 'InaccessiblePaths').includes('/run/lethe'), 'it never reads the corridor');
});

test('a corridor that nobody holds open keeps nothing, not even half a record', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'lethe-test-'));
  try {
    const path = join(scratch, CORRIDOR_FIFO);
    makeFifo(path);
    const [hostileEye, cutVoice] = [openCorridorFifo(path), openCorridorFifo(path)];
    writeSync(hostileEye, 'not a record');
    closeSync(cutVoice);
    const early = openCorridorFifo(path);
    assert.is(readSync(early, Buffer.alloc(4)), 4, 'as long as one of them lives it is all there');
    closeSync(early);
    closeSync(hostileEye);
    const next = openCorridorFifo(path);
    assert.throws(
      () => readSync(next, Buffer.alloc(64)),
      (error: NodeJS.ErrnoException) => error.code === 'EAGAIN',
    );
    closeSync(next);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

test('systemd hears of each program by a socket that it opens itself, and ends one of which it hears nothing', () => {
  for (const [name, unit] of BOTH) {
    assert.is(settingOf(unit, 'Type'), 'notify', name);
    assert.is(settingOf(unit, 'NotifyAccess'), 'main', name);
    assert.is(settingOf(unit, 'OpenFile'), '/run/systemd/notify:notify:graceful', name);
    assert.is(settingOf(unit, 'Restart'), 'always', name);
    assert.equal(unit.get('Unit StartLimitIntervalSec'), ['0'], `${name} never gives up`);
  }
  // Three beats of the driver fit in; what the eye bears before it withholds them is longer than a start may take.
  for (const [, unit] of BOTH) assert.is(settingOf(unit, 'WatchdogSec'), '30');
  assert.ok(Number(settingOf(eye, 'TimeoutStartSec')) * US_PER_S >= START_US_MAX);
});

test('what the eye tells systemd does not reach the voice: it has no way to ask', () => {
  for (const path of ['/run/dbus', '/run/systemd/private', '/run/lethe-eye'])
    assert.ok(pathsOf(voice, 'InaccessiblePaths').includes(path), path);
});

test('both begin after the time is known or its minute is over, and nothing waits for longer', () => {
  const time = parseUnit(text('lethe-time.service'));
  for (const [name, unit] of BOTH) {
    assert.equal(unit.get('Unit Wants'), ['lethe-time.service'], name);
    assert.ok(unit.get('Unit After')![0]!.split(' ').includes('lethe-time.service'), name);
  }
  for (const unit of [eye, voice]) assert.is(unit.get('Unit Requires'), undefined, 'a failure of it holds nobody up');
  assert.ok(Number(settingOf(time, 'TimeoutStartSec')) <= 180);
});

test('on bookworm a drop-in replaces what systemd 252 does not know, by a file and a timer', () => {
  const dropIn = parseUnit(text('bookworm/lethe-program.conf'));
  assert.is(settingOf(dropIn, 'Type'), 'exec');
  assert.is(settingOf(dropIn, 'WatchdogSec'), '0');
  assert.equal(wordsOf(dropIn, 'Environment'), ['LETHE_PULSE_FILE=/run/lethe-pulse/%N']);
  assert.equal(wordsOf(dropIn, 'ReadWritePaths'), ['/run/lethe-pulse/%N']);
  const rows = linesOf('bookworm/tmpfiles.conf').map((line) => line.split(/\s+/).slice(0, 5).join(' '));
  for (const [program, user] of [
    ['lethe-eye', 'lethe-eye'],
    ['lethe-voice', 'lethe-voice'],
    ['lethe-scan', 'lethe-eye'],
  ])
    assert.ok(rows.includes(`f /run/lethe-pulse/${program} 0600 ${user} ${user}`), program);
});

test('the hardware’s watchdog gets a time that its counter can hold', () => {
  assert.equal(linesOf('watchdog.conf'), ['[Manager]', 'RuntimeWatchdogSec=14', 'RebootWatchdogSec=2min']);
});

test('no copy of the memory: no core, no swap, and nothing in a core if there were one', () => {
  for (const [name, unit] of BOTH) {
    assert.is(settingOf(unit, 'LimitCORE'), '0', name);
    assert.is(settingOf(unit, 'MemorySwapMax'), '0', name);
    assert.is(settingOf(unit, 'CoredumpFilter'), 'elf-headers', name);
  }
});

test('no rights: no capability, no new ones, and a forbidden call fails instead of killing Node', () => {
  for (const [name, unit] of BOTH) {
    assert.is(settingOf(unit, 'CapabilityBoundingSet'), '', name);
    assert.is(settingOf(unit, 'AmbientCapabilities'), '', name);
    assert.is(settingOf(unit, 'NoNewPrivileges'), 'yes', name);
    const [first, ...denied] = wordsOf(unit, 'SystemCallFilter');
    assert.is(first, '@system-service', name);
    assert.equal(denied.slice(0, 2), ['~@privileged', '@resources'], name);
    assert.is(settingOf(unit, 'SystemCallErrorNumber'), 'EPERM', name);
    // V8 makes code as it runs; with this Node aborts at its first hot function.
    assert.is(settingOf(unit, 'MemoryDenyWriteExecute'), undefined, name);
  }
});

test('Node runs under its permission model, which closes the debugger too, and is given nothing by the environment', () => {
  for (const [name, unit] of BOTH) {
    const command = commandOf(unit);
    const script = command.findIndex((word) => word.endsWith(`/dist/runtime/${name}/main.js`));
    assert.ok(script > 0, name);
    assert.ok(command.slice(0, script).includes('--permission'), name);
    // Under the permission model SIGUSR1 is blocked up to Node 22.13; later it has to be asked for.
    assert.ok(command.slice(0, script).includes('--disable-sigusr1'), name);
    assert.equal(
      command.filter((word) => /inspect|report|heapsnapshot|prof|allow-(?:worker|wasi)/.test(word)),
      [],
      name,
    );
    for (const variable of ['NODE_OPTIONS', 'NODE_PATH', 'NODE_V8_COVERAGE', 'LD_PRELOAD'])
      assert.ok(wordsOf(unit, 'UnsetEnvironment').includes(variable), `${name} ${variable}`);
    assert.equal(
      wordsOf(unit, 'Environment').map((word) => word.split('=')[0]),
      ['PATH'],
      name,
    );
    assert.equal([...wordsOf(unit, 'EnvironmentFile'), ...wordsOf(unit, 'PassEnvironment')], [], name);
  }
  assert.not.ok(commandOf(voice).some((word) => /allow-(?:child-process|addons)/.test(word)));
});

test('Node may write where systemd lets it, and no star is granted', () => {
  const writable = {
    // The last of each is there on bookworm alone, where a drop-in makes it writable.
    eye: ['/run/lethe/', '/run/lethe-eye/', '/sys/class/gpio/', '/sys/devices/platform/', '/run/lethe-pulse/lethe-eye'],
    voice: ['/run/lethe/', '/var/lib/lethe/', '/run/lethe-pulse/lethe-voice'],
  };
  for (const [name, unit] of BOTH) {
    const written = grants(unit, '--allow-fs-write');
    assert.equal(
      written.filter((path) => !writable[name as 'eye' | 'voice'].some((allowed) => path.startsWith(allowed))),
      [],
    );
    assert.not.ok(
      [...written, ...grants(unit, '--allow-fs-read')].some((path) => path.includes('*') || path === '/'),
      name,
    );
    for (const pipe of [CORRIDOR_FIFO, CONTROL_FIFO])
      assert.ok(written.includes(`/run/lethe/${pipe}`), `${name} ${pipe}`);
  }
  assert.not.ok(
    grants(eye, '--allow-fs-read').some((path) => path.startsWith('/var')),
    'the ledger is not the eye’s',
  );
});

test('the image’s files make doctor --privacy green where it looks for them', () => {
  const sysctl = Object.fromEntries(
    linesOf('sysctl.conf').map((line) => {
      const [name = '', value = ''] = line.replace(/^-/, '').split('=');
      return [`/proc/sys/${name.replaceAll('.', '/')}`, `${value}\n`];
    }),
  );
  const silent = { dmesg: { outcome: 'failed', output: '' } } as const;
  const findings = look({
    programs: silent,
    files: {
      '/proc/sys/kernel/core_pattern': undefined,
      '/proc/sys/fs/suid_dumpable': undefined,
      '/proc/sys/kernel/yama/ptrace_scope': undefined,
      '/etc/systemd/journald.conf.d/lethe.conf': undefined,
      '/var/log/journal': '',
      ...sysctl,
      '/usr/lib/systemd/journald.conf.d/60-lethe.conf': text('journald.conf'),
      '/proc/cmdline': `console=tty1 ${text('cmdline.txt')}`,
    },
  });
  for (const name of ['core pattern', 'suid_dumpable', 'ptrace scope', 'journal', 'init_on_free', 'init_on_alloc'])
    assert.is(findings.get(name)?.colour, 'green', name);
  // What is only told to systemd-coredump and to rpi-swap.
  assert.equal(linesOf('coredump.conf'), ['[Coredump]', 'Storage=none', 'ProcessSizeMax=0']);
  assert.equal(linesOf('swap.conf'), ['[Main]', 'Mechanism=none']);
  assert.equal(text('cmdline.txt').split('\n').length, 2, 'one line: the firmware reads no more');
});

test('every file of the folder is told in its README', () => {
  const readme = text('README.md');
  assert.equal(
    (readdirSync(folder, { recursive: true }) as string[]).filter(
      (name) => !['README.md', 'bookworm'].includes(name) && !readme.includes(`\`${name}\``),
    ),
    [],
  );
});

const analyze = (...words: string[]) =>
  spawnSync('systemd-analyze', words, { encoding: 'utf8', cwd: folder, timeout: 30_000 });
const isInstalled = analyze('--version').status === 0;
const systemdVersion = Number(/^systemd (\d+)/.exec(analyze('--version').stdout ?? '')?.[1] ?? 0);
/** OpenFile= is newer (253); what bookworm does instead lies in its own folder. */
const isTooNew = (line: string) => systemdVersion < 253 && line.includes("'OpenFile'");

/** systemd's own figure, 0 to 10: the eye still has devices, the voice a network, the cut-off is root. */
for (const [name, exposureMax] of [
  ['eye', 1.0],
  ['voice', 1.5],
  ['cutoff', 1.5],
  ['time', 1.5],
  ['pulse', 1.5],
] as const) {
  const path = name === 'pulse' ? './bookworm/lethe-pulse.service' : `./lethe-${name}.service`;
  (isInstalled ? test : test.skip)(`systemd-analyze finds the exposure of the ${name} at most ${exposureMax}`, () => {
    const { stdout, stderr } = analyze('security', '--offline=true', '--no-pager', path);
    const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
    assert.ok(exposure !== undefined, stderr);
    assert.ok(Number(exposure) <= exposureMax, `${exposure}`);
  });

  (isInstalled ? test : test.skip)(`systemd reads every line of the ${name}’s unit`, () => {
    const { stderr } = analyze('verify', '--man=no', path);
    // Whether the programs are installed on this machine is not the question.
    assert.equal(
      stderr.split('\n').filter((line) => /Unknown|Failed to parse|ignoring|Invalid/i.test(line) && !isTooNew(line)),
      [],
    );
  });
}

test.run();
