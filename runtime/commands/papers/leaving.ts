/**
 * All that leaves the device, read from the contract, which everything that is published must fill field by field. So the
 * papers cannot forget a field that is sent, nor name one that is not. Whoever adds a topic is asked by a test to describe
 * it in every language.
 */
import type { LeavingTopic } from '../../../provisioning/site/facts.ts';
import type { Config } from '../../config/schema.ts';
import { baseTopic, TOPICS, type Topic, topicNames } from '../../contract/topics.ts';
import { discoveryPayload, discoveryTopic } from '../../voice/discovery/components.ts';

export function leavingTopics(config: Config): LeavingTopic[] {
  return [...contractTopics(config), discoveryTopicOf(config)];
}

/** Home Assistant's own form, and therefore none of the contract's. */
function discoveryTopicOf(config: Config): LeavingTopic {
  const { site, device, homeAssistant } = config;
  const facts = { site, device, version: '', topics: topicNames(site, device), counters: [], zones: [] };
  const fields = Object.keys(JSON.parse(discoveryPayload(facts, {})) as object);
  return { key: 'discovery', topic: discoveryTopic(homeAssistant.prefix, facts), fields };
}

function contractTopics({ site, device }: Config): LeavingTopic[] {
  return Object.entries(TOPICS)
    .filter(([, { from }]) => from === 'device')
    .map(([key, topic]) => ({
      key,
      topic: `${baseTopic(site, device)}/${topic.path.replace('{', '<').replace('}', '>')}`,
      fields: fieldsOf(key, topic),
    }));
}

/** Of the record of an audit the names of its parts are enough: it is many numbers of the same few kinds. */
function fieldsOf(key: string, { schema }: Topic): string[] {
  return key === 'tally' ? Object.keys(schema.properties) : keysOf('', schema);
}

type Node = { readonly properties?: Readonly<Record<string, Node>>; readonly anyOf?: readonly Node[] };

/** `dwell_s.mean` for a field inside a field. */
function keysOf(prefix: string, node: Node): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, inner]) => {
    const open = [inner, ...(inner.anyOf ?? [])].find(({ properties }) => properties !== undefined);
    return open === undefined ? [`${prefix}${name}`] : keysOf(`${prefix}${name}.`, open);
  });
}
