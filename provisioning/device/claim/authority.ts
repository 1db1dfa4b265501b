/**
 * Finds the store's certificate authority, of which the code holds the first half of a hash (128 bits of SHA-256 of its public
 * key): a first TLS connection is made only to be shown the chain. Nothing is sent on it and nothing believed of it, neither
 * its dates nor its names: only whether one of its certificates has the public key that the signed code speaks of. That
 * certificate is the sole authority for every connection afterwards, which are verified in full.
 */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { caPinOf } from '../../payload/keys.ts';
import type { Refusal } from '../../payload/refusals.ts';

export type Fault = { readonly refusal: Refusal; readonly reason: string };

/** Long enough for a slow gateway, short enough for a person below the lamp. */
const CONNECT_MS_MAX = 15_000;
/** Leaf, authority, and what somebody may have put between; more is not read. */
const CHAIN_MAX = 6;

/** PEM of the authority, or why there is none. Never throws. */
export function findAuthority(host: string, port: number, caPin: string): Promise<string | Fault> {
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      // Looked at by its key, below.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      timeout: CONNECT_MS_MAX,
      // A literal address is never sent as a name (RFC 6066, 3).
      ...(isIP(host) === 0 && { servername: host }),
    });
    const end = (answer: string | Fault) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('secureConnect', () => end(authorityIn(socket.getPeerCertificate(true), caPin)));
    socket.once('timeout', () => end({ refusal: 'gateway_unreachable', reason: `${host}:${port} does not answer.` }));
    socket.on('error', (error) => end(connectionFault(error, `${host}:${port}`)));
  });
}

function authorityIn(leaf: DetailedPeerCertificate, caPin: string): string | Fault {
  let certificate: DetailedPeerCertificate | undefined = leaf;
  for (let depth = 0; certificate?.raw !== undefined && depth < CHAIN_MAX; depth++) {
    const parsed = new X509Certificate(certificate.raw);
    if (parsed.ca && caPinOf(parsed) === caPin) return parsed.toString();
    // A self-signed one is its own issuer.
    const { issuerCertificate }: DetailedPeerCertificate = certificate;
    certificate = issuerCertificate === certificate ? undefined : issuerCertificate;
  }
  return {
    refusal: 'gateway_other_certificate',
    reason: 'No certificate of its chain has the public key that the code names.',
  };
}

/** Node's words for a certificate that is not as it should be, and OpenSSL's for something that is no TLS. */
const OTHER_CERTIFICATE =
  /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH|ERR_SSL_|EPROTO)/;

/** What a failed connection means to the person with the code. */
export function connectionFault(error: Error, place: string): Fault {
  const code = (error as NodeJS.ErrnoException).code ?? error.message.slice(0, 80);
  if (!OTHER_CERTIFICATE.test(code))
    return { refusal: 'gateway_unreachable', reason: `${place} cannot be reached (${code}).` };
  const isDate = /EXPIRED|NOT_YET_VALID/.test(code);
  const hint = isDate ? ` The clock here says ${new Date().toISOString()}.` : '';
  return {
    refusal: 'gateway_other_certificate',
    reason: `The certificate of ${place} is not accepted (${code}).${hint}`,
  };
}
