// Goal: each way in which a setup can fail has its own word, leaves nothing half done, and says whether the code may be shown
// again; a setup that works leaves neither code nor passphrase behind.
// Method: the programs of a device one after the other, with the real gateway and a Wi-Fi in memory; the disk is in memory.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SetupPayload } from '../../../provisioning/payload/payload.ts';
import type { Refusal } from '../../../provisioning/payload/refusals.ts';
import type { WifiFault } from '../../../runtime/ports/wifi.ts';
import { ClaimBench, Fleet, SITE } from '../../fakes/claim-gateway.ts';
import { Device, WIFI } from './device.ts';

const test = suite('setup');
let bench: ClaimBench;
let device: Device;
let serial = 0;

test.before(() => {
  bench = new ClaimBench({ store: { template: { gpio: { led_bcm: 5 } } } });
});
test.after(() => bench.end());
test.before.each(() => {
  serial += 1;
  device = new Device(bench);
  device.hardwareId = serial.toString(16).padStart(16, '0');
});

const codeOf = (more: Partial<SetupPayload> = {}) => bench.code({ device: `gate${serial}`, wifi: WIFI, ...more });
const configOf = () => JSON.parse(device.disk.read(device.places.config) ?? '{}') as Record<string, unknown>;

/** Of what was set up, or not, nothing is on disk but what the test names. */
function assertLeft(...paths: readonly string[]): void {
  const memory = device.disk.paths().filter((path) => path.startsWith('/run/') && path !== device.places.refusal);
  assert.equal(memory, []);
  assert.equal(
    device.disk.paths().filter((path) => !path.startsWith('/run/')),
    [...paths].sort(),
  );
}

test('a code becomes a counting device: credentials, configuration, Wi-Fi; code and passphrase are gone', async () => {
  const code = codeOf();
  device.show(code);
  assert.is(await device.run(), 'counting');
  const { places, disk } = device;
  assertLeft(places.config, places.caFile, places.certFile, places.keyFile, places.spent);
  assert.is(device.wifi.kept?.passphrase, WIFI.passphrase);
  for (const path of disk.paths()) {
    assert.not.ok(disk.read(path)?.includes(WIFI.passphrase), path);
    assert.not.ok(disk.read(path)?.includes(code), path);
  }
  assert.is(device.word, undefined);
});

test('the configuration is for this site, device and broker, with the paths of our own files', async () => {
  device.show(codeOf({ mqttPort: 8884 }));
  await device.run();
  const { site, device: name, mqtt, gpio } = configOf();
  assert.is(site, SITE);
  assert.is(name, `gate${serial}`);
  assert.equal(mqtt, {
    url: 'mqtts://localhost:8884',
    ca_file: '/etc/lethe/ca.crt',
    cert_file: '/etc/lethe/device.crt',
    key_file: '/etc/lethe/device.key',
  });
  assert.equal(gpio, { led_bcm: 5 });
});

test('pins of the board are taken where the gateway says none', async () => {
  device.board = { ledGpio: 12, buttonGpio: 13 };
  device.show(codeOf());
  await device.run();
  assert.equal(configOf()['gpio'], { led_bcm: 5, button_bcm: 13 });
});

test('credentials are for the voice’s group, the configuration for all, setup and attempt for nobody else', async () => {
  device.show(codeOf());
  await device.run();
  const { places, disk } = device;
  for (const [path, mode] of [
    [places.keyFile, 0o640],
    [places.certFile, 0o640],
    [places.caFile, 0o640],
    [places.config, 0o644],
    [places.setup, 0o600],
    [places.spent, 0o600],
    [places.attempt, 0o640],
  ] as const)
    assert.is(disk.modes.get(path), mode, path);
});

test('neither code, token nor passphrase is in any line of the log', async () => {
  const token = '00112233445566778899aabbccddeeff';
  device.show(codeOf({ token }));
  await device.run();
  assert.ok(device.logLines.length > 5);
  for (const secret of ['LETHE1', token, WIFI.passphrase, 'PRIVATE'])
    assert.not.ok(device.logLines.join('').includes(secret), secret);
});

test('on a cable there is no Wi-Fi to join, and no address is told until somebody plugs it in', async () => {
  device.hasAddress = false;
  device.show(bench.code({ device: `gate${serial}` }));
  assert.is(await device.run(), 'trying');
  assert.is(device.word, 'no_network');
  device.hasAddress = true;
  assert.is(await device.run(), 'counting');
  assert.is(device.wifi.joinCount, 0);
});

