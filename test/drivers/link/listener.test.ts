/**
 * Goal: both listeners keep the contract.
 * Method: the contract suite on the listener in memory and on MQTT with the embedded broker.
 */
import mqtt from 'mqtt';
import { test } from 'uvu';
import { startEmbeddedBroker } from '../../../drivers/link/embedded-broker.ts';
import { MemoryListener } from '../../../drivers/link/memory.ts';
import { MqttListener } from '../../../drivers/link/mqtt.ts';
import { listenerContract } from './listener.ts';

listenerContract('memory', () => {
  const listener = new MemoryListener();
  return Promise.resolve({
    listener,
    say: (topic, payload, retain) => Promise.resolve(listener.say(topic, payload, retain)),
    killBroker: () => {
      listener.goDown();
      listener.retained.clear();
      return Promise.resolve();
    },
    startBroker: () => Promise.resolve(listener.goUp()),
    dispose: () => Promise.resolve(),
  });
});

listenerContract('mqtt with the embedded broker', async () => {
  let broker = await startEmbeddedBroker(0);
  const { port } = broker;
  const url = `mqtt://127.0.0.1:${port}`;
  return {
    listener: new MqttListener({
      url,
      clientId: 'listener',
      username: '',
      passwordFile: '',
      caFile: '',
      keepaliveS: 30,
      timing: { retryMinMs: 20, retryMaxMs: 100 },
    }),
    say: async (topic, payload, retain) => {
      const client = await mqtt.connectAsync(url, { protocolVersion: 4 });
      await client.publishAsync(topic, payload, { qos: 1, retain });
      await client.endAsync();
    },
    killBroker: () => broker.stop(),
    startBroker: async () => {
      broker = await startEmbeddedBroker(port);
    },
    dispose: () => broker.stop(),
  };
});

test.run();
