/**
 * Goal: a sound recording passes however often the broker repeats itself; each way to spoil one is named with its place.
 * Method: recordings made message by message, spoilt one by one and at random (fast-check), in every form of input.
 */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Finding } from '../../../../runtime/commands/verify/findings.ts';
import { LINE_BYTES_MAX } from '../../../../runtime/commands/verify/lines.ts';
import { type Recording, readRecording } from '../../../../runtime/commands/verify/recording.ts';
import { reportJson, reportText } from '../../../../runtime/commands/verify/report.ts';
import { memoryKey } from '../../../fakes/key.ts';
import { isReceipt, linesOfAll, Sender, type Sent } from '../../../fakes/receipts.ts';

const RUNS = Number(process.env['FC_RUNS'] ?? 60);
const OTHER_EPOCH = '00000000-0000-4000-8000-000000000002';

async function* inChunks(text: string, bytes: number): AsyncGenerator<Uint8Array> {
  const whole = Buffer.from(text);
  for (let at = 0; at < whole.length; at += bytes) yield whole.subarray(at, at + bytes);
}

function verifyText(text: string, trustedKey = '', chunkBytes = 4096): Promise<Recording> {
  return readRecording(inChunks(text, chunkBytes), trustedKey);
}

const verify = (sent: readonly Sent[], trustedKey = '') => verifyText(linesOfAll(sent), trustedKey);
const short = ({ kind, line, numbers }: Finding) => [kind, line, numbers];
const findingsOf = async (sent: readonly Sent[], trustedKey = '') =>
  (await verify(sent, trustedKey)).findings.findings.map(short);
const notesOf = async (sent: readonly Sent[]) => (await verify(sent)).findings.notes.map(({ text }) => text);

/** A minute is a message and a receipt: that receipt's place, from 0. */
const receiptAt = (number: number) => 2 * number - 1;

function changedAt(sent: readonly Sent[], index: number, change: (payload: Record<string, unknown>) => void): Sent[] {
  const copy = structuredClone(sent) as Sent[];
  change(copy[index]!.payload);
  return copy;
}

test('a sound recording: what was checked, and what it says', async () => {
  const sender = new Sender();
  const recording = await verify(sender.minutes(10));
  assert.equal(recording.findings.findings, []);
  const [device] = recording.devices;
  assert.equal([device!.name, device!.sums.receipts, device!.sums.read], ['demo/door1', 10, 9000]);
  assert.equal([device!.sums.pixelsUsMax, device!.sums.derivedUsMax], [306, 1100]);
  assert.is(recording.coverages[0]!.matchedCount, 10);
  const text = reportText(recording, '');
  assert.match(text, 'demo/door1: 10 receipts\n');
  assert.match(text, '1 to 10, 2026-01-05T12:00:00.000Z to 2026-01-05T12:10:00.000Z');
  assert.match(text, '9000 read, 9000 erased, 0 dropped');
  assert.match(text, 'pixels 0.306 ms (interval of 2026-01-05T12:05:00.000Z)');
  assert.match(text, sender.key.publicKey);
  assert.match(text, /^SOUND: /m);
  assert.match(text, 'Nobody vouched for the key');
  assert.not.match(reportText(recording, sender.key.publicKey), 'Nobody vouched');
});

test('every form of input gives the same: topic and payload, payload, JSON of mosquitto_sub, in chunks of any size', async () => {
  const sent = new Sender().minutes(6);
  const other = 'lethe/v1/demo/door1/health {"v":1}\nlethe/v1/demo/door1/total/door {"v":1}\nhello\n\n';
  const forms = [
    linesOfAll(sent) + other,
    sent.map(({ payload }) => `${JSON.stringify(payload)}\n`).join(''),
    sent
      .map(({ topic, payload }) => `${JSON.stringify({ topic, qos: 1, payload: JSON.stringify(payload) })}\n`)
      .join(''),
    sent.map(({ topic, payload }) => `${JSON.stringify({ topic, payload })}\r\n`).join(''),
    linesOfAll(sent).trimEnd(),
    linesOfAll(sent.map(({ topic, payload }) => ({ topic: `store7/${topic}`, payload }))),
  ];
  for (const form of forms)
    for (const chunkBytes of [1, 7, 1000, 1e6]) {
      const { findings, devices, coverages } = await verifyText(form, '', chunkBytes);
      assert.equal(findings.findings, []);
      assert.equal([devices[0]!.sums.receipts, coverages[0]!.matchedCount], [6, 6]);
    }
});

