// Goal: whether the clock was set is read from the files of those who know, and what cannot be known is said to be unknown.
// Method: folders in place of /run.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FileTimeSource } from '../../../drivers/clock/trust.ts';

function withFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-test-'));
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('with neither service it is unknown, with one that waits unsynced, with the mark of either synced', () =>
  withFolder((folder) => {
    const [timesyncd, ours] = [join(folder, 'timesync'), join(folder, 'lethe-time')];
    const source = new FileTimeSource([timesyncd, ours]);
    assert.is(source.trust(), 'unknown');
    mkdirSync(ours);
    assert.is(source.trust(), 'unsynced');
    mkdirSync(timesyncd);
    assert.is(source.trust(), 'unsynced');
    writeFileSync(join(timesyncd, 'synchronized'), '');
    assert.is(source.trust(), 'synced');
  }));

test('a clock that was set stays so when its service ends and takes its folder away', () =>
  withFolder((folder) => {
    const timesyncd = join(folder, 'timesync');
    mkdirSync(timesyncd);
    writeFileSync(join(timesyncd, 'synchronized'), '');
    const source = new FileTimeSource([timesyncd]);
    assert.is(source.trust(), 'synced');
    rmSync(timesyncd, { recursive: true });
    assert.is(source.trust(), 'synced');
  }));

test.run();
