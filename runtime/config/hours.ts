/**
 * Opening hours as a shop's technician writes them: a list of short rules in the manner of OpenStreetMap's opening_hours
 * (https://wiki.openstreetmap.org/wiki/Key:opening_hours), of which this is the small part that a shop needs:
 *
 *   ["Mo-Fr 09:00-20:00", "Sa 10:00-12:00,13:00-18:00", "Su closed", "2026-12-24 09:00-14:00", "2026-12-25 closed"]
 *
 * What a rule names: days (`Mo`, `Mo-Fr`, `Sa-Mo`, `Mo,We,Fr`) or dates (`2026-12-24`), then spans or `closed` (`off`).
 * `24/7` stands for `Mo-Su 00:00-24:00`. Capital or small letters, blanks and the long dash do not matter.
 *
 * Where the language leaves a choice, this is ours:
 * - A later rule replaces an earlier one on the days that both name, whole: spans are not added. A date beats weekdays
 *   wherever it stands. (In OpenStreetMap order alone decides; people forget to move their Christmas to the end.)
 * - A weekday that no rule names is closed. A list that names dates only is refused, because half of its readers think
 *   that all other days are open and half that they are closed. An empty list: always open.
 * - A span over midnight belongs to the day on which it begins: `Fr 20:00-02:00` ends on Saturday, also when that day is closed.
 * - An end before its begin is over midnight if it is 06:00 or earlier; a later one is more often two times swapped than
 *   a night, and must say so: `22:00-31:00` ends at 07:00 of the next day. `24:00` is the end of the day itself.
 * - Spans of one day must not overlap; those that touch, and those that reach into the next day's, become one.
 * - Public holidays (`PH`) are not known here; write their dates.
 *
 * The npm package `opening_hours` (3.15) knows all of the language, with holidays and the sun's height, but is under
 * LGPL 3 and brings translations and an almanac along; and it does not refuse what a shop cannot have meant.
 * Memory: at most RULES_MAX rules; a date costs one entry of a map.
 */
import { ConfigError } from '../errors.ts';
import { show } from './words.ts';

export const RULES_MAX = 64;
export const RULE_CHARS_MAX = 100;
export const MINUTES_PER_DAY = 1440;
const MS_PER_DAY = 86_400_000;
/** An end up to this time of day may stand before its begin: shops that close later than this by night are few. */
const NIGHT_END_MINUTE = 6 * 60;
/** Monday first, as in ISO 8601. */
const DAYS = ['mo', 'tu', 'we', 'th', 'fr', 'sa', 'su'] as const;
const DAY_WORDS = 'Mo, Tu, We, Th, Fr, Sa, Su';
/** The years in which this program believes its clock. */
const YEAR_MIN = 2020;
const YEAR_MAX = 2099;
const CLOSED = /^(closed|off)$/i;

/** Minutes of local time after 00:00 of the day that owns the span. begin: 0..1439; end: begin + 1..begin + 1440. */
export type Span = { readonly beginMinute: number; readonly endMinute: number };

export type OpeningHours = {
  /** No rules were given. */
  readonly isAlwaysOpen: boolean;
  /** Spans of Monday to Sunday, in order; empty: closed. */
  readonly week: readonly (readonly Span[])[];
  /** Days that differ, by their number: days since 1970-01-01. */
  readonly dates: ReadonlyMap<number, readonly Span[]>;
};

/** Days since 1970-01-01 of `YYYY-MM-DD`, or undefined where the calendar or 2020..2099 has no such day. */
export function dayNumberOf(date: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const found = new Date(Date.UTC(year, month - 1, day));
  const isReal = found.getUTCMonth() === month - 1 && found.getUTCDate() === day;
  return isReal && year >= YEAR_MIN && year <= YEAR_MAX ? found.getTime() / MS_PER_DAY : undefined;
}

/** Spans that begin on day `dayNumber` (days since 1970-01-01), in order. */
export function spansOn(hours: OpeningHours, dayNumber: number): readonly Span[] {
  if (hours.isAlwaysOpen) return WHOLE_DAY;
  // 1970-01-01 was a Thursday, the fourth day.
  return hours.dates.get(dayNumber) ?? hours.week[(((dayNumber + 3) % 7) + 7) % 7]!;
}
const WHOLE_DAY: readonly Span[] = Object.freeze([Object.freeze({ beginMinute: 0, endMinute: MINUTES_PER_DAY })]);

/** Minute of the day of `HH:MM`, 0..1439, or undefined: also for other fields that hold a time of day. */
export function minuteOfDay(text: string): number | undefined {
  const minute = minuteOf(text);
  return minute !== undefined && minute < MINUTES_PER_DAY ? minute : undefined;
}

