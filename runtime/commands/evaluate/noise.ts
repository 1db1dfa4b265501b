/**
 * Noise: a detector that is right but for noise, made of the scene's exact boxes. What tracker and counter get wrong with
 * it is their own fault, and no better detector would mend it.
 */
import type { Random } from '../../../drivers/camera/scene/random.ts';
import type { Scene } from '../../../drivers/camera/scene/simulation.ts';
import type { DetectionTable } from '../../eye/track/detections.ts';
import { within01 } from '../../units.ts';

const JITTER_PX = 2;
const MISSED_SHARE = 0.1;
/** False detections, anywhere in the picture, for each true one. */
const FALSE_SHARE = 0.05;
/** Who is behind the wall or the picture's edge is not in it. */
export const VISIBLE_MIN = 0.3;
/** Thresholds of the tracker that suit the two scores below. */
export const NOISE_SCORE_MIN = 0.4;
export const NOISE_SCORE_LOW = 0.2;
const TRUE_SCORE = 0.9;
const FALSE_SCORE = 0.6;

/** Puts the scene's people of the present frame, with noise, into an emptied table. */
export function fillNoisy(table: DetectionTable, scene: Scene, random: Random): void {
  const { people, format } = scene;
  const { widthPx, heightPx } = format;
  table.clear();
  let visibleCount = 0;
  for (let row = 0; row < people.count; row++) {
    if (people.visible[row]! < VISIBLE_MIN) continue;
    visibleCount += 1;
    if (random.chance(MISSED_SHARE)) continue;
    // As far as the picture shows them: no detector is taught what lies beyond its edge.
    const [left, top, right, bottom] = people.boxesNorm.subarray(row * 4, row * 4 + 4).map(within01);
    table.add(
      ((left! + right!) / 2) * widthPx + random.bell(0, JITTER_PX),
      ((top! + bottom!) / 2) * heightPx + random.bell(0, JITTER_PX),
      (right! - left!) * widthPx,
      (bottom! - top!) * heightPx,
      TRUE_SCORE,
    );
  }
  if (random.chance(FALSE_SHARE * Math.max(1, visibleCount))) {
    const size = random.between(25, 50);
    const [xPx, yPx] = [random.between(0, widthPx), random.between(0, heightPx)];
    table.add(xPx, yPx, size, size * random.between(1, 1.8), FALSE_SCORE);
  }
}
