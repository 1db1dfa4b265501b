/**
 * The configuration's one source: validation, types, defaults and the table in the README all come from this schema.
 * Why TypeBox: the schema is plain JSON Schema (it can be published as it is) and its static type is checked by tsc.
 * Space is normalised (0..1 of the picture, origin top left): pixels appear only after boot, in one place (loop.ts).
 */
import { type Static, Type } from 'typebox';

/** Extra keywords of ours: `unit` for messages and the table, `shape` says in words what a pattern or a tuple means. */
type Extra = { readonly description: string; readonly unit?: string; readonly shape?: string };

const integer = (minimum: number, maximum: number, byDefault: number, extra: Extra) =>
  Type.Integer({ minimum, maximum, default: byDefault, ...extra });
const number = (minimum: number, maximum: number, byDefault: number, extra: Extra) =>
  Type.Number({ minimum, maximum, default: byDefault, ...extra });
const flag = (byDefault: boolean, extra: Extra) => Type.Boolean({ default: byDefault, ...extra });
const section = <T extends Parameters<typeof Type.Object>[0]>(properties: T, description: string) =>
  Type.Object(properties, { additionalProperties: false, default: {}, description });

/** One MQTT topic level: no wildcard, no separator, no blank; bounded so that topics stay short. */
const topicLevel = (byDefault: string, description: string) =>
  Type.String({
    pattern: '^[a-z0-9][a-z0-9_-]{0,31}$',
    default: byDefault,
    description,
    shape: '1 to 32 of a-z, 0-9, _ and -, beginning with a letter or digit',
  });

const point = (description: string) =>
  Type.Tuple([Type.Number({ minimum: 0, maximum: 1 }), Type.Number({ minimum: 0, maximum: 1 })], {
    description,
    shape: '[x, y], both 0..1 of the picture, origin top left',
  });

/**
 * Half the band, of the picture's height. Boxes of a walking body swing by a few per cent of the picture from frame to
 * frame, and by as much when somebody turns on the spot. Who turns back within the band is not counted. Missed and too
 * many at 0.04, 0.05 and 0.06: of 3,831 crossings of the scene suite with exact boxes 17 and 31, 9 and 7, 17 and 3; with
 * noise 49 and 63, 52 and 36, 60 and 27; of 347 of rendered clips with the product's detector 44 and 37, 44 and 35, 49 and 35.
 */
export const HYSTERESIS_DEFAULT = 0.05;

/**
 * Of the picture's height. Who appears at a line and hops over it is a shadow, a swinging door or half of somebody else.
 * 32 rendered clips (347 crossings, the product's detector): 44 missed and 37 too many without it, 44 and 36 at 0.15, 45 and
 * 33 at 0.25, 48 and 33 at 0.3. With exact boxes and noise it changes nothing up to 0.15.
 */
export const MIN_PATH_DEFAULT = 0.15;

/**
 * A line that is printed on papers: no control characters, no line breaks, nothing that turns the direction of writing
 * (Unicode: Cc, line and paragraph separators, bidirectional controls), so that it is read as it was written.
 */
const printed = (maxLength: number, description: string) =>
  Type.String({
    pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]*$',
    maxLength,
    default: '',
    description: `${description}; empty: to be filled in`,
    shape: `at most ${maxLength} characters in one line`,
  });

/** Plain ASCII without brackets, bars and quotes: it stands in Markdown, SVG, PDF and a QR code as it is. */
const webAddress = (description: string) =>
  Type.String({
    pattern: '^(https://[A-Za-z0-9._~:/?#@!$&*+,;=%-]+)?$',
    maxLength: 200,
    default: '',
    description: `${description}; empty: to be filled in`,
    shape: 'https://… of at most 200 characters, or empty',
  });

const secretFile = (description: string, otherwise = 'none') =>
  Type.String({
    default: '',
    maxLength: 1000,
    description: `${description}, or credential:NAME of systemd; empty: ${otherwise}`,
    shape: 'a path, credential:NAME, or empty',
  });

