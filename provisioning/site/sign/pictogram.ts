/**
 * The pictogram, drawn for this project: a person under a camera, the same person falling apart into dots, and what is
 * left of them: a tally. It says without a word what the device does, and does not look like the sign of a surveillance camera.
 */
import { PAPER, SUN } from '../print/colours.ts';
import { circle, mm, type PathShape, roundedRect, stroke } from './shapes.ts';

type Block = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** A figure 26 wide and 74 high, feet at y = 0, middle at x = 0: head, shoulders, trunk, arms, legs. All corners are round. */
const HEAD = { x: 0, y: -66, radius: 8 };
const BLOCKS: readonly Block[] = [
  { x: -13, y: -55, width: 26, height: 10 },
  { x: -8.5, y: -55, width: 17, height: 31 },
  { x: -13, y: -55, width: 6.4, height: 29 },
  { x: 6.6, y: -55, width: 6.4, height: 29 },
  { x: -8.5, y: -34, width: 7.9, height: 34 },
  { x: 0.6, y: -34, width: 7.9, height: 34 },
];
const CORNER = 3.2;

function person(x: number, y: number, scale: number): string {
  const blocks = BLOCKS.map((block) =>
    roundedRect(x + block.x * scale, y + block.y * scale, block.width * scale, block.height * scale, CORNER * scale),
  );
  return circle(x + HEAD.x * scale, y + HEAD.y * scale, HEAD.radius * scale) + blocks.join('');
}

function isInside(x: number, y: number): boolean {
  if (Math.hypot(x - HEAD.x, y - HEAD.y) <= HEAD.radius) return true;
  return BLOCKS.some(
    (block) => x >= block.x && x <= block.x + block.width && y >= block.y && y <= block.y + block.height,
  );
}

/** The same figure as dots that shrink and drift from left to right. */
function dissolving(x: number, y: number, scale: number): string {
  const step = 2.3;
  const dots: string[] = [];
  for (let row = 0; row * step <= 74; row += 1) {
    for (let column = -7; column <= 7; column += 1) {
      const dotX = column * step + (row % 2 === 0 ? 0 : step / 2);
      const dotY = -row * step - 0.5;
      if (!isInside(dotX, dotY)) continue;
      // 0 at the left edge of the figure, 1 at the right.
      const gone = Math.min(1, Math.max(0, (dotX + 13) / 26));
      const radius = 1.28 * (1 - 0.8 * gone);
      const drift = 9 * gone * gone;
      const lift = gone * gone * 2.2 * Math.sin(row * 1.7 + column);
      dots.push(circle(x + (dotX + drift) * scale, y + (dotY + lift) * scale, radius * scale));
    }
  }
  return dots.join('');
}

/** Four strokes and one across. */
function tally(x: number, y: number, scale: number): string {
  const strokes = [-15, -5, 5, 15].map((at) =>
    stroke(x + at * scale, y - 13 * scale, x + at * scale, y - 57 * scale, 4.6 * scale),
  );
  return strokes.join('') + stroke(x - 23 * scale, y - 20 * scale, x + 23 * scale, y - 50 * scale, 4.6 * scale);
}

/** A dome on a plate, as such counters hang from a ceiling, and the light that it sees by. 106 high down to the floor. */
function camera(x: number, y: number, scale: number): { body: string; lens: string; view: string } {
  const at = (...numbers: number[]) =>
    numbers.map((number, index) => mm((index % 2 === 0 ? x : y) + number * scale)).join(' ');
  const pull = 10 * 0.5523;
  const dome = `M${at(-10, 5)}C${at(-10, 5 + pull, -pull, 15, 0, 15)}C${at(pull, 15, 10, 5 + pull, 10, 5)}Z`;
  const plate = roundedRect(x - 15 * scale, y, 30 * scale, 4 * scale, 2 * scale);
  return {
    body: plate + dome,
    lens: circle(x, y + 9.2 * scale, 3 * scale),
    view: `M${at(-5, 17)}L${at(5, 17)}L${at(25, 106)}L${at(-25, 106)}Z`,
  };
}

/** Middle of the picture at `x`, ceiling at `top`, feet at `floor`, all mm. */
export function pictogram(x: number, top: number, floor: number, background: string): PathShape[] {
  const scale = (floor - top) / 106;
  const { body, lens, view } = camera(x - 54 * scale, top, scale);
  return [
    { kind: 'path', path: view, fill: PAPER, opacity: 0.13 },
    { kind: 'path', path: body, fill: PAPER },
    { kind: 'path', path: lens, fill: background },
    { kind: 'path', path: person(x - 54 * scale, floor, scale), fill: PAPER },
    { kind: 'path', path: dissolving(x, floor, scale), fill: PAPER },
    { kind: 'path', path: tally(x + 56 * scale, floor, scale), fill: SUN },
  ];
}
