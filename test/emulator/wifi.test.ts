// Goal: a device without a cable joins the Wi-Fi of its code, and says so when that network is not there or the passphrase is wrong.
// Method: as device.test.ts, with a simulated radio: hostapd on one half of it, NetworkManager of the device on the other.
import { suite } from 'uvu';
import type { WifiAccess } from '../../provisioning/payload/payload.ts';
import { accessPoint, PASSPHRASE, SSID } from './parts/access-point.ts';
import { payloadFor, show, signed } from './parts/codes.ts';
import { Lane, whyNot } from './parts/lane.ts';

const MINUTE_MS = 60_000;
const reason = whyNot();
const test = suite('emulated device on Wi-Fi');

let lane: Lane;
let isBroken = false;

function step(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    if (isBroken) throw new Error('an earlier step has failed');
    try {
      if (lane === undefined) await work();
      else await lane.timed(name, work);
    } catch (error) {
      isBroken = true;
      process.stdout.write(`the last lines of the journal (everything: ${lane?.folder}):\n${lane?.tail()}\n`);
      throw error;
    }
  });
}

function showWifi(wifi: Partial<WifiAccess>): void {
  const access: WifiAccess = { ssid: SSID, passphrase: PASSPHRASE, security: 'wpa', isHidden: false, ...wifi };
  show(lane.share, signed(lane.store, payloadFor(lane.store, { wifi: access, country: 'SE' })));
}

async function isRefused(wifi: Partial<WifiAccess>, word: string): Promise<void> {
  const taken = lane.hears(/"msg":"code taken/, 4 * MINUTE_MS);
  const refused = lane.hears(new RegExp(`"program":"scan","refusal":"${word}"`), 8 * MINUTE_MS);
  showWifi(wifi);
  await Promise.all([taken.then(() => show(lane.share, undefined)), refused]);
}

if (reason !== undefined) {
  test('is skipped here', () => {
    process.stdout.write(`emulated device on Wi-Fi: skipped, ${reason}\n`);
  });
} else {
  step('a card is flashed, and the device starts without a cable', async () => {
    lane = await Lane.open(accessPoint());
    await lane.boot();
    await lane.machine.says(/"msg":"the camera runs"/, 6 * MINUTE_MS);
  });

  step('a network that is not there is refused as wifi_not_found', () =>
    isRefused({ ssid: 'Nowhere' }, 'wifi_not_found'),
  );

  step('a wrong passphrase is refused as wifi_password', () =>
    isRefused({ passphrase: 'five words are not enough' }, 'wifi_password'),
  );

  step('the right code leads by radio to the certificate', async () => {
    const installed = lane.hears(/"msg":"installed"/, 12 * MINUTE_MS);
    showWifi({});
    await installed;
    show(lane.share, undefined);
  });

  step('and to a device that counts', async () => {
    await lane.until('the eye counts', 8 * MINUTE_MS, () =>
      lane.store.of('door1/health').some(({ text }) => text.includes('"eye":{"state":"counting"')),
    );
  });
}

test.after(async () => {
  await lane?.close(isBroken);
});

test.run();
