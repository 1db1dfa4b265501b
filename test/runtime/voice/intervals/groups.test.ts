// Goal: parties are estimated from times of single entries with the bias that the formula promises, and within its bounds.
// Method: simulated hours of parties who come in 0 to 1.4 s apart, at several rates; bounds by fast-check.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../../../drivers/camera/scene/random.ts';
import { CHAIN_GAP_MS, estimateGroups } from '../../../../runtime/voice/intervals/groups.ts';

/** Hours of parties of 1 to 4; the estimate over the truth. */
function bias(partiesPerHour: number, hours: number): number {
  const random = new Random(partiesPerHour, 4);
  let parties = 0;
  let estimated = 0;
  for (let hour = 0; hour < hours; hour++) {
    const entriesMs: number[] = [];
    for (let atS = random.waitS(partiesPerHour / 3600); atS < 3600; atS += random.waitS(partiesPerHour / 3600)) {
      parties += 1;
      const kind = random.next();
      const size = kind < 0.6 ? 1 : kind < 0.88 ? 2 : kind < 0.96 ? 3 : 4;
      let entryS = atS;
      for (let member = 0; member < size; member++) {
        entriesMs.push(1000 * entryS);
        entryS += random.between(0.6, 2.2);
      }
    }
    entriesMs.sort((a, b) => a - b);
    const chains = entriesMs.filter((ms, i) => i === 0 || ms - entriesMs[i - 1]! >= CHAIN_GAP_MS).length;
    estimated += estimateGroups(entriesMs.length, chains, 3600);
  }
  return estimated / parties;
}

test('an hour of 30 to 600 parties is estimated to within 3 %', () => {
  for (const [rate, hours] of [
    [30, 200],
    [120, 60],
    [300, 30],
    [600, 20],
  ] as const) {
    const share = bias(rate, hours);
    assert.ok(Math.abs(share - 1) < 0.03, `${rate} an hour: ${share.toFixed(3)}`);
  }
});

test('nobody is no party, and one person is one', () => {
  assert.is(estimateGroups(0, 0, 60), 0);
  assert.ok(Math.abs(estimateGroups(1, 1, 3600) - 1) < 1e-9);
});

test('parties lie between chains and people whatever the numbers', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 7200 }),
      (people, share, periodS) => {
        const chains = Math.max(1, Math.round(people * share));
        const groups = estimateGroups(people, chains, periodS);
        assert.ok(groups >= Math.min(chains, people) - 1e-9 && groups <= people + 1e-9, `${groups}`);
      },
    ),
  );
});

test.run();
