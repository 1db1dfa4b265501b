/**
 * Contract: prints what a device says on the wire, for those who have the program and not its sources: a list of topics, the
 * JSON Schema with every sentence (a device publishes a shorter one on `schema`), or the AsyncAPI document.
 */
import { counterNames } from '../config/counters.ts';
import type { Config } from '../config/schema.ts';
import { asyncApiDocument } from '../contract/asyncapi.ts';
import { VERSION_RULE } from '../contract/contract.ts';
import { schemaDocument } from '../contract/document.ts';
import { baseTopic, TOPICS, type Topic } from '../contract/topics.ts';
import { ExitCode } from '../errors.ts';

export type ContractOptions = {
  /** Whose names stand in topics. */
  readonly config: Config;
  readonly version: string;
  readonly form: 'list' | 'asyncapi' | 'json-schema';
  readonly out: (text: string) => void;
};

export function contractCommand({ config, version, form, out }: ContractOptions): ExitCode {
  if (form === 'list') out(topicList(config));
  else out(`${JSON.stringify(form === 'asyncapi' ? asyncApiDocument() : wholeSchema(config, version), null, 2)}\n`);
  return ExitCode.ok;
}

function wholeSchema(config: Config, version: string): object {
  const { site, device, zones } = config;
  const facts = { version, site, device, lines: counterNames(config), zones: zones.map(({ name }) => name) };
  return schemaDocument(facts, true);
}

function topicList({ site, device }: Config): string {
  const topics: readonly Topic[] = Object.values(TOPICS);
  const rows = topics.map(({ path, from, retained, qos, schema, when }) => {
    const flags = [from === 'device' ? 'sent' : 'received', `qos ${qos}`, ...(retained ? ['retained'] : [])].join(', ');
    const { description = '' } = schema as { readonly description?: string };
    return `${path}  (${flags})\n    ${description}.\n    ${when.charAt(0).toUpperCase()}${when.slice(1)}.\n`;
  });
  return [`Below ${baseTopic(site, device)}/\n`, ...rows, '', `${VERSION_RULE.join('\n')}\n`].join('\n');
}
