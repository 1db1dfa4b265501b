/**
 * `bench tracker`: what following people and counting them costs a frame, from one to as many as the table holds.
 * People wander about on a grid, near enough that their reaches overlap; one detection in ten is missing. Rounds of all sizes
 * are interleaved, the median round is given. Counted are two lines, an entrance of both and two zones. The frame's other work (the engine) is not in it.
 */
import { parseArgs } from 'node:util';
import { parseConfig } from '../../runtime/config/config.ts';
import { ExitCode } from '../../runtime/errors.ts';
import { Counting, NO_EVENTS } from '../../runtime/eye/count/counting.ts';
import { DETECTIONS_MAX, DetectionTable } from '../../runtime/eye/track/detections.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../runtime/eye/track/tracker.ts';
import { US_PER_S } from '../../runtime/units.ts';
import { FULL_LAYOUT } from '../../test/fakes/layout.ts';
import { boardName } from './machine.ts';
import { summarise } from './statistics.ts';

const HELP = `Measures tracker and counting at 1, 5, 15, 30 and 60 people.
  --json   print JSON instead of the table
`;

const PEOPLE = [1, 5, 15, 30, 60] as const;
const FRAME_US = US_PER_S / 15;
const WARM_UP_FRAMES = 4000;
const ROUND_FRAMES = 1500;
const ROUND_COUNT = 7;
const COLUMN_COUNT = 10;
/** More than most doors have. */
const LAYOUT = parseConfig(FULL_LAYOUT);

class Crowd {
  readonly #tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: 0.4, scoreLow: 0.2 });
  readonly #counting = new Counting(LAYOUT, 256, 192, NO_EVENTS);
  readonly #table = new DetectionTable();
  readonly #peopleCount: number;
  #frameIndex = 0;

  constructor(peopleCount: number) {
    this.#peopleCount = peopleCount;
  }

  get trackCount(): number {
    return this.#tracker.confirmedCount;
  }

  /** Microseconds of one step of the tracker, and of counting after it. */
  step(): { trackUs: number; countUs: number } {
    const k = this.#frameIndex;
    this.#frameIndex += 1;
    this.#table.clear();
    for (let i = 0; i < this.#peopleCount; i++) {
      if ((k * 7 + i * 13) % 10 === 0) continue;
      const xPx = 10 + (i % COLUMN_COUNT) * 24 + 6 * Math.sin(k / 9 + i) + Math.sin(k * i);
      const yPx = 15 + Math.floor(i / COLUMN_COUNT) * 28 + 6 * Math.cos(k / 7 + i) + Math.cos(k * i);
      this.#table.add(xPx, yPx, 26, 30, 0.9);
    }
    const beganNs = process.hrtime.bigint();
    this.#tracker.step(this.#table, k * FRAME_US);
    const trackedNs = process.hrtime.bigint();
    this.#counting.step(this.#tracker, k * FRAME_US);
    const countedNs = process.hrtime.bigint();
    return { trackUs: Number(trackedNs - beganNs) / 1000, countUs: Number(countedNs - trackedNs) / 1000 };
  }
}

export function benchTracker(words: string[]): ExitCode {
  const { values } = parseArgs({
    args: words,
    options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const crowds = PEOPLE.map((people) => ({
    people,
    crowd: new Crowd(people),
    track: { p50: [] as number[], p99: [] as number[] },
    count: { p50: [] as number[], p99: [] as number[] },
  }));
  for (const { crowd } of crowds) for (let i = 0; i < WARM_UP_FRAMES; i++) crowd.step();
  for (let i = 0; i < ROUND_COUNT; i++) {
    for (const { crowd, track, count } of crowds) {
      const steps = Array.from({ length: ROUND_FRAMES }, () => crowd.step());
      for (const [part, times] of [
        [track, steps.map(({ trackUs }) => trackUs)],
        [count, steps.map(({ countUs }) => countUs)],
      ] as const) {
        const round = summarise(times);
        part.p50.push(round.median);
        part.p99.push(round.p99);
      }
    }
  }
  const median = (rounds: number[]) => Math.round(10 * summarise(rounds).median) / 10;
  const rows = crowds.map(({ people, crowd, track, count }) => ({
    people,
    tracks: crowd.trackCount,
    p50_us: median(track.p50),
    p99_us: median(track.p99),
    count_p50_us: median(count.p50),
    count_p99_us: median(count.p99),
  }));
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ board: boardName(), node: process.version, tracks_max: DETECTIONS_MAX, rows }, null, 2)}\n`,
    );
    return ExitCode.ok;
  }
  process.stdout.write(
    `tracker, and counting after it, on ${boardName()}, Node ${process.versions.node}, one core; median of ${ROUND_COUNT} rounds\n`,
  );
  process.stdout.write('people   tracks   p50 µs   p99 µs   counting p50 µs   p99 µs\n');
  for (const { people, tracks, ...times } of rows) {
    const { p50_us, p99_us, count_p50_us, count_p99_us } = times;
    const cells = [people, tracks, p50_us.toFixed(1), p99_us.toFixed(1)].map((cell) => String(cell).padStart(6));
    process.stdout.write(
      `${cells.join('   ')}   ${count_p50_us.toFixed(1).padStart(15)}   ${count_p99_us.toFixed(1).padStart(6)}\n`,
    );
  }
  return ExitCode.ok;
}
