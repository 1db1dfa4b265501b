/**
 * Goal: commands are answered where they came from, carried out once and never twice, and nobody is buried by strangers' ones.
 * Method: a voice on the bench, its link in memory; the test says commands in the name of others and reads the replies.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { ControlWord } from '../../../../runtime/corridor/control.ts';
import { EyeState } from '../../../../runtime/corridor/record.ts';
import { ConfigError } from '../../../../runtime/errors.ts';
import { memoryKey } from '../../../fakes/key.ts';
import { BASE, type BenchOptions, settle, VoiceBench } from '../bench.ts';
import { nextId, type SignedFields, signedJson } from './requests.ts';

const START_MS = Date.UTC(2026, 5, 1, 12);
const KEY = memoryKey();
const CONFIG = { commands: { public_keys: [KEY.publicKey] } };

type Reply = {
  readonly at: string;
  readonly id: string | null;
  readonly ok: boolean;
  readonly error?: { readonly code: string; readonly message: string };
  readonly [result: string]: unknown;
};

function onBench(name: string, body: (bench: VoiceBench) => Promise<void>, options: BenchOptions = {}): void {
  test(name, async () => {
    const bench = new VoiceBench({ ...options, config: { ...CONFIG, ...options.config } }, START_MS);
    try {
      await bench.start();
      await body(bench);
    } finally {
      await bench.dispose();
    }
  });
}

const say = async (bench: VoiceBench, name: string, json: unknown, correlationData?: Uint8Array): Promise<void> => {
  const payload = typeof json === 'string' ? json : JSON.stringify(json);
  bench.link.say(`${BASE}/cmd/${name}`, payload, false, correlationData);
  await settle();
};
const signed = (bench: VoiceBench, name: string, fields: SignedFields['fields'] = {}) =>
  signedJson({ name, key: KEY, nowMs: bench.nowMs, fields });
const replies = (bench: VoiceBench, name: string) => bench.payloads<Reply>(`reply/${name}`);
const codes = (bench: VoiceBench, name: string) =>
  replies(bench, name).map(({ ok, error }) => (ok ? 'ok' : error?.code));

onBench('ping is answered with id, correlation data, version and time', async (bench) => {
  await bench.seconds(5);
  await say(bench, 'ping', { v: 1, id: 'p1' }, Uint8Array.of(1, 2, 3));
  assert.equal(replies(bench, 'ping') as unknown, [
    { v: 1, at: '2026-06-01T12:00:05.000Z', id: 'p1', ok: true, version: '0.0.0-test', uptime_s: 5 },
  ]);
  const published = bench.link.published.at(-1)!;
  assert.equal([published.retain, published.qos, published.correlationData], [false, 1, Uint8Array.of(1, 2, 3)]);
});

onBench('identify makes the lamp flicker', async (bench) => {
  await say(bench, 'identify', { v: 1, id: 'i1' });
  assert.is(bench.words.at(-1), ControlWord.identify);
  assert.is(replies(bench, 'identify')[0]?.['seconds'], 10);
});

onBench('a stranger’s word becomes no topic of ours', async (bench) => {
  await say(bench, 'status', { v: 1, id: 'x' });
  await say(bench, 'a+b', { v: 1, id: 'y' });
  bench.link.say(`${BASE}/cmd/deeper/still`, '{}', false);
  await settle();
  assert.equal(
    replies(bench, 'unknown').map(({ id, error }) => [id, error?.code]),
    [
      ['x', 'unknown_command'],
      ['y', 'unknown_command'],
    ],
  );
  assert.is(replies(bench, 'status').length, 0);
});

onBench('a retained command is never carried out, also after a reconnect', async (bench) => {
  bench.link.cut();
  bench.link.retained.set(`${BASE}/cmd/identify`, JSON.stringify({ v: 1, id: 'r' }));
  bench.link.goUp();
  await settle();
  assert.equal(codes(bench, 'identify'), ['retained']);
  assert.not(bench.words.includes(ControlWord.identify));
});

onBench('reset-occupancy sets who is in the store, and is told at once', async (bench) => {
  await say(bench, 'reset-occupancy', signed(bench, 'reset-occupancy', { people: 23 }));
  assert.equal(codes(bench, 'reset-occupancy'), ['ok']);
  const store = bench.retained<{ people: number; in: number; reset_at: string }>('occupancy/store');
  assert.equal([store?.people, store?.in, store?.reset_at], [23, 0, '2026-06-01T12:00:00.000Z']);
});

onBench('resend sends kept records again, and says so of those that are not kept or too many', async (bench) => {
  bench.greet();
  await bench.seconds(130);
  const { epochId: epoch_id } = bench.voice.ledger.state;
  const count = bench.intervals().length;
  const ask = (from_seq: number, to_seq: number, epoch = epoch_id) =>
    say(bench, 'resend', { v: 1, id: nextId(), epoch_id: epoch, from_seq, to_seq });
  await ask(1, 1);
  await bench.seconds(1);
  assert.is(bench.intervals().length, count + 1);
  assert.equal([bench.intervals().at(-1)?.seq, bench.intervals().at(-1)?.historical], [1, true]);
  await ask(9000, 9001);
  await ask(1, 1, '00000000-0000-4000-8000-000000000000');
  await ask(2, 1);
  await ask(1, 10_001);
  assert.equal(codes(bench, 'resend'), ['ok', 'not_kept', 'not_kept', 'invalid', 'invalid']);
});

onBench('health tells how many were carried out and refused', async (bench) => {
  await say(bench, 'reset-occupancy', signed(bench, 'reset-occupancy', { people: 1 }));
  await say(bench, 'ping', 'nonsense');
  await bench.seconds(61);
  const { commands } = bench.retained<{ commands: object }>('health')!;
  assert.equal(commands, { accepted: 1, refused: 1, last_at: '2026-06-01T12:00:00.000Z' });
});

onBench(
  'a command is carried out once: not again at once, nor after a crash, nor with the clock set back',
  async (bench) => {
    const json = signed(bench, 'reset-occupancy', { people: 5 });
    await say(bench, 'reset-occupancy', json);
    await say(bench, 'reset-occupancy', json);
    await bench.crash();
    await say(bench, 'reset-occupancy', json);
    bench.clock.jumpWall(700_000);
    await say(bench, 'ping', { v: 1, id: 'later' }); // forgets what expired
    bench.clock.jumpWall(-700_000);
    await say(bench, 'reset-occupancy', json);
    assert.equal(codes(bench, 'reset-occupancy'), ['ok', 'replayed', 'replayed', 'replayed']);
  },
);

onBench('what cannot be written down is not done', async (bench) => {
  bench.disk.fault = 'ENOSPC';
  await say(bench, 'reset-occupancy', signed(bench, 'reset-occupancy', { people: 7 }));
  assert.equal(codes(bench, 'reset-occupancy'), ['not_remembered']);
  assert.is.not(bench.retained<{ people: number }>('occupancy/store')?.people, 7);
  bench.disk.fault = undefined;
});

onBench(
  'without keys the refusal says how to allow commands',
  async (bench) => {
    await say(bench, 'reload', signed(bench, 'reload'));
    const [reply] = replies(bench, 'reload');
    assert.is(reply?.error?.code, 'no_keys');
    assert.match(reply?.error?.message ?? '', 'lethe command --new-key FILE');
  },
  { config: { commands: { public_keys: [] } } },
);

onBench(
  'a flood is answered to a bounded number, then counted only; after a pause commands are taken again',
  async (bench) => {
    for (let i = 0; i < 500; i++) await say(bench, 'ping', { v: 1, id: nextId() });
    assert.is(replies(bench, 'ping').length, 20);
    assert.equal(codes(bench, 'unknown'), ['too_many']);
    await bench.seconds(10);
    await say(bench, 'ping', { v: 1, id: 'calm' });
    assert.is(replies(bench, 'ping').at(-1)?.id, 'calm');
  },
);

onBench('a broker that takes no replies makes no queue of them', async (bench) => {
  bench.link.holdAcknowledgements = true;
  for (let i = 0; i < 20; i++) await say(bench, 'ping', { v: 1, id: nextId() });
  assert.is(replies(bench, 'ping').length, 16);
  bench.link.holdAcknowledgements = false;
  bench.link.acknowledge();
});

onBench('reload: the eye is asked to end, its last numbers are told, then the voice leaves', async (bench) => {
  bench.greet();
  bench.nextConfig = () => parseConfig({ ...CONFIG, state_dir: '/state', log_level: 'fatal', interval_s: 5 });
  await say(bench, 'reload', signed(bench, 'reload'));
  assert.equal(
    replies(bench, 'reload').map(({ ok, changed }) => [ok, changed]),
    [[true, ['interval_s']]],
  );
  assert.is(bench.words.at(-1), ControlWord.startAgain);
  bench.feed(bench.eye.cross('in', bench.nowMs));
  await bench.seconds(1);
  assert.is(bench.startedAgain, 0);
  bench.feed(bench.eye.state(bench.nowMs, EyeState.stopping));
  await within1s(() => bench.startedAgain === 1);
  assert.is(bench.retained<{ in: number }>('total/door')?.in, 1);
  assert.is(bench.retained<{ state: string }>('status')?.state, 'stopped');
});

onBench('an eye that does not end is not waited for', async (bench) => {
  bench.greet();
  await say(bench, 'reload', signed(bench, 'reload'));
  await bench.seconds(6);
  await within1s(() => bench.startedAgain === 1);
});

onBench(
  'a file with faults is refused with all of them, no password among them, and nothing changes',
  async (bench) => {
    bench.nextConfig = () => {
      throw new ConfigError(
        [
          'mqtt.url is "mqtt://till:s3cret@broker"; expected mqtt://host:port.',
          'interval_s is 7; expected one of 5, 10.',
        ],
        { op: 'check' },
      );
    };
    await say(bench, 'reload', signed(bench, 'reload'));
    const [reply] = replies(bench, 'reload');
    assert.is(reply?.error?.code, 'config_invalid');
    assert.match(reply?.error?.message ?? '', 'interval_s is 7');
    assert.match(reply?.error?.message ?? '', 'mqtt.url is "mqtt://…"');
    assert.not.match(reply?.error?.message ?? '', 's3cret');
    assert.not(bench.words.includes(ControlWord.startAgain));
  },
);

onBench('a new name waits until everything under the old one is delivered', async (bench) => {
  bench.greet();
  bench.nextConfig = () => parseConfig({ ...CONFIG, state_dir: '/state', log_level: 'fatal', device: 'door2' });
  bench.link.holdAcknowledgements = true;
  await bench.seconds(65);
  await say(bench, 'reload', signed(bench, 'reload'));
  assert.equal(codes(bench, 'reload'), ['not_delivered']);
  bench.link.holdAcknowledgements = false;
  bench.link.acknowledge();
  await bench.seconds(2);
  await say(bench, 'reload', signed(bench, 'reload'));
  assert.equal(replies(bench, 'reload').at(-1)?.['changed'], ['device']);
});

test('whatever strangers send, nothing is carried out, nothing throws, and every reply is as the contract says', async () => {
  const name = fc.oneof(fc.constantFrom('setup', 'reload', 'reset-occupancy', 'resend'), fc.string());
  const payload = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ v: fc.constant(1), id: fc.string(), signature: fc.string() }).map((json) => JSON.stringify(json)),
  );
  const bench = new VoiceBench({ config: CONFIG }, START_MS);
  await bench.start();
  const words = bench.words.length;
  await fc.assert(
    fc.asyncProperty(name, payload, async (word, text) => {
      bench.clock.advance(2000); // within the rate
      bench.voice.feed(new Uint8Array(0), 0);
      await say(bench, word, text);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 200) },
  );
  assert.is(
    bench.words.slice(words).some((word) => word >= ControlWord.identify),
    false,
  );
  assert.is(bench.startedAgain, 0);
  const spoken = bench.link.published.filter(({ topic }) => topic.includes('/reply/'));
  assert.ok(spoken.length > 20);
  assert.not(spoken.some(({ payload: text }) => (JSON.parse(text) as Reply).ok));
  await bench.dispose();
});

/** The voice's good-bye takes real time, though little of it. */
async function within1s(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !isTrue(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(isTrue());
}

test.run();
