/**
 * Why there is no broker, in one sentence with a remedy, for the person who reads the log with a ladder under the arm.
 * Codes: errno and TLS words of Node.js; CONNACK and DISCONNECT reason codes of MQTT 5 (section 2.4) and return codes of 3.1.1.
 */

/** Faults of the network and of certificates; `{url}` is replaced. */
const BY_WORD: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'No broker answers at {url} (connection refused). Start the broker there, or correct host and port in mqtt.url.',
  ENOTFOUND: 'The host of {url} is not known. Correct mqtt.url, or the name server of this network.',
  EAI_AGAIN:
    'The host of {url} cannot be looked up at the moment. Check the network cable, the Wi-Fi or the name server.',
  EHOSTUNREACH: 'The host of {url} cannot be reached. Check that gateway and counter are in the same network.',
  ENETUNREACH: 'There is no network on the way to {url}. Check the cable or the Wi-Fi.',
  ETIMEDOUT: 'The host of {url} does not answer. Check that it is switched on and that no firewall stands between.',
  ECONNRESET: 'The broker at {url} cut the connection. If it keeps doing so, check port, TLS and its log.',
  EPIPE: 'The broker at {url} cut the connection. If it keeps doing so, check port, TLS and its log.',
  CERT_HAS_EXPIRED: 'The certificate of {url} has expired. Renew it, and check the clock of this device.',
  CERT_NOT_YET_VALID: 'The certificate of {url} is not valid yet. Check the clock of this device.',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'The certificate of {url} is for another host name. Use the name it was made for in mqtt.url.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate of {url} is signed by itself. Set mqtt.ca_file to that certificate.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'The certificate of {url} comes from an authority that is not known here. Set mqtt.ca_file to its certificate.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'The certificate of {url} comes from an authority that is not known here. Set mqtt.ca_file to its certificate.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'The certificate of {url} comes from an authority that is not known here. Set mqtt.ca_file to its certificate.',
  ERR_SSL_WRONG_VERSION_NUMBER:
    'There is no TLS at {url}. Use mqtt:// with this port, or the port of the broker for mqtts:// (often 8883).',
};

const WRONG_PASSWORD =
  'The broker at {url} refuses user name or password. Correct mqtt.username and the content of mqtt.password_file.';
const NOT_ALLOWED =
  'The broker at {url} does not let this user in. Set mqtt.username and mqtt.password_file, or allow it in the broker.';
const BUSY = 'The broker at {url} is not ready or too busy. It is tried again; look into its log if this stays.';

const BY_CODE: Readonly<Record<number, string>> = {
  2: 'The broker at {url} refuses the name of this client. Choose other words for site and device.',
  3: BUSY,
  4: WRONG_PASSWORD,
  5: NOT_ALLOWED,
  133: 'The broker at {url} refuses the name of this client. Choose other words for site and device.',
  134: WRONG_PASSWORD,
  135: NOT_ALLOWED,
  136: BUSY,
  137: BUSY,
  138: 'The broker at {url} has banned this client. Look into its log.',
  139: 'The broker at {url} is shutting down. It is tried again.',
  141: 'The broker at {url} heard nothing from us for too long. Check the network, or raise mqtt.keepalive_s.',
  142: 'Another client took over the connection to {url}: there is a counter with the same site and device. Give each its own.',
};

/** Also what a second client of the same name looks like: mosquitto 2.0.11 pushes the first one out without code 142. */
const CLOSED =
  'The broker at {url} closed the connection. It is tried again; if this stays, look into its log, and for another counter with the same site and device.';
const SILENT =
  'The broker at {url} does not answer the greeting. Check that it is an MQTT broker and that port and TLS are right.';

/** error: what the client reported last, undefined if the connection just ended. */
export function reasonFor(error: unknown, url: string): string {
  return sentenceFor(error).replace('{url}', url);
}

export function notReadable(topics: string, url: string): string {
  return `The broker at ${url} does not let this user read ${topics}. Allow it in the broker.`;
}

/** Return code of a 3.1.1 broker or reason code of a 5 broker that does not speak our version of the protocol. */
export function isWrongVersion(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  return code === 1 || code === 132;
}

function sentenceFor(error: unknown): string {
  if (error === undefined) return CLOSED;
  const { code, message } = error as { code?: string | number; message?: string };
  if (typeof code === 'number')
    return BY_CODE[code] ?? `The broker at {url} refuses us (reason code ${code}). Look into its log.`;
  if (code !== undefined && BY_WORD[code] !== undefined) return BY_WORD[code];
  if (message === 'connack timeout' || message === 'Keepalive timeout') return SILENT;
  return `No connection to {url} (${code ?? message ?? 'no reason given'}). It is tried again; check mqtt in the configuration.`;
}
