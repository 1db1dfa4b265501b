// Goal: the contract says what it means to every reader, and the document that devices publish says the same, briefly.
// Method: examples and broken ones against our own strict form and, through Ajv, against the published JSON Schema.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Value } from 'typebox/value';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { VERSION_RULE } from '../../../runtime/contract/contract.ts';
import { SCHEMA_BYTES_MAX, schemaDocument } from '../../../runtime/contract/document.ts';
import { INTERVAL, PRIVACY, RECEIPT, TALLY } from '../../../runtime/contract/examples.ts';
import { closed } from '../../../runtime/contract/fields.ts';
import { TOPICS, type Topic, topicNames, topicOf } from '../../../runtime/contract/topics.ts';
import { TREE_TOPICS } from '../../../runtime/contract/trees.ts';
import { checkContract, contractFaults } from '../../fakes/contract.ts';

/** A large site: every line, entrance and zone that a configuration may have. */
const FACTS = {
  version: '0.1.0',
  site: 'main-street',
  device: 'door1',
  lines: Array.from({ length: 12 }, (_, index) => `line-${index}`),
  zones: Array.from({ length: 8 }, (_, index) => `zone-${index}`),
};
const ENTRIES: readonly (readonly [string, Topic])[] = Object.entries(TOPICS);

/** Judges payloads by a document, as somebody would who has nothing else. */
function judge(isWhole: boolean): (key: string, payload: unknown) => boolean {
  // `x-unit`, and the facts at the top, are words that JSON Schema does not know.
  const ajv = new Ajv2020({ strict: false });
  const document = schemaDocument(FACTS, isWhole);
  ajv.addSchema(document);
  return (key, payload) => ajv.validate(`${document.$id}#/$defs/${key}`, payload) as boolean;
}

test('every topic has an example, and every example is right by our own strict form', () => {
  for (const { key, examples, schema } of TREE_TOPICS) {
    assert.ok(examples.length > 0, key);
    for (const example of examples) assert.equal([...Value.Errors(closed(schema), example)], [], key);
  }
});

test('every field, however deep, says what it is, and every number its unit or range', () => {
  const silent: string[] = [];
  const look = (node: object, path: string) => {
    const { properties, description, type, items, anyOf } = node as Record<string, unknown>;
    const isPlace = /\[\]?\d*$/.test(path);
    if (description === undefined && !isPlace) silent.push(path);
    const hasRange = ['minimum', 'x-unit', 'const', 'description'].some((key) => key in node);
    if ((type === 'number' || type === 'integer') && !hasRange && !isPlace) silent.push(`${path} (number)`);
    for (const [name, inner] of Object.entries((properties ?? {}) as Record<string, object>))
      look(inner, `${path}.${name}`);
    for (const inner of (anyOf as object[] | undefined) ?? []) if ('properties' in inner) look(inner, path);
    if (items !== undefined && !Array.isArray(items)) look(items as object, `${path}[]`);
  };
  for (const [key, { schema }] of ENTRIES) look(schema, key);
  assert.equal(silent, []);
});

test('the published document is JSON Schema 2020-12, names every topic, and stays small for the largest site', () => {
  const document = schemaDocument(FACTS);
  assert.ok(new Ajv2020({ strict: false }).validateSchema(document));
  assert.equal(Object.keys(document.topics), Object.keys(TOPICS));
  assert.ok(Object.keys(TOPICS).every((key) => key in document.$defs));
  assert.is(document.base, 'lethe/v1/main-street/door1');
  assert.is(document.topics['interval']?.topic, 'interval/{line}');
  assert.ok(VERSION_RULE.every((sentence) => document.description.includes(sentence)));
  const bytes = Buffer.byteLength(JSON.stringify(document));
  assert.ok(bytes <= SCHEMA_BYTES_MAX, `${bytes} bytes`);
});

