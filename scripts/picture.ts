/**
 * Writes frames of the simulated scene as PNG files, for looking at what the demo counts. It knows no other camera: no
 * program of this project writes what a real camera saw.
 * Usage: picture --out DIR [--seed 1] [--frames 0,30,60] [--height 3] [--tilt 45] [--fov 66] [--people 20] [--zoom 3] [--boxes]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SCENE_DEFAULTS, Scene } from '../drivers/camera/scene/simulation.ts';
import { encodePng } from '../provisioning/qr/png.ts';
import { ExitCode } from '../runtime/errors.ts';

const HELP = `Writes frames of the simulated scene as PNG files (nothing else: real cameras have no such door).
  --out DIR       where to write; made if it is not there
  --seed N        shop and people (${SCENE_DEFAULTS.seed})
  --frames A,B,C  which frames, at 15 per second (0,30,60)
  --height M      2.2..6 metres (${SCENE_DEFAULTS.heightM})
  --tilt DEG      0 straight down .. 75 (${SCENE_DEFAULTS.tiltDeg})
  --fov DEG       horizontal field of view (${SCENE_DEFAULTS.fovDeg})
  --people N      arriving per minute (${SCENE_DEFAULTS.peoplePerMinute})
  --zoom N        enlarge N times (3)
  --boxes         draw the true boxes of bodies and heads, and the line
`;

/** [height, width, 3] bytes of red, green, blue. */
type Image = { readonly width: number; readonly height: number; readonly rgb: Uint8Array };

/** ITU-R BT.601, full range, chroma repeated. */
function imageOf(slot: Uint8Array, width: number, height: number, strideBytes: number, zoom: number): Image {
  const rgb = new Uint8Array(width * height * zoom * zoom * 3);
  const uStart = strideBytes * height;
  const vStart = uStart + (strideBytes / 2) * (height / 2);
  for (let row = 0; row < height * zoom; row += 1) {
    for (let column = 0; column < width * zoom; column += 1) {
      const x = Math.floor(column / zoom);
      const y = Math.floor(row / zoom);
      const chroma = (y >> 1) * (strideBytes / 2) + (x >> 1);
      const luma = slot[y * strideBytes + x]!;
      const u = slot[uStart + chroma]! - 128;
      const v = slot[vStart + chroma]! - 128;
      const at = (row * width * zoom + column) * 3;
      rgb[at] = clamp(luma + 1.402 * v);
      rgb[at + 1] = clamp(luma - 0.344136 * u - 0.714136 * v);
      rgb[at + 2] = clamp(luma + 1.772 * u);
    }
  }
  return { width: width * zoom, height: height * zoom, rgb };
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

function drawBox(image: Image, box: readonly number[], colour: readonly [number, number, number]): void {
  const [left = 0, top = 0, right = 0, bottom = 0] = box.map((edge, index) =>
    Math.round(edge * (index % 2 === 0 ? image.width : image.height)),
  );
  const dot = (x: number, y: number): void => {
    if (x >= 0 && y >= 0 && x < image.width && y < image.height) image.rgb.set(colour, (y * image.width + x) * 3);
  };
  for (let x = left; x <= right; x += 1) {
    dot(x, top);
    dot(x, bottom);
  }
  for (let y = top; y <= bottom; y += 1) {
    dot(left, y);
    dot(right, y);
  }
}

function main(): number {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: String(SCENE_DEFAULTS.seed) },
      frames: { type: 'string', default: '0,30,60' },
      height: { type: 'string', default: String(SCENE_DEFAULTS.heightM) },
      tilt: { type: 'string', default: String(SCENE_DEFAULTS.tiltDeg) },
      fov: { type: 'string', default: String(SCENE_DEFAULTS.fovDeg) },
      people: { type: 'string', default: String(SCENE_DEFAULTS.peoplePerMinute) },
      zoom: { type: 'string', default: '3' },
      boxes: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const frames = values.frames.split(',').map(Number);
  const zoom = Number(values.zoom);
  if (
    values.out === undefined ||
    !frames.every((frame) => Number.isSafeInteger(frame) && frame >= 0) ||
    !(zoom >= 1 && zoom <= 8)
  ) {
    process.stderr.write(`--out is needed, --frames are whole numbers, --zoom is 1..8\n\n${HELP}`);
    return ExitCode.usage;
  }
  const scene = new Scene({
    seed: Number(values.seed),
    heightM: Number(values.height),
    tiltDeg: Number(values.tilt),
    fovDeg: Number(values.fov),
    peoplePerMinute: Number(values.people),
  });
  mkdirSync(values.out, { recursive: true });
  const { widthPx, heightPx, strideBytes, frameBytes } = scene.format;
  const slot = new Uint8Array(frameBytes);
  for (const frame of frames.sort((a, b) => a - b)) {
    scene.step(frame);
    scene.draw(slot);
    const image = imageOf(slot, widthPx, heightPx, strideBytes, zoom);
    if (values.boxes) {
      for (const line of scene.options.lines) drawBox(image, [...line.fromNorm, ...line.toNorm], [255, 220, 0]);
      for (let row = 0; row < scene.people.count; row += 1) {
        if (scene.people.visible[row]! < 0.1) continue;
        drawBox(image, Array.from(scene.people.boxesNorm.slice(row * 4, row * 4 + 4)), [0, 255, 120]);
        drawBox(image, Array.from(scene.people.headsNorm.slice(row * 4, row * 4 + 4)), [255, 80, 80]);
      }
    }
    const path = join(values.out, `seed${values.seed}-frame${String(frame).padStart(5, '0')}.png`);
    writeFileSync(path, encodePng({ widthPx: image.width, heightPx: image.height, kind: 'rgb', samples: image.rgb }));
    process.stdout.write(`${path}\n`);
  }
  return ExitCode.ok;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  process.exitCode = ExitCode.usage;
}
