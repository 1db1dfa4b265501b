/**
 * TEST ONLY: a Wi-Fi network for the emulated device. Linux has a simulated radio (mac80211_hwsim): two of them, one stays
 * with the device, the other one is the access point, in a network of its own together with the cable, which the device
 * thereby loses. hostapd joins the two, so what the device sends goes by radio and then to the emulator's host.
 */

import type { OverlayOptions } from '../../../scripts/emulator/overlay.ts';
import { packages } from '../../../scripts/emulator/packages.ts';

export const SSID = 'Café Norra';
export const PASSPHRASE = 'four words are enough';

const HOSTAPD = [
  'interface=wlan1',
  'bridge=br0',
  'driver=nl80211',
  `ssid2="${SSID}"`,
  'utf8_ssid=1',
  'country_code=SE',
  'hw_mode=g',
  'channel=6',
  'wpa=2',
  'wpa_key_mgmt=WPA-PSK',
  'rsn_pairwise=CCMP',
  `wpa_passphrase=${PASSPHRASE}`,
  '',
].join('\n');

const START = `#!/bin/bash
# TEST ONLY: takes the cable and one of two simulated radios away from the device and makes an access point of them.
set -eux
modprobe -a mac80211_hwsim bridge
udevadm settle
for path in /sys/class/net/*; do
  if [ -e "$path/device" ] && [ ! -e "$path/phy80211" ]; then cable=$(basename "$path"); fi
done
ip netns add store
iw phy "$(cat /sys/class/net/wlan1/phy80211/name)" set netns name store
ip link set "$cable" netns store
ip -n store link add br0 type bridge
ip -n store link set "$cable" master br0
for link in lo br0 "$cable"; do ip -n store link set "$link" up; done
ip netns exec store /usr/sbin/hostapd -B /etc/lethe-emulator-hostapd.conf
`;

const UNIT = `[Unit]
Description=Emulator of Lethe, test only: an access point
DefaultDependencies=no
After=systemd-udev-trigger.service local-fs.target
Before=NetworkManager.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/lethe-emulator/access-point

[Install]
WantedBy=sysinit.target
`;

export function accessPoint(): OverlayOptions {
  return {
    more: {
      'usr/lib/lethe-emulator/access-point': START,
      'etc/lethe-emulator-hostapd.conf': HOSTAPD,
      'etc/systemd/system/lethe-emulator-access-point.service': UNIT,
    },
    debs: [packages(() => {}, false).deb('hostapd')],
  };
}
