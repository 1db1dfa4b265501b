/**
 * The thread that reads codes: started by code-reader.ts and ended by it, with all its memory, when a code was taken or
 * something goes wrong here. It sees a picture only while it looks at it: it is cleared on the plate as soon as it lies in
 * the decoder's memory, and that memory is put back before the answer goes out.
 */
import { strict as assert } from 'node:assert';
import { parentPort, workerData } from 'node:worker_threads';
import { CODE_PREFIX } from '../../payload/payload.ts';
import { openDecoder } from './decoder.ts';
import { Answer, Plate, SCAN_FORMAT } from './plate.ts';

assert.ok(parentPort !== null, 'runs as a thread only');
const port = parentPort;
const plate = new Plate(workerData as SharedArrayBuffer);
const decoder = await openDecoder(SCAN_FORMAT.widthPx, SCAN_FORMAT.heightPx);

function look(): Answer {
  const { texts, hasUnreadable } = decoder.read((picture) => {
    picture.set(plate.luma);
    plate.luma.fill(0);
  });
  // Doors have posters with codes of their own: ours first.
  const text = texts.find((one) => one.startsWith(CODE_PREFIX)) ?? texts[0];
  if (text === undefined) return hasUnreadable ? Answer.unreadable : Answer.nothing;
  plate.writeText(text);
  return Answer.text;
}

port.on('message', () => port.postMessage(look()));
port.postMessage(Answer.ready);
