/**
 * The authority of a store, as a program: certificates of one kind only, for devices, like those that
 * provisioning/gateway/certificates.sh makes with `client`: P-256, the device as common name, clientAuth, no authority
 * itself. Fields of X.509 by @peculiar/asn1-x509 (this file owns it and its schema package: 1 MB, seven packages, no code
 * of its own runs at install), the signature by Node. Not @peculiar/x509, which wraps the same: it brings a container for
 * dependency injection and 13 more packages. Not `openssl` as a child: of a public key without a request openssl 3.0 makes
 * no certificate that begins before now, and clocks of devices may be some minutes behind.
 * Memory: the certificate and the key of the authority.
 */
import { createHash, createPrivateKey, randomBytes, sign, X509Certificate } from 'node:crypto';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  CertificateList,
  CRLNumber,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_cRLNumber,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectKeyIdentifier,
  id_kp_clientAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  RevokedCertificate,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  TBSCertList,
  Time,
  Validity,
  Version,
} from '@peculiar/asn1-x509';

/** RFC 5758 section 3.2: no parameters. */
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
/** X.520 commonName. */
const COMMON_NAME = '2.5.4.3';
/** RFC 5280 section 4.1.2.2 allows 20; the first bit is cleared so that the number is positive. */
const SERIAL_BYTES = 16;

export type CertificateRequest = {
  /** Becomes the common name; the caller has checked it. */
  readonly name: string;
  /** Of P-256, as SPKI in DER; the caller has checked it and that the device has the private one. */
  readonly publicKey: Uint8Array;
  readonly fromMs: number;
  /** Not later than the authority's own end, to which it is cut. */
  readonly toMs: number;
};

export type IssuedCertificate = { readonly pem: string; readonly serial: string };

/** A certificate that is not to be trusted any more. */
export type Revocation = { readonly serial: string; readonly atMs: number };

export class CertificateAuthority {
  readonly #key: ReturnType<typeof createPrivateKey>;
  readonly #certificate: Certificate;
  readonly #endsMs: number;

  /** PEM of both, which belong together (the caller has checked it); the key is one of an elliptic curve. */
  constructor(certificatePem: string, keyPem: string) {
    const certificate = new X509Certificate(certificatePem);
    this.#key = createPrivateKey(keyPem);
    this.#certificate = AsnConvert.parse(certificate.raw, Certificate);
    this.#endsMs = Date.parse(certificate.validTo);
  }

  issue({ name, publicKey, fromMs, toMs }: CertificateRequest): IssuedCertificate {
    const serial = newSerial();
    const key = AsnConvert.parse(publicKey, SubjectPublicKeyInfo);
    const body = new TBSCertificate({
      version: Version.v3,
      serialNumber: bufferOf(serial),
      signature: new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 }),
      issuer: this.#certificate.tbsCertificate.subject,
      validity: new Validity({ notBefore: wholeSecond(fromMs), notAfter: wholeSecond(Math.min(toMs, this.#endsMs)) }),
      subject: commonName(name),
      subjectPublicKeyInfo: key,
      extensions: new Extensions([
        extension(id_ce_basicConstraints, true, new BasicConstraints({ cA: false })),
        extension(id_ce_keyUsage, true, new KeyUsage(KeyUsageFlags.digitalSignature)),
        extension(id_ce_extKeyUsage, false, new ExtendedKeyUsage([id_kp_clientAuth])),
        extension(id_ce_subjectKeyIdentifier, false, new SubjectKeyIdentifier(keyIdentifier(key.subjectPublicKey))),
        extension(id_ce_authorityKeyIdentifier, false, this.#authorityKeyIdentifier()),
      ]),
    });
    const certificate = new Certificate({
      tbsCertificate: body,
      signatureAlgorithm: new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 }),
      signatureValue: this.#sign(AsnConvert.serialize(body)),
    });
    return { pem: pemOf('CERTIFICATE', AsnConvert.serialize(certificate)), serial: hexOf(serial) };
  }

  /** A list of revoked certificates (RFC 5280 section 5), as brokers read it with `crlfile`. PEM. */
  revocationList(revoked: readonly Revocation[], number: number, fromMs: number, toMs: number): string {
    const body = new TBSCertList({
      version: Version.v2,
      signature: new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 }),
      issuer: this.#certificate.tbsCertificate.subject,
      thisUpdate: new Time(wholeSecond(fromMs)),
      nextUpdate: new Time(wholeSecond(toMs)),
      // An empty list is left out: the field is a sequence of one or more.
      ...(revoked.length > 0 && {
        revokedCertificates: revoked.map(
          ({ serial, atMs }) =>
            new RevokedCertificate({
              userCertificate: bufferOf(Buffer.from(serial, 'hex')),
              revocationDate: new Time(wholeSecond(atMs)),
            }),
        ),
      }),
      crlExtensions: [
        extension(id_ce_authorityKeyIdentifier, false, this.#authorityKeyIdentifier()),
        extension(id_ce_cRLNumber, false, new CRLNumber(number)),
      ],
    });
    const list = new CertificateList({
      tbsCertList: body,
      signatureAlgorithm: new AlgorithmIdentifier({ algorithm: ECDSA_WITH_SHA256 }),
      signature: this.#sign(AsnConvert.serialize(body)),
    });
    return pemOf('X509 CRL', AsnConvert.serialize(list));
  }

  #sign(bytes: ArrayBuffer): ArrayBuffer {
    return bufferOf(sign('sha256', Buffer.from(bytes), this.#key));
  }

  /** The one in the authority's own certificate, or what it would be: readers compare the two. */
  #authorityKeyIdentifier(): AuthorityKeyIdentifier {
    const { extensions, subjectPublicKeyInfo } = this.#certificate.tbsCertificate;
    const own = extensions?.find(({ extnID }) => extnID === id_ce_subjectKeyIdentifier);
    const identifier =
      own === undefined
        ? keyIdentifier(subjectPublicKeyInfo.subjectPublicKey)
        : AsnConvert.parse(own.extnValue.buffer, SubjectKeyIdentifier).buffer;
    return new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(identifier) });
  }
}

/** RFC 5280 section 4.2.1.2, method 1. SHA-1 names the key here and secures nothing. */
function keyIdentifier(publicKey: ArrayBuffer): ArrayBuffer {
  return bufferOf(createHash('sha1').update(Buffer.from(publicKey)).digest());
}

function commonName(name: string): Name {
  const value = new AttributeValue({ utf8String: name });
  return new Name([new RelativeDistinguishedName([new AttributeTypeAndValue({ type: COMMON_NAME, value })])]);
}

function extension(extnID: string, critical: boolean, value: object): Extension {
  return new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
}

/** Positive, of full length: the first byte is 1 to 127. */
function newSerial(): Buffer {
  const serial = randomBytes(SERIAL_BYTES);
  serial[0] = (serial[0]! & 0x3f) | 0x40;
  return serial;
}

/** Certificates carry no fractions of a second. */
function wholeSecond(atMs: number): Date {
  return new Date(Math.floor(atMs / 1000) * 1000);
}

/** As X509Certificate.serialNumber writes it. */
function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function pemOf(label: string, bytes: ArrayBuffer): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
