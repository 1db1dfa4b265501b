/**
 * What the running eye and voice are: debuggers, reports, network, users. Everything is read from /proc.
 *
 * The debugger. Node opens its inspector on a port when it gets SIGUSR1, unless told otherwise; over that port one reads
 * the memory and runs code. From outside: Node blocks the signal in its first thread at the start and unblocks it there
 * only after it has put its own handler in place (src/node.cc, src/inspector_agent.cc, StartDebugSignalHandler). So a
 * first thread in which signal 10 is blocked has no such handler: that is what --disable-sigusr1 (Node 22.14) and the
 * permission model (Node 20) leave, measured on Node 20.20. Where it is caught and not blocked, a handler of the program's
 * own could have replaced Node's; that cannot be told from outside, and is called red.
 */
import { amber, green, grey, type PrivacyProbes, red, type Verdict } from './finding.ts';
import { labels, type Program } from './programs.ts';

const NOT_RUNNING = 'Start it (npm start, or the units), then ask again.';
const SIGUSR1_BIT = 1n << 9n;
const INSPECTOR_PORT = 9229;

/** True if signal 10 is in the mask `name` (SigCgt, SigIgn, SigBlk) of a /proc status text. */
function hasSignal(status: string, name: string): boolean {
  const mask = new RegExp(`^${name}:\\s+([0-9a-f]+)`, 'm').exec(status)?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & SIGUSR1_BIT) !== 0n;
}

/** Words for Node itself: those before the script, and those of NODE_OPTIONS. */
function nodeWords({ words, nodeOptions }: Program): string[] {
  const script = words.findIndex((word, index) => index > 0 && !word.startsWith('-'));
  return [...words.slice(1, script < 0 ? undefined : script), ...(nodeOptions ?? '').split(/\s+/)].filter(
    (word) => word !== '',
  );
}

/** Ports on which the process listens. */
function listeningPorts(probes: PrivacyProbes, { pid }: Program): number[] {
  const descriptors = probes.list(`/proc/${pid}/fd`) ?? [];
  const sockets = new Set(descriptors.map((fd) => probes.link(`/proc/${pid}/fd/${fd}`)));
  const lines = ['tcp', 'tcp6'].flatMap((protocol) =>
    (probes.readText(`/proc/${pid}/net/${protocol}`) ?? '').split('\n'),
  );
  return lines.flatMap((line) => {
    // sl local_address rem_address st … inode; state 0A is LISTEN (include/net/tcp_states.h).
    const fields = line.trim().split(/\s+/);
    const isOurs = fields[3] === '0A' && sockets.has(`socket:[${fields[9]}]`);
    return isOurs ? [Number.parseInt(fields[1]?.split(':')[1] ?? '', 16)] : [];
  });
}

/** The port of an open debugger. The eye has no business listening on any; the voice may have a page of its own. */
function debuggerPort(probes: PrivacyProbes, program: Program): number | undefined {
  const chosen = nodeWords(program).flatMap(
    (word) => /^--(?:inspect|debug)-port=(?:.*:)?(\d+)$/.exec(word)?.[1] ?? [],
  )[0];
  const expected = Number(chosen ?? INSPECTOR_PORT);
  return listeningPorts(probes, program).find((port) => program.role === 'eye' || port === expected);
}

type Debugger = { readonly state: 'open' | 'openable' | 'closed' | 'unseen'; readonly found: string };

function debuggerOf(probes: PrivacyProbes, program: Program): Debugger {
  const { label, status } = program;
  const word = nodeWords(program).find((each) => /^--inspect(?:-brk|-wait)?(?:=|$)/.test(each));
  if (word !== undefined) return { state: 'open', found: `${label} was started with ${word}` };
  const port = debuggerPort(probes, program);
  if (port !== undefined) return { state: 'open', found: `${label} listens on port ${port}` };
  if (program.nodeOptions === undefined)
    return { state: 'unseen', found: `${label}: its environment is not ours to read` };
  if (hasSignal(status, 'SigBlk')) return { state: 'closed', found: `${label}: SIGUSR1 is blocked` };
  if (hasSignal(status, 'SigIgn')) return { state: 'closed', found: `${label}: SIGUSR1 is ignored` };
  if (nodeWords(program).includes('--disable-sigusr1'))
    return { state: 'closed', found: `${label}: --disable-sigusr1` };
  if (!hasSignal(status, 'SigCgt')) return { state: 'closed', found: `${label}: SIGUSR1 would only end it` };
  return { state: 'openable', found: `${label} catches SIGUSR1, with which Node opens its debugger` };
}

export const DEBUGGER_WHY = 'Over the debugger’s port one reads the memory of the eye and runs any code in it.';

export function debugPorts(probes: PrivacyProbes, programs: readonly Program[]): Verdict {
  const ours = programs.filter(({ role }) => role !== 'camera');
  if (ours.length === 0) return grey('no eye and no voice runs', NOT_RUNNING);
  const results = ours.map((program) => debuggerOf(probes, program));
  const those = (...states: Debugger['state'][]) => results.filter(({ state }) => states.includes(state));
  const text = (some: readonly Debugger[]) => some.map(({ found }) => found).join('; ');
  const remedy =
    'Start them without --inspect, and with --experimental-permission (Node 20) or --disable-sigusr1 (Node 22.14 and later), as the units do.';
  if (those('open', 'openable').length > 0) return red(text(those('open', 'openable')), remedy);
  if (those('unseen').length > 0) return grey(text(those('unseen')), 'Run it as root.');
  return green(text(results));
}

