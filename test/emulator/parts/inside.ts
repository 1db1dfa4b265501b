/** What can be seen from within the emulated device, by the overlay's root shell: units, swap, log, `lethe doctor --privacy`. */
import type { Machine } from '../../../scripts/emulator/machine.ts';

const PROGRAM = '/opt/lethe/current/bin/node /opt/lethe/current/dist/runtime/main.js';
/** The tool reads each unit again; an emulated processor takes its time. */
const WAIT_MS = 240_000;

/** Unit → what `systemd-analyze security` says of it, 0 (safe) to 10. */
export async function exposures(machine: Machine): Promise<Map<string, number>> {
  const { output } = await machine.sh(
    'cd /etc/systemd/system && for unit in lethe-*.service; do case $unit in lethe-emulator*) continue ;; esac; ' +
      'echo "$unit $(systemd-analyze security --no-pager "$unit" | tail -n 1)"; done',
    WAIT_MS,
  );
  const rows = [...output.matchAll(/^(\S+)\.service .*: (\d+\.\d+) /gm)];
  return new Map(rows.map(([, unit = '', value]) => [unit, Number(value)]));
}

export type SystemFacts = {
  /** Areas in use; none is meant. */
  readonly swaps: readonly string[];
  /** Files of a log on the card. */
  readonly logFiles: readonly string[];
  readonly kernelWords: readonly string[];
  readonly corePattern: string;
  /** Users that may log in with a password. */
  readonly passwords: readonly string[];
};

export async function systemFacts(machine: Machine): Promise<SystemFacts> {
  const lines = async (command: string) =>
    (await machine.sh(command, WAIT_MS)).output.split('\n').filter((line) => line !== '');
  return {
    swaps: (await lines('cat /proc/swaps')).slice(1),
    logFiles: await lines('find /var/log/journal -type f 2>/dev/null'),
    kernelWords: (await lines('cat /proc/cmdline')).join(' ').split(' '),
    corePattern: (await lines('cat /proc/sys/kernel/core_pattern')).join(),
    passwords: await lines("awk -F: '$2 ~ /^[$]/ { print $1 }' /etc/shadow"),
  };
}

/** As whoever looks after the device would run it. */
export async function privacyDoctor(machine: Machine): Promise<{ status: number; output: string }> {
  return machine.sh(`${PROGRAM} doctor --privacy --config /etc/lethe/lethe.json`, WAIT_MS);
}

/** Of systemctl show. */
export async function property(machine: Machine, unit: string, name: string): Promise<string> {
  return (await machine.sh(`systemctl show --property=${name} --value ${unit}`, WAIT_MS)).output.trim();
}
