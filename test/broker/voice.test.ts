/**
 * Goal: the voice as it runs on a device, with a real broker: nothing is lost or doubled by kills on either side.
 * Method: the compiled process between real FIFOs; the test plays the eye and listens beside it. Crossings bear times of
 * the last minutes, so that many intervals close four seconds after the start and no test waits for a minute.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ControlWord } from '../../runtime/corridor/control.ts';
import { EyeState } from '../../runtime/corridor/record.ts';
import { type Subscriber, skipBroker, TestBroker } from '../fakes/broker.ts';
import { eventually } from '../fakes/within.ts';
import { FakeEye, type Health, type Interval, type Total } from '../runtime/voice/bench.ts';
import { VoiceProcess } from './process.ts';

type Status = { state: string; boot: number };
type Scene = { broker: TestBroker; ear: Subscriber; voice: VoiceProcess; eye: FakeEye };

const INTERVAL_S = 5;

function onStage(name: string, body: (scene: Scene) => Promise<void>): void {
  test(name, async () => {
    const broker = await TestBroker.create();
    const ear = await broker.subscribe();
    const voice = new VoiceProcess({ mqtt: { url: broker.url }, interval_s: INTERVAL_S });
    try {
      voice.start();
      await eventually(5000, 'online', () => ear.last<Status>('/status')?.state === 'online');
      await body({ broker, ear, voice, eye: new FakeEye(1) });
      ear.checkContract();
    } catch (error) {
      process.stdout.write(`${voice.output}\n`);
      throw error;
    } finally {
      await voice.dispose();
      await ear.end();
      await broker.stop();
    }
  });
}

function greet({ voice, eye }: Scene): void {
  voice.send(eye.hello(Date.now()));
  voice.send(eye.state(Date.now(), EyeState.counting));
}

/** One crossing in each of the last `count` intervals, oldest first. */
function pastCrossings({ voice, eye }: Scene, count: number): void {
  const nowMs = Date.now();
  for (let i = count; i > 0; i--) voice.send(eye.cross(i % 3 === 0 ? 'out' : 'in', nowMs - i * INTERVAL_S * 1000));
}

function seqs(ear: Subscriber): number[] {
  return ear.all<Interval>('/interval/').map((interval) => interval.seq);
}

