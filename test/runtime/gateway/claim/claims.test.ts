// Goal: one token, one key, one certificate, whatever dies when and in which order devices ask; each refusal has its own word.
// Method: the claim service with the real authority and database, a clock moved by hand; orders, retries and deaths by fast-check.
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { CLAIM_REFUSALS } from '../../../../runtime/gateway/claim/refusals.ts';
import { Board, ClaimBench, type ClaimResult, Fleet } from '../../../fakes/claim-gateway.ts';
import { databaseOn } from '../../../fakes/database.ts';
import { PowerCut, SimulatedDisk } from '../../../fakes/disk.ts';

const MINUTE_MS = 60_000;

async function withBench(
  options: ConstructorParameters<typeof ClaimBench>[0],
  work: (bench: ClaimBench) => void | Promise<void>,
): Promise<void> {
  const bench = new ClaimBench(options);
  try {
    await work(bench);
  } finally {
    await bench.end();
  }
}

const wordOf = ({ status, body }: ClaimResult) => [status, body.error?.code];

test('a code becomes a certificate in the name of the device, for its key and for no other', () =>
  withBench({}, (bench) => {
    const board = new Board();
    const { status, body } = bench.claim(board.request(bench.code({ device: 'door1' })));
    assert.is(status, 200);
    assert.is(body.device, 'door1');
    const certificate = new X509Certificate(body.certificate!);
    assert.is(certificate.subject, 'CN=door1');
    assert.ok(certificate.checkPrivateKey(board.privateKey));
    assert.ok(certificate.verify(new X509Certificate(body.ca!).publicKey));
    assert.is(body.time, new Date(bench.clock.wallMs()).toISOString());
  }));

test('what comes with it is a whole configuration of this store, for a camera and not for simulated people', () =>
  withBench({ store: { template: { gpio: { led_bcm: 5 }, home_assistant: { enabled: true } } } }, (bench) => {
    const lines = [{ name: 'side', from: [0.1, 0.4], to: [0.9, 0.4], in: 'up' }] as const;
    const { body } = bench.claim(new Board().request(bench.code({ device: 'door1', host: 'gateway.shop', lines })));
    const config = parseConfig(body.config);
    assert.equal(
      [config.site, config.device, config.timeZone, config.mqtt.url, config.camera.driver],
      ['shop', 'door1', 'Europe/Stockholm', 'mqtts://gateway.shop:8883', 'rpicam'],
    );
    assert.equal(
      [config.openingHours, config.gpio.ledBcm, config.homeAssistant.enabled],
      [['Mo-Fr 09:00-20:00'], 5, true],
    );
    assert.equal(
      config.lines.map(({ name, in: way }) => [name, way]),
      [['side', 'up']],
    );
    assert.equal(
      bench.adopted.map(({ device, counters }) => [device, counters]),
      [['door1', ['side']]],
    );
  }));

test('the same code with the same key has the same answer, also after its time and a restart; the time in it is of now', () =>
  withBench({}, (bench) => {
    const request = new Board().request(bench.code({ device: 'door1' }));
    const { time: firstTime, ...first } = bench.claim(request).body;
    bench.clock.advance(20 * MINUTE_MS);
    bench.restart();
    const { time, ...again } = bench.claim(request).body;
    assert.equal(again, first);
    assert.is(Date.parse(time!) - Date.parse(firstTime!), 20 * MINUTE_MS);
    assert.is(bench.issuedCount, 1);
  }));

test('a month after its code has expired a claim is forgotten, and the code is still worth nothing; the device stays', () =>
  withBench({}, (bench) => {
    const request = new Board().request(bench.code({ device: 'door1' }));
    bench.claim(request);
    bench.clock.advance(29 * 86_400_000);
    bench.database.transaction(() => bench.books.forget(bench.clock.wallMs()));
    assert.is(bench.claim(request).status, 200);
    bench.clock.advance(2 * 86_400_000);
    bench.database.transaction(() => bench.books.forget(bench.clock.wallMs()));
    assert.equal(wordOf(bench.claim(request)), [403, 'expired']);
    assert.equal(
      bench.books.devices().map(({ device }) => device),
      ['door1'],
    );
  }));