test('several devices in one stream have a chain each', async () => {
  const a = new Sender().minutes(4);
  const b = new Sender({ device: 'door2', epochId: OTHER_EPOCH }).minutes(4);
  const mixed = a.flatMap((sent, index) => [sent, b[index]!]);
  const recording = await verify(mixed);
  assert.equal(recording.findings.findings, []);
  assert.equal(
    recording.devices.map(({ name, sums }) => [name, sums.receipts]),
    [
      ['demo/door1', 4],
      ['demo/door2', 4],
    ],
  );
  const { devices } = JSON.parse(reportJson(recording, ''));
  assert.equal(devices[1].chains, [
    {
      epoch_id: OTHER_EPOCH,
      first: 1,
      last: 4,
      from: '2026-01-05T12:00:00.000Z',
      to: '2026-01-05T12:04:00.000Z',
      redelivered: 0,
    },
  ]);
});

test('gap: receipts that are missing are named with their numbers and their time', async () => {
  const sent = new Sender().minutes(10);
  const { findings } = await verify(sent.filter((_, index) => ![receiptAt(4), receiptAt(5)].includes(index)));
  assert.equal(findings.findings.map(short), [['gap', 10, [4, 5]]]);
  assert.match(findings.findings[0]!.text, 'from 2026-01-05T12:03:00.000Z to 2026-01-05T12:05:00.000Z');
});

test('gap: a message that is missing is named, one of a topic that was not recorded is not', async () => {
  const sent = new Sender().minutes(6);
  assert.equal(await findingsOf(sent.filter((_, index) => index !== 4)), [['gap', 5, null]]);
  const onlyReceipts = await verify(sent.filter(isReceipt));
  assert.equal(onlyReceipts.findings.findings, []);
  assert.is(onlyReceipts.coverages[0]!.unheardCount, 6);
});

test('gap: records that the device gave out without a receipt', async () => {
  const sender = new Sender();
  const sent = [...sender.minutes(2), sender.withoutReceipt(), ...sender.minutes(2)];
  const { findings, coverages } = await verify(sent);
  assert.equal(findings.findings.map(short), [['gap', 7, [3, 3]]]);
  assert.match(findings.findings[0]!.text, 'record 5 of the device bear no receipt');
  assert.is(coverages[0]!.uncoveredCount, 1);
});

test('fork: two receipts of one number, in a row told as one', async () => {
  const sender = new Sender();
  const begin = sender.minutes(5);
  const twin = sender.copy();
  const one = sender.minutes(3);
  const other = Array.from({ length: 4 }, () => twin.minute({ quality: 'degraded' })).flat();
  const findings = await findingsOf([...begin, ...one, ...other].filter(isReceipt));
  assert.equal(findings, [['fork', 9, [6, 8]]]);
});

test('fork: one receipt with a twin, and a chain that goes on from either, is one finding', async () => {
  const sender = new Sender();
  const begin = sender.minutes(3);
  const twin = sender.copy();
  const one = sender.minute();
  const other = twin.minute({ boot: 2 });
  const onFirst = [...begin, ...one, ...other, ...sender.minutes(2)].filter(isReceipt);
  assert.equal(await findingsOf(onFirst), [['fork', 5, [4, 4]]]);
  const onSecond = [...begin, ...one, ...other, ...twin.minutes(2)].filter(isReceipt);
  assert.equal(await findingsOf(onSecond), [['fork', 5, [4, 4]]]);
});

test('fork: a receipt that follows another than the one here', async () => {
  const sender = new Sender();
  const begin = sender.minutes(3);
  const twin = sender.copy();
  twin.minute({ quality: 'degraded' });
  const findings = await findingsOf([...begin, ...sender.minute(), ...twin.minute()].filter(isReceipt));
  assert.equal(findings, [['fork', 5, [5, 5]]]);
});

test('edit: a receipt that was changed is told once, and not as a gap as well', async () => {
  const sent = new Sender().minutes(6);
  const edited = changedAt(sent, receiptAt(3), (payload) => {
    payload['frames'] = { read: 900, erased: 901, dropped: 0 };
  });
  assert.equal(await findingsOf(edited), [['edit', 6, [3, 3]]]);
});

