/**
 * Fields that many payloads share, each with unit and range. The schemas are plain JSON Schema with a few words of our own:
 *   x-unit   for people and for systems that show numbers; the only one of them that is published
 *   x-open   a list of words that may grow within version 1
 *   x-shape  a name for what many fields are but for their description, and x-field for a field that is the same
 *            everywhere, so that a document can say it once
 * They stay open to unknown fields, as readers must be; what *we* send is checked against `closed` forms by the tests.
 */
import { type TObject, type TSchema, Type } from 'typebox';
import { CONTRACT_VERSION } from './contract.ts';

/** Beyond this, JSON readers that keep numbers as doubles would round. */
const WHOLE_MAX = Number.MAX_SAFE_INTEGER;

export const Version = Type.Literal(CONTRACT_VERSION, { description: 'Version of the contract', 'x-field': 'v' });

/** One level of a topic: site, device, line, zone. */
export const levelName = (description: string) =>
  Type.String({ pattern: '^[a-z0-9][a-z0-9_-]{0,31}$', description, 'x-shape': 'name' });

/** 2026-01-05T12:00:00.000Z */
export const time = (description: string) =>
  Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$', description, 'x-shape': 'time' });

export const sha256 = (description: string) =>
  Type.String({
    pattern: '^[0-9a-f]{64}$',
    description: `${description}; SHA-256 in hexadecimal`,
    'x-shape': 'sha256',
  });

/** Hexadecimal digits and hyphens of a UUID. */
export const EpochId = Type.String({
  pattern: '^[0-9a-f-]{36}$',
  description: 'Names a series of totals and numbers; another one means that the device began again at 0',
  'x-field': 'epoch_id',
});

export const TimeZone = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'IANA time zone of the site; every time is UTC all the same',
  'x-field': 'tz',
});

export const ProgramVersion = Type.String({ maxLength: 64, description: 'Version of Lethe', 'x-field': 'version' });

/** Units whose sign does not belong in a name. */
const SHAPES: Readonly<Record<string, string>> = { µs: 'micros' };

/** Whole things, from 0. */
export const count = (description: string, unit: string) =>
  Type.Integer({ minimum: 0, maximum: WHOLE_MAX, description, 'x-unit': unit, 'x-shape': SHAPES[unit] ?? unit });

/** Whole things, from 1. */
export const ordinal = (description: string, field?: string) =>
  Type.Integer({
    minimum: 1,
    maximum: WHOLE_MAX,
    description,
    'x-shape': 'ordinal',
    ...(field === undefined ? {} : { 'x-field': field }),
  });

export const Boot = ordinal('Starts of the voice since the epoch began', 'boot');

export const Seq = ordinal(
  'Number of the record, counted over all records of the device; with site, device and epoch_id its identity. A later epoch goes on with it, or begins at 1',
  'seq',
);

export const people = (description: string) => count(description, 'people');

export const measure = (minimum: number, maximum: number, description: string, unit?: string) =>
  Type.Number({ minimum, maximum, description, ...(unit === undefined ? {} : { 'x-unit': unit }) });

/** 0..1 */
export const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description, 'x-shape': 'share' });

export const text = (description: string) => Type.String({ description });

/** A list of words that may grow within version 1; for a reader it is any text. */
export const openWords = <Words extends string[]>(words: readonly [...Words], description: string, field?: string) =>
  Type.Enum(words, { description, 'x-open': true, ...(field === undefined ? {} : { 'x-field': field }) });

type Described = { readonly description?: string; readonly 'x-unit'?: string; readonly 'x-shape'?: string };

/** The same or null; description says when. */
export const nullable = <Schema extends TSchema>(schema: Schema, when: string) => {
  const { description, 'x-unit': unit, 'x-shape': shape } = schema as Described;
  return Type.Union([schema, Type.Null()], {
    description: [description, `null: ${when}`].filter((part) => part !== undefined).join('; '),
    ...(unit === undefined ? {} : { 'x-unit': unit }),
    ...(shape === undefined ? {} : { 'x-shape': `${shape}_or_null` }),
  });
};

/** How good an interval is. */
export const Quality = openWords(
  ['ok', 'degraded', 'paused', 'camera_lost'],
  'ok; degraded: frames are missing, or people whose moment is not known; paused: by the privacy button; camera_lost',
  'quality',
);

/** In a record only when its times may be wrong. */
export const ClockWord = openWords(
  ['unsynced'],
  'unsynced: nobody had set the clock yet, so `from` and `to` may be wrong',
  'time',
);

/** With it: whoever knows from `health` of the same boot, told later, when that boot began, knows when the interval was. */
export const UptimeAtEnd = Type.Integer({
  minimum: 0,
  maximum: WHOLE_MAX,
  description:
    'With `time`: at the end of the interval, since the start of this boot; `health` of it tells when that was',
  'x-unit': 's',
  'x-field': 'uptime_s',
});

/** The schema with unknown fields refused at every depth, for what we send ourselves. */
export function closed<Schema extends TObject>(schema: Schema): Schema {
  return closedNode(schema) as Schema;
}

function closedNode(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closedNode);
  if (node === null || typeof node !== 'object') return node;
  // Kinds of typebox hang on the prototype or on hidden keys: they must come along.
  const copy = Object.create(Object.getPrototypeOf(node), Object.getOwnPropertyDescriptors(node)) as object;
  for (const [key, value] of Object.entries(node))
    Object.defineProperty(copy, key, {
      value: closedNode(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  if (!('properties' in node)) return copy;
  return Object.assign(copy, { additionalProperties: false });
}
