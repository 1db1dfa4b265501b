/**
 * Time source port: whether the wall clock can be believed. A board without a battery starts with the moment of its last
 * shutdown, or with 1970, and runs on from there until a time server answers.
 */

/** synced: somebody has set the clock since the machine started; unsynced: nobody yet; unknown: it cannot be told here. */
export type ClockTrust = 'synced' | 'unsynced' | 'unknown';

export interface TimeSource {
  /** May be asked each second. Once synced, always synced. */
  trust(): ClockTrust;
}
