/**
 * The lane: one emulated device, its card flashed by our own tool, and the store it belongs to. Times of its steps are kept
 * and printed as rows of a table. All of its files are in one temporary folder, which is kept when something fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PACKAGE_ROOT } from '../../../runtime/package.ts';
import { kernelWords, makeCard } from '../../../scripts/emulator/card.ts';
import { Machine } from '../../../scripts/emulator/machine.ts';
import { makeOverlay, type OverlayOptions } from '../../../scripts/emulator/overlay.ts';
import { type Image, imageIfThere } from '../../../scripts/emulator/pi-like.ts';
import { installLine, missingPrograms, RUN_PROGRAMS } from '../../../scripts/emulator/tools.ts';
import { show } from './codes.ts';
import { makeRelease } from './releases.ts';
import { FRAME_RATE_HZ, type Take, writeScene } from './scene.ts';
import { HOST, Store } from './store.ts';
import { startTimeServer, type TimeServer } from './time-server.ts';

/** Why the lane cannot run here; undefined when it can. */
export function whyNot(): string | undefined {
  if (process.env['SKIP_EMULATOR'] === '1') return 'SKIP_EMULATOR=1';
  const missing = missingPrograms(RUN_PROGRAMS);
  if (missing.length > 0) return `programs are missing: ${missing.join(', ')}. ${installLine(missing)}`;
  if (imageIfThere() === undefined)
    return 'there is no stock image yet: npm run -s emulator -- image (about six minutes, once)';
  return undefined;
}

/** What the emulator is slower by, and the machine under it busy: every wait of the lane is long, and says what it waits for. */
const BOOT_WAIT_MS = 300_000;
const POLL_MS = 200;
/** Ten minutes in the product; a release that does not count is given up sooner here, so that the lane can see it. */
const TRIAL_S = 240;

export class Lane {
  readonly folder: string;
  readonly share: string;
  readonly take: Take;
  readonly store: Store;
  readonly time: TimeServer;
  readonly machine: Machine;
  readonly rows: string[] = [];
  readonly #startedAtMs = Date.now();
  #takeCount = 0;

  private constructor(folder: string, image: Image, parts: Pick<Lane, 'store' | 'time' | 'take'>) {
    this.folder = folder;
    this.share = join(folder, 'share');
    this.store = parts.store;
    this.time = parts.time;
    this.take = parts.take;
    this.machine = new Machine({
      ...image,
      initrds: [image.initrd, join(folder, 'overlay.gz')],
      card: join(folder, 'card.img'),
      words: kernelWords(join(folder, 'flashed.img')),
      share: this.share,
      folder,
    });
  }

  /** Opens the store and flashes the card. `more`: files of the overlay, besides those of every lane. */
  static async open({ more = {}, debs = [] }: OverlayOptions = {}): Promise<Lane> {
    const image = imageIfThere();
    if (image === undefined) throw new Error('there is no stock image');
    const folder = mkdtempSync(join(tmpdir(), 'lethe-emulator-'));
    const share = join(folder, 'share');
    mkdirSync(share);
    const startedAtMs = Date.now();
    const time = await startTimeServer();
    const store = await Store.open(join(folder, 'store'), {
      camera: { driver: 'rpicam', frame_rate_hz: FRAME_RATE_HZ },
      // A picture takes 100 ms and more where every instruction is emulated.
      privacy: { residency_ms_max: 1000 },
    });
    makeReleaseKey(folder);
    flash(folder, image, keyWords(store, folder));
    makeCard(join(folder, 'flashed.img'), join(folder, 'card.img'));
    writeFileSync(join(folder, 'overlay.gz'), makeOverlay({ more: { ...OVERLAY_FILES, ...more }, debs }));
    writeFileSync(join(share, 'network.nft'), firewall(store, time));
    writeFileSync(join(share, 'take'), '0\n');
    show(share, undefined);
    const take = writeScene(join(share, 'scene.yuv'));
    const lane = new Lane(folder, image, { store, time, take });
    lane.note('card flashed, store open', Date.now() - startedAtMs);
    return lane;
  }

