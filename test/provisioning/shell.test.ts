// Goal: the two shell scripts of the units do what they say: wait for the time within a bound, end what has no pulse.
// Method: the scripts themselves, with systemctl, timedatectl, systemd-notify and sleep as small programs of the test.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sourceRoot } from '../fakes/root.ts';

const UNITS = join(sourceRoot(), 'provisioning', 'units');

/** A folder with programs of these names in place of the system's; each writes what it was asked into `log`. */
class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'lethe-test-'));

  constructor(programs: Readonly<Record<string, string>>) {
    mkdirSync(join(this.folder, 'bin'));
    for (const [name, body] of Object.entries(programs)) {
      const path = join(this.folder, 'bin', name);
      writeFileSync(path, `#!/bin/sh\ncd ${this.folder}\n${body}\n`);
      chmodSync(path, 0o755);
    }
  }

  run(script: string, environment: Readonly<Record<string, string>>): string {
    const { stdout, stderr, status } = spawnSync('sh', [join(UNITS, script)], {
      encoding: 'utf8',
      timeout: 20_000,
      env: { PATH: `${join(this.folder, 'bin')}:/usr/bin:/bin`, RUNTIME_DIRECTORY: this.folder, ...environment },
    });
    assert.is(status, 0, stderr);
    return stdout;
  }

  read(name: string): string {
    const path = join(this.folder, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  end(): void {
    rmSync(this.folder, { recursive: true });
  }
}

function withStage(programs: Readonly<Record<string, string>>, use: (stage: Stage) => void): void {
  const stage = new Stage(programs);
  try {
    use(stage);
  } finally {
    stage.end();
  }
}

const NOTIFY = 'echo "$@" >> notified';
const CLOCK = {
  'systemd-notify': NOTIFY,
  // Time passes without being waited for, and brings the answer of a server once it was so often asked.
  sleep: 'echo "$1" >> slept; [ "$(wc -l < slept)" -lt "$ANSWER_AFTER" ] || echo yes > answer',
  timedatectl: 'cat answer 2>/dev/null || echo no',
};

test('a time that is known at once is told at once, and the mark is there', () =>
  withStage(CLOCK, (stage) => {
    stage.write('timesyncd', '');
    stage.run('wait-for-time.sh', { LETHE_TIMESYNCD_MARK: join(stage.folder, 'timesyncd'), ANSWER_AFTER: '1000' });
    assert.is(stage.read('notified'), '--ready --status=the time is known after 0 s\n');
    assert.ok(existsSync(join(stage.folder, 'synchronized')));
    assert.is(stage.read('slept'), '');
  }));

test('whoever sets the clock, it is heard of by way of the kernel', () =>
  withStage(CLOCK, (stage) => {
    stage.run('wait-for-time.sh', { LETHE_TIMESYNCD_MARK: '/nowhere', ANSWER_AFTER: '7' });
    assert.is(stage.read('notified'), '--ready --status=the time is known after 10 s\n');
    assert.ok(existsSync(join(stage.folder, 'synchronized')));
  }));

test('after a minute it lets the others begin, and goes on until the time comes', () =>
  withStage(CLOCK, (stage) => {
    stage.run('wait-for-time.sh', { LETHE_TIMESYNCD_MARK: '/nowhere', ANSWER_AFTER: '65' });
    assert.is(
      stage.read('notified'),
      '--ready --status=the time is not known after 60 s: counting begins without it\n',
      'told once',
    );
    assert.equal(stage.read('slept').trim().split('\n'), [...Array(60).fill('1'), ...Array(5).fill('30')]);
    assert.ok(existsSync(join(stage.folder, 'synchronized')));
  }));

const SYSTEMCTL = {
  systemctl: 'case $1 in is-active) cat state-$2;; show) echo 0;; kill) echo "$@" >> killed;; esac',
};
/** Active since the machine started. */
const OLD = { LETHE_START_S: '0' };

function withPrograms(use: (stage: Stage, look: () => string) => void): void {
  withStage(SYSTEMCTL, (stage) => {
    for (const unit of ['lethe-eye', 'lethe-voice']) stage.write(`state-${unit}.service`, 'active\n');
    const pulse = join(stage.folder, 'pulse');
    mkdirSync(pulse);
    use(stage, () => {
      stage.run('bookworm/pulse.sh', { LETHE_PULSE: pulse, ...OLD });
      return stage.read('killed');
    });
  });
}

test('a pulse that changes from look to look lets both live, one that stays ends its program alone', () =>
  withPrograms((stage, look) => {
    for (const beat of [1, 2, 3]) {
      stage.write('pulse/lethe-eye', `7 ${beat}\n`);
      stage.write('pulse/lethe-voice', `8 ${beat}\n`);
      assert.is(look(), '');
    }
    stage.write('pulse/lethe-voice', '8 4\n');
    assert.is(look(), 'kill --kill-whom=main --signal=SIGKILL lethe-eye.service\n');
  }));

test('a program that is stopped, or still starting, is left alone', () =>
  withPrograms((stage, look) => {
    stage.write('state-lethe-eye.service', 'inactive\n');
    for (const beat of [1, 2, 3]) {
      stage.write('pulse/lethe-voice', `8 ${beat}\n`);
      assert.is(look(), '');
    }
    stage.write('state-lethe-eye.service', 'active\n');
    stage.run('bookworm/pulse.sh', { LETHE_PULSE: join(stage.folder, 'pulse'), LETHE_START_S: '999999999' });
    assert.is(stage.read('killed'), '');
  }));

test.run();