test('edit: a message that was changed is named with the receipt that says so', async () => {
  const sent = new Sender().minutes(6);
  const edited = changedAt(sent, 4, (payload) => {
    payload['in'] = 99;
  });
  const { findings } = await verify(edited);
  assert.equal(findings.findings.map(short), [['edit', 5, null]]);
  assert.match(findings.findings[0]!.text, 'message 5 of interval/door is not the one that receipt 3 (line 6) covers');
});

test('edit: a message under another line’s topic, one that was made up, and one of two with the same number', async () => {
  const sent = new Sender().minutes(4);
  const moved = [...sent];
  moved[2] = { topic: 'lethe/v1/demo/door1/interval/window', payload: sent[2]!.payload };
  assert.equal(await findingsOf(moved), [['edit', 3, null]]);
  const madeUp = { topic: sent[0]!.topic, payload: { ...sent[0]!.payload, seq: 2 } };
  assert.equal(await findingsOf([...sent.slice(0, 2), madeUp, ...sent.slice(2)]), [['edit', 3, null]]);
  const twin = { topic: sent[2]!.topic, payload: { ...sent[2]!.payload, in: 77 } };
  assert.equal(await findingsOf([...sent.slice(0, 3), twin, ...sent.slice(3)]), [['edit', 4, null]]);
});

test('edit: a receipt under the topic of another device, and what is no receipt at all', async () => {
  const sent = new Sender().minutes(3);
  const moved = [...sent];
  moved[3] = { topic: 'lethe/v1/demo/door2/receipt', payload: sent[3]!.payload };
  assert.equal(await findingsOf(moved), [['edit', 4, [2, 2]]]);
  const text = linesOfAll(sent);
  for (const broken of [
    'lethe/v1/demo/door1/receipt {"v":1,',
    'lethe/v1/demo/door1/receipt {"v":1}',
    '{"kind":"receipt"',
  ]) {
    const { findings } = await verifyText(`${text}${broken}\n`);
    assert.equal(findings.findings.map(short), [['edit', 7, null]], broken);
  }
});

test('replay: an old receipt again, in the middle and at the end', async () => {
  const sent = new Sender().minutes(8).filter(isReceipt);
  assert.equal(await findingsOf([...sent.slice(0, 6), sent[1]!, ...sent.slice(6)]), [['replay', 7, [2, 2]]]);
  assert.equal(await findingsOf([...sent, sent[2]!]), [['replay', 9, [3, 3]]]);
  assert.equal(await findingsOf([...sent, sent[2]!, sent[3]!]), [['replay', 9, [3, 4]]]);
  assert.equal(
    await findingsOf([...sent, sent[2]!, sent[5]!]),
    [
      ['replay', 9, [3, 3]],
      ['replay', 10, [6, 6]],
    ],
    'two of them',
  );
});

test('replay: a receipt that was held back and comes late', async () => {
  const sent = new Sender().minutes(6).filter(isReceipt);
  const late = [...sent.slice(0, 2), ...sent.slice(3, 5), sent[2]!, sent[5]!];
  assert.equal(await findingsOf(late), [
    ['gap', 3, [3, 3]],
    ['replay', 5, [3, 3]],
  ]);
});

test('redelivery: runs that come again and catch up are sound', async () => {
  const sent = new Sender().minutes(9).filter(isReceipt);
  const inOrder = (numbers: readonly number[]) => numbers.map((number) => sent[number - 1]!);
  for (const numbers of [
    [1, 2, 2, 3],
    [1, 2, 3, 2, 3, 4],
    [1, 2, 3, 1, 2, 1, 2, 3, 4],
    [5, 6, 7, 5, 6, 5, 6, 7],
    [1, 1, 1, 2],
  ]) {
    const recording = await verify(inOrder(numbers));
    assert.equal(recording.findings.findings, [], numbers.join(' '));
    const [chain] = [...recording.devices[0]!.chains.values()];
    assert.is(chain!.redeliveredCount, numbers.length - new Set(numbers).size);
    assert.is(recording.devices[0]!.sums.receipts, new Set(numbers).size, 'each is in the sums once');
  }
});

