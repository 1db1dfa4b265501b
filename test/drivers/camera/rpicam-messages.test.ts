/**
 * Goal: lines that rpicam-vid really prints are understood, and everything else is left alone.
 * Method: lines from issues of rpicam-apps and libcamera, and from their sources.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { failureInLine, failureOfExit, lossInLine, streamInLine } from '../../../drivers/camera/rpicam/messages.ts';

const test = suite('rpicam messages');

test('reads the stream configuration of old and new versions', () => {
  const prefix = '[0:01:26.478] [1234]  INFO Camera camera.cpp:1205 configuring streams:';
  const size = { widthPx: 640, heightPx: 480, pixelFormat: 'YUV420' };
  assert.equal(streamInLine(`${prefix} (0) 640x480-YUV420`), size);
  assert.equal(streamInLine(`${prefix} (0) 640x480-YUV420/sYCC (1) 1536x864-BGGR_PISP_COMP1/RAW`), size);
  assert.is(streamInLine('Mode selection for 640:480:12:P'), undefined);
});

test('every known failure carries a remedy and the line itself', () => {
  const lines: readonly [line: string, kind: string][] = [
    ['ERROR: *** no cameras available ***', 'absent'],
    ['ERROR: *** selected camera is not available ***', 'absent'],
    ['[0:00:01.1] [9]  INFO Camera camera.cpp:1008 Pipeline handler in use by another process', 'busy'],
    ['ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/imx708@1a ***', 'busy'],
    ['dmaHeap allocation failure for rpicam-apps0', 'other'],
    ['ERROR: *** failed to allocate capture buffers for stream ***', 'other'],
    ['ERROR: rpicam-apps currently only supports the Raspberry Pi platforms.', 'absent'],
    ["ERROR: *** unrecognised option '--x' ***", 'other'],
    ["ERROR: *** the required argument for option '--framerate' is missing ***", 'other'],
    ["ERROR: *** the argument ('x') for option '--width' is invalid ***", 'other'],
    ['/opt/lethe/shim/libcamera-vid: 36: exec: rpicam-vid: not found', 'absent'],
    ['/opt/lethe/shim/libcamera-vid: 36: exec: rpicam-vid: Permission denied', 'other'],
  ];
  for (const [line, kind] of lines) {
    const error = failureInLine(line);
    assert.is(error?.kind, kind, line);
    assert.ok(error!.message.includes(line), line);
    assert.ok(error!.hint.length > 20, line);
  }
});

test('a lost sensor is told apart from a failure to start', () => {
  for (const line of [
    '[0:05:00.1] [9]  WARN V4L2 v4l2_videodevice.cpp:2095 /dev/video4[29:cap]: Dequeue timer of 1000000.00us has expired!',
    '[0:05:00.1] [9] ERROR RPI pipeline_base.cpp:1364 Camera frontend has timed out!',
    'ERROR: Device timeout detected, attempting a restart!!!',
  ]) {
    assert.is(lossInLine(line)?.kind, 'disconnected', line);
    assert.is(failureInLine(line), undefined, line);
  }
});

test('ordinary lines mean nothing', () => {
  for (const line of [
    '[0:00:38.3] [9]  INFO Camera camera_manager.cpp:330 libcamera v0.7.1+rpt20260429',
    '[0:00:38.3] [9]  WARN RPiSdn sdn.cpp:40 Using legacy SDN tuning - please consider moving SDN inside rpi.denoise',
    '    SRGGB10_CSI2P,1536x864/0 - Score: 2600',
    'Stream configuration adjusted',
    'Received signal 2',
  ]) {
    assert.is(failureInLine(line), undefined, line);
    assert.is(lossInLine(line), undefined, line);
    assert.is(streamInLine(line), undefined, line);
  }
});

test('an exit without words is explained by its code', () => {
  const cases: readonly [status: number, partialBytes: number, kind: string, message: RegExp][] = [
    [139, 0, 'other', /crashed \(segmentation fault\)/],
    [134, 100, 'disconnected', /ended by signal 6 in the middle of a picture \(100 bytes/],
    [143, 0, 'disconnected', /ended by signal 15\. It said nothing/],
    [255, 0, 'other', /exit code 255/],
    [0, 0, 'disconnected', /ended by itself/],
  ];
  for (const [status, partialBytes, kind, message] of cases) {
    const error = failureOfExit(status, '', partialBytes);
    assert.is(error.kind, kind);
    assert.match(error.message, message);
  }
});

test.run();
