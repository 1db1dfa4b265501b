// Goal: eye and voice start shut in as far as the machine can, and what cannot be had is said with its remedy.
// Method: the plan as a pure function of invented machines; then real children, looked at from outside through /proc.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Logger, pino } from 'pino';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../runtime/config/config.ts';
import { ConfigError } from '../../../runtime/errors.ts';
import { type Abilities, probeAbilities } from '../../../runtime/isolation/abilities.ts';
import { type ChildPlan, planChild, type Role, requireAll } from '../../../runtime/isolation/isolation.ts';
import { Supervisor } from '../../../runtime/supervisor.ts';
import { FAKE_RPICAM_VID, fakeRpicam } from '../../fakes/rpicam-vid.ts';
import { eventually } from '../../fakes/within.ts';

const WAIT_MS = 15_000;
const NO_BROKER = 'mqtt://127.0.0.1:9';
const works = { works: true } as const;
const able: Abilities = {
  node: '/usr/bin/node',
  nodeFlags: new Set(['--permission', '--disable-sigusr1', '--allow-addons']),
  namespaces: works,
  view: works,
  coreLimit: works,
  hasPins: true,
};
const unable = { works: false, why: 'forbidden here' } as const;

const test = suite('isolation');
let folder: string;
let supervisor: Supervisor | undefined;
const here = probeAbilities();
const needsNamespaces = here.namespaces.works && here.view.works && here.coreLimit.works ? test : test.skip;

test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-isolation-'));
});
test.after.each(async () => {
  await supervisor?.stop();
  supervisor = undefined;
  rmSync(folder, { recursive: true, force: true });
});

function plan(
  role: Role,
  config: object = {},
  abilities: Abilities = able,
  environment: NodeJS.ProcessEnv = {},
): ChildPlan {
  return planChild(
    {
      role,
      config: parseConfig({ state_dir: join(folder, 'state'), gpio: { driver: 'memory' }, ...config }),
      configPath: undefined,
      runtimeDir: folder,
      mountPoint: join(folder, 'view'),
      entry: `/lethe/${role}/main.js`,
      args: ['--runtime-dir', folder],
      environment,
    },
    abilities,
  );
}
const guards = (list: ChildPlan['enforced'] | ChildPlan['missing'] | ChildPlan['allowed']) =>
  list.map(({ guard }) => guard);

test('the eye of a scene gets no network, no program, no worker and no add-on', () => {
  const { program, words, enforced, allowed, missing } = plan('eye');
  assert.is(program, 'unshare');
  assert.ok(words.includes('--net') && words.includes('--core=0:0') && words.includes('--permission'));
  assert.equal(
    words.filter((word) => /^--allow-(?!fs-)/.test(word)),
    [],
  );
  assert.equal(guards(enforced).sort(), [
    ...['addons', 'core', 'files', 'inspector', 'memory', 'network', 'programs', 'sockets', 'wasi', 'workers'],
  ]);
  assert.equal([allowed, missing], [[], []]);
  const written = words.filter((word) => word.startsWith('--allow-fs-write='));
  assert.equal(
    written,
    ['corridor.fifo', 'control.fifo'].map((name) => `--allow-fs-write=${join(folder, name)}`),
  );
});

test('the eye is shown neither the state folder nor the password, the voice neither the model nor /dev', () => {
  const mqtt = {
    url: 'mqtts://gateway:8883',
    password_file: '/secret/password',
    cert_file: 'credential:device.crt',
    key_file: '/secret/device.key',
  };
  const seenByEye = plan('eye', { mqtt }).words.join(' ');
  assert.not.match(seenByEye, /secret|\/state/);
  const seenByVoice = plan('voice', { mqtt }).words;
  for (const path of ['/secret/password', '/secret/device.key'])
    assert.ok(seenByVoice.includes(`--allow-fs-read=${path}`));
  assert.not.match(seenByVoice.join(' '), 'credential:');
  assert.not.ok(seenByVoice.includes('--net'));
  assert.not.match(seenByVoice.join(' '), /models\/person|\s\/dev(?!\/(null|u?random)\b)/);
});

test('a camera that is a program and pins that need an add-on are allowed with their reason', () => {
  const { words, allowed } = plan('eye', { camera: { driver: 'rpicam' }, gpio: { driver: 'auto' } });
  assert.ok(words.includes('--allow-child-process') && words.includes('--allow-addons'));
  assert.equal(guards(allowed), ['programs', 'addons']);
  const withoutPins = plan('eye', { gpio: { driver: 'auto' } }, { ...able, hasPins: false });
  assert.equal(withoutPins.allowed, []);
});

test('a camera with an address cannot be without a network, which is told as missing', () => {
  const address = { camera: { driver: 'video', video: { source: 'rtsp://10.0.0.9/1' } } };
  const { words, missing } = plan('eye', address);
  assert.not.ok(words.includes('--net'));
  assert.equal(guards(missing), ['network']);
  assert.equal(plan('eye', { camera: { driver: 'video', video: { source: '/film.mp4' } } }).missing, []);
});

