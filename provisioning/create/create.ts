/**
 * Makes the codes of a request and puts them where they were asked for. All codes are made before anything is written, so that a
 * device whose code is too long leaves no half set of pictures behind. Files are 0600: they hold the Wi-Fi passphrase.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { explain, ProvisioningError } from '../../runtime/errors.ts';
import { encodeCode } from '../payload/code.ts';
import type { SetupPayload } from '../payload/payload.ts';
import { type QrMatrix, qrMatrix } from '../qr/matrix.ts';
import { codePage, momentInZone } from '../qr/page.ts';
import { qrPng } from '../qr/png.ts';
import { type CodeRequest, spanText } from './request.ts';

/**
 * Low: at one size on a screen its modules are an eighth larger than those of medium (61 to a side instead of 69), and what
 * spoils a code before a camera is blur, movement and distance, not dirt. Of 50 codes of 300 characters each, low and medium:
 * held by hand in dim light 43 and 25 read, blurred by 1.75 px 50 and 0, moved by 6 px 44 and 6, 92 px wide 48 and 22; only
 * in the noise of strong gain medium is better, 46 and 47 at 30 grey levels, 2 and 11 at 40 (`npm run -s bench -- qr`).
 */
export const CODE_CORRECTION = 'low';
/** 552 pixels for a code of 300 characters: sharp on a telephone, small as a file. */
const MODULE_PX = 8;

export type MadeCode = {
  readonly payload: SetupPayload;
  /** `malmo-7-door1`: what its files are called. */
  readonly name: string;
  readonly text: string;
  readonly matrix: QrMatrix;
};

/** Throws `ProvisioningError` with the faults of all devices. */
export function makeCodes(request: CodeRequest, nowMs: number): MadeCode[] {
  const problems: string[] = [];
  const codes: MadeCode[] = [];
  for (const device of request.devices) {
    const payload = payloadFor(request, device, nowMs);
    try {
      const text = encodeCode(payload, request.key.key);
      const name = `${request.site}-${device ?? 'any'}`;
      codes.push({ payload, name, text, matrix: qrMatrix(text, CODE_CORRECTION) });
    } catch (error) {
      if (!(error instanceof ProvisioningError)) throw error;
      problems.push(request.devices.length > 1 ? `${device}: ${explain(error)}` : explain(error));
    }
  }
  // What all devices share is wrong for all of them, and is said once.
  if (problems.length > 0)
    throw new ProvisioningError('PROVISIONING_CODES', [...new Set(problems)].join('\n'), { op: 'make codes' });
  return codes;
}

function payloadFor(request: CodeRequest, device: string | undefined, nowMs: number): SetupPayload {
  const issuedAtS = Math.floor(nowMs / 1000);
  const { key, site, host, mqttPort, claimPort, caPin, validS, wifi, country, lines } = request;
  return {
    keyId: key.id,
    site,
    ...(device === undefined ? {} : { device }),
    issuedAtS,
    expiresAtS: issuedAtS + validS,
    nonce: randomBytes(8).toString('hex'),
    token: randomBytes(16).toString('hex'),
    ...(wifi === undefined ? {} : { wifi }),
    host,
    mqttPort,
    claimPort,
    caPin,
    ...(lines === undefined ? {} : { lines }),
    ...(country === undefined ? {} : { country }),
  };
}

export type CodeFiles = { readonly png: boolean; readonly svg: boolean };

/** Paths of what was written. A picture of the same name is replaced: its code was used or has expired. */
export function writeCodes(codes: readonly MadeCode[], folder: string, files: CodeFiles): string[] {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return codes.flatMap(({ name, matrix, payload }) => {
      const { site, device, expiresAtS } = payload;
      const page = () => codePage({ matrix, site, device, expiresAtMs: expiresAtS * 1000, timeZone });
      return [
        ...(files.png ? [replacePrivate(join(folder, `${name}.png`), qrPng(matrix, MODULE_PX))] : []),
        ...(files.svg ? [replacePrivate(join(folder, `${name}.svg`), page())] : []),
      ];
    });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new ProvisioningError('PROVISIONING_WRITE', `${folder} cannot be written (${code}).`, {
      op: 'write code',
      hint: 'Give another folder with --out.',
      cause,
    });
  }
}

/** A new file takes the place of the old one, which may have had other rights, or have been a link. */
function replacePrivate(path: string, content: Buffer | string): string {
  const part = `${path}.part`;
  rmSync(part, { force: true });
  writeFileSync(part, content, { mode: 0o600, flag: 'wx' });
  renameSync(part, path);
  return path;
}

/** What the person with the code does next. */
export function nextSteps(codes: readonly MadeCode[], files: readonly string[]): string {
  const { payload, text } = codes[0]!;
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const until = momentInZone(payload.expiresAtS * 1000, timeZone);
  const longest = Math.max(...codes.map((code) => code.text.length));
  const many = codes.length > 1;
  return [
    ...files.map((path) => `written: ${path}`),
    `${many ? `${codes.length} codes` : 'The code'} for ${payload.site}${many ? '' : ` / ${payload.device ?? 'any device'}`}: ${many ? `up to ${longest}` : text.length} characters, signed with key ${payload.keyId}.`,
    `Good for ${spanText(payload.expiresAtS - payload.issuedAtS)}, until ${until}; each works once.`,
    'Next: power the device. Without a configuration it looks for a code: its lamp is dark with a short flash every 2 s.',
    'Hold the code flat and still, without a reflection, so that it fills about half of the height of the picture: a',
    'telephone 10 to 20 cm before the camera, a sheet of paper or a laptop 15 to 40 cm. A flicker means: seen, not yet read.',
    'Lit with one short dark every second means: taken. Long and short flashes are a refusal: `npm run -s provision -- lamp`',
    'has the list, and the log of the device (journalctl -u lethe-scan) says it in words.',
    'The picture is a secret: whoever has a copy has the Wi-Fi passphrase. Destroy it when it was used.',
    '',
  ].join('\n');
}
