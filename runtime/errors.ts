/**
 * The error classes of the whole program and the exit codes that go with them.
 * Every message is one sentence with the value, the expectation with its unit, and the remedy; secrets never enter it.
 * Inside a frame nothing is thrown: see eye/loop.ts for the integer statuses used there.
 */

/** Exit codes of sysexits.h, because service managers and scripts know them. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 64,
  dataError: 65,
  noInput: 66,
  unavailable: 69,
  ioError: 74,
  /** Started again at once with a new configuration (EX_TEMPFAIL). */
  again: 75,
  /** The button was held: configuration, credentials and counts are to be removed, then a code is looked for (units: lethe-reset). */
  reset: 76,
  config: 78,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

export type ErrorOptions = {
  /** What was being done, as `verb noun`: `read config`, `open camera`. */
  readonly op: string;
  /** What the reader should do next. */
  readonly hint?: string;
  readonly cause?: unknown;
};

/** Base of all expected errors; `code` is stable and may be matched by callers. */
export class LetheError extends Error {
  readonly code: string;
  readonly op: string;
  readonly hint: string;
  readonly exitCode: ExitCode;
  constructor(code: string, message: string, exitCode: ExitCode, options: ErrorOptions) {
    super(message, { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.op = options.op;
    this.hint = options.hint ?? '';
    this.exitCode = exitCode;
  }
}

/** A configuration that cannot be used; `problems` lists every fault found, not only the first. Exit 78, never retried. */
export class ConfigError extends LetheError {
  readonly problems: readonly string[];
  constructor(problems: readonly string[], options: ErrorOptions) {
    super('CONFIG_INVALID', problems.join('\n'), ExitCode.config, options);
    this.problems = problems;
  }
}

/** A model file that cannot be used (missing, wrong hash, damaged, unsupported operator). Exit 78, never retried. */
export class ModelError extends LetheError {
  constructor(code: string, message: string, options: ErrorOptions) {
    super(code, message, ExitCode.config, options);
  }
}

/** absent: no such device or file. busy: another process holds it. timeout: it went silent. disconnected: it went away. */
export type DriverErrorKind = 'absent' | 'busy' | 'timeout' | 'disconnected' | 'other';

/** Thrown or emitted by a driver. Retried with a bounded back-off by whoever owns the driver. */
export class DriverError extends LetheError {
  readonly kind: DriverErrorKind;
  constructor(kind: DriverErrorKind, message: string, options: ErrorOptions) {
    super(`DRIVER_${kind.toUpperCase()}`, message, kind === 'absent' ? ExitCode.noInput : ExitCode.ioError, options);
    this.kind = kind;
  }
}

/**
 * full: the file has reached its own bound. disk: the system refused, and `cause.code` says why (ENOSPC, EACCES, EROFS, EIO …).
 * damaged: the file is no database, or not a whole one. busy: another process has it. absent: there is none to read.
 * other: a statement that the database does not take: our own mistake.
 */
export type DatabaseErrorKind = 'full' | 'disk' | 'damaged' | 'busy' | 'absent' | 'other';

const DATABASE_EXIT_CODES: Readonly<Record<DatabaseErrorKind, ExitCode>> = {
  full: ExitCode.ioError,
  disk: ExitCode.ioError,
  damaged: ExitCode.dataError,
  busy: ExitCode.unavailable,
  absent: ExitCode.noInput,
  other: ExitCode.failed,
};

/** Thrown by a database (ports/database.ts). The state before the failed call is whole. */
export class DatabaseError extends LetheError {
  readonly kind: DatabaseErrorKind;
  constructor(kind: DatabaseErrorKind, message: string, options: ErrorOptions) {
    super(`DATABASE_${kind.toUpperCase()}`, message, DATABASE_EXIT_CODES[kind], options);
    this.kind = kind;
  }
}

/** The broker is away or refuses us. Stays inside the voice: counting goes on. */
export class LinkError extends LetheError {
  constructor(code: string, message: string, options: ErrorOptions) {
    super(code, message, ExitCode.unavailable, options);
  }
}

/**
 * An image or a card that is refused, or that could not be written whole: an answer to whoever flashes. `problems` lists
 * every fault found. What was begun is gone again: a file is removed, a card has no first megabyte and cannot start.
 */
export class ImageError extends LetheError {
  readonly problems: readonly string[];
  constructor(code: string, problems: string | readonly string[], options: ErrorOptions) {
    const list = typeof problems === 'string' ? [problems] : problems;
    super(`IMAGE_${code}`, list.join('\n'), ExitCode.failed, options);
    this.problems = list;
  }
}

/** A key, a code or a word given for setting a device up that cannot be used. The answer to a person: exit 1, nothing half done. */
export class ProvisioningError extends LetheError {
  constructor(code: string, message: string, options: ErrorOptions) {
    super(code, message, ExitCode.failed, options);
  }
}

/**
 * Why a bundle (provisioning/bundle) cannot be made, read or installed; stable words, which a device also publishes.
 * not_a_bundle: another file. damaged: cut short or changed underway. forged: not signed by the key that it names.
 * unknown_key: signed by a key that this device does not know. other_target: for another processor.
 * older: not newer than what is installed. needs_newer: an in-between version has to be installed first.
 * rolled_back: tried here before, and it did not count. no_room: the disk is too full. disk: the system refused.
 * incomplete: a part or a tool for making one is missing.
 */
export type BundleErrorKind =
  | 'not_a_bundle'
  | 'damaged'
  | 'forged'
  | 'unknown_key'
  | 'other_target'
  | 'older'
  | 'needs_newer'
  | 'rolled_back'
  | 'no_room'
  | 'disk'
  | 'incomplete';

/** A bundle of the application that is refused, or cannot be made. Nothing is half done. Exit 1. */
export class BundleError extends LetheError {
  readonly kind: BundleErrorKind;
  constructor(kind: BundleErrorKind, message: string, options: ErrorOptions) {
    super(`BUNDLE_${kind.toUpperCase()}`, message, ExitCode.failed, options);
    this.kind = kind;
  }
}

/** Text for a person: message, then the hint on its own line. Never a stack: this is for expected errors. */
export function explain(error: unknown): string {
  if (error instanceof LetheError) return error.hint ? `${error.message}\n  → ${error.hint}` : error.message;
  return error instanceof Error ? error.message : String(error);
}
