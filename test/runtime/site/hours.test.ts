// Goal: openings and closings happen at the right moment in every zone, on both days on which clocks change as well.
// Method: literals for both days of each zone; fast-check for random rules, zones and moments.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseHours } from '../../../runtime/config/hours.ts';
import { StoreHours } from '../../../runtime/site/hours.ts';
import { ZONES } from './zones.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 300);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

function storeOf(timeZone: string, rules: readonly string[], resetMinute?: number): StoreHours {
  return new StoreHours({ hours: parseHours(rules), timeZone, ...(resetMinute === undefined ? {} : { resetMinute }) });
}

function text(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16);
}

/** The changes from one moment on, in UTC, `+` before an opening and `-` before a closing. */
function changesOf(store: StoreHours, fromUtc: string, count: number): string[] {
  const found: string[] = [];
  for (let atMs = Date.parse(`${fromUtc}Z`); found.length < count; ) {
    atMs = store.nextChangeMs(atMs);
    found.push(`${store.isOpen(atMs) ? '+' : '-'}${text(atMs)}`);
  }
  return found;
}

test('a plain day opens and closes at its local times', () => {
  const store = storeOf('Europe/Stockholm', ['Mo-Fr 09:00-12:00,13:00-18:00']);
  assert.equal(changesOf(store, '2026-01-05T00:00', 5), [
    '+2026-01-05T08:00',
    '-2026-01-05T11:00',
    '+2026-01-05T12:00',
    '-2026-01-05T17:00',
    '+2026-01-06T08:00',
  ]);
});

test('the moment of opening is open, the moment of closing is not', () => {
  const store = storeOf('UTC', ['Mo 09:00-18:00']);
  const opensMs = Date.UTC(2026, 0, 5, 9);
  assert.equal(
    [opensMs - 1, opensMs, opensMs + 9 * HOUR_MS - 1, opensMs + 9 * HOUR_MS].map((atMs) => store.isOpen(atMs)),
    [false, true, true, false],
  );
});

/** Zone, local span, and its opening and closing in UTC on the day of the skip and on the day of the repeat. */
const CHANGES: readonly (readonly [string, string, string, readonly string[], string, readonly string[]])[] = [
  [
    'Europe/Stockholm',
    '02:30-10:00',
    '2026-03-28T12:00',
    ['+2026-03-29T01:00', '-2026-03-29T08:00'],
    '2026-10-24T12:00',
    ['+2026-10-25T00:30', '-2026-10-25T09:00'],
  ],
  [
    'America/New_York',
    '01:30-02:30',
    '2026-03-08T00:00',
    ['+2026-03-08T06:30', '-2026-03-08T07:00'],
    '2026-11-01T00:00',
    ['+2026-11-01T05:30', '-2026-11-01T07:30'],
  ],
  [
    'Australia/Lord_Howe',
    '01:45-02:15',
    '2026-10-03T12:00',
    ['+2026-10-03T15:15', '-2026-10-03T15:30'],
    '2026-04-04T12:00',
    ['+2026-04-04T14:45', '-2026-04-04T15:45'],
  ],
  [
    'Asia/Kolkata',
    '09:00-20:00',
    '2026-03-28T20:00',
    ['+2026-03-29T03:30', '-2026-03-29T14:30'],
    '2026-10-24T20:00',
    ['+2026-10-25T03:30', '-2026-10-25T14:30'],
  ],
  [
    'America/Havana',
    '00:00-00:30',
    '2026-03-08T12:00',
    // 2026-03-08 had no half hour after midnight: the next opening is that of the 9th.
    ['+2026-03-09T04:00', '-2026-03-09T04:30'],
    '2026-10-31T12:00',
    ['+2026-11-01T04:00', '-2026-11-01T04:30'],
  ],
  [
    'Asia/Beirut',
    '22:00-24:00',
    '2026-03-28T12:00',
    ['+2026-03-28T20:00', '-2026-03-28T22:00'],
    '2026-10-24T12:00',
    ['+2026-10-24T19:00', '-2026-10-24T22:00'],
  ],
];

for (const [zone, span, beforeSkip, atSkip, beforeRepeat, atRepeat] of CHANGES) {
  test(`${zone}: ${span} on the day that the clock goes forward`, () => {
    assert.equal(changesOf(storeOf(zone, [`Mo-Su ${span}`]), beforeSkip, 2), atSkip);
  });
  test(`${zone}: ${span} on the day that the clock goes back`, () => {
    assert.equal(changesOf(storeOf(zone, [`Mo-Su ${span}`]), beforeRepeat, 2), atRepeat);
  });
}

