/** SVG: the few shapes that the plot is made of, axes included. Numbers are rounded to a tenth of a pixel. */

export const INK = '#1f2933';
export const FAINT = '#9aa5b1';
const GRID = '#e4e7eb';
export const SURFACE = '#ffffff';

export type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** What an axis shows: values from..to, written by `format` at round places. */
export type Axis = {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  readonly format?: (value: number) => string;
};

/** A panel's box with its scales; y grows upwards in values, downwards in pixels. */
export type Panel = {
  readonly box: Box;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** Frame, grid, numbers, labels and title, to be drawn first. */
  readonly svg: string;
};

const round = (value: number): string => String(Math.round(value * 10) / 10);

/** Text that may hold anything, as it may stand in an element or an attribute. */
export function escapeXml(text: string): string {
  // Control characters have no place in XML, not even as references.
  return text
    .replace(/[^\t\n\x20-\ud7ff\ue000-\ufffd]/g, '?')
    .replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

type TextOptions = {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly fill?: string;
  readonly weight?: number;
  readonly turned?: boolean;
};

export function text(x: number, y: number, content: string, options: TextOptions = {}): string {
  const { anchor = 'start', size = 11, fill = INK, weight = 400, turned = false } = options;
  const turn = turned ? ` transform="rotate(-90 ${round(x)} ${round(y)})"` : '';
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" font-size="${size}" fill="${fill}" font-weight="${weight}"${turn}>${escapeXml(content)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, stroke = GRID, width = 1, dash = ''): string {
  const dashes = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="${stroke}" stroke-width="${width}"${dashes}/>`;
}

export function polygon(points: readonly (readonly [number, number])[], fill: string, opacity = 1): string {
  return `<polygon points="${points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}" fill="${fill}" fill-opacity="${opacity}"/>`;
}

/** A curve that keeps its value until the next point, as counts do. */
export function steps(
  points: readonly (readonly [number, number])[],
  stroke: string,
  width: number,
  opacity = 1,
): string {
  const [first, ...others] = points;
  if (first === undefined) return '';
  const path = others.map(([x, y]) => `H${round(x)}V${round(y)}`).join('');
  return `<path d="M${round(first[0])},${round(first[1])}${path}" fill="none" stroke="${stroke}" stroke-width="${width}" stroke-opacity="${opacity}"/>`;
}

export type Mark = 'circle' | 'diamond';

/** A point with a name that appears under the pointer. */
export function mark(shape: Mark, x: number, y: number, fill: string, title: string, radius = 4.5): string {
  const r = radius * 1.25;
  const outline =
    shape === 'circle'
      ? `<circle cx="${round(x)}" cy="${round(y)}" r="${radius}"`
      : `<path d="M${round(x)},${round(y - r)}L${round(x + r)},${round(y)}L${round(x)},${round(y + r)}L${round(x - r)},${round(y)}Z"`;
  const close = shape === 'circle' ? '</circle>' : '</path>';
  return `${outline} fill="${fill}" fill-opacity="0.85" stroke="${SURFACE}" stroke-width="1"><title>${escapeXml(title)}</title>${close}`;
}

/** Round places in from..to: steps of 1, 2 or 5 times a power of ten, about `count` of them. */
export function ticks(from: number, to: number, count = 5): number[] {
  const rough = (to - from) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999)! * power;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** xAxis without numbers where format gives ''. */
export function panel(box: Box, title: string, xAxis: Axis, yAxis: Axis): Panel {
  const x = (value: number) => box.x + ((value - xAxis.from) / (xAxis.to - xAxis.from)) * box.width;
  const y = (value: number) => box.y + box.height - ((value - yAxis.from) / (yAxis.to - yAxis.from)) * box.height;
  const { format: formatX = String } = xAxis;
  const { format: formatY = String } = yAxis;
  const bottom = box.y + box.height;
  const right = box.x + box.width;
  const svg = [
    text(box.x, box.y - 14, title, { size: 13, weight: 600 }),
    ...ticks(yAxis.from, yAxis.to).flatMap((value) => [
      line(box.x, y(value), right, y(value)),
      text(box.x - 7, y(value) + 4, formatY(value), { anchor: 'end', fill: '#52606d' }),
    ]),
    ...ticks(xAxis.from, xAxis.to, Math.max(2, Math.round(box.width / 80))).flatMap((value) => {
      const label = formatX(value);
      if (label === '') return [];
      return [
        line(x(value), bottom, x(value), bottom + 4, FAINT),
        text(x(value), bottom + 17, label, { anchor: 'middle', fill: '#52606d' }),
      ];
    }),
    line(box.x, bottom, right, bottom, FAINT),
    text(box.x + box.width / 2, bottom + 36, xAxis.label, { anchor: 'middle' }),
    text(box.x - 42, box.y + box.height / 2, yAxis.label, { anchor: 'middle', turned: true }),
  ].join('\n');
  return { box, x, y, svg };
}
