/** The receipt: what a device signs about each interval. How it is signed and chained: runtime/privacy/receipts.ts. */
import { type Static, Type } from 'typebox';
import {
  Boot,
  count,
  EpochId,
  levelName,
  nullable,
  ordinal,
  ProgramVersion,
  Quality,
  Seq,
  sha256,
  time,
  Version,
} from './fields.ts';

/** Twelve counters and eight zones. */
const COVERS_MAX = 20;
/** Models of one interval; a device has one, and another after it was set up anew. */
const MODELS_MAX = 4;

export const ReceiptSchema = Type.Object(
  {
    v: Version,
    kind: Type.Literal('receipt', { description: 'What this is, wherever it is kept' }),
    site: levelName('Site, as in the topic'),
    device: levelName('Device, as in the topic'),
    epoch_id: EpochId,
    number: ordinal('Place in the chain; each epoch has a chain of its own'),
    seq: Seq,
    boot: Boot,
    from: time('Begin of the interval, included'),
    to: time('End, excluded'),
    quality: Quality,
    frames: Type.Object(
      {
        read: count('Frames read', 'frames'),
        erased: count('Frames erased', 'frames'),
        dropped: count('Frames erased without being looked at', 'frames'),
      },
      { description: 'Of this interval' },
    ),
    longest_us: Type.Object(
      {
        pixels: nullable(count('Pixels', 'µs'), 'no picture, or not told'),
        derived: nullable(count('Anything made of them', 'µs'), 'no picture, or not told'),
      },
      { description: 'The longest that these were in memory' },
    ),
    eye_starts: count(
      'Eyes that began in it; with each, one picture may have ended together with the process that held it',
      'starts',
    ),
    models: Type.Array(sha256('A model'), {
      maxItems: MODELS_MAX,
      description: 'Models that looked at its pictures, in order; empty: not told',
    }),
    config_sha256: sha256('The configuration with all its defaults, in the form of RFC 8785'),
    version: ProgramVersion,
    covers: Type.Array(
      Type.Object({
        seq: Seq,
        topic: Type.String({ maxLength: 64, description: 'Below the device’s: interval/door' }),
        sha256: sha256('Payload without historical and tz, in the form of RFC 8785'),
      }),
      { minItems: 1, maxItems: COVERS_MAX, description: 'The messages of the interval' },
    ),
    previous: nullable(
      sha256('The receipt before, signature included, in the form of RFC 8785'),
      'the first of its chain',
    ),
    public_key: Type.String({ maxLength: 64, description: 'Raw Ed25519 key in base64' }),
    signature: Type.String({
      maxLength: 128,
      description: 'Ed25519 in base64, over the line `lethe receipt 1` and the rest in the form of RFC 8785',
    }),
  },
  { description: 'Signed: pictures read and erased in one interval, and the hashes of what was told about it' },
);
export type Receipt = Static<typeof ReceiptSchema>;
