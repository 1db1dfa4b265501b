/**
 * Payload ↔ CBOR map. The numbers are the format: they are never given to another field, and a reader that meets one it does
 * not know says newer_version. Defaults are left out, so each payload has one form.
 *
 * | key | field | CBOR | | key | field | CBOR |
 * |---|---|---|---|---|---|---|
 * | 1 | keyId | 4 bytes | | 10 | claimPort | number, not 8885 |
 * | 2 | issuedAtS | number | | 11 | caPin | 16 bytes |
 * | 3 | expiresAtS − issuedAtS | number | | 12 | wifi.ssid | text |
 * | 4 | nonce | 8 bytes | | 13 | wifi.passphrase | text; 64 digits: 32 bytes |
 * | 5 | token | 16 bytes | | 14 | wifi.security | 1 sae, 2 open |
 * | 6 | site | text | | 15 | wifi.isHidden | true |
 * | 7 | device | text | | 16 | country | text |
 * | 8 | host | text | | 17 | lines | [name, 5 or 7 bytes, …] |
 * | 9 | mqttPort | number, not 8883 | | | | |
 *
 * Bytes of a line: x and y of `from`, x and y of `to` in two-hundredths, direction (place in LINE_DIRECTIONS), and, if given,
 * hysteresis in thousandths and min_path in two-hundredths.
 */
import type { CborValue } from './cbor.ts';
import {
  CLAIM_PORT_DEFAULT,
  HYSTERESIS_STEPS,
  LINE_DIRECTIONS,
  MQTT_PORT_DEFAULT,
  PLACE_STEPS,
  type SetupLine,
  type SetupPayload,
  WIFI_SECURITIES,
  type WifiAccess,
} from './payload.ts';

export const FieldKey = {
  keyId: 1,
  issuedAt: 2,
  validFor: 3,
  nonce: 4,
  token: 5,
  site: 6,
  device: 7,
  host: 8,
  mqttPort: 9,
  claimPort: 10,
  caPin: 11,
  ssid: 12,
  passphrase: 13,
  security: 14,
  isHidden: 15,
  country: 16,
  lines: 17,
} as const;
export type FieldName = keyof typeof FieldKey;

const KNOWN_KEYS: ReadonlySet<unknown> = new Set(Object.values(FieldKey));
/** A key of WPA, written as digits by people and sent as bytes. */
export const RAW_KEY = /^[0-9a-f]{64}$/;

/** True when each key is one of this version's. */
export function hasOnlyKnownKeys(map: ReadonlyMap<unknown, unknown>): boolean {
  return [...map.keys()].every((key) => KNOWN_KEYS.has(key));
}

/** `payload` must be without faults (check.ts). */
export function payloadToMap(payload: SetupPayload): Map<number, CborValue> {
  const { wifi } = payload;
  const fields: Partial<Record<FieldName, CborValue | undefined>> = {
    keyId: fromHex(payload.keyId),
    issuedAt: payload.issuedAtS,
    validFor: payload.expiresAtS - payload.issuedAtS,
    nonce: fromHex(payload.nonce),
    token: fromHex(payload.token),
    site: payload.site,
    device: payload.device,
    host: payload.host,
    mqttPort: unless(payload.mqttPort, MQTT_PORT_DEFAULT),
    claimPort: unless(payload.claimPort, CLAIM_PORT_DEFAULT),
    caPin: fromHex(payload.caPin),
    ssid: wifi?.ssid,
    passphrase: wifi && passphraseValue(wifi),
    security: wifi && unless(WIFI_SECURITIES.indexOf(wifi.security), 0),
    isHidden: wifi?.isHidden ? true : undefined,
    country: payload.country,
    lines: payload.lines?.flatMap((line) => [line.name, lineBytes(line)]),
  };
  const map = new Map<number, CborValue>();
  for (const [name, key] of Object.entries(FieldKey) as [FieldName, number][]) {
    const value = fields[name];
    if (value !== undefined) map.set(key, value);
  }
  return map;
}

/** undefined when a field is missing or of the wrong kind; what the values mean is checked by check.ts. */
export function payloadFromMap(map: ReadonlyMap<unknown, unknown>): SetupPayload | undefined {
  try {
    return readPayload(new Reader(map));
  } catch (error) {
    if (error instanceof Misfit) return undefined;
    throw error;
  }
}

