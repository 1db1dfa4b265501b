// Goal: the tracker's bench measures what it says: as many tracks as people, at every size.
// Method: the real command, its JSON.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const BENCH = fileURLToPath(new URL('../../../scripts/bench.js', import.meta.url));

test('bench tracker follows everybody it is given and times each size', () => {
  const { rows } = JSON.parse(execFileSync(process.execPath, [BENCH, 'tracker', '--json'], { encoding: 'utf8' }));
  assert.equal(
    rows.map(({ people, tracks }: { people: number; tracks: number }) => [people, tracks]),
    [1, 5, 15, 30, 60].map((people) => [people, people]),
  );
  for (const { p50_us, p99_us } of rows) assert.ok(p50_us > 0 && p99_us >= p50_us, `${p50_us} ${p99_us}`);
});

test.run();
