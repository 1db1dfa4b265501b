/** Colours of sign and papers. Text on each keeps a contrast of 4.5 to 1 or more (WCAG 2, AA). */
export const INK = '#12303b';
export const RIVER = '#1f6f7d';
export const SUN = '#f4b942';
export const PAPER = '#ffffff';
export const MIST = '#eef3f4';
export const RULE = '#c5d3d6';
export const GREY = '#4d6067';
export const MARK_COLOURS = {
  proved: '#1b6b48',
  measured: '#1c5c97',
  believed: '#865400',
  judgement: '#6a3a85',
} as const;
export const FILL_BACKGROUND = '#fff0b3';
