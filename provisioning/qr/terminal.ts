/**
 * A code on a terminal. Half blocks: one character is two modules above each other, which are then nearly square.
 * Both colours are set, from the fixed part of the 256 colours: the first sixteen follow the theme, and a code that a theme
 * turns round or paints grey on grey is read by nobody.
 */
import type { QrMatrix } from './matrix.ts';

const ESCAPE = '\u001b';
const BLACK = 16;
const WHITE = 231;
const UPPER_HALF = '▀';

/** Columns: one a module. Rows: one for two modules. */
export function qrHalfBlocks(matrix: QrMatrix): string {
  let text = '';
  for (let row = 0; row < matrix.length; row += 2) {
    let last = '';
    for (let column = 0; column < matrix.length; column += 1) {
      // Below the last row of an odd number there is light: part of the quiet zone.
      const [above, below] = [matrix[row]![column], matrix[row + 1]?.[column] ?? false];
      // A blank where both are alike: its background reaches into gaps that some fonts leave around a block.
      const sign = above === below ? ' ' : UPPER_HALF;
      const colours = `${ESCAPE}[38;5;${above ? BLACK : WHITE};48;5;${below ? BLACK : WHITE}m`;
      text += colours === last ? sign : `${colours}${sign}`;
      last = colours;
    }
    text += `${ESCAPE}[0m\n`;
  }
  return text;
}

/** By [above is light, below is light]; light is what is drawn. */
const PLAIN_SIGNS = [' ', '▄', '▀', '█'] as const;

/**
 * The same without colours, for consoles that have none: light modules are drawn in the colour of the text. Right on a dark
 * terminal, turned round on a light one, which the device's decoder reads as well. `##` for a module, as pure ASCII, is read by
 * no decoder that was tried (zxing-cpp, zbar): the paper shines through the signs.
 */
export function qrPlain(matrix: QrMatrix): string {
  let text = '';
  for (let row = 0; row < matrix.length; row += 2) {
    const [above, below = []] = [matrix[row]!, matrix[row + 1]];
    text += `${above.map((isDark, column) => PLAIN_SIGNS[(isDark ? 0 : 2) + (below[column] ? 0 : 1)]).join('')}\n`;
  }
  return text;
}
