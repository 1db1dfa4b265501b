// Goal: a setup code says what it was made to say, and any other text is refused with the right word.
// Method: properties over payloads and damages, golden codes from another CBOR writer and another Ed25519, and codes built by hand.
import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeCbor } from '../../../provisioning/payload/cbor.ts';
import { type CodeMoment, type CodeReader, encodeCode, readCode } from '../../../provisioning/payload/code.ts';
import { payloadToMap } from '../../../provisioning/payload/fields.ts';
import { keyIdOf } from '../../../provisioning/payload/keys.ts';
import { CODE_CHARS_MAX, LINE_DIRECTIONS, type SetupPayload } from '../../../provisioning/payload/payload.ts';
import { REFUSALS } from '../../../provisioning/payload/refusals.ts';
import { ProvisioningError } from '../../../runtime/errors.ts';
import { sourceRoot } from '../../fakes/root.ts';
import { fleetKey, ISSUED_AT_S, keysOf, setupPayload } from '../../fakes/setup-code.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 200);
const KEY = fleetKey();
const KEYS = keysOf(KEY);
const NOW: CodeMoment = { nowMs: ISSUED_AT_S * 1000, isTimeKnown: true };
const BLANK: CodeReader = { spent: () => false };

const read = (text: string, moment = NOW, device = BLANK, keys = KEYS) => readCode(text, keys, moment, device);
const refusalOf = (...words: Parameters<typeof read>) => {
  const reading = read(...words);
  return reading.ok ? 'taken' : reading.refusal;
};

/** A code around any bytes, signed by the right key unless the test says otherwise. */
function codeOf(bytes: Uint8Array, purpose = 'lethe code v1\n', key = KEY.privateKey): string {
  const signature = sign(null, Buffer.concat([Buffer.from(purpose), bytes]), key);
  return `LETHE1.${Buffer.from(bytes).toString('base64url')}.${signature.toString('base64url')}`;
}
const GOOD = setupPayload(KEY.id);
const GOOD_BYTES = encodeCbor(payloadToMap(GOOD));

