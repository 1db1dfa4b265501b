/** The configuration's fields as Markdown rows, from the schema. The README holds the output; a test keeps it in step. */
import { expectation } from './config.ts';
import { ConfigSchema, EntranceSchema, LineSchema, ZoneSchema } from './schema.ts';

type Node = Parameters<typeof expectation>[0] & { readonly description?: string };

/** Sections are opened, fields and lists are rows. */
function rowsOf(prefix: string, node: Node): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const field = prefix === '' ? name : `${prefix}.${name}`;
    return child.properties === undefined ? [rowOf(field, child as Node)] : rowsOf(field, child as Node);
  });
}

function rowOf(field: string, node: Node): string {
  const byDefault = Array.isArray(node.default)
    ? listDefault(node.default)
    : node.default === undefined
      ? 'needed'
      : `\`${JSON.stringify(node.default)}\``;
  const unit = node.unit !== undefined && node.minimum === undefined ? ` (${node.unit})` : '';
  return `| \`${field}\` | ${node.description ?? ''} | ${expectation(node)}${unit} | ${byDefault} |`;
}

function listDefault(list: readonly unknown[]): string {
  if (list.length === 0) return 'none';
  return list.every((entry) => typeof entry === 'string') ? `\`${JSON.stringify(list)}\`` : 'one, `door`';
}

/** schemas: of the file, under the name '', and of what its lists are made of, such as `lines[]`. */
export function fieldTable(schemas: Readonly<Record<string, object>>): string {
  return [
    '| field | meaning | expected | default |',
    '|---|---|---|---|',
    ...Object.entries(schemas).flatMap(([name, schema]) => rowsOf(name, schema as Node)),
  ].join('\n');
}

export function configTable(): string {
  return fieldTable({ '': ConfigSchema, 'lines[]': LineSchema, 'entrances[]': EntranceSchema, 'zones[]': ZoneSchema });
}
