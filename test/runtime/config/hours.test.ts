// Goal: opening hours are read as a technician means them, or refused with every fault at once and a remedy for each.
// Method: literal rules and sentences; fast-check for order, nonsense and round trips.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  dayNumberOf,
  hoursProblems,
  minuteOfDay,
  parseHours,
  RULE_CHARS_MAX,
  RULES_MAX,
  spansOn,
} from '../../../runtime/config/hours.ts';
import { ConfigError } from '../../../runtime/errors.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 300);

/** Spans of a date as [begin, end] in minutes. */
function on(date: string, rules: readonly string[]): number[][] {
  return spansOn(parseHours(rules), dayNumberOf(date)!).map((span) => [span.beginMinute, span.endMinute]);
}

// 2026-12-21 is a Monday.
const MONDAY = '2026-12-21';
const FRIDAY = '2026-12-25';
const SATURDAY = '2026-12-26';
const SUNDAY = '2026-12-27';

const SHOP = [
  'Mo-Fr 09:00-20:00',
  'Sa 10:00-12:00,13:00-18:00',
  'Su closed',
  '2026-12-24 09:00-14:00',
  '2026-12-25 closed',
];

test('a shop with a lunch break, a Sunday and Christmas', () => {
  assert.equal(hoursProblems(SHOP), []);
  assert.equal(on(MONDAY, SHOP), [[540, 1200]]);
  assert.equal(on(SATURDAY, SHOP), [
    [600, 720],
    [780, 1080],
  ]);
  assert.equal(on(SUNDAY, SHOP), []);
  assert.equal(on('2026-12-24', SHOP), [[540, 840]]);
  assert.equal(on(FRIDAY, SHOP), []);
  assert.equal(on('2026-12-18', SHOP), [[540, 1200]], 'other Fridays are as always');
});

test('no rules: always open', () => {
  assert.equal(on(SUNDAY, []), [[0, 1440]]);
  assert.is(parseHours([]).isAlwaysOpen, true);
});

test('24/7 is Monday to Sunday from 00:00 to 24:00', () => {
  assert.equal(on(SUNDAY, ['24/7']), [[0, 1440]]);
});

test('a weekday that no rule names is closed', () => {
  assert.equal(on(SUNDAY, ['Mo-Sa 09:00-20:00']), []);
});

test('a later rule replaces the earlier one whole, on the days that both name', () => {
  const rules = ['Mo-Su 10:00-20:00', 'Sa,Su 12:00-16:00'];
  assert.equal(on(FRIDAY, rules), [[600, 1200]]);
  assert.equal(on(SUNDAY, rules), [[720, 960]]);
});

test('a date beats weekdays also where it stands before them', () => {
  assert.equal(on(FRIDAY, ['2026-12-25 closed', 'Mo-Su 10:00-20:00']), []);
});

test('days may be listed and may go over the end of the week', () => {
  const rules = ['Sa-Mo,We 10:00-11:00'];
  const open = [0, 1, 2, 3, 4, 5, 6].map((i) => spansOn(parseHours(rules), dayNumberOf(MONDAY)! + i).length);
  assert.equal(open, [1, 0, 1, 0, 0, 1, 1]);
});

test('several dates may share a rule', () => {
  assert.equal(on('2026-12-31', ['Mo-Su 10:00-20:00', '2026-12-24, 2026-12-31 10:00-14:00']), [[600, 840]]);
});

test('a span over midnight belongs to the day it begins on', () => {
  assert.equal(on(FRIDAY, ['Fr 20:00-02:00']), [[1200, 1560]]);
  assert.equal(on(SATURDAY, ['Fr 20:00-02:00']), []);
  assert.equal(on(FRIDAY, ['Fr 20:00-00:00']), [[1200, 1440]]);
  assert.equal(on(FRIDAY, ['Fr 22:00-31:00']), [[1320, 1860]]);
});

test('how it is typed does not matter', () => {
  for (const text of [
    'mo-fr 9:00-20:00',
    '  Mo - Fr   09:00 - 20:00 ',
    'Mo–Fr 09:00–20:00',
    'MO-FR 09:00-20:00',
    'Fr,Mo-Th 09:00-20:00',
  ]) {
    assert.equal(on(MONDAY, [text]), [[540, 1200]], text);
  }
  assert.equal(on(MONDAY, ['Tu 09:00-10:00', 'Mo OFF']), []);
});

test('spans may be written in any order and may touch', () => {
  assert.equal(on(MONDAY, ['Mo 13:00-18:00,09:00-13:00']), [
    [540, 780],
    [780, 1080],
  ]);
});

