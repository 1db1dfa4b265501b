// Goal: the voice fetches what the right key has signed, from the broker's host, and nothing else; it says what becomes of it,
// and writes down that it is well only when it is.
// Method: the real class with files and network in memory; then a voice on the bench.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Manifest, releaseKeyId, signManifest } from '../../../../provisioning/bundle/manifest.ts';
import { idleState, type UpdateState } from '../../../../provisioning/device/update/state.ts';
import type { Request } from '../../../../runtime/contract/commands.ts';
import { BundleError, DriverError } from '../../../../runtime/errors.ts';
import { createLog } from '../../../../runtime/log.ts';
import type { DownloadRequest } from '../../../../runtime/ports/download.ts';
import type { UpdateFiles } from '../../../../runtime/voice/update/files.ts';
import { HEALTHY_FRAMES_MIN, HealthNote } from '../../../../runtime/voice/update/health.ts';
import { Updates } from '../../../../runtime/voice/update/updates.ts';
import { BASE, settle, VoiceBench } from '../bench.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const HOST = 'gateway.store';
const log = createLog('test', 'silent');

function offerOf(changes: Partial<Manifest> = {}, key: KeyObject = privateKey): Request<'update'> {
  const manifest: Manifest = {
    v: 1,
    name: 'lethe',
    version: '1.1.0',
    target: 'linux-arm64',
    bytes: 1000,
    sha256: 'ab'.repeat(32),
    unpacked_bytes: 5000,
    file_count: 10,
    node: '24.22.0',
    made_at: '2026-11-27T12:00:00Z',
    from_min: '0.0.0',
    key_id: releaseKeyId(publicKey),
    ...changes,
  };
  const url = `https://${HOST}:8885/v1/bundle/${manifest.sha256}`;
  return { v: 1, id: 'u1', manifest, signature: signManifest(manifest, key), url };
}

class Bench {
  root: UpdateState | undefined;
  free = 1e9;
  isReady = false;
  /** What the network does, one after the other; then it gives the file. */
  readonly faults: Error[] = [];
  readonly fetched: DownloadRequest[] = [];
  readyFault: Error | undefined;
  droppedCount = 0;
  readonly files: UpdateFiles = {
    keys: () => new Map([[releaseKeyId(publicKey), publicKey]]),
    state: () => this.root,
    beginPart: () => '/part',
    partBytes: () => 0,
    dropPart: () => {
      this.droppedCount += 1;
    },
    isReady: () => this.isReady,
    freeBytes: () => this.free,
    makeReady: async () => {
      if (this.readyFault !== undefined) throw this.readyFault;
      this.isReady = true;
    },
  };
  readonly updates = new Updates({
    version: '1.0.0',
    host: HOST,
    files: this.files,
    log,
    downloader: {
      stop: () => {},
      fetch: async (request) => {
        this.fetched.push(request);
        const fault = this.faults.shift();
        if (fault !== undefined) throw fault;
        request.onProgress(1000, 1000);
      },
    },
  });
  async seconds(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      this.updates.tick();
      await settle();
    }
  }
  /** Code of the refusal, or `accepted`. */
  offer(request: Request<'update'>): string {
    const outcome = this.updates.offer(request);
    return 'refused' in outcome ? `${outcome.refused.code}: ${outcome.refused.message}` : 'accepted';
  }
  get state(): string {
    const { state, offered, reason } = this.updates.facts();
    return `${state} ${offered ?? '-'} ${reason}`.trim();
  }
}

const brokenOff = () => new DriverError('disconnected', 'The download broke off.', { op: 'download file' });

test('a signed offer is fetched, checked and handed over', async () => {
  const bench = new Bench();
  assert.is(bench.state, 'idle -');
  assert.is(bench.offer(offerOf()), 'accepted');
  assert.is(bench.state, 'downloading 1.1.0');
  await bench.seconds(2);
  assert.is(bench.state, 'ready 1.1.0');
  assert.equal(
    bench.fetched.map(({ url }) => url),
    [offerOf().url],
  );
  assert.ok(bench.fetched[0]!.bytesMax < 1000 + 65_536, 'bounded by the signed size');
});

