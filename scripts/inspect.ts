/**
 * Inspect: looks at a running eye from another process, without its help: what it has open, and whether its frame slot is
 * empty whenever one looks.
 * Usage: inspect --pid PID | --auto [--seconds 10] [--rate 15] [--residency-ms 2] [--json]; `--help` says more.
 *
 * How: /proc/PID/fd names every descriptor, /proc/PID/net lists the sockets of its network namespace; a socket of the eye
 * would be in both. The frame slot is found by content: we prepare the same model here, look for the bytes of our packed
 * weights in /proc/PID/mem, and know from the plan how far in front of them the slot begins. Then the slot is read about
 * 200 times a second at irregular moments.
 *
 * Limits: it samples. A picture may lie there between two looks, only its share of the time is estimated; and it looks at
 * the slot alone: `lethe audit` looks everywhere, but at an eye of its own. A read is not atomic: a frame may
 * arrive or die during it. It needs the right to trace the process (same user with kernel.yama.ptrace_scope 0, or root)
 * and the same model file that the eye runs.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { systemProbes } from '../runtime/commands/privacy-doctor/probes.ts';
import { findPrograms } from '../runtime/commands/privacy-doctor/programs.ts';
import { parseConfig } from '../runtime/config/config.ts';
import { DriverError, ExitCode, explain, LetheError } from '../runtime/errors.ts';
import { createEngine } from '../runtime/eye/infer/engine.ts';
import { loadModel } from '../runtime/eye/model.ts';
import { frameFormatOf } from '../runtime/eye/pipeline.ts';
import { ProcessMemory } from '../runtime/privacy/search/process-memory.ts';

const HELP = `Looks at a running eye from outside: sockets, and the share of time in which its frame slot is empty.
  --pid PID         the eye's process
  --auto            find it: the only process that runs eye/main.js
  --seconds N       how long to sample (10)
  --rate HZ         frames per second of its camera (15)
  --residency-ms N  how long a picture may lie there per frame (2)
  --model FILE      manifest of the model that it runs, if not the default
  --json            print JSON instead of text
Exit 0: no socket (but a log's), and the slot was empty at least 1 - 2 × (residency × rate) of the time. 1: not so. 66: no such eye.
`;

const SAMPLES_PER_S = 200;
/** Enough of the weights to be found by, and nothing else has them. */
const NEEDLE_BYTES = 4096;
/** Memory is searched in steps of this, overlapping by the needle. */
const SEARCH_BYTES = 2 ** 24;

const PAGE_BYTES = 4096;
/** Under systemd the log goes through a unix socket on descriptors 1 and 2; it is listed but no fault. */
const STDERR_FD = 2;

type Descriptor = { readonly fd: number; readonly target: string; readonly kind: string };

function kindOf(target: string): string {
  if (target.startsWith('socket:')) return 'socket';
  if (target.startsWith('pipe:')) return 'pipe';
  if (target.startsWith('anon_inode:')) return target.slice('anon_inode:'.length).replace(/[[\]]/g, '');
  if (target.endsWith('.fifo')) return 'FIFO';
  if (target.startsWith('/dev/')) return 'device';
  return 'file';
}

function refuse(message: string, hint: string, cause?: unknown): never {
  throw new DriverError('absent', message, { op: 'inspect process', hint, cause });
}

function descriptorsOf(pid: number): Descriptor[] {
  const folder = `/proc/${pid}/fd`;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'EACCES' || code === 'EPERM')
      return refuse(`process ${pid} belongs to somebody else (${code}).`, 'Run this as root.', cause);
    return refuse(`there is no process ${pid}.`, 'Give the process id of the eye: pgrep -f eye/main.js', cause);
  }
  const byNumber = names.map(Number).sort((a, b) => a - b);
  return byNumber.flatMap((fd) => {
    try {
      const target = readlinkSync(`${folder}/${fd}`);
      return [{ fd, target, kind: kindOf(target) }];
    } catch {
      return []; // Closed while we looked.
    }
  });
}

/** `socket:[12345]` → `12345` */
function inodeOf({ target }: Descriptor): string {
  return /\d+/.exec(target)?.[0] ?? '';
}

type NetEntry = { readonly protocol: string; readonly inode: string; readonly what: string };

