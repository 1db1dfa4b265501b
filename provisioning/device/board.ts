/**
 * What is known of the board before there is a configuration: /etc/lethe/board.json, such as
 * `{"led_gpio": 17, "button_gpio": 27}`, BCM numbers, each of them optional. Written when the card is flashed.
 */
import { readFileSync } from 'node:fs';
import { ConfigError } from '../../runtime/errors.ts';

export type Board = { readonly ledGpio?: number; readonly buttonGpio?: number };

const FIELDS = { led_gpio: 'ledGpio', button_gpio: 'buttonGpio' } as const;
/** The pins of the 40-pin header, without those of the identification of boards (0, 1). */
const BCM_MIN = 2;
const BCM_MAX = 27;

/** No file: a board without lamp and button. Throws ConfigError with every fault of one that is there. */
export function readBoard(path: string): Board {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw refuse(path, [`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`]);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(path, [`${path} is no JSON (${(error as Error).message}).`]);
  }
  return boardFrom(path, value);
}

function boardFrom(path: string, value: unknown): Board {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse(path, [`${path} is no object; expected one such as {"led_gpio": 17}.`]);
  const problems: string[] = [];
  const board: { ledGpio?: number; buttonGpio?: number } = {};
  for (const [name, bcm] of Object.entries(value)) {
    if (!Object.hasOwn(FIELDS, name)) {
      problems.push(`${name} is not known; expected led_gpio and button_gpio.`);
    } else if (!(Number.isInteger(bcm) && bcm >= BCM_MIN && bcm <= BCM_MAX)) {
      problems.push(`${name} is ${JSON.stringify(bcm)}; expected a BCM number, ${BCM_MIN}..${BCM_MAX}.`);
    } else {
      board[FIELDS[name as keyof typeof FIELDS]] = bcm;
    }
  }
  if (board.ledGpio !== undefined && board.ledGpio === board.buttonGpio)
    problems.push(`led_gpio and button_gpio are both ${board.ledGpio}; expected two pins.`);
  if (problems.length > 0) throw refuse(path, problems);
  return board;
}

function refuse(path: string, problems: readonly string[]): ConfigError {
  return new ConfigError(problems, { op: 'read board', hint: `Correct ${path}, or flash the card again.` });
}
