// Goal: nothing that a gateway, or a claim program that somebody took over, answers is installed unless it belongs to this code
// and this key, and is a configuration that the voice would take.
// Method: a good answer of the real gateway with one thing changed at a time.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Settings, settingsFrom } from '../../../provisioning/device/settings.ts';
import type { ClaimAnswer } from '../../../provisioning/device/state.ts';
import { readCode } from '../../../provisioning/payload/code.ts';
import type { SetupPayload } from '../../../provisioning/payload/payload.ts';
import { Board, ClaimBench } from '../../fakes/claim-gateway.ts';

const test = suite('settings');
let bench: ClaimBench;
let answer: ClaimAnswer;
let payload: SetupPayload;
const board = new Board();

test.before(() => {
  bench = new ClaimBench();
  const code = bench.code({ device: 'door1' });
  const { body } = bench.claim(board.request(code));
  answer = body as unknown as ClaimAnswer;
  const moment = { nowMs: 0, isTimeKnown: false };
  const reading = readCode(code, new Map([[bench.fleet.keyId, bench.fleet.publicKey]]), moment, { spent: () => false });
  if (!reading.ok) throw new Error(reading.refusal);
  payload = reading.payload;
});
test.after(() => bench.end());

const from = (change: Partial<ClaimAnswer>, key = board.keyPem) =>
  settingsFrom({ ...answer, ...change }, key, payload, {});
const problemsOf = (change: Partial<ClaimAnswer>, key?: string) => {
  const settings = from(change, key);
  assert.ok(Array.isArray(settings), 'it was taken');
  return (settings as readonly string[]).join('\n');
};
const withConfig = (more: object) => ({ config: { ...answer.config, ...more } });

test('a good answer is taken, and written anew', () => {
  const settings = from({ certificate: `rubbish before\n${answer.certificate}rubbish behind` }) as Settings;
  assert.match(settings.certificate, /^-----BEGIN CERTIFICATE-----\n[\s\S]*-----END CERTIFICATE-----\n$/);
  assert.not.match(settings.certificate, /rubbish/);
  assert.is(settings.config.device, 'door1');
});

test('a certificate for another key is not', () => {
  assert.match(problemsOf({}, new Board().keyPem), /another key than ours/);
});

test('a certificate of another authority is not, and neither is that authority', () => {
  const other = new ClaimBench();
  try {
    const { body } = other.claim(board.request(other.code({ device: 'door1' })));
    const { certificate, ca } = body as unknown as ClaimAnswer;
    assert.match(problemsOf({ certificate }), /not signed by the authority/);
    assert.match(problemsOf({ certificate, ca }), /not the one that the code names/);
  } finally {
    void other.end();
  }
});

test('what is no certificate or no key is not', () => {
  assert.match(problemsOf({ certificate: 'PEM' }), /no key or no certificate/);
  assert.match(problemsOf({ ca: '' }), /no key or no certificate/);
  assert.match(problemsOf({}, 'root:x:0:0'), /no key or no certificate/);
});

test('another device or site than the code says is not', () => {
  assert.match(
    problemsOf({ device: 'door2', ...withConfig({ device: 'door2' }) }),
    /is not for "door2".*\n.*expected door1/,
  );
  assert.match(problemsOf(withConfig({ site: 'elsewhere' })), /site is elsewhere; expected shop/);
});

test('a broker without TLS is not', () => {
  assert.match(problemsOf(withConfig({ mqtt: { url: 'mqtt://gateway:1883' } })), /mqtts:\/\//);
});

test('paths of any kind are not', () => {
  for (const more of [
    { state_dir: '/etc' },
    { model: { manifest: '/tmp/face.json' } },
    { mqtt: { url: 'mqtts://localhost:8883', key_file: '/etc/shadow' } },
    { mqtt: { url: 'mqtts://localhost:8883', password_file: '/etc/shadow' } },
    { camera: { driver: 'video', video: { source: '/dev/video0' } } },
  ])
    assert.match(problemsOf(withConfig(more)), /no paths in a configuration/, JSON.stringify(more));
});

test('a configuration that the voice would refuse is not, with all its faults', () => {
  const problems = problemsOf(withConfig({ interval_s: 'often', nonsense: 1, lines: 'many' }));
  for (const field of ['interval_s', 'nonsense', 'lines']) assert.match(problems, new RegExp(`^${field} is `, 'm'));
});

test.run();
