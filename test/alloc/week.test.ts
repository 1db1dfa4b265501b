// Goal: days of an entrance leave nothing behind: memory is flat, every number adds up, whatever happens in between.
// Method: the scene's people (positions, nothing is drawn) with noise through the real tracker, counting, corridor codec and
// voice under a clock that is moved by hand; the broker is away for an hour a day, the camera is lost, the clock is set.
// SOAK_DAYS=7 runs a week (about ten minutes) and prints what it saw each day; without it two simulated hours.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Random } from '../../drivers/camera/scene/random.ts';
import { Scene } from '../../drivers/camera/scene/simulation.ts';
import { ManualClock } from '../../drivers/clock/manual.ts';
import { parseConfig } from '../../runtime/config/config.ts';
import { Direction, EyeState, emptyRecord, RecordKind } from '../../runtime/corridor/record.ts';
import { CorridorWriter } from '../../runtime/corridor/writer.ts';
import { Counting } from '../../runtime/eye/count/counting.ts';
import { DetectionTable } from '../../runtime/eye/track/detections.ts';
import { TRACKER_DEFAULTS, Tracker } from '../../runtime/eye/track/tracker.ts';
import { createLog } from '../../runtime/log.ts';
import type { Link, LinkEvents } from '../../runtime/ports/link.ts';
import { Voice } from '../../runtime/voice/voice.ts';
import { databaseOn } from '../fakes/database.ts';
import { SimulatedDisk } from '../fakes/disk.ts';
import { memoryKey } from '../fakes/key.ts';
import { FULL_LAYOUT } from '../fakes/layout.ts';
import { settle } from '../runtime/voice/bench.ts';
import { collector } from './slope.ts';

const gc = collector();
const DAYS = Number(process.env['SOAK_DAYS'] ?? 2 / 24);
const RATE_HZ = 15;
const DAY_S = 86_400;
const OPEN_S = [9 * 3600, 20 * 3600] as const;
/** Two hours begin in the middle of a day, a week at midnight. */
const BEGIN_S = DAYS < 1 ? 10 * 3600 : 0;
const MIDNIGHT_MS = Date.UTC(2026, 2, 26); // three days later summer time begins
const HEAP_GROWTH_BYTES_MAX = 512 * 1024;

const CONFIG = parseConfig({
  state_dir: '/state',
  log_level: 'fatal',
  time_zone: 'Europe/Stockholm',
  opening_hours: ['Mo-Su 09:00-21:00'],
  ...FULL_LAYOUT,
});

/** A broker that forgets at once what it was told, but for the sums. */
class Sink implements Link {
  readonly name = 'sink';
  up = false;
  readonly sums = new Map<string, { in: number; out: number; netIn: number; netOut: number }>();
  lastSeq = 0;
  #events: LinkEvents | undefined;

  start(_purpose: unknown, events: LinkEvents): void {
    this.#events = events;
    this.set(true);
  }
  set(up: boolean): void {
    if (this.up === up) return;
    this.up = up;
    if (up) this.#events!.onUp();
    else this.#events!.onDown('the broker is away');
  }
  async publish(topic: string, payload: string): Promise<void> {
    const name = /\/interval\/(.+)$/.exec(topic)?.[1];
    if (name === undefined) return;
    const { seq, in: countIn, out, net_in: netIn, net_out: netOut } = JSON.parse(payload);
    assert.ok(seq > this.lastSeq, 'intervals come in order, each once');
    this.lastSeq = seq;
    const sum = this.sums.get(name) ?? { in: 0, out: 0, netIn: 0, netOut: 0 };
    this.sums.set(name, {
      in: sum.in + countIn,
      out: sum.out + out,
      netIn: sum.netIn + netIn,
      netOut: sum.netOut + netOut,
    });
  }
  async stop(): Promise<void> {
    this.up = false;
  }
}

