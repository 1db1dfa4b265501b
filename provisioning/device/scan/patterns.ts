/**
 * What the lamp says while a blank device looks for its code, to be read from the floor without tools.
 * A refusal is counted: long flashes say who can help, short ones what is the matter, then two seconds of dark. What the eye
 * says by its lamp as well (starting, camera lost, let go) looks here as it does there. Everything else is dark most of the
 * time, as nobody is counted, until a code is taken.
 */
import type { LampPattern } from '../../../runtime/lamp.ts';
import { REFUSALS, type Refusal } from '../../payload/refusals.ts';

/** Told apart at a glance; five of them take as long as anybody wants to count. */
const LONG = [700, 300] as const;
const SHORT = [150, 300] as const;
/** After the last long flash, so that the short ones begin anew. */
const BETWEEN_MS = 900;
/** Longer than anything else that is dark: here one begins to count. */
const END_MS = 2000;

/** By the number of long flashes. */
export const HELPERS = {
  1: 'you, on the ladder: show another code',
  2: 'whoever makes the codes',
  3: "the store's network",
  4: 'the gateway',
  5: 'the card in the device',
} as const;
type LongCount = keyof typeof HELPERS;

export type Flashes = { readonly long: LongCount; readonly short: 1 | 2 | 3 | 4 | 5 };

export const REFUSAL_FLASHES = {
  not_ours: { long: 1, short: 1 },
  damaged: { long: 1, short: 2 },
  expired: { long: 1, short: 3 },
  replayed: { long: 1, short: 4 },
  other_device: { long: 1, short: 5 },
  unknown_key: { long: 2, short: 1 },
  forged: { long: 2, short: 2 },
  newer_version: { long: 2, short: 3 },
  not_yet_valid: { long: 2, short: 4 },
  token_used: { long: 2, short: 5 },
  wifi_not_found: { long: 3, short: 1 },
  wifi_password: { long: 3, short: 2 },
  no_network: { long: 3, short: 3 },
  no_time: { long: 3, short: 4 },
  gateway_unreachable: { long: 4, short: 1 },
  gateway_other_certificate: { long: 4, short: 2 },
  claim_refused: { long: 4, short: 3 },
  no_disk: { long: 5, short: 1 },
} as const satisfies Readonly<Record<Refusal, Flashes>>;

/** Not a refusal of a code: none can be taken at all. */
const NO_KEYS_FLASHES: Flashes = { long: 5, short: 2 };

const STATE_PATTERNS = {
  starting: {
    segments: [[1000, 1000]],
    looks: 'slow even blinking, 1 s on, 1 s off',
    meaning: 'starting; no picture yet',
  },
  waiting: {
    segments: [[100, 1900]],
    looks: 'dark, one short flash every 2 s',
    meaning:
      'looking for a code: hold it still and upright to the camera, no farther away than three times its own width',
  },
  seen: {
    segments: [[50, 50]],
    looks: 'flicker, 10 a second',
    meaning: 'there is a code that cannot be read yet: hold it still, nearer or farther, without a reflection',
  },
  accepted: {
    segments: [[900, 100]],
    looks: 'lit, one short dark every second',
    meaning: 'the code is taken: joining the network and the gateway; nothing more is to be shown',
  },
  cameraLost: {
    segments: [[200, 200]],
    looks: 'fast even blinking, 2.5 a second',
    meaning: 'camera lost; trying again',
  },
  held: {
    segments: [[100, 100]],
    looks: 'fast flicker, 5 a second, while the button is held',
    meaning: 'let the button go now, and what is half set up is forgotten',
  },
  noKeys: {
    segments: segmentsOf(NO_KEYS_FLASHES),
    looks: looksOf(NO_KEYS_FLASHES),
    meaning: 'the card has no fleet key, so no code can be taken: flash it again with one',
  },
} as const satisfies Readonly<Record<string, LampPattern>>;

export type ScanPatternName = keyof typeof STATE_PATTERNS | Refusal;

/** The whole language of the lamp while a code is looked for. */
export const SCAN_PATTERNS: Readonly<Record<ScanPatternName, LampPattern>> = {
  ...STATE_PATTERNS,
  ...refusalPatterns(),
};

function refusalPatterns(): Record<Refusal, LampPattern> {
  const entries = Object.entries(REFUSAL_FLASHES).map(([word, flashes]): [string, LampPattern] => {
    const { sentence, remedy } = REFUSALS[word as Refusal];
    return [word, { segments: segmentsOf(flashes), looks: looksOf(flashes), meaning: `${sentence} ${remedy}` }];
  });
  return Object.fromEntries(entries) as Record<Refusal, LampPattern>;
}

function segmentsOf({ long, short }: Flashes): LampPattern['segments'] {
  return [
    ...Array.from({ length: long - 1 }, () => LONG),
    [LONG[0], BETWEEN_MS],
    ...Array.from({ length: short - 1 }, () => SHORT),
    [SHORT[0], END_MS],
  ];
}

function looksOf({ long, short }: Flashes): string {
  return `${long} long, ${short} short`;
}
