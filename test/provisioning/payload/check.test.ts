// Goal: whoever makes a code is told everything that is wrong with it at once, what makes it too long, and never a secret.
// Method: payloads with faults, and the messages as a person reads them.
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { payloadProblems } from '../../../provisioning/payload/check.ts';
import { encodeCode } from '../../../provisioning/payload/code.ts';
import type { SetupPayload, WifiAccess } from '../../../provisioning/payload/payload.ts';
import { explain, ProvisioningError } from '../../../runtime/errors.ts';
import { fleetKey, setupPayload } from '../../fakes/setup-code.ts';

const KEY = fleetKey();

function messageOf(change: Partial<SetupPayload>): string {
  try {
    encodeCode(setupPayload(KEY.id, change), KEY.privateKey);
  } catch (error) {
    assert.instance(error, ProvisioningError);
    return explain(error);
  }
  return '';
}
const wifi = (change: Partial<WifiAccess>): Partial<SetupPayload> => ({
  wifi: { ssid: 'Lager', passphrase: 'correct horse', security: 'wpa', isHidden: false, ...change },
});

test('a payload without faults has none', () => {
  assert.equal(payloadProblems(setupPayload(KEY.id)), []);
});

test('all faults are told at once', () => {
  const message = messageOf({ site: 'Malmö', host: 'https://gateway', mqttPort: 0, country: 'sweden' });
  assert.is(message.split('\n').length, 4);
  assert.match(message, 'site is "Malmö"; expected 1 to 32 of a-z, 0-9, _ and -');
  assert.match(message, 'host is "https://gateway"; expected a host name in lower case or an IPv4 address');
  assert.match(message, 'mqtt port is 0; expected 1 to 65535');
  assert.match(message, 'country is "sweden"; expected two capital letters');
});

test('the rules of Wi-Fi: bytes of the name, characters of the passphrase', () => {
  assert.is(messageOf({ ...wifi({ ssid: 'x'.repeat(32) }), host: 'g' }), '');
  assert.match(messageOf(wifi({ ssid: '' })), '0 bytes of UTF-8; expected 1 to 32');
  assert.match(messageOf(wifi({ ssid: 'ä'.repeat(17) })), '34 bytes of UTF-8');
  assert.match(messageOf(wifi({ ssid: 'a\n[ipv4]' })), 'expected no control characters');
  assert.match(messageOf(wifi({ ssid: '\ud800' })), 'lone surrogate');
  assert.is(messageOf(wifi({ passphrase: '12345678' })), '');
  assert.match(messageOf(wifi({ passphrase: '1234567' })), 'has 7 characters; expected 8 to 63');
  assert.is(messageOf({ ...wifi({ passphrase: 'p'.repeat(63) }), host: 'g', site: 'm' }), '');
  assert.match(messageOf(wifi({ passphrase: 'p'.repeat(64) })), 'has 64 characters; expected 8 to 63');
  assert.is(messageOf({ ...wifi({ passphrase: 'a0'.repeat(32) }), host: 'g' }), '');
  assert.match(messageOf(wifi({ passphrase: 'a0'.repeat(32), security: 'sae' })), 'expected 8 to 63 printable');
  assert.match(messageOf(wifi({ passphrase: 'grüne Wiese' })), '(11 characters) has some that are not printable ASCII');
  assert.match(messageOf(wifi({ passphrase: 'correct horse\n' })), 'Look for a line break');
  assert.match(messageOf(wifi({ security: 'open' })), 'There is a Wi-Fi passphrase for an open network');
  assert.is(messageOf(wifi({ security: 'open', passphrase: '' })), '');
  assert.match(messageOf(wifi({ security: 'wep' as 'wpa' })), 'Wi-Fi security is "wep"; expected wpa, sae, open');
});

test('no message has the passphrase or the token in it', () => {
  const secrets = ['hunter', 'hunter2\n', 'x'.repeat(64), 'geheim ä geheim', 'sesame-'.repeat(20)];
  for (const passphrase of secrets) assert.not.ok(messageOf(wifi({ passphrase })).includes(passphrase.trim()));
  assert.not.ok(messageOf(wifi({ passphrase: 'sesame-1', security: 'open' })).includes('sesame'));
  assert.not.ok(messageOf({ token: 'secret-token' }).includes('secret'));
  const long = messageOf({
    ...wifi({ passphrase: 'sesame-'.repeat(9) }),
    site: 's'.repeat(32),
    device: 'd'.repeat(32),
  });
  assert.match(long, '300');
  assert.not.ok(long.includes('sesame'));
});

test('a code that is too long says by how much, and what takes how many characters', () => {
  const lines = ['in', 'out', 'yard'].map((name) => ({ name, from: [0, 0.5], to: [1, 0.5], in: 'up' }) as const);
  const message = messageOf({ host: 'gateway.of-the-shop.city.example', lines });
  assert.is(
    message,
    'The code would have 334 characters, 34 more than the 300 that a camera reads well: signature, token, times and pins 177, host 47, lines 43, Wi-Fi passphrase 31, site 12, device 9, Wi-Fi name 9, country 5.\n' +
      '  → Leave the lines out (the gateway has them), or shorten the longest of them.',
  );
});

test('lines are checked: places in steps, names, directions, both bands or neither', () => {
  const line = { name: 'door', from: [0, 0.5], to: [1, 0.5], in: 'up' } as const;
  assert.is(messageOf({ lines: [line] }), '');
  assert.match(
    messageOf({ lines: [{ ...line, to: [1, 0.333] }] }),
    'goes from [0,0.5] to [1,0.333]; expected 0..1 in steps',
  );
  assert.match(messageOf({ lines: [{ ...line, hysteresis: 0.05 }] }), 'only one of hysteresis and min_path');
  assert.match(
    messageOf({ lines: [{ ...line, hysteresis: 0.3, min_path: 0.6 }] }),
    'hysteresis is 0.3; expected 0..0.2',
  );
  assert.match(
    messageOf({ lines: [{ ...line, in: 'north' as 'up' }] }),
    'in is "north"; expected up, down, left, right',
  );
  assert.match(messageOf({ lines: [line, line] }), 'two lines have the same name');
  assert.match(messageOf({ lines: [] }), 'there are 0 lines; expected 1 to 8');
});

test('the time is checked: whole seconds, at most seven days', () => {
  const { issuedAtS } = setupPayload(KEY.id);
  assert.is(messageOf({ expiresAtS: issuedAtS + 604_800 }), '');
  assert.match(messageOf({ expiresAtS: issuedAtS + 604_801 }), 'valid for 604801 s; expected 1 to 604800 s (7 days)');
  assert.match(messageOf({ expiresAtS: issuedAtS }), 'valid for 0 s');
  assert.match(messageOf({ issuedAtS: 0.5 }), 'expected whole seconds since 1970');
});

test('the key must be the one that is named, private, and of Ed25519', () => {
  const payload = setupPayload(KEY.id);
  const other = fleetKey();
  assert.throws(() => encodeCode(payload, other.privateKey), /key id is [0-9a-f]{8}, but the key that signs is/);
  assert.throws(() => encodeCode(payload, KEY.publicKey), /expected a private key of Ed25519/);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  assert.throws(() => encodeCode(payload, privateKey), /the key is ec; expected a private key of Ed25519/);
});

test.run();
