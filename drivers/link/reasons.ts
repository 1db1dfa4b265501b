/**
 * Why there is no broker, in one sentence with a remedy, for the person who reads the log with a ladder under the arm.
 * Codes: errno and TLS words of Node.js (X509 verification results, alerts of RFC 8446 section 6 as OpenSSL names them);
 * CONNACK and DISCONNECT reason codes of MQTT 5 (section 2.4) and return codes of 3.1.1.
 */

/** What is known about an attempt besides its error. */
export type Attempt = {
  readonly url: string;
  /** Name that the certificate had to be for; empty: the host in the url. */
  readonly serverName: string;
  /** We have a certificate to show. */
  readonly hasCertificate: boolean;
  /** A sentence about it, where it can be seen from here that it is out of date. */
  readonly certificateFault: string | undefined;
  /** TLS stood, as far as it can be seen (not through a websocket). */
  readonly wasSecured: boolean;
  /** The broker had let us in before the connection ended. */
  readonly wasGreeted: boolean;
  /** mqtt.protocol names one version. */
  readonly isVersionFixed: boolean;
  /** Nobody has set the clock of this device since it started. */
  readonly isClockUnset: boolean;
};

const UNKNOWN_AUTHORITY =
  'The certificate of {url} comes from an authority that is not known here. Set mqtt.ca_file to its certificate.';
const CUT =
  'The broker at {url} cut the connection. If it keeps doing so, check port and TLS, and look into its log for the reason.';
const NO_TLS =
  'There is no TLS at {url}. Use mqtt:// (or ws://) with this port, or the port of the broker for mqtts:// (often 8883).';
const TLS_THERE =
  'What answers at {url} refuses plain MQTT; perhaps it is the TLS port. Use mqtts:// with this port, or the port for mqtt:// (often 1883).';
const NO_COMMON_TLS =
  'The broker at {url} and this device have no version of TLS in common; 1.2 is the least here. Bring the broker up to date, or correct its tls_version.';

/** Faults of the network and of certificates; `{url}` is replaced. */
const BY_WORD: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'No broker answers at {url} (connection refused). Start the broker there, or correct host and port in mqtt.url.',
  ENOTFOUND: 'The host of {url} is not known. Correct mqtt.url, or the name server of this network.',
  EAI_AGAIN:
    'The host of {url} cannot be looked up at the moment. Check the network cable, the Wi-Fi or the name server.',
  EHOSTUNREACH: 'The host of {url} cannot be reached. Check that gateway and counter are in the same network.',
  ENETUNREACH: 'There is no network on the way to {url}. Check the cable or the Wi-Fi.',
  EACCES: 'The way to {url} is forbidden on this device (EACCES). Check its firewall.',
  EPERM: 'The way to {url} is forbidden on this device (EPERM). Check its firewall.',
  ETIMEDOUT: 'The host of {url} does not answer. Check that it is switched on and that no firewall stands between.',
  ECONNRESET: CUT,
  EPIPE: CUT,
  CERT_HAS_EXPIRED: 'The certificate of {url} has expired. Renew it, and check the clock of this device.',
  CERT_NOT_YET_VALID: 'The certificate of {url} is not valid yet. Check the clock of this device.',
  CERT_SIGNATURE_FAILURE:
    'The certificate of {url} was not signed by the authority in mqtt.ca_file, though it has its name. Set mqtt.ca_file to the certificate that is in use now.',
  CERT_REVOKED: 'The certificate of {url} was revoked. Give the broker a new one.',
  INVALID_PURPOSE:
    'The certificate of {url} was not made for servers. Make one with the purpose serverAuth for the broker.',
  INVALID_CA:
    'What mqtt.ca_file holds for {url} is not the certificate of an authority. Put that of the authority there.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate of {url} is signed by itself. Set mqtt.ca_file to that certificate.',
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_UNSUPPORTED_PROTOCOL: NO_COMMON_TLS,
  ERR_SSL_CA_MD_TOO_WEAK: 'A certificate for {url} is signed in an outdated way. Make it anew, with SHA-256.',
  ERR_SSL_EE_KEY_TOO_SMALL: 'The key of a certificate for {url} is too short. Make it anew, with 2048 bits or P-256.',
};

/** Before a time server has answered: then it is the clock, as a rule, and not the certificate. */
const CLOCK_UNSET =
  'The certificate of {url} seems {fault}, and nobody has set the clock of this device since it started (it shows {now}). It is tried again; counting goes on. If it stays so, open the way to a time server (NTP, port 123).';
