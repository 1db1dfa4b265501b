/** The record of an audit by hand, published by `lethe tally`. What follows from what: runtime/commands/tally. */
import { type Static, Type } from 'typebox';
import { count, levelName, nullable, openWords, ProgramVersion, share, text, time, Version } from './fields.ts';

/** What the device did in the middle of a session. */
export const TALLY_NOTES = ['new_boot', 'new_epoch', 'total_fell', 'total_jumped', 'odd_payload'] as const;
/** pause: the person's. broker: our connection to it was gone. device: it was gone, or started anew. */
export const TALLY_GAP_REASONS = ['pause', 'broker', 'device'] as const;
/** A whole day at two crossings a second would not fill it, and its record is below a megabyte. */
export const TALLY_MOMENTS_MAX = 20_000;

const YEAR_MS = 31_536_000_000;
const Ms = Type.Integer({ minimum: 0, maximum: YEAR_MS, description: 'Since `from`', 'x-unit': 'ms' });
const Way = Type.Enum(['in', 'out'], { description: 'Which way' });
const moments = (description: string) =>
  Type.Array(Type.Tuple([Ms, Way]), { maxItems: TALLY_MOMENTS_MAX + 1, description });

const directionResult = (description: string) =>
  Type.Object(
    {
      person: count('Pressed by the person', 'people'),
      device: count('Counted by the device', 'people'),
      matched: count('Both', 'people'),
      missed: count('Only the person', 'people'),
      extra: count('Only the device', 'people'),
      unobserved: count('Presses left out, because the device was not looking', 'people'),
      unobserved_counts: count('Counts left out, because the person was not looking', 'people'),
      recall: nullable(share('matched / person'), 'nobody'),
      recall_low: nullable(share('What it is at least, with 95 % confidence'), 'nobody'),
      precision: nullable(share('matched / device'), 'nobody'),
      precision_low: nullable(share('What it is at least, with 95 % confidence'), 'nobody'),
      verdict: openWords(['equivalent', 'not_equivalent', 'undecided'], 'Of the two one-sided tests at `margin`'),
      bias: nullable(Type.Number({ description: '(device - person) / person' }), 'nobody'),
      interval: nullable(
        Type.Tuple([Type.Number(), Type.Number()], { description: 'Of the bias, with 1 - 2 alpha of confidence' }),
        'nobody',
      ),
      more_needed: nullable(count('Crossings still needed for a verdict', 'people'), 'no number can be told'),
    },
    { description, 'x-shape': 'direction' },
  );

export const TallySchema = Type.Object(
  {
    v: Version,
    kind: Type.Literal('tally', { description: 'What this is, wherever it is kept' }),
    site: levelName('Site, as in the topic'),
    device: levelName('Device, as in the topic'),
    line: levelName('Line, as in the topic'),
    version: ProgramVersion,
    from: time('Begin'),
    to: time('Begin and the length of the session by a clock that does not jump'),
    window_ms: Type.Integer({
      minimum: 1,
      maximum: 60_000,
      description: 'Press and count of one crossing are at most so far apart',
      'x-unit': 'ms',
    }),
    margin: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, description: 'Difference that does not matter' }),
    alpha: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 0.5, description: 'Error of each one-sided test' }),
    device_shown: Type.Boolean({ description: 'The person saw the device’s numbers while pressing' }),
    presses: moments('By the person'),
    undone: Type.Array(Type.Tuple([Ms, Way, Ms]), {
      maxItems: TALLY_MOMENTS_MAX + 1,
      description: 'Taken back: when pressed, which way, when taken back',
    }),
    counts: moments('By the device, as its totals arrived'),
    gaps: Type.Array(Type.Tuple([Ms, Ms, Type.Enum([...TALLY_GAP_REASONS], { 'x-open': true })]), {
      description: 'From, to, and why one of the two was not looking',
    }),
    notes: Type.Array(Type.Tuple([Ms, Type.Enum([...TALLY_NOTES], { 'x-open': true })]), {
      description: 'What the device did meanwhile',
    }),
    result: Type.Object(
      {
        lag_ms: Type.Integer({ description: 'Device after person: median over the pairs', 'x-unit': 'ms' }),
        in: directionResult('Who came in'),
        out: directionResult('Who went out'),
        unmatched: Type.Array(Type.Tuple([Type.Integer({ 'x-unit': 'ms' }), Way, Type.Enum(['person', 'device'])]), {
          description: 'Seen by one of the two only: when, which way, by whom',
        }),
      },
      { description: 'What follows from the moments, and from nothing else' },
    ),
    key: text('Raw Ed25519 key in base64'),
    signature: text('Ed25519 in base64, over the line `lethe tally 1` and the rest in the form of RFC 8785'),
  },
  {
    description: 'The last audit by hand: moments pressed by a person and counted by the device; nothing about anybody',
  },
);
export type Tally = Static<typeof TallySchema>;
