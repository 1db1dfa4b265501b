/**
 * What rpicam-vid says on its standard error, turned into what we need to know: the size it will write, and why it failed.
 * The texts are those of rpicam-apps 1.12 and libcamera 0.7 (core/options.cpp, core/rpicam_app.cpp, v4l2_videodevice.cpp,
 * pipeline_base.cpp); rpicam-vid has no other way to tell, its exit code is 255 for nearly everything.
 */
import { DriverError, type DriverErrorKind } from '../../../runtime/errors.ts';

type Failure = {
  readonly pattern: RegExp;
  readonly kind: DriverErrorKind;
  readonly message: string;
  readonly hint: string;
};

/** First match wins, so the cause stands before its consequences. */
const FAILURES: readonly Failure[] = [
  {
    pattern: /no cameras available/i,
    kind: 'absent',
    message: 'no camera was found on this board.',
    hint: 'Switch the power off, reseat the ribbon cable at both ends (contacts to the right side), then check with: rpicam-hello --list-cameras',
  },
  {
    pattern: /selected camera is not available/,
    kind: 'absent',
    message: 'there is no camera with the configured index.',
    hint: 'See the list with: rpicam-hello --list-cameras, and set the camera index to one of it; a single camera has index 0.',
  },
  {
    pattern: /in use by another process|failed to acquire camera/,
    kind: 'busy',
    message: 'another program holds the camera.',
    hint: 'Find it with: fuser -v /dev/media*, and stop it; only one program can use the camera.',
  },
  {
    pattern: /dmaHeap allocation failure|failed to allocate capture buffers/,
    kind: 'other',
    message: 'the board has no contiguous memory left for the camera buffers.',
    hint: 'Use a smaller frame, keep noRaw on, or reserve more in /boot/firmware/config.txt: dtoverlay=vc4-kms-v3d,cma-256',
  },
  {
    pattern: /only supports the Raspberry Pi platforms/,
    kind: 'absent',
    message: 'rpicam-vid runs on a Raspberry Pi only and this machine is none.',
    hint: 'Choose the camera `scene` or `video` here.',
  },
  {
    pattern: /unrecognised option|required argument for option|the argument \(.*\) for option/,
    kind: 'other',
    message: 'rpicam-vid refused an option.',
    hint: 'Update it: apt install --only-upgrade rpicam-apps-lite (or rpicam-apps); remove extra camera options from the configuration.',
  },
  {
    pattern: /exec: .*: not found/,
    kind: 'absent',
    message: 'the program rpicam-vid was not found.',
    hint: 'Install it: apt install rpicam-apps-lite',
  },
  {
    pattern: /exec: .*: Permission denied/,
    kind: 'other',
    message: 'the program rpicam-vid may not be started.',
    hint: 'Reinstall it: apt install --reinstall rpicam-apps-lite',
  },
  {
    pattern: /failed to write output bytes/,
    kind: 'other',
    message: 'rpicam-vid could not write a picture to the pipe.',
    hint: 'The camera is started again; if it repeats, look for memory shortage in: journalctl -k',
  },
];

/** Any of these means that no more pictures come, although rpicam-vid goes on trying and never exits. */
const CAMERA_LOST = /Camera frontend has timed out|Dequeue timer of .* has expired|Device timeout detected/;

/** Why rpicam-vid gave up, or undefined when the line is no known failure. */
export function failureInLine(line: string): DriverError | undefined {
  const failure = FAILURES.find(({ pattern }) => pattern.test(line));
  if (failure === undefined) return undefined;
  return new DriverError(failure.kind, `${failure.message} rpicam-vid says: ${line}`, {
    op: 'open camera',
    hint: failure.hint,
  });
}

/** The sensor has stopped answering; unlike the others it is told while the program runs on. */
export function lossInLine(line: string): DriverError | undefined {
  if (!CAMERA_LOST.test(line)) return undefined;
  return new DriverError('disconnected', `the camera stopped answering. rpicam-vid says: ${line}`, {
    op: 'read camera',
    hint: 'Check that the ribbon cable is attached firmly at both ends; if it is, try another cable, then another camera.',
  });
}

export type StreamSize = { readonly widthPx: number; readonly heightPx: number; readonly pixelFormat: string };

/** The size of the pictures that will be written: `configuring streams: (0) 640x480-YUV420/sYCC (1) …`. */
export function streamInLine(line: string): StreamSize | undefined {
  const match = /configuring streams: \(0\) (\d+)x(\d+)-([A-Za-z0-9_]+)/.exec(line);
  if (match === null) return undefined;
  return { widthPx: Number(match[1]), heightPx: Number(match[2]), pixelFormat: match[3] ?? '' };
}

/** Exit codes from 129 on are 128 + signal; 255 is rpicam-vid's own. */
const SIGNAL_MAX = 64;

/** For an end that no message explains; `status` is the shell's. partialBytes: of a picture that was cut short. */
export function failureOfExit(status: number, lastLine: string, partialBytes: number): DriverError {
  const signal = status > 128 && status <= 128 + SIGNAL_MAX ? status - 128 : 0;
  const says = lastLine === '' ? 'It said nothing.' : `Its last words: ${lastLine}`;
  const cut = partialBytes === 0 ? '' : ` in the middle of a picture (${partialBytes} bytes of it had come)`;
  if (signal === 11) {
    return new DriverError('other', `rpicam-vid crashed (segmentation fault)${cut}. ${says}`, {
      op: 'open camera',
      hint: 'Bring the system up to date: apt full-upgrade, then restart the board.',
    });
  }
  if (status === 0) {
    return new DriverError('disconnected', `rpicam-vid ended by itself${cut}, although no end was set. ${says}`, {
      op: 'read camera',
      hint: 'The camera is started again; somebody may have sent it an interrupt.',
    });
  }
  const how = signal > 0 ? `was ended by signal ${signal}` : `failed with exit code ${status}`;
  return new DriverError(signal > 0 ? 'disconnected' : 'other', `rpicam-vid ${how}${cut}. ${says}`, {
    op: 'read camera',
    hint: 'Try it by hand: rpicam-vid --nopreview --timeout 2000 --codec yuv420 --output /dev/null',
  });
}
