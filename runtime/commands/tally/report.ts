/**
 * Report: a record in words, for the person who stood at the door. Clock times are those of the site's zone, since that
 * is what their watch showed. Made from the record alone, so that a stored one reads the same.
 */
import { MS_PER_MINUTE, MS_PER_S } from '../../units.ts';
import { DIRECTIONS } from './match.ts';
import type { TallyRecord } from './record.ts';
import type { DirectionResult } from './result.ts';
import type { GapReason } from './session.ts';

/** More than these nobody thinks about one by one; the record has them all. */
const UNMATCHED_SHOWN_MAX = 50;

const GAP_WORDS: Readonly<Record<GapReason, string>> = {
  pause: 'paused',
  broker: 'no connection to the broker',
  device: 'the device away or started anew',
};

export function reportText(record: TallyRecord, timeZone: string): string {
  return [
    `${heading(record, timeZone)}\n`,
    table(record),
    `${lagSentence(record)}\n${leftOutSentences(record)}`,
    DIRECTIONS.map((direction) => verdictSentence(direction, record.result[direction], record)).join('\n'),
    unmatchedLines(record, timeZone),
    meaning(record),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function heading({ line, site, device, from, to }: TallyRecord, timeZone: string): string {
  const begin = Date.parse(from);
  const end = Date.parse(to);
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone }).format(begin);
  const clock = clockOf(timeZone);
  return `Tally of line ${line} of ${site}/${device}, ${day} ${clock(begin)} to ${clock(end)} (${timeZone}), ${spanText(end - begin)}.`;
}

function table({ result }: TallyRecord): string {
  const head = ['', 'person', 'device', 'both', 'only person', 'only device', 'found', 'right'];
  const rows = DIRECTIONS.map((direction) => {
    const { person, device, matched, missed, extra, ...shares } = result[direction];
    return [
      direction,
      ...[person, device, matched, missed, extra].map(String),
      shareText(shares.recall, shares.recall_low),
      shareText(shares.precision, shares.precision_low),
    ];
  });
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]!.length)));
  const text = [head, ...rows].map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  '));
  return `${text.join('\n')}
found: of the person's crossings, how many the device has too. right: of the device's, how many the person has too.
In brackets: what it is at least, with 95 % confidence. only person: missed, or pressed by mistake. only device:
counted twice or wrongly, or not pressed.\n`;
}

function lagSentence({ result, window_ms: windowMs }: TallyRecord): string {
  const { lag_ms: lagMs } = result;
  const within = `two events within ${windowMs / MS_PER_S} s are one crossing`;
  // 0 is also what stands there when too few crossings were seen by both.
  if (lagMs === 0) return `Nothing is taken out for lag; ${within}.`;
  const side = lagMs < 0 ? 'before' : 'after';
  return `The device's numbers come ${(Math.abs(lagMs) / MS_PER_S).toFixed(1)} s ${side} the presses (median); that taken out, ${within}.`;
}

function leftOutSentences({ result, gaps, undone, notes, device_shown: deviceShown }: TallyRecord): string {
  const lines: string[] = [];
  const presses = result.in.unobserved + result.out.unobserved;
  const counts = result.in.unobserved_counts + result.out.unobserved_counts;
  if (gaps.length > 0) {
    const spans = (['pause', 'broker', 'device'] as const).flatMap((reason) => {
      const ms = gaps.reduce((sum, [fromMs, toMs, why]) => sum + (why === reason ? toMs - fromMs : 0), 0);
      return ms === 0 ? [] : [`${spanText(ms)} ${GAP_WORDS[reason]}`];
    });
    lines.push(`Not observed: ${spans.join(', ')}.`);
  }
  if (presses + counts > 0)
    lines.push(
      `Left out, because one of the two was not looking or the session began or ended: ${presses} of the person's, ${counts} of the device's.`,
    );
  if (undone.length > 0) lines.push(`Taken back by the person: ${undone.length}.`);
  if (notes.length > 0)
    lines.push(`The device in the meantime: ${[...new Set(notes.map(([, word]) => word))].join(', ')}.`);
  if (!deviceShown) lines.push("The person did not see the device's numbers.");
  return lines.map((line) => `${line}\n`).join('');
}

function verdictSentence(direction: string, result: DirectionResult, record: TallyRecord): string {
  const margin = percentText(record.margin);
  const { interval, bias, more_needed: moreNeeded, person } = result;
  if (interval === null || bias === null) return `${direction}: no verdict; nobody was counted by hand.`;
  const range = `the device's number is ${signedPercent(bias)} off the person's, with 90 % confidence between ${signedPercent(interval[0])} and ${signedPercent(interval[1])}`;
  if (result.verdict === 'equivalent') return `${direction}: EQUIVALENT within ${margin}: ${range}.`;
  if (result.verdict === 'not_equivalent') return `${direction}: NOT EQUIVALENT within ${margin}: ${range}.`;
  const more =
    moreNeeded === null
      ? 'no number of crossings can be told that would decide it'
      : `up to about ${moreNeeded} more crossings are needed after these ${person}, fewer if both go on agreeing`;
  return `${direction}: UNDECIDED: ${range}; ${more}.`;
}

function unmatchedLines({ result, from }: TallyRecord, timeZone: string): string {
  const { unmatched } = result;
  if (unmatched.length === 0) return '';
  const clock = clockOf(timeZone);
  const lines = unmatched
    .slice(0, UNMATCHED_SHOWN_MAX)
    .map(([ms, direction, who]) => `  ${clock(Date.parse(from) + ms)}  ${direction.padEnd(3)}  only the ${who}`);
  const more = unmatched.length - lines.length;
  return `\nMoments that only one of the two has; think back:\n${lines.join('\n')}\n${more > 0 ? `  and ${more} more in the record\n` : ''}`.trimEnd();
}

function meaning({ margin }: TallyRecord): string {
  return `
What this means: equivalent says that this device's count at this door, in conditions like these, differs from the person's by
less than ${percentText(margin)}, with at most 5 % risk of saying so wrongly; undecided says only that too few have passed. The person
is not infallible either: attentive people miss or double one in a hundred, more in a crowd. A moment that only one of the two has
is a question and not yet a fault of the device.
`;
}

function clockOf(timeZone: string): (wallMs: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, timeStyle: 'medium' });
  return (wallMs) => format.format(wallMs);
}

function spanText(ms: number): string {
  const wholeS = Math.round(ms / MS_PER_S);
  const minutes = Math.floor((wholeS * MS_PER_S) / MS_PER_MINUTE);
  const seconds = wholeS % 60;
  return minutes === 0 ? `${seconds} s` : `${minutes} min ${seconds} s`;
}

function percentText(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}

function signedPercent(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
}

function shareText(share: number | null, low: number | null): string {
  return share === null || low === null ? '-' : `${(100 * share).toFixed(1)} % (${(100 * low).toFixed(1)} %)`;
}
