/**
 * Our schemas as plain JSON Schema for readers: words that may grow become any text with the known words beside it, `null`
 * becomes one of two types, and a list of fixed places gets the form of its dialect. The rest stays as it is.
 */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** 2020-12: `prefixItems`; draft-07, which AsyncAPI stands on: `items` as a list. */
export type Dialect = '2020-12' | 'draft-07';

/** onNames: is told what each schema is called (x-shape, x-field), if anything. */
export function readersSchema(
  schema: object,
  dialect: Dialect,
  onNames: (readers: JsonSchema, names: { shape?: string; field?: string }) => void = () => {},
): JsonSchema {
  const {
    'x-shape': shape,
    'x-field': field,
    ...rest
  } = schemaOf(schema, (inner) => readersSchema(inner, dialect, onNames));
  const readers = inDialect(rest, dialect);
  onNames(readers, { ...(typeof shape === 'string' && { shape }), ...(typeof field === 'string' && { field }) });
  return readers;
}

function inDialect(rest: JsonSchema, dialect: Dialect): JsonSchema {
  if (rest['x-open'] === true) return withOpenWords(rest);
  if (Array.isArray(rest['anyOf'])) return withNull(rest, rest['anyOf'] as JsonSchema[]);
  return Array.isArray(rest['items']) && dialect === '2020-12' ? withPlaces(rest) : rest;
}

/** A copy in which each schema directly inside is what `of` makes of it. */
export function schemaOf(node: object, of: (inner: object, name: string) => unknown): JsonSchema {
  const mapped = (inner: object) =>
    Object.fromEntries(Object.entries(inner).map(([name, value]) => [name, of(value as object, name)]));
  return Object.fromEntries(
    Object.entries(node).map(([keyword, value]) => {
      if (keyword === 'properties' || keyword === 'patternProperties') return [keyword, mapped(value as object)];
      if (!['items', 'anyOf', 'prefixItems'].includes(keyword) || typeof value !== 'object') return [keyword, value];
      if (Array.isArray(value)) return [keyword, value.map((inner: object) => of(inner, keyword))];
      return [keyword, of(value as object, keyword)];
    }),
  );
}

function withOpenWords({ enum: words, 'x-open': _open, ...rest }: JsonSchema): JsonSchema {
  return { type: 'string', ...rest, anyOf: [{ enum: words }, {}] };
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
