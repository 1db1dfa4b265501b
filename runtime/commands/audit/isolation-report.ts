/**
 * What the isolation audit prints: one table each for eye and voice, what the configuration had to allow, what is missing,
 * and the corridor's capacity beside the size of a picture, with what that comparison does and does not say.
 */
import type { Capacity } from '../../corridor/capacity.ts';
import type { ChildPlan, Guard, Layer, Role } from '../../isolation/isolation.ts';

export type Attempted = {
  readonly name: string;
  readonly guard: Guard;
  /** `ok` or the code of the failure: outside, with the kernel's part alone, with everything. */
  readonly control: string;
  readonly kernel: string;
  readonly inside: string;
  readonly verdict: 'refused' | 'needed' | 'not provable here' | 'SUCCEEDED';
  /** Who refused it. */
  readonly by: readonly Layer[];
  /** Why it is allowed, for `needed`. */
  readonly why: string;
};

export type IsolationResult = {
  readonly ok: boolean;
  readonly node: string;
  readonly uid: number;
  readonly camera: string;
  readonly roles: readonly (Pick<ChildPlan, 'allowed' | 'missing'> & {
    readonly role: Role;
    readonly attempts: readonly Attempted[];
  })[];
  readonly capacity: Capacity;
  /** While somebody has asked for set-up mode. */
  readonly capacitySetup: Capacity;
};

const LAYER_WORDS: Readonly<Record<Layer, string>> = { kernel: 'kernel', node: 'Node’s permission model' };

/** Pictures that could be of use to somebody, in bits. */
const PICTURES: readonly { readonly what: string; readonly bits: number; readonly rateHz: number }[] = [
  { what: 'grey faces of 32 × 32 px at 15 Hz, 8 bits a pixel', bits: 32 * 32 * 8, rateHz: 15 },
  { what: 'the same at 1 bit a pixel (strong compression)', bits: 32 * 32, rateHz: 15 },
  { what: 'one grey face of 32 × 32 px, 8 bits a pixel', bits: 32 * 32 * 8, rateHz: 0 },
  // Sinha, Balas, Ostrovsky, Russell: Face Recognition by Humans, Proc. IEEE 94 (2006), result 1.
  { what: 'one face of 7 × 10 px, 4 bits a pixel: enough to know somebody familiar', bits: 7 * 10 * 4, rateHz: 0 },
];

export function isolationText(result: IsolationResult): string {
  const user = result.uid === 0 ? 'root' : `user ${result.uid}`;
  return [
    `Isolation, tried from inside: Node ${result.node}, ${user}, camera ${result.camera}`,
    '',
    ...result.roles.flatMap(roleLines),
    ...capacityLines(result.capacity, result.capacitySetup),
    '',
    result.ok ? 'Everything that must fail failed.' : 'NOT ISOLATED: something succeeded that must fail.',
    '',
  ].join('\n');
}

function roleLines({ role, allowed, missing, attempts }: IsolationResult['roles'][number]): string[] {
  const rows = [
    ['attempt', 'outside', 'kernel alone', 'inside', 'verdict'],
    ...attempts.map((one) => [one.name, one.control, one.kernel, one.inside, verdictWords(one)]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return [
    role === 'eye' ? 'From the eye' : 'From the voice',
    ...rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd()),
    ...allowed.map(({ guard, why }) => `  allowed: ${guard}, because ${why}`),
    ...missing.map(({ guard, why, remedy }) => `  MISSING: ${guard} (${why}). ${remedy}`),
    '',
  ];
}

function verdictWords({ verdict, by, why }: Attempted): string {
  if (verdict === 'refused')
    return `refused by ${by.map((layer) => LAYER_WORDS[layer]).join(' and ') || 'nobody known'}`;
  return verdict === 'needed' ? `allowed: ${why}` : verdict;
}

function capacityLines(capacity: Capacity, setup: Capacity): string[] {
  const { recordBytes, recordsPerSecond, bitsOf, bitsPerRecord, bitsPerSecond, burstBits, burstPauseS } = capacity;
  const kinds = Object.entries(bitsOf).map(([name, bits]) => `${name} ${bits.toFixed(0)}`);
  return [
    'What the corridor can carry',
    `  ${recordBytes}-byte records, at most ${bitsPerRecord.toFixed(1)} of their ${recordBytes * 8} bits free, ${recordsPerSecond} a second: ${(bitsPerSecond / 1000).toFixed(1)} kbit/s`,
    `  in one moment, once in ${burstPauseS.toFixed(0)} quiet seconds, a backlog: ${(burstBits / 8000).toFixed(0)} kB`,
    `  free bits by kind: ${kinds.join(', ')}`,
    `  in set-up mode, for the minutes that somebody asked for, positions of people besides (${setup.bitsOf['dots']!.toFixed(0)} bits): ${setup.bitsPerRecord.toFixed(1)} bits, ${setup.recordsPerSecond} a second: ${(setup.bitsPerSecond / 1000).toFixed(1)} kbit/s`,
    ...PICTURES.map(({ what, bits, rateHz }) => `  ${what}: ${pictureWords(bits, rateHz, bitsPerSecond)}`),
    '  So it cannot carry a film. But a bound on the rate is not zero: an eye that somebody had rewritten could send small',
    '  pictures disguised as counts, one in a second, or about a hundred at once after a pause. Against that stand: it runs',
    '  only models signed by a known key, its code is short and can be read, it has no network and no file to keep anything',
    '  in, and most of what would carry a picture is published: it would be numbers that no door has.',
  ];
}

function pictureWords(bits: number, rateHz: number, bitsPerSecond: number): string {
  if (rateHz === 0) return `${bits} bits, ${(bits / bitsPerSecond).toFixed(2)} s of the corridor`;
  const rate = bits * rateHz;
  return `${(rate / 1000).toFixed(1)} kbit/s, ${(rate / bitsPerSecond).toFixed(1)} times the corridor`;
}
