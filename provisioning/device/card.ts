/** What the card says before there is a configuration: whose codes count, the pins of the board, perhaps the device's name. */
import { explain, ProvisioningError } from '../../runtime/errors.ts';
import type { Log } from '../../runtime/log.ts';
import { type CodeKeys, readFleetKeys } from '../payload/keys.ts';
import type { SetupDisk } from './disk.ts';

/** No key is as good as only unknown ones: each code is refused with that word. */
export function fleetKeys(folder: string, log: Log): CodeKeys {
  try {
    return readFleetKeys(folder);
  } catch (error) {
    if (!(error instanceof ProvisioningError)) throw error;
    log.error(explain(error));
    return new Map();
  }
}

export type Board = {
  readonly ledGpio?: number;
  readonly buttonGpio?: number;
  /** A card that was flashed for one device takes no other's code. */
  readonly device?: string;
};

/** /etc/lethe/board.json; whatever is wrong in it is left out, as a device without lamp counts too. */
export function readBoard(disk: SetupDisk, path: string): Board {
  let file: unknown;
  try {
    file = JSON.parse(disk.read(path) ?? '{}');
  } catch {
    return {};
  }
  if (file === null || typeof file !== 'object') return {};
  const { led_gpio: led, button_gpio: button, device } = file as Record<string, unknown>;
  return {
    ...(isPin(led) && { ledGpio: led }),
    ...(isPin(button) && { buttonGpio: button }),
    ...(typeof device === 'string' && { device }),
  };
}

/** BCM number; -1: none. */
function isPin(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= -1 && (value as number) <= 27;
}