test('nothing is fetched that is forged, unknown, older, too new a step, for others, rolled back here, or lies elsewhere', async () => {
  const bench = new Bench();
  bench.root = { ...idleState('a', '1.0.0'), rolled_back: ['1.3.0'] };
  const address = (url: string) => ({ ...offerOf(), url });
  const path = `/v1/bundle/${'ab'.repeat(32)}`;
  const cases: readonly (readonly [Request<'update'>, string])[] = [
    [offerOf({}, stranger.privateKey), 'forged'],
    [{ ...offerOf(), manifest: { ...offerOf().manifest, version: '1.2.0' } }, 'forged'],
    [offerOf({ key_id: releaseKeyId(stranger.publicKey) }, stranger.privateKey), 'unknown_key'],
    [offerOf({ version: '1.0.0' }), 'older'],
    [offerOf({ version: '0.9.9' }), 'older'],
    [offerOf({ from_min: '1.0.1' }), 'needs_newer'],
    [offerOf({ target: 'linux-x64' }), 'other_target'],
    [offerOf({ version: '1.3.0' }), 'rolled_back'],
    [address(`https://elsewhere.store:8885${path}`), 'other_host'],
    [address(`http://${HOST}:8885${path}`), 'other_host'],
    [address(`https://${HOST}@elsewhere.store${path}`), 'other_host'],
    [address(`https://user:word@${HOST}${path}`), 'other_host'],
    [address(`https://${HOST}:8885${path}?to=elsewhere`), 'other_host'],
    [address(`https://${HOST}:8885/v1/bundle/${'cd'.repeat(32)}`), 'other_host'],
  ];
  for (const [request, reason] of cases) {
    assert.match(bench.offer(request), /^update_refused: /);
    assert.is(bench.state, `refused ${request.manifest.version} ${reason}`);
  }
  await bench.seconds(5);
  assert.equal(bench.fetched, []);
});

test('a full card is told before anything is fetched', () => {
  const bench = new Bench();
  bench.free = 1000;
  assert.match(bench.offer(offerOf()), /free/);
  assert.is(bench.state, 'refused 1.1.0 no_room');
});

test('a connection that breaks is tried again after a while, and meanwhile the same offer is no new one', async () => {
  const bench = new Bench();
  bench.faults.push(brokenOff(), brokenOff());
  bench.offer(offerOf());
  await bench.seconds(2);
  assert.is(bench.state, 'downloading 1.1.0 interrupted');
  assert.is(bench.offer(offerOf()), 'accepted');
  assert.match(bench.offer(offerOf({ version: '1.2.0', sha256: 'cd'.repeat(32) })), /Another release/);
  await bench.seconds(100);
  assert.is(bench.fetched.length, 3);
  assert.is(bench.state, 'ready 1.1.0');
});

test('what turns out damaged is thrown away and told; so is what the gateway refuses', async () => {
  const bench = new Bench();
  bench.readyFault = new BundleError('damaged', 'It is damaged.', { op: 'read bundle' });
  bench.offer(offerOf());
  await bench.seconds(2);
  assert.is(bench.state, 'refused 1.1.0 damaged');
  assert.is(bench.droppedCount, 1);
  bench.readyFault = undefined;
  bench.faults.push(new DriverError('other', 'Status 404.', { op: 'download file' }));
  assert.is(bench.offer(offerOf()), 'accepted', 'it may be offered again');
  await bench.seconds(2);
  assert.is(bench.state, 'refused 1.1.0 download_failed');
});

test('what root makes of it is told', async () => {
  const bench = new Bench();
  bench.offer(offerOf());
  await bench.seconds(2);
  const state = { ...idleState('b', '1.1.0'), phase: 'trial' } as const;
  bench.isReady = false;
  bench.root = state;
  await bench.seconds(5);
  assert.is(bench.state, 'trial 1.1.0');
  assert.match(bench.offer(offerOf({ version: '1.2.0' })), /being installed or tried/);
  const last = { version: '1.1.0', outcome: 'rolled_back', reason: 'not_healthy', at: '' } as const;
  bench.root = { ...idleState('a', '1.0.0'), last, rolled_back: ['1.1.0'] };
  await bench.seconds(5);
  assert.is(bench.state, 'rolled_back 1.1.0 not_healthy');
  bench.root = { ...bench.root, last: { ...last, outcome: 'confirmed', reason: '' } };
  await bench.seconds(5);
  assert.is(bench.state, 'confirmed 1.1.0');
});

