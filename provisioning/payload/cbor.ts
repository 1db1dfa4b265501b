/**
 * CBOR (RFC 8949) in its one deterministic form (section 4.2.1): shortest numbers, definite lengths, keys in order, no key twice.
 * Why `cborg`: it is made for strictness (IPFS addresses content by such bytes), has no dependencies, and is maintained; what it
 * leaves open (order of keys, text that is not UTF-8) is closed by writing what was read again and comparing the bytes.
 * Only this file imports it. Callers bound the bytes first: they bound depth and time as well, since every level costs a byte.
 */
import { decode, encode } from 'cborg';

export type CborValue = number | string | boolean | Uint8Array | readonly CborValue[] | ReadonlyMap<number, CborValue>;

export function encodeCbor(value: CborValue): Uint8Array {
  return encode(value);
}

/** null for everything that is not exactly one value in deterministic form. What is in it is for the caller to check. */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    const value: unknown = decode(bytes, {
      strict: true,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      useMaps: true,
      rejectDuplicateMapKeys: true,
    });
    return Buffer.compare(encode(value), bytes) === 0 ? value : null;
  } catch {
    // Which of the many ways to be wrong it is helps nobody, and the library's words may quote the content.
    return null;
  }
}
