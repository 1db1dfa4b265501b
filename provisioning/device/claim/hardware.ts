/** Which board asks, for the gateway's list: its name, and a number by which it is known again that tells nothing else. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { boardModel } from '../../../runtime/config/board.ts';
import type { ClaimRequest } from './exchange.ts';

/** The board's serial number; on other machines systemd's own. The first that can be read. */
const IDENTITY_FILES = ['/proc/device-tree/serial-number', '/etc/machine-id'];
const MODEL_CHARS_MAX = 64;

/** id: 16 hexadecimal digits of a hash with a purpose, so that the serial number itself stays here. */
export function hardware(readText: (path: string) => string | undefined = textOrNothing): ClaimRequest['hardware'] {
  const identity = IDENTITY_FILES.map(readText).find((text) => text !== undefined && text.trim() !== '') ?? '';
  return {
    model: boardModel(readText).slice(0, MODEL_CHARS_MAX) || 'unknown board',
    id: createHash('sha256')
      .update('lethe hardware v1\n')
      .update(identity.replaceAll('\0', '').trim())
      .digest('hex')
      .slice(0, 16),
  };
}

function textOrNothing(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