test('a closing at a time that comes twice is the first of both, and the store stays closed in the second', () => {
  const store = storeOf('Europe/Stockholm', ['Sa 20:00-02:30']);
  assert.equal(changesOf(store, '2026-10-24T12:00', 2), ['+2026-10-24T18:00', '-2026-10-25T00:30']);
  assert.is(store.isOpen(Date.parse('2026-10-25T01:10Z')), false, '02:10 for the second time');
});

test('a span that lies whole in the skipped hour does not happen, and what is closed in it does not either', () => {
  const inside = storeOf('Europe/Stockholm', ['Mo-Su 02:10-02:50']);
  assert.equal(changesOf(inside, '2026-03-28T12:00', 1), ['+2026-03-30T00:10']);
  const around = storeOf('Europe/Stockholm', ['Mo-Su 00:00-02:10,02:50-24:00']);
  assert.is(around.isOpen(Date.parse('2026-03-29T01:00Z')), true);
  assert.equal(changesOf(around, '2026-03-28T12:00', 1), ['-2026-03-30T00:10']);
});

test('a span over midnight goes on into a day that is closed', () => {
  const store = storeOf('UTC', ['Mo-Su 20:00-02:00', '2026-12-25 closed']);
  assert.equal(changesOf(store, '2026-12-24T12:00', 3), [
    '+2026-12-24T20:00',
    '-2026-12-25T02:00',
    '+2026-12-26T20:00',
  ]);
});

test('spans that meet at midnight or reach into the next day are one', () => {
  assert.equal(changesOf(storeOf('UTC', ['Fr 10:00-24:00', 'Sa 00:00-18:00']), '2026-01-08T00:00', 2), [
    '+2026-01-09T10:00',
    '-2026-01-10T18:00',
  ]);
  assert.equal(changesOf(storeOf('UTC', ['Fr 10:00-28:00', 'Sa 02:00-18:00']), '2026-01-08T00:00', 2), [
    '+2026-01-09T10:00',
    '-2026-01-10T18:00',
  ]);
});

test('always open never changes, with and without rules', () => {
  for (const rules of [[], ['24/7'], ['Mo-Su 10:00-34:00']]) {
    const store = storeOf('Europe/Stockholm', rules);
    assert.is(store.isOpen(Date.UTC(2026, 5, 1)), true);
    assert.is(store.nextChangeMs(Date.UTC(2026, 5, 1)), Number.POSITIVE_INFINITY);
  }
});

test('a single date far away is found from both sides', () => {
  const store = storeOf('UTC', ['Mo-Su closed', '2090-06-01 09:00-14:00']);
  const beforeMs = Date.UTC(2026, 0, 1);
  assert.is(text(store.nextChangeMs(beforeMs)), '2090-06-01T09:00');
  assert.is(store.lastClosingMs(beforeMs), Number.NEGATIVE_INFINITY);
  const afterMs = Date.UTC(2099, 0, 1);
  assert.is(store.nextChangeMs(afterMs), Number.POSITIVE_INFINITY);
  assert.is(text(store.lastClosingMs(afterMs)), '2090-06-01T14:00');
});

test('one closed day in a store that never closes otherwise', () => {
  const store = storeOf('UTC', ['24/7', '2027-12-25 closed']);
  assert.equal(changesOf(store, '2026-01-01T00:00', 2), ['-2027-12-25T00:00', '+2027-12-26T00:00']);
});

test('the last closing is that of this morning, of yesterday or of Friday', () => {
  const store = storeOf('Europe/Stockholm', ['Mo-Fr 09:00-18:00', 'Fr 20:00-02:00']);
  const lastClosing = (utc: string) => text(store.lastClosingMs(Date.parse(`${utc}Z`)));
  assert.is(lastClosing('2026-01-06T12:00'), '2026-01-05T17:00');
  assert.is(lastClosing('2026-01-06T16:59'), '2026-01-05T17:00');
  assert.is(lastClosing('2026-01-06T17:00'), '2026-01-06T17:00');
  assert.is(lastClosing('2026-01-12T12:00'), '2026-01-10T01:00');
});

test('a store that does not close is reset at a fixed local time', () => {
  const store = storeOf('Europe/Stockholm', []);
  const lastClosing = (utc: string) => text(store.lastClosingMs(Date.parse(`${utc}Z`)));
  assert.is(lastClosing('2026-01-06T02:59'), '2026-01-05T03:00');
  assert.is(lastClosing('2026-01-06T03:00'), '2026-01-06T03:00');
  assert.is(lastClosing('2026-07-06T02:00'), '2026-07-06T02:00');
  const atHalfPastTwo = storeOf('Europe/Stockholm', [], 150);
  assert.is(text(atHalfPastTwo.lastClosingMs(Date.parse('2026-03-29T12:00Z'))), '2026-03-29T01:00', 'skipped');
  assert.is(text(atHalfPastTwo.lastClosingMs(Date.parse('2026-10-25T12:00Z'))), '2026-10-25T00:30', 'first of both');
});

