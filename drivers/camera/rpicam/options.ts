/**
 * What rpicam-vid is asked for: our options and the frame format, checked, as the flags of its command line.
 * The package that starts it builds a shell line without quoting, so every value must pass a whitelist here first.
 */
import { ConfigError } from '../../../runtime/errors.ts';
import type { FrameFormat } from '../../../runtime/ports/camera.ts';
import { yuv420Bytes } from '../../../runtime/units.ts';

/** One value of a flag: `true` is a flag without a value. */
export type Flags = Readonly<Record<string, string | number | true>>;

export type RpicamOptions = {
  /** Which camera, 0-based, as `rpicam-hello --list-cameras` numbers them. Default 0. */
  readonly cameraIndex?: number;
  /** Mirror left and right. Both flips together turn the picture by 180 degrees, for a module that hangs upside down. */
  readonly hflip?: boolean;
  readonly vflip?: boolean;
  /** Fixed exposure; without it the camera decides. Fast walkers want 10 000 or less. */
  readonly shutterUs?: number;
  readonly gain?: number;
  /** Part of the sensor that is used, 0..1 each: left, top, width, height. */
  readonly roiNorm?: readonly [number, number, number, number];
  /**
   * Leave out the raw stream: saves 4 raw pictures of contiguous memory. Default true; only the IMX500's own network
   * needs the raw stream.
   */
  readonly noRaw?: boolean;
  /** Further long options of rpicam-vid without the dashes, e.g. { 'awb': 'indoor' }; ours cannot be overridden. */
  readonly extra?: Flags;
  /** Another program than rpicam-vid with the same command line (tests). Default: LETHE_RPICAM_VID, then rpicam-vid. */
  readonly program?: string;
  /** Shorter waits for tests. */
  readonly timing?: Partial<RpicamTiming>;
};

export type RpicamTiming = {
  /** From the start to the line that names the streams; a Zero 2 W with a cold card needs several seconds. */
  readonly startMs: number;
  /** Longest time without a whole frame. */
  readonly frameMs: number;
  /** After SIGINT: it is obeyed only after a completed frame. */
  readonly interruptMs: number;
  /** After SIGTERM. */
  readonly terminateMs: number;
};

/** Rows are padded to 64 bytes on VC4 (up to Pi 4, Zero 2 W) and to 128 on PiSP (Pi 5); both leave these alone. */
const WIDTH_STEP_PX = 128;
/** Silent stalls exist on every board (rpicam-apps #664, #733; picamera2 #1392), so the wait is short. */
const FRAME_MS_MIN = 3000;
const FRAME_PERIODS = 10;
/** One being written, one being filled, two spare: with fewer a late reader gets torn pictures, more cost memory. */
const BUFFER_COUNT = 4;

const SAFE_VALUE = /^[A-Za-z0-9_./:,%=-]+$/;
const SAFE_NAME = /^[a-z][a-z0-9-]*$/;

export function timingOf(options: RpicamOptions, format: FrameFormat): RpicamTiming {
  return {
    startMs: 15_000,
    frameMs: Math.max(FRAME_MS_MIN, (FRAME_PERIODS * 1000) / format.frameRateHz),
    interruptMs: 1500,
    terminateMs: 1000,
    ...options.timing,
  };
}

