/**
 * Progress of something that takes minutes: percent, MB/s and the time left, on one line of a terminal. Not a terminal (a log
 * of a build server): one line when it is done.
 */
const LINE_INTERVAL_MS = 250;
const BYTES_PER_MB = 1_000_000;

export type Progress = {
  /** `doneBytes` of all; may be called as often as wanted. */
  readonly at: (doneBytes: number) => void;
  readonly done: (doneBytes: number) => void;
};
/** `totalBytes` 0: not known, then without percent. */
export type ProgressStart = (what: string, totalBytes: number) => Progress;

export const SILENT: ProgressStart = () => ({ at: () => {}, done: () => {} });

type Terminal = { readonly isTTY?: boolean; readonly write: (text: string) => unknown };

export function progressOn(terminal: Terminal, nowMs: () => number = () => performance.now()): ProgressStart {
  return (what, totalBytes) => {
    const startedMs = nowMs();
    let shownMs = Number.NEGATIVE_INFINITY;
    return {
      at: (doneBytes) => {
        if (terminal.isTTY !== true || nowMs() - shownMs < LINE_INTERVAL_MS) return;
        shownMs = nowMs();
        terminal.write(`\r\x1b[K${progressLine(what, doneBytes, totalBytes, nowMs() - startedMs)}`);
      },
      done: (doneBytes) => {
        const seconds = Math.max(0.001, (nowMs() - startedMs) / 1000);
        const rate = (doneBytes / BYTES_PER_MB / seconds).toFixed(0);
        const line = `${what}: ${megabytes(doneBytes)} in ${seconds.toFixed(1)} s (${rate} MB/s)\n`;
        terminal.write(terminal.isTTY === true ? `\r\x1b[K${line}` : line);
      },
    };
  };
}

/** `writing  43 %  1161 of 2700 MB  38.2 MB/s  40 s left` */
export function progressLine(what: string, doneBytes: number, totalBytes: number, elapsedMs: number): string {
  const rate = doneBytes / Math.max(1, elapsedMs / 1000);
  const speed = `${(rate / BYTES_PER_MB).toFixed(1)} MB/s`;
  if (totalBytes === 0) return `${what}  ${megabytes(doneBytes)}  ${speed}`;
  const percent = Math.min(100, Math.floor((100 * doneBytes) / totalBytes));
  const left = rate === 0 ? '' : `  ${timeLeft((totalBytes - doneBytes) / rate)} left`;
  return `${what}  ${percent} %  ${(doneBytes / BYTES_PER_MB).toFixed(0)} of ${megabytes(totalBytes)}  ${speed}${left}`;
}

function timeLeft(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return whole < 90 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}

/** Decimal, as cards are sold: 2700 MB. */
export function megabytes(bytes: number): string {
  if (bytes < BYTES_PER_MB) return `${Math.ceil(bytes / 1000)} kB`;
  return `${(bytes / BYTES_PER_MB).toFixed(bytes < 10 * BYTES_PER_MB ? 1 : 0)} MB`;
}
