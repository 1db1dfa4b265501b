// Goal: only a command that is whole, meant for this device, in time, new and signed by a known key is let through.
// Method: a right command with one thing changed for each refusal, by its code; fuzzed payloads and fuzzed fields.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keyFingerprint } from '../../../../runtime/privacy/command-signature.ts';
import {
  type Checked,
  type CheckFacts,
  COMMAND_BYTES_MAX,
  checkCommand,
} from '../../../../runtime/voice/commands/check.ts';
import { emptyMemory, forgetExpired, IDS_MAX, remember } from '../../../../runtime/voice/commands/memory.ts';
import { memoryKey } from '../../../fakes/key.ts';
import { DEVICE, messageOf, SITE, type SignedFields, signedJson } from './requests.ts';

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const KEY = memoryKey();
const runs = { numRuns: Number(process.env['FC_RUNS'] ?? 300) };

const factsOf = (changes: Partial<CheckFacts> = {}): CheckFacts => ({
  site: SITE,
  device: DEVICE,
  publicKeys: [KEY.publicKey],
  memory: emptyMemory(),
  nowMs: NOW_MS,
  ...changes,
});
const setupJson = (fields: SignedFields['fields'] = {}) =>
  signedJson({ name: 'setup', key: KEY, nowMs: NOW_MS, fields: { minutes: 10, ...fields } });

function codeOf(checked: Checked): string {
  return 'refused' in checked ? checked.refused.code : 'ok';
}
const check = (name: string, json: unknown, facts = factsOf()) => checkCommand(name, messageOf(name, json), facts);

test('right commands are let through, with their arguments', () => {
  const checked = check('setup', setupJson());
  assert.ok('request' in checked && 'minutes' in checked.request);
  assert.is(checked.request.minutes, 10);
  for (const [name, fields] of [
    ['ping', {}],
    ['identify', {}],
    ['resend', { epoch_id: '5f0c9a4e-6d0b-4a53-9a3e-0a6f1b2c3d4e', from_seq: 1, to_seq: 1 }],
  ] as const)
    assert.is(codeOf(check(name, { v: 1, id: 'a', ...fields })), 'ok', name);
  for (const [name, fields] of [
    ['reset-occupancy', { people: 10_000 }],
    ['reload', {}],
  ] as const)
    assert.is(codeOf(check(name, signedJson({ name, key: KEY, nowMs: NOW_MS, fields }))), 'ok', name);
});

test('what is no command is refused by name, and an id that can be read is told back', () => {
  assert.equal(
    [
      check('open-door', { v: 1, id: 'x7' }),
      check('__proto__', { v: 1, id: 'x7' }),
      check('ping', 'open the door'),
      check('ping', 'null'),
      check('ping', '[]'),
      check('ping', '"x"'),
      check('ping', { v: 1, id: 'x7', text: 'x'.repeat(COMMAND_BYTES_MAX) }),
      checkCommand('ping', messageOf('ping', { v: 1, id: 'x7' }, { retained: true }), factsOf()),
    ].map((checked) => [codeOf(checked), checked.name, checked.id]),
    [
      ['unknown_command', undefined, 'x7'],
      ['unknown_command', undefined, 'x7'],
      ['malformed', 'ping', null],
      ['malformed', 'ping', null],
      ['malformed', 'ping', null],
      ['malformed', 'ping', null],
      ['too_large', 'ping', null],
      ['retained', 'ping', null],
    ],
  );
});

test('wrong types, missing and unknown fields are all named in one go', () => {
  const checked = check('setup', { ...setupJson({ minutes: 61, site: 'Demo!' }), door: 1, expires_at: 5 });
  assert.ok('refused' in checked && checked.refused.code === 'invalid');
  const { message } = checked.refused;
  assert.match(message, 'minutes is 61; expected a whole number 0..60');
  assert.match(message, 'site is "Demo!"');
  assert.match(message, 'expires_at is 5');
  assert.match(message, '"door" is not a field of this command');
  for (const minutes of [-1, 1.5, '10', null, Number.MAX_SAFE_INTEGER])
    assert.is(codeOf(check('setup', setupJson({ minutes }))), 'invalid');
  assert.is(codeOf(check('ping', { v: 2, id: 'a' })), 'invalid');
  assert.is(codeOf(check('ping', { v: 1, id: 'a/b' })), 'invalid');
  assert.is(codeOf(check('ping', { v: 1 })), 'invalid');
});

