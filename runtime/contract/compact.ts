/**
 * Says once what many fields say, so that a whole contract is a message of a few kilobytes. Fields that bear a shape (a time,
 * a number of people, null or µs) refer to it with their description beside the reference, as 2020-12 lets them; fields that
 * bear a name (epoch_id, seq) are the same everywhere and refer to it whole. A validator finds the same of every payload.
 */
import { strict as assert } from 'node:assert';
import { type JsonSchema, schemaOf } from './json-schema.ts';

export type Definitions = { readonly [name: string]: JsonSchema };

/** What a schema of ours is called, if anything: see fields.ts. */
export type NamesOf = (schema: object) => { readonly shape?: string; readonly field?: string };

/** below: where the definitions will lie, such as `#/$defs`. */
export function compacted(definitions: Definitions, namesOf: NamesOf, below = '#/$defs'): Definitions {
  const shared: Record<string, JsonSchema> = {};
  const withReferences = (schema: JsonSchema): JsonSchema => {
    const { shape, field } = namesOf(schema);
    const { description, ...rest } = schemaOf(schema, (inner) => withReferences(inner as JsonSchema));
    const described = description === undefined ? {} : { description };
    const name = field ?? shape;
    if (name === undefined) return { ...described, ...rest };
    assert.ok(!(name in definitions), `${name} names a payload and a field`);
    shared[name] ??= field === undefined ? rest : { ...described, ...rest };
    return field === undefined ? { ...described, $ref: `${below}/${name}` } : { $ref: `${below}/${name}` };
  };
  const whole = Object.entries(definitions).map(([name, schema]) => [name, withReferences(schema)]);
  return { ...(Object.fromEntries(whole) as Definitions), ...shared };
}

/** Without the sentences of what is inside; the payload's own stays. */
export function withoutSentences(schema: JsonSchema): JsonSchema {
  return schemaOf(schema, (inner) => {
    const { description: _description, ...rest } = withoutSentences(inner as JsonSchema);
    return rest;
  });
}

/** The payload's own fields, and of each only its type: true of every payload, and less than the whole. */
export function outlined(schema: JsonSchema): JsonSchema {
  return schemaOf(schema, (inner) => {
    const { type } = inner as JsonSchema;
    return type === undefined ? {} : { type };
  });
}
