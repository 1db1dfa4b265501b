/**
 * Where memory goes when the program does not look: to swap, into an image of a sleeping machine, and back to the kernel,
 * which hands it on or leaves it as it is.
 */
import { amber, green, grey, type PrivacyProbes, red, type TextProbe, type Verdict } from './finding.ts';
import { bootLog, isOn, kernelOption, kernelWord } from './kernel.ts';
import { type Program, statusNumber } from './programs.ts';

export const SWAP_WHY =
  'The kernel may write a page out while a picture lies in it; clearing the page afterwards does not clear the copy.';
const SWAP_OFF =
  'sudo swapoff -a; for good: Mechanism=none in /etc/rpi/swap.conf.d/lethe.conf, or remove rpi-swap, dphys-swapfile and the line in /etc/fstab.';

function swapAreas(text: string): string[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.split(/\s+/)[0] ?? '')
    .filter((area) => area !== '');
}

/** The disk to which a zram area writes what it has no room for; '' for none. */
function backingDevice(probes: TextProbe, area: string): string {
  const text = probes.readText(`/sys/block/${area.slice('/dev/'.length)}/backing_dev`)?.trim() ?? '';
  return text === 'none' ? '' : text;
}

/** `programs`: running ones, whose share of the swap is told. */
export function swap(probes: TextProbe, programs: readonly Program[] = []): Verdict {
  const text = probes.readText('/proc/swaps');
  if (text === undefined) return grey('unknown: no /proc/swaps', 'A Linux with /proc mounted.');
  const areas = swapAreas(text);
  if (areas.length === 0) return green('off');
  const swapped = programs
    .filter(({ role }) => role !== 'voice')
    .map(({ label, status }) => `, ${statusNumber(status, 'VmSwap') || 0} kB of ${label}`);
  const found = `on: ${areas.join(', ')}${swapped.join('')}`;
  const written = areas.flatMap((area) => backingDevice(probes, area) || []);
  if (written.length > 0) return red(`${found}; writes back to ${written.join(', ')}`, SWAP_OFF);
  // zram is memory: nothing of it outlives the power. What remains is a second, compressed copy, for as long as the slot.
  if (areas.every((area) => /^\/dev\/zram\d+$/.test(area)))
    return amber(`${found}; compressed memory, no disk behind it: gone with the power`, SWAP_OFF);
  const canSwap = programs.filter(({ role }) => role !== 'voice').filter((program) => swapMax(probes, program) !== '0');
  if (programs.some(({ role }) => role === 'eye') && canSwap.length === 0)
    return amber(`${found}; but the eye's control group may use none`, SWAP_OFF);
  return red(found, SWAP_OFF);
}

/** memory.swap.max of the program's control group: bytes, `max`, or undefined without the memory controller. */
function swapMax(probes: TextProbe, { pid }: Program): string | undefined {
  const path = /^0::(\S*)/m.exec(probes.readText(`/proc/${pid}/cgroup`) ?? '')?.[1];
  return path === undefined ? undefined : probes.readText(`/sys/fs/cgroup${path}/memory.swap.max`)?.trim();
}

export const CGROUP_WHY =
  'Without the memory controller systemd ignores MemorySwapMax=0 without a word, and the unit alone does not keep the eye out of swap.';

/** Raspberry Pi's device tree switches the controller off (raspberrypi/linux#6980). */
export function memoryCgroup(probes: PrivacyProbes): Verdict {
  const remedy =
    'Add cgroup_enable=memory to /boot/firmware/cmdline.txt and restart; with swap off altogether nothing depends on it.';
  const unified = probes.readText('/sys/fs/cgroup/cgroup.controllers');
  if (unified !== undefined)
    return /\bmemory\b/.test(unified) ? green('on (cgroup v2)') : amber(`off; cgroup v2 has ${unified.trim()}`, remedy);
  const row = /^memory\s+\d+\s+\d+\s+(\d)/m.exec(probes.readText('/proc/cgroups') ?? '')?.[1];
  if (row === undefined) return grey('unknown: no control groups to be seen', 'Run it outside of the container.');
  if (row === '1')
    return amber(
      'on, but cgroup v1: systemd knows MemorySwapMax= for v2 only',
      'Boot with systemd.unified_cgroup_hierarchy=1.',
    );
  return amber('off', remedy);
}

export const HIBERNATION_WHY = 'Hibernating writes all of the memory, whatever is in it, to a disk.';

export function hibernation(probes: PrivacyProbes): Verdict {
  const state = probes.readText('/sys/power/state');
  if (state === undefined) {
    if (kernelOption(probes, 'HIBERNATION') === false) return green('not built into this kernel');
    return grey(
      'unknown: no /sys/power/state',
      'A kernel that shows /sys/power, or its configuration in /proc/config.gz.',
    );
  }
  if (!/\bdisk\b/.test(state)) return green('not offered by the kernel');
  if (probes.readText('/sys/power/disk')?.includes('[disabled]')) return green('offered by the kernel, disabled');
  const device = kernelWord(probes, 'resume') ?? probes.readText('/sys/power/resume')?.trim() ?? '0:0';
  const remedy = 'Add nohibernate to /boot/firmware/cmdline.txt, take resume= out, restart.';
  if (device === '0:0' || device === '') return amber('possible, but no place to write to is set', remedy);
  return red(`possible, to ${device}`, remedy);
}

type Initialisation = { readonly isOn: boolean | undefined; readonly found: string };

/** The kernel's log is the fact; the command line overrides the default, which is a matter of the build. */
function initialisation(probes: PrivacyProbes, when: 'alloc' | 'free'): Initialisation {
  const logged = new RegExp(`mem auto-init:.*heap ${when}:(on|off)`).exec(bootLog(probes))?.[1];
  const word = kernelWord(probes, `init_on_${when}`);
  const byDefault = kernelOption(probes, `INIT_ON_${when.toUpperCase()}_DEFAULT_ON`);
  const sources = [
    `boot log: ${logged ?? 'not readable'}`,
    `command line: ${word ?? 'no word'}`,
    `kernel's default: ${byDefault === undefined ? 'not readable' : byDefault ? 'on' : 'off'}`,
  ];
  const answer = logged !== undefined ? logged === 'on' : word !== undefined ? isOn(word) : byDefault;
  return { isOn: answer, found: sources.join(', ') };
}

const SEE_INITIALISATION = 'Run it as root (the boot log), or see grep INIT_ON /boot/config-$(uname -r).';

export const INIT_ON_FREE_WHY =
  "The camera's buffers, the pipe and what Node gives back are the kernel's; without this the last pictures stay in free memory until it is used again.";

export function initOnFree(probes: PrivacyProbes): Verdict {
  const { isOn: answer, found } = initialisation(probes, 'free');
  if (answer === undefined) return grey(found, SEE_INITIALISATION);
  if (answer) return green(`on (${found})`);
  return red(`off (${found})`, 'Add init_on_free=1 to /boot/firmware/cmdline.txt and restart.');
}

export const INIT_ON_ALLOC_WHY =
  'Memory that held a picture is zeroed before another program gets it; a second line behind init_on_free.';

export function initOnAlloc(probes: PrivacyProbes): Verdict {
  const { isOn: answer, found } = initialisation(probes, 'alloc');
  if (answer === undefined) return grey(found, SEE_INITIALISATION);
  if (answer) return green(`on (${found})`);
  return amber(`off (${found})`, 'Add init_on_alloc=1 to /boot/firmware/cmdline.txt and restart.');
}
