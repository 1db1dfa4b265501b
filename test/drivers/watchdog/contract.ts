/** What every pulse must bear: any call, in any order, any number of times, at the end as well. */
import type { Pulse } from '../../../runtime/ports/pulse.ts';

export function pulseContract(pulse: Pulse): void {
  pulse.beat(true, 'before it is ready');
  pulse.ready();
  pulse.ready();
  for (const isWell of [true, false])
    for (const status of ['', 'x', 'x'.repeat(10_000), 'two\nlines']) pulse.beat(isWell, status);
  pulse.stopping();
  pulse.stopping();
  pulse.beat(true, 'after the end');
}
