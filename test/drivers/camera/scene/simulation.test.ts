/**
 * Goal: the scene's truth can be trusted, and a seed says everything.
 * Method: bytes are compared by hash; boxes are held against who was drawn in each sample and against the empty entrance.
 */
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SCENE_FORMAT_DEFAULT, Scene, type SceneLine } from '../../../../drivers/camera/scene/scene.ts';

const test = suite('scene simulation');

function picture(scene: Scene, frame: number): Uint8Array {
  const slot = new Uint8Array(scene.format.frameBytes);
  scene.step(frame);
  scene.draw(slot);
  return slot;
}

function hash(scene: Scene, frame: number): string {
  return createHash('sha256').update(picture(scene, frame)).digest('hex');
}

test('the same seed gives the same bytes, another seed gives other bytes', () => {
  const first = new Scene({ seed: 5 });
  const again = new Scene({ seed: 5 });
  const other = new Scene({ seed: 6 });
  for (const frame of [0, 20, 75]) {
    const bytes = hash(first, frame);
    assert.is(hash(again, frame), bytes);
    assert.is.not(hash(other, frame), bytes);
  }
});

// Computed with the scene as it was before there were crowds (commit 0df20f2): who relies on a seed must not notice
// that crowds exist.
test('without a crowd every seed gives the bytes that it always gave', () => {
  assert.is(hash(new Scene({ seed: 5 }), 150), 'c7e3fe54a1c63d87d67633fbcb98166785e873de56626af09df3e5712c741d44');
  assert.is(
    hash(new Scene({ seed: 8, peoplePerMinute: 120, tiltDeg: 65, heightM: 4.5, fovDeg: 90 }), 150),
    '831ffc81ef49733deda21793c20c91eb2d421414539e5737d73ef7128426e17c',
  );
  assert.is(
    hash(new Scene({ seed: 3, peoplePerMinute: 60, tiltDeg: 25 }), 150),
    '4a6d576ec087eb6a9ea2e1e44faeaa712a5466f131e164c446db5afe21639fe6',
  );
  const busy = new Scene({ seed: 21, peoplePerMinute: 120, heightM: 3.5, tiltDeg: 0 });
  assert.is(hash(busy, 150), 'c96c8f886427572336eacb5cb7e7b083eb388d879647c643cfa94174968aa428');
});

test('a frame does not depend on which frames were drawn before it', () => {
  const forward = new Scene({ seed: 9, peoplePerMinute: 60 });
  const early = hash(forward, 12);
  const late = hash(forward, 90);
  const jumping = new Scene({ seed: 9, peoplePerMinute: 60 });
  assert.is(hash(jumping, 90), late, 'jumped ahead');
  assert.is(hash(jumping, 12), early, 'went back');
  assert.is(hash(jumping, 90), late, 'and ahead again');
});

test('drawing the same frame twice gives the same bytes', () => {
  const scene = new Scene({ seed: 4 });
  assert.is(hash(scene, 33), hash(scene, 33));
});

test('pictures use the range from black to white, and the noise moves', () => {
  const scene = new Scene({ seed: 7, peoplePerMinute: 60 });
  const { widthPx, heightPx } = scene.format;
  const one = picture(scene, 150).slice();
  const luma = one.subarray(0, widthPx * heightPx);
  assert.ok(Math.min(...luma) < 25, `darkest is ${Math.min(...luma)}`);
  assert.is(Math.max(...luma), 255);
  const empty = new Scene({ seed: 7, peoplePerMinute: 0 });
  const a = picture(empty, 1).slice();
  const b = picture(empty, 2);
  let changed = 0;
  for (let pixel = 0; pixel < widthPx * heightPx; pixel += 1) if (a[pixel] !== b[pixel]) changed += 1;
  assert.ok(changed > widthPx * heightPx * 0.5, `${changed} pixels changed`);
});

test('a wider stride moves the rows apart and leaves the gap alone', () => {
  const strideBytes = 320;
  const wide = new Scene({ seed: 3 }, { ...SCENE_FORMAT_DEFAULT, strideBytes, frameBytes: strideBytes * 192 * 1.5 });
  const plain = picture(new Scene({ seed: 3 }), 40);
  const slot = new Uint8Array(wide.format.frameBytes).fill(99);
  wide.step(40);
  wide.draw(slot);
  assert.equal(slot.slice(strideBytes * 100, strideBytes * 100 + 256), plain.slice(256 * 100, 256 * 101));
  assert.ok(slot.slice(strideBytes * 100 + 256, strideBytes * 101).every((byte) => byte === 99));
  const uRow = strideBytes * 192 + 160 * 10;
  assert.equal(slot.slice(uRow, uRow + 128), plain.slice(256 * 192 + 128 * 10, 256 * 192 + 128 * 11));
});

