// Goal: a stock image becomes one that counts or waits for a code, every byte of it checked; what fails leaves nothing behind.
// Method: small images with the layout and the files of Raspberry Pi OS, changed for real by sfdisk, mtools and debugfs, and
// looked at afterwards with the same programs.
import { spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applicationAt } from '../../provisioning/image/application.ts';
import type { BlockDevice } from '../../provisioning/image/card/inventory.ts';
import { Ext4 } from '../../provisioning/image/ext4.ts';
import { type FlashContext, flash } from '../../provisioning/image/flash.ts';
import { readOptions } from '../../provisioning/image/options.ts';
import { SILENT } from '../../provisioning/image/progress.ts';
import { ImageError } from '../../runtime/errors.ts';
import { DISK_ID, makeApplication, makePiImage } from '../fakes/pi-image.ts';

const ROOT_OFFSET = 48 * 1024 * 1024;
const BOOT_OFFSET = 8 * 1024 * 1024;
const flashing = suite('flash');

let folder = '';
let application = '';
const at = (name: string) => join(folder, name);

flashing.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-flash-test-'));
  application = makeApplication(at('app'));
  makePiImage(at('trixie.img'));
  makePiImage(at('bookworm.img'), { release: 'bookworm' });
  const { publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(at('fleet.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
});
flashing.after(() => rmSync(folder, { recursive: true, force: true }));

type Told = { readonly lines: string[] };

async function run(words: readonly string[], changes: Partial<FlashContext> = {}): Promise<Told> {
  const lines: string[] = [];
  const options = readOptions([...words, '--tree', application], Date.now());
  assert.ok(options !== undefined);
  await flash(options, {
    say: (line) => lines.push(line),
    progress: SILENT,
    application: async () => ({ ...applicationAt(application), remove: () => {} }),
    nowMs: () => 20_784 * 86_400_000,
    ...changes,
  });
  return { lines };
}

async function refusal(words: readonly string[], changes: Partial<FlashContext> = {}): Promise<string> {
  try {
    await run(words, changes);
  } catch (error) {
    assert.instance(error, ImageError);
    return (error as ImageError).message;
  }
  throw new Error('nothing was refused');
}

const rootOf = (name: string) => new Ext4(at(name), ROOT_OFFSET);
function bootFile(image: string, name: string): string {
  const done = spawnSync('mtype', ['-i', `${at(image)}@@${BOOT_OFFSET}`, `::/${name}`], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin', MTOOLS_SKIP_CHECK: '1' },
  });
  return done.stdout;
}
const hashOf = (name: string) =>
  createHash('sha256')
    .update(readFileSync(at(name)))
    .digest('hex');