test('on a machine that can do nothing everything is told, with reason and remedy, and required refuses it whole', () => {
  const poor: Abilities = { ...able, nodeFlags: new Set(), namespaces: unable, view: unable, coreLimit: unable };
  const plans = { eye: plan('eye', {}, poor), voice: plan('voice', {}, poor) };
  assert.is(plans.eye.program, '/usr/bin/node');
  assert.equal(plans.eye.enforced, []);
  assert.is(plans.eye.missing.length, 10);
  for (const { why, remedy } of plans.eye.missing) assert.ok(why !== '' && remedy !== '');
  assert.throws(
    () => requireAll(plans),
    (error: unknown) => error instanceof ConfigError && error.exitCode === 78 && error.problems.length === 20,
  );
  assert.not.throws(() => requireAll({ eye: plan('eye'), voice: plan('voice') }));
});

test('the environment is a list of what may pass', () => {
  const given = {
    ...{ PATH: '/bin', LC_ALL: 'C', NODE_OPTIONS: '--inspect', NODE_V8_COVERAGE: '/tmp/x', LD_PRELOAD: 'x.so' },
    ...{ SSL_CERT_FILE: '/ca.pem', LIBCAMERA_RPI_TUNING_FILE: '/t.json', AWS_SECRET_ACCESS_KEY: 'x' },
  };
  assert.equal(Object.keys(plan('eye', {}, able, given).environment).sort(), [
    ...['LC_ALL', 'LIBCAMERA_RPI_TUNING_FILE', 'PATH', 'RUNTIME_DIRECTORY'],
  ]);
  assert.equal(Object.keys(plan('voice', {}, able, given).environment).sort(), ['LC_ALL', 'PATH', 'SSL_CERT_FILE']);
});

function supervise(
  fields: readonly string[],
  abilities: Abilities = here,
): { lines: string[]; supervisor: Supervisor } {
  const lines: string[] = [];
  const log: Logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const all = [`mqtt.url=${NO_BROKER}`, `state_dir=${join(folder, 'state')}`, 'log_level=fatal', 'gpio.driver=memory'];
  const args = [...all, ...fields].flatMap((field) => ['--set', field]);
  supervisor = new Supervisor({ args, log, abilities, onEnded: () => {} });
  supervisor.start();
  return { lines, supervisor };
}