const CODES: readonly (readonly [string, Refusal, () => string])[] = [
  ['a text that is none of ours', 'not_ours', () => 'https://example.org'],
  ['a code that lost a character', 'damaged', () => codeOf().slice(0, -1)],
  ['a code of a later version', 'newer_version', () => `LETHE2.${codeOf().slice(7)}`],
  ['a code of somebody else', 'unknown_key', () => new Fleet().code(bench.authority.caFile, bench.clock.wallMs())],
  ['a code that was changed', 'forged', () => swapped(codeOf())],
  ['a code of yesterday', 'expired', () => codeOf({ issuedAtS: nowS() - 86_400, expiresAtS: nowS() - 80_000 })],
  ['a code of tomorrow', 'not_yet_valid', () => codeOf({ issuedAtS: nowS() + 86_400, expiresAtS: nowS() + 90_000 })],
  ['a code for another device', 'other_device', () => codeOf({ device: 'back-door' })],
];
const nowS = () => Math.floor(bench.clock.wallMs() / 1000);
/** With another character in the signature. */
const swapped = (code: string) => `${code.slice(0, -20)}${code.at(-20) === 'A' ? 'B' : 'A'}${code.slice(-19)}`;

for (const [what, word, make] of CODES) {
  test(`${what} is ${word}; nothing is kept, and a good one is taken afterwards`, async () => {
    device.deviceName = `gate${serial}`;
    device.show(make());
    assert.is(await device.run(), 'scanning');
    assert.is(device.word, word);
    assertLeft();
    device.show(codeOf());
    assert.is(await device.run(), 'counting');
    assert.is(device.word, undefined, 'the lamp forgets the word');
  });
}

test('a code that was used is replayed, also after a reset', async () => {
  const code = codeOf();
  device.show(code);
  await device.run();
  await device.reset();
  assertLeft(device.places.spent);
  assert.is(device.wifi.kept, undefined);
  device.show(code);
  assert.is(await device.run(), 'scanning');
  assert.is(device.word, 'replayed');
});

const WIFI_FAULTS: readonly (readonly [WifiFault, Refusal])[] = [
  ['not_found', 'wifi_not_found'],
  ['password', 'wifi_password'],
  ['no_address', 'no_network'],
  ['blocked', 'no_network'],
  ['unavailable', 'no_network'],
];
for (const [fault, word] of WIFI_FAULTS) {
  test(`Wi-Fi ${fault} is ${word}; the same code may be shown again`, async () => {
    const code = codeOf();
    device.wifi.failNext(fault);
    device.show(code);
    assert.is(await device.run(), 'scanning');
    assert.is(device.word, word);
    assertLeft(device.places.spent);
    assert.is(device.wifi.kept, undefined);
    device.show(code);
    assert.is(await device.run(), 'counting');
  });
}

test('a network that was joined before is waited for: after a power cut the access point comes up later than we do', async () => {
  device.isTimeKnown = false;
  device.show(codeOf());
  assert.is(await device.run(), 'trying');
  device.isTimeKnown = true;
  device.wifi.failNext('not_found');
  assert.is(await device.run(), 'trying');
  assert.is(device.word, 'wifi_not_found');
  assert.is(await device.run(), 'counting');
});

test('without the time nothing is sent; it is told, and goes on when the time is known', async () => {
  device.isTimeKnown = false;
  device.show(codeOf());
  assert.is(await device.run(), 'trying');
  assert.is(device.word, 'no_time');
  assert.is(device.keysSent.size, 0);
  device.isTimeKnown = true;
  assert.is(await device.run(), 'counting');
});

test('a code that turns out to be expired once the time is known is refused before anything is sent', async () => {
  const code = codeOf({ issuedAtS: nowS(), expiresAtS: nowS() + 600 });
  device.show(code);
  await device.join();
  bench.clock.advance(601_000);
  await device.claim();
  await device.settle();
  assert.is(device.word, 'expired');
  assert.is(device.keysSent.size, 0);
  assertLeft(device.places.spent);
});

for (const [word, reason] of [
  ['gateway_unreachable', 'refused'],
  ['gateway_other_certificate', 'another'],
] as const) {
  test(`${word} passes: it is shown, tried again, and kept for the next start`, async () => {
    for (let i = 0; i < 3; i++) device.gatewayFaults.push({ refusal: word, reason });
    device.show(codeOf());
    assert.is(await device.run(), 'counting');
    assert.equal(device.words, [word, word, word]);
    assert.is(device.keysSent.size, 1);
  });
}

