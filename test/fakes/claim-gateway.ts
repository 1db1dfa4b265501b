/**
 * The claim service of a gateway on a desk: the real authority, books and checks, a clock moved by hand that begins now (as
 * certificates are looked at with the clock of this machine), a database that outlives restarts; and a device that claims.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CertificateAuthority } from '../../drivers/certificates/authority.ts';
import { ManualClock } from '../../drivers/clock/manual.ts';
import { loadSqlite } from '../../drivers/database/sqlite.ts';
import { type DeviceServer, startDeviceServer } from '../../drivers/https/server.ts';
import { encodeCode } from '../../provisioning/payload/code.ts';
import { caPinOf, keyIdOf } from '../../provisioning/payload/keys.ts';
import type { SetupPayload } from '../../provisioning/payload/payload.ts';
import { ClaimBooks, type ClaimedDevice } from '../../runtime/gateway/claim/books.ts';
import { Claims, type IssueCertificate } from '../../runtime/gateway/claim/claims.ts';
import type { StoreFacts } from '../../runtime/gateway/claim/device-config.ts';
import type { ReplaceWord } from '../../runtime/gateway/claim/settings.ts';
import { createLog } from '../../runtime/log.ts';
import type { Database } from '../../runtime/ports/database.ts';
import { TestAuthority } from './certificates.ts';

export const SITE = 'shop';
export const RESERVED = ['auditor', 'facility', 'head-office', 'homeassistant'];
const openDatabase = await loadSqlite();

export type ClaimResult = {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: {
    readonly device?: string;
    readonly certificate?: string;
    readonly ca?: string;
    readonly time?: string;
    readonly config?: Readonly<Record<string, unknown>>;
    readonly error?: { readonly code: string; readonly message: string };
  };
};

/** A board before it has a name: its key and what it says of itself. */
export class Board {
  readonly privateKey: KeyObject;
  readonly publicKeyPem: string;
  readonly id: string;

  constructor(id = randomBytes(8).toString('hex')) {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.privateKey = privateKey;
    this.publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.id = id;
  }

  get keyPem(): string {
    return this.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** more: over the fields of the request. */
  request(code: string, more: object = {}): string {
    const proof = sign('sha256', Buffer.from(`lethe claim v1\n${code}`), this.privateKey).toString('base64');
    const hardware = { model: 'Raspberry Pi 4 Model B Rev 1.5', id: this.id };
    return JSON.stringify({ v: 1, code, public_key: this.publicKeyPem, proof, hardware, version: '0.1.0', ...more });
  }
}

/** Signs codes as `lethe provision` does. */
export class Fleet {
  readonly #key = generateKeyPairSync('ed25519').privateKey;

  get keyId(): string {
    return keyIdOf(this.#key);
  }

  get publicKey(): KeyObject {
    return createPublicKey(this.#key);
  }

  /** A folder with the public half, as the gateway has it. */
  writeKeys(folder: string): string {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'fleet.pem'), this.publicKey.export({ type: 'spki', format: 'pem' }));
    return folder;
  }

  code(caFile: string, nowMs: number, more: Partial<SetupPayload> = {}): string {
    const issuedAtS = Math.floor(nowMs / 1000);
    return encodeCode(
      {
        keyId: this.keyId,
        site: SITE,
        issuedAtS,
        expiresAtS: (more.issuedAtS ?? issuedAtS) + 900,
        nonce: randomBytes(8).toString('hex'),
        token: randomBytes(16).toString('hex'),
        host: 'localhost',
        mqttPort: 8883,
        claimPort: 8885,
        caPin: caPinOf(new X509Certificate(readFileSync(caFile))),
        ...more,
      },
      this.#key,
    );
  }
}

export type BenchOptions = {
  readonly store: Partial<StoreFacts>;
  readonly replace: ReplaceWord;
  readonly online: readonly string[];
  readonly strangers: readonly string[];
  readonly expected: readonly string[];
  readonly open: (path: string) => Database;
};

export class ClaimBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-claim-'));
  readonly authority = TestAuthority.create();
  readonly fleet = new Fleet();
  readonly clock = new ManualClock(Date.now());
  readonly adopted: ClaimedDevice[] = [];
  /** What was logged, as text. */
  online: string[];
  issuedCount = 0;
  database: Database;
  books: ClaimBooks;
  claims: Claims;
  #server: DeviceServer | undefined;
  readonly #options: Partial<BenchOptions>;

  constructor(options: Partial<BenchOptions> = {}) {
    this.#options = options;
    this.online = [...(options.online ?? [])];
    this.database = this.#open();
    this.books = new ClaimBooks(this.database);
    this.claims = this.#make();
  }

  /** A code for now. */
  code(more: Partial<SetupPayload> = {}): string {
    return this.fleet.code(this.authority.caFile, this.clock.wallMs(), more);
  }

  /** Without a network. */
  claim(body: string, address = '192.0.2.1'): ClaimResult {
    const { status, headers, body: text } = this.claims.answer(body, address);
    return { status, retryAfter: headers?.['retry-after'], body: JSON.parse(text) as ClaimResult['body'] };
  }

  /** The process was killed and is there again. */
  restart(): void {
    this.database.close();
    this.database = this.#open();
    this.books = new ClaimBooks(this.database);
    this.claims = this.#make();
  }

  get authorityPem(): string {
    return readFileSync(this.authority.caFile, 'utf8');
  }

  /** Over HTTPS, on a free port of this machine. */
  async serve(): Promise<DeviceServer> {
    const { certFile, keyFile } = this.authority.broker('localhost', '127.0.0.1');
    const missing = () => ({ status: 404, body: '{}' });
    this.#server = await startDeviceServer(
      '127.0.0.1',
      0,
      {
        certificatePem: readFileSync(certFile, 'utf8'),
        keyPem: readFileSync(keyFile, 'utf8'),
        authorityPem: readFileSync(this.authority.caFile, 'utf8'),
      },
      {
        claim: (body, address) => this.claims.answer(body, address),
        bundle: missing,
        missing,
        onFault: (sentence) => {
          throw new Error(sentence);
        },
      },
    );
    return this.#server;
  }

  async end(): Promise<void> {
    await this.#server?.stop();
    this.database.close();
    this.authority.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #open(): Database {
    return (this.#options.open ?? openDatabase)(join(this.folder, 'gateway.db'));
  }

  #make(): Claims {
    const { store = {}, replace = 'offline', strangers = [], expected = [] } = this.#options;
    const authorityPem = readFileSync(this.authority.caFile, 'utf8');
    const authority = new CertificateAuthority(
      authorityPem,
      readFileSync(join(this.authority.folder, 'ca.key'), 'utf8'),
    );
    const issue: IssueCertificate = (request) => {
      this.issuedCount += 1;
      return authority.issue(request);
    };
    return new Claims({
      store: {
        site: SITE,
        timeZone: 'Europe/Stockholm',
        openingHours: ['Mo-Fr 09:00-20:00'],
        intervalS: 60,
        mqttUrl: '',
        template: {},
        ...store,
      },
      keys: new Map([[this.fleet.keyId, this.fleet.publicKey]]),
      certificateDays: 825,
      authorityPem,
      issue,
      clock: this.clock,
      database: this.database,
      books: this.books,
      log: createLog('gateway', 'fatal'),
      naming: () => ({
        expected: [...new Set([...expected, ...this.books.devices().map(({ device }) => device)])],
        strangers: new Set(strangers),
        reserved: RESERVED,
        prefix: 'counter',
        replace,
        isOnline: (device) => this.online.includes(device),
      }),
      onClaimed: (device) => this.adopted.push(device),
    });
  }
}
