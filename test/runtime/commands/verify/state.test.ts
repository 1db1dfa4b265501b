/**
 * Goal: what waits in a ledger can be checked where it lies, and takes little room there.
 * Method: a voice on the bench without a broker; its file, whole and spoilt, is what `verify` reads.
 */
import { createHash } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Recording, readRecording } from '../../../../runtime/commands/verify/recording.ts';
import { LetheError } from '../../../../runtime/errors.ts';
import { STATE_FILE } from '../../../../runtime/voice/ledger/ledger.ts';
import { VoiceBench } from '../../../runtime/voice/bench.ts';

const BEGIN_MS = Date.UTC(2026, 0, 5, 12);
const ZONE = { name: 'hall', polygon: [[0, 0], [1, 0], [1, 1]] }; // biome-ignore format: corners
const PATH = `/state/${STATE_FILE}`;

/** The file of a voice that closed so many minutes while the broker was away. */
async function stateText(minuteCount: number, config: object = {}): Promise<string> {
  const bench = new VoiceBench({ config }, BEGIN_MS);
  try {
    await bench.start();
    bench.link.goDown();
    bench.greet();
    for (const half of bench.eye.model('ab'.repeat(32))) bench.feed(half);
    await bench.seconds(60 * minuteCount + 5);
    return bench.files.texts.get(PATH)!;
  } finally {
    await bench.dispose();
  }
}

function verify(text: string): Promise<Recording> {
  return readRecording(
    (async function* () {
      yield Buffer.from(text);
    })(),
    '',
  );
}

/** As the ledger writes it, with another body and the check sum that belongs to it. */
function withBody(text: string, change: (body: { pending: unknown[][] }) => void): string {
  const [head, line] = text.split('\n') as [string, string];
  const body = JSON.parse(line);
  change(body);
  const changed = JSON.stringify(body);
  const sum = createHash('sha256').update(changed).digest('hex');
  return `${head.split(' ').slice(0, 2).join(' ')} ${sum}\n${changed}\n`;
}

const short = ({ findings }: Recording) => findings.findings.map(({ kind, line }) => [kind, line]);

test('a ledger with a backlog is sound, lines and zones with their receipts', async () => {
  const recording = await verify(await stateText(4, { zones: [ZONE] }));
  assert.equal(recording.findings.findings, []);
  assert.is(recording.devices[0]!.sums.receipts, 4);
  assert.is(recording.coverages[0]!.matchedCount, 8);
});

test('spoilt with a right check sum it is not: a record, a receipt, one that is missing, the end that is cut off', async () => {
  const text = await stateText(4);
  const spoilt = (change: (pending: unknown[][]) => void) => verify(withBody(text, ({ pending }) => change(pending)));
  assert.equal(
    short(await spoilt((pending) => pending[2]!.splice(9, 1, 99))),
    [['edit', 3]],
    'people of the second minute',
  );
  assert.equal(
    short(await spoilt((pending) => pending[3]!.splice(7, 1, [1, 1, 0, 0]))),
    [['edit', 4]],
    'frames of its receipt',
  );
  assert.equal(short(await spoilt((pending) => pending.splice(3, 1))), [['gap', 5]]);
  assert.equal(short(await spoilt((pending) => pending.splice(-2))), [['edit', 6]]);
});

test('a damaged ledger is refused with its remedy', async () => {
  const text = await stateText(2);
  try {
    await verify(text.replace('"boot":1', '"boot":2'));
    assert.unreachable();
  } catch (error) {
    assert.instance(error, LetheError);
    assert.equal([(error as LetheError).exitCode, (error as LetheError).code], [65, 'VERIFY_STATE_DAMAGED']);
  }
});

test('a minute of one line and its receipt take at most 400 bytes of the file', async () => {
  const [short, long] = [await stateText(10), await stateText(60)];
  const bytesOfMinute = (long.length - short.length) / 50;
  assert.ok(bytesOfMinute < 400, `${bytesOfMinute} bytes`);
});

test.run();
