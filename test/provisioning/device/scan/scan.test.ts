// Goal: a device without configuration takes the code that is meant for it, once, and says of everything else what it is.
// Method: the program itself on the simulated rpicam-vid, which plays drawn pictures of codes at 640 × 480.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeCode } from '../../../../provisioning/payload/code.ts';
import { keyIdOf } from '../../../../provisioning/payload/keys.ts';
import { REFUSALS, type Refusal } from '../../../../provisioning/payload/refusals.ts';
import { sourceRoot } from '../../../fakes/root.ts';
import { covered, pictureOf, randomOf } from './pictures.ts';
import { codeFor, payloadFor, Stage } from './stage.ts';

const test = suite('scan');
let stage: Stage;
test.after.each(() => stage.remove());

const CODE_FILE = 'run/lethe-setup/code';
/** At 10 Hz several pictures: enough for what must not happen to happen. */
const A_WHILE_MS = 1500;

/** Node's own guard as the unit sets it, for this root. */
function permissionWords(root: string): string[] {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
  return [
    flag,
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
    `--allow-fs-read=${sourceRoot()}/`,
    `--allow-fs-read=${root}/`,
    '--allow-fs-read=/proc/',
    '--allow-fs-read=/sys/class/gpio/',
    `--allow-fs-write=${root}/run/`,
    `--allow-fs-write=${root}/sys/`,
    '--allow-child-process',
    '--allow-addons',
    '--allow-worker',
  ];
}

test('a code for this device is handed on once, whole, readable for the next step only, and the program ends', async () => {
  const words: string[] = [];
  stage = new Stage({ nodeWords: words });
  words.push(...permissionWords(stage.root));
  const code = codeFor(stage);
  stage.showText(code);
  stage.start();
  await stage.lampShows('accepted');
  assert.is(stage.read(CODE_FILE), code);
  const { mode, mtimeMs } = statSync(stage.path(CODE_FILE));
  assert.is(mode & 0o777, 0o640);
  assert.is(await stage.ended(), 0);
  assert.is(statSync(stage.path(CODE_FILE)).mtimeMs, mtimeMs);
  assert.is(stage.lines.filter(({ msg }) => msg.startsWith('code taken')).length, 1);
  const log = JSON.stringify(stage.lines);
  for (const secret of [code, 'correct horse battery', '00112233445566778899aabbccddeeff', 'Shop"'])
    assert.not.ok(log.includes(secret), 'a secret is in the log');
  assert.is(stage.read('sys/class/leds/ACT/trigger'), 'mmc0', 'the LED is given back');
});

test('each refusal has its word in the log and on the lamp, and the right code is taken after all of them', async () => {
  stage = new Stage({ board: { device: 'door1' } });
  const other = generateKeyPairSync('ed25519');
  const nowS = Math.floor(Date.now() / 1000);
  const code = codeFor(stage, { device: 'door1' });
  const forged = encodeCode({ ...payloadFor(stage), keyId: keyIdOf(other.publicKey) }, other.privateKey);
  const scenes: readonly (readonly [Refusal, string])[] = [
    ['not_ours', 'https://museum.example/exhibits/42'],
    ['damaged', `${code.slice(0, -20)}!${code.slice(-19)}`],
    ['newer_version', `LETHE2.${code.slice(7)}`],
    ['unknown_key', forged],
    // Another site with the signature of the first.
    ['forged', [codeFor(stage, { site: 'shop2' }).split('.', 2).join('.'), code.split('.')[2]].join('.')],
    ['expired', codeFor(stage, { issuedAtS: nowS - 7200, expiresAtS: nowS - 3600 })],
    ['not_yet_valid', codeFor(stage, { issuedAtS: nowS + 7200, expiresAtS: nowS + 7300 })],
    ['other_device', codeFor(stage, { device: 'door2' })],
  ];
  stage.start();
  for (const [refusal, text] of scenes) {
    stage.showText(text);
    await stage.lampShows(refusal);
    await stage.said(`the log says ${refusal}`, (line) => line['refusal'] === refusal);
    assert.ok(stage.lines.find((line) => line['refusal'] === refusal)!.msg.includes(REFUSALS[refusal].sentence));
  }
  assert.not.ok(stage.has(CODE_FILE), 'nothing was handed on');
  stage.showText(code);
  await stage.lampShows('accepted');
  assert.is(stage.read(CODE_FILE), code);
  assert.is(await stage.ended(), 0);
});

test('a refused code that stays before the camera is logged at most once in five seconds', async () => {
  stage = new Stage();
  stage.showText('WIFI:S:guest;T:WPA;P:12345678;;');
  stage.start();
  await stage.lampShows('not_ours');
  await sleep(A_WHILE_MS);
  assert.is(stage.lines.filter((line) => line['refusal'] === 'not_ours').length, 1);
});

test('emptiness and noise say nothing; a code that is covered too far is seen; the whole one is then taken', async () => {
  stage = new Stage();
  const code = codeFor(stage);
  stage.start();
  await stage.lampShows('waiting');
  const random = randomOf(5);
  stage.show(Uint8Array.from({ length: 640 * 480 }, () => random() * 256));
  await sleep(A_WHILE_MS);
  assert.equal(
    stage.lines.flatMap((line) => (line['lamp'] === undefined ? [] : [line['lamp']])),
    ['waiting'],
  );
  stage.show(covered(pictureOf(code), 150));
  await stage.lampShows('seen');
  assert.not.ok(stage.has(CODE_FILE));
  stage.show(pictureOf(code, { noise: 15 }));
  await stage.lampShows('accepted');
  assert.is(await stage.ended(), 0);
});

