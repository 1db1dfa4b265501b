/**
 * Reception: the voice's side of the corridor. Each record of the eye is held against the configuration, noted in the books
 * and shown to whoever waits for its kind; what becomes of the eye's state is told to the books and to people. An eye that
 * breaks the protocol is told of (`onBreach`) and not listened to any more.
 */
import { ControlWord } from '../corridor/control.ts';
import { CorridorReader, recordsPerSecondOf } from '../corridor/reader.ts';
import { type CorridorRecord, EyeState, RecordKind } from '../corridor/record.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Bookkeeper } from './bookkeeper.ts';
import type { EyeWatch } from './eyewatch.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { PrivacyWatch } from './privacy-watch.ts';
import type { Setup } from './setup.ts';
import type { Summary } from './summary.ts';

export type ReceptionOptions = {
  readonly clock: Clock;
  readonly log: Log;
  readonly ledger: Ledger;
  readonly books: Bookkeeper;
  readonly watch: EyeWatch;
  readonly privacy: PrivacyWatch;
  readonly summary: Summary;
  /** Sends a word to the eye. */
  readonly control: (word: ControlWord) => void;
  readonly isLinkUp: () => boolean;
  /** What a simulated camera knows of the truth. */
  readonly onTruth: (record: CorridorRecord) => void;
  /** The eye's state has another word. */
  readonly onState: () => void;
  /** The eye has told its last numbers and ends. */
  readonly onEyeStopping: () => void;
  /** The eye must be cut off: a whole sentence. Told once. */
  readonly onBreach: (reason: string) => void;
};

export class Reception {
  readonly #options: ReceptionOptions;
  readonly #reader: CorridorReader;
  readonly #setup: Setup;
  /** Eye boot that was running when our state was lost: its numbers count from where we met it. */
  #lostBoot: number | undefined;
  #hasMet = false;
  #isOver = false;

