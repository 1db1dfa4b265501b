/**
 * From an image as it was downloaded to one that counts, and from there to a card. Read this first. The order:
 * programs there? → unpack into a file of our own → look at it (layout.ts, system.ts) → list what will be changed
 * (contents.ts, plan.ts) → ask for the card's name → change the copy (ext4.ts, fat.ts) → read everything back (verify.ts) → rename, or write the card
 * (card/). The given image is only read. Until the rename the result has another name; whatever fails, it is removed.
 * A dry run ends after the list.
 */
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ImageError } from '../../runtime/errors.ts';
import type { Application } from './application.ts';
import { type BlockDevice, type InventoryReader, readInventory } from './card/inventory.ts';
import { cardProblems, describe, find, isNamed, nameToType } from './card/rules.ts';
import { writeCard } from './card/write.ts';
import { type Contents, contentsFor } from './contents.ts';
import { bytesOf } from './ext4.ts';
import { growRoot, type Layout, readLayout } from './layout.ts';
import type { FlashOptions } from './options.ts';
import { planText } from './plan.ts';
import type { ProgressStart } from './progress.ts';
import { roomFor } from './room.ts';
import { copyImage, packingOf } from './source.ts';
import { openVolumes, readSystem, type System } from './system.ts';
import { CARD_TOOLS, IMAGE_TOOLS, requireTools, type Tool } from './tools.ts';
import { verify } from './verify.ts';

export type FlashContext = {
  readonly say: (line: string) => void;
  readonly progress: ProgressStart;
  /** Undefined: nobody is there to answer. */
  readonly ask?: (question: string) => Promise<string>;
  /** The application: made, unpacked or given; `remove` ends its use. */
  readonly application: () => Promise<Application & { readonly remove: () => void }>;
  readonly inventory?: InventoryReader;
  readonly nowMs: () => number;
};

/** Files that are not whole yet: whoever ends the program early removes them (removeUnfinished). */
const unfinished = new Set<string>();

export function removeUnfinished(): void {
  for (const path of unfinished) rmSync(path, { recursive: true, force: true });
  unfinished.clear();
}

export async function flash(options: FlashOptions, context: FlashContext): Promise<void> {
  const { image, out, device } = options;
  requireTools(toolsFor(options));
  const imageBytes = sizeOfImage(image);
  if (out !== undefined && existsSync(out))
    throw new ImageError('EXISTS', `${out} is there already.`, {
      op: 'write image',
      hint: 'Remove it, or choose another name with --out.',
    });
  const card = device === undefined ? undefined : resolved(device);
  // Before minutes are spent on unpacking; again before the question, and again right before it is written.
  if (card !== undefined) await requireCard(options, card, 0, context);
  const packing = packingOf(image);
  const work = workFile(out);
  try {
    const isCopyNeeded = packing !== 'none' || !options.isDryRun;
    const copyBytes = isCopyNeeded ? await copyInto(work.path, options, packing, context) : imageBytes;
    await withApplication(context, async (application) => {
      const planned = await look(isCopyNeeded ? work.path : image, copyBytes, application, options, context);
      if (options.isDryRun) return;
      const finalBytes = copyBytes + planned.growthBytes;
      const asked = card === undefined ? undefined : await askForCard(options, card, finalBytes, context);
      await change(planned, context);
      if (card !== undefined && asked !== undefined) {
        requireSame(asked, await requireCard(options, card, finalBytes, context));
        await writeCard(work.path, card, context.progress);
      }
      if (out !== undefined) renameSync(work.path, out);
      context.say(`done: ${[out, device].filter((place) => place !== undefined).join(' and ')}`);
    });
  } finally {
    work.remove();
  }
}

async function withApplication(
  { application }: FlashContext,
  use: (application: Application) => Promise<void>,
): Promise<void> {
  const given = await application();
  try {
    await use(given);
  } finally {
    given.remove();
  }
}

/** Reads the image and says what will be changed. */
async function look(
  path: string,
  imageBytes: number,
  application: Application,
  { image, out, device, isDryRun, wishes }: FlashOptions,
  { say, nowMs }: FlashContext,
): Promise<Change> {
  const layout = await readLayout(path, imageBytes);
  const volumes = await openVolumes(path, layout);
  const system = await readSystem(volumes);
  const contents = await contentsFor({ root: volumes.root, system, application, wishes, nowMs: nowMs() });
  const room = await volumes.root.room();
  const roomPlan = roomFor(contents.entries, room);
  const to = isDryRun ? [] : [out, device].filter((place) => place !== undefined);
  const { version } = application;
  say(planText({ image, imageBytes, layout, system, version, contents, wishes, room, roomPlan, to }));
  return { path, imageBytes, layout, system, contents, growthBytes: roomPlan.growthBytes };
}

