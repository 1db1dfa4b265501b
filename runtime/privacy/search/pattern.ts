/**
 * Pattern: pictures that nobody can mistake for anything else, and that are quickly seen not to be there. Every frame is
 * made of fresh AES-128 keystream under a key that is made for one audit.
 *
 * Six bits of each byte are keystream. Bits 5 and 6, its class, are decided by the byte before, by a table that the key
 * fills. So whether a byte can follow another is one look into `follows`, and in a memory that has nothing of the pattern,
 * one place in 4^7 has eight bytes in a row that can. Only there the known frames are asked. The bits that the rule speaks
 * of (1 to 6) are the same in a byte, in its int8 form, and, one lower, in its half.
 * A byte whose bits 1 to 6 are all 0 never occurs, and no class follows itself: memory that is empty or all the same fails
 * at the first look.
 */
import { strict as assert } from 'node:assert';
import { createCipheriv } from 'node:crypto';

export const PATTERN_KEY_BYTES = 16;

/** In `follows`: as a byte of a frame (or its int8 form), and as half of one. */
export const AS_WHOLE = 1;
export const AS_HALF = 2;

export class Pattern {
  /** [before × 256 + byte]: in which of both ways `byte` may stand behind `before`; 64 KiB, which stay in the nearest caches. */
  readonly follows: Uint8Array;
  readonly #key: Uint8Array;
  /** Bits 1 to 6 of a byte → class of the next one, which is the upper two of its own six. */
  readonly #classAfter: Uint8Array;

  /** key: PATTERN_KEY_BYTES. */
  constructor(key: Uint8Array) {
    assert.equal(key.length, PATTERN_KEY_BYTES, 'an AES-128 key');
    this.#key = key;
    // Frame numbers have 32 bits: the last of them is left to the table.
    this.#classAfter = keystream(key, 0xffffffff, 64).map((byte, six) => {
      const chosen = byte & 3;
      return chosen === six >> 4 ? (chosen + 1) & 3 : chosen;
    });
    this.follows = new Uint8Array(2 ** 16);
    for (let pair = 0; pair < this.follows.length; pair++) {
      const [before, byte] = [pair >> 8, pair & 255];
      const asWhole = this.#mayFollow((before >> 1) & 63, (byte >> 1) & 63);
      const asHalf = before < 128 && byte < 128 && this.#mayFollow(before & 63, byte & 63);
      this.follows[pair] = (asWhole ? AS_WHOLE : 0) | (asHalf ? AS_HALF : 0);
    }
  }

  /** Fills `target` with frame `frameIndex`, 0..2^32 - 2. */
  fill(frameIndex: number, target: Uint8Array): void {
    const stream = keystream(this.#key, frameIndex, target.length);
    let chosenClass = stream[0]! >> 6;
    for (let i = 0; i < target.length; i++) {
      const free = stream[i]!;
      const six = (chosenClass << 4) | ((free >> 1) & 15) || 1;
      target[i] = (free & 0x80) | (six << 1) | (free & 1);
      chosenClass = this.#classAfter[six]!;
    }
    stream.fill(0);
  }

  #mayFollow(sixBefore: number, six: number): boolean {
    return sixBefore !== 0 && six !== 0 && this.#classAfter[sixBefore] === six >> 4;
  }
}

/** The frame's number in front, AES's own block counter behind it: no two frames share a block. */
function keystream(key: Uint8Array, frameIndex: number, bytes: number): Uint8Array {
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(frameIndex, 0);
  return createCipheriv('aes-128-ctr', key, iv).update(new Uint8Array(bytes));
}
