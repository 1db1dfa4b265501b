// Goal: progress says percent, speed and the time left on a terminal, and one line in a log.
// Method: a clock of our own and a terminal that remembers.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { megabytes, progressLine, progressOn } from '../../../provisioning/image/progress.ts';

const MB = 1_000_000;

test('a line has percent, megabytes, speed and what is left', () => {
  assert.is(
    progressLine('writing', 600 * MB, 2400 * MB, 20_000),
    'writing  25 %  600 of 2400 MB  30.0 MB/s  60 s left',
  );
  assert.is(progressLine('writing', 100 * MB, 6100 * MB, 5_000), 'writing  1 %  100 of 6100 MB  20.0 MB/s  5 min left');
  assert.is(progressLine('writing', 100 * MB, 0, 10_000), 'writing  100 MB  10.0 MB/s');
  assert.is(progressLine('writing', 0, 10 * MB, 0), 'writing  0 %  0 of 10 MB  0.0 MB/s');
});

function shownOn(isTTY: boolean): string[] {
  const written: string[] = [];
  let nowMs = 0;
  const start = progressOn({ isTTY, write: (text) => written.push(text) }, () => nowMs);
  const shown = start('writing', 100 * MB);
  for (let i = 1; i <= 100; i += 1) {
    nowMs += 100;
    shown.at(i * MB);
  }
  shown.done(100 * MB);
  return written;
}

test('a terminal sees at most four lines a second, a log only the end', () => {
  const lines = shownOn(true);
  assert.ok(lines.length > 30 && lines.length <= 41, `${lines.length} lines in 10 s`);
  assert.equal(shownOn(false), ['writing: 100 MB in 10.0 s (10 MB/s)\n']);
});

test('sizes are decimal, as on cards', () => {
  assert.equal([0, 1500, 2_500_000, 31_914_983_424].map(megabytes), ['0 kB', '2 kB', '2.5 MB', '31915 MB']);
});

test.run();
