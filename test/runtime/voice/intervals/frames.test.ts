// Goal: every picture that an eye told of is in one interval, however its records arrive; a model is known whole or not at all.
// Method: eyes with running totals whose records are lost, doubled and mixed (fast-check); models by halves.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CorridorRecord, emptyRecord } from '../../../../runtime/corridor/record.ts';
import {
  addFrames,
  addFrameTally,
  type EyeFrames,
  emptyFrames,
  eyeOfBoot,
  modelOf,
  noteModel,
  takeFrames,
  takeModelHalf,
} from '../../../../runtime/voice/intervals/frames.ts';

const record = (fields: Partial<CorridorRecord>): CorridorRecord => ({ ...emptyRecord(), ...fields });

test('of up to four eyes whose records are lost and mixed, the sum is what each told last', () => {
  const step = fc.tuple(fc.nat(3), fc.nat(20), fc.nat(2), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const eyes: EyeFrames[] = [];
      const tally = emptyFrames();
      const counts = [0, 1, 2, 3].map(() => ({ read: 0, dropped: 0 }));
      const told = [0, 1, 2, 3].map(() => ({ read: 0, dropped: 0, isTold: false }));
      for (const [boot, read, dropped, isLost] of steps) {
        counts[boot]!.read += read;
        counts[boot]!.dropped += dropped;
        if (isLost) continue;
        const { read: a, dropped: c } = counts[boot]!;
        for (const _ of ['once', 'twice'])
          addFrames(tally, takeFrames(eyeOfBoot(eyes, boot), record({ a, b: a, c }), 'zero')!);
        told[boot] = { read: a, dropped: c, isTold: true };
      }
      const sum = (field: 'read' | 'dropped') => told.reduce((total, eye) => total + eye[field], 0);
      assert.equal([tally.read, tally.erased, tally.dropped], [sum('read'), sum('read'), sum('dropped')]);
      assert.is(tally.eyeStarts, told.filter(({ isTold }) => isTold).length);
    }),
  );
});

test('an eye that was met on its way counts from there, and does not begin', () => {
  const eye = eyeOfBoot([], 1);
  assert.equal(takeFrames(eye, record({ a: 900, b: 899, c: 3 }), 'here'), {
    read: 0,
    erased: 0,
    dropped: 0,
    isStart: false,
  });
  assert.equal(takeFrames(eye, record({ a: 915, b: 915, c: 3 }), 'here'), {
    read: 15,
    erased: 16,
    dropped: 0,
    isStart: false,
  });
});

test('numbers that go backwards are refused and change nothing', () => {
  const eye = eyeOfBoot([], 1);
  takeFrames(eye, record({ a: 10, b: 10 }), 'zero');
  assert.is(takeFrames(eye, record({ a: 11, b: 9 }), 'zero'), undefined);
  assert.equal(eye.counts, [10, 10, 0]);
});

test('a model is known when both halves are, and a new first half makes the old second one worthless', () => {
  const eye = eyeOfBoot([], 1);
  const half = (index: number, a: number) => takeModelHalf(eye, record({ index, a, b: 1, c: 2, d: 0xffffffff }));
  half(0, 1);
  assert.is(modelOf(eye), '');
  half(1, 10);
  assert.is(modelOf(eye), '000000010000000100000002ffffffff0000000a0000000100000002ffffffff');
  half(0, 1);
  assert.is.not(modelOf(eye), '', 'told again');
  half(0, 3);
  assert.is(modelOf(eye), '');
});

test('what happened before the clock was set is added: sums, the longest, each model once', () => {
  const [before, now] = [emptyFrames(), emptyFrames()];
  addFrames(before, { read: 10, erased: 9, dropped: 1, isStart: true });
  noteModel(before, 'a');
  Object.assign(before, { pixelsUsMax: 400, derivedUsMax: 900 });
  noteModel(now, 'b');
  noteModel(now, 'a');
  Object.assign(now, { pixelsUsMax: 300, derivedUsMax: 1000 });
  addFrameTally(now, before);
  assert.equal(now, {
    read: 10,
    erased: 9,
    dropped: 1,
    pixelsUsMax: 400,
    derivedUsMax: 1000,
    eyeStarts: 1,
    models: ['b', 'a'],
  });
});

test.run();
