/**
 * Fleet keys on the computer of whoever sets devices up. Private halves: FOLDER/fleet-keys/<id>.key (0600 in a folder 0700);
 * public halves, for cards and gateways: FOLDER/fleet/<id>.pem. FOLDER is ~/.config/lethe. The name is the key's id, so no key
 * ever takes the place of another: what a lost key signed could not be signed again, and cards that know only it are lost too.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ProvisioningError } from '../../runtime/errors.ts';
import { keyIdOf } from '../payload/keys.ts';

export type KeyFolders = {
  /** Private halves. */
  readonly privateFolder: string;
  /** Public halves: this folder is given to `flash` and to the gateway. */
  readonly publicFolder: string;
};

export type FleetPrivateKey = { readonly id: string; readonly key: KeyObject; readonly path: string };

/** `folder`: instead of ~/.config/lethe (or $XDG_CONFIG_HOME/lethe). */
export function keyFolders(folder?: string): KeyFolders {
  const base = folder ?? join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'lethe');
  return { privateFolder: join(base, 'fleet-keys'), publicFolder: join(base, 'fleet') };
}

/** Paths of the private halves, by name. */
export function privateKeyFiles({ privateFolder }: KeyFolders): string[] {
  try {
    return readdirSync(privateFolder)
      .filter((name) => name.endsWith('.key'))
      .sort()
      .map((name) => join(privateFolder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unusable(`${privateFolder} cannot be read`, error);
  }
}

/** Makes one; with `isAnother` also beside one that is there. Returns its id and both paths. */
export function makeFleetKey(
  folders: KeyFolders,
  isAnother: boolean,
): { readonly id: string; readonly privatePath: string; readonly publicPath: string } {
  const before = privateKeyFiles(folders);
  if (before.length > 0 && !isAnother)
    throw new ProvisioningError('PROVISIONING_KEY_EXISTS', `There is a fleet key already: ${before.join(', ')}.`, {
      op: 'make fleet key',
      hint: 'Use it. To replace it: --another makes a second one; flash and configure with both until no card knows the old one alone.',
    });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const id = keyIdOf(publicKey);
  const privatePath = join(folders.privateFolder, `${id}.key`);
  const publicPath = join(folders.publicFolder, `${id}.pem`);
  try {
    mkdirSync(folders.privateFolder, { recursive: true, mode: 0o700 });
    mkdirSync(folders.publicFolder, { recursive: true });
    // The private half last: with it alone nothing could be flashed, without it nobody misses the public one.
    writeFileSync(publicPath, publicKey.export({ format: 'pem', type: 'spki' }), { mode: 0o644, flag: 'wx' });
    writeFileSync(privatePath, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw unusable(`${folders.privateFolder} or ${folders.publicFolder} cannot be written`, error);
  }
  return { id, privatePath, publicPath };
}

/** The key to sign with: `choice` is a path or an id; without it there must be exactly one. */
export function chooseFleetKey(folders: KeyFolders, choice?: string): FleetPrivateKey {
  if (choice !== undefined)
    return readFleetPrivateKey(/^[0-9a-f]{8}$/.test(choice) ? join(folders.privateFolder, `${choice}.key`) : choice);
  const files = privateKeyFiles(folders);
  const [only, another] = files;
  if (only === undefined)
    throw new ProvisioningError('PROVISIONING_KEY', `There is no fleet key in ${folders.privateFolder}.`, {
      op: 'read fleet key',
      hint: '`npm run -s provision -- key` makes one. Its public half belongs on the cards and into the gateway.',
    });
  if (another !== undefined)
    throw new ProvisioningError('PROVISIONING_KEY', `There are ${files.length} fleet keys: ${files.join(', ')}.`, {
      op: 'read fleet key',
      hint: 'Say with which one to sign: --key and the file or its name without .key.',
    });
  return readFleetPrivateKey(only);
}

function readFleetPrivateKey(path: string): FleetPrivateKey {
  let key: KeyObject;
  try {
    // As ssh does: a key that others can read is one that others have.
    if ((statSync(path).mode & 0o077) !== 0)
      throw new ProvisioningError('PROVISIONING_KEY', `${path} can be read by others; expected mode 0600.`, {
        op: 'read fleet key',
        hint: `chmod 600 ${path}, if nobody else was on this computer; otherwise make a new key.`,
      });
    key = createPrivateKey(readFileSync(path));
  } catch (error) {
    if (error instanceof ProvisioningError) throw error;
    throw unusable(`${path} is no private key that can be read`, error);
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new ProvisioningError('PROVISIONING_KEY', `${path} holds a ${key.asymmetricKeyType} key; expected Ed25519.`, {
      op: 'read fleet key',
      hint: '`npm run -s provision -- key` makes one.',
    });
  return { id: keyIdOf(createPublicKey(key)), key, path };
}

function unusable(what: string, cause: unknown): ProvisioningError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  return new ProvisioningError('PROVISIONING_KEY', `${what} (${code}).`, {
    op: 'use fleet key',
    hint: 'Check the path and whose it is.',
    cause,
  });
}
