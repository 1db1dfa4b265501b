/**
 * Certificates for tests: an authority, a broker's and clients' by provisioning/gateway/certificates.sh, and broken ones
 * that it would not make, by openssl itself. Keys are made for one test and are worth nothing.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sourceRoot } from './root.ts';

const SCRIPT = join(sourceRoot(), 'provisioning', 'gateway', 'certificates.sh');

export type KeyPair = { readonly certFile: string; readonly keyFile: string };

export class TestAuthority {
  readonly folder: string;
  #serial = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static create(): TestAuthority {
    const authority = new TestAuthority(mkdtempSync(join(tmpdir(), 'lethe-authority-')));
    authority.#script('authority');
    return authority;
  }

  get caFile(): string {
    return join(this.folder, 'ca.crt');
  }

  /** For the broker under these names. */
  broker(...names: string[]): KeyPair {
    this.#script('gateway', ...names);
    return this.#pair('gateway');
  }

  client(name: string): KeyPair {
    this.#script('client', name);
    return this.#pair(name === 'gateway' ? 'gateway-client' : name);
  }

  /** Valid from and to (YYMMDDHHMMSSZ), whatever today is; `openssl ca` is the one command that takes both. */
  dated(name: string, from: string, to: string, purpose: 'serverAuth' | 'clientAuth'): KeyPair {
    const base = join(this.folder, name);
    const state = join(this.folder, `state-${name}`);
    mkdirSync(state);
    writeFileSync(join(state, 'index'), '');
    writeFileSync(
      join(state, 'conf'),
      [
        '[ca]',
        'default_ca = one',
        '[one]',
        `database = ${join(state, 'index')}`,
        `new_certs_dir = ${state}`,
        'default_md = sha256',
        'policy = any',
        'x509_extensions = extensions',
        'rand_serial = yes',
        '[any]',
        'commonName = supplied',
        '[extensions]',
        `extendedKeyUsage = ${purpose}`,
        'subjectAltName = DNS:localhost,IP:127.0.0.1',
        '',
      ].join('\n'),
    );
    this.#key(`${base}.key`);
    openssl(['req', '-new', '-key', `${base}.key`, '-subj', `/CN=${name}`, '-out', `${base}.csr`]);
    const dates = ['-startdate', from, '-enddate', to];
    const signer = ['-cert', this.caFile, '-keyfile', join(this.folder, 'ca.key')];
    openssl([
      ...['ca', '-batch', '-notext', '-config', join(state, 'conf'), ...signer],
      ...[...dates, '-in', `${base}.csr`, '-out', `${base}.crt`],
    ]);
    return this.#pair(name);
  }

  selfSigned(name: string): KeyPair {
    const base = join(this.folder, name);
    this.#key(`${base}.key`);
    openssl([
      ...['req', '-x509', '-new', '-days', '2', '-key', `${base}.key`, '-out', `${base}.crt`, '-subj', `/CN=${name}`],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ]);
    return this.#pair(name);
  }

  /** The same key, locked by a passphrase. */
  locked({ keyFile }: KeyPair): string {
    const lockedFile = `${keyFile}.${this.#serial++}.locked`;
    openssl(['pkey', '-in', keyFile, '-aes128', '-passout', 'pass:four words are better', '-out', lockedFile]);
    return lockedFile;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #pair(name: string): KeyPair {
    return { certFile: join(this.folder, `${name}.crt`), keyFile: join(this.folder, `${name}.key`) };
  }

  #key(path: string): void {
    openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path]);
  }

  #script(command: string, ...names: string[]): void {
    const made = spawnSync('sh', [SCRIPT, command, this.folder, ...names]);
    if (made.status !== 0) throw new Error(`certificates.sh ${command} failed: ${made.stderr}`);
  }
}

function openssl(words: readonly string[]): void {
  const made = spawnSync('openssl', words);
  if (made.status !== 0) throw new Error(`openssl ${words.join(' ')} failed: ${made.stderr}`);
}
