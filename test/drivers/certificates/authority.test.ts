// Goal: certificates that every TLS library takes: those of this program are like those that certificates.sh makes.
// Method: an authority by certificates.sh; Node and openssl read what is issued, openssl verifies chains and revocation.
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { CertificateAuthority } from '../../../drivers/certificates/authority.ts';
import { TestAuthority } from '../../fakes/certificates.ts';

const DAY_MS = 86_400_000;
const store = TestAuthority.create();
const caPem = readFileSync(store.caFile, 'utf8');
const authority = new CertificateAuthority(caPem, readFileSync(join(store.folder, 'ca.key'), 'utf8'));

test.after(() => store.remove());

function newKey(): Buffer {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'der' });
}

function openssl(...words: string[]): string {
  const done = spawnSync('openssl', words, { encoding: 'utf8' });
  return `${done.stdout}${done.stderr}`;
}

function issued(name = 'door1', days = 825) {
  const publicKey = newKey();
  const nowMs = Date.now();
  const made = authority.issue({ name, publicKey, fromMs: nowMs - 600_000, toMs: nowMs + days * DAY_MS });
  const file = join(store.folder, `${made.serial}.crt`);
  writeFileSync(file, made.pem);
  return { ...made, publicKey, file, certificate: new X509Certificate(made.pem) };
}

test('a certificate is for that key, by this authority, and its chain holds', () => {
  const { certificate, publicKey, file, serial } = issued();
  const ca = new X509Certificate(caPem);
  assert.ok(certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
  assert.equal(certificate.publicKey.export({ type: 'spki', format: 'der' }), publicKey);
  assert.is(certificate.serialNumber, serial);
  assert.match(openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', store.caFile, file), /: OK\n$/);
  assert.not.match(openssl('verify', '-purpose', 'sslserver', '-CAfile', store.caFile, file), /OK/);
});

test('it says the same as one of certificates.sh, but for key, number, time and the identifiers of keys', () => {
  const shape = (file: string) =>
    openssl('x509', '-noout', '-text', '-certopt', 'no_serial,no_validity,no_pubkey,no_sigdump', '-in', file)
      .split('\n')
      .filter((line) => !/^\s*([0-9A-F]{2}:)+[0-9A-F]{2}\s*$|Key Identifier/.test(line));
  assert.equal(shape(issued('door7').file), shape(store.client('door7').certFile));
});

test('it begins and ends when it is told to, in whole seconds, and never after the authority', () => {
  const { certificate } = issued('door1', 2);
  const nowMs = Date.now();
  assert.ok(Math.abs(Date.parse(certificate.validFrom) - (nowMs - 600_000)) < 10_000, certificate.validFrom);
  assert.ok(Math.abs(Date.parse(certificate.validTo) - (nowMs + 2 * DAY_MS)) < 10_000, certificate.validTo);
  assert.is(issued('door1', 20_000).certificate.validTo, new X509Certificate(caPem).validTo);
});

test('no two have the same number', () => {
  const serials = Array.from({ length: 50 }, () => issued().serial);
  assert.is(new Set(serials).size, 50);
  assert.ok(serials.every((serial) => /^[4-7][0-9A-F]{31}$/.test(serial)));
});

test('a revoked certificate is refused by who reads the list, the others are not', () => {
  const [lost, kept] = [issued('lost'), issued('kept')];
  const list = join(store.folder, 'list.crl');
  const check = (file: string) => openssl('verify', '-crl_check', '-CAfile', store.caFile, '-CRLfile', list, file);
  const nowMs = Date.now();
  writeFileSync(list, authority.revocationList([], 1, nowMs - 1000, nowMs + DAY_MS));
  assert.match(check(lost.file), /: OK/);
  const revoked = [{ serial: lost.serial, atMs: nowMs }];
  writeFileSync(list, authority.revocationList(revoked, 2, nowMs - 1000, nowMs + DAY_MS));
  assert.match(check(lost.file), /certificate revoked/);
  assert.match(check(kept.file), /: OK/);
  assert.match(openssl('crl', '-noout', '-text', '-in', list), /CRL Number:\s+2/);
});

test.run();
