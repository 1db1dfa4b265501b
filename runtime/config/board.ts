/** Which board this is, by the device tree's own word. */
import { readFileSync } from 'node:fs';

/** Such as `Raspberry Pi 4 Model B Rev 1.4`; empty where there is no device tree, as on most servers and desks. */
export function boardModel(readText: (path: string) => string | undefined = textOrNothing): string {
  // The device tree ends its strings with a NUL.
  return (readText('/proc/device-tree/model') ?? '').replaceAll('\0', '').trim();
}

function textOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