test('with another key the same code is worth nothing, before and after its time', () =>
  withBench({}, (bench) => {
    const code = bench.code();
    bench.claim(new Board().request(code));
    assert.equal(wordOf(bench.claim(new Board().request(code))), [409, 'token_used']);
    bench.clock.advance(60 * MINUTE_MS);
    assert.equal(wordOf(bench.claim(new Board().request(code))), [409, 'token_used']);
  }));

test('another code with the same token is not another token', () =>
  withBench({}, (bench) => {
    const token = 'ab'.repeat(16);
    bench.claim(new Board().request(bench.code({ token, device: 'door1' })));
    assert.equal(wordOf(bench.claim(new Board().request(bench.code({ token, device: 'door2' })))), [409, 'token_used']);
  }));

test('each wrong code has its own word, and none of them makes a certificate', () =>
  withBench({}, (bench) => {
    const { authority, clock, fleet } = bench;
    const nowS = Math.floor(clock.wallMs() / 1000);
    const good = bench.code();
    const signature = good.slice(good.lastIndexOf('.') + 1);
    const forged = good.replace(signature, bench.code().split('.')[2]!);
    const cases: readonly [string, string, number][] = [
      ['unknown_key', new Fleet().code(authority.caFile, clock.wallMs()), 403],
      ['forged', forged, 403],
      ['expired', fleet.code(authority.caFile, clock.wallMs(), { issuedAtS: nowS - 1000 }), 403],
      ['not_yet_valid', fleet.code(authority.caFile, clock.wallMs(), { issuedAtS: nowS + 600 }), 403],
      ['wrong_site', bench.code({ site: 'other-shop' }), 403],
      ['bad_request', good.slice(0, -3), 400],
      ['bad_request', 'https://example.com', 400],
      ['device_taken', bench.code({ device: 'gateway' }), 409],
      ['device_taken', bench.code({ device: 'facility' }), 409],
    ];
    for (const [word, code, status] of cases) {
      const result = bench.claim(new Board().request(code));
      assert.equal(wordOf(result), [status, word], code);
      assert.match(result.body.error!.message, /\.$/);
    }
    assert.is(bench.issuedCount, 0);
    assert.equal(bench.books.devices(), []);
  }));

test('a request that is not what a device sends is refused by the field that is wrong, without what stands in it', () =>
  withBench({}, (bench) => {
    const code = bench.code();
    const board = new Board();
    const rsa =
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n';
    const cases: readonly [RegExp, string][] = [
      [/no JSON/, '{'],
      [/The request/, '[]'],
      [/^v /, board.request(code, { v: 2 })],
      [/no code/, board.request(code, { code: undefined })],
      [/^code /, board.request(code, { code: 'x'.repeat(301) })],
      [/^public_key /, board.request(code, { public_key: 'secret-key' })],
      [/P-256/, board.request(code, { public_key: rsa })],
      [/^proof is no signature/, board.request(code, { public_key: new Board().publicKeyPem })],
      [/^proof is no signature/, board.request(bench.code(), { code })],
      [/^proof /, board.request(code, { proof: 'secret' })],
      [/^hardware/, board.request(code, { hardware: { model: 'Pi', id: 'secret' } })],
      [/^version /, board.request(code, { version: '1 secret' })],
    ];
    for (const [at, [expected, body]] of cases.entries()) {
      const result = bench.claim(body, `192.0.2.${at}`);
      assert.equal(wordOf(result), [400, 'bad_request'], body);
      assert.match(result.body.error!.message, expected);
      assert.not.match(result.body.error!.message, /secret|LETHE1/);
    }
    assert.equal(wordOf(bench.claim(board.request(code), '192.0.2.200')), [200, undefined]);
  }));

test('lines that a device would refuse are refused while somebody stands on the ladder', () =>
  withBench({}, (bench) => {
    const lines = [{ name: 'door', from: [0.5, 0.5], to: [0.5, 0.5], in: 'down' }] as const;
    const result = bench.claim(new Board().request(bench.code({ lines })));
    assert.equal(wordOf(result), [400, 'bad_request']);
    assert.match(result.body.error!.message, /lines\.0/);
  }));

