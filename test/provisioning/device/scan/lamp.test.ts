// Goal: whoever stands below the lamp can tell what is the matter by counting, and always sees what concerns them most.
// Method: the lamp on a pin in memory and a clock moved by hand; the patterns are counted as a person would.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualClock } from '../../../../drivers/clock/manual.ts';
import { MemoryGpio } from '../../../../drivers/gpio/memory.ts';
import { REFUSAL_MS, ScanLamp } from '../../../../provisioning/device/scan/lamp.ts';
import { lampCard, lampTableOfScan } from '../../../../provisioning/device/scan/lamp-card.ts';
import { REFUSAL_FLASHES, SCAN_PATTERNS, type ScanPatternName } from '../../../../provisioning/device/scan/patterns.ts';
import { REFUSALS, type Refusal } from '../../../../provisioning/payload/refusals.ts';
import { LED_PATTERNS } from '../../../../runtime/eye/indicator.ts';
import { levelsOf, TICK_MS } from '../../../../runtime/lamp.ts';

const LED_BCM = 17;
const names = Object.keys(SCAN_PATTERNS) as ScanPatternName[];
const refusals = Object.keys(REFUSALS) as Refusal[];

function bench() {
  const clock = new ManualClock();
  const gpio = new MemoryGpio(() => clock.monotonicUs());
  const lamp = new ScanLamp(gpio.openOutput(LED_BCM), clock);
  /** One mark per tick: the level before it. */
  const watch = (ms: number): string => {
    let seen = '';
    for (let atMs = 0; atMs < ms; atMs += TICK_MS) {
      seen += gpio.isHigh(LED_BCM) ? '#' : '.';
      clock.advance(TICK_MS);
    }
    return seen;
  };
  return { clock, lamp, watch };
}

/** As a person counts: runs of light of half a second and more are long, and what follows more than 1.5 s of dark is anew. */
function counted(seen: string): string {
  return seen
    .split('.'.repeat(1500 / TICK_MS))
    .map((part) => part.split(/\.+/).filter((run) => run !== ''))
    .filter((runs) => runs.length > 0)
    .map((runs) => runs.map((run) => (run.length * TICK_MS >= 500 ? 'L' : 's')).join(''))
    .join(' ');
}

test('the same refusal is counted the same in every cycle: long ones first, then short ones', () => {
  const { lamp, watch } = bench();
  lamp.showRefusal('gateway_other_certificate');
  const cycles = counted(watch(REFUSAL_MS)).split(' ');
  // The last may be cut.
  assert.equal([...new Set(cycles.slice(0, -1))], ['LLLLss']);
  assert.ok(cycles.length >= 4, `${cycles.length} cycles in ${REFUSAL_MS} ms`);
});

test('every refusal has a number of long and short flashes of its own, and says so in words', () => {
  const numbers = refusals.map((word) => {
    const { long, short } = REFUSAL_FLASHES[word];
    assert.is(
      counted(`.${[...levelsOf(SCAN_PATTERNS[word])].map((level) => (level ? '#' : '.')).join('')}`),
      'L'.repeat(long) + 's'.repeat(short),
    );
    assert.is(SCAN_PATTERNS[word].looks, `${long} long, ${short} short`);
    return `${long} ${short}`;
  });
  numbers.push('5 2'); // no fleet key
  assert.is(new Set(numbers).size, refusals.length + 1);
});

test('no two patterns look the same over ten seconds, whatever one starts to look at', () => {
  const cycles = names.map((name) => [...levelsOf(SCAN_PATTERNS[name])].join(''));
  for (const [i, one] of cycles.entries())
    for (const other of cycles.slice(i + 1)) assert.not.ok(one.length === other.length && (one + one).includes(other));
});

