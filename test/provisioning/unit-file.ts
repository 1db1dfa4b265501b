/** systemd's unit files as values: `section key` → the assignments in order. Continued lines are joined, as systemd.syntax(7) says. */
export type UnitFile = ReadonlyMap<string, readonly string[]>;

export function parseUnit(text: string): UnitFile {
  const settings = new Map<string, string[]>();
  let section = '';
  for (const line of text.replaceAll(/\\\n\s*/g, '').split('\n')) {
    const heading = /^\[(\w+)\]$/.exec(line.trim())?.[1];
    if (heading !== undefined) section = heading;
    const [, key, value] = /^\s*([A-Za-z]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const name = `${section} ${key}`;
    settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

/** The words of a list setting of [Service]; an empty assignment takes back what stood before it. */
export function wordsOf(unit: UnitFile, key: string): string[] {
  let words: string[] = [];
  for (const value of unit.get(`Service ${key}`) ?? []) words = value === '' ? [] : [...words, ...value.split(/\s+/)];
  return words;
}

/** The last assignment of a setting of [Service]; undefined if there is none. */
export function settingOf(unit: UnitFile, key: string): string | undefined {
  return unit.get(`Service ${key}`)?.at(-1);
}
