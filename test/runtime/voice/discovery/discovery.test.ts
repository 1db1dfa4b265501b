// Goal: Home Assistant knows what is true now: announced on each connection and on its birth, taken back when it ends.
// Method: a voice on the bench; lives with other configurations on the same folder, whose broker keeps what it was told.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { createLog, type Log } from '../../../../runtime/log.ts';
import { BASE, settle, VoiceBench } from '../bench.ts';

const ON = { home_assistant: { enabled: true } };
const TOPIC = 'homeassistant/device/lethe_demo_door1/config';
const BIRTH = 'homeassistant/status';
const START_MS = Date.UTC(2026, 0, 5, 12);
const LINE = { from: [0.05, 0.5], to: [0.95, 0.5], in: 'down' };

type Announced = { cmps: Record<string, { p: string; name?: string }> };

function announcements(bench: VoiceBench, topic = TOPIC): string[] {
  return bench.link.published.filter((message) => message.topic === topic).map(({ payload }) => payload);
}

function components(bench: VoiceBench): Announced['cmps'] {
  return (JSON.parse(announcements(bench).at(-1)!) as Announced).cmps;
}

function onBench(name: string, config: object, body: (bench: VoiceBench) => Promise<void>): void {
  test(name, async () => {
    const bench = new VoiceBench({ config }, START_MS);
    try {
      await bench.start();
      await body(bench);
    } finally {
      await bench.dispose();
    }
  });
}

/** The voice starts anew with another configuration, and finds its folder and the broker as they were. */
async function restart(bench: VoiceBench, config: object): Promise<void> {
  Object.assign(bench, { config: parseConfig({ state_dir: '/state', log_level: 'fatal', ...config }) });
  const before = bench.link.retained;
  await bench.crash();
  for (const [topic, payload] of before) if (!bench.link.retained.has(topic)) bench.link.retained.set(topic, payload);
  await settle();
}

onBench('by default nothing is said to it and nothing heard of it', {}, async (bench) => {
  bench.link.say(BIRTH, 'online', false);
  await bench.seconds(15);
  assert.equal(
    bench.link.published.filter(({ topic }) => !topic.startsWith(`${BASE}/`)),
    [],
  );
});

onBench('switched on, it is announced on each connection, retained', ON, async (bench) => {
  assert.is(announcements(bench).length, 1);
  assert.equal(components(bench)['total_door_in']?.name, 'door in');
  const [message] = bench.link.published.filter(({ topic }) => topic === TOPIC);
  assert.equal([message?.retain, message?.qos], [true, 1]);
  bench.link.goDown();
  bench.link.retained.clear();
  bench.link.goUp();
  await settle();
  assert.is(announcements(bench).length, 2);
  assert.ok(bench.link.retained.has(TOPIC));
});

onBench('its birth is answered once, after one to ten seconds', ON, async (bench) => {
  bench.random = 0.5;
  bench.link.say(BIRTH, 'online', false);
  bench.link.say(BIRTH, 'online', false);
  await bench.seconds(5);
  assert.is(announcements(bench).length, 1, 'not yet');
  await bench.seconds(1);
  assert.is(announcements(bench).length, 2);
  await bench.seconds(15);
  assert.is(announcements(bench).length, 2);
});

onBench('its death and a birth that lies at the broker are no reason', ON, async (bench) => {
  bench.link.say(BIRTH, 'offline', false);
  await bench.seconds(15);
  assert.is(announcements(bench).length, 1);
  bench.link.goDown();
  bench.link.retained.set(BIRTH, 'online');
  bench.link.goUp();
  await bench.seconds(15);
  assert.is(announcements(bench).length, 2, 'once for the connection');
});

onBench('switched off, it is taken back once, and never spoken of again', ON, async (bench) => {
  await restart(bench, {});
  assert.equal(announcements(bench).slice(1), ['']);
  bench.link.goDown();
  bench.link.goUp();
  await restart(bench, {});
  assert.is(announcements(bench).length, 2);
});

onBench('a renamed line takes its entities with it, then and later', ON, async (bench) => {
  const renamed = { ...ON, lines: [{ ...LINE, name: 'north' }] };
  for (let life = 0; life < 2; life++) {
    await restart(bench, renamed);
    assert.equal(components(bench)['total_door_in'], { p: 'sensor' }, 'announced as gone');
    assert.equal(components(bench)['total_door_out'], { p: 'sensor' });
    assert.is(components(bench)['total_north_in']?.name, 'north in');
  }
  await restart(bench, ON);
  assert.is(components(bench)['total_door_in']?.name, 'door in', 'and it may come back');
  assert.equal(components(bench)['total_north_in'], { p: 'sensor' });
});

onBench('a device of another name, or another prefix, takes the old announcement back first', ON, async (bench) => {
  const moved = { device: 'door2', home_assistant: { enabled: true, prefix: 'ha' } };
  await restart(bench, moved);
  const topic = 'ha/device/lethe_demo_door2/config';
  assert.is(announcements(bench).at(-1), '');
  assert.is(announcements(bench, topic).length, 1);
  const spoken = bench.link.published.map((message) => message.topic);
  assert.ok(spoken.lastIndexOf(TOPIC) < spoken.indexOf(topic));
});

onBench('what is announced is on disk before: a crash right after it forgets nothing', ON, async (bench) => {
  bench.link.goDown();
  bench.link.holdAcknowledgements = true; // the broker has it, and the voice never learns that it does
  bench.link.goUp();
  await settle();
  await restart(bench, { lines: [{ ...LINE, name: 'north' }] });
  assert.is(announcements(bench).at(-1), '', 'switched off meanwhile, and known');
});

/** A bench whose broker refuses to take anything on one topic, and what the voice logs of it. */
function refusing(topic: string, config: object): { bench: VoiceBench; warnings: string[] } {
  const warnings: string[] = [];
  const log = { ...createLog('voice', 'fatal'), info() {}, debug() {}, warn: (text: string) => warnings.push(text) };
  const bench = new VoiceBench({ config, log: log as unknown as Log }, START_MS);
  refuse(bench, topic);
  return { bench, warnings };
}

function refuse({ link }: VoiceBench, refused: string): void {
  const publish = link.publish.bind(link);
  link.publish = (topic, payload, options) =>
    topic === refused ? Promise.reject(new Error('Not authorized.')) : publish(topic, payload, options);
}

test('a broker that refuses the announcement is told of once a connection, and everything else goes on', async () => {
  const { bench, warnings } = refusing(TOPIC, ON);
  await bench.start();
  bench.greet();
  await bench.seconds(65);
  assert.equal(
    warnings.filter((text) => text.includes('Home Assistant')),
    ['Home Assistant does not learn of this counter: Not authorized.'],
  );
  assert.is(bench.intervals().length, 1);
  await bench.dispose();
});

test('an old announcement that cannot be taken back is told of, and the new one made all the same', async () => {
  const { bench, warnings } = refusing('nothing', ON);
  await bench.start();
  bench.voice.ledger.state.discovery.topic = 'homeassistant/device/lethe_demo_old/config';
  bench.link.goDown();
  refuse(bench, 'homeassistant/device/lethe_demo_old/config');
  bench.link.goUp();
  await settle();
  assert.is(announcements(bench).length, 2);
  assert.match(warnings.at(-1)!, 'mosquitto_pub -r -n -t homeassistant/device/lethe_demo_old/config');
  bench.link.goDown();
  bench.link.goUp();
  await settle();
  assert.is(warnings.filter((text) => text.includes('called before')).length, 1, 'and forgotten');
  await bench.dispose();
});

test.run();
