/**
 * The document that a device publishes on `schema`, retained: one JSON Schema (2020-12) with the payload of every topic, and
 * the device's topics with what is known of them. Whoever finds an unknown counter at a broker can read there what it says.
 * It is a payload as others are: `v` first of what is ours, and the contract knows its fields.
 */
import { type Static, Type } from 'typebox';
import { levelName, ProgramVersion, text, Version } from './fields.ts';

export const SchemaDocumentSchema = Type.Object(
  {
    $schema: Type.Literal('https://json-schema.org/draft/2020-12/schema', { description: 'What it is written in' }),
    $id: text('Names the document; others may refer to it'),
    title: text('What it is'),
    description: text('The rule of versions'),
    v: Version,
    version: ProgramVersion,
    base: text('In front of every topic'),
    lines: Type.Array(levelName('A name'), { description: 'Lines and entrances: what {line} stands for' }),
    zones: Type.Array(levelName('A name'), { description: 'Zones: what {zone} stands for' }),
    topics: Type.Record(
      Type.String(),
      Type.Object({
        topic: text('Below base; a level in braces is a name'),
        from: Type.Enum(['device', 'others'], { description: 'Who publishes' }),
        retained: Type.Boolean({ description: 'The broker keeps the last one' }),
        qos: Type.Integer({ minimum: 0, maximum: 1, description: 'Quality of service' }),
        when: text('When it is sent'),
      }),
      { description: 'Every topic, by the name that its payload has in $defs' },
    ),
    $defs: Type.Record(Type.String(), Type.Unsafe<object>({ type: 'object' }), {
      description: 'Payloads as JSON Schema',
    }),
  },
  { description: 'What is said on which topic, as JSON Schema' },
);
export type SchemaDocument = Static<typeof SchemaDocumentSchema>;
