// Goal: who looks at a code learns what a device would do with it, and what in it may be believed; secrets stay hidden.
// Method: one good code, and what becomes of it for other devices, times and keys.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { showCode } from '../../../provisioning/create/show.ts';
import { encodeCode } from '../../../provisioning/payload/code.ts';
import { fleetKey, ISSUED_AT_S, keysOf, setupPayload } from '../../fakes/setup-code.ts';

const KEY = fleetKey();
const PAYLOAD = setupPayload(KEY.id, {
  lines: [{ name: 'door', from: [0.2, 0.5], to: [0.8, 0.5], in: 'down', hysteresis: 0.04, min_path: 0.2 }],
  host: 'gateway.example',
});
const CODE = encodeCode(PAYLOAD, KEY.privateKey);
const show = (code: string, offsetS = 0, name?: string, keys = keysOf(KEY)) =>
  showCode(code, keys, { nowMs: (ISSUED_AT_S + offsetS) * 1000, isTimeKnown: true }, name);

test('a good code is shown whole but for its secrets', () => {
  const { text, isTaken } = show(CODE);
  assert.ok(isTaken);
  for (const part of [
    `A device that knows key ${KEY.id} takes it now.`,
    'The signature is good. It says:',
    'good until  2026-01-31T08:15:00Z (15 minutes)',
    'gateway     gateway.example, MQTT 8883, claim 8885',
    'Wi-Fi       "Lager", wpa, passphrase of 21 characters (not shown)',
    'line        door from [0.2, 0.5] to [0.8, 0.5], in is down, hysteresis 0.04, min_path 0.2',
    `${CODE.length} of 300 characters`,
  ])
    assert.ok(text.includes(part), `${part}\nis not in\n${text}`);
  assert.not.ok(text.includes('correct horse') || text.includes(PAYLOAD.token));
});

test('what a device refuses is said with the remedy, and what was signed is still called signed', () => {
  for (const [offsetS, name, refusal] of [
    [900, undefined, 'expired'],
    [-121, undefined, 'not_yet_valid'],
    [0, 'door2', 'other_device'],
  ] as const) {
    const { text, isTaken } = show(CODE, offsetS, name);
    assert.not.ok(isTaken);
    assert.match(text, `A device refuses it: ${refusal}.`);
    assert.match(text, 'The signature is good.');
  }
});

test('what nobody signed is marked as a claim', () => {
  const unknown = show(CODE, 0, undefined, keysOf(fleetKey())).text;
  assert.match(unknown, 'refuses it: unknown_key');
  assert.match(unknown, 'NOT TO BE BELIEVED');
  assert.not.match(unknown, 'The signature is good');
  const at = CODE.lastIndexOf('.') + 1;
  const forged = CODE.slice(0, at) + (CODE[at] === 'A' ? 'B' : 'A') + CODE.slice(at + 1);
  assert.match(show(forged).text, 'refuses it: forged');
  assert.match(show(forged).text, 'NOT TO BE BELIEVED');
});

test('what is no code shows nothing of itself', () => {
  const { text } = show('WIFI:S:Lager;T:WPA;P:geheimnis;;');
  assert.match(text, 'refuses it: not_ours');
  assert.match(text, 'Nothing of it can be read.');
  assert.not.match(text, 'geheimnis');
});

test.run();