test('a camera that dies again and again is said and started again, and the code is taken all the same', async () => {
  stage = new Stage({ camera: 'die:12' });
  stage.start();
  const losses = () => stage.lines.filter(({ msg }) => msg.startsWith('camera lost')).length;
  await stage.lampShows('cameraLost');
  await stage.said('a second loss', () => losses() >= 2);
  const code = codeFor(stage);
  stage.showText(code);
  await stage.lampShows('accepted');
  assert.is(stage.read(CODE_FILE), code);
});

test('without a camera it says so and goes on trying', async () => {
  stage = new Stage({ camera: 'no-camera' });
  stage.start();
  await stage.lampShows('cameraLost');
  await stage.said('a third try', () => stage.lines.filter(({ msg }) => msg.startsWith('camera lost')).length >= 3);
  await stage.stop();
});

test('a torn picture is dropped and the camera started again; the code is taken', async () => {
  stage = new Stage({ camera: 'torn-frame:6' });
  const code = codeFor(stage);
  stage.start();
  await stage.said('the camera is lost', ({ msg }) => msg.startsWith('camera lost'));
  stage.showText(code);
  await stage.lampShows('accepted');
});

test('without a fleet key no picture is taken, and a key that comes later is used', async () => {
  stage = new Stage({ withKey: false });
  const code = codeFor(stage);
  stage.showText(code);
  stage.start();
  await stage.lampShows('noKeys');
  await sleep(A_WHILE_MS);
  assert.not.ok(stage.lines.some(({ msg }) => msg === 'the camera runs'));
  assert.is(stage.lines.filter(({ msg }) => msg.startsWith('no code can be taken')).length, 1, 'said once');
  stage.addKey(stage.fleet.publicKey);
  await stage.lampShows('accepted');
  assert.is(stage.read(CODE_FILE), code);
});

test('started again it does not take the code that is still held up, until a later step has refused it', async () => {
  stage = new Stage();
  const code = codeFor(stage);
  stage.showText(code);
  stage.start();
  await stage.ended();
  // Join takes it.
  rmSync(stage.path(CODE_FILE));
  stage.start();
  await stage.lampShows('accepted');
  await sleep(A_WHILE_MS);
  assert.not.ok(stage.has(CODE_FILE), 'not handed on again');
  writeFileSync(stage.path('run/lethe-setup/refusal'), 'wifi_password');
  await stage.lampShows('wifi_password');
  await sleep(A_WHILE_MS);
  assert.not.ok(stage.has(CODE_FILE), 'not while the refusal is shown');
  const second = codeFor(stage, { nonce: '1111111111111111' });
  stage.showText(second);
  await stage.said('the second code is taken', ({ msg }) => msg.startsWith('code taken'));
  assert.is(stage.read(CODE_FILE), second);
});

test('a refusal of a later step that lies there at the start is shown; a word that is none is not', async () => {
  stage = new Stage();
  writeFileSync(stage.path('run/lethe-setup/refusal'), 'constructor');
  stage.start();
  await stage.lampShows('waiting');
  writeFileSync(stage.path('run/lethe-setup/refusal'), 'gateway_unreachable\n');
  await stage.lampShows('gateway_unreachable');
  await stage.stop();
});

test('a folder that cannot be written is a refusal with its own word, and the code is taken when it can', async () => {
  stage = new Stage();
  // A folder in the place of the file that is written beside: nobody can write it, root included.
  mkdirSync(stage.path('run/lethe-setup/code.part'));
  const code = codeFor(stage);
  stage.showText(code);
  stage.start();
  await stage.lampShows('no_disk');
  assert.not.ok(stage.has(CODE_FILE));
  rmdirSync(stage.path('run/lethe-setup/code.part'));
  await stage.lampShows('accepted');
  assert.is(stage.read(CODE_FILE), code);
});

test('with a configuration there it ends: the camera is somebody else’s', async () => {
  stage = new Stage();
  stage.start();
  await stage.lampShows('waiting');
  writeFileSync(stage.path('etc/lethe/lethe.json'), '{}');
  assert.is(await stage.ended(), 0);
});

test('the board’s own LED blinks, and gets its trigger back when the program is stopped', async () => {
  stage = new Stage();
  stage.start();
  await stage.said('the camera runs', ({ msg }) => msg === 'the camera runs');
  assert.is(stage.read('sys/class/leds/ACT/trigger'), 'none');
  const seen = new Set<string>();
  for (let looks = 0; looks < 200 && seen.size < 2; looks++) {
    const brightness = stage.read('sys/class/leds/ACT/brightness');
    // An ordinary file is empty for a moment while it is written; one of the kernel's never is.
    if (brightness !== '') seen.add(brightness);
    await sleep(20);
  }
  assert.ok(seen.has('1') && seen.has('0'), [...seen].join());
  await stage.stop();
  assert.is(stage.read('sys/class/leds/ACT/trigger'), 'mmc0');
  assert.is(stage.read('sys/class/leds/ACT/brightness'), '0');
});

test.run();
