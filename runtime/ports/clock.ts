/** Clock port. Monotonic time is for differences and is never printed; wall time is for people and is never subtracted. */
export interface Clock {
  /** Microseconds since some fixed moment; never goes back. */
  monotonicUs(): number;
  /** Milliseconds since 1970-01-01T00:00Z; may jump. */
  wallMs(): number;
  /** Runs `task` every `periodMs` until the returned function is called. Does not keep the process alive. */
  every(periodMs: number, task: () => void): () => void;
}
