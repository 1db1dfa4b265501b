// Goal: who sets devices up makes a key and codes with one command each, is told all that is wrong, and leaks no secret.
// Method: the real script as a process in a temporary folder; its pictures are read by the device's decoder and by zbar.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readCode } from '../../provisioning/payload/code.ts';
import { readFleetKeys } from '../../provisioning/payload/keys.ts';
import { sourceRoot } from '../fakes/root.ts';
import { pixelsOfPage, pixelsOfPng, textsIn } from '../provisioning/qr/pixels.ts';

const folder = mkdtempSync(join(tmpdir(), 'lethe-provision-'));
const at = (...names: string[]) => join(folder, ...names);
const SECRET = 'correct horse battery';

type Answer = { readonly status: number | null; readonly stdout: string; readonly stderr: string };
function provision(words: readonly string[], input = ''): Answer {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(sourceRoot(), 'dist/scripts/provision.js'), ...words],
    { encoding: 'utf8', input, timeout: 30_000, env: { ...process.env, XDG_CONFIG_HOME: at('config'), TZ: 'UTC' } },
  );
  return { status, stdout, stderr };
}
/** Words that make a code for a device on a cable. */
const CABLE = ['create', '--site', 'malmo-7', '--host', 'gateway.malmo.example', '--ca', at('ca.crt')];
const WIFI = [...CABLE, '--wifi-ssid', 'Lager', '--wifi-passphrase-file', at('passphrase'), '--country', 'se'];

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: 'ignore' });
}
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

