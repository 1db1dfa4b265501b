// Goal: each thing that a person does becomes one word, and what no person does becomes none.
// Method: bytes as terminals and pipes deliver them; buttons in memory.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryGpio } from '../../../../drivers/gpio/memory.ts';
import { KeyReader, LineReader, openButtons, parseKeys, type Word } from '../../../../runtime/commands/tally/input.ts';
import { DriverError } from '../../../../runtime/errors.ts';

const KEYS = { in: 'f', out: 'j' };

test('keys become words; shift makes no difference; other keys and arrows are ignored', () => {
  const keys = new KeyReader(KEYS);
  const typed = ['f', 'j', 'J', 'u', 'p', 'q', '\x03', '\x04', 'x', ' ', '\x1b[A', '\x1bf', '\x1b'];
  assert.equal(
    typed.flatMap((text, index) => keys.read(text, index * 1000)),
    ['in', 'out', 'out', 'undo', 'pause', 'end', 'end', 'end'],
  );
});

test('a key held down is one press more than none, but two that arrive together are two', () => {
  const keys = new KeyReader(KEYS);
  const held = Array.from({ length: 50 }, (_, index) => keys.read('f', 1000 + index * 33)).flat();
  assert.equal(held, ['in']);
  assert.equal(keys.read('ff', 5000), ['in', 'in']);
  assert.equal([...keys.read('f', 6000), ...keys.read('j', 6010), ...keys.read('f', 6100)], ['in', 'out', 'in']);
});

test('two different keys that mean nothing else are taken, all others refused with the expectation', () => {
  assert.equal(parseKeys('f,j'), { in: 'f', out: 'j' });
  assert.equal(parseKeys('1,+'), { in: '1', out: '+' });
  for (const text of ['', 'f', 'f,', 'f,f', 'f,F', 'f,u', 'Q,j', 'f,j,k', 'ff,j', 'ä,j', ' ,j']) {
    const fault = parseKeys(text);
    assert.type(fault, 'string', text);
    assert.match(String(fault), 'expected two different keys');
  }
});

test('lines become words, in whatever pieces a pipe brings them', () => {
  const unknown: string[] = [];
  const lines = new LineReader((line) => unknown.push(line));
  const words = ['in\nou', 't\r\n', '\n IN \nfoo\nund', 'o\npause\nend'].flatMap((text) => lines.read(text));
  assert.equal([...words, ...lines.finish()], ['in', 'out', 'in', 'undo', 'pause', 'end']);
  assert.equal(unknown, ['foo']);
});

test('buttons become words, bounce is none, and closing gives both back', () => {
  let nowUs = 0;
  const gpio = new MemoryGpio(() => nowUs);
  const words: Word[] = [];
  const close = openButtons(gpio, { in: 5, out: 6 }, (word) => words.push(word));
  for (const [bcm, ms] of [
    [5, 0],
    [5, 10],
    [6, 20],
    [5, 500],
    [6, 900],
  ] as const) {
    nowUs = ms * 1000;
    gpio.press(bcm);
  }
  assert.equal(words, ['in', 'out', 'in', 'out']);
  close();
  nowUs = 9e6;
  gpio.press(5);
  assert.is(words.length, 4);
  openButtons(gpio, { in: 5, out: 6 }, () => {})();
});

test('a pin that cannot be had is told and leaves none open', () => {
  const gpio = new MemoryGpio();
  gpio.openButton(6, 50, () => {});
  assert.throws(
    () => openButtons(gpio, { in: 5, out: 6 }, () => {}),
    (error: unknown) => error instanceof DriverError,
  );
  gpio.openButton(5, 50, () => {}).close();
});

test.run();
