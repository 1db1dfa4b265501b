/**
 * What devices say, checked: a topic and a payload become a reading, or a fault in one sentence. Fields that are not known
 * here are allowed (v1 grows by adding), wrong ones are refused by name.
 */
import { type Static, type TSchema, Type } from 'typebox';
import { Value } from 'typebox/value';
import { MS_PER_S } from '../units.ts';
import { QUALITIES } from './counts.ts';

/** Kinds of a device's topics that the gateway takes; of the records (which have a number) `isRecord` is true. */
const KINDS = ['status', 'info', 'health', 'total', 'interval', 'zone', 'receipt', 'reply'] as const;
export type Kind = (typeof KINDS)[number];

export type DeviceTopic = { readonly device: string; readonly kind: Kind; readonly name: string };

/** More people than a stadium in one interval: a fault, and not a count. */
const COUNT_MAX = 1_000_000;
/** Beyond this a payload is none of ours; the longest, info, has some 3 kB. */
export const PAYLOAD_CHARS_MAX = 32_768;
/** Clocks of devices may be ahead by so much. */
const AHEAD_MS_MAX = 3_600_000;
/** A device whose clock was never set is in 1970. */
const BEGIN_MS = Date.UTC(2020, 0, 1);
const SPAN_S_MAX = 3600;

const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,31}$' });
const Time = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?Z$' });
const EpochId = Type.String({ pattern: '^[0-9A-Za-z-]{1,64}$' });
const Whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const Place = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
const Count = Type.Integer({ minimum: 0, maximum: COUNT_MAX });

const Record = { v: Type.Literal(1), seq: Place, boot: Whole, epoch_id: EpochId, from: Time, to: Time };
const ReceiptSchema = Type.Object(Record);
const Measured = { ...Record, samples: Whole, expected: Whole, quality: Type.Enum([...QUALITIES]) };
const IntervalSchema = Type.Object({
  ...Measured,
  in: Count,
  out: Count,
  net_in: Count,
  net_out: Count,
  total_in: Whole,
  total_out: Whole,
});
const ZoneSchema = Type.Object({ ...Measured, visits: Count, bounces: Count, passers_by: Count });
const TotalSchema = Type.Object({ v: Type.Literal(1), in: Whole, out: Whole, epoch_id: EpochId });
const StatusSchema = Type.Object({
  v: Type.Literal(1),
  state: Type.Enum(['online', 'offline', 'stopped']),
  boot: Whole,
});
const InfoSchema = Type.Object({ v: Type.Literal(1), interval_s: Type.Number({ minimum: 1, maximum: SPAN_S_MAX }) });

type RecordFacts = {
  readonly device: string;
  /** Line or zone; empty for a receipt. */
  readonly name: string;
  readonly epochId: string;
  readonly seq: number;
  readonly fromS: number;
  readonly spanS: number;
};

export type IntervalReading = RecordFacts & {
  readonly kind: 'interval';
  readonly in: number;
  readonly out: number;
  readonly netIn: number;
  readonly netOut: number;
  readonly totalIn: number;
  readonly totalOut: number;
  readonly samples: number;
  readonly expected: number;
  /** Index in QUALITIES. */
  readonly quality: number;
};
export type ZoneReading = RecordFacts & {
  readonly kind: 'zone';
  readonly visits: number;
  readonly bounces: number;
  readonly passersBy: number;
};
export type ReceiptReading = RecordFacts & { readonly kind: 'receipt' };
/** What has a number, and is kept. */
export type RecordReading = IntervalReading | ZoneReading | ReceiptReading;

export type TotalReading = {
  readonly kind: 'total';
  readonly device: string;
  readonly line: string;
  readonly epochId: string;
  readonly in: number;
  readonly out: number;
};
export type StatusReading = {
  readonly kind: 'status';
  readonly device: string;
  readonly state: 'online' | 'offline' | 'stopped';
  readonly boot: number;
};
export type InfoReading = { readonly kind: 'info'; readonly device: string; readonly intervalS: number };
/** Anything else that shows that the device lives. */
export type SignOfLife = { readonly kind: 'other'; readonly device: string };

export type Reading = RecordReading | TotalReading | StatusReading | InfoReading | SignOfLife;

export type Faulty = { readonly kind: 'fault'; readonly device: string; readonly fault: string };

/** Filters that bring all of it, for every device of the site. */
export function deviceFilters(root: string, site: string): string[] {
  const base = `${root}/${site}/+`;
  return [
    `${base}/status`,
    `${base}/info`,
    `${base}/health`,
    `${base}/receipt`,
    `${base}/total/+`,
    `${base}/interval/+`,
    `${base}/zone/+`,
    `${base}/reply/resend`,
  ];
}

/** Undefined: no topic of a device of this site. */
export function parseTopic(topic: string, root: string, site: string): DeviceTopic | undefined {
  const prefix = `${root}/${site}/`;
  if (!topic.startsWith(prefix)) return undefined;
  const [device = '', kind = '', name = '', ...rest] = topic.slice(prefix.length).split('/');
  const known = KINDS.find((word) => word === kind);
  if (known === undefined || rest.length > 0 || !Value.Check(Name, device)) return undefined;
  return { device, kind: known, name };
}