test('codes without a name give the next free one: nobody of the file, of claims, of strangers or of other clients has it', () =>
  withBench({ expected: ['counter-1'], strangers: ['counter-3'] }, (bench) => {
    const names = Array.from({ length: 3 }, () => bench.claim(new Board().request(bench.code())).body.device);
    assert.equal(names, ['counter-2', 'counter-4', 'counter-5']);
  }));

test('a board that was reset keeps its name with a code of the site, and its old certificate is revoked', () =>
  withBench({}, (bench) => {
    const first = bench.claim(new Board('00'.repeat(8)).request(bench.code())).body;
    const again = bench.claim(new Board('00'.repeat(8)).request(bench.code())).body;
    assert.equal([first.device, again.device], ['counter-1', 'counter-1']);
    assert.ok(bench.books.isRevoked(new X509Certificate(first.certificate!).serialNumber));
    assert.not.ok(bench.books.isRevoked(new X509Certificate(again.certificate!).serialNumber));
  }));

test('a new board takes the place of a broken one by a newer code for that name; an older code does not', () =>
  withBench({}, (bench) => {
    const older = bench.code({ device: 'door1' });
    bench.clock.advance(MINUTE_MS);
    const broken = new Board();
    const brokenRequest = broken.request(bench.code({ device: 'door1' }));
    bench.claim(brokenRequest);
    assert.equal(wordOf(bench.claim(new Board().request(older))), [409, 'device_taken']);
    bench.clock.advance(MINUTE_MS);
    assert.is(bench.claim(new Board().request(bench.code({ device: 'door1' }))).status, 200);
    assert.equal(wordOf(bench.claim(brokenRequest)), [409, 'token_used'], 'the old board is not answered any more');
  }));

test('a device that was taken out cannot come back by its code, and its certificate is in the list', () =>
  withBench({}, (bench) => {
    const request = new Board().request(bench.code({ device: 'door1' }));
    const { certificate } = bench.claim(request).body;
    assert.ok(bench.database.transaction(() => bench.books.remove('door1', bench.clock.wallMs())));
    assert.equal(wordOf(bench.claim(request)), [409, 'token_used']);
    const { serialNumber: serial } = new X509Certificate(certificate!);
    assert.equal(
      bench.books.revoked(bench.clock.wallMs()).map((revoked) => revoked.serial),
      [serial],
    );
    assert.not.ok(bench.database.transaction(() => bench.books.remove('door1', bench.clock.wallMs())));
  }));

test('a board that is connected is not pushed aside, and its code is not spent by trying', () =>
  withBench({ online: ['door1'] }, (bench) => {
    bench.claim(new Board().request(bench.code({ device: 'door1' })));
    bench.clock.advance(MINUTE_MS);
    const request = new Board().request(bench.code({ device: 'door1' }));
    const refused = bench.claim(request);
    assert.equal(wordOf(refused), [409, 'device_taken']);
    assert.match(refused.body.error!.message, /connected right now/);
    bench.online = [];
    assert.is(bench.claim(request).status, 200);
  }));

for (const [replace, isOnline, status] of [
  ['never', false, 409],
  ['always', true, 200],
] as const)
  test(`claim.replace ${replace}: ${status}`, () =>
    withBench({ replace, online: isOnline ? ['door1'] : [] }, (bench) => {
      bench.claim(new Board().request(bench.code({ device: 'door1' })));
      bench.clock.advance(MINUTE_MS);
      assert.is(bench.claim(new Board().request(bench.code({ device: 'door1' }))).status, status);
    }));

test('what a board says of itself does not take the name of one that is connected', () =>
  withBench({ online: ['counter-1'] }, (bench) => {
    bench.claim(new Board('11'.repeat(8)).request(bench.code()));
    assert.equal(wordOf(bench.claim(new Board('11'.repeat(8)).request(bench.code()))), [409, 'device_taken']);
  }));

test('who fails too often waits, others do not; it comes back with time', () =>
  withBench({}, (bench) => {
    const words = Array.from({ length: 22 }, () => bench.claim('{}', '192.0.2.1').body.error?.code);
    assert.equal([words.filter((word) => word === 'bad_request').length, words.at(-1)], [20, 'too_many']);
    const good = new Board().request(bench.code());
    const waiting = bench.claim(good, '::ffff:192.0.2.1');
    assert.equal(wordOf(waiting), [429, 'too_many']);
    assert.is(bench.claim(new Board().request(bench.code()), '192.0.2.2').status, 200);
    bench.clock.advance(Number(waiting.retryAfter) * 1000);
    assert.is(bench.claim(good, '192.0.2.1').status, 200);
  }));

