/**
 * Plot: counting at a glance, as one SVG file that needs nothing else. Counted against true with the wedge of the margin,
 * the same over time, precision and recall by density with their lower bounds, and every entrance by name.
 * In is blue and round, out is orange and square on its tip, so that neither colour is needed to tell them apart.
 */
import { MARGIN_SHARE_DEFAULT } from '../statistics.ts';
import { WAYS, type Way } from './match.ts';
import { type Band, errorsOf, type Rates, type Sequence, score, scoreSequence } from './score.ts';
import { type Box, escapeXml, FAINT, INK, line, type Mark, mark, panel, polygon, SURFACE, steps, text } from './svg.ts';
import { percent } from './table.ts';

export type PlotOptions = {
  readonly title: string;
  /** What a sequence is: `clip`, `scene`. */
  readonly entranceWord: string;
  /** Who is counted for the density. */
  readonly densityWord: 'tracks' | 'people';
};

const WIDTH = 1120;
const TOP = 110;
const PANEL_HEIGHT = 330;
const SURPLUS_HEIGHT = 130;
const ROW_HEIGHT = 16;
/** With more entrances than this the lines between them hide what they separate. */
const BORDERS_MAX = 40;
const COLOURS: Readonly<Record<Way, string>> = { in: '#1f6fb2', out: '#d9731a' };
const MARKS: Readonly<Record<Way, Mark>> = { in: 'circle', out: 'diamond' };
const PRECISION_COLOUR = '#3a7d44';
const RECALL_COLOUR = '#7b4ea3';
const S_PER_MIN = 60;
const LISTS = ['truth', 'counted'] as const;

/** Nobody crosses by halves. */
const wholeNumber = (value: number): string => (Number.isInteger(value) ? String(value) : '');

type Entrance = { readonly name: string } & Readonly<Record<Way, Rates>>;

