/**
 * Verify: is a recording of receipts sound? For whoever has what a device sent and was not there. It needs nothing of the
 * device but the public half of its key, and that only to know whose receipts they are.
 */
import { createReadStream } from 'node:fs';
import { ExitCode, LetheError } from '../../errors.ts';
import { isLedger, readLedgerRecording } from './ledger.ts';
import { type Recording, readRecording } from './recording.ts';
import { reportJson, reportText } from './report.ts';

export type VerifyOptions = {
  /** A path, or `-` for stdin. */
  readonly file: string;
  /** The only key that may have signed, in base64; '': any, and the reader compares it. */
  readonly publicKey: string;
  readonly json: boolean;
  readonly out: (text: string) => void;
};

/** Prints the report; 0: sound, 65: findings. Throws LetheError: 66 without input or without a receipt in it, 64 for a bad key. */
export async function verifyCommand({ file, publicKey, json, out }: VerifyOptions): Promise<ExitCode> {
  if (publicKey !== '' && !/^[A-Za-z0-9+/]{43}=$/.test(publicKey)) {
    throw new LetheError('USAGE', `--public-key is ${publicKey}; expected 32 bytes in base64.`, ExitCode.usage, {
      op: 'verify receipts',
      hint: 'It is the field public_key of a receipt of that device; get it from somebody who has seen the device.',
    });
  }
  const recording = await read(file, publicKey);
  refuseNothing(file, recording);
  out(json ? reportJson(recording, publicKey) : reportText(recording, publicKey));
  return recording.findings.isSound ? ExitCode.ok : ExitCode.dataError;
}

async function read(file: string, publicKey: string): Promise<Recording> {
  try {
    if (file === '-') return await readRecording(process.stdin, publicKey);
    if (isLedger(file)) return await readLedgerRecording(file, publicKey);
    return await readRecording(createReadStream(file), publicKey);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (cause instanceof LetheError || code === undefined) throw cause;
    throw new LetheError('VERIFY_NO_INPUT', `${file} cannot be read (${code}).`, ExitCode.noInput, {
      op: 'verify receipts',
      hint: 'Give a file that mosquitto_sub wrote, the ledger’s file (ledger.db in state_dir), or - for the input.',
      cause,
    });
  }
}

/** An empty recording is not a sound one. */
function refuseNothing(file: string, { devices, findings, placeCount }: Recording): void {
  if (devices.length > 0 || !findings.isSound) return;
  const what = `${placeCount} ${findings.place}${placeCount === 1 ? '' : 's'}`;
  const hint =
    findings.place === 'record'
      ? 'The device had no key, or the ledger is new: verify a recording of its topics.'
      : 'Record the whole device: mosquitto_sub -h BROKER -t "lethe/v1/SITE/DEVICE/#" -v > FILE. There is a receipt after each interval.';
  throw new LetheError('VERIFY_NOTHING', `${file} has no receipt in ${what}.`, ExitCode.noInput, {
    op: 'verify receipts',
    hint,
  });
}
