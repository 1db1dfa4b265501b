// Goal: each check of `doctor --privacy` is red, amber, green and grey where it should be, and says why and what to do.
// Method: the checks on probes of our own: the image with one thing changed at a time. Then real Node processes, for what
// their signal masks say about the debugger.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Colour, Verdict } from '../../../../runtime/commands/privacy-doctor/finding.ts';
import { systemdSetting } from '../../../../runtime/commands/privacy-doctor/kernel.ts';
import { privacyDoctor } from '../../../../runtime/commands/privacy-doctor/privacy-doctor.ts';
import { systemProbes } from '../../../../runtime/commands/privacy-doctor/probes.ts';
import { debugPorts } from '../../../../runtime/commands/privacy-doctor/processes.ts';
import { findPrograms } from '../../../../runtime/commands/privacy-doctor/programs.ts';
import { renderFindings } from '../../../../runtime/commands/privacy-doctor/render.ts';
import { ExitCode } from '../../../../runtime/errors.ts';
import { within } from '../../../fakes/within.ts';
import {
  CAMERA,
  type Change,
  EYE,
  image,
  limits,
  look,
  type Masks,
  nothingRuns,
  probesOf,
  SWAPS_HEAD,
  status,
  VOICE,
  words,
} from './world.ts';

const files = (changed: Record<string, string | undefined>): Change => ({ files: changed });
const ZRAM = `${SWAPS_HEAD}/dev/zram0 partition 435000 0 100\n`;
const CARD = `${SWAPS_HEAD}/var/swap file 99 0 -2\n`;
const CAUGHT: Masks = { caught: '0000000100004602' };
const eyeStatus = (masks: Masks): Change => files({ [`/proc/${EYE}/status`]: status(990, 1, masks) });
const node = (...options: string[]) => words('/usr/bin/node', ...options, '/usr/lib/lethe/dist/runtime/eye/main.js');
const booted = (alloc: string, free: string) => ({
  dmesg: { outcome: 'ok', output: `mem auto-init: stack:off, heap alloc:${alloc}, heap free:${free}` } as const,
});
const SILENT = { dmesg: { outcome: 'failed', output: 'Operation not permitted' } } as const;

