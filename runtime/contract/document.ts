/**
 * Makes the document of topic `schema`: the whole contract of one device in one retained message. A broker of a thousand
 * devices keeps a thousand of them and a small client may have to read one, so it is kept below SCHEMA_BYTES_MAX: said once
 * what is said often (compact.ts), no examples, and sentences about fields only where people are counted. The whole, which
 * is twice as long, is what `lethe contract` prints.
 */
import { compacted, type Definitions, type NamesOf, outlined, withoutSentences } from './compact.ts';
import { TOPIC_ROOT, VERSION_RULE } from './contract.ts';
import { readersSchema } from './json-schema.ts';
import type { SchemaDocument } from './schema-document.ts';
import { TOPICS, type Topic } from './topics.ts';

/** A test measures it. Without sentences it would be about 16 kB: names, types and units of some 300 fields. */
export const SCHEMA_BYTES_MAX = 30_720;

export type DocumentFacts = {
  /** Version of Lethe. */
  readonly version: string;
  readonly site: string;
  readonly device: string;
  /** Lines, then entrances. */
  readonly lines: readonly string[];
  readonly zones: readonly string[];
};

/** isWhole: with every sentence, to be read; without, as it is published. */
export function schemaDocument(facts: DocumentFacts, isWhole = false): SchemaDocument {
  const { version, site, device, lines, zones } = facts;
  const entries: readonly (readonly [string, Topic])[] = Object.entries(TOPICS);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:${TOPIC_ROOT.replace('/', ':')}`,
    title: 'Lethe: what a people counter says over MQTT',
    description: VERSION_RULE.join(' '),
    v: 1,
    version,
    base: `${TOPIC_ROOT}/${site}/${device}`,
    lines: [...lines],
    zones: [...zones],
    topics: Object.fromEntries(
      entries.map(([key, { path, from, retained, qos, when }]) => [key, { topic: path, from, retained, qos, when }]),
    ),
    $defs: definitions(entries, isWhole),
  };
}

/** What stores look at, and therefore explained field by field. */
const EXPLAINED: readonly string[] = ['status', 'total', 'interval', 'zone', 'occupancy', 'occupancyStore'];
/** Long, and read by programs that know them. */
const OUTLINED: readonly string[] = ['tally', 'schema', 'receipt'];

function definitions(entries: readonly (readonly [string, Topic])[], isWhole: boolean): Definitions {
  const names = new WeakMap<object, ReturnType<NamesOf>>();
  const readers = entries.map(([key, { schema }]) => {
    const whole = readersSchema(schema, '2020-12', (inner, called) => void names.set(inner, called));
    return [key, !isWhole && OUTLINED.includes(key) ? outlined(whole) : whole] as const;
  });
  const all = compacted(Object.fromEntries(readers), (schema) => names.get(schema) ?? {});
  if (isWhole) return all;
  return Object.fromEntries(
    Object.entries(all).map(([name, schema]) => [name, EXPLAINED.includes(name) ? schema : withoutSentences(schema)]),
  );
}