if (skipBroker()) {
  test('skipped by SKIP_BROKER=1', () => {});
} else {
  onStage('records in at the FIFO, numbers out at the broker, a good-bye at SIGTERM', async (scene) => {
    const { broker, ear, voice, eye } = scene;
    greet(scene);
    for (let i = 0; i < 3; i++) voice.send(eye.cross('in', Date.now()));
    voice.send(eye.cross('out', Date.now()));
    await eventually(5000, 'total', () => ear.last<Total>('/total/door')?.in === 3);
    await eventually(5000, 'health', () => ear.last<Health>('/health')?.eye.state === 'counting');
    assert.is(ear.last<Total>('/total/door')?.out, 1);
    assert.ok(voice.words().every((word) => word === ControlWord.linkUp));
    const late = await broker.subscribe();
    await eventually(2000, 'retained', () => late.received.length >= 6);
    assert.equal(late.received.map((message) => message.topic.split('/')[4]).sort(), [
      'health',
      'info',
      'occupancy',
      'schema',
      'status',
      'total',
    ]);
    assert.ok(late.received.every((message) => message.retain));
    await late.end();
    const startedMs = Date.now();
    voice.signal('SIGINT'); // as from a terminal, which tells everybody, and then the supervisor
    voice.send(eye.cross('in', Date.now()));
    await new Promise((resolve) => setTimeout(resolve, 20));
    voice.signal('SIGTERM');
    assert.is(await voice.ended(), 0);
    assert.ok(Date.now() - startedMs < 2000);
    await eventually(2000, 'the last crossing', () => ear.last<Total>('/total/door')?.in === 4);
    await eventually(2000, 'stopped', () => ear.last<Status>('/status')?.state === 'stopped');
    assert.ok(voice.output.split('\n').length < 10, `few lines in the log:\n${voice.output}`);
  });

  onStage('SIGKILL: the will says offline with its boot; the next life goes on where this one was', async (scene) => {
    const { ear, voice, eye } = scene;
    greet(scene);
    voice.send(eye.cross('in', Date.now()));
    await eventually(5000, 'total', () => ear.last<Total>('/total/door')?.in === 1);
    const epoch = ear.last<Total>('/total/door')?.epoch_id;
    voice.signal('SIGKILL');
    await eventually(3000, 'offline', () => ear.last<Status>('/status')?.state === 'offline');
    assert.is(ear.last<Status>('/status')?.boot, 1);
    voice.send(eye.cross('in', Date.now())); // waits in the pipe
    voice.start();
    await eventually(5000, 'online', () => ear.last<Status>('/status')?.state === 'online');
    assert.is(ear.last<Status>('/status')?.boot, 2);
    await eventually(5000, 'total', () => ear.last<Total>('/total/door')?.in === 2);
    assert.is(ear.last<Total>('/total/door')?.epoch_id, epoch);
  });

  onStage(
    'the broker is killed in the middle of a backlog: every interval arrives, with its own number',
    async (scene) => {
      const { broker, ear, voice, eye } = scene;
      greet(scene);
      pastCrossings(scene, 150); // more than goes out in a second, so that the kill falls between
      await eventually(8000, 'some intervals', () => seqs(ear).length >= 20);
      await broker.kill();
      const before = seqs(ear).length;
      assert.ok(before < 150, `${before} had arrived when the broker was killed`);
      for (let i = 0; i < 5; i++) voice.send(eye.cross('in', Date.now()));
      await new Promise((resolve) => setTimeout(resolve, 700));
      await broker.start();
      await eventually(10_000, 'totals are back', () => ear.last<Total>('/total/door')?.in === 105);
      const isWhole = () => {
        const all = ear.all<Interval>('/interval/');
        return all.length > 0 && Math.max(...all.map((interval) => interval.total_in)) === 105;
      };
      await eventually(12_000, 'the last interval', isWhole);
      const distinct = new Map<number, Interval>();
      for (const interval of ear.all<Interval>('/interval/')) {
        const twin = distinct.get(interval.seq);
        // At least once: what was in flight may come twice, but then it is the same under the same number.
        if (twin !== undefined) assert.equal({ ...interval, historical: true }, { ...twin, historical: true });
        distinct.set(interval.seq, interval);
      }
      const numbers = [...distinct.keys()];
      assert.equal(
        numbers,
        Array.from({ length: numbers.length }, (_, i) => 2 * i + 1),
        'every number once, in order, from 1; the even ones are receipts',
      );
      let totalIn = 0;
      let totalOut = 0;
      for (const interval of distinct.values()) {
        totalIn += interval.in;
        totalOut += interval.out;
        assert.equal([interval.total_in, interval.total_out], [totalIn, totalOut]);
      }
      assert.equal([totalIn, totalOut], [105, 50]);
    },
  );

  onStage('SIGTERM ends it within two seconds while the broker is dead, and while it is frozen', async (scene) => {
    const { broker, ear, voice } = scene;
    broker.signal('SIGSTOP');
    let startedMs = Date.now();
    voice.signal('SIGTERM');
    assert.is(await voice.ended(), 0);
    assert.ok(Date.now() - startedMs < 2000, 'frozen');
    broker.signal('SIGCONT');
    await broker.kill();
    voice.start();
    await eventually(5000, 'link down', () => /link down/.test(voice.output));
    startedMs = Date.now();
    voice.signal('SIGINT');
    assert.is(await voice.ended(), 0);
    assert.ok(Date.now() - startedMs < 2000, 'dead');
    assert.ok(ear.received.length > 0);
  });

  onStage('rubbish in the corridor: exit 65, health says so, the will says offline, counts are kept', async (scene) => {
    const { ear, voice, eye } = scene;
    greet(scene);
    voice.send(eye.cross('in', Date.now()));
    voice.send(new Uint8Array(32).fill(255));
    assert.is(await voice.ended(), 65);
    await eventually(3000, 'offline', () => ear.last<Status>('/status')?.state === 'offline');
    assert.is(ear.last<Health>('/health')?.eye.state, 'eye_cut_off');
    assert.match(voice.output, 'eye cut off');
    voice.start();
    await eventually(5000, 'online', () => ear.last<Status>('/status')?.state === 'online');
    await eventually(5000, 'total', () => ear.last<Total>('/total/door')?.in === 1);
  });

  test('without its FIFOs it ends with 74 and a sentence, with a bad configuration with 78', async () => {
    const bare = new VoiceProcess({}, false);
    const bad = new VoiceProcess({ interval_s: 7 });
    try {
      bare.start();
      assert.is(await bare.ended(), 74);
      assert.match(bare.output, /corridor .*fifo cannot be opened \(ENOENT\)/);
      assert.match(bare.output, 'lethe run');
      bad.start();
      assert.is(await bad.ended(), 78);
      assert.match(bad.output, 'interval_s is 7');
    } finally {
      await bare.dispose();
      await bad.dispose();
    }
  });
}

test.run();
