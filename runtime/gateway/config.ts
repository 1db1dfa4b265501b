/**
 * The gateway's configuration: which devices stand in the store, which of their lines make up which door, how long numbers
 * are kept and where they go. One schema, as for a counter (config/schema.ts), whose fields it takes over where they mean
 * the same: names, time zone, opening hours, the way to the broker.
 */
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { brokerProblems, isCredential } from '../config/broker.ts';
import { type ConfigSource, camelKeys, pathsFrom, readConfigFile, schemaProblems } from '../config/config.ts';
import { hoursProblems } from '../config/hours.ts';
import { type Camel, ConfigSchema, flag, integer, section, topicLevel } from '../config/schema.ts';
import { show, suggest } from '../config/words.ts';
import { ConfigError } from '../errors.ts';
import { type ClaimFields, ClaimSettings, claimProblems } from './claim/settings.ts';
import { UpdateSettings, updateProblems } from './updates/settings.ts';

/** A large store has some dozens of doors; what is reckoned a minute grows with these. */
export const DEVICES_MAX = 2000;
export const DOORS_MAX = 256;
const SOURCES_MAX = 32;
/** Names of the store itself and of what is counted for devices that nobody expects; topics of both have no door's name. */
export const STORE_NAME = 'store';
export const OTHER_NAME = 'other';
/** Third level of a topic that no device may have: the store's own, and that of the gateway program. */
export const RESERVED_DEVICES = [STORE_NAME, 'gateway'] as const;

const { properties: counter } = ConfigSchema;

const path = (description: string) =>
  Type.String({ default: '', maxLength: 1000, description, shape: 'a path, or empty' });

export const SourceSchema = Type.Object(
  {
    device: topicLevel('door1', 'Device that has the line'),
    line: topicLevel('door', 'Line or entrance of that device'),
  },
  { additionalProperties: false, description: 'A line of a device' },
);

export const DoorSchema = Type.Object(
  {
    name: topicLevel('door', 'Name of the door, used in topics'),
    of: Type.Array(SourceSchema, {
      minItems: 1,
      maxItems: SOURCES_MAX,
      description: 'Lines that make up this door',
      shape: `a list of 1 to ${SOURCES_MAX} lines { "device": …, "line": … }`,
    }),
    overlap: Type.Enum(['sum', 'max'], {
      default: 'sum',
      description:
        'sum: the lines stand beside each other, nobody crosses two of them; max: they see the same people, and who is seen by one is not counted again',
      shape: 'sum or max',
    }),
  },
  { additionalProperties: false, description: 'A door of the store' },
);

export const GatewaySchema = Type.Object(
  {
    site: counter.site,
    time_zone: counter.time_zone,
    log_level: counter.log_level,
    state_dir: Type.String({
      default: '.lethe-gateway',
      minLength: 1,
      maxLength: 200,
      description: 'Folder of the database; relative to the configuration file',
      shape: 'a path of 1 to 200 characters',
    }),
    mqtt: counter.mqtt,
    interval_s: counter.interval_s,
    deadline_s: integer(5, 3600, 90, {
      description: 'How long after the end of an interval devices may report before it is closed without them',
      unit: 's',
    }),
    devices: Type.Array(topicLevel('door1', 'A device'), {
      maxItems: DEVICES_MAX,
      uniqueItems: true,
      default: ['door1'],
      description:
        'Devices that are expected to report, besides those that claimed a certificate here; empty where section claim is, unless it is written',
      shape: `a list of 1 to ${DEVICES_MAX} different names of devices`,
    }),
    accept_unknown: flag(false, {
      description: `Count devices that are not in devices as well: their lines make up a door called ${OTHER_NAME}`,
    }),
    doors: Type.Array(DoorSchema, {
      maxItems: DOORS_MAX,
      default: [{ name: 'door', of: [{ device: 'door1', line: 'door' }], overlap: 'sum' }],
      description:
        'What makes up the store; a claimed device that is in none is a door of its own; empty where section claim is, unless it is written',
      shape: `1 to ${DOORS_MAX} doors`,
    }),
    opening_hours: counter.opening_hours,
    occupancy: section(
      {
        doors: Type.Array(Type.String({ minLength: 1, maxLength: 32, description: 'A door' }), {
          maxItems: DOORS_MAX,
          default: [],
          description: 'Doors through which people come into the store and leave it; empty: all',
          shape: 'a list of names of doors',
        }),
        reset_at: counter.occupancy.properties.reset_at,
      },
      'How many people are in the store',
    ),
    retention: section(
      {
        minute_days: integer(1, 3660, 400, {
          description: 'How long the intervals themselves are kept; hours and days are kept for ever',
          unit: 'days',
        }),
      },
      'How long numbers are kept',
    ),
    prometheus: section(
      {
        port: integer(0, 65_535, 0, { description: 'Port of /metrics and /healthz; 0: none' }),
        address: Type.String({
          pattern: '^[0-9a-fA-F.:]{2,45}$',
          default: '127.0.0.1',
          description: 'Address on which they are served. Whoever reaches it can read all numbers of the store',
          shape: 'an IP address such as 127.0.0.1',
        }),
      },
      'Metrics for Prometheus',
    ),
    claim: ClaimSettings,
    updates: UpdateSettings,
    sinks: section(
      {
        influx: section(
          {
            url: Type.String({
              pattern: '^(https?://[^\\s@]+)?$',
              maxLength: 500,
              default: '',
              description:
                'Address that takes line protocol, as http://host:8086/api/v2/write?org=…&bucket=…&precision=s; precision must be s; empty: none',
              shape: 'http://… or https://… with precision=s and without user or password, or empty',
            }),
            token_file: path('File with the token of that address; empty: none'),
            file: path('File to which line protocol is written as well, line by line; empty: none'),
          },
          'InfluxDB and whatever else reads its line protocol',
        ),
        sql: section(
          { file: path('File to which SQL is written, a statement a line; empty: none') },
          'Databases that read SQL',
        ),
      },
      'Where closed intervals are written besides topics and database',
    ),
  },
  { additionalProperties: false, title: 'Configuration of the gateway' },
);