/** The eye without camera and engine: exact boxes with noise in, records out, as eye.ts sends them. */
class SoakEye {
  readonly tracker = new Tracker({ ...TRACKER_DEFAULTS, scoreMin: 0.4, scoreLow: 0.2 });
  readonly counting: Counting;
  readonly #table = new DetectionTable();
  readonly #scene = new Scene({ seed: 11, peoplePerMinute: 25 });
  readonly #random = new Random(11, 9);
  readonly #record = emptyRecord();
  readonly #writer: CorridorWriter;
  readonly #wallMs: () => number;
  #sceneFrame = 0;
  #atUs = 0;
  framesRead = 0;

  constructor(wallMs: () => number, send: (bytes: Uint8Array) => void) {
    this.#wallMs = wallMs;
    const outlet = {
      write: (bytes: Uint8Array, offset: number) => {
        send(bytes.subarray(offset, offset + 32));
        return 32;
      },
      close: () => {},
    };
    this.#writer = new CorridorWriter(outlet, 7);
    this.counting = new Counting(CONFIG, 256, 192, {
      onCrossing: (counterIndex, direction) => this.#sendTotals(RecordKind.crossing, counterIndex, direction),
      onNet: (counterIndex) => this.#sendNet(counterIndex),
      onVisit: (zoneIndex, dwellMs) =>
        this.#send(RecordKind.visit, zoneIndex, 0, dwellMs, this.counting.zones.endedCount[zoneIndex]!),
    });
  }

  hello(): void {
    this.#send(RecordKind.hello, this.counting.lines.counterCount, this.counting.zones.zoneCount, 0, 0);
    this.#send(RecordKind.state, 0, EyeState.counting, 0, 0);
  }

  frame(isOpen: boolean): void {
    this.#atUs += 1e6 / RATE_HZ;
    this.framesRead += 1;
    this.#table.clear();
    if (isOpen) this.#look();
    this.tracker.step(this.#table, this.#atUs);
    this.counting.step(this.tracker, this.#atUs);
  }

  #look(): void {
    const { people } = this.#scene;
    this.#scene.step(this.#sceneFrame);
    this.#sceneFrame += 1;
    for (let row = 0; row < people.count; row++) {
      if (people.visible[row]! < 0.3 || this.#random.chance(0.1)) continue;
      const at = row * 4;
      const boxes = people.boxesNorm;
      this.#table.add(
        ((boxes[at]! + boxes[at + 2]!) / 2) * 256 + this.#random.bell(0, 2),
        ((boxes[at + 1]! + boxes[at + 3]!) / 2) * 192 + this.#random.bell(0, 2),
        (boxes[at + 2]! - boxes[at]!) * 256,
        (boxes[at + 3]! - boxes[at + 1]!) * 192,
        0.9,
      );
    }
  }

  forget(): void {
    this.tracker.reset();
    this.counting.forget(this.#atUs);
  }

  second(): void {
    const { lines, zones } = this.counting;
    for (let counterIndex = 0; counterIndex < lines.counterCount; counterIndex++) {
      this.#sendTotals(RecordKind.totals, counterIndex, Direction.in);
      this.#sendNet(counterIndex);
    }
    for (let zoneIndex = 0; zoneIndex < zones.zoneCount; zoneIndex++) {
      this.#record.c = zones.visitCount[zoneIndex]!;
      this.#record.d = zones.bounceCount[zoneIndex]!;
      this.#send(RecordKind.zone, zoneIndex, 0, zones.occupancy[zoneIndex]!, zones.queue[zoneIndex]!);
      this.#send(RecordKind.passers, zoneIndex, 0, zones.passerByCount[zoneIndex]!, zones.endedCount[zoneIndex]!);
    }
    this.#send(RecordKind.frames, 0, 0, this.framesRead, this.framesRead);
  }

  #sendTotals(kind: RecordKind, counterIndex: number, direction: Direction): void {
    const { lines } = this.counting;
    this.#send(kind, counterIndex, direction, lines.inCount[counterIndex]!, lines.outCount[counterIndex]!);
  }

  #sendNet(counterIndex: number): void {
    const { lines } = this.counting;
    this.#send(RecordKind.net, counterIndex, 0, lines.netInCount[counterIndex]!, lines.netOutCount[counterIndex]!);
  }

