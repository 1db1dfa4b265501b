/**
 * What a sign is made of: filled paths and lines of text, in millimetres on A4, origin top left. The sign is laid out once
 * as such a list and drawn twice, as SVG and as PDF, so that neither can show what the other does not.
 */
import type { Face } from '../print/fonts.ts';

/** Path in SVG's language; capital letters only, so that it needs no context. */
export type PathShape = {
  readonly kind: 'path';
  readonly path: string;
  readonly fill: string;
  readonly opacity?: number;
};
export type TextShape = {
  readonly kind: 'text';
  readonly text: string;
  readonly face: Face;
  /** Height of an em, mm. */
  readonly size: number;
  /** Left end of the base line, mm. */
  readonly x: number;
  readonly y: number;
  readonly fill: string;
};
export type Shape = PathShape | TextShape;

export type Drawing = {
  readonly widthMm: number;
  readonly heightMm: number;
  readonly title: string;
  /** In words, for who cannot see it. */
  readonly description: string;
  readonly language: string;
  readonly shapes: readonly Shape[];
};

/** Two decimals: a hundredth of a millimetre. */
export function mm(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** Four cubic arcs; 0.5523 is the usual fraction, off by 0.03 % of the radius at most. */
export function circle(x: number, y: number, radius: number): string {
  return roundedRect(x - radius, y - radius, 2 * radius, 2 * radius, radius);
}

export function rect(x: number, y: number, width: number, height: number): string {
  return `M${mm(x)} ${mm(y)}H${mm(x + width)}V${mm(y + height)}H${mm(x)}Z`;
}

export function roundedRect(x: number, y: number, width: number, height: number, radius: number): string {
  const [right, bottom, pull] = [x + width, y + height, radius * (1 - 0.5523)];
  const at = (...numbers: number[]) => numbers.map(mm).join(' ');
  return [
    `M${at(x + radius, y)}L${at(right - radius, y)}`,
    `C${at(right - pull, y, right, y + pull, right, y + radius)}L${at(right, bottom - radius)}`,
    `C${at(right, bottom - pull, right - pull, bottom, right - radius, bottom)}L${at(x + radius, bottom)}`,
    `C${at(x + pull, bottom, x, bottom - pull, x, bottom - radius)}L${at(x, y + radius)}`,
    `C${at(x, y + pull, x + pull, y, x + radius, y)}Z`,
  ].join('');
}

/** A stroke with round ends as a filled path: printers and cutters know fills best. */
export function stroke(x1: number, y1: number, x2: number, y2: number, width: number): string {
  const length = Math.hypot(x2 - x1, y2 - y1);
  const half = width / 2;
  const [alongX, alongY] = [((x2 - x1) / length) * half, ((y2 - y1) / length) * half];
  const [sideX, sideY] = [-alongY, alongX];
  const pull = 0.5523;
  const at = (...numbers: number[]) => numbers.map(mm).join(' ');
  /** Half a circle around (x, y) in two arcs, from one side to the other, bulging along (dx, dy). */
  const cap = (x: number, y: number, dx: number, dy: number, sx: number, sy: number) =>
    `C${at(x + sx + dx * pull, y + sy + dy * pull, x + dx + sx * pull, y + dy + sy * pull, x + dx, y + dy)}` +
    `C${at(x + dx - sx * pull, y + dy - sy * pull, x - sx + dx * pull, y - sy + dy * pull, x - sx, y - sy)}`;
  return (
    `M${at(x1 - sideX, y1 - sideY)}L${at(x2 - sideX, y2 - sideY)}` +
    `${cap(x2, y2, alongX, alongY, -sideX, -sideY)}L${at(x1 + sideX, y1 + sideY)}` +
    `${cap(x1, y1, -alongX, -alongY, sideX, sideY)}Z`
  );
}
