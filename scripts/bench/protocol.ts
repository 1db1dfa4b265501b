/**
 * Talk between the bench and the engines' processes: one line of JSON a message, requests on the child's stdin, replies on
 * its descriptor 3. Not stdout: some engines write their own remarks there. adapters/native.py speaks the same.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { PeerName } from '../peers.ts';
import type { Port } from './adapter.ts';

export type Prepare = {
  readonly op: 'prepare';
  readonly variant: string;
  readonly peers: readonly PeerName[];
  readonly modelPath: string;
  /** Inputs of all samples, one after another: sample by sample, input by input. */
  readonly samplesPath: string;
  readonly sampleCount: number;
  /** In the order of the samples' bytes and of the outputs' steps. */
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
};

export type Prepared = {
  readonly version: string;
  /** Code of the engine and model, up to where it could run. */
  readonly loadMs: number;
  readonly firstRunMs: number;
  /** Resident set of the process after the first run. */
  readonly rssMb: number;
  /** Float32, little endian, base64: Session.outputs of every sample, one after another. */
  readonly steps: string;
};

export type Run = {
  readonly op: 'run';
  /** Runs that are not timed, and runs that are: for so long, once at least. */
  readonly warmUpMs: number;
  readonly ms: number;
};

export type RunTimes = {
  readonly us: readonly number[];
  /** Processor time of all threads of the process, over the time that passed: 1 is one thread that nothing held up. */
  readonly cores: number;
};

export type Reply<Message> = Message extends Prepare ? Prepared : RunTimes;
type Failure = { readonly error: string };

/** How much of what a child wrote is kept for the day when it fails. */
const REMARK_BYTES_MAX = 4000;

export class Child {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  #remarks = '';
  #waiting: { resolve: (reply: unknown) => void; reject: (error: Error) => void } | undefined;

  constructor(command: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.#process = spawn(command, [...words], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'], env });
    const keep = (chunk: Buffer): void => {
      this.#remarks = (this.#remarks + chunk.toString()).slice(-REMARK_BYTES_MAX);
    };
    this.#process.stdout?.on('data', keep);
    this.#process.stderr?.on('data', keep);
    // A child that has gone breaks the pipe; its end, just below, tells more than that error does.
    this.#process.stdin?.on('error', () => {});
    createInterface({ input: this.#process.stdio[3] as Readable }).on('line', (line) => this.#settle(JSON.parse(line)));
    this.#ended = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        this.#fail(error.message);
        resolve();
      });
      this.#process.once('close', (code, signal) => {
        this.#fail(`its process ended (${signal ?? code}): ${this.#lastRemark()}`);
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** One question at a time. Rejects where the engine refuses, ends, or takes longer than `timeoutMs`. */
  async ask<Message extends Prepare | Run>(message: Message, timeoutMs: number): Promise<Reply<Message>> {
    const reply = new Promise<unknown>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    const timer = setTimeout(() => {
      this.#fail(`no answer to ${message.op} in ${timeoutMs / 1000} s`);
      this.#process.kill('SIGKILL');
    }, timeoutMs);
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) this.#fail('its process has ended');
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`);
    try {
      return (await reply) as Reply<Message>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closing its stdin ends a child; one that does not heed that is killed. */
  async end(patienceMs = 2000): Promise<void> {
    this.#process.stdin?.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), patienceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  #settle(reply: Failure | object): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if ('error' in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply);
  }

  #fail(reason: string): void {
    this.#settle({ error: reason });
  }

  #lastRemark(): string {
    const lines = this.#remarks.trim().split('\n');
    // Of a stack trace the line with the error, or else the last word.
    return (lines.findLast((line) => /\b\w*(Error|Exception)\b/.test(line)) ?? lines.at(-1) ?? '').trim();
  }
}

/** The child's side: answers one line after another until stdin ends. */
export async function serve(
  requests: Readable,
  replies: Writable,
  answer: (message: Prepare | Run) => Promise<Prepared | RunTimes>,
): Promise<void> {
  for await (const line of createInterface({ input: requests })) {
    let reply: Prepared | RunTimes | Failure;
    try {
      reply = await answer(JSON.parse(line) as Prepare | Run);
    } catch (error) {
      reply = { error: error instanceof Error ? error.message : String(error) };
    }
    replies.write(`${JSON.stringify(reply)}\n`);
  }
}