function readPayload(reader: Reader): SetupPayload {
  const issuedAtS = reader.whole('issuedAt');
  const device = reader.optional('device', () => reader.text('device'));
  const country = reader.optional('country', () => reader.text('country'));
  const lines = reader.optional('lines', () => readLines(reader.list('lines')));
  const wifi = readWifi(reader);
  return {
    keyId: reader.hex('keyId', 4),
    site: reader.text('site'),
    ...(device === undefined ? {} : { device }),
    issuedAtS,
    expiresAtS: issuedAtS + reader.whole('validFor'),
    nonce: reader.hex('nonce', 8),
    token: reader.hex('token', 16),
    ...(wifi === undefined ? {} : { wifi }),
    host: reader.text('host'),
    mqttPort: reader.optional('mqttPort', () => reader.whole('mqttPort')) ?? MQTT_PORT_DEFAULT,
    claimPort: reader.optional('claimPort', () => reader.whole('claimPort')) ?? CLAIM_PORT_DEFAULT,
    caPin: reader.hex('caPin', 16),
    ...(lines === undefined ? {} : { lines }),
    ...(country === undefined ? {} : { country }),
  };
}

/** Without a name of the network the other three may not be there either: writing again leaves them out, and that differs. */
function readWifi(reader: Reader): WifiAccess | undefined {
  if (!reader.has('ssid')) return undefined;
  const security = WIFI_SECURITIES[reader.optional('security', () => reader.whole('security')) ?? 0];
  if (security === undefined) throw new Misfit();
  return {
    ssid: reader.text('ssid'),
    passphrase: security === 'open' ? '' : reader.passphrase(),
    security,
    isHidden: reader.has('isHidden'),
  };
}

function passphraseValue({ passphrase, security }: WifiAccess): CborValue | undefined {
  if (security === 'open') return undefined;
  return security === 'wpa' && RAW_KEY.test(passphrase) ? fromHex(passphrase) : passphrase;
}

function lineBytes(line: SetupLine): Uint8Array {
  const places = [...line.from, ...line.to].map((place) => Math.round(place * PLACE_STEPS));
  const rest =
    line.hysteresis === undefined || line.min_path === undefined
      ? []
      : [Math.round(line.hysteresis * HYSTERESIS_STEPS), Math.round(line.min_path * PLACE_STEPS)];
  return Uint8Array.from([...places, LINE_DIRECTIONS.indexOf(line.in), ...rest]);
}

function readLines(values: readonly unknown[]): SetupLine[] {
  const lines: SetupLine[] = [];
  for (let index = 0; index < values.length; index += 2) lines.push(readLine(values[index], values[index + 1]));
  return lines;
}

function readLine(name: unknown, bytes: unknown): SetupLine {
  if (typeof name !== 'string' || !(bytes instanceof Uint8Array) || ![5, 7].includes(bytes.length)) throw new Misfit();
  const [fromX, fromY, toX, toY, direction, hysteresis, minPath] = bytes;
  const wayIn = LINE_DIRECTIONS[direction!];
  if (wayIn === undefined) throw new Misfit();
  const place = (steps: number | undefined) => steps! / PLACE_STEPS;
  return {
    name,
    from: [place(fromX), place(fromY)],
    to: [place(toX), place(toY)],
    in: wayIn,
    ...(hysteresis === undefined ? {} : { hysteresis: hysteresis / HYSTERESIS_STEPS, min_path: place(minPath) }),
  };
}

/** A field that is missing or of another kind. Never leaves this file. */
class Misfit extends Error {}

class Reader {
  readonly #map: ReadonlyMap<unknown, unknown>;
  constructor(map: ReadonlyMap<unknown, unknown>) {
    this.#map = map;
  }
  has(name: FieldName): boolean {
    return this.#map.has(FieldKey[name]);
  }
  optional<T>(name: FieldName, read: () => T): T | undefined {
    return this.has(name) ? read() : undefined;
  }
  text(name: FieldName): string {
    const value = this.#map.get(FieldKey[name]);
    if (typeof value !== 'string') throw new Misfit();
    return value;
  }
  whole(name: FieldName): number {
    const value = this.#map.get(FieldKey[name]);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Misfit();
    return value;
  }
  list(name: FieldName): readonly unknown[] {
    const value = this.#map.get(FieldKey[name]);
    if (!Array.isArray(value)) throw new Misfit();
    return value;
  }
  hex(name: FieldName, byteCount: number): string {
    const value = this.#map.get(FieldKey[name]);
    if (!(value instanceof Uint8Array) || value.length !== byteCount) throw new Misfit();
    return Buffer.from(value).toString('hex');
  }
  passphrase(): string {
    return this.#map.get(FieldKey.passphrase) instanceof Uint8Array
      ? this.hex('passphrase', 32)
      : this.text('passphrase');
  }
}

function unless<T>(value: T, byDefault: T): T | undefined {
  return value === byDefault ? undefined : value;
}

function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
