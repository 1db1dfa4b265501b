/**
 * The table of topics below `lethe/v1/<site>/<device>/`: what is said where, how, and when. An entrance has the topics of a
 * line. Site, device, line and zone names are single safe levels (the configuration's schema sees to it).
 * Everything that knows about topics is made from it: names for those who publish and subscribe, the published documents,
 * the papers of a site, the table in the README.
 */
import type { Static, TObject } from 'typebox';
import { COMMANDS, ReplySchema, SetupDotsSchema } from './commands.ts';
import { TOPIC_ROOT } from './contract.ts';
import { IntervalSchema, StoreSchema, TotalSchema, ZoneNowSchema, ZoneSchema } from './counts.ts';
import {
  HealthSchema,
  InfoSchema,
  PrivacySchema,
  SimulationSchema,
  StatusSchema,
  UpdateStateSchema,
} from './device.ts';
import * as examples from './examples.ts';
import { ReceiptSchema } from './receipt.ts';
import { SchemaDocumentSchema } from './schema-document.ts';
import { TallySchema } from './tally.ts';

export type Topic<Schema extends TObject = TObject> = {
  /** Levels below the device's; a level in braces is a name. */
  readonly path: string;
  readonly schema: Schema;
  readonly retained: boolean;
  readonly qos: 0 | 1;
  /** Who publishes: the device, or somebody who wants something of it and is answered on reply/… */
  readonly from: 'device' | 'others';
  /** When it is sent: the rest of a sentence that begins with the topic. */
  readonly when: string;
  /** At least one payload that is right. */
  readonly examples: readonly Static<Schema>[];
};

/** Keeps the path as a literal, for the types of names, and holds the examples against the schema. */
const topic = <const Path extends string, Schema extends TObject>(
  path: Path,
  facts: Omit<Topic<Schema>, 'path' | 'qos' | 'from'>,
) => ({ path, qos: 1, from: 'device', ...facts }) as const;

/** A question to the device. None is retained: what stood at the broker would be asked again by nobody. */
const command = <const Name extends keyof typeof COMMANDS>(
  name: Name,
  said: readonly Static<(typeof COMMANDS)[Name]['schema']>[],
) =>
  ({
    path: `cmd/${name}`,
    schema: COMMANDS[name].schema,
    retained: false,
    qos: 1,
    from: 'others',
    when: COMMANDS[name].isSigned ? 'by whoever has a key that the device knows' : 'by anybody whom the broker lets',
    examples: said,
  }) as const;