test('progress is told every ten seconds, and words when they change', async () => {
  const bench = new Bench();
  bench.faults.push(...Array.from({ length: 3 }, brokenOff));
  bench.offer(offerOf());
  let toldCount = 0;
  for (let i = 0; i < 60; i += 1) {
    if (bench.updates.tick() !== undefined) toldCount += 1;
    await settle();
  }
  assert.ok(toldCount >= 6 && toldCount <= 16, `${toldCount} in a minute`);
});

test('a counter that was not set up with releases says so', async () => {
  const bench = new VoiceBench();
  try {
    await bench.start();
    bench.link.say(`${BASE}/cmd/update`, JSON.stringify(offerOf()), false);
    await settle();
    const [reply] = bench.payloads<{ error: { code: string } }>('reply/update');
    assert.is(reply?.error.code, 'update_refused');
    assert.equal(bench.payloads('update'), []);
  } finally {
    await bench.dispose();
  }
});

test('on the bench: offered over MQTT, answered, told retained, and healthy once frames were counted and the broker took something', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-healthy-'));
  const path = join(folder, 'update', 'healthy');
  const { updates } = new Bench();
  const health = new HealthNote(path, '1.1.0', 'this-boot');
  const bench = new VoiceBench({
    brokerIsUp: false,
    updates: {
      offer: (request) => updates.offer(request),
      tick: () => updates.tick(),
      facts: () => updates.facts(),
      stop: () => updates.stop(),
      health,
    },
  });
  const isWritten = () => {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as { version: string; boot_id: string; frames: number };
    } catch {
      return undefined;
    }
  };
  try {
    await bench.start();
    bench.greet();
    bench.feed(bench.eye.frames(10));
    await bench.seconds(1);
    bench.feed(bench.eye.frames(HEALTHY_FRAMES_MIN));
    await bench.seconds(3);
    assert.is(isWritten(), undefined, 'the broker has taken nothing');
    bench.link.goUp();
    await bench.seconds(2);
    assert.equal([isWritten()?.version, isWritten()?.boot_id], ['1.1.0', 'this-boot']);
    bench.link.say(`${BASE}/cmd/update`, JSON.stringify(offerOf()), false);
    await bench.seconds(3);
    assert.equal(
      bench.payloads<{ ok: boolean; offered: string }>('reply/update').map(({ ok, offered }) => [ok, offered]),
      [[true, '1.1.0']],
    );
    const told = bench.payloads<{ state: string }>('update').map(({ state }) => state);
    assert.is(told[0], 'idle');
    assert.ok(told.includes('downloading') || told.includes('ready'), told.join());
    assert.is(bench.link.published.find(({ topic }) => topic === `${BASE}/update`)?.retain, true);
  } finally {
    await bench.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('frames of an eye that was not started again, or that does not count, prove nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-healthy-'));
  try {
    const note = new HealthNote(join(folder, 'healthy'), '1.1.0', 'boot');
    const well = { frames: 90_000, isCounting: true, isAcknowledged: true };
    assert.is(note.note(well, 0), false, 'the first word of an eye that runs for long');
    assert.is(note.note({ ...well, frames: 90_050 }, 0), false);
    assert.is(note.note({ ...well, frames: 90_200, isCounting: false }, 0), false);
    assert.is(note.note({ ...well, frames: 20 }, 0), false, 'another start of the eye');
    assert.is(note.note({ ...well, frames: 20 + HEALTHY_FRAMES_MIN }, 0), true);
    assert.is(note.note({ ...well, frames: 500 }, 0), false, 'said once');
    assert.is(new HealthNote(join(folder, 'other'), '1.1.0', '').note(well, 0), false, 'no start is known');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
