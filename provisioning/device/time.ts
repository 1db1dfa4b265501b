/** Waits until a time server has answered, but not for ever: whoever stands below the lamp is told after two minutes. */

export const TIME_WAIT_MS = 120_000;
const LOOK_PERIOD_MS = 500;

export async function waitForTime(
  isKnown: () => boolean,
  pause: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<boolean> {
  for (let waitedMs = 0; waitedMs <= TIME_WAIT_MS; waitedMs += LOOK_PERIOD_MS) {
    if (isKnown()) return true;
    await pause(LOOK_PERIOD_MS);
  }
  return false;
}
