/**
 * One emulated device: QEMU's `virt` board with the processor of a Raspberry Pi 4, a card, a network and a way to look inside.
 * TEST ONLY. It reaches this machine's loopback as 10.0.2.2 and, by the overlay's firewall, nothing else.
 * The card is a file that survives: `kill` is the pulled plug, and the next start finds what was written. It is milder than
 * a real one in one point: what the device has handed to its disk is kept, whether it asked for a flush or not.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitCode, LetheError } from '../../runtime/errors.ts';
import { PATH } from './tools.ts';

export type MachineOptions = {
  readonly kernel: string;
  /** Initial file system, and archives behind it, in this order. */
  readonly initrds: readonly string[];
  /** The card: a file that is written to. */
  readonly card: string;
  /** Words of the kernel from the card's cmdline.txt, without consoles and root. */
  readonly words: readonly string[];
  /** Shown in the device as /run/lethe-emulator. */
  readonly share: string;
  /** Logs and sockets; paths of sockets are short, so it is too. */
  readonly folder: string;
  /** What the clock of the board says at the start, ISO 8601; a Raspberry Pi has no clock, so long ago by default. */
  readonly clock?: string;
  readonly memoryMib?: number;
};

const MEMORY_MIB = 1024;
/** Looks for a socket, a line or an answer. */
const POLL_MS = 50;
const SOCKET_WAIT_MS = 10_000;
const KILLED_WAIT_MS = 10_000;

function fault(message: string): LetheError {
  return new LetheError('EMULATOR_FAILED', message, ExitCode.failed, { op: 'run emulated device' });
}

/** Result of a command in the device. */
export type Said = { readonly status: number; readonly output: string };

