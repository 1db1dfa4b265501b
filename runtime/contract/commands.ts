/**
 * Commands: what others may ask of a device on `cmd/<name>`, what it answers on `reply/<name>`, and what it tells while it is
 * being set up. A command that changes something is signed: by whom and how is in runtime/privacy/command-signature.ts.
 * Unlike payloads of the device, a command with a field that the device does not know is refused: better not done than done
 * otherwise than somebody meant. So a command may get a new field within version 1, but only devices that know it take it.
 */
import { type Static, type TProperties, Type } from 'typebox';
import {
  count,
  EpochId,
  levelName,
  measure,
  nullable,
  openWords,
  ordinal,
  ProgramVersion,
  sha256,
  text,
  time,
  Version,
} from './fields.ts';

/** A question of how long a signature is worth anything: long enough for a slow clock, short enough to be remembered. */
export const COMMAND_VALID_S_MAX = 600;
export const SETUP_MINUTES_MAX = 60;
export const PEOPLE_MAX = 10_000;
/** A week of one-minute records of one line. */
export const RESEND_RECORDS_MAX = 10_000;

const releaseVersion = (description: string) =>
  Type.String({ pattern: '^\\d{1,6}\\.\\d{1,6}\\.\\d{1,6}$', description, 'x-shape': 'release' });

const Id = Type.String({
  pattern: '^[A-Za-z0-9._:-]{1,64}$',
  description: 'Of the sender’s choice, another one each time: the reply bears it; 1 to 64 of A-Z, a-z, 0-9, . _ : -',
  'x-shape': 'command_id',
});
const head = { v: Version, id: Id };

/** What a command that changes something has besides. All of it is covered by the signature. */
const signedHead = <Name extends string>(name: Name) => ({
  command: Type.Literal(name, { description: 'As in the topic' }),
  site: levelName('Site that is meant, as in the topic'),
  device: levelName('Device that is meant, as in the topic'),
  issued_at: time('When it was signed'),
  expires_at: time(`When it is worth nothing any more: at most ${COMMAND_VALID_S_MAX} s later`),
  public_key: Type.String({
    pattern: '^[A-Za-z0-9+/]{43}=$',
    description: 'Raw Ed25519 key in base64; one of commands.public_keys in the device’s configuration',
    'x-field': 'command_key',
  }),
  signature: Type.String({
    pattern: '^[A-Za-z0-9+/]{86}==$',
    description: 'Ed25519 in base64, over the line `lethe command 1` and the rest in the form of RFC 8785',
    'x-field': 'command_signature',
  }),
});

const plain = <Properties extends TProperties>(properties: Properties, description: string) =>
  Type.Object({ ...head, ...properties }, { additionalProperties: false, description });
const signed = <Name extends string, Properties extends TProperties>(
  name: Name,
  properties: Properties,
  description: string,
) => Type.Object({ ...head, ...properties, ...signedHead(name) }, { additionalProperties: false, description });

export const PingSchema = plain({}, 'Are you there? The reply bears version and time of the device');
export const IdentifySchema = plain({}, 'Which one are you? The lamp flickers for ten seconds');
export const ResendSchema = plain(
  {
    epoch_id: EpochId,
    from_seq: ordinal('First number that is missed'),
    to_seq: ordinal(`Last one; at most ${RESEND_RECORDS_MAX} numbers in all`),
  },
  'Send these records once more, as historical ones, as far as they are still kept',
);
export const SetupSchema = signed(
  'setup',
  {
    minutes: Type.Integer({
      minimum: 0,
      maximum: SETUP_MINUTES_MAX,
      description: 'How long the device tells where people are in the picture; 0 ends it',
      'x-unit': 'min',
    }),
  },
  'Set-up mode: where people are, as points without identity, for somebody who hangs the camera and draws lines',
);
export const ResetOccupancySchema = signed(
  'reset-occupancy',
  {
    people: Type.Integer({
      minimum: 0,
      maximum: PEOPLE_MAX,
      description: 'Somebody has counted: so many are inside now',
      'x-unit': 'people',
    }),
  },
  'Begin the estimate of who is in the store anew',
);
export const ReloadSchema = signed(
  'reload',
  {},
  'Read the configuration file again; one with faults is refused and nothing changes',
);

