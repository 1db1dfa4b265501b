/** Sink port: where text goes line by line besides the broker, such as a file or a database over HTTP. */
export interface Sink {
  readonly name: string;
  /** Resolves when the sink has these lines; rejects with a sentence, and the same lines come again later. */
  send(lines: string): Promise<void>;
}
