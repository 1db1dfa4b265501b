/**
 * Codes as the emulated camera sees them: good ones, and each kind of bad one, drawn into the luma of a 640 x 480 picture.
 * Grey on grey rather than black on white, as through a lens; how much worse a picture may get is measured by `bench qr`.
 */
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseFleetKey, keyFolders } from '../../../provisioning/create/keys.ts';
import { encodeCode } from '../../../provisioning/payload/code.ts';
import { caPinOf, keyIdOf } from '../../../provisioning/payload/keys.ts';
import { CLAIM_PORT_DEFAULT, MQTT_PORT_DEFAULT, type SetupPayload } from '../../../provisioning/payload/payload.ts';
import { qrMatrix } from '../../../provisioning/qr/matrix.ts';
import { HOST, SITE, type Store } from './store.ts';

const WIDTH_PX = 640;
const HEIGHT_PX = 480;
const WALL = 120;
const LIGHT = 200;
const DARK = 40;
const VALID_S = 900;

/** A payload for this store; `more` replaces fields. */
export function payloadFor(store: Store, more: Partial<SetupPayload> = {}): SetupPayload {
  const issuedAtS = Math.floor(Date.now() / 1000);
  return {
    keyId: fleetKey(store).id,
    site: SITE,
    device: 'door1',
    issuedAtS,
    expiresAtS: issuedAtS + VALID_S,
    nonce: randomBytes(8).toString('hex'),
    token: randomBytes(16).toString('hex'),
    host: HOST,
    mqttPort: MQTT_PORT_DEFAULT,
    claimPort: CLAIM_PORT_DEFAULT,
    caPin: caPinOf(new X509Certificate(readFileSync(store.caFile))),
    ...more,
  };
}

function fleetKey(store: Store) {
  return chooseFleetKey(keyFolders(store.keyFolder));
}

export function signed(store: Store, payload: SetupPayload): string {
  return encodeCode(payload, fleetKey(store).key);
}

/** The fleet's key id and these words, but the signature of somebody else. */
export function forged(store: Store, payload: SetupPayload): string {
  const [prefix, words] = signed(store, payload).split('.');
  return [prefix, words, ofAnotherFleet(payload).split('.')[2]].join('.');
}

/** Signed by a key that nobody has told the device about, and honest about it. */
export function ofAnotherFleet(payload: SetupPayload): string {
  const { privateKey } = generateKeyPairSync('ed25519');
  return encodeCode({ ...payload, keyId: keyIdOf(privateKey) }, privateKey);
}

/** Holds a text before the camera; undefined takes it away. The picture is replaced in one go. */
export function show(share: string, text: string | undefined): void {
  const picture = Buffer.alloc(WIDTH_PX * HEIGHT_PX, WALL);
  if (text !== undefined) draw(picture, text);
  writeFileSync(join(share, 'code.part'), picture);
  renameSync(join(share, 'code.part'), join(share, 'code.gray'));
}

function draw(picture: Buffer, text: string): void {
  const matrix = qrMatrix(text, 'low');
  const modulePx = Math.floor((HEIGHT_PX * 0.85) / matrix.length);
  const sidePx = modulePx * matrix.length;
  const leftPx = Math.floor((WIDTH_PX - sidePx) / 2);
  const topPx = Math.floor((HEIGHT_PX - sidePx) / 2);
  for (let y = 0; y < sidePx; y += 1) {
    for (let x = 0; x < sidePx; x += 1) {
      const isDark = matrix[Math.floor(y / modulePx)]?.[Math.floor(x / modulePx)] === true;
      picture[(topPx + y) * WIDTH_PX + leftPx + x] = isDark ? DARK : LIGHT;
    }
  }
}
