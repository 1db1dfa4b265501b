// Goal: whoever has only the program gets the contract from it, for this device's own names.
// Method: the command with its output collected.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { contractCommand } from '../../../runtime/commands/contract.ts';
import { parseConfig } from '../../../runtime/config/config.ts';
import { TOPICS } from '../../../runtime/contract/topics.ts';

const config = parseConfig({ site: 'main-street', device: 'north' });

function printed(form: 'list' | 'asyncapi' | 'json-schema'): string {
  let text = '';
  assert.is(contractCommand({ config, version: '1.2.3', form, out: (part) => (text += part) }), 0);
  return text;
}

test('the list has every topic and the rule of versions', () => {
  const text = printed('list');
  assert.match(text, 'Below lethe/v1/main-street/north/');
  for (const { path } of Object.values(TOPICS)) assert.ok(text.includes(`\n${path}  (`), path);
  assert.match(text, 'status  (sent, qos 1, retained)');
  assert.match(text, 'Version 1 only grows');
});

test('the JSON Schema is that of this device, with every sentence', () => {
  const document = JSON.parse(printed('json-schema'));
  assert.equal([document.base, document.lines, document.version], ['lethe/v1/main-street/north', ['door'], '1.2.3']);
  const { read } = document.$defs.privacy.properties.frames.properties;
  assert.is(read.description, 'Frames read');
});

test('the AsyncAPI document is an AsyncAPI document', () => {
  assert.is(JSON.parse(printed('asyncapi')).asyncapi, '3.0.0');
});

test.run();
