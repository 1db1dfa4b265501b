/**
 * Which name a device gets. A code for a device gives that name; one for the site gives a board the name that it had before (it
 * was reset and scanned again), or the next free number. A name that another board has is given away only as claim.replace says:
 * a broken counter is unscrewed and another one scans a new code for the same door, which has to work without a laptop on the
 * gateway; a counter that is connected right now is not pushed aside.
 */
import type { SetupPayload } from '../../../provisioning/payload/payload.ts';
import { DEVICES_MAX, RESERVED_DEVICES } from '../config.ts';
import type { ClaimedDevice } from './books.ts';
import { type ClaimRefusal, refuse } from './refusals.ts';
import type { ReplaceWord } from './settings.ts';

export type NamingFacts = {
  /** Of devices that the file or a claim names. */
  readonly expected: readonly string[];
  /** Speak at the broker without being expected. */
  readonly strangers: ReadonlySet<string>;
  /** Users of the broker that are no devices. */
  readonly reserved: readonly string[];
  readonly prefix: string;
  readonly replace: ReplaceWord;
  readonly isOnline: (device: string) => boolean;
  readonly deviceNamed: (device: string) => ClaimedDevice | undefined;
  readonly deviceOfHardware: (hardwareId: string) => ClaimedDevice | undefined;
};

type Code = Pick<SetupPayload, 'device' | 'issuedAtS'>;

/** A name, or why there is none. */
export function nameFor(code: Code, hardwareId: string, facts: NamingFacts): string | ClaimRefusal {
  const name = code.device ?? facts.deviceOfHardware(hardwareId)?.device ?? nextFree(facts);
  if (isReserved(name, facts.reserved))
    return refuse(
      'device_taken',
      `${name} is a name of another client of the broker, not of a device. Make a code for another name, or take it out of claim.reserved.`,
    );
  const holder = facts.deviceNamed(name);
  if (holder !== undefined) return replacement(code, hardwareId, holder, facts) ?? name;
  if (!facts.expected.includes(name) && facts.expected.length >= DEVICES_MAX)
    return refuse('device_taken', `The store has ${DEVICES_MAX} devices already. Remove one that is gone.`);
  return name;
}

export function isReserved(name: string, reserved: readonly string[]): boolean {
  return (RESERVED_DEVICES as readonly string[]).includes(name) || reserved.includes(name);
}

/** Undefined: the board may have the name of this one, or is it. */
function replacement(
  code: Code,
  hardwareId: string,
  { device, hardwareId: holderId, hardwareModel, codeIssuedS }: ClaimedDevice,
  { replace, isOnline }: NamingFacts,
): ClaimRefusal | undefined {
  if (holderId === hardwareId) {
    // What a board says of itself is not proven: only a code with that name may end a connection that stands.
    if (code.device !== undefined || !isOnline(device)) return undefined;
    return refuse(
      'device_taken',
      `${device} is connected right now. Make a code for ${device} if it is to begin anew.`,
    );
  }
  const holder = `${device} belongs to another board (${hardwareModel === '' ? 'unknown model' : hardwareModel})`;
  if (replace === 'never')
    return refuse(
      'device_taken',
      `${holder}. Make a code for another name, or remove the old one: lethe gateway devices --remove ${device}.`,
    );
  if (code.issuedAtS <= codeIssuedS)
    return refuse('device_taken', `${holder}, which came with a newer code than this. Make a new code for ${device}.`);
  if (replace === 'offline' && isOnline(device))
    return refuse(
      'device_taken',
      `${holder}, which is connected right now, as far as the gateway knows. Switch that one off and wait a minute, or make a code for another name.`,
    );
  return undefined;
}

function nextFree({ expected, strangers, prefix, reserved }: NamingFacts): string {
  const taken = new Set([...expected, ...strangers, ...reserved]);
  for (let number = 1; ; number += 1) if (!taken.has(`${prefix}-${number}`)) return `${prefix}-${number}`;
}