flashing(
  'a device that waits for a code: application, links, units, keys; the given image stays as it was',
  async () => {
    const before = hashOf('trixie.img');
    const { lines } = await run([
      '--image',
      at('trixie.img'),
      '--fleet-key',
      at('fleet.pem'),
      '--country',
      'SE',
      '--led-gpio',
      '17',
      '--name',
      'door1',
      '--out',
      at('scan.img'),
    ]);
    assert.is(hashOf('trixie.img'), before);
    const root = rootOf('scan.img');
    assert.equal(
      await root.linkTargets([
        '/opt/lethe/current',
        '/opt/lethe/confirmed',
        '/etc/systemd/system/lethe-eye.service',
        '/etc/systemd/system/multi-user.target.wants/lethe-voice.service',
        '/etc/systemd/system/userconfig.service',
        '/etc/systemd/system/ssh.service',
      ]),
      new Map([
        ['/opt/lethe/current', 'a'],
        ['/opt/lethe/confirmed', 'a'],
        ['/etc/systemd/system/lethe-eye.service', '/opt/lethe/current/provisioning/units/lethe-eye.service'],
        [
          '/etc/systemd/system/multi-user.target.wants/lethe-voice.service',
          '/opt/lethe/current/provisioning/units/lethe-voice.service',
        ],
        ['/etc/systemd/system/userconfig.service', '/dev/null'],
        ['/etc/systemd/system/ssh.service', '/dev/null'],
      ]),
    );
    assert.is(await root.text('/etc/lethe/board.json'), '{"led_gpio":17,"device":"door1"}\n');
    assert.is(await root.text('/etc/hostname'), 'lethe-door1\n');
    assert.equal(await root.names('/etc/lethe/fleet'), [
      `${lines.join('\n').match(/fleet keys: ([0-9a-f]{8})/)![1]}.pem`,
    ]);
    assert.is(await root.has('/etc/lethe/lethe.json'), false);
    assert.is(await root.has('/etc/cloud/cloud-init.disabled'), true);
    assert.match(
      bootFile('scan.img', 'cmdline.txt'),
      /rootwait resize init_on_free=1 init_on_alloc=1 cgroup_enable=memory nohibernate cfg80211\.ieee80211_regdom=SE\n$/,
    );
    assert.match(bootFile('scan.img', 'config.txt'), /# Lethe\n\[all\]\ndtparam=watchdog=on\ndtoverlay=disable-bt\n$/);
    assert.match(lines.at(-2) ?? '', /^read back: \d+ files.*clean$/);
    const node = (await root.stat(['/opt/lethe/a/bin/node'])).get('/opt/lethe/a/bin/node');
    assert.equal(node, { kind: 'regular', mode: 0o755, uid: 0, gid: 0, bytes: 300_064 });
    const table = spawnSync('sfdisk', ['-J', at('scan.img')], { encoding: 'utf8', env: { PATH: '/usr/sbin:/sbin' } });
    assert.is(JSON.parse(table.stdout).partitiontable.id, `0x${DISK_ID}`);
  },
);

flashing('shadow keeps its rights and nobody a password; the counter’s log stays in memory', async () => {
  const root = rootOf('scan.img');
  const shadow = (await root.stat(['/etc/shadow'])).get('/etc/shadow');
  assert.is(shadow?.mode, 0o640);
  for (const line of ((await root.text('/etc/shadow')) ?? '').split('\n'))
    if (line !== '') assert.match(line.split(':')[1] ?? '', /^[!*]/);
  assert.match((await root.text('/etc/fstab')) ?? '', /tmpfs {2}\/var\/log {2}tmpfs/);
  assert.match((await root.text('/etc/fstab')) ?? '', new RegExp(`PARTUUID=${DISK_ID}-02 +/ +ext4 +defaults,noatime`));
});

flashing(
  'a device that counts at once: configuration with its files at their places, secrets for the voice alone',
  async () => {
    writeFileSync(at('password'), 'hunter22\n');
    writeFileSync(
      at('lethe.json'),
      JSON.stringify({
        site: 'store7',
        device: 'door1',
        time_zone: 'Europe/Stockholm',
        mqtt: { url: 'mqtt://10.0.0.2:1883', username: 'door1', password_file: 'password' },
      }),
    );
    writeFileSync(at('wifi'), 'a secret phrase\n');
    const { lines } = await run([
      '--image',
      at('bookworm.img'),
      '--config',
      at('lethe.json'),
      '--name',
      'door2',
      '--country',
      'SE',
      '--wifi-ssid',
      'Shop Öst',
      '--wifi-passphrase-file',
      at('wifi'),
      '--out',
      at('counts.img'),
    ]);
    const root = rootOf('counts.img');
    const config = JSON.parse((await root.text('/etc/lethe/lethe.json')) ?? '');
    assert.equal(
      [config.site, config.device, config.camera.driver, config.state_dir, config.mqtt.password_file],
      ['store7', 'door2', 'rpicam', '/var/lib/lethe', '/etc/lethe/mqtt-password'],
    );
    const voice = Number(/^lethe-voice:x:(\d+)/m.exec((await root.text('/etc/passwd')) ?? '')?.[1]);
    const stats = await root.stat([
      '/etc/lethe/mqtt-password',
      '/etc/NetworkManager/system-connections/lethe.nmconnection',
    ]);
    assert.equal(
      [...stats.values()].map(({ mode, uid, gid }) => [mode, uid, gid]),
      [
        [0o640, 0, voice],
        [0o600, 0, 0],
      ],
    );
    assert.equal(
      await root.linkTargets([
        '/etc/localtime',
        '/etc/systemd/system/dphys-swapfile.service',
        '/etc/systemd/system/lethe-voice.service.d/bookworm.conf',
      ]),
      new Map([
        ['/etc/localtime', '/usr/share/zoneinfo/Europe/Stockholm'],
        ['/etc/systemd/system/dphys-swapfile.service', '/dev/null'],
        [
          '/etc/systemd/system/lethe-voice.service.d/bookworm.conf',
          '/opt/lethe/current/provisioning/units/bookworm/lethe-program.conf',
        ],
      ]),
    );
    assert.is(await root.text('/etc/hostname'), 'lethe-door2\n');
    assert.not.match(lines.join('\n'), /hunter22|a secret phrase/);
  },
);

flashing('a packed image is unpacked; with the wrong checksum or cut short nothing is left', async () => {
  spawnSync('xz', ['-k', '-0', at('trixie.img')], { env: { PATH: '/usr/bin:/bin' } });
  const packed = at('trixie.img.xz');
  const common = ['--image', packed, '--fleet-key', at('fleet.pem'), '--out', at('packed.img')];
  await run([...common, '--sha256', hashOf('trixie.img.xz')]);
  assert.ok(existsSync(at('packed.img')));
  rmSync(at('packed.img'));
  assert.match(await refusal([...common, '--sha256', '0'.repeat(64)]), /has the SHA-256 [0-9a-f]{64}; expected 0{64}/);
  truncateSync(packed, readFileSync(packed).length >> 1);
  assert.match(await refusal(common), /cut short or damaged/);
  spawnSync('gzip', ['-k', '-1', at('trixie.img')], { env: { PATH: '/usr/bin:/bin' } });
  truncateSync(at('trixie.img.gz'), readFileSync(at('trixie.img.gz')).length >> 1);
  assert.match(
    await refusal(['--image', at('trixie.img.gz'), '--fleet-key', at('fleet.pem'), '--out', at('packed.img')]),
    /cannot be unpacked \(gzip/,
  );
  assert.equal(
    readdirSync(folder).filter((name) => name.includes('packed')),
    [],
  );
});

flashing('a dry run lists everything and writes nothing', async () => {
  const names = readdirSync(folder).sort();
  const { lines } = await run(['--image', at('trixie.img'), '--fleet-key', at('fleet.pem'), '--dry-run']);
  assert.equal(readdirSync(folder).sort(), names);
  assert.match(lines[0] ?? '', /written to {4}nothing: this is a dry run$/);
});

flashing('an image without room grows; one with room keeps its size', async () => {
  makePiImage(at('full.img'), { rootMib: 64, root: { 'usr/share/filler': 'x'.repeat(40 * 1024 * 1024) } });
  await run(['--image', at('full.img'), '--fleet-key', at('fleet.pem'), '--out', at('grown.img')]);
  const room = await rootOf('grown.img').room();
  assert.ok(room.freeBytes > 50 * 1024 * 1024, `${room.freeBytes} bytes are free`);
  makePiImage(at('roomy.img'), { rootMib: 192 });
  await run(['--image', at('roomy.img'), '--fleet-key', at('fleet.pem'), '--out', at('same.img')]);
  assert.is(readFileSync(at('same.img')).length, readFileSync(at('roomy.img')).length);
});

flashing('a name that would be a command of debugfs is refused before anything is written', async () => {
  const root = rootOf('scan.img');
  for (const path of ['/etc/a"b', '/etc/a\nrm /etc/passwd', '/etc/a\\', '/etc/../x', 'etc/x', '/etc/ü'])
    try {
      await root.write([{ kind: 'file', path, mode: 0o644, uid: 0, gid: 0, from: Buffer.from('x') }]);
      assert.unreachable(path);
    } catch (error) {
      assert.match((error as Error).message, /cannot be written/);
    }
  assert.is((await root.stat(['/etc/passwd'])).get('/etc/passwd')?.kind, 'regular');
});

flashing('what is there already is never overwritten', async () => {
  assert.match(
    await refusal(['--image', at('trixie.img'), '--fleet-key', at('fleet.pem'), '--out', at('scan.img')]),
    /scan\.img is there already/,
  );
});

const CARD: BlockDevice = {
  path: '',
  type: 'disk',
  sizeBytes: 1000 ** 3,
  isReadOnly: false,
  isRemovable: true,
  isHotplug: true,
  transport: 'usb',
  model: 'Reader',
  serial: 'S1',
  mountPoints: [],
  children: [],
};

flashing('a card is written after its name was said, and not without', async () => {
  writeFileSync(at('card'), Buffer.alloc(160 * 1024 * 1024, 0xee));
  const inventory = async () => ({ devices: [{ ...CARD, path: at('card') }], system: [] });
  const words = ['--image', at('trixie.img'), '--fleet-key', at('fleet.pem'), '--device', at('card')];
  assert.match(await refusal(words, { inventory }), /is called "Reader", which was not what was said/);
  assert.match(await refusal(words, { inventory, ask: async () => 'yes' }), /which was not what was said/);
  assert.is(readFileSync(at('card'))[0], 0xee);
  const questions: string[] = [];
  const ask = async (question: string) => {
    questions.push(question);
    return 'Reader\n';
  };
  await run(words, { inventory, ask });
  assert.match(questions[0] ?? '', /Reader S1 1000 MB is erased wholly\. Type Reader to go on/);
  assert.is(await new Ext4(at('card'), ROOT_OFFSET).text('/etc/hostname'), 'lethe\n');
});

flashing('another card in the reader after the question is not written', async () => {
  writeFileSync(at('card'), Buffer.alloc(160 * 1024 * 1024, 0xee));
  let looks = 0;
  const inventory = async () => {
    looks += 1;
    return { devices: [{ ...CARD, path: at('card'), serial: looks > 2 ? 'S2' : 'S1' }], system: [] };
  };
  const words = [
    '--image',
    at('trixie.img'),
    '--fleet-key',
    at('fleet.pem'),
    '--device',
    at('card'),
    '--yes-erase',
    'S1',
  ];
  assert.match(await refusal(words, { inventory }), /is another card than the one that was asked about/);
  assert.is(readFileSync(at('card'))[0], 0xee);
});

flashing.run();