test('a run of several days is reset daily once it has lasted a day', () => {
  const store = storeOf('UTC', ['Mo-Fr 00:00-24:00']);
  const lastClosing = (utc: string) => text(store.lastClosingMs(Date.parse(`${utc}Z`)));
  assert.is(lastClosing('2026-01-05T12:00'), '2026-01-03T00:00', 'Monday: the closing of Friday at midnight');
  assert.is(lastClosing('2026-01-06T03:59'), '2026-01-03T00:00');
  assert.is(lastClosing('2026-01-06T04:00'), '2026-01-06T04:00');
  assert.is(lastClosing('2026-01-11T12:00'), '2026-01-10T00:00');
});

test('a night that is open long but not a day is not reset in the middle', () => {
  const store = storeOf('UTC', ['Fr 10:00-24:00', 'Sa 00:00-09:00']);
  assert.is(text(store.lastClosingMs(Date.parse('2026-01-10T08:00Z'))), '2026-01-03T09:00');
});

test('local days have their date and their length', () => {
  const store = storeOf('Europe/Stockholm', []);
  const dayOf = (utc: string) => {
    const { date, fromMs, toMs } = store.dayOf(Date.parse(`${utc}Z`));
    return [date, text(fromMs), (toMs - fromMs) / HOUR_MS];
  };
  assert.equal(dayOf('2026-01-05T22:59'), ['2026-01-05', '2026-01-04T23:00', 24]);
  assert.equal(dayOf('2026-01-05T23:00'), ['2026-01-06', '2026-01-05T23:00', 24]);
  assert.equal(dayOf('2026-03-29T12:00'), ['2026-03-29', '2026-03-28T23:00', 23]);
  assert.equal(dayOf('2026-10-25T12:00'), ['2026-10-25', '2026-10-24T22:00', 25]);
});

test('days tile a year in every zone', () => {
  for (const zone of ZONES) {
    const store = storeOf(zone, []);
    let day = store.dayOf(Date.UTC(2026, 0, 1));
    for (let count = 0; count < 370; count++) {
      assert.equal(store.dayOf(day.toMs - 1), day);
      const next = store.dayOf(day.toMs);
      assert.is(next.fromMs, day.toMs, `${zone} ${day.date}`);
      assert.is(Date.parse(next.date) - Date.parse(day.date), DAY_MS, `${zone} ${day.date}`);
      day = next;
    }
  }
});

// ---- Random rules, zones and moments

const time = (minute: number) =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

/** Edges on quarters of an hour, so that they often meet a change of the clock; the last may lie beyond midnight. */
const spans = fc.uniqueArray(fc.integer({ min: 0, max: 95 }), { minLength: 2, maxLength: 6 }).chain((edges) => {
  const sorted = edges.sort((a, b) => a - b).slice(0, edges.length - (edges.length % 2));
  return fc.integer({ min: sorted.at(-1)!, max: sorted.at(-2)! + 96 }).map((last) => {
    const all = [...sorted.slice(0, -1), last];
    return all.flatMap((edge, i) => (i % 2 === 0 ? [`${time(edge * 15)}-${time(all[i + 1]! * 15)}`] : [])).join(',');
  });
});
const hoursText = fc.oneof({ weight: 4, arbitrary: spans }, { weight: 1, arbitrary: fc.constant('closed') });
const rules = fc
  .tuple(
    spans,
    fc.array(fc.tuple(fc.constantFrom('Mo', 'Th', 'Sa', 'Su'), hoursText), { maxLength: 3 }),
    fc.array(
      fc.tuple(fc.constantFrom('2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-12-25'), hoursText),
      {
        maxLength: 3,
      },
    ),
  )
  .map(([base, days, dates]) => {
    // One rule a day: a rule that is replaced whole would be refused.
    const others = new Map<string, string>([...days, ...dates]);
    return [`Mo-Su ${base}`, ...[...others].map(([day, hours]) => `${day} ${hours}`)];
  });
const zoneName = fc.constantFrom(...ZONES);
/** Often near a change of some zone. */
const instant = fc.oneof(
  fc.integer({ min: Date.UTC(2025, 11, 1), max: Date.UTC(2027, 1, 1) }),
  fc
    .tuple(
      fc.constantFrom('2026-03-08', '2026-03-29', '2026-04-05', '2026-10-04', '2026-10-25', '2026-11-01'),
      fc.integer({ min: -DAY_MS, max: 2 * DAY_MS }),
    )
    .map(([date, offsetMs]) => Date.parse(date) + offsetMs),
);