test('each fault is told with field, value, expectation and remedy', () => {
  const faults: readonly (readonly [rule: string, sentence: string])[] = [
    [
      'Mo-Xx 09:00-20:00',
      'opening_hours.0 is "Mo-Xx 09:00-20:00"; expected days of Mo, Tu, We, Th, Fr, Sa, Su, "Xx" is none. Use the first two letters of the English name.',
    ],
    [
      'Mon-Fr 09:00-20:00',
      'opening_hours.0 is "Mon-Fr 09:00-20:00"; expected days of Mo, Tu, We, Th, Fr, Sa, Su, "Mon" is none. Write Mo.',
    ],
    [
      'PH closed',
      'opening_hours.0 is "PH closed"; expected days of Mo, Tu, We, Th, Fr, Sa, Su, "PH" is none. Public holidays are not known here: write their dates, such as "2026-12-25 closed".',
    ],
    [
      'Mo-We-Fr 09:00-20:00',
      'opening_hours.0 is "Mo-We-Fr 09:00-20:00"; expected one range of days between commas, "Mo-We-Fr" is none. Write first and last day, such as Mo-Fr.',
    ],
    [
      'Mo-Fr 25:00-20:00',
      'opening_hours.0 is "Mo-Fr 25:00-20:00"; expected spans as HH:MM-HH:MM that begin at 00:00 to 23:59 and end at 00:01 to 24:00 (over midnight up to 47:59), "25:00-20:00" is none. Write it as 09:00-20:00, or closed.',
    ],
    [
      'Mo-Fr 20:00-09:00',
      'opening_hours.0 is "Mo-Fr 20:00-09:00"; expected an end after its begin, or over midnight at 06:00 or earlier, "20:00-09:00" is neither. Swap the two times, or write the end as 33:00 if it lies on the next day.',
    ],
    [
      'Mo 09:00-09:00',
      'opening_hours.0 is "Mo 09:00-09:00"; expected an end after its begin, or over midnight at 06:00 or earlier, "09:00-09:00" is neither. Swap the two times, or write the end as 33:00 if it lies on the next day.',
    ],
    [
      'Mo 09:00-34:00',
      'opening_hours.0 is "Mo 09:00-34:00"; expected a span of at most 24 hours, "09:00-34:00" is longer. Give the next day its own rule.',
    ],
    [
      'Mo 12:30-18:00,09:00-13:00',
      'opening_hours.0 is "Mo 12:30-18:00,09:00-13:00"; expected spans that do not overlap, 09:00-13:00 and 12:30-18:00 do. Make one span of them, or correct their times.',
    ],
    [
      '2026-02-30 closed',
      'opening_hours.0 is "2026-02-30 closed"; expected a day of the calendar as YYYY-MM-DD from 2020 to 2099, "2026-02-30" is none. Correct the date.',
    ],
    [
      '09:00-20:00 Mo',
      'opening_hours.0 is "09:00-20:00 Mo"; expected a day of the calendar as YYYY-MM-DD from 2020 to 2099, "09:00-20:00" is none. Put days or dates first, hours after a blank.',
    ],
    [
      'Mo-Fr 09:00-12:00; Sa 10:00-12:00',
      'opening_hours.0 is "Mo-Fr 09:00-12:00; Sa 10:00-12:00"; expected one rule a string. Write each part between the semicolons as a string of its own.',
    ],
    [
      'open on weekdays',
      'opening_hours.0 is "open on weekdays"; expected days, a blank, then spans or closed. Write it as "Mo-Fr 09:00-20:00", "Sa 09:00-12:00,13:00-18:00", "Su closed" or "2026-12-24 09:00-14:00".',
    ],
  ];
  for (const [rule, sentence] of faults) assert.is(hoursProblems([rule])[0], sentence);
});

test('hours that only look like hours are refused', () => {
  for (const hours of [
    '9-20',
    '09.00-20.00',
    '9am-8pm',
    '09:00',
    '09:00-',
    '-20:00',
    '09:60-20:00',
    '24:00-25:00',
    '09:00-48:00',
    '09:00-12:00-18:00',
    '09:00-12:00,',
    '09:00+',
    'open',
  ]) {
    assert.is(hoursProblems([`Mo ${hours}`]).length > 0, true, hours);
  }
});

test('dates that the calendar or this program does not have are refused', () => {
  for (const date of [
    '2026-13-01',
    '2026-00-10',
    '2026-04-31',
    '2025-02-29',
    '2019-12-31',
    '2100-01-01',
    '26-12-25',
    '2026-1-1',
    '2026-12-25x',
  ]) {
    assert.is(dayNumberOf(date), undefined, date);
    assert.is(hoursProblems(['Mo-Su 09:00-20:00', `${date} closed`]).length, 1, date);
  }
  assert.is(dayNumberOf('2028-02-29'), Date.UTC(2028, 1, 29) / 86_400_000);
});

test('all faults of all rules come at once, two of one rule as well', () => {
  const problems = hoursProblems(['Mo-Fr 25:00-20:00', 'Xx 10:00-09:00', 'Sa 10:00-18:00', '2026-02-30 closed', '']);
  assert.equal(
    problems.map((problem) => problem.slice(0, 'opening_hours.0'.length)),
    ['opening_hours.0', 'opening_hours.1', 'opening_hours.1', 'opening_hours.3', 'opening_hours.4'],
  );
});