export const REPORTS_WHY =
  'Node’s reports and heap snapshots are files with parts of the memory: names, settings, the stack.';
const SNAPSHOT_WORDS = /^--(?:heapsnapshot|heap-prof|abort-on-uncaught-exception|abort_on_uncaught_exception)/;
const REPORT_WORDS = /^--(?:report-|experimental-report|diagnostic-dir|cpu-prof|prof\b|trace-event|redirect-warnings)/;

export function nodeReports(probes: PrivacyProbes, programs: readonly Program[]): Verdict {
  const ours = programs.filter(({ role }) => role !== 'camera');
  const sources = [
    { who: 'NODE_OPTIONS of this shell', words: probes.nodeOptions.split(/\s+/) },
    ...ours.map((program) => ({ who: program.label, words: nodeWords(program) })),
  ];
  const matching = (pattern: RegExp) =>
    sources.flatMap(({ who, words }) => words.filter((word) => pattern.test(word)).map((word) => `${who}: ${word}`));
  const remedy = 'Unset NODE_OPTIONS and start them without these words.';
  const snapshots = matching(SNAPSHOT_WORDS);
  if (snapshots.length > 0) return red(snapshots.join('; '), remedy);
  const reports = matching(REPORT_WORDS);
  if (reports.length > 0) return amber(reports.join('; '), remedy);
  const unseen = ours.filter(({ nodeOptions }) => nodeOptions === undefined);
  if (unseen.length > 0)
    return grey(`none to be seen; the environment of ${labels(unseen)} is not ours to read`, 'Run it as root.');
  return green(ours.length === 0 ? 'none set in this shell' : `none for ${labels(ours)}`);
}

export const NETWORK_WHY =
  'A program without a network cannot send a picture anywhere, whatever else goes wrong in it.';

/** Names of the interfaces besides the loopback in the program's own namespace. */
function interfacesOf(probes: PrivacyProbes, { pid }: Program): string[] {
  const text = probes.readText(`/proc/${pid}/net/dev`) ?? '';
  return [...text.matchAll(/^\s*([^\s:|]+):/gm)].map((match) => match[1]!).filter((name) => name !== 'lo');
}

export function eyeNetwork(probes: PrivacyProbes, programs: readonly Program[]): Verdict {
  const eyes = programs.filter(({ role }) => role === 'eye');
  if (eyes.length === 0) return grey('no eye runs', NOT_RUNNING);
  const ours = probes.link('/proc/self/ns/net');
  const states = eyes.map((eye) => ({
    ...eye,
    space: probes.link(`/proc/${eye.pid}/ns/net`),
    interfaces: interfacesOf(probes, eye),
  }));
  const remedy = 'Start it by provisioning/units (PrivateNetwork=yes); lethe audit --isolation tries it from inside.';
  const shared = states.filter(({ space }) => space !== undefined && space === ours);
  if (shared.length > 0) return red(`${labels(shared)}: in the same network as this shell`, remedy);
  const unseen = states.filter(({ space }) => space === undefined);
  if (unseen.length > 0 || ours === undefined)
    return grey(`${labels(unseen)}: its namespace is not ours to see`, 'Run it as root.');
  const connected = states.filter(({ interfaces }) => interfaces.length > 0);
  if (connected.length > 0)
    return red(
      `a network of its own, but with ${connected.map(({ label, interfaces }) => `${interfaces.join(' ')} in ${label}`).join(', ')}`,
      remedy,
    );
  return green(`${labels(states)}: a network of its own, with nothing in it but the loopback`);
}

export const USERS_WHY =
  'Programs of one user can read each other’s memory: apart, the voice cannot reach the eye’s, nor its camera.';

export function users(probes: PrivacyProbes, programs: readonly Program[]): Verdict {
  const eyes = programs.filter(({ role }) => role === 'eye');
  const voices = programs.filter(({ role }) => role === 'voice');
  const told = [...eyes, ...voices].map(({ label, userId }) => `${label} as user ${userId}`).join(', ');
  const remedy = 'Start them by provisioning/units, as the users lethe-eye and lethe-voice.';
  const asRoot = [...eyes, ...voices].filter(({ userId }) => userId === 0);
  if (asRoot.length > 0) return red(`${told}: root may do anything`, remedy);
  if (eyes.length === 0 || voices.length === 0) return grey(told || 'no eye and no voice runs', NOT_RUNNING);
  const pairs = eyes.flatMap((eye) => voices.map((voice) => [eye, voice] as const));
  const shared = pairs.filter(([eye, voice]) => eye.userId === voice.userId);
  if (shared.length === 0) return green(told);
  // Tracing asks for rights in the other's user namespace (ptrace(2)), which a sibling does not have; the shell they came
  // from does, and that is told by the ptrace scope.
  const space = ({ pid }: Program) => probes.link(`/proc/${pid}/ns/user`);
  const isApart = shared.every(([eye, voice]) => space(eye) !== undefined && space(eye) !== space(voice));
  return isApart ? green(`${told}: the same, in user namespaces apart`) : amber(`${told}: the same`, remedy);
}