/** Lines of /proc/PID/net that belong to one of `inodes`. */
function netEntries(pid: number, inodes: ReadonlySet<string>): NetEntry[] {
  return ['tcp', 'tcp6', 'udp', 'udp6', 'unix'].flatMap((protocol) => {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/net/${protocol}`, 'utf8');
    } catch {
      return []; // A kernel without this protocol.
    }
    return text
      .split('\n')
      .slice(1)
      .flatMap((line) => {
        const fields = line.trim().split(/\s+/);
        const inode = (protocol === 'unix' ? fields[6] : fields[9]) ?? '';
        if (!inodes.has(inode)) return [];
        // State 0A is LISTEN (include/net/tcp_states.h); addresses are hexadecimal.
        const what =
          protocol === 'unix'
            ? (fields[7] ?? 'unnamed')
            : `${fields[1]} → ${fields[2]}${fields[3] === '0A' ? ' listening' : ''}`;
        return [{ protocol, inode, what }];
      });
  });
}

/** The only process that runs the eye's program. */
function findEye(): number {
  const pids = findPrograms(systemProbes('')).flatMap(({ role, pid }) => (role === 'eye' ? [pid] : []));
  if (pids.length === 1) return pids[0]!;
  return pids.length === 0
    ? refuse('no process runs eye/main.js.', 'Start one: npm start')
    : refuse(`several processes run eye/main.js: ${pids.join(', ')}.`, 'Choose one with --pid.');
}

/** What the eye's engine looks like in memory, from preparing the same model here. */
function prepareLikeness(manifest: string): {
  needle: Buffer;
  needleOffset: number;
  slotOffset: number;
  slotBytes: number;
  memoryBytes: number;
} {
  const model = loadModel(manifest);
  const { width_px, height_px } = model.manifest.frame;
  const config = parseConfig({ camera: { width_px, height_px } });
  const engine = createEngine(model.bytes, frameFormatOf(config, model));
  const slot = engine.regions.find((region) => region.name === 'frame slot')!;
  const constants = engine.regions.find((region) => region.name === 'constants')!;
  // From the middle: the beginning is commands, which other models of the same shape share.
  const needleOffset = constants.offsetBytes + Math.floor(constants.bytes / 2);
  return {
    needle: Buffer.from(Buffer.from(engine.memory.buffer, needleOffset, NEEDLE_BYTES)),
    needleOffset,
    slotOffset: slot.offsetBytes,
    slotBytes: slot.bytes,
    memoryBytes: engine.memory.buffer.byteLength,
  };
}

/** Address of the first byte of the engine's memory in the other process. */
function locate(memory: ProcessMemory, likeness: ReturnType<typeof prepareLikeness>): number {
  const { needle, needleOffset, memoryBytes } = likeness;
  const buffer = new Uint8Array(SEARCH_BYTES);
  const found = new Set<number>();
  for (const mapping of memory.mappings()) {
    const { from, to, flags } = mapping;
    if (!flags.startsWith('rw') || to - from < memoryBytes) continue;
    memory.read(mapping, buffer, NEEDLE_BYTES, (bytes, address) => {
      const index = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(needle);
      const base = address + index - needleOffset;
      // The loader's own copy of the weights is in the heap too, but only a WebAssembly memory begins with a page.
      if (index >= 0 && base >= from && base + memoryBytes <= to && base % PAGE_BYTES === 0) found.add(base);
    });
  }
  if (found.size === 1) return [...found][0]!;
  return refuse(
    `the engine was found ${found.size} times in the memory of process ${memory.pid}; expected once.`,
    'Give the manifest of the model that the eye runs with --model, and let the eye start first.',
  );
}

type Samples = { readonly readCount: number; readonly zeroCount: number; readonly failedCount: number };

/** Reads the slot again and again, at moments that follow no period: a fixed one could march in step with the camera. */
async function sampleSlot(
  memory: ProcessMemory,
  address: number,
  slotBytes: number,
  seconds: number,
): Promise<Samples> {
  const buffer = Buffer.alloc(slotBytes);
  const zeroes = Buffer.alloc(slotBytes);
  let readCount = 0;
  let zeroCount = 0;
  let failedCount = 0;
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    if (memory.readAt(address, buffer) === slotBytes) {
      readCount += 1;
      if (buffer.equals(zeroes)) zeroCount += 1;
    } else {
      failedCount += 1;
    }
    // What was read may be part of a picture: it does not stay with us either.
    buffer.fill(0);
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * (2000 / SAMPLES_PER_S - 2)));
  }
  return { readCount, zeroCount, failedCount };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      pid: { type: 'string' },
      auto: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '10' },
      rate: { type: 'string', default: '15' },
      'residency-ms': { type: 'string', default: '2' },
      model: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return ExitCode.ok;
  }
  const [seconds, rateHz, residencyMs] = [values.seconds, values.rate, values['residency-ms']].map(Number);
  const numbersAreGood = seconds! > 0 && seconds! <= 3600 && rateHz! > 0 && residencyMs! > 0;
  const pidIsGood = values.pid === undefined ? values.auto : /^[1-9]\d*$/.test(values.pid) && !values.auto;
  if (!numbersAreGood || !pidIsGood) {
    process.stderr.write(`inspect: give --pid PID or --auto, and numbers above 0\n\n${HELP}`);
    return ExitCode.usage;
  }
  const pid = values.pid === undefined ? findEye() : Number(values.pid);
  const descriptors = descriptorsOf(pid);
  const sockets = descriptors.filter(({ kind }) => kind === 'socket');
  const entries = netEntries(pid, new Set(sockets.map(inodeOf)));
  const unixInodes = new Set(entries.filter(({ protocol }) => protocol === 'unix').map(({ inode }) => inode));
  const strange = sockets.filter((socket) => socket.fd > STDERR_FD || !unixInodes.has(inodeOf(socket)));
  // Before the slot is looked for: who has the wrong process sees what it is.
  if (!values.json) process.stdout.write(openText(pid, descriptors, entries, strange.length));
  const likeness = prepareLikeness(values.model);
  const memory = new ProcessMemory(pid);
  let base: number;
  let samples: Samples;
  try {
    base = locate(memory, likeness);
    samples = await sampleSlot(memory, base + likeness.slotOffset, likeness.slotBytes, seconds!);
  } finally {
    memory.close();
  }
  if (samples.readCount === 0) return refuse(`process ${pid} ended.`, 'Look again at one that runs.');
  const zeroShare = samples.zeroCount / samples.readCount;
  const expectedBusyShare = (residencyMs! / 1000) * rateHz!;
  const zeroShareMin = Math.max(0, 1 - 2 * expectedBusyShare);
  const isGood = strange.length === 0 && zeroShare >= zeroShareMin;
  const result = {
    pid,
    sockets: { count: strange.length, entries },
    descriptors,
    slot: { address: `0x${(base + likeness.slotOffset).toString(16)}`, bytes: likeness.slotBytes },
    samples: { read: samples.readCount, zero: samples.zeroCount, failed: samples.failedCount },
    zero_share: zeroShare,
    expected_zero_share: 1 - expectedBusyShare,
    zero_share_min: zeroShareMin,
    good: isGood,
  };
  process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : slotText(result));
  return isGood ? ExitCode.ok : ExitCode.failed;
}

function openText(
  pid: number,
  descriptors: readonly Descriptor[],
  entries: readonly NetEntry[],
  strangeCount: number,
): string {
  return [
    `process ${pid}`,
    ...descriptors.map(({ fd, kind, target }) => `  ${String(fd).padStart(3)}  ${kind.padEnd(10)} ${target}`),
    strangeCount === 0 ? 'sockets: none, neither listening nor connected' : `SOCKETS: ${strangeCount}`,
    ...entries.map(({ protocol, what }) => `  ${protocol}  ${what}`),
    '',
  ].join('\n');
}

function slotText(result: {
  readonly slot: { readonly address: string; readonly bytes: number };
  readonly samples: { readonly read: number; readonly zero: number };
  readonly zero_share: number;
  readonly expected_zero_share: number;
  readonly zero_share_min: number;
  readonly good: boolean;
}): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    `frame slot: ${result.slot.bytes} bytes at ${result.slot.address}, read ${result.samples.read} times`,
    `  empty ${percent(result.zero_share)} of the time; expected about ${percent(result.expected_zero_share)} while counting, 100 % while paused, at least ${percent(result.zero_share_min)}`,
    result.good ? 'good' : 'NOT GOOD',
    '',
  ].join('\n');
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`inspect: ${explain(error)}\n`);
  const isUsage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.exitCode = isUsage ? ExitCode.usage : error instanceof LetheError ? error.exitCode : ExitCode.failed;
}