/** intervalS: of the gateway. */
export function readMessage(topic: DeviceTopic, payload: string, intervalS: number, nowMs: number): Reading | Faulty {
  const { device, kind, name } = topic;
  const faulty = (fault: string): Faulty => ({ kind: 'fault', device, fault: `${topicWord(topic)}: ${fault}` });
  if (kind === 'health' || kind === 'reply') return { kind: 'other', device };
  if (payload.length > PAYLOAD_CHARS_MAX) return faulty(`${payload.length} characters; expected at most ${PAYLOAD_CHARS_MAX}`);
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return faulty('no JSON');
  }
  const isNamed = kind === 'total' || kind === 'interval' || kind === 'zone';
  if (isNamed && !Value.Check(Name, name)) return faulty('its name is no topic level of 1 to 32 of a-z, 0-9, _ and -');
  if (kind === 'status') {
    const fault = faultOf(StatusSchema, value);
    return fault === undefined ? statusOf(device, value as Static<typeof StatusSchema>) : faulty(fault);
  }
  if (kind === 'info') {
    const fault = faultOf(InfoSchema, value);
    return fault === undefined
      ? { kind, device, intervalS: (value as Static<typeof InfoSchema>).interval_s }
      : faulty(fault);
  }
  if (kind === 'total') {
    const fault = faultOf(TotalSchema, value);
    return fault === undefined ? totalOf(device, name, value as Static<typeof TotalSchema>) : faulty(fault);
  }
  const schema = kind === 'interval' ? IntervalSchema : kind === 'zone' ? ZoneSchema : ReceiptSchema;
  const fault = faultOf(schema, value) ?? timeFault(value as Static<typeof ReceiptSchema>, intervalS, nowMs);
  return fault === undefined ? recordOf(topic, value) : faulty(fault);
}

/** The first field that is wrong, by name. */
function faultOf(schema: TSchema, value: unknown): string | undefined {
  if (Value.Check(schema, value)) return undefined;
  const [error] = Value.Errors(schema, value);
  const field = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  return `${field === '' ? 'the payload' : field} ${error?.message ?? 'is wrong'}`;
}

function timeFault(value: Static<typeof ReceiptSchema>, intervalS: number, nowMs: number): string | undefined {
  const [fromMs, toMs] = [Date.parse(value.from), Date.parse(value.to)];
  if (Number.isNaN(fromMs) || Number.isNaN(toMs)) return 'from and to must be moments of the calendar';
  const spanS = (toMs - fromMs) / MS_PER_S;
  if (!Number.isInteger(fromMs / MS_PER_S) || !Number.isInteger(spanS) || spanS < 1 || spanS > SPAN_S_MAX)
    return `from ${value.from} to ${value.to} must be 1..${SPAN_S_MAX} whole seconds`;
  if (fromMs < BEGIN_MS) return `from ${value.from} is before 2020: the clock of the device is not set`;
  if (toMs > nowMs + AHEAD_MS_MAX) return `to ${value.to} is more than an hour ahead: the clock of the device is wrong`;
  const fromS = fromMs / MS_PER_S;
  if (Math.floor(fromS / intervalS) !== Math.floor((fromS + spanS - 1) / intervalS))
    return `${spanS} s from ${value.from} do not fit into an interval of ${intervalS} s; set interval_s of the gateway to a multiple of that of its devices`;
  return undefined;
}

function recordOf({ device, kind, name }: DeviceTopic, value: unknown): RecordReading {
  const record = value as Static<typeof ReceiptSchema>;
  const fromS = Date.parse(record.from) / MS_PER_S;
  const facts: RecordFacts = {
    device,
    name,
    epochId: record.epoch_id,
    seq: record.seq,
    fromS,
    spanS: Date.parse(record.to) / MS_PER_S - fromS,
  };
  if (kind === 'zone') {
    const zone = value as Static<typeof ZoneSchema>;
    return { ...facts, kind, visits: zone.visits, bounces: zone.bounces, passersBy: zone.passers_by };
  }
  if (kind !== 'interval') return { ...facts, kind: 'receipt' };
  const counted = value as Static<typeof IntervalSchema>;
  return {
    ...facts,
    kind,
    in: counted.in,
    out: counted.out,
    netIn: counted.net_in,
    netOut: counted.net_out,
    totalIn: counted.total_in,
    totalOut: counted.total_out,
    samples: counted.samples,
    expected: counted.expected,
    quality: QUALITIES.indexOf(counted.quality),
  };
}

function statusOf(device: string, { state, boot }: Static<typeof StatusSchema>): StatusReading {
  return { kind: 'status', device, state, boot };
}

function totalOf(device: string, line: string, value: Static<typeof TotalSchema>): TotalReading {
  return { kind: 'total', device, line, epochId: value.epoch_id, in: value.in, out: value.out };
}

function topicWord({ device, kind, name }: DeviceTopic): string {
  return name === '' ? `${device}/${kind}` : `${device}/${kind}/${name.slice(0, 32)}`;
}
