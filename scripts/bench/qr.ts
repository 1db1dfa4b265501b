/**
 * `bench qr`: how often, and how fast, a setup code of 300 characters is read from a 640 × 480 picture that is blurred, noisy,
 * turned, tilted, dark, far away or moved: with error correction L and M at the same size on the sheet, by the decoder of the
 * device (zxing-wasm), and by the decoder of the package `qr` beside it. Each picture has a code of its own.
 * Texts that are in no picture are told; one that begins like a code of ours ends the bench.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import decodeQR from 'qr/decode.js';
import { Random } from '../../drivers/camera/scene/random.ts';
import { openDecoder, type QrDecoder } from '../../provisioning/device/scan/decoder.ts';
import { encodeCode } from '../../provisioning/payload/code.ts';
import { keyIdOf } from '../../provisioning/payload/keys.ts';
import { CODE_CHARS_MAX, CODE_PREFIX } from '../../provisioning/payload/payload.ts';
import { type Correction, QUIET_MODULES, qrMatrix } from '../../provisioning/qr/matrix.ts';
import { encodePng } from '../../provisioning/qr/png.ts';
import { ExitCode } from '../../runtime/errors.ts';
import { boardName, loadAverage } from './machine.ts';
import { type Conditions, HEIGHT_PX, PictureMaker, WIDTH_PX } from './qr-picture.ts';
import { spreadOf } from './statistics.ts';

const HELP = `Reads synthetic 640 x 480 pictures of setup codes of 300 characters.
  --frames n     pictures for each row (50)
  --only word    rows whose name has this word
  --pictures DIR writes one picture of each row as one PNG, sheet.png (made up, nothing of a camera)
  --seed n       another row of pictures (1)
  --json         print JSON instead of the table
`;

/** 61 modules of 4 px. With M the code has 69 modules of 3.5 px at the same size. */
const USUAL_PX = 244;

/** So long that the code has 300 characters. */
const HOST = `gateway.${'malmo'.padEnd(27, '-triangeln')}.example`;
/** The peer stops after a sixtieth of a second unless told otherwise; that would measure this machine's load. */
const PEER_LIMIT_MS = 300;

/** Numbers of pictures are streams as well; none gets so far. */
const CONTENTS_STREAM = 0xffff_ffff;
/** RFC 8410, section 7: what stands before the 32 bytes of a private key. */
const PKCS8_OF_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

type Cell = { readonly name: string; readonly conditions: Conditions };

const cells = (
  label: string,
  values: readonly number[],
  unit: string,
  conditions: (value: number) => Partial<Conditions>,
): Cell[] =>
  values.map((value) => ({ name: `${label} ${value}${unit}`, conditions: { sidePx: USUAL_PX, ...conditions(value) } }));

const CELLS: readonly Cell[] = [
  { name: 'nothing wrong', conditions: { sidePx: USUAL_PX } },
  ...cells('side', [366, 183, 152, 122, 107, 92], ' px', (sidePx) => ({ sidePx })),
  ...cells('blur sigma', [0.5, 1, 1.5, 1.75, 2, 2.5], ' px', (blurSigmaPx) => ({ blurSigmaPx })),
  ...cells('noise sigma', [5, 10, 20, 25, 30, 40], '', (noiseSigma) => ({ noiseSigma })),
  ...cells('rotation', [15, 30, 45], '°', (rotationDeg) => ({ rotationDeg })),
  ...cells('tilt', [15, 30, 45, 60], '°', (tiltDeg) => ({ tiltDeg })),
  ...cells('low light', [400, 200, 100, 50, 25], ' e-', (electrons) => ({ electrons })),
  ...cells('contrast', [80, 40, 20, 10], '', (contrast) => ({ contrast, noiseSigma: 3, gradient: 0.4 })),
  ...cells('motion', [2, 4, 5, 6, 8], ' px', (motionPx) => ({ motionPx })),
  {
    name: 'by hand: all of it, a little',
    conditions: {
      sidePx: USUAL_PX,
      rotationDeg: 10,
      tiltDeg: 20,
      blurSigmaPx: 0.8,
      motionPx: 1.5,
      noiseSigma: 8,
      gradient: 0.2,
    },
  },
  {
    name: 'by hand, in dim light',
    conditions: {
      sidePx: USUAL_PX,
      rotationDeg: 20,
      tiltDeg: 20,
      blurSigmaPx: 0.8,
      motionPx: 1.5,
      electrons: 400,
      contrast: 110,
      gradient: 0.3,
    },
  },
];

