/** The tables of topics in the README, from the contract. */
import { TOPIC_ROOT } from '../runtime/contract/contract.ts';
import { STORE_DEVICE } from '../runtime/contract/store.ts';
import { TREE_TOPICS, type TreeTopic } from '../runtime/contract/trees.ts';

/** `lethe/v1/<site>/<device>`. */
const BASE_LEVELS = 4;
const STORE_BASE = `${TOPIC_ROOT}/{site}/${STORE_DEVICE}/`;
/** An example that is longer is named by its fields instead. */
const EXAMPLE_CHARS_MAX = 180;

/** Of all topics of devices, or of the store. */
export function topicTable(of: 'device' | 'store'): string {
  const topics = TREE_TOPICS.filter(({ address }) => address.startsWith(STORE_BASE) === (of === 'store'));
  const rows = topics.map((topic) => {
    const { description = '' } = topic.schema as { readonly description?: string };
    const cells = [addressOf(topic), topic.retained ? 'yes' : 'no', description, topic.when, payloadOf(topic)];
    return `| ${cells.map(asName).join(' | ')} |`;
  });
  return ['| topic | retained | what it says | sent | payload |', '|---|---|---|---|---|', ...rows].join('\n');
}

function addressOf({ address, from }: TreeTopic): string {
  const path = address.split('/').slice(BASE_LEVELS).join('/');
  return from === 'device' ? `\`${path}\`` : `\`${path}\` (to the device)`;
}

function payloadOf({ key, schema, examples }: TreeTopic): string {
  const example = JSON.stringify(examples[0]);
  if (example.length <= EXAMPLE_CHARS_MAX) return `\`${example}\``;
  // The parts of an audit's result are many numbers of the same few kinds.
  return (key === 'tally' ? Object.keys(schema.properties) : fieldsOf(schema as Node)).join(', ');
}

/** `<line>`, as in the rest of the README; fields inside a field keep their braces. */
function asName(text: string): string {
  return text.replaceAll(/\{(line|zone|door|command)\}/g, '<$1>');
}

type Node = {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly anyOf?: readonly Node[];
  readonly items?: unknown;
};

/** `frames {read, erased, dropped}` for fields inside a field. */
function fieldsOf(node: Node): string[] {
  return Object.entries(node.properties ?? {}).map(([name, inner]) => {
    const open = [inner, ...(inner.anyOf ?? [])].find(({ properties }) => properties !== undefined);
    if (open !== undefined) return `${name} {${fieldsOf(open).join(', ')}}`;
    const { items } = inner;
    const isList = items !== null && typeof items === 'object' && !Array.isArray(items) && 'properties' in items;
    return isList ? `${name} [{${fieldsOf(items as Node).join(', ')}}]` : name;
  });
}