const CLOCK_FAULTS: Readonly<Record<string, string>> = {
  CERT_NOT_YET_VALID: 'not valid yet',
  CERT_HAS_EXPIRED: 'to have expired',
};

const CERTIFICATE_WANTED =
  'The broker at {url} lets in only who shows a certificate. Set mqtt.cert_file and mqtt.key_file to those made for this device.';
const CERTIFICATE_REFUSED =
  'The broker at {url} refuses the certificate of this device (mqtt.cert_file). Use one signed by the authority that the broker trusts (its cafile), and look into its log.';

/** What the broker told us before it hung up. The rest of the word differs between versions of TLS and OpenSSL. */
const BY_ALERT: readonly (readonly [alert: string, sentence: string])[] = [
  ['CERTIFICATE_REQUIRED', CERTIFICATE_WANTED],
  [
    'CERTIFICATE_EXPIRED',
    'The broker at {url} says that the certificate of this device (mqtt.cert_file) has expired. Make a new one, and check the clocks.',
  ],
  ['CERTIFICATE_REVOKED', 'The certificate of this device (mqtt.cert_file) was revoked at {url}. Make a new one.'],
  ['CERTIFICATE_UNKNOWN', CERTIFICATE_REFUSED],
  ['BAD_CERTIFICATE', CERTIFICATE_REFUSED],
  [
    'UNSUPPORTED_CERTIFICATE',
    'The broker at {url} refuses the kind of certificate that this device has (mqtt.cert_file). Make one with the purpose clientAuth.',
  ],
  ['UNKNOWN_CA', CERTIFICATE_REFUSED],
  ['ACCESS_DENIED', CERTIFICATE_REFUSED],
  ['PROTOCOL_VERSION', NO_COMMON_TLS],
  ['INSUFFICIENT_SECURITY', NO_COMMON_TLS],
];

const WRONG_PASSWORD =
  'The broker at {url} refuses user name or password. Correct mqtt.username and the content of mqtt.password_file.';
const NOT_ALLOWED =
  'The broker at {url} does not let this user in. Set mqtt.username and mqtt.password_file, or allow it in the broker.';
const BUSY = 'The broker at {url} is not ready or too busy. It is tried again; look into its log if this stays.';
const WRONG_VERSION =
  'The broker at {url} does not speak the version of MQTT in mqtt.protocol. Remove that line, so that the version is found out.';
const WRONG_NAME = 'The broker at {url} refuses the name of this client. Choose other words for site and device.';

const BY_CODE: Readonly<Record<number, string>> = {
  1: WRONG_VERSION,
  2: WRONG_NAME,
  3: BUSY,
  4: WRONG_PASSWORD,
  5: NOT_ALLOWED,
  132: WRONG_VERSION,
  133: WRONG_NAME,
  134: WRONG_PASSWORD,
  135: NOT_ALLOWED,
  136: BUSY,
  137: BUSY,
  138: 'The broker at {url} has banned this client. Look into its log.',
  139: 'The broker at {url} is shutting down. It is tried again.',
  141: 'The broker at {url} heard nothing from us for too long. Check the network, or raise mqtt.keepalive_s.',
  142: 'Another client took over the connection to {url}: there is a counter with the same site and device. Give each its own.',
  149: 'The broker at {url} refuses messages as long as ours. Raise its limit (mosquitto: max_packet_size).',
  151: 'The broker at {url} says that its quota is used up. Raise it there, or send less.',
  159: 'The broker at {url} gets too many connections at once. It is tried again.',
};

/** Also what a second client of the same name looks like: mosquitto 2.0.11 pushes the first one out without code 142. */
const CLOSED =
  'The broker at {url} closed the connection. It is tried again; if this stays, look into its log, and for another counter with the same site and device.';
/** Before it said anything: 2.0.11 hangs up so when it is full, and when somebody speaks TLS to its plain port or back. */
const CLOSED_BEFORE_GREETING =
  'The broker at {url} closes the connection without a word. Check port and TLS (mqtt:// or mqtts://), whether it takes more clients, and its log.';
const SILENT =
  'The broker at {url} does not answer the greeting. Check that it is an MQTT broker and that port and TLS are right.';
const CUT_BEFORE_TLS =
  'What answers at {url} cuts the connection before TLS begins. Perhaps there is no TLS: use mqtt:// with this port, or the port for mqtts:// (often 8883).';
const NO_WEBSOCKET =
  'At {url} no broker speaks MQTT over websockets ({reason}). Check port and path: /mqtt with many brokers, / with mosquitto.';

