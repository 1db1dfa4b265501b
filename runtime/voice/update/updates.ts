/**
 * Updates as the voice sees them. Read this first. A newer release is offered on `cmd/update`; its signature is checked
 * before a byte is fetched, it is fetched from the broker's own host and nowhere else, in pieces that survive a cut, checked
 * whole and handed to root, which installs it, tries it and takes it back if it does not count (provisioning/device/update).
 * What becomes of it is told on `update`.
 * Nothing here may hold up counting: everything is asynchronous, and a failure is a word on that topic.
 */
import { checkFits, checkSignature, type Manifest } from '../../../provisioning/bundle/manifest.ts';
import { AROUND_BYTES_MAX } from '../../../provisioning/bundle/read.ts';
import type { Request } from '../../contract/commands.ts';
import type { UpdateNews } from '../../contract/device.ts';
import { BundleError, DriverError, explain, LetheError } from '../../errors.ts';
import type { Log } from '../../log.ts';
import type { Downloader } from '../../ports/download.ts';
import type { Outcome } from '../commands/commands.ts';
import { refusal } from '../commands/refusal.ts';
import type { UpdateFiles } from './files.ts';

/** A connection that breaks is tried again from there, for some hours; the gateway offers it again besides. */
const RETRY_S = [10, 30, 60, 120, 300] as const;
const TRIES_MAX = 40;
/** Progress is told so often, root's state looked at so often. */
const TELL_S = 10;
const LOOK_S = 5;
/** The ledger must not be what finds the card full. */
const ROOM_BYTES_SPARE = 64_000_000;

type Doing = { readonly manifest: Manifest; readonly url: string; tries: number; waitS: number; isFetching: boolean };

export type UpdatesOptions = {
  /** That runs here. */
  readonly version: string;
  /** Of mqtt.url, without port. */
  readonly host: string;
  readonly files: UpdateFiles;
  readonly downloader: Downloader;
  readonly log: Log;
};

export type UpdateFacts = Omit<UpdateNews, 'v' | 'at'>;

export class Updates {
  readonly #options: UpdatesOptions;
  #doing: Doing | undefined;
  #received = { received_bytes: 0, bytes: 0 };
  /** Of this start; what root says is newer than it when root has said it after. */
  #own: { readonly state: 'ready' | 'refused'; readonly offered: string; readonly reason: string } | undefined;
  #root: UpdateFacts | undefined;
  #ageS = 0;
  #toldKey = '';

  constructor(options: UpdatesOptions) {
    this.#options = options;
    this.#look();
  }

