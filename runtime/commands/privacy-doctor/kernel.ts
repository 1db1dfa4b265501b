/** What the kernel was told and what it said: its command line, its build configuration, its log of the start, systemd's settings. */
import type { PrivacyProbes, TextProbe } from './finding.ts';

const PROGRAM_TIMEOUT_MS = 5000;

/** Value of a word of the kernel's command line, the last one where it stands twice; '' for a word without value. */
export function kernelWord(probes: TextProbe, name: string): string | undefined {
  const words = (probes.readText('/proc/cmdline') ?? '').trim().split(/\s+/);
  const word = words.findLast((each) => each === name || each.startsWith(`${name}=`));
  return word?.slice(name.length + 1);
}

/** As the kernel reads a switch (lib/kstrtox.c, kstrtobool): first letter 1, y, t or on is true. */
export function isOn(value: string): boolean {
  return /^(?:[1yt]|on)/i.test(value);
}

/** Whether CONFIG_name is built in; undefined where the configuration cannot be read. */
export function kernelOption(probes: PrivacyProbes, name: string): boolean | undefined {
  const text = probes.kernelConfig();
  return text === undefined ? undefined : new RegExp(`^CONFIG_${name}=y$`, 'm').test(text);
}

/** The kernel's own log of this start, from its ring buffer or from the journal; '' where we may read neither. */
export function bootLog(probes: PrivacyProbes): string {
  for (const [program, ...words] of [['dmesg'], ['journalctl', '-k', '-b', '--no-pager', '-o', 'cat']] as const) {
    const { outcome, output } = probes.run(program, words, PROGRAM_TIMEOUT_MS);
    if (outcome === 'ok' && output.includes('mem auto-init')) return output;
  }
  return '';
}

/** Lowest priority first (systemd.unit(5), systemd-system.conf(5)). */
const SYSTEMD_FOLDERS = ['/usr/lib/systemd', '/run/systemd', '/etc/systemd'];

/** A setting of journald.conf or coredump.conf with its drop-ins, in the order in which systemd reads them. */
export function systemdSetting(
  probes: Pick<PrivacyProbes, 'readText' | 'list'>,
  file: string,
  key: string,
): string | undefined {
  const main = SYSTEMD_FOLDERS.map((folder) => probes.readText(`${folder}/${file}`)).findLast(
    (text) => text !== undefined,
  );
  const dropIns = new Map<string, string>();
  for (const folder of SYSTEMD_FOLDERS.map((each) => `${each}/${file}.d`)) {
    for (const name of probes.list(folder) ?? []) {
      if (name.endsWith('.conf')) dropIns.set(name, `${folder}/${name}`);
    }
  }
  const texts = [...dropIns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => probes.readText(path) ?? '');
  const line = new RegExp(`^\\s*${key}\\s*=\\s*(\\S*)`, 'gm');
  return [main ?? '', ...texts].flatMap((text) => [...text.matchAll(line)].map((match) => match[1]!)).at(-1);
}