const nameOf = (description: string) => Type.String({ minLength: 1, maxLength: 32, description });

export const LineSchema = Type.Object(
  {
    name: topicLevel('door', 'Name of the line, used in topics'),
    from: point('One end of the line'),
    to: point('The other end'),
    in: Type.Enum(['up', 'down', 'left', 'right'], {
      description: 'Way in the picture that people walk who come in',
      shape: 'one of up, down, left, right',
    }),
    hysteresis: number(0, 0.2, HYSTERESIS_DEFAULT, {
      description: 'Half width of the band around the line that must be left before a crossing counts',
      unit: 'of picture height',
    }),
    min_path: number(0, 0.5, MIN_PATH_DEFAULT, {
      description: 'How far somebody must have come since they appeared before a crossing counts',
      unit: 'of picture height',
    }),
  },
  { additionalProperties: false, description: 'A counting line' },
);

export const EntranceSchema = Type.Object(
  {
    name: topicLevel('entrance', 'Name of the entrance, used in topics like that of a line'),
    lines: Type.Array(nameOf('A line'), {
      minItems: 1,
      maxItems: 8,
      description: 'Lines that are counted together: a person who crosses several of them in one direction counts once',
      shape: 'a list of 1 to 8 names of lines',
    }),
  },
  { additionalProperties: false, description: 'Several lines counted as one' },
);

export const ZoneSchema = Type.Object(
  {
    name: topicLevel('zone', 'Name of the zone, used in topics'),
    polygon: Type.Array(point('A corner'), {
      minItems: 3,
      maxItems: 12,
      description: 'Corners of the zone in order, either way round',
      shape: '3 to 12 corners [x, y], each 0..1 of the picture, origin top left',
    }),
    bounce_s: number(0, 3600, 10, { description: 'Who stays for less than this has bounced', unit: 's' }),
    passes: Type.String({
      default: '',
      maxLength: 32,
      description:
        'Line or entrance that the zone lies before: who was in the zone and left the view without crossing it is a passer-by; empty: nobody is',
      shape: 'the name of a line or entrance, or empty',
    }),
  },
  { additionalProperties: false, description: 'An area of the picture' },
);

