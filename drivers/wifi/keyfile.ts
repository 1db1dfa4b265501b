/**
 * The file in which NetworkManager keeps one connection (nm-settings-keyfile(5)). Written by hand, because the passphrase given
 * to `nmcli` would stand in the list of processes for everybody.
 * The name of the network is written as a list of bytes: as text a `;` or a backslash would mean something else, and it need
 * not be UTF-8. The passphrase is text with the escapes of GKeyFile. Both forms were read back from NetworkManager 1.42.4.
 */
import { strict as assert } from 'node:assert';
import type { WifiNetwork } from '../../runtime/ports/wifi.ts';

/** Ours for ever, so that it can be found and removed whatever else is there. */
export const CONNECTION_UUID = '6c657468-6500-4000-8000-7769666900a1';
export const CONNECTION_NAME = 'lethe';
export const CONNECTION_FILE = 'lethe.nmconnection';

/**
 * Tries in a row before NetworkManager waits five minutes; 0: for ever. A counter has nothing else to do, and whoever restarts
 * an access point shall not wait for it.
 */
const AUTOCONNECT_RETRIES = 0;
/** Seconds; NetworkManager's own default is 45, which is longer than a person on a ladder waits. */
const DHCP_TIMEOUT_S = 30;

const KEY_MANAGEMENT = { wpa: 'wpa-psk', sae: 'sae' } as const;

export function connectionText(network: WifiNetwork): string {
  const { ssid, isHidden } = network;
  assert.ok(ssid.length >= 1 && ssid.length <= 32, `SSID of ${ssid.length} bytes; expected 1..32`);
  return [
    '[connection]',
    `id=${CONNECTION_NAME}`,
    `uuid=${CONNECTION_UUID}`,
    'type=wifi',
    `autoconnect-retries=${AUTOCONNECT_RETRIES}`,
    '',
    '[wifi]',
    'mode=infrastructure',
    `ssid=${Array.from(ssid, (byte) => `${byte};`).join('')}`,
    ...(isHidden ? ['hidden=true'] : []),
    // Saving power makes the radio sleep for tenths of a second at a time: 2 is "disable".
    'powersave=2',
    '',
    ...securityLines(network),
    '[ipv4]',
    'method=auto',
    `dhcp-timeout=${DHCP_TIMEOUT_S}`,
    '',
    '[ipv6]',
    'method=auto',
    '',
  ].join('\n');
}

function securityLines({ security, passphrase }: WifiNetwork): string[] {
  if (security === 'open') return [];
  // Checked before by whoever read the code; a line break would begin a line of its own.
  assert.match(passphrase, /^[ -~]{8,64}$/, 'passphrase of another form than 8 to 64 printable characters');
  return ['[wifi-security]', `key-mgmt=${KEY_MANAGEMENT[security]}`, `psk=${escaped(passphrase)}`, ''];
}

/** GKeyFile drops blanks around a value and reads backslashes as escapes. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replace(/^ +| +$/g, (blanks) => '\\s'.repeat(blanks.length));
}
