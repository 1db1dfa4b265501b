// Goal: files and pipes are searched to their last byte, across the seams of chunks, and a pipe keeps what was in it.
// Method: real files and a real named pipe with eight marked bytes at chosen places; the scanner is one that looks for these.
import { spawnSync } from 'node:child_process';
import { constants, mkdtempSync, openSync, readSync, rmSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Scan, searchFolder, searchPipe } from '../../../../runtime/commands/audit/places.ts';

const MARK = Buffer.from('!marked!');
const CHUNK_BYTES = 2 ** 18;

const scan: Scan = (bytes, onFind) => {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = text.indexOf(MARK); at >= 0; at = text.indexOf(MARK, at + 1))
    onFind({ offset: at, form: 'mark', spanBytes: MARK.length, valueCount: MARK.length });
};

const test = suite<{ folder: string }>('places', { folder: '' });
test.before.each((context) => {
  context.folder = mkdtempSync(join(tmpdir(), 'lethe-places-'));
});
test.after.each(({ folder }) => rmSync(folder, { recursive: true, force: true }));

for (const at of [0, 5, CHUNK_BYTES - 4, CHUNK_BYTES - 64, CHUNK_BYTES, 3 * CHUNK_BYTES - 100]) {
  test(`eight bytes at ${at} of a file are found once`, ({ folder }) => {
    const bytes = Buffer.alloc(at + MARK.length);
    MARK.copy(bytes, at);
    writeFileSync(join(folder, 'file'), bytes);
    const [result] = searchFolder('folder', folder, 0, scan);
    assert.is(result!.foundBytes, MARK.length);
    assert.is(result!.searchedBytes, bytes.length);
    assert.equal(result!.forms, ['mark']);
  });
}

test('folders are gone through, files from before are left out, and a pipe in one holds nobody up', ({ folder }) => {
  spawnSync('mkdir', [join(folder, 'inner')]);
  spawnSync('mkfifo', [join(folder, 'inner', 'pipe')]);
  writeFileSync(join(folder, 'inner', 'new'), MARK);
  writeFileSync(join(folder, 'old'), MARK);
  utimesSync(join(folder, 'old'), 1, 1);
  const results = searchFolder('folder', folder, 1_000_000, scan);
  assert.equal(
    results.map(({ detail, foundBytes }) => [detail, foundBytes]),
    [[join(folder, 'inner', 'new'), MARK.length]],
  );
  assert.equal(searchFolder('folder', join(folder, 'not there'), 0, scan), []);
});

test('what waits in a pipe is searched and is still there afterwards', ({ folder }) => {
  const path = join(folder, 'pipe');
  spawnSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const sent = Buffer.concat([Buffer.alloc(100, 7), MARK, Buffer.alloc(40_000, 9)]);
  writeSync(fd, sent);
  const result = searchPipe('corridor', path, scan);
  assert.is(result.foundBytes, MARK.length);
  assert.is(result.searchedBytes, sent.length);
  const left = Buffer.alloc(2 ** 17);
  assert.ok(left.subarray(0, readSync(fd, left)).equals(sent));
});

test.run();
