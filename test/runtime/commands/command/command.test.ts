// Goal: who commands a counter gets the reply to their own command, an exit code that says what came of it, or a sentence what to do.
// Method: a link in memory whose other end checks commands as a device does; a clock moved by hand.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualClock } from '../../../../drivers/clock/manual.ts';
import { MemoryLink } from '../../../../drivers/link/memory.ts';
import {
  type CommandEnvironment,
  type CommandOptions,
  commandCommand,
  newKeyCommand,
} from '../../../../runtime/commands/command/command.ts';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { ExitCode, LetheError } from '../../../../runtime/errors.ts';
import { openCommandKey } from '../../../../runtime/privacy/command-signature.ts';
import { type CheckFacts, checkCommand } from '../../../../runtime/voice/commands/check.ts';
import { emptyMemory } from '../../../../runtime/voice/commands/memory.ts';
import { eventually } from '../../../fakes/within.ts';

const BASE = 'lethe/v1/demo/door1';
const NOW_MS = Date.UTC(2026, 5, 1, 12);
const test = suite('command');
let folder: string;
let keyFile: string;

test.before(() => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-command-'));
  keyFile = join(folder, 'key.pem');
  assert.is(
    newKeyCommand(keyFile, () => {}),
    ExitCode.ok,
  );
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

class Stage {
  readonly clock = new ManualClock(NOW_MS);
  readonly link: MemoryLink;
  printed = '';
  stop: (() => void) | undefined;
  size: { columns: number; rows: number } | undefined;
  readonly heard: Record<string, unknown>[] = [];
  /** What the device answers besides v, at, id and ok; undefined: nothing at all. */
  answer: ((name: string) => object | undefined) | undefined = () => ({});

  constructor(brokerIsUp = true) {
    this.link = new MemoryLink(brokerIsUp);
  }

  get environment(): CommandEnvironment {
    const { link } = this;
    const publish = link.publish.bind(link);
    link.publish = async (topic, payload, options) => {
      await publish(topic, payload, options);
      const name = topic.slice(`${BASE}/cmd/`.length);
      if (topic.startsWith(`${BASE}/cmd/`)) this.#hear(name, payload);
    };
    return {
      clock: this.clock,
      link,
      out: (text) => {
        this.printed += text;
      },
      size: () => this.size,
      onStopRequest: (stop) => {
        this.stop = stop;
        return () => {};
      },
    };
  }

  /** As a device checks it. */
  #hear(name: string, payload: string): void {
    const facts: CheckFacts = {
      site: 'demo',
      device: 'door1',
      publicKeys: [openCommandKey(keyFile).publicKey],
      memory: emptyMemory(),
      nowMs: this.clock.wallMs(),
    };
    const checked = checkCommand(name, { topic: '', payload, retained: false }, facts);
    this.heard.push(JSON.parse(payload) as Record<string, unknown>);
    const result = 'refused' in checked ? { ok: false, error: checked.refused } : this.answer?.(name);
    if (result === undefined) return;
    // Somebody else's reply comes first.
    this.say(`reply/${name}`, { v: 1, at: '2026-06-01T12:00:00.000Z', id: 'other', ok: false });
    this.say(`reply/${name}`, { v: 1, at: '2026-06-01T12:00:00.000Z', id: checked.id, ok: true, ...result });
  }

  say(topic: string, json: object): void {
    this.link.say(`${BASE}/${topic}`, JSON.stringify(json), false);
  }

  run(name: string, more: Partial<CommandOptions> = {}): Promise<ExitCode> {
    const options = { name, config: parseConfig({}), timeoutS: 0.2, json: false, ...more };
    return commandCommand(options, this.environment);
  }
}

async function failure(work: Promise<unknown>): Promise<LetheError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LetheError) return error;
    throw error;
  }
  assert.unreachable('it should have failed');
  throw new Error();
}

test('a key is made for its owner alone, printed for the configuration, and never overwritten', () => {
  const path = join(folder, 'another.pem');
  let printed = '';
  newKeyCommand(path, (text) => {
    printed += text;
  });
  assert.is(statSync(path).mode & 0o777, 0o600);
  const { publicKey } = openCommandKey(path);
  assert.match(printed, `"public_keys": ["${publicKey}"]`);
  assert.not.match(printed, 'PRIVATE');
  assert.throws(
    () => newKeyCommand(path, () => {}),
    (error: LetheError) => error.code === 'COMMAND_KEY_UNWRITABLE',
  );
  assert.is(openCommandKey(path).publicKey, publicKey);
});

