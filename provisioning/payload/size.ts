/**
 * What makes a code as long as it is: said to the person whose code does not fit, so that it is clear what to shorten.
 */
import { encodeCbor } from './cbor.ts';
import { FieldKey, type FieldName, payloadToMap } from './fields.ts';
import { CODE_PREFIX, type SetupPayload, SIGNATURE_CHARS } from './payload.ts';

/** What always has the same length is one item. */
const FIXED: readonly FieldName[] = ['keyId', 'issuedAt', 'validFor', 'nonce', 'token', 'caPin'];
const LABELS: Readonly<Partial<Record<FieldName, string>>> = {
  mqttPort: 'MQTT port',
  claimPort: 'claim port',
  ssid: 'Wi-Fi name',
  passphrase: 'Wi-Fi passphrase',
  security: 'Wi-Fi security',
  isHidden: 'hidden Wi-Fi',
};

export type CodePart = { readonly label: string; readonly chars: number };

/** Longest first; they add up to the length of the code but for rounding. */
export function codeParts(payload: SetupPayload): CodePart[] {
  const map = payloadToMap(payload);
  const charsOf = (name: FieldName): number => {
    const value = map.get(FieldKey[name]);
    // Without the byte that begins a map.
    return value === undefined ? 0 : ((encodeCbor(new Map([[FieldKey[name], value]])).length - 1) * 4) / 3;
  };
  const names = (Object.keys(FieldKey) as FieldName[]).filter((name) => !FIXED.includes(name));
  const fixedChars = FIXED.reduce((sum, name) => sum + charsOf(name), CODE_PREFIX.length + 1 + SIGNATURE_CHARS);
  return [
    { label: 'signature, token, times and pins', chars: Math.round(fixedChars) },
    ...names
      .map((name) => ({ label: LABELS[name] ?? name, chars: Math.round(charsOf(name)) }))
      .filter(({ chars }) => chars > 0)
      .sort((a, b) => b.chars - a.chars),
  ];
}
