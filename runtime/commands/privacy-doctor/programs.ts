/**
 * The running eyes and voices and the eye's children (the camera's program holds pictures too), as /proc shows them.
 * Nothing is sent to them and nothing of them is changed: a SIGUSR1 to see what happens would open the debugger.
 */
import type { PrivacyProbes } from './finding.ts';

export type Role = 'eye' | 'voice' | 'camera';

export type Program = {
  readonly role: Role;
  readonly pid: number;
  readonly parentPid: number;
  /** `eye 1234`, for the reader. */
  readonly label: string;
  /** The command line. */
  readonly words: readonly string[];
  readonly userId: number;
  /** NODE_OPTIONS in its environment; undefined where we may not read it. */
  readonly nodeOptions: string | undefined;
  /** Text of /proc/PID/status. */
  readonly status: string;
};

const ENTRY = /(?:^|\/)(eye|voice)\/main\.[jt]s$/;

/** Number after `name:` in a /proc status text. */
export function statusNumber(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN);
}

type Process = Omit<Program, 'role' | 'label' | 'nodeOptions'>;

function readProcess(probes: PrivacyProbes, pid: number): Process | undefined {
  const status = probes.readText(`/proc/${pid}/status`);
  const commandLine = probes.readText(`/proc/${pid}/cmdline`);
  if (status === undefined || commandLine === undefined || commandLine === '') return undefined;
  return {
    pid,
    parentPid: statusNumber(status, 'PPid'),
    words: commandLine.split('\0').filter((word) => word !== ''),
    userId: statusNumber(status, 'Uid'),
    status,
  };
}

/** Only our own programs are asked: what is in the environment of others is not our business. */
function readNodeOptions(probes: PrivacyProbes, pid: number): string | undefined {
  const environment = probes.readText(`/proc/${pid}/environ`);
  const variable = environment?.split('\0').find((entry) => entry.startsWith('NODE_OPTIONS='));
  return environment === undefined ? undefined : (variable?.slice('NODE_OPTIONS='.length) ?? '');
}

/** Eyes first, then voices, then the eyes' children; each by process id. */
export function findPrograms(probes: PrivacyProbes): Program[] {
  const all = (probes.list('/proc') ?? [])
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
    .flatMap((pid) => readProcess(probes, pid) ?? []);
  const role = (words: readonly string[]) => {
    // A shell or an editor may have the name among its words too; the programs are run by Node.
    const isNode = /(?:^|\/)node(?:js)?$/.test(words[0] ?? '');
    return isNode ? words.map((word) => ENTRY.exec(word)?.[1]).find((name) => name !== undefined) : undefined;
  };
  const named = (name: Role, process: Process): Program => ({
    ...process,
    role: name,
    label: `${name} ${process.pid}`,
    nodeOptions: name === 'camera' ? '' : readNodeOptions(probes, process.pid),
  });
  const eyes = all.filter(({ words }) => role(words) === 'eye').map((program) => named('eye', program));
  const voices = all.filter(({ words }) => role(words) === 'voice').map((program) => named('voice', program));
  const ours = new Set(eyes.map(({ pid }) => pid));
  // The package starts a shell, the shell becomes the camera's program; its guard is a shell of the same parent.
  const cameras: Program[] = [];
  for (let found = true; found; ) {
    const fresh = all.filter(({ pid, parentPid }) => ours.has(parentPid) && !ours.has(pid));
    for (const program of fresh) ours.add(program.pid);
    cameras.push(...fresh.map((program) => named('camera', program)));
    found = fresh.length > 0;
  }
  return [...eyes, ...voices, ...cameras];
}

export function labels(programs: readonly Program[]): string {
  return programs.map(({ label }) => label).join(', ');
}
