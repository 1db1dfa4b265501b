/**
 * The card for the installer's pocket: every pattern of the lamp, as text for a printer and as a table for the README.
 * Made from the patterns, so that neither can say anything else than the lamp does.
 */
import { REFUSALS, type Refusal } from '../../payload/refusals.ts';
import { HELPERS, REFUSAL_FLASHES, SCAN_PATTERNS, type ScanPatternName } from './patterns.ts';

/** Fits an A6 card in a monospaced face of 7 points. */
const COLUMNS = 78;

const STATES = Object.keys(SCAN_PATTERNS).filter((name) => !Object.hasOwn(REFUSALS, name)) as ScanPatternName[];

type Row = { readonly looks: string; readonly meaning: string };

function rowsFor(long: number): Row[] {
  const words = (Object.keys(REFUSAL_FLASHES) as Refusal[]).filter((word) => REFUSAL_FLASHES[word].long === long);
  return words.map((word) => SCAN_PATTERNS[word]);
}

const GROUPS = Object.entries(HELPERS).map(([long, helper]) => ({ helper, rows: rowsFor(Number(long)) }));

/** A table for Markdown. */
export function lampTableOfScan(): string {
  const row = ({ looks, meaning }: Row): string => `| ${looks} | ${meaning} |`;
  return [
    '| the lamp is | a device without configuration |',
    '|---|---|',
    ...STATES.map((name) => row(SCAN_PATTERNS[name])),
    ...GROUPS.flatMap(({ helper, rows }) =>
      rows.map(({ looks, meaning }) => row({ looks, meaning: `${meaning} (${helper})` })),
    ),
  ].join('\n');
}

/** Plain text, at most COLUMNS wide. */
export function lampCard(): string {
  const states = STATES.map((name) => SCAN_PATTERNS[name]);
  return [
    'LETHE: what the lamp says while the device is set up',
    'Hold the code still. Count the flashes that come after the long dark.',
    '',
    ...states.flatMap(lines),
    ...GROUPS.flatMap(({ helper, rows }) => ['', helper.toUpperCase(), ...rows.flatMap(lines)]),
    '',
  ].join('\n');
}

function lines({ looks, meaning }: Row): string[] {
  return [looks, ...wrapped(meaning, COLUMNS - 4).map((line) => `    ${line}`)];
}

function wrapped(text: string, columns: number): string[] {
  const result: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      result.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...result, line];
}
