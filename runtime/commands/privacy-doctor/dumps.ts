/** Copies of memory that somebody asks for or that a crash makes: core dumps, a crash kernel, tracing, the kernel's windows on memory. */
import { amber, green, grey, type PrivacyProbes, red, type TextProbe, type Verdict } from './finding.ts';
import { kernelOption, kernelWord, systemdSetting } from './kernel.ts';
import { labels, type Program } from './programs.ts';

export const CORE_LIMIT_WHY =
  'A crash in the middle of a frame would write memory, and with it the picture, to a file.';
const CORE_LIMIT_REMEDY = 'ulimit -c 0 before the start, or LimitCORE=0 in the unit.';

/** Soft limit in words of the kernel: `0`, bytes, `unlimited`; undefined where it cannot be read. */
function coreLimit(probes: TextProbe, process: string): string | undefined {
  return /^Max core file size\s+(\S+)/m.exec(probes.readText(`/proc/${process}/limits`) ?? '')?.[1];
}

const bytesOf = (limit: string) => `up to ${limit}${limit === 'unlimited' ? '' : ' bytes'}`;

/** A running eye has its own limit, and its camera inherits it; without one, this shell's is what it would get. */
export function coreLimits(probes: TextProbe, programs: readonly Program[] = []): Verdict {
  const shell = coreLimit(probes, 'self');
  if (shell === undefined) return grey('unknown: no /proc/self/limits', 'A Linux with /proc mounted.');
  const limits = programs.map((program) => ({ ...program, limit: coreLimit(probes, String(program.pid)) }));
  const open = limits.filter(({ limit }) => limit !== undefined && limit !== '0');
  const seen = open.map(({ label, limit }) => `${label} ${bytesOf(limit!)}`);
  if (open.some(({ role }) => role !== 'voice')) return red(`on: ${seen.join(', ')}`, CORE_LIMIT_REMEDY);
  if (shell !== '0') {
    if (!programs.some(({ role }) => role === 'eye')) return red(`on, ${bytesOf(shell)}`, CORE_LIMIT_REMEDY);
    return amber(`on in this shell, ${bytesOf(shell)}; off for the running eye`, CORE_LIMIT_REMEDY);
  }
  if (open.length > 0) return amber(`on: ${seen.join(', ')}; the voice holds no picture`, CORE_LIMIT_REMEDY);
  const unseen = limits.filter(({ limit }) => limit === undefined);
  if (unseen.length > 0) return grey(`off in this shell; not readable for ${labels(unseen)}`, 'Run it as root.');
  return green(programs.length === 0 ? 'off' : `off, also for ${labels(programs)}`);
}

export const CORE_PATTERN_WHY =
  'A pattern that begins with | hands the memory of what crashed to a program, whatever the limit is (core(5)).';
const CORE_PATTERN_REMEDY = 'sudo sysctl kernel.core_pattern="|/bin/false", and remove that crash reporter.';
/** Programs that read nothing and keep nothing. */
const SINKS = ['/bin/false', '/usr/bin/false', '/bin/true', '/usr/bin/true'];

export function corePattern(probes: Pick<PrivacyProbes, 'readText' | 'list'>): Verdict {
  const pattern = probes.readText('/proc/sys/kernel/core_pattern')?.trim();
  if (pattern === undefined) return grey('unknown: no /proc/sys/kernel/core_pattern', 'A Linux with /proc mounted.');
  if (!pattern.startsWith('|')) return green(`a file (${pattern || 'no name'}), for which the limit counts`);
  const program = pattern.slice(1).trim().split(/\s/)[0] ?? '';
  if (SINKS.includes(program)) return green(`thrown away by ${program}`);
  if (!program.endsWith('/systemd-coredump'))
    return red(`piped to ${program}, which need not heed the limit`, CORE_PATTERN_REMEDY);
  if (systemdSetting(probes, 'coredump.conf', 'Storage') === 'none')
    return green('piped to systemd-coredump, which keeps nothing (Storage=none)');
  return amber('piped to systemd-coredump, which heeds the limit by itself', CORE_PATTERN_REMEDY);
}

export const SUID_WHY =
  'Programs that change their user while starting are dumped too, past what the unit says, when this is not 0.';

