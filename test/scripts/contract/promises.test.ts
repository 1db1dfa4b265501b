// Goal: nothing that version 1 of the contract has promised goes or changes, and whoever tries is told what.
// Method: today's contract against the golden list of promises; then every kind of change, made to each field in turn.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TSchema, Type } from 'typebox';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TREE_TOPICS, type TreeTopic } from '../../../runtime/contract/trees.ts';
import {
  brokenPromises,
  type FieldPromise,
  type Promises,
  promisesOf,
  type TopicPromise,
} from '../../../scripts/contract/promises.ts';
import { sourceRoot } from '../../fakes/root.ts';

const golden = JSON.parse(readFileSync(join(sourceRoot(), 'test', 'golden', 'contract-v1.json'), 'utf8')) as Promises;
const today = JSON.parse(JSON.stringify(promisesOf(TREE_TOPICS))) as Promises;

test('today’s contract keeps every promise of version 1', () => {
  assert.equal(brokenPromises(golden, today), []);
});

test('what was added is promised as well: the list is complete', () => {
  assert.equal(golden, today, 'run: npm run -s contract');
});

type Change = (field: FieldPromise) => FieldPromise | undefined;
const CHANGES: Readonly<Record<string, Change>> = {
  removed: () => undefined,
  'another type': (field) => ({ ...field, type: field.type === 'string' ? 'number' : 'string' }),
  'null as well': (field) => ({
    ...field,
    type: field.type.endsWith('|null') ? field.type.replace('|null', '') : `${field.type}|null`,
  }),
  'not always there': (field) => ({ ...field, always: false }),
  'another unit': (field) => ({ ...field, unit: field.unit === 's' ? 'ms' : 's' }),
  'another range': (field) => ({ ...field, range: { ...field.range, maximum: 7 } }),
  'a range that is gone': ({ range, ...field }) => (range === undefined ? { ...field, range: { minimum: 1 } } : field),
};

/** The contract with one field changed; undefined: it goes. */
function withChange(topic: string, path: string, change: Change): Promises {
  const { [path]: field, ...fields } = today[topic]!.fields;
  const changed = change(field!);
  return {
    ...today,
    [topic]: { ...today[topic]!, fields: changed === undefined ? fields : { ...fields, [path]: changed } },
  };
}

test('every change of every field is seen, and named', () => {
  let count = 0;
  for (const [topic, { fields }] of Object.entries(today))
    for (const [path, field] of Object.entries(fields))
      for (const [what, change] of Object.entries(CHANGES)) {
        if (what === 'not always there' && !field.always) continue;
        const faults = brokenPromises(golden, withChange(topic, path, change));
        assert.ok(
          faults.some((fault) => fault.startsWith(`${topic}: ${path}`)),
          `${topic} ${path} ${what}: ${faults.join('; ')}`,
        );
        count += 1;
      }
  assert.ok(count > 1000, `${count} changes were tried`);
});

test('words may come to a list that grows, never go from it, and neither for one that does not', () => {
  const topic = 'lethe/v1/{site}/{device}/interval/{line}';
  const words =
    (change: (words: readonly unknown[]) => readonly unknown[]): Change =>
    (field) => ({
      ...field,
      words: change(field.words!),
    });
  const after = (change: Change) => brokenPromises(golden, withChange(topic, 'quality', change));
  assert.equal(after(words((known) => [...known, 'foggy'])), []);
  assert.match(after(words((known) => known.slice(1)))[0]!, 'words are gone: ok');
  assert.match(after(({ grows: _grows, ...field }) => field)[0]!, 'open to other words');
  const tally = 'lethe/v1/{site}/{device}/tally/{line}';
  const sideways = withChange(
    tally,
    'presses[][1]',
    words((known) => [...known, 'sideways']),
  );
  assert.match(brokenPromises(golden, sideways)[0]!, 'words came to a closed list: sideways');
});

test('a topic that goes, is retained no more, or changes its quality of service is named', () => {
  const topic = 'lethe/v1/{site}/{device}/health';
  const with_ = (change: Partial<TopicPromise>) =>
    brokenPromises(golden, { ...today, [topic]: { ...today[topic]!, ...change } });
  assert.equal(with_({ retained: false }), [`${topic}: retained was true, is false`]);
  assert.equal(with_({ qos: 0 }), [`${topic}: qos was 1, is 0`]);
  const { [topic]: _gone, ...rest } = today;
  assert.equal(brokenPromises(golden, rest), [`${topic} is gone`]);
});

/** A contract of one topic. */
function promisesFor(schema: TSchema, from: 'device' | 'others' = 'device'): Promises {
  const base = { key: 'x', address: 'x', path: 'x', retained: false, qos: 1, when: '', examples: [] } as const;
  return promisesOf([{ ...base, from, schema } as unknown as TreeTopic]);
}

test('topics and fields may be added, also inside of objects and lists', () => {
  const inner = { a: Type.Integer() };
  const before = promisesFor(Type.Object({ o: Type.Object(inner), l: Type.Array(Type.Object(inner)) }));
  const more = { ...inner, b: Type.String() };
  const after = promisesFor(Type.Object({ o: Type.Object(more), l: Type.Array(Type.Object(more)), c: Type.Boolean() }));
  assert.equal(brokenPromises(before, { ...after, y: after['x']! }), []);
  assert.is(brokenPromises(after, before).length, 3, 'and the other way they are missed');
});

test('of those who send commands nothing new may be demanded; offering it is fine', () => {
  const before = promisesFor(Type.Object({ id: Type.String() }), 'others');
  const offered = promisesFor(Type.Object({ id: Type.String(), n: Type.Optional(Type.Integer()) }), 'others');
  const demanded = promisesFor(Type.Object({ id: Type.String(), n: Type.Integer() }), 'others');
  assert.equal(brokenPromises(before, offered), []);
  assert.equal(brokenPromises(before, demanded), ['x: n is demanded of those who send, and was not']);
  assert.equal(brokenPromises(offered, demanded), ['x: n is demanded of those who send, and was not']);
});

test('a field that goes from a schema of ours is seen from the schema on', () => {
  const topics = TREE_TOPICS.map((topic): TreeTopic => {
    if (topic.key !== 'zone') return topic;
    const { visits: _visits, ...properties } = topic.schema.properties;
    return { ...topic, schema: { ...topic.schema, properties } };
  });
  assert.equal(brokenPromises(golden, promisesOf(topics)), ['lethe/v1/{site}/{device}/zone/{zone}: visits is gone']);
});

test.run();
