/**
 * What a release says of itself, and who may say so. Read this first: a bundle is one file `lethe-<version>-arm64.lethe`,
 * an uncompressed tar of three members in this order:
 *
 *   manifest.json   the manifest below in its one canonical form: the signed bytes
 *   manifest.sig    Ed25519 signature over `lethe release v1\n` + those bytes, base64, one line
 *   app.tar.gz      the application: what a slot on the device holds (provisioning/device/layout.ts)
 *
 * The signature is the only authority: who carries a bundle (broker, gateway, a stick) need not be trusted. It is checked
 * before a byte of the application is looked at, and for an offer over MQTT before a byte is downloaded.
 * Not a compressed tar around a compressed one: the members can then be found without unpacking, by whoever serves them.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BundleError } from '../../runtime/errors.ts';

export const MANIFEST_NAME = 'manifest.json';
export const SIGNATURE_NAME = 'manifest.sig';
export const APPLICATION_NAME = 'app.tar.gz';
export const TARGET = 'linux-arm64';

/** Compressed. Node makes up nearly all of it: 40 MB in 2026. */
export const APPLICATION_BYTES_MAX = 200_000_000;
export const MANIFEST_BYTES_MAX = 4_096;

export type Manifest = {
  readonly v: 1;
  readonly name: 'lethe';
  /** Three numbers with points. */
  readonly version: string;
  readonly target: string;
  /** Size and SHA-256 (hex) of app.tar.gz. */
  readonly bytes: number;
  readonly sha256: string;
  /** What it takes on the disk of a device, without the room that file systems waste. */
  readonly unpacked_bytes: number;
  readonly file_count: number;
  /** Version of the Node inside, such as 24.22.0. */
  readonly node: string;
  /** ISO 8601 in UTC. */
  readonly made_at: string;
  /** Oldest version that it may replace. */
  readonly from_min: string;
  /** Whose signature: first 4 bytes of the SHA-256 of the public key's SPKI DER, hex. */
  readonly key_id: string;
};

export type ReleaseKeys = ReadonlyMap<string, KeyObject>;

const PURPOSE = Buffer.from('lethe release v1\n');
const VERSION = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
const KEY_FILES_MAX = 16;

type FieldCheck = (value: unknown) => boolean;
/** Three numbers, as `1.4.0`. */
export const isVersion: FieldCheck = (value) => typeof value === 'string' && VERSION.test(value);
const isCount =
  (max: number): FieldCheck =>
  (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;
const matches =
  (pattern: RegExp): FieldCheck =>
  (value) =>
    typeof value === 'string' && pattern.test(value);

/** An unpacked application is bounded as well: a device has to have room for two. */
export const UNPACKED_BYTES_MAX = 600_000_000;
export const FILE_COUNT_MAX = 5_000;

const FIELDS: Readonly<Record<keyof Manifest, FieldCheck>> = {
  v: (value) => value === 1,
  name: (value) => value === 'lethe',
  version: isVersion,
  target: matches(/^[a-z0-9-]{1,32}$/),
  bytes: isCount(APPLICATION_BYTES_MAX),
  sha256: matches(/^[0-9a-f]{64}$/),
  unpacked_bytes: isCount(UNPACKED_BYTES_MAX),
  file_count: isCount(FILE_COUNT_MAX),
  node: isVersion,
  made_at: (value) => matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)(value) && !Number.isNaN(Date.parse(String(value))),
  from_min: isVersion,
  key_id: matches(/^[0-9a-f]{8}$/),
};

/** The one form that is signed: members by name, no spaces (RFC 8785 for a flat object of ASCII strings and whole numbers). */
export function canonicalManifest(manifest: Manifest): Buffer {
  const sorted = Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(Object.fromEntries(sorted)), 'utf8');
}

/** A manifest out of parsed JSON, with exactly its fields; undefined for anything else. */
export function manifestOf(value: unknown): Manifest | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = value as Record<string, unknown>;
  const names = Object.keys(FIELDS) as (keyof Manifest)[];
  if (Object.keys(fields).length !== names.length) return undefined;
  if (!names.every((name) => Object.hasOwn(fields, name) && FIELDS[name](fields[name]))) return undefined;
  return Object.fromEntries(names.map((name) => [name, fields[name]])) as Manifest;
}

