/**
 * Suite: the entrances on which counting is measured, each with one situation that people counters fail at.
 * A full grid of how many people are in view, how the camera looks down and what they do, so that every cell can be
 * compared with its neighbours; every case has a seed of its own, so it is another shop with other people.
 * Cameras hang higher, see wider and look at wider doors where more people are to fit in: at 3 m and 66 degrees 15
 * people would have to stand in each other's places.
 * A case starts empty, so that nobody is on the line in the first frame. At its end people are still under way: take truth
 * and count over the same frames, or play a second more of both; a count without its truth would look like a false one.
 */
import type { Crowd } from './crowd.ts';
import type { SceneOptions } from './simulation.ts';

export type PeopleInView = 1 | 3 | 6 | 10 | 15;

export type SceneCase = {
  /** `15-25-stand`: people in view, tilt in degrees, situation. */
  readonly name: string;
  readonly peopleInView: PeopleInView;
  /** Words for a table. */
  readonly situations: string;
  readonly options: Partial<SceneOptions>;
  readonly seconds: number;
  /** In the subset for tests, which takes seconds instead of minutes. */
  readonly quick: boolean;
};

type Situation = { readonly key: string; readonly words: string; readonly crowd: Partial<Crowd> };

const PLAIN: Omit<Crowd, 'peopleInView'> = {
  turnBackShare: 0,
  standOnLineShare: 0,
  pairShare: 0,
  loitererCount: 0,
  occluder: false,
  inShare: 0.5,
};

/** Loiterers are added below, as many as fit the number in view. */
const SITUATIONS: readonly Situation[] = [
  { key: 'plain', words: 'two crossing streams', crowd: {} },
  { key: 'turn', words: 'turn-backs', crowd: { turnBackShare: 0.4 } },
  { key: 'stand', words: 'standing on the line', crowd: { standOnLineShare: 0.25 } },
  { key: 'pairs', words: 'pairs abreast, children by the hand', crowd: { pairShare: 0.8 } },
  { key: 'loiter', words: 'loiterers near the line', crowd: { pairShare: 0.2 } },
  { key: 'occluder', words: 'something in the way of the view', crowd: { occluder: true, pairShare: 0.2 } },
];

type Mount = {
  readonly tiltDeg: number;
  readonly heightM: number;
  readonly fovDeg: number;
  readonly doorHalfM: number;
};

type Density = {
  readonly peopleInView: PeopleInView;
  readonly loitererCount: number;
  readonly seconds: number;
  readonly mounts: readonly Mount[];
};

/** Such that the whole width of the way lies between the ends of the default line. */
const mount = (tiltDeg: number, heightM: number, fovDeg: number, doorHalfM: number): Mount => ({
  tiltDeg,
  heightM,
  fovDeg,
  doorHalfM,
});

/** Seconds are such that each level has some 300 crossings in each direction. */
const DENSITIES: readonly Density[] = [
  {
    peopleInView: 1,
    loitererCount: 0,
    seconds: 130,
    mounts: [mount(0, 3.8, 66, 1.1), mount(25, 3.2, 66, 1.1), mount(45, 3, 66, 1.1)],
  },
  {
    peopleInView: 3,
    loitererCount: 1,
    seconds: 60,
    mounts: [mount(0, 3.8, 66, 1.1), mount(25, 3.3, 66, 1.1), mount(45, 3, 66, 1.1)],
  },
  {
    peopleInView: 6,
    loitererCount: 2,
    seconds: 40,
    mounts: [mount(0, 4, 75, 1.4), mount(25, 3.7, 72, 1.4), mount(45, 3.3, 70, 1.4)],
  },
  {
    peopleInView: 10,
    loitererCount: 2,
    seconds: 35,
    mounts: [mount(0, 4.3, 82, 1.7), mount(25, 4.2, 80, 1.7), mount(45, 3.7, 76, 1.7)],
  },
  {
    peopleInView: 15,
    loitererCount: 3,
    seconds: 30,
    mounts: [mount(0, 4.7, 88, 2), mount(25, 4.6, 86, 2), mount(45, 4.2, 82, 2)],
  },
];

/** Cases that tests run, 165 s of the scene: each of another density and situation, all angles. */
const QUICK = new Set(['3-0-turn', '6-25-pairs', '10-45-stand', '15-25-occluder']);

/** All of it is 82 minutes of the scene. */
export const SCENE_SUITE: readonly SceneCase[] = DENSITIES.flatMap((density, densityIndex) =>
  density.mounts.flatMap((view, mountIndex) =>
    SITUATIONS.flatMap((situation, situationIndex): SceneCase[] => {
      const { peopleInView, seconds } = density;
      const isLoitering = situation.key === 'loiter';
      // Who alone is in view cannot loiter and leave the way to others.
      if (isLoitering && density.loitererCount === 0) return [];
      const loitererCount = isLoitering ? density.loitererCount : 0;
      const name = `${peopleInView}-${view.tiltDeg}-${situation.key}`;
      return [
        {
          name,
          peopleInView,
          situations: situation.words,
          seconds,
          quick: QUICK.has(name),
          options: {
            ...view,
            seed: 1000 + densityIndex * 100 + mountIndex * 10 + situationIndex,
            realtime: false,
            crowd: { ...PLAIN, ...situation.crowd, peopleInView, loitererCount },
          },
        },
      ];
    }),
  ),
);
