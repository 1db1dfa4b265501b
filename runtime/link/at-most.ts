/** Waits for some work, but no longer than so; what comes of it, and whether it failed, is not asked. */
export function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  // Real time on purpose: an end must come even where a test's clock stands still.
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    work.then(done, done);
  });
}
