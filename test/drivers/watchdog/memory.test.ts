// Goal: the pulse in memory remembers what was told.
// Method: literals, and the contract of all pulses.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryPulse } from '../../../drivers/watchdog/memory.ts';
import { pulseContract } from './contract.ts';

test('it counts beats and those that were withheld', () => {
  const pulse = new MemoryPulse();
  pulse.beat(true, 'a');
  pulse.beat(true, 'b');
  pulse.beat(false, 'c');
  assert.equal([pulse.beatCount, pulse.withheldCount, pulse.status], [2, 1, 'c']);
  assert.equal([pulse.isReady, pulse.isStopping], [false, false]);
});

test('it bears what every pulse must', () => {
  const pulse = new MemoryPulse();
  pulseContract(pulse);
  assert.equal([pulse.isReady, pulse.isStopping], [true, true]);
});

test.run();
