/**
 * Goal: totals never fall, and in the end they are the truth, whatever is restarted, lost or read twice.
 * Method: fast-check plays random histories on a whole voice (in memory) and keeps the true numbers beside it.
 * FC_RUNS=20000 makes it long.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyTotals, takeTotals } from '../../../runtime/voice/intervals/totals.ts';
import { FakeEye, type Interval, settle, type Total, VoiceBench } from './bench.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 150);

type Step =
  | { readonly what: 'cross'; readonly direction: 'in' | 'out'; readonly fate: 'read' | 'lost' | 'twice' }
  | { readonly what: 'seconds'; readonly count: number }
  | { readonly what: 'eyeRestart' | 'voiceCrash' | 'voiceStop' | 'brokerDown' | 'brokerUp' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant('cross' as const),
      direction: fc.constantFrom('in' as const, 'out' as const),
      fate: fc.constantFrom('read' as const, 'read' as const, 'lost' as const, 'twice' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ what: fc.constant('seconds' as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom(
        'eyeRestart' as const,
        'voiceCrash' as const,
        'voiceStop' as const,
        'brokerDown' as const,
        'brokerUp' as const,
      ),
    }),
  },
);

/** Runs a history and returns what was truly counted. */
async function play(bench: VoiceBench, steps: readonly Step[]): Promise<{ in: number; out: number }> {
  const truth = { in: 0, out: 0 };
  let boot = 1;
  await bench.start();
  bench.greet();
  for (const action of steps) {
    switch (action.what) {
      case 'cross': {
        truth[action.direction] += 1;
        const bytes = bench.eye.cross(action.direction, bench.nowMs);
        if (action.fate !== 'lost') bench.feed(bytes);
        if (action.fate === 'twice') {
          // By one voice, and by the next; a reader that sees it again itself cuts the eye off.
          await bench.crash();
          bench.feed(bytes);
        }
        break;
      }
      case 'seconds':
        await bench.seconds(action.count);
        break;
      case 'eyeRestart':
        // The eye says its totals once more when it ends; what it had no time to say would be lost with it.
        bench.feed(bench.eye.totals(bench.nowMs));
        boot += 1;
        bench.eye = new FakeEye(boot);
        bench.greet();
        break;
      case 'voiceCrash':
        await bench.crash();
        break;
      case 'voiceStop':
        await bench.voice.stop();
        await bench.crash();
        break;
      case 'brokerDown':
        bench.link.goDown();
        break;
      case 'brokerUp':
        bench.link.goUp();
        await settle();
        break;
    }
  }
  bench.link.goUp();
  await bench.seconds(20);
  return truth;
}

/** Drops what was delivered twice, as the topics page tells every reader to do. */
function distinct(intervals: readonly Interval[]): Interval[] {
  return [...new Map(intervals.map((interval) => [interval.seq, interval])).values()].sort((a, b) => a.seq - b.seq);
}

test('over any history totals never fall and end at the truth; intervals add up to them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const bench = new VoiceBench({ config: { interval_s: 5 } });
      try {
        const truth = await play(bench, steps);
        let last = { in: 0, out: 0 };
        for (const total of bench.payloads<Total>('total/door')) {
          assert.ok(total.in >= last.in && total.out >= last.out, 'a total fell');
          last = total;
        }
        assert.equal({ in: last.in, out: last.out }, truth);
        const sum = { in: 0, out: 0 };
        let to = '';
        for (const interval of distinct(bench.intervals())) {
          sum.in += interval.in;
          sum.out += interval.out;
          assert.is(interval.total_in, sum.in, 'total_in is not the sum of the intervals');
          assert.is(interval.total_out, sum.out, 'total_out is not the sum of the intervals');
          assert.ok(to === '' || interval.from === to, `gap or overlap between ${to} and ${interval.from}`);
          assert.is(Date.parse(interval.from) % 5000, 0);
          to = interval.to;
        }
        assert.equal(sum, truth);
        assert.equal(bench.fatal, []);
      } finally {
        await bench.voice.stop();
      }
    }),
    { numRuns: RUNS },
  );
});

test('a straggler of the eye before does not count its people twice', () => {
  const line = emptyTotals();
  assert.equal(takeTotals(line, 1, 5, 2), { in: 5, out: 2 });
  assert.equal(takeTotals(line, 2, 1, 0), { in: 1, out: 0 });
  assert.equal(takeTotals(line, 1, 6, 2), { in: 1, out: 0 });
  assert.is(line.in, 7);
  assert.is(line.out, 2);
});

test('backwards is refused and changes nothing', () => {
  const line = emptyTotals();
  takeTotals(line, 1, 5, 5);
  assert.is(takeTotals(line, 1, 6, 4), undefined);
  assert.equal([line.in, line.out], [5, 5]);
  assert.equal(takeTotals(line, 1, 6, 5), { in: 1, out: 0 });
});

test('only the last four eye boots are remembered', () => {
  const line = emptyTotals();
  for (let boot = 1; boot <= 10; boot++) takeTotals(line, boot, 1, 0);
  assert.equal(
    line.seen.map((seen) => seen[0]),
    [10, 9, 8, 7],
  );
});

test.run();