function overlapsAnother(scene: Scene, row: number): boolean {
  const { boxesNorm, count } = scene.people;
  const edge = (person: number, index: number): number => boxesNorm[person * 4 + index]!;
  for (let other = 0; other < count; other += 1) {
    if (other === row) continue;
    const across = edge(other, 0) < edge(row, 2) && edge(row, 0) < edge(other, 2);
    if (across && edge(other, 1) < edge(row, 3) && edge(row, 1) < edge(other, 3)) return true;
  }
  return false;
}

for (const [heightM, tiltDeg] of [
  [3, 45],
  [2.6, 0],
  [4, 30],
  [3, 65],
] as const) {
  test(`true boxes fit the drawn people at ${heightM} m and ${tiltDeg} degrees`, () => {
    const options = { seed: 21, peoplePerMinute: 40, heightM, tiltDeg, noise: 0, shadows: 0 };
    const scene = new Scene(options);
    const { widthPx, heightPx } = scene.format;
    const empty = picture(new Scene({ ...options, peoplePerMinute: 0 }), 0).slice();
    let alone = 0;
    for (let frame = 0; frame < 480; frame += 8) {
      const slot = picture(scene, frame);
      const { people } = scene;
      const inside = new Uint8Array(widthPx * heightPx);
      for (let row = 0; row < people.count; row += 1) {
        const box = people.boxesNorm.subarray(row * 4, row * 4 + 4);
        const left = Math.max(0, Math.floor(box[0]! * widthPx) - 2);
        const right = Math.min(widthPx - 1, Math.ceil(box[2]! * widthPx) + 2);
        const bottom = Math.min(heightPx - 1, Math.ceil(box[3]! * heightPx) + 2);
        for (let y = Math.max(0, Math.floor(box[1]! * heightPx) - 2); y <= bottom; y += 1) {
          if (left <= right) inside.fill(1, y * widthPx + left, y * widthPx + right + 1);
        }
      }
      for (let pixel = 0; pixel < widthPx * heightPx; pixel += 1) {
        if (inside[pixel] === 0 && Math.abs(slot[pixel]! - empty[pixel]!) > 2) {
          assert.unreachable(`frame ${frame}: a change outside all boxes at ${pixel % widthPx}, ${pixel / widthPx}`);
        }
      }
      // Whoever is whole in the picture and apart from the others fills their box to the edges.
      for (let row = 0; row < people.count; row += 1) {
        const box = people.boxesNorm.slice(row * 4, row * 4 + 4);
        if (people.visible[row]! < 1 || overlapsAnother(scene, row)) continue;
        alone += 1;
        const seen = [1, 1, 0, 0];
        scene.owner.forEach((owner, sample) => {
          if (owner !== people.walkerIndex[row]! + 1) return;
          const x = ((sample % (widthPx * 2)) + 0.5) / (widthPx * 2);
          const y = (Math.floor(sample / (widthPx * 2)) + 0.5) / (heightPx * 2);
          seen[0] = Math.min(seen[0]!, x);
          seen[1] = Math.min(seen[1]!, y);
          seen[2] = Math.max(seen[2]!, x);
          seen[3] = Math.max(seen[3]!, y);
        });
        for (let edge = 0; edge < 4; edge += 1) {
          const size = edge % 2 === 0 ? widthPx : heightPx;
          const apart = Math.abs(seen[edge]! - box[edge]!) * size;
          assert.ok(apart <= 1, `frame ${frame}, edge ${edge}: drawn and true are ${apart.toFixed(2)} px apart`);
        }
      }
    }
    assert.ok(alone >= 8, `only ${alone} people stood apart and whole in the picture`);
  });
}

