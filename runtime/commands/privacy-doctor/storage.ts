/** What is written to a disk and stays: logs, temporary folders, the ledger's folder. None of them is given a picture. */
import { amber, green, grey, type PrivacyProbes, red, type Verdict } from './finding.ts';
import { systemdSetting } from './kernel.ts';

export const JOURNAL_WHY =
  'The log has words and counts, never a picture; kept for long it still says when somebody was in the shop.';

export function journal(probes: PrivacyProbes): Verdict {
  const copier = ['/run/rsyslogd.pid', '/run/syslogd.pid', '/run/syslog-ng.pid'].find((path) => probes.exists(path));
  const remedy =
    'Install provisioning/units/journald.conf as /usr/lib/systemd/journald.conf.d/60-lethe.conf (Storage=volatile), remove rsyslog and /var/log/journal.';
  if (copier !== undefined) return amber(`a log daemon copies it to /var/log (${copier})`, remedy);
  if (!probes.exists('/run/systemd/journal'))
    return grey(
      'no systemd journal here: the log goes to whoever started the programs',
      'Look where that one keeps it.',
    );
  const setting = systemdSetting(probes, 'journald.conf', 'Storage')?.toLowerCase() ?? 'auto';
  if (setting === 'volatile' || setting === 'none') return green(`in memory only (Storage=${setting})`);
  if (setting === 'auto' && !probes.exists('/var/log/journal')) return green('in memory only: no /var/log/journal');
  return amber(`on disk, in /var/log/journal (Storage=${setting})`, remedy);
}

export const TEMPORARY_WHY =
  'The named pipes are made here; what flows through them is kernel memory and never on this disk, so it matters little.';

type Mount = { readonly path: string; readonly kind: string };

/** The mount that holds `path`; lines of /proc/self/mountinfo, proc(5). */
function mountOf(text: string, path: string): Mount | undefined {
  const mounts = text.split('\n').flatMap((line) => {
    const match = /^\d+ \d+ \S+ \S+ (\S+) .* - (\S+) /.exec(line);
    return match === null ? [] : [{ path: match[1]!.replaceAll('\\040', ' '), kind: match[2]! }];
  });
  const holds = (mount: Mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`);
  // The last of the longest: a later mount hides an earlier one at the same place.
  return mounts
    .filter(holds)
    .reduce<Mount | undefined>((best, each) => (each.path.length >= (best?.path.length ?? 0) ? each : best), undefined);
}

export function temporaryFolder(probes: PrivacyProbes): Verdict {
  const folder = probes.temporaryFolder;
  const mount = mountOf(probes.readText('/proc/self/mountinfo') ?? '', folder);
  if (mount === undefined) return grey(`${folder}: unknown, no /proc/self/mountinfo`, 'A Linux with /proc mounted.');
  if (mount.kind === 'tmpfs' || mount.kind === 'ramfs') return green(`${folder}: in memory (${mount.kind})`);
  return amber(
    `${folder}: on a disk (${mount.kind})`,
    'Start by provisioning/units, which use /run, or set XDG_RUNTIME_DIR or TMPDIR to a folder in memory.',
  );
}

export const STATE_WHY = 'The ledger and the device’s key are there: counts by the minute, and what signs them.';

export function stateFolder(probes: PrivacyProbes): Verdict {
  const folder = probes.stateFolder;
  const status = probes.status(folder);
  if (status === undefined)
    return grey(
      `${folder}: not there, or not ours to see`,
      'The voice makes it at its first start; as root one sees it anyway.',
    );
  const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
  const remedy = `sudo chmod 0700 ${folder}`;
  if ((status.mode & 0o022) !== 0) return red(`${folder}: mode ${mode}, others may write there`, remedy);
  if ((status.mode & 0o055) !== 0) return amber(`${folder}: mode ${mode}, others may look into it`, remedy);
  return green(`${folder}: mode ${mode}, user ${status.userId}`);
}
