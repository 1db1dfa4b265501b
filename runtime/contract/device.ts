/** Payloads about the device itself: is it there, what is it, does it work, how long do pictures live. */
import { type Static, Type } from 'typebox';
import {
  Boot,
  count,
  EpochId,
  levelName,
  measure,
  nullable,
  openWords,
  ProgramVersion,
  people,
  sha256,
  TimeZone,
  text,
  time,
  Version,
} from './fields.ts';

export const StatusSchema = Type.Object(
  {
    v: Version,
    state: openWords(
      ['online', 'offline', 'stopped'],
      'online: connected; stopped: ended on purpose; offline: the broker lost it (last will)',
    ),
    boot: Boot,
    version: ProgramVersion,
  },
  { description: 'Whether the device is connected. An offline with an older boot than the last online is stale' },
);
export type Status = Static<typeof StatusSchema>;

export const InfoSchema = Type.Object(
  {
    v: Version,
    site: levelName('Site, as in the topic'),
    device: levelName('Device, as in the topic'),
    version: ProgramVersion,
    node_version: text('Version of Node.js'),
    boot: Boot,
    epoch_id: EpochId,
    started_at: time('Start of the voice'),
    tz: TimeZone,
    interval_s: Type.Integer({ minimum: 1, maximum: 3600, description: 'Length of an interval', 'x-unit': 's' }),
    frame_rate_hz: measure(1, 60, 'Frames that the camera gives', 'Hz'),
    camera: openWords(['scene', 'video', 'rpicam'], 'Camera driver; scene: a simulated entrance; video: footage'),
    model: text('Detector: default, or the file name of its manifest'),
    lines: Type.Array(
      Type.Object({
        name: levelName('As in topics'),
        in: openWords(['up', 'down', 'left', 'right'], 'Way in the picture that counts as in'),
      }),
      { description: 'Counting lines' },
    ),
    entrances: Type.Array(
      Type.Object({
        name: levelName('As in topics, like that of a line'),
        lines: Type.Array(levelName('A line'), { description: 'Its lines' }),
      }),
      { description: 'Lines that are counted as one' },
    ),
    zones: Type.Array(
      Type.Object({
        name: levelName('As in topics'),
        passes: text('Line or entrance that the zone lies before; empty: none'),
      }),
      { description: 'Areas' },
    ),
    opening_hours: Type.Array(text('A rule'), { description: 'In the site’s time zone; empty: always open' }),
  },
  { description: 'What stays the same until the next start' },
);
export type Info = Static<typeof InfoSchema>;

/** Of health and privacy. */
const overLimitFields = {
  over_limit: nullable(
    count('Frames that were in memory for longer than limit_ms, since the eye’s boot', 'frames'),
    'not told yet',
  ),
  last_at: nullable(time('When the last ones were'), 'none was, or not told yet'),
  last_us: nullable(count('How long the longest of those told then was there', 'µs'), 'none was, or not told yet'),
};

const limitMs = measure(0, 1000, 'How long a frame, or anything made of it, may be in memory', 'ms');

