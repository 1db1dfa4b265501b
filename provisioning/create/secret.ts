/**
 * The Wi-Fi passphrase from a file, from standard input or from the keyboard, never from the command line: that can be read by
 * everybody on the computer (ps), and stays in the shell's history.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { ProvisioningError } from '../../runtime/errors.ts';

/** A passphrase has at most 64 characters; who gives more has mixed up files. */
const SECRET_BYTES_MAX = 4096;
const Key = { interrupt: '\u0003', end: '\u0004', backspace: '\u007f', backspaceOld: '\b' } as const;

/** `path` may be `-`. One line break at the end is not part of the secret: editors and `echo` add it. */
export function secretFromFile(path: string): string {
  const bytes = Buffer.alloc(SECRET_BYTES_MAX + 1);
  let length = 0;
  try {
    const fd = path === '-' ? 0 : openSync(path, 'r');
    try {
      for (let count = -1; count !== 0 && length < bytes.length; length += count)
        count = readSync(fd, bytes, length, bytes.length - length, null);
    } finally {
      if (path !== '-') closeSync(fd);
    }
    if (length > SECRET_BYTES_MAX)
      throw new ProvisioningError('PROVISIONING_SECRET', `${nameOf(path)} has more than ${SECRET_BYTES_MAX} bytes.`, {
        op: 'read passphrase',
        hint: 'Give a file with the passphrase and nothing else.',
      });
    return bytes.toString('utf8', 0, length).replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof ProvisioningError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new ProvisioningError('PROVISIONING_SECRET', `${nameOf(path)} cannot be read (${code}).`, {
      op: 'read passphrase',
      hint: 'Give the file with the passphrase, or - and the passphrase on standard input.',
      cause: error,
    });
  } finally {
    bytes.fill(0);
  }
}

/** Asks on a terminal, without showing what is typed. */
export async function secretFromKeyboard(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.resume();
  let secret = '';
  try {
    for await (const text of stdin)
      for (const sign of String(text)) {
        if (sign === '\r' || sign === '\n' || sign === Key.end) return secret;
        if (sign === Key.interrupt)
          throw new ProvisioningError('PROVISIONING_SECRET', 'Interrupted; nothing was made.', {
            op: 'ask passphrase',
          });
        if (sign === Key.backspace || sign === Key.backspaceOld) secret = [...secret].slice(0, -1).join('');
        else secret += sign;
      }
    return secret;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function nameOf(path: string): string {
  return path === '-' ? 'Standard input' : path;
}
