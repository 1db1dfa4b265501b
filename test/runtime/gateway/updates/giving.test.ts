// Goal: the bundle goes to devices of the store with a certificate that holds, and to a bounded number at once.
// Method: calls as the server makes them.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GIVEN_MORE, Giving } from '../../../../runtime/gateway/updates/giving.ts';
import type { Release } from '../../../../runtime/gateway/updates/release-watch.ts';

const SHA256 = 'ef'.repeat(32);

function giving(release: { sha256: string } | null = { sha256: SHA256 }) {
  return new Giving({
    release: () =>
      release === null ? undefined : ({ manifest: { sha256: release.sha256 }, path: '/bundle', bytes: 5 } as Release),
    atOnce: 1,
    isKnown: (device) => device.startsWith('door'),
    isRevoked: (serial) => serial === 'OLD',
  });
}
const caller = (name: string, serial = 'A1') => ({ name, serial });
const statusOf = (given: ReturnType<Giving['give']>) => ('status' in given ? given.status : 200);

test('each refusal has its own word', () => {
  const cases = [
    [undefined, SHA256, 'certificate_needed'],
    [caller('stranger'), SHA256, 'unknown_device'],
    [caller('door1', 'OLD'), SHA256, 'revoked'],
    [caller('door1'), '00'.repeat(32), 'not_offered'],
  ] as const;
  for (const [who, sha256, word] of cases) {
    const given = giving().give(sha256, who);
    assert.is('status' in given && JSON.parse(given.body).error.code, word);
  }
  assert.is(statusOf(giving(null).give(SHA256, caller('door1'))), 404);
});

test('one device has a few, all have some more, and whoever ends makes room', () => {
  const server = giving();
  const own = Array.from({ length: 4 }, () => server.give(SHA256, caller('door1')));
  assert.equal(own.map(statusOf), [200, 200, 200, 503]);
  const others = Array.from({ length: GIVEN_MORE }, (_, at) => server.give(SHA256, caller(`door${at + 2}`)));
  assert.equal(others.map(statusOf), [200, 200, 503, 503]);
  for (const given of own) if ('end' in given) given.end();
  assert.is(statusOf(server.give(SHA256, caller('door9'))), 200);
});

test.run();
