/**
 * The judge: is what a listener heard what truly happened? It knows nothing of ledgers and brokers: only messages in the
 * order of their arrival, and how many people the eye has put into the corridor.
 */
import { Readable } from 'node:stream';
import { readRecording } from '../../../runtime/commands/verify/recording.ts';
import type { Count } from './eye.ts';
import type { Heard } from './observer.ts';
import { type Identity, identityOf, kindOf, placeOf, type RecordPayload, type TotalPayload } from './records.ts';

export type Case = {
  readonly heard: readonly Heard[];
  /** By `device/line`. */
  readonly truth: Readonly<Record<string, Count>>;
  /** What the broker acknowledged; a number on this list that was not heard was lost by the broker. */
  readonly acknowledged: ReadonlySet<Identity>;
};

export type Verdict = {
  /** Different records. */
  readonly records: number;
  /** Numbers that are missing though the broker never acknowledged them: lost by the voice. */
  readonly lost: number;
  /** Numbers that are missing and that the broker had acknowledged. */
  readonly lostByBroker: number;
  /** Records that bear a number of another one, but for `historical`. */
  readonly changed: number;
  /** Records, once those of the same number are removed, that tell of the same interval and line as another one. */
  readonly doubled: number;
  /** Copies of a record that came before. */
  readonly redelivered: number;
  /** First arrivals behind one of a higher number. */
  readonly disordered: number;
  /** Messages on total/<line> that were lower than one before. */
  readonly fell: number;
  /** Records whose totals are not those of the one before plus what they count. */
  readonly unsummed: number;
  /** People whom records tell, less those who crossed: by line and way, where it is not 0. */
  readonly people: Readonly<Record<string, number>>;
  readonly epochs: number;
  /** What `verify` finds in the records without their copies; empty while records are missing. */
  readonly findings: readonly string[];
};

type Known = { readonly topic: string; readonly text: string; readonly payload: RecordPayload };

export async function judge({ heard, truth, acknowledged }: Case): Promise<Verdict> {
  const known = new Map<Identity, Known>();
  const highest = new Map<string, number>();
  let [changed, redelivered, disordered] = [0, 0, 0];
  for (const { topic, payload: text } of heard) {
    const identity = identityOf(topic, text);
    if (identity === undefined) continue;
    const payload = JSON.parse(text) as RecordPayload;
    const before = known.get(identity);
    if (before !== undefined) {
      redelivered += 1;
      if (before.topic !== topic || contentOf(before.payload) !== contentOf(payload)) changed += 1;
      continue;
    }
    known.set(identity, { topic, text, payload });
    const top = highest.get(payload.epoch_id) ?? 0;
    if (payload.seq < top) disordered += 1;
    highest.set(payload.epoch_id, Math.max(top, payload.seq));
  }
  const missing = missingOf(heard);
  const sorted = [...known.values()].sort(byEpochAndNumber([...highest.keys()]));
  return {
    records: known.size,
    lost: missing.filter((identity) => !acknowledged.has(identity)).length,
    lostByBroker: missing.filter((identity) => acknowledged.has(identity)).length,
    changed,
    doubled: doubledOf(sorted),
    redelivered,
    disordered,
    fell: fellOf(heard),
    unsummed: unsummedOf(sorted),
    people: peopleOf(sorted, truth),
    epochs: highest.size,
    findings: missing.length > 0 ? [] : await findingsOf(sorted),
  };
}

/** All fields but the one that is settled when it is sent. */
function contentOf({ historical: _historical, ...rest }: RecordPayload): string {
  return JSON.stringify(rest);
}

/**
 * Numbers that were not heard, up to the highest of their epoch. The first epoch begins with 1; a later one does so as well, or
 * goes on behind the one before.
 */
