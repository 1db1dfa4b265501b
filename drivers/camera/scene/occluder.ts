/**
 * Occluder: one thing between the camera and the people's way, for entrances that a crowd asks it for.
 * Under a steep camera it is a sign that hangs above heads near the line; under a flatter one it is a pillar on the
 * camera's side of the line, or a tall plant in front of one side of the door. People walk under the sign and round the
 * others. Everything is boxes, like the rest of the entrance, which draws them and takes their depth.
 * Memory: a few numbers per box, made once.
 */
import type { Random } from './random.ts';
import { DOOR_HALF_M, standYOf, type View } from './view.ts';

export const Material = { pillar: 0, sign: 1, pot: 2, leaves: 3 } as const;

export type OccluderBox = {
  readonly material: number;
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
  readonly z0: number;
  readonly z1: number;
};

export type Occluder = {
  readonly boxes: readonly OccluderBox[];
  readonly xM: number;
  readonly yM: number;
  /** Radius of the floor that it takes; 0 when people walk under it. */
  readonly radiusM: number;
};

/** sin(tilt) below which what stands on the floor hides few but those who touch it: 30 degrees. */
const STEEP_SIN_MAX = 0.5;

export function makeOccluder(view: View, random: Random): Occluder {
  if (view.sinTilt < STEEP_SIN_MAX) return makeSign(view, random);
  return random.chance(0.5) ? makePillar(view, random) : makePlant(view, random);
}

/** True when a part of the occluder stands between the camera and the point. */
export function isBehindOccluder(occluder: Occluder, view: View, x: number, y: number, z: number): boolean {
  const { boxes } = occluder;
  for (let index = 0; index < boxes.length; index += 1) {
    const box = boxes[index]!;
    // Sight line camera + s · (point - camera); the camera is at x = 0. Slabs, as in entrance.
    const ix = 1 / (x === 0 ? 1e-12 : x);
    const iy = 1 / (y === view.cameraYM ? 1e-12 : y - view.cameraYM);
    const iz = 1 / (z === view.cameraZM ? 1e-12 : z - view.cameraZM);
    const nearX = (ix > 0 ? box.x0 : box.x1) * ix;
    const nearY = ((iy > 0 ? box.y0 : box.y1) - view.cameraYM) * iy;
    const nearZ = ((iz > 0 ? box.z0 : box.z1) - view.cameraZM) * iz;
    const near = Math.max(nearX, nearY, nearZ);
    if (near <= 0 || near >= 1) continue;
    const farX = (ix > 0 ? box.x1 : box.x0) * ix;
    const farY = ((iy > 0 ? box.y1 : box.y0) - view.cameraYM) * iy;
    const farZ = ((iz > 0 ? box.z1 : box.z0) - view.cameraZM) * iz;
    if (Math.min(farX, farY, farZ) >= near) return true;
  }
  return false;
}

function around(
  material: number,
  x: number,
  y: number,
  halfX: number,
  halfY: number,
  z0: number,
  z1: number,
): OccluderBox {
  return { material, x0: x - halfX, x1: x + halfX, y0: y - halfY, y1: y + halfY, z0, z1 };
}

/** A fifth of the door wide and a hand thick, beside the middle, so that one side of the way stays in the open. */
function makeSign(view: View, random: Random): Occluder {
  const xM = (random.chance(0.5) ? 1 : -1) * random.between(0.2, 0.5);
  const yM = view.aimYM + random.between(-0.2, 0.25);
  const box = around(
    Material.sign,
    xM,
    yM,
    random.between(0.22, 0.32) * (view.doorHalfM / DOOR_HALF_M),
    0.05,
    2.1,
    2.4,
  );
  return { boxes: [box], xM, yM, radiusM: 0 };
}

function makePillar(view: View, random: Random): Occluder {
  const xM = (random.chance(0.5) ? 1 : -1) * random.between(0.3, 0.6) * view.doorHalfM;
  // So far from the line that people are out of its way again where they cross.
  const yM = standYOf(view, view.heightPx * 0.5, 1.72) + random.between(0.75, 1);
  const half = random.between(0.11, 0.15);
  return {
    boxes: [around(Material.pillar, xM, yM, half, half, 0, view.cameraZM + 0.35)],
    xM,
    yM,
    radiusM: half * 1.25,
  };
}

function makePlant(view: View, random: Random): Occluder {
  const xM = (random.chance(0.5) ? 1 : -1) * random.between(0.35, 0.6) * view.doorHalfM;
  const yM = random.between(0.4, 0.55);
  const boxes = [around(Material.pot, xM, yM, 0.17, 0.17, 0, 0.42)];
  for (let storey = 0; storey < 6; storey += 1) {
    const z = 0.42 + storey * 0.22;
    const half = 0.1 + 0.16 * Math.sin(((storey + 1) / 7) * Math.PI);
    const x = xM + random.between(-0.05, 0.05);
    const y = yM + random.between(-0.05, 0.05);
    boxes.push(around(Material.leaves, x, y, half, half * random.between(0.7, 1), z, z + 0.22));
  }
  return { boxes, xM, yM, radiusM: 0.2 };
}
