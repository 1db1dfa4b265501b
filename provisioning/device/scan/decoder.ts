/**
 * Decoder: a grey picture → the texts of the QR codes in it, by zxing-cpp compiled to WebAssembly (package zxing-wasm, which
 * this file owns). Nothing comes from the network: the module is compiled from the file in node_modules, whose SHA-256 must
 * be the one below, and instantiated by ourselves, so the package's own way of fetching it is never entered.
 *
 * Why past the package's `readBarcodes`: it wants four bytes a pixel, makes a grey copy of its own in the heap of JavaScript
 * and frees the one in the module's memory without clearing it. Here the picture is written straight to its place in the
 * module's memory, which is the only place where this file has any of it.
 *
 * How it forgets. All that C++ has (heap, stack, tables) lies in the module's linear memory. Before the first picture a copy
 * of that memory is made; after every picture the memory is put back to it, byte for byte, and what it has grown by is
 * zeroed. So the next picture meets the module as the first one did: nothing of the last is left, nothing leaks, and
 * decoding costs the same for ever.
 *   Proved (test): after `read` every byte of the linear memory is what it was before the first picture.
 *   Measured (test:privacy): nothing of the pictures is found in the whole process.
 *   Believed: that V8 grows the memory in place, without leaving the old pages behind; that the processor's registers and
 *   the thread's own stack, which hold single values, are overwritten by the next call. A text is a string of JavaScript,
 *   which cannot be cleared: it goes when the thread ends. The bytes of it that can be reached are zeroed.
 * Memory: 22 MB that the module asks for, 6 MB for the copy, width × height for the picture (inside the 22).
 */
import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { prepareZXingModule, type ZXingReaderOptions, type ZXingReadResult } from 'zxing-wasm/reader';
import { DriverError } from '../../../runtime/errors.ts';

/** Of zxing_reader.wasm in zxing-wasm 3.1.4; package.json pins that version. */
const MODULE_SHA256 = 'e8af31edb56d0522f4de74495839385ef019ba8bc90d38e5ecb2f18795d86fb2';

/**
 * More than one, because a door has posters with codes of their own, and because codes that were found but could not be
 * read count as well.
 */
const SYMBOLS_MAX = 4;

/** As zxing-wasm's defaultReaderOptions says, in the numbers that its C++ side wants, but for the formats and the two limits. */
const OPTIONS: ZXingReaderOptions = {
  // Not 'QRCode': that also finds Micro QR and rMQR, and once read "4012" in a bench where no such code was.
  formats: 'QRCodeModel2',
  tryHarder: true,
  tryRotate: true,
  tryInvert: true,
  tryDownscale: true,
  tryDenoise: false,
  binarizer: 0, // LocalAverage
  isPure: false,
  downscaleFactor: 3,
  downscaleThreshold: 500, // of 480 rows: not halved; a code that fills the picture is read at full size
  minLineCount: 2,
  maxNumberOfSymbols: SYMBOLS_MAX,
  validateOptionalChecksum: false,
  // A code that was found but not read tells the installer to hold still.
  returnErrors: true,
  eanAddOnSymbol: 0, // Ignore
  textMode: 0, // Plain
  characterSet: 0, // Unknown
  tryCode39ExtendedMode: true,
};

/** Pictures of nothing before the first real one: C++ fills its tables, V8 compiles. */
const WARM_UP_ROUNDS = 3;

export type Sighting = {
  /** What stands in the codes that could be read; not yet known to be ours. */
  readonly texts: readonly string[];
  /** A code is there whose error correction did not suffice: blurred, too far, covered. */
  readonly hasUnreadable: boolean;
};

type ModuleImports = ConstructorParameters<typeof WebAssembly.Instance>[1];

/** What Emscripten puts on the module; the package's types promise it through another package. */
type ReaderModule = {
  /** Replaced whenever the memory grows: never to be kept. */
  readonly HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  readBarcodesFromPixmap(
    pointer: number,
    widthPx: number,
    heightPx: number,
    options: ZXingReaderOptions,
  ): { size(): number; get(index: number): ZXingReadResult | undefined; delete(): void };
};

