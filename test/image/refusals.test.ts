// Goal: what is no image of Raspberry Pi OS Lite, or not a whole one, is refused with its own answer, and nothing is left behind.
// Method: one wrong image for each answer; the words for both are in one table, which is also the list for the README.
import { generateKeyPairSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applicationAt } from '../../provisioning/image/application.ts';
import { flash } from '../../provisioning/image/flash.ts';
import { readOptions } from '../../provisioning/image/options.ts';
import { SILENT } from '../../provisioning/image/progress.ts';
import { requireTools } from '../../provisioning/image/tools.ts';
import { ELF_ARM, ELF_X86_64, elf, makeApplication, makePiImage, type PiImage } from '../fakes/pi-image.ts';

const refusals = suite('refused images');
const MIB = 1024 * 1024;
let folder = '';
const at = (name: string) => join(folder, name);

refusals.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-refusals-'));
  makeApplication(at('app'));
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(at('fleet.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(at('private.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(at('any.img'), Buffer.alloc(MIB));
});
refusals.after(() => rmSync(folder, { recursive: true, force: true }));

async function answer(image: string, more: readonly string[] = []): Promise<string> {
  try {
    const options = readOptions(
      ['--image', image, '--fleet-key', at('fleet.pem'), '--out', at('out.img'), ...more],
      Date.now(),
    );
    await flash(options!, {
      say: () => {},
      progress: SILENT,
      application: async () => ({ ...applicationAt(at('app')), remove: () => {} }),
      nowMs: Date.now,
    });
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
}

function bytes(path: string, offset: number, text: string | Buffer): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.isBuffer(text) ? text : Buffer.from(text, 'latin1'), 0, undefined, offset);
  closeSync(fd);
}

/** What is given → how it is made → what is said. */
const FILES: readonly [string, (path: string) => void, RegExp][] = [
  ['an empty file', (path) => writeFileSync(path, ''), /has 0 bytes; expected an image of a card/],
  [
    'a ZIP archive',
    (path) => writeFileSync(path, Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(MIB)])),
    /is a ZIP archive/,
  ],
  [
    'an error page',
    (path) => writeFileSync(path, `<!DOCTYPE html>${' '.repeat(1000)}`),
    /is a web page: the download was an error page/,
  ],
  [
    'a CD image',
    (path) => {
      writeFileSync(path, Buffer.alloc(MIB));
      bytes(path, 0x8001, 'CD001');
    },
    /is a CD image \(ISO 9660\)/,
  ],
  [
    'a QEMU disk',
    (path) => writeFileSync(path, Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(MIB)])),
    /is a QEMU disk/,
  ],
  ['zeroes', (path) => writeFileSync(path, Buffer.alloc(MIB)), /has no partition table/],
  ['a GPT', (path) => makePiImage(path, { types: 'gpt' }), /has a GPT partition table/],
  ['one partition', (path) => makePiImage(path, { types: ['c'] }), /has 1 partition; expected two/],
  ['three partitions', (path) => makePiImage(path, { types: ['c', '83', '83'] }), /has 3 partitions; expected two/],
  [
    'partitions of other types',
    (path) => makePiImage(path, { types: ['83', 'c'] }),
    /of the types 83 and c; expected c \(FAT\) and 83/,
  ],
  [
    'a download that is not whole',
    (path) => {
      makePiImage(path);
      truncateSync(path, 90 * MIB);
    },
    /has 94 MB, but its partitions need 117 MB: the download or the copy is not whole/,
  ],
  [
    'a first partition without FAT',
    (path) => {
      makePiImage(path);
      bytes(path, 8 * MIB, Buffer.alloc(4096));
    },
    /The first partition holds no FAT file system/,
  ],
  [
    'a second partition without ext4',
    (path) => {
      makePiImage(path);
      bytes(path, 48 * MIB, Buffer.alloc(4096));
    },
    /The second partition holds no ext4 file system/,
  ],
  // s_feature_incompat at 0x60 of the super block: what the stock one has, and RECOVER (4).
  [
    'the copy of a running card',
    (path) => {
      makePiImage(path);
      bytes(path, 48 * MIB + 1024 + 0x60, Buffer.from([0xc6]));
    },
    /was not closed: it is the copy of a card that was running/,
  ],
  // The group descriptors are behind the super block, in the second block of 4096 bytes.
  [
    'a damaged system',
    (path) => {
      makePiImage(path);
      bytes(path, 48 * MIB + 4096, Buffer.alloc(512, 0x55));
    },
    /The system partition is damaged/,
  ],
];