test('what changes something needs a signature, by a key of the configuration', () => {
  const { signature: _signature, ...unsigned } = setupJson();
  assert.is(codeOf(check('setup', unsigned)), 'unsigned');
  assert.is(codeOf(check('setup', setupJson(), factsOf({ publicKeys: [] }))), 'no_keys');
  const stranger = memoryKey();
  const checked = check('setup', signedJson({ name: 'setup', key: stranger, nowMs: NOW_MS, fields: { minutes: 1 } }));
  assert.is(codeOf(checked), 'unknown_key');
  assert.match('refused' in checked ? checked.refused.message : '', keyFingerprint(stranger.publicKey));
  assert.is(codeOf(check('setup', { ...setupJson(), minutes: 11 })), 'bad_signature');
  // Somebody writes our key into what they have signed themselves.
  const forged = {
    ...signedJson({ name: 'setup', key: stranger, nowMs: NOW_MS, fields: { minutes: 1 } }),
    public_key: KEY.publicKey,
  };
  assert.is(codeOf(check('setup', forged)), 'bad_signature');
});

test('a signature for another command, site or device is worth nothing here', () => {
  assert.is(codeOf(check('reload', signedJson({ name: 'setup', key: KEY, nowMs: NOW_MS }))), 'invalid');
  assert.is(codeOf(check('setup', setupJson({ site: 'other' }))), 'wrong_device');
  assert.is(codeOf(check('setup', setupJson({ device: 'door2' }))), 'wrong_device');
});

test('a command has its time, by the device’s clock, which the refusal tells', () => {
  const at = (ms: number) => new Date(NOW_MS + ms).toISOString();
  const code = (issued_at: string, expires_at: string) => codeOf(check('setup', setupJson({ issued_at, expires_at })));
  assert.is(code(at(-600_000 + 1), at(1)), 'ok');
  assert.is(code(at(-600_000), at(0)), 'expired');
  assert.is(code(at(60_000), at(120_000)), 'ok');
  assert.is(code(at(60_001), at(120_000)), 'not_yet_valid');
  assert.is(code(at(0), at(600_000)), 'ok');
  assert.is(code(at(0), at(600_001)), 'validity');
  assert.is(code(at(0), at(0)), 'validity');
  assert.is(code('2026-13-45T99:00:00.000Z', at(60_000)), 'validity');
  const early = check('setup', setupJson(), factsOf({ nowMs: 5000 }));
  assert.is(codeOf(early), 'clock_wrong');
  assert.match('refused' in early ? early.refused.message : '', '1970-01-01T00:00:05.000Z');
  const expired = check('setup', setupJson(), factsOf({ nowMs: NOW_MS + 3_600_000 }));
  assert.match('refused' in expired ? expired.refused.message : '', '2026-06-01T13:00:00.000Z');
});

test('an id is taken once, even when the clock is set back after it was forgotten', () => {
  const memory = emptyMemory();
  const json = setupJson();
  const expiresMs = Date.parse(String(json['expires_at']));
  remember(memory, String(json['id']), expiresMs);
  assert.is(codeOf(check('setup', json, factsOf({ memory }))), 'replayed');
  assert.ok(forgetExpired(memory, expiresMs));
  assert.equal(memory.ids, []);
  assert.is(codeOf(check('setup', json, factsOf({ memory }))), 'replayed');
  const later = { issued_at: new Date(expiresMs).toISOString(), expires_at: new Date(expiresMs + 1).toISOString() };
  assert.is(codeOf(check('setup', setupJson(later), factsOf({ memory }))), 'ok');
});

test('a full memory takes nothing more, rather than forgetting', () => {
  const memory = emptyMemory();
  for (let i = 0; i < IDS_MAX; i++) remember(memory, `id-${i}`, NOW_MS + 1000);
  assert.is(codeOf(check('setup', setupJson(), factsOf({ memory }))), 'too_many');
});

test('fuzzed payloads never throw, and nothing gets through that is not a right command', () => {
  const name = fc.oneof(fc.constantFrom('ping', 'setup', 'reload', 'reset-occupancy', 'resend'), fc.string());
  fc.assert(
    fc.property(name, fc.oneof(fc.string(), fc.json()), fc.boolean(), (word, payload, retained) => {
      assert.is.not(codeOf(checkCommand(word, messageOf(word, payload, { retained }), factsOf())), 'ok');
    }),
    runs,
  );
});

test('one changed field of a signed command is always refused', () => {
  const fields = Object.keys(setupJson());
  fc.assert(
    fc.property(fc.constantFrom(...fields, 'more'), fc.jsonValue(), (field, value) => {
      const json = setupJson();
      fc.pre(JSON.stringify(json[field]) !== JSON.stringify(value));
      assert.is.not(codeOf(check('setup', { ...json, [field]: value })), 'ok');
    }),
    runs,
  );
});

test('one changed character anywhere in a signed command is refused', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 32, max: 126 }), (at, code) => {
      const text = JSON.stringify(setupJson());
      const place = at % text.length;
      const changed = text.slice(0, place) + String.fromCharCode(code) + text.slice(place + 1);
      fc.pre(changed !== text);
      assert.is.not(codeOf(checkCommand('setup', messageOf('setup', changed), factsOf())), 'ok');
    }),
    runs,
  );
});

test.run();
