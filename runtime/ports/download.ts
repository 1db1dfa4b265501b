/** Fetching one big file over the network, in pieces that survive a cut of the connection or of the power. */

export type DownloadRequest = {
  readonly url: string;
  /** What is there already is kept and gone on with. */
  readonly path: string;
  /** More than this is refused, whatever the other side says. */
  readonly bytesMax: number;
  /** After each piece: what is there, and what it is to be in all. */
  readonly onProgress: (receivedBytes: number, totalBytes: number) => void;
};

export interface Downloader {
  /**
   * Resolves when the file is whole and on the disk. Rejects with DriverError: `timeout` and `disconnected` are worth another
   * try, from where it broke off; the others are not.
   */
  fetch(request: DownloadRequest): Promise<void>;
  /** Ends what is under way. */
  stop(): void;
}