/** others: texts that were not in the picture. */
type Tally = { read: number; readonly timesMs: number[]; readonly others: string[] };
type Row = { readonly name: string; readonly low: Tally; readonly medium: Tally; readonly peer: Tally };

export async function benchQr(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      frames: { type: 'string', default: '50' },
      only: { type: 'string', default: '' },
      seed: { type: 'string', default: '1' },
      pictures: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const frames = Number(values.frames);
  if (!(Number.isInteger(frames) && frames >= 1 && frames <= 10_000)) throw new RangeError('--frames is 1 to 10000');
  const chosen = CELLS.filter(({ name }) => name.includes(values.only));
  const bench = new QrBench(await openDecoder(WIDTH_PX, HEIGHT_PX), Number(values.seed));
  bench.warmUp();
  const rows: Row[] = [];
  for (const cell of chosen) {
    rows.push(bench.measure(cell, frames));
    if (process.stderr.isTTY) process.stderr.write(`\r${rows.length} of ${chosen.length} rows`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  if (values.pictures !== undefined) writeSheet(values.pictures, chosen, bench);
  const about = { board: boardName(), node: process.version, load: loadAverage(), frames, chars: CODE_CHARS_MAX };
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ ...about, rows: rows.map(figuresOf) }, null, 2)}\n`
      : `${heading(about)}${table(rows)}`,
  );
  return ExitCode.ok;
}

class QrBench {
  readonly #decoder: QrDecoder;
  readonly #maker = new PictureMaker();
  readonly #seed: number;
  readonly #key: KeyObject;
  /** Of what stands in the codes. */
  readonly #contents: Random;
  #count = 0;

  constructor(decoder: QrDecoder, seed: number) {
    this.#decoder = decoder;
    this.#seed = seed;
    this.#contents = new Random(seed, CONTENTS_STREAM);
    const pkcs8 = Buffer.concat([PKCS8_OF_ED25519, this.#bytes(32)]);
    this.#key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  }

  /** Compilers first; nothing of it is counted. */
  warmUp(): void {
    for (let round = 0; round < 3; round += 1) this.measure(CELLS[0]!, 1);
  }

  measure(cell: Cell, frames: number): Row {
    const row: Row = { name: cell.name, low: tally(), medium: tally(), peer: tally() };
    for (let frame = 0; frame < frames; frame += 1) {
      const text = this.newCode();
      const low = this.picture(text, 'low', cell);
      this.#note(row.low, text, () => this.#decoder.read((target) => target.set(low)).texts);
      this.#note(row.peer, text, () => this.#peer(low));
      const medium = this.picture(text, 'medium', cell);
      this.#note(row.medium, text, () => this.#decoder.read((target) => target.set(medium)).texts);
    }
    return row;
  }

  /** The same hand for both corrections: the random numbers begin anew. */
  picture(text: string, correction: Correction, { conditions }: Cell): Uint8Array {
    const random = new Random(this.#seed, this.#count);
    return this.#maker.draw(qrMatrix(text, correction), QUIET_MODULES, conditions, random);
  }

  /** Exactly 300 characters, each time others. */
  newCode(): string {
    this.#count += 1;
    const issuedAtS = 1_769_846_400 + this.#count;
    const code = encodeCode(
      {
        keyId: keyIdOf(this.#key),
        site: 'malmo-7',
        device: 'door1',
        issuedAtS,
        expiresAtS: issuedAtS + 900,
        nonce: this.#bytes(8).toString('hex'),
        token: this.#bytes(16).toString('hex'),
        wifi: { ssid: 'Lager', passphrase: this.#bytes(12).toString('base64url'), security: 'wpa', isHidden: false },
        host: HOST,
        mqttPort: 8883,
        claimPort: 8885,
        caPin: this.#bytes(16).toString('hex'),
        country: 'SE',
      },
      this.#key,
    );
    if (code.length !== CODE_CHARS_MAX) throw new Error(`the code has ${code.length} characters`);
    return code;
  }
  /** Predictable on purpose: the same seed makes the same codes, and these are for nobody. */
  #bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.#contents.below(256)));
  }

  #note(row: Tally, text: string, read: () => readonly string[]): void {
    const beganMs = performance.now();
    const texts = read();
    row.timesMs.push(performance.now() - beganMs);
    if (texts.includes(text)) row.read += 1;
    for (const other of texts) {
      if (other === text) continue;
      // Noise may look like a tiny code; what must never be is that it looks like one of ours.
      if (other.startsWith(CODE_PREFIX)) throw new Error(`a decoder read a code of ours that was not there: ${other}`);
      row.others.push(other);
    }
  }

  #peer(picture: Uint8Array): string[] {
    const image = { width: WIDTH_PX, height: HEIGHT_PX, data: picture };
    try {
      // Of I420 it reads the first plane, which is grey.
      return [decodeQR(image, { format: 'I420', timeLimit: PEER_LIMIT_MS }) as string];
    } catch {
      // It throws where it finds nothing, whatever the reason.
      return [];
    }
  }
}

function tally(): Tally {
  return { read: 0, timesMs: [], others: [] };
}

function figuresOf({ name, low, medium, peer }: Row) {
  const figures = ({ read, timesMs, others }: Tally) => ({
    read,
    others,
    p50Ms: spreadOf(timesMs).p50,
    p95Ms: spreadOf(timesMs).p95,
  });
  return { name, low: figures(low), medium: figures(medium), peer: figures(peer) };
}

function heading(about: { board: string; node: string; load: number; frames: number; chars: number }): string {
  return `${about.chars} characters, ${WIDTH_PX} × ${HEIGHT_PX} grey, code ${USUAL_PX} px wide unless a row says otherwise; ${about.frames} pictures a row, each with its own code