export const ConfigSchema = Type.Object(
  {
    site: topicLevel('demo', 'Site, second level of every topic'),
    device: topicLevel('door1', 'Device, third level of every topic'),
    time_zone: Type.String({
      default: 'UTC',
      description: 'IANA time zone of the site; published beside UTC times',
      shape: 'an IANA name such as Europe/Stockholm',
    }),
    log_level: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug'], {
      default: 'info',
      description: 'Least level that is logged',
      shape: 'one of fatal, error, warn, info, debug',
    }),
    state_dir: Type.String({
      default: '.lethe',
      minLength: 1,
      maxLength: 200,
      description: 'Folder of the voice for totals and records not yet delivered; relative to the configuration file',
      shape: 'a path of 1 to 200 characters',
    }),
    camera: section(
      {
        driver: Type.Enum(['scene', 'video', 'rpicam'], {
          default: 'scene',
          description: 'scene: simulated entrance; video: file or stream through ffmpeg; rpicam: camera module',
          shape: 'one of scene, video, rpicam',
        }),
        width_px: integer(128, 1024, 256, {
          description: 'Frame width; must be what the model was made for',
          unit: 'px',
        }),
        height_px: integer(64, 1024, 192, { description: 'Frame height; even', unit: 'px' }),
        frame_rate_hz: number(1, 60, 15, { description: 'Frames per second', unit: 'Hz' }),
        scene: section(
          {
            seed: integer(0, 4294967295, 1, { description: 'Seed of the random walk: same seed, same people' }),
            people_per_minute: number(0, 120, 20, { description: 'People that arrive', unit: 'per minute' }),
            height_m: number(2.2, 6, 3, { description: 'Height of the simulated camera', unit: 'm' }),
            tilt_deg: number(0, 75, 45, { description: 'Tilt from straight down', unit: 'degrees' }),
            fov_deg: number(30, 110, 66, { description: 'Horizontal field of view', unit: 'degrees' }),
          },
          'The simulated entrance',
        ),
        video: section(
          {
            source: Type.String({
              default: '',
              maxLength: 1000,
              description: 'File or address of a stream, as ffmpeg takes it; needed for driver video',
              shape: 'a path or address that does not begin with -',
            }),
            realtime: flag(true, { description: "Play at the source's own speed (false: as fast as possible)" }),
          },
          'Footage through ffmpeg',
        ),
        rpicam: section(
          {
            camera_index: integer(0, 3, 0, { description: 'Which camera module' }),
            hflip: flag(false, { description: 'Mirror left and right' }),
            vflip: flag(false, { description: 'Turn upside down (with hflip: rotate by 180 degrees)' }),
          },
          'The camera module',
        ),
      },
      'Where pictures come from',
    ),
    model: section(
      {
        manifest: Type.String({
          default: '',
          maxLength: 1000,
          description: 'Manifest of the detector; empty: the one that comes with Lethe',
          shape: 'a path, or empty',
        }),
        public_key: Type.String({
          pattern: '^([A-Za-z0-9+/]{43}=)?$',
          default: '',
          description: 'Ed25519 key whose models this device loads besides those that come with Lethe',
          shape: 'the 32 bytes of a public key in base64, as `npm run -s sign` prints them, or empty',
        }),
        engine: Type.Enum(['wasm', 'tfjs'], {
          default: 'wasm',
          description: 'wasm: our own engine; tfjs: TensorFlow.js, where installed, to compare',
          shape: 'one of wasm, tfjs',
        }),
        rounding: Type.Enum(['fp32', 'double', 'single'], {
          default: 'fp32',
          description:
            'How our engine rounds; fp32: as TFLite with XNNPACK, fastest; double: as TFLite’s reference kernels; single: as TFLite built with TFLITE_SINGLE_ROUNDING',
          shape: 'one of fp32, double, single',
        }),
        accept_residue: flag(false, {
          description:
            'Let engine tfjs run on a Raspberry Pi, though it leaves pictures in memory that nobody can erase',
        }),
        score_min: number(0, 1, 0, {
          description: 'Least score of a detection that may begin a track; 0: what the manifest recommends',
        }),
      },
      'The detector',
    ),
    lines: Type.Array(LineSchema, {
      minItems: 1,
      maxItems: 8,
      default: [
        {
          name: 'door',
          from: [0.05, 0.5],
          to: [0.95, 0.5],
          in: 'down',
          hysteresis: HYSTERESIS_DEFAULT,
          min_path: MIN_PATH_DEFAULT,
        },
      ],
      description: 'Counting lines',
      shape: '1 to 8 lines',
    }),
    entrances: Type.Array(EntranceSchema, {
      maxItems: 4,
      default: [],
      description: 'Lines counted as one: several doors, or several lines behind each other',
      shape: 'at most 4 entrances',
    }),
    zones: Type.Array(ZoneSchema, {
      maxItems: 8,
      default: [],
      description: 'Areas: people inside, dwell, queue, passers-by',
      shape: 'at most 8 zones',
    }),
    person_size: number(0.03, 0.6, 0.15, {
      description: 'Width of a person in the picture where the lines lie; no line may be nearer to the edge',
      unit: 'of picture height',
    }),
    opening_hours: Type.Array(Type.String({ minLength: 1, maxLength: 100 }), {
      maxItems: 64,
      default: [],
      description: 'When the shop is open, in its time zone; empty: always',
      shape: 'a list such as ["Mo-Fr 09:00-20:00", "Sa 10:00-18:00", "2026-12-25 closed"]',
    }),
    occupancy: section(
      {
        counters: Type.Array(nameOf('A line or entrance'), {
          maxItems: 12,
          default: [],
          description:
            'Lines and entrances through which people come into the shop and leave it; empty: all, each line once',
          shape: 'a list of names of lines and entrances',
        }),
        reset_at: Type.String({
          pattern: '^([01]\\d|2[0-3]):[0-5]\\d$',
          default: '04:00',
          description:
            'Local time at which nobody is inside, for a shop without opening_hours; with them it is closing time',
          shape: 'a time such as 04:00',
        }),
      },
      'How many people are in the shop',
    ),
    mqtt: section(
      {
        url: Type.String({
          pattern: '^(mqtt|mqtts|ws|wss)://[^\\s@]+$',
          default: 'mqtt://127.0.0.1:1883',
          maxLength: 500,
          description:
            'Broker of the store; mqtts and wss with TLS, ws and wss through a web server; no user or password here',
          shape: 'mqtt://host:port, mqtts://host:port, ws://host:port/path or wss://… without user or password',
        }),
        username: Type.String({
          default: '',
          maxLength: 200,
          description: 'User name; empty: none',
          shape: 'at most 200 characters',
        }),
        password_file: secretFile('File that holds the password'),
        ca_file: secretFile("PEM file of the authority that signed the broker's certificate", "the system's"),
        cert_file: secretFile('PEM file of the certificate that this device shows to the broker'),
        key_file: secretFile('PEM file of the key of that certificate, without a passphrase'),
        server_name: Type.String({
          pattern: '^[A-Za-z0-9._:-]*$',
          maxLength: 253,
          default: '',
          description: "Name that the broker's certificate must be for; empty: the host in mqtt.url",
          shape: 'a host name or address of at most 253 characters, or empty',
        }),
        protocol: Type.Enum(['auto', 5, '3.1.1'], {
          default: 'auto',
          description: 'Version of MQTT; auto: 5, and 3.1.1 with a broker that does not speak it',
          shape: 'one of "auto", 5, "3.1.1"',
        }),
        keepalive_s: integer(5, 3600, 30, {
          description: 'Longest silence before the connection is tested',
          unit: 's',
        }),
      },
      'The way to the gateway',
    ),
    commands: section(
      {
        public_keys: Type.Array(
          Type.String({
            pattern: '^[A-Za-z0-9+/]{43}=$',
            description: 'A key',
            shape: 'the 32 bytes of a public key in base64',
          }),
          {
            maxItems: 8,
            uniqueItems: true,
            default: [],
            description: 'Ed25519 keys that may command what changes something; empty: nobody may',
            shape: 'a list of at most 8 keys, as `lethe command --new-key FILE` prints them',
          },
        ),
      },
      'Who may send commands on `cmd/…`',
    ),
    home_assistant: section(
      {
        enabled: flag(false, {
          description:
            'Announce the counter to Home Assistant (MQTT discovery); the broker must let it publish below the prefix',
        }),
        prefix: Type.String({
          pattern: '^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$',
          maxLength: 64,
          default: 'homeassistant',
          description: 'Discovery prefix, as in its MQTT settings',
          shape: 'levels of a topic such as homeassistant, at most 64 characters',
        }),
      },
      // Off: most brokers of stores have no Home Assistant, and one that lets devices write their own topics only would
      // refuse the announcement. zigbee2mqtt and others decide alike.
      'Home Assistant, where there is one',
    ),
    interval_s: Type.Enum([5, 10, 15, 30, 60, 300, 900, 3600], {
      default: 60,
      description: 'Length of an interval record; intervals begin at whole multiples of it (UTC)',
      unit: 's',
      shape: 'one of 5, 10, 15, 30, 60, 300, 900, 3600',
    }),
    gpio: section(
      {
        driver: Type.Enum(['auto', 'onoff', 'memory'], {
          default: 'auto',
          description: 'auto: pins where there are any; onoff: pins or an error in doctor; memory: none (tests, desks)',
          shape: 'one of auto, onoff, memory',
        }),
        led_bcm: integer(-1, 27, 17, { description: 'BCM number of the status LED; -1: none' }),
        button_bcm: integer(-1, 27, 27, { description: 'BCM number of the privacy button (to ground); -1: none' }),
      },
      'Status LED and privacy button',
    ),
    privacy: section(
      {
        isolation: Type.Enum(['auto', 'required'], {
          default: 'auto',
          description:
            'How `lethe run` shuts eye and voice in; auto: as far as this machine can, with a warning for the rest; required: wholly, or it does not start',
          shape: 'one of auto, required',
        }),
        residency_ms_max: number(0.5, 1000, 10, {
          description: 'A frame that was in memory for longer, or anything derived from it, is told in health',
          unit: 'ms',
        }),
      },
      'What is enforced, and how long pictures may live',
    ),
    papers: section(
      {
        languages: Type.Array(Type.Enum(['sv', 'en', 'de', 'fr', 'es']), {
          minItems: 1,
          maxItems: 5,
          uniqueItems: true,
          default: ['en'],
          description: 'Languages of the papers; the first leads on a sign in several',
          shape: 'a list of one or more of sv, en, de, fr, es',
        }),
        country: Type.Enum(['', 'se', 'de', 'fr', 'es', 'gb', 'ie'], {
          default: '',
          description:
            'Country of the site: whose supervisory authority the papers name; empty: authority, or to be filled in',
          shape: 'one of se, de, fr, es, gb, ie, or empty',
        }),
        place: printed(160, 'The site as visitors know it: name and street address'),
        controller: section(
          {
            name: printed(
              120,
              'Who decides about the counter and answers for it (GDPR Article 4(7)): company and number',
            ),
            address: printed(200, 'Postal address, in one line'),
            email: Type.String({
              pattern: "^([A-Za-z0-9.!#$%&'*+/=?^_~-]+@[A-Za-z0-9.-]+)?$",
              maxLength: 120,
              default: '',
              description: 'Where people write who have questions; empty: to be filled in',
              shape: 'an e-mail address of at most 120 characters, or empty',
            }),
            phone: Type.String({
              pattern: '^[0-9 +()/-]*$',
              maxLength: 40,
              default: '',
              description: 'Where they call; empty: not given',
              shape: 'at most 40 of 0-9, +, -, /, ( ) and blanks, or empty',
            }),
          },
          'The controller',
        ),
        data_protection_officer: printed(200, 'Name and contact of the data protection officer, if there is one'),
        notice_url: webAddress('Where the privacy notice can be read; the QR code of the sign leads there'),
        authority: section(
          {
            name: printed(120, "Supervisory authority, in place of the country's"),
            url: webAddress('Its web address'),
          },
          'The supervisory authority',
        ),
        recipients: printed(300, 'Who gets the numbers besides the controller: operators, landlord, analysts'),
        counts_kept_days: integer(0, 36_500, 0, {
          description: 'How long the numbers are kept where they are received; 0: to be filled in',
          unit: 'days',
        }),
      },
      'For `lethe papers` alone: who answers for the counter. Printed on signs, so nothing secret; eye and voice use none of it',
    ),
  },
  { additionalProperties: false, title: 'Lethe configuration' },
);

/** As written in the file. */
export type ConfigFile = Static<typeof ConfigSchema>;

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;
type Camel<T> = T extends readonly [unknown, unknown]
  ? { readonly [K in keyof T]: Camel<T[K]> }
  : T extends readonly (infer U)[]
    ? readonly Camel<U>[]
    : T extends object
      ? { readonly [K in keyof T as K extends string ? CamelCase<K> : K]: Camel<T[K]> }
      : T;

/** As used in the code: the same words, camelCase. */
export type Config = Camel<ConfigFile>;
export type LineConfig = Config['lines'][number];
export type EntranceConfig = Config['entrances'][number];
export type ZoneConfig = Config['zones'][number];