test('heads lie in the upper part of upright bodies, inside their boxes', () => {
  const scene = new Scene({ seed: 12, peoplePerMinute: 40, tiltDeg: 60 });
  let looked = 0;
  for (let frame = 0; frame < 400; frame += 5) {
    scene.step(frame);
    const { people } = scene;
    for (let row = 0; row < people.count; row += 1) {
      if (people.visible[row]! < 1) continue;
      looked += 1;
      const [left, top, right, bottom] = people.boxesNorm.slice(row * 4, row * 4 + 4) as unknown as number[];
      const head = people.headsNorm.slice(row * 4, row * 4 + 4);
      assert.ok(head[0]! >= left! && head[1]! >= top! && head[2]! <= right! && head[3]! <= bottom!);
      assert.ok((head[1]! + head[3]!) / 2 < top! + (bottom! - top!) * 0.3, 'the head is high up');
    }
  }
  assert.ok(looked > 20);
});

test('somebody crosses within five seconds, whatever the seed and the view', () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const scene = new Scene({ seed, heightM: seed % 2 === 0 ? 3 : 2.5, tiltDeg: (seed * 17) % 60 });
    scene.step(75);
    assert.ok(scene.inCount[0]! + scene.outCount[0]! >= 1, `seed ${seed}`);
  }
});

/** Half the frame's height is 1; the default line is horizontal, so only y matters. */
test('every crossing agrees with the box centres, and no crossing is missed', () => {
  for (const seed of [2, 3]) {
    const scene = new Scene({ seed, peoplePerMinute: 40 });
    const sides = new Map<number, number>();
    let expectedIn = 0;
    let expectedOut = 0;
    let met = 0;
    for (let frame = 0; frame < 1500; frame += 1) {
      scene.step(frame);
      const { people, crossings } = scene;
      const expected: string[] = [];
      for (let row = 0; row < people.count; row += 1) {
        const y = (people.boxesNorm[row * 4 + 1]! + people.boxesNorm[row * 4 + 3]!) / 2;
        const id = people.ids[row]!;
        const side = y > 0.52 ? 1 : y < 0.48 ? -1 : 0;
        const before = sides.get(id) ?? 0;
        if (side === 0 || side === before) continue;
        sides.set(id, side);
        if (before === 0) continue;
        if (side === 1) expectedIn += 1;
        else expectedOut += 1;
        expected.push(`${id} ${side === 1 ? 0 : 1}`);
      }
      const reported = Array.from({ length: crossings.count }, (_, index) => {
        assert.is(crossings.frameIndex[index], frame);
        assert.is(crossings.lineIndex[index], 0);
        return `${crossings.personId[index]} ${crossings.direction[index]}`;
      });
      assert.equal(reported, expected, `seed ${seed}, frame ${frame}`);
      met += reported.length;
    }
    assert.ok(met > 20, `only ${met} crossings`);
    assert.is(scene.inCount[0], expectedIn);
    assert.is(scene.outCount[0], expectedOut);
  }
});

test('a line turned round counts the other way, and a line beside the walkers counts nobody', () => {
  const lines: SceneLine[] = [
    { fromNorm: [0.05, 0.5], toNorm: [0.95, 0.5], inNorm: [0, 1] },
    { fromNorm: [0.95, 0.5], toNorm: [0.05, 0.5], inNorm: [0, 1] },
    { fromNorm: [0.05, 0.5], toNorm: [0.95, 0.5], inNorm: [0, -1] },
    { fromNorm: [0, 0.5], toNorm: [0.04, 0.5], inNorm: [0, 1] },
  ];
  const scene = new Scene({ seed: 8, peoplePerMinute: 40, lines });
  scene.step(1200);
  const [ins, outs] = [Array.from(scene.inCount), Array.from(scene.outCount)];
  assert.ok(ins[0]! > 3 && outs[0]! > 3, `${ins[0]} in, ${outs[0]} out`);
  assert.equal([ins[1], outs[1]], [ins[0], outs[0]], 'the order of the ends does not matter');
  assert.equal([ins[2], outs[2]], [outs[0], ins[0]], 'the other side is in');
  assert.equal([ins[3], outs[3]], [0, 0]);
});

test('going back starts the totals again', () => {
  const scene = new Scene({ seed: 8, peoplePerMinute: 40 });
  scene.step(600);
  const total = scene.inCount[0];
  scene.step(0);
  assert.is(scene.inCount[0], 0);
  scene.step(600);
  assert.is(scene.inCount[0], total);
});

test('options outside their range are refused with the value', () => {
  assert.throws(() => new Scene({ heightM: 1.5 }), /heightM is 1.5/);
  assert.throws(() => new Scene({ tiltDeg: 80 }), /tiltDeg is 80/);
  assert.throws(() => new Scene({ seed: 0.5 }), /seed is 0.5/);
});

test.run();