export function drawPlot(sequences: readonly Sequence[], { title, entranceWord, densityWord }: PlotOptions): string {
  const entrances = sequences.map((sequence) => ({
    name: sequence.name,
    in: scoreSequence(sequence, 'in'),
    out: scoreSequence(sequence, 'out'),
  }));
  const { directions, density } = score(sequences);
  const secondTop = TOP + PANEL_HEIGHT + 110;
  const thirdTop = secondTop + PANEL_HEIGHT + 80;
  const listTop = thirdTop + SURPLUS_HEIGHT + 90;
  const rowCount = Math.ceil(entrances.length / 2);
  const height = listTop + 40 + rowCount * ROW_HEIGHT + 20;
  const verdicts = WAYS.map((way) => {
    const { equivalence, trueCount, countedCount } = directions[way];
    return `${way}: ${countedCount} counted of ${trueCount}, ${equivalence.verdict.replace('_', ' ')} within ±${percent(equivalence.marginShare, 0)}`;
  });
  const parts = [
    text(40, 40, title, { size: 20, weight: 600 }),
    text(40, 62, verdicts.join('; '), { size: 12, fill: '#52606d' }),
    wayLegend(WIDTH - 150, 36),
    drawWedge({ x: 70, y: TOP, width: 440, height: PANEL_HEIGHT }, entrances, entranceWord),
    drawDensity({ x: 620, y: TOP, width: 450, height: PANEL_HEIGHT }, density, densityWord),
    drawTime({ x: 70, y: secondTop, width: 1000, height: PANEL_HEIGHT }, sequences, entranceWord),
    drawSurplus({ x: 70, y: thirdTop, width: 1000, height: SURPLUS_HEIGHT }, sequences),
    drawList({ x: 70, y: listTop, width: 1000, height: 0 }, entrances, entranceWord),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, 'Helvetica Neue', Arial, sans-serif">
<title>${escapeXml(title)}</title>
<rect width="${WIDTH}" height="${height}" fill="${SURFACE}"/>
${parts.join('\n')}
</svg>
`;
}

function wayLegend(x: number, y: number): string {
  return WAYS.map((way, i) =>
    [mark(MARKS[way], x + i * 60, y - 4, COLOURS[way], way), text(x + i * 60 + 10, y, way, { size: 12 })].join('\n'),
  ).join('\n');
}

/** One point an entrance and direction; inside the wedge the count is within the margin. */
function drawWedge(box: Box, entrances: readonly Entrance[], entranceWord: string): string {
  const most = Math.max(
    ...entrances.flatMap((one) => WAYS.flatMap((way) => [one[way].trueCount, one[way].countedCount])),
    1,
  );
  const to = most * 1.06;
  const axis = { from: 0, to, format: wholeNumber };
  const { x, y, svg } = panel(
    box,
    `Each ${entranceWord}, each direction`,
    { ...axis, label: 'true crossings' },
    { ...axis, label: 'counted crossings' },
  );
  const end = to / (1 + MARGIN_SHARE_DEFAULT);
  const points = entrances.flatMap((one, place) =>
    WAYS.flatMap((way) => {
      const { trueCount, countedCount } = one[way];
      if (trueCount === 0 && countedCount === 0) return [];
      const name = `${place + 1} ${one.name}, ${way}: ${countedCount} counted, ${trueCount} true`;
      return [mark(MARKS[way], x(trueCount), y(countedCount), COLOURS[way], name)];
    }),
  );
  return [
    svg,
    polygon(
      [
        [x(0), y(0)],
        [x(end), y(to)],
        [x(to), y(to)],
        [x(to), y(to * (1 - MARGIN_SHARE_DEFAULT))],
      ],
      '#7bb686',
      0.45,
    ),
    line(x(0), y(0), x(to), y(to), FAINT, 1, '4 3'),
    text(x(to * 0.97), y(to * 0.05), `green: within ±${percent(MARGIN_SHARE_DEFAULT, 0)}`, {
      anchor: 'end',
      fill: '#52606d',
    }),
    ...points,
  ].join('\n');
}

/** `4–6`, `11+`. */
function shortName({ from, to }: Band): string {
  return to === Infinity ? `${from}+` : `${from}–${to}`;
}

/** The share as a point, its lower bound as the foot of the line below it. */
function drawDensity(box: Box, density: readonly Band[], densityWord: string): string {
  const bounds = density.flatMap(({ rates }) => [rates.precisionLower ?? 1, rates.recallLower ?? 1]);
  const from = Math.max(0, Math.floor((Math.min(...bounds, 0.9) - 0.01) * 20) / 20);
  const { x, y, svg } = panel(
    box,
    `Precision and recall, with their 95 % lower bounds`,
    { from: 0, to: Math.max(1, density.length), label: `${densityWord} in view (n: true crossings)`, format: () => '' },
    { from, to: 1, label: 'share', format: (value) => percent(value, 0) },
  );
  const columns = density.flatMap((band, place) => {
    const middle = x(place + 0.5);
    const bar = (
      value: number | null,
      lower: number | null,
      atX: number,
      colour: string,
      shape: Mark,
      word: string,
    ) => {
      if (value === null || lower === null) return [];
      return [
        line(atX, y(value), atX, y(lower), colour, 2.5),
        line(atX - 7, y(lower), atX + 7, y(lower), colour, 2.5),
        mark(shape, atX, y(value), colour, `${word} ${percent(value)}, at least ${percent(lower)}`, 5.5),
      ];
    };
    const { precision, precisionLower, recall, recallLower, trueCount } = band.rates;
    return [
      text(middle, box.y + box.height + 17, `${shortName(band)} (${trueCount})`, { anchor: 'middle', fill: '#52606d' }),
      ...bar(precision, precisionLower, middle - 12, PRECISION_COLOUR, 'circle', 'precision'),
      ...bar(recall, recallLower, middle + 12, RECALL_COLOUR, 'diamond', 'recall'),
    ];
  });
  const bottom = box.y + box.height;
  return [
    svg,
    ...columns,
    mark('circle', box.x + 14, bottom - 14, PRECISION_COLOUR, 'precision'),
    text(box.x + 24, bottom - 10, 'precision'),
    mark('diamond', box.x + 94, bottom - 14, RECALL_COLOUR, 'recall'),
    text(box.x + 104, bottom - 10, 'recall'),
  ].join('\n');
}

/** The axis of time over all entrances, one after the other. */
function timeAxis(sequences: readonly Sequence[]) {
  const totalS = Math.max(
    1,
    sequences.reduce((sum, { durationS }) => sum + durationS, 0),
  );
  const unitS = totalS > 3 * S_PER_MIN ? S_PER_MIN : 1;
  const label = unitS === 1 ? 'seconds' : 'minutes';
  return { totalS, unitS, axis: { from: 0, to: totalS / unitS, label } };
}

/** Where the thin dark line leaves the broad pale one, something went wrong. */
function drawTime(box: Box, sequences: readonly Sequence[], entranceWord: string): string {
  const { totalS, unitS, axis } = timeAxis(sequences);
  const most = Math.max(1, ...WAYS.flatMap((way) => LISTS.map((list) => cumulate(sequences, list, way).length)));
  const { x, y, svg } = panel(
    box,
    `Over time, one ${entranceWord} after the other: pale is true, dark is counted`,
    { ...axis, label: '' },
    { from: 0, to: most * 1.06, label: 'crossings so far', format: wholeNumber },
  );
  let begin = 0;
  const borders = sequences.slice(0, -1).map(({ durationS }) => {
    begin += durationS;
    return line(x(begin / unitS), box.y, x(begin / unitS), box.y + box.height, FAINT, 0.6, '2 3');
  });
  const curve = (list: 'truth' | 'counted', way: Way, width: number, opacity: number) => {
    const times = cumulate(sequences, list, way);
    const points = times.map((atS, place): [number, number] => [x(atS / unitS), y(place + 1)]);
    return steps([[x(0), y(0)], ...points, [x(totalS / unitS), y(times.length)]], COLOURS[way], width, opacity);
  };
  return [
    svg,
    ...(sequences.length > BORDERS_MAX ? [] : borders),
    ...WAYS.map((way) => curve('truth', way, 7, 0.28)),
    ...WAYS.map((way) => curve('counted', way, 1.6, 1)),
  ].join('\n');
}

/**
 * What a day's total would be off by; the curves above are too steep to show it after a thousand crossings. Made of missed
 * and doubled events, because a matched one that comes a little late is no error.
 */
function drawSurplus(box: Box, sequences: readonly Sequence[]): string {
  const { totalS, unitS, axis } = timeAxis(sequences);
  const curves = WAYS.map((way) => {
    let begin = 0;
    const changes = sequences.flatMap((sequence) => {
      const { missed, doubled } = errorsOf(sequence, way);
      const beginS = begin;
      begin += sequence.durationS;
      const change = (by: number) => (event: { readonly atS: number }) => ({ atS: beginS + event.atS, by });
      return [...missed.map(change(-1)), ...doubled.map(change(1))];
    });
    let surplus = 0;
    const points = changes
      .sort((a, b) => a.atS - b.atS)
      .map(({ atS, by }) => {
        surplus += by;
        return { atS, surplus };
      });
    return { way, points: [{ atS: 0, surplus: 0 }, ...points, { atS: totalS, surplus }] };
  });
  const most = curves.reduce(
    (max, { points }) => points.reduce((m, one) => Math.max(m, Math.abs(one.surplus)), max),
    1,
  );
  const { x, y, svg } = panel(box, 'Counted less true, so far', axis, {
    from: -most * 1.1,
    to: most * 1.1,
    label: 'surplus',
    format: wholeNumber,
  });
  return [
    svg,
    line(x(0), y(0), x(totalS / unitS), y(0), FAINT),
    ...curves.map(({ way, points }) =>
      steps(
        points.map(({ atS, surplus }) => [x(atS / unitS), y(surplus)] as const),
        COLOURS[way],
        1.4,
      ),
    ),
  ].join('\n');
}

/** Times of one direction's events, seconds from the beginning of the first sequence, rising. */
function cumulate(sequences: readonly Sequence[], list: 'truth' | 'counted', way: Way): number[] {
  let begin = 0;
  return sequences.flatMap((sequence) => {
    const times = sequence[list].flatMap(({ atS, direction }) => (direction === way ? [begin + atS] : []));
    begin += sequence.durationS;
    return times.sort((a, b) => a - b);
  });
}

/** Everybody by name, in two columns, numbered as the points are under the pointer. */
function drawList(box: Box, entrances: readonly Entrance[], entranceWord: string): string {
  const rowCount = Math.ceil(entrances.length / 2);
  const rows = entrances.map((one, place) => {
    const left = box.x + (place < rowCount ? 0 : box.width / 2 + 20);
    const top = box.y + 24 + (place % Math.max(1, rowCount)) * ROW_HEIGHT;
    const numbers = WAYS.map((way, i) =>
      text(left + 330 + i * 75, top, `${one[way].countedCount} of ${one[way].trueCount}`, {
        anchor: 'end',
        fill: COLOURS[way],
      }),
    );
    return [
      text(left + 18, top, String(place + 1), { anchor: 'end', fill: '#52606d' }),
      text(left + 28, top, one.name, { fill: INK }),
      ...numbers,
    ].join('\n');
  });
  return [
    text(box.x, box.y, `Every ${entranceWord}: counted of true, in and out`, { size: 13, weight: 600 }),
    ...rows,
  ].join('\n');
}