const hex = (count: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${count}}$`));
const printable = (minLength: number, maxLength: number) => fc.string({ unit: 'grapheme-ascii', minLength, maxLength });
const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,9}$/);
const ssid = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 16 })
  .filter((text) => Buffer.byteLength(text) <= 32 && Buffer.from(text).toString() === text)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  .filter((text) => !/[\u0000-\u001f\u007f]/.test(text));
const place = fc.integer({ min: 0, max: 200 }).map((steps) => steps / 200);
const line = fc.record(
  {
    name,
    from: fc.tuple(place, place),
    to: fc.tuple(place, place),
    in: fc.constantFrom(...LINE_DIRECTIONS),
  },
  { noNullPrototype: true },
);
const bands = fc.option(
  fc.record({
    hysteresis: fc.integer({ min: 0, max: 200 }).map((steps) => steps / 1000),
    min_path: fc.integer({ min: 0, max: 100 }).map((steps) => steps / 200),
  }),
);
const access = (passphrase: fc.Arbitrary<string>, ...securities: readonly string[]) =>
  fc.record(
    { ssid, passphrase, security: fc.constantFrom(...securities), isHidden: fc.boolean() },
    { noNullPrototype: true },
  );
const wifi = fc.oneof(access(printable(8, 30), 'wpa', 'sae'), access(hex(64), 'wpa'), access(fc.constant(''), 'open'));
const port = fc.integer({ min: 1, max: 65_535 });

/** Payloads of every kind; some are too long for a code. */
const payloads = fc
  .record(
    {
      site: name,
      device: name,
      issuedAtS: fc.integer({ min: 1_700_000_000, max: 4_000_000_000 }),
      nonce: hex(16),
      token: hex(32),
      wifi,
      host: fc.domain().filter((host) => host.length <= 30),
      mqttPort: fc.oneof(fc.constant(8883), port),
      claimPort: fc.oneof(fc.constant(8885), port),
      caPin: hex(32),
      lines: fc.uniqueArray(
        fc.tuple(line, bands).map(([plain, its]) => ({ ...plain, ...(its ?? {}) })),
        { minLength: 1, maxLength: 3, selector: (entry) => entry.name },
      ),
      country: fc.stringMatching(/^[A-Z]{2}$/),
      validS: fc.integer({ min: 1, max: 604_800 }),
    },
    {
      requiredKeys: ['site', 'issuedAtS', 'nonce', 'token', 'host', 'mqttPort', 'claimPort', 'caPin', 'validS'],
      noNullPrototype: true,
    },
  )
  .map(
    ({ validS, ...fields }) =>
      ({ ...fields, keyId: KEY.id, expiresAtS: fields.issuedAtS + validS }) as unknown as SetupPayload,
  );

test('what was put in comes out again, in at most 300 characters, or is refused as too long', () => {
  let taken = 0;
  fc.assert(
    fc.property(payloads, (payload) => {
      let code: string;
      try {
        code = encodeCode(payload, KEY.privateKey);
      } catch (error) {
        assert.instance(error, ProvisioningError);
        assert.is((error as ProvisioningError).code, 'PROVISIONING_TOO_LONG');
        return;
      }
      taken += 1;
      assert.ok(code.length <= CODE_CHARS_MAX, `${code.length} characters`);
      const reading = read(code, { nowMs: payload.issuedAtS * 1000, isTimeKnown: true });
      assert.equal(reading, { ok: true, payload });
    }),
    { numRuns: RUNS },
  );
  assert.ok(taken > RUNS / 4, `${taken} of ${RUNS} fitted`);
});

test('golden codes: the same bytes, and the same meaning', () => {
  const golden = JSON.parse(readFileSync(join(sourceRoot(), 'test/golden/setup-code.json'), 'utf8'));
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${golden.secret_hex}`, 'hex');
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  const keys = new Map([[keyIdOf(privateKey), createPublicKey(privateKey)]]);
  assert.is(golden.vectors.length, 5);
  for (const { name: what, code, payload, payload_hex } of golden.vectors) {
    assert.is(Buffer.from(encodeCbor(payloadToMap(payload))).toString('hex'), payload_hex, what);
    assert.is(encodeCode(payload, privateKey), code, what);
    assert.equal(read(code, NOW, BLANK, keys), { ok: true, payload }, what);
  }
});

test('each single changed character is refused, wherever it is', () => {
  const code = encodeCode(GOOD, KEY.privateKey);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (let index = 0; index < code.length; index += 1)
    for (const other of `${alphabet}. =é`) {
      if (other === code[index]) continue;
      const damaged = code.slice(0, index) + other + code.slice(index + 1);
      assert.is.not(refusalOf(damaged), 'taken', `${other} at ${index}`);
    }
});

test('characters that are missing, doubled, swapped or added are refused', () => {
  const code = encodeCode(GOOD, KEY.privateKey);
  for (let index = 0; index < code.length; index += 1) {
    const [before, here, after] = [code.slice(0, index), code[index]!, code.slice(index + 1)];
    assert.is.not(refusalOf(before + after), 'taken');
    assert.is.not(refusalOf(before + here + here + after), 'taken');
    if (after !== '' && after[0] !== here) assert.is.not(refusalOf(before + after[0] + here + after.slice(1)), 'taken');
    assert.is.not(refusalOf(before), 'taken');
  }
  for (const text of [` ${code}`, `${code}\n`, `${code}=`, `${code}.`, code + code, code.toLowerCase()])
    assert.is.not(refusalOf(text), 'taken');
});

test('any text at all is answered with a word of the table', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 400 }),
    fc.string({ maxLength: 300 }).map((rest) => `LETHE1.${rest}`),
    fc.uint8Array({ maxLength: 160 }).map((bytes) => codeOf(bytes)),
  );
  fc.assert(
    fc.property(text, (anything) => assert.ok(Object.hasOwn(REFUSALS, refusalOf(anything)))),
    { numRuns: RUNS },
  );
});

