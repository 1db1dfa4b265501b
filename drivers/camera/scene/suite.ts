/** Scene suite: the seeded entrances by which counting is judged (`lethe evaluate --scenes`), from an empty door to a crowd. */
import type { SceneOptions } from './simulation.ts';

export type SceneCase = {
  readonly name: string;
  /** How busy it is: people in view at the busiest, about. */
  readonly peopleInView: 1 | 3 | 6 | 10 | 15;
  /** What happens in it, for people. */
  readonly situations: string;
  readonly options: Partial<SceneOptions>;
  readonly seconds: number;
  /** Part of the short run. */
  readonly quick?: boolean;
};

const LEVELS = [
  { peopleInView: 1, peoplePerMinute: 10 },
  { peopleInView: 3, peoplePerMinute: 20 },
  { peopleInView: 6, peoplePerMinute: 45 },
  { peopleInView: 10, peoplePerMinute: 80 },
  { peopleInView: 15, peoplePerMinute: 120 },
] as const;
const TILTS_DEG = [0, 25, 45];

export const SCENE_SUITE: readonly SceneCase[] = LEVELS.flatMap(({ peopleInView, peoplePerMinute }, level) =>
  TILTS_DEG.map((tiltDeg) => ({
    name: `walk-${peopleInView}-tilt-${tiltDeg}`,
    peopleInView,
    situations: 'people who come, go and pass by',
    options: { seed: 100 + level, peoplePerMinute, tiltDeg, heightM: tiltDeg === 0 ? 3.5 : 3 },
    seconds: 120,
    quick: tiltDeg === 25 && peopleInView <= 6,
  })),
);