export const HealthSchema = Type.Object(
  {
    v: Version,
    at: time('When this was said'),
    eye: Type.Object(
      {
        state: openWords(
          ['unknown', 'starting', 'counting', 'paused', 'camera_lost', 'stopping', 'silent', 'eye_cut_off'],
          'counting is the good one; silent: no word for 5 s; eye_cut_off: it broke the protocol',
        ),
        reason: text('Why, in one word, for eye_cut_off in a sentence; empty: no reason'),
      },
      { description: 'The program that looks and counts' },
    ),
    camera: Type.Object(
      {
        driver: openWords(['scene', 'video', 'rpicam'], 'As in info'),
        state: openWords(['ok', 'lost', 'off', 'unknown'], 'off: paused or stopping'),
      },
      { description: 'The camera' },
    ),
    ledger: Type.Object(
      {
        state: openWords(
          ['ok', 'unwritable', 'unreadable'],
          'unwritable: counted in memory; unreadable: as that, and the old file is left as it is',
        ),
        reason: text('A sentence; empty: none'),
        pending: count('Records that wait for the broker', 'records'),
        dropped: count('Records given up because too many waited, since the epoch began', 'records'),
        kept_from: nullable(time('Begin of the oldest record that is kept and can be sent again'), 'none is kept'),
      },
      { description: 'Numbers on disk' },
    ),
    receipts: Type.Object(
      {
        state: openWords(['ok', 'no_key'], 'no_key: intervals bear no receipt'),
        reason: text('A sentence; empty: none'),
      },
      { description: 'Signed receipts' },
    ),
    corridor: Type.Object(
      {
        records: count('Records read from the eye since the voice started', 'records'),
        cut_off: Type.Boolean({ description: 'The eye broke the protocol and is not listened to' }),
      },
      { description: 'The way from the eye to the voice' },
    ),
    privacy: Type.Object({ limit_ms: limitMs, ...overLimitFields }, { description: 'How long pictures lived' }),
    clock: Type.Optional(
      Type.Object(
        {
          state: openWords(
            ['synced', 'unsynced', 'unknown'],
            'synced: set by a time server since the board started; unsynced: not yet; unknown: it cannot be told',
          ),
          uptime_s: count('Since the start of the voice, at `at`', 's'),
        },
        { description: 'Whether times can be believed' },
      ),
    ),
    setup: Type.Object(
      { until: nullable(time('When set-up mode ends by itself'), 'it is off') },
      { description: 'Set-up mode: positions of people are told on `setup`' },
    ),
    commands: Type.Object(
      {
        accepted: count('Signed commands that were carried out since the voice started', 'commands'),
        refused: count('Commands of any kind that were refused since then', 'commands'),
        last_at: nullable(time('When the last signed one was carried out'), 'none was'),
      },
      { description: 'Commands on `cmd/…`' },
    ),
  },
  { description: 'Whether counting works, and if not, why' },
);
export type Health = Static<typeof HealthSchema>;
export type EyeStateWord = Health['eye']['state'];
export type CameraDriver = Info['camera'];

const ResidencySchema = Type.Object({
  p50: count('Half of the frames were gone by then', 'µs'),
  p99: count('99 of 100 were', 'µs'),
  max: count('All were', 'µs'),
  n: count('How many that rests on', 'frames'),
});
export type Residency = Static<typeof ResidencySchema>;

const residency = (description: string) =>
  nullable(Type.Object(ResidencySchema.properties, { description, 'x-shape': 'residency' }), 'not told yet');

const bothResidencies = (description: string) =>
  Type.Object(
    {
      pixels: residency('From the first byte of a frame in memory until its slot is all zero; dropped frames as well'),
      derived: residency('Until all that was computed from it is zero; frames that were looked at'),
    },
    { description },
  );

export const PrivacySchema = Type.Object(
  {
    v: Version,
    at: time('When this was said'),
    frames: Type.Object(
      {
        read: count('Frames read', 'frames'),
        erased: count('Frames erased: as many as were read, but for one that may be in work', 'frames'),
        dropped: count('Frames erased without being looked at', 'frames'),
      },
      { description: 'Since the eye’s boot' },
    ),
    reported_at: nullable(time('When the eye told what follows'), 'not yet'),
    residency_us: Type.Object(
      {
        minute: bothResidencies('Of the eye’s last minute'),
        since_boot: bothResidencies('Since the eye’s boot'),
      },
      { description: 'How long pictures, and what was made of them, were in memory' },
    ),
    limit_ms: limitMs,
    ...overLimitFields,
    model_sha256: nullable(sha256('The model that the eye says it runs'), 'not told yet'),
  },
  { description: 'How many pictures were read and erased, and how long they lived' },
);
export type Privacy = Static<typeof PrivacySchema>;

export const SimulationSchema = Type.Object(
  {
    v: Version,
    simulated: Type.Literal(true, { description: 'Nobody real was counted' }),
    at: time('When this was said'),
    true_in: people('Who truly came in since the eye’s boot'),
    true_out: people('Who truly went out'),
  },
  { description: 'With a simulated camera only: the truth, to compare with' },
);
export type Simulation = Static<typeof SimulationSchema>;

export const UPDATE_STATES = ['idle', 'downloading', 'ready', 'trial', 'confirmed', 'rolled_back', 'refused'] as const;

export const UpdateStateSchema = Type.Object(
  {
    v: Version,
    at: time('When this was said'),
    state: openWords(
      UPDATE_STATES,
      'trial: runs, and goes back by itself unless it counts and reaches the broker; refused, rolled_back: the version before runs on',
    ),
    version: ProgramVersion,
    offered: nullable(text('Version that was offered last'), 'none yet'),
    reason: text('Why it was refused, is late or went back, in one word; empty: no reason'),
    received_bytes: count('downloading: what is there', 'B'),
    bytes: count('downloading: what is to come in all; 0: no download', 'B'),
  },
  { description: 'Which version runs, and what becomes of a newer one' },
);
export type UpdateNews = Static<typeof UpdateStateSchema>;
