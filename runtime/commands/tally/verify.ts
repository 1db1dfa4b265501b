/** Verify: is this file a sound record of a tally? For whoever gets one and was not at the door. */
import { readFileSync } from 'node:fs';
import { ExitCode, LetheError } from '../../errors.ts';
import { verifyRecord } from './record.ts';
import { reportText } from './report.ts';

export type VerifyOptions = {
  /** A path, or `-` for stdin. */
  readonly file: string;
  /** Key that must have signed, in base64; '': any. */
  readonly publicKey: string;
  readonly timeZone: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
};

/** Prints the report and returns 0 for a sound record; else every fault, and 65. Throws LetheError (66) without a file. */
export function verifyCommand({ file, publicKey, timeZone, out, err }: VerifyOptions): ExitCode {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    throw new LetheError(
      'TALLY_NO_RECORD',
      `The record ${file} cannot be read (${(cause as NodeJS.ErrnoException).code}).`,
      ExitCode.noInput,
      { op: 'verify record', hint: 'Give a file that `lethe tally --json FILE` wrote, or - for the input.', cause },
    );
  }
  const { record, faults } = verifyRecord(text, publicKey);
  if (record === undefined || faults.length > 0) {
    err(`lethe: ${file} is no sound record of a tally:\n${faults.map((fault) => `  ${fault}\n`).join('')}`);
    return ExitCode.dataError;
  }
  out(reportText(record, timeZone));
  const whose = publicKey === '' ? 'compare it with the one that the device prints' : 'the one that was asked for';
  out(
    `\nSound: the result follows from the events, and nothing was changed since it was signed with\n${record.key} (${whose}).\n`,
  );
  return ExitCode.ok;
}
