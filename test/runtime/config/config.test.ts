// Goal: a configuration is either whole and right, or refused with every fault at once.
// Method: real files in a temporary folder; literal sentences; any JSON at all by fast-check.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadConfig, parseConfig } from '../../../runtime/config/config.ts';
import { ConfigError, ExitCode } from '../../../runtime/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-config-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

function problemsOf(file: unknown): readonly string[] {
  try {
    parseConfig(file);
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.is((error as ConfigError).exitCode, ExitCode.config);
    return (error as ConfigError).problems;
  }
  return [];
}

test('an empty file is the default configuration', () => {
  const config = parseConfig({});
  assert.is(config.camera.driver, 'scene');
  assert.is(config.camera.frameRateHz, 15);
  assert.is(config.lines[0]?.name, 'door');
  assert.is(config.intervalS, 60);
});

test('a fault is told with field, value, expectation with unit, and remedy', () => {
  assert.equal(problemsOf({ camera: { frame_rate_hz: 0 } }), [
    'camera.frame_rate_hz is 0; expected a number 1..60 Hz. Remove the line to use 15.',
  ]);
});

test('seven mistakes of seven kinds are listed at once', () => {
  const problems = problemsOf({
    site: 'Main Street',
    time_zone: 'Europe/Stokholm',
    camera: { driver: 'webcam', heigth_px: 192, frame_rate_hz: '15' },
    lines: [
      { name: 'a', from: [0, 0.5], to: [1, 1.5], in: 'down' },
      { name: 'b', from: [0, 0.5], to: [1, 0.5], in: 'left' },
    ],
  });
  assert.is(problems.length, 7, problems.join('\n'));
  const has = (words: RegExp) =>
    assert.ok(
      problems.some((problem) => words.test(problem)),
      `${words} in:\n${problems.join('\n')}`,
    );
  has(/^site is "Main Street"; expected 1 to 32 of a-z/);
  has(/^time_zone is "Europe\/Stokholm"; expected an IANA name/);
  has(/^camera\.driver is "webcam"; expected one of scene, video, rpicam\. Remove the line to use "scene"\./);
  has(/^camera\.heigth_px is not a field; did you mean height_px\?/);
  has(/^camera\.frame_rate_hz is "15"; expected a number 1\.\.60 Hz/);
  has(/^lines\.0\.to is \[1,1\.5\]; expected \[x, y\], both 0\.\.1/);
  has(/^lines\.1\.in is "left", which runs along the line; .* Use up or down\./);
});

test('a required field that is missing is named', () => {
  assert.match(
    problemsOf({ lines: [{ name: 'a', from: [0, 0.5], in: 'up' }] })[0] ?? '',
    /^lines\.0\.to is missing; expected \[x, y\]/,
  );
});

test('two lines of one name, a line without length and odd sizes are refused', () => {
  const line = { name: 'a', from: [0.1, 0.5], to: [0.9, 0.5], in: 'up' };
  assert.match(
    problemsOf({ lines: [line, line] })[0] ?? '',
    /^lines\.1\.name is "a"; expected a name that lines\.0 does not have/,
  );
  assert.match(problemsOf({ lines: [{ ...line, to: [0.1, 0.5] }] })[0] ?? '', /^lines\.0 is 0\.000 long/);
  assert.match(problemsOf({ camera: { width_px: 255 } })[0] ?? '', /expected even numbers/);
});

test('the camera module needs a width that is unpadded on every board', () => {
  assert.match(
    problemsOf({ camera: { driver: 'rpicam', width_px: 320 } })[0] ?? '',
    /^camera\.width_px is 320; expected a multiple of 128 px/,
  );
});

test('footage needs a source that cannot be taken for an option', () => {
  assert.match(problemsOf({ camera: { driver: 'video' } })[0] ?? '', /^camera\.video\.source is ""/);
  assert.match(
    problemsOf({ camera: { driver: 'video', video: { source: '-version' } } })[0] ?? '',
    /does not begin with "-"/,
  );
});

