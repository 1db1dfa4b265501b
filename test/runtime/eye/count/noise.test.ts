// Goal: with a detector that is right but for noise, nearly every crossing of a busy entrance is counted once.
// Method: people of the scene (positions only, nothing is drawn), their exact boxes with seeded noise, the real tracker and
// line counter; truth from the scene. NOISE_MINUTES=5 runs a quarter of an hour of each camera's angle and prints the figures.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../../../drivers/camera/scene/random.ts';
import { Scene } from '../../../../drivers/camera/scene/simulation.ts';
import { matchEvents } from '../../../../runtime/commands/evaluate/match.ts';
import { fillNoisy, NOISE_SCORE_LOW, NOISE_SCORE_MIN } from '../../../../runtime/commands/evaluate/noise.ts';
import type { Crossing } from '../../../../runtime/commands/replay.ts';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { Counting, NO_EVENTS } from '../../../../runtime/eye/count/counting.ts';
import { DetectionTable } from '../../../../runtime/eye/track/detections.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../../../runtime/eye/track/tracker.ts';

const FRAME_RATE_HZ = 15;
const WIDTH_PX = 256;
const HEIGHT_PX = 192;
const MINUTES = Number(process.env['NOISE_MINUTES'] ?? 1);
/** One angle has some 140 crossings a minute: two may be wrong by chance. */
const RIGHT_MIN = 0.985;
/** All angles together, from a quarter of an hour of each on. */
const RIGHT_MIN_LONG = 0.995;
const LONG_MINUTES = 5;
const LAYOUT = parseConfig({}); // one line, across the middle
/** A body that turns on the spot swings by 4 % of the height; the product's band is wider by half as much as these boxes jitter. */
const TRUE_BAND = 0.04;

type Tally = { trueCount: number; countedCount: number; matchedCount: number };

function play(tally: Tally, seed: number, tiltDeg: number, peoplePerMinute: number): void {
  const scene = new Scene({ seed, tiltDeg, peoplePerMinute, bandNorm: TRUE_BAND, heightM: tiltDeg === 0 ? 3.5 : 3 });
  const random = new Random(seed, 9);
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: NOISE_SCORE_MIN, scoreLow: NOISE_SCORE_LOW });
  const table = new DetectionTable();
  const truth: { t: number; dir: string }[] = [];
  const counted: Crossing[] = [];
  const counting = new Counting(LAYOUT, WIDTH_PX, HEIGHT_PX, {
    ...NO_EVENTS,
    onCrossing: (_, direction, atUs) => {
      counted.push({ atS: atUs / 1e6, line: 'door', direction: direction === 0 ? 'in' : 'out' });
    },
  });
  for (let k = 0; k < MINUTES * 60 * FRAME_RATE_HZ; k++) {
    const atUs = (k * 1e6) / FRAME_RATE_HZ;
    scene.step(k);
    fillNoisy(table, scene, random);
    tracker.step(table, atUs);
    counting.step(tracker, atUs);
    const { crossings } = scene;
    for (let i = 0; i < crossings.count; i++)
      truth.push({ t: atUs / 1e6, dir: crossings.direction[i] === 0 ? 'in' : 'out' });
  }
  tally.trueCount += truth.length;
  tally.countedCount += counted.length;
  tally.matchedCount += matchEvents(truth, counted);
}

function check({ trueCount, countedCount, matchedCount }: Tally, rightMin: number): void {
  const precision = matchedCount / countedCount;
  const recall = matchedCount / trueCount;
  const figures = `${trueCount} true, ${countedCount} counted, ${matchedCount} matched`;
  if (MINUTES >= LONG_MINUTES) process.stdout.write(`${figures}\n`);
  assert.ok(trueCount > 60 * MINUTES, figures);
  assert.ok(precision >= rightMin, `precision ${precision.toFixed(4)}: ${figures}`);
  assert.ok(recall >= rightMin, `recall ${recall.toFixed(4)}: ${figures}`);
}

const all: Tally = { trueCount: 0, countedCount: 0, matchedCount: 0 };
for (const tiltDeg of [0, 25, 45]) {
  test(`${tiltDeg} degrees from straight down, noise on exact boxes: crossings are counted once`, () => {
    const tally: Tally = { trueCount: 0, countedCount: 0, matchedCount: 0 };
    for (const peoplePerMinute of [30, 60, 90]) play(tally, 1, tiltDeg, peoplePerMinute);
    all.trueCount += tally.trueCount;
    all.countedCount += tally.countedCount;
    all.matchedCount += tally.matchedCount;
    check(tally, RIGHT_MIN);
  });
}

test('noise on exact boxes, all angles together: crossings are counted once', () => {
  check(all, MINUTES >= LONG_MINUTES ? RIGHT_MIN_LONG : RIGHT_MIN);
});

test.run();