/** Check, colour, what is different from the image, what the finding says. */
const CASES: readonly (readonly [name: string, colour: Colour, change: Change, found: RegExp])[] = [
  ['swap', 'green', {}, /^off$/],
  ['swap', 'red', files({ '/proc/swaps': CARD }), /^on: \/var\/swap, 0 kB of eye 200, 0 kB of camera 210$/],
  ['swap', 'red', files({ '/proc/swaps': CARD, [`/proc/${EYE}/status`]: status(990, 1, {}, 64) }), /64 kB of eye 200/],
  ['swap', 'red', files({ '/proc/swaps': ZRAM + CARD.slice(SWAPS_HEAD.length) }), /zram0, \/var\/swap/],
  [
    'swap',
    'red',
    files({ '/proc/swaps': ZRAM, '/sys/block/zram0/backing_dev': '/dev/loop0\n' }),
    /back to \/dev\/loop0/,
  ],
  ['swap', 'amber', files({ '/proc/swaps': ZRAM, '/sys/block/zram0/backing_dev': 'none\n' }), /no disk behind it/],
  [
    'swap',
    'amber',
    files({ '/proc/swaps': CARD, '/sys/fs/cgroup/system.slice/lethe.service/memory.swap.max': '0\n' }),
    /may use none/,
  ],
  [
    'swap',
    'red',
    files({ '/proc/swaps': CARD, '/sys/fs/cgroup/system.slice/lethe.service/memory.swap.max': 'max\n' }),
    /^on/,
  ],
  ['swap', 'grey', files({ '/proc/swaps': undefined }), /unknown/],
  ['memory cgroup', 'green', {}, /v2/],
  ['memory cgroup', 'amber', files({ '/sys/fs/cgroup/cgroup.controllers': 'cpu io pids\n' }), /off; cgroup v2 has cpu/],
  [
    'memory cgroup',
    'amber',
    files({ '/sys/fs/cgroup/cgroup.controllers': undefined, '/proc/cgroups': '#subsys\nmemory\t4\t72\t1\n' }),
    /v1/,
  ],
  [
    'memory cgroup',
    'amber',
    files({ '/sys/fs/cgroup/cgroup.controllers': undefined, '/proc/cgroups': '#subsys\nmemory\t0\t72\t0\n' }),
    /^off$/,
  ],
  ['memory cgroup', 'grey', files({ '/sys/fs/cgroup/cgroup.controllers': undefined }), /unknown/],
  ['hibernation', 'green', {}, /not offered/],
  ['hibernation', 'green', files({ '/sys/power/state': 'mem disk', '/sys/power/disk': '[disabled]' }), /disabled/],
  [
    'hibernation',
    'green',
    { ...files({ '/sys/power/state': undefined }), kernelConfig: '# CONFIG_HIBERNATION is not set' },
    /not built/,
  ],
  ['hibernation', 'amber', files({ '/sys/power/state': 'mem disk', '/sys/power/resume': '0:0\n' }), /no place/],
  ['hibernation', 'red', files({ '/sys/power/state': 'mem disk', '/sys/power/resume': '179:2\n' }), /to 179:2/],
  [
    'hibernation',
    'red',
    files({ '/sys/power/state': 'mem disk', '/proc/cmdline': 'resume=/dev/sda2 quiet' }),
    /to \/dev\/sda2/,
  ],
  ['hibernation', 'grey', { ...files({ '/sys/power/state': undefined }), kernelConfig: undefined }, /unknown/],
  ['init_on_free', 'green', {}, /^on \(boot log: on/],
  ['init_on_free', 'red', { programs: booted('on', 'off') }, /^off \(boot log: off, command line: 1/],
  ['init_on_free', 'green', { programs: SILENT }, /boot log: not readable, command line: 1/],
  [
    'init_on_free',
    'red',
    { programs: SILENT, ...files({ '/proc/cmdline': 'init_on_free=1 init_on_free=off' }) },
    /off/,
  ],
  ['init_on_free', 'red', { programs: SILENT, ...files({ '/proc/cmdline': 'quiet' }) }, /default: off/],
  [
    'init_on_free',
    'green',
    { programs: SILENT, ...files({ '/proc/cmdline': 'quiet' }), kernelConfig: 'CONFIG_INIT_ON_FREE_DEFAULT_ON=y' },
    /default: on/,
  ],
  [
    'init_on_free',
    'grey',
    { programs: SILENT, ...files({ '/proc/cmdline': 'quiet' }), kernelConfig: undefined },
    /not/,
  ],
  [
    'init_on_free',
    'red',
    {
      programs: {
        ...SILENT,
        'journalctl -k -b --no-pager -o cat': {
          outcome: 'ok',
          output: 'mem auto-init: stack:off, heap alloc:on, heap free:off',
        },
      },
    },
    /boot log: off/,
  ],
  ['init_on_alloc', 'green', {}, /^on/],
  ['init_on_alloc', 'amber', { programs: booted('off', 'on') }, /^off/],
  ['init_on_alloc', 'grey', { programs: SILENT, ...files({ '/proc/cmdline': '' }), kernelConfig: undefined }, /not/],
  ['core dumps', 'green', {}, /off, also for eye 200, voice 300, camera 210/],
  ['core dumps', 'green', files(nothingRuns), /^off$/],
  ['core dumps', 'red', files({ ...nothingRuns, '/proc/self/limits': limits('unlimited') }), /^on, up to unlimited$/],
  ['core dumps', 'amber', files({ '/proc/self/limits': limits('4096') }), /this shell, up to 4096 bytes; off for/],
  ['core dumps', 'red', files({ [`/proc/${EYE}/limits`]: limits('unlimited') }), /eye 200 up to unlimited/],
  ['core dumps', 'red', files({ [`/proc/${CAMERA}/limits`]: limits('1') }), /camera 210 up to 1 bytes/],
  ['core dumps', 'amber', files({ [`/proc/${VOICE}/limits`]: limits('unlimited') }), /voice holds no picture/],
  ['core dumps', 'grey', files({ [`/proc/${EYE}/limits`]: undefined }), /not readable for eye 200/],
  ['core dumps', 'grey', files({ '/proc/self/limits': undefined }), /unknown/],
  ['core pattern', 'green', {}, /thrown away by \/bin\/false/],
  ['core pattern', 'green', files({ '/proc/sys/kernel/core_pattern': 'core.%p\n' }), /a file \(core\.%p\)/],
  ['core pattern', 'red', files({ '/proc/sys/kernel/core_pattern': '|/usr/share/apport/apport -p%p' }), /apport/],
  [
    'core pattern',
    'amber',
    files({ '/proc/sys/kernel/core_pattern': '|/usr/lib/systemd/systemd-coredump %P' }),
    /heeds/,
  ],
  [
    'core pattern',
    'green',
    files({
      '/proc/sys/kernel/core_pattern': '|/usr/lib/systemd/systemd-coredump %P',
      '/etc/systemd/coredump.conf': '[Coredump]\n#Storage=external\nStorage=none\n',
    }),
    /Storage=none/,
  ],
  ['core pattern', 'grey', files({ '/proc/sys/kernel/core_pattern': undefined }), /unknown/],
  ['suid_dumpable', 'green', {}, /^0$/],
  ['suid_dumpable', 'amber', files({ '/proc/sys/fs/suid_dumpable': '2\n' }), /root only/],
  ['suid_dumpable', 'red', files({ '/proc/sys/fs/suid_dumpable': '1\n' }), /any other/],
  ['suid_dumpable', 'grey', files({ '/proc/sys/fs/suid_dumpable': undefined }), /unknown/],
  ['crash kernel', 'green', {}, /none/],
  ['crash kernel', 'red', files({ '/sys/kernel/kexec_crash_loaded': '1\n' }), /loaded/],
  ['crash kernel', 'amber', files({ '/sys/kernel/kexec_crash_size': '268435456\n' }), /268435456/],
  ['crash kernel', 'amber', files({ '/proc/cmdline': 'crashkernel=256M' }), /256M/],
  ['ptrace scope', 'green', {}, /2/],
  ['ptrace scope', 'green', files({ '/proc/sys/kernel/yama/ptrace_scope': '1\n' }), /parents/],
  ['ptrace scope', 'amber', files({ '/proc/sys/kernel/yama/ptrace_scope': '0\n' }), /^0/],
  ['ptrace scope', 'amber', files({ '/proc/sys/kernel/yama/ptrace_scope': undefined }), /no Yama/],
  ['ptrace scope', 'red', { userId: 990, ...files({ '/proc/sys/kernel/yama/ptrace_scope': '0\n' }) }, /every program/],
  ['/dev/mem', 'green', {}, /not there/],
  [
    '/dev/mem',
    'green',
    { statuses: { '/dev/mem': { mode: 0o20640, userId: 0 } }, kernelConfig: 'CONFIG_STRICT_DEVMEM=y' },
    /STRICT/,
  ],
  [
    '/dev/mem',
    'green',
    {
      statuses: { '/dev/mem': { mode: 0o20640, userId: 0 } },
      ...files({ '/sys/kernel/security/lockdown': 'none [integrity] confidentiality' }),
    },
    /lockdown/,
  ],
  ['/dev/mem', 'amber', { statuses: { '/dev/mem': { mode: 0o20640, userId: 0 } } }, /root/],
  ['/dev/mem', 'red', { statuses: { '/dev/mem': { mode: 0o20644, userId: 0 } } }, /every user/],
  ['/dev/mem', 'grey', { statuses: { '/dev/mem': { mode: 0o20640, userId: 0 } }, kernelConfig: undefined }, /build/],
  ['/proc/kcore', 'green', {}, /not there/],
  ['/proc/kcore', 'amber', { statuses: { '/proc/kcore': { mode: 0o100400, userId: 0 } } }, /root/],
  ['/proc/kcore', 'red', { statuses: { '/proc/kcore': { mode: 0o100444, userId: 0 } } }, /every user/],
  [
    '/proc/kcore',
    'amber',
    {
      statuses: { '/proc/kcore': { mode: 0o100400, userId: 0 } },
      ...files({ '/sys/kernel/security/lockdown': 'none [integrity] confidentiality' }),
    },
    /root/,
  ],
  [
    '/proc/kcore',
    'green',
    {
      statuses: { '/proc/kcore': { mode: 0o100400, userId: 0 } },
      ...files({ '/sys/kernel/security/lockdown': 'none integrity [confidentiality]' }),
    },
    /lockdown/,
  ],
  ['debug port', 'green', {}, /eye 200: SIGUSR1 is blocked; voice 300: SIGUSR1 is blocked/],
  ['debug port', 'red', eyeStatus(CAUGHT), /^eye 200 catches SIGUSR1/],
  ['debug port', 'green', eyeStatus({ ignored: '0000000001001200' }), /eye 200: SIGUSR1 is ignored/],
  ['debug port', 'green', eyeStatus({}), /eye 200: SIGUSR1 would only end it/],
  [
    'debug port',
    'green',
    files({ [`/proc/${EYE}/status`]: status(990, 1, CAUGHT), [`/proc/${EYE}/cmdline`]: node('--disable-sigusr1') }),
    /--disable-sigusr1/,
  ],
  ['debug port', 'red', files({ [`/proc/${EYE}/cmdline`]: node('--inspect=0.0.0.0:9229') }), /--inspect=0\.0\.0\.0/],
  ['debug port', 'green', files({ [`/proc/${EYE}/cmdline`]: node('--inspect-port=9000') }), /blocked/],
  ['debug port', 'green', files({ [`/proc/${EYE}/cmdline`]: `${node()}--inspect\0` }), /blocked/],
  [
    'debug port',
    'red',
    files({ [`/proc/${EYE}/environ`]: 'NODE_OPTIONS=--no-warnings --inspect-brk\0' }),
    /inspect-brk/,
  ],
  [
    'debug port',
    'red',
    {
      ...files({
        [`/proc/${EYE}/net/tcp`]:
          '  sl  local_address\n   0: 0100007F:240D 00000000:0000 0A 00000000:00000000 00:00000000 00000000 990 0 4711 1 0\n',
      }),
      links: { [`/proc/${EYE}/fd/18`]: 'socket:[4711]' },
    },
    /eye 200 listens on port 9229/,
  ],
  [
    'debug port',
    'green',
    {
      ...files({
        [`/proc/${EYE}/net/tcp`]:
          '  sl  local_address\n   0: 0100007F:240D 00000000:0000 0A 00000000:00000000 00:00000000 00000000 990 0 4712 1 0\n',
      }),
      links: { [`/proc/${EYE}/fd/18`]: 'socket:[4711]' },
    },
    /blocked/,
  ],
  ['debug port', 'grey', files({ [`/proc/${EYE}/environ`]: undefined }), /not ours to read/],
  ['debug port', 'grey', files(nothingRuns), /no eye and no voice runs/],
  ['Node reports', 'green', {}, /none for eye 200, voice 300/],
  ['Node reports', 'green', files(nothingRuns), /this shell/],
  ['Node reports', 'red', { nodeOptions: '--heapsnapshot-near-heap-limit=2' }, /this shell: --heapsnapshot/],
  [
    'Node reports',
    'red',
    files({ [`/proc/${VOICE}/environ`]: 'NODE_OPTIONS=--heapsnapshot-signal=SIGUSR2\0' }),
    /voice/,
  ],
  [
    'Node reports',
    'amber',
    files({ [`/proc/${EYE}/cmdline`]: node('--report-on-signal') }),
    /eye 200: --report-on-signal/,
  ],
  ['Node reports', 'amber', { nodeOptions: '--diagnostic-dir=/tmp' }, /--diagnostic-dir/],
  ['Node reports', 'grey', files({ [`/proc/${VOICE}/environ`]: undefined }), /environment of voice 300/],
  ['eye’s network', 'green', {}, /nothing in it but the loopback/],
  ['eye’s network', 'red', { links: { [`/proc/${EYE}/ns/net`]: 'net:[1]' } }, /the same network/],
  [
    'eye’s network',
    'red',
    files({ [`/proc/${EYE}/net/dev`]: 'Inter-|\n face |\n lo: 0\n veth0: 0\n' }),
    /veth0 in eye 200/,
  ],
  ['eye’s network', 'grey', { links: { '/proc/self/ns/net': '' }, ...files(nothingRuns) }, /no eye runs/],
  ['users', 'green', {}, /eye 200 as user 990, voice 300 as user 991/],
  ['users', 'amber', files({ [`/proc/${VOICE}/status`]: status(990, 1) }), /the same/],
  [
    'users',
    'green',
    {
      ...files({ [`/proc/${VOICE}/status`]: status(990, 1) }),
      links: { [`/proc/${EYE}/ns/user`]: 'user:[2]', [`/proc/${VOICE}/ns/user`]: 'user:[3]' },
    },
    /namespaces apart/,
  ],
  [
    'users',
    'amber',
    {
      ...files({ [`/proc/${VOICE}/status`]: status(990, 1) }),
      links: { [`/proc/${EYE}/ns/user`]: 'user:[2]', [`/proc/${VOICE}/ns/user`]: 'user:[2]' },
    },
    /the same/,
  ],
  ['users', 'red', files({ [`/proc/${EYE}/status`]: status(0, 1) }), /root may do anything/],
  ['users', 'grey', files({ [`/proc/${VOICE}/cmdline`]: undefined }), /^eye 200 as user 990$/],
  ['journal', 'green', {}, /Storage=volatile/],
  ['journal', 'green', files({ '/etc/systemd/journald.conf.d/lethe.conf': undefined }), /no \/var\/log\/journal/],
  [
    'journal',
    'amber',
    files({ '/etc/systemd/journald.conf.d/lethe.conf': undefined, '/var/log/journal': '' }),
    /Storage=auto/,
  ],
  ['journal', 'amber', files({ '/etc/systemd/journald.conf.d/z.conf': 'Storage=persistent\n' }), /persistent/],
  ['journal', 'amber', files({ '/run/rsyslogd.pid': '812' }), /rsyslogd/],
  ['journal', 'grey', files({ '/run/systemd/journal': undefined }), /no systemd journal/],
  ['temporary folder', 'green', {}, /\/run\/lethe: in memory \(tmpfs\)/],
  ['temporary folder', 'amber', { temporaryFolder: '/tmp' }, /on a disk \(ext4\)/],
  ['temporary folder', 'amber', { temporaryFolder: '/running' }, /ext4/],
  ['temporary folder', 'grey', files({ '/proc/self/mountinfo': undefined }), /unknown/],
  ['state folder', 'green', {}, /mode 0700, user 991/],
  ['state folder', 'amber', { statuses: { '/var/lib/lethe': { mode: 0o40750, userId: 991 } } }, /0750/],
  ['state folder', 'red', { statuses: { '/var/lib/lethe': { mode: 0o40777, userId: 991 } } }, /0777/],
  ['state folder', 'grey', { stateFolder: '/nowhere' }, /not there/],
];

for (const [index, [name, colour, change, found]] of CASES.entries()) {
  test(`${name} is ${colour} when it finds ${found.source} (case ${index})`, () => {
    const finding = look(change).get(name);
    assert.is(`${finding?.colour}: ${finding?.found}`, `${colour}: ${finding?.found}`);
    assert.match(finding?.found ?? '', found);
    assert.is(finding?.remedy === '', colour === 'green');
    assert.match(finding?.why ?? '', /^\S.{20,}\.$/);
  });
}

test('the image with the units is green in every check, and every check has cases', () => {
  const findings = [...look().values()];
  assert.equal(
    findings.filter(({ colour }) => colour !== 'green').map(({ name }) => name),
    [],
  );
  assert.equal(
    findings
      .map(({ name }) => name)
      .filter((name) => !CASES.some(([tested, colour]) => tested === name && colour !== 'green')),
    [],
  );
});

test('a machine that shows nothing is grey or green, never red', () => {
  const nothing = Object.fromEntries(Object.keys(image().files).map((path) => [path, undefined]));
  const findings = look({ files: nothing, programs: SILENT, kernelConfig: undefined, stateFolder: '/nowhere' });
  const colours = [...findings.values()].map(({ name, colour }) => `${name} ${colour}`);
  assert.equal(
    colours.filter((line) => / (red|amber)$/.test(line)),
    ['ptrace scope amber'],
  );
});

test('programs are told by what Node runs, and nobody else’s environment is read', () => {
  const read: string[] = [];
  const probes = probesOf(
    files({
      '/proc/400/status': status(1000, 1),
      '/proc/400/cmdline': words('vim', 'runtime/eye/main.ts'),
      '/proc/400/environ': 'SECRET=1\0',
    }),
  );
  const found = findPrograms({
    ...probes,
    readText: (path) => {
      read.push(path);
      return probes.readText(path);
    },
  });
  assert.equal(
    found.map(({ label }) => label),
    ['eye 200', 'voice 300', 'camera 210'],
  );
  assert.equal(
    read.filter((path) => path.endsWith('environ')),
    ['/proc/200/environ', '/proc/300/environ'],
  );
});

test('a later drop-in of systemd wins over the file and over an earlier one, and /etc over /usr/lib', () => {
  const setting = (changed: Record<string, string>) =>
    systemdSetting(
      probesOf(files({ '/etc/systemd/journald.conf.d/lethe.conf': undefined, ...changed })),
      'journald.conf',
      'Storage',
    );
  const main = { '/etc/systemd/journald.conf': '[Journal]\n#Storage=none\nStorage = auto\n' };
  assert.is(setting({}), undefined);
  assert.is(setting(main), 'auto');
  const drop = { '/usr/lib/systemd/journald.conf.d/40-rpi.conf': '[Journal]\nStorage=volatile\n' };
  assert.is(setting({ ...main, ...drop }), 'volatile');
  assert.is(
    setting({ ...main, ...drop, '/etc/systemd/journald.conf.d/40-rpi.conf': 'Storage=persistent\n' }),
    'persistent',
  );
  assert.is(
    setting({ ...main, ...drop, '/etc/systemd/journald.conf.d/30-a.conf': 'Storage=persistent\n' }),
    'volatile',
  );
});

function run(change: Change, json = false, isColoured = false) {
  let text = '';
  const code = privacyDoctor({ json, isColoured, out: (part) => (text += part) }, probesOf(change));
  return { code, text };
}

test('only red makes it end with 1', () => {
  assert.is(run({}).code, ExitCode.ok);
  assert.is(run(files({ ...nothingRuns, '/proc/swaps': ZRAM })).code, ExitCode.ok);
  assert.is(run(files({ '/proc/swaps': CARD })).code, ExitCode.failed);
});

test('the text says the colour in words, and paints it only where asked', () => {
  const plain = run(files({ '/proc/swaps': CARD })).text;
  assert.match(plain, /^red {4}swap +on: \/var\/swap/);
  assert.match(plain, /\n +→ sudo swapoff -a/);
  assert.match(plain, /1 red, 0 amber, 18 green, 0 grey\. Red: swap\.\n$/);
  assert.not.ok(plain.includes('\u001b'));
  const painted = renderFindings([{ name: 'a', colour: 'grey', found: 'b', why: 'c', remedy: '' }], true);
  assert.is(
    painted,
    '\u001b[90mgrey \u001b[0m  a  b\n          c\n\n0 red, 0 amber, 0 green, 1 grey. Nothing is red.\n',
  );
});

test('the JSON says the same as the text', () => {
  const { code, text } = run(files({ '/proc/swaps': CARD }), true);
  const report = JSON.parse(text) as {
    good: boolean;
    counts: Record<Colour, number>;
    checks: Record<string, string>[];
  };
  assert.is(code, ExitCode.failed);
  assert.is(report.good, false);
  assert.equal(report.counts, { red: 1, amber: 0, green: 18, grey: 0 });
  for (const check of report.checks) assert.equal(Object.keys(check), ['name', 'colour', 'found', 'why', 'remedy']);
});

test('what the machine says reaches the terminal without control characters', () => {
  assert.is(
    look(files({ '/proc/swaps': `${SWAPS_HEAD}/dev/\u001b[31mx file 1 0 -2\n` }))
      .get('swap')
      ?.found.includes('\u001b'),
    false,
  );
});

/** The option's name in this Node. */
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';

/** What the check says about a real process that runs `body` in a file with the eye's name under these options. */
async function realDebugPort(body: string, ...options: string[]): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-doctor-'));
  try {
    mkdirSync(join(folder, 'eye'));
    const script = join(folder, 'eye', 'main.js');
    writeFileSync(script, `${body}; console.log('up'); setInterval(() => {}, 1000);`);
    const child = spawn(process.execPath, [...options, script], { stdio: ['ignore', 'pipe', 'ignore'], env: {} });
    try {
      await within(5000, 'start', new Promise((resolve) => child.stdout.once('data', resolve)));
      const probes = systemProbes(folder);
      const program = findPrograms(probes).find(({ pid }) => pid === child.pid);
      if (program === undefined) throw new Error('the process was not found');
      return debugPorts(probes, [program]);
    } finally {
      child.kill('SIGKILL');
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a real Node has a debugger that SIGUSR1 opens, and none under the permission model', async () => {
  assert.match((await realDebugPort('')).found, /catches SIGUSR1/);
  assert.is((await realDebugPort('', PERMISSION, '--allow-fs-read=*')).colour, 'green');
});

test('a real debugger that a program opened is seen by its socket', async () => {
  const { colour, found } = await realDebugPort("process.getBuiltinModule('node:inspector').open(0)");
  assert.is(colour, 'red');
  assert.match(found, /listens on port [1-9]/);
});

test.run();
