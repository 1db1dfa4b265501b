// Goal: a device has one key, which nobody else can read or exchange, and its signatures are worth something for one purpose only.
// Method: real files in a temporary folder with every wrong permission; canonical JSON by an example of RFC 8785 and properties.
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LetheError } from '../../../runtime/errors.ts';
import { canonicalJson, DEVICE_KEY_FILE, isSignedBy, openDeviceKey } from '../../../runtime/privacy/device-key.ts';
import { within } from '../../fakes/within.ts';

const test = suite('device key');
const root = mkdtempSync(join(tmpdir(), 'lethe-key-'));
test.after(() => rmSync(root, { recursive: true, force: true }));
let folderCount = 0;
const freshFolder = () => join(root, `state-${folderCount++}`);
const bytes = Buffer.from('42 in, 40 out');

function faultOf(run: () => unknown): LetheError {
  try {
    run();
  } catch (error) {
    assert.instance(error, LetheError);
    return error as LetheError;
  }
  return assert.unreachable('it was accepted') as never;
}

test('is made at first use, for the owner alone, and is the same ever after', () => {
  const folder = freshFolder();
  const first = openDeviceKey(folder);
  assert.is(statSync(folder).mode & 0o777, 0o700);
  assert.is(statSync(join(folder, DEVICE_KEY_FILE)).mode & 0o777, 0o600);
  assert.equal(readdirSync(folder), [DEVICE_KEY_FILE]);
  assert.is(openDeviceKey(folder).publicKey, first.publicKey);
  assert.is(Buffer.from(first.publicKey, 'base64').length, 32);
  assert.is.not(openDeviceKey(freshFolder()).publicKey, first.publicKey);
});

test('two programs that start at once get one key', async () => {
  const folder = freshFolder();
  const module = new URL('../../../runtime/privacy/device-key.js', import.meta.url).href;
  const code = `const { openDeviceKey } = await import('${module}'); process.stdout.write(openDeviceKey('${folder}').publicKey);`;
  const keys = await within(
    20_000,
    'four programs end',
    Promise.all(
      [1, 2, 3, 4].map(
        () =>
          new Promise<string>((resolve) => {
            const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
            let out = '';
            child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
            child.once('close', () => resolve(out));
          }),
      ),
    ),
  );
  assert.is(new Set(keys).size, 1);
  assert.is(keys[0], openDeviceKey(folder).publicKey);
  assert.equal(readdirSync(folder), [DEVICE_KEY_FILE]);
});

test('a signature holds for its key, its purpose and its bytes, and for nothing else', () => {
  const key = openDeviceKey(freshFolder());
  const signature = key.sign('lethe test 1', bytes);
  assert.ok(isSignedBy(key.publicKey, 'lethe test 1', bytes, signature));
  assert.not.ok(isSignedBy(key.publicKey, 'lethe test 2', bytes, signature));
  assert.not.ok(isSignedBy(key.publicKey, 'lethe test 1', Buffer.from('43 in, 40 out'), signature));
  assert.not.ok(isSignedBy(openDeviceKey(freshFolder()).publicKey, 'lethe test 1', bytes, signature));
});

test('a key or signature that is none is no signature, and no crash', () => {
  const key = openDeviceKey(freshFolder());
  const signature = key.sign('p', bytes);
  for (const odd of ['', 'AAAA', `${key.publicKey}=`, `${key.publicKey} `, Buffer.alloc(32, 255).toString('base64')])
    assert.not.ok(isSignedBy(odd, 'p', bytes, signature), odd);
  for (const odd of ['', 'AAAA', ` ${signature}`, signature.slice(0, -2)])
    assert.not.ok(isSignedBy(key.publicKey, 'p', bytes, odd), odd);
});

test('a file that others may read is refused with the remedy, whatever they may do with it', () => {
  for (const mode of [0o640, 0o604, 0o644, 0o620, 0o602, 0o660]) {
    const folder = freshFolder();
    openDeviceKey(folder);
    const path = join(folder, DEVICE_KEY_FILE);
    chmodSync(path, mode);
    const fault = faultOf(() => openDeviceKey(folder));
    assert.is(fault.code, 'DEVICE_KEY_EXPOSED', mode.toString(8));
    assert.match(fault.message, mode.toString(8));
    assert.match(fault.hint, `chmod 600 ${path}`);
    assert.is(statSync(path).mode & 0o777, mode, 'it is not repaired in silence');
  }
});

