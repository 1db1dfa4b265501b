// Goal: a person is told whether name, passphrase, address or radio is at fault; a failed try leaves nothing; no secret is in
// anybody's words; connections of others are not touched.
// Method: the driver with a program in place of nmcli that answers as the real one was seen to (test/fakes/nmcli.ts).
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CONNECTION_UUID } from '../../../drivers/wifi/keyfile.ts';
import { MemoryWifi } from '../../../drivers/wifi/memory.ts';
import { answerOf, NmcliWifi } from '../../../drivers/wifi/nmcli.ts';
import type { WifiFault, WifiNetwork } from '../../../runtime/ports/wifi.ts';
import { FakeNetworkManager, ssidKey } from '../../fakes/network-manager.ts';
import type { World } from '../../fakes/nmcli.ts';

const test = suite('nmcli');
const PASSPHRASE = 'not so secret';
const NETWORK: WifiNetwork = {
  ssid: Buffer.from([0xff, 0x3b, 0x00, 0x5c, 0x61]),
  passphrase: PASSPHRASE,
  security: 'wpa',
  isHidden: false,
  country: undefined,
};
const REACHABLE = { [ssidKey(NETWORK.ssid)]: { passphrase: PASSPHRASE, hasAddresses: true } };
const OTHERS = 'home.nmconnection';
let root: string;
let manager: FakeNetworkManager;
let wifi: NmcliWifi;

function start(world: Partial<World>): void {
  manager = new FakeNetworkManager(root, world);
  const connectionsFolder = join(root, 'connections');
  mkdirSync(connectionsFolder);
  mkdirSync(join(root, 'modprobe.d'));
  writeFileSync(join(connectionsFolder, OTHERS), '[connection]\nid=home\n', { mode: 0o600 });
  wifi = new NmcliWifi({
    connectionsFolder,
    modprobeFolder: join(root, 'modprobe.d'),
    nmcli: manager.nmcli,
    iw: manager.iw,
    pauseMs: 1,
  });
}
const files = () => readdirSync(join(root, 'connections')).sort();

test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'lethe-wifi-'));
});
test.after.each(() => rmSync(root, { recursive: true, force: true }));

test('joins: the radio is switched on, the file is root’s alone, and the connection is up', async () => {
  start({ reachable: REACHABLE });
  assert.equal(await wifi.join(NETWORK), { isJoined: true });
  assert.is(manager.world.radio, 'enabled');
  assert.equal(files(), [OTHERS, 'lethe.nmconnection'].sort());
  assert.is(statSync(join(root, 'connections', 'lethe.nmconnection')).mode & 0o777, 0o600);
  assert.equal(await wifi.join(NETWORK), { isJoined: true }, 'and once more');
});

test('the passphrase is in no word of any call, and each call is bounded', async () => {
  start({ reachable: REACHABLE });
  await wifi.join(NETWORK);
  await wifi.forget();
  assert.ok(manager.calls.length >= 5);
  for (const call of manager.calls) {
    assert.not.ok(call.some((word) => word.includes(PASSPHRASE)));
    assert.is(call[0], '--wait');
  }
});

