/**
 * A Wi-Fi connection of a card that is flashed for one network: the same file, under the same name, that the set-up writes on the
 * device, so that a later code replaces it and a reset removes it.
 */
import { CONNECTION_FILE, connectionText } from '../../drivers/wifi/keyfile.ts';

export type WifiWish = {
  readonly ssid: string;
  /** Empty: an open network. */
  readonly passphrase: string;
  readonly security: 'wpa' | 'sae' | 'open';
  readonly isHidden: boolean;
};

export const CONNECTION_PATH = `/etc/NetworkManager/system-connections/${CONNECTION_FILE}`;

/** Faults of the wish; the passphrase is never in them. IEEE 802.11: SSID 1 to 32 bytes; WPA passphrase 8 to 63 characters of ASCII. */
export function wifiProblems({ ssid, passphrase, security }: WifiWish): string[] {
  const bytes = Buffer.byteLength(ssid, 'utf8');
  const problems =
    bytes < 1 || bytes > 32 ? [`The name of the Wi-Fi network has ${bytes} bytes; expected 1 to 32.`] : [];
  if (security !== 'open' && !/^[ -~]{8,63}$/.test(passphrase))
    problems.push(
      `The Wi-Fi passphrase has ${passphrase.length} characters; expected 8 to 63 letters, digits and signs of ASCII.`,
    );
  return problems;
}

export function connectionFile({ ssid, ...rest }: WifiWish): string {
  return connectionText({ ...rest, ssid: Buffer.from(ssid, 'utf8'), country: undefined });
}
