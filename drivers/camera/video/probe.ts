/**
 * What a video source is: which sources are allowed, and their size, rate and length as ffprobe tells them.
 * A file may be opened by ffmpeg's `file` protocol only and an address by network protocols only: a playlist that somebody
 * leaves in a folder cannot make us call out, and one from the network cannot read our disk.
 */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { DriverError } from '../../../runtime/errors.ts';

export type VideoInfo = {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Mean rate over the clip. */
  readonly frameRateHz: number;
  /** Null for a live stream. */
  readonly durationS: number | null;
  /** From the container where it is stored, otherwise length × rate; null for a live stream. */
  readonly frameCount: number | null;
};

export type Probe = VideoInfo & {
  /** The rate as the container says it, `30000/1001`, so that no frame is gained or lost by rounding. */
  readonly frameRate: string;
  /** Has no end that could be known. */
  readonly isLive: boolean;
};

export type Source = {
  /** As given to ffmpeg: always with a protocol, so that no name can be taken for an option or a protocol. */
  readonly url: string;
  readonly protocols: string;
  readonly isFile: boolean;
  readonly isRtsp: boolean;
  /** For messages: without user name and password. */
  readonly shown: string;
};

const NETWORK_PROTOCOLS = 'http,https,tcp,tls,crypto,rtsp,rtsps,rtp,udp,rtmp,rtmps,srt';
const NETWORK_SCHEMES = new Set(['http', 'https', 'rtsp', 'rtsps', 'rtmp', 'rtmps', 'srt', 'tcp', 'udp', 'rtp']);
/** ffprobe reads a few seconds of a stream before it answers. */
const PROBE_MS_MAX = 20_000;
/** ffmpeg's own limit, in microseconds; above the driver's, which has the better message. */
const SILENT_US_MAX = '30000000';
const MESSAGE_CHARS_MAX = 200;

/** Throws DriverError when this cannot be a source; whether it exists is not looked at. */
export function parseSource(source: string): Source {
  const refuse = (what: string): never => {
    throw new DriverError('other', `the video source ${JSON.stringify(withoutSecrets(source))} ${what}.`, {
      op: 'open video',
      hint: 'Give a path, such as clips/door.mp4, or an address, such as rtsp://192.168.1.20/stream1.',
    });
  };
  if (source === '') refuse('is empty');
  if (source.startsWith('-')) refuse('begins with -, which ffmpeg would take for an option; write ./ before it');
  if (source.includes('\0')) refuse('contains a zero character');
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(source)?.[1]?.toLowerCase();
  if (scheme === undefined || scheme === 'file') {
    const path = scheme === undefined ? source : source.slice('file://'.length);
    return { url: `file:${path}`, protocols: 'file', isFile: true, isRtsp: false, shown: path };
  }
  if (!NETWORK_SCHEMES.has(scheme))
    refuse(`has the scheme ${scheme}; expected a path or ${[...NETWORK_SCHEMES].join(', ')}`);
  const isRtsp = scheme === 'rtsp' || scheme === 'rtsps';
  return { url: source, protocols: NETWORK_PROTOCOLS, isFile: false, isRtsp, shown: withoutSecrets(source) };
}

/** Size, rate and length of a file or stream. Rejects with DriverError when there is none or it is no video. */
export async function probeVideo(source: string): Promise<VideoInfo> {
  const { widthPx, heightPx, frameRateHz, durationS, frameCount } = await openProbe(parseSource(source));
  return { widthPx, heightPx, frameRateHz, durationS, frameCount };
}

/**
 * The arguments of ffmpeg and ffprobe that name the input. TCP for RTSP, because a lost packet would smear pictures. The
 * time-out makes ffmpeg end by itself if we are killed while a server is silent; the RTSP code knows no such option.
 */
export function inputArguments(source: Source): string[] {
  const transport = source.isRtsp ? ['-rtsp_transport', 'tcp'] : [];
  const patience = source.url.startsWith('http') ? ['-rw_timeout', SILENT_US_MAX] : [];
  return [...transport, ...patience, '-protocol_whitelist', source.protocols, '-i', source.url];
}

export async function openProbe(source: Source, signal?: AbortSignal): Promise<Probe> {
  if (source.isFile) requireFile(source.shown);
  const entries = 'stream=width,height,avg_frame_rate,r_frame_rate,nb_frames,duration:format=format_name,duration';
  const answer = await runProbe(
    ['-v', 'error', '-select_streams', 'v:0', '-show_entries', entries, '-of', 'json', ...inputArguments(source)],
    source,
    signal,
  );
  return readProbe(answer, source);
}