test('a code of somebody else, of a later version, or of another length is told apart', () => {
  assert.is(refusalOf(''), 'not_ours');
  assert.is(refusalOf('WIFI:S:Lager;T:WPA;P:hidden;;'), 'not_ours');
  assert.is(refusalOf('LETHE2.whatever'), 'newer_version');
  assert.is(refusalOf('LETHE17.whatever'), 'newer_version');
  assert.is(refusalOf('LETHE01.whatever'), 'not_ours');
  assert.is(refusalOf('LETHE1.'), 'damaged');
  assert.is(refusalOf(`LETHE1.${'A'.repeat(1_000_000)}`), 'damaged');
});

/** The good payload with bytes put in place of others, signed as it then is. */
const withBytes = (change: (hexDigits: string) => string) =>
  codeOf(Buffer.from(change(Buffer.from(GOOD_BYTES).toString('hex')), 'hex'));

test('the good bytes are taken when they are signed by hand', () => {
  assert.is(refusalOf(codeOf(GOOD_BYTES)), 'taken');
});

test('forms that are not canonical are refused although they are signed', () => {
  const replaced = (from: string, to: string) =>
    withBytes((digits) => {
      assert.ok(digits.includes(from), from);
      return digits.replace(from, to);
    });
  // 03 19 0384: valid for 900 s, as 16 bits.
  assert.is(refusalOf(replaced('03190384', '031a00000384')), 'damaged', 'a longer number');
  assert.is(refusalOf(replaced('03190384', '03f96308')), 'damaged', 'a half float');
  assert.is(refusalOf(replaced('03190384', '03fb408c200000000000')), 'damaged', 'a double');
  assert.is(refusalOf(withBytes((digits) => `${digits}00`)), 'damaged', 'a byte behind the end');
  assert.is(refusalOf(withBytes((digits) => digits.slice(0, -2))), 'damaged', 'a byte less');
  const first = Buffer.from(GOOD_BYTES).toString('hex').slice(0, 2);
  assert.is(refusalOf(withBytes((digits) => `bf${digits.slice(2)}ff`)), 'damaged', 'indefinite length');
  const count = Number.parseInt(first, 16) & 31;
  const more = (0xa0 | (count + 1)).toString(16);
  assert.is(refusalOf(withBytes((digits) => `${more}${digits.slice(2)}10625345`)), 'damaged', 'a key twice');
  assert.is(refusalOf(withBytes((digits) => `${more}101853${digits.slice(2)}`)), 'damaged', 'another order');
  assert.is(refusalOf(withBytes((digits) => `d9d9f7${digits}`)), 'damaged', 'a tag');
  assert.is(refusalOf(replaced('0875', '087f')), 'damaged', 'text of indefinite length');
});

const withField = (key: number, value: Parameters<typeof encodeCbor>[0]) => {
  const map = payloadToMap(GOOD);
  map.set(key, value);
  return codeOf(encodeCbor(new Map([...map].sort(([a], [b]) => a - b))));
};

test('defaults that are written out, and parts of a Wi-Fi that is not there, are refused', () => {
  assert.is(refusalOf(withField(9, 8883)), 'damaged');
  assert.is(refusalOf(withField(10, 8885)), 'damaged');
  assert.is(refusalOf(withField(14, 0)), 'damaged');
  assert.is(refusalOf(withField(15, false)), 'damaged');
  const cable = payloadToMap(setupPayload(KEY.id, { host: 'g' }));
  for (const key of [12, 16]) cable.delete(key);
  assert.is(refusalOf(codeOf(encodeCbor(cable))), 'damaged', 'a passphrase without a network');
});

test('fields of the wrong kind or out of their bounds are refused although they are signed', () => {
  const wrong: [number, Parameters<typeof encodeCbor>[0]][] = [
    [2, -1],
    [2, 2 ** 33],
    [3, 0],
    [3, 604_801],
    [4, new Uint8Array(7)],
    [5, 'text'],
    [6, 'Malmo'],
    [6, ''],
    [7, 'a/b'],
    [8, 'http://host'],
    [9, 0],
    [9, 65_536],
    [11, new Uint8Array(15)],
    [12, 'x'.repeat(33)],
    [12, 'a\nb'],
    [13, 'short'],
    [14, 7],
    [16, 'se'],
    [17, []],
    [17, ['door']],
    [17, ['door', new Uint8Array(6)]],
    [17, ['door', Uint8Array.from([0, 0, 201, 0, 0])]],
    [17, ['door', Uint8Array.from([0, 0, 1, 0, 4])]],
    [17, [new Map([[1, 2]])]],
  ];
  for (const [key, value] of wrong) assert.is(refusalOf(withField(key, value)), 'damaged', `${key}`);
});