/** Throws ConfigError with every problem of the options and the format. */
export function checkRpicam(options: RpicamOptions, format: FrameFormat): void {
  const problems: string[] = [];
  const { widthPx, heightPx, strideBytes, frameBytes, frameRateHz } = format;
  const expect = (fine: boolean, problem: string): void => {
    if (!fine) problems.push(problem);
  };
  expect(
    Number.isInteger(widthPx) && widthPx > 0 && widthPx % WIDTH_STEP_PX === 0,
    `camera width is ${widthPx}; expected a multiple of ${WIDTH_STEP_PX} pixels (256, 384, 512, 640), because a Pi 4 and a Pi 5 pad other rows differently.`,
  );
  expect(
    Number.isInteger(heightPx) && heightPx > 0 && heightPx % 2 === 0,
    `camera height is ${heightPx}; expected an even number of pixels, because chroma has half the rows.`,
  );
  expect(
    strideBytes === widthPx,
    `stride is ${strideBytes} bytes; expected ${widthPx}: rows of this width are not padded.`,
  );
  expect(
    frameBytes === yuv420Bytes(strideBytes, heightPx),
    `frame size is ${frameBytes} bytes; expected ${yuv420Bytes(strideBytes, heightPx)} for ${strideBytes} x ${heightPx} YUV420.`,
  );
  expect(frameRateHz >= 1 && frameRateHz <= 120, `camera rate is ${frameRateHz}; expected 1..120 Hz.`);
  const { cameraIndex = 0, shutterUs, gain, roiNorm, extra = {} } = options;
  expect(
    Number.isInteger(cameraIndex) && cameraIndex >= 0 && cameraIndex <= 9,
    `camera index is ${cameraIndex}; expected 0..9.`,
  );
  expect(
    shutterUs === undefined || (shutterUs >= 1 && shutterUs <= 1_000_000),
    `shutter is ${shutterUs}; expected 1..1000000 us.`,
  );
  expect(gain === undefined || (gain >= 1 && gain <= 64), `gain is ${gain}; expected 1..64.`);
  expect(
    roiNorm === undefined || (roiNorm.length === 4 && roiNorm.every((side) => side >= 0 && side <= 1)),
    `region of interest is ${roiNorm?.join(', ')}; expected four numbers of 0..1: left, top, width, height.`,
  );
  const own = flagsOf({ ...options, extra: {} }, format, '/frames');
  for (const [name, value] of Object.entries(extra)) {
    expect(
      SAFE_NAME.test(name),
      `camera option ${JSON.stringify(name)}; expected a long option of rpicam-vid without dashes.`,
    );
    expect(
      !Object.hasOwn(own, name),
      `camera option ${name} is set by the driver and cannot be given again. Remove it.`,
    );
    expect(value === true || SAFE_VALUE.test(String(value)), unsafe(name, value));
  }
  if (problems.length > 0) {
    throw new ConfigError(problems, { op: 'check camera', hint: 'Correct the camera section of the configuration.' });
  }
}

/**
 * The flags for rpicam-vid, all values safe for a shell line (else ConfigError). `output` is a named pipe.
 * `timeout 0` is without end; `flush` hands every picture over at once instead of keeping its tail in a stdio buffer;
 * `verbose 1` prints the stream configuration that we check, and nothing per frame.
 */
export function rpicamFlags(options: RpicamOptions, format: FrameFormat, output: string): Flags {
  const flags = flagsOf(options, format, output);
  const problems = Object.entries(flags)
    .filter(([, value]) => value !== true && !SAFE_VALUE.test(String(value)))
    .map(([name, value]) => unsafe(name, value));
  // rpicam-vid treats the name of the output as a printf pattern.
  if (output.includes('%'))
    problems.push(`the pipe ${output} has a % in its name; expected a folder without. Set TMPDIR.`);
  if (problems.length > 0) throw new ConfigError(problems, { op: 'start camera' });
  return flags;
}

function flagsOf(options: RpicamOptions, format: FrameFormat, output: string): Flags {
  return {
    codec: 'yuv420',
    timeout: 0,
    nopreview: true,
    flush: true,
    width: format.widthPx,
    height: format.heightPx,
    framerate: format.frameRateHz,
    'buffer-count': BUFFER_COUNT,
    // Temporal denoise draws ghosts behind walkers and costs time of the image processor.
    denoise: 'cdn_off',
    camera: options.cameraIndex ?? 0,
    verbose: 1,
    output,
    ...(options.noRaw === false ? {} : { 'no-raw': true as const }),
    ...(options.hflip ? { hflip: true as const } : {}),
    ...(options.vflip ? { vflip: true as const } : {}),
    ...(options.shutterUs === undefined ? {} : { shutter: options.shutterUs }),
    ...(options.gain === undefined ? {} : { gain: options.gain }),
    ...(options.roiNorm === undefined ? {} : { roi: options.roiNorm.join(',') }),
    ...options.extra,
  };
}

function unsafe(name: string, value: string | number | true): string {
  return `camera option ${name} is ${JSON.stringify(value)}; expected only letters, digits and _ . / : , % = - in it.`;
}
