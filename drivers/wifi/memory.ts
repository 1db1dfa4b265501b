/** A Wi-Fi in memory: access points that a test puts up, and faults that it asks for. */
import type { Wifi, WifiAnswer, WifiFault, WifiNetwork } from '../../runtime/ports/wifi.ts';

export class MemoryWifi implements Wifi {
  readonly name = 'memory';
  /** SSID (latin1) → passphrase of each access point in reach. */
  readonly #reachable = new Map<string, string>();
  /** Faults of the next calls, one each. */
  readonly #faults: WifiFault[] = [];
  /** What is kept for the next start; undefined: no connection of ours. */
  kept: WifiNetwork | undefined;
  joinCount = 0;

  putUp(ssid: string, passphrase: string): void {
    this.#reachable.set(ssid, passphrase);
  }

  failNext(fault: WifiFault): void {
    this.#faults.push(fault);
  }

  join(network: WifiNetwork): Promise<WifiAnswer> {
    this.joinCount += 1;
    const fault = this.#faults.shift() ?? this.#faultOf(network);
    this.kept = fault === undefined ? network : undefined;
    return Promise.resolve(
      fault === undefined ? { isJoined: true } : { isJoined: false, fault, reason: `as the test asked for: ${fault}.` },
    );
  }

  forget(): Promise<void> {
    this.kept = undefined;
    return Promise.resolve();
  }

  #faultOf(network: WifiNetwork): WifiFault | undefined {
    const passphrase = this.#reachable.get(Buffer.from(network.ssid).toString('latin1'));
    if (passphrase === undefined) return 'not_found';
    return passphrase === network.passphrase ? undefined : 'password';
  }
}