/** As written in the file. */
export type GatewayFile = Static<typeof GatewaySchema>;
/** As used in the code: the same words, camelCase. */
export type GatewayConfig = Camel<GatewayFile>;
export type DoorConfig = GatewayConfig['doors'][number];

/** Checks a parsed file and fills in defaults. Throws ConfigError with every problem. */
export function parseGatewayConfig(file: unknown, op = 'check configuration'): GatewayConfig {
  const filled = Value.Default(GatewaySchema, withClaims(file)) as Record<string, unknown>;
  const problems = [...schemaProblems(GatewaySchema, filled).values(), ...crossFieldProblems(filled)];
  if (problems.length > 0) throw new ConfigError(problems, { op });
  return camelKeys(filled) as GatewayConfig;
}

/** Without a section nobody claims; with one the store may begin with no device at all. */
function withClaims(file: unknown): unknown {
  const copy: unknown = Value.Clone(file);
  if (copy === null || typeof copy !== 'object' || Array.isArray(copy)) return copy;
  const fields = copy as Record<string, unknown>;
  if (fields['claim'] === undefined) return { ...fields, claim: { port: 0 } };
  return isClaiming(fields['claim']) ? { devices: [], doors: [], ...fields } : fields;
}

/** claim: as in the file, with or without its defaults. */
function isClaiming(claim: unknown): boolean {
  return (claim as { port?: unknown } | null)?.port !== 0;
}

/** Reads, overrides, checks. Paths inside the file are relative to the file. Throws ConfigError. */
export function loadGatewayConfig(source: ConfigSource): GatewayConfig {
  const file = readConfigFile(source);
  const config = parseGatewayConfig(file, source.path ? `check ${source.path}` : 'check configuration');
  const fromBase = pathsFrom(source);
  const secret = (path: string) => (isCredential(path) ? path : fromBase(path));
  const { influx, sql } = config.sinks;
  return Object.freeze({
    ...config,
    stateDir: fromBase(config.stateDir),
    mqtt: withAbsolutePaths(config.mqtt, secret),
    claim: Object.freeze({
      ...withAbsolutePaths(config.claim, secret),
      fleetKeys: fromBase(config.claim.fleetKeys),
    }),
    updates: Object.freeze({
      ...withAbsolutePaths(config.updates, fromBase),
      releaseKeys: fromBase(config.updates.releaseKeys),
    }),
    sinks: Object.freeze({
      influx: withAbsolutePaths(influx, fromBase),
      sql: withAbsolutePaths(sql, fromBase),
    }),
  });
}

/** Every field named `…File` or `file` is a path. */
function withAbsolutePaths<T extends object>(fields: T, fromBase: (path: string) => string): T {
  const entries = Object.entries(fields).map(([name, value]: [string, unknown]) =>
    /(^f|F)ile$/.test(name) && typeof value === 'string' ? [name, fromBase(value)] : [name, value],
  );
  return Object.freeze(Object.fromEntries(entries)) as T;
}

