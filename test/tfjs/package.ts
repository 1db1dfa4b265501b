/**
 * TensorFlow.js for the tests: beside the product in .peers, fetched from the registry the first time.
 * `LETHE_TFJS=node` takes the native add-on that scripts/tfjs-node.ts built there; otherwise it is JavaScript only.
 */

import type { TensorFlow } from '../../runtime/eye/infer/tfjs/tensorflow.ts';
import { loadTfjs } from '../../runtime/eye/infer/tfjs.ts';
import { ensurePeer, PEERS, PeerMissing, type PeerName } from '../../scripts/peers.ts';

/** undefined where SKIP_TFJS=1 asks for it. Throws with the command to run where the package cannot be had. */
export async function tensorflowOrSkip(): Promise<TensorFlow | undefined> {
  if (process.env['SKIP_TFJS'] === '1') {
    process.stdout.write('SKIP_TFJS=1: tests with TensorFlow.js are skipped\n');
    return undefined;
  }
  const isNative = process.env['LETHE_TFJS'] === 'node';
  const tf = isNative ? native() : script();
  const load = async () => ({ default: tf });
  return loadTfjs({ native: load, script: load });
}

function script(): TensorFlow {
  const name = '@tensorflow/tfjs';
  return fromPeer(name, true, `With a network: npm install --no-save ${name}@${PEERS[name].version}`);
}

/** Never fetched by a test: it takes a compiler and a libtensorflow. */
function native(): TensorFlow {
  return fromPeer('@tensorflow/tfjs-node', false, 'Build it: npm run -s tfjs-node -- --help');
}

function fromPeer(name: PeerName, install: boolean, remedy: string): TensorFlow {
  try {
    const { require: load } = ensurePeer(name, { install });
    return load(name) as TensorFlow;
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    throw new Error(`${error.message}. ${remedy}. SKIP_TFJS=1 skips these tests.`);
  }
}
