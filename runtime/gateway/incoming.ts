/**
 * What devices say, checked: a topic and a payload become a reading, or a fault in one sentence. Fields that are not known
 * here are allowed (v1 grows by adding), wrong ones are refused by name.
 */
import { type TObject, Type } from 'typebox';
import { Value } from 'typebox/value';
import { type Interval, IntervalSchema, type Total, TotalSchema, type Zone, ZoneSchema } from '../contract/counts.ts';
import {
  type Info,
  InfoSchema,
  type Status,
  StatusSchema,
  type UpdateNews,
  UpdateStateSchema,
} from '../contract/device.ts';
import { levelName } from '../contract/fields.ts';
import { type JsonSchema, readersSchema } from '../contract/json-schema.ts';
import { type Receipt, ReceiptSchema } from '../contract/receipt.ts';
import { baseTopic } from '../contract/topics.ts';
import { MS_PER_S } from '../units.ts';
import { QUALITIES } from './counts.ts';

/** Kinds of a device's topics that the gateway takes; of the records (which have a number) `isRecord` is true. */
const KINDS = ['status', 'info', 'health', 'total', 'interval', 'zone', 'receipt', 'update', 'reply'] as const;
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

const Name = levelName('');
const Reply = Type.Object({
  id: Type.String({ maxLength: 64 }),
  ok: Type.Boolean(),
  error: Type.Optional(Type.Object({ code: Type.String({ maxLength: 64 }) })),
});
/** As readers see them: words that are new to us are allowed. */
const SCHEMAS = {
  status: readersSchema(StatusSchema, '2020-12'),
  info: readersSchema(InfoSchema, '2020-12'),
  total: readersSchema(TotalSchema, '2020-12'),
  interval: readersSchema(IntervalSchema, '2020-12'),
  zone: readersSchema(ZoneSchema, '2020-12'),
  receipt: readersSchema(ReceiptSchema, '2020-12'),
  update: readersSchema(UpdateStateSchema, '2020-12'),
} as const;

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
  readonly isOnline: boolean;
  readonly boot: number;
};
export type InfoReading = {
  readonly kind: 'info';
  readonly device: string;
  readonly intervalS: number;
  readonly version: string;
};
/** What becomes of a newer version. */
export type UpdateReading = {
  readonly kind: 'update';
  readonly device: string;
  readonly state: string;
  readonly version: string;
  /** Null: none was offered. */
  readonly offered: string | null;
  readonly reason: string;
};
/** An answer to a request of ours. */
export type ReplyReading = {
  readonly kind: 'reply';
  readonly device: string;
  readonly id: string;
  /** Why the device did not do it; empty: it does. */
  readonly refusal: string;
};
/** Anything else that shows that the device lives. */
export type SignOfLife = { readonly kind: 'other'; readonly device: string };

export type Reading =
  | RecordReading
  | TotalReading
  | StatusReading
  | InfoReading
  | UpdateReading
  | ReplyReading
  | SignOfLife;

export type Faulty = { readonly kind: 'fault'; readonly device: string; readonly fault: string };

/** Filters that bring all of it, for every device of the site. */
export function deviceFilters(site: string): string[] {
  const base = baseTopic(site, '+');
  return [
    `${base}/status`,
    `${base}/info`,
    `${base}/health`,
    `${base}/receipt`,
    `${base}/total/+`,
    `${base}/interval/+`,
    `${base}/zone/+`,
    `${base}/update`,
    `${base}/reply/resend`,
    `${base}/reply/update`,
  ];
}

