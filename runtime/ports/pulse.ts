/**
 * Pulse port: how a program tells whoever started it that it is ready, and that it is still well. Who hears nothing for
 * too long (WatchdogSec=) ends the program and starts it again, so a beat may only follow from a look at what the program
 * is there for; a timer alone beats in a program that does nothing any more.
 * No call throws or waits: a pulse that nobody hears is no fault of the program.
 */
export interface Pulse {
  /** One word for logs: `systemd`, `file`, `none`, `memory`. */
  readonly name: string;
  /** It does its work from now on. Told once; later calls do nothing. */
  ready(): void;
  /**
   * status: one short line for `systemctl status`. isWell: false withholds the beat. May be called each second; what is
   * sent is as much as the listener needs.
   */
  beat(isWell: boolean, status: string): void;
  /** It ends on purpose. */
  stopping(): void;
}
