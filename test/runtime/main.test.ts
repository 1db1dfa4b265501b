// Goal: who types something wrong learns what and how to mend it; exit codes are those that scripts know (sysexits.h).
// Method: the command line as a program of its own, from other folders than its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultManifestPath } from '../../runtime/eye/model.ts';

const MAIN = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));
const COMMANDS = ['run', 'replay', 'evaluate', 'tally', 'verify', 'model', 'doctor', 'gateway'];
const END_MS_MAX = 30_000;

const test = suite('command line');
const folder = mkdtempSync(join(tmpdir(), 'lethe-main-'));
test.after(() => rmSync(folder, { recursive: true, force: true }));

function lethe(...words: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], {
    cwd: folder,
    encoding: 'utf8',
    timeout: END_MS_MAX,
    env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder },
  });
  return { code: status, out: stdout, err: stderr };
}

const linesOf = (text: string) => text.trim().split('\n');

test('without a word it shows its commands', () => {
  const { code, out, err } = lethe();
  assert.equal([code, err], [0, '']);
  for (const command of COMMANDS) assert.match(out, new RegExp(`^ {2}${command}\\b`, 'm'));
});

for (const command of ['', ...COMMANDS]) {
  test(`lethe ${command} --help explains and exits with 0`.replace('  ', ' '), () => {
    const { code, out, err } = lethe(...(command === '' ? [] : [command]), '--help');
    assert.equal([code, err], [0, '']);
    assert.match(out, `Usage: lethe ${command}`.trim());
  });
}

test('its version is that of the package', () => {
  const { code, out } = lethe('--version');
  assert.is(code, 0);
  assert.match(out, /^\d+\.\d+\.\d+\n$/);
});

test('an unknown command gets a suggestion and exit 64', () => {
  const { code, out, err } = lethe('repaly');
  assert.equal([code, out], [64, '']);
  assert.match(err, "unknown command 'repaly'");
  assert.match(err, 'Did you mean replay?');
});

test('verify: nothing to check is no sound recording, and a file that is not there is told', () => {
  writeFileSync(join(folder, 'empty'), '');
  const nothing = lethe('verify', 'empty');
  assert.equal([nothing.code, nothing.out], [66, '']);
  assert.match(nothing.err, 'empty has no receipt in 0 lines.');
  assert.match(nothing.err, 'mosquitto_sub');
  const missing = lethe('verify', 'nowhere');
  assert.equal([missing.code, missing.out], [66, '']);
  assert.match(missing.err, 'nowhere cannot be read (ENOENT)');
  assert.is(lethe('verify', 'empty', '--public-key', 'short').code, 64);
});

test('unknown options, missing words and bad numbers exit with 64 and name the help', () => {
  for (const words of [
    ['run', '--dmeo'],
    ['replay'],
    ['run', '--seconds', '0'],
    ['run', '--seconds', 'ten'],
    ['tally', '--margin', '0'],
  ]) {
    const { code, err } = lethe(...words);
    assert.is(code, 64, words.join(' '));
    assert.match(err, `lethe ${words[0]} --help`);
  }
  assert.match(lethe('run', '--dmeo').err, 'Did you mean --demo?');
});

test('seven mistakes in a configuration are told in seven lines, with exit 78', () => {
  const path = join(folder, 'bad.json');
  const bad = {
    site: 'My Shop',
    interval_s: 7,
    time_zone: 'Europe/Stokholm',
    camera: { frame_rate_hz: 0, driver: 'webcam' },
    mqtt: { url: 'http://broker', keepalive: 30 },
  };
  writeFileSync(path, JSON.stringify(bad));
  for (const words of [['run'], ['replay', 'clip.mp4']]) {
    const { code, out, err } = lethe(...words, '--config', path);
    assert.equal([code, out], [78, '']);
    const lines = linesOf(err);
    assert.is(lines.length, 7, err);
    assert.match(lines[0]!, /^lethe: /);
    for (const word of ['site', 'interval_s', 'time_zone', 'frame_rate_hz', 'camera.driver', 'mqtt.url', 'keepalive_s'])
      assert.ok(
        lines.some((line) => line.includes(word)),
        word,
      );
  }
});

test('a configuration that is not there is told with a remedy', () => {
  const { code, err } = lethe('run', '--config', 'none.json');
  assert.is(code, 78);
  assert.match(err, '"none.json" cannot be read (ENOENT)');
  assert.match(err, '  → ');
});

test('a model that is not the one of its manifest is refused with 78, before anything starts', () => {
  const manifest = readFileSync(defaultManifestPath(), 'utf8');
  writeFileSync(join(folder, 'manifest.json'), manifest);
  // Manifest and signature are the right ones: what is wrong is the file that they speak of.
  writeFileSync(join(folder, 'manifest.sig'), readFileSync(defaultManifestPath().replace(/json$/, 'sig')));
  writeFileSync(join(folder, (JSON.parse(manifest) as { file: string }).file), 'not a model');
  const field = `model.manifest=${join(folder, 'manifest.json')}`;
  for (const words of [
    ['run', '--demo'],
    ['replay', 'clip.mp4'],
  ]) {
    const { code, out, err } = lethe(...words, '--set', field);
    assert.equal([code, out], [78, ''], words.join(' '));
    assert.match(err, 'has 11 bytes');
    assert.match(err, '  → ');
  }
});

test('footage that is not there is told with a remedy and exit 66', () => {
  const { code, out, err } = lethe('replay', 'none.mp4');
  assert.equal([code, out], [66, '']);
  assert.match(err, /^lethe: /);
  assert.match(err, '  → ');
});

test('a folder without clips is told with a remedy and exit 66', () => {
  for (const path of ['none', '.']) {
    const { code, err } = lethe('evaluate', path);
    assert.is(code, 66);
    assert.match(err, 'clip.mp4');
  }
});

test('evaluate takes a folder or --scenes, and tells everything that does not go together', () => {
  const neither = lethe('evaluate', '--quick', '--jobs', '2');
  assert.equal([neither.code, neither.out], [64, '']);
  assert.match(neither.err, 'neither a folder nor --scenes is given');
  assert.match(neither.err, '--quick is given without --scenes');
  assert.match(neither.err, '--jobs is given without --scenes');
  assert.match(neither.err, '  → ');
  const both = lethe('evaluate', '.', '--scenes');
  assert.equal([both.code, both.out], [64, '']);
  assert.match(both.err, '. and --scenes are both given');
  assert.is(lethe('evaluate', '--scenes', '--jobs', '0').code, 64);
});

test('the demo runs from any folder, says what it does, and leaves nothing behind', () => {
  const before = readdirSync(folder).sort();
  const { code, out, err } = lethe('run', '--demo', '--seconds', '2');
  assert.equal([code, err], [0, '']);
  assert.match(out, 'Lethe counts people in the simulated entrance');
  assert.match(out, 'counted   true (simulated people)');
  assert.equal(readdirSync(folder).sort(), before);
});

test.run();
