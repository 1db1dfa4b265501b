// Goal: wall clock times become moments by one law, also where clocks skip or repeat, and days tile time.
// Method: literals from the zones' history; Intl (another path to the same tables) as the reference at random moments.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { dayNumberOf } from '../../../runtime/config/hours.ts';
import { MS_PER_DAY, Zone } from '../../../runtime/site/zone.ts';
import { ZONES } from './zones.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 300);
const YEAR_MS = 365 * MS_PER_DAY;

const zones = new Map(ZONES.map((name) => [name as string, new Zone(name)]));

/** First moment of HH:MM of a date, in UTC without seconds. */
function moment(zone: string, date: string, time: string): string {
  const [hours, minutes] = time.split(':').map(Number);
  const dayNumber = Math.floor(Date.parse(`${date}T00:00Z`) / MS_PER_DAY);
  return new Date(new Zone(zone).firstMomentMs(dayNumber, hours! * 60 + minutes!)).toISOString().slice(0, 16);
}

/** What the clock on the wall shows, as if it were UTC, to the second. */
function wallOf(format: Intl.DateTimeFormat, atMs: number): number {
  const part = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part['year']!, part['month']! - 1, part['day'], part['hour'], part['minute'], part['second']);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
}
const formats = new Map(ZONES.map((name) => [name as string, formatOf(name)]));

test('a plain time is a plain moment', () => {
  assert.is(moment('Europe/Stockholm', '2026-01-05', '09:00'), '2026-01-05T08:00');
  assert.is(moment('Europe/Stockholm', '2026-07-06', '09:00'), '2026-07-06T07:00');
  assert.is(moment('Asia/Kolkata', '2026-07-06', '09:00'), '2026-07-06T03:30');
  assert.is(moment('UTC', '2026-07-06', '26:00'), '2026-07-07T02:00');
});

test('a time that the clock skips is the moment of the skip', () => {
  assert.is(moment('Europe/Stockholm', '2026-03-29', '02:30'), '2026-03-29T01:00');
  assert.is(moment('America/New_York', '2026-03-08', '02:00'), '2026-03-08T07:00');
  assert.is(moment('America/New_York', '2026-03-08', '02:59'), '2026-03-08T07:00');
  assert.is(moment('Australia/Lord_Howe', '2026-10-04', '02:15'), '2026-10-03T15:30');
  assert.is(moment('America/Havana', '2026-03-08', '00:30'), '2026-03-08T05:00');
  assert.is(moment('Asia/Beirut', '2026-03-29', '00:00'), '2026-03-28T22:00');
});

test('a time that the clock shows twice is the first of both', () => {
  assert.is(moment('Europe/Stockholm', '2026-10-25', '02:30'), '2026-10-25T00:30');
  assert.is(moment('America/New_York', '2026-11-01', '01:30'), '2026-11-01T05:30');
  assert.is(moment('Australia/Lord_Howe', '2026-04-05', '01:45'), '2026-04-04T14:45');
  assert.is(moment('America/Havana', '2026-11-01', '00:30'), '2026-11-01T04:30');
  assert.is(moment('Asia/Beirut', '2026-10-24', '23:30'), '2026-10-24T20:30');
});

test('after a repeated hour the next time of day waits for the second passage', () => {
  assert.is(moment('Europe/Stockholm', '2026-10-25', '03:00'), '2026-10-25T02:00');
  assert.is(moment('Asia/Beirut', '2026-10-25', '00:00'), '2026-10-24T22:00');
});

test('a day that a country left out ends where it begins', () => {
  assert.is(moment('Pacific/Apia', '2011-12-30', '00:00'), '2011-12-30T10:00');
  assert.is(moment('Pacific/Apia', '2011-12-30', '18:00'), '2011-12-30T10:00');
  assert.is(moment('Pacific/Apia', '2011-12-31', '00:00'), '2011-12-30T10:00');
});

