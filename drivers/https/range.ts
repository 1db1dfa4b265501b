/** Which part of a file is asked for: one range of bytes (RFC 9110 section 14); what is not understood means all of it. */

/** Both ends are part of it. */
export type ByteRange = { readonly first: number; readonly last: number };

/** Undefined: all of it. 'outside': nothing of it is there. header: of the request; bytes: length of the file. */
export function byteRange(header: string | undefined, bytes: number): ByteRange | 'outside' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  if (from === '') {
    // The last so many.
    const count = Math.min(Number(to), bytes);
    return count === 0 ? 'outside' : { first: bytes - count, last: bytes - 1 };
  }
  const first = Number(from);
  const last = to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (to !== '' && Number(to) < first) return undefined;
  return first >= bytes ? 'outside' : { first, last };
}
