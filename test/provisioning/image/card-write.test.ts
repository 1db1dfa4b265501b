// Goal: a card that was not written whole never starts: its first megabyte comes last, and everything is read back.
// Method: files as cards; with root also loop devices of our own, one of them too short, one pulled in the middle.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HEAD_BYTES, writeCard } from '../../../provisioning/image/card/write.ts';
import { SILENT } from '../../../provisioning/image/progress.ts';

const cards = suite('card');
const MIB = 1024 * 1024;
/** Not a whole number of blocks or pieces. */
const IMAGE = randomBytes(37 * MIB + 512);
let folder = '';
const at = (name: string) => join(folder, name);

cards.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-card-'));
  writeFileSync(at('image'), IMAGE);
});
cards.after(() => rmSync(folder, { recursive: true, force: true }));

const failure = (target: string, progress = SILENT) =>
  writeCard(at('image'), target, progress).then(
    () => 'written',
    (error: Error) => error.message,
  );
const isEmpty = (bytes: Buffer) => bytes.equals(Buffer.alloc(bytes.length));

cards('a card gets every byte, and keeps what lies behind the image', async () => {
  writeFileSync(at('card'), Buffer.alloc(40 * MIB, 0xee));
  await writeCard(at('image'), at('card'), SILENT);
  const card = readFileSync(at('card'));
  assert.ok(card.subarray(0, IMAGE.length).equals(IMAGE));
  assert.ok(card.subarray(IMAGE.length).every((byte) => byte === 0xee));
});

cards('a card that changes what it was given is found out, and has no first megabyte', async () => {
  writeFileSync(at('card'), Buffer.alloc(40 * MIB, 0xee));
  const damaging = (what: string) => ({
    at: () => {},
    done: () => {
      if (what === 'writing the card') damage(at('card'), 20 * MIB);
    },
  });
  assert.match(await failure(at('card'), damaging), /gives back something else than was written, at 18 MB to 35 MB/);
  assert.ok(isEmpty(readFileSync(at('card')).subarray(0, HEAD_BYTES)));
});

cards('a card that is gone is told so', async () => {
  assert.match(await failure(at('nowhere')), /cannot be opened for writing \(ENOENT\)/);
});

/** Loop devices need root and the kernel's leave; where there are none the rest is tested with files. */
function loopOver(file: string): string | undefined {
  const done = spawnSync('losetup', ['--show', '-f', file], { encoding: 'utf8', env: { PATH: '/usr/sbin:/sbin' } });
  return done.status === 0 ? done.stdout.trim() : undefined;
}
function release(device: string): void {
  spawnSync('losetup', ['-d', device], { env: { PATH: '/usr/sbin:/sbin' } });
}
async function withLoop(bytes: number, use: (device: string) => Promise<void>): Promise<void> {
  writeFileSync(at('disk'), Buffer.alloc(bytes, 0xee));
  const device = loopOver(at('disk'));
  if (device === undefined) return;
  try {
    await use(device);
  } finally {
    release(device);
  }
}

cards('a block device gets every byte', () =>
  withLoop(40 * MIB, async (device) => {
    await writeCard(at('image'), device, SILENT);
    assert.ok(readDevice(device, IMAGE.length).equals(IMAGE));
  }),
);

cards('a device that is shorter than it should be is told, and has no first megabyte', () =>
  withLoop(30 * MIB, async (device) => {
    assert.match(await failure(device), /was full at \d+ MB of 39 MB: it has less memory than it says/);
    assert.ok(isEmpty(readDevice(device, HEAD_BYTES)));
  }),
);

cards('a device that is pulled in the middle is told, and has no first megabyte', () =>
  withLoop(40 * MIB, async (device) => {
    let isPulled = false;
    const pulling = () => ({
      at: (doneBytes: number) => {
        // What the device stands on is gone: every later block is an error of the device.
        if (!isPulled && doneBytes > 8 * MIB) truncateSync(at('disk'), 4 * MIB);
        isPulled ||= doneBytes > 8 * MIB;
      },
      done: () => {},
    });
    assert.match(await failure(device, pulling), /went away or failed|gives back something else|cannot be read back/);
    assert.ok(isEmpty(readFileSync(at('disk')).subarray(0, HEAD_BYTES)));
  }),
);

function readDevice(device: string, length: number): Buffer {
  const fd = openSync(device, 'r');
  const bytes = Buffer.alloc(length);
  for (let got = 0; got < length; ) got += readSync(fd, bytes, got, length - got, got);
  closeSync(fd);
  return bytes;
}

function damage(path: string, offset: number): void {
  spawnSync('dd', ['if=/dev/zero', `of=${path}`, 'bs=1', 'count=16', `seek=${offset}`, 'conv=notrunc', 'status=none'], {
    env: { PATH: '/usr/bin:/bin' },
  });
}

cards.run();
