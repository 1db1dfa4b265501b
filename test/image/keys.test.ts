// Goal: files that do not belong together, or must not be on a device, are found before a card is written; no secret is told.
// Method: two authorities and their certificates, keys of the wrong kind.
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { credentials, publicKeys } from '../../provisioning/image/keys.ts';
import { type KeyPair, TestAuthority } from '../fakes/certificates.ts';

const keys = suite('keys');
let folder = '';
let ours: TestAuthority;
let other: TestAuthority;
let door1: KeyPair;
let door2: KeyPair;
const at = (name: string) => join(folder, name);

keys.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-keys-'));
  ours = TestAuthority.create();
  other = TestAuthority.create();
  door1 = ours.client('door1');
  door2 = ours.client('door2');
  writeFileSync(at('empty'), '\n');
  writeFileSync(at('password'), 'hunter22\n');
});
keys.after(() => {
  for (const path of [folder, ours.folder, other.folder]) rmSync(path, { recursive: true, force: true });
});

keys('what belongs together is taken as it is', () => {
  const paths = { ca: ours.caFile, certificate: door1.certFile, key: door1.keyFile, password: at('password') };
  assert.equal(Object.keys(credentials(paths, Date.now())), ['ca', 'certificate', 'key', 'password']);
  assert.equal(credentials({}, Date.now()), {});
});

const TEN_YEARS_MS = 10 * 366 * 86_400_000;
const FAULTS: readonly [string, () => unknown, RegExp][] = [
  [
    'the key of another device',
    () => credentials({ certificate: door1.certFile, key: door2.keyFile }, Date.now()),
    /is not the key of .*door1/,
  ],
  [
    'a certificate of another authority',
    () => credentials({ ca: other.caFile, certificate: door1.certFile, key: door1.keyFile }, Date.now()),
    /was not issued by/,
  ],
  ['a certificate without its key', () => credentials({ certificate: door1.certFile }, Date.now()), /without its key/],
  [
    'a certificate in the place of the authority',
    () => credentials({ ca: door1.certFile }, Date.now()),
    /no certificate of an authority/,
  ],
  [
    'a certificate that has ended',
    () => credentials({ certificate: door1.certFile, key: door1.keyFile }, Date.now() + TEN_YEARS_MS),
    /ended on/,
  ],
  [
    'a key in the place of a certificate',
    () => credentials({ ca: door1.keyFile }, Date.now()),
    /is no certificate in PEM/,
  ],
  ['an empty password', () => credentials({ password: at('empty') }, Date.now()), /is empty/],
  ['a file that is not there', () => credentials({ ca: at('nowhere') }, Date.now()), /cannot be read \(ENOENT\)/],
];
for (const [what, use, said] of FAULTS)
  keys(`refuses ${what}`, () => {
    assert.throws(use, said);
  });

keys('public keys of a fleet are Ed25519, named by the beginning of their hash', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(at('fleet.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  const [key] = publicKeys([at('fleet.pem')], 'fleet');
  assert.match(key!.keyId, /^[0-9a-f]{8}$/);
  const { publicKey: rsa } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(at('p256.pem'), rsa.export({ type: 'spki', format: 'pem' }));
  assert.throws(
    () => publicKeys([at('p256.pem'), at('empty')], 'fleet'),
    /p256\.pem is no Ed25519[\s\S]*empty is no Ed25519/,
  );
});

keys.run();