  #send(kind: RecordKind, index: number, code: number, a: number, b: number): void {
    Object.assign(this.#record, { kind, index, code, timeMs: Math.round(this.#wallMs()), a, b });
    this.#writer.send(this.#record);
  }
}

test(`${DAYS < 1 ? 'two hours' : `${DAYS} days`} at a door: memory is flat and every number adds up`, async () => {
  const clock = new ManualClock(MIDNIGHT_MS + BEGIN_S * 1000);
  const sink = new Sink();
  const voice = new Voice({
    config: CONFIG,
    clock,
    timeSource: clock,
    link: sink,
    log: createLog('voice', 'fatal'),
    version: '0.0.0-test',
    openKey: memoryKey,
    control: () => {},
    onFatal: (reason) => assert.unreachable(reason),
    readConfig: () => CONFIG,
    onStartAgain: () => assert.unreachable('nobody asked for it'),
    openDatabase: databaseOn(new SimulatedDisk()),
  });
  const eye = new SoakEye(
    () => clock.wallMs(),
    (bytes) => voice.feed(bytes, bytes.length),
  );
  voice.start();
  eye.hello();
  const heaps: number[] = [];
  const seconds = Math.round(DAYS * DAY_S);
  const sampleEvery = Math.round(seconds / 12);
  for (let second = 0; second < seconds; second++) {
    const ofDay = (BEGIN_S + second) % DAY_S;
    const isOpen = ofDay >= OPEN_S[0] && ofDay < OPEN_S[1];
    for (let frame = 0; frame < RATE_HZ; frame++) eye.frame(isOpen);
    if (ofDay % 5000 === 0) eye.forget(); // the camera was lost
    if (ofDay % 7000 === 0) clock.jumpWall(ofDay % 2 === 0 ? 2500 : -2500); // a time server
    if (ofDay === 11 * 3600) sink.set(false);
    if (ofDay === 12 * 3600) sink.set(true);
    clock.advance(1000);
    eye.second();
    await settle();
    if ((second + 1) % sampleEvery === 0) {
      gc();
      heaps.push(process.memoryUsage().heapUsed);
      if (DAYS >= 1)
        process.stdout.write(
          `day ${((second + 1) / DAY_S).toFixed(1)}: ${(heaps.at(-1)! / 2 ** 20).toFixed(2)} MiB, main in ${eye.counting.lines.inCount[2]}\n`,
        );
    }
  }
  sink.set(true);
  eye.forget();
  for (let second = 0; second < 200; second++) {
    eye.frame(false);
    clock.advance(1000);
    eye.second();
    await settle();
  }
  const { lines } = eye.counting;
  const names = ['outer', 'inner', 'main'];
  for (const [index, name] of names.entries()) {
    const sum = sink.sums.get(name)!;
    assert.equal(
      [sum.in, sum.out, sum.netIn, sum.netOut],
      [lines.inCount[index], lines.outCount[index], lines.netInCount[index], lines.netOutCount[index]],
      `${name}: intervals hold everybody once`,
    );
    assert.is(sum.in - sum.out, sum.netIn - sum.netOut);
  }
  assert.ok(lines.inCount[2]! > 100 * DAYS, `${lines.inCount[2]} people`);
  const { resetAtMs } = voice.ledger.state.occupancy;
  if (DAYS >= 2) assert.ok(resetAtMs > MIDNIGHT_MS + (DAYS - 2) * DAY_S * 1000, 'occupancy was reset each night');
  // The first quarter warms up; from there on the least of each half must not grow.
  const [first, second] = [heaps.slice(3, 7), heaps.slice(8)].map((part) => Math.min(...part));
  assert.ok(
    second! - first! < HEAP_GROWTH_BYTES_MAX,
    `heap ${heaps.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(', ')} MiB`,
  );
  await voice.stop();
});

test.run();
