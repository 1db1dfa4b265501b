// Goal: no disk is erased but a whole one that can be taken out and that nothing uses; each rule says so in its own words.
// Method: invented machines, one for each rule; the answer of a real lsblk, shortened.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type BlockDevice, devicesOf, type Inventory } from '../../../provisioning/image/card/inventory.ts';
import { cardProblems, isNamed, nameToType } from '../../../provisioning/image/card/rules.ts';

const GB = 1000 ** 3;
const CARD: BlockDevice = {
  path: '/dev/sdb',
  type: 'disk',
  sizeBytes: 32 * GB,
  isReadOnly: false,
  isRemovable: true,
  isHotplug: true,
  transport: 'usb',
  model: 'SD Reader',
  serial: '0123',
  mountPoints: [],
  children: [],
};
const partOf = (fields: Partial<BlockDevice>): BlockDevice => ({ ...CARD, path: '/dev/sdb1', type: 'part', ...fields });

/** Problems on a machine whose only disk is the card with these changes. */
function problemsOf(
  card: Partial<BlockDevice>,
  system: Inventory['system'] = [],
  path = '/dev/sdb',
  isLargeAllowed = false,
) {
  return cardProblems({ devices: [{ ...CARD, ...card }], system }, { path, imageBytes: 3 * GB, isLargeAllowed });
}

test('a card in a reader is taken', () => {
  assert.equal(problemsOf({}), []);
  assert.equal(
    problemsOf({ transport: '', isRemovable: false, isHotplug: false, path: '/dev/mmcblk0' }, [], '/dev/mmcblk0'),
    [],
  );
});

const RULES: readonly [string, () => string[], RegExp][] = [
  [
    'a path that is no disk',
    () => problemsOf({}, [], '/dev/sdz'),
    /^\/dev\/sdz is no disk of this machine; plugged in: \/dev\/sdb SD Reader 0123 32000 MB\.$/,
  ],
  [
    'a partition',
    () => problemsOf({ children: [partOf({})] }, [], '/dev/sdb1'),
    /is a partition; expected the whole disk, \/dev\/sdb\.$/,
  ],
  ['a loop device', () => problemsOf({ type: 'loop' }), /of the kind loop; expected a disk/],
  [
    'a built-in disk',
    () => problemsOf({ isRemovable: false, isHotplug: false, transport: 'nvme' }),
    /is built in \(nvme\)/,
  ],
  ['a write-protected card', () => problemsOf({ isReadOnly: true }), /is write-protected/],
  ['a reader without a card', () => problemsOf({ sizeBytes: 0 }), /no card in the reader/],
  [
    'a card that is smaller than the image',
    () => problemsOf({ sizeBytes: 2 * GB }),
    /has 2000 MB; expected 3000 MB or more/,
  ],
  ['a disk of 500 GB', () => problemsOf({ sizeBytes: 500 * GB }), /more than a card usually has.*--allow-large/],
  [
    'a mounted card',
    () => problemsOf({ children: [partOf({ mountPoints: ['/media/card'] })] }),
    /is mounted: \/dev\/sdb1 at \/media\/card/,
  ],
  ['swap', () => problemsOf({ children: [partOf({ mountPoints: ['[SWAP]'] })] }), /is used as swap: \/dev\/sdb1/],
  [
    'a disk under an open encryption',
    () => problemsOf({ children: [partOf({ children: [partOf({ path: '/dev/mapper/safe', type: 'crypt' })] })] }),
    /is held by \/dev\/mapper\/safe \(crypt\)/,
  ],
  [
    'the disk of this machine',
    () => problemsOf({ children: [partOf({})] }, [{ folder: '/home', source: '/dev/sdb1' }]),
    /holds \/home of this machine; it is never written/,
  ],
  [
    'the disk of this machine behind LVM',
    () =>
      problemsOf({ children: [partOf({ children: [partOf({ path: '/dev/mapper/vg-root', type: 'lvm' })] })] }, [
        { folder: '/', source: '/dev/mapper/vg-root' },
      ]),
    /holds \/ of this machine/,
  ],
];
for (const [what, problems, said] of RULES)
  test(`refuses ${what}`, () => {
    const found = problems();
    assert.ok(
      found.some((problem) => said.test(problem)),
      found.join('\n') || 'nothing was said',
    );
  });

test('a large card is taken when somebody says that it is one', () => {
  assert.equal(problemsOf({ sizeBytes: 500 * GB }, [], '/dev/sdb', true), []);
});

test('several rules are told at once', () => {
  assert.is(problemsOf({ isReadOnly: true, sizeBytes: 0, children: [partOf({ mountPoints: ['/a'] })] }).length, 3);
});

test('model or serial number have to be typed, and nothing else counts', () => {
  assert.is(nameToType(CARD), 'SD Reader');
  assert.ok(isNamed(CARD, ' SD Reader\n') && isNamed(CARD, '0123'));
  for (const typed of ['', 'sd reader', 'yes', '/dev/sdb']) assert.not.ok(isNamed(CARD, typed), typed);
  assert.is(nameToType({ ...CARD, model: '', serial: '' }), '/dev/sdb');
});

test('reads what lsblk says', () => {
  const [disk] = devicesOf(
    '{"blockdevices":[{"path":"/dev/sda","type":"disk","size":31914983424,"ro":false,"rm":true,"hotplug":true,"tran":"usb","model":"Ultra   ","serial":null,"mountpoints":[null],"children":[{"path":"/dev/sda1","type":"part","size":536870912,"ro":"0","rm":"1","hotplug":"1","tran":null,"model":null,"serial":null,"mountpoints":["/media/x","[SWAP]"]}]}]}',
  );
  assert.is(disk!.model, 'Ultra');
  assert.equal(disk!.mountPoints, []);
  assert.is(disk!.isRemovable, true);
  assert.equal(disk!.children[0]!.mountPoints, ['/media/x', '[SWAP]']);
  assert.is(disk!.children[0]!.isRemovable, true);
});

test.run();
