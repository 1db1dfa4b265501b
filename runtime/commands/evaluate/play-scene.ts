/**
 * Play scene: one case of the suite, frame by frame and as fast as it goes, through the product's own pipeline, or through
 * tracker and counter alone with exact boxes plus noise ("perfect"). The truth comes from the scene, the count from the product.
 * Times are frame numbers over the frame rate, so the result depends on neither the machine nor on what else it does.
 */
import { Random } from '../../../drivers/camera/scene/random.ts';
import {
  SCENE_FORMAT_DEFAULT,
  SCENE_LINE_DEFAULT,
  Scene,
  type SceneLine,
} from '../../../drivers/camera/scene/simulation.ts';
import type { SceneCase } from '../../../drivers/camera/scene/suite.ts';
import { SystemClock } from '../../../drivers/clock/system.ts';
import type { Config } from '../../config/schema.ts';
import { Direction } from '../../corridor/record.ts';
import { type CountEvents, Counting, type CountLayout, NO_EVENTS } from '../../eye/count/counting.ts';
import { loadModel } from '../../eye/model.ts';
import { createPipeline, frameFormatOf } from '../../eye/pipeline.ts';
import { DetectionTable } from '../../eye/track/detections.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../eye/track/tracker.ts';
import { US_PER_S } from '../../units.ts';
import { MATCH_S, pairTimes, WAYS, type Way } from './match.ts';
import type { NetEvent, PersonVisit } from './net.ts';
import { fillNoisy, NOISE_SCORE_LOW, NOISE_SCORE_MIN, VISIBLE_MIN } from './noise.ts';
import type { PassedEvent, Sequence } from './score.ts';
import { lineBetween } from './truth.ts';

/** What one line of one case gave; plain data, so that it travels between threads. */
export type PlayedLine = Sequence & {
  /** Everybody who crossed the line. */
  readonly visits: readonly PersonVisit[];
  /** Net events of the product. */
  readonly net: readonly NetEvent[];
};

export type PlayOptions = { readonly config: Config; readonly perfect: boolean };

type Counter = {
  /** Looks at the scene's present frame and counts in it. */
  readonly step: (atUs: number) => void;
  /** Nobody is in view any more. */
  readonly end: (atUs: number) => void;
};

const wayOf = (direction: number): Way => (direction === Direction.in ? 'in' : 'out');

export function playScene(scene: SceneCase, { config, perfect }: PlayOptions): PlayedLine[] {
  const played = new Scene({ ...scene.options, realtime: false }, formatFor(config, perfect));
  const { lines } = played.options;
  const { frameRateHz } = played.format;
  const truth: PassedEvent[][] = lines.map(() => []);
  const counted: PassedEvent[][] = lines.map(() => []);
  const visits = lines.map(() => new Map<number, { balance: number; crossingCount: number; lastSeenAtS: number }>());
  const net: NetEvent[][] = lines.map(() => []);
  const events: CountEvents = {
    ...NO_EVENTS,
    onCrossing: (lineIndex, direction, atUs) => {
      const peopleInView = visibleCount(played);
      counted[lineIndex]!.push({ atS: atUs / US_PER_S, direction: wayOf(direction), peopleInView });
    },
    onNet: (lineIndex, direction, atUs) => {
      net[lineIndex]!.push({ atS: atUs / US_PER_S, direction: wayOf(direction) });
    },
  };
  const counter = (perfect ? perfectCounter : productCounter)(played, config, layoutOf(lines), events);
  const frameCount = Math.round((scene.seconds + MATCH_S) * frameRateHz);
  for (let frame = 0; frame < frameCount; frame += 1) {
    const atUs = (frame * US_PER_S) / frameRateHz;
    const atS = atUs / US_PER_S;
    played.step(frame);
    counter.step(atUs);
    noteTruth(played, atS, truth, visits);
  }
  counter.end((frameCount * US_PER_S) / frameRateHz);
  return lines.map((_, index) => ({
    name: lines.length === 1 ? scene.name : `${scene.name}, line ${index + 1}`,
    durationS: scene.seconds,
    ...withoutTail(truth[index]!, counted[index]!, scene.seconds),
    visits: [...visits[index]!.values()],
    net: net[index]!,
  }));
}

