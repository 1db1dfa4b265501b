/** A device's key without a disk: the same signatures, gone with the test. */
import { generateKeyPairSync, sign } from 'node:crypto';
import type { DeviceKey } from '../../runtime/privacy/receipts.ts';

const SPKI_PREFIX_BYTES = 12;

export function memoryKey(): DeviceKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const der = publicKey.export({ format: 'der', type: 'spki' });
  return {
    publicKey: der.subarray(SPKI_PREFIX_BYTES).toString('base64'),
    sign: (purpose, bytes) =>
      sign(null, Buffer.concat([Buffer.from(`${purpose}\n`), bytes]), privateKey).toString('base64'),
  };
}