${about.board}, Node ${about.node}, load ${about.load}. Read, and median ms of all pictures of the row; texts that were not in a picture are quoted.\n\n`;
}

function table(rows: readonly Row[]): string {
  const cell = ({ read, timesMs, others }: Tally) =>
    `${read}/${timesMs.length}, ${spreadOf(timesMs).p50.toFixed(1)}${others.length > 0 ? `, and ${JSON.stringify(others)}` : ''}`;
  return [
    '| what is wrong | zxing-wasm, L | zxing-wasm, M | qr, L |',
    '|---|---|---|---|',
    ...rows.map((row) => `| ${row.name} | ${cell(row.low)} | ${cell(row.medium)} | ${cell(row.peer)} |`),
    '',
  ].join('\n');
}

/** One picture of each row, halved, five beside each other, in the order of the table. */
function writeSheet(folder: string, chosen: readonly Cell[], bench: QrBench): void {
  const [columns, width, height] = [5, WIDTH_PX / 2, HEIGHT_PX / 2];
  const widthPx = columns * width;
  const heightPx = Math.ceil(chosen.length / columns) * height;
  const samples = new Uint8Array(widthPx * heightPx);
  chosen.forEach((cell, index) => {
    const picture = bench.picture(bench.newCode(), 'low', cell);
    const [left, top] = [(index % columns) * width, Math.floor(index / columns) * height];
    for (let y = 0; y < height; y += 1)
      for (let x = 0; x < width; x += 1) {
        const at = 2 * y * WIDTH_PX + 2 * x;
        const sum = picture[at]! + picture[at + 1]! + picture[at + WIDTH_PX]! + picture[at + WIDTH_PX + 1]!;
        samples[(top + y) * widthPx + left + x] = sum / 4;
      }
  });
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'sheet.png');
  writeFileSync(path, encodePng({ widthPx, heightPx, kind: 'grey', samples }));
  process.stderr.write(`${path}\n`);
}
