/**
 * What must survive a restart so that no command is carried out twice: the ids of those that were, until they expire, and a
 * floor. A command is worth something until expires_at; its id is forgotten only when that is over, and then the floor rises
 * to it: nothing that expired before the floor is taken any more, so a clock that is set back does not open the door again.
 * Memory: at most IDS_MAX ids, inside the ledger's state. More are refused; the rate limit (commands.ts) lets in fewer than
 * that within the longest validity.
 */

export type CommandMemory = {
  /** Ids of signed commands with their expiry, ms since 1970, oldest first. */
  ids: [id: string, expiresAtMs: number][];
  /** The latest expiry of an id that was forgotten. */
  floorMs: number;
  /** Set-up mode was on: an eye may still tell positions for as long as its lease lasts. */
  isSetupOn: boolean;
};

/** 30 a minute for ten minutes, and a burst. */
export const IDS_MAX = 400;

export function emptyMemory(): CommandMemory {
  return { ids: [], floorMs: 0, isSetupOn: false };
}

/** new: not carried out yet; replayed: it was, or may have been; full: it cannot be remembered. */
export function standingOf(memory: CommandMemory, id: string, expiresAtMs: number): 'new' | 'replayed' | 'full' {
  if (expiresAtMs <= memory.floorMs || memory.ids.some(([known]) => known === id)) return 'replayed';
  return memory.ids.length >= IDS_MAX ? 'full' : 'new';
}

export function remember(memory: CommandMemory, id: string, expiresAtMs: number): void {
  memory.ids.push([id, expiresAtMs]);
}

/** Lets go of what cannot be replayed any more. True if there was something. */
export function forgetExpired(memory: CommandMemory, nowMs: number): boolean {
  const expired = memory.ids.filter(([, expiresAtMs]) => expiresAtMs <= nowMs);
  if (expired.length === 0) return false;
  memory.ids = memory.ids.filter(([, expiresAtMs]) => expiresAtMs > nowMs);
  memory.floorMs = Math.max(memory.floorMs, ...expired.map(([, expiresAtMs]) => expiresAtMs));
  return true;
}
