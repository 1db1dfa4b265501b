/**
 * Says why it does not go on: one word for the lamp in /run/lethe-setup/refusal, one line for the log. Nothing of the code
 * itself is ever said. A card that cannot be written has a word of its own; the word's file lies in memory and has room.
 */
import type { Log } from '../../runtime/log.ts';
import { REFUSALS, type Refusal } from '../payload/refusals.ts';
import type { SetupDisk } from './disk.ts';
import type { Places } from './places.ts';

/** scan, of the group, shows it. */
const GROUP_READABLE = 0o640;

export type Teller = { readonly disk: SetupDisk; readonly places: Places; readonly log: Log };

/** reason: what is known beyond the word, one sentence without secrets; '' for nothing. */
export function tellRefusal({ disk, places, log }: Teller, refusal: Refusal, reason = ''): void {
  const { sentence, remedy } = REFUSALS[refusal];
  log.warn({ refusal }, [`${refusal}: ${sentence}`, reason, remedy].filter((part) => part !== '').join(' '));
  withoutRights(() => disk.replace(places.refusal, refusal, GROUP_READABLE));
}

/** What was refused before is over: a code was taken. */
export function clearRefusal({ disk, places }: Teller): void {
  withoutRights(() => disk.remove(places.refusal));
}

/** In that folder nobody replaces what another user wrote, root excepted: a lamp that says an older word stops nothing. */
function withoutRights(task: () => void): void {
  try {
    task();
  } catch (error) {
    if (!['EPERM', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** The card is full, worn out or read-only; anything else is an error of ours. */
export function isDiskFault(error: unknown): boolean {
  return ['ENOSPC', 'EROFS', 'EIO', 'EDQUOT', 'EFBIG'].includes((error as NodeJS.ErrnoException | null)?.code ?? '');
}
