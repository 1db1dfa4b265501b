/**
 * Totals: from the eye's running numbers, which begin at 0 with every boot of it, to a meter that never falls.
 * What an eye boot added is the difference to the last values seen of that same boot, and those values are kept with
 * the totals (one file, one rename). So a restart of either side loses nothing, a record read twice adds nothing, and
 * a record that was lost is made good by the next one.
 * Memory: one small object per line, living inside the ledger's state.
 */

/** An eye's boot and the totals last seen of it: [boot, in, out]. */
export type BootSeen = [boot: number, countIn: number, countOut: number];

export type LineTotals = {
  /** People in since the epoch. */
  in: number;
  /** People out since the epoch. */
  out: number;
  /** Newest first, at most BOOTS_KEPT. */
  seen: BootSeen[];
};

/**
 * More than one, because the last records of an eye that is being ended may arrive behind the first ones of its
 * successor; taken as a new boot they would be counted a second time.
 */
const BOOTS_KEPT = 4;

export type Added = { readonly in: number; readonly out: number };

export function emptyTotals(): LineTotals {
  return { in: 0, out: 0, seen: [] };
}

/**
 * Takes the running totals of eye boot `boot` into `line`. Returns what is new, or undefined if they went backwards,
 * which no honest eye does (the caller cuts it off; `line` is unchanged).
 * countFrom: `zero` counts what an unknown boot did before we saw it; `here` takes its first values as the start, for a
 * voice that lost its memory and cannot know what of it was published already.
 */
export function takeTotals(
  line: LineTotals,
  boot: number,
  countIn: number,
  countOut: number,
  countFrom: 'zero' | 'here' = 'zero',
): Added | undefined {
  let seen = line.seen.find((candidate) => candidate[0] === boot);
  if (seen === undefined) {
    seen = countFrom === 'zero' ? [boot, 0, 0] : [boot, countIn, countOut];
    line.seen.unshift(seen);
    line.seen.length = Math.min(line.seen.length, BOOTS_KEPT);
  }
  const added = { in: countIn - seen[1], out: countOut - seen[2] };
  if (added.in < 0 || added.out < 0) return undefined;
  seen[1] = countIn;
  seen[2] = countOut;
  line.in += added.in;
  line.out += added.out;
  return added;
}
