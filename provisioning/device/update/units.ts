/**
 * Links in /etc/systemd/system after a switch: those that the release has, and none of ours that leads nowhere. What it is
 * doing can be broken off anywhere and done again.
 */
import { join } from 'node:path';
import {
  APPLICATION_FOLDER,
  CONFIRMED_LINK,
  CURRENT_LINK,
  isUnitName,
  type Slot,
  UNIT_FOLDER,
  UNITS_IN_SLOT,
  unitLinks,
} from '../layout.ts';
import type { UpdateDisk } from './disk.ts';

/** root: for tests, in place of /. slot: the one that `current` points to. */
export function settleUnitLinks(disk: UpdateDisk, root: string, slot: Slot): void {
  const folder = join(root, APPLICATION_FOLDER, slot, UNITS_IN_SLOT);
  const units = disk
    .list(folder)
    .filter(isUnitName)
    .map((name) => ({ name, text: disk.read(join(folder, name)) ?? '' }));
  const wanted = unitLinks(units);
  for (const { path, target } of wanted)
    if (disk.linkTarget(join(root, path)) !== target) disk.switchLink(join(root, path), target);
  const paths = new Set(wanted.map(({ path }) => path));
  for (const path of ourLinks(disk, root)) {
    const target = disk.linkTarget(join(root, path)) ?? '';
    if (!paths.has(path) && !disk.exists(join(root, target))) disk.remove(join(root, path));
  }
}

/** Paths of links that lead into the application, in the unit folder and its .wants folders. */
function ourLinks(disk: UpdateDisk, root: string): string[] {
  const top = disk.list(join(root, UNIT_FOLDER));
  const names = top.flatMap((name) =>
    name.endsWith('.wants') ? disk.list(join(root, UNIT_FOLDER, name)).map((inside) => `${name}/${inside}`) : [name],
  );
  const ours = [CURRENT_LINK, CONFIRMED_LINK].map((link) => `${join(APPLICATION_FOLDER, link)}/`);
  return names
    .map((name) => join(UNIT_FOLDER, name))
    .filter((path) => ours.some((prefix) => disk.linkTarget(join(root, path))?.startsWith(prefix)));
}