  /** setupWith: makes the set-up mode, which says when positions may come. */
  constructor(options: ReceptionOptions, setupWith: (onTakesDots: (takesDots: boolean) => void) => Setup) {
    this.#options = options;
    const { books, clock } = options;
    this.#reader = new CorridorReader(
      { onRecord: (record) => this.#take(record), onCutOff: (reason) => this.#breach(reason) },
      () => clock.monotonicUs(),
      recordsPerSecondOf(books.counters.length, books.zones.length),
    );
    this.#setup = setupWith((takesDots) => {
      this.#reader.takesDots = takesDots;
    });
  }

  /** Records read since the voice started. */
  get recordCount(): number {
    return this.#reader.recordCount;
  }

  get setup(): Setup {
    return this.#setup;
  }

  /** Bytes from the corridor. */
  feed(chunk: Uint8Array, byteCount: number): void {
    if (!this.#isOver) this.#reader.feed(chunk, byteCount);
  }

  /** A second has passed: an eye that was not heard of is silent. */
  tick(): void {
    const { watch, books, clock } = this.#options;
    this.#eyeMayHaveChanged(() => watch.tick(clock.monotonicUs()));
    if (watch.flags === 0) return;
    books.mark(watch.flags, clock.wallMs(), clock.wallMs());
    books.emptyZones();
  }

  /** Not one further byte is read. */
  end(): void {
    this.#isOver = true;
  }

  #take(record: CorridorRecord): void {
    if (this.#isOver || !this.#isKnown(record)) return;
    const { ledger, privacy, watch, clock, onTruth, onEyeStopping } = this.#options;
    this.#meet(record);
    const seen = ledger.state.eye!;
    this.#keepBooks(record);
    this.#mayBeFaulty(privacy.take(record, clock.wallMs()));
    switch (record.kind) {
      case RecordKind.hello:
        this.#hello(record);
        break;
      case RecordKind.state:
        seen.state = record.code;
        seen.reason = record.a;
        ledger.touch();
        if (record.code === EyeState.stopping) onEyeStopping();
        break;
      case RecordKind.truth:
        onTruth(record);
        break;
      case RecordKind.dots:
        this.#mayBeFaulty(this.#setup.take(record));
        break;
    }
    if (!this.#isOver) this.#eyeMayHaveChanged(() => watch.heard(seen, clock.monotonicUs()));
  }

  /** Notes which boot of the eye is speaking. */
  #meet(record: CorridorRecord): void {
    const { ledger, clock } = this.#options;
    const { state, lostMemory } = ledger;
    if (state.eye?.boot === record.boot) return;
    // The eye before cannot be asked again: what it told is saved before anything else is believed.
    ledger.saveToTell(clock.monotonicUs());
    // An eye that says hello now has counted nothing that somebody could have published.
    if (lostMemory && !this.#hasMet && record.kind !== RecordKind.hello) this.#lostBoot = record.boot;
    this.#hasMet = true;
    state.eye = { boot: record.boot, state: EyeState.starting, reason: 0 };
    ledger.touch();
  }

  #hello(record: CorridorRecord): void {
    const { log, isLinkUp, control, books } = this.#options;
    const { counters, zones } = books;
    log.info({ eye_boot: record.boot }, 'eye started');
    if (record.index !== counters.length || record.code !== zones.length) {
      this.#mayBeFaulty(
        `hello for ${record.index} lines and ${record.code} zones, the configuration has ${counters.length} and ${zones.length}`,
      );
      return;
    }
    control(isLinkUp() ? ControlWord.linkUp : ControlWord.linkDown);
    this.#setup.hello();
  }

  /** False, and the eye is cut off, for a counter or zone that the configuration does not have. */
  #isKnown({ kind, index }: CorridorRecord): boolean {
    const { counters, zones } = this.#options.books;
    const [what, count] = isOfZone(kind) ? ['zone', zones.length] : ['line', counters.length];
    if (index < count || !(isOfZone(kind) || isOfCounter(kind))) return true;
    this.#mayBeFaulty(`${what} ${index + 1}, the configuration has ${count}`);
    return false;
  }

  #keepBooks(record: CorridorRecord): void {
    const { ledger, books, log, summary, clock } = this.#options;
    const countFrom = record.boot === this.#lostBoot ? 'here' : 'zero';
    const { added, lateCount, framesRead, fault } = books.take(record, countFrom, clock.wallMs());
    this.#mayBeFaulty(fault);
    // An eye that we met on its way said that it counts before we listened; it says so only when it changes.
    const seen = ledger.state.eye!;
    if (framesRead !== undefined && framesRead > 0 && seen.state === EyeState.starting) seen.state = EyeState.counting;
    if (added === undefined) return;
    log.debug({ line: books.counters[record.index]!, in: added.in, out: added.out, late: lateCount }, 'crossing');
    summary.count(record.index, added.in, added.out);
  }

  /** A state counts for the interval that it began in and for the one that it ended in. */
  #eyeMayHaveChanged(change: () => void): void {
    const { watch, books, log, clock, onState } = this.#options;
    const before = watch.state;
    const flagsBefore = watch.flags;
    change();
    const { state, reason } = watch;
    if (state === before) return;
    if (flagsBefore !== 0 || watch.flags !== 0)
      books.mark(flagsBefore | watch.flags, this.#markTimeMs(), clock.wallMs());
    log.info(`eye ${state}${reason ? ` (${reason})` : ''}, was ${before}`);
    onState();
  }

  #markTimeMs(): number {
    const { books, watch, clock } = this.#options;
    return books.recordTimeMs === 0 || watch.silent ? clock.wallMs() : books.recordTimeMs;
  }

  /** fault: what the eye sent; undefined: nothing that it must not. */
  #mayBeFaulty(fault: string | undefined): void {
    if (fault !== undefined) this.#breach(`the eye sent ${fault}; it is cut off until it is restarted`);
  }

  #breach(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onBreach(reason);
  }
}

/** Kinds whose index is a zone. */
function isOfZone(kind: number): boolean {
  return kind === RecordKind.zone || kind === RecordKind.passers || kind === RecordKind.visit;
}

/** Kinds whose index is a line or entrance; hello's is their number, others have an index of their own or none. */
function isOfCounter(kind: number): boolean {
  return (
    kind === RecordKind.crossing || kind === RecordKind.totals || kind === RecordKind.truth || kind === RecordKind.net
  );
}