test.before(() => {
  openssl('req', '-x509', ...EC, '-subj', '/CN=store', '-keyout', at('ca.key'), '-out', at('ca.crt'));
  const leaf = ['-subj', '/CN=gateway', '-addext', 'basicConstraints=critical,CA:FALSE'];
  openssl('req', '-x509', ...EC, ...leaf, '-keyout', at('leaf.key'), '-out', at('leaf.crt'));
  writeFileSync(at('passphrase'), `${SECRET}\n`);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('without a key it says how to make one', () => {
  const { status, stderr } = provision(CABLE);
  assert.is(status, 1);
  assert.match(stderr, 'There is no fleet key in');
  assert.match(stderr, 'npm run -s provision -- key');
});

test('a key is for its owner alone, and a second one is made only when asked for', () => {
  const { status, stdout } = provision(['key']);
  assert.is(status, 0);
  const id = /^key ([0-9a-f]{8})$/m.exec(stdout)![1]!;
  const privatePath = at('config/lethe/fleet-keys', `${id}.key`);
  assert.is(statSync(privatePath).mode & 0o777, 0o600);
  assert.is(statSync(at('config/lethe/fleet-keys')).mode & 0o777, 0o700);
  assert.equal([...readFleetKeys(at('config/lethe/fleet')).keys()], [id]);

  const before = readFileSync(privatePath, 'utf8');
  const again = provision(['key']);
  assert.is(again.status, 1);
  assert.match(again.stderr, 'There is a fleet key already');
  assert.match(again.stderr, '--another');
  assert.is(readFileSync(privatePath, 'utf8'), before);
});

const keys = () => readFleetKeys(at('config/lethe/fleet'));
function meaningOf(text: string) {
  const reading = readCode(text, keys(), { nowMs: Date.now(), isTimeKnown: true }, { spent: () => false });
  assert.ok(reading.ok, reading.ok ? '' : reading.refusal);
  return reading.payload;
}

test('one code for each device, as picture and page that are read, for nobody but the owner', async () => {
  const { status, stdout, stderr } = provision([...WIFI, '--device', 'door1,door2', '--out', at('out')]);
  assert.is(status, 0, stderr);
  assert.is(stdout, '');
  const files = ['malmo-7-door1.png', 'malmo-7-door1.svg', 'malmo-7-door2.png', 'malmo-7-door2.svg'];
  assert.equal(readdirSync(at('out')).sort(), files);
  for (const file of files) assert.is(statSync(at('out', file)).mode & 0o777, 0o600);
  const [first] = await textsIn(pixelsOfPng(readFileSync(at('out', 'malmo-7-door1.png'))));
  const [page] = await textsIn(pixelsOfPage(readFileSync(at('out', 'malmo-7-door1.svg'), 'utf8')));
  const [second] = await textsIn(pixelsOfPng(readFileSync(at('out', 'malmo-7-door2.png'))));
  assert.is(first, page);
  const [one, two] = [meaningOf(first!), meaningOf(second!)];
  assert.is(one.device, 'door1');
  assert.is(two.device, 'door2');
  assert.is.not(one.token, two.token);
  assert.is.not(one.nonce, two.nonce);
  assert.is(one.expiresAtS - one.issuedAtS, 900);
  assert.equal(one.wifi, { ssid: 'Lager', passphrase: SECRET, security: 'wpa', isHidden: false });
  assert.is(one.country, 'SE');
  assert.match(stderr, 'Good for 15 minutes');
  assert.match(stderr, 'The picture is a secret');
  assert.not.ok(stderr.includes(SECRET) || stderr.includes(one.token));
});

const hasZbar = spawnSync('zbarimg', ['--version']).status === 0;
(hasZbar ? test : test.skip)('zbar reads the picture as well', () => {
  provision([...CABLE, '--device', 'door3', '--out', at('zbar'), '--png']);
  assert.equal(readdirSync(at('zbar')), ['malmo-7-door3.png']);
  const text = execFileSync('zbarimg', ['--quiet', '--raw', at('zbar', 'malmo-7-door3.png')], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  assert.is(meaningOf(text.trim()).device, 'door3');
});

test('a passphrase comes from standard input too, and a key of 64 digits is taken', () => {
  const words = [...CABLE, '--wifi-ssid', 'x', '--wifi-passphrase-file', '-', '--text'];
  const { stdout } = provision(words, `${'A0'.repeat(32)}\n`);
  assert.is(meaningOf(stdout.trim()).wifi?.passphrase, 'a0'.repeat(32));
});

test('lines of a configuration go into the code, rounded, and what was rounded is said', () => {
  const lines = [{ name: 'door', from: [0.2, 0.5], to: [0.8, 0.5013], in: 'down' }];
  const polygon = [
    [0, 0],
    [1, 0],
    [1, 0.4],
  ];
  writeFileSync(at('lethe.json'), JSON.stringify({ lines, zones: [{ name: 'shop', polygon }] }));

  const { status, stdout, stderr } = provision([...CABLE, '--lines', at('lethe.json'), '--text']);
  assert.is(status, 0, stderr);
  assert.equal(meaningOf(stdout.trim()).lines, [{ name: 'door', from: [0.2, 0.5], to: [0.8, 0.5], in: 'down' }]);
  assert.match(stderr, 'Rounded to half a per cent of the picture: door');
  assert.match(stderr, 'these stay behind: shop');
});

test('a long life is made with a warning, a longer one is not made', () => {
  const long = provision([...CABLE, '--valid', '7d', '--text']);
  assert.is(long.status, 0);
  assert.match(long.stderr, 'The code is good for 7 days');
  const { status, stderr } = provision([...CABLE, '--valid', '8d', '--text']);
  assert.is(status, 1);
  assert.match(stderr, '--valid is "8d"; expected a span such as 90s, 15m, 2h or 7d, at most 7 days');
});

test('everything that is wrong is told at once, and nothing is written', () => {
  writeFileSync(at('short'), 'hunter\n');
  const { status, stderr } = provision([
    ...['create', '--site', 'Malmö', '--device', 'door1,door1', '--device', 'a/b', '--ca', at('leaf.crt')],
    ...[
      '--valid',
      'soon',
      '--mqtt-port',
      '0',
      '--claim-port',
      'x',
      '--country',
      'sweden',
      '--lines',
      at('absent.json'),
    ],
    ...['--wifi-ssid', 'y'.repeat(33), '--wifi-passphrase-file', at('short'), '--out', at('nothing')],
  ]);
  assert.is(status, 1);
  for (const message of [
    '--site is "Malmö"; expected 1 to 32 of a-z',
    '--host NAME is missing',
    '--country is "SWEDEN"; expected two capital letters',
    '--device is "a/b"; expected 1 to 32 of a-z',
    '--device has door1 more than once',
    'is not the certificate of an authority. Give ca.crt, not gateway.crt',
    '--valid is "soon"; expected a span',
    '--mqtt-port is "0"; expected 1 to 65535',
    '--claim-port is "x"; expected 1 to 65535',
    'absent.json',
    '33 bytes of UTF-8; expected 1 to 32',
    'The Wi-Fi passphrase has 6 characters; expected 8 to 63',
  ])
    assert.ok(stderr.includes(message), `${message}\nis not in\n${stderr}`);
  assert.not.ok(stderr.includes('hunter'));
  assert.not.ok(readdirSync(folder).includes('nothing'));
});

test('a passphrase among the words is refused without being repeated', () => {
  for (const words of [['--wifi-passphrase', 'hunter22'], ['--wifi-passphrase=hunter22']]) {
    const { status, stdout, stderr } = provision([...CABLE, '--wifi-ssid', 'x', ...words]);
    assert.is(status, 1);
    assert.match(stderr, 'A passphrase in the command line can be read by everybody');
    assert.not.ok((stdout + stderr).includes('hunter22'));
  }
});

test('one code of several that is too long stops all of them, and says which', () => {
  const host = `${'h'.repeat(50)}.example`;
  const devices = `a,${'d'.repeat(32)}`;
  const { status, stderr } = provision([...WIFI, '--host', host, '--device', devices, '--out', at('long')]);
  assert.is(status, 1);
  assert.match(stderr, `${'d'.repeat(32)}: The code would have 3`);
  assert.match(stderr, 'more than the 300 that a camera reads well: signature, token, times and pins 177, host ');
  assert.not.ok(readdirSync(folder).includes('long'));
});

test('a key that others can read is not used', () => {
  const [file] = readdirSync(at('config/lethe/fleet-keys'));
  const path = at('config/lethe/fleet-keys', file!);
  chmodSync(path, 0o644);
  const { status, stderr } = provision(CABLE);
  chmodSync(path, 0o600);
  assert.is(status, 1);
  assert.match(stderr, 'can be read by others; expected mode 0600');
});

test('show says what is in a code, secrets masked, and what a device would do with it', () => {
  const text = provision([...WIFI, '--device', 'door1', '--text']).stdout;
  const shown = provision(['show', '-'], text);
  assert.is(shown.status, 0, shown.stderr);
  assert.match(shown.stdout, 'takes it now');
  assert.match(shown.stdout, 'passphrase of 21 characters (not shown)');
  const { token } = meaningOf(text.trim());
  assert.not.ok(shown.stdout.includes(SECRET) || shown.stdout.includes(token));

  const late = provision(['show', '-', '--at', '2100-01-01T00:00:00Z'], text);
  assert.is(late.status, 1);
  assert.match(late.stdout, 'A device refuses it: expired');
});

test('a second key: create asks which one, and both are known', () => {
  assert.is(provision(['key', '--another']).status, 0);
  const asked = provision(CABLE);
  assert.is(asked.status, 1);
  assert.match(asked.stderr, 'There are 2 fleet keys');
  for (const id of keys().keys()) {
    const { status, stdout } = provision([...CABLE, '--key', id, '--text']);
    assert.is(status, 0);
    assert.is(meaningOf(stdout.trim()).keyId, id);
  }
});

test('help, the lamp, and words that are not known', () => {
  assert.match(provision([]).stdout, 'First time');
  const help = provision(['create', '--help']);
  assert.is(help.status, 0);
  assert.match(help.stdout, '--wifi-passphrase-file');
  assert.match(provision(['lamp']).stdout, 'This is a code, but none for setting up a Lethe device.');
  assert.match(provision([...CABLE, '--png']).stderr, '--png and --svg need a folder; expected --out DIR');
  const { status, stderr } = provision(['create', '--sit', 'x']);
  assert.is(status, 64);
  assert.match(stderr, 'Did you mean --site');
});

test.run();
