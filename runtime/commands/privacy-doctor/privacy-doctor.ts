/**
 * `doctor --privacy`: what the process cannot see. Clearing a slot says nothing about the copies that the system makes
 * behind it: swap, dumps, free memory, debuggers, logs. Each check is red, amber, green or grey (finding.ts says what these
 * mean), with what was found, why it matters and what to do.
 * How: every check is a function of PrivacyProbes and of the running programs; tests hand in others. It only reads, and
 * sends nothing to the running programs. As an ordinary user it sees less and says so in grey.
 * Does not: search memory (`audit`), try the walls from inside (`audit --isolation`).
 */
import { loadConfig } from '../../config/config.ts';
import { ExitCode } from '../../errors.ts';
import { printable } from '../run-program.ts';
import * as dumps from './dumps.ts';
import type { Finding, PrivacyProbes, Verdict } from './finding.ts';
import * as memory from './memory.ts';
import { systemProbes } from './probes.ts';
import * as processes from './processes.ts';
import { findPrograms, type Program } from './programs.ts';
import { renderFindings, renderJson } from './render.ts';
import * as storage from './storage.ts';

type Check = {
  readonly name: string;
  readonly why: string;
  readonly look: (probes: PrivacyProbes, programs: readonly Program[]) => Verdict;
};

/** In the order of what a picture meets: memory, dumps, who may look, what is written. */
const CHECKS: readonly Check[] = [
  { name: 'swap', why: memory.SWAP_WHY, look: memory.swap },
  { name: 'memory cgroup', why: memory.CGROUP_WHY, look: memory.memoryCgroup },
  { name: 'hibernation', why: memory.HIBERNATION_WHY, look: memory.hibernation },
  { name: 'init_on_free', why: memory.INIT_ON_FREE_WHY, look: memory.initOnFree },
  { name: 'init_on_alloc', why: memory.INIT_ON_ALLOC_WHY, look: memory.initOnAlloc },
  { name: 'core dumps', why: dumps.CORE_LIMIT_WHY, look: dumps.coreLimits },
  { name: 'core pattern', why: dumps.CORE_PATTERN_WHY, look: dumps.corePattern },
  { name: 'suid_dumpable', why: dumps.SUID_WHY, look: dumps.suidDumpable },
  { name: 'crash kernel', why: dumps.CRASH_KERNEL_WHY, look: dumps.crashKernel },
  { name: 'ptrace scope', why: dumps.PTRACE_WHY, look: dumps.ptraceScope },
  { name: '/dev/mem', why: dumps.DEV_MEM_WHY, look: dumps.devMem },
  { name: '/proc/kcore', why: dumps.KCORE_WHY, look: dumps.kcore },
  { name: 'debug port', why: processes.DEBUGGER_WHY, look: processes.debugPorts },
  { name: 'Node reports', why: processes.REPORTS_WHY, look: processes.nodeReports },
  { name: 'eye’s network', why: processes.NETWORK_WHY, look: processes.eyeNetwork },
  { name: 'users', why: processes.USERS_WHY, look: processes.users },
  { name: 'journal', why: storage.JOURNAL_WHY, look: storage.journal },
  { name: 'temporary folder', why: storage.TEMPORARY_WHY, look: storage.temporaryFolder },
  { name: 'state folder', why: storage.STATE_WHY, look: storage.stateFolder },
];

export function examinePrivacy(probes: PrivacyProbes): Finding[] {
  const programs = findPrograms(probes);
  return CHECKS.map(({ name, why, look }) => {
    const { colour, found, remedy } = look(probes, programs);
    return { name, colour, found: printable(found), why, remedy: printable(remedy) };
  });
}

export type PrivacyDoctorOptions = {
  readonly config?: string | undefined;
  readonly overrides?: readonly string[] | undefined;
  readonly json: boolean;
  /** Whether the output is a terminal that shows colours. */
  readonly isColoured: boolean;
  readonly out: (text: string) => void;
};

/**
 * Prints, and answers with ok, or failed (1) if something is red. Not 69 as plain doctor: nothing is lacking, the question
 * was answered, and the answer is no. Amber and grey do not count. Throws ConfigError (78).
 */
export function privacyDoctor(options: PrivacyDoctorOptions, probes?: PrivacyProbes): ExitCode {
  const { stateDir } = loadConfig({ path: options.config, overrides: options.overrides ?? [] });
  const findings = examinePrivacy(probes ?? systemProbes(stateDir));
  options.out(options.json ? renderJson(findings) : renderFindings(findings, options.isColoured));
  return findings.some(({ colour }) => colour === 'red') ? ExitCode.failed : ExitCode.ok;
}
