/**
 * Update of the application in two slots. Read this first; what is on disk when is in state.ts.
 *
 *   voice: downloads, renames to /var/lib/lethe/update/ready
 *   install: signature, version, hash → room → the other slot → sync → trial: current is switched, eye and voice restarted
 *   watch:   healthy within ten minutes → confirmed: the link `confirmed` follows. Else back: current returns to it,
 *            and the version is never taken again
 *
 * Healthy is what the voice of the new version says after frames were counted and the broker has acknowledged something
 * (runtime/voice/update/health.ts), about this version and this start of the machine.
 * Both programs run from `confirmed`, so a release whose Node does not start takes nothing down but itself.
 * A power cut at any operation leaves two links that lead to whole releases; the next start goes on where this one ended.
 */
import { join } from 'node:path';
import { BundleError, type BundleErrorKind, explain } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { checkFits, type Manifest, type ReleaseKeys } from '../../bundle/manifest.ts';
import {
  APPLICATION_FOLDER,
  CONFIRMED_LINK,
  CURRENT_LINK,
  isSlot,
  otherSlot,
  type Slot,
  STATE_FILE,
  UPDATE_STATE_FOLDER,
} from '../layout.ts';
import type { CheckedBundle, UpdateDisk } from './disk.ts';
import type { Services } from './services.ts';
import { formatState, idleState, parseState, type UpdateState, withRolledBack } from './state.ts';
import { settleUnitLinks } from './units.ts';

/** The voice's; nobody but it writes there. */
export const OFFERED_FOLDER = '/var/lib/lethe/update';
export const READY_FILE = join(OFFERED_FOLDER, 'ready');
export const HEALTHY_FILE = join(OFFERED_FOLDER, 'healthy');
/** There while the phase is another one than idle: lethe-trial.service is started at boot only then. */
export const PENDING_FILE = join(UPDATE_STATE_FOLDER, 'pending');

/** A slow board starts, syncs its time, finds the broker and counts within two. */
export const TRIAL_S = 600;
/** A release that makes the machine start again and again is not given its ten minutes each time. */
export const TRIAL_STARTS_MAX = 3;
/** File systems need some room of their own. */
const ROOM_BYTES_SPARE = 32_000_000;
const BLOCK_BYTES = 4096;
const UNKNOWN_VERSION = '0.0.0';

export type UpdateParts = {
  readonly disk: UpdateDisk;
  readonly services: Services;
  readonly log: Log;
  readonly keys: ReleaseKeys;
  /** Of this start of the machine. */
  readonly bootId: string;
  readonly wallMs: () => number;
  /** In place of /, for tests. */
  readonly root: string;
};

export class Updater {
  readonly #parts: UpdateParts;
  /** Of the bundle that is being taken, as soon as its signature was found good. */
  #offered = UNKNOWN_VERSION;
  constructor(parts: UpdateParts) {
    this.#parts = parts;
  }