export function suidDumpable(probes: PrivacyProbes): Verdict {
  const value = probes.readText('/proc/sys/fs/suid_dumpable')?.trim();
  const remedy = 'sudo sysctl fs.suid_dumpable=0';
  if (value === '0') return green('0');
  if (value === '2') return amber('2: dumped, readable by root only', remedy);
  if (value === '1') return red('1: dumped as any other program', remedy);
  return grey('unknown: no /proc/sys/fs/suid_dumpable', 'A Linux with /proc mounted.');
}

export const PTRACE_WHY =
  'Who may trace the eye can read its memory, picture included, in the milliseconds in which there is one.';

export function ptraceScope(probes: PrivacyProbes, programs: readonly Program[]): Verdict {
  const value = probes.readText('/proc/sys/kernel/yama/ptrace_scope')?.trim();
  if (value === '1') return green('1: only a program’s own parents, and root');
  if (value === '2') return green('2: only root');
  if (value === '3') return green('3: nobody; lethe audit cannot look either');
  const state = value === undefined ? 'no Yama in this kernel' : value;
  const isShared = programs.some(({ role, userId }) => role === 'eye' && userId === probes.userId && userId !== 0);
  const remedy =
    value === undefined
      ? 'Give the eye a user of its own (provisioning/units), or take a kernel with Yama (CONFIG_SECURITY_YAMA, lsm=yama).'
      : 'sudo sysctl kernel.yama.ptrace_scope=2';
  if (isShared) return red(`${state}: every program of this user can read the running eye`, remedy);
  return amber(`${state}: every program of the eye's own user, and root`, remedy);
}

export const CRASH_KERNEL_WHY =
  'A crash kernel writes all of the memory to a disk after the system itself has crashed.';

export function crashKernel(probes: PrivacyProbes): Verdict {
  const loaded = probes.readText('/sys/kernel/kexec_crash_loaded')?.trim();
  const bytes = Number(probes.readText('/sys/kernel/kexec_crash_size')?.trim() ?? 0);
  const word = kernelWord(probes, 'crashkernel');
  const remedy = 'Remove kdump-tools and the word crashkernel= from /boot/firmware/cmdline.txt, restart.';
  if (loaded === '1') return red('loaded: a crash of the system would be written down', remedy);
  if (bytes > 0 || (word !== undefined && word !== ''))
    return amber(`not loaded, but ${bytes || word} of memory set apart for one`, remedy);
  return green('none');
}

const LOCKDOWN = '/sys/kernel/security/lockdown';
const isLocked = (probes: PrivacyProbes, mode: 'integrity' | 'confidentiality') =>
  new RegExp(`\\[${mode === 'integrity' ? '(integrity|confidentiality)' : mode}\\]`).test(
    probes.readText(LOCKDOWN) ?? '',
  );

export const DEV_MEM_WHY = 'This device is the memory itself: whoever may open it reads every process.';

export function devMem(probes: PrivacyProbes): Verdict {
  const status = probes.status('/dev/mem');
  if (status === undefined) return green('not there');
  if ((status.mode & 0o007) !== 0)
    return red('open to every user', 'sudo chmod o= /dev/mem, and find the rule that opened it.');
  if (isLocked(probes, 'integrity')) return green('closed by lockdown');
  const isStrict = kernelOption(probes, 'STRICT_DEVMEM');
  if (isStrict === undefined)
    return grey(
      'there; whether it shows memory is a matter of the kernel’s build',
      'Its configuration: /proc/config.gz (sudo modprobe configs) or /boot/config-*.',
    );
  if (isStrict) return green('there, but shows no memory of programs (CONFIG_STRICT_DEVMEM)');
  return amber(
    'root can read all of the memory through it',
    'Let nobody be root on the device; a kernel with CONFIG_STRICT_DEVMEM closes it.',
  );
}

export const KCORE_WHY = 'This file shows the memory of the kernel and of every process to root, for debuggers.';

export function kcore(probes: PrivacyProbes): Verdict {
  const status = probes.status('/proc/kcore');
  if (status === undefined) return green('not there');
  if ((status.mode & 0o007) !== 0) return red('open to every user', 'Restart: the kernel makes it for root alone.');
  if (isLocked(probes, 'confidentiality')) return green('closed by lockdown');
  return amber(
    'root can read all of the memory through it',
    'Let nobody be root on the device; lockdown=confidentiality closes it where the kernel has lockdown.',
  );
}
