/**
 * What may stand in a payload: the same rules before one is signed and after one was read. Each fault is a sentence with the
 * value, the expectation and the remedy; passphrase and token are secrets and never stand in one.
 */
import { RAW_KEY } from './fields.ts';
import {
  HYSTERESIS_STEPS,
  LINE_DIRECTIONS,
  LINES_MAX,
  PLACE_STEPS,
  type SetupLine,
  type SetupPayload,
  VALID_S_MAX,
  WIFI_SECURITIES,
  type WifiAccess,
} from './payload.ts';

/** As runtime/config/schema.ts has it for site, device and line. */
const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
/** RFC 1123 labels in lower case; an IPv4 address has the same form. IPv6 is not spoken of: it would need brackets in addresses. */
const HOST = /^(?=.{1,64}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;
/** IEEE 802.11, annex M.4: a pass phrase is 8 to 63 characters from 32 to 126. */
const PASSPHRASE = /^[ -~]{8,63}$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;
const TIME_S_MAX = 0xffff_ffff;

/** All faults of a payload; empty: it may be signed, or believed if it is signed. */
export function payloadProblems(payload: SetupPayload): string[] {
  return [
    ...hexProblems('key id', payload.keyId, 8, 'Use the id of the key that signs.'),
    ...nameProblems('site', payload.site),
    ...(payload.device === undefined ? [] : nameProblems('device', payload.device)),
    ...timeProblems(payload),
    ...hexProblems('nonce', payload.nonce, 16, 'Take 8 random bytes.'),
    ...secretHexProblems('token', payload.token, 32),
    ...(payload.wifi === undefined ? [] : wifiProblems(payload.wifi)),
    ...(HOST.test(payload.host)
      ? []
      : [
          `host is ${show(payload.host)}; expected a host name in lower case or an IPv4 address, at most 64 characters. Write the name that stands in the gateway's certificate.`,
        ]),
    ...portProblems('mqtt port', payload.mqttPort, 'Leave it out to use 8883.'),
    ...portProblems('claim port', payload.claimPort, 'Leave it out to use 8885.'),
    ...hexProblems('CA pin', payload.caPin, 32, "Take it from the gateway's ca.crt (--ca)."),
    ...(payload.lines === undefined ? [] : linesProblems(payload.lines)),
    ...(payload.country === undefined || /^[A-Z]{2}$/.test(payload.country)
      ? []
      : [`country is ${show(payload.country)}; expected two capital letters (ISO 3166-1). Write one such as SE.`]),
  ];
}

/** Also used while the words of the command line are read, before there is a payload. */
export function nameProblems(what: string, name: string): string[] {
  if (NAME.test(name)) return [];
  return [
    `${what} is ${show(name)}; expected 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit. Write it as it shall stand in the topics.`,
  ];
}

export function wifiProblems({ ssid, passphrase, security, isHidden }: WifiAccess): string[] {
  const problems: string[] = [];
  const ssidBytes = Buffer.byteLength(ssid);
  if (ssidBytes < 1 || ssidBytes > 32)
    problems.push(
      `Wi-Fi name is ${show(ssid)}, ${ssidBytes} bytes of UTF-8; expected 1 to 32. Write it as the access point sends it.`,
    );
  // A line break would begin a line of its own in the file that the network manager reads.
  if (CONTROL.test(ssid))
    problems.push(`Wi-Fi name is ${show(ssid)}; expected no control characters. Rename the network.`);
  if (Buffer.from(ssid).toString() !== ssid)
    problems.push('Wi-Fi name has half a character (a lone surrogate); expected whole ones. Write it again.');
  if (typeof isHidden !== 'boolean') problems.push('Wi-Fi hidden is not true or false. Leave it out if in doubt.');
  if (!WIFI_SECURITIES.includes(security))
    problems.push(`Wi-Fi security is ${show(security)}; expected ${WIFI_SECURITIES.join(', ')}. Use wpa if in doubt.`);
  else problems.push(...passphraseProblems(passphrase, security));
  return problems;
}

/** Lengths are told, the characters are not. */
function passphraseProblems(passphrase: string, security: WifiAccess['security']): string[] {
  if (security === 'open') {
    if (passphrase === '') return [];
    return [
      'There is a Wi-Fi passphrase for an open network; expected none. Leave it out, or say --wifi-security wpa or sae.',
    ];
  }
  if (PASSPHRASE.test(passphrase)) return [];
  if (security === 'wpa' && RAW_KEY.test(passphrase)) return [];
  const count = [...passphrase].length;
  const what =
    count >= 8 && count <= 63 && !/^[ -~]*$/.test(passphrase)
      ? `The Wi-Fi passphrase (${count} characters) has some that are not printable ASCII`
      : `The Wi-Fi passphrase has ${count} characters`;
  const expected =
    security === 'wpa'
      ? '8 to 63 printable ASCII characters, or 64 hexadecimal digits in lower case'
      : '8 to 63 printable ASCII characters';
  return [`${what}; expected ${expected}. Look for a line break or a blank too many, or say --wifi-security open.`];
}

function timeProblems({ issuedAtS, expiresAtS }: SetupPayload): string[] {
  const isTime = (value: number) => Number.isInteger(value) && value >= 1 && value <= TIME_S_MAX;
  if (!isTime(issuedAtS) || !isTime(expiresAtS))
    return [
      `the code is issued at ${issuedAtS} and expires at ${expiresAtS}; expected whole seconds since 1970, up to ${TIME_S_MAX}. Set the clock of this computer.`,
    ];
  const validS = expiresAtS - issuedAtS;
  if (validS >= 1 && validS <= VALID_S_MAX) return [];
  return [
    `the code would be valid for ${validS} s; expected 1 to ${VALID_S_MAX} s (7 days). Use --valid 15m, and make a new code when it is needed.`,
  ];
}

function linesProblems(lines: readonly SetupLine[]): string[] {
  const problems = lines.flatMap((line, index) => lineProblems(line, `lines.${index}`));
  if (lines.length < 1 || lines.length > LINES_MAX)
    problems.push(`there are ${lines.length} lines; expected 1 to ${LINES_MAX}. Leave them out to use the gateway's.`);
  if (new Set(lines.map(({ name }) => name)).size !== lines.length)
    problems.push('two lines have the same name; expected different ones. Rename one.');
  return problems;
}

function lineProblems(line: SetupLine, at: string): string[] {
  const problems = nameProblems(`${at}.name`, line.name);
  const places = [...line.from, ...line.to];
  if (places.length !== 4 || !places.every((place) => isStep(place, PLACE_STEPS, 1)))
    problems.push(
      `${at} goes from [${line.from}] to [${line.to}]; expected 0..1 in steps of ${1 / PLACE_STEPS}. Round the places.`,
    );
  if (!LINE_DIRECTIONS.includes(line.in))
    problems.push(`${at}.in is ${show(line.in)}; expected ${LINE_DIRECTIONS.join(', ')}. Write the way in.`);
  if ((line.hysteresis === undefined) !== (line.min_path === undefined))
    problems.push(`${at} has only one of hysteresis and min_path; expected both or neither. Write both.`);
  if (line.hysteresis !== undefined && !isStep(line.hysteresis, HYSTERESIS_STEPS, 0.2))
    problems.push(`${at}.hysteresis is ${line.hysteresis}; expected 0..0.2 in steps of 0.001. Round it.`);
  if (line.min_path !== undefined && !isStep(line.min_path, PLACE_STEPS, 0.5))
    problems.push(`${at}.min_path is ${line.min_path}; expected 0..0.5 in steps of 0.005. Round it.`);
  return problems;
}

/** Of the form steps / stepCount, which is what a reader gets back. */
function isStep(value: number, stepCount: number, maximum: number): boolean {
  return value >= 0 && value <= maximum && value === Math.round(value * stepCount) / stepCount;
}

function portProblems(what: string, port: number, remedy: string): string[] {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return [];
  return [`${what} is ${port}; expected 1 to 65535. ${remedy}`];
}

function hexProblems(what: string, digits: string, count: number, remedy: string): string[] {
  if (new RegExp(`^[0-9a-f]{${count}}$`).test(digits)) return [];
  return [`${what} is ${show(digits)}; expected ${count} hexadecimal digits in lower case. ${remedy}`];
}

function secretHexProblems(what: string, digits: string, count: number): string[] {
  if (hexProblems(what, digits, count, '').length === 0) return [];
  return [`${what} is not ${count} hexadecimal digits in lower case. Take ${count / 2} random bytes.`];
}

/** Quoted, escaped and bounded: it may come from a code that somebody else made. */
function show(text: string): string {
  const quoted = JSON.stringify(String(text));
  return quoted.length > 80 ? `${quoted.slice(0, 79)}…` : quoted;
}