/** One line of ffmpeg for a person: without the address of its object, without passwords, bounded. */
export function tidyMessage(line: string): string {
  const text = withoutSecrets(line.replace(/^(\[[^\]]* @ 0x[0-9a-f]+\]\s*)+/, '').trim());
  return text.length > MESSAGE_CHARS_MAX ? `${text.slice(0, MESSAGE_CHARS_MAX)}…` : text;
}

export function ffmpegMissing(cause: unknown): DriverError {
  return new DriverError('absent', 'ffmpeg is not installed, and videos are read by it.', {
    op: 'open video',
    hint: 'Install it: apt install ffmpeg',
    cause,
  });
}

function requireFile(path: string): void {
  const fail = (kind: 'absent' | 'other', what: string, cause?: unknown): never => {
    throw new DriverError(kind, `the video ${path} ${what}.`, { op: 'open video', hint: 'Check the path.', cause });
  };
  try {
    if (!statSync(path).isFile()) fail('other', 'is a folder or a device; expected a file');
  } catch (error) {
    if (error instanceof DriverError) throw error;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    fail(
      missing ? 'absent' : 'other',
      missing ? 'does not exist' : `cannot be opened (${(error as Error).message})`,
      error,
    );
  }
}

function runProbe(words: readonly string[], source: Source, signal: AbortSignal | undefined): Promise<string> {
  const limits = { timeout: PROBE_MS_MAX, killSignal: 'SIGKILL', maxBuffer: 1 << 20, encoding: 'utf8' } as const;
  return new Promise((resolve, reject) => {
    execFile('ffprobe', words, { ...limits, ...(signal ? { signal } : {}) }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (error.code === 'ENOENT') reject(ffmpegMissing(error));
      else if (signal?.aborted) reject(error);
      else reject(probeFailed(source, stderr, error));
    });
  });
}

function probeFailed(source: Source, stderr: string, cause: Error & { readonly killed?: boolean }): DriverError {
  const lastLine = stderr.trim().split('\n').at(-1) ?? '';
  const says = tidyMessage(lastLine) || 'nothing';
  if (source.isFile) {
    return new DriverError('other', `${source.shown} cannot be read as a video. ffprobe says: ${says}`, {
      op: 'open video',
      hint: 'Check that it is a whole video file; a recording that was cut off may lack its index.',
      cause,
    });
  }
  const hint = 'Check the address, user name and password, and that the camera is on.';
  if (cause.killed) {
    const message = `${source.shown} did not answer with pictures within ${PROBE_MS_MAX} ms.`;
    return new DriverError('timeout', message, { op: 'open video', hint, cause });
  }
  return new DriverError('absent', `${source.shown} cannot be opened. ffprobe says: ${says}`, {
    op: 'open video',
    hint,
    cause,
  });
}

type ProbeAnswer = {
  readonly streams?: readonly {
    readonly width?: number;
    readonly height?: number;
    readonly avg_frame_rate?: string;
    readonly r_frame_rate?: string;
    readonly nb_frames?: string;
    readonly duration?: string;
  }[];
  readonly format?: { readonly format_name?: string; readonly duration?: string };
};

function readProbe(json: string, source: Source): Probe {
  const { streams, format } = JSON.parse(json) as ProbeAnswer;
  const stream = streams?.[0];
  // ffmpeg draws any text file as a screen of characters; nobody means that.
  if (stream?.width === undefined || stream.height === undefined || format?.format_name === 'tty') {
    throw new DriverError('other', `${source.shown} has no pictures in it.`, {
      op: 'open video',
      hint: 'Choose a video file.',
    });
  }
  const frameRate = [stream.avg_frame_rate, stream.r_frame_rate].find((rate) => rateOf(rate) > 0) ?? '25/1';
  const frameRateHz = rateOf(frameRate);
  const durationS = positive(stream.duration) ?? positive(format?.duration);
  const storedCount = positive(stream.nb_frames);
  const isLive = !source.isFile && durationS === null;
  // A file without a length (a raw stream) is no live stream, but nothing is known of its end either.
  const frameCount = storedCount ?? (durationS === null ? null : Math.round(durationS * frameRateHz));
  return { widthPx: stream.width, heightPx: stream.height, frameRateHz, frameRate, durationS, frameCount, isLive };
}

/** `30000/1001` → 29.97; 0 for what is no rate (`0/0`). */
function rateOf(text: string | undefined): number {
  const match = /^(\d+)\/(\d+)$/.exec(text ?? '');
  const rate = match === null ? 0 : Number(match[1]) / Number(match[2]);
  return Number.isFinite(rate) ? rate : 0;
}

function positive(text: string | undefined): number | null {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : null;
}

/** Passwords in addresses must not reach a log. */
function withoutSecrets(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/g, '//…@');
}