export const TOPICS = {
  status: topic('status', {
    schema: StatusSchema,
    retained: true,
    when: 'on each connection and at the end; offline comes from the broker as the last will',
    examples: examples.STATUS,
  }),
  info: topic('info', {
    schema: InfoSchema,
    retained: true,
    when: 'on each connection',
    examples: examples.INFO,
  }),
  schema: topic('schema', {
    schema: SchemaDocumentSchema,
    retained: true,
    when: 'on each connection',
    examples: examples.SCHEMA_DOCUMENT,
  }),
  health: topic('health', {
    schema: HealthSchema,
    retained: true,
    when: 'on each connection, on every change of a word and each minute',
    examples: examples.HEALTH,
  }),
  privacy: topic('privacy', {
    schema: PrivacySchema,
    retained: false,
    when: 'each minute',
    examples: examples.PRIVACY,
  }),
  total: topic('total/{line}', {
    schema: TotalSchema,
    retained: true,
    when: 'on each connection and on change, at most once a second',
    examples: examples.TOTAL,
  }),
  interval: topic('interval/{line}', {
    schema: IntervalSchema,
    retained: false,
    when: 'after each interval, in order, until the broker has acknowledged it: at least once',
    examples: examples.INTERVAL,
  }),
  zone: topic('zone/{zone}', {
    schema: ZoneSchema,
    retained: false,
    when: 'as interval',
    examples: examples.ZONE,
  }),
  /** One for each interval, about all its messages. */
  receipt: topic('receipt', {
    schema: ReceiptSchema,
    retained: false,
    when: 'after the messages of each interval, likewise',
    examples: examples.RECEIPT,
  }),
  occupancy: topic('occupancy/{zone}', {
    schema: ZoneNowSchema,
    retained: true,
    when: 'on each connection and on change, at most once a second',
    examples: examples.ZONE_NOW,
  }),
  /** `store` stands where a zone's name could stand; no zone may be called so. */
  occupancyStore: topic('occupancy/store', {
    schema: StoreSchema,
    retained: true,
    when: 'on each connection and on change, at most once a second',
    examples: examples.STORE,
  }),
  /** Published by `lethe tally`, not by the voice. */
  tally: topic('tally/{line}', {
    schema: TallySchema,
    retained: true,
    when: 'at the end of an audit by hand',
    examples: examples.TALLY,
  }),
  simulation: topic('simulation/{line}', {
    schema: SimulationSchema,
    retained: false,
    when: 'on each crossing before a simulated camera, never before a real one',
    examples: examples.SIMULATION,
  }),
  /** Lost ones are not sent again: the next one is a quarter of a second away. */
  setup: {
    ...topic('setup', {
      schema: SetupDotsSchema,
      retained: false,
      when: 'in set-up mode alone, at most four times a second',
      examples: examples.SETUP_DOTS,
    }),
    qos: 0,
  },
  update: topic('update', {
    schema: UpdateStateSchema,
    retained: true,
    when: 'on each connection and on change; while it is fetched each ten seconds',
    examples: examples.UPDATE_NEWS,
  }),
  /** `unknown` stands for every command that there is not. */
  reply: topic('reply/{command}', {
    schema: ReplySchema,
    retained: false,
    when: 'after each command',
    examples: examples.REPLY,
  }),
  cmdPing: command('ping', examples.CMD_PING),
  cmdIdentify: command('identify', examples.CMD_IDENTIFY),
  cmdResend: command('resend', examples.CMD_RESEND),
  cmdSetup: command('setup', examples.CMD_SETUP),
  cmdResetOccupancy: command('reset-occupancy', examples.CMD_RESET_OCCUPANCY),
  cmdReload: command('reload', examples.CMD_RELOAD),
  cmdUpdate: command('update', examples.CMD_UPDATE),
} as const satisfies Readonly<Record<string, Topic>>;

export type TopicKey = keyof typeof TOPICS;

type NameOf<Path extends string> = Path extends `${string}{${string}}${string}` ? (name: string) => string : string;
/** Full topics of one device: a string, or a function of the name of the line or zone. */
export type TopicNames = { readonly [Key in TopicKey]: NameOf<(typeof TOPICS)[Key]['path']> };

const PARAMETER = /\{(\w+)\}/;

/** `line` in `total/{line}`; undefined: there is one topic only. */
export function parameterOf(path: string): string | undefined {
  return PARAMETER.exec(path)?.[1];
}

export function baseTopic(site: string, device: string): string {
  return `${TOPIC_ROOT}/${site}/${device}`;
}

export function topicNames(site: string, device: string): TopicNames {
  const base = baseTopic(site, device);
  const nameOf = (path: string) =>
    parameterOf(path) === undefined
      ? `${base}/${path}`
      : (name: string) => `${base}/${path.replace(PARAMETER, () => name)}`;
  return Object.fromEntries(
    Object.entries(TOPICS).map(([key, { path }]) => [key, nameOf(path)]),
  ) as unknown as TopicNames;
}

/** The entry of a topic below a device's, such as total/door; undefined: none of ours. */
export function topicOf(pathBelowDevice: string): Topic | undefined {
  const topics: readonly Topic[] = Object.values(TOPICS);
  return (
    topics.find(({ path }) => path === pathBelowDevice) ??
    topics.find(({ path }) => {
      const levels = path.split('/');
      const found = pathBelowDevice.split('/');
      return levels.length === found.length && levels.every((level, i) => level === found[i] || level.startsWith('{'));
    })
  );
}
