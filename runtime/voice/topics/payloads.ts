/**
 * Payloads: everything that leaves the device, field by field. If it is not in this file, it does not leave.
 * Each builder writes its keys in a fixed order, so that equal facts give equal bytes. Times are RFC 3339 in UTC with
 * milliseconds; the site's zone stands apart (`tz`), since local times are ambiguous once a year.
 * Never here: pictures, positions, track numbers, anything about one person.
 */
import type { CountRecord, IntervalRecord, LedgerCondition, ZoneRecord } from '../ledger/ledger.ts';
import type { OccupancyFacts } from '../occupancy/occupancy.ts';
import type { ReceiptCondition } from '../receipts/notary.ts';

/** Version of every payload; grows when a field changes its meaning or goes, not when one is added. */
const V = 1;

/** RFC 3339, UTC: 2026-01-05T12:00:00.000Z */
export function rfc3339(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

export type StatusFacts = {
  /** online: connected; stopped: ended on purpose; offline: the broker lost us (last will). */
  readonly state: 'online' | 'offline' | 'stopped';
  /** Starts of the voice since the epoch. An `offline` with an older boot than the last `online` is stale. */
  readonly boot: number;
  /** Version of Lethe. */
  readonly version: string;
};

/** status · retained, qos 1, last will */
export function statusPayload({ state, boot, version }: StatusFacts): string {
  return JSON.stringify({ v: V, state, boot, version });
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
  /** Camera driver: scene, video, rpicam. */
  readonly camera: string;
  /** Detector: `default`, or the file name of the manifest. */
  readonly model: string;
  readonly lines: readonly { readonly name: string; readonly in: string }[];
  readonly entrances: readonly { readonly name: string; readonly lines: readonly string[] }[];
  readonly zones: readonly { readonly name: string; readonly passes: string }[];
  readonly openingHours: readonly string[];
};

/** info · retained, qos 1: what stays the same until the next start */
export function infoPayload(facts: InfoFacts): string {
  return JSON.stringify({
    v: V,
    /** Same words as in the topic, for readers that lost it. */
    site: facts.site,
    device: facts.device,
    version: facts.version,
    node_version: facts.nodeVersion,
    boot: facts.boot,
    /** Series of totals; a new one means that totals began again at 0. */
    epoch_id: facts.epochId,
    started_at: rfc3339(facts.startedAtMs),
    /** IANA time zone of the site. */
    tz: facts.tz,
    interval_s: facts.intervalS,
    frame_rate_hz: facts.frameRateHz,
    camera: facts.camera,
    model: facts.model,
    /** Counting lines: name as in topics, and the way in the picture that counts as in. */
    lines: facts.lines.map((line) => ({ name: line.name, in: line.in })),
    /** Lines counted as one, under a name of their own. */
    entrances: facts.entrances.map(({ name, lines }) => ({ name, lines })),
    zones: facts.zones.map(({ name, passes }) => ({ name, passes })),
    /** As in the configuration, in the site's time zone; empty: always open. */
    opening_hours: facts.openingHours,
  });
}

export type TotalFacts = {
  readonly in: number;
  readonly out: number;
  readonly netIn: number;
  readonly netOut: number;
  readonly epochId: string;
  readonly atMs: number;
};

/** total/<line> · retained, qos 1: a meter that never falls within an epoch */
export function totalPayload({ in: countIn, out, netIn, netOut, epochId, atMs }: TotalFacts): string {
  return JSON.stringify({
    v: V,
    /** Every crossing, at once. */
    in: countIn,
    out,
    /** When people have left the view, without those who turned back in it: in - out comes to the same. */
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
 * interval/<line> and zone/<zone> · qos 1, at least once: readers drop what they have by (device, epoch_id, seq).
 * Receipts hold the hash of all of it but `tz` and `historical`, and a record may wait for the broker while the program is
 * replaced: a field that is added here must be one of the record's own, so that records that wait go without it.
 */
export function intervalPayload(facts: IntervalFacts): string {
  const { record } = facts;
  return JSON.stringify({
    ...beginOf(facts),
    ...(record.kind === 'zone' ? zoneFieldsOf(record) : countFieldsOf(record)),
    ...endOf(facts),
  });
}

function beginOf({ record, epochId, tz }: IntervalFacts): object {
  return {
    v: V,
    /** Counts records of this device, lines and zones together; a restart does not reset it. */
    seq: record.seq,
    /** Start of the voice in which the interval was closed. */
    boot: record.boot,
    epoch_id: epochId,
    /** Begin, included. */
    from: rfc3339(record.fromMs),
    /** End, excluded. */
    to: rfc3339(record.toMs),
    tz,
    /** The shop was open, at least for a part of it. */
    open: record.isOpen,
  };
}

function endOf({ record, historical }: IntervalFacts): object {
  return {
    /** Frames read. */
    samples: record.samples,
    /** Frames of a camera that missed none. */
    expected: record.expected,
    /** ok · degraded (frames missing, or people whose moment is not known) · paused (privacy button) · camera_lost */
    quality: record.quality,
    historical,
  };
}

function countFieldsOf(record: CountRecord): object {
  return {
    /** Every crossing, by its own time. */
    in: record.in,
    out: record.out,
    /** Without those who turned back within the view, by the time they left it. */
    net_in: record.netIn,
    net_out: record.netOut,
    /** Totals at `to`: the difference to the record before of this line is exactly `in` and `out`. */
    total_in: record.totalIn,
    total_out: record.totalOut,
    /** Entries with a pause of 3 s before them. */
    chains: record.chains,
    /** Parties that came in since the full hour, up to `to`: an estimate, best in the hour's last record. */
    groups_hour: record.groupsHour,
  };
}

function zoneFieldsOf({ facts, entries }: ZoneRecord): object {
  const passing = entries === null ? 0 : entries + facts.passersBy;
  return {
    /** People who came into the zone, and those who left it within bounce_s. */
    visits: facts.visits,
    bounces: facts.bounces,
    /** Of the visits that ended in the interval; n is their number, and all three are null without one. */
    dwell_s: { n: facts.dwellCount, mean: facts.dwellMeanS, median: facts.dwellMedianS, p90: facts.dwellP90S },
    /** People in the zone, each second. */
    people: { mean: facts.peopleMean, max: facts.peopleMax },
    /** Of these, who had stood for three seconds. */
    queue: { mean: facts.queueMean, max: facts.queueMax },
    /** People who were in the zone and left the view without crossing the line that it lies before. */
    passers_by: facts.passersBy,
    /** entries / (entries + passers-by) through that line; null: no such line, or nobody. */
    drop_in_rate: passing === 0 ? null : Math.round((1e4 * entries!) / passing) / 1e4,
  };
}

export type ZoneNowFacts = { readonly atMs: number; readonly people: number; readonly queue: number };

/** occupancy/<zone> · retained, qos 1: who is in the zone now, of those in view; on change, at most once a second */
export function zoneNowPayload({ atMs, people, queue }: ZoneNowFacts): string {
  return JSON.stringify({ v: V, at: rfc3339(atMs), people, queue });
}

export type StoreFacts = OccupancyFacts & { readonly atMs: number; readonly tz: string; readonly isOpen: boolean };

/** occupancy/store · retained, qos 1: who is in the store, by who came in and who left; on change, at most once a second */
export function storePayload(facts: StoreFacts): string {
  return JSON.stringify({
    v: V,
    at: rfc3339(facts.atMs),
    tz: facts.tz,
    open: facts.isOpen,
    /** Best estimate, corrected by `ratio`. */
    people: facts.people,
    /** Where it lies on about 95 of 100 days; null until a day has passed. */
    people_min: facts.peopleMin,
    people_max: facts.peopleMax,
    /** Since `reset_at`, uncorrected. */
    in: facts.in,
    out: facts.out,
    /** In to out over the past `days` days: who leaves counts as so many. */
    ratio: facts.ratio,
    days: facts.days,
    /** (in - out) / (in + out) of the last whole day: a counter's own error; above 0.05 look at how it hangs. */
    imbalance: facts.imbalance,
    reset_at: facts.resetAtMs === 0 ? null : rfc3339(facts.resetAtMs),
  });
}

export type HealthFacts = {
  readonly atMs: number;
  /** unknown, starting, counting, paused, camera_lost, stopping, silent, eye_cut_off */
  readonly eyeState: string;
  /** Why, in one word; empty: no reason. For eye_cut_off a sentence. */
  readonly eyeReason: string;
  readonly camera: string;
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
};

/** health · retained, qos 1: on every change and each minute */
export function healthPayload(facts: HealthFacts): string {
  return JSON.stringify({
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
    /** ok, or no_key: intervals bear no receipt, and why. */
    receipts: { state: facts.receipts.state, reason: facts.receipts.reason },
    corridor: { records: facts.records, cut_off: facts.cutOff },
    /** Frames that were in memory for longer than the limit, since the eye's boot; null: not known yet. */
    privacy: { limit_ms: facts.residencyMsMax, ...overLimitFieldsOf(facts.overLimit) },
  });
}

function cameraState(eyeState: string): string {
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

function overLimitFieldsOf(facts: OverLimitFacts | null): object {
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
export type ResidencyFacts = {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly n: number;
};

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

/** privacy · qos 1, each minute */
export function privacyPayload(facts: PrivacyFacts): string {
  const { read, erased, dropped } = facts.frames;
  return JSON.stringify({
    v: V,
    at: rfc3339(facts.atMs),
    /** erased equals read, but for one that may be in work; dropped ones were erased without being looked at. */
    frames: { read, erased, dropped },
    /** When the eye told what follows; an eye that is paused or lost its camera tells of the frames it had. */
    reported_at: facts.reportedAtMs === null ? null : rfc3339(facts.reportedAtMs),
    /**
     * pixels: first byte of a frame in memory → its slot all zero, n frames, the dropped ones with them. derived: → all that
     * was computed from it zero, frames read. Of the eye's last minute and since its boot; null: not told yet.
     */
    residency_us: { minute: residencyFieldsOf(facts.minute), since_boot: residencyFieldsOf(facts.sinceBoot) },
    /** How long a frame may be there, and how many were longer since the eye's boot. */
    limit_ms: facts.limitMs,
    ...overLimitFieldsOf(facts.overLimit),
    model_sha256: facts.modelSha256,
  });
}

function residencyFieldsOf({ pixels, derived }: BothResidencies): object {
  const fieldsOf = (facts: ResidencyFacts | null): object | null =>
    facts === null ? null : { p50: facts.p50, p99: facts.p99, max: facts.max, n: facts.n };
  return { pixels: fieldsOf(pixels), derived: fieldsOf(derived) };
}

export type SimulationFacts = { readonly atMs: number; readonly trueIn: number; readonly trueOut: number };

/** simulation/<line> · qos 1, only with a simulated camera: who truly crossed since the eye's boot, to compare with */
export function simulationPayload({ atMs, trueIn, trueOut }: SimulationFacts): string {
  return JSON.stringify({ v: V, simulated: true, at: rfc3339(atMs), true_in: trueIn, true_out: trueOut });
}
