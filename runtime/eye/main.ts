/**
 * The eye's process: chooses the drivers, then hands over to eye.ts.
 * `node eye/main.js --runtime-dir DIR [--config FILE] [--set field=value]…`
 * Exit: 0 stopped or source at its end · 74 camera given up · 75 to be started again with a new configuration
 * · 76 the button was held, see ExitCode.reset · 78 configuration or model (do not restart).
 */
// First, so that it runs before anything else is evaluated.
import '../no-inspector.ts';
import { join } from 'node:path';
import { createRpicamCamera } from '../../drivers/camera/rpicam/rpicam.ts';
import { createSceneCamera } from '../../drivers/camera/scene/scene.ts';
import { createVideoCamera } from '../../drivers/camera/video/video.ts';
import { SystemClock } from '../../drivers/clock/system.ts';
import { openGpio } from '../../drivers/gpio/gpio.ts';
import { openCorridorFifo, openInlet } from '../../drivers/inlet.ts';
import { openPulse } from '../../drivers/watchdog/systemd.ts';
import { readProcessArguments } from '../config/arguments.ts';
import type { Config } from '../config/schema.ts';
import { asControlWord, CONTROL_FIFO, CORRIDOR_FIFO } from '../corridor/control.ts';
import { EyeReason } from '../corridor/record.ts';
import { fifoOutlet } from '../corridor/writer.ts';
import { ExitCode } from '../errors.ts';
import { createLog } from '../log.ts';
import type { Camera, FrameFormat } from '../ports/camera.ts';
import { onStopRequest, runMain } from '../process.ts';
import { MS_PER_S } from '../units.ts';
import { WAYS } from './count/lines.ts';
import { prepareEngine, RESIDUE_WARNING } from './engine-choice.ts';
import { Eye } from './eye.ts';
import { loadModel } from './model.ts';
import { frameFormatOf } from './pipeline.ts';
import { EyeVitals } from './vitals.ts';

/** Words are single bytes and rare; more than this at once is nonsense and read in several goes. */
const CONTROL_BUFFER_BYTES = 64;

function chooseCamera(config: Config, format: FrameFormat): Camera {
  const { camera } = config;
  switch (camera.driver) {
    case 'scene':
      return createSceneCamera(
        {
          ...camera.scene,
          realtime: true,
          lines: config.lines.map((line) => ({ fromNorm: line.from, toNorm: line.to, inNorm: WAYS[line.in] })),
        },
        format,
      );
    case 'video':
      return createVideoCamera(camera.video, format);
    case 'rpicam':
      return createRpicamCamera(camera.rpicam, format);
  }
}

async function main(): Promise<void> {
  const clock = new SystemClock();
  const pulse = openPulse({ environment: process.env, pid: process.pid, nowUs: () => clock.monotonicUs() });
  const { config, runtimeDir } = readProcessArguments(process.argv.slice(2));
  const log = createLog('eye', config.logLevel);
  const model = loadModel(config.model.manifest, config.model.publicKey);
  const engine = await prepareEngine(config, model);
  if (config.model.engine === 'tfjs') log.warn(RESIDUE_WARNING);
  const camera = chooseCamera(config, frameFormatOf(config, model));
  const gpio = await openGpio(config.gpio.driver);
  const eye = new Eye({
    config,
    model,
    engine,
    camera,
    gpio,
    clock,
    outlet: fifoOutlet(openCorridorFifo(join(runtimeDir, CORRIDOR_FIFO))),
    log,
    exit: (code) => {
      pulse.stopping();
      process.exit(code);
    },
  });
  openInlet(join(runtimeDir, CONTROL_FIFO), CONTROL_BUFFER_BYTES, {
    onBytes: (chunk, byteCount) => {
      for (let i = 0; i < byteCount; i++) {
        const word = asControlWord(chunk[i]!);
        if (word !== undefined) eye.onControl(word);
      }
    },
    // Without it the lamp knows less; nothing that counts hangs on it.
    onError: (error) => log.warn(`the control pipe cannot be read (${error.message})`),
  });
  eye.start();
  const vitals = new EyeVitals(pulse, clock.monotonicUs());
  let wasWell = true;
  clock.every(MS_PER_S, () => {
    const isWell = vitals.tick(eye.facts(), clock.monotonicUs());
    if (wasWell && !isWell)
      log.error('Not well: no picture comes. If it stays so, the service manager starts the eye again.');
    wasWell = isWell;
  });
  onStopRequest(() => {
    pulse.stopping();
    void eye.stop(ExitCode.ok, EyeReason.none);
  });
}

runMain('eye', main);
