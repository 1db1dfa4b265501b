/**
 * Goal: Home Assistant finds the counter at a real broker: after a connect, after the broker lost what it kept, after its own
 * birth; and finds nothing any more when it is switched off.
 * Method: the compiled voice and a mosquitto that keeps nothing on disk, so that a new life of it has lost everything.
 */
import { writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { SchemaDocument } from '../../runtime/contract/schema-document.ts';
import { publishOnce, type Subscriber, skipBroker, TestBroker } from '../fakes/broker.ts';
import { eventually } from '../fakes/within.ts';
import { VoiceProcess } from './process.ts';

const TOPIC = 'homeassistant/device/lethe_demo_door1/config';
/** The latest answer to a birth, and something for a busy machine. */
const BIRTH_MS = 15_000;

type Scene = { broker: TestBroker; ear: Subscriber; voice: VoiceProcess };

/** Announcements so far, oldest first. */
function announcements(ear: Subscriber): string[] {
  return ear.received.filter(({ topic }) => topic === TOPIC).map(({ payload }) => payload);
}

/** What somebody finds who comes now. */
async function retainedNow(broker: TestBroker, expected: number): Promise<string[]> {
  const late = await broker.subscribe('#');
  try {
    await eventually(3000, 'retained messages', () => late.received.filter(({ retain }) => retain).length >= expected);
    late.checkContract();
    return late.received.map(({ topic }) => topic);
  } finally {
    await late.end();
  }
}

function onStage(name: string, body: (scene: Scene) => Promise<void>): void {
  test(name, async () => {
    const broker = await TestBroker.create();
    const ear = await broker.subscribe('#');
    const voice = new VoiceProcess({ mqtt: { url: broker.url }, home_assistant: { enabled: true } });
    try {
      voice.start();
      await eventually(5000, 'announced', () => announcements(ear).length === 1);
      await body({ broker, ear, voice });
      ear.checkContract();
    } catch (error) {
      process.stdout.write(`${voice.output}\n`);
      throw error;
    } finally {
      await voice.dispose();
      await ear.end();
      await broker.stop();
    }
  });
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  onStage('announced and described, retained, and again at a broker that has lost everything', async (scene) => {
    const { broker, ear } = scene;
    const config = JSON.parse(announcements(ear)[0]!);
    assert.is(config.availability_topic, 'lethe/v1/demo/door1/status');
    assert.is(config.cmps.total_door_in.state_topic, 'lethe/v1/demo/door1/total/door');
    // info, status, schema, health, total, occupancy and the announcement
    assert.ok((await retainedNow(broker, 7)).includes(TOPIC));
    await broker.kill();
    await broker.start();
    await eventually(15_000, 'announced again', () => announcements(ear).length === 2);
    const topics = await retainedNow(broker, 7);
    assert.ok(topics.includes(TOPIC));
    const described = Object.values(ear.last<SchemaDocument>('/schema')?.topics ?? {}).map(({ topic }) => topic);
    for (const topic of topics.filter((found) => found.startsWith('lethe/')))
      assert.ok(
        described.some((known) => known.split('/')[0] === topic.split('/')[4]),
        topic,
      );
  });

  onStage('its birth is answered with the same again', async ({ broker, ear }) => {
    await publishOnce(broker.url, 'homeassistant/status', 'online', {});
    await eventually(BIRTH_MS, 'announced again', () => announcements(ear).length === 2);
    assert.is(announcements(ear)[1], announcements(ear)[0]);
  });

  onStage('switched off, it leaves nothing at the broker', async ({ broker, ear, voice }) => {
    voice.signal('SIGTERM');
    await voice.ended();
    writeFileSync(voice.configPath, JSON.stringify({ state_dir: 'state', mqtt: { url: broker.url } }));
    voice.start();
    await eventually(5000, 'taken back', () => announcements(ear).at(-1) === '');
    assert.not.ok((await retainedNow(broker, 6)).includes(TOPIC));
  });
}

test.run();
