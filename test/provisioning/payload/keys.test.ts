// Goal: a device believes the fleet keys in its folder and no other file, and says all that is wrong there.
// Method: folders with good and bad files, and an id that openssl computes as well.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { caPinOf, keyIdOf, readFleetKeys } from '../../../provisioning/payload/keys.ts';
import { explain, ProvisioningError } from '../../../runtime/errors.ts';
import { fleetKey } from '../../fakes/setup-code.ts';

let folder = '';
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-keys-'));
});
test.after.each(() => rmSync(folder, { recursive: true }));

const put = (name: string, content: string | KeyObject) =>
  writeFileSync(
    join(folder, name),
    typeof content === 'string' ? content : content.export({ format: 'pem', type: 'spki' }),
  );
function messageOf(path = folder): string {
  try {
    readFleetKeys(path);
  } catch (error) {
    assert.instance(error, ProvisioningError);
    return explain(error);
  }
  return '';
}

test('reads all keys of the folder by their ids, and nothing but *.pem', () => {
  const [one, two] = [fleetKey(), fleetKey()];
  put('one.pem', one.publicKey);
  put('two.pem', two.publicKey);
  put('README', 'not a key');
  assert.equal([...readFleetKeys(folder).keys()].sort(), [one.id, two.id].sort());
});

test('private, foreign, damaged and huge files are all told at once', () => {
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  put('a.pem', fleetKey().privateKey.export({ format: 'pem', type: 'pkcs8' }) as string);
  put('b.pem', ec.publicKey);
  put('c.pem', 'nothing');
  put('d.pem', 'x'.repeat(5000));
  const message = messageOf();
  assert.match(message, 'a.pem holds a private key; expected the public half');
  assert.match(message, 'b.pem holds a ec key; expected Ed25519');
  assert.match(message, 'c.pem cannot be used');
  assert.match(message, 'd.pem has 5000 bytes');
});

test('an empty folder, or none, is said', () => {
  assert.match(messageOf(), 'has no *.pem; expected 1 to 16 public keys');
  assert.match(messageOf(join(folder, 'absent')), 'cannot be read (ENOENT)');
});

test('more files than anybody needs are refused', () => {
  for (let index = 0; index < 17; index += 1) put(`${index}.pem`, fleetKey().publicKey);
  assert.match(messageOf(), '17 files *.pem; expected at most 16');
});

test('ids and pins are hashes of the public key as openssl writes it', () => {
  const key = fleetKey();
  put('key.pem', key.publicKey);
  const der = (...words: string[]) => execFileSync('openssl', words);
  const spki = der('pkey', '-pubin', '-in', join(folder, 'key.pem'), '-outform', 'DER');
  const hashOf = (bytes: Buffer) =>
    execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: bytes }).toString().slice(0, 64);
  assert.is(key.id, hashOf(spki).slice(0, 8));
  assert.is(keyIdOf(key.privateKey), key.id);

  const [keyFile, certificate] = [join(folder, 'ca.key'), join(folder, 'ca.crt')];
  der(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=store',
    '-keyout',
    keyFile,
    '-out',
    certificate,
  );
  const caSpki = der('pkey', '-in', keyFile, '-pubout', '-outform', 'DER');
  const pem = execFileSync('openssl', ['x509', '-in', certificate]);
  assert.is(caPinOf(new X509Certificate(pem)), hashOf(caSpki).slice(0, 32));
});

test.run();
