/**
 * What the voice says of itself so that a new version is kept: this version, in this start of the machine, has seen frames
 * counted by the eye and had something acknowledged by the broker. Written once, when both are true for the first time;
 * provisioning/device/update reads it while a version is on trial, and nobody else.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { replaceDurable } from '../../durable.ts';

export type HealthFacts = {
  /** Read by the eye since its start. */
  readonly frames: number;
  /** The eye says that it counts. */
  readonly isCounting: boolean;
  /** The broker has acknowledged something since the voice started. */
  readonly isAcknowledged: boolean;
};

/** Some seconds of pictures: not the first one and then a crash. */
export const HEALTHY_FRAMES_MIN = 100;

export class HealthNote {
  readonly #path: string;
  readonly #version: string;
  readonly #bootId: string;
  #isWritten = false;
  /** What the eye had read when it was first heard: an eye that was not started again proves nothing of this version. */
  #framesBefore: number | undefined;

  /** bootId: of this start of the machine; empty: unknown, then nothing is written. */
  constructor(path: string, version: string, bootId: string) {
    this.#path = path;
    this.#version = version;
    this.#bootId = bootId;
  }

  /** → true when it was written now. Throws system errors. */
  note({ frames, isCounting, isAcknowledged }: HealthFacts, nowMs: number): boolean {
    if (this.#isWritten || this.#bootId === '') return false;
    if (frames > 0 && (this.#framesBefore === undefined || frames < this.#framesBefore)) this.#framesBefore = frames;
    if (frames - (this.#framesBefore ?? frames) < HEALTHY_FRAMES_MIN || !isCounting || !isAcknowledged) return false;
    const said = { v: 1, version: this.#version, boot_id: this.#bootId, frames, at: new Date(nowMs).toISOString() };
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    replaceDurable(this.#path, `${JSON.stringify(said)}\n`);
    this.#isWritten = true;
    return true;
  }
}
