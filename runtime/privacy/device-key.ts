/**
 * The device's key: an Ed25519 pair (RFC 8032) with which this device signs what it says about itself: audit records now,
 * receipts of erased pictures later. Who knows the public half can tell whether a record was changed on its way.
 * It proves no more than that: whoever can read the file can sign as well, so it lies in state_dir beside the ledger,
 * 0600 in a folder that nobody else can write to, and a file that others can read is refused and not repaired.
 *
 * Made at first use, in a way that two programs may start at once (voice and `lethe tally`): each writes a file of its own,
 * and the one that gets the name by link(2), which never overwrites, has made the key of both. The name therefore never
 * stands for half a file. A key that is there is never replaced by this program: what it signed could not be checked again.
 *
 * What is signed: `purpose` and a line feed, then the bytes. The purpose keeps a signature made for one kind of record
 * from being worth anything for another. JSON is brought into one form first: RFC 8785, see canonicalJson.
 * The private half never leaves the closure in openDeviceKey and is in no message.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { settleFolder, writeDurable } from '../durable.ts';
import { ExitCode, LetheError } from '../errors.ts';

export const DEVICE_KEY_FILE = 'device-key.pem';

/** DER in front of the 32 bytes of an Ed25519 public key (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** A PKCS #8 file of an Ed25519 key has 119 bytes; anything far longer is something else. */
const FILE_BYTES_MAX = 4096;
const OTHERS_MAY_ANYTHING = 0o077;
const OTHERS_MAY_WRITE = 0o022;

const NEW_KEY =
  'or move it away to let a new key be made, and tell whoever checks records: they know the old one by its public half.';

/** What a key file is for, in the words of messages. */
export type KeyKind = {
  /** `The device's key`, as a sentence begins. */
  readonly what: string;
  /** In front of the codes of errors. */
  readonly code: string;
  readonly op: string;
  /** What to do where the key is not to be had, behind `Restore it from a backup, `. */
  readonly otherwise: string;
};

const DEVICE_KEY: KeyKind = {
  what: "The device's key",
  code: 'DEVICE_KEY',
  op: 'open device key',
  otherwise: NEW_KEY,
};

export type DeviceKey = {
  /** The 32 raw bytes of the public half, in base64. */
  readonly publicKey: string;
  /** purpose: one line that names the kind of record and its version. Returns 64 bytes in base64. */
  readonly sign: (purpose: string, bytes: Uint8Array) => string;
};

/**
 * The key in `stateDir`, made if there is none; the folder is made too (0700). Throws LetheError (exit 78):
 * DEVICE_KEY_UNREADABLE, DEVICE_KEY_DAMAGED, DEVICE_KEY_EXPOSED, DEVICE_KEY_UNWRITABLE.
 */
export function openDeviceKey(stateDir: string): DeviceKey {
  const path = join(stateDir, DEVICE_KEY_FILE);
  const pem = readKeyFile(path) ?? makeKeyFile(stateDir, path);
  refuseOpenFolder(stateDir);
  return signerOf(parseKey(path, pem, DEVICE_KEY));
}

/** A key that somebody made before; undefined: there is no such file. Throws LetheError like openDeviceKey, with kind's codes. */
export function openKeyFile(path: string, kind: KeyKind): DeviceKey | undefined {
  const pem = readKeyFile(path, kind);
  return pem === undefined ? undefined : signerOf(parseKey(path, pem, kind));
}

/** The private half stays in here. */
export function signerOf(privateKey: KeyObject): DeviceKey {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: der.subarray(SPKI_PREFIX.length).toString('base64'),
    sign: (purpose, bytes) => sign(null, withPurpose(purpose, bytes), privateKey).toString('base64'),
  };
}

/** True if the private half of `publicKey` signed exactly these bytes for this purpose. Both in base64; never throws. */
export function isSignedBy(publicKey: string, purpose: string, bytes: Uint8Array, signature: string): boolean {
  const raw = fromBase64(publicKey, PUBLIC_KEY_BYTES);
  const signed = fromBase64(signature, SIGNATURE_BYTES);
  if (raw === undefined || signed === undefined) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' });
    return verify(null, withPurpose(purpose, bytes), key, signed);
  } catch {
    return false; // 32 bytes that are no point of the curve
  }
}

