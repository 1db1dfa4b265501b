/**
 * Wi-Fi port: joining one network and forgetting it again. There is one connection of ours at most; all others of the system
 * are left as they are. Nothing here is about names and addresses beyond "there is one".
 */
export type WifiNetwork = {
  /** 1 to 32 bytes, any. */
  readonly ssid: Uint8Array;
  /** As in provisioning/payload: 8 to 63 printable ASCII characters, or 64 hexadecimal digits for wpa; '' for open. Never logged. */
  readonly passphrase: string;
  readonly security: 'wpa' | 'sae' | 'open';
  readonly isHidden: boolean;
  /** ISO 3166-1 alpha-2; undefined: as the system has it. */
  readonly country: string | undefined;
};

/**
 * not_found: no access point of that name. password: it did not let us in. no_address: it did, but nobody gave us an address.
 * blocked: the radio is switched off and cannot be switched on. unavailable: no radio, or nobody who manages it.
 */
export type WifiFault = 'not_found' | 'password' | 'no_address' | 'blocked' | 'unavailable';

export type WifiAnswer =
  | { readonly isJoined: true }
  /** `reason`: one sentence for the log, without secrets. */
  | { readonly isJoined: false; readonly fault: WifiFault; readonly reason: string };

export interface Wifi {
  readonly name: string;
  /**
   * Resolves when there is an address, or with the fault; then nothing of ours is left. The same network again is as good as
   * the first time. Throws system errors when the connection cannot be written to disk.
   */
  join(network: WifiNetwork): Promise<WifiAnswer>;
  /** Nothing of ours is left; none before is as good. */
  forget(): Promise<void>;
}
