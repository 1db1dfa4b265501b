/**
 * A time zone as arithmetic: pieces of time in which its offset from UTC is constant, and what follows from them.
 * The pieces come from Temporal, through the package that this file alone imports. Of the two that implement it,
 * temporal-polyfill (1.0.8 of November 2026, needs nothing but two packages of its own, MIT) was taken over
 * @js-temporal/polyfill (0.5.1 of July 2025, needs jsbi). It hands over to the Temporal of Node itself where there
 * is one (Node 26). Each question costs it up to some 50 ms of Intl formatting, so each piece is asked for once and kept.
 * Memory: three numbers a piece, two pieces a year that was asked about: at most some 200 for the years to 2100. The
 * package and one zone take about 11 MB (x86-64, Node 20), Intl 8 MB more, which the check of `time_zone` loads anyhow.
 */
import { Temporal } from 'temporal-polyfill';
import { MS_PER_MINUTE } from '../units.ts';

export const MS_PER_DAY = 86_400_000;
/** No zone was ever further than this from UTC (Manila, 15:56 h, until 1844). */
const OFFSET_MS_MAX = 16 * 3_600_000;

/** offsetMs: local time less UTC, for fromMs <= t < toMs. */
type Piece = { readonly fromMs: number; readonly toMs: number; readonly offsetMs: number };

export class Zone {
  readonly name: string;
  readonly #pieces: Piece[] = [];

  /** name: IANA name such as Europe/Stockholm; throws RangeError if this machine does not know it. */
  constructor(name: string) {
    this.name = name;
    this.#ask(0);
  }

  /** Pieces known, each of them one question to Temporal: a few a year, whatever is asked. */
  get pieceCount(): number {
    return this.#pieces.length;
  }

  /**
   * The first moment at which the clock on the wall shows `minute` of day `dayNumber` or later (ms since 1970 UTC).
   * dayNumber: days since 1970-01-01. minute: minutes after 00:00, may be 1440 or more for the days after.
   * So a time that the clock skips is the moment of the skip, and a time that it shows twice is the first of both.
   * Never falls with a growing minute: what was in order on the wall stays in order.
   */
  firstMomentMs(dayNumber: number, minute: number): number {
    const wallMs = dayNumber * MS_PER_DAY + minute * MS_PER_MINUTE;
    let piece = this.#pieceAt(wallMs - OFFSET_MS_MAX);
    for (;;) {
      const momentMs = Math.max(piece.fromMs, wallMs - piece.offsetMs);
      if (momentMs < piece.toMs) return momentMs;
      piece = this.#pieceAt(piece.toMs);
    }
  }

  /**
   * Number of the local day of atMs: the last one that has begun. Where the clock was set back over midnight for a
   * minute (St. John's until 2011), that minute's second passage stays with the new day: days are never torn.
   */
  dayNumberAt(atMs: number): number {
    let dayNumber = Math.floor((atMs + this.#pieceAt(atMs).offsetMs) / MS_PER_DAY);
    while (this.firstMomentMs(dayNumber + 1, 0) <= atMs) dayNumber += 1;
    return dayNumber;
  }

  /** Local time less UTC at atMs. */
  offsetMsAt(atMs: number): number {
    return this.#pieceAt(atMs).offsetMs;
  }

  #pieceAt(atMs: number): Piece {
    for (const piece of this.#pieces) if (atMs >= piece.fromMs && atMs < piece.toMs) return piece;
    return this.#ask(atMs);
  }

  #ask(atMs: number): Piece {
    const wholeMs = Math.floor(atMs);
    const at = Temporal.Instant.fromEpochMilliseconds(wholeMs).toZonedDateTimeISO(this.name);
    // `previous` looks strictly before; a change at this very moment is the beginning of this piece.
    const before = at.add({ milliseconds: 1 }).getTimeZoneTransition('previous');
    const after = at.getTimeZoneTransition('next');
    const piece = {
      fromMs: before?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
      toMs: after?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
      offsetMs: at.offsetNanoseconds / 1e6,
    };
    this.#pieces.push(piece);
    return piece;
  }
}
