/**
 * Services of the stock system that a counter must not have, each with its reason, and how our own are switched on.
 * They are masked (a link to /dev/null), not only disabled: presets of a first start and updates of a package would switch
 * them on again. `systemctl unmask NAME` brings one back.
 */
import { posix } from 'node:path';
import type { Link } from './ext4.ts';

export const SYSTEM_UNITS = '/etc/systemd/system';
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
 * Our units: each a link to the file of the version that is current, so that another version brings its own; and the links
 * that `systemctl enable` would make for its [Install] section.
 */
export function unitLinks(units: ReadonlyMap<string, string>, folder: string): Link[] {
  return [...units].flatMap(([name, text]) => {
    const target = `${folder}/${name}`;
    const wanted = (key: string, suffix: string) =>
      installWords(text, key).map(
        (by): Link => ({ kind: 'link', path: `${SYSTEM_UNITS}/${by}.${suffix}/${name}`, target }),
      );
    const aliases = installWords(text, 'Alias').map(
      (alias): Link => ({ kind: 'link', path: `${SYSTEM_UNITS}/${alias}`, target }),
    );
    return [
      { kind: 'link', path: `${SYSTEM_UNITS}/${name}`, target },
      ...wanted('WantedBy', 'wants'),
      ...wanted('RequiredBy', 'requires'),
      ...aliases,
    ];
  });
}

/** Names after `key=` in [Install]; several lines add up (systemd.unit(5)). */
export function installWords(text: string, key: string): string[] {
  const section = /^\[Install\]$([\s\S]*?)(?=^\[|$(?![\s\S]))/m.exec(text)?.[1] ?? '';
  return [...section.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap((match) =>
    match[1]!.split(/\s+/).filter((word) => word !== ''),
  );
}

/** Where a settings file goes: its first line says it, `# /usr/lib/sysctl.d/60-lethe.conf: …`. */
export function placeOf(text: string): string | undefined {
  const place = /^# (\/(?:etc|usr\/lib)\/[\w./@-]+\.conf)\b/.exec(text)?.[1];
  return place === undefined || place !== posix.normalize(place) ? undefined : place;
}
