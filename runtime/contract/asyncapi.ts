/**
 * The contract as an AsyncAPI 3.0 document, for tools that make clients, mock servers and pages of it. It describes the
 * device: what it sends, and what it receives and answers. `npm run -s contract` writes it beside this file; a test holds the
 * file against this code and against AsyncAPI's own parser.
 * Retained and quality of service are bindings of operations there (MQTT binding 0.2.0), the last will one of the server.
 * Schemas are in AsyncAPI's own dialect (draft-07), in which nothing may stand beside a reference.
 */
import { compacted, type NamesOf } from './compact.ts';
import { CONTRACT_VERSION, TOPIC_ROOT, VERSION_RULE } from './contract.ts';
import { readersSchema } from './json-schema.ts';
import { TREE_TOPICS, type TreeTopic } from './trees.ts';

/** Of the MQTT bindings; servers and messages have the same. */
const BINDING_VERSION = '0.2.0';
const NAME_PATTERN_WORDS = '1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit';

const PARAMETERS: Readonly<Record<string, string>> = {
  site: `Site; ${NAME_PATTERN_WORDS}`,
  device: `Device; ${NAME_PATTERN_WORDS}`,
  line: 'Line or entrance, as in the payload of `info`',
  zone: 'Zone, as in the payload of `info`',
  door: 'Door of the store, as in the payload of its `info`',
  command: 'Command that is answered, or unknown',
};

/** Plain JSON; keys in a fixed order. */
export function asyncApiDocument(topics: readonly TreeTopic[] = TREE_TOPICS): Record<string, unknown> {
  return {
    asyncapi: '3.0.0',
    id: `urn:${TOPIC_ROOT.replace('/', ':')}`,
    info: {
      title: 'Lethe: an anonymous people counter',
      version: `${CONTRACT_VERSION}.0.0`,
      description: [
        'Numbers of people over MQTT; never pictures, positions over time, or anything about one person.',
        ...VERSION_RULE,
      ].join('\n\n'),
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { plain: server('mqtt', '1883'), tls: server('mqtts', '8883') },
    channels: keyed(topics, channel),
    operations: keyed(topics, (topic) => operation(topic, topics)),
    components: {
      schemas: schemas(topics),
      messages: keyed(topics, message),
      correlationIds: {
        id: { description: 'The same in a command and its reply', location: '$message.payload#/id' },
      },
      securitySchemes: {
        password: { type: 'userPassword', description: 'User and password of the broker, from a file' },
        certificate: { type: 'X509', description: 'Certificate of the device (mutual TLS)' },
      },
    },
  };
}

function keyed<T>(topics: readonly TreeTopic[], of: (topic: TreeTopic) => T): Record<string, T> {
  return Object.fromEntries(topics.map((topic) => [topic.key, of(topic)]));
}

function server(protocol: string, port: string): object {
  return {
    host: `{host}:${port}`,
    protocol,
    description: 'Broker of the store; MQTT 3.1.1 or 5, also over websockets',
    variables: { host: { description: 'Name or address of the gateway', default: 'gateway.local' } },
    security: [{ $ref: '#/components/securitySchemes/password' }, { $ref: '#/components/securitySchemes/certificate' }],
    bindings: {
      mqtt: {
        clientId: 'lethe-{site}-{device}',
        cleanSession: true,
        lastWill: {
          topic: `${TOPIC_ROOT}/{site}/{device}/status`,
          qos: 1,
          retain: true,
          message: 'Payload of `status` with state offline',
        },
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

function channel({ key, address, schema, when }: TreeTopic): object {
  const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return {
    address,
    title: address.split('/').slice(4).join('/'),
    description: `${sentenceOf(schema)}. Sent ${when}.`,
    parameters: Object.fromEntries(names.map((name) => [name, { description: PARAMETERS[name] ?? name }])),
    messages: { [key]: { $ref: `#/components/messages/${key}` } },
  };
}

function operation(topic: TreeTopic, topics: readonly TreeTopic[]): object {
  const { key, from, qos, retained, when } = topic;
  const reply = topics.find(({ path }) => path.startsWith('reply/'));
  const isRequest = from === 'others';
  return {
    action: isRequest ? 'receive' : 'send',
    channel: { $ref: `#/channels/${key}` },
    summary: `Sent ${when}`,
    messages: [{ $ref: `#/channels/${key}/messages/${key}` }],
    ...(isRequest && reply !== undefined && { reply: answer(reply) }),
    bindings: { mqtt: { qos, retain: retained, bindingVersion: BINDING_VERSION } },
  };
}

function answer({ key }: TreeTopic): object {
  return { channel: { $ref: `#/channels/${key}` }, messages: [{ $ref: `#/channels/${key}/messages/${key}` }] };
}

function message({ key, schema, examples, from, path }: TreeTopic): object {
  const isCorrelated = from === 'others' || path.startsWith('reply/');
  return {
    name: key,
    title: sentenceOf(schema),
    contentType: 'application/json',
    ...(isCorrelated && { correlationId: { $ref: '#/components/correlationIds/id' } }),
    payload: { $ref: `#/components/schemas/${key}` },
    examples: examples.map((payload) => ({ payload })),
    bindings: { mqtt: { bindingVersion: BINDING_VERSION } },
  };
}

function schemas(topics: readonly TreeTopic[]): object {
  const names = new WeakMap<object, ReturnType<NamesOf>>();
  const readers = keyed(topics, ({ schema }) =>
    readersSchema(schema, 'draft-07', (inner, { field }) => field && names.set(inner, { field })),
  );
  return compacted(readers, (schema) => names.get(schema) ?? {}, '#/components/schemas');
}

function sentenceOf(schema: object): string {
  return (schema as { readonly description?: string }).description ?? '';
}