test('a rule that never holds is told together with the one that takes its place', () => {
  assert.equal(hoursProblems(['Mo-Tu 09:00-12:00', 'Mo 13:00-18:00', 'Tu closed']), [
    'opening_hours.0 is "Mo-Tu 09:00-12:00"; expected a rule that holds on some day, but opening_hours.1 "Mo 13:00-18:00" and opening_hours.2 "Tu closed" replaces it on all of its days. Remove it, move it below, or join the spans in one rule with a comma.',
  ]);
  assert.is(hoursProblems(['Mo-Su 09:00-12:00', '2026-12-25 closed', '2026-12-25 10:00-12:00']).length, 1);
  assert.equal(hoursProblems(['Mo-Su 09:00-12:00', 'Su closed']), []);
});

test('dates alone are refused: nobody knows what holds on the other days', () => {
  assert.equal(hoursProblems(['2026-12-25 09:00-12:00']), [
    'opening_hours names dates only; expected a rule for the other days too. Put "Mo-Su 00:00-24:00" (open) or "Mo-Su closed" first.',
  ]);
});

test('a store that never opens is refused, one that opens on a single date is not', () => {
  assert.equal(hoursProblems(['Mo-Su closed']), [
    'opening_hours never opens; expected hours on some day. Add them, or remove the rules: always open.',
  ]);
  assert.equal(hoursProblems(['Mo-Su closed', '2026-12-24 09:00-14:00']), []);
});

test('rules are bounded in number and length', () => {
  assert.match(
    hoursProblems(Array(RULES_MAX + 1).fill('Mo 09:00-12:00'))[0] ?? '',
    /^opening_hours has 65 rules; expected at most 64\./,
  );
  const long = `Mo ${'09:00-10:00,'.repeat(20)}`;
  assert.match(hoursProblems([long])[0] ?? '', /expected at most 100 characters, found 243\./);
  assert.ok((hoursProblems([long])[0] ?? '').length < 2 * RULE_CHARS_MAX + 100);
});

test('parseHours throws all of it as one ConfigError', () => {
  try {
    parseHours(['Xx closed', 'Mo 9-5']);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.is((error as ConfigError).problems.length, 2);
  }
});

test('the field may have another name', () => {
  assert.match(hoursProblems(['x'], 'zones.0.opening_hours')[0] ?? '', /^zones\.0\.opening_hours\.0 is "x"; /);
});

test('a time of day is 00:00 to 23:59', () => {
  assert.is(minuteOfDay('04:00'), 240);
  assert.is(minuteOfDay('23:59'), 1439);
  for (const text of ['24:00', '4', '', '04:60', '-1:00', ' 04:00']) assert.is(minuteOfDay(text), undefined, text);
});

test('any text at all is a problem in words or a rule, never an exception', () => {
  const word = fc.constantFrom(
    'Mo',
    'Fr',
    '-',
    ',',
    ' ',
    '09:00',
    '24:00',
    '2026-12-25',
    'closed',
    ';',
    '24/7',
    '99',
    'é',
  );
  const text = fc.oneof(
    fc.string({ maxLength: 120 }),
    fc.array(word, { maxLength: 12 }).map((words) => words.join('')),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 8 }), (rules) => {
      const problems = hoursProblems(rules);
      for (const problem of problems) assert.match(problem, /expected .*\. [A-Z].*\.$/s);
      if (problems.length > 0)
        assert.throws(
          () => parseHours(rules),
          (error: unknown) => error instanceof ConfigError,
        );
      else assert.is(parseHours(rules).week.length, 7);
    }),
    { numRuns: RUNS },
  );
});

test('what is written is what is read, for any spans that do not overlap', () => {
  const time = (minute: number) =>
    `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 1440 }), { minLength: 2, maxLength: 12 }),
      fc.integer({ min: 0, max: 6 }),
      (edges, weekday) => {
        const sorted = edges.sort((a, b) => a - b).slice(0, edges.length - (edges.length % 2));
        const spans = sorted.flatMap((edge, i) => (i % 2 === 0 ? [[edge, sorted[i + 1]!]] : []));
        const day = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'][weekday]!;
        const hours = parseHours([`${day} ${spans.map(([from, to]) => `${time(from!)}-${time(to!)}`).join(',')}`]);
        const read = spansOn(hours, dayNumberOf(MONDAY)! + weekday);
        assert.equal(
          read.map((span) => [span.beginMinute, span.endMinute]),
          spans,
        );
        assert.equal(spansOn(hours, dayNumberOf(MONDAY)! + ((weekday + 1) % 7)), []);
      },
    ),
    { numRuns: RUNS },
  );
});

test.run();