test('a key that this version does not know is a newer version, if the signature is good', () => {
  assert.is(refusalOf(withField(18, 1)), 'newer_version');
  const other = fleetKey();
  const map = payloadToMap(GOOD).set(18, 1);
  assert.is(refusalOf(codeOf(encodeCbor(map), 'lethe code v1\n', other.privateKey)), 'forged');
});

test('deep nesting and lengths beyond the end cost nothing and are refused', () => {
  const deep = Buffer.concat([Buffer.alloc(150, 0x81), Buffer.from([0])]);
  assert.is(refusalOf(codeOf(deep)), 'damaged');
  for (const head of [
    'bb001fffffffffffff',
    '9b001fffffffffffff',
    '5b001fffffffffffff',
    '7bffffffffffffffff',
    'bb00000000ffffffff',
  ])
    assert.is(refusalOf(codeOf(Buffer.from(`${head}00`, 'hex'))), 'damaged', head);
});

test('signatures of an unknown key, of another key and for another purpose are refused', () => {
  const other = fleetKey();
  assert.is(refusalOf(encodeCode(setupPayload(other.id), other.privateKey)), 'unknown_key');
  assert.is(refusalOf(codeOf(GOOD_BYTES, 'lethe code v1\n', other.privateKey)), 'forged');
  assert.is(refusalOf(codeOf(GOOD_BYTES, 'lethe claim v1\n')), 'forged');
  assert.is(refusalOf(codeOf(GOOD_BYTES, '')), 'forged');
});

test('two keys are known while one is being replaced', () => {
  const next = fleetKey();
  const both = keysOf(KEY, next);
  assert.is(refusalOf(encodeCode(GOOD, KEY.privateKey), NOW, BLANK, both), 'taken');
  assert.is(refusalOf(encodeCode(setupPayload(next.id), next.privateKey), NOW, BLANK, both), 'taken');
});

test('a code ends with its last second, and begins two minutes before it was made', () => {
  const code = encodeCode(GOOD, KEY.privateKey);
  const at = (offsetMs: number, isTimeKnown = true) =>
    refusalOf(code, { nowMs: ISSUED_AT_S * 1000 + offsetMs, isTimeKnown });
  assert.is(at(899_999), 'taken');
  assert.is(at(900_000), 'expired');
  assert.is(at(-120_000), 'taken');
  assert.is(at(-120_001), 'not_yet_valid');
});

test('without a clock a code may be younger than the time that is known, but not older', () => {
  const code = encodeCode(GOOD, KEY.privateKey);
  const at = (offsetMs: number) => refusalOf(code, { nowMs: ISSUED_AT_S * 1000 + offsetMs, isTimeKnown: false });
  assert.is(at(-40_000_000_000), 'taken');
  assert.is(at(899_999), 'taken');
  assert.is(at(900_000), 'expired');
});

test('a code for another device, or one that was used, is refused', () => {
  const code = encodeCode(GOOD, KEY.privateKey);
  assert.is(refusalOf(code, NOW, { name: 'door1', spent: () => false }), 'taken');
  assert.is(refusalOf(code, NOW, { name: 'door2', spent: () => false }), 'other_device');
  const asked: string[] = [];
  const spent = (nonce: string) => asked.push(nonce) > 0;
  assert.is(refusalOf(code, NOW, { spent }), 'replayed');
  assert.equal(asked, [GOOD.nonce]);
  const { device: _, ...anyDevice } = GOOD;
  const forAny = encodeCode(anyDevice, KEY.privateKey);
  assert.is(refusalOf(forAny, NOW, { name: 'door2', spent: () => false }), 'taken');
});

test('the time is asked before the nonce, so that an old code says that it is old', () => {
  const code = encodeCode(GOOD, KEY.privateKey);
  assert.is(refusalOf(code, { nowMs: NOW.nowMs + 1e9, isTimeKnown: true }, { spent: () => true }), 'expired');
});

test.run();