test('who has a whole network of addresses does not have as many tries', () =>
  withBench({}, (bench) => {
    const last = Array.from({ length: 25 }, (_, at) => bench.claim('{}', `2001:db8::${at + 1}`)).at(-1)!;
    assert.equal(wordOf(last), [429, 'too_many']);
    assert.equal(wordOf(bench.claim('{}', '2001:db8:0:1::1')), [400, 'bad_request']);
  }));

test('failures of many are bounded together', () =>
  withBench({}, (bench) => {
    const words = Array.from({ length: 320 }, (_, at) => bench.claim('{}', `10.0.${at >> 4}.${at}`).body.error?.code);
    assert.is(words.filter((word) => word === 'bad_request').length, 300);
  }));

test('a disk that is full is said, and the token is not spent', async () => {
  const disk = new SimulatedDisk();
  await withBench({ open: databaseOn(disk) }, (bench) => {
    const request = new Board().request(bench.code());
    disk.fault = 'ENOSPC';
    const refused = bench.claim(request);
    assert.equal([...wordOf(refused), Number(refused.retryAfter) >= 5], [503, 'unavailable', true]);
    disk.fault = undefined;
    assert.is(bench.claim(request).status, 200);
    assert.is(bench.claim(new Board().request(bench.code())).body.device, 'counter-2');
  });
});

test('every word of the table is one that is said here', () => {
  const said =
    'bad_request unknown_key forged expired not_yet_valid wrong_site token_used device_taken too_many unavailable';
  assert.equal(Object.keys(CLAIM_REFUSALS), said.split(' '));
});

/** Three boards with three codes, in any order, each as often as it likes, with restarts and time between. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ board: fc.nat(2), code: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
    { weight: 1, arbitrary: fc.constant('wait' as const) },
  ),
  { maxLength: 25 },
);

test('in any order of claims, retries and restarts: one token, one key, one answer; no name twice', () =>
  fc.assert(
    fc.asyncProperty(steps, (list) =>
      withBench({}, (bench) => {
        const boards = [new Board(), new Board(), new Board()];
        const codes = [bench.code(), bench.code(), bench.code()];
        const first = new Map<number, { board: number; certificate: string }>();
        for (const step of list) {
          if (step === 'restart') bench.restart();
          else if (step === 'wait') bench.clock.advance(MINUTE_MS);
          else {
            const { status, body } = bench.claim(
              boards[step.board]!.request(codes[step.code]!),
              `192.0.2.${step.board}`,
            );
            if (status !== 200) continue;
            const known = first.get(step.code) ?? { board: step.board, certificate: body.certificate! };
            assert.equal(known, { board: step.board, certificate: body.certificate! });
            first.set(step.code, known);
          }
        }
        const names = bench.books.devices().map(({ device }) => device);
        assert.is(new Set(names).size, names.length);
        assert.is(bench.issuedCount, first.size);
      }),
    ),
    { numRuns: Number(process.env['FC_RUNS'] ?? 15) },
  ));

// A claim makes 14 changes on the disk.
test('the power goes at any write: whoever was answered finds the same answer, and who was not can claim', () =>
  fc.assert(
    fc.asyncProperty(fc.nat(16), async (operations) => {
      const disk = new SimulatedDisk();
      await withBench({ open: databaseOn(disk) }, (bench) => {
        const request = new Board().request(bench.code());
        let answered: string | undefined;
        disk.operationsLeft = operations;
        try {
          answered = bench.claim(request).body.certificate;
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
        }
        disk.cut(() => 0.5);
        bench.restart();
        const after = bench.claim(request);
        assert.is(after.status, 200);
        if (answered !== undefined) assert.is(after.body.certificate, answered);
        assert.equal(wordOf(bench.claim(new Board().request(JSON.parse(request).code))), [409, 'token_used']);
        assert.is(bench.books.devices().length, 1);
      });
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 20) },
  ));

test.run();