/** What a release says of itself (provisioning/bundle/manifest.ts), as it was signed. */
const ReleaseManifest = Type.Object(
  {
    v: Version,
    name: Type.Literal('lethe', { description: 'Of what' }),
    version: releaseVersion('Version that is offered'),
    target: Type.String({ pattern: '^[a-z0-9-]{1,32}$', description: 'Such as linux-arm64' }),
    bytes: ordinal('Size of the application in the bundle'),
    sha256: sha256('Application in the bundle'),
    unpacked_bytes: ordinal('What it takes on the disk'),
    file_count: ordinal('Files in it'),
    node: releaseVersion('Version of Node.js in it'),
    made_at: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}Z$', description: 'When it was made' }),
    from_min: releaseVersion('Oldest version that it may replace'),
    key_id: Type.String({ pattern: '^[0-9a-f]{8}$', description: 'Key that signed it' }),
  },
  { additionalProperties: false, description: 'As it was signed' },
);
export const UpdateSchema = plain(
  {
    manifest: ReleaseManifest,
    signature: Type.String({
      pattern: '^[A-Za-z0-9+/]{86}==$',
      description:
        'Ed25519 in base64 by that key, over the line `lethe release v1` and the manifest in the form of RFC 8785',
    }),
    url: Type.String({
      pattern: '^https://[!-~]{1,300}$',
      description: 'Where the whole bundle is: /v1/bundle/ and sha256, at the host of the broker',
    }),
  },
  'There is a newer release: fetch it, try it, keep it if it counts. The device knows who may sign',
);

export type SignedCommand =
  | Static<typeof SetupSchema>
  | Static<typeof ResetOccupancySchema>
  | Static<typeof ReloadSchema>;

/** Every command by its name in the topic. */
export const COMMANDS = {
  ping: { schema: PingSchema, isSigned: false },
  identify: { schema: IdentifySchema, isSigned: false },
  resend: { schema: ResendSchema, isSigned: false },
  setup: { schema: SetupSchema, isSigned: true },
  'reset-occupancy': { schema: ResetOccupancySchema, isSigned: true },
  reload: { schema: ReloadSchema, isSigned: true },
  /** Not signed as a command: the release is, by another key, and that is what counts. */
  update: { schema: UpdateSchema, isSigned: false },
} as const;
export type CommandName = keyof typeof COMMANDS;
export type Request<Name extends CommandName = CommandName> = Static<(typeof COMMANDS)[Name]['schema']>;

export function isCommandName(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

/** Where replies to commands of unknown names go: a stranger's word becomes no topic of ours. */
export const REPLY_UNKNOWN = 'unknown';

/** Why a command was not carried out. */
export const REFUSAL_CODES = [
  'unknown_command',
  'retained',
  'too_large',
  'malformed',
  'invalid',
  'unsigned',
  'no_keys',
  'wrong_device',
  'unknown_key',
  'bad_signature',
  'clock_wrong',
  'validity',
  'not_yet_valid',
  'expired',
  'replayed',
  'too_many',
  'not_remembered',
  'config_invalid',
  'config_replaced',
  'not_delivered',
  'not_kept',
  'update_refused',
] as const;
export type RefusalCode = (typeof REFUSAL_CODES)[number];

export const ReplySchema = Type.Object(
  {
    v: Version,
    at: time('Clock of the device'),
    id: nullable(Id, 'the command bore none that could be read'),
    ok: Type.Boolean({ description: 'It is done, or is being done' }),
    error: Type.Optional(
      Type.Object(
        {
          code: openWords(REFUSAL_CODES, 'Why it was not done'),
          message: text('The same in a sentence, or one for each fault, with what to do'),
        },
        { description: 'Only if it was not done; then nothing has changed' },
      ),
    ),
    version: Type.Optional(ProgramVersion),
    uptime_s: Type.Optional(count('ping: since the start of the voice', 's')),
    seconds: Type.Optional(count('identify: how long the lamp flickers', 's')),
    until: Type.Optional(nullable(time('setup: when it ends by itself'), 'it has ended')),
    people: Type.Optional(count('reset-occupancy: how many are taken to be inside', 'people')),
    from_seq: Type.Optional(ordinal('resend: from here')),
    to_seq: Type.Optional(ordinal('resend: to here, what is still kept of it is sent once more')),
    offered: Type.Optional(releaseVersion('update: version that is fetched now')),
    changed: Type.Optional(
      Type.Array(text('A section or field'), { description: 'reload: parts of the configuration that differ' }),
    ),
  },
  { description: 'Answer to a command, with the correlation data of its request where there was one' },
);
export type Reply = Static<typeof ReplySchema>;

export const SetupDotsSchema = Type.Object(
  {
    v: Version,
    at: time('When the device heard it of its eye'),
    until: time('When set-up mode ends by itself'),
    dots: Type.Array(
      Type.Tuple([measure(0, 1, 'From the left, of the picture'), measure(0, 1, 'From the top, of the picture')]),
      {
        maxItems: 32,
        description:
          'The points that lines use, of people in view, in steps of 1/256; sorted by place, without number or name',
      },
    ),
  },
  { description: 'Set-up mode: where people are in the picture now; no picture, nobody’s way, nothing that is kept' },
);
export type SetupDots = Static<typeof SetupDotsSchema>;
