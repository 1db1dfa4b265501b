// Goal: text files of a stock system are changed exactly where they must be, and a second time not at all.
// Method: lines of Raspberry Pi OS as pi-gen writes them; properties over made-up command lines.
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  withCardSparing,
  withFirmwareLines,
  withHostname,
  withKernelWords,
  withoutPublishing,
  withWirelessOn,
} from '../../../provisioning/image/edits.ts';

test('words for the kernel are appended to the one line', () => {
  assert.is(
    withKernelWords('console=tty1 root=PARTUUID=5f6d7a01-02 rootwait resize\n', ['init_on_free=1', 'nohibernate']),
    'console=tty1 root=PARTUUID=5f6d7a01-02 rootwait resize init_on_free=1 nohibernate\n',
  );
});

test('a word that is there with another value is replaced, one with the same value kept where it is', () => {
  assert.is(
    withKernelWords('init_on_free=0 cgroup_enable=memory quiet', ['init_on_free=1', 'cgroup_enable=memory']),
    'cgroup_enable=memory quiet init_on_free=1\n',
  );
});

test('a command line of two lines is refused: the kernel would not see the second', () => {
  assert.throws(() => withKernelWords('quiet\ninit_on_free=1\n', []), /2 lines/);
});

test('any command line stays one line with each of our words once, and a second time changes nothing', () => {
  const word = fc.stringMatching(/^[a-z_.]{1,12}(=[a-z0-9]{1,4})?$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), fc.array(word, { maxLength: 4 }), (line, added) => {
      const ours = [...new Map(added.map((text) => [text.split('=')[0], text])).values()];
      const once = withKernelWords(line.join(' '), ours);
      assert.is(withKernelWords(once, ours), once);
      assert.is(once.trim().split('\n').length, 1);
      for (const text of ours) assert.ok(once.trim().split(' ').includes(text), text);
    }),
  );
});

test('lines for the firmware stand under [all], once', () => {
  const once = withFirmwareLines('arm_64bit=1\n[cm4]\notg_mode=1\n', ['dtparam=watchdog=on']);
  assert.is(once, 'arm_64bit=1\n[cm4]\notg_mode=1\n\n# Lethe\n[all]\ndtparam=watchdog=on\n');
  assert.is(withFirmwareLines(once, ['dtparam=watchdog=on']), once);
});

test('fstab gets noatime on the system alone and the log in memory, once', () => {
  const stock =
    'proc /proc proc defaults 0 0\nPARTUUID=5f6d7a01-01 /boot/firmware vfat defaults 0 2\nPARTUUID=5f6d7a01-02 / ext4 defaults 0 1\n';
  const once = withCardSparing(stock, ['/var/log']);
  assert.is(
    once,
    'proc /proc proc defaults 0 0\nPARTUUID=5f6d7a01-01 /boot/firmware vfat defaults 0 2\nPARTUUID=5f6d7a01-02  /  ext4  defaults,noatime  0  1\ntmpfs  /var/log  tmpfs  nosuid,nodev,noexec,size=32m,mode=0755  0  0\n',
  );
  assert.is(withCardSparing(once, ['/var/log']), once);
});

test('the name of the machine replaces the stock one in hosts', () => {
  assert.is(
    withHostname('127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n', 'lethe-door1'),
    '127.0.0.1\tlocalhost\n127.0.1.1\tlethe-door1\n',
  );
  assert.is(withHostname('127.0.0.1\tlocalhost', 'lethe'), '127.0.0.1\tlocalhost\n127.0.1.1\tlethe\n');
});

test('avahi is told once to publish nothing', () => {
  const once = withoutPublishing('[server]\n[publish]\n#disable-publishing=no\npublish-hinfo=no\n');
  assert.is(once, '[server]\n[publish]\ndisable-publishing=yes\npublish-hinfo=no\n');
  assert.is(withoutPublishing(once), once);
  assert.is(withoutPublishing('[server]\n'), '[server]\n[publish]\ndisable-publishing=yes\n');
});

test('the radio is switched on in the state of NetworkManager', () => {
  assert.is(withWirelessOn('[main]\nWirelessEnabled=false\n'), '[main]\nWirelessEnabled=true\n');
  assert.is(
    withWirelessOn('[main]\nNetworkingEnabled=true\n'),
    '[main]\nWirelessEnabled=true\nNetworkingEnabled=true\n',
  );
});

test.run();
