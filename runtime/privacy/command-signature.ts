/**
 * Signatures of commands: who may set up, reset or reload a counter is whoever has a private key whose public half stands in
 * `commands.public_keys` of its configuration. The broker's users and rights are the first gate, this is the second: a
 * gateway that was taken over can publish on `cmd/…`, but not sign.
 *
 * Signed bytes: the line `lethe command 1`, then the command without `signature` in the form of RFC 8785 (device-key.ts). It names
 * command, site and device, so that a signature is worth nothing elsewhere, and when it begins and ends to be worth anything.
 * A key file is made by `lethe command --new-key FILE`: PEM (PKCS #8), 0600; one that others can read is refused.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { ExitCode, LetheError } from '../errors.ts';
import { canonicalJson, type DeviceKey, isSignedBy, type KeyKind, openKeyFile, signerOf } from './device-key.ts';

const PURPOSE = 'lethe command 1';
const FINGERPRINT_DIGITS = 16;

const COMMAND_KEY: KeyKind = {
  what: 'The key for commands',
  code: 'COMMAND_KEY',
  op: 'open command key',
  otherwise: 'or make another one with lethe command --new-key FILE and put its public half into commands.public_keys.',
};

/** Adds who signs, and the signature. */
export function signedCommand<Command extends object>(
  command: Command,
  key: DeviceKey,
): Command & { public_key: string; signature: string } {
  const unsigned = { ...command, public_key: key.publicKey };
  return { ...unsigned, signature: key.sign(PURPOSE, canonicalJson(unsigned)) };
}

/** True if the private half of the command's own key signed it; whether that key may command is another question. */
export function isCommandSigned({
  signature,
  ...unsigned
}: {
  readonly public_key: string;
  readonly signature: string;
}): boolean {
  return isSignedBy(unsigned.public_key, PURPOSE, canonicalJson(unsigned), signature);
}

/** 16 hexadecimal digits of the SHA-256 of the raw key: for people and logs. */
export function keyFingerprint(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex').slice(0, FINGERPRINT_DIGITS);
}

/** Throws LetheError: COMMAND_KEY_MISSING, _UNREADABLE, _DAMAGED, _EXPOSED. */
export function openCommandKey(path: string): DeviceKey {
  const key = openKeyFile(path, COMMAND_KEY);
  if (key !== undefined) return key;
  throw new LetheError('COMMAND_KEY_MISSING', `There is no key ${path}.`, ExitCode.noInput, {
    op: COMMAND_KEY.op,
    hint: `Correct the path, ${COMMAND_KEY.otherwise}`,
  });
}

/** Makes a key file (0600). A file that is there is never overwritten: other devices may know its key. Throws LetheError. */
export function makeCommandKey(path: string): DeviceKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const isThere = code === 'EEXIST';
    throw new LetheError(
      'COMMAND_KEY_UNWRITABLE',
      isThere ? `${path} is there already.` : `${path} cannot be made (${code}).`,
      ExitCode.ioError,
      {
        op: 'make command key',
        hint: isThere
          ? 'Use it, or give another name: a key is never overwritten.'
          : 'Choose a folder that you can write to.',
        cause,
      },
    );
  }
  return signerOf(privateKey);
}
