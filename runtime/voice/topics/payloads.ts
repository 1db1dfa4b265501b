/**
 * Payloads: everything that leaves the device, field by field. If it is not in this file, it does not leave. What a field
 * means, its unit and range stand in runtime/contract, whose types each builder must fill: tsc refuses a field that is
 * missing, unknown or of another type.
 * Each builder writes its keys in a fixed order, so that equal facts give equal bytes. Times are RFC 3339 in UTC with
 * milliseconds; the site's zone stands apart (`tz`), since local times are ambiguous once a year.
 * Never here: pictures, track numbers, anything that says who somebody is or was a moment ago. Positions of people only on
 * `setup`, for the minutes for which somebody with a key asked for set-up mode: points in a picture that nobody sees, sorted,
 * none tied to the next.
 */

import type { Reply, SetupDots } from '../../contract/commands.ts';
import { CONTRACT_VERSION } from '../../contract/contract.ts';
import type { Interval, IntervalHead, IntervalTail, Total, Zone, ZoneNow } from '../../contract/counts.ts';
import type {
  CameraDriver,
  EyeStateWord,
  Health,
  Info,
  Privacy,
  Residency,
  Simulation,
  Status,
  UpdateNews,
} from '../../contract/device.ts';
import { type DocumentFacts, schemaDocument } from '../../contract/document.ts';
import type { SchemaDocument } from '../../contract/schema-document.ts';
import type { ClockTrust } from '../../ports/time-source.ts';
import { type OccupancyNow, occupancyFields } from '../../site/occupancy.ts';
import { rfc3339 } from '../../units.ts';
import type { CountRecord, IntervalRecord, LedgerCondition, ZoneRecord } from '../ledger/ledger.ts';
import type { ReceiptCondition } from '../receipts/notary.ts';

const V = CONTRACT_VERSION;

/** Facts in, text out: the type says which payload it must be. */
function textOf<Payload>(payload: Payload): string {
  return JSON.stringify(payload);
}

export type StatusFacts = Pick<Status, 'state' | 'boot' | 'version'>;

/** status */
export function statusPayload({ state, boot, version }: StatusFacts): string {
  return textOf<Status>({ v: V, state, boot, version });
}

export type InfoFacts = {
  readonly site: string;
  readonly device: string;
  /** Version of Lethe. */
  readonly version: string;
  /** Version of Node.js. */
  readonly nodeVersion: string;
  /** Starts of the voice since the epoch. */
  readonly boot: number;
  readonly epochId: string;
  readonly startedAtMs: number;
  readonly tz: string;
  readonly intervalS: number;
  readonly frameRateHz: number;
  readonly camera: CameraDriver;
  /** Detector: `default`, or the file name of the manifest. */
  readonly model: string;
  readonly lines: readonly Info['lines'][number][];
  readonly entrances: readonly { readonly name: string; readonly lines: readonly string[] }[];
  readonly zones: readonly { readonly name: string; readonly passes: string }[];
  readonly openingHours: readonly string[];
};

/** info */
export function infoPayload(facts: InfoFacts): string {
  return textOf<Info>({
    v: V,
    site: facts.site,
    device: facts.device,
    version: facts.version,
    node_version: facts.nodeVersion,
    boot: facts.boot,
    epoch_id: facts.epochId,
    started_at: rfc3339(facts.startedAtMs),
    tz: facts.tz,
    interval_s: facts.intervalS,
    frame_rate_hz: facts.frameRateHz,
    camera: facts.camera,
    model: facts.model,
    lines: facts.lines.map((line) => ({ name: line.name, in: line.in })),
    entrances: facts.entrances.map(({ name, lines }) => ({ name, lines: [...lines] })),
    zones: facts.zones.map(({ name, passes }) => ({ name, passes })),
    opening_hours: [...facts.openingHours],
  });
}

/** schema */
export function schemaPayload(facts: DocumentFacts): string {
  return textOf<SchemaDocument>(schemaDocument(facts));
}

export type TotalFacts = {
  readonly in: number;
  readonly out: number;
  readonly netIn: number;
  readonly netOut: number;
  readonly epochId: string;
  readonly atMs: number;
};

/** total/<line> */
export function totalPayload({ in: countIn, out, netIn, netOut, epochId, atMs }: TotalFacts): string {
  return textOf<Total>({
    v: V,
    in: countIn,
    out,
    net_in: netIn,
    net_out: netOut,
    epoch_id: epochId,
    at: rfc3339(atMs),
  });
}

export type IntervalFacts = {
  readonly record: IntervalRecord;
  readonly epochId: string;
  readonly tz: string;
  /** Sent later than one interval after its end. */
  readonly historical: boolean;
};

/**
 * interval/<line> and zone/<zone>, at least once: readers drop what they have by (device, epoch_id, seq).
 * Receipts hold the hash of all of it but `tz` and `historical`, and a record may wait for the broker while the program is
 * replaced: a field that is added here must be one of the record's own, so that records that wait go without it.
 */