test('any rules: the next change is later, the store flips there and not before', () => {
  fc.assert(
    fc.property(zoneName, rules, instant, fc.double({ min: 0, max: 1, noNaN: true }), (zone, texts, atMs, share) => {
      const store = storeOf(zone, texts);
      const isOpen = store.isOpen(atMs);
      const changeMs = store.nextChangeMs(atMs);
      assert.ok(changeMs > atMs);
      if (changeMs === Number.POSITIVE_INFINITY) return;
      assert.is(store.isOpen(changeMs), !isOpen);
      assert.is(store.isOpen(changeMs - 1), isOpen);
      const betweenMs = Math.floor(atMs + share * (changeMs - 1 - atMs));
      // A fresh store cannot answer from what it remembers.
      const fresh = storeOf(zone, texts);
      assert.is(fresh.isOpen(betweenMs), isOpen);
      assert.is(fresh.nextChangeMs(betweenMs), changeMs);
    }),
    { numRuns: RUNS },
  );
});

test('any rules: open is what the wall clock says, except while the clock shows a time for the second time', () => {
  const formats = new Map<string, Intl.DateTimeFormat>();
  fc.assert(
    fc.property(zoneName, spans, instant, (zone, text, atMs) => {
      const store = storeOf(zone, [`Mo-Su ${text}`]);
      let format = formats.get(zone);
      if (format === undefined) {
        format = new Intl.DateTimeFormat('en', {
          timeZone: zone,
          hourCycle: 'h23',
          hour: 'numeric',
          minute: 'numeric',
        });
        formats.set(zone, format);
      }
      const minuteOf = (ms: number) => {
        const [hour, minute] = format.format(ms).split(':').map(Number);
        return hour! * 60 + minute!;
      };
      // Within three hours of a change what the wall shows is told by the literals above.
      if ((minuteOf(atMs + 3 * HOUR_MS) - minuteOf(atMs - 3 * HOUR_MS) + 1440) % 1440 !== 360) return;
      const minute = minuteOf(atMs);
      const expected = text.split(',').some((span) => {
        const [from, to] = span.split('-').map((word) => Number(word.slice(0, 2)) * 60 + Number(word.slice(3)));
        return (minute >= from! && minute < to!) || (minute + 1440 >= from! && minute + 1440 < to!);
      });
      assert.is(store.isOpen(atMs), expected);
    }),
    { numRuns: RUNS },
  );
});

test('any rules: the last closing is not later, and the store was open just before it', () => {
  fc.assert(
    fc.property(zoneName, rules, instant, (zone, texts, atMs) => {
      const store = storeOf(zone, texts);
      const closingMs = store.lastClosingMs(atMs);
      assert.ok(closingMs <= atMs);
      if (closingMs === Number.NEGATIVE_INFINITY) return;
      assert.is(store.isOpen(closingMs - 1), true);
      if (!store.isOpen(atMs)) assert.is(store.nextChangeMs(closingMs - 1), closingMs);
    }),
    { numRuns: RUNS },
  );
});

test('any order of moments: what is remembered never changes an answer', () => {
  fc.assert(
    fc.property(
      zoneName,
      fc.oneof(rules, fc.constant([])),
      instant,
      fc.array(fc.integer({ min: -3 * DAY_MS, max: 3 * DAY_MS }), { minLength: 2, maxLength: 8 }),
      (zone, texts, startMs, steps) => {
        const store = storeOf(zone, texts);
        let atMs = startMs;
        for (const stepMs of steps) {
          atMs += stepMs;
          const fresh = storeOf(zone, texts);
          assert.is(store.lastClosingMs(atMs), fresh.lastClosingMs(atMs), text(atMs));
          assert.is(store.isOpen(atMs), fresh.isOpen(atMs));
          assert.equal(store.dayOf(atMs), fresh.dayOf(atMs));
        }
      },
    ),
    { numRuns: Math.min(RUNS, 1000) },
  );
});

test('a day of seconds has three runs and two days, the same objects all along', () => {
  const store = storeOf('Europe/Stockholm', ['Mo-Fr 09:00-20:00']);
  const startMs = Date.UTC(2026, 0, 5);
  const changes = new Set<number>();
  const closings = new Set<number>();
  const days = new Set<object>();
  for (let second = 0; second < 86_400; second++) {
    const atMs = startMs + second * 1000;
    changes.add(store.nextChangeMs(atMs));
    closings.add(store.lastClosingMs(atMs));
    days.add(store.dayOf(atMs));
  }
  assert.equal([changes.size, closings.size, days.size], [3, 2, 2]);
});

test.run();
