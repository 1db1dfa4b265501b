// Goal: the programs as their units start them (the same permissions of Node, other roots for the paths) make a folder of
// /etc/lethe out of a code, and a reset takes it away again.
// Method: join, claim, settle and reset as processes below a root of their own, a fake nmcli, the gateway's own HTTPS server and
// a broker with TLS, all on loopback.
import { spawn } from 'node:child_process';
import {
  copyFileSync,
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
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../drivers/link/embedded-broker.ts';
import { placesBelow } from '../../../provisioning/device/places.ts';
import { loadConfig } from '../../../runtime/config/config.ts';
import { PACKAGE_ROOT } from '../../../runtime/package.ts';
import { ClaimBench } from '../../fakes/claim-gateway.ts';
import { FakeNetworkManager, ssidKey } from '../../fakes/network-manager.ts';
import { sourceRoot } from '../../fakes/root.ts';
import { TlsFront } from '../../fakes/tls-front.ts';
import { within } from '../../fakes/within.ts';
import { parseUnit, wordsOf } from '../unit-file.ts';

const test = suite('setup as programs');
const DIST = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? ['--permission']
  : ['--experimental-permission', '--disable-warning=ExperimentalWarning'];
const WIFI = { ssid: 'Café; "1"', passphrase: ' a secret\\ ', security: 'wpa', isHidden: false } as const;
const PROGRAM_MS_MAX = 60_000;
let bench: ClaimBench;
let broker: EmbeddedBroker;
let front: TlsFront;
let claimPort: number;
let root: string;
let manager: FakeNetworkManager;

test.before(async () => {
  bench = new ClaimBench();
  claimPort = (await bench.serve()).port;
  broker = await startEmbeddedBroker(0);
  const { folder, caFile } = bench.authority;
  front = await TlsFront.start(broker.port, caFile, {
    certFile: join(folder, 'gateway.crt'),
    keyFile: join(folder, 'gateway.key'),
  });
});
test.after(async () => {
  await front.stop();
  await broker.stop();
  await bench.end();
});
test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'lethe-root-'));
  for (const folder of [
    'etc/lethe/fleet',
    'etc/NetworkManager/system-connections',
    'etc/modprobe.d',
    'run/lethe-setup',
    'run/lethe-claim',
    'run/credentials/lethe-claim.service',
    'var/lib/lethe',
    'var/lib/lethe-setup',
    'var/lib/lethe-claim',
  ])
    mkdirSync(join(root, folder), { recursive: true });
  bench.fleet.writeKeys(join(root, 'etc/lethe/fleet'));
  writeFileSync(join(root, 'etc/lethe/board.json'), '{"led_gpio":17,"button_gpio":27}');
  manager = new FakeNetworkManager(root, {
    reachable: { [ssidKey(WIFI.ssid)]: { passphrase: WIFI.passphrase, hasAddresses: true } },
  });
});
test.after.each(() => rmSync(root, { recursive: true, force: true }));

/** Node's words of the unit, its paths below our root. What belongs to the machine stays where it is. */
function nodeWords(name: string): string[] {
  const unit = parseUnit(readFileSync(join(sourceRoot(), 'provisioning/units', `lethe-${name}.service`), 'utf8'));
  const grants = wordsOf(unit, 'ExecStart').flatMap((word) => {
    const [, flag, path] = /^(--allow-fs-(?:read|write))=(.*)$/.exec(word) ?? [];
    if (flag === undefined || path === undefined) return word === '--allow-child-process' ? [word] : [];
    if (/^\/(proc|sys)\/|machine-id/.test(path)) return [word];
    if (path === '/opt/lethe/')
      return [`${flag}=${DIST}/`, `${flag}=${PACKAGE_ROOT}/`, `${flag}=${join(sourceRoot(), 'node_modules')}/`];
    return [`${flag}=${join(root, path)}`];
  });
  return [...PERMISSION, '--disable-warning=SecurityWarning', ...grants];
}