test('where the clock goes back over midnight the new day is not torn', () => {
  // At 00:01 on 2010-11-07 clocks in St. John's showed 23:01 of the day before.
  const zone = new Zone('America/St_Johns');
  const sunday = dayNumberOf('2020-11-08')! - 3654; // 2010-11-07
  const beginMs = zone.firstMomentMs(sunday, 0);
  assert.is(new Date(beginMs).toISOString(), '2010-11-07T02:30:00.000Z');
  for (let minute = 0; minute < 120; minute++) assert.is(zone.dayNumberAt(beginMs + minute * 60_000), sunday);
  assert.is(zone.dayNumberAt(beginMs - 1), sunday - 1);
});

test('an unknown zone is a RangeError', () => {
  assert.throws(
    () => new Zone('Europe/Stokholm'),
    (error: unknown) => error instanceof RangeError,
  );
});

const zoneName = fc.constantFrom(...ZONES);
const instant = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2037, 0, 1) });

test('at any moment the day is the one that Intl names', () => {
  fc.assert(
    fc.property(zoneName, instant, (name, atMs) => {
      assert.is(zones.get(name)!.dayNumberAt(atMs), Math.floor(wallOf(formats.get(name)!, atMs) / MS_PER_DAY));
    }),
    { numRuns: RUNS },
  );
});

test('at the first moment of any minute the clock of Intl shows it or later, and just before it showed less', () => {
  fc.assert(
    fc.property(
      zoneName,
      fc.integer({ min: 18_300, max: 24_400 }),
      fc.integer({ min: 0, max: 2880 }),
      (name, day, minute) => {
        const atMs = zones.get(name)!.firstMomentMs(day, minute);
        const wallMs = day * MS_PER_DAY + minute * 60_000;
        assert.ok(wallOf(formats.get(name)!, atMs) >= wallMs);
        assert.ok(wallOf(formats.get(name)!, atMs - 1) < wallMs);
      },
    ),
    { numRuns: RUNS },
  );
});

test('the same answers come in whatever order the questions were asked', () => {
  fc.assert(
    fc.property(zoneName, fc.array(instant, { minLength: 1, maxLength: 5 }), (name, moments) => {
      const fresh = new Zone(name);
      for (const atMs of moments) assert.is(fresh.dayNumberAt(atMs), zones.get(name)!.dayNumberAt(atMs));
    }),
    { numRuns: Math.min(RUNS, 60) },
  );
});

test('a year of minutes asks Temporal for no more than the year has pieces', () => {
  const zone = new Zone('Europe/Stockholm');
  const knownBefore = zone.pieceCount;
  for (let atMs = Date.UTC(2026, 0, 2); atMs < Date.UTC(2027, 0, 1); atMs += 60_000) zone.dayNumberAt(atMs);
  assert.is(zone.pieceCount - knownBefore, 3);
});

test('days tile the year: without gap or overlap, each of a length that the zone can have', () => {
  const lengths = new Map<string, Set<number>>();
  for (const [name, zone] of zones) {
    const first = zone.dayNumberAt(Date.UTC(2026, 0, 1));
    const found = new Set<number>();
    let beginMs = zone.firstMomentMs(first, 0);
    const startMs = beginMs;
    for (let day = first; beginMs - startMs < YEAR_MS; day++) {
      const endMs = zone.firstMomentMs(day + 1, 0);
      found.add((endMs - beginMs) / 3_600_000);
      assert.is(zone.dayNumberAt(beginMs), day);
      assert.is(zone.dayNumberAt(endMs - 1), day);
      beginMs = endMs;
    }
    lengths.set(name, found);
  }
  const of = (name: string) => [...lengths.get(name)!].sort((a, b) => a - b);
  assert.equal(of('Asia/Kolkata'), [24]);
  assert.equal(of('Europe/Stockholm'), [23, 24, 25]);
  assert.equal(of('America/Havana'), [23, 24, 25]);
  assert.equal(of('Asia/Beirut'), [23, 24, 25]);
  assert.equal(of('Australia/Lord_Howe'), [23.5, 24, 24.5]);
  assert.equal(of('Antarctica/Troll'), [22, 24, 26]);
});

test.run();
