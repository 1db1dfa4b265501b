/**
 * Goal: commands over a real broker: replies bear the correlation of their request in MQTT 5 and their id in 3.1.1, retained
 * commands are never carried out, and a replay is refused by a voice that was killed in between.
 * Method: the compiled voice between real FIFOs, mosquitto, and our own link as the one who asks, in both versions.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MqttLink } from '../../drivers/link/mqtt.ts';
import { ControlWord } from '../../runtime/corridor/control.ts';
import { RecordKind } from '../../runtime/corridor/record.ts';
import type { LinkMessage } from '../../runtime/ports/link.ts';
import { publishOnce, type Subscriber, skipBroker, TestBroker } from '../fakes/broker.ts';
import { memoryKey } from '../fakes/key.ts';
import { eventually, within } from '../fakes/within.ts';
import { FakeEye } from '../runtime/voice/bench.ts';
import { nextId, type SignedFields, signedJson } from '../runtime/voice/commands/requests.ts';
import { VoiceProcess } from './process.ts';

const BASE = 'lethe/v1/demo/door1';
const KEY = memoryKey();
type Reply = { readonly id: string | null; readonly ok: boolean; readonly error?: { readonly code: string } };
type Scene = { broker: TestBroker; ear: Subscriber; voice: VoiceProcess };

function onStage(name: string, body: (scene: Scene) => Promise<void>): void {
  test(name, async () => {
    const broker = await TestBroker.create();
    const ear = await broker.subscribe();
    const voice = new VoiceProcess({ mqtt: { url: broker.url }, commands: { public_keys: [KEY.publicKey] } });
    try {
      voice.start();
      await eventually(10_000, 'online', () => ear.last('/status')?.['state'] === 'online');
      await body({ broker, ear, voice });
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

const signed = (name: string, fields: SignedFields['fields'] = {}) =>
  JSON.stringify(signedJson({ name, key: KEY, nowMs: Date.now(), fields }));
const codes = (ear: Subscriber, name: string) =>
  ear.all<Reply>(`/reply/${name}`).map(({ ok, error }) => (ok ? 'ok' : error?.code));

/** Asks as an integration would, and resolves with what comes on the reply topic. */
async function ask(url: string, protocol: 5 | '3.1.1', correlationData?: Uint8Array): Promise<LinkMessage> {
  const link = new MqttLink({
    url,
    protocol,
    clientId: `asks-${protocol}`,
    username: '',
    passwordFile: '',
    caFile: '',
    certFile: '',
    keyFile: '',
    serverName: '',
    keepaliveS: 30,
  });
  try {
    return await within(
      5000,
      `a reply in ${protocol}`,
      new Promise<LinkMessage>((resolve, reject) => {
        link.start(
          { topics: [`${BASE}/reply/ping`] },
          {
            onUp: () => {
              const options = { retain: false, qos: 1, ...(correlationData && { correlationData }) } as const;
              link.publish(`${BASE}/cmd/ping`, JSON.stringify({ v: 1, id: `by-${protocol}` }), options).catch(reject);
            },
            onDown: () => {},
            onMessage: resolve,
          },
        );
      }),
    );
  } finally {
    await link.stop();
  }
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  onStage('ping is answered in both versions: by correlation data in 5, by id in both', async ({ broker }) => {
    const five = await ask(broker.url, 5, Uint8Array.of(7, 0, 255));
    assert.equal([...(five.correlationData ?? [])], [7, 0, 255]);
    assert.is((JSON.parse(five.payload) as Reply).id, 'by-5');
    const old = await ask(broker.url, '3.1.1');
    assert.is(old.correlationData, undefined);
    assert.is((JSON.parse(old.payload) as Reply).id, 'by-3.1.1');
  });

  onStage('a retained command is refused by name and not carried out, each time the voice starts', async (scene) => {
    const { broker, ear, voice } = scene;
    voice.signal('SIGTERM');
    assert.is(await voice.ended(), 0);
    await publishOnce(broker.url, `${BASE}/cmd/identify`, JSON.stringify({ v: 1, id: 'kept' }), { retain: true });
    voice.start();
    await eventually(10_000, 'refused', () => codes(ear, 'identify').length === 1);
    assert.equal(codes(ear, 'identify'), ['retained']);
    assert.not(voice.words().includes(ControlWord.identify));
  });

  onStage(
    'a signed command is carried out once, though the voice is killed and the message comes again',
    async (scene) => {
      const { broker, ear, voice } = scene;
      const payload = signed('reset-occupancy', { people: 42 });
      await publishOnce(broker.url, `${BASE}/cmd/reset-occupancy`, payload, {});
      await eventually(5000, 'done', () => codes(ear, 'reset-occupancy').length === 1);
      await eventually(5000, 'told', () => ear.last('/occupancy/store')?.['people'] === 42);
      voice.signal('SIGKILL');
      await voice.ended();
      voice.start();
      await eventually(10_000, 'online again', () => ear.last<{ boot: number; state: string }>('/status')?.boot === 2);
      await publishOnce(broker.url, `${BASE}/cmd/reset-occupancy`, payload, {});
      await eventually(5000, 'refused', () => codes(ear, 'reset-occupancy').length === 2);
      assert.equal(codes(ear, 'reset-occupancy'), ['ok', 'replayed']);
    },
  );

  onStage('what strangers send is refused by name, and the voice goes on', async ({ broker, ear }) => {
    const say = (name: string, payload: string) => publishOnce(broker.url, `${BASE}/cmd/${name}`, payload, {});
    await say('open-door', '{}');
    await say('ping', 'not json');
    await say('setup', JSON.stringify({ v: 1, id: nextId(), minutes: 5 }));
    await say('ping', JSON.stringify({ v: 1, id: 'big', more: 'x'.repeat(5000) }));
    await eventually(5000, 'four refusals', () => ear.all('/reply/').length === 4);
    assert.equal(
      [...codes(ear, 'unknown'), ...codes(ear, 'ping'), ...codes(ear, 'setup')],
      ['unknown_command', 'malformed', 'too_large', 'unsigned'],
    );
    await say('ping', JSON.stringify({ v: 1, id: 'ok' }));
    await eventually(5000, 'it still answers', () => codes(ear, 'ping').at(-1) === 'ok');
  });

  onStage(
    'set-up mode: the eye is asked, its positions come out, and are not retained',
    async ({ broker, ear, voice }) => {
      const eye = new FakeEye(1);
      voice.send(eye.hello(Date.now()));
      await publishOnce(broker.url, `${BASE}/cmd/setup`, signed('setup', { minutes: 1 }), {});
      await eventually(5000, 'the eye is asked', () => voice.words().includes(ControlWord.setupOn));
      voice.send(eye.record({ kind: RecordKind.dots, code: 1, a: 128 * 256 + 64 }));
      await eventually(5000, 'positions', () => ear.received.some(({ topic }) => topic === `${BASE}/setup`));
      assert.equal(ear.last(`${BASE}/setup`)?.['dots'], [[0.502, 0.252]]);
      const late = await broker.subscribe();
      await eventually(2000, 'retained', () => late.received.length >= 5);
      assert.not(late.received.some(({ topic }) => topic === `${BASE}/setup`));
      await late.end();
    },
  );
}

test.run();
