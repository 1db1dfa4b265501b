/**
 * Changes to the text files of a stock system. Each takes the text and gives the new one; done twice, nothing more changes.
 */
import { ImageError } from '../../runtime/errors.ts';

/** Appends words to the kernel's command line, which is one line: a second one is never read. A word that is there with another value is replaced. */
export function withKernelWords(cmdline: string, words: readonly string[]): string {
  const lines = cmdline.split('\n').filter((line) => line.trim() !== '');
  if (lines.length !== 1)
    throw new ImageError('WRONG_SYSTEM', `cmdline.txt has ${lines.length} lines; expected one.`, {
      op: 'edit cmdline.txt',
      hint: 'Take the image as it was downloaded.',
    });
  const key = (word: string) => word.split('=')[0]!;
  const ours = new Map(words.map((word) => [key(word), word]));
  const kept = lines[0]!
    .trim()
    .split(/\s+/)
    .filter((word) => !ours.has(key(word)) || ours.get(key(word)) === word);
  const added = words.filter((word) => !kept.includes(word));
  return `${[...kept, ...added].join(' ')}\n`;
}

/** Lines of the firmware's config.txt that hold for every board, in a block of their own at the end. */
export function withFirmwareLines(config: string, lines: readonly string[]): string {
  const mark = '# Lethe';
  const before = config.includes(`\n${mark}\n`) ? config.slice(0, config.indexOf(`\n${mark}\n`) + 1) : config;
  const start = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  // [all]: what stands above may be under the filter of one board.
  return `${start}${before === config ? '\n' : ''}${mark}\n[all]\n${lines.join('\n')}\n`;
}

/** noatime on the system's partition, and folders of things that nobody reads again in memory. */
export function withCardSparing(fstab: string, memoryFolders: readonly string[]): string {
  const lines = fstab.replace(/\n*$/, '').split('\n');
  const spared = lines.map((line) => {
    const [device = '', folder = '', type = '', options = '', ...rest] = line.trim().split(/\s+/);
    if (line.startsWith('#') || folder !== '/' || options.split(',').includes('noatime')) return line;
    return [device, folder, type, `${options},noatime`, ...rest].join('  ');
  });
  const mounted = new Set(spared.map((line) => line.trim().split(/\s+/)[1]));
  const added = memoryFolders
    .filter((folder) => !mounted.has(folder))
    .map((folder) => `tmpfs  ${folder}  tmpfs  nosuid,nodev,noexec,size=32m,mode=0755  0  0`);
  return `${[...spared, ...added].join('\n')}\n`;
}

/** The name of the machine in /etc/hosts, where Debian keeps it beside 127.0.1.1. */
export function withHostname(hosts: string, hostname: string): string {
  const line = `127.0.1.1\t${hostname}`;
  return /^127\.0\.1\.1\s.*$/m.test(hosts)
    ? hosts.replace(/^127\.0\.1\.1\s.*$/m, line)
    : `${hosts.replace(/\n*$/, '\n')}${line}\n`;
}

/** avahi answers nobody who asks who is there; it still finds `gateway.local` for us. */
export function withoutPublishing(avahi: string): string {
  if (/^disable-publishing=yes$/m.test(avahi)) return avahi;
  const without = avahi.replace(/^#?\s*disable-publishing=.*\n/m, '');
  if (!/^\[publish\]$/m.test(without)) return `${without.replace(/\n*$/, '\n')}[publish]\ndisable-publishing=yes\n`;
  return without.replace(/^\[publish\]$/m, '[publish]\ndisable-publishing=yes');
}

/** NetworkManager keeps the radio off until somebody switches it on; the image has it off for want of a country. */
export function withWirelessOn(state: string): string {
  if (/^WirelessEnabled=/m.test(state)) return state.replace(/^WirelessEnabled=.*$/m, 'WirelessEnabled=true');
  return /^\[main\]$/m.test(state)
    ? state.replace(/^\[main\]$/m, '[main]\nWirelessEnabled=true')
    : `${state}[main]\nWirelessEnabled=true\n`;
}
