/**
 * Why a device does not take a code, or cannot do what it says: one word each, which is all that travels between the programs
 * of the setup (/run/lethe-setup/refusal), with a sentence for the log and what the person on the ladder can do about it.
 * The words are stable. Lamp patterns are chosen elsewhere, by the program that has the lamp.
 */

export type RefusalText = {
  /** What is the matter. */
  readonly sentence: string;
  /** What to do next. */
  readonly remedy: string;
};

export const REFUSALS = {
  not_ours: {
    sentence: 'This is a code, but none for setting up a Lethe device.',
    remedy: 'Show the code that `npm run -s provision -- create` made.',
  },
  damaged: {
    sentence: 'The code begins as one of ours, but what follows is not whole.',
    remedy: 'Show the picture that was made, not a copy of its text; make a new code if that does not help.',
  },
  newer_version: {
    sentence: 'The code was made by a newer version and says things that this device does not know.',
    remedy: 'Flash the device with the current version, or make the code with the version that the device has.',
  },
  unknown_key: {
    sentence: 'The code is signed with a key that this device was not given.',
    remedy: 'Sign with the fleet key whose public half was put on the card, or flash the card with the right one.',
  },
  forged: {
    sentence: 'The code names a key that this device knows, but the signature does not fit.',
    remedy: 'Do not use this code. Make a new one, and find out where this one came from.',
  },
  expired: {
    sentence: 'The time in which the code was valid is over.',
    remedy: 'Make a new code; --valid 1h makes one that lasts longer.',
  },
  not_yet_valid: {
    sentence: 'The code was made in the future, as seen by the clock here.',
    remedy: 'Set the clock of the computer that made the code, then make a new one.',
  },
  replayed: {
    sentence: 'This device has used this code before.',
    remedy: 'Make a new code.',
  },
  other_device: {
    sentence: 'The code is meant for another device.',
    remedy: 'Show the code with the name of this device.',
  },
  wifi_not_found: {
    sentence: 'No access point with that name can be heard here.',
    remedy: 'Check the name, whether the access point is on, and whether it sends on a band that this board has.',
  },
  wifi_password: {
    sentence: 'The access point did not take the passphrase.',
    remedy: 'Make a new code with the right passphrase.',
  },
  no_network: {
    sentence: 'The device is connected but got no address.',
    remedy: 'Look at the cable, and at the DHCP server of the store.',
  },
  no_time: {
    sentence: 'No time server answered, and without the time nothing can be trusted.',
    remedy: 'Let the device reach a time server (NTP, port 123).',
  },
  gateway_unreachable: {
    sentence: 'Nobody answers at the address of the gateway.',
    remedy: 'Check host and port in the code, whether `lethe gateway` runs, and its firewall.',
  },
  gateway_other_certificate: {
    sentence: 'Who answers at the address of the gateway has another certificate than the code says.',
    remedy: "Make the code with the gateway's own ca.crt. If that was so, somebody else answers there.",
  },
  token_used: {
    sentence: 'Another device has used this code at the gateway.',
    remedy: 'Make one code for each device.',
  },
  claim_refused: {
    sentence: 'The gateway does not take this device.',
    remedy: 'Its log says why.',
  },
  no_disk: {
    sentence: 'The device cannot write to its card.',
    remedy: 'The card is full or worn out: take another one.',
  },
} as const satisfies Readonly<Record<string, RefusalText>>;

export type Refusal = keyof typeof REFUSALS;

/** True for a word of the table, and for nothing that merely exists on every object. */
export function isRefusal(word: string): word is Refusal {
  return Object.hasOwn(REFUSALS, word);
}
