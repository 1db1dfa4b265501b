/**
 * What `doctor --privacy` says about one thing, and the ways in which it may look at the machine.
 * red: a picture can remain, or be read by somebody who is not root. amber: it takes root, luck or a mistake of somebody
 * else, or the thing carries no picture. green: closed. grey: cannot be seen from here; the remedy says what it takes.
 */
import type { ProgramResult } from '../run-program.ts';

export const COLOURS = ['red', 'amber', 'green', 'grey'] as const;
export type Colour = (typeof COLOURS)[number];

export type Finding = {
  readonly name: string;
  readonly colour: Colour;
  /** What is there, in a few words. */
  readonly found: string;
  /** Why it matters, in one sentence. */
  readonly why: string;
  /** What to do; for grey, what it takes to see it. Empty for green. */
  readonly remedy: string;
};

/** A check's name and reason are the same whatever it finds: the check says only the rest. */
export type Verdict = Pick<Finding, 'colour' | 'found' | 'remedy'>;
export const red = (found: string, remedy: string): Verdict => ({ colour: 'red', found, remedy });
export const amber = (found: string, remedy: string): Verdict => ({ colour: 'amber', found, remedy });
export const green = (found: string): Verdict => ({ colour: 'green', found, remedy: '' });
export const grey = (found: string, remedy: string): Verdict => ({ colour: 'grey', found, remedy });

export type FileStatus = { readonly mode: number; readonly userId: number };

/** Every way in which the checks touch the machine; all of them only read. Undefined: not there, or not for us. */
export type PrivacyProbes = {
  /** User id of this process: 0 sees everything. */
  readonly userId: number;
  /** NODE_OPTIONS of this shell, which a program started from it would inherit. */
  readonly nodeOptions: string;
  /** Folder in which the corridor's and the camera's pipes are made without systemd. */
  readonly temporaryFolder: string;
  /** The ledger's folder, from the configuration. */
  readonly stateFolder: string;
  readText(path: string): string | undefined;
  exists(path: string): boolean;
  /** Names in a folder. */
  list(folder: string): readonly string[] | undefined;
  /** Target of a symbolic link. */
  link(path: string): string | undefined;
  status(path: string): FileStatus | undefined;
  /** Text of the kernel's build configuration. */
  kernelConfig(): string | undefined;
  run(program: string, words: readonly string[], timeoutMs: number): ProgramResult;
};

/** The checks of swap and core dumps, which plain `doctor` has too, need no more than this. */
export type TextProbe = Pick<PrivacyProbes, 'readText'>;
