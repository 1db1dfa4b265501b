/**
 * Loaded into the voice under test before anything of it (`--import`): its clocks and timers follow time.ts. It replaces
 * Date.now, performance.now, setTimeout and setInterval, which are all that the voice, mqtt and pino take time from.
 */
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { TIME_FILE_VARIABLE, type TimeSetting, wallMsOf } from './time.ts';

/** A clock that is set shows it after so long, real ms: reading the file for each call would be work that no voice has. */
const READ_EVERY_MS = 10;

const path = process.env[TIME_FILE_VARIABLE];
if (path !== undefined) hurry(path);

function hurry(settingPath: string): void {
  const realNow = Date.now.bind(Date);
  const realMonotonic = performance.now.bind(performance);
  let setting = read(settingPath)!;
  let readAtMs = realMonotonic();
  const { pace } = setting;

  Date.now = () => {
    if (realMonotonic() - readAtMs > READ_EVERY_MS) {
      readAtMs = realMonotonic();
      setting = read(settingPath) ?? setting;
    }
    return wallMsOf(setting, realNow());
  };
  performance.now = () => realMonotonic() * pace;
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const real = globalThis[name] as (task: () => void, delayMs?: number, ...words: unknown[]) => NodeJS.Timeout;
    const quick = (task: () => void, delayMs?: number, ...words: unknown[]) =>
      real(task, (delayMs ?? 0) / pace, ...words);
    Object.assign(globalThis, { [name]: Object.assign(quick, real) });
  }
}

/** Undefined while it is being written. */
function read(settingPath: string): TimeSetting | undefined {
  try {
    return JSON.parse(readFileSync(settingPath, 'utf8')) as TimeSetting;
  } catch {
    return undefined;
  }
}
