// Goal: the README's tables are what the code says.
// Method: the generator in its checking mode.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sourceRoot } from '../fakes/root.ts';

test('configuration and lamp tables in the README are in step with the code', () => {
  const done = spawnSync(process.execPath, [join(sourceRoot(), 'dist', 'scripts', 'readme.js'), '--check'], {
    encoding: 'utf8',
  });
  assert.is(done.stderr, '');
  assert.is(done.status, 0);
});

test.run();
