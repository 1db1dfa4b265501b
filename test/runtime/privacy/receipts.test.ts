// Goal: whoever follows the written rules gets the bytes that were signed and the hashes; any other receipt is refused.
// Method: a vector made by a program of another language (scripts/golden/receipt.py), and changes to it, one by one.
import { createHash, createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalJson, type DeviceKey } from '../../../runtime/privacy/device-key.ts';
import {
  isReceiptSigned,
  messageHash,
  type Receipt,
  receiptFaults,
  receiptHash,
  signedReceipt,
} from '../../../runtime/privacy/receipts.ts';
import { sourceRoot } from '../../fakes/root.ts';

type Golden = {
  readonly secret_hex: string;
  readonly message: Record<string, unknown>;
  readonly signed_bytes_sha256: string;
  readonly receipt: Receipt;
  readonly receipt_sha256: string;
};
const golden = JSON.parse(readFileSync(join(sourceRoot(), 'test', 'golden', 'receipt.json'), 'utf8')) as Golden;

/** PKCS #8 in front of the 32 bytes of an Ed25519 secret (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

function goldenKey(): DeviceKey {
  const secret = Buffer.concat([PKCS8_PREFIX, Buffer.from(golden.secret_hex, 'hex')]);
  const key = createPrivateKey({ key: secret, format: 'der', type: 'pkcs8' });
  return {
    publicKey: golden.receipt.public_key,
    sign: (purpose, bytes) => sign(null, Buffer.concat([Buffer.from(`${purpose}\n`), bytes]), key).toString('base64'),
  };
}

/** Paths of all leaves. */
function leavesOf(value: unknown, path: readonly string[] = []): string[][] {
  if (value === null || typeof value !== 'object') return [[...path]];
  return Object.entries(value).flatMap(([name, inner]) => leavesOf(inner, [...path, name]));
}

function withChange(path: readonly string[]): Receipt {
  const copy = structuredClone(golden.receipt);
  let node = copy as unknown as Record<string, unknown>;
  for (const name of path.slice(0, -1)) node = node[name] as Record<string, unknown>;
  const last = path.at(-1)!;
  const value = node[last];
  node[last] = typeof value === 'number' ? value + 1 : String(value).replace(/.$/, (end) => (end === 'a' ? 'b' : 'a'));
  return copy;
}

test('a receipt that another program made is signed, and its hash is the one that program gives', () => {
  assert.equal(receiptFaults(golden.receipt), []);
  assert.ok(isReceiptSigned(golden.receipt));
  assert.is(receiptHash(golden.receipt), golden.receipt_sha256);
});

test('the signed bytes are the purpose, a line feed and the receipt without its signature in canonical form', () => {
  const { signature: _, ...unsigned } = golden.receipt;
  const bytes = Buffer.concat([Buffer.from('lethe receipt 1\n'), canonicalJson(unsigned)]);
  assert.is(createHash('sha256').update(bytes).digest('hex'), golden.signed_bytes_sha256);
});

test('the same facts and key give the same signature', () => {
  const { signature: _, public_key: __, ...facts } = golden.receipt;
  assert.equal(signedReceipt(facts, goldenKey()), golden.receipt);
});

test('the message that it covers has the hash that it names, whenever and wherever it was sent', () => {
  const { sha256 } = golden.receipt.covers[0]!;
  assert.is(messageHash(golden.message), sha256);
  assert.is(messageHash({ ...golden.message, historical: true, tz: 'UTC' }), sha256);
  assert.is.not(messageHash({ ...golden.message, in: 5 }), sha256);
  assert.is.not(messageHash({ ...golden.message, more: 1 }), sha256);
});

test('a change of any field is seen', () => {
  const paths = leavesOf(golden.receipt);
  assert.ok(paths.length > 25);
  for (const path of paths) {
    const changed = withChange(path);
    assert.ok(receiptFaults(changed).length > 0 || !isReceiptSigned(changed), path.join('.'));
  }
});

test('blanks and the order of keys are no change', () => {
  const shuffled = Object.fromEntries(Object.entries(golden.receipt).reverse()) as Receipt;
  assert.ok(isReceiptSigned(shuffled));
  assert.is(receiptHash(shuffled), golden.receipt_sha256);
});

test('a field that was added is seen, and so is one that is gone', () => {
  assert.not.ok(isReceiptSigned({ ...golden.receipt, more: 1 } as unknown as Receipt));
  for (const name of Object.keys(golden.receipt)) {
    const { [name as keyof Receipt]: _, ...rest } = golden.receipt;
    assert.ok(receiptFaults(rest).join().includes(name), name);
  }
});

test('what is no receipt is told, not thrown', () => {
  for (const json of [undefined, null, [], 7, '', {}, { v: 1, kind: 'receipt' }])
    assert.ok(receiptFaults(json).length > 0, JSON.stringify(json));
});

test.run();
