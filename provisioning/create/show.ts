/**
 * What a code says, for a person who wonders: secrets masked, and whether a device would take it now. What is shown of a code
 * whose signature is not good is what it claims, and is marked so.
 */

import { type CodeMoment, claimsOf, readCode } from '../payload/code.ts';
import type { CodeKeys } from '../payload/keys.ts';
import { CODE_CHARS_MAX, type SetupLine, type SetupPayload, type WifiAccess } from '../payload/payload.ts';
import { REFUSALS, type Refusal } from '../payload/refusals.ts';
import { codeParts } from '../payload/size.ts';
import { spanText } from './request.ts';

/** Refusals before which the signature was found good. */
const SIGNED: ReadonlySet<Refusal> = new Set(['expired', 'not_yet_valid', 'other_device', 'replayed', 'newer_version']);

export type Shown = { readonly text: string; readonly isTaken: boolean };

/** `name`: of the device that would read it. */
export function showCode(code: string, keys: CodeKeys, moment: CodeMoment, name: string | undefined): Shown {
  const reader = { ...(name === undefined ? {} : { name }), spent: () => false };
  const reading = readCode(code, keys, moment, reader);
  const payload = reading.ok ? reading.payload : claimsOf(code);
  const isSigned = reading.ok || SIGNED.has(reading.refusal);
  const verdict = reading.ok
    ? [`A device that knows key ${reading.payload.keyId} takes it now.`]
    : [
        `A device refuses it: ${reading.refusal}.`,
        `  ${REFUSALS[reading.refusal].sentence}`,
        `  → ${REFUSALS[reading.refusal].remedy}`,
      ];
  const content =
    payload === undefined
      ? ['Nothing of it can be read.']
      : [
          isSigned ? 'The signature is good. It says:' : 'NOT TO BE BELIEVED, the signature is not good. It claims:',
          ...rows(payload).map(([label, value]) => `  ${label.padEnd(11)} ${value}`),
          `  ${'length'.padEnd(11)} ${code.length} of ${CODE_CHARS_MAX} characters: ${partsOf(payload)}`,
        ];
  return { text: `${[...verdict, ...content].join('\n')}\n`, isTaken: reading.ok };
}

function rows(payload: SetupPayload): [label: string, value: string][] {
  const { issuedAtS, expiresAtS, wifi, lines, country, host, mqttPort, claimPort } = payload;
  return [
    ['key', payload.keyId],
    ['site', payload.site],
    ['device', payload.device ?? 'any of the site'],
    ['made', isoTime(issuedAtS)],
    ['good until', `${isoTime(expiresAtS)} (${spanText(expiresAtS - issuedAtS)})`],
    ['gateway', `${host}, MQTT ${mqttPort}, claim ${claimPort}`],
    ['CA pin', payload.caPin],
    ['nonce', payload.nonce],
    ['token', '16 bytes (not shown)'],
    ['Wi-Fi', wifi === undefined ? 'none: a cable' : wifiText(wifi)],
    ...(country === undefined ? [] : [['country', country] as [string, string]]),
    ...(lines ?? []).map((line) => ['line', lineText(line)] as [string, string]),
  ];
}

function wifiText({ ssid, passphrase, security, isHidden }: WifiAccess): string {
  const secret = security === 'open' ? 'no passphrase' : `passphrase of ${passphrase.length} characters (not shown)`;
  return `${JSON.stringify(ssid)}, ${security}, ${secret}${isHidden ? ', hidden' : ''}`;
}

function lineText({ name, from, to, in: wayIn, hysteresis, min_path }: SetupLine): string {
  const bands = hysteresis === undefined ? '' : `, hysteresis ${hysteresis}, min_path ${min_path}`;
  return `${name} from [${from.join(', ')}] to [${to.join(', ')}], in is ${wayIn}${bands}`;
}

function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '');
}

function partsOf(payload: SetupPayload): string {
  return codeParts(payload)
    .map(({ label, chars }) => `${label} ${chars}`)
    .join(', ');
}
