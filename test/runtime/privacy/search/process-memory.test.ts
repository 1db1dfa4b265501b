// Goal: what another process has in memory is read, all of it and only it; a process that is not there is an error with a remedy.
// Method: a child that keeps known bytes in a block, asked for by its address space alone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DriverError } from '../../../../runtime/errors.ts';
import { ProcessMemory } from '../../../../runtime/privacy/search/process-memory.ts';

const CHILD = `
  const kept = Buffer.alloc(3_000_001, 'needle in the hay ');
  const reserved = new WebAssembly.Memory({ initial: 4096, maximum: 4096 });
  process.stdout.write('ready');
  process.stdin.on('end', () => process.exit(kept.length + reserved.buffer.byteLength > 0 ? 0 : 1)).resume();
`;

test('three million known bytes are seen, in chunks that overlap, and reserved memory that nobody wrote is not', async () => {
  const child = spawn(process.execPath, ['-e', CHILD], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  const memory = new ProcessMemory(child.pid!);
  try {
    const buffer = new Uint8Array(65_536);
    let count = 0;
    let readBytes = 0;
    let reservedBytes = 0;
    for (const mapping of memory.mappings()) {
      if (mapping.flags[1] !== 'w') continue;
      reservedBytes += mapping.to - mapping.from;
      let countedTo = 0;
      readBytes += memory.read(mapping, buffer, 64, (bytes, address) => {
        const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
        for (let at = text.indexOf('needle in the hay '); at >= 0; at = text.indexOf('needle in the hay ', at + 18)) {
          if (address + at < countedTo) continue;
          count += 1;
          countedTo = address + at + 18;
        }
      });
    }
    // A few copies of the child's source text lie about.
    assert.ok(count >= 166_666 && count <= 166_766, `${count} of 166,666`);
    assert.ok(readBytes < reservedBytes - 200 * 2 ** 20, `${readBytes} of ${reservedBytes} bytes`);
  } finally {
    memory.close();
    child.stdin.end();
    await exit;
  }
});

test('a process that is not there is told, with what to do', () => {
  assert.throws(
    () => new ProcessMemory(2 ** 22 - 1),
    (error: unknown) => error instanceof DriverError && /has ended/.test(error.message) && error.hint !== '',
  );
});

test.run();
