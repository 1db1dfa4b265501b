/** Whether this device has an address that somebody gave it. */
import { networkInterfaces } from 'node:os';

/** A switch with spanning tree takes half a minute before it lets anything through, DHCP some seconds more. */
const ADDRESS_WAIT_MS = 90_000;
const LOOK_PERIOD_MS = 500;

/** Link-local ones (169.254.0.0/16, fe80::/10) are what a device gives itself when nobody answers. */
export function hasAddress(interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces()): boolean {
  return Object.values(interfaces).some((addresses) =>
    addresses?.some(({ internal, address }) => !internal && !/^169\.254\.|^fe[89ab][0-9a-f]:/i.test(address)),
  );
}

export async function waitForAddress(waitMs = ADDRESS_WAIT_MS, look: () => boolean = hasAddress): Promise<boolean> {
  for (let waitedMs = 0; ; waitedMs += LOOK_PERIOD_MS) {
    if (look()) return true;
    if (waitedMs >= waitMs) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_PERIOD_MS));
  }
}