test('key: another one than asked for, and one that changes on the way, each told once', async () => {
  const sender = new Sender();
  const sent = sender.minutes(3);
  assert.equal(await findingsOf(sent, sender.key.publicKey), []);
  assert.equal(await findingsOf(sent, memoryKey().publicKey), [['key', 2, [1, 1]]]);
  const thief = new Sender();
  thief.minutes(3);
  const findings = await findingsOf([...sent, ...thief.minutes(2)].filter(isReceipt));
  assert.equal(findings, [
    ['key', 4, [4, 4]],
    ['fork', 4, [4, 4]],
  ]);
});

test('frames: one picture in work is none too many, two are, and so is one each minute', async () => {
  const minutesOf = (...differences: readonly number[]) => {
    const sender = new Sender();
    return differences.flatMap((difference) =>
      sender.minute({ frames: { read: 900, erased: 900 - difference, dropped: 0 } }),
    );
  };
  assert.equal(await findingsOf(minutesOf(1, -1, 0, 1, 0, -1)), []);
  assert.equal(await findingsOf(minutesOf(0, 2, 0)), [['frames', 4, [2, 2]]]);
  assert.equal(await findingsOf(minutesOf(1, 1)), [['frames', 4, [2, 2]]], 'a slow leak');
  const sender = new Sender();
  const killed = [1, 1].flatMap((eye_starts) =>
    sender.minute({ eye_starts, frames: { read: 901, erased: 900, dropped: 0 } }),
  );
  assert.equal(await findingsOf(killed), [], 'with each eye that ends, one picture may end');
});

test('a new epoch that begins in time is a note, later it is a gap, and the old one may not speak again', async () => {
  const key = memoryKey();
  const old = new Sender({ key });
  const before = old.minutes(3);
  const next = new Sender({ key, epochId: OTHER_EPOCH });
  next.timeMs = old.timeMs - 60_000;
  const after = next.minutes(2);
  assert.equal(await findingsOf([...before, ...after]), []);
  assert.match(
    (await notesOf([...before, ...after]))[0]!,
    'a new epoch and chain begin with receipt 1 at 2026-01-05T12:02',
  );
  assert.equal(await findingsOf([...before, ...after, before[3]!]), [['replay', 11, [2, 2]]]);
  const late = new Sender({ key, epochId: OTHER_EPOCH });
  late.timeMs = old.timeMs + 1;
  assert.equal(await findingsOf([...before, ...late.minutes(1)]), [['gap', 8, [1, 1]]]);
  const headless = new Sender({ key, epochId: OTHER_EPOCH });
  headless.timeMs = old.timeMs - 60_000;
  assert.equal(await findingsOf([...before, ...headless.minutes(3).slice(4)]), [['gap', 8, [1, 2]]]);
});

test('notes: a recording that begins later, time without intervals, another model, configuration, version', async () => {
  const sender = new Sender();
  sender.minutes(4);
  const sent = sender.minutes(1);
  sender.timeMs += 600_000;
  sent.push(...sender.minute({ models: ['ef'.repeat(32)], version: '0.2.0', config_sha256: '01'.repeat(32) }));
  sender.timeMs -= 120_000;
  sent.push(...sender.minute({ models: [], version: '0.2.0', config_sha256: '01'.repeat(32) }));
  assert.equal(await findingsOf(sent), []);
  const notes = await notesOf(sent);
  for (const [index, words] of [
    'begins with receipt 5',
    'no interval from 2026-01-05T12:05:00.000Z to 2026-01-05T12:15:00.000Z',
    'another model from receipt 6 on',
    'another configuration from receipt 6 on',
    'another version from receipt 6 on',
    'clock was set back',
  ].entries())
    assert.match(notes[index]!, words);
  assert.is(notes.length, 6);
});

test('a line that is too long is skipped; one that claims to be a receipt is told', async () => {
  const sent = linesOfAll(new Sender().minutes(2));
  const long = 'x'.repeat(LINE_BYTES_MAX + 1);
  assert.equal((await verifyText(`${long}\n${sent}`)).findings.findings, []);
  const { findings } = await verifyText(`${sent}lethe/v1/demo/door1/receipt {"a":"${long}"}\n`);
  assert.equal(findings.findings.map(short), [['edit', 5, null]]);
});

test('a recording that is wrong from end to end is told in bounded space', async () => {
  const sent = new Sender().minutes(1200).filter(isReceipt);
  for (const { payload } of sent) payload['boot'] = 9;
  const { findings } = await verify(sent);
  assert.equal([findings.findings.length, findings.findingsLeftOut], [1000, 200]);
  assert.match(reportText(await verify(sent), ''), 'NOT SOUND: 1200 findings');
});

