// Goal: a counter takes a new configuration by command, without a crossing lost or told twice, and a bad file changes nothing.
// Method: the supervisor with its real children, the simulated entrance and the demo's broker; lethe command as a person has it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startEmbeddedBroker } from '../../drivers/link/embedded-broker.ts';
import { commandCommand, newKeyCommand } from '../../runtime/commands/command/command.ts';
import { systemEnvironment } from '../../runtime/commands/command/environment.ts';
import { loadConfig } from '../../runtime/config/config.ts';
import type { Reply } from '../../runtime/contract/commands.ts';
import { openCommandKey } from '../../runtime/privacy/command-signature.ts';
import { Supervisor } from '../../runtime/supervisor.ts';
import { eventually } from '../fakes/within.ts';

type Heard = { readonly topic: string; readonly json: Record<string, unknown> };
type Interval = { seq: number; in: number; out: number; total_in: number; total_out: number; epoch_id: string };
const WAIT_MS = 40_000;

test('reload: a bad file is refused with all its faults; a good one takes over, and no number is lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-reload-'));
  const broker = await startEmbeddedBroker(0);
  const path = join(folder, 'lethe.json');
  const key = join(folder, 'key.pem');
  newKeyCommand(key, () => {});
  const file = {
    state_dir: 'state',
    log_level: 'fatal',
    interval_s: 5,
    gpio: { driver: 'memory' },
    mqtt: { url: `mqtt://127.0.0.1:${broker.port}` },
    commands: { public_keys: [openCommandKey(key).publicKey] },
    camera: { scene: { seed: 10, people_per_minute: 120 } },
  };
  const write = (changes: object) => writeFileSync(path, JSON.stringify({ ...file, ...changes }));
  write({});
  const config = loadConfig({ path });
  const heard: Heard[] = [];
  broker.onMessage('lethe/v1/#', (topic, payload) => heard.push({ topic, json: JSON.parse(payload) }));
  const ofKind = (part: string) => heard.filter(({ topic }) => topic.includes(part)).map(({ json }) => json);
  const total = () => {
    const last = ofKind('/total/door').at(-1);
    return Number(last?.['in'] ?? 0) + Number(last?.['out'] ?? 0);
  };
  const reload = async (): Promise<Reply> => {
    let printed = '';
    const out = (text: string) => {
      printed += text;
    };
    const environment = { ...systemEnvironment(config), out };
    await commandCommand({ name: 'reload', config, key, timeoutS: 10, json: true }, environment);
    return JSON.parse(printed) as Reply;
  };
  const supervisor = new Supervisor({
    args: ['--config', path],
    log: pino({ level: 'silent' }),
    onEnded: (code) => assert.unreachable(`it ended with ${code}`),
  });
  try {
    supervisor.start();
    await eventually(WAIT_MS, 'people are counted', () => total() >= 4);
    const pids = [supervisor.eyePid, supervisor.voicePid];

    write({ interval_s: 7, log_level: 'loud' });
    const refused = await reload();
    assert.is(refused.error?.code, 'config_invalid');
    for (const fault of ['interval_s is 7', 'log_level is "loud"']) assert.match(refused.error?.message ?? '', fault);
    assert.equal([supervisor.eyePid, supervisor.voicePid], pids);

    // Another line as well: what the old eye says last would be a breach under the new configuration.
    write({
      interval_s: 10,
      lines: [
        { name: 'inner', from: [0.05, 0.6], to: [0.95, 0.6], in: 'down' },
        { name: 'door', from: [0.05, 0.5], to: [0.95, 0.5], in: 'down' },
      ],
    });
    const before = total();
    const { ok, changed } = await reload();
    assert.equal([ok, changed], [true, ['interval_s', 'lines']]);
    await eventually(WAIT_MS, 'a new start', () => ofKind('/info').at(-1)?.['interval_s'] === 10);
    await eventually(WAIT_MS, 'the other line', () => ofKind('/total/inner').some((json) => Number(json['in']) > 0));
    await eventually(WAIT_MS, 'it goes on', () => ofKind('/total/door').length > 0 && total() > before);
    await eventually(WAIT_MS, 'an interval of ten seconds', () => ofKind('/interval/inner').length >= 2);
    assert.is.not(supervisor.eyePid, pids[0]);
    assert.is.not(supervisor.voicePid, pids[1]);

    const door = ofKind('/interval/door') as unknown as Interval[];
    for (const [i, interval] of door.entries()) {
      const earlier = door[i - 1];
      if (earlier === undefined) continue;
      assert.is(interval.epoch_id, earlier.epoch_id);
      assert.is(interval.total_in - earlier.total_in, interval.in, 'nothing between two intervals');
      assert.is(interval.total_out - earlier.total_out, interval.out);
    }
    const seqs = [...ofKind('/interval/'), ...ofKind('/receipt')].map(({ seq }) => Number(seq)).sort((a, b) => a - b);
    assert.equal(
      seqs,
      seqs.map((_, i) => i + 1),
      'every number once',
    );
    assert.not(ofKind('/health').some(({ eye }) => (eye as { state: string }).state === 'eye_cut_off'));
  } finally {
    await supervisor.stop();
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