test('a reader with nothing but the document accepts every example, brief or whole', () => {
  for (const isWhole of [false, true]) {
    const accepts = judge(isWhole);
    for (const [key, { examples }] of ENTRIES)
      for (const example of examples) assert.ok(accepts(key, example), `${key}, whole ${isWhole}`);
  }
});

test('it refuses what the contract does not allow', () => {
  const accepts = judge(false);
  const [interval] = INTERVAL;
  const { samples: _samples, ...without } = interval!;
  assert.not.ok(accepts('interval', without), 'a field is missing');
  assert.not.ok(accepts('interval', { ...interval, in: -1 }), 'people below nobody');
  assert.not.ok(accepts('interval', { ...interval, in: 1.5 }), 'half a person');
  assert.not.ok(accepts('interval', { ...interval, from: '2026-01-05 12:00' }), 'a local time');
  assert.not.ok(accepts('interval', { ...interval, v: 2 }), 'another version');
  assert.not.ok(accepts('interval', { ...interval, quality: null }), 'no word');
  const [privacy] = PRIVACY;
  assert.ok(accepts('privacy', { ...privacy, reported_at: null }));
  const residency = { ...privacy!.residency_us, minute: { pixels: { p50: 'fast' }, derived: null } };
  assert.not.ok(accepts('privacy', { ...privacy, residency_us: residency }), 'deep inside');
  const [receipt] = RECEIPT;
  assert.ok(accepts('receipt', { ...receipt, covers: [] }), 'of receipts the published one has the outline only');
  const acceptsWhole = judge(true);
  assert.not.ok(acceptsWhole('receipt', { ...receipt, covers: [] }), 'a receipt of nothing');
  const [tally] = TALLY;
  assert.not.ok(acceptsWhole('tally', { ...tally, presses: [[1, 'in', 2]] }), 'three places where two belong');
});

test('a reader must live with fields and words to come; we ourselves may not send them', () => {
  const [interval] = INTERVAL;
  const later = { ...interval, quality: 'foggy', cats: 3 };
  for (const isWhole of [false, true]) assert.ok(judge(isWhole)('interval', later));
  const faults = contractFaults({ topic: 'lethe/v1/a/b/interval/door', payload: JSON.stringify(later) });
  assert.ok(faults.some((fault) => fault.includes('quality')));
  assert.ok(faults.some((fault) => fault.includes('cats')));
});

test('the check of what we send sees unknown topics, wrong flags and fields deep inside', () => {
  const [privacy] = PRIVACY;
  const topic = 'lethe/v1/a/b/privacy';
  const payload = JSON.stringify(privacy);
  assert.equal(contractFaults({ topic, payload, retain: false, qos: 1 }), []);
  assert.is(contractFaults({ topic, payload, retain: true, qos: 1 }).length, 1);
  assert.is(contractFaults({ topic, payload, retain: false, qos: 0 }).length, 1);
  assert.is(contractFaults({ topic: 'lethe/v1/a/b/mood', payload: '{}' }).length, 1);
  assert.equal(contractFaults({ topic: 'homeassistant/status', payload: 'online' }), []);
  const deep = structuredClone(privacy!);
  Object.assign(deep.residency_us.minute.pixels!, { p75: 1 });
  assert.throws(() => checkContract([{ topic, payload: JSON.stringify(deep) }]), /p75/);
});

test('names of topics are strings or functions of a name, and lead back to their entry', () => {
  const names = topicNames('main-street', 'door1');
  assert.is(names.status, 'lethe/v1/main-street/door1/status');
  assert.is(names.total('door'), 'lethe/v1/main-street/door1/total/door');
  assert.is(names.total('$&'), 'lethe/v1/main-street/door1/total/$&', 'a name is no pattern');
  assert.is(names.occupancyStore, 'lethe/v1/main-street/door1/occupancy/store');
  assert.is(topicOf('occupancy/store'), TOPICS.occupancyStore as Topic);
  assert.is(topicOf('occupancy/till'), TOPICS.occupancy as Topic);
  assert.is(topicOf('interval'), undefined);
  assert.is(topicOf('interval/a/b'), undefined);
});

test.run();
