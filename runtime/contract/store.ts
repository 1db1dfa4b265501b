/**
 * What a store's gateway says below `lethe/v1/<site>/store/`: its doors and the store as one, made of what the devices say.
 * Apart from the table of a device's topics, as none of these leaves a counter. `store` is no device's name.
 */
import { type Static, type TObject, Type } from 'typebox';
import { intervalHead, StoreSchema, TotalSchema } from './counts.ts';
import { StatusSchema } from './device.ts';
import {
  Boot,
  count,
  EpochId,
  levelName,
  nullable,
  openWords,
  ProgramVersion,
  people,
  Quality,
  TimeZone,
  text,
  time,
  Version,
} from './fields.ts';
import { baseTopic, type Topic } from './topics.ts';

/** Third level of the topics of the store. */
export const STORE_DEVICE = 'store';

/** Lists of devices in a payload stop here, so that a large store does not make a large message; numbers are whole. */
export const DEVICES_TOLD_MAX = 100;

const devices = (description: string) =>
  Type.Array(levelName('A device'), {
    maxItems: DEVICES_TOLD_MAX,
    description: `${description}; the first ${DEVICES_TOLD_MAX}`,
  });

export const StoreInfoSchema = Type.Object(
  {
    v: Version,
    site: levelName('Site, as in the topic'),
    version: ProgramVersion,
    node_version: text('Version of Node.js'),
    boot: Boot,
    epoch_id: EpochId,
    started_at: time('Start of the gateway'),
    tz: TimeZone,
    interval_s: Type.Integer({ minimum: 1, maximum: 3600, description: 'Length of an interval', 'x-unit': 's' }),
    deadline_s: Type.Integer({
      minimum: 1,
      maximum: 3600,
      description: 'How long after its end an interval waits for devices',
      'x-unit': 's',
    }),
    device_count: count('Devices that are expected', 'devices'),
    devices: devices('Devices that are expected'),
    doors: Type.Array(
      Type.Object({
        name: levelName('As in topics'),
        of: Type.Array(Type.Object({ device: levelName('Device'), line: levelName('Line or entrance') }), {
          description: 'Lines that make it up',
        }),
        overlap: openWords(['sum', 'max'], 'sum: lines beside each other; max: lines that see the same people'),
      }),
      { description: 'What makes up the store' },
    ),
    opening_hours: Type.Array(text('A rule'), { description: 'In the site’s time zone; empty: always open' }),
  },
  {
    description:
      'What stays the same until the next start of the gateway, or until another device claims its certificate',
  },
);
export type StoreInfo = Static<typeof StoreInfoSchema>;

export const StoreIntervalSchema = Type.Object(
  {
    ...intervalHead,
    in: people('Came in, every crossing by its own time'),
    out: people('Went out, likewise'),
    net_in: people('Came in, without those who turned back within the view'),
    net_out: people('Went out, likewise'),
    total_in: people(
      'Total with this record. In the order of seq it grows by `in`, or for a revision by what `in` grew by',
    ),
    total_out: people('Total with this record, likewise'),
    devices: count('Expected devices that reported all of the interval', 'devices'),
    missing_count: count('Expected devices that did not', 'devices'),
    missing: devices('Their names'),
    complete: Type.Boolean({ description: 'None is missing' }),
    revision: count('0: told for the first time; each later one replaces the one before', 'revisions'),
    samples: count('Frames read', 'frames'),
    expected: count('Frames of cameras that miss none', 'frames'),
    quality: Quality,
    historical: Type.Boolean({ description: 'Sent later than deadline_s and one interval after its end' }),
  },
  { description: 'People through a door, or into the store, in one interval' },
);
export type StoreInterval = Static<typeof StoreIntervalSchema>;

export const StoreOccupancySchema = Type.Object(
  {
    ...StoreSchema.properties,
    missing_count: count(
      'Expected devices that say nothing now: people at their doors are not in the number',
      'devices',
    ),
    missing: devices('Their names'),
  },
  { description: 'Who is in the store now, by who came in and who left through all its doors' },
);
export type StoreOccupancy = Static<typeof StoreOccupancySchema>;

