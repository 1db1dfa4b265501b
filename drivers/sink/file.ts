/** A file that grows at its end. Whoever rotates it may move it away: it is opened for each lot. */
import { appendFile } from 'node:fs/promises';
import { ExitCode, LetheError } from '../../runtime/errors.ts';
import type { Sink } from '../../runtime/ports/sink.ts';

export class FileSink implements Sink {
  readonly name: string;
  readonly #path: string;

  constructor(name: string, path: string) {
    this.name = name;
    this.#path = path;
  }

  async send(lines: string): Promise<void> {
    try {
      await appendFile(this.#path, lines, { mode: 0o640, flush: true });
    } catch (cause) {
      throw new LetheError(
        'SINK_FILE',
        `${this.#path} cannot be written (${(cause as NodeJS.ErrnoException).code}); it is tried again. Check folder, owner and room.`,
        ExitCode.ioError,
        { op: 'write sink', cause },
      );
    }
  }
}
