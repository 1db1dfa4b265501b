/**
 * What a setup code tells a blank device: which store it belongs to, how it gets into the network, whom it may trust there,
 * and a token that it may spend once. Only types, limits and what they mean; code.ts makes and reads the code.
 *
 * The code is text: `LETHE1.` + base64url(payload) + `.` + base64url(Ed25519 signature). The payload is one CBOR map with whole
 * numbers as keys (fields.ts), in its one canonical form, so that signed bytes and meaning are the same thing. Signed are the
 * bytes `lethe code v1\n` + payload: a signature for anything else of ours is none for a code.
 * The code is a bearer secret: whoever photographs it has the Wi-Fi passphrase and, until it expires or is spent, the token.
 * Memory: a few hundred bytes, once.
 */

/**
 * 300 characters are a QR code of version 11 (61 modules a side) with error correction L: what a 640 × 480 camera reads with
 * room to spare (`npm run -s bench -- qr`).
 */
export const CODE_CHARS_MAX = 300;
export const CODE_PREFIX = 'LETHE1.';
/** Base64url of 64 bytes. */
export const SIGNATURE_CHARS = 86;
/** What is left of 300 characters beside prefix, dot and signature: 206 of base64url, which are 154 bytes. */
export const PAYLOAD_BYTES_MAX = Math.floor(((CODE_CHARS_MAX - CODE_PREFIX.length - 1 - SIGNATURE_CHARS) * 3) / 4);

/** Where a gateway listens unless the code says otherwise; these two cost no characters. */
export const MQTT_PORT_DEFAULT = 8883;
export const CLAIM_PORT_DEFAULT = 8885;

/** A code is shown on a screen that others can see: minutes are meant, days are for a code that is sent to somebody. */
export const VALID_S_DEFAULT = 15 * 60;
export const VALID_S_MAX = 7 * 24 * 3600;
/** The computer that makes a code and the device may differ by so much before a code counts as made in the future. */
export const CLOCK_TOLERANCE_S = 120;

/** wpa: WPA2 (pre-shared key), which access points with WPA2/WPA3 take as well; sae: WPA3 only; open: no passphrase. */
export const WIFI_SECURITIES = ['wpa', 'sae', 'open'] as const;
export type WifiSecurity = (typeof WIFI_SECURITIES)[number];

export type WifiAccess = {
  /** 1 to 32 bytes of UTF-8 without control characters. */
  readonly ssid: string;
  /** 8 to 63 printable ASCII characters; for wpa also the key itself, 64 hexadecimal digits (lower case); for open ''. */
  readonly passphrase: string;
  readonly security: WifiSecurity;
  /** The access point does not send its name around. */
  readonly isHidden: boolean;
};

/** Way in the picture that people walk who come in, as in the configuration. */
export const LINE_DIRECTIONS = ['up', 'down', 'left', 'right'] as const;

/**
 * Places travel as one byte, in two-hundredths of the picture: 256 × 192 pixels are hardly finer, and what people write
 * (0.5, 0.35) stays what it was.
 */
export const PLACE_STEPS = 200;
/** Of the picture's height; finer than a place, as half the default is 0.025. */
export const HYSTERESIS_STEPS = 1000;

/** One counting line as an entry of `lines` in lethe.json has it. */
export type SetupLine = {
  readonly name: string;
  /** [x, y], each 0..1 of the picture in steps of 1/200, origin top left. */
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
  readonly in: (typeof LINE_DIRECTIONS)[number];
  /** Of the picture's height, 0..0.2 in steps of 1/1000; both or neither: without them the device's defaults hold. */
  readonly hysteresis?: number;
  /** Of the picture's height, 0..0.5 in steps of 1/200. */
  readonly min_path?: number;
};
export const LINES_MAX = 8;

export type SetupPayload = {
  /** First 4 bytes of SHA-256 of the signer's public key (SPKI, DER), as 8 hexadecimal digits. */
  readonly keyId: string;
  /** Names as in the configuration; without a device any device of the site may use the code. */
  readonly site: string;
  readonly device?: string;
  /** Unix time. The code is good from the first to before the second, which are at most 7 days apart. */
  readonly issuedAtS: number;
  readonly expiresAtS: number;
  /** 8 bytes as 16 hexadecimal digits: a device takes each code once. */
  readonly nonce: string;
  /** 16 bytes as 32 hexadecimal digits: spent at the gateway. */
  readonly token: string;
  /** Without it the device is on a cable. */
  readonly wifi?: WifiAccess;
  /** The gateway: a host name in lower case or an IPv4 address; broker and claim service are both there. */
  readonly host: string;
  readonly mqttPort: number;
  readonly claimPort: number;
  /** First 16 bytes of SHA-256 of the public key (SPKI, DER) of the store's certificate authority, as 32 hexadecimal digits. */
  readonly caPin: string;
  readonly lines?: readonly SetupLine[];
  /** ISO 3166-1 alpha-2, such as SE: by whose rules the radio sends. */
  readonly country?: string;
};