/** Undefined: no topic of a device of this site. */
export function parseTopic(topic: string, site: string): DeviceTopic | undefined {
  const prefix = baseTopic(site, '');
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
  if (kind === 'health') return { kind: 'other', device };
  if (payload.length > PAYLOAD_CHARS_MAX)
    return faulty(`${payload.length} characters; expected at most ${PAYLOAD_CHARS_MAX}`);
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch {
    return faulty('no JSON');
  }
  const isNamed = kind === 'total' || kind === 'interval' || kind === 'zone';
  if (isNamed && !Value.Check(Name, name)) return faulty('its name is no topic level of 1 to 32 of a-z, 0-9, _ and -');
  if (kind === 'reply') return replyOf(device, value) ?? faulty('no id, or no word whether it is done');
  const fault = faultOf(SCHEMAS[kind], value);
  if (fault !== undefined) return faulty(fault);
  if (kind === 'status') return statusOf(device, value as Status);
  if (kind === 'info') return infoOf(device, value as Info);
  if (kind === 'update') return updateOf(device, value as UpdateNews);
  if (kind === 'total') return totalOf(device, name, value as Total);
  const wrong =
    recordFault(value as Receipt, intervalS, nowMs) ??
    (kind === 'interval' ? countFault(value as Interval) : undefined);
  return wrong === undefined ? recordOf(topic, value) : faulty(wrong);
}

/** The first field that is wrong, by name. */
function faultOf(schema: JsonSchema, value: unknown): string | undefined {
  // Value takes any JSON Schema; its types know only those that it made.
  const plain = schema as unknown as TObject;
  if (Value.Check(plain, value)) return undefined;
  const [error] = Value.Errors(plain, value);
  const field = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
  return `${field === '' ? 'the payload' : field} ${error?.message ?? 'is wrong'}`;
}

type Times = { readonly from: string; readonly to: string };

function recordFault(value: Times, intervalS: number, nowMs: number): string | undefined {
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

/** What the contract allows and a door does not. */
function countFault(value: Interval): string | undefined {
  for (const field of ['in', 'out', 'net_in', 'net_out'] as const)
    if (value[field] > COUNT_MAX) return `${field} is ${value[field]}; expected at most ${COUNT_MAX} in one interval`;
  return undefined;
}

function recordOf({ device, kind, name }: DeviceTopic, value: unknown): RecordReading {
  const record = value as Pick<Receipt, 'epoch_id' | 'seq' | 'from' | 'to'>;
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
    const zone = value as Zone;
    return { ...facts, kind, visits: zone.visits, bounces: zone.bounces, passersBy: zone.passers_by };
  }
  if (kind !== 'interval') return { ...facts, kind: 'receipt' };
  const counted = value as Interval;
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
    // Of a device whose clock nobody has set: people whose moment is not known.
    quality: Math.max(qualityIndex(counted.quality), counted.time === undefined ? 0 : qualityIndex('degraded')),
  };
}

/** A word that we do not know is taken for the worst, as the contract asks of readers. */
function qualityIndex(quality: string): number {
  const index = (QUALITIES as readonly string[]).indexOf(quality);
  return index < 0 ? QUALITIES.length - 1 : index;
}

function statusOf(device: string, { state, boot }: Status): StatusReading {
  return { kind: 'status', device, isOnline: state === 'online', boot };
}

function infoOf(device: string, { interval_s, version }: Info): InfoReading {
  return { kind: 'info', device, intervalS: interval_s, version };
}

function updateOf(device: string, { state, version, offered, reason }: UpdateNews): UpdateReading {
  return { kind: 'update', device, state, version, offered, reason };
}

function replyOf(device: string, value: unknown): ReplyReading | undefined {
  if (!Value.Check(Reply, value)) return undefined;
  return { kind: 'reply', device, id: value.id, refusal: value.ok ? '' : (value.error?.code ?? 'refused') };
}

function totalOf(device: string, line: string, value: Total): TotalReading {
  return { kind: 'total', device, line, epochId: value.epoch_id, in: value.in, out: value.out };
}

function topicWord({ device, kind, name }: DeviceTopic): string {
  return name === '' ? `${device}/${kind}` : `${device}/${kind}/${name.slice(0, 32)}`;
}
