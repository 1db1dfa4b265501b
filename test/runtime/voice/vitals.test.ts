// Goal: the voice beats while it does its work or has told why not, and not when it stands still itself.
// Method: facts by hand for each bound; then a whole voice on the bench.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryPulse } from '../../../drivers/watchdog/memory.ts';
import { US_PER_S } from '../../../runtime/units.ts';
import {
  SILENT_US_MAX,
  STUCK_US_MAX,
  UNSAVED_US_MAX,
  type VoiceFacts,
  VoiceVitals,
} from '../../../runtime/voice/vitals.ts';
import { VoiceBench } from './bench.ts';

const WELL: VoiceFacts = {
  eyeState: 'counting',
  isSilent: false,
  ledgerState: 'ok',
  unsavedUs: 0,
  isLinkUp: true,
  pendingCount: 0,
  acknowledgedSeq: 0,
};

function after(us: number, facts: Partial<VoiceFacts>): { fault: string | undefined; pulse: MemoryPulse } {
  const pulse = new MemoryPulse();
  const vitals = new VoiceVitals(pulse);
  vitals.tick(WELL, -1);
  vitals.tick({ ...WELL, ...facts }, 0);
  return { fault: vitals.tick({ ...WELL, ...facts }, us), pulse };
}

for (const [name, us, facts, fault] of [
  ['an eye that is silent, as it is told', SILENT_US_MAX, { isSilent: true, eyeState: 'silent' }, /eye for an hour/],
  [
    'a broker that takes nothing on a standing connection',
    STUCK_US_MAX,
    { pendingCount: 3 },
    /broker has taken nothing/,
  ],
] as const)
  test(`${name} is borne up to a bound`, () => {
    assert.is(after(us, facts).fault, undefined);
    const { fault: found, pulse } = after(us + 1, facts);
    assert.match(found!, fault);
    assert.is(pulse.withheldCount, 1);
    assert.match(pulse.status, /not well/);
  });

test('that nobody tries to save for a minute is a fault; a card that cannot be written, and is told, is none', () => {
  assert.match(after(1, { unsavedUs: UNSAVED_US_MAX + 1 }).fault!, /nothing was saved/);
  const told = { ledgerState: 'unwritable', unsavedUs: 10 * US_PER_S };
  assert.is(after(SILENT_US_MAX, told).fault, undefined);
});

test('no broker is no fault, however much waits', () => {
  assert.is(after(86_400 * US_PER_S, { isLinkUp: false, pendingCount: 5000 }).fault, undefined);
});

test('a backlog that moves is well, however long it takes', () => {
  const pulse = new MemoryPulse();
  const vitals = new VoiceVitals(pulse);
  for (let i = 0; i < 100; i++)
    assert.is(vitals.tick({ ...WELL, pendingCount: 1000 - i, acknowledgedSeq: i }, i * STUCK_US_MAX), undefined);
});

test('what is silent for a while and then heard begins anew', () => {
  const vitals = new VoiceVitals(new MemoryPulse());
  for (let i = 0; i < 20; i++)
    assert.is(vitals.tick({ ...WELL, isSilent: i % 2 === 0 }, i * (SILENT_US_MAX - 1)), undefined);
});

test('a voice at work is well each second; with its disk gone and its eye dead it says both, and is well', async () => {
  const bench = new VoiceBench();
  await bench.start();
  bench.greet();
  const pulse = new MemoryPulse();
  const vitals = new VoiceVitals(pulse);
  const pass = async (seconds: number, isAlive: boolean) => {
    for (let i = 0; i < seconds; i++) {
      await bench.seconds(1, isAlive);
      vitals.tick(bench.voice.facts(), bench.clock.monotonicUs());
    }
  };
  await pass(180, true);
  assert.equal([pulse.beatCount, pulse.withheldCount], [180, 0]);
  assert.is(pulse.status, 'eye counting, broker up, ledger ok');
  await pass(60, false);
  assert.is(pulse.withheldCount, 0);
  assert.is(pulse.status, 'eye silent, broker up, ledger ok');
  await bench.dispose();
});

test.run();
