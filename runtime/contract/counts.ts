/** Payloads about people: totals, intervals, zones, occupancy. Numbers of people only, never anything about one. */
import { type Static, Type } from 'typebox';
import {
  Boot,
  ClockWord,
  count,
  EpochId,
  measure,
  nullable,
  people,
  Quality,
  Seq,
  share,
  TimeZone,
  time,
  UptimeAtEnd,
  Version,
} from './fields.ts';

export const TotalSchema = Type.Object(
  {
    v: Version,
    in: people('Came in, every crossing at once'),
    out: people('Went out, likewise'),
    net_in: people(
      'Came in, without those who turned back within the view; told when they have left it, and in - out comes to the same',
    ),
    net_out: people('Went out, likewise'),
    epoch_id: EpochId,
    at: time('When the numbers were so'),
  },
  { description: 'A meter that never falls within an epoch' },
);
export type Total = Static<typeof TotalSchema>;

/** In front of what an interval says, and behind it. */
export const intervalHead = {
  v: Version,
  seq: Seq,
  boot: Boot,
  epoch_id: EpochId,
  from: time('Begin, included'),
  to: time('End, excluded'),
  tz: TimeZone,
  open: Type.Boolean({ description: 'The store was open, at least for a part of it' }),
};
const intervalTail = {
  samples: count('Frames read', 'frames'),
  expected: count('Frames of a camera that misses none', 'frames'),
  quality: Quality,
  time: Type.Optional(ClockWord),
  uptime_s: Type.Optional(UptimeAtEnd),
  historical: Type.Boolean({ description: 'Sent later than one interval after its end' }),
};

export const IntervalSchema = Type.Object(
  {
    ...intervalHead,
    in: people('Came in, every crossing by its own time'),
    out: people('Went out, likewise'),
    net_in: people('Came in, without those who turned back within the view, by the time they left it'),
    net_out: people('Went out, likewise'),
    total_in: people('Total at `to`: the difference to the record before of this line is exactly `in`'),
    total_out: people('Total at `to`, likewise'),
    chains: count('Entries with a pause of 3 s before them', 'groups'),
    groups_hour: Type.Number({
      minimum: 0,
      description: 'Parties that came in since the full hour, up to `to`: an estimate, best in the hour’s last record',
      'x-unit': 'groups',
    }),
    ...intervalTail,
  },
  { description: 'People over a line or entrance in one interval; one without people is sent as well' },
);
export type Interval = Static<typeof IntervalSchema>;
export type IntervalHead = Pick<Interval, keyof typeof intervalHead>;
export type IntervalTail = Pick<Interval, keyof typeof intervalTail>;

const seconds = (description: string) =>
  nullable(Type.Number({ minimum: 0, description, 'x-unit': 's' }), 'no visit ended');
const meanAndMax = (what: string, description: string) =>
  Type.Object(
    {
      mean: nullable(Type.Number({ minimum: 0, description: `Mean of ${what}`, 'x-unit': 'people' }), 'not told'),
      max: people(`Most ${what}`),
    },
    { description },
  );

export const ZoneSchema = Type.Object(
  {
    ...intervalHead,
    visits: count('People who came into the zone', 'visits'),
    bounces: count('Of them, who left it again within bounce_s of the configuration', 'visits'),
    dwell_s: Type.Object(
      {
        n: count('Visits that ended in the interval, which the others rest on', 'visits'),
        mean: seconds('Mean'),
        median: seconds('Median, to 2.5 %'),
        p90: seconds('Nine of ten were shorter, to 2.5 %'),
      },
      { description: 'How long visits were' },
    ),
    people: meanAndMax('people in the zone, each second', 'People in the zone'),
    queue: meanAndMax('people standing for 3 s, each second', 'Of these, who stood'),
    passers_by: people('Were in the zone and left the view without crossing the line that it lies before'),
    drop_in_rate: nullable(share('entries / (entries + passers_by) through that line'), 'no such line, or nobody'),
    ...intervalTail,
  },
  { description: 'A zone in one interval' },
);
export type Zone = Static<typeof ZoneSchema>;

export const ZoneNowSchema = Type.Object(
  {
    v: Version,
    at: time('When it was so'),
    people: people('In the zone, of those in view'),
    queue: people('Of these, who stand'),
  },
  { description: 'Who is in a zone now' },
);
export type ZoneNow = Static<typeof ZoneNowSchema>;

export const StoreSchema = Type.Object(
  {
    v: Version,
    at: time('When it was so'),
    tz: TimeZone,
    open: Type.Boolean({ description: 'The store is open' }),
    people: people('Best estimate, corrected by `ratio`'),
    people_min: nullable(people('Not fewer on about 95 of 100 days'), 'no day has passed yet'),
    people_max: nullable(people('Not more on about 95 of 100 days'), 'no day has passed yet'),
    in: people('Came in since `reset_at`, uncorrected'),
    out: people('Went out since then, uncorrected'),
    ratio: measure(0, 10, 'In to out over the past `days` days: who leaves counts as so many'),
    days: count('Past days that ratio and band rest on', 'days'),
    imbalance: nullable(
      measure(-1, 1, '(in - out) / (in + out) of the last whole day; beyond 0.05 look at how the counter hangs'),
      'no day has passed yet',
    ),
    reset_at: nullable(time('When nobody was inside'), 'never yet'),
  },
  { description: 'Who is in the store now, by who came in and who left through the lines of this device' },
);
export type Store = Static<typeof StoreSchema>;
