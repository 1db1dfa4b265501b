/** Words of messages about a configuration: a value as it is shown, and the name that was probably meant. */

/** Values longer than this are cut in messages: a whole file pasted into a field must not fill the log. */
const VALUE_CHARS_MAX = 60;

export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing';
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}

/** Fewest single-character edits from one word to the other (Levenshtein), for suggestions. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** The known word that was probably meant, or undefined. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(word, name) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, word.length / 3) ? best.name : undefined;
}
