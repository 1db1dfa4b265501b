/**
 * When the store is open, in moments of UTC: the rules of the configuration laid over the zone's days.
 * One law decides both days on which the clock is changed: an edge written as 02:30 is the first moment at which the
 * clock on the wall shows 02:30 or later. So an opening at a time that is skipped happens at the skip; a closing at a time
 * that comes twice happens at the first of both, because that is when somebody turns the key: nobody waits for the
 * clock to say it again. A span that lies whole in a skipped hour does not happen on that day.
 *
 * The closing that resets occupancy: the real one; a store that is open for a day or longer without a break (that is,
 * always, without rules) is reset each day at a fixed local time instead, when it is emptiest.
 *
 * Cost: a second that asks nothing new is a few comparisons; Intl is asked twice a year, the rules twice a day.
 * Memory: the current run, day and closing, and the pieces of the zone (zone.ts).
 */
import { type OpeningHours, spansOn } from '../config/hours.ts';
import { MS_PER_DAY, Zone } from './zone.ts';

/** 04:00: behind the last guests of most places, before their cleaners. */
export const RESET_MINUTE_DEFAULT = 4 * 60;
/**
 * Days around a moment in which to look for the next edge, tried in this order. Almost always it is found among the
 * first; beyond the last, which holds two changes of every weekday, a week that knows no edge never has one.
 */
const REACH_DAYS = [2, 16] as const;

/** A piece of time in which the store is open, or closed, all the way; the bounds may be infinite. */
type Run = { readonly fromMs: number; readonly toMs: number; readonly isOpen: boolean };

export type LocalDay = {
  /** YYYY-MM-DD */
  readonly date: string;
  readonly fromMs: number;
  /** The day after begins here: 23, 24 or 25 hours later, or what the zone's law made of it. */
  readonly toMs: number;
};

export type StoreHoursOptions = {
  readonly hours: OpeningHours;
  /** IANA name. */
  readonly timeZone: string;
  /** Local time, in minutes after 00:00, of the reset of a store that does not close. */
  readonly resetMinute?: number;
};

export class StoreHours {
  readonly #hours: OpeningHours;
  readonly #zone: Zone;
  readonly #resetMinute: number;
  #run: Run = { fromMs: 0, toMs: 0, isOpen: false };
  #day: LocalDay = { date: '', fromMs: 0, toMs: 0 };
  /** Holds from fromMs to before toMs. */
  #closing = { fromMs: 0, toMs: 0, closingMs: 0 };

  /** Throws RangeError for a time zone that this machine does not know. */
  constructor(options: StoreHoursOptions) {
    this.#hours = options.hours;
    this.#zone = new Zone(options.timeZone);
    this.#resetMinute = options.resetMinute ?? RESET_MINUTE_DEFAULT;
  }

  /** True from the moment of opening to the one before closing. */
  isOpen(atMs: number): boolean {
    return this.#runAt(atMs).isOpen;
  }

  /** The next opening or closing, later than atMs; Infinity: none ever. */
  nextChangeMs(atMs: number): number {
    return this.#runAt(atMs).toMs;
  }

  /** The last closing at or before atMs, or the last reset of a store that does not close; -Infinity: none ever. */
  lastClosingMs(atMs: number): number {
    const known = this.#closing;
    if (atMs >= known.fromMs && atMs < known.toMs) return known.closingMs;
    const run = this.#runAt(atMs);
    const closingMs = run.isOpen ? this.#lastClosingOfOpen(atMs, run) : run.fromMs;
    // At the latest the next reset or the next edge changes the answer.
    const nextResetMs = this.#zone.firstMomentMs(this.#resetDay(atMs) + 1, this.#resetMinute);
    this.#closing = { fromMs: Math.max(closingMs, run.fromMs), toMs: Math.min(nextResetMs, run.toMs), closingMs };
    return closingMs;
  }