const DeviceSince = Type.Object({
  device: levelName('Device'),
  since: nullable(time('End of its last record'), 'none is known'),
});

export const StoreHealthSchema = Type.Object(
  {
    v: Version,
    at: time('When this was said'),
    devices: Type.Object(
      {
        online: count('Expected devices that are connected and report', 'devices'),
        offline: Type.Array(DeviceSince, { maxItems: DEVICES_TOLD_MAX, description: 'Not connected' }),
        silent: Type.Array(DeviceSince, { maxItems: DEVICES_TOLD_MAX, description: 'Connected, and no record comes' }),
        unknown: devices('Devices that nobody expects'),
      },
      { description: 'Who is there' },
    ),
    gaps: Type.Object(
      {
        numbers: count('Records that are missing, by their numbers', 'records'),
        given_up: count('Of these, those that their device was asked for in vain', 'records'),
        devices: devices('Devices of these records'),
      },
      { description: 'What did not arrive' },
    ),
    records: Type.Object(
      {
        taken: count('Records taken', 'records'),
        doubled: count('Records that were here already', 'records'),
        late: count('Records of intervals that were closed already', 'records'),
        refused: count('Messages that do not keep the contract', 'messages'),
        unknown: count('Records of devices that nobody expects', 'records'),
      },
      { description: 'Since the gateway started' },
    ),
    database: Type.Object(
      {
        state: openWords(['ok', 'unwritable'], 'unwritable: what arrives is left at the broker'),
        reason: text('A sentence; empty: none'),
        bytes: count('Size of the file', 'bytes'),
      },
      { description: 'Numbers on disk' },
    ),
    updates: Type.Optional(
      Type.Object(
        {
          version: text('Version that is offered'),
          current: count('Devices that have it, or a newer one', 'devices'),
          older: devices('Devices that have an older one, or have not said'),
          busy: devices('Of these, those that fetch, install or try it now'),
          failed: Type.Array(
            Type.Object({
              device: levelName('Device'),
              kind: openWords(
                ['rolled_back', 'refused', 'lost'],
                'rolled_back: it went back by itself; refused: it did not take it; lost: it was not heard of again',
              ),
              reason: text('A word of the device; empty: none'),
            }),
            { maxItems: DEVICES_TOLD_MAX, description: `Devices on which it failed; the first ${DEVICES_TOLD_MAX}` },
          ),
          halted: Type.Boolean({ description: 'Offered to nobody any more, as it failed too often' }),
        },
        { description: 'The newer version that devices are offered; left out where none is' },
      ),
    ),
    outbox: count('Records that wait for the broker', 'records'),
    outbox_dropped: count('Records given up because too many waited, since the gateway started', 'records'),
    waiting: count('Closed intervals that are to be told again', 'intervals'),
  },
  { description: 'Whether the gateway works, and who is missing' },
);
export type StoreHealth = Static<typeof StoreHealthSchema>;

const EPOCH_ID = '0b9c4a52-5b7e-4d7e-9a0e-3f6c2b1d8e47';
const [BEGIN, END] = ['2026-01-05T12:00:00.000Z', '2026-01-05T12:01:00.000Z'];
const TZ = 'Europe/Stockholm';

const storeTopic = <const Path extends string, Schema extends TObject>(
  path: Path,
  facts: Omit<Topic<Schema>, 'path' | 'qos' | 'from'>,
) => ({ path, qos: 1, from: 'device', ...facts }) as const;