test('the reply to the own command is told, whatever else is said', async () => {
  const stage = new Stage();
  stage.answer = () => ({ version: '1.2.3', uptime_s: 5 });
  assert.is(await stage.run('ping'), ExitCode.ok);
  assert.match(stage.printed, 'Lethe 1.2.3, up for 5 s');
  assert.is(stage.link.up, false);
});

test('what changes something goes out signed, for this device, with an end, and a device takes it', async () => {
  const stage = new Stage();
  stage.answer = () => ({ people: 7 });
  assert.is(await stage.run('reset-occupancy', { people: 7, key: keyFile }), ExitCode.ok);
  const { command, site, device, people, issued_at, expires_at } = stage.heard[0]!;
  assert.equal(
    [command, site, device, people, issued_at, expires_at],
    ['reset-occupancy', 'demo', 'door1', 7, '2026-06-01T12:00:00.000Z', '2026-06-01T12:05:00.000Z'],
  );
  assert.is(stage.printed, '7 people are taken to be inside now.\n');
});

test('a refusal is told with its code, as JSON where asked for, and ends with 1', async () => {
  const stage = new Stage();
  const other = join(folder, 'stranger.pem');
  newKeyCommand(other, () => {});
  assert.is(await stage.run('reload', { key: other }), ExitCode.failed);
  assert.match(stage.printed, 'reload was refused (unknown_key)');
  const again = new Stage();
  assert.is(await again.run('reload', { key: other, json: true }), ExitCode.failed);
  assert.is((JSON.parse(again.printed) as { error: { code: string } }).error.code, 'unknown_key');
});

test('wrong words are all named before anything is sent', async () => {
  const stage = new Stage();
  const usage = await failure(stage.run('setup', { minutes: 61, people: 3 }));
  assert.is(usage.exitCode, ExitCode.usage);
  for (const part of ['--minutes is 61', '--people does not belong to setup', '--key FILE'])
    assert.match(usage.message, part);
  assert.match((await failure(stage.run('open-door'))).message, 'There is no command open-door');
  assert.match((await failure(stage.run('reload', { key: join(folder, 'none.pem') }))).message, 'There is no key');
  assert.equal(stage.heard, []);
});

test('no broker and no reply are told apart, with what to do', async () => {
  const away = await failure(new Stage(false).run('ping'));
  assert.equal([away.code, away.exitCode], ['COMMAND_NO_BROKER', ExitCode.unavailable]);
  const silent = new Stage();
  silent.answer = undefined;
  const none = await failure(silent.run('ping'));
  assert.equal([none.code, none.exitCode], ['COMMAND_NO_REPLY', ExitCode.unavailable]);
  assert.match(none.message, 'demo/door1 did not reply within 0.2 s');
});

const UNTIL = '2026-06-01T12:01:00.000Z';

test('set-up mode shows positions over the lines until its minutes are over', async () => {
  const stage = new Stage();
  stage.size = { columns: 60, rows: 24 };
  stage.answer = () => ({ until: UNTIL });
  const run = stage.run('setup', { minutes: 1, key: keyFile });
  await eventually(1000, 'it watches', () => stage.stop !== undefined);
  stage.say('setup', { v: 1, at: '2026-06-01T12:00:01.000Z', until: UNTIL, dots: [[0.5, 0.25]] });
  assert.match(stage.printed, '●');
  assert.match(stage.printed, '1 in view.');
  stage.clock.advance(60_000);
  assert.is(await run, ExitCode.ok);
  assert.match(stage.printed, 'No positions');
  assert.is(stage.heard.length, 1, 'nothing is left to be ended');
});

test('Ctrl-C ends set-up mode on the device too', async () => {
  const stage = new Stage();
  stage.answer = () => ({ until: stage.heard.length > 1 ? null : UNTIL });
  const run = stage.run('setup', { minutes: 1, key: keyFile });
  await eventually(1000, 'it watches', () => stage.stop !== undefined);
  stage.say('setup', { v: 1, at: '2026-06-01T12:00:01.000Z', until: UNTIL, dots: [] });
  stage.say('setup', { v: 1, nonsense: true });
  stage.stop!();
  assert.is(await run, ExitCode.ok);
  assert.is(stage.heard[1]?.['minutes'], 0);
  // Without a terminal one line of JSON a moment.
  assert.equal(stage.printed.split('\n').slice(1, -1), [
    '{"at":"2026-06-01T12:00:01.000Z","dots":[]}',
    'Set-up mode is off.',
  ]);
});

test.run();
