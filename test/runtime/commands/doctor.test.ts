// Goal: doctor says what is missing for this configuration, how to get it, and ends with 69 only for what is needed.
// Method: the checks on probes of our own, a well-equipped Raspberry Pi with one thing changed at a time; then the two
// real probes that do more than read a file.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startEmbeddedBroker } from '../../../drivers/link/embedded-broker.ts';
import {
  type Check,
  doctor,
  examine,
  type Probes,
  renderTable,
  systemProbes,
} from '../../../runtime/commands/doctor.ts';
import { type ProgramResult, runProgram } from '../../../runtime/commands/run-program.ts';
import { loadConfig } from '../../../runtime/config/config.ts';
import { ExitCode, ModelError } from '../../../runtime/errors.ts';
import { within } from '../../fakes/within.ts';

const LIMITS = (core: string) => `Limit                     Soft Limit           Hard Limit           Units
Max stack size            8388608              unlimited            bytes
Max core file size        ${core.padEnd(21)}unlimited            bytes
`;
const SWAPS_HEAD = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
const CAMERAS = `Available cameras
-----------------
0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/i2c0mux/i2c@1/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
`;

type World = {
  files: Record<string, string>;
  programs: Record<string, ProgramResult>;
  runs: string[];
};

/** A Raspberry Pi 4 on which everything is as it should be. */
function pi(
  change: Partial<Probes> = {},
  files: Record<string, string> = {},
  programs: Record<string, ProgramResult> = {},
) {
  const fine = (output: string): ProgramResult => ({ outcome: 'ok', output });
  const world: World = {
    files: {
      '/proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.4\0',
      '/proc/meminfo': 'MemTotal:        3884360 kB\nMemFree:  1 kB\nMemAvailable:    3221225 kB\n',
      '/proc/swaps': SWAPS_HEAD,
      '/proc/self/limits': LIMITS('0'),
      '/proc/sys/kernel/core_pattern': 'core\n',
      '/run/systemd/timesync/synchronized': '',
      ...files,
    },
    programs: {
      'ffmpeg -hide_banner -version': fine('ffmpeg version 7.1\nbuilt with gcc\n'),
      'ffprobe -hide_banner -version': fine('ffprobe version 7.1\n'),
      'rpicam-vid --version': fine('rpicam-apps build: v1.12.0\nlibcamera build: v0.7.1\n'),
      'rpicam-vid --list-cameras': fine(CAMERAS),
      'mosquitto -h': { outcome: 'failed', output: 'mosquitto version 2.0.21\n' },
      'pinctrl get 27': fine('27: ip    pu | hi // GPIO27 = input\n'),
      ...programs,
    },
    runs: [],
  };
  const probes: Probes = {
    nodeVersion: 'v20.19.2',
    architecture: 'arm64',
    readText: (path) => world.files[path],
    exists: (path) => path in world.files,
    run: (program, words) => {
      const line = [program, ...words].join(' ');
      world.runs.push(line);
      return world.programs[line] ?? { outcome: 'absent', output: '' };
    },
    disk: () => ({ freeBytes: 8 * 2 ** 30, writable: true }),
    broker: async () => ({ fault: '', notices: [] }),
    pins: async () => ({ available: true, found: 'onoff: pinctrl-bcm2711, base 512', reason: '' }),
    loadOnoff: async () => '',
    model: () => 'person 1.0, 250000 bytes',
    config: (path, overrides) => loadConfig({ path, overrides }),
    ...change,
  };
  return { probes, world };
}

async function rowsOf(probes: Probes, overrides: string[] = [], path?: string): Promise<Map<string, Check>> {
  const { checks } = await examine(probes, path, overrides);
  return new Map(checks.map((check) => [check.name, check]));
}