/** A program until it ends: its exit code and what it said. */
function run(name: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const main = join(DIST, 'provisioning/device', name, 'main.js');
  const child = spawn(process.execPath, [...nodeWords(name), main, '--root', root], {
    env: {
      PATH: process.env['PATH'],
      TMPDIR: '/nowhere',
      RUNTIME_DIRECTORY: join(root, 'run/lethe-claim'),
      CREDENTIALS_DIRECTORY: join(root, 'run/credentials/lethe-claim.service'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on('exit', (code) => resolve({ code, output })),
  );
  return within(PROGRAM_MS_MAX, name, ended).finally(() => child.kill('SIGKILL'));
}

/** As LoadCredential= does. */
function handOver(): void {
  const { setup } = placesBelow(root);
  if (existsSync(setup)) copyFileSync(setup, join(root, 'run/credentials/lethe-claim.service/setup'));
}

const show = (code: string) => writeFileSync(join(root, 'run/lethe-setup/code'), code);
const codeOf = (device: string, passphrase: string = WIFI.passphrase) =>
  bench.code({
    device,
    wifi: { ...WIFI, passphrase },
    host: 'localhost',
    claimPort,
    mqttPort: front.port,
    country: 'SE',
  });
const filesBelow = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(
    (path) => !statSync(join(root, folder, path)).isDirectory(),
  );

test('from a code to a folder of /etc/lethe, and back by a reset', async () => {
  const code = codeOf('door1');
  show(code);
  const joined = await run('join');
  assert.is(joined.code, 0, joined.output);
  assert.equal(filesBelow('etc/NetworkManager/system-connections'), ['lethe.nmconnection']);
  assert.is(manager.iwCalls, 'iw reg set SE\n');
  // timesyncd's folder is not there before it has started: what Node may read is said by the file's own name.
  mkdirSync(join(root, 'run/systemd/timesync'), { recursive: true });
  writeFileSync(join(root, 'run/systemd/timesync/synchronized'), '');
  handOver();
  const claimed = await run('claim');
  assert.is(claimed.code, 0, claimed.output);
  assert.ok(front.guests.includes('door1'), 'the broker was shown the new certificate');
  assert.equal(filesBelow('run/lethe-claim'), [], 'and nothing of that is left');
  const settled = await run('settle');
  assert.is(settled.code, 0, settled.output);

  const places = placesBelow(root);
  const config = loadConfig({ path: places.config });
  assert.is(config.device, 'door1');
  assert.is(config.mqtt.url, `mqtts://localhost:${front.port}`);
  assert.is(config.mqtt.keyFile, '/etc/lethe/device.key');
  assert.equal([config.gpio.ledBcm, config.gpio.buttonBcm], [17, 27]);
  assert.is(statSync(places.keyFile).mode & 0o007, 0);
  assert.equal(filesBelow('etc/lethe').sort(), [
    'board.json',
    'ca.crt',
    'device.crt',
    'device.key',
    'fleet/fleet.pem',
    'lethe.json',
  ]);
  assert.equal(filesBelow('var/lib'), ['lethe-setup/spent.json']);
  assert.equal(filesBelow('run/lethe-setup'), []);
  const said = [joined, claimed, settled].map(({ output }) => output).join('');
  for (const secret of ['LETHE1', 'a secret', 'PRIVATE KEY']) assert.not.ok(said.includes(secret), secret);

  const wiped = await run('reset');
  assert.is(wiped.code, 0, wiped.output);
  assert.equal(filesBelow('etc/lethe').sort(), ['board.json', 'fleet/fleet.pem']);
  assert.equal(filesBelow('etc/NetworkManager/system-connections'), []);
  // The mark is removed by the unit, after the voice's folder.
  assert.equal(filesBelow('var/lib').sort(), ['lethe-setup/reset', 'lethe-setup/spent.json']);

  show(code);
  const again = await run('join');
  assert.is(again.code, 65, again.output);
  assert.is(readFileSync(places.refusal, 'utf8'), 'replayed');
});

test('a wrong passphrase ends with 65, its word, and no file of ours', async () => {
  show(codeOf('door2', 'another secret'));
  const { code, output } = await run('join');
  assert.is(code, 65, output);
  assert.is(readFileSync(placesBelow(root).refusal, 'utf8'), 'wifi_password');
  assert.equal(filesBelow('etc/NetworkManager/system-connections'), []);
  assert.equal(filesBelow('run/lethe-setup'), ['refusal']);
  assert.not.match(output, /another secret/);
});

test('with nothing to do each program ends with 0 and changes nothing', async () => {
  for (const name of ['join', 'claim', 'settle']) assert.is((await run(name)).code, 0, name);
  assert.equal(filesBelow('var/lib'), []);
  assert.equal(filesBelow('etc/lethe').sort(), ['board.json', 'fleet/fleet.pem']);
});

test('a link in the place of the code is not followed', async () => {
  const { symlinkSync } = await import('node:fs');
  writeFileSync(join(root, 'secret'), 'LETHE1.of-somebody-else');
  symlinkSync(join(root, 'secret'), join(root, 'run/lethe-setup/code'));
  const { code } = await run('join');
  assert.is(code, 65);
  assert.ok(existsSync(join(root, 'secret')));
  assert.equal(filesBelow('run/lethe-setup'), ['refusal']);
});

test('words that a unit does not say are refused', async () => {
  const main = join(DIST, 'provisioning/device/join/main.js');
  const child = spawn(process.execPath, [main, '--rot', root], { stdio: 'ignore' });
  const code = await within(PROGRAM_MS_MAX, 'the end', new Promise((resolve) => child.on('exit', resolve)));
  assert.is(code, 78);
});

test.run();
