/**
 * What must hold for every damaged file: it is refused with a ModelError that says why, or it is a model, which then runs
 * without a trap, leaves its own commands and weights as they are, and gives what it gives from its own bytes alone.
 */
import { createHash } from 'node:crypto';
import { ModelError } from '../../runtime/errors.ts';
import { type EnginePlan, loadProgram, planEngine } from '../../runtime/eye/infer/engine.ts';
import { countMacs } from '../../runtime/eye/infer/graph.ts';
import type { FrameFormat } from '../../runtime/ports/camera.ts';
import { damaged, Random } from './mutate.ts';

/** A good model and the frames it is for; undefined for one whose inputs are no picture. */
export type FuzzSeed = { readonly name: string; readonly bytes: Uint8Array; readonly format: FrameFormat | undefined };

/** refused: ModelError's code. */
export type Outcome = { readonly kind: 'ran' | 'accepted' | `refused ${string}`; readonly detail: string };

/** Accepted models above these are planned and not run: a fuzzer's time is for variety. */
const RUN_MACS_MAX = 3_000_000;
const RUN_PAGES_MAX = 32;
/** One case in so many is read again from another place among other bytes. */
const MOVED_SHARE = 8;

/** Throws only where a promise is broken. */
export function tryModel(bytes: Uint8Array, format: FrameFormat | undefined): Outcome {
  let plan: EnginePlan;
  try {
    plan = planEngine(bytes, format);
  } catch (error) {
    if (!(error instanceof ModelError) || error.message === '') throw error;
    return { kind: `refused ${error.code}`, detail: error.message };
  }
  const { program, graph } = plan;
  const { constants, arena, scratch, slot } = program.plan;
  const digest = (data: Uint8Array): string => createHash('sha1').update(data).digest('hex');
  const detail = digest(program.constants);
  if (countMacs(graph) > RUN_MACS_MAX || program.plan.pages > RUN_PAGES_MAX) return { kind: 'accepted', detail };
  const { memory, kernels } = loadProgram(program);
  const all = new Uint8Array(memory.buffer);
  const guards = [all.subarray(0, slot.offsetBytes), all.subarray(constants.offsetBytes)];
  const before = guards.map(digest).join();
  all.fill(0xa5, slot.offsetBytes, scratch.offsetBytes + scratch.bytes);
  kernels.run(program.commandsOffset, 0, program.commandCount);
  if (guards.map(digest).join() !== before) throw new Error('a kernel wrote outside of slot, arena and scratch');
  return {
    kind: 'ran',
    detail: `${detail} ${digest(all.subarray(arena.offsetBytes, arena.offsetBytes + arena.bytes))}`,
  };
}

/** One case. Throws an Error that names seed and reason where a promise is broken. */
export function fuzzCase({ name, bytes: good, format }: FuzzSeed, seed: number): Outcome {
  try {
    const bytes = damaged(good, seed);
    const outcome = tryModel(bytes, format);
    if (seed % MOVED_SHARE === 0) {
      // The same bytes between others, at an odd place: a read outside of the file would make a difference.
      const random = new Random(seed);
      const [ahead, behind] = [1 + random.below(63), 64];
      const around = new Uint8Array(ahead + bytes.length + behind).fill(random.below(256));
      around.set(bytes, ahead);
      const again = tryModel(around.subarray(ahead, ahead + bytes.length), format);
      if (again.kind !== outcome.kind || again.detail !== outcome.detail)
        throw new Error(
          `read differently elsewhere: ${outcome.kind} ${outcome.detail}, then ${again.kind} ${again.detail}`,
        );
    }
    return outcome;
  } catch (cause) {
    throw new Error(`model ${name}, seed ${seed}: ${(cause as Error).message}`, { cause });
  }
}