export function intervalPayload(facts: IntervalFacts): string {
  const { record } = facts;
  return record.kind === 'zone'
    ? textOf<Zone>({ ...headOf(facts), ...zoneFieldsOf(record), ...tailOf(facts) })
    : textOf<Interval>({ ...headOf(facts), ...countFieldsOf(record), ...tailOf(facts) });
}

function headOf({ record, epochId, tz }: IntervalFacts): IntervalHead {
  return {
    v: V,
    seq: record.seq,
    boot: record.boot,
    epoch_id: epochId,
    from: rfc3339(record.fromMs),
    to: rfc3339(record.toMs),
    tz,
    open: record.isOpen,
  };
}

function tailOf({ record, historical }: IntervalFacts): IntervalTail {
  const { samples, expected, quality, unsyncedUptimeS } = record;
  if (unsyncedUptimeS === undefined) return { samples, expected, quality, historical };
  return { samples, expected, quality, time: 'unsynced', uptime_s: unsyncedUptimeS, historical };
}

function countFieldsOf(record: CountRecord): Omit<Interval, keyof (IntervalHead & IntervalTail)> {
  return {
    in: record.in,
    out: record.out,
    net_in: record.netIn,
    net_out: record.netOut,
    total_in: record.totalIn,
    total_out: record.totalOut,
    chains: record.chains,
    groups_hour: record.groupsHour,
  };
}

function zoneFieldsOf({ facts, entries }: ZoneRecord): Omit<Zone, keyof (IntervalHead & IntervalTail)> {
  const passing = entries === null ? 0 : entries + facts.passersBy;
  return {
    visits: facts.visits,
    bounces: facts.bounces,
    dwell_s: { n: facts.dwellCount, mean: facts.dwellMeanS, median: facts.dwellMedianS, p90: facts.dwellP90S },
    people: { mean: facts.peopleMean, max: facts.peopleMax },
    queue: { mean: facts.queueMean, max: facts.queueMax },
    passers_by: facts.passersBy,
    drop_in_rate: passing === 0 ? null : Math.round((1e4 * entries!) / passing) / 1e4,
  };
}

export type ZoneNowFacts = { readonly atMs: number; readonly people: number; readonly queue: number };

/** occupancy/<zone> */
export function zoneNowPayload({ atMs, people, queue }: ZoneNowFacts): string {
  return textOf<ZoneNow>({ v: V, at: rfc3339(atMs), people, queue });
}

/** occupancy/store */
export function storePayload(facts: OccupancyNow): string {
  return JSON.stringify(occupancyFields(facts));
}

export type HealthFacts = {
  readonly atMs: number;
  readonly eyeState: EyeStateWord;
  /** Why, in one word; empty: no reason. For eye_cut_off a sentence. */
  readonly eyeReason: string;
  readonly camera: CameraDriver;
  readonly ledger: LedgerCondition;
  readonly receipts: ReceiptCondition;
  /** Records that wait for the broker. */
  readonly pending: number;
  /** Records given up before the broker had them, since the ledger was begun. */
  readonly dropped: number;
  /** Begin of the oldest record that the ledger keeps; null: none. */
  readonly keptFromMs: number | null;
  /** Records read from the eye since the voice started. */
  readonly records: number;
  readonly cutOff: boolean;
  /** privacy.residency_ms_max */
  readonly residencyMsMax: number;
  /** Null: the eye has not told it yet. */
  readonly overLimit: OverLimitFacts | null;
  /** End of set-up mode; null: it is off. */
  readonly setupUntilMs: number | null;
  readonly commands: CommandFacts;
  readonly clock: ClockFacts;
};

/** uptimeS: since the start of the voice. */
export type ClockFacts = { readonly trust: ClockTrust; readonly uptimeS: number };

/** Commands since the start of the voice. */
export type CommandFacts = { readonly accepted: number; readonly refused: number; readonly lastAtMs: number | null };

/** health */
export function healthPayload(facts: HealthFacts): string {
  return textOf<Health>({
    v: V,
    at: rfc3339(facts.atMs),
    eye: { state: facts.eyeState, reason: facts.eyeReason },
    camera: { driver: facts.camera, state: cameraState(facts.eyeState) },
    ledger: {
      state: facts.ledger.state,
      reason: facts.ledger.reason,
      pending: facts.pending,
      dropped: facts.dropped,
      /** Records from here on can be sent again; older ones went when the ledger was full. */
      kept_from: facts.keptFromMs === null ? null : rfc3339(facts.keptFromMs),
    },
    receipts: { state: facts.receipts.state, reason: facts.receipts.reason },
    corridor: { records: facts.records, cut_off: facts.cutOff },
    privacy: { limit_ms: facts.residencyMsMax, ...overLimitFieldsOf(facts.overLimit) },
    clock: { state: facts.clock.trust, uptime_s: facts.clock.uptimeS },
    setup: { until: facts.setupUntilMs === null ? null : rfc3339(facts.setupUntilMs) },
    commands: {
      accepted: facts.commands.accepted,
      refused: facts.commands.refused,
      last_at: facts.commands.lastAtMs === null ? null : rfc3339(facts.commands.lastAtMs),
    },
  });
}

