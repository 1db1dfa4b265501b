/**
 * The child's side of the bench: one engine behind one adapter, prepared, run and timed as protocol.ts asks.
 */
import { readFileSync } from 'node:fs';
import { ensurePeer } from '../peers.ts';
import { type Adapter, type Job, type Session, valueCount } from './adapter.ts';
import type { Prepare, Prepared, Run, RunTimes } from './protocol.ts';

/** More times than this are not kept: at 50 µs a run they are three seconds. */
const TIMES_MAX = 65_536;

export class Runner {
  readonly #adapter: Adapter;
  readonly #us = new Float64Array(TIMES_MAX);
  #session: Session | undefined;
  #sampleCount = 1;
  #runIndex = 0;

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  answer(message: Prepare | Run): Promise<Prepared | RunTimes> {
    return message.op === 'prepare' ? this.#prepare(message) : this.#run(message);
  }

  async #prepare(message: Prepare): Promise<Prepared> {
    const peers = message.peers.map((name) => ensurePeer(name, { install: false }));
    const job: Job = {
      bytes: new Uint8Array(readFileSync(message.modelPath)),
      inputs: message.inputs,
      outputs: message.outputs,
      samples: readSamples(message),
      variant: message.variant,
      peer: (name) => peers.find((peer) => peer.name === name)!,
    };
    this.#sampleCount = message.sampleCount;
    const { load } = this.#adapter(job);
    const beganMs = performance.now();
    const session = await load();
    const loadedMs = performance.now();
    await session.run(0);
    const ranMs = performance.now();
    const rssMb = process.memoryUsage.rss() / 1e6;
    const steps: Float32Array[] = [];
    for (let sample = 0; sample < message.sampleCount; sample += 1) {
      await session.run(sample);
      steps.push(await session.outputs());
    }
    this.#session = session;
    return {
      version: peers.map(({ version }) => version)[0] ?? '',
      loadMs: loadedMs - beganMs,
      firstRunMs: ranMs - loadedMs,
      rssMb,
      steps: Buffer.concat(steps.map((some) => new Uint8Array(some.buffer, some.byteOffset, some.byteLength))).toString(
        'base64',
      ),
    };
  }

  async #run({ warmUpMs, ms }: Run): Promise<RunTimes> {
    const session = this.#session;
    if (session === undefined) throw new Error('asked to run before it was prepared');
    await this.#loop(session, warmUpMs);
    const cpuBefore = process.cpuUsage();
    const beganMs = performance.now();
    const count = await this.#loop(session, ms);
    const passedMs = performance.now() - beganMs;
    const cpu = process.cpuUsage(cpuBefore);
    return {
      us: Array.from(this.#us.subarray(0, count), (us) => Math.round(us * 10) / 10),
      cores: (cpu.user + cpu.system) / 1000 / passedMs,
    };
  }

  /** Returns how many runs were timed. */
  async #loop(session: Session, ms: number): Promise<number> {
    const endMs = performance.now() + ms;
    let count = 0;
    for (let now = performance.now(); count === 0 || (now < endMs && count < TIMES_MAX); ) {
      const pending = session.run(this.#runIndex);
      // An await costs microseconds, so only those pay it that cannot do without.
      if (pending !== undefined) await pending;
      const after = performance.now();
      this.#us[count] = (after - now) * 1000;
      now = after;
      count += 1;
      this.#runIndex = (this.#runIndex + 1) % this.#sampleCount;
    }
    return count;
  }
}

function readSamples(message: Prepare): Int8Array[][] {
  const file = readFileSync(message.samplesPath);
  let offset = 0;
  return Array.from({ length: message.sampleCount }, () =>
    message.inputs.map((port) => {
      const count = valueCount(port);
      offset += count;
      return new Int8Array(file.subarray(offset - count, offset));
    }),
  );
}
