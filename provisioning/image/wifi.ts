/**
 * A Wi-Fi connection as NetworkManager keeps it (nm-settings-keyfile(5)); the file has to belong to root with 0600, or it is
 * ignored. The name of the network goes in as its bytes, so that no character of it can be another setting.
 */
export type WifiWish = {
  readonly ssid: string;
  /** Empty: an open network. */
  readonly passphrase: string;
  readonly security: 'wpa' | 'sae' | 'open';
  readonly isHidden: boolean;
};

export const CONNECTION_PATH = '/etc/NetworkManager/system-connections/lethe.nmconnection';

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

/** `uuid`: any, as long as it stays the same for this file. */
export function connectionFile({ ssid, passphrase, security, isHidden }: WifiWish, uuid: string): string {
  const bytes = [...Buffer.from(ssid, 'utf8')].map((byte) => `${byte};`).join('');
  const secured =
    security === 'open'
      ? []
      : [
          '[wifi-security]',
          `key-mgmt=${security === 'sae' ? 'sae' : 'wpa-psk'}`,
          `psk=${keyfileValue(passphrase)}`,
          '',
        ];
  return [
    '[connection]',
    'id=lethe',
    `uuid=${uuid}`,
    'type=wifi',
    'autoconnect=true',
    // Without end: a shop's router may be off for a weekend.
    'autoconnect-retries=0',
    '',
    '[wifi]',
    'mode=infrastructure',
    `ssid=${bytes}`,
    ...(isHidden ? ['hidden=true'] : []),
    '',
    ...secured,
    '[ipv4]',
    'method=auto',
    '',
    '[ipv6]',
    'method=auto',
    'addr-gen-mode=stable-privacy',
    '',
  ].join('\n');
}

/** Escapes of GKeyFile: a backslash, and spaces at the beginning. */
function keyfileValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replace(/^ +/, (spaces) => '\\s'.repeat(spaces.length));
}
