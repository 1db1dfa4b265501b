/** One payload of each kind as it may look on the wire, for the published documents; tsc and a test hold them against the schemas. */
import type { Reply, Request, SetupDots } from './commands.ts';
import type { Interval, Store, Total, Zone, ZoneNow } from './counts.ts';
import type { Health, Info, Privacy, Simulation, Status, UpdateNews } from './device.ts';
import type { Receipt } from './receipt.ts';
import type { SchemaDocument } from './schema-document.ts';
import type { Tally } from './tally.ts';

const EPOCH_ID = '5f0c9a4e-6d0b-4a53-9a3e-0a6f1b2c3d4e';
const VERSION = '0.1.0';
const TZ = 'Europe/Stockholm';
const NOON = '2026-01-05T12:00:00.000Z';
const MINUTE_LATER = '2026-01-05T12:01:00.000Z';
const HASH = '2f5c1e0d9b8a7766554433221100ffeeddccbbaa99887766554433221100abcd';

export const STATUS: readonly Status[] = [
  { v: 1, state: 'online', boot: 3, version: VERSION },
  { v: 1, state: 'offline', boot: 3, version: VERSION },
];

export const INFO: readonly Info[] = [
  {
    v: 1,
    site: 'main-street',
    device: 'door1',
    version: VERSION,
    node_version: '20.19.5',
    boot: 3,
    epoch_id: EPOCH_ID,
    started_at: '2026-01-05T06:12:09.114Z',
    tz: TZ,
    interval_s: 60,
    frame_rate_hz: 15,
    camera: 'rpicam',
    model: 'default',
    lines: [{ name: 'door', in: 'down' }],
    entrances: [],
    zones: [{ name: 'till', passes: '' }],
    opening_hours: ['Mo-Fr 09:00-20:00'],
  },
];

/** Two of its topics; the real one is `npx lethe contract --json-schema`. */
export const SCHEMA_DOCUMENT: readonly SchemaDocument[] = [
  {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:lethe:v1',
    title: 'Lethe: what a people counter says over MQTT',
    description: 'Version 1 only grows …',
    v: 1,
    version: VERSION,
    base: 'lethe/v1/main-street/door1',
    lines: ['door'],
    zones: ['till'],
    topics: {
      status: {
        topic: 'status',
        from: 'device',
        retained: true,
        qos: 1,
        when: 'on each connection',
      },
    },
    $defs: { status: { type: 'object' } },
  },
];

export const HEALTH: readonly Health[] = [
  {
    v: 1,
    at: NOON,
    eye: { state: 'counting', reason: '' },
    camera: { driver: 'rpicam', state: 'ok' },
    ledger: { state: 'ok', reason: '', pending: 0, dropped: 0, kept_from: NOON },
    receipts: { state: 'ok', reason: '' },
    corridor: { records: 48_211, cut_off: false },
    privacy: { limit_ms: 10, over_limit: 0, last_at: null, last_us: null },
    clock: { state: 'synced', uptime_s: 71_204 },
    setup: { until: null },
    commands: { accepted: 1, refused: 0, last_at: NOON },
  },
];

export const PRIVACY: readonly Privacy[] = [
  {
    v: 1,
    at: NOON,
    frames: { read: 313_201, erased: 313_201, dropped: 12 },
    reported_at: '2026-01-05T11:59:58.020Z',
    residency_us: {
      minute: {
        pixels: { p50: 412, p99: 655, max: 1290, n: 900 },
        derived: { p50: 1301, p99: 1742, max: 3008, n: 899 },
      },
      since_boot: {
        pixels: { p50: 409, p99: 688, max: 2876, n: 313_201 },
        derived: { p50: 1297, p99: 1801, max: 5120, n: 313_189 },
      },
    },
    limit_ms: 10,
    over_limit: 0,
    last_at: null,
    last_us: null,
    model_sha256: HASH,
  },
];

export const TOTAL: readonly Total[] = [
  { v: 1, in: 1290, out: 1271, net_in: 1242, net_out: 1223, epoch_id: EPOCH_ID, at: MINUTE_LATER },
];

const RECORD = {
  v: 1,
  seq: 7,
  boot: 3,
  epoch_id: EPOCH_ID,
  from: NOON,
  to: MINUTE_LATER,
  tz: TZ,
  open: true,
} as const;
const COVERAGE = { samples: 900, expected: 900, quality: 'ok', historical: false } as const;

export const INTERVAL: readonly Interval[] = [
  {
    ...RECORD,
    in: 4,
    out: 2,
    net_in: 3,
    net_out: 1,
    total_in: 1290,
    total_out: 1271,
    chains: 2,
    groups_hour: 2.5,
    ...COVERAGE,
  },
];

export const ZONE: readonly Zone[] = [
  {
    ...RECORD,
    seq: 8,
    visits: 3,
    bounces: 1,
    dwell_s: { n: 2, mean: 41.5, median: 38.2, p90: 55.9 },
    people: { mean: 1.42, max: 3 },
    queue: { mean: 0.61, max: 2 },
    passers_by: 0,
    drop_in_rate: null,
    ...COVERAGE,
  },
];

export const RECEIPT: readonly Receipt[] = [
  {
    v: 1,
    kind: 'receipt',
    site: 'main-street',
    device: 'door1',
    epoch_id: EPOCH_ID,
    number: 3,
    seq: 9,
    boot: 3,
    from: NOON,
    to: MINUTE_LATER,
    quality: 'ok',
    frames: { read: 900, erased: 900, dropped: 1 },
    longest_us: { pixels: 1290, derived: 3008 },
    eye_starts: 0,
    models: [HASH],
    config_sha256: HASH,
    version: VERSION,
    covers: [
      { seq: 7, topic: 'interval/door', sha256: HASH },
      { seq: 8, topic: 'zone/till', sha256: HASH },
    ],
    previous: HASH,
    public_key: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
    signature: '…',
  },
];

