// Goal: the bench hears from every engine, or hears why not; no engine can stop it.
// Method: a real child process around an engine of our own that answers, throws, dies or hangs (fake-engine.ts).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Child, type Prepare } from '../../../scripts/bench/protocol.ts';
import { within } from '../../fakes/within.ts';

const ENGINE = fileURLToPath(new URL('./fake-engine.js', import.meta.url));
const PATIENCE_MS = 20_000;

/** One picture of four bytes a sample. */
async function withEngine(samples: readonly number[][], body: (child: Child, prepare: Prepare) => Promise<void>) {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-protocol-'));
  const child = new Child(process.execPath, [ENGINE]);
  try {
    const samplesPath = join(folder, 'samples');
    writeFileSync(samplesPath, Int8Array.from(samples.flat()));
    const port = { name: 'x', index: 0, shape: [1, 2, 2, 1], scale: 1, zeroPoint: 0 };
    await within(
      PATIENCE_MS,
      'the talk with the engine',
      body(child, {
        op: 'prepare',
        variant: '5',
        peers: [],
        modelPath: samplesPath,
        samplesPath,
        sampleCount: samples.length,
        inputs: [port],
        outputs: [port],
      }),
    );
  } finally {
    await child.end(100);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

test('an engine that is prepared gives its outputs, sample after sample, and then its times', () =>
  withEngine(
    [
      [1, 2, 3, 4],
      [-5, -6, -7, -8],
    ],
    async (child, prepare) => {
      const { steps, loadMs, firstRunMs, rssMb } = await child.ask(prepare, PATIENCE_MS);
      const values = new Float32Array(Uint8Array.from(Buffer.from(steps, 'base64')).buffer);
      assert.equal([...values], [6, 7, 8, 9, 0, -1, -2, -3]);
      assert.ok(loadMs >= 0 && firstRunMs >= 0 && rssMb > 1);
      const { us } = await child.ask({ op: 'run', warmUpMs: 0, ms: 5 }, PATIENCE_MS);
      assert.ok(us.length > 1 && us.every((time) => time >= 0 && time < 1e6), `${us.length} times`);
    },
  ));

test('a batch without time is still one run', () =>
  withEngine([[0, 0, 0, 0]], async (child, prepare) => {
    await child.ask(prepare, PATIENCE_MS);
    assert.is((await child.ask({ op: 'run', warmUpMs: 0, ms: 0 }, PATIENCE_MS)).us.length, 1);
  }));

test('what an engine throws comes back as its words, and the next question is heard', () =>
  withEngine([[14, 0, 0, 0]], async (child, prepare) => {
    assert.is(await reasonOf(child.ask(prepare, PATIENCE_MS)), 'no such operator');
    const early = child.ask({ op: 'run', warmUpMs: 0, ms: 1 }, PATIENCE_MS);
    assert.is(await reasonOf(early), 'asked to run before it was prepared');
  }));

test('an engine that dies is reported with its last error', () =>
  withEngine([[13, 0, 0, 0]], async (child, prepare) => {
    assert.is(await reasonOf(child.ask(prepare, PATIENCE_MS)), 'its process ended (3): FatalError: out of luck');
    const late = child.ask({ op: 'run', warmUpMs: 0, ms: 1 }, PATIENCE_MS);
    assert.is(await reasonOf(late), 'its process has ended');
  }));

test('an engine that hangs is killed', () =>
  withEngine([[15, 0, 0, 0]], async (child, prepare) => {
    assert.is(await reasonOf(child.ask(prepare, 400)), 'no answer to prepare in 0.4 s');
  }));

test('a program that is not there is reported', async () => {
  const child = new Child('/nonexistent/python3', []);
  const reason = await reasonOf(child.ask({ op: 'run', warmUpMs: 0, ms: 1 }, PATIENCE_MS));
  assert.match(reason, /ENOENT/);
  await child.end(100);
});

test.run();