async function rowOf(name: string, probes: Probes, overrides: string[] = []): Promise<Check> {
  const row = (await rowsOf(probes, overrides)).get(name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
}

async function run(probes: Probes, overrides: string[] = [], json = false) {
  let text = '';
  const code = await doctor({ overrides, json, out: (part) => (text += part) }, probes);
  return { code, text };
}

const ABSENT: ProgramResult = { outcome: 'absent', output: '' };

test('a well-equipped board is fine in every row, with every camera driver', async () => {
  for (const overrides of [[], ['camera.driver=rpicam'], ['camera.driver=video', 'camera.video.source=clip.mp4']]) {
    const rows = await rowsOf(pi().probes, overrides);
    for (const row of rows.values()) assert.is(row.state, 'ok', `${row.name}: ${row.found}`);
    assert.is((await run(pi().probes, overrides)).code, ExitCode.ok);
  }
});

test('a bare desk is ready for the scene camera: what it lacks is not needed there', async () => {
  const { probes, world } = pi({
    architecture: 'x64',
    loadOnoff: async () => 'not installed. Install it.',
    pins: async () => ({ available: false, found: '', reason: 'no /sys/class/gpio' }),
    broker: async () => ({ fault: 'No broker answers.', notices: [] }),
  });
  world.programs = {};
  world.files = {};
  const { code, text } = await run(probes);
  assert.is(code, 0);
  assert.match(text, /Ready for camera driver scene\./);
  const states = [...(await rowsOf(probes)).values()].map((row) => `${row.name} ${row.state}`);
  assert.equal(
    states.filter((line) => !line.endsWith(' ok')),
    [
      'board skip',
      'rpicam-vid skip',
      'camera skip',
      'ffmpeg skip',
      'ffprobe skip',
      'onoff skip',
      'pins skip',
      'memory skip',
      'swap skip',
      'core dumps skip',
      'time skip',
      'broker warn',
      'mosquitto skip',
    ],
  );
});

test('the same missing program is needed by one camera driver and not by another', async () => {
  const programs = { 'ffmpeg -hide_banner -version': ABSENT, 'rpicam-vid --version': ABSENT };
  const { probes } = pi({}, {}, programs);
  const video = ['camera.driver=video', 'camera.video.source=clip.mp4'];
  assert.is((await rowOf('ffmpeg', probes)).state, 'skip');
  assert.is((await rowOf('ffmpeg', probes, video)).state, 'missing');
  assert.is((await rowOf('rpicam-vid', probes, video)).state, 'skip');
  assert.is((await rowOf('rpicam-vid', probes, ['camera.driver=rpicam'])).state, 'missing');
  const { code, text } = await run(probes, video);
  assert.is(code, ExitCode.unavailable);
  assert.match(text, /✗ ffmpeg +not installed\n +→ sudo apt install ffmpeg/);
  assert.match(text, /Not ready for camera driver video: ffmpeg\./);
});

test('an old Node is missing, whatever its minor number looks like as text', async () => {
  for (const [version, state] of [
    ['v18.20.4', 'missing'],
    ['v20.9.0', 'missing'],
    ['v20.18.3', 'missing'],
    ['v20.19.0', 'ok'],
    ['v22.4.1', 'ok'],
    ['v24.0.0', 'ok'],
  ] as const) {
    assert.is((await rowOf('node', pi({ nodeVersion: version }).probes)).state, state, version);
  }
});

test('a 32-bit system is a warning with the way out', async () => {
  const row = await rowOf('architecture', pi({ architecture: 'arm' }).probes);
  assert.is(row.state, 'warn');
  assert.match(row.remedy, /64-bit/);
});

test('the board is told without the NUL that ends it', async () => {
  assert.is((await rowOf('board', pi().probes)).found, 'Raspberry Pi 4 Model B Rev 1.4');
});

test('only the old name of rpicam-vid asks for an update', async () => {
  const programs = {
    'rpicam-vid --version': ABSENT,
    'libcamera-vid --version': { outcome: 'ok', output: 'v1.2' } as const,
  };
  const row = await rowOf('rpicam-vid', pi({}, {}, programs).probes, ['camera.driver=rpicam']);
  assert.is(row.state, 'missing');
  assert.match(row.remedy, /full-upgrade/);
});

test('cameras are listed only where rpicam-vid is, and named', async () => {
  const { probes, world } = pi({}, {}, { 'rpicam-vid --version': ABSENT });
  await rowOf('camera', probes);
  assert.not.ok(world.runs.includes('rpicam-vid --list-cameras'));
  assert.is((await rowOf('camera', pi().probes)).found, '0: imx708 4608x2592 10-bit RGGB');
});

test('no camera, a camera that hangs and a wrong index are missing with driver rpicam, and no matter without', async () => {
  const list = (outcome: ProgramResult['outcome'], output: string) =>
    pi({}, {}, { 'rpicam-vid --list-cameras': { outcome, output } }).probes;
  const rpicam = ['camera.driver=rpicam'];
  const none = list('ok', 'No cameras available!\n');
  assert.match((await rowOf('camera', none, rpicam)).remedy, /ribbon cable/);
  assert.is((await rowOf('camera', none, rpicam)).state, 'missing');
  assert.is((await rowOf('camera', none)).state, 'skip');
  assert.match((await rowOf('camera', list('timeout', ''), rpicam)).found, /more than 5 s/);
  const wrong = await rowOf('camera', pi().probes, [...rpicam, 'camera.rpicam.camera_index=1']);
  assert.is(wrong.state, 'missing');
  assert.match(wrong.found, /0: imx708 .*; expected number 1/);
});

test('a program that does not run says so with its own first line', async () => {
  const programs = {
    'ffmpeg -hide_banner -version': {
      outcome: 'failed',
      output: '\nffmpeg: error while loading libavdevice\n',
    } as const,
  };
  assert.match((await rowOf('ffmpeg', pi({}, {}, programs).probes)).found, /does not run: ffmpeg: error while loading/);
});

test('a program found by another name is used for the camera rows', async () => {
  const programs = {
    '/opt/cam --version': { outcome: 'ok', output: 'v9\n' } as const,
    '/opt/cam --list-cameras': { outcome: 'ok', output: CAMERAS } as const,
  };
  const { checks } = await examine(pi({}, {}, programs).probes, undefined, [], '/opt/cam');
  assert.is(checks.find((check) => check.name === 'rpicam-vid')?.found, 'v9');
});

test('mosquitto counts as there although its help ends with 3, in sbin too', async () => {
  assert.is((await rowOf('mosquitto', pi().probes)).found, 'mosquitto version 2.0.21');
  const programs = {
    'mosquitto -h': ABSENT,
    '/usr/sbin/mosquitto -h': { outcome: 'failed', output: 'mosquitto version 2.0.11\n' } as const,
  };
  assert.is((await rowOf('mosquitto', pi({}, {}, programs).probes)).found, 'mosquitto version 2.0.11');
});

test('pins that are not there are no matter with driver auto and missing with driver onoff', async () => {
  const { probes } = pi({
    loadOnoff: async () => 'the package onoff is not installed. Run npm install onoff.',
    pins: async () => ({ available: false, found: '', reason: 'no /sys/class/gpio' }),
  });
  assert.is((await rowOf('pins', probes)).state, 'skip');
  assert.is((await rowOf('onoff', probes)).state, 'skip');
  assert.is((await rowOf('pins', probes, ['gpio.driver=onoff'])).state, 'missing');
  assert.match((await rowOf('onoff', probes, ['gpio.driver=onoff'])).remedy, /npm install onoff/);
  assert.is((await run(probes, ['gpio.driver=onoff'])).code, ExitCode.unavailable);
});

test('pins are not looked at when none are used', async () => {
  const { probes } = pi({ pins: () => Promise.reject(new Error('looked')) });
  assert.match((await rowOf('pins', probes, ['gpio.driver=memory'])).found, /memory/);
  assert.match((await rowOf('pins', probes, ['gpio.led_bcm=-1', 'gpio.button_bcm=-1'])).found, /no lamp and no button/);
});

test('a button that is not pulled up is a warning with the line for config.txt', async () => {
  const button = (output: string) =>
    rowOf('button', pi({}, {}, { 'pinctrl get 27': { outcome: 'ok', output } }).probes);
  const down = await button('27: ip    pd | lo // GPIO27 = input\n');
  assert.is(down.state, 'warn');
  assert.match(down.remedy, /gpio=27=ip,pu/);
  assert.is((await button('27: ip    pd | hi // GPIO27 = input\n')).state, 'ok', 'a resistor on the board');
  assert.match((await button('27: ip    pu | lo // GPIO27 = input\n')).remedy, /Let go of the button/);
  assert.is((await button('something else\n')).state, 'skip');
});

test('little memory, swap, core dumps and little disk are warnings, and the exit code stays 0', async () => {
  const { probes } = pi(
    { disk: () => ({ freeBytes: 90 * 2 ** 20, writable: true }) },
    {
      '/proc/meminfo': 'MemTotal: 436000 kB\nMemAvailable: 120000 kB\n',
      '/proc/swaps': `${SWAPS_HEAD}/dev/zram0 partition 435000 0 100\n/var/swap file 99 0 -2\n`,
      '/proc/self/limits': LIMITS('unlimited'),
    },
  );
  const rows = await rowsOf(probes);
  assert.is(rows.get('memory')?.found, '117 MiB available of 426 MiB');
  assert.is(rows.get('swap')?.found, 'on: /dev/zram0, /var/swap');
  assert.is(rows.get('core dumps')?.found, 'on, up to unlimited');
  assert.match(rows.get('disk')?.found ?? '', /^90 MiB free/);
  for (const name of ['memory', 'swap', 'core dumps', 'disk']) assert.is(rows.get(name)?.state, 'warn', name);
  const { code, text } = await run(probes);
  assert.is(code, 0);
  assert.match(text, /Better with a look at: memory, swap, core dumps, disk\./);
});

test('a crash reporter that need not heed the limit is a warning; systemd-coredump heeds it', async () => {
  const pattern = (text: string) => rowOf('core dumps', pi({}, { '/proc/sys/kernel/core_pattern': text }).probes);
  assert.match((await pattern('|/usr/share/apport/apport -p%p\n')).found, /piped to \/usr\/share\/apport\/apport,/);
  assert.is((await pattern('|/usr/lib/systemd/systemd-coredump %P\n')).state, 'ok');
});

test('a folder that this user may not write is a warning', async () => {
  const { probes } = pi({ disk: () => ({ freeBytes: 2 ** 33, writable: false }) });
  assert.match((await rowOf('disk', probes)).found, /not writable by this user/);
});

test('time is synchronised, not synchronised, or unknown', async () => {
  const time = (output: string, outcome: ProgramResult['outcome'] = 'ok') => {
    const { probes, world } = pi(
      {},
      {},
      { 'timedatectl show --property=NTPSynchronized --value': { outcome, output } },
    );
    delete world.files['/run/systemd/timesync/synchronized'];
    return rowOf('time', probes);
  };
  assert.is((await time('yes\n')).state, 'ok');
  assert.is((await time('no\n')).state, 'warn');
  assert.is((await time('Failed to connect to bus\n', 'failed')).state, 'skip');
  assert.is((await rowOf('time', pi().probes)).state, 'ok');
});

test('a model that is missing, altered or no model is told apart', async () => {
  for (const [code, word] of [
    ['MODEL_MISSING', 'missing'],
    ['MODEL_HASH', 'mismatch'],
    ['MODEL_MANIFEST', 'unusable'],
  ] as const) {
    const { probes } = pi({
      model: () => {
        throw new ModelError(code, 'the model is not right.', { op: 'load model', hint: 'Restore it.' });
      },
    });
    assert.equal(await rowOf('model', probes), {
      name: 'model',
      state: 'missing',
      found: `${word}: the model is not right.`,
      remedy: 'Restore it.',
    });
  }
});

test('a bad configuration lists every fault, the rest is checked with the defaults, and the exit code is 69', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-doctor-'));
  try {
    const path = join(folder, 'lethe.json');
    writeFileSync(path, JSON.stringify({ camera: { frame_rate_hz: 0, driver: 'webcam' }, colour: 'red' }));
    const row = (await rowsOf(pi().probes, [], path)).get('configuration');
    assert.is(row?.state, 'missing');
    const faults = row?.found.split('\n') ?? [];
    assert.is(faults.length, 3);
    for (const field of ['camera.frame_rate_hz', 'camera.driver', 'colour'])
      assert.ok(
        faults.some((fault) => fault.startsWith(field)),
        field,
      );
    let text = '';
    const code = await doctor({ config: path, json: false, out: (part) => (text += part) }, pi().probes);
    assert.is(code, ExitCode.unavailable);
    assert.match(text, /Not ready for camera driver scene: configuration\./);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a configuration file that is not there is a fault with its name', async () => {
  const row = (await rowsOf(pi().probes, [], '/nowhere/lethe.json')).get('configuration');
  assert.match(row?.found ?? '', /\/nowhere\/lethe\.json.*ENOENT/);
  assert.match(row?.remedy ?? '', /--config/);
});

test('a broker that is away is a warning in the link’s own words; an address that is none is a fault of the file', async () => {
  const away = await rowOf('broker', pi({ broker: async () => ({ fault: 'No broker answers.', notices: [] }) }).probes);
  assert.equal([away.state, away.found], ['warn', 'No broker answers.']);
  const { probes } = pi();
  assert.match((await rowOf('configuration', probes, ['mqtt.url=mqtt://a:99999'])).found, /mqtt\.url .*port from 1 to/);
  const open = { fault: '', notices: ['mqtt.key_file can be read by every user.'] };
  const careless = await rowOf('broker', pi({ broker: async () => open }).probes);
  assert.equal([careless.state, careless.remedy], ['warn', open.notices[0]]);
});

test('every warning and every missing thing has a remedy', async () => {
  const nothing: ProgramResult = ABSENT;
  const { probes, world } = pi({
    nodeVersion: 'v18.0.0',
    architecture: 'arm',
    loadOnoff: async () => 'Install it.',
    pins: async () => ({ available: false, found: '', reason: 'none' }),
    broker: async () => ({ fault: 'No broker answers.', notices: [] }),
    disk: () => ({ freeBytes: 1, writable: true }),
  });
  world.programs = { 'rpicam-vid --version': nothing };
  for (const row of (await rowsOf(probes, ['camera.driver=rpicam', 'gpio.driver=onoff'])).values()) {
    if (row.state === 'warn' || row.state === 'missing') assert.ok(row.remedy.length > 10, row.name);
  }
});

test('what programs say reaches the terminal without control characters', async () => {
  const output = 'ffmpeg \u001b[31mversion\u0007 7\n';
  const programs = { 'ffmpeg -hide_banner -version': { outcome: 'ok', output } as const };
  assert.is((await rowOf('ffmpeg', pi({}, {}, programs).probes)).found, 'ffmpeg [31mversion 7');
});

test('the table has its columns under each other, also for several lines and remedies', () => {
  const text = renderTable(
    [
      { name: 'a', state: 'ok', found: 'fine', remedy: '' },
      { name: 'longer', state: 'missing', found: 'one\ntwo', remedy: 'do it' },
    ],
    'scene',
  );
  assert.equal(text.split('\n').slice(0, 4), ['✓ a       fine', '✗ longer  one', '          two', '          → do it']);
});

test('the JSON says the same as the table', async () => {
  const { code, text } = await run(
    pi({ broker: async () => ({ fault: 'No broker answers.', notices: [] }) }).probes,
    ['camera.driver=rpicam'],
    true,
  );
  const report = JSON.parse(text) as { ready: boolean; camera_driver: string; checks: Check[] };
  assert.is(code, 0);
  assert.is(report.ready, true);
  assert.is(report.camera_driver, 'rpicam');
  assert.is(report.checks.find((check) => check.name === 'broker')?.state, 'warn');
  for (const check of report.checks) assert.equal(Object.keys(check), ['name', 'state', 'found', 'remedy']);
});

test('the real probe of programs tells absent, failed, hanging and fine apart, and passes words unchanged', () => {
  const node = (script: string, timeoutMs = 5000) => runProgram(process.execPath, ['-e', script], timeoutMs);
  assert.is(runProgram('lethe-no-such-program', [], 1000).outcome, 'absent');
  assert.is(node('process.exit(3)').outcome, 'failed');
  assert.is(node('setInterval(() => {}, 1000); process.on("SIGTERM", () => {})', 300).outcome, 'timeout');
  assert.equal(runProgram(process.execPath, ['-p', 'process.argv[1]', '$(id); *'], 5000), {
    outcome: 'ok',
    output: '$(id); *\n',
  });
});

test('the real probe of the broker says why it is not let in, by IPv4 and by IPv6, and leaves nothing running', async () => {
  const broker = await startEmbeddedBroker(0);
  const answer = (url: string) =>
    within(6000, url, systemProbes().broker(loadConfig({ overrides: [`mqtt.url=${url}`] }), 2000));
  assert.equal(await answer(`mqtt://127.0.0.1:${broker.port}`), { fault: '', notices: [] });
  await broker.stop();
  for (const host of ['127.0.0.1', '[::1]'])
    assert.match((await answer(`mqtt://${host}:${broker.port}`)).fault, /No broker answers at .*connection refused/);
});

test('the real probes answer on this machine without throwing', async () => {
  const probes = systemProbes();
  assert.is(probes.readText('/nowhere'), undefined);
  assert.ok((probes.disk('/nowhere/at/all')?.freeBytes ?? -1) >= 0);
  const pins = await probes.pins('auto');
  assert.is(pins.available, pins.reason === '');
  assert.type(await probes.loadOnoff(), 'string');
});

test.run();