type Change = {
  readonly path: string;
  readonly imageBytes: number;
  readonly layout: Layout;
  readonly system: System;
  readonly contents: Contents;
  readonly growthBytes: number;
};

/** Everything that is written, then read back. */
async function change(
  { path, imageBytes, layout, system, contents, growthBytes }: Change,
  { progress, say }: FlashContext,
): Promise<void> {
  const bytes = imageBytes + growthBytes;
  if (growthBytes > 0) {
    truncateSync(path, bytes);
    await growRoot(path);
  }
  const after = await readLayout(path, bytes);
  const volumes = await openVolumes(path, after);
  if (growthBytes > 0) await volumes.root.grow();
  const writing = progress('writing into the image', 0);
  await volumes.root.write(contents.entries);
  for (const [name, text] of contents.boot) await volumes.boot.write(name, text);
  writing.done(contents.entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? bytesOf(entry) : 0), 0));
  const { bootFaults } = system;
  const { files } = await verify({ volumes, contents, before: layout, after, bootFaults, progress });
  say(`read back: ${files} files, ${contents.entries.length - files} links and folders; both file systems are clean`);
}

async function copyInto(
  path: string,
  { image, sha256 }: FlashOptions,
  packing: ReturnType<typeof packingOf>,
  { progress }: FlashContext,
): Promise<number> {
  const target = openSync(path, 'wx');
  try {
    return await copyImage({ source: image, packing, target, targetPath: path, sha256, progress });
  } finally {
    closeSync(target);
  }
}

/** The card, once somebody has said its name. */
async function askForCard(
  options: FlashOptions,
  card: string,
  imageBytes: number,
  context: FlashContext,
): Promise<BlockDevice> {
  const device = await requireCard(options, card, imageBytes, context);
  const name = nameToType(device);
  const answer =
    options.yesErase ?? (await context.ask?.(`${describe(device)} is erased wholly. Type ${name} to go on: `)) ?? '';
  if (isNamed(device, answer)) return device;
  throw new ImageError(
    'CARD_NAME',
    `${card} is called ${JSON.stringify(name)}, which was not what was said; nothing was written.`,
    {
      op: 'ask before erasing',
      hint:
        context.ask === undefined
          ? `Without a terminal: --yes-erase ${JSON.stringify(name)}`
          : 'Look again whether it is the right one.',
    },
  );
}

/** Minutes lie between the question and the writing: another card may be in the reader by now. */
function requireSame(asked: BlockDevice, found: BlockDevice): void {
  const identity = ({ model, serial, sizeBytes }: BlockDevice) => JSON.stringify([model, serial, sizeBytes]);
  if (identity(asked) !== identity(found))
    throw new ImageError('CARD', `${found.path} is another card than the one that was asked about.`, {
      op: 'look at card',
      hint: 'Nothing was written. Begin again.',
    });
}

async function requireCard(
  { isLargeAllowed }: FlashOptions,
  card: string,
  imageBytes: number,
  { inventory = readInventory }: FlashContext,
): Promise<BlockDevice> {
  const disks = await inventory();
  const problems = cardProblems(disks, { path: card, imageBytes, isLargeAllowed });
  const device = find(disks.devices, card)?.device;
  if (problems.length > 0 || device === undefined)
    throw new ImageError('CARD', problems, { op: 'look at card', hint: 'Nothing was written.' });
  return device;
}

/** A file beside the result, or where there is none to be, in a folder of its own. */
function workFile(out: string | undefined): { readonly path: string; readonly remove: () => void } {
  const folder = out === undefined ? mkdtempSync(join(tmpdir(), 'lethe-flash-')) : undefined;
  const path = folder === undefined ? join(dirname(out!), `.${basename(out!)}.part`) : join(folder, 'image');
  const owned = folder ?? path;
  // Of an earlier try that was cut off.
  if (folder === undefined) rmSync(path, { force: true });
  unfinished.add(owned);
  return {
    path,
    remove: () => {
      rmSync(owned, { recursive: true, force: true });
      unfinished.delete(owned);
    },
  };
}

function sizeOfImage(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile()) return stat.size;
  throw new ImageError(
    'NO_IMAGE',
    `${path} ${stat === undefined ? 'is not there' : 'is no file'}; expected an image.`,
    {
      op: 'read image',
      hint: 'Raspberry Pi OS Lite (64-bit): raspberrypi.com/software/operating-systems',
    },
  );
}

function resolved(device: string): string {
  try {
    return realpathSync(device);
  } catch {
    return device;
  }
}

function toolsFor({ device, image }: FlashOptions): Tool[] {
  const packed: Tool[] = /\.xz$/.test(image) ? ['xz'] : /\.zst$/.test(image) ? ['zstd'] : [];
  return [...IMAGE_TOOLS, ...packed, ...(device === undefined ? [] : CARD_TOOLS)];
}