/** Below `lethe/v1/<site>/store/`. */
export const STORE_TOPICS = {
  status: storeTopic('status', {
    schema: StatusSchema,
    retained: true,
    when: 'on each connection and at the end; offline comes from the broker as the last will',
    examples: [{ v: 1, state: 'online', boot: 2, version: '0.1.0' }],
  }),
  info: storeTopic('info', {
    schema: StoreInfoSchema,
    retained: true,
    when: 'on each connection, and when a device claims its certificate',
    examples: [
      {
        v: 1,
        site: 'main-street',
        version: '0.1.0',
        node_version: '20.19.5',
        boot: 2,
        epoch_id: EPOCH_ID,
        started_at: '2026-01-05T06:12:09.114Z',
        tz: TZ,
        interval_s: 60,
        deadline_s: 90,
        device_count: 2,
        devices: ['left', 'right'],
        doors: [
          {
            name: 'entrance',
            of: [
              { device: 'left', line: 'door' },
              { device: 'right', line: 'door' },
            ],
            overlap: 'sum',
          },
        ],
        opening_hours: ['Mo-Fr 09:00-20:00'],
      },
    ],
  }),
  health: storeTopic('health', {
    schema: StoreHealthSchema,
    retained: true,
    when: 'on each connection, on every change of a word or list and each minute',
    examples: [
      {
        v: 1,
        at: END,
        devices: {
          online: 1,
          offline: [{ device: 'right', since: BEGIN }],
          silent: [],
          unknown: [],
        },
        gaps: { numbers: 2, given_up: 0, devices: ['right'] },
        records: { taken: 1204, doubled: 3, late: 12, refused: 0, unknown: 0 },
        database: { state: 'ok', reason: '', bytes: 1_204_224 },
        updates: {
          version: '0.2.0',
          current: 1,
          older: ['right'],
          busy: [],
          failed: [{ device: 'right', kind: 'rolled_back', reason: 'not_healthy' }],
          halted: false,
        },
        outbox: 0,
        outbox_dropped: 0,
        waiting: 0,
      },
    ],
  }),
  total: storeTopic('total/{door}', {
    schema: TotalSchema,
    retained: true,
    when: 'on each connection and on change, at most once a second; total/store is the store; net_in and net_out follow at the end of the devices’ intervals',
    examples: [{ v: 1, in: 2580, out: 2542, net_in: 2484, net_out: 2446, epoch_id: EPOCH_ID, at: END }],
  }),
  interval: storeTopic('interval/{door}', {
    schema: StoreIntervalSchema,
    retained: false,
    when: 'when all devices have reported or the deadline has passed, and again when something comes later, in order, until the broker has acknowledged it: at least once; interval/store is the store',
    examples: [
      {
        v: 1,
        seq: 41,
        boot: 2,
        epoch_id: EPOCH_ID,
        from: BEGIN,
        to: END,
        tz: TZ,
        open: true,
        in: 8,
        out: 4,
        net_in: 6,
        net_out: 2,
        total_in: 2580,
        total_out: 2542,
        devices: 1,
        missing_count: 1,
        missing: ['right'],
        complete: false,
        revision: 0,
        samples: 900,
        expected: 900,
        quality: 'degraded',
        historical: false,
      },
    ],
  }),
  occupancy: storeTopic('occupancy/store', {
    schema: StoreOccupancySchema,
    retained: true,
    when: 'on each connection and on change, at most once a second',
    examples: [
      {
        v: 1,
        at: BEGIN,
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
        missing_count: 0,
        missing: [],
      },
    ],
  }),
} as const satisfies Readonly<Record<string, Topic>>;

export type StoreTopicNames = {
  readonly base: string;
  readonly status: string;
  readonly info: string;
  readonly health: string;
  readonly occupancy: string;
  readonly total: (door: string) => string;
  readonly interval: (door: string) => string;
};

export function storeTopicNames(site: string): StoreTopicNames {
  const base = baseTopic(site, STORE_DEVICE);
  return {
    base,
    status: `${base}/${STORE_TOPICS.status.path}`,
    info: `${base}/${STORE_TOPICS.info.path}`,
    health: `${base}/${STORE_TOPICS.health.path}`,
    occupancy: `${base}/${STORE_TOPICS.occupancy.path}`,
    total: (door) => `${base}/total/${door}`,
    interval: (door) => `${base}/interval/${door}`,
  };
}