test('a device cannot have the name under which the gateway of the store speaks', () => {
  for (const device of ['store', 'gateway'])
    assert.match(
      problemsOf({ device })[0] ?? '',
      /^device is "(store|gateway)", under which the store's gateway speaks/,
    );
});

test('user and password in the broker address are refused, so that they cannot reach a log', () => {
  assert.match(
    problemsOf({ mqtt: { url: 'mqtt://me:secret@broker' } })[0] ?? '',
    /^mqtt\.url is .* expected mqtt:\/\/host:port/,
  );
});

test('a word over the file wins, and its value may be JSON or a plain word', () => {
  const path = join(folder, 'a.json');
  writeFileSync(path, JSON.stringify({ site: 'from_file', camera: { scene: { seed: 7 } } }));
  const config = loadConfig({ path, overrides: ['device=side_door', 'camera.scene.people_per_minute=60'] });
  assert.is(config.site, 'from_file');
  assert.is(config.device, 'side_door');
  assert.is(config.camera.scene.seed, 7);
  assert.is(config.camera.scene.peoplePerMinute, 60);
});

test('a field name from outside cannot reach a prototype', () => {
  assert.throws(() => loadConfig({ overrides: ['__proto__.polluted=1'] }), /__proto__.polluted is not a field/);
  assert.is(({} as Record<string, unknown>)['polluted'], undefined);
});

test('paths in a file are relative to the file, addresses are left alone', () => {
  const path = join(folder, 'b.json');
  writeFileSync(
    path,
    JSON.stringify({ state_dir: 'state', camera: { driver: 'video', video: { source: 'clip.mp4' } } }),
  );
  const config = loadConfig({ path });
  assert.is(config.stateDir, join(folder, 'state'));
  assert.is(config.camera.video.source, join(folder, 'clip.mp4'));
  const stream = loadConfig({ path, overrides: ['camera.video.source=rtsp://camera.local/1'] });
  assert.is(stream.camera.video.source, 'rtsp://camera.local/1');
});

test('a missing file and a file that is not JSON are one clear error each', () => {
  assert.throws(() => loadConfig({ path: join(folder, 'none.json') }), /cannot be read \(ENOENT\)/);
  const path = join(folder, 'c.json');
  writeFileSync(path, '{ "site": ');
  assert.throws(() => loadConfig({ path }), /is not JSON/);
});

test('any JSON is accepted or refused with sentences, never with a crash', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      for (const problem of problemsOf(json)) assert.ok(problem.length > 10 && problem.length < 400, problem);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
  );
});

test('any value in any known field is accepted or refused with sentences', () => {
  const section = (keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys), fc.jsonValue(), { maxKeys: 4 });
  const file = fc.record(
    {
      site: fc.jsonValue(),
      lines: fc.oneof(fc.jsonValue(), fc.array(section(['name', 'from', 'to', 'in', 'hysteresis']), { maxLength: 9 })),
      camera: section(['driver', 'width_px', 'height_px', 'scene', 'video', 'rpicam']),
      mqtt: section(['url', 'username']),
      time_zone: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(file, (json) => {
      problemsOf(json);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
  );
});

test('engine tfjs is refused on a Raspberry Pi until somebody accepts what it leaves behind', () => {
  const board = 'Raspberry Pi 4 Model B Rev 1.4';
  const choose = (...overrides: string[]) => loadConfig({ overrides: ['model.engine=tfjs', ...overrides], board });
  try {
    choose();
    assert.unreachable('accepted');
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.is((error as ConfigError).exitCode, ExitCode.config);
    assert.equal((error as ConfigError).problems, [
      'model.engine is "tfjs" on a Raspberry Pi 4 Model B Rev 1.4; expected wasm on a device, because TensorFlow.js leaves pictures in memory that nobody can erase. Remove the line to use "wasm", or set model.accept_residue to true.',
    ]);
  }
  assert.is(choose('model.accept_residue=true').model.engine, 'tfjs');
  assert.is(loadConfig({ overrides: [], board }).model.engine, 'wasm');
  for (const other of ['', 'linux,dummy-virt'])
    assert.is(loadConfig({ overrides: ['model.engine=tfjs'], board: other }).model.engine, 'tfjs');
});

test.run();