  /** A row of the table: what, how long it took, and when in the run it was. */
  note(what: string, ms: number): void {
    const at = ((Date.now() - this.#startedAtMs) / 1000).toFixed(0);
    const row = `| ${what} | ${(ms / 1000).toFixed(0)} s | ${at} s |`;
    this.rows.push(row);
    process.stdout.write(`${row}\n`);
  }

  /** Does it and notes the time it took. */
  async timed<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
    const startedAtMs = Date.now();
    const result = await work();
    this.note(what, Date.now() - startedAtMs);
    return result;
  }

  /** Power on, until the root shell of the overlay answers. */
  async boot(): Promise<void> {
    await this.machine.start();
    await this.machine.answers(BOOT_WAIT_MS);
  }

  /** Waits for a line of the device's journal that comes after this call; start the wait before what causes it. */
  hears(pattern: RegExp, timeoutMs: number): Promise<string> {
    return this.machine.says(pattern, timeoutMs, this.machine.journal().length);
  }

  async until(what: string, timeoutMs: number, look: () => boolean): Promise<void> {
    const endAtMs = Date.now() + timeoutMs;
    while (!look()) {
      if (Date.now() > endAtMs) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
      await sleep(POLL_MS);
    }
  }

  /** Totals of the line, as the device told them last. */
  get totals(): { readonly in: number; readonly out: number } {
    const { in: inCount = 0, out: outCount = 0 } = this.store.latest('door1/total/door') ?? {};
    return { in: Number(inCount), out: Number(outCount) };
  }

  /** Plays the scene once. What it should add to the totals is `take`. */
  playTake(): void {
    this.#takeCount += 1;
    writeFileSync(join(this.share, 'take.part'), `${this.#takeCount}\n`);
    renameSync(join(this.share, 'take.part'), join(this.share, 'take'));
  }

  /**
   * Puts a release where the gateway offers it from. The gateway is started again: it asks a device once an hour, and forgets
   * whom it asked.
   */
  async offer(version: string, isBroken: boolean): Promise<void> {
    const bundle = join(this.folder, 'release.lethe');
    await makeRelease(join(this.folder, 'tree'), releaseKey(this.folder), `${bundle}.part`, { version, isBroken });
    renameSync(`${bundle}.part`, bundle);
    await this.store.stopGateway();
    const updates = {
      bundle_file: bundle,
      release_keys: join(this.folder, 'release-keys'),
      url: `https://${HOST}:8885`,
    };
    await this.store.startGateway({ updates });
  }

  /** The end of what the programs said, for a failure. */
  tail(): string {
    const lines = this.machine.journal().split('\n');
    return lines
      .filter((line) => !line.includes('"plan":'))
      .slice(-25)
      .map((line) => line.slice(0, 240))
      .join('\n');
  }

  /** Ends everything; the folder stays when `isKept`. */
  async close(isKept: boolean): Promise<void> {
    await this.machine.kill();
    await this.store.close();
    this.time.close();
    if (!isKept) rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A shorter trial. */
const OVERLAY_FILES = {
  'etc/systemd/system/lethe-trial.service.d/lethe-emulator.conf': `[Service]\nEnvironment=LETHE_TRIAL_S=${TRIAL_S}\n`,
};

/** Ports of this machine are random; in the device they are the usual ones. Nothing leaves for anywhere else. */
function firewall({ mqttPort, claimPort }: Store, { port: timePort }: TimeServer): string {
  return `table ip lethe_emulator {
  chain nat {
    type nat hook output priority -100;
    ip daddr ${HOST} tcp dport 8883 dnat to ${HOST}:${mqttPort}
    ip daddr ${HOST} tcp dport 8885 dnat to ${HOST}:${claimPort}
    ip daddr ${HOST} udp dport 123 dnat to ${HOST}:${timePort}
  }
  chain out {
    type filter hook output priority 0;
    ip daddr != { 10.0.2.0/24, 127.0.0.0/8, 255.255.255.255 } drop
  }
}
`;
}

/** Runs one of the package's own programs to its end. */
export function lethe(words: readonly string[]): string {
  const [script = '', ...rest] = words;
  const entry = join(PACKAGE_ROOT, 'dist', `${script}.js`);
  const done = spawnSync(process.execPath, [entry, ...rest], {
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 2 ** 26,
  });
  if (done.status !== 0) throw new Error(`${words.join(' ')} failed (${done.status}):\n${done.stderr}\n${done.stdout}`);
  return done.stdout;
}

const releaseKey = (folder: string): string => join(folder, 'release.pem');

function makeReleaseKey(folder: string): void {
  lethe(['runtime/main', 'bundle', 'key', releaseKey(folder)]);
  // The gateway wants a folder of public keys.
  mkdirSync(join(folder, 'release-keys'));
  renameSync(join(folder, 'release.pub.pem'), join(folder, 'release-keys', 'release.pem'));
}

function keyWords(store: Store, folder: string): string[] {
  const fleet = readdirSync(store.fleetFolder).flatMap((name) => ['--fleet-key', join(store.fleetFolder, name)]);
  return [...fleet, '--release-key', join(folder, 'release-keys', 'release.pem')];
}

/** The application once as a folder: bundles for updates are made of it as well. */
function flash(folder: string, image: Image, words: readonly string[]): void {
  const tree = join(folder, 'tree');
  lethe(['runtime/main', 'bundle', '--tree', tree]);
  if (!existsSync(join(tree, 'bin', 'node'))) throw new Error('the application has no Node');
  lethe(['scripts/flash', '--image', image.card, '--tree', tree, '--out', join(folder, 'flashed.img'), ...words]);
}