  /** As it is on disk; without a file what the links say. */
  state(): UpdateState {
    return parseState(this.#parts.disk.read(this.#at(STATE_FILE))) ?? this.#stateOfLinks();
  }

  /** Takes the bundle that the voice left. → whether a trial has begun. */
  async install(): Promise<boolean> {
    const { disk, log } = this.#parts;
    const state = this.state();
    if (!disk.exists(this.#at(READY_FILE))) return false;
    if (state.phase === 'trial' || state.phase === 'back') {
      log.warn('a bundle came while another one is tried: it is left out');
      disk.remove(this.#at(READY_FILE));
      return false;
    }
    let bundle: CheckedBundle | undefined;
    try {
      this.#offered = UNKNOWN_VERSION;
      bundle = await this.#open(state);
      await this.#fill(bundle);
    } catch (error) {
      this.#refuse(error);
      return false;
    } finally {
      bundle?.close();
    }
    try {
      disk.remove(this.#at(READY_FILE));
      this.#enter();
    } finally {
      // Whatever went wrong with the switch: who watches the trial also takes it back.
      this.#tell(this.#parts.services.startTrial());
    }
    return true;
  }

  /**
   * At boot and after a switch: finishes what was begun. → what there is to watch: `trial` until it is healthy or its time
   * is over, or nothing more.
   */
  resume(): 'trial' | 'idle' {
    const { disk, log } = this.#parts;
    const state = this.state();
    switch (state.phase) {
      case 'idle':
        this.#settle(state);
        return 'idle';
      case 'install':
        // Begun again by whoever is started for the bundle, at this moment perhaps: hands off.
        if (disk.exists(this.#at(READY_FILE))) return 'idle';
        log.warn({ version: state.version }, 'the power went while it was unpacked, and the bundle is gone');
        disk.removeTree(this.#slot(state.slot));
        this.#settle(this.#stateOfLinks(state.rolled_back));
        return 'idle';
      case 'back':
        this.#goBack(state, state.reason);
        return 'idle';
      case 'trial':
        return this.#resumeTrial(state);
    }
  }

  /** Has the voice of the version on trial said that it is well? Then it is the confirmed one. */
  confirmIfHealthy(): boolean {
    const state = this.state();
    if (state.phase !== 'trial' || !this.#isHealthy(state.version)) return false;
    this.#confirm(state);
    return true;
  }

  /** The trial has ended without health. */
  giveUp(): void {
    const state = this.state();
    if (state.phase === 'trial') this.#goBack(state, 'not_healthy');
  }

  async #open(state: UpdateState): Promise<CheckedBundle> {
    const { disk, keys } = this.#parts;
    const installed = this.#versionOf(this.#confirmed());
    const allows = (manifest: Manifest) => {
      this.#offered = manifest.version;
      checkFits(manifest, installed, state.rolled_back);
    };
    return disk.openBundle(this.#at(READY_FILE), keys, allows);
  }

  async #fill(bundle: CheckedBundle): Promise<void> {
    const { disk, log } = this.#parts;
    const slot = otherSlot(this.#confirmed());
    const { version } = bundle.manifest;
    this.#checkRoom(bundle.manifest, slot);
    const state: UpdateState = { ...this.state(), slot, version, starts: 0, reason: '' };
    disk.replace(this.#at(PENDING_FILE), `${version}\n`);
    this.#write({ ...state, phase: 'install' });
    log.info({ version, slot }, 'unpacking');
    disk.removeTree(this.#slot(slot));
    await bundle.unpackTo(this.#slot(slot));
    disk.sync(this.#at(APPLICATION_FOLDER));
    this.#write({ ...state, phase: 'trial' });
  }

  #checkRoom({ version, unpacked_bytes: bytes, file_count: count }: Manifest, slot: Slot): void {
    const { disk } = this.#parts;
    const needed = bytes + count * BLOCK_BYTES + ROOM_BYTES_SPARE;
    const room = disk.freeBytes(this.#at(APPLICATION_FOLDER)) + disk.treeBytes(this.#slot(slot));
    if (room >= needed) return;
    throw new BundleError(
      'no_room',
      `Release ${version} needs ${megabytes(needed)} below /opt/lethe; ${megabytes(room)} are free.`,
      { op: 'install release', hint: 'Make room on the card; what runs is not touched.' },
    );
  }

  /** What ran goes on running; the bundle goes, so that it is not taken again at once. */
  #refuse(error: unknown): void {
    const { disk, log } = this.#parts;
    const state = this.state();
    // A system's error outside of the bundle's own reading: the card.
    const isSystem = (error as NodeJS.ErrnoException).syscall !== undefined;
    if (!(error instanceof BundleError) && !isSystem) throw error;
    const reason: BundleErrorKind = error instanceof BundleError ? error.kind : 'disk';
    log.error({ reason }, explain(error));
    if (state.phase === 'install') disk.removeTree(this.#slot(state.slot));
    disk.remove(this.#at(READY_FILE));
    this.#settle(this.#idle(state, { version: this.#offered, outcome: 'refused', reason }));
  }

  /** current → the slot on trial. May be done again. */
  #enter(): void {
    const { slot, version } = this.state();
    this.#switchTo(slot);
    this.#parts.log.info({ version, slot }, `on trial for ${TRIAL_S} s`);
  }

  #switchTo(slot: Slot): void {
    const { disk, services, root } = this.#parts;
    disk.switchLink(this.#link(CURRENT_LINK), slot);
    settleUnitLinks(disk, root, slot);
    this.#tell(services.reload());
    this.#tell(services.restartPrograms());
  }

  #resumeTrial(state: UpdateState): 'trial' | 'idle' {
    if (this.#confirmed() === state.slot) {
      this.#confirm(state);
      return 'idle';
    }
    const starts = state.starts + 1;
    if (starts > TRIAL_STARTS_MAX) {
      this.#goBack(state, 'too_many_starts');
      return 'idle';
    }
    this.#write({ ...state, starts });
    if (this.#parts.disk.linkTarget(this.#link(CURRENT_LINK)) !== state.slot) this.#enter();
    return 'trial';
  }

  #isHealthy(version: string): boolean {
    try {
      const said = JSON.parse(this.#parts.disk.read(this.#at(HEALTHY_FILE)) ?? 'null') as Record<
        string,
        unknown
      > | null;
      return said?.['version'] === version && said['boot_id'] === this.#parts.bootId && Number(said['frames']) >= 1;
    } catch {
      return false;
    }
  }

  #confirm(state: UpdateState): void {
    const { disk, log } = this.#parts;
    disk.switchLink(this.#link(CONFIRMED_LINK), state.slot);
    this.#settle(this.#idle(state, { version: state.version, outcome: 'confirmed', reason: '' }));
    log.info({ version: state.version }, 'confirmed: it counts and has reached the broker');
  }

  #goBack(state: UpdateState, reason: string): void {
    this.#write({ ...state, phase: 'back', reason });
    this.#switchTo(this.#confirmed());
    const idle = this.#idle(state, { version: state.version, outcome: 'rolled_back', reason });
    this.#settle({ ...idle, rolled_back: withRolledBack(state) });
    this.#parts.log.error({ version: state.version, reason }, `rolled back to ${idle.version}`);
  }

  #idle(
    state: UpdateState,
    last: { version: string; outcome: 'confirmed' | 'rolled_back' | 'refused'; reason: string },
  ) {
    const slot = this.#confirmed();
    return {
      ...idleState(slot, this.#versionOf(slot)),
      rolled_back: state.rolled_back,
      last: { ...last, at: new Date(this.#parts.wallMs()).toISOString() },
    };
  }

  /** Idle is on disk before the mark goes: a mark too many starts a program that finds nothing to do. */
  #settle(state: UpdateState): void {
    const { disk, log } = this.#parts;
    if (disk.linkTarget(this.#link(CURRENT_LINK)) !== this.#confirmed()) {
      log.error('what runs is not what is confirmed, and nothing says why: back to that');
      this.#switchTo(this.#confirmed());
    }
    this.#write(state);
    if (disk.exists(this.#at(PENDING_FILE))) disk.remove(this.#at(PENDING_FILE));
  }

  #write(state: UpdateState): void {
    this.#parts.disk.replace(this.#at(STATE_FILE), formatState(state));
  }

  /** rolledBack: what is known of it. */
  #stateOfLinks(rolledBack: readonly string[] = []): UpdateState {
    const slot = this.#confirmed();
    return { ...idleState(slot, this.#versionOf(slot)), rolled_back: rolledBack };
  }

  #confirmed(): Slot {
    const { disk } = this.#parts;
    const target = disk.linkTarget(this.#link(CONFIRMED_LINK)) ?? disk.linkTarget(this.#link(CURRENT_LINK));
    return isSlot(target) ? target : 'a';
  }

  #versionOf(slot: Slot): string {
    const text = this.#parts.disk.read(join(this.#slot(slot), 'package.json'));
    return (JSON.parse(text ?? '{}') as { version?: string }).version ?? '0.0.0';
  }

  #tell(failure: string | undefined): void {
    if (failure !== undefined) this.#parts.log.error(failure);
  }

  #slot(slot: Slot): string {
    return this.#at(join(APPLICATION_FOLDER, slot));
  }

  #link(name: string): string {
    return this.#at(join(APPLICATION_FOLDER, name));
  }

  #at(path: string): string {
    return join(this.#parts.root, path);
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
