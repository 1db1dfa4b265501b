// Goal: each of our settings has one place in an image, and what is switched off has a reason.
// Method: the real files of provisioning/units, and texts made up for the rest.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BOOKWORM_DROP_IN,
  bookwormLinks,
  MASKED,
  MASKED_WITHOUT_SSH,
  maskLink,
  placeOf,
} from '../../../provisioning/image/services.ts';
import { sourceRoot } from '../../fakes/root.ts';

const UNITS = join(sourceRoot(), 'provisioning/units');

test('every settings file says in its first line where it goes, each another place', () => {
  const files = ['.', 'bookworm'].flatMap((folder) =>
    readdirSync(join(UNITS, folder))
      .filter((name) => name.endsWith('.conf'))
      .map((name) => join(folder, name)),
  );
  const places = files.map((file) => placeOf(readFileSync(join(UNITS, file), 'utf8')));
  assert.ok(files.length >= 7);
  assert.equal(
    files.filter((_, index) => places[index] === undefined),
    [],
  );
  assert.is(new Set(places).size, places.length);
});

test('a place is a plain path of settings', () => {
  assert.is(placeOf('# /etc/rpi/swap.conf.d/60-lethe.conf: no swap\n'), '/etc/rpi/swap.conf.d/60-lethe.conf');
  assert.is(placeOf('# On bookworm: /usr/lib/tmpfiles.d/a.conf\n'), '/usr/lib/tmpfiles.d/a.conf');
  for (const text of ['', '# nothing', '# /etc/../root/a.conf: x', '# /root/a.conf: x', '[Main]\n# /etc/a.conf: x'])
    assert.is(placeOf(text), undefined, text);
});

test('bookworm gets its timer in timers.target, and the drop-in for the programs that say READY', () => {
  const timer = '[Install]\nWantedBy=timers.target\n';
  const texts = new Map([
    ['lethe-pulse.timer', timer],
    [BOOKWORM_DROP_IN, '[Service]\n'],
  ]);
  const folder = '/opt/lethe/current/provisioning/units/bookworm';
  assert.equal(
    bookwormLinks([...texts.keys()], texts).map(({ path, target }) => [path, target]),
    [
      ['/etc/systemd/system/lethe-pulse.timer', `${folder}/lethe-pulse.timer`],
      ['/etc/systemd/system/timers.target.wants/lethe-pulse.timer', `${folder}/lethe-pulse.timer`],
      ...['eye', 'voice', 'scan'].map((name) => [
        `/etc/systemd/system/lethe-${name}.service.d/bookworm.conf`,
        `${folder}/lethe-program.conf`,
      ]),
    ],
  );
});

test('what is switched off is masked, with a reason', () => {
  for (const [unit, why] of Object.entries({ ...MASKED, ...MASKED_WITHOUT_SSH })) {
    assert.match(unit, /^[\w-]+\.(service|socket|timer)$/);
    assert.ok(why.length > 5, unit);
    assert.is(maskLink(unit).target, '/dev/null');
  }
});

test.run();
