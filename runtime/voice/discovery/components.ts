/**
 * What Home Assistant shows of a counter: one device with its entities, as its MQTT integration wants them announced.
 * Sources: "MQTT" (device discovery), "MQTT Sensor" and "MQTT Binary sensor" at home-assistant.io/integrations, and the
 * schemas that the integration checks with (home-assistant/core, components/mqtt/schemas.py and discovery.py).
 *
 *   totals       total_increasing: a total that falls is read as a new meter, which is what a new epoch_id is
 *   people       has no device class, so the unit may be any word; the same word everywhere lets statistics add up
 *   availability from `status`; a device that was stopped is as unavailable as one that was lost. It comes from a template,
 *                as anything but the two words of the integration would leave the state as it was
 *   expire_after where a message comes each minute. Totals come on change only: at night they would expire
 *   names        do not begin with the device's name, which Home Assistant puts in front of them (core issue 97450)
 *   default_entity_id  in place of object_id, which is on its way out (core issue 157241)
 */
import type { TopicNames } from '../../contract/topics.ts';

export type DiscoveryFacts = {
  readonly site: string;
  readonly device: string;
  /** Version of Lethe. */
  readonly version: string;
  readonly topics: TopicNames;
  /** Lines and entrances. */
  readonly counters: readonly string[];
  readonly zones: readonly string[];
};

export type Platform = 'sensor' | 'binary_sensor';

/** Keys as in Home Assistant's documentation; `p` is the platform. */
export type Component = {
  readonly p: Platform;
  readonly name: string;
  readonly unique_id: string;
  readonly default_entity_id: string;
  readonly state_topic: string;
  readonly value_template: string;
  readonly qos: 1;
  readonly state_class?: 'measurement' | 'total_increasing';
  readonly unit_of_measurement?: string;
  readonly device_class?: 'problem' | 'duration';
  readonly entity_category?: 'diagnostic';
  readonly icon?: string;
  readonly suggested_display_precision?: number;
  readonly expire_after?: number;
};

/** What differs from entity to entity. */
type Entity = Omit<Component, 'p' | 'unique_id' | 'default_entity_id' | 'qos'>;

const PEOPLE = 'people';
/** Health and privacy come each minute; one may be late. */
const EXPIRE_AFTER_S = 180;

/** By component, which is a name of ours inside the device. */
export type Components = Readonly<Record<string, Component>>;

export function componentsOf(facts: DiscoveryFacts): Components {
  const { topics, counters, zones } = facts;
  const components: Record<string, Component> = {};
  const add = (platform: Platform, key: string, entity: Entity) => {
    components[key] = {
      p: platform,
      ...entity,
      unique_id: `${discoveryId(facts)}_${key}`,
      default_entity_id: `${platform}.${slug(`lethe_${facts.site}_${facts.device}_${key}`)}`,
      qos: 1,
    };
  };
  for (const name of counters)
    for (const way of ['in', 'out'] as const) add('sensor', `total_${safe(name)}_${way}`, total(topics, name, way));
  add('sensor', 'store_people', presence(topics.occupancyStore, 'People in the store', 'people'));
  for (const name of zones) {
    add('sensor', `zone_${safe(name)}_people`, presence(topics.occupancy(name), `People in ${name}`, 'people'));
    add('sensor', `zone_${safe(name)}_queue`, presence(topics.occupancy(name), `Standing in ${name}`, 'queue'));
  }
  for (const [key, entity] of Object.entries(problems(topics))) add('binary_sensor', key, entity);
  for (const [key, entity] of Object.entries(diagnostics(topics))) add('sensor', key, entity);
  return components;
}

function total(topics: TopicNames, name: string, way: 'in' | 'out'): Entity {
  return {
    name: `${name} ${way}`,
    state_topic: topics.total(name),
    // `in` is a word of the template language, so the field is named in brackets.
    value_template: `{{ value_json['${way}'] }}`,
    state_class: 'total_increasing',
    unit_of_measurement: PEOPLE,
    icon: way === 'in' ? 'mdi:location-enter' : 'mdi:location-exit',
  };
}