test('a folder that others may write to is refused: they could exchange the key', () => {
  for (const mode of [0o770, 0o707, 0o777]) {
    const folder = freshFolder();
    mkdirSync(folder);
    chmodSync(folder, mode);
    const fault = faultOf(() => openDeviceKey(folder));
    assert.is(fault.code, 'DEVICE_KEY_EXPOSED');
    assert.match(fault.hint, `chmod go-w ${folder}`);
  }
  const readable = freshFolder();
  mkdirSync(readable);
  chmodSync(readable, 0o755);
  assert.ok(openDeviceKey(readable).publicKey, 'a folder that others may only list is fine');
});

test('a damaged file is refused and stays: nothing of it is told, no new key takes its place', () => {
  const pem = (type: 'rsa' | 'ed25519') =>
    (type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 1024 }) : generateKeyPairSync('ed25519')).privateKey
      .export({ format: 'pem', type: 'pkcs8' })
      .toString();
  for (const text of ['', 'not a key', pem('ed25519').slice(0, 80), pem('rsa'), 'x'.repeat(5000)]) {
    const folder = freshFolder();
    mkdirSync(folder, { mode: 0o700 });
    const path = join(folder, DEVICE_KEY_FILE);
    writeFileSync(path, text, { mode: 0o600 });
    const fault = faultOf(() => openDeviceKey(folder));
    assert.is(fault.code, 'DEVICE_KEY_DAMAGED');
    assert.match(fault.message, path);
    assert.match(fault.hint, 'backup');
    if (text !== '')
      assert.not.match(`${fault.message}${fault.hint}${String(fault.cause)}`, text.slice(30, 60) || text);
    assert.is(readFileSync(path, 'utf8'), text);
  }
});

test('a link, a folder of that name and a state folder that cannot be made are told with the path', () => {
  const linked = freshFolder();
  mkdirSync(linked, { mode: 0o700 });
  const other = freshFolder();
  openDeviceKey(other);
  symlinkSync(join(other, DEVICE_KEY_FILE), join(linked, DEVICE_KEY_FILE));
  assert.is(faultOf(() => openDeviceKey(linked)).code, 'DEVICE_KEY_UNREADABLE');
  assert.match(faultOf(() => openDeviceKey(linked)).message, 'symbolic link');

  const folderOfThatName = freshFolder();
  mkdirSync(join(folderOfThatName, DEVICE_KEY_FILE), { recursive: true, mode: 0o700 });
  assert.is(faultOf(() => openDeviceKey(folderOfThatName)).code, 'DEVICE_KEY_DAMAGED');

  const file = join(root, 'a-file');
  writeFileSync(file, '');
  const fault = faultOf(() => openDeviceKey(join(file, 'state')));
  assert.match(fault.message, join(file, 'state'));
  assert.match(fault.hint, /state_dir|user/);
});

test('canonical JSON is the form of RFC 8785', () => {
  // Section 3.2.2, the example of the standard.
  const example = {
    numbers: JSON.parse('[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]') as unknown,
    string: "€$\u000F\u000aA'\u0042\u0022\u005c\\\u0022/",
    literals: [null, true, false],
  };
  assert.is(
    canonicalJson(example).toString(),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  // Section 3.2.3: by UTF-16 code units, so that a surrogate comes before U+FB33.
  const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
  assert.equal(
    canonicalJson(keys)
      .toString()
      .match(/(?<=:)\d/g),
    ['2', '4', '6', '7', '1', '5', '3'],
  );
  assert.is(canonicalJson({ 9: 0, 10: 0, a: { b: [] } }).toString(), '{"10":0,"9":0,"a":{"b":[]}}');
});

test('the order of keys and the blanks of a file do not matter, its values do', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (object) => {
      const shuffled = Object.fromEntries(Object.entries(object).reverse());
      const pretty = JSON.parse(JSON.stringify(shuffled, null, 3)) as unknown;
      assert.ok(canonicalJson(pretty).equals(canonicalJson(JSON.parse(JSON.stringify(object)))));
      assert.equal(JSON.parse(canonicalJson(object).toString()), JSON.parse(JSON.stringify(object)));
    }),
  );
});

test.run();