export class QrDecoder {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly #module: ReaderModule;
  readonly #picture: number;
  /** The linear memory before the first picture, up to its last byte that is not 0. */
  readonly #before: Uint8Array;

  /** Use `openDecoder`. */
  constructor(module: ReaderModule, widthPx: number, heightPx: number) {
    this.#module = module;
    this.widthPx = widthPx;
    this.heightPx = heightPx;
    // Before the copy is made, and so never to be freed or moved.
    this.#picture = module._malloc(widthPx * heightPx);
    assert.ok(this.#picture > 0, 'a new module has room for one picture');
    for (let round = 0; round < WARM_UP_ROUNDS; round++) this.#search();
    this.#before = withoutZeros(module.HEAPU8);
  }

  /** All memory of the module, for tests: what is in it now. */
  get memory(): Uint8Array {
    return this.#module.HEAPU8;
  }

  /**
   * Looks for codes in one picture. `fill` writes it, grey, [heightPx, widthPx] uint8, row by row, into the bytes it is
   * handed, and must not keep them. When this returns, or throws, nothing of the picture is in the module's memory.
   * Throws what C++ did not expect: then this decoder is not to be used again.
   */
  read(fill: (picture: Uint8Array) => void): Sighting {
    try {
      fill(this.#module.HEAPU8.subarray(this.#picture, this.#picture + this.widthPx * this.heightPx));
      return this.#search();
    } finally {
      this.#forget();
    }
  }

  #search(): Sighting {
    const found = this.#module.readBarcodesFromPixmap(this.#picture, this.widthPx, this.heightPx, OPTIONS);
    try {
      const texts: string[] = [];
      let hasUnreadable = false;
      for (let index = 0; index < found.size(); index++) {
        const result = found.get(index);
        if (result === undefined) continue;
        if (result.isValid) texts.push(result.text);
        else hasUnreadable = true;
        zeroResult(result);
      }
      return { texts, hasUnreadable };
    } finally {
      // Before the memory is put back: afterwards there would be nothing there to free.
      found.delete();
    }
  }

  #forget(): void {
    const memory = this.#module.HEAPU8;
    memory.set(this.#before);
    memory.fill(0, this.#before.length);
  }
}

/** Copies that Embind made for us: the content in bytes, and the code itself as a picture of its modules. */
function zeroResult({ bytes, bytesECI, symbol }: Partial<ZXingReadResult>): void {
  // Where C++ failed inside ("Unknown error"), there is a result without them: one picture of 150 that were tilted by 60°.
  bytes?.fill(0);
  bytesECI?.fill(0);
  symbol?.data?.fill(0);
}

function withoutZeros(memory: Uint8Array): Uint8Array {
  let end = memory.length;
  while (end > 0 && memory[end - 1] === 0) end -= 1;
  return memory.slice(0, end);
}

/** Compiles the module, some 20 ms on a server. Throws DriverError when it is missing or is not the one we know. */
export async function openDecoder(widthPx: number, heightPx: number): Promise<QrDecoder> {
  const program = new WebAssembly.Module(readModule());
  const module = (await prepareZXingModule({
    overrides: {
      instantiateWasm: (imports: ModuleImports, done: (instance: WebAssembly.Instance) => void) => {
        done(new WebAssembly.Instance(program, imports));
        return {};
      },
    },
    // Each decoder has a module, and so a memory, of its own.
    equalityFn: () => false,
    fireImmediately: true,
  })) as unknown as ReaderModule;
  return new QrDecoder(module, widthPx, heightPx);
}

function readModule(): Uint8Array<ArrayBuffer> {
  const refuse = (what: string, cause?: unknown): DriverError =>
    new DriverError('absent', `the program that reads QR codes ${what}.`, {
      op: 'open decoder',
      hint: 'Install the whole package again (npm ci).',
      cause,
    });
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = readFileSync(createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm'));
  } catch (cause) {
    throw refuse('is missing from the installation', cause);
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== MODULE_SHA256) throw refuse(`has the SHA-256 ${sha256}; expected ${MODULE_SHA256}`);
  return bytes;
}
