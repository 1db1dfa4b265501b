// Goal: NetworkManager reads the name and the passphrase that were in the code, whatever characters they have.
// Method: the file is read back by the rules of GKeyFile, for names of any bytes and passphrases of any printable characters.
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CONNECTION_UUID, connectionText } from '../../../drivers/wifi/keyfile.ts';
import type { WifiNetwork } from '../../../runtime/ports/wifi.ts';
import { readKeyfile } from '../../fakes/nmcli.ts';

const NETWORK: WifiNetwork = {
  ssid: Buffer.from('Laden'),
  passphrase: 'secret of the shop',
  security: 'wpa',
  isHidden: false,
  country: undefined,
};
const ssids = fc.uint8Array({ minLength: 1, maxLength: 32 });
const passphrases = fc.string({
  unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)),
  minLength: 8,
  maxLength: 63,
});

test('a name of any bytes is read back as it was', () => {
  fc.assert(
    fc.property(ssids, (ssid) => {
      const { wifi = {} } = readKeyfile(connectionText({ ...NETWORK, ssid }));
      const bytes = (wifi['ssid'] ?? '').split(';').slice(0, -1).map(Number);
      assert.equal(bytes, [...ssid]);
    }),
  );
});

test('a passphrase of any printable characters is read back as it was, and begins no line of its own', () => {
  fc.assert(
    fc.property(passphrases, (passphrase) => {
      const text = connectionText({ ...NETWORK, passphrase });
      assert.is(readKeyfile(text)['wifi-security']?.['psk'], passphrase);
      assert.is(text.split('\n').length, connectionText(NETWORK).split('\n').length);
    }),
  );
});

test('blanks at both ends and backslashes stay: GKeyFile would drop the ones and read the others', () => {
  const text = connectionText({ ...NETWORK, passphrase: '  a\\b c;d#  ' });
  assert.match(text, /^psk=\\s\\sa\\\\b c;d#\\s\\s$/m);
});

for (const [security, management] of [
  ['wpa', 'wpa-psk'],
  ['sae', 'sae'],
] as const) {
  test(`${security} is key management ${management}`, () => {
    assert.is(readKeyfile(connectionText({ ...NETWORK, security }))['wifi-security']?.['key-mgmt'], management);
  });
}

test('an open network has no section of secrets at all', () => {
  const text = connectionText({ ...NETWORK, security: 'open', passphrase: '' });
  assert.is(readKeyfile(text)['wifi-security'], undefined);
});

test('a hidden network is said to be one, and others are not', () => {
  assert.is(readKeyfile(connectionText({ ...NETWORK, isHidden: true }))['wifi']?.['hidden'], 'true');
  assert.is(readKeyfile(connectionText(NETWORK))['wifi']?.['hidden'], undefined);
});

test('the connection is always the same one, and comes back by itself for ever', () => {
  const { connection = {} } = readKeyfile(connectionText(NETWORK));
  assert.is(connection['uuid'], CONNECTION_UUID);
  assert.is(connection['autoconnect-retries'], '0');
});

test('what cannot be written is our own mistake: a line break, no name, a name too long', () => {
  assert.throws(() => connectionText({ ...NETWORK, passphrase: 'eight of\n[ipv4]' }), /another form/);
  for (const length of [0, 33])
    assert.throws(() => connectionText({ ...NETWORK, ssid: new Uint8Array(length) }), /expected 1\.\.32/);
});

test.run();
