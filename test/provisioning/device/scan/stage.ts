/**
 * The scan as a program of its own, below a root in a temporary folder: the simulated rpicam-vid plays whatever picture the
 * test puts before it, and the LED's files of the kernel are ordinary ones.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SCAN_FORMAT } from '../../../../provisioning/device/scan/plate.ts';
import { encodeCode } from '../../../../provisioning/payload/code.ts';
import { keyIdOf } from '../../../../provisioning/payload/keys.ts';
import type { SetupPayload } from '../../../../provisioning/payload/payload.ts';
import { FAKE_RPICAM_VID, fakeRpicam } from '../../../fakes/rpicam-vid.ts';
import { eventually, within } from '../../../fakes/within.ts';
import { pictureOf } from './pictures.ts';

const MAIN = fileURLToPath(new URL('../../../../provisioning/device/scan/main.js', import.meta.url));
/** Two cores are shared by everything: a start of Node, of the thread and of the fake. */
export const SOON_MS = 30_000;
const GREY_CHROMA = 128;

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

export type StageOptions = {
  /** Failure of the simulated camera, as test/fakes/rpicam-vid.mjs lists them. */
  readonly camera?: string;
  readonly withKey?: boolean;
  readonly board?: object;
  /** Further words for Node. */
  readonly nodeWords?: readonly string[];
};

export class Stage {
  readonly root = mkdtempSync(join(tmpdir(), 'lethe-scan-'));
  readonly fleet = generateKeyPairSync('ed25519');
  readonly lines: LogLine[] = [];
  readonly #pictures = join(this.root, 'pictures');
  readonly #options: StageOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown[]> | undefined;

  constructor(options: StageOptions = {}) {
    this.#options = options;
    for (const folder of [
      'etc/lethe/fleet',
      'run/lethe-setup',
      'run/systemd/timesync',
      'run/camera',
      'sys/class/leds/ACT',
    ])
      mkdirSync(this.path(folder), { recursive: true });
    if (options.withKey !== false) this.addKey(this.fleet.publicKey);
    if (options.board !== undefined) writeFileSync(this.path('etc/lethe/board.json'), JSON.stringify(options.board));
    writeFileSync(this.path('run/systemd/timesync/synchronized'), '');
    writeFileSync(this.path('sys/class/leds/ACT/trigger'), 'none usb-gadget [mmc0] timer\n');
    writeFileSync(this.path('sys/class/leds/ACT/brightness'), '0');
    this.show(new Uint8Array(SCAN_FORMAT.widthPx * SCAN_FORMAT.heightPx).fill(120));
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  path(below: string): string {
    return join(this.root, below);
  }

  read(below: string): string {
    return readFileSync(this.path(below), 'utf8');
  }

  has(below: string): boolean {
    return existsSync(this.path(below));
  }

  addKey(key: KeyObject): void {
    writeFileSync(this.path('etc/lethe/fleet/one.pem'), key.export({ type: 'spki', format: 'pem' }));
  }

  /** What the camera sees from now on. */
  show(luma: Uint8Array): void {
    const picture = new Uint8Array(SCAN_FORMAT.frameBytes).fill(GREY_CHROMA);
    picture.set(luma);
    this.showWhole(picture);
  }

  /** All three planes, of one picture or several. */
  showWhole(pictures: Uint8Array): void {
    writeFileSync(`${this.#pictures}.new`, pictures);
    renameSync(`${this.#pictures}.new`, this.#pictures);
  }

  showText(text: string): void {
    this.show(pictureOf(text));
  }

  start(): void {
    this.lines.length = 0;
    fakeRpicam(this.#options.camera ?? '');
    const child = spawn(process.execPath, [...(this.#options.nodeWords ?? []), MAIN, '--root', this.root], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        LETHE_RPICAM_VID: FAKE_RPICAM_VID,
        LETHE_FAKE_RPICAM_PICTURES: this.#pictures,
        RUNTIME_DIRECTORY: this.path('run/camera'),
      },
    });
    this.#child = child;
    this.#ended = once(child, 'close');
    createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(JSON.parse(line) as LogLine));
  }

  /** Resolves with the exit status once it has ended by itself. */
  async ended(): Promise<unknown> {
    const [status] = await within(SOON_MS, 'the scan ends', this.#ended!);
    return status;
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.ended();
  }

  /** At the end of each test, however it ended. */
  remove(): void {
    this.#child?.kill('SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }

  said(what: string, test: (line: LogLine) => boolean): Promise<void> {
    return eventually(SOON_MS, what, () => this.lines.some(test));
  }

  lampShows(pattern: string): Promise<void> {
    return this.said(`the lamp shows ${pattern}`, (line) => line['lamp'] === pattern);
  }
}

const NOW_S = () => Math.floor(Date.now() / 1000);

/** A whole payload that the stage's device takes, but for what is said. */
export function payloadFor(stage: Stage, changes: Partial<SetupPayload> = {}): SetupPayload {
  return {
    keyId: keyIdOf(stage.fleet.publicKey),
    site: 'shop1',
    issuedAtS: NOW_S() - 60,
    expiresAtS: NOW_S() + 600,
    nonce: '0011223344556677',
    token: '00112233445566778899aabbccddeeff',
    wifi: { ssid: 'Shop', passphrase: 'correct horse battery', security: 'wpa', isHidden: false },
    host: 'gateway.shop',
    mqttPort: 8883,
    claimPort: 8885,
    caPin: '00112233445566778899aabbccddeeff',
    ...changes,
  };
}

export function codeFor(stage: Stage, changes: Partial<SetupPayload> = {}): string {
  return encodeCode(payloadFor(stage, changes), stage.fleet.privateKey);
}
