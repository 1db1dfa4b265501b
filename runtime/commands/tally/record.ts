/**
 * Record: a session as signed JSON, version 1. Times and directions, what follows from them, and who says so; nothing
 * about anybody. It is published and kept as it is here; every field but `signature` is under the signature.
 * Signed bytes: the line `lethe tally 1` and the record without `signature` in the form of RFC 8785 (device-key.ts).
 * A record is believed in two steps: the signature says that nobody changed it since, and the result is worked out anew
 * from the moments. Neither says that the person pressed well, nor that the key is the device's: compare it.
 */
import { Value } from 'typebox/value';
import { closed } from '../../contract/fields.ts';
import { type Tally, TallySchema } from '../../contract/tally.ts';
import { canonicalJson, type DeviceKey, isSignedBy } from '../../privacy/device-key.ts';
import { type TallyResult, tallyResult } from './result.ts';
import type { Session } from './session.ts';

const PURPOSE = 'lethe tally 1';
/** Two one-sided tests at 5 %, as in statistics.ts. */
export const ALPHA = 0.05;

const SHOWN_CHARS_MAX = 200;

const RecordSchema = closed(TallySchema);
export type TallyRecord = Omit<Tally, 'result'> & { readonly result: TallyResult };

export type RecordFacts = {
  readonly site: string;
  readonly device: string;
  readonly line: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly windowMs: number;
  readonly marginShare: number;
  readonly deviceShown: boolean;
};

export function signedRecord(session: Session, facts: RecordFacts, key: DeviceKey): TallyRecord {
  const { windowMs, marginShare, durationMs } = facts;
  const { presses, undone, counts, notes } = session;
  const gaps = session.gapsUntil(durationMs);
  const unsigned = {
    v: 1 as const,
    kind: 'tally' as const,
    site: facts.site,
    device: facts.device,
    line: facts.line,
    version: facts.version,
    from: new Date(facts.startedAtMs).toISOString(),
    to: new Date(facts.startedAtMs + durationMs).toISOString(),
    window_ms: windowMs,
    margin: marginShare,
    alpha: ALPHA,
    device_shown: facts.deviceShown,
    presses: presses as [number, 'in' | 'out'][],
    undone: undone as unknown as TallyRecord['undone'],
    counts: counts as unknown as TallyRecord['counts'],
    gaps: gaps as unknown as TallyRecord['gaps'],
    notes: notes as unknown as TallyRecord['notes'],
    result: tallyResult({ presses, counts, gaps, durationMs }, { windowMs, marginShare, alpha: ALPHA }),
    key: key.publicKey,
  };
  return { ...unsigned, signature: key.sign(PURPOSE, canonicalJson(unsigned)) };
}

/** One line, so that a record is a line in a file and a payload on the wire. */
export function recordText(record: TallyRecord): string {
  return JSON.stringify(record);
}

/** The record, if it is one, and everything that is wrong with it; sound: no faults. */
export type Verification = { readonly record: TallyRecord | undefined; readonly faults: readonly string[] };

/** trustedKey: the only key that may have signed, in base64; '': any, and the reader compares it. */
export function verifyRecord(text: string, trustedKey = ''): Verification {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { record: undefined, faults: [`not JSON: ${(error as Error).message}`] };
  }
  const shapeFaults = Value.Errors(RecordSchema, json).map(
    ({ instancePath, message }) => `${instancePath.slice(1).replaceAll('/', '.') || 'the record'}: ${message}`,
  );
  if (shapeFaults.length > 0) return { record: undefined, faults: shapeFaults };
  const record = json as TallyRecord;
  return {
    record,
    faults: [
      ...keyFaults(record, trustedKey),
      ...signatureFaults(record),
      ...timeFaults(record),
      ...resultFaults(record),
    ],
  };
}

function keyFaults(record: TallyRecord, trustedKey: string): string[] {
  if (trustedKey === '' || trustedKey === record.key) return [];
  return [`key: ${record.key}; expected ${trustedKey}: another device, or none, signed this`];
}

function signatureFaults({ signature, ...unsigned }: TallyRecord): string[] {
  if (isSignedBy(unsigned.key, PURPOSE, canonicalJson(unsigned), signature)) return [];
  return ['signature: does not belong to this record and key: something was changed after it was signed'];
}

function durationOf({ from, to }: TallyRecord): number {
  return Date.parse(to) - Date.parse(from);
}

/** What no session writes. Counts may come after the end: the last totals are waited for. */
function timeFaults(record: TallyRecord): string[] {
  const durationMs = durationOf(record);
  const faults: string[] = [];
  if (!(durationMs >= 0)) return [`to: ${record.to} is before from, ${record.from}, or one of them is no date`];
  const isAscending = (times: readonly number[]) => times.every((ms, index) => index === 0 || ms >= times[index - 1]!);
  for (const field of ['presses', 'counts'] as const)
    if (!isAscending(record[field].map(([ms]) => ms))) faults.push(`${field}: not in order of time`);
  if (record.presses.some(([ms]) => ms > durationMs)) faults.push('presses: one lies after the end of the session');
  if (record.undone.some(([ms, , undoneMs]) => undoneMs < ms || undoneMs > durationMs))
    faults.push('undone: one was taken back before it was made, or after the end of the session');
  if (record.gaps.some(([fromMs, toMs]) => toMs < fromMs || toMs > durationMs))
    faults.push('gaps: one ends before it begins, or after the end of the session');
  return faults;
}

/** Each part of the result that the moments do not give. */
function resultFaults(record: TallyRecord): string[] {
  const { presses, counts, gaps, window_ms: windowMs, margin: marginShare, alpha } = record;
  const expected = tallyResult(
    { presses, counts, gaps, durationMs: durationOf(record) },
    { windowMs, marginShare, alpha },
  );
  return differences('result', expected, record.result);
}

function differences(path: string, expected: unknown, found: unknown): string[] {
  const isOpen = (value: unknown): value is Record<string, unknown> =>
    value !== null && typeof value === 'object' && !Array.isArray(value);
  if (isOpen(expected) && isOpen(found)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
    return [...names].flatMap((name) => differences(`${path}.${name}`, expected[name], found[name]));
  }
  const [should, is] = [expected, found].map((value) =>
    value === undefined ? 'nothing' : canonicalJson(value).toString(),
  ) as [string, string];
  return should === is ? [] : [`${path}: ${cut(is)}; the moments give ${cut(should)}`];
}

/** What is meant by a long list is clear from its begin. */
function cut(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}… (${text.length} characters)` : text;
}
