/**
 * The key that signs releases: a PEM file (PKCS #8, Ed25519), 0600, that stays with whoever releases, and beside it the
 * public half, which goes onto devices.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { releaseKeyId } from '../../../provisioning/bundle/manifest.ts';
import { BundleError, ExitCode, LetheError } from '../../errors.ts';

const GROUP_AND_OTHERS = 0o077;

export function releaseKeyFile(): string {
  return join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'lethe', 'release.pem');
}

export function publicHalf(path: string): string {
  return path.replace(/(\.pem)?$/, '.pub.pem');
}

/** Makes both files; a key that is there is never overwritten. Throws LetheError. */
export function makeReleaseKey(path: string): { readonly publicFile: string; readonly keyId: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const publicFile = publicHalf(path);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600, flag: 'wx' });
    writeFileSync(publicFile, publicKey.export({ format: 'pem', type: 'spki' }), { mode: 0o644 });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const isThere = code === 'EEXIST';
    throw new LetheError(
      'RELEASE_KEY_UNWRITABLE',
      isThere ? `${path} is there already.` : `${path} cannot be made (${code}).`,
      ExitCode.ioError,
      {
        op: 'make release key',
        hint: isThere
          ? 'Use it, or give another name: a key is never overwritten.'
          : 'Choose a folder that you can write to.',
        cause,
      },
    );
  }
  return { publicFile, keyId: releaseKeyId(publicKey) };
}

/** Throws BundleError incomplete. Nothing of the file's contents enters a message. */
export function openReleaseKey(path: string): KeyObject {
  const refuse = (message: string, hint: string) =>
    new BundleError('incomplete', message, { op: 'open release key', hint });
  let pem: string;
  try {
    if ((statSync(path).mode & GROUP_AND_OTHERS) !== 0)
      throw refuse(`${path} can be read by others.`, `chmod 600 ${path}`);
    pem = readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof BundleError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    throw refuse(
      code === 'ENOENT' ? `There is no key ${path} to sign the release with.` : `${path} cannot be read (${code}).`,
      'Make one with `lethe bundle key`, name yours with --key FILE, or make only the folder with --tree DIR.',
    );
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519' && createPublicKey(key).type === 'public') return key;
  } catch {
    // Said below.
  }
  throw refuse(`${path} is no private Ed25519 key in PEM.`, 'Make one with `lethe bundle key`.');
}