export function missingOf(heard: readonly Heard[]): Identity[] {
  const epochs = new Map<string, { readonly numbers: Set<number>; readonly topBefore: number }>();
  /** By device, as far as it has been heard. */
  const tops = new Map<string, number>();
  for (const { topic, payload } of heard) {
    const identity = identityOf(topic, payload);
    if (identity === undefined) continue;
    const [epochId, seq] = identity.split('/') as [string, string];
    const device = topic.split('/')[3]!;
    const epoch = epochs.get(epochId) ?? { numbers: new Set<number>(), topBefore: tops.get(device) ?? 0 };
    epoch.numbers.add(Number(seq));
    epochs.set(epochId, epoch);
    tops.set(device, Math.max(Number(seq), tops.get(device) ?? 0));
  }
  return [...epochs].flatMap(([epochId, { numbers, topBefore }]) => {
    const [lowest, highest] = [...numbers].reduce(([low, high], seq) => [Math.min(low, seq), Math.max(high, seq)], [
      Number.POSITIVE_INFINITY,
      0,
    ] as [number, number]);
    const first = lowest > topBefore ? topBefore + 1 : 1;
    const all = Array.from({ length: highest - first + 1 }, (_, offset) => first + offset);
    return all.filter((seq) => !numbers.has(seq)).map((seq) => `${epochId}/${seq}`);
  });
}

function byEpochAndNumber(epochs: readonly string[]): (a: Known, b: Known) => number {
  return (a, b) =>
    epochs.indexOf(a.payload.epoch_id) - epochs.indexOf(b.payload.epoch_id) || a.payload.seq - b.payload.seq;
}

function doubledOf(sorted: readonly Known[]): number {
  const intervals = new Set<string>();
  const places = sorted.map(({ topic, payload }) => `${topic} ${payload.from}`);
  for (const place of places) intervals.add(place);
  return places.length - intervals.size;
}

function unsummedOf(sorted: readonly Known[]): number {
  const totals = new Map<string, Count>();
  let count = 0;
  for (const { topic, payload } of sorted) {
    if (kindOf(topic) !== 'interval') continue;
    const before = totals.get(topic) ?? { in: 0, out: 0 };
    const now = { in: payload.total_in!, out: payload.total_out! };
    if (now.in !== before.in + payload.in! || now.out !== before.out + payload.out!) count += 1;
    totals.set(topic, now);
  }
  return count;
}

function peopleOf(sorted: readonly Known[], truth: Case['truth']): Record<string, number> {
  const told: Record<string, Count> = {};
  for (const { topic, payload } of sorted) {
    if (kindOf(topic) !== 'interval') continue;
    told[placeOf(topic)] ??= { in: 0, out: 0 };
    const line = told[placeOf(topic)]!;
    line.in += payload.in!;
    line.out += payload.out!;
  }
  const differences: Record<string, number> = {};
  for (const [line, count] of Object.entries(truth)) {
    for (const way of ['in', 'out'] as const) {
      const difference = (told[line]?.[way] ?? 0) - count[way];
      if (difference !== 0) differences[`${line} ${way}`] = difference;
    }
  }
  return differences;
}

/** A copy that the broker keeps, or sends once more, may be old: the voice's own order is what live messages show. */
function fellOf(heard: readonly Heard[]): number {
  const highest = new Map<string, TotalPayload>();
  let count = 0;
  for (const { topic, payload, retain, dup } of heard) {
    if (kindOf(topic) !== 'total' || retain || dup) continue;
    const total = JSON.parse(payload) as TotalPayload;
    const before = highest.get(topic);
    const isSame = before?.epoch_id === total.epoch_id;
    if (isSame && (total.in < before.in || total.out < before.out)) count += 1;
    highest.set(topic, total);
  }
  return count;
}

async function findingsOf(sorted: readonly Known[]): Promise<string[]> {
  const recording = sorted.map(({ topic, text }) => `${topic} ${text}\n`).join('');
  const { findings } = await readRecording(Readable.from([Buffer.from(recording)]), '');
  return findings.findings.map(({ kind, text }) => `${kind}: ${text}`);
}
