// Goal: what Home Assistant is told is what its MQTT integration accepts, and speaks of fields that exist.
// Method: a golden message; its shape against the integration's own checks, written down here; templates against the contract.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { topicNames, topicOf } from '../../../../runtime/contract/topics.ts';
import {
  componentsOf,
  type DiscoveryFacts,
  discoveryId,
  discoveryPayload,
  discoveryTopic,
} from '../../../../runtime/voice/discovery/components.ts';
import { sourceRoot } from '../../../fakes/root.ts';

const FACTS: DiscoveryFacts = {
  site: 'main-street',
  device: 'door_1',
  version: '0.1.0',
  topics: topicNames('main-street', 'door_1'),
  counters: ['door', 'both_doors'],
  zones: ['till'],
};

/**
 * Of home-assistant/core, components/mqtt (2026): schemas.py (DEVICE_DISCOVERY_SCHEMA, MQTT_ENTITY_DEVICE_INFO_SCHEMA,
 * MQTT_ORIGIN_INFO_SCHEMA), sensor.py, binary_sensor.py, with the abbreviations of abbreviations.py that are used here.
 */
const strict = { additionalProperties: false };
const text = Type.String({ minLength: 1 });
const entity = {
  name: text,
  unique_id: text,
  default_entity_id: text,
  state_topic: Type.String({ pattern: '^[^+#]+$' }),
  value_template: Type.String({ pattern: '^\\{\\{.*\\}\\}$' }),
  qos: Type.Enum([0, 1, 2]),
  expire_after: Type.Optional(Type.Integer({ minimum: 1 })),
  icon: Type.Optional(Type.String({ pattern: '^mdi:[a-z-]+$' })),
  entity_category: Type.Optional(Type.Enum(['config', 'diagnostic'])),
};
const Sensor = Type.Object(
  {
    p: Type.Literal('sensor'),
    ...entity,
    state_class: Type.Optional(Type.Enum(['measurement', 'total', 'total_increasing'])),
    unit_of_measurement: Type.Optional(text),
    device_class: Type.Optional(Type.Enum(['duration'])),
    suggested_display_precision: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  strict,
);
const BinarySensor = Type.Object(
  { p: Type.Literal('binary_sensor'), ...entity, device_class: Type.Optional(Type.Enum(['problem'])) },
  strict,
);
/** A component with nothing but its platform goes. */
const Removed = Type.Object({ p: Type.Enum(['sensor', 'binary_sensor']) }, strict);
const Config = Type.Object(
  {
    dev: Type.Object({ ids: Type.Array(text, { minItems: 1 }), name: text, mf: text, mdl: text, sw: text }, strict),
    o: Type.Object({ name: text, sw: text }, strict),
    availability_topic: text,
    availability_template: text,
    cmps: Type.Record(Type.String({ pattern: '^[a-z0-9_-]+$' }), Type.Union([Sensor, BinarySensor, Removed])),
  },
  strict,
);

test('the message is the golden one', () => {
  const golden = JSON.parse(readFileSync(join(sourceRoot(), 'test', 'golden', 'home-assistant.json'), 'utf8'));
  const removed = { total_old__door_in: 'sensor', total_old__door_out: 'sensor' };
  assert.is(discoveryTopic('homeassistant', FACTS), golden.topic);
  assert.equal(JSON.parse(discoveryPayload(FACTS, removed)), golden.payload);
});

test('its shape is one that the integration takes', () => {
  const payload = JSON.parse(discoveryPayload(FACTS, { gone: 'sensor' }));
  assert.equal([...Value.Errors(Config, payload)], []);
  assert.match(discoveryTopic('homeassistant', FACTS), /^homeassistant\/device\/[a-zA-Z0-9_-]+\/config$/);
});

test('totals are meters of people; what has a device class has a unit that belongs to it', () => {
  const components = componentsOf(FACTS);
  assert.is(components['total_door_in']?.state_class, 'total_increasing');
  for (const { p, state_class, unit_of_measurement, device_class } of Object.values(components)) {
    // A unit without a class is refused nowhere, but statistics need both.
    if (state_class !== undefined) assert.ok(unit_of_measurement);
    if (device_class === 'duration') assert.is(unit_of_measurement, 'ms');
    if (p === 'binary_sensor') assert.is(device_class, 'problem');
  }
});

test('no name begins with that of the device, no two have the same, and ids are of their own', () => {
  const payload = JSON.parse(discoveryPayload(FACTS, {}));
  const components = Object.values(componentsOf(FACTS));
  for (const { name } of components) assert.not.ok(name.toLowerCase().startsWith(payload.dev.name.toLowerCase()), name);
  for (const key of ['name', 'unique_id', 'default_entity_id'] as const)
    assert.is(new Set(components.map((component) => component[key])).size, components.length, key);
  for (const { p, default_entity_id } of components)
    assert.match(default_entity_id, new RegExp(`^${p}\\.[a-z0-9]+(_[a-z0-9]+)*$`));
});

test('every topic is one of ours, retained or sent each minute, and every field of a template exists', () => {
  for (const [key, { state_topic, value_template, expire_after }] of Object.entries(componentsOf(FACTS))) {
    const topic = topicOf(state_topic.split('/').slice(4).join('/'));
    assert.ok(topic, state_topic);
    if (!topic.retained) assert.ok(expire_after, `${key}: without it an old value would stay`);
    const paths = [...value_template.matchAll(/value_json((?:\.\w+|\['\w+'\])+)/g)].map(([, path = '']) =>
      path
        .replace(/\['(\w+)'\]/g, '.$1')
        .slice(1)
        .split('.'),
    );
    assert.ok(paths.length > 0, key);
    for (const path of paths) assert.ok(hasField(topic.schema, path), `${key}: ${path.join('.')}`);
  }
});

type Node = { readonly properties?: Readonly<Record<string, Node>>; readonly anyOf?: readonly Node[] };

function hasField(node: Node, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined) return true;
  const open = [node, ...(node.anyOf ?? [])].find(({ properties }) => properties !== undefined);
  const inner = open?.properties?.[name];
  return inner !== undefined && hasField(inner, rest);
}

test('two devices never have the same id, whatever underscores their names have', () => {
  const name = fc.stringMatching(/^[ab][ab_-]{0,5}$/);
  fc.assert(
    fc.property(name, name, name, name, (site, device, otherSite, otherDevice) => {
      const isSame = site === otherSite && device === otherDevice;
      const ids = [discoveryId({ site, device }), discoveryId({ site: otherSite, device: otherDevice })];
      assert.is(ids[0] === ids[1], isSame);
    }),
  );
  assert.is.not(discoveryId({ site: 'a_b', device: 'c' }), discoveryId({ site: 'a', device: 'b_c' }));
});

test('nor do two entities of one device', () => {
  const name = fc.stringMatching(/^[a-c][a-c_]{0,4}$/);
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 12 }), fc.uniqueArray(name, { maxLength: 8 }), (counters, zones) => {
      const count = 2 * counters.length + 2 * zones.length;
      const rest = Object.keys(componentsOf({ ...FACTS, counters: [], zones: [] })).length;
      assert.is(Object.keys(componentsOf({ ...FACTS, counters, zones })).length, count + rest);
    }),
  );
});

test.run();