function presence(topic: string, name: string, field: 'people' | 'queue'): Entity {
  return {
    name,
    state_topic: topic,
    value_template: `{{ value_json.${field} }}`,
    state_class: 'measurement',
    unit_of_measurement: PEOPLE,
    icon: field === 'people' ? 'mdi:account-group' : 'mdi:human-queue',
  };
}

/** On: somebody should look. A state that is not known here is one to look at. */
function problems({ health }: TopicNames): Readonly<Record<string, Entity>> {
  const problem = (name: string, isFine: string): Entity => ({
    name,
    state_topic: health,
    value_template: `{{ 'OFF' if ${isFine} else 'ON' }}`,
    device_class: 'problem',
    entity_category: 'diagnostic',
    expire_after: EXPIRE_AFTER_S,
  });
  return {
    health_counting: problem('Counting', "value_json.eye.state in ['counting', 'paused', 'starting']"),
    health_storage: problem('Storage', "value_json.ledger.state == 'ok' and value_json.ledger.dropped == 0"),
    health_receipts: problem('Receipts', "value_json.receipts.state == 'ok'"),
    health_clock: problem('Clock', "value_json.clock is not defined or value_json.clock.state != 'unsynced'"),
    health_picture_time: problem('Picture lifetime', 'not value_json.privacy.over_limit'),
  };
}

function diagnostics({ health, privacy }: TopicNames): Readonly<Record<string, Entity>> {
  const longest = 'value_json.residency_us.since_boot.pixels';
  const common = { entity_category: 'diagnostic', expire_after: EXPIRE_AFTER_S } as const;
  return {
    health_state: {
      name: 'State',
      state_topic: health,
      value_template: '{{ value_json.eye.state }}',
      icon: 'mdi:eye-outline',
      ...common,
    },
    health_waiting: {
      name: 'Waiting records',
      state_topic: health,
      value_template: '{{ value_json.ledger.pending }}',
      state_class: 'measurement',
      unit_of_measurement: 'records',
      icon: 'mdi:tray-full',
      ...common,
    },
    privacy_longest: {
      name: 'Longest picture lifetime',
      state_topic: privacy,
      // None is Home Assistant's word for not known.
      value_template: `{{ None if ${longest} is none else ${longest}.max / 1000 }}`,
      state_class: 'measurement',
      unit_of_measurement: 'ms',
      device_class: 'duration',
      suggested_display_precision: 2,
      ...common,
    },
  };
}

/**
 * One word for the device that no other can have: an underscore inside a name is doubled, so that site a_b with device c is
 * not site a with device b_c. Names begin with a letter or digit, so the last of an odd run of underscores parts two names.
 */
export function discoveryId({ site, device }: { readonly site: string; readonly device: string }): string {
  return `lethe_${safe(site)}_${safe(device)}`;
}

function safe(name: string): string {
  return name.replaceAll('_', '__');
}

/** Entity ids have letters, digits and single underscores. Two that become the same get a number from Home Assistant. */
function slug(text: string): string {
  return text.replaceAll(/[^a-z0-9]+/g, '_').replace(/_$/, '');
}

/** `homeassistant/device/<id>/config` */
export function discoveryTopic(prefix: string, facts: { readonly site: string; readonly device: string }): string {
  return `${prefix}/device/${discoveryId(facts)}/config`;
}

/**
 * removed: components that this device had before, with their platforms. A component goes by being announced with nothing
 * but its platform. It is announced so from then on and not only once: the message is retained, and a Home Assistant that
 * is away today must learn of it tomorrow; for one that knows, it is nothing new.
 */
export function discoveryPayload(facts: DiscoveryFacts, removed: Readonly<Record<string, string>>): string {
  const { site, device, version, topics } = facts;
  const stubs = Object.fromEntries(Object.entries(removed).map(([key, platform]) => [key, { p: platform }]));
  return JSON.stringify({
    dev: {
      ids: [discoveryId(facts)],
      name: `Lethe ${site} ${device}`,
      mf: 'Lethe',
      mdl: 'People counter',
      sw: version,
    },
    o: { name: 'Lethe', sw: version },
    availability_topic: topics.status,
    availability_template: "{{ 'online' if value_json.state == 'online' else 'offline' }}",
    cmps: { ...stubs, ...componentsOf(facts) },
  });
}
