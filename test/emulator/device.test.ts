// Goal: a blank card becomes a counting device, and stays one: through refused codes, cuts of network and power, updates.
// Method: a Debian for arm64 in the emulator, flashed by our own tool, whose camera shows a code and then a drawn entrance;
// mosquitto with TLS and the gateway's claim service here. One device lives through all of it, so tests build on each other.
import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { forged, ofAnotherFleet, payloadFor, show, signed } from './parts/codes.ts';
import { exposures, privacyDoctor, property, systemFacts } from './parts/inside.ts';
import { Lane, whyNot } from './parts/lane.ts';

const reason = whyNot();
const test = suite('emulated device');

let lane: Lane;
/** Set by the first test that fails: the others would only wait for what cannot come. */
let isBroken = false;

const MINUTE_MS = 60_000;

/** One step of the story. */
function step(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    if (isBroken) throw new Error('an earlier step has failed');
    const startedAtMs = Date.now();
    try {
      await work();
      lane.note(name, Date.now() - startedAtMs);
    } catch (error) {
      isBroken = true;
      process.stdout.write(`the last lines of the journal (everything: ${lane?.folder}):\n${lane?.tail()}\n`);
      throw error;
    }
  });
}

/** Waits until the device says that it counts: news, not what it said before `fromMs`. */
async function counts(fromMs = Date.now()): Promise<void> {
  await lane.until('the eye counts', 8 * MINUTE_MS, () => {
    const news = lane.store.of('door1/health').filter(({ atMs }) => atMs >= fromMs);
    return news.at(-1)?.text.includes('"eye":{"state":"counting"') === true;
  });
}

/** Plays one take and waits until the totals say it. */
async function countOneTake(): Promise<void> {
  const before = lane.totals;
  const expected = { in: before.in + lane.take.inCount, out: before.out + lane.take.outCount };
  lane.playTake();
  await lane
    .until(`totals of ${JSON.stringify(expected)}`, 4 * MINUTE_MS, () => {
      const { in: inCount, out: outCount } = lane.totals;
      return inCount >= expected.in && outCount >= expected.out;
    })
    .catch((error: Error) => {
      throw new Error(`${error.message}; they are ${JSON.stringify(lane.totals)}`);
    });
  assert.equal(lane.totals, expected);
}

/** Numbers that records and receipts of the device bear, as far as they were heard, in order. */
function seqs(): number[] {
  const heard = lane.store.heard.filter(({ topic }) => /\/door1\/(interval\/|zone\/|receipt$)/.test(topic));
  const found = heard.map(({ text }) => (JSON.parse(text) as { seq: number }).seq);
  return [...new Set(found)].sort((a, b) => a - b);
}

/** Waits until records from after this call are here, and all of those before. */
async function nothingIsMissing(): Promise<void> {
  const last = seqs().at(-1) ?? 0;
  await lane
    .until('every record has been told', 5 * MINUTE_MS, () => {
      const found = seqs();
      return (found.at(-1) ?? 0) > last && found.every((seq, index) => seq === (found[0] ?? 0) + index);
    })
    .catch((error: Error) => {
      throw new Error(`${error.message}; heard ${seqs().join(' ')}`);
    });
}

