// Goal: many devices at one broker lose nothing, though some go away and come back, and it is known what each of them costs.
// Method: simulated devices (the product's voice and link, many in a process), a real mosquitto, the real gateway
// as a program of its own, a listener, a judge.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { skipBroker } from '../../fakes/broker.ts';
import { assertSound, printRow } from '../parts/stage.ts';
import { FLEET, runFleet } from './fleet.ts';

/** The last minutes of it. */
const LOG_CHARS = 8000;

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  test('nothing is lost and nobody counted twice', async () => {
    const { verdict, seconds, crashes, publications, bytes, devices, broker, ...rest } = await runFleet();
    const { gateway, everybody, shown, kept, gatewayLog } = rest;
    const deviceMinutes = (FLEET.devices * seconds) / 60;
    const cost = [
      `${(publications / seconds).toFixed(0)} messages/s`,
      `mosquitto ${(broker.cpuMs / 1000).toFixed(1)} s CPU, ${broker.residentMib.toFixed(0)} MiB`,
      `gateway ${(gateway.cpuMs / 1000).toFixed(1)} s CPU, ${gateway.residentMib.toFixed(0)} MiB`,
      `devices ${(devices.cpuMs / 1000).toFixed(1)} s CPU, ${devices.residentMib.toFixed(0)} MiB`,
      `per device and minute ${(devices.cpuMs / deviceMinutes).toFixed(1)} ms CPU, ${(broker.cpuMs / deviceMinutes).toFixed(2)} ms of the broker, ${(gateway.cpuMs / deviceMinutes).toFixed(2)} ms of the gateway, ${(publications / deviceMinutes).toFixed(0)} messages, ${(bytes / deviceMinutes / 1024).toFixed(1)} KiB`,
    ].join('; ');
    printRow(
      `${FLEET.devices} devices, ${seconds.toFixed(0)} s, ${FLEET.intervalS} s intervals`,
      crashes,
      verdict,
      cost,
    );
    assertSound(verdict, { epochs: FLEET.devices });
    assert.ok(crashes > 0, 'some went away');
    assert.equal(shown, everybody, 'the gateway’s totals of all doors');
    if (kept.store.in !== everybody.in) process.stdout.write(`${gatewayLog.slice(-LOG_CHARS)}\n`);
    assert.equal(kept, { doors: everybody, store: everybody }, 'the closed intervals in its database');
  });
}

test.run();
