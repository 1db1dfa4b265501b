// Goal: the audit says what is refused and by whom, proves nothing by a failure that happens outside too, and fails when
// something gets through.
// Method: the real audit on this machine, whole, without the kernel's part, and without anything.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { auditIsolation } from '../../../../runtime/commands/audit/isolation.ts';
import { isolationText } from '../../../../runtime/commands/audit/isolation-report.ts';
import { parseConfig } from '../../../../runtime/config/config.ts';
import { type Abilities, probeAbilities } from '../../../../runtime/isolation/abilities.ts';

const test = suite('audit of the isolation');
const abilities = probeAbilities();
const config = parseConfig({ gpio: { driver: 'memory' } });
const none = { works: false, why: 'left out by this test' } as const;
const whole = abilities.namespaces.works && abilities.view.works;
/** Containers that forbid namespaces cannot run these; the summary shows them as skipped. */
const needsNamespaces = whole ? test : test.skip;

needsNamespaces('everything that must fail fails, for eye and voice, and somebody refused it', async () => {
  const result = await auditIsolation(config, abilities);
  assert.is(result.ok, true, isolationText(result));
  const [eye, voice] = result.roles;
  const verdicts = (role: typeof eye) => new Map(role!.attempts.map(({ name, verdict }) => [name, verdict]));
  const byEye = verdicts(eye);
  for (const name of ['connect by TCP', 'send by UDP', 'look up a name', 'be reached by TCP', 'start a program'])
    assert.is(byEye.get(name), 'refused', name);
  for (const name of ['write to shared memory (/dev/shm)', 'write to the state folder', 'read the device key'])
    assert.is(byEye.get(name), 'refused', name);
  const byVoice = verdicts(voice);
  for (const name of ['read the memory of the eye', 'read another device (/dev/full)', 'open the inspector by SIGUSR1'])
    assert.is(byVoice.get(name), 'refused', name);
  assert.not.ok(byVoice.has('connect by TCP'), 'the voice has a network');
  for (const { attempts } of result.roles)
    for (const { verdict, by, control } of attempts)
      if (verdict === 'refused') assert.ok(by.length > 0 && control === 'ok');
});

test('without the kernel’s part the network gets through, and the audit fails', async () => {
  const result = await auditIsolation(config, { ...abilities, namespaces: none, view: none });
  assert.is(result.ok, false);
  const eye = result.roles[0]!;
  assert.is(eye.attempts.find(({ name }) => name === 'connect by TCP')?.verdict, 'SUCCEEDED');
  assert.is(eye.attempts.find(({ name }) => name === 'start a program')?.verdict, 'refused');
  assert.ok(eye.missing.some(({ guard }) => guard === 'network'));
  assert.match(isolationText(result), /MISSING: network \(left out by this test\)/);
});

test('without anything every attempt that can succeed here does: the probe is able to do what it tries', async () => {
  const nothing: Abilities = {
    ...abilities,
    namespaces: none,
    view: none,
    coreLimit: none,
    nodeFlags: { has: () => false },
  };
  const { ok, roles } = await auditIsolation(config, nothing);
  assert.is(ok, false);
  for (const { attempts } of roles)
    for (const { name, control, verdict } of attempts)
      assert.is(verdict, control === 'ok' ? 'SUCCEEDED' : 'not provable here', name);
});

needsNamespaces('what the camera needs is told as allowed, not as refused', async () => {
  const film = parseConfig({ camera: { driver: 'video', video: { source: '/film.mp4' } }, gpio: { driver: 'memory' } });
  const result = await auditIsolation(film, abilities);
  assert.is(result.ok, true, isolationText(result));
  const start = result.roles[0]!.attempts.find(({ name }) => name === 'start a program');
  assert.is(start?.verdict, 'needed');
  assert.match(isolationText(result), /allowed: programs, because camera video is a program of its own/);
});

test.run();