// Properties: of a chain of some minutes, whichever.
const lengths = fc.integer({ min: 3, max: 12 });

test('any chain with any redeliveries is sound', async () => {
  await fc.assert(
    fc.asyncProperty(lengths, fc.array(fc.nat(), { maxLength: 12 }), async (count, choices) => {
      const sent = new Sender().minutes(count);
      // At a choice the run steps back to any place before; it ends at the end of the chain.
      const order: number[] = [];
      let at = 0;
      for (const choice of choices) {
        const until = at + (choice % (sent.length - at + 1));
        for (; at < until; at++) order.push(at);
        at = choice % (at + 1);
      }
      for (; at < sent.length; at++) order.push(at);
      assert.equal(await findingsOf(order.map((index) => sent[index]!)), [], order.join(' '));
    }),
    { numRuns: RUNS },
  );
});

test('any single change of any field of any message is named at its line', async () => {
  await fc.assert(
    fc.asyncProperty(lengths, fc.nat(), fc.nat(), async (count, which, field) => {
      const sent = new Sender().minutes(count);
      const index = which % sent.length;
      const edited = changedAt(sent, index, (payload) => {
        const { historical: _, tz: __, epoch_id: ___, ...rest } = payload; // the first two are free, the third is another chain
        const name = Object.keys(rest)[field % Object.keys(rest).length]!;
        const value = payload[name];
        payload[name] = typeof value === 'number' ? value + 1000 : `${JSON.stringify(value)}?`;
      });
      const findings = await findingsOf(edited);
      assert.ok(
        findings.some(
          ([kind, line]) => (kind === 'edit' || kind === 'gap') && Math.abs((line as number) - index - 1) <= 1,
        ),
        JSON.stringify([index, edited[index], findings]),
      );
    }),
    { numRuns: RUNS },
  );
});

test('any receipts taken out between two others are named by their numbers', async () => {
  await fc.assert(
    fc.asyncProperty(lengths, fc.nat(), fc.nat(), async (count, a, b) => {
      const sent = new Sender().minutes(count).filter(isReceipt);
      const first = 2 + (a % (count - 2));
      const last = first + (b % (count - first));
      const findings = await findingsOf([...sent.slice(0, first - 1), ...sent.slice(last)]);
      assert.equal(findings, [['gap', first, [first, last]]]);
    }),
    { numRuns: RUNS },
  );
});

test('any fork is named by the number at which it begins', async () => {
  await fc.assert(
    fc.asyncProperty(lengths, fc.nat(), async (count, choice) => {
      const sender = new Sender();
      const at = choice % count;
      const begin = sender.minutes(at);
      const twin = sender.copy();
      const one = sender.minutes(count - at);
      const other = twin.minute({ boot: 2 });
      const findings = await findingsOf([...begin, ...one, ...other].filter(isReceipt));
      assert.equal(findings, [['fork', count + 1, [at + 1, at + 1]]]);
    }),
    { numRuns: RUNS },
  );
});

test('any old receipt that is put in again out of order is named', async () => {
  await fc.assert(
    fc.asyncProperty(lengths, fc.nat(), fc.nat(), async (count, a, b) => {
      const sent = new Sender().minutes(count).filter(isReceipt);
      const after = 2 + (a % (count - 1));
      const old = 1 + (b % (after - 1));
      const findings = await findingsOf([...sent.slice(0, after), sent[old - 1]!, ...sent.slice(after)]);
      assert.equal(findings, [['replay', after + 1, [old, old]]]);
    }),
    { numRuns: RUNS },
  );
});

test('no bytes make it throw', async () => {
  const text = linesOfAll(new Sender().minutes(3));
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), fc.nat(), fc.nat(), async (bytes, at, cut) => {
      const whole = Buffer.from(text);
      const from = at % whole.length;
      const spoilt = Buffer.concat([whole.subarray(0, from), bytes, whole.subarray(from + (cut % 20))]);
      const { findings } = await readRecording(
        (async function* () {
          yield spoilt;
        })(),
        '',
      );
      assert.ok(findings.findings.length >= 0);
    }),
    { numRuns: RUNS },
  );
});

test.run();