test('what the eye says too looks as it does there', () => {
  assert.equal(SCAN_PATTERNS.starting.segments, LED_PATTERNS.starting.segments);
  assert.equal(SCAN_PATTERNS.cameraLost.segments, LED_PATTERNS.cameraLost.segments);
  assert.equal(SCAN_PATTERNS.held.segments, LED_PATTERNS.reset.segments);
});

test('nobody who waits for a code takes the lamp for one that counts people', () => {
  const share = (segments: readonly (readonly [number, number])[]) => {
    const on = segments.reduce((sum, [onMs]) => sum + onMs, 0);
    return on / segments.reduce((sum, [onMs, offMs]) => sum + onMs + offMs, 0);
  };
  for (const name of names.filter((one) => one !== 'accepted'))
    assert.ok(share(SCAN_PATTERNS[name].segments) <= 0.5, `${name} is lit for ${share(SCAN_PATTERNS[name].segments)}`);
});

test('a refusal is shown for 30 s, then what the device is about', () => {
  const { clock, lamp } = bench();
  lamp.showState('waiting');
  lamp.showRefusal('expired');
  clock.advance(REFUSAL_MS - TICK_MS);
  assert.is(lamp.pattern, 'expired');
  clock.advance(TICK_MS);
  assert.is(lamp.pattern, 'waiting');
});

test('the same refusal again begins its time anew but does not disturb the counting', () => {
  const alone = bench();
  alone.lamp.showRefusal('not_ours');
  const expected = alone.watch(20_000);
  const { lamp, watch } = bench();
  lamp.showRefusal('not_ours');
  let seen = '';
  for (let turn = 0; turn < 200; turn++) {
    lamp.showRefusal('not_ours');
    seen += watch(100);
  }
  assert.is(seen, expected);
});

test('a poster that hangs there takes the place of no other refusal, but is told when nothing else is', () => {
  const { clock, lamp } = bench();
  lamp.showState('waiting');
  lamp.showRefusal('wifi_password');
  lamp.showRefusal('not_ours');
  assert.is(lamp.pattern, 'wifi_password');
  clock.advance(REFUSAL_MS);
  assert.is(lamp.pattern, 'waiting');
  lamp.showRefusal('not_ours');
  assert.is(lamp.pattern, 'not_ours');
  lamp.showRefusal('expired');
  assert.is(lamp.pattern, 'expired');
});

test('a code that is seen flickers for a second, but neither over a refusal nor without a camera', () => {
  const { clock, lamp } = bench();
  lamp.showState('waiting');
  lamp.showSeen();
  assert.is(lamp.pattern, 'seen');
  clock.advance(1000);
  assert.is(lamp.pattern, 'waiting');
  lamp.showRefusal('forged');
  lamp.showSeen();
  assert.is(lamp.pattern, 'forged');
  clock.advance(REFUSAL_MS);
  lamp.showState('cameraLost');
  lamp.showSeen();
  assert.is(lamp.pattern, 'cameraLost');
});

test('a code that was taken goes before any refusal, and a held button before everything', () => {
  const { lamp } = bench();
  lamp.showRefusal('forged');
  lamp.showState('accepted');
  assert.is(lamp.pattern, 'accepted');
  lamp.showHeld(true);
  assert.is(lamp.pattern, 'held');
  lamp.showHeld(false);
  assert.is(lamp.pattern, 'accepted');
});

test('stopped it is dark', () => {
  const { lamp, watch } = bench();
  lamp.showState('accepted');
  lamp.stop();
  assert.is(watch(2000), '.'.repeat(40));
});

test('card and table have every pattern once, and the card fits its columns', () => {
  const card = lampCard();
  const table = lampTableOfScan();
  for (const line of card.split('\n')) assert.ok(line.length <= 78, line);
  for (const { looks } of Object.values(SCAN_PATTERNS)) {
    assert.is(card.split('\n').filter((line) => line === looks).length, 1, looks);
    assert.is(table.split('\n').filter((line) => line.startsWith(`| ${looks} |`)).length, 1, looks);
  }
});

test.run();