function cameraState(eyeState: EyeStateWord): Health['camera']['state'] {
  if (eyeState === 'counting') return 'ok';
  if (eyeState === 'camera_lost') return 'lost';
  return eyeState === 'paused' || eyeState === 'stopping' ? 'off' : 'unknown';
}

/** Frames that were in memory for longer than the limit, since the eye's boot. */
export type OverLimitFacts = {
  readonly count: number;
  /** When the last ones were, and how long the longest of those told then; null: there was none. */
  readonly lastAtMs: number | null;
  readonly lastUs: number | null;
};

function overLimitFieldsOf(facts: OverLimitFacts | null): Pick<Privacy, 'over_limit' | 'last_at' | 'last_us'> {
  const lastAtMs = facts?.lastAtMs ?? null;
  return {
    over_limit: facts?.count ?? null,
    last_at: lastAtMs === null ? null : rfc3339(lastAtMs),
    last_us: facts?.lastUs ?? null,
  };
}

/** Since the eye's boot. */
export type FramesFacts = { readonly read: number; readonly erased: number; readonly dropped: number };

/** Microseconds, and n frames. */
export type ResidencyFacts = Readonly<Residency>;

/** Null: the eye has not told it yet. */
export type BothResidencies = { readonly pixels: ResidencyFacts | null; readonly derived: ResidencyFacts | null };

export type PrivacyFacts = {
  readonly atMs: number;
  readonly frames: FramesFacts;
  /** When the eye told its residencies last. */
  readonly reportedAtMs: number | null;
  readonly minute: BothResidencies;
  readonly sinceBoot: BothResidencies;
  /** privacy.residency_ms_max */
  readonly limitMs: number;
  readonly overLimit: OverLimitFacts | null;
  /** Of the model that the eye says it runs, hexadecimal. */
  readonly modelSha256: string | null;
};

/** privacy */
export function privacyPayload(facts: PrivacyFacts): string {
  const { read, erased, dropped } = facts.frames;
  return textOf<Privacy>({
    v: V,
    at: rfc3339(facts.atMs),
    frames: { read, erased, dropped },
    reported_at: facts.reportedAtMs === null ? null : rfc3339(facts.reportedAtMs),
    residency_us: { minute: residencyFieldsOf(facts.minute), since_boot: residencyFieldsOf(facts.sinceBoot) },
    limit_ms: facts.limitMs,
    ...overLimitFieldsOf(facts.overLimit),
    model_sha256: facts.modelSha256,
  });
}

function residencyFieldsOf({ pixels, derived }: BothResidencies): Privacy['residency_us']['minute'] {
  const fieldsOf = (facts: ResidencyFacts | null): Residency | null =>
    facts === null ? null : { p50: facts.p50, p99: facts.p99, max: facts.max, n: facts.n };
  return { pixels: fieldsOf(pixels), derived: fieldsOf(derived) };
}

export type SimulationFacts = { readonly atMs: number; readonly trueIn: number; readonly trueOut: number };

/** simulation/<line> */
export function simulationPayload({ atMs, trueIn, trueOut }: SimulationFacts): string {
  return textOf<Simulation>({ v: V, simulated: true, at: rfc3339(atMs), true_in: trueIn, true_out: trueOut });
}

export type SetupFacts = {
  readonly atMs: number;
  readonly untilMs: number;
  /** x · 256 + y in 1/256 of the picture, rising. */
  readonly dots: readonly number[];
};

/** Middle of a step of 1/256: 0.002..0.998. */
function shareOf(step: number): number {
  return Math.round(((step + 0.5) / 256) * 1e4) / 1e4;
}

/** setup */
export function setupPayload({ atMs, untilMs, dots }: SetupFacts): string {
  return textOf<SetupDots>({
    v: V,
    at: rfc3339(atMs),
    until: rfc3339(untilMs),
    dots: dots.map((dot): [number, number] => [shareOf(dot >> 8), shareOf(dot & 255)]),
  });
}

/** update */
export function updatePayload(facts: Omit<UpdateNews, 'v' | 'at'>, atMs: number): string {
  return textOf<UpdateNews>({ v: V, at: rfc3339(atMs), ...facts });
}

/** Without what every reply has. */
export type ReplyFacts = Omit<Reply, 'v' | 'at' | 'id' | 'ok' | 'error'>;

/** reply/<command>: done, with what came of it. */
export function donePayload(atMs: number, id: string | null, result: ReplyFacts): string {
  return textOf<Reply>({ v: V, at: rfc3339(atMs), id, ok: true, ...result });
}

/** reply/<command>: not done, and why. */
export function refusedPayload(atMs: number, id: string | null, error: NonNullable<Reply['error']>): string {
  return textOf<Reply>({ v: V, at: rfc3339(atMs), id, ok: false, error });
}
