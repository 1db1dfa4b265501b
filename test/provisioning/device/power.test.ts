// Goal: a power cut at any moment of the setup leaves a device that goes on or scans again: the code still works, its token is
// not burnt, and a configuration is there whole or not at all.
// Method: the real programs and the real gateway on a disk that loses what was not synced; cuts at every step in turn, then
// several in a row at random. Keys and certificates are real.
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parseConfig } from '../../../runtime/config/config.ts';
import { ClaimBench } from '../../fakes/claim-gateway.ts';
import { PowerCut } from '../../fakes/power.ts';
import { Device, WIFI } from './device.ts';

const test = suite('setup and power');
const RUNS = Number(process.env['FC_RUNS'] ?? 150);
let bench: ClaimBench;
let serial = 0;

test.before(() => {
  bench = new ClaimBench();
});
test.after(() => bench.end());

/** Each with a board and a name of its own. */
function fresh(): { device: Device; code: string; name: string } {
  serial += 1;
  const device = new Device(bench);
  device.hardwareId = serial.toString(16).padStart(16, '0');
  const name = `door${serial}`;
  return { device, name, code: bench.code({ device: name, wifi: WIFI }) };
}

/** Runs until the power goes or everything waits; the installer shows the code whenever the device scans. */
async function live(device: Device, code: string): Promise<'cut' | 'counting' | 'scanning' | 'trying'> {
  try {
    const outcome = await device.run();
    if (outcome !== 'scanning') return outcome;
    device.show(code);
    return await device.run();
  } catch (error) {
    if (error instanceof PowerCut) return 'cut';
    throw error;
  }
}

function assertWholeOrNone(device: Device, name: string): void {
  const { disk, places } = device;
  const text = disk.read(places.config);
  if (text === undefined) return;
  const config = parseConfig(JSON.parse(text));
  assert.is(config.device, name);
  for (const path of [places.caFile, places.certFile]) assert.match(disk.read(path) ?? '', /END CERTIFICATE/, path);
  assert.match(disk.read(places.keyFile) ?? '', /END PRIVATE KEY/);
}

function assertDone(device: Device, name: string): void {
  const { disk, places } = device;
  assert.ok(device.isConfigured);
  assertWholeOrNone(device, name);
  assert.equal(disk.paths(), [places.caFile, places.certFile, places.keyFile, places.config, places.spent].sort());
  assert.is(device.keysSent.size, 1, 'one token, one key');
  assert.equal(device.words, [], 'nothing was refused on the way');
}

async function stepsOfOne(): Promise<number> {
  const { device, code, name } = fresh();
  assert.is(await live(device, code), 'counting');
  assertDone(device, name);
  return device.disk.stepCount;
}

test('without a cut it takes some dozen steps', async () => {
  const count = await stepsOfOne();
  assert.ok(count > 30 && count < 80, `${count}`);
});

for (const keep of [0, 1]) {
  test(`cut once, at each step, what was not synced ${keep === 0 ? 'lost' : 'kept'}: the same code sets it up`, async () => {
    const count = await stepsOfOne();
    for (let at = 0; at < count; at++) {
      const { device, code, name } = fresh();
      device.disk.cutAfter(at);
      assert.is(await live(device, code), 'cut', `step ${at}`);
      device.disk.powerUp(keep);
      assertWholeOrNone(device, name);
      assert.is(await live(device, code), 'counting', `step ${at}`);
      assertDone(device, name);
    }
  });
}

test('cut again and again, the same code sets it up', async () => {
  const cuts = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.double({ min: 0, max: 1, noNaN: true })), {
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(cuts, async (cutsOfOne) => {
      const { device, code, name } = fresh();
      for (const [at, keep] of cutsOfOne) {
        device.disk.cutAfter(at);
        await live(device, code);
        device.disk.powerUp(keep);
        assertWholeOrNone(device, name);
      }
      assert.is(await live(device, code), 'counting');
      assertDone(device, name);
    }),
    { numRuns: RUNS },
  );
});

test('a reset that is cut at any step is made good at the next start, and the code of before works no more', async () => {
  const { device: whole, code: wholeCode } = fresh();
  await live(whole, wholeCode);
  const before = whole.disk.stepCount;
  await whole.reset();
  const count = whole.disk.stepCount - before;
  for (let at = 0; at < count; at++) {
    const { device, code } = fresh();
    await live(device, code);
    device.disk.cutAfter(at);
    let wasCut = false;
    await device.reset().catch((error: unknown) => {
      if (!(error instanceof PowerCut)) throw error;
      wasCut = true;
    });
    assert.ok(wasCut, `step ${at}`);
    device.disk.powerUp(at % 2);
    const outcome = await device.run();
    // Before the mark was on disk nothing had begun, and the button is held again.
    if (outcome === 'counting') await device.reset();
    assert.equal(device.disk.paths(), [device.places.spent], `step ${at}`);
    assert.is(device.wifi.kept, undefined);
    device.show(code);
    assert.is(await device.run(), 'scanning');
    assert.is(device.word, 'replayed');
  }
});

test('the positive control: a key that is not on disk before it is sent burns the token, which the test would see', async () => {
  const { device, code } = fresh();
  const prototype = Object.getPrototypeOf(device.state) as Pick<typeof device.state, 'writeAttempt'>;
  const { writeAttempt } = prototype;
  prototype.writeAttempt = function (attempt) {
    if (attempt.answer !== undefined) writeAttempt.call(this, attempt);
  };
  const { exchange } = device.gateway;
  Object.defineProperty(device, 'gateway', {
    value: {
      ...device.gateway,
      exchange: async (...words: Parameters<typeof exchange>) => {
        await exchange(...words);
        throw new PowerCut('as the answer arrives');
      },
    },
    configurable: true,
  });
  try {
    assert.is(await live(device, code), 'cut');
    Reflect.deleteProperty(device, 'gateway');
    device.disk.powerUp(0);
    await live(device, code);
    assert.ok(device.keysSent.size > 1);
    assert.ok(device.words.includes('token_used'));
  } finally {
    prototype.writeAttempt = writeAttempt;
  }
});

test.run();
