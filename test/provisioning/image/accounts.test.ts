// Goal: our users and groups are added as systemd would add them, nobody else changes, and no password stays usable.
// Method: account files of Raspberry Pi OS, and the real sysusers.conf.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { firstUser, withAccounts, withoutPasswords } from '../../../provisioning/image/accounts.ts';
import { sourceRoot } from '../../fakes/root.ts';

const STOCK = {
  passwd:
    'root:x:0:0:root:/root:/bin/bash\nsshd:x:999:65534::/run/sshd:/usr/sbin/nologin\npi:x:1000:1000:,,,:/home/pi:/bin/bash\n',
  group: 'root:x:0:\nshadow:x:42:\ngpio:x:997:pi\npi:x:1000:\n',
  shadow: 'root:*:20400:0:99999:7:::\npi:$y$j9T$abc$def:20400:0:99999:7:::\n',
  gshadow: 'root:*::\npi:!::\n',
};
const SYSUSERS = 'u lethe-voice - "Lethe voice" / -\ng lethe-corridor - - -\n';
const DAY_MS = 86_400_000;

test('ids are the highest that are free, for user and group alike', () => {
  const { accounts, identities } = withAccounts(STOCK, SYSUSERS, 20_784 * DAY_MS);
  assert.equal(identities, [
    { name: 'lethe-voice', id: 998, isUser: true },
    { name: 'lethe-corridor', id: 996, isUser: false },
  ]);
  assert.is(accounts.passwd, `${STOCK.passwd}lethe-voice:x:998:998:Lethe voice:/:/usr/sbin/nologin\n`);
  assert.is(accounts.group, `${STOCK.group}lethe-voice:x:998:\nlethe-corridor:x:996:\n`);
  assert.is(accounts.shadow, `${STOCK.shadow}lethe-voice:!*:20784::::::\n`);
  assert.is(accounts.gshadow, `${STOCK.gshadow}lethe-voice:!*::\nlethe-corridor:!*::\n`);
});

test('a second time nothing is added', () => {
  const { accounts } = withAccounts(STOCK, SYSUSERS, 0);
  assert.equal(withAccounts(accounts, SYSUSERS, DAY_MS).accounts, accounts);
});

test('the real list has the voice, to whom the key of the device belongs', () => {
  const sysusers = readFileSync(join(sourceRoot(), 'provisioning/units/sysusers.conf'), 'utf8');
  const { identities } = withAccounts(STOCK, sysusers, 0);
  const declared = sysusers.split('\n').filter((line) => /^[ug] /.test(line));
  assert.is(identities.length, declared.length);
  assert.ok(identities.some(({ name, isUser }) => name === 'lethe-voice' && isUser));
});

test('every usable password is made unusable, and no other line is touched', () => {
  const { shadow, locked } = withoutPasswords(`${STOCK.shadow}empty::20400::::::\nsshd:!:20400::::::\n`);
  assert.equal(locked, ['pi', 'empty']);
  assert.is(
    shadow,
    'root:*:20400:0:99999:7:::\npi:!$y$j9T$abc$def:20400:0:99999:7:::\nempty:*:20400::::::\nsshd:!:20400::::::\n',
  );
});

test('the first user is the one with the number 1000', () => {
  assert.equal(firstUser(STOCK.passwd), { name: 'pi', uid: 1000, gid: 1000, home: '/home/pi' });
  assert.is(firstUser('root:x:0:0:root:/root:/bin/bash\n'), undefined);
});

test.run();
