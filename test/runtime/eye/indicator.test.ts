// Goal: a technician can tell every state of the eye apart from the floor, and a frozen program from a running one.
// Method: the indicator on a recording pin and a clock moved by hand, one tick at a time.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ControlWord } from '../../../runtime/corridor/control.ts';
import { EyeState } from '../../../runtime/corridor/record.ts';
import { Indicator, type LampPatternName, LED_PATTERNS, patternFor } from '../../../runtime/eye/indicator.ts';
import { levelsOf, TICK_MS } from '../../../runtime/lamp.ts';
import type { Clock } from '../../../runtime/ports/clock.ts';

/** A clock for one ticking task, moved by hand. */
class OneTaskClock implements Clock {
  periodMs = 0;
  #task: (() => void) | undefined;
  #nowMs = 0;
  get ticking(): boolean {
    return this.#task !== undefined;
  }
  monotonicUs(): number {
    return this.#nowMs * 1000;
  }
  wallMs(): number {
    return this.#nowMs;
  }
  every(periodMs: number, task: () => void): () => void {
    this.periodMs = periodMs;
    this.#task = task;
    return () => {
      this.#task = undefined;
    };
  }
  advance(ms: number): void {
    for (let untilMs = this.#nowMs + ms; this.#nowMs < untilMs; ) {
      this.#nowMs += this.periodMs;
      this.#task?.();
    }
  }
}

class RecordingPin {
  lit = false;
  writes = 0;
  closed = 0;
  write(high: boolean): void {
    this.lit = high;
    this.writes += 1;
  }
  close(): void {
    this.closed += 1;
  }
}

function bench() {
  const clock = new OneTaskClock();
  const pin = new RecordingPin();
  const indicator = new Indicator(pin, clock);
  /** What is seen for `ms`, one mark per tick: the level before each tick. */
  const watch = (ms: number): string => {
    let seen = '';
    for (let atMs = 0; atMs < ms; atMs += TICK_MS) {
      seen += pin.lit ? '#' : '.';
      clock.advance(TICK_MS);
    }
    return seen;
  };
  return { clock, pin, indicator, watch };
}

/** One mark per tick of a cycle. */
function picture(levels: Uint8Array): string {
  return Array.from(levels, (level) => (level ? '#' : '.')).join('');
}

const names = Object.keys(LED_PATTERNS) as LampPatternName[];

test('starts with slow even blinking, lit at once', () => {
  const { watch } = bench();
  assert.is(watch(4000), `${'#'.repeat(20)}${'.'.repeat(20)}`.repeat(2));
});

test('counting is lit with one dark of 100 ms every two seconds', () => {
  const { indicator, watch } = bench();
  indicator.showState(EyeState.counting);
  assert.is(watch(4000), `${'#'.repeat(38)}..`.repeat(2));
});

test('paused is dark with two flashes every two seconds', () => {
  const { indicator, watch } = bench();
  indicator.showState(EyeState.paused);
  assert.is(watch(2000), `##....##${'.'.repeat(32)}`);
});

test('camera lost blinks fast and evenly', () => {
  const { indicator, watch } = bench();
  indicator.showState(EyeState.cameraLost);
  assert.is(watch(1600), '####....'.repeat(4));
});

test('a broker that is away shows as three darks, and only while counting', () => {
  const { indicator, watch } = bench();
  indicator.showState(EyeState.counting);
  indicator.hear(ControlWord.linkDown);
  assert.is(watch(2000), `${'#'.repeat(23)}...####...####...`);
  indicator.showState(EyeState.paused);
  assert.is(indicator.pattern, 'paused');
  indicator.showState(EyeState.counting);
  assert.is(indicator.pattern, 'linkDown');
  indicator.hear(ControlWord.linkUp);
  assert.is(indicator.pattern, 'counting');
});

test('set-up mode shows while counting, broker or not, and over no other state', () => {
  const { indicator, watch } = bench();
  indicator.showSetup(true);
  assert.is(indicator.pattern, 'starting');
  indicator.showState(EyeState.counting);
  assert.is(watch(2000), '#####.....#####.....#################...');
  indicator.hear(ControlWord.linkDown);
  assert.is(indicator.pattern, 'setup');
  indicator.showState(EyeState.paused);
  assert.is(indicator.pattern, 'paused');
  indicator.showState(EyeState.counting);
  indicator.showSetup(false);
  assert.is(indicator.pattern, 'linkDown');
});