/** error: what the client reported first, undefined if the connection just ended. */
export function reasonFor(error: unknown, attempt: Attempt): string {
  return sentenceFor(error, attempt).replaceAll('{url}', attempt.url);
}

export function notReadable(topics: string, url: string): string {
  return `The broker at ${url} does not let this user read ${topics}. Allow it in the broker.`;
}

/** Return code of a 3.1.1 broker or reason code of a 5 broker that does not speak our version of the protocol. */
export function isWrongVersion(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 1 || code === 132;
}

/** The code of an error; for EPROTO what OpenSSL says, which stands in the message only. */
function codeOf(error: unknown): string | number | undefined {
  const { code, message = '' } = error as { code?: string | number; message?: string };
  const reason = code === 'EPROTO' ? /:SSL routines:[^:]*:([^:\n]+)/.exec(message)?.[1] : undefined;
  return reason === undefined ? code : `ERR_SSL_${reason.trim().toUpperCase().replaceAll(' ', '_')}`;
}

function sentenceFor(error: unknown, attempt: Attempt): string {
  if (error === undefined) return attempt.wasGreeted ? CLOSED : CLOSED_BEFORE_GREETING;
  const { message = '' } = error as { message?: string };
  const code = codeOf(error);
  if (typeof code === 'number')
    return BY_CODE[code] ?? `The broker at {url} refuses us (reason code ${code}). Look into its log.`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return wrongHost(error, attempt);
  if ((code === 'ECONNRESET' || code === 'EPIPE') && !attempt.wasGreeted) return cutBeforeGreeting(attempt);
  const clockFault = attempt.isClockUnset && code !== undefined ? CLOCK_FAULTS[code] : undefined;
  if (clockFault !== undefined)
    return CLOCK_UNSET.replace('{fault}', clockFault).replace('{now}', new Date().toISOString().slice(0, 16));
  if (code !== undefined) return BY_WORD[code] ?? alertSentence(code, attempt) ?? unknown(code);
  if (message === 'connack timeout' || message === 'Keepalive timeout') return SILENT;
  const answer = /^Unexpected server response: (\d+)$/.exec(message);
  if (answer !== null) return NO_WEBSOCKET.replace('{reason}', `a web server answers ${answer[1]}`);
  if (/Sec-WebSocket|subprotocol|Upgrade header/i.test(message)) return NO_WEBSOCKET.replace('{reason}', message);
  if (isNoMqtt(message)) return TLS_THERE;
  return unknown(message);
}

/** What the packet parser says about bytes that are no MQTT: the alert with which TLS answers a plain greeting, above all. */
function isNoMqtt(message: string): boolean {
  return /header|malformed|packet|protocol/i.test(message);
}

/** mosquitto hangs up on what it does not understand, and says why in its log only. */
function cutBeforeGreeting({ url, wasSecured }: Attempt): string {
  if (url.startsWith('mqtt:')) return TLS_THERE;
  if (url.startsWith('ws')) return NO_WEBSOCKET.replace('{reason}', 'the connection is cut');
  return wasSecured ? CUT : CUT_BEFORE_TLS;
}

function wrongHost(error: unknown, { serverName, url }: Attempt): string {
  const { cert } = error as { cert?: { subjectaltname?: string; subject?: { CN?: string } } };
  const names = cert?.subjectaltname ?? cert?.subject?.CN ?? 'no name';
  const expected = serverName === '' ? new URL(url).hostname : serverName;
  return `The certificate of {url} is for ${names}, and not for ${expected}. Use the name it was made for in mqtt.url, or set mqtt.server_name to it.`;
}

function alertSentence(code: string, { hasCertificate, certificateFault }: Attempt): string | undefined {
  const alert = /^ERR_SSL_.*ALERT_(?:NUMBER_)?(.*)$/.exec(code)?.[1];
  if (alert === undefined) return undefined;
  const sentence = BY_ALERT.find(([name]) => alert === name)?.[1];
  const isAboutUs = /CERTIFICATE|CA$|HANDSHAKE|ACCESS/.test(alert);
  if (isAboutUs && certificateFault !== undefined) return `The broker at {url} refuses us. ${certificateFault}`;
  // Up to TLS 1.2 a broker that misses our certificate only says that it did not work out.
  if (alert === 'HANDSHAKE_FAILURE') return hasCertificate ? CERTIFICATE_REFUSED : CERTIFICATE_WANTED;
  return sentence;
}

function unknown(word: string): string {
  return `No connection to {url} (${word === '' ? 'no reason given' : word}). It is tried again; check mqtt in the configuration.`;
}