/** Reads the rules, or throws ConfigError with every fault in them. */
export function parseHours(rules: readonly string[]): OpeningHours {
  const { hours, problems } = read(rules, 'opening_hours');
  if (problems.length > 0) throw new ConfigError(problems, { op: 'read opening hours' });
  return hours;
}

/** Every fault of the rules, a sentence each with field, value, expectation and remedy; empty: none. */
export function hoursProblems(rules: readonly string[], field = 'opening_hours'): string[] {
  return read(rules, field).problems;
}

type Rule = {
  readonly weekdays: readonly number[];
  readonly dates: readonly number[];
  readonly spans: readonly Span[];
};
/** Says that part of a rule is wrong: what was expected and what to do. */
type Fault = (expected: string, remedy: string) => void;

function read(rules: readonly string[], field: string): { hours: OpeningHours; problems: string[] } {
  const problems: string[] = [];
  if (rules.length > RULES_MAX) {
    problems.push(
      `${field} has ${rules.length} rules; expected at most ${RULES_MAX}. Put days of the same hours into one rule, such as "Mo-Fr 09:00-20:00", and remove dates that are over.`,
    );
  }
  const read = rules.slice(0, RULES_MAX).map((text, index) => {
    let isWhole = true;
    const rule = readRule(text, (expected, remedy) => {
      isWhole = false;
      problems.push(`${field}.${index} is ${show(text)}; expected ${expected}. ${remedy}`);
    });
    return isWhole ? rule : undefined;
  });
  const week = new Map<number, number>();
  const dates = new Map<number, number>();
  for (const [index, rule] of read.entries()) {
    for (const weekday of rule?.weekdays ?? []) week.set(weekday, index);
    for (const date of rule?.dates ?? []) dates.set(date, index);
  }
  // What rules say of each other is only sure when all of them could be read.
  if (problems.length === 0) problems.push(...togetherProblems(rules, read as Rule[], week, dates, field));
  const spansOf = (index: number | undefined) => (index === undefined ? [] : read[index]!.spans);
  return {
    hours: {
      isAlwaysOpen: rules.length === 0,
      week: DAYS.map((_, weekday) => spansOf(week.get(weekday))),
      dates: new Map([...dates].map(([date, index]) => [date, spansOf(index)])),
    },
    problems,
  };
}

/** Faults that only all rules together show. week, dates: day → index of the rule that holds for it. */
function togetherProblems(
  texts: readonly string[],
  rules: readonly Rule[],
  week: ReadonlyMap<number, number>,
  dates: ReadonlyMap<number, number>,
  field: string,
): string[] {
  const problems: string[] = [];
  const used = new Set([...week.values(), ...dates.values()]);
  for (const [index, rule] of rules.entries()) {
    if (used.has(index)) continue;
    const by = new Set([
      ...rule.weekdays.map((weekday) => week.get(weekday)!),
      ...rule.dates.map((date) => dates.get(date)!),
    ]);
    const later = [...by].sort((a, b) => a - b).map((other) => `${field}.${other} ${show(texts[other]!)}`);
    problems.push(
      `${field}.${index} is ${show(texts[index]!)}; expected a rule that holds on some day, but ${later.join(' and ')} replaces it on all of its days. Remove it, move it below, or join the spans in one rule with a comma.`,
    );
  }
  if (rules.length > 0 && week.size === 0) {
    problems.push(
      `${field} names dates only; expected a rule for the other days too. Put "Mo-Su 00:00-24:00" (open) or "Mo-Su closed" first.`,
    );
  }
  if (rules.length > 0 && rules.every((rule, index) => rule.spans.length === 0 || !used.has(index))) {
    problems.push(`${field} never opens; expected hours on some day. Add them, or remove the rules: always open.`);
  }
  return problems;
}

function readRule(text: string, fault: Fault): Rule {
  if (text.length > RULE_CHARS_MAX) {
    fault(`at most ${RULE_CHARS_MAX} characters, found ${text.length}`, 'Split it into several rules.');
    return { weekdays: [], dates: [], spans: [] };
  }
  if (text.includes(';')) {
    fault('one rule a string', 'Write each part between the semicolons as a string of its own.');
    return { weekdays: [], dates: [], spans: [] };
  }
  const plain = text
    .replace(/[\u2010-\u2015]/g, '-') // hyphens and dashes that phones and word processors put in
    .replace(/\s*([-,])\s*/g, '$1')
    .trim();
  const [days, hours, ...rest] = (plain === '24/7' ? 'Mo-Su 00:00-24:00' : plain).split(/\s+/);
  if (!days || hours === undefined || rest.length > 0) {
    fault(
      'days, a blank, then spans or closed',
      'Write it as "Mo-Fr 09:00-20:00", "Sa 09:00-12:00,13:00-18:00", "Su closed" or "2026-12-24 09:00-14:00".',
    );
    return { weekdays: [], dates: [], spans: [] };
  }
  return { ...readDays(days, fault), spans: CLOSED.test(hours) ? [] : readSpans(hours, fault) };
}

