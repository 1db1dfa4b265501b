// Goal: set-up mode tells positions and nothing that ties one to the next, ends by itself, and knows no way to be forgotten.
// Method: a real tracker with people put into it by hand, a clock moved by hand, records through encoder and decoder.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ManualClock } from '../../../drivers/clock/manual.ts';
import { ControlWord, SETUP_LEASE_S, SETUP_S_MAX } from '../../../runtime/corridor/control.ts';
import {
  type CorridorRecord,
  Decoded,
  decodeRecord,
  dotsInPart,
  emptyRecord,
  encodeRecord,
  RECORD_BYTES,
} from '../../../runtime/corridor/record.ts';
import { SetupMode } from '../../../runtime/eye/setup.ts';
import { DetectionTable } from '../../../runtime/eye/track/detections.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../../runtime/eye/track/tracker.ts';

const WIDTH_PX = 256;
const HEIGHT_PX = 192;
const TICK_MS = 250;

function bench() {
  const clock = new ManualClock();
  const tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: 0.5, scoreLow: 0.1 });
  const records: CorridorRecord[] = [];
  const changes: boolean[] = [];
  const is = { counting: true, roomy: true };
  const setup = new SetupMode({
    tracker,
    widthPx: WIDTH_PX,
    heightPx: HEIGHT_PX,
    clock,
    isCounting: () => is.counting,
    hasRoom: () => is.roomy,
    record: emptyRecord(),
    send: (record) => {
      const bytes = new Uint8Array(RECORD_BYTES);
      const view = new DataView(bytes.buffer);
      encodeRecord(record, bytes, view, 0);
      const back = emptyRecord();
      assert.is(decodeRecord(bytes, view, 0, back), Decoded.ok);
      records.push(back);
    },
    onChange: (isOn) => changes.push(isOn),
  });
  /** People stand at these pixels; after a few frames their tracks are confirmed. */
  const stand = (people: readonly (readonly [xPx: number, yPx: number])[]): void => {
    const table = new DetectionTable();
    for (const [xPx, yPx] of people) table.add(xPx, yPx, 6, 6, 0.9);
    for (let frame = 0; frame < 8; frame++) tracker.step(table, clock.monotonicUs() + frame * 66_000);
  };
  const pass = (ms: number): void => {
    for (let untilMs = ms; untilMs > 0; untilMs -= TICK_MS) {
      clock.advance(TICK_MS);
      setup.tick();
    }
  };
  return { clock, tracker, setup, records, changes, is, stand, pass };
}

/** Positions of the set that ends with the last record. */
function lastSet(records: readonly CorridorRecord[]): [number, number][] {
  const { index, code } = records.at(-1)!;
  return records.slice(-1 - index).flatMap(({ a, b, c, d }, part) =>
    [a, b, c, d]
      .flatMap((pair) => [pair & 0xffff, pair >>> 16])
      .slice(0, dotsInPart(code, part))
      .map((dot): [number, number] => [dot >> 8, dot & 255]),
  );
}

test('nothing is told before the word, each quarter of a second with it, and nothing after the other word', () => {
  const { setup, records, changes, stand, pass } = bench();
  stand([[100, 60]]);
  pass(1000);
  assert.is(records.length, 0);
  setup.hear(ControlWord.setupOn);
  pass(1000);
  assert.is(records.length, 4);
  setup.hear(ControlWord.setupOff);
  pass(1000);
  assert.is(records.length, 4);
  assert.equal(changes, [true, false]);
});

test('a position is the point that lines use, in 1/256 of the picture', () => {
  const { setup, records, stand, pass } = bench();
  stand([
    [200.5, 100],
    [10.2, 191],
    [200.5, 20],
  ]);
  setup.hear(ControlWord.setupOn);
  pass(TICK_MS);
  assert.equal(lastSet(records), [
    [10, 254],
    [200, 26],
    [200, 133],
  ]);
});

test('the order is that of the picture: whoever came first, the same places give the same bytes', () => {
  const place = fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 11 }));
  const people = fc.uniqueArray(place, { maxLength: 40, selector: ([x, y]) => x * 16 + y });
  fc.assert(
    fc.property(people, (places) => {
      const told = [places, [...places].reverse()].map((order) => {
        const { setup, records, stand, pass } = bench();
        stand(order.map(([x, y]) => [16 * x + 8, 16 * y + 8]));
        setup.hear(ControlWord.setupOn);
        pass(TICK_MS);
        return records;
      });
      assert.is(told[0]!.length, Math.max(1, Math.ceil(Math.min(32, places.length) / 8)));
      assert.is(told[0]![0]!.code, Math.min(32, places.length));
      // Of more than 32 some are left out, and then it matters which.
      if (places.length <= 32) assert.equal(told[0], told[1]);
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 60) },
  );
});

test('who is not confirmed is noise, and who is supposed outside of the picture is nowhere', () => {
  const { setup, records, tracker, stand, pass } = bench();
  setup.hear(ControlWord.setupOn);
  const table = new DetectionTable();
  table.add(50, 50, 6, 6, 0.9);
  tracker.step(table, 0);
  pass(TICK_MS);
  assert.equal(lastSet(records), []);
  stand([[50, 50]]);
  tracker.xPx[0] = -0.5;
  pass(TICK_MS);
  assert.equal(lastSet(records), []);
  tracker.xPx[0] = 256;
  pass(TICK_MS);
  assert.equal(lastSet(records), []);
});

test('while paused nothing is told, nor while older records wait for room; then it goes on', () => {
  const { setup, records, is, pass } = bench();
  setup.hear(ControlWord.setupOn);
  is.counting = false;
  pass(1000);
  is.counting = true;
  is.roomy = false;
  pass(1000);
  assert.is(records.length, 0);
  is.roomy = true;
  pass(500);
  assert.is(records.length, 2);
});

test('a voice that dies ends it within two minutes', () => {
  const { setup, records, pass } = bench();
  setup.hear(ControlWord.setupOn);
  pass(60_000);
  setup.hear(ControlWord.setupOn);
  pass(SETUP_LEASE_S * 1000 - TICK_MS);
  assert.is(setup.isOn, true);
  pass(TICK_MS);
  assert.is(setup.isOn, false);
  const told = records.length;
  pass(60_000);
  assert.is(records.length, told);
  assert.ok(SETUP_LEASE_S < 120);
});

test('after an hour it is over, whatever the voice says, until it has said that it is over', () => {
  const { setup, pass } = bench();
  for (let s = 0; s < SETUP_S_MAX; s += 30) {
    setup.hear(ControlWord.setupOn);
    pass(30_000 - TICK_MS);
    assert.is(setup.isOn, true);
    pass(TICK_MS);
  }
  assert.is(setup.isOn, false);
  setup.hear(ControlWord.setupOn);
  setup.hear(ControlWord.identify);
  pass(1000);
  assert.is(setup.isOn, false);
  setup.hear(ControlWord.setupOff);
  setup.hear(ControlWord.setupOn);
  assert.is(setup.isOn, true);
});

test.run();