test('an answer that was lost is asked for again with the same key, however late', async () => {
  const code = codeOf({ issuedAtS: nowS(), expiresAtS: nowS() + 600 });
  device.show(code);
  const { exchange } = device.gateway;
  Object.defineProperty(device, 'gateway', {
    configurable: true,
    value: {
      ...device.gateway,
      exchange: async (...words: Parameters<typeof exchange>) => {
        await exchange(...words);
        return { refusal: 'gateway_unreachable', reason: 'the answer was lost' };
      },
    },
  });
  assert.is(await device.run(), 'trying');
  Reflect.deleteProperty(device, 'gateway');
  bench.clock.advance(3_600_000);
  assert.is(await device.run(), 'counting');
  assert.is(device.keysSent.size, 1);
});

test('a token that another device has used is token_used, and this code is not asked for again', async () => {
  const code = codeOf();
  const first = new Device(bench);
  first.hardwareId = 'f'.repeat(16);
  first.show(code);
  assert.is(await first.run(), 'counting');
  device.show(code);
  assert.is(await device.run(), 'scanning');
  assert.is(device.word, 'token_used');
  assertLeft(device.places.spent);
  assert.is(device.wifi.kept, undefined, 'the Wi-Fi of a code that was refused is not kept');
  device.show(code);
  await device.run();
  assert.is(device.word, 'replayed');
});

test('a code for another site is refused by the gateway', async () => {
  device.show(codeOf({ site: 'other-shop' }));
  assert.is(await device.run(), 'scanning');
  assert.is(device.word, 'claim_refused');
  assertLeft(device.places.spent);
});

test('a broker that has another certificate is told, and no configuration appears until it has the right one', async () => {
  device.brokerFault = { refusal: 'gateway_other_certificate', reason: 'The broker has another.' };
  device.show(codeOf());
  assert.is(await device.run(), 'trying');
  assert.is(device.word, 'gateway_other_certificate');
  assert.not.ok(device.isConfigured);
  device.brokerFault = undefined;
  assert.is(await device.run(), 'counting');
  assert.is(device.keysSent.size, 1, 'the claim is not made again for it');
});

test('a newer code takes the place of one that gets nowhere', async () => {
  device.brokerFault = { refusal: 'gateway_unreachable', reason: 'Nobody there.' };
  device.show(codeOf());
  assert.is(await device.run(), 'trying');
  device.brokerFault = undefined;
  device.show(codeOf({ device: `other${serial}` }));
  assert.is(await device.run(), 'counting');
  assert.is(configOf()['device'], `other${serial}`);
});

test('a bad code does not disturb a setup that is under way', async () => {
  device.isTimeKnown = false;
  device.show(codeOf());
  await device.run();
  device.isTimeKnown = true;
  device.show('something else');
  assert.is(await device.run(), 'counting');
});

for (const fault of ['ENOSPC', 'EROFS', 'EIO']) {
  test(`a card that says ${fault} is no_disk, in join and in settle, and goes on when it is mended`, async () => {
    device.show(codeOf());
    device.disk.fault = fault;
    const { refusal } = device.places;
    const { replace } = device.disk;
    // The word's own file lies in memory.
    device.disk.replace = (path, text, mode) =>
      path === refusal ? device.disk.put(path, text) : replace.call(device.disk, path, text, mode);
    assert.is(await device.run(), 'trying');
    assert.is(device.word, 'no_disk');
    device.disk.fault = undefined;
    await device.join();
    await device.claim();
    device.disk.fault = fault;
    device.disk.put(refusal, '');
    assert.is(await device.settle(), 'again');
    assert.is(device.word, 'no_disk');
    assert.not.ok(device.isConfigured);
    device.disk.fault = undefined;
    assert.is(await device.run(), 'counting');
  });
}

test('a reset in the middle of a setup leaves nothing of it but the spent code', async () => {
  device.isTimeKnown = false;
  const code = codeOf();
  device.show(code);
  await device.run();
  await device.reset();
  assertLeft(device.places.spent);
  assert.is(device.wifi.kept, undefined);
  device.show(code);
  await device.run();
  assert.is(device.word, 'replayed');
});

test('a reset of a device that has nothing is no error', async () => {
  await device.reset();
  await device.reset();
  assertLeft();
});

test('rubbish in the files of the setup is as good as none', async () => {
  const { places, disk } = device;
  for (const text of ['', '{', '[]', 'null', '{"v":1}', '{"v":1,"nonce":"x","code":5,"key":7}']) {
    for (const path of [places.setup, places.spent, places.attempt]) disk.put(path, text);
    device.show('nothing of ours');
    assert.is(await device.run(), 'scanning', text);
  }
  device.show(codeOf());
  assert.is(await device.run(), 'counting');
});

test.run();
