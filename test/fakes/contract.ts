/** Holds what is published against the contract, as strictly as we must be with ourselves: no unknown topic, no unknown field. */
import { Value } from 'typebox/value';
import { TOPIC_ROOT } from '../../runtime/contract/contract.ts';
import { closed } from '../../runtime/contract/fields.ts';
import type { Topic } from '../../runtime/contract/topics.ts';
import { TREE_TOPICS, type TreeTopic } from '../../runtime/contract/trees.ts';

export type Spoken = {
  readonly topic: string;
  readonly payload: string;
  /** Undefined: not known, as for a message that was heard live. */
  readonly retain?: boolean;
  readonly qos?: number;
};

const closedForms = new Map<Topic, ReturnType<typeof closed>>();

/** The entry of a whole topic; of two that fit (occupancy/{zone}, occupancy/store) the one that says more. */
function entryOf(topic: string): TreeTopic | undefined {
  const found = topic.split('/');
  const literalCount = ({ address }: TreeTopic) => address.split('/').filter((level) => !level.startsWith('{')).length;
  return TREE_TOPICS.filter(({ address }) => {
    const levels = address.split('/');
    return levels.length === found.length && levels.every((level, i) => level === found[i] || level.startsWith('{'));
  }).sort((a, b) => literalCount(b) - literalCount(a))[0];
}

/** What is wrong with one message below lethe/v1, a sentence each; other topics (homeassistant/…) are none of ours. */
export function contractFaults({ topic, payload, retain, qos }: Spoken): string[] {
  if (!topic.startsWith(`${TOPIC_ROOT}/`)) return [];
  const found = entryOf(topic);
  if (found === undefined) return [`${topic} is not in the contract`];
  const faults: string[] = [];
  if (retain !== undefined && retain !== found.retained) faults.push(`${topic}: retained ${retain}`);
  if (qos !== undefined && qos !== found.qos) faults.push(`${topic}: qos ${qos}`);
  const schema = closedForms.get(found) ?? closed(found.schema);
  closedForms.set(found, schema);
  const value: unknown = JSON.parse(payload);
  const errors = Value.Errors(schema, value);
  return [
    ...faults,
    ...errors.map(({ instancePath, message, params }) =>
      `${topic}${instancePath}: ${message} ${JSON.stringify(params)} in ${payload}`.slice(0, 500),
    ),
  ];
}

/** Throws with every fault of these messages. */
export function checkContract(messages: readonly Spoken[]): void {
  const faults = messages.flatMap(contractFaults);
  if (faults.length > 0) throw new Error(`not as the contract says:\n${[...new Set(faults)].join('\n')}`);
}