export class Machine {
  readonly serialLog: string;
  readonly journalLog: string;
  readonly #options: MachineOptions;
  #child: ChildProcess | undefined;
  #agent: Socket | undefined;
  #qmp: Socket | undefined;
  #received = '';
  #commandCount = 0;
  #startCount = 0;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.serialLog = join(options.folder, 'serial.log');
    this.journalLog = join(options.folder, 'journal.log');
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Of the process; for those who want to see what it costs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Power on. Resolves when the emulator runs; the device needs a minute more. */
  async start(): Promise<void> {
    if (this.isRunning) throw fault('the emulated device runs already.');
    const {
      folder,
      kernel,
      initrds,
      card,
      words,
      share,
      clock = '2024-01-01T00:00:00',
      memoryMib = MEMORY_MIB,
    } = this.#options;
    this.#startCount += 1;
    const initrd = join(folder, 'initrd');
    writeFileSync(initrd, Buffer.concat(initrds.map((path) => readFileSync(path))));
    const at = (name: string) => join(folder, `${name}${this.#startCount}`);
    const chardev = (id: string, path: string) => ['-chardev', `socket,id=${id},path=${path},server=on,wait=off`];
    const logs = ['serial', 'journal'].map((name) => `file,id=${name},path=${join(folder, `${name}.log`)},append=on`);
    const emulated = [
      ...['-M', 'virt', '-cpu', 'cortex-a72', '-smp', '2', '-m', String(memoryMib), '-accel', 'tcg,thread=multi'],
      ...['-kernel', kernel, '-initrd', initrd],
      ...['-append', ['lethe.root=/dev/vda2', 'console=ttyAMA0', 'panic=-1', ...words].join(' ')],
      ...['-drive', `file=${card},format=raw,if=none,id=card,cache=writeback`, '-device', 'virtio-blk-pci,drive=card'],
      ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,id=cable', '-device', 'virtio-rng-pci'],
      ...['-fsdev', `local,id=share,path=${share},security_model=none,readonly=on`],
      ...['-device', 'virtio-9p-pci,fsdev=share,mount_tag=lethe', '-device', 'virtio-serial-pci'],
      ...[...chardev('agent', at('agent')), '-device', 'virtserialport,chardev=agent,name=lethe.agent'],
      ...logs.flatMap((log) => ['-chardev', log]),
      ...['-serial', 'chardev:serial', '-device', 'virtserialport,chardev=journal,name=lethe.journal'],
      ...[...chardev('monitor', at('qmp')), '-mon', 'chardev=monitor,mode=control'],
      ...['-rtc', `base=${clock},clock=vm`, '-display', 'none', '-no-reboot'],
    ];
    const errors = openSync(join(folder, 'qemu.log'), 'a');
    // Whoever started it may be killed: it ends then, too.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-aarch64', ...emulated], {
      stdio: ['ignore', errors, errors],
      env: { ...process.env, PATH },
    });
    closeSync(errors);
    process.once('exit', this.#killAtExit);
    this.#agent = await this.#connect(at('agent'));
    this.#received = '';
    this.#agent.on('data', (bytes: Buffer) => (this.#received += bytes.toString()));
    this.#qmp = await this.#connect(at('qmp'));
    this.#qmp.resume();
    this.#qmp.write('{"execute":"qmp_capabilities"}\n');
  }

  /** Runs a command as root in the device; its exit code is given, not judged. Throws when no answer comes in time. */
  async sh(command: string, timeoutMs = 60_000): Promise<Said> {
    this.#commandCount += 1;
    const id = `c${this.#commandCount}`;
    const line = `${id} ${Buffer.from(command).toString('base64')}\n`;
    this.#agent?.write(line);
    const answer = await this.#until(timeoutMs, `answer to "${command}"`, () =>
      new RegExp(`^${id} (\\d+) (\\S*)$`, 'm').exec(this.#received),
    );
    return { status: Number(answer[1]), output: Buffer.from(answer[2] ?? '', 'base64').toString() };
  }

  /** Resolves when the device answers; the shell is there within a minute of the start. */
  async answers(timeoutMs: number): Promise<void> {
    const endAtMs = Date.now() + timeoutMs;
    for (;;) {
      try {
        await this.sh('true', 5000);
        return;
      } catch (error) {
        if (!this.isRunning || Date.now() > endAtMs) throw error;
      }
    }
  }

  /** The journal so far, of all starts. */
  journal(): string {
    return existsSync(this.journalLog) ? readFileSync(this.journalLog, 'latin1') : '';
  }

  /** Waits for a line of the journal behind `from` (a length of the journal). */
  async says(pattern: RegExp, timeoutMs: number, from = 0): Promise<string> {
    const found = await this.#until(timeoutMs, `line ${pattern} in the journal`, () =>
      pattern.exec(this.journal().slice(from)),
    );
    return found[0];
  }

  /** The cable in or out. */
  plug(isIn: boolean): void {
    this.#qmp?.write(`${JSON.stringify({ execute: 'set_link', arguments: { name: 'cable', up: isIn } })}\n`);
  }

  /** The pulled plug. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#agent?.destroy();
    this.#qmp?.destroy();
    if (child === undefined || !this.isRunning) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    process.off('exit', this.#killAtExit);
    await Promise.race([ended, sleep(KILLED_WAIT_MS, undefined, { ref: false })]);
  }

  async #until<Found>(timeoutMs: number, what: string, look: () => Found | null | undefined): Promise<Found> {
    const endAtMs = Date.now() + timeoutMs;
    for (;;) {
      const found = look();
      if (found !== null && found !== undefined) return found;
      if (!this.isRunning)
        throw fault(`the emulator has ended before the ${what}; see ${this.#options.folder}/qemu.log.`);
      if (Date.now() > endAtMs) throw fault(`no ${what} within ${timeoutMs / 1000} s; see ${this.#options.folder}.`);
      await sleep(POLL_MS);
    }
  }

  async #connect(path: string): Promise<Socket> {
    const endAtMs = Date.now() + SOCKET_WAIT_MS;
    for (;;) {
      const socket = createConnection(path);
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      if (isOpen) {
        // The other side is killed by us: its end is no news.
        socket.on('error', () => {});
        return socket;
      }
      if (!this.isRunning || Date.now() > endAtMs)
        throw fault(`the emulator does not start; see ${this.#options.folder}/qemu.log.`);
      await sleep(POLL_MS);
    }
  }

  readonly #killAtExit = (): void => void this.#child?.kill('SIGKILL');
}
