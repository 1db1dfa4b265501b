/**
 * Payloads: everything that leaves the device, field by field. If it is not in this file, it does not leave.
 * Each builder writes its keys in a fixed order, so that equal facts give equal bytes. Times are RFC 3339 in UTC with
 * milliseconds; the site's zone stands apart (`tz`), since local times are ambiguous once a year.
 * Never here: pictures, positions, track numbers, anything about one person.
 */
import type { IntervalRecord, LedgerCondition } from '../ledger/ledger.ts';

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
  });
}

export type TotalFacts = {
  readonly in: number;
  readonly out: number;
  readonly epochId: string;
  readonly atMs: number;
};

/** total/<line> · retained, qos 1: a meter that never falls within an epoch */
export function totalPayload({ in: countIn, out, epochId, atMs }: TotalFacts): string {
  return JSON.stringify({ v: V, in: countIn, out, epoch_id: epochId, at: rfc3339(atMs) });
}

export type IntervalFacts = {
  readonly record: IntervalRecord;
  readonly epochId: string;
  readonly tz: string;
  /** Sent later than one interval after its end. */
  readonly historical: boolean;
};

/** interval/<line> · qos 1, at least once: readers drop what they have by (device, epoch_id, seq) */
export function intervalPayload({ record, epochId, tz, historical }: IntervalFacts): string {
  return JSON.stringify({
    v: V,
    /** Counts records of this device, all lines together; a restart does not reset it. */
    seq: record.seq,
    /** Start of the voice in which the interval was closed. */
    boot: record.boot,
    epoch_id: epochId,
    /** Begin, included. */
    from: rfc3339(record.fromMs),
    /** End, excluded. */
    to: rfc3339(record.toMs),
    tz,
    in: record.in,
    out: record.out,
    /** Totals at `to`: the difference to the record before of this line is exactly `in` and `out`. */
    total_in: record.totalIn,
    total_out: record.totalOut,
    /** Frames read. */
    samples: record.samples,
    /** Frames of a camera that missed none. */
    expected: record.expected,
    /** ok · degraded (frames missing, or people whose moment is not known) · paused (privacy button) · camera_lost */
    quality: record.quality,
    historical,
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
  /** Records that wait for the broker. */
  readonly pending: number;
  /** Records given up because too many waited, since the epoch. */
  readonly dropped: number;
  /** Records read from the eye since the voice started. */
  readonly records: number;
  readonly cutOff: boolean;
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
    },
    corridor: { records: facts.records, cut_off: facts.cutOff },
  });
}

function cameraState(eyeState: string): string {
  if (eyeState === 'counting') return 'ok';
  if (eyeState === 'camera_lost') return 'lost';
  return eyeState === 'paused' || eyeState === 'stopping' ? 'off' : 'unknown';
}

export type PrivacyFacts = {
  readonly atMs: number;
  /** Frames since the eye's boot. */
  readonly framesRead: number;
  readonly framesErased: number;
  readonly framesDropped: number;
  /** How long pixels lived, µs, over the eye's last report. */
  readonly residencyP50Us: number;
  readonly residencyP99Us: number;
  readonly residencyMaxUs: number;
  /** How long anything derived from a picture lived, µs. */
  readonly derivedMaxUs: number;
};

/** privacy · qos 1, each minute */
export function privacyPayload(facts: PrivacyFacts): string {
  return JSON.stringify({
    v: V,
    at: rfc3339(facts.atMs),
    /** erased equals read, but for one that may be in work; dropped ones were erased without being looked at. */
    frames: { read: facts.framesRead, erased: facts.framesErased, dropped: facts.framesDropped },
    residency_us: { p50: facts.residencyP50Us, p99: facts.residencyP99Us, max: facts.residencyMaxUs },
    derived_us: { max: facts.derivedMaxUs },
  });
}

export type SimulationFacts = { readonly atMs: number; readonly trueIn: number; readonly trueOut: number };

/** simulation/<line> · qos 1, only with a simulated camera: who truly crossed since the eye's boot, to compare with */
export function simulationPayload({ atMs, trueIn, trueOut }: SimulationFacts): string {
  return JSON.stringify({ v: V, simulated: true, at: rfc3339(atMs), true_in: trueIn, true_out: trueOut });
}