/** Faults that only several fields together show. Looks at what is right by itself, so that all faults are told in one run. */
function crossFieldProblems(file: Readonly<Record<string, unknown>>): string[] {
  const { properties } = GatewaySchema;
  const devices = Value.Check(properties.devices, file['devices']) ? (file['devices'] as string[]) : undefined;
  const listed = Array.isArray(file['doors']) ? (file['doors'] as unknown[]) : [];
  const doors = listed.map((door) => (Value.Check(DoorSchema, door) ? (door as Static<typeof DoorSchema>) : undefined));
  const { claim } = file;
  // Who claims gets to know its name later than the file is written.
  const isOpen = isClaiming(claim);
  const problems: string[] = [...deviceProblems(devices ?? []), ...doorProblems(doors, isOpen ? undefined : devices)];
  if (!isOpen) problems.push(...emptyProblems(file));
  else if (Value.Check(properties.claim, claim)) problems.push(...claimProblems(claim as ClaimFields, devices ?? []));
  const { updates } = file;
  if (Value.Check(properties.updates, updates)) problems.push(...updateProblems(updates, isOpen));
  if (Value.Check(properties.mqtt, file['mqtt'])) problems.push(...brokerProblems(file['mqtt']));
  const { occupancy } = file;
  if (!isOpen && Value.Check(properties.occupancy, occupancy))
    problems.push(...occupancyProblems(occupancy.doors, doors));
  if (Value.Check(properties.time_zone, file['time_zone'])) problems.push(...zoneProblems(file['time_zone']));
  if (Value.Check(properties.opening_hours, file['opening_hours']))
    problems.push(...hoursProblems(file['opening_hours']));
  if (Value.Check(properties.sinks, file['sinks'])) problems.push(...sinkProblems(file['sinks'].influx));
  return problems;
}

function emptyProblems(file: Readonly<Record<string, unknown>>): string[] {
  return ['devices', 'doors']
    .filter((field) => Array.isArray(file[field]) && (file[field] as unknown[]).length === 0)
    .map(
      (field) =>
        `${field} is []; expected at least one where no device claims its certificate. Add it, or a section claim.`,
    );
}

function deviceProblems(devices: readonly string[]): string[] {
  return devices.flatMap((name, index) =>
    (RESERVED_DEVICES as readonly string[]).includes(name)
      ? [
          `devices.${index} is ${show(name)}, which stands for the store itself; expected another name. Rename the device.`,
        ]
      : [],
  );
}

type Doors = readonly (Static<typeof DoorSchema> | undefined)[];

function doorProblems(doors: Doors, devices: readonly string[] | undefined): string[] {
  const problems: string[] = [];
  const firstWith = new Map<string, string>();
  const firstUse = new Map<string, string>();
  for (const [index, door] of doors.entries()) {
    if (door === undefined) continue;
    const field = `doors.${index}`;
    if (door.name === STORE_NAME || door.name === OTHER_NAME)
      problems.push(
        `${field}.name is ${show(door.name)}, which the gateway uses itself; expected another name. Rename it.`,
      );
    const before = firstWith.get(door.name);
    if (before !== undefined)
      problems.push(
        `${field}.name is ${show(door.name)}; expected a name that ${before} does not have. Rename one of them.`,
      );
    firstWith.set(door.name, field);
    for (const [at, { device, line }] of door.of.entries()) {
      const source = `${field}.of.${at}`;
      if (devices !== undefined && !devices.includes(device)) {
        const meant = suggest(device, devices);
        problems.push(
          `${source}.device is ${show(device)}, which is not in devices; ${meant === undefined ? 'add it there.' : `did you mean ${meant}? Correct it, or add it there.`}`,
        );
      }
      const used = firstUse.get(`${device}/${line}`);
      if (used !== undefined)
        problems.push(
          `${source} is line ${show(line)} of ${show(device)}, which ${used} has already; expected each line in one place, or its people count twice. Remove one of them.`,
        );
      firstUse.set(`${device}/${line}`, source);
    }
  }
  return problems;
}

function occupancyProblems(names: readonly string[], doors: Doors): string[] {
  const known = doors.flatMap((door) => (door === undefined ? [] : [door.name]));
  return names.flatMap((name, index) => {
    if (known.includes(name)) return [];
    const meant = suggest(name, known);
    return [
      `occupancy.doors.${index} is ${show(name)}, which is no door; ${meant === undefined ? `expected one of ${known.join(', ')}.` : `did you mean ${meant}?`} Correct or remove it.`,
    ];
  });
}

function zoneProblems(timeZone: string): string[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
    return [];
  } catch {
    return [
      `time_zone is ${show(timeZone)}; expected an IANA name such as Europe/Stockholm. Remove the line to use "UTC".`,
    ];
  }
}

/** Points carry whole seconds; an address that takes them for nanoseconds would put all of them into 1970. */
function sinkProblems({ url }: { readonly url: string }): string[] {
  if (url === '' || /[?&]precision=s(&|$)/.test(url)) return [];
  return [`sinks.influx.url is ${show(url)}; expected precision=s among its parameters. Add it.`];
}
