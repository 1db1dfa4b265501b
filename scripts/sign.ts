/**
 * Signs a model folder, and makes keys for it. The private key is a PEM file (PKCS #8) that stays with whoever makes models.
 * Usage: sign --key FILE FOLDER | sign --new-key FILE
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ExitCode, explain } from '../runtime/errors.ts';
import { loadModel } from '../runtime/eye/model.ts';
import { BUILT_IN_KEYS, keyId, rawPublicKey, signManifest } from '../runtime/eye/model-signature.ts';

const HELP = `Signs the manifest.json of a model folder, so that the eye will load it.
  sign --key FILE FOLDER   writes FOLDER/manifest.sig with the private key in FILE, then checks the whole folder
  sign --new-key FILE      makes a key pair: the private half into FILE (mode 600), the public half is printed
A model of your own: sign it with a key of your own, and set model.public_key on the devices that shall load it.
`;

function describe(privateKey: KeyObject): string {
  const raw = rawPublicKey(privateKey);
  return `key ${keyId(raw)}\nmodel.public_key: ${raw}`;
}

function makeKey(file: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  // wx: an old key is never overwritten, because what it signed could not be signed again.
  writeFileSync(file, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600, flag: 'wx' });
  process.stdout.write(`${describe(privateKey)}\nprivate half: ${file}; keep it, and keep it secret\n`);
}

function signFolder(keyFile: string, folder: string): void {
  const key = createPrivateKey(readFileSync(keyFile));
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new Error(`${keyFile} holds a ${key.asymmetricKeyType} key; expected Ed25519. Make one with --new-key.`);
  }
  const manifest = join(folder, 'manifest.json');
  const target = join(folder, 'manifest.sig');
  const text = signManifest(readFileSync(manifest), key);
  writeFileSync(`${target}.part`, text);
  renameSync(`${target}.part`, target);
  const raw = rawPublicKey(key);
  const isBuiltIn = BUILT_IN_KEYS.some(({ publicKey }) => publicKey === raw);
  const { signer, path } = loadModel(manifest, isBuiltIn ? '' : raw);
  process.stdout.write(
    `${path}: signed with key ${signer.id}${isBuiltIn ? ` (${signer.name})` : `; devices need\nmodel.public_key: ${raw}`}\n`,
  );
}

function main(): ExitCode {
  const { values, positionals } = parseArgs({
    options: { key: { type: 'string' }, 'new-key': { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  const folder = positionals[0];
  if (values.help) process.stdout.write(HELP);
  else if (values['new-key'] !== undefined) makeKey(values['new-key']);
  else if (values.key !== undefined && folder !== undefined) signFolder(values.key, folder);
  else {
    process.stderr.write(`sign needs --key FILE and a folder, or --new-key FILE.\n\n${HELP}`);
    return ExitCode.usage;
  }
  return ExitCode.ok;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  process.exitCode = ExitCode.failed;
}
