/**
 * Runs a program that is asked one question (its version, its list) and waits for the answer.
 * By argument array, never through a shell, and with a time-out: what asks must not hang with what it asks about.
 */
import { spawnSync } from 'node:child_process';

export type ProgramResult = { readonly outcome: 'ok' | 'absent' | 'timeout' | 'failed'; readonly output: string };

/** SIGKILL, as a camera program stuck in the kernel's driver does not heed SIGTERM. */
export function runProgram(program: string, words: readonly string[], timeoutMs: number): ProgramResult {
  const result = spawnSync(program, [...words], {
    encoding: 'utf8',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
    // The words we look for are English ones.
    env: { ...process.env, LC_ALL: 'C' },
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  const code = (result.error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOENT') return { outcome: 'absent', output };
  if (code === 'ETIMEDOUT') return { outcome: 'timeout', output };
  if (result.error !== undefined) return { outcome: 'failed', output: result.error.message };
  return { outcome: result.status === 0 ? 'ok' : 'failed', output };
}

/** What programs and files say goes to a terminal: no control characters but the line feed. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: taking these out is the purpose.
  return text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, '').trim();
}