/**
 * A scene is played on for MATCH_S, so that a crossing of its last second can still be counted late. What is true only after
 * its end is not looked at, nor what was counted for it.
 */
function withoutTail(truth: readonly PassedEvent[], counted: readonly PassedEvent[], endS: number) {
  const partner = new Map<PassedEvent, PassedEvent>();
  for (const way of WAYS) {
    const trueOnes = truth.filter(({ direction }) => direction === way);
    const countedOnes = counted.filter(({ direction }) => direction === way);
    const timesOf = (events: readonly PassedEvent[]) => events.map(({ atS }) => atS);
    for (const [i, j] of pairTimes(timesOf(trueOnes), timesOf(countedOnes))) partner.set(countedOnes[j]!, trueOnes[i]!);
  }
  return {
    truth: truth.filter(({ atS }) => atS < endS),
    counted: counted.filter((event) => (partner.get(event) ?? event).atS < endS),
  };
}

/** Exact boxes need no model, and so no model's format. */
function formatFor(config: Config, perfect: boolean) {
  if (perfect) return { ...SCENE_FORMAT_DEFAULT, frameRateHz: config.camera.frameRateHz };
  return frameFormatOf(config, loadModel(config.model.manifest, config.model.publicKey));
}

function productCounter(scene: Scene, config: Config, layout: CountLayout, events: CountEvents): Counter {
  const model = loadModel(config.model.manifest, config.model.publicKey);
  const { loop } = createPipeline(config, model, layout, new SystemClock(), events);
  return {
    step: (atUs) => {
      loop.beginFrame();
      scene.draw(loop.slot);
      loop.completeFrame(atUs);
    },
    end: () => loop.forget(),
  };
}

function perfectCounter(scene: Scene, _config: Config, layout: CountLayout, events: CountEvents): Counter {
  const { widthPx, heightPx } = scene.format;
  const random = new Random(scene.options.seed, 9);
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: NOISE_SCORE_MIN, scoreLow: NOISE_SCORE_LOW });
  const table = new DetectionTable();
  const counting = new Counting(layout, widthPx, heightPx, events);
  return {
    step: (atUs) => {
      fillNoisy(table, scene, random);
      tracker.step(table, atUs);
      counting.step(tracker, atUs);
    },
    end: (atUs) => counting.forget(atUs),
  };
}

function noteTruth(
  scene: Scene,
  atS: number,
  truth: readonly PassedEvent[][],
  visits: readonly Map<number, { balance: number; crossingCount: number; lastSeenAtS: number }>[],
): void {
  const { crossings, people } = scene;
  for (let i = 0; i < crossings.count; i += 1) {
    const line = crossings.lineIndex[i]!;
    const direction = wayOf(crossings.direction[i]!);
    truth[line]!.push({ atS, direction, peopleInView: visibleCount(scene) });
    const id = crossings.personId[i]!;
    const visit = visits[line]!.get(id) ?? { balance: 0, crossingCount: 0, lastSeenAtS: atS };
    visit.balance += direction === 'in' ? 1 : -1;
    visit.crossingCount += 1;
    visits[line]!.set(id, visit);
  }
  for (let row = 0; row < people.count; row += 1) {
    if (people.visible[row]! < VISIBLE_MIN) continue;
    for (const visitsOfLine of visits) {
      const visit = visitsOfLine.get(people.ids[row]!);
      if (visit !== undefined) visit.lastSeenAtS = atS;
    }
  }
}

function visibleCount({ people }: Scene): number {
  let count = 0;
  for (let row = 0; row < people.count; row += 1) if (people.visible[row]! >= VISIBLE_MIN) count += 1;
  return count;
}

/** The scene's lines as the product is configured with them. */
function layoutOf(lines: readonly SceneLine[] = [SCENE_LINE_DEFAULT]): CountLayout {
  const configs = lines.map(({ fromNorm, toNorm, inNorm: [x, y] }, index) => {
    const isSideways = Math.abs(x) > Math.abs(y);
    const way = isSideways ? (x > 0 ? 'right' : 'left') : y > 0 ? 'down' : 'up';
    return lineBetween(index === 0 ? 'door' : `door-${index + 1}`, fromNorm, toNorm, way);
  });
  return { lines: configs, entrances: [], zones: [] };
}
