/**
 * The process around one engine. Usage: child.js <adapter>, with stdin and descriptor 3 as pipes; engines.ts starts it.
 */
import { createWriteStream } from 'node:fs';
import type { Adapter } from './adapter.ts';
import { serve } from './protocol.ts';
import { Runner } from './runner.ts';

const ADAPTERS: Readonly<Record<string, () => Promise<{ readonly adapter: Adapter }>>> = {
  lethe: () => import('./adapters/lethe.ts'),
  litert: () => import('./adapters/litert.ts'),
  'onnxruntime-node': () => import('./adapters/onnxruntime-node.ts'),
  'onnxruntime-web': () => import('./adapters/onnxruntime-web.ts'),
  tfjs: () => import('./adapters/tfjs.ts'),
};

const name = process.argv[2] ?? '';
const find = ADAPTERS[name];
if (find === undefined) throw new Error(`there is no adapter ${name}`);
const { adapter } = await find();
const runner = new Runner(adapter);
await serve(process.stdin, createWriteStream('', { fd: 3 }), (message) => runner.answer(message));
// Some engines keep threads or timers of their own.
process.exit(0);