const FAULTS: readonly (readonly [string, Partial<World>, Partial<WifiNetwork>, WifiFault])[] = [
  ['no access point of that name', {}, {}, 'not_found'],
  ['a wrong passphrase', { reachable: REACHABLE }, { passphrase: 'quite another' }, 'password'],
  [
    'a wrong passphrase that only shows as silence, as with WPA3',
    { reachable: REACHABLE, wrongPassphrase: 'timeout' },
    { passphrase: 'quite another', security: 'sae' },
    'password',
  ],
  [
    'an access point without addresses',
    { reachable: { [ssidKey(NETWORK.ssid)]: { passphrase: PASSPHRASE, hasAddresses: false } } },
    {},
    'no_address',
  ],
  ['a radio that cannot be switched on', { reachable: REACHABLE, isStuck: true }, {}, 'blocked'],
  ['a radio that is off by hardware', { reachable: REACHABLE, hardware: 'disabled' }, {}, 'blocked'],
  ['a board without a radio', { hardware: 'missing' }, {}, 'unavailable'],
  ['no NetworkManager', { isRunning: false }, {}, 'unavailable'],
];
for (const [what, world, network, fault] of FAULTS) {
  test(`${what} is ${fault}, and nothing of ours is left`, async () => {
    start(world);
    const answer = await wifi.join({ ...NETWORK, ...network });
    assert.is(answer.isJoined, false);
    assert.is(!answer.isJoined && answer.fault, fault);
    assert.not.match(JSON.stringify(answer), /not so secret|quite another/);
    assert.equal(files(), [OTHERS]);
    assert.equal(manager.world.connections, {});
  });
}

test('a radio that was just switched on and has heard nobody yet is given two more tries', async () => {
  start({ reachable: REACHABLE, deafTries: 2 });
  assert.equal(await wifi.join(NETWORK), { isJoined: true });
});

test('a program that is not there is no NetworkManager', async () => {
  start({ reachable: REACHABLE });
  rmSync(manager.nmcli);
  const answer = await wifi.join(NETWORK);
  assert.is(!answer.isJoined && answer.fault, 'unavailable');
});

test('the country is told to the radio now and to the kernel’s module for the next start', async () => {
  start({ reachable: REACHABLE });
  await wifi.join({ ...NETWORK, country: 'SE' });
  assert.is(manager.iwCalls, 'iw reg set SE\n');
  assert.is(
    readFileSync(join(root, 'modprobe.d', 'lethe-radio.conf'), 'utf8'),
    'options cfg80211 ieee80211_regdom=SE\n',
  );
});

test('without a country nothing is said about it', async () => {
  start({ reachable: REACHABLE });
  await wifi.join(NETWORK);
  assert.is(manager.iwCalls, '');
  assert.equal(readdirSync(join(root, 'modprobe.d')), []);
});

test('what is forgotten is gone, whether NetworkManager knows it, or runs, or not', async () => {
  start({ reachable: REACHABLE });
  await wifi.join(NETWORK);
  await wifi.forget();
  assert.not.ok(existsSync(join(root, 'connections', 'lethe.nmconnection')));
  await wifi.forget();
  for (const name of ['lethe.nmconnection', '.lethe.nmconnection.new'])
    writeFileSync(join(root, 'connections', name), 'left by a cut');
  manager.set({ isRunning: false });
  await wifi.forget();
  assert.equal(files(), [OTHERS]);
});

test('only our own connection is ever named', async () => {
  start({ reachable: REACHABLE });
  await wifi.join(NETWORK);
  await wifi.forget();
  for (const call of manager.calls.filter((words) => words.includes('delete') || words.includes('up')))
    assert.is(call.at(-1), CONNECTION_UUID);
});

test('an end that takes too long, and one that nobody knows, are no address', () => {
  for (const [code, output] of [
    [3, 'Error: Timeout expired (60 seconds)\n'],
    [4, 'Error: Connection activation failed: Something new\n'],
    [-1, ''],
  ] as const) {
    const answer = answerOf({ code, output });
    assert.is(!answer.isJoined && answer.fault, 'no_address', output);
  }
});

test('the one in memory tells the same faults', async () => {
  const memory = new MemoryWifi();
  memory.putUp(Buffer.from(NETWORK.ssid).toString('latin1'), PASSPHRASE);
  assert.equal(await memory.join(NETWORK), { isJoined: true });
  assert.is(memory.kept, NETWORK);
  const wrong = await memory.join({ ...NETWORK, passphrase: 'quite another' });
  assert.is(!wrong.isJoined && wrong.fault, 'password');
  assert.is(memory.kept, undefined);
});

test.run();
