/**
 * Goal: one client for life: after any number of reconnects nothing has grown.
 * Method: the embedded broker is ended and started again, 100 times or LINK_RESTARTS times; listeners, timers and sockets
 * are counted after a few and at the end.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type EmbeddedBroker, startEmbeddedBroker } from '../../../drivers/link/embedded-broker.ts';
import { MqttLink } from '../../../drivers/link/mqtt.ts';
import { eventually } from '../../fakes/within.ts';

const test = suite('reconnect');
const RESTARTS = Number(process.env['LINK_RESTARTS'] ?? 100);
/** After these everything that is made only once is there. */
const WARM_UP = 5;
const WAIT_MS = 5000;

function processListeners(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

/** What keeps the process alive, by kind: timers, sockets, servers. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

for (const sessionExpiryS of [0, 60]) {
  test(`${RESTARTS} restarts of the broker leave no listener, timer or socket behind (session ${sessionExpiryS} s)`, async () => {
    let broker: EmbeddedBroker = await startEmbeddedBroker(0);
    const { port } = broker;
    const link = new MqttLink({
      url: `mqtt://127.0.0.1:${port}`,
      clientId: 'for-life',
      keepaliveS: 30,
      timing: { retryMinMs: 2, retryMaxMs: 10 },
    });
    const heard: string[] = [];
    let warnings = 0;
    const countWarning = () => (warnings += 1);
    process.on('warning', countWarning);
    try {
      link.start(
        { will: { topic: 'lethe/status', payload: 'gone' }, topics: ['lethe/cmd'], sessionExpiryS },
        { onUp: () => {}, onDown: () => {}, onMessage: ({ payload }) => void heard.push(payload) },
      );
      let before: unknown;
      const look = () => ({ ...link.listenerCounts(), process: processListeners(), resources: resources() });
      for (let restart = 0; restart <= RESTARTS; restart++) {
        await eventually(WAIT_MS, `up after restart ${restart}`, () => link.up);
        await link.publish('lethe/cmd', String(restart), { retain: false, qos: 1 });
        await eventually(WAIT_MS, `heard after restart ${restart}`, () => heard.at(-1) === String(restart));
        if (restart === WARM_UP) before = look();
        if (restart === RESTARTS) break;
        await broker.stop();
        await eventually(WAIT_MS, `down at restart ${restart}`, () => !link.up);
        broker = await startEmbeddedBroker(port);
      }
      assert.equal(look(), before);
      assert.is(heard.length, RESTARTS + 1);
      assert.is(warnings, 0, 'no warning of too many listeners');
    } finally {
      process.off('warning', countWarning);
      await link.stop();
      await broker.stop();
    }
  });
}

test.run();
