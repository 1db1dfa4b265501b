// Goal: the emulator's command says what it can do and what is missing, and its time server answers as timesyncd expects.
// Method: the program as a process with an empty PATH; a question of SNTP over loopback. No emulator is started here.
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PACKAGE_ROOT } from '../../../runtime/package.ts';
import { installLine, missingPrograms } from '../../../scripts/emulator/tools.ts';
import { startTimeServer } from '../../emulator/parts/time-server.ts';
import { within } from '../../fakes/within.ts';

const MAIN = join(PACKAGE_ROOT, 'dist', 'scripts', 'emulator', 'main.js');
const NTP_TO_UNIX_S = 2_208_988_800;

function emulator(words: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, [MAIN, ...words], {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    timeout: 20_000,
  });
}

test('--help says what there is, and a word that is none is answered with it', () => {
  const help = emulator(['--help']);
  assert.is(help.status, 0);
  assert.match(help.stdout, /image .*boot/s);
  assert.is(emulator(['fly']).status, 64);
});

test('without its cache and without programs it names all of them and the line that installs them', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lethe-emulator-test-'));
  try {
    // Debian's own folders of the administrator are looked at in any case, so some may be found.
    const { status, stderr } = emulator(['image'], { PATH: folder, XDG_CACHE_HOME: folder });
    assert.is(status, 69);
    assert.match(stderr, /programs are missing: .*mmdebstrap/);
    assert.match(stderr, /apt-get install .*mmdebstrap/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('packages are named once each, however many programs they bring', () => {
  const line = installLine(['mcopy', 'sfdisk', 'mcopy']);
  assert.is(line, 'sudo apt-get install --no-install-recommends mtools fdisk');
  assert.equal(missingPrograms([]), []);
});

test('the time server answers with the time and the question it belongs to, and keeps silent when told to', async () => {
  const server = await startTimeServer();
  const socket = createSocket('udp4');
  try {
    const question = Buffer.alloc(48);
    question[0] = 0b00_100_011;
    question.write('question', 40, 'latin1');
    socket.send(question, server.port, '127.0.0.1');
    const [answer] = (await within(2000, 'an answer', once(socket, 'message'))) as [Buffer];
    assert.is(answer.length, 48);
    assert.is((answer[0] ?? 0) & 0b111, 4, 'mode of a server');
    assert.is(answer[1], 1, 'stratum');
    assert.is(answer.toString('latin1', 24, 32), 'question');
    assert.ok(Math.abs(answer.readUInt32BE(40) - NTP_TO_UNIX_S - Date.now() / 1000) < 5);
    server.isSilent = true;
    socket.send(question, server.port, '127.0.0.1');
    socket.send(Buffer.alloc(3), server.port, '127.0.0.1');
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.is(server.answeredCount, 1);
  } finally {
    socket.close();
    server.close();
  }
});

test.run();
