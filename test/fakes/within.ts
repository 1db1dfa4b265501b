/** uvu has no time-out: every wait in a test goes through `within`, which fails with the name of what did not happen. */
export function within<T>(timeoutMs: number, what: string, promise: Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Resolves as soon as `condition` holds; for effects that have no promise of their own (another process, a socket). */
export function eventually(timeoutMs: number, what: string, condition: () => boolean): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const held = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      if (condition()) resolve();
    }, 5);
  });
  return within(timeoutMs, what, held).finally(() => clearInterval(timer));
}
