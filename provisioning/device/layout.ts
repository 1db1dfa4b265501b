/**
 * Where the application lies on a device. Pure: what flashing writes into an image, and what an update keeps true, come from
 * the same lines.
 *
 *   /opt/lethe/a, /opt/lethe/b       slots: a whole release each, root's, readable for all (provisioning/bundle)
 *   /opt/lethe/current → a           what runs: eye, voice and the programs of the setup
 *   /opt/lethe/confirmed → a         what has counted here: the programs that install, watch a trial and go back
 *   /etc/systemd/system/lethe-*      links to the units of `current`; those of the update to the units of `confirmed`
 *
 * Two links, because whoever takes a broken release back must not be part of it: its Node may not even start.
 * A switch is one rename of one link, so a power cut leaves the old release or the new one.
 */
import { join } from 'node:path';

export const APPLICATION_FOLDER = '/opt/lethe';
export const SLOTS = ['a', 'b'] as const;
export type Slot = (typeof SLOTS)[number];
export const CURRENT_LINK = 'current';
export const CONFIRMED_LINK = 'confirmed';
export const UNIT_FOLDER = '/etc/systemd/system';
/** Of a release, with the units. */
export const UNITS_IN_SLOT = 'provisioning/units';
/** Public keys of releases, as NAME.pem. */
export const RELEASE_KEYS_FOLDER = '/etc/lethe/release';
/**
 * State of updates: root's, readable for the voice. Not /var/lib/lethe-…: under Node's permission model a grant whose path goes
 * on behind /var/lib/lethe takes away the right to open that folder itself (measured on 24.22), which the ledger needs.
 */
export const UPDATE_STATE_FOLDER = '/opt/lethe/update';
export const STATE_FILE = join(UPDATE_STATE_FOLDER, 'state.json');

export type LayoutFolder = { readonly kind: 'folder'; readonly path: string; readonly mode: number };
export type LayoutLink = { readonly kind: 'link'; readonly path: string; readonly target: string };
/** source: relative to the tree of the release. */
export type LayoutFile = {
  readonly kind: 'file';
  readonly path: string;
  readonly source: string;
  readonly mode: number;
};
export type LayoutEntry = LayoutFolder | LayoutLink | LayoutFile;

export type UnitText = { readonly name: string; readonly text: string };

const UNIT_NAME = /^lethe-[a-z0-9-]+\.(service|path|timer|target|socket)$/;
/** These belong to the release that is known to be good. */
const CONFIRMED_UNITS = /^lethe-(update|trial)\./;
const MODE_FOLDER = 0o755;

export function otherSlot(slot: Slot): Slot {
  return slot === 'a' ? 'b' : 'a';
}

export function isSlot(word: string | undefined): word is Slot {
  return word === 'a' || word === 'b';
}

/** Of the files in a release's unit folder, those that systemd is to know. */
export function isUnitName(name: string): boolean {
  return UNIT_NAME.test(name);
}

/**
 * Everything that a fresh device gets for the application, folders before what lies in them; all of it root's.
 * files: paths of the tree (release.json among them), as provisioning/bundle/build/tree.ts lists them; units: those that
 * `isUnitName` of its folder provisioning/units. isExecutable: of a path of the tree.
 */
export function applicationLayout(
  files: readonly string[],
  units: readonly UnitText[],
  isExecutable: (path: string) => boolean,
): LayoutEntry[] {
  const slot = join(APPLICATION_FOLDER, 'a');
  const folders = new Set<string>([APPLICATION_FOLDER, slot, UPDATE_STATE_FOLDER, RELEASE_KEYS_FOLDER]);
  for (const file of files) {
    const parts = file.split('/').slice(0, -1);
    for (let i = 1; i <= parts.length; i += 1) folders.add(join(slot, ...parts.slice(0, i)));
  }
  const links = unitLinks(units);
  for (const { path } of links) folders.add(path.slice(0, path.lastIndexOf('/')));
  folders.delete(UNIT_FOLDER);
  return [
    ...[...folders].sort().map((path): LayoutFolder => ({ kind: 'folder', path, mode: MODE_FOLDER })),
    ...files.map(
      (source): LayoutFile => ({
        kind: 'file',
        path: join(slot, source),
        source,
        mode: isExecutable(source) ? 0o755 : 0o644,
      }),
    ),
    { kind: 'link', path: join(APPLICATION_FOLDER, CURRENT_LINK), target: 'a' },
    { kind: 'link', path: join(APPLICATION_FOLDER, CONFIRMED_LINK), target: 'a' },
    ...links,
  ];
}

/** Links in /etc/systemd/system for these units: one with the unit's name, and one for each WantedBy= of its [Install]. */
export function unitLinks(units: readonly UnitText[]): LayoutLink[] {
  return units.flatMap(({ name, text }) => {
    const release = CONFIRMED_UNITS.test(name) ? CONFIRMED_LINK : CURRENT_LINK;
    const target = join(APPLICATION_FOLDER, release, UNITS_IN_SLOT, name);
    return [
      { kind: 'link', path: join(UNIT_FOLDER, name), target } as const,
      ...wantedBy(text).map(
        (wanting) => ({ kind: 'link', path: join(UNIT_FOLDER, `${wanting}.wants`, name), target }) as const,
      ),
    ];
  });
}

function wantedBy(text: string): string[] {
  const lines = text.slice(Math.max(0, text.indexOf('\n[Install]'))).matchAll(/^WantedBy=(.*)$/gm);
  return [...lines].flatMap(([, words = '']) => words.split(/\s+/).filter((word) => /^[a-z0-9@.-]+$/.test(word)));
}