  /** The command. */
  offer({ manifest, signature, url }: Request<'update'>): Outcome {
    const { files, version, log } = this.#options;
    const { version: offered } = manifest;
    if (this.#doing?.manifest.sha256 === manifest.sha256) return { result: { offered } };
    try {
      if (this.#doing !== undefined || files.isReady())
        throw refuse('busy', 'Another release is being fetched or installed. Offer it again in an hour.');
      checkSignature(manifest, signature, files.keys());
      const state = files.state();
      checkFits(manifest, version, state?.rolled_back);
      if (state !== undefined && state.phase !== 'idle')
        throw refuse('busy', `Release ${state.version} is being installed or tried. Offer it again in an hour.`);
      this.#checkAddress(manifest, url);
      this.#checkRoom(manifest);
    } catch (error) {
      if (!(error instanceof LetheError)) throw error;
      const reason = error instanceof BundleError ? error.kind : error.code.toLowerCase();
      if (reason !== 'busy') this.#own = { state: 'refused', offered, reason };
      log.warn({ offered, reason }, 'release refused');
      return { refused: refusal('update_refused', explain(error)) };
    }
    log.info({ offered }, 'fetching a release');
    this.#own = undefined;
    this.#doing = { manifest, url, tries: 0, waitS: 0, isFetching: false };
    this.#received = { received_bytes: files.partBytes(manifest), bytes: manifest.bytes };
    return { result: { offered } };
  }

  /** A second has passed. → facts to tell, if they are news. */
  tick(): UpdateFacts | undefined {
    this.#ageS += 1;
    const doing = this.#doing;
    if (doing !== undefined && !doing.isFetching) {
      doing.waitS -= 1;
      if (doing.waitS < 0) void this.#fetch(doing);
    }
    if (this.#ageS % LOOK_S === 0) this.#look();
    return this.#news();
  }

  /** To be told on each connection. */
  facts(): UpdateFacts {
    const { version } = this.#options;
    const none = { received_bytes: 0, bytes: 0 };
    if (this.#doing !== undefined)
      return {
        state: 'downloading',
        version,
        offered: this.#doing.manifest.version,
        reason: this.#lateness,
        ...this.#received,
      };
    if (this.#own !== undefined) return { ...this.#own, version, ...none };
    return this.#root ?? { state: 'idle', version, offered: null, reason: '', ...none };
  }

  stop(): void {
    this.#options.downloader.stop();
  }

  get #lateness(): string {
    return this.#doing !== undefined && this.#doing.tries > 0 && !this.#doing.isFetching ? 'interrupted' : '';
  }

  #news(): UpdateFacts | undefined {
    const facts = this.facts();
    const { received_bytes: _received, bytes: _bytes, ...words } = facts;
    const key = JSON.stringify(words);
    const isProgress = facts.state === 'downloading' && this.#ageS % TELL_S === 0;
    if (key === this.#toldKey && !isProgress) return undefined;
    this.#toldKey = key;
    return facts;
  }

  /** Of the broker's host, or a forged offer could send the device anywhere. */
  #checkAddress({ sha256 }: Manifest, url: string): void {
    const { host } = this.#options;
    const address = URL.canParse(url) ? new URL(url) : undefined;
    const isPlain =
      address?.protocol === 'https:' && address.username === '' && address.password === '' && address.search === '';
    if (
      !isPlain ||
      address.hostname.toLowerCase() !== host.toLowerCase() ||
      address.pathname !== `/v1/bundle/${sha256}`
    )
      throw refuse('other_host', `The address of the bundle is not https://${host}:PORT/v1/bundle/${sha256}.`);
  }

  #checkRoom(manifest: Manifest): void {
    const { files } = this.#options;
    const needed = manifest.bytes + AROUND_BYTES_MAX - files.partBytes(manifest) + ROOM_BYTES_SPARE;
    const free = files.freeBytes();
    if (free < needed)
      throw new BundleError('no_room', `The bundle needs ${needed} bytes on the card; ${free} are free.`, {
        op: 'check room',
        hint: 'Make room below /var/lib/lethe.',
      });
  }

  async #fetch(doing: Doing): Promise<void> {
    const { files, downloader, log } = this.#options;
    const { manifest, url } = doing;
    doing.isFetching = true;
    doing.tries += 1;
    try {
      const path = files.beginPart(manifest);
      await downloader.fetch({
        url,
        path,
        bytesMax: manifest.bytes + AROUND_BYTES_MAX,
        onProgress: (received, bytes) => {
          this.#received = { received_bytes: received, bytes };
        },
      });
      await files.makeReady(manifest);
      log.info({ offered: manifest.version }, 'the release is here and checked');
      this.#end('ready', '');
    } catch (error) {
      this.#failed(doing, error);
    } finally {
      doing.isFetching = false;
    }
  }

  #failed(doing: Doing, error: unknown): void {
    const { files, log } = this.#options;
    const isBrokenOff = error instanceof DriverError && (error.kind === 'disconnected' || error.kind === 'timeout');
    if (isBrokenOff && doing.tries < TRIES_MAX) {
      doing.waitS = RETRY_S[Math.min(doing.tries, RETRY_S.length) - 1]!;
      log.info(`${explain(error)} Again in ${doing.waitS} s.`);
      return;
    }
    const reason = error instanceof BundleError ? error.kind : isBrokenOff ? 'interrupted' : 'download_failed';
    // What is damaged would only be gone on with.
    if (error instanceof BundleError) files.dropPart(doing.manifest);
    log.warn({ offered: doing.manifest.version, reason }, error instanceof Error ? explain(error) : 'download failed');
    this.#end('refused', reason);
  }

  #end(state: 'ready' | 'refused', reason: string): void {
    this.#own = { state, offered: this.#doing!.manifest.version, reason };
    this.#doing = undefined;
  }

  /** What root has made of it. Its word about a version is newer than ours, but for what was refused before it got there. */
  #look(): void {
    const { files, version } = this.#options;
    const state = files.state();
    if (state === undefined) return;
    const none = { received_bytes: 0, bytes: 0 };
    const said = (word: UpdateFacts['state'], offered: string, reason: string): UpdateFacts => ({
      state: word,
      version,
      offered,
      reason,
      ...none,
    });
    if (state.phase === 'install') this.#root = said('ready', state.version, '');
    else if (state.phase === 'trial') this.#root = said('trial', state.version, '');
    else if (state.phase === 'back') this.#root = said('rolled_back', state.version, state.reason);
    else if (state.last !== null) this.#root = said(state.last.outcome, state.last.version, state.last.reason);
    if (this.#own?.state === 'ready' && !files.isReady() && this.#root?.offered === this.#own.offered)
      this.#own = undefined;
  }
}

function refuse(code: string, message: string): LetheError {
  return new LetheError(code.toUpperCase(), message, 1, { op: 'check offer' });
}