/** Bytes of manifest.json; only the canonical form is accepted, so that a manifest has one spelling. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const damaged = new BundleError('damaged', 'The manifest of this bundle is no manifest of a release.', {
    op: 'read bundle',
    hint: 'Copy the bundle again, or make it again with `lethe bundle`.',
  });
  let manifest: Manifest | undefined;
  try {
    manifest = manifestOf(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch {
    throw damaged;
  }
  if (manifest === undefined || !canonicalManifest(manifest).equals(bytes)) throw damaged;
  return manifest;
}

export function releaseKeyId(publicKey: KeyObject): string {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return createHash('sha256').update(der).digest().subarray(0, KEY_ID_BYTES).toString('hex');
}

/** → base64, the text of manifest.sig without its end of line. */
export function signManifest(manifest: Manifest, privateKey: KeyObject): string {
  return sign(null, Buffer.concat([PURPOSE, canonicalManifest(manifest)]), privateKey).toString('base64');
}

/** Throws BundleError unknown_key or forged. signature: base64. */
export function checkSignature(manifest: Manifest, signature: string, keys: ReleaseKeys): void {
  const key = keys.get(manifest.key_id);
  if (key === undefined) {
    const known = [...keys.keys()].join(', ') || 'none';
    throw new BundleError(
      'unknown_key',
      `Release ${manifest.version} is signed by the key ${manifest.key_id}; known here: ${known}.`,
      { op: 'check release', hint: 'Put the public key of whoever releases into /etc/lethe/release/, as NAME.pem.' },
    );
  }
  const bytes = Buffer.from(signature, 'base64');
  const isWhole = bytes.length === SIGNATURE_BYTES && bytes.toString('base64') === signature;
  if (isWhole && verify(null, Buffer.concat([PURPOSE, canonicalManifest(manifest)]), key, bytes)) return;
  throw new BundleError(
    'forged',
    `Release ${manifest.version} is not signed by the key ${manifest.key_id} that it names.`,
    {
      op: 'check release',
      hint: 'Somebody changed it, or it was damaged on its way: take it from where it was made.',
    },
  );
}

/** −1, 0 or 1, by number and not by letter: 0.10.0 is newer than 0.9.0. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => VERSION.exec(text)?.slice(1).map(Number) ?? [0, 0, 0]);
  for (let i = 0; i < 3; i += 1) {
    const difference = left![i]! - right![i]!;
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

/** installed: version that runs now. refused: versions that were rolled back here. Throws BundleError. */
export function checkFits(manifest: Manifest, installed: string, refused: readonly string[] = []): void {
  const { version, target, from_min: fromMin } = manifest;
  const op = 'check release';
  if (target !== TARGET)
    throw new BundleError('other_target', `Release ${version} is for ${target}; this device is ${TARGET}.`, {
      op,
      hint: `Take the bundle for ${TARGET}.`,
    });
  if (compareVersions(version, installed) <= 0)
    throw new BundleError('older', `Release ${version} is not newer than ${installed}, which is installed.`, {
      op,
      hint: 'A device never goes back to an older version by itself: release the older state under a new number.',
    });
  if (compareVersions(installed, fromMin) < 0)
    throw new BundleError(
      'needs_newer',
      `Release ${version} can replace ${fromMin} and newer; ${installed} is installed.`,
      { op, hint: `Install a release from ${fromMin} on first.` },
    );
  if (refused.includes(version))
    throw new BundleError('rolled_back', `Release ${version} was tried on this device and did not count.`, {
      op,
      hint: 'Mend it and release it under a new number.',
    });
}

/** Public keys of releases: every NAME.pem of a folder (Ed25519, SPKI). A folder that is not there holds none. Throws BundleError. */
export function readReleaseKeys(folder: string): ReleaseKeys {
  const keys = new Map<string, KeyObject>();
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.pem'));
  } catch {
    return keys;
  }
  for (const name of names.sort().slice(0, KEY_FILES_MAX)) {
    const path = join(folder, name);
    const key = publicKeyOf(path);
    keys.set(releaseKeyId(key), key);
  }
  return keys;
}

function publicKeyOf(path: string): KeyObject {
  try {
    const key = createPublicKey(readFileSync(path));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    // Said below, with the remedy.
  }
  throw new BundleError('incomplete', `${path} is no public Ed25519 key in PEM.`, {
    op: 'read release keys',
    hint: 'Copy it again from where `lethe bundle key` made it, or remove it.',
  });
}
