/**
 * Reset: the device as it came, because somebody held the button. Configuration, credentials, our Wi-Fi connection and the setup
 * that is under way are removed here, the voice's counts and its key by systemd afterwards (`systemctl clean`: it made that
 * folder, and no right of ours is needed for it). What stays: the card's own keys and pins, the rules of the
 * radio, and the list of spent codes, so that a code which somebody photographed yesterday does not work again.
 * A mark is on disk before the first removal; the unit removes it after the last one, so a cut in between is made good at the
 * next start.
 * The configuration goes first: without it nothing counts.
 */
import type { Log } from '../../../runtime/log.ts';
import type { Wifi } from '../../../runtime/ports/wifi.ts';
import type { SetupDisk } from '../disk.ts';
import type { Places } from '../places.ts';
import { clearRefusal } from '../refusing.ts';
import { SetupState } from '../state.ts';

export type ResetParts = {
  readonly disk: SetupDisk;
  readonly places: Places;
  readonly log: Log;
  readonly wifi: Wifi;
};

export async function reset(parts: ResetParts): Promise<void> {
  const { disk, places, log, wifi } = parts;
  log.warn('reset: configuration, credentials, Wi-Fi connection and counts are removed');
  disk.replace(places.resetMark, 'the button was held\n', 0o600);
  for (const path of [places.config, places.keyFile, places.certFile, places.caFile]) disk.remove(path);
  const state = new SetupState(disk, places);
  const pending = state.readPending();
  if (pending !== undefined) state.spend(pending.nonce);
  state.removePending();
  state.removeAttempt();
  for (const path of [places.code, places.taken]) disk.remove(path);
  clearRefusal(parts);
  await wifi.forget();
  log.warn('reset: what the setup made is gone');
}
