/**
 * All that leaves the device, read from the code that lets it leave: each payload is built once from invented facts, and
 * the names of its fields are taken from the result. So the papers cannot forget a field that is sent, nor name one that
 * is not. Whoever adds a topic or a fact is asked by tsc to add it here, and by a test to describe the topic in every language.
 */
import type { LeavingTopic } from '../../../provisioning/site/facts.ts';
import type { Receipt } from '../../privacy/receipts.ts';
import type { ZoneFacts } from '../../voice/intervals/zones.ts';
import type { CountRecord, ZoneRecord } from '../../voice/ledger/ledger.ts';
import { type TopicNames, topicNames } from '../../voice/topics/names.ts';
import * as payloads from '../../voice/topics/payloads.ts';
import { RECORD_FIELDS } from '../tally/record.ts';

const ENVELOPE = {
  seq: 1,
  epochId: '',
  boot: 1,
  name: 'x',
  fromMs: 0,
  toMs: 0,
  samples: 0,
  expected: 0,
  quality: 'ok',
  isOpen: true,
} as const;
const COUNT: CountRecord = {
  ...ENVELOPE,
  kind: 'count',
  in: 0,
  out: 0,
  netIn: 0,
  netOut: 0,
  totalIn: 0,
  totalOut: 0,
  chains: 0,
  groupsHour: 0,
};
const ZONE_FACTS: ZoneFacts = {
  visits: 0,
  bounces: 0,
  passersBy: 0,
  dwellCount: 0,
  dwellMeanS: null,
  dwellMedianS: null,
  dwellP90S: null,
  peopleMean: null,
  peopleMax: 0,
  queueMean: null,
  queueMax: 0,
};
const ZONE: ZoneRecord = { ...ENVELOPE, kind: 'zone', facts: ZONE_FACTS, entries: null };
const RECORD = { epochId: '', tz: '', historical: false };

const RESIDENCY = { p50: 0, p99: 0, max: 0, n: 0 };
const RECEIPT: Receipt = {
  v: 1,
  kind: 'receipt',
  site: '',
  device: '',
  epoch_id: '',
  number: 1,
  seq: 1,
  boot: 1,
  from: '',
  to: '',
  quality: 'ok',
  frames: { read: 0, erased: 0, dropped: 0 },
  longest_us: { pixels: null, derived: null },
  eye_starts: 0,
  models: [],
  config_sha256: '',
  version: '',
  covers: [],
  previous: null,
  public_key: '',
  signature: '',
};

/** Per topic, all payloads that are published on it. */
const PAYLOADS: Readonly<Record<Exclude<keyof TopicNames, 'tally'>, readonly string[]>> = {
  status: [payloads.statusPayload({ state: 'online', boot: 1, version: '' })],
  info: [
    payloads.infoPayload({
      site: '',
      device: '',
      version: '',
      nodeVersion: '',
      boot: 1,
      epochId: '',
      startedAtMs: 0,
      tz: '',
      intervalS: 1,
      frameRateHz: 1,
      camera: '',
      model: '',
      lines: [],
      entrances: [],
      zones: [],
      openingHours: [],
    }),
  ],
  health: [
    payloads.healthPayload({
      atMs: 0,
      eyeState: '',
      eyeReason: '',
      camera: '',
      ledger: { state: 'ok', reason: '' },
      receipts: { state: 'ok', reason: '' },
      residencyMsMax: 1,
      overLimit: null,
      pending: 0,
      dropped: 0,
      keptFromMs: null,
      records: 0,
      cutOff: false,
    }),
  ],
  privacy: [
    payloads.privacyPayload({
      atMs: 0,
      frames: { read: 0, erased: 0, dropped: 0 },
      reportedAtMs: 0,
      minute: { pixels: RESIDENCY, derived: RESIDENCY },
      sinceBoot: { pixels: RESIDENCY, derived: RESIDENCY },
      limitMs: 1,
      overLimit: null,
      modelSha256: null,
    }),
  ],
  total: [payloads.totalPayload({ in: 0, out: 0, netIn: 0, netOut: 0, epochId: '', atMs: 0 })],
  interval: [payloads.intervalPayload({ ...RECORD, record: COUNT })],
  zone: [payloads.intervalPayload({ ...RECORD, record: ZONE })],
  occupancy: [
    payloads.zoneNowPayload({ atMs: 0, people: 0, queue: 0 }),
    payloads.storePayload({
      atMs: 0,
      tz: '',
      isOpen: true,
      people: 0,
      peopleMin: null,
      peopleMax: null,
      in: 0,
      out: 0,
      ratio: 1,
      days: 0,
      imbalance: null,
      resetAtMs: 0,
    }),
  ],
  receipt: [JSON.stringify(RECEIPT)],
  simulation: [payloads.simulationPayload({ atMs: 0, trueIn: 0, trueOut: 0 })],
};

/** What stands for a name in a topic that there is one of for each line or zone. */
const PER: Partial<Record<keyof TopicNames, string>> = { zone: '<zone>', occupancy: '<zone>' };

export function leavingTopics(site: string, device: string): LeavingTopic[] {
  const names = topicNames(site, device);
  return Object.entries(names).map(([key, name]: [string, string | ((of: string) => string)]) => ({
    key,
    topic: typeof name === 'string' ? name : name(PER[key as keyof TopicNames] ?? '<line>'),
    fields: key === 'tally' ? RECORD_FIELDS : fieldsOf(PAYLOADS[key as keyof typeof PAYLOADS]),
  }));
}

function fieldsOf(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => keysOf('', JSON.parse(text))))];
}

/** `dwell_s.mean` for a field inside a field. */
function keysOf(prefix: string, value: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(value).flatMap(([name, inner]) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? keysOf(`${prefix}${name}.`, inner as Record<string, unknown>)
      : [`${prefix}${name}`],
  );
}
