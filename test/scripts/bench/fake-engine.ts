/**
 * A program like scripts/bench/child.ts around an engine that adds the variant's number to each byte. Its inputs make it
 * misbehave: 13 dies in the middle of a run, 14 throws, 15 never ends.
 */
import { createWriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Adapter } from '../../../scripts/bench/adapter.ts';
import { serve } from '../../../scripts/bench/protocol.ts';
import { Runner } from '../../../scripts/bench/runner.ts';

const adapter: Adapter = ({ samples, variant }) => ({
  load: () => {
    process.stdout.write('INFO: a remark on stdout, as some engines make\n');
    const added = Number(variant);
    let result: Int8Array = new Int8Array(0);
    return {
      run: (sampleIndex) => {
        const input = samples[sampleIndex]![0]!;
        if (input[0] === 13) {
          process.stderr.write('FatalError: out of luck\n    at somewhere\n');
          process.exit(3);
        }
        if (input[0] === 14) throw new Error('no such operator');
        if (input[0] === 15) return sleep(60_000);
        result = input.map((q) => q + added);
        return undefined;
      },
      outputs: () => Float32Array.from(result),
    };
  },
});

const runner = new Runner(adapter);
await serve(process.stdin, createWriteStream('', { fd: 3 }), (message) => runner.answer(message));
process.exit(0);
