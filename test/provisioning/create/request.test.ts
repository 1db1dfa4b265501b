// Goal: words that do not go together are told apart, and a request is made of those that do.
// Method: the words as commander hands them over, with a key and an authority in a temporary folder.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyFolders, makeFleetKey } from '../../../provisioning/create/keys.ts';
import { type CreateWords, readRequest, spanText } from '../../../provisioning/create/request.ts';
import { ProvisioningError } from '../../../runtime/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-request-'));
const at = (name: string) => join(folder, name);
const NOW_MS = Date.now();

test.before(() => {
  makeFleetKey(keyFolders(folder), false);
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '10'];
  const names = ['-subj', '/CN=store', '-keyout', at('ca.key'), '-out', at('ca.crt')];
  execFileSync('openssl', ['req', '-x509', ...kind, ...names], { stdio: 'ignore' });
  writeFileSync(at('passphrase'), 'correct horse\r\n');
  writeFileSync(at('huge'), 'x'.repeat(5000));
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const words = (change: CreateWords = {}): CreateWords => ({
  site: 'malmo-7',
  host: '10.0.0.2',
  ca: at('ca.crt'),
  folder,
  ...change,
});
async function messageOf(change: CreateWords, nowMs = NOW_MS): Promise<string> {
  try {
    await readRequest(words(change), nowMs);
  } catch (error) {
    assert.instance(error, ProvisioningError);
    return (error as ProvisioningError).message;
  }
  return '';
}

test('the least that is needed: site, host and authority; the rest has defaults', async () => {
  const { key, caPin, ...rest } = await readRequest(words(), NOW_MS);
  assert.match(key.id, /^[0-9a-f]{8}$/);
  assert.match(caPin, /^[0-9a-f]{32}$/);
  assert.equal(rest, {
    site: 'malmo-7',
    devices: [undefined],
    host: '10.0.0.2',
    mqttPort: 8883,
    claimPort: 8885,
    validS: 900,
    wifi: undefined,
    country: undefined,
    lines: undefined,
    remarks: [],
  });
});

test('the last line break of a file is not part of the passphrase', async () => {
  const { wifi, remarks } = await readRequest(
    words({ wifiSsid: 'Lager', wifiPassphraseFile: at('passphrase') }),
    NOW_MS,
  );
  assert.equal(wifi, { ssid: 'Lager', passphrase: 'correct horse', security: 'wpa', isHidden: false });
  assert.equal(remarks, ['No --country: a board that was not flashed with one keeps its radio off.']);
});

test('what cannot be combined, or cannot be used, is said', async () => {
  const wifi = { wifiSsid: 'x', wifiPassphraseFile: at('passphrase') };
  const cases: [CreateWords, string][] = [
    [{ hidden: true }, 'There are options of Wi-Fi but no --wifi-ssid'],
    [{ wifiPassphraseFile: at('passphrase') }, 'There are options of Wi-Fi but no --wifi-ssid'],
    [{ ...wifi, wifiSecurity: 'wep' }, '--wifi-security is "wep"; expected wpa, sae, open. Use wpa if in doubt.'],
    [{ ...wifi, wifiSecurity: 'open' }, 'An open Wi-Fi has no passphrase. Leave --wifi-passphrase-file out.'],
    [{ ...wifi, wifiPassphraseFile: at('absent') }, 'absent cannot be read (ENOENT)'],
    [{ ...wifi, wifiPassphraseFile: at('huge') }, 'huge has more than 4096 bytes'],
    [{ ca: at('passphrase') }, 'is no certificate that can be read'],
    [{ ca: at('absent') }, 'is no certificate that can be read (ENOENT)'],
    [{ key: 'ffffffff' }, 'ffffffff.key is no private key that can be read (ENOENT)'],
    [{ host: 'fe80::1' }, '--host is "fe80::1"; expected a host name in lower case or an IPv4 address'],
    [{ valid: '0m' }, '--valid is "0m"; expected a span'],
    [{ valid: '169h' }, '--valid is "169h"; expected a span'],
    [
      { device: Array.from({ length: 101 }, (_, index) => `d${index}`) },
      '--device has 101 names; expected at most 100',
    ],
  ];
  for (const [change, message] of cases) {
    const told = await messageOf(change);
    assert.ok(told.includes(message), `${message}\nis not in\n${told}`);
  }
});

test('an authority that has expired, and a clock that stands in the past, are said', async () => {
  assert.match(await messageOf({}, NOW_MS + 11 * 86_400_000), 'has expired');
  assert.match(
    await messageOf({}, 0),
    'The clock says 1970-01-01T00:00:00.000Z; expected the time of today. Set the clock.',
  );
});

test('names of hosts and lands may be written in capitals', async () => {
  const { host, country } = await readRequest(words({ host: 'Gateway.Example', country: 'se' }), NOW_MS);
  assert.equal([host, country], ['gateway.example', 'SE']);
});

test('an open Wi-Fi is made with a remark', async () => {
  const { wifi, remarks } = await readRequest(words({ wifiSsid: 'x', wifiSecurity: 'open', country: 'SE' }), NOW_MS);
  assert.is(wifi?.passphrase, '');
  assert.is(remarks.length, 1);
});

test('spans are said in their largest whole unit', () => {
  assert.equal([900, 3600, 90, 604_800, 5400].map(spanText), [
    '15 minutes',
    '1 hour',
    '90 seconds',
    '7 days',
    '90 minutes',
  ]);
});

test.run();
