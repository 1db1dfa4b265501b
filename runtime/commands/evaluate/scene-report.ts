/** Scene report: what `lethe evaluate --scenes` prints, one row a case, by how busy it is, then everything over all cases. */
import type { SceneCase } from '../../../drivers/camera/scene/suite.ts';
import { hashCrossings } from '../replay.ts';
import { MATCH_S, WAYS } from './match.ts';
import { type NetScore, scoreNet } from './net.ts';
import type { PlayedLine } from './play-scene.ts';
import { ratesJson, ratesTable, scoreJson, scoreText } from './report.ts';
import { type Rates, ratesOf, type Score, score, scoreSequence } from './score.ts';
import { table } from './table.ts';

export type PlayedCase = { readonly scene: SceneCase; readonly lines: readonly PlayedLine[] };

type Level = {
  readonly peopleInView: number;
  readonly score: Score;
  readonly net: NetScore;
};

/** SHA-256 over the crossings of all cases in the suite's order, named after their case. */
export function hashScenes(played: readonly PlayedCase[]): string {
  const lines = played.flatMap((one) => one.lines);
  return hashCrossings(
    lines.flatMap(({ name, counted }) => counted.map(({ atS, direction }) => ({ atS, direction, line: name }))),
  );
}

function levelsOf(played: readonly PlayedCase[]): Level[] {
  const levels = [...new Set(played.map(({ scene }) => scene.peopleInView))].sort((a, b) => a - b);
  return levels.map((peopleInView) => {
    const lines = played.filter(({ scene }) => scene.peopleInView === peopleInView).flatMap((one) => one.lines);
    return { peopleInView, score: score(lines), net: scoreNet(lines) };
  });
}

/** Both directions together: a situation alone has few people. */
function situationRows(played: readonly PlayedCase[]): [string, Rates][] {
  const words = [...new Set(played.map(({ scene }) => scene.situations))];
  return words.map((situation) => {
    const lines = played.filter(({ scene }) => scene.situations === situation).flatMap((one) => one.lines);
    const { in: rateIn, out } = score(lines).directions;
    const sum = (of: (rates: Rates) => number) => of(rateIn) + of(out);
    const rates = ratesOf(
      sum((one) => one.trueCount),
      sum((one) => one.countedCount),
      sum((one) => one.matchedCount),
    );
    return [situation, rates];
  });
}

function turnBackText({ turnBackCount, turnBackRightCount }: NetScore): string {
  return turnBackCount === 0 ? 'no turn-backs' : `${turnBackRightCount} of ${turnBackCount} turn-backs netted right`;
}

/** One row a scene; the shares and their bounds are for the levels, a scene alone has too few people for them. */
function sceneTable(lines: readonly PlayedLine[]): string {
  const header = ['scene', 'true in', 'counted', 'matched', 'true out', 'counted', 'matched', 'missed', 'doubled'];
  const rows = lines.map((line) => {
    const rates = WAYS.map((way) => scoreSequence(line, way));
    const missedCount = rates.reduce((sum, { trueCount, matchedCount }) => sum + trueCount - matchedCount, 0);
    const doubledCount = rates.reduce((sum, { countedCount, matchedCount }) => sum + countedCount - matchedCount, 0);
    const counts = rates.flatMap(({ trueCount, countedCount, matchedCount }) => [
      trueCount,
      countedCount,
      matchedCount,
    ]);
    return [line.name, ...[...counts, missedCount, doubledCount].map(String)];
  });
  return table([header, ...rows]);
}

/** perfect: exact boxes with noise stood in for the detector. */
export function sceneText(played: readonly PlayedCase[], perfect: boolean): string {
  const lines = played.flatMap((one) => one.lines);
  const levels = levelsOf(played);
  const byWay = <T>(of: (way: (typeof WAYS)[number]) => T): T[] => WAYS.map(of);
  const rowsOf = (name: string, directions: Readonly<Record<'in' | 'out', Rates>>) =>
    byWay((way): readonly [string, Rates] => [`${name}, ${way}`, directions[way]]);
  const parts = [
    sceneTable(lines),
    ratesTable(
      'people in view, about',
      levels.flatMap((level) => rowsOf(String(level.peopleInView), level.score.directions)),
    ),
    ratesTable('situation, both directions', situationRows(played)),
    scoreText(score(lines), 'people'),
    ratesTable(
      'net, people in view',
      levels.flatMap(({ peopleInView, net }) => rowsOf(String(peopleInView), net.directions)),
    ),
    levels.map(({ peopleInView, net }) => `${peopleInView} people in view: ${turnBackText(net)}`).join('\n'),
  ];
  const seconds = played.reduce((sum, { scene }) => sum + scene.seconds, 0);
  return `${parts.join('\n\n')}

${played.length} scenes, ${(seconds / 60).toFixed(0)} minutes; crossings matched within ${MATCH_S} s; ${perfect ? 'exact boxes with noise in place of the detector' : 'the product’s own detector'}
crossings of all scenes in this order: sha256 ${hashScenes(played)}
Numbers on simulated entrances are not the accuracy at somebody’s door.
`;
}

function netJson(net: NetScore) {
  return {
    directions: { in: ratesJson(net.directions.in), out: ratesJson(net.directions.out) },
    turn_backs: net.turnBackCount,
    turn_backs_right: net.turnBackRightCount,
  };
}

export function sceneJson(
  played: readonly PlayedCase[],
  { perfect, modelSha256 }: { readonly perfect: boolean; readonly modelSha256: string | null },
): object {
  const lines = played.flatMap((one) => one.lines);
  return {
    detector: perfect ? 'exact boxes with noise' : 'model',
    model_sha256: modelSha256,
    scenes: played.flatMap(({ scene, lines: ofScene }) =>
      ofScene.map((line) => ({
        scene: line.name,
        people_in_view: scene.peopleInView,
        situations: scene.situations,
        seconds: scene.seconds,
        directions: { in: ratesJson(scoreSequence(line, 'in')), out: ratesJson(scoreSequence(line, 'out')) },
        net: netJson(scoreNet([line])),
      })),
    ),
    levels: levelsOf(played).map((level) => ({
      people_in_view: level.peopleInView,
      directions: scoreJson(level.score).directions,
      net: netJson(level.net),
    })),
    ...scoreJson(score(lines)),
    net: netJson(scoreNet(lines)),
    crossings_sha256: hashScenes(played),
  };
}
