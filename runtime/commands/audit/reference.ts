/**
 * Reference: what the engine makes of a frame, layer by layer, computed here with the same model and the same kernels. Each
 * command is run alone, and every stretch of arena and scratch that it changed is a thing that the eye has had in its
 * memory too, if only for a moment.
 * Memory: one engine, and one copy of its arena and scratch.
 */
import { type EnginePlan, loadProgram, type Machine, planEngine } from '../../eye/infer/engine.ts';
import type { Rounding } from '../../eye/infer/quantize.ts';
import type { Model } from '../../eye/model.ts';
import type { FrameFormat } from '../../ports/camera.ts';
import { WINDOW_BYTES } from '../../privacy/search/windows.ts';

export class ReferenceRun {
  readonly slotBytes: number;
  readonly #plan: EnginePlan;
  readonly #machine: Machine;
  readonly #slot: Uint8Array;
  readonly #derived: Uint8Array;
  readonly #before: Uint8Array;

  constructor(model: Model, format: FrameFormat, rounding: Rounding) {
    this.#plan = planEngine(model.bytes, format, { rounding });
    this.#machine = loadProgram(this.#plan.program);
    const { slot, arena, scratch } = this.#plan.program.plan;
    const { buffer } = this.#machine.memory;
    this.slotBytes = slot.bytes;
    this.#slot = new Uint8Array(buffer, slot.offsetBytes, slot.bytes);
    const derivedEnd = scratch.offsetBytes + scratch.bytes;
    this.#derived = new Uint8Array(buffer, arena.offsetBytes, derivedEnd - arena.offsetBytes);
    this.#before = new Uint8Array(this.#derived.length);
  }

  /** Calls `onBytes` with every stretch of eight bytes or more that running `frame` writes; the bytes are reused. */
  run(frame: Uint8Array, onBytes: (bytes: Uint8Array) => void): void {
    const { commandsOffset, commandCount } = this.#plan.program;
    this.#slot.set(frame);
    this.#derived.fill(0);
    for (let command = 0; command < commandCount; command++) {
      this.#before.set(this.#derived);
      this.#machine.kernels.run(commandsOffset, command, command + 1);
      this.#forEachChange(onBytes);
    }
    this.#slot.fill(0);
    this.#derived.fill(0);
  }

  /** A few equal bytes between two changes belong to the same stretch: a new value may be the old one by chance. */
  #forEachChange(onBytes: (bytes: Uint8Array) => void): void {
    const [before, after] = [this.#before, this.#derived];
    let begin = -1;
    let end = -1;
    for (let i = 0; i < after.length; i++) {
      if (after[i] === before[i]) continue;
      if (begin >= 0 && i - end > WINDOW_BYTES) {
        if (end - begin >= WINDOW_BYTES) onBytes(after.subarray(begin, end));
        begin = -1;
      }
      if (begin < 0) begin = i;
      end = i + 1;
    }
    if (begin >= 0 && end - begin >= WINDOW_BYTES) onBytes(after.subarray(begin, end));
  }
}