if (reason !== undefined) {
  test('is skipped here', () => {
    process.stdout.write(`emulated device: skipped, ${reason}\n`);
  });
} else {
  step('a card is flashed by our tool', async () => {
    lane = await Lane.open();
  });

  step('it starts, finds itself blank and looks for a code', async () => {
    const waiting = lane.machine.says(/"msg":"the camera runs"/, 6 * MINUTE_MS);
    // `says` needs a running emulator.
    await Promise.all([waiting.catch(() => {}), lane.boot()]);
    await lane.machine.says(/"msg":"the camera runs"/, 4 * MINUTE_MS);
  });

  const REFUSED: readonly [string, string, () => string][] = [
    ['a code of another fleet', 'unknown_key', () => ofAnotherFleet(payloadFor(lane.store))],
    ['a forged code', 'forged', () => forged(lane.store, payloadFor(lane.store))],
    ['an expired code', 'expired', () => signed(lane.store, expired())],
    ['a code that is none of ours', 'not_ours', () => 'https://www.example.org/menu'],
  ];
  for (const [what, word, make] of REFUSED) {
    step(`${what} is refused as ${word}`, async () => {
      const refusal = lane.hears(new RegExp(`"refusal":"${word}"`), 2 * MINUTE_MS);
      show(lane.share, make());
      await refusal;
      show(lane.share, undefined);
    });
  }

  step('a good code is taken; the plug is pulled while it claims, and it goes on where it was', async () => {
    const taken = lane.hears(/"msg":"code taken; the later steps go on with it"/, 2 * MINUTE_MS);
    show(lane.share, signed(lane.store, payloadFor(lane.store)));
    await taken;
    show(lane.share, undefined);
    await lane.machine.says(/"msg":"key made"/, 6 * MINUTE_MS);
    await lane.machine.kill();
    const installed = lane.machine.journal().length;
    await lane.boot();
    await lane.machine.says(/"msg":"claimed"/, 6 * MINUTE_MS, installed);
    await lane.machine.says(/"msg":"installed"/, 4 * MINUTE_MS, installed);
  });

  step('it counts, as the store can hear', () => counts());

  step('what it counts is what passes', countOneTake);

  step('cut off from the network it goes on, and nothing is lost', async () => {
    lane.machine.plug(false);
    await lane.until('the last will', 3 * MINUTE_MS, () => lane.store.latest('door1/status')?.['state'] === 'offline');
    const before = lane.totals;
    lane.playTake();
    await new Promise((resolve) => setTimeout(resolve, lane.take.seconds * 1000 * 2));
    lane.machine.plug(true);
    const expected = { in: before.in + lane.take.inCount, out: before.out + lane.take.outCount };
    await lane.until(
      'totals of what passed meanwhile',
      4 * MINUTE_MS,
      () => lane.totals.in >= expected.in && lane.totals.out >= expected.out,
    );
    assert.equal(lane.totals, expected);
    await nothingIsMissing();
  });

  step('after a pulled plug it counts on from where it was', async () => {
    const before = lane.totals;
    await lane.machine.kill();
    await lane.boot();
    await counts();
    assert.equal(lane.totals, before);
    await countOneTake();
    await nothingIsMissing();
  });

  step('no unit may do more than it has to', async () => {
    const found = await exposures(lane.machine);
    for (const [unit, exposure] of found) process.stdout.write(`| systemd-analyze security ${unit} | ${exposure} |\n`);
    assert.ok((found.get('lethe-eye') ?? 10) <= 1, 'eye');
    assert.ok((found.get('lethe-scan') ?? 10) <= 1, 'scan');
    assert.ok((found.get('lethe-voice') ?? 10) <= 1.5, 'voice');
    for (const [unit, exposure] of found) assert.ok(exposure <= 1.5, `${unit} ${exposure}`);
  });

  step('nothing keeps a picture: no swap, no log on the card, freed memory is zeroed', async () => {
    const facts = await systemFacts(lane.machine);
    assert.equal(facts.swaps, []);
    assert.equal(facts.logFiles, []);
    assert.is(facts.corePattern, '|/bin/false');
    assert.equal(facts.passwords, []);
    for (const word of ['init_on_free=1', 'init_on_alloc=1', 'cgroup_enable=memory', 'nohibernate'])
      assert.ok(facts.kernelWords.includes(word), word);
    const { status, output } = await privacyDoctor(lane.machine);
    process.stdout.write(`${output}\n`);
    assert.is(status, 0, 'lethe doctor --privacy');
  });

  step('an eye that hangs is ended by systemd and comes back', async () => {
    const pid = await property(lane.machine, 'lethe-eye.service', 'MainPID');
    const ended = lane.hears(/lethe-eye\.service: Watchdog timeout/, 3 * MINUTE_MS);
    await lane.machine.sh(`kill -STOP ${pid}`);
    await ended;
    await lane.hears(/Started lethe-eye\.service/, 6 * MINUTE_MS);
    await counts();
  });

  step('a later release is fetched, tried and confirmed', async () => {
    await lane.offer('0.2.0', false);
    await updateSays('confirmed', '0.2.0', 15 * MINUTE_MS);
    await counts();
  });

  step('a release that does not count is taken back by the device itself', async () => {
    await lane.offer('0.3.0', true);
    await updateSays('rolled_back', '0.2.0', 20 * MINUTE_MS);
    await counts();
    assert.is(lane.store.latest('door1/status')?.['version'], '0.2.0');
  });

  step('after all of it, what is counted is what passes, and no interval is missing', async () => {
    await countOneTake();
    await nothingIsMissing();
  });

  step('a reset makes it blank again', async () => {
    const looking = lane.hears(/"msg":"looking for a code"/, 5 * MINUTE_MS);
    // There is no button here: this is what a reset leaves that was begun by one.
    await lane.machine.sh('touch /var/lib/lethe-setup/reset && systemctl start --no-block lethe-reset.service');
    await looking;
    const { output } = await lane.machine.sh('ls /etc/lethe /var/lib/lethe 2>&1');
    assert.not.ok(/lethe\.json|device\.|ledger/.test(output), output);
  });
}

/** Waits for a word of topic `update`. */
async function updateSays(state: string, version: string, timeoutMs: number): Promise<void> {
  await lane.until(`update says ${state} ${version}`, timeoutMs, () => {
    const news = lane.store.latest('door1/update');
    return news?.['state'] === state && news['version'] === version;
  });
}

function expired() {
  const issuedAtS = Date.UTC(2026, 0, 10) / 1000;
  return payloadFor(lane.store, { issuedAtS, expiresAtS: issuedAtS + 900, nonce: randomBytes(8).toString('hex') });
}

test.after(async () => {
  await lane?.close(isBroken);
});

test.run();
