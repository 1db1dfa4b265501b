/** Commands as a sender makes them: right in everything, but for what a test changes. */
import type { LinkMessage } from '../../../../runtime/ports/link.ts';
import { signedCommand } from '../../../../runtime/privacy/command-signature.ts';
import type { DeviceKey } from '../../../../runtime/privacy/receipts.ts';

export const SITE = 'demo';
export const DEVICE = 'door1';
let count = 0;

export function nextId(): string {
  count += 1;
  return `test-${count}`;
}

export type SignedFields = {
  readonly name: string;
  readonly key: DeviceKey;
  readonly nowMs: number;
  /** Arguments, and whatever else is to be otherwise; signed like the rest. */
  readonly fields?: Readonly<Record<string, unknown>>;
};

export function signedJson({ name, key, nowMs, fields = {} }: SignedFields): Record<string, unknown> {
  return signedCommand(
    {
      v: 1,
      id: nextId(),
      command: name,
      site: SITE,
      device: DEVICE,
      issued_at: new Date(nowMs).toISOString(),
      expires_at: new Date(nowMs + 60_000).toISOString(),
      ...fields,
    },
    key,
  );
}

export function messageOf(name: string, json: unknown, changes: Partial<LinkMessage> = {}): LinkMessage {
  return {
    topic: `lethe/v1/${SITE}/${DEVICE}/cmd/${name}`,
    payload: typeof json === 'string' ? json : JSON.stringify(json),
    retained: false,
    ...changes,
  };
}
