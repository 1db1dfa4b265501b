// Goal: a gateway whose certificates, keys or template are wrong does not start, and says all of it at once without a word of a key.
// Method: files by certificates.sh and openssl, spoilt one way each; sentences by what they must say.
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, ExitCode } from '../../../../runtime/errors.ts';
import { readClaimFiles } from '../../../../runtime/gateway/claim/files.ts';
import { loadGatewayConfig } from '../../../../runtime/gateway/config.ts';
import { TestAuthority } from '../../../fakes/certificates.ts';
import { Fleet } from '../../../fakes/claim-gateway.ts';

const store = TestAuthority.create();
const other = TestAuthority.create();
const server = store.broker('gateway.shop', '192.168.1.10');
const fleetKeys = new Fleet().writeKeys(join(store.folder, 'fleet'));
test.after(() => {
  store.remove();
  other.remove();
});

const RIGHT = {
  cert_file: server.certFile,
  key_file: server.keyFile,
  ca_file: store.caFile,
  ca_key_file: join(store.folder, 'ca.key'),
  fleet_keys: fleetKeys,
};

function write(name: string, text: string, mode = 0o600): string {
  const path = join(store.folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function read(claim: object = {}, environment = {}, nowMs = Date.now()) {
  const path = write('gateway.json', JSON.stringify({ site: 'shop', claim: { ...RIGHT, ...claim } }));
  return readClaimFiles(loadGatewayConfig({ path }), environment, nowMs);
}

function problemsOf(...words: Parameters<typeof read>): readonly string[] {
  try {
    read(...words);
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.is((error as ConfigError).exitCode, ExitCode.config);
    return (error as ConfigError).problems;
  }
  return [];
}

test('what certificates.sh makes is right, also as credentials of systemd', () => {
  const files = read();
  assert.equal([files.serverName, files.keys.size, files.notices], ['gateway.shop', 1, []]);
  const credentials = { CREDENTIALS_DIRECTORY: store.folder };
  assert.equal(problemsOf({ ca_key_file: 'credential:ca.key' }, credentials), []);
  assert.match(problemsOf({ ca_key_file: 'credential:ca.key' }).join(), /started without credentials/);
});

test('each fault has its sentence', () => {
  const open = write('open.key', readFileSync(RIGHT.ca_key_file, 'utf8'), 0o640);
  const expired = store.dated('old', '200101000000Z', '210101000000Z', 'serverAuth');
  const foreign = other.broker('gateway.shop');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const cases: readonly [RegExp, object][] = [
    [/ca_key_file .* can be read by others \(mode 0640\); expected 0600.*chmod 600/, { ca_key_file: open }],
    [
      /key_file .* can be read by others \(mode 0644\)/,
      { key_file: write('k', readFileSync(server.keyFile, 'utf8'), 0o644) },
    ],
    [/cert_file .* has expired on 2021-01-01/, { cert_file: expired.certFile, key_file: expired.keyFile }],
    [/cert_file .* was not made by claim.ca_file/, { cert_file: foreign.certFile, key_file: foreign.keyFile }],
    [/key_file .* is not the key of claim.cert_file/, { key_file: foreign.keyFile }],
    [/ca_key_file .* is not the key of claim.ca_file/, { ca_key_file: join(other.folder, 'ca.key') }],
    [/ca_file .* is no authority/, { ca_file: server.certFile, ca_key_file: server.keyFile }],
    [
      /cert_file .* no host name/,
      { cert_file: store.client('door1').certFile, key_file: join(store.folder, 'door1.key') },
    ],
    [/cert_file is .*nowhere.crt, which cannot be read \(ENOENT\)/, { cert_file: join(store.folder, 'nowhere.crt') }],
    [/cert_file .* holds no certificate in PEM form/, { cert_file: server.keyFile }],
    [/ca_key_file .* holds no private key in PEM form/, { ca_key_file: write('n', 'no key') }],
    [/ca_key_file .* locked by a passphrase/, { ca_key_file: write('l', readFileSync(store.locked(server), 'utf8')) }],
    [/ca_key_file .* is not the key/, { ca_key_file: write('r', rsa.toString()) }],
    [/fleet_keys: .*nowhere cannot be read/, { fleet_keys: join(store.folder, 'nowhere') }],
    [/template_file is .* cannot be used/, { template_file: server.certFile }],
    [/template_file has mqtt, which/, { template_file: write('t1', '{"mqtt":{"url":"mqtt://x"}}') }],
    [/interval_s in claim.template_file is 900/, { template_file: write('t2', '{"interval_s":900}') }],
    [/In claim.template_file: person_siz is not a field/, { template_file: write('t3', '{"person_siz":1}') }],
  ];
  for (const [sentence, claim] of cases) assert.match(problemsOf(claim).join('\n'), sentence);
});

test('several faults are told in one run, and none shows a key', () => {
  const key = readFileSync(RIGHT.ca_key_file, 'utf8').split('\n')[1]!;
  const problems = problemsOf({
    ca_key_file: write('o', `${readFileSync(RIGHT.ca_key_file, 'utf8')}`, 0o604),
    cert_file: write('c', 'nothing'),
    fleet_keys: store.folder,
    template_file: write('t', '[]'),
  });
  assert.ok(problems.length >= 4, problems.join('\n'));
  assert.not.ok(problems.join().includes(key));
});

test('what expires within a month is told at the start', () => {
  const nowMs = Date.now() + 810 * 86_400_000;
  assert.match(read({}, {}, nowMs).notices.join(), /cert_file .* expires on/);
});

test('the clock of the machine is suspected when a certificate is of the future', () => {
  assert.match(problemsOf({}, {}, Date.UTC(2020, 0, 1)).join('\n'), /valid only from .* Check the clock/);
});

test.run();