export const ZONE_NOW: readonly ZoneNow[] = [{ v: 1, at: NOON, people: 2, queue: 1 }];

export const STORE: readonly Store[] = [
  {
    v: 1,
    at: NOON,
    tz: TZ,
    open: true,
    people: 19,
    people_min: 14,
    people_max: 25,
    in: 214,
    out: 196,
    ratio: 0.9947,
    days: 14,
    imbalance: 0.0081,
    reset_at: '2026-01-04T19:00:00.000Z',
  },
];

const DIRECTION = {
  person: 1,
  device: 1,
  matched: 1,
  missed: 0,
  extra: 0,
  unobserved: 0,
  unobserved_counts: 0,
  recall: 1,
  recall_low: 0.05,
  precision: 1,
  precision_low: 0.05,
  verdict: 'undecided',
  bias: 0,
  interval: [-3.4641, 3.4641],
  more_needed: 811,
} as const;

export const TALLY: readonly Tally[] = [
  {
    v: 1,
    kind: 'tally',
    site: 'main-street',
    device: 'door1',
    line: 'door',
    version: VERSION,
    from: NOON,
    to: MINUTE_LATER,
    window_ms: 2000,
    margin: 0.02,
    alpha: 0.05,
    device_shown: false,
    presses: [
      [8120, 'in'],
      [31_407, 'out'],
    ],
    undone: [],
    counts: [
      [8602, 'in'],
      [31_990, 'out'],
    ],
    gaps: [],
    notes: [],
    result: {
      lag_ms: 0,
      in: { ...DIRECTION, interval: [-3.4641, 3.4641] },
      out: { ...DIRECTION, interval: [-3.4641, 3.4641] },
      unmatched: [],
    },
    key: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
    signature: '…',
  },
];

export const SIMULATION: readonly Simulation[] = [{ v: 1, simulated: true, at: NOON, true_in: 4, true_out: 2 }];

const SIGNED = {
  site: 'main-street',
  device: 'door1',
  issued_at: NOON,
  expires_at: MINUTE_LATER,
  public_key: 'sWvZy1qfGnUA0Yq3vQ0cQ1aWq7Jb0C2m8cE2V6kqQ4M=',
  signature: 'Yk3qV3oDqkq0Yp0yqgX3WqJ2Jb0C2m8cE2V6kqQ4MsWvZy1qfGnUA0Yq3vQ0cQ1aWq7Jb0C2m8cE2V6kqQ4MAA==',
};

export const SETUP_DOTS: readonly SetupDots[] = [
  {
    v: 1,
    at: NOON,
    until: '2026-01-05T12:10:00.000Z',
    dots: [
      [0.252, 0.5801],
      [0.7207, 0.377],
    ],
  },
  { v: 1, at: NOON, until: '2026-01-05T12:10:00.000Z', dots: [] },
];

export const REPLY: readonly Reply[] = [
  { v: 1, at: NOON, id: 'a1', ok: true, version: VERSION, uptime_s: 86_400 },
  {
    v: 1,
    at: NOON,
    id: 'a2',
    ok: false,
    error: {
      code: 'expired',
      message:
        'expires_at is 2026-01-05T11:00:00.000Z; this device’s clock says 2026-01-05T12:00:00.000Z. Sign it again.',
    },
  },
];

export const CMD_PING: readonly Request<'ping'>[] = [{ v: 1, id: 'a1' }];
export const CMD_IDENTIFY: readonly Request<'identify'>[] = [{ v: 1, id: 'a3' }];
export const CMD_RESEND: readonly Request<'resend'>[] = [
  { v: 1, id: 'a4', epoch_id: EPOCH_ID, from_seq: 17, to_seq: 19 },
];
export const CMD_SETUP: readonly Request<'setup'>[] = [{ v: 1, id: 'a5', minutes: 10, command: 'setup', ...SIGNED }];
export const CMD_RESET_OCCUPANCY: readonly Request<'reset-occupancy'>[] = [
  { v: 1, id: 'a6', people: 12, command: 'reset-occupancy', ...SIGNED },
];
export const CMD_RELOAD: readonly Request<'reload'>[] = [{ v: 1, id: 'a7', command: 'reload', ...SIGNED }];

export const UPDATE_NEWS: readonly UpdateNews[] = [
  {
    v: 1,
    at: NOON,
    state: 'downloading',
    version: VERSION,
    offered: '0.2.0',
    reason: '',
    received_bytes: 12_000_000,
    bytes: 43_010_560,
  },
  {
    v: 1,
    at: NOON,
    state: 'rolled_back',
    version: VERSION,
    offered: '0.2.0',
    reason: 'not_healthy',
    received_bytes: 0,
    bytes: 0,
  },
];
export const CMD_UPDATE: readonly Request<'update'>[] = [
  {
    v: 1,
    id: 'a8',
    manifest: {
      v: 1,
      name: 'lethe',
      version: '0.2.0',
      target: 'linux-arm64',
      bytes: 43_008_457,
      sha256: 'e7c7b0e864f924e5484c5c8b6813516b8e5a19be6a6e163239c5f8e2649d1886',
      unpacked_bytes: 109_631_090,
      file_count: 1319,
      node: '24.22.0',
      made_at: '2026-01-05T11:00:00Z',
      from_min: '0.1.0',
      key_id: '942b55d6',
    },
    signature: `${'A'.repeat(86)}==`,
    url: 'https://gateway.store:8885/v1/bundle/e7c7b0e864f924e5484c5c8b6813516b8e5a19be6a6e163239c5f8e2649d1886',
  },
];
