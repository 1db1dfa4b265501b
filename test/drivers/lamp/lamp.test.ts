// Goal: the board's own LED is lit and dark as it is told and is afterwards what it was; several lamps say the same.
// Method: files in a temporary folder stand for the kernel's.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openBoardLed } from '../../../drivers/lamp/board-led.ts';
import { joinLamps } from '../../../drivers/lamp/lamps.ts';
import { DriverError } from '../../../runtime/errors.ts';
import type { OutputPin } from '../../../runtime/ports/gpio.ts';

const test = suite('lamps');
let folder = '';
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-leds-'));
});
test.after.each(() => rmSync(folder, { recursive: true }));

function addLed(name: string, trigger: string): void {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'trigger'), trigger);
  writeFileSync(join(folder, name, 'brightness'), '0\n');
}
const fileOf = (name: string, what: string) => readFileSync(join(folder, name, what), 'utf8');

test('takes the LED from its trigger, writes its level, and gives it back', () => {
  addLed('ACT', 'none rc-feedback kbd-scrolllock [mmc0] timer\n');
  const lamp = openBoardLed(folder);
  assert.is(fileOf('ACT', 'trigger'), 'none');
  lamp.write(true);
  assert.is(fileOf('ACT', 'brightness'), '1');
  lamp.write(false);
  assert.is(fileOf('ACT', 'brightness'), '0');
  lamp.write(true);
  lamp.close();
  assert.is(fileOf('ACT', 'brightness'), '0');
  assert.is(fileOf('ACT', 'trigger'), 'mmc0');
});

test('closed, it neither writes nor gives back a second time', () => {
  addLed('ACT', '[actpwr] none\n');
  const lamp = openBoardLed(folder);
  lamp.close();
  writeFileSync(join(folder, 'ACT', 'trigger'), 'timer');
  lamp.write(true);
  lamp.close();
  assert.is(fileOf('ACT', 'brightness'), '0');
  assert.is(fileOf('ACT', 'trigger'), 'timer');
});

test('knows the name of older kernels', () => {
  addLed('led0', 'none [mmc0]\n');
  openBoardLed(folder).write(true);
  assert.is(fileOf('led0', 'brightness'), '1');
});

test('says that there is none, and what to do', () => {
  assert.throws(
    () => openBoardLed(folder),
    (error: DriverError) => error instanceof DriverError && error.kind === 'absent' && /board\.json/.test(error.hint),
  );
});

test('says that it may not be written', () => {
  mkdirSync(join(folder, 'ACT'));
  writeFileSync(join(folder, 'ACT', 'trigger'), '[mmc0]\n');
  // A folder cannot be written by anybody, root included.
  mkdirSync(join(folder, 'ACT', 'brightness'));
  assert.throws(
    () => openBoardLed(folder),
    (error: DriverError) =>
      error instanceof DriverError && /EISDIR/.test(error.message) && /lamp\.conf/.test(error.hint),
  );
});

function recorder(failing = false): OutputPin & { readonly levels: boolean[]; closedCount: number } {
  const levels: boolean[] = [];
  return {
    levels,
    closedCount: 0,
    write(high) {
      if (failing) throw new Error('refused');
      levels.push(high);
    },
    close() {
      this.closedCount += 1;
    },
  };
}

test('several lamps do the same, though one of them fails', () => {
  const [one, two] = [recorder(true), recorder()];
  const lamps = joinLamps([one, two]);
  assert.throws(() => lamps.write(true), 'refused');
  assert.equal(two.levels, [true]);
  lamps.close();
  assert.equal([one.closedCount, two.closedCount], [1, 1]);
});

test('no lamp at all is no error', () => {
  joinLamps([]).write(true);
});

test.run();