const SYSTEMS: readonly [string, PiImage, RegExp][] = [
  ['the 32-bit system', { machine: ELF_ARM, id: 'raspbian' }, /is 32-bit \(armhf\); expected 64-bit ARM/],
  ['a system for PCs', { machine: ELF_X86_64 }, /is for PCs \(x86-64\); expected 64-bit ARM/],
  [
    'another system for the same board',
    { id: 'ubuntu', root: { 'etc/rpi-issue': null } },
    /without \/etc\/rpi-issue; expected Raspberry Pi OS/,
  ],
  ['an older release', { release: 'bullseye' }, /\(bullseye\); expected trixie or bookworm/],
  ['a newer release', { release: 'forky' }, /\(forky\); expected trixie or bookworm/],
  [
    'no firmware files',
    { boot: { 'config.txt': null } },
    /has no config\.txt; expected the firmware files of a Raspberry Pi/,
  ],
  [
    'an image that Raspberry Pi Imager customised',
    { boot: { 'firstrun.sh': '#!/bin/sh\n' } },
    /has firstrun\.sh: the image was customised already/,
  ],
  [
    'a user file on the boot partition',
    { boot: { 'userconf.txt': 'pi:x\n' } },
    /has userconf\.txt: the image was customised already/,
  ],
  [
    'a script in the command line',
    { boot: { 'cmdline.txt': 'root=x systemd.run=/boot/firmware/a.sh\n' } },
    /starts a script \(systemd\.run=\)/,
  ],
  ['an image with Lethe in it', { root: { 'opt/lethe/a/package.json': '{}' } }, /holds Lethe already/],
  [
    'no system at all',
    { root: { 'usr/lib/systemd/systemd': null, 'usr/bin/rpicam-vid': null } },
    /neither systemd nor bash/,
  ],
  ['a program that is none', { root: { 'usr/lib/systemd/systemd': 'text' } }, /is of another kind \(0\)/],
];

for (const [what, make, said] of FILES)
  refusals(`refuses ${what}`, async () => {
    make(at('wrong.img'));
    assert.match(await answer(at('wrong.img')), said);
    assert.equal(
      readdirSync(folder).filter((name) => name.includes('out.img')),
      [],
    );
  });
for (const [what, image, said] of SYSTEMS)
  refusals(`refuses ${what}`, async () => {
    makePiImage(at('wrong.img'), image);
    assert.match(await answer(at('wrong.img')), said);
    assert.equal(
      readdirSync(folder).filter((name) => name.includes('out.img')),
      [],
    );
  });

refusals('a desktop and a missing camera program are told, not refused', async () => {
  makePiImage(at('desktop.img'), { root: { 'usr/sbin/lightdm': elf(0xb7), 'usr/bin/rpicam-vid': null } });
  const lines: string[] = [];
  const options = readOptions(['--image', at('desktop.img'), '--fleet-key', at('fleet.pem'), '--dry-run'], Date.now());
  await flash(options!, {
    say: (line) => lines.push(line),
    progress: SILENT,
    application: async () => ({ ...applicationAt(at('app')), remove: () => {} }),
    nowMs: Date.now,
  });
  assert.match(lines.join('\n'), /NOTE {10}This is an image with a desktop.*\n.*rpicam-vid is missing/);
});

const WORDS: readonly [string, readonly string[], RegExp][] = [
  ['no image', [], /--image is missing/],
  ['neither configuration nor key', ['--image', 'x', '--out', 'y'], /Neither --config .* nor --fleet-key/],
  ['an unknown word', ['--imgae', 'x'], /Unknown option '--imgae'/],
  [
    'a path that libext2fs would read an offset from',
    ['--image', 'a?offset=1', '--fleet-key', 'k', '--out', 'y'],
    /has "\?", "@@" or a line break/,
  ],
  [
    'Wi-Fi without a country',
    ['--image', 'x', '--fleet-key', 'k', '--out', 'y', '--wifi-ssid', 'shop', '--wifi-security', 'open'],
    /Wi-Fi needs --country/,
  ],
  [
    'a name that no topic can have',
    ['--image', 'x', '--fleet-key', 'k', '--out', 'y', '--name', 'Door 1'],
    /--name is "Door 1"; expected 1 to 32 of a-z, 0-9, _ and -/,
  ],
  [
    'a pin that no header has',
    ['--image', 'x', '--fleet-key', 'k', '--out', 'y', '--led-gpio', '40'],
    /--led-gpio is "40"; expected the number of a pin on the header, 2\.\.27/,
  ],
  [
    'a bundle whose signature nobody could check',
    ['--image', 'x', '--fleet-key', 'k', '--out', 'y', '--bundle', 'b'],
    /--bundle is given without --release-key/,
  ],
];
for (const [what, words, said] of WORDS)
  refusals(`refuses ${what} among the words`, () => {
    assert.throws(() => readOptions(words, 0), said);
  });

refusals('a private key never goes onto a card', () => {
  assert.throws(
    () => readOptions(['--image', 'x', '--out', 'y', '--fleet-key', at('private.pem')], 0),
    /is a private key; expected the public one/,
  );
});

refusals('a configuration that the device would refuse is refused here, with all its faults', () => {
  writeFileSync(at('bad.json'), '{"site":"a/b","camera":{"frame_rate_hz":0}}');
  assert.throws(
    () => readOptions(['--image', 'x', '--out', 'y', '--config', at('bad.json')], 0),
    /site is "a\/b"[\s\S]*camera\.frame_rate_hz is 0/,
  );
});

refusals('missing programs are told together with their packages', () => {
  assert.throws(
    () => requireTools(['sfdisk', 'mcopy'], '/nowhere', []),
    (error: { message: string; hint: string }) =>
      /sfdisk, mcopy not found/.test(error.message) && /apt-get install fdisk mtools/.test(error.hint),
  );
});

refusals.run();
