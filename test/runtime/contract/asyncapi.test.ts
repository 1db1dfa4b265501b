// Goal: the AsyncAPI document in the repository is what the code says, and a right one by AsyncAPI's own parser.
// Method: the file against the generator; the parser over the document, and over spoilt ones to see that it would notice.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import parserModule from '@asyncapi/parser';
import { Ajv } from 'ajv';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { asyncApiDocument } from '../../../runtime/contract/asyncapi.ts';
import { TREE_TOPICS } from '../../../runtime/contract/trees.ts';
import { sourceRoot } from '../../fakes/root.ts';

const parser = new parserModule.Parser();
/** DiagnosticSeverity of the parser: 0 error, 1 warning, 2 information, 3 hint. */
const WARNING = 1;

type Spoilt = Record<string, never> & {
  channels: Record<string, { address?: unknown; messages: Record<string, { $ref: string }> }>;
  operations: Record<string, Record<string, unknown>>;
  components: { messages: Record<string, { examples: { payload: Record<string, unknown> }[] }> };
};

async function verdict(document: object): Promise<{ errors: string[]; rest: string[] }> {
  const { diagnostics } = await parser.parse(JSON.stringify(document));
  const told = diagnostics.map(({ code, severity, message }) => ({ severity, text: `${code}: ${message}` }));
  return {
    errors: told.filter(({ severity }) => severity < WARNING).map(({ text }) => text),
    rest: told.filter(({ severity }) => severity >= WARNING).map(({ text }) => text),
  };
}

function spoil(change: (document: Spoilt) => void): object {
  const document = structuredClone(asyncApiDocument()) as unknown as Spoilt;
  change(document);
  return document;
}

test('the file in the repository is what the code says', () => {
  const file = readFileSync(join(sourceRoot(), 'runtime', 'contract', 'asyncapi.json'), 'utf8');
  assert.ok(file === `${JSON.stringify(asyncApiDocument(), null, 2)}\n`, 'run: npm run -s contract');
});

test('the parser of AsyncAPI finds no error and no warning; that there is a 3.1.0 is known', async () => {
  const { errors, rest } = await verdict(asyncApiDocument());
  assert.equal(errors, []);
  assert.equal(
    rest.filter((text) => !text.startsWith('asyncapi-latest-version')),
    [],
  );
});

/** The parser does not hold examples against schemas in version 3 of AsyncAPI, so Ajv does, by AsyncAPI's dialect (draft-07). */
function wrongExamples(document: object): string[] {
  const ajv = new Ajv({ strict: false });
  const { components } = document as Spoilt;
  ajv.addSchema({ $id: 'asyncapi', components });
  return Object.entries(components.messages).flatMap(([key, { examples }]) =>
    examples.flatMap(({ payload }) => {
      const isRight = ajv.validate(`asyncapi#/components/schemas/${key}`, payload);
      return isRight ? [] : [`${key}: ${ajv.errorsText()}`];
    }),
  );
}

test('every example is a right payload by the schema in the document, and a wrong one is noticed', () => {
  assert.equal(wrongExamples(asyncApiDocument()), []);
  const spoilt = spoil(({ components }) => {
    components.messages['total']!.examples[0]!.payload['in'] = 'many';
  });
  assert.equal(wrongExamples(spoilt), ['total: data/in must be integer']);
});

test('it would notice a missing message, an undeclared name and a wrong quality of service', async () => {
  const spoilt: Readonly<Record<string, object>> = {
    message: spoil(({ channels }) => {
      channels['total']!.messages['total']!.$ref = '#/components/messages/nothing';
    }),
    name: spoil(({ channels }) => {
      channels['total']!.address = 'lethe/v1/{site}/{device}/total/{door}';
    }),
    quality: spoil(({ operations }) => {
      operations['total']!['bindings'] = { mqtt: { qos: 7, bindingVersion: '0.2.0' } };
    }),
  };
  for (const [what, document] of Object.entries(spoilt)) {
    const { errors } = await verdict(document);
    assert.ok(errors.length > 0, what);
  }
});

test('it names every topic with its flags, who sends it, and the last will', async () => {
  const { document } = await parser.parse(JSON.stringify(asyncApiDocument()));
  assert.ok(document);
  const found = document.operations().all();
  assert.is(found.length, TREE_TOPICS.length);
  for (const { key, address, from, qos, retained, examples } of TREE_TOPICS) {
    const operation = found.find((candidate) => candidate.id() === key);
    assert.is(operation?.channels().all()[0]?.address(), address);
    assert.is(operation?.action(), from === 'device' ? 'send' : 'receive', key);
    assert.equal(operation?.bindings().get('mqtt')?.value(), { qos, retain: retained });
    assert.is(operation?.messages().all()[0]?.examples().all().length, examples.length, key);
  }
  const will = document.servers().all()[0]?.bindings().get('mqtt')?.value<{ lastWill: { topic: string } }>();
  assert.is(will?.lastWill.topic, 'lethe/v1/{site}/{device}/status');
});

test.run();
