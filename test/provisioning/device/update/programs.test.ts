// Goal: the two programs of the update do on a real disk what the machine does on a simulated one.
// Method: a root folder with a release, real bundles with a key of this test, the programs as systemd starts them.
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeBundle } from '../../../../provisioning/bundle/build/write.ts';
import { STATE_FILE } from '../../../../provisioning/device/layout.ts';
import type { UpdateState } from '../../../../provisioning/device/update/state.ts';
import { HEALTHY_FILE, READY_FILE } from '../../../../provisioning/device/update/update.ts';
import { sourceRoot } from '../../../fakes/root.ts';

const UNIT = '[Service]\nExecStart=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n';
const programs = join(sourceRoot(), 'dist', 'provisioning', 'device', 'update');
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const BOOT_ID = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();

class Card {
  readonly root = mkdtempSync(join(tmpdir(), 'lethe-card-'));
  constructor() {
    this.#tree(join(this.root, 'opt/lethe/a'), '1.0.0');
    symlinkSync('a', join(this.root, 'opt/lethe/current'));
    symlinkSync('a', join(this.root, 'opt/lethe/confirmed'));
    this.write('/etc/lethe/release/ours.pem', publicKey.export({ format: 'pem', type: 'spki' }) as string);
  }
  write(path: string, text: string): void {
    const target = join(this.root, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  #tree(folder: string, version: string): void {
    const files = {
      'package.json': JSON.stringify({ version }),
      'bin/node': version,
      // Nothing that a compressor makes small.
      'dist/blob': randomBytes(5000).toString('hex'),
      'provisioning/units/lethe-eye.service': UNIT,
    };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  }
  async offer(version: string): Promise<string> {
    const tree = join(this.root, `tree-${version}`);
    this.#tree(tree, version);
    const target = join(this.root, READY_FILE);
    mkdirSync(dirname(target), { recursive: true });
    const release = {
      v: 1,
      name: 'lethe',
      version,
      commit: 'unknown',
      made_at: '2026-11-27T12:00:00Z',
      target: 'linux-arm64',
      node: '24.22.0',
      files: [],
    } as const;
    await writeBundle({ tree, release, fromMin: '0.0.0', key: privateKey, target });
    return target;
  }
  run(program: 'install' | 'trial', trialS = '1'): string {
    const words = [join(programs, program, 'main.js'), '--root', this.root];
    const done = spawnSync(process.execPath, words, {
      encoding: 'utf8',
      env: { ...process.env, LETHE_TRIAL_S: trialS },
    });
    assert.is(done.status, 0, done.stdout + done.stderr);
    return done.stdout;
  }
  get state(): UpdateState {
    return JSON.parse(readFileSync(join(this.root, STATE_FILE), 'utf8')) as UpdateState;
  }
  get links(): string[] {
    return ['current', 'confirmed'].map((name) => readlinkSync(join(this.root, 'opt/lethe', name)));
  }
  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

async function onCard(body: (card: Card) => Promise<void>): Promise<void> {
  const card = new Card();
  try {
    await body(card);
  } finally {
    card[Symbol.dispose]();
  }
}

test('a good release is unpacked, tried and confirmed; the next one goes into the first slot', () =>
  onCard(async (card) => {
    await card.offer('1.1.0');
    card.run('install');
    assert.equal(card.links, ['b', 'a']);
    assert.is(card.state.phase, 'trial');
    assert.is(statSync(join(card.root, 'opt/lethe/b/bin/node')).mode & 0o777, 0o755);
    assert.is(statSync(join(card.root, STATE_FILE)).mode & 0o777, 0o644, 'the voice reads it');
    const unit = join(card.root, 'etc/systemd/system/multi-user.target.wants/lethe-eye.service');
    assert.is(readlinkSync(unit), '/opt/lethe/current/provisioning/units/lethe-eye.service');
    card.write(HEALTHY_FILE, JSON.stringify({ v: 1, version: '1.1.0', boot_id: BOOT_ID, frames: 500 }));
    card.run('trial', '20');
    assert.equal(card.links, ['b', 'b']);
    assert.equal([card.state.phase, card.state.last?.outcome], ['idle', 'confirmed']);
    await card.offer('1.2.0');
    card.run('install');
    assert.equal(card.links, ['a', 'b']);
    assert.is(readFileSync(join(card.root, 'opt/lethe/a/bin/node'), 'utf8'), '1.2.0');
  }));

test('a release that is not healthy in its time goes back, and is not taken again', () =>
  onCard(async (card) => {
    await card.offer('1.1.0');
    card.run('install');
    card.run('trial');
    assert.equal(card.links, ['a', 'a']);
    assert.equal([card.state.last?.outcome, card.state.last?.reason], ['rolled_back', 'not_healthy']);
    await card.offer('1.1.0');
    card.run('install');
    assert.equal(card.links, ['a', 'a']);
    assert.equal([card.state.last?.outcome, card.state.last?.reason], ['refused', 'rolled_back']);
  }));

test('damaged, foreign and older bundles leave everything as it was and are removed', () =>
  onCard(async (card) => {
    const path = await card.offer('1.1.0');
    truncateSync(path, statSync(path).size - 2000);
    card.run('install');
    assert.is(card.state.last?.reason, 'damaged');
    await card.offer('0.9.0');
    card.run('install');
    assert.equal([card.state.last?.reason, card.state.last?.version], ['older', '0.9.0']);
    card.write(
      '/etc/lethe/release/ours.pem',
      generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }) as string,
    );
    await card.offer('1.1.0');
    card.run('install');
    assert.is(card.state.last?.reason, 'unknown_key');
    assert.equal(card.links, ['a', 'a']);
    assert.equal(readdirSync(join(card.root, 'opt/lethe')).sort(), ['a', 'confirmed', 'current', 'update']);
    assert.is(lstatSync(path, { throwIfNoEntry: false }), undefined);
  }));

test('without a bundle nothing is done', () =>
  onCard(async (card) => {
    assert.is(card.run('install'), '');
    assert.is(card.run('trial'), '');
    assert.equal(card.links, ['a', 'a']);
  }));

test.run();
