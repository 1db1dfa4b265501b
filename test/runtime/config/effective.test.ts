// Goal: the hash of a configuration stands for every field of it, and for no secret.
// Method: parse, write back, parse again; change fields one by one.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../runtime/config/config.ts';
import { effectiveFile } from '../../../runtime/config/effective.ts';
import { canonicalHash } from '../../../runtime/privacy/receipts.ts';
import { FULL_LAYOUT } from '../../fakes/layout.ts';

const hashOf = (file: object) => canonicalHash(effectiveFile(parseConfig(file)));

test('it is a file that gives the same configuration', () => {
  for (const file of [{}, FULL_LAYOUT]) {
    const config = parseConfig(file);
    assert.equal(parseConfig(effectiveFile(config)), config);
  }
});

test('defaults are in it: what is written out and what is left out have one hash', () => {
  assert.is(hashOf({}), hashOf({ interval_s: 60, camera: { driver: 'scene' } }));
});

test('another value in any field is another hash', () => {
  const hashes = [
    {},
    { interval_s: 30 },
    { device: 'door2' },
    { lines: [{ name: 'door', from: [0.05, 0.5], to: [0.95, 0.6], in: 'down' }] },
    { mqtt: { password_file: '/etc/lethe/password' } },
  ].map(hashOf);
  assert.is(new Set(hashes).size, hashes.length);
});

test('user and password of a stream are not in it, the rest of its address is', () => {
  const hashOfSource = (source: string) => hashOf({ camera: { driver: 'video', video: { source } } });
  assert.is(hashOfSource('rtsp://anna:secret@host/1'), hashOfSource('rtsp://host/1'));
  assert.is(hashOfSource('rtsp://anna:se@cret@host/1'), hashOfSource('rtsp://host/1'));
  assert.is.not(hashOfSource('rtsp://host/1'), hashOfSource('rtsp://host/2'));
  assert.is.not(hashOfSource('rtsp://host/a@b'), hashOfSource('rtsp://host/b'));
});

test.run();