/**
 * JSON in the one form of RFC 8785: no blanks, keys in order of their UTF-16 code units, strings and numbers as JavaScript
 * writes them, which is how that standard defines them; UTF-8. value: as JSON.parse gives it. So a record that was stored prettily, or whose keys a
 * database has shuffled, still has the bytes that were signed.
 */
export function canonicalJson(value: unknown): Buffer {
  return Buffer.from(canonicalText(value), 'utf8');
}

/** Put together by hand, since an object lists keys that look like numbers first, whatever order they were given in. */
function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalText(inner)}`).join(',')}}`;
}

function withPurpose(purpose: string, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${purpose}\n`, 'utf8'), bytes]);
}

/** One spelling only: base64 leaves bits of the last letter unused, and a record shall have one form. */
function fromBase64(text: string, byteCount: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === byteCount && bytes.toString('base64') === text ? bytes : undefined;
}

/** The PEM text, or undefined if there is no such file. */
function readKeyFile(path: string, kind = DEVICE_KEY): string | undefined {
  let fd: number;
  try {
    // A link would let somebody else decide which file is the key; O_NONBLOCK: a pipe of this name must not hang us.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === 'ENOENT') return undefined;
    const what = code === 'ELOOP' ? 'is a symbolic link; expected a plain file' : `cannot be read (${code})`;
    throw fault(kind, 'UNREADABLE', `${kind.what} ${path} ${what}.`, {
      hint: `Run as the user that the file belongs to, or correct its owner, ${kind.otherwise}`,
      cause,
    });
  }
  try {
    const { mode, size } = fstatSync(fd);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG || size > FILE_BYTES_MAX) throw damaged(path, kind);
    if ((mode & OTHERS_MAY_ANYTHING) !== 0) {
      throw fault(
        kind,
        'EXPOSED',
        `${kind.what} ${path} has permissions ${octal(mode)}; expected 600: others on this machine may have copied it.`,
        { hint: `If nobody can have: chmod 600 ${path}. Otherwise move it away to let a new key be made.` },
      );
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

/** Whoever can write to the folder can put a key of their own in place of ours. */
function refuseOpenFolder(stateDir: string): void {
  const { mode } = statSync(stateDir);
  if ((mode & OTHERS_MAY_WRITE) === 0) return;
  throw fault(
    DEVICE_KEY,
    'EXPOSED',
    `The folder ${stateDir} has permissions ${octal(mode)}; expected that only its owner may write to it: others could exchange the device's key.`,
    { hint: `chmod go-w ${stateDir}` },
  );
}

/** Makes the key, or finds that another program has just made it; returns the PEM text of the one that is there. */
function makeKeyFile(stateDir: string, path: string): string {
  const beside = `${path}.${process.pid}.new`;
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    writeDurable(beside, pem);
    try {
      linkSync(beside, path);
    } catch (cause) {
      if (codeOf(cause) !== 'EEXIST') throw cause;
    } finally {
      unlinkSync(beside);
    }
    settleFolder(stateDir);
  } catch (cause) {
    throw fault(DEVICE_KEY, 'UNWRITABLE', `The device's key ${path} cannot be made (${codeOf(cause)}).`, {
      hint: 'Correct state_dir, or let this user write to it; it must be on a disk with hard links (ext4, not FAT).',
      cause,
    });
  }
  const made = readKeyFile(path);
  if (made === undefined) throw damaged(path, DEVICE_KEY);
  return made;
}

/** The parser's own message is left out: it may quote what it read. */
function parseKey(path: string, pem: string, kind: KeyKind): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw damaged(path, kind);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw damaged(path, kind);
  return key;
}

function damaged(path: string, kind: KeyKind): LetheError {
  return fault(kind, 'DAMAGED', `${kind.what} ${path} is not an Ed25519 private key (PKCS #8, PEM).`, {
    hint: `Restore it from a backup, ${kind.otherwise}`,
  });
}

function fault(
  { code, op }: KeyKind,
  word: string,
  message: string,
  options: { hint: string; cause?: unknown },
): LetheError {
  return new LetheError(`${code}_${word}`, message, ExitCode.config, { op, ...options });
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8);
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? String(error);
}