  /** The local day that holds atMs. Days follow each other without gap or overlap. */
  dayOf(atMs: number): LocalDay {
    if (atMs >= this.#day.fromMs && atMs < this.#day.toMs) return this.#day;
    const dayNumber = this.#zone.dayNumberAt(atMs);
    this.#day = {
      date: new Date(dayNumber * MS_PER_DAY).toISOString().slice(0, 'YYYY-MM-DD'.length),
      fromMs: this.#zone.firstMomentMs(dayNumber, 0),
      toMs: this.#zone.firstMomentMs(dayNumber + 1, 0),
    };
    return this.#day;
  }

  #lastClosingOfOpen(atMs: number, run: Run): number {
    const resetMs = this.#zone.firstMomentMs(this.#resetDay(atMs), this.#resetMinute);
    if (resetMs >= run.fromMs + MS_PER_DAY) return resetMs;
    return run.fromMs === Number.NEGATIVE_INFINITY ? run.fromMs : this.#findRun(run.fromMs - 1).fromMs;
  }

  /** The last day whose reset time has come. */
  #resetDay(atMs: number): number {
    const today = this.#zone.dayNumberAt(atMs);
    return this.#zone.firstMomentMs(today, this.#resetMinute) <= atMs ? today : today - 1;
  }

  #runAt(atMs: number): Run {
    if (atMs < this.#run.fromMs || atMs >= this.#run.toMs) this.#run = this.#findRun(atMs);
    return this.#run;
  }

  /** Looks in a growing number of days around atMs until both edges are sure. */
  #findRun(atMs: number): Run {
    const today = this.#zone.dayNumberAt(atMs);
    for (const reach of REACH_DAYS) {
      const run = this.#runWithin(atMs, today - reach, today + reach);
      if (run.fromMs !== Number.NEGATIVE_INFINITY && run.toMs !== Number.POSITIVE_INFINITY) return run;
    }
    // The named dates may lie far away: all of them are looked at, and whole weeks on both sides.
    const reach = REACH_DAYS.at(-1)!;
    let [first, last] = [today, today];
    for (const day of this.#hours.dates.keys()) {
      first = Math.min(first, day);
      last = Math.max(last, day);
    }
    return this.#runWithin(atMs, first - reach, last + reach);
  }

  /** The run of atMs by the spans of the days from first to last; an edge that these cannot be sure of is infinite. */
  #runWithin(atMs: number, first: number, last: number): Run {
    // A span is at most a day long, so one from before `first` may still be open during it, and one of the day after
    // `last` may begin at its midnight.
    const sureFromMs = this.#zone.firstMomentMs(first + 1, 0);
    const sureToMs = this.#zone.firstMomentMs(last + 1, 0);
    const edge = (momentMs: number) => {
      if (momentMs < sureFromMs) return Number.NEGATIVE_INFINITY;
      return momentMs < sureToMs ? momentMs : Number.POSITIVE_INFINITY;
    };
    let closedFromMs = Number.NEGATIVE_INFINITY;
    let openFromMs = Number.NaN;
    let openToMs = Number.NEGATIVE_INFINITY;
    for (let day = first; day <= last; day++) {
      for (const span of spansOn(this.#hours, day)) {
        const beginMs = this.#zone.firstMomentMs(day, span.beginMinute);
        const endMs = this.#zone.firstMomentMs(day, span.endMinute);
        if (beginMs === endMs) continue;
        if (beginMs > openToMs) {
          // Spans come in the order of their begins: the run before is whole.
          if (atMs < openToMs) return { fromMs: edge(openFromMs), toMs: edge(openToMs), isOpen: true };
          closedFromMs = openToMs;
          if (atMs < beginMs) return { fromMs: edge(closedFromMs), toMs: edge(beginMs), isOpen: false };
          openFromMs = beginMs;
        }
        openToMs = Math.max(openToMs, endMs);
      }
    }
    if (atMs < openToMs) return { fromMs: edge(openFromMs), toMs: edge(openToMs), isOpen: true };
    return { fromMs: edge(openToMs), toMs: Number.POSITIVE_INFINITY, isOpen: false };
  }
}