function readDays(text: string, fault: Fault): { weekdays: number[]; dates: number[] } {
  const weekdays: number[] = [];
  const dates: number[] = [];
  for (const word of text.split(',')) {
    if (/\d/.test(word)) {
      const date = dayNumberOf(word);
      if (date !== undefined) dates.push(date);
      else {
        fault(
          `a day of the calendar as YYYY-MM-DD from ${YEAR_MIN} to ${YEAR_MAX}, "${word}" is none`,
          /\d{4}-\d/.test(word) ? 'Correct the date.' : 'Put days or dates first, hours after a blank.',
        );
      }
      continue;
    }
    const ends = word.split('-').map((name) => {
      const weekday = DAYS.indexOf(name.toLowerCase() as (typeof DAYS)[number]);
      if (weekday === -1) fault(`days of ${DAY_WORDS}, "${name}" is none`, dayRemedy(name));
      return weekday;
    });
    if (ends.includes(-1)) continue;
    if (ends.length > 2) {
      fault(`one range of days between commas, "${word}" is none`, 'Write first and last day, such as Mo-Fr.');
      continue;
    }
    const first = ends[0]!;
    // As in OpenStreetMap, Sa-Mo goes over the end of the week.
    const count = (((ends.at(-1)! - first) % 7) + 7) % 7;
    for (let i = 0; i <= count; i++) weekdays.push((first + i) % 7);
  }
  return { weekdays, dates };
}

function dayRemedy(name: string): string {
  if (/^ph$/i.test(name)) return 'Public holidays are not known here: write their dates, such as "2026-12-25 closed".';
  const meant = DAYS.find((day) => name.toLowerCase().startsWith(day));
  if (meant === undefined) return 'Use the first two letters of the English name.';
  return `Write ${meant[0]!.toUpperCase()}${meant[1]}.`;
}

function readSpans(text: string, fault: Fault): Span[] {
  const spans: Span[] = [];
  for (const word of text.split(',')) {
    const span = readSpan(word, fault);
    if (span !== undefined) spans.push(span);
  }
  spans.sort((a, b) => a.beginMinute - b.beginMinute);
  for (const [index, span] of spans.entries()) {
    const before = spans[index - 1];
    if (before === undefined || span.beginMinute >= before.endMinute) continue;
    fault(
      `spans that do not overlap, ${clock(before)} and ${clock(span)} do`,
      'Make one span of them, or correct their times.',
    );
  }
  return spans;
}

function readSpan(word: string, fault: Fault): Span | undefined {
  const [beginText, endText, ...rest] = word.split('-');
  const beginMinute = minuteOf(beginText ?? '');
  const endMinute = minuteOf(endText ?? '');
  if (rest.length > 0 || beginMinute === undefined || endMinute === undefined || beginMinute >= MINUTES_PER_DAY) {
    fault(
      `spans as HH:MM-HH:MM that begin at 00:00 to 23:59 and end at 00:01 to 24:00 (over midnight up to 47:59), "${word}" is none`,
      'Write it as 09:00-20:00, or closed.',
    );
    return undefined;
  }
  if (endMinute > beginMinute) {
    if (endMinute - beginMinute <= MINUTES_PER_DAY) return { beginMinute, endMinute };
    fault(`a span of at most 24 hours, "${word}" is longer`, 'Give the next day its own rule.');
    return undefined;
  }
  // 20:00-00:00 is the common way to write 20:00-24:00; 09:00-09:00 may mean a whole day or nothing.
  if (endMinute < beginMinute && endMinute <= NIGHT_END_MINUTE) {
    return { beginMinute, endMinute: endMinute + MINUTES_PER_DAY };
  }
  fault(
    `an end after its begin, or over midnight at 06:00 or earlier, "${word}" is neither`,
    `Swap the two times, or write the end as ${time(endMinute + MINUTES_PER_DAY)} if it lies on the next day.`,
  );
  return undefined;
}

/** Minutes after 00:00 of `H:MM` or `HH:MM`, hours 0..47, or undefined. */
function minuteOf(text: string): number | undefined {
  const match = /^(\d{1,2}):([0-5]\d)$/.exec(text);
  if (match === null) return undefined;
  const minute = Number(match[1]) * 60 + Number(match[2]);
  return minute < 2 * MINUTES_PER_DAY ? minute : undefined;
}

function time(minute: number): string {
  const twoDigits = (value: number) => String(value).padStart(2, '0');
  return `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`;
}

function clock(span: Span): string {
  return `${time(span.beginMinute)}-${time(span.endMinute)}`;
}
