/**
 * Services of the stock system that a counter must not have, each with its reason, and how our own are switched on.
 * They are masked (a link to /dev/null), not only disabled: presets of a first start and updates of a package would switch
 * them on again. `systemctl unmask NAME` brings one back.
 */
import { posix } from 'node:path';
import {
  APPLICATION_FOLDER,
  CURRENT_LINK,
  isUnitName,
  UNIT_FOLDER as SYSTEM_UNITS,
  UNITS_IN_SLOT,
  unitLinks,
} from '../device/layout.ts';
import type { Link } from './ext4.ts';

export { SYSTEM_UNITS };
export const BOOKWORM_DROP_IN = 'lethe-program.conf';
/** Whose pulse is looked after: the programs that say READY where systemd can hear it. */
const BOOKWORM_PROGRAMS = ['lethe-eye.service', 'lethe-voice.service', 'lethe-scan.service'];
/** Where packages put theirs; on both releases /lib is a link to /usr/lib. */
export const PACKAGE_UNITS = '/usr/lib/systemd/system';

/** Not wanted on any counter. */
export const MASKED: Readonly<Record<string, string>> = {
  'userconfig.service': 'would wait at the screen for a user name and a password',
  'sshswitch.service': 'opens SSH for whoever puts a file named ssh on the boot partition',
  'bluetooth.service': 'a radio that a people counter does not listen with (the hardware is off too)',
  'hciuart.service': 'the same',
  'ModemManager.service': 'opens every serial device; there is no modem',
  'triggerhappy.service': 'runs commands for keys of a keyboard',
  'triggerhappy.socket': 'the same',
  'rpcbind.service': 'an open port (111) that nobody uses',
  'rpcbind.socket': 'the same',
  'nfs-blkmap.service': 'network file systems are not used',
  'rpi-connect-wayvnc.service': 'remote control of the screen',
  'dphys-swapfile.service': 'writes memory to the card (bookworm)',
  'apt-daily.timer': 'fetches package lists every day: traffic and wear; updates are made on purpose',
  'apt-daily-upgrade.timer': 'the same',
  'man-db.timer': 'writes an index every day',
  'dpkg-db-backup.timer': 'copies the list of packages every day',
  'e2scrub_all.timer': 'needs LVM, which is not there',
};
/** Unless a key for SSH is given. */
export const MASKED_WITHOUT_SSH: Readonly<Record<string, string>> = {
  'ssh.service': 'no way in over the network; --ssh-key FILE opens one for a key',
  'ssh.socket': 'the same',
};

export function maskLink(unit: string): Link {
  return { kind: 'link', path: `${SYSTEM_UNITS}/${unit}`, target: '/dev/null' };
}

/**
 * What bookworm needs besides, in the folder of that name: units of its own, and a drop-in for the two programs, since its
 * systemd hands over no socket to say READY on. The links lead into the current release, as those of all units do.
 */
export function bookwormLinks(names: readonly string[], texts: ReadonlyMap<string, string>): Link[] {
  const folder = `${APPLICATION_FOLDER}/${CURRENT_LINK}/${UNITS_IN_SLOT}/bookworm`;
  const units = names.filter(isUnitName).map((name) => ({ name, text: texts.get(name) ?? '' }));
  const dropIns = names.includes(BOOKWORM_DROP_IN) ? BOOKWORM_PROGRAMS : [];
  return [
    ...unitLinks(units).map(
      ({ path, target }): Link => ({ kind: 'link', path, target: `${folder}/${posix.basename(target)}` }),
    ),
    ...dropIns.map(
      (unit): Link => ({
        kind: 'link',
        path: `${SYSTEM_UNITS}/${unit}.d/bookworm.conf`,
        target: `${folder}/${BOOKWORM_DROP_IN}`,
      }),
    ),
  ];
}

/** Where a settings file goes: its first line says it, `# /usr/lib/sysctl.d/60-lethe.conf: …`, perhaps after `On bookworm:`. */
export function placeOf(text: string): string | undefined {
  const place = /^# (?:On bookworm: )?(\/(?:etc|usr\/lib)\/[\w./@-]+\.conf)\b/.exec(text)?.[1];
  return place === undefined || place !== posix.normalize(place) ? undefined : place;
}
