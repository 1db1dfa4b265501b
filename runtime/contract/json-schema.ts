/**
 * A schema of ours as plain JSON Schema for readers: words that may grow become any text with the known words beside it,
 * `null` becomes one of two types, and a list of fixed places gets the form of its dialect. The rest stays as it is.
 */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** 2020-12: `prefixItems`; draft-07, which AsyncAPI stands on: `items` as a list. */
export type Dialect = '2020-12' | 'draft-07';

export function readersSchema(schema: object, dialect: Dialect): JsonSchema {
  return readersNode(schema, dialect) as JsonSchema;
}

function readersNode(node: unknown, dialect: Dialect): unknown {
  if (Array.isArray(node)) return node.map((item) => readersNode(item, dialect));
  if (node === null || typeof node !== 'object') return node;
  const { 'x-open': isOpen, ...rest } = node as Record<string, unknown>;
  const out = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [
      key,
      key === 'properties'
        ? Object.fromEntries(
            Object.entries(value as object).map(([name, inner]) => [name, readersNode(inner, dialect)]),
          )
        : readersNode(value, dialect),
    ]),
  );
  if (isOpen === true) return withOpenWords(out);
  if (Array.isArray(out['anyOf'])) return withNull(out, out['anyOf'] as JsonSchema[]);
  return Array.isArray(out['items']) && dialect === '2020-12' ? withPlaces(out) : out;
}

function withOpenWords({ enum: words, ...rest }: Record<string, unknown>): JsonSchema {
  return { ...rest, type: 'string', anyOf: [{ enum: words }, {}] };
}

/** anyOf of something and null → one schema with two types; what describes both stands outside. */
function withNull({ anyOf: _anyOf, ...outer }: JsonSchema, alternatives: readonly JsonSchema[]): JsonSchema {
  const [inner, other, ...more] = alternatives;
  if (inner === undefined || other?.['type'] !== 'null' || more.length > 0 || typeof inner['type'] !== 'string')
    return { ...outer, anyOf: alternatives };
  return { ...inner, ...outer, type: [inner['type'], 'null'] };
}

function withPlaces({ items, additionalItems: _additionalItems, ...rest }: JsonSchema): JsonSchema {
  return { ...rest, prefixItems: items, items: false };
}
