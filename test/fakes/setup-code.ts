/** A fleet key without a disk, and a payload to begin with: what a test is about is said by the test. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type CodeKeys, keyIdOf } from '../../provisioning/payload/keys.ts';
import type { SetupPayload } from '../../provisioning/payload/payload.ts';

export type FleetKey = { readonly id: string; readonly privateKey: KeyObject; readonly publicKey: KeyObject };

export function fleetKey(): FleetKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return { id: keyIdOf(publicKey), privateKey, publicKey };
}

export function keysOf(...keys: readonly FleetKey[]): CodeKeys {
  return new Map(keys.map(({ id, publicKey }) => [id, publicKey]));
}

/** 2026-01-31T08:00:00Z. */
export const ISSUED_AT_S = 1_769_846_400;

export function setupPayload(keyId: string, change: Partial<SetupPayload> = {}): SetupPayload {
  return {
    keyId,
    site: 'malmo-7',
    device: 'door1',
    issuedAtS: ISSUED_AT_S,
    expiresAtS: ISSUED_AT_S + 900,
    nonce: '0001020304050607',
    token: '101112131415161718191a1b1c1d1e1f',
    wifi: { ssid: 'Lager', passphrase: 'correct horse battery', security: 'wpa', isHidden: false },
    host: 'gateway.malmo.example',
    mqttPort: 8883,
    claimPort: 8885,
    caPin: '202122232425262728292a2b2c2d2e2f',
    country: 'SE',
    ...change,
  };
}