test('identify flickers for ten seconds over any state, then the state is shown again', () => {
  const { indicator, watch } = bench();
  indicator.showState(EyeState.counting);
  indicator.hear(ControlWord.identify);
  indicator.showState(EyeState.paused);
  assert.is(watch(10_000), '#.'.repeat(100));
  assert.is(watch(2000), `##....##${'.'.repeat(32)}`);
});

test('identify again begins the ten seconds anew', () => {
  const { clock, indicator } = bench();
  indicator.showState(EyeState.counting);
  indicator.hear(ControlWord.identify);
  clock.advance(9000);
  indicator.hear(ControlWord.identify);
  clock.advance(9950);
  assert.is(indicator.pattern, 'identify');
  clock.advance(50);
  assert.is(indicator.pattern, 'counting');
});

test('the same state again does not disturb the pattern', () => {
  const { indicator, watch } = bench();
  indicator.showState(EyeState.cameraLost);
  watch(300);
  indicator.showState(EyeState.cameraLost);
  indicator.hear(ControlWord.linkDown);
  assert.is(watch(400), '..####..');
});

test('stopping is dark while it lasts', () => {
  const { indicator, watch } = bench();
  indicator.showState(EyeState.stopping);
  assert.is(watch(3000), '.'.repeat(60));
});

test('stopping for good leaves the lamp dark, the clock free and the pin open', () => {
  const { clock, pin, indicator } = bench();
  indicator.showState(EyeState.counting);
  assert.is(pin.lit, true);
  indicator.stop();
  indicator.stop();
  assert.is(pin.lit, false);
  assert.is(pin.closed, 0);
  assert.is(clock.ticking, false);
  indicator.showState(EyeState.counting);
  indicator.hear(ControlWord.identify);
  assert.is(pin.lit, false);
});

test('writes to the pin only when the level changes', () => {
  const { clock, pin, indicator } = bench();
  indicator.showState(EyeState.counting);
  const before = pin.writes;
  clock.advance(20_000);
  assert.is(pin.writes - before, 20);
});

test('a pin that refuses is counted and tried again at the next change', () => {
  const { clock, pin, indicator } = bench();
  const { write } = RecordingPin.prototype;
  pin.write = () => {
    throw new Error('gone');
  };
  indicator.showState(EyeState.cameraLost);
  clock.advance(800);
  assert.is(indicator.failedWriteCount, 4);
  pin.write = write;
  clock.advance(200);
  assert.is(pin.writes, 2);
  indicator.stop();
  assert.is(pin.lit, false);
});

test('every segment is a whole number of ticks, and every running pattern changes within two seconds', () => {
  for (const name of names) {
    const levels = levelsOf(LED_PATTERNS[name]);
    const lit = levels.reduce((sum, level) => sum + level, 0);
    assert.ok(levels.length * TICK_MS <= 2000, name);
    if (name === 'off') assert.is(lit, 0);
    else assert.ok(lit > 0 && lit < levels.length, name);
  }
});

test('lit means counting: above two thirds while counting, below a quarter when paused, half when in between', () => {
  const share = (name: LampPatternName) => {
    const levels = levelsOf(LED_PATTERNS[name]);
    return levels.reduce((sum, level) => sum + level, 0) / levels.length;
  };
  assert.ok(share('counting') > 0.67 && share('linkDown') > 0.67 && share('setup') > 0.67);
  assert.ok(share('paused') < 0.25);
  for (const name of ['starting', 'cameraLost', 'identify'] as const) assert.is(share(name), 0.5);
});

test('no two patterns look alike', () => {
  const seen = names.map((name) => picture(levelsOf(LED_PATTERNS[name])).repeat(40).slice(0, 80));
  assert.is(new Set(seen).size, names.length);
});

test('every state has a pattern', () => {
  for (const state of Object.values(EyeState)) assert.ok(names.includes(patternFor(state, true, false)));
});

test.run();