const procText = (pid: number, file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8');
const namespaceOf = (pid: number | 'self', name: string) => readlinkSync(`/proc/${pid}/ns/${name}`);
/** Node itself, no more what led to it. */
const runs = (pid: number, role: Role) => {
  const [program = '', ...words] = procText(pid, 'cmdline').split('\0');
  return /node/.test(program) && words.some((word) => word.endsWith(`${role}/main.js`));
};
const hasNoCore = (pid: number) => /^Max core file size\s+0\s+0\s/m.test(procText(pid, 'limits'));

needsNamespaces(
  'the children are Node itself, each in namespaces of its own, without core dumps and capabilities',
  async () => {
    const { supervisor, lines } = supervise([]);
    const pids = { eye: supervisor.eyePid!, voice: supervisor.voicePid! };
    await eventually(WAIT_MS, 'both run', () => runs(pids.eye, 'eye') && runs(pids.voice, 'voice'));
    assert.is.not(namespaceOf(pids.eye, 'net'), namespaceOf('self', 'net'));
    assert.is(namespaceOf(pids.voice, 'net'), namespaceOf('self', 'net'));
    for (const name of ['user', 'mnt']) {
      const all = [pids.eye, pids.voice, 'self' as const].map((pid) => namespaceOf(pid, name));
      assert.is(new Set(all).size, 3, `${name}: ${all}`);
    }
    for (const pid of [pids.eye, pids.voice]) {
      assert.ok(hasNoCore(pid));
      assert.match(procText(pid, 'status'), /^CapEff:\s0+$/m);
      assert.match(procText(pid, 'status'), /^NoNewPrivs:\s1$/m);
    }
    assert.match(lines[0] ?? '', '"enforced":["network (kernel)"');
    assert.equal(
      lines.filter((line) => line.includes('NOT ISOLATED')),
      [],
    );
  },
);

needsNamespaces('who starts the eye can still read its memory: the audit does', async () => {
  const { supervisor } = supervise([]);
  const pid = supervisor.eyePid!;
  const heap = () => /^([0-9a-f]+)-.*\[heap\]$/m.exec(procText(pid, 'maps'));
  await eventually(WAIT_MS, 'it has a heap', () => runs(pid, 'eye') && heap() !== null);
  const address = Number.parseInt(heap()![1]!, 16);
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  assert.is(readSync(fd, Buffer.alloc(4096), 0, 4096, address), 4096);
  closeSync(fd);
});

needsNamespaces('the camera’s program inherits it all', async () => {
  fakeRpicam('');
  process.env['LETHE_RPICAM_VID'] = FAKE_RPICAM_VID;
  try {
    const { supervisor } = supervise(['camera.driver=rpicam']);
    const eyePid = supervisor.eyePid!;
    let cameraPid: number | undefined;
    await eventually(WAIT_MS, 'the camera runs', () => {
      cameraPid = readdirSync('/proc')
        .filter((entry) => /^\d+$/.test(entry))
        .map(Number)
        .find((pid) => {
          try {
            const [, script = '', ...words] = procText(pid, 'cmdline').split('\0');
            return script === FAKE_RPICAM_VID && words.some((word) => word.startsWith(folderOf(supervisor)));
          } catch {
            return false;
          }
        });
      return cameraPid !== undefined;
    });
    for (const name of ['net', 'user', 'mnt']) assert.is(namespaceOf(cameraPid!, name), namespaceOf(eyePid, name));
    assert.ok(hasNoCore(cameraPid!));
  } finally {
    delete process.env['LETHE_RPICAM_VID'];
    delete process.env['LETHE_FAKE_RPICAM'];
  }
});
const folderOf = ({ runtimeDir }: Supervisor) => join(runtimeDir, 'camera');

test('SIGUSR1 opens no inspector in eye or voice, at no moment of their start, and ends neither', async () => {
  const { supervisor } = supervise([]);
  const pids = { eye: supervisor.eyePid!, voice: supervisor.voicePid! };
  const listening = () =>
    Object.values(pids).some((pid) =>
      readdirSync(`/proc/${pid}/fd`).some((fd) => {
        try {
          const inode = /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
          // State 0A is LISTEN (include/net/tcp_states.h).
          return inode !== undefined && new RegExp(`\\s0A\\s.*\\s${inode}\\s`).test(procText(pid, 'net/tcp'));
        } catch {
          return false;
        }
      }),
    );
  await eventually(WAIT_MS, 'both run', () => runs(pids.eye, 'eye') && runs(pids.voice, 'voice'));
  // Node's own handler would be there before the first line of ours: many signals, from its first milliseconds on.
  for (let i = 0; i < 100; i++) {
    for (const pid of Object.values(pids)) process.kill(pid, 'SIGUSR1');
    assert.not.ok(listening());
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal([supervisor.eyePid, supervisor.voicePid], [pids.eye, pids.voice]);
});

test('the listener alone, as where systemd starts them without these options, keeps it shut too', async () => {
  const file = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'runtime', 'no-inspector.js');
  const complaintOf = async (words: readonly string[]) => {
    const script = 'process.stdout.write("up"); setInterval(() => {}, 1000)';
    const child = spawn(process.execPath, ['--inspect-port=0', ...words, '-e', script]);
    let told = '';
    child.stderr.on('data', (text: Buffer) => (told += text.toString()));
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGUSR1');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const isAlive = child.exitCode === null && child.signalCode === null;
    child.kill('SIGKILL');
    return { told, isAlive };
  };
  assert.match((await complaintOf([])).told, /Debugger listening/);
  assert.equal(await complaintOf(['--import', file]), { told: '', isAlive: true });
});

test('what cannot be enforced is a warning with the remedy, and counting goes on', async () => {
  const { supervisor, lines } = supervise([], { ...here, namespaces: unable, view: unable });
  const eyePid = supervisor.eyePid!;
  await eventually(WAIT_MS, 'it runs', () => runs(eyePid, 'eye'));
  const warnings = lines.filter((line) => line.includes('NOT ISOLATED'));
  assert.ok(warnings.some((line) => /network cannot be kept from the eye \(forbidden here\)\. Install/.test(line)));
});

test('privacy.isolation required: nothing starts where something is missing, and nothing is left behind', () => {
  const before = readdirSync(tmpdir()).filter((name) => /^lethe-\w{6}$/.test(name)).length;
  assert.throws(
    () => supervise(['privacy.isolation=required'], { ...here, namespaces: unable, view: unable }),
    (error: unknown) => error instanceof ConfigError && error.problems.some((line) => line.startsWith('eye: network')),
  );
  assert.is(readdirSync(tmpdir()).filter((name) => /^lethe-\w{6}$/.test(name)).length, before);
});

needsNamespaces('a file that is shown below a folder that is shown is not emptied', () => {
  const path = join(folder, 'kept.json');
  writeFileSync(path, 'kept');
  const config = parseConfig({ state_dir: folder, mqtt: { password_file: path }, gpio: { driver: 'memory' } });
  const mountPoint = mkdtempSync(join(tmpdir(), 'lethe-view-'));
  const { program, words, environment } = planChild(
    {
      ...{ role: 'voice', config, configPath: undefined, runtimeDir: folder, mountPoint, environment: process.env },
      ...{ entry: '-e', args: ['0'] },
    },
    here,
  );
  const { status, stderr } = spawnSync(program, words, { env: environment, encoding: 'utf8' });
  rmSync(mountPoint, { recursive: true });
  assert.is(status, 0, stderr);
  assert.is(readFileSync(path, 'utf8'), 'kept');
});

test.run();
