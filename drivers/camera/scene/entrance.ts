/**
 * Entrance: the empty shop, computed once at start by following a few sight lines per pixel.
 * Everything is boxes and one floor: walls with the door opening, frame, shelves with goods, a table, a counter, the street.
 * Floor, colours, furniture, poster, mat, daylight and sun follow from the seed, so every seed is another shop.
 * Light: daylight from nine points of the opening, the sun through the opening on some days, lamps above, darker corners.
 * Memory: planes of the picture's size, f32, made once: y, u, v, floor position; depth at four samples per pixel.
 */
import { type Colour, hex } from './colour.ts';
import { Material, type Occluder } from './occluder.ts';
import type { Random } from './random.ts';
import { DOOR_HALF_M, DOOR_TOP_M, type View, WALL_M } from './view.ts';

/** Sight lines per pixel side for colours. */
const SAMPLES = 3;
const FAR_M = 1e6;

export type Daylight = {
  /** Brightness of the street; above about 2 it burns out. */
  readonly street: number;
  /** Brightness of the opening as a lamp for the room. */
  readonly opening: number;
  readonly lamps: number;
  readonly ambient: number;
  /** 0: no sun through the door. */
  readonly sun: number;
  /** Sideways and upward slope of the sun's rays per metre towards the street. */
  readonly sunX: number;
  readonly sunZ: number;
};

export type Entrance = {
  /** [heightPx, widthPx], 0..255, the noise not yet added. */
  readonly luma: Float32Array;
  /** [heightPx / 2, widthPx / 2], distance from 128. */
  readonly blue: Float32Array;
  readonly red: Float32Array;
  /** [2 · heightPx, 2 · widthPx], metres along the viewing axis. */
  readonly depth: Float32Array;
  /** [heightPx, widthPx]: floor position in metres, or x = 1e6 where no floor is seen. */
  readonly floorX: Float32Array;
  readonly floorY: Float32Array;
  /** [heightPx, widthPx]: what the lens leaves of the light. */
  readonly vignette: Float32Array;
  readonly daylight: Daylight;
};

const Kind = {
  wall: 0,
  metal: 1,
  shelf: 2,
  ceiling: 3,
  facade: 4,
  table: 5,
  counter: 6,
  poster: 7,
  /** What hides people: this and one of Material. */
  occluder: 8,
} as const;

type Box = {
  readonly kind: number;
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
  readonly z0: number;
  readonly z1: number;
  readonly seed: number;
};

type Looks = {
  readonly floor: number;
  readonly floorA: Colour;
  readonly floorB: Colour;
  readonly tileM: number;
  readonly wall: Colour;
  readonly metal: Colour;
  readonly shelf: Colour;
  readonly mat: Colour;
  readonly matHalfM: number;
  readonly matY0: number;
  readonly matY1: number;
  readonly pavement: Colour;
  readonly posterA: Colour;
  readonly posterB: Colour;
  readonly grain: number;
};

const FLOORS: readonly (readonly [string, string])[] = [
  ['b9b2a4', 'a9a294'],
  ['8c8379', '7d746a'],
  ['c9c6be', 'bdbab1'],
  ['9b7a55', '86663f'],
  ['b08d63', '9a774f'],
  ['6d6a66', '625f5b'],
  ['d6d0c2', '8f8a80'],
  ['7a5a3c', '6a4b30'],
];
const WALLS = ['d9d4c7', 'cfd3d2', 'b9c0b4', 'e3dccb', 'a9a59f', 'c7b8a4', 'd8d8d6'];
const METALS = ['2a2c2e', '8d9194', '3d2f25', 'c6c8c8', '1f3a34'];
const GOODS = [
  'b23a36',
  '2f5d83',
  'd9b24a',
  '4c7a4a',
  'e6e1d6',
  '6d4a7a',
  'c4743a',
  '2b2d30',
  '9fc0c9',
  'cfa3a8',
  '7b5a3c',
  'f2efe6',
];
const MATS = ['2c2c2d', '3a332c', '40454a', '5a2a26', '24303a'];

type Hit = {
  kind: number;
  t: number;
  x: number;
  y: number;
  z: number;
  nx: number;
  ny: number;
  nz: number;
  seed: number;
};

export function makeEntrance(view: View, random: Random, occluder: Occluder | null = null): Entrance {
  const width = view.widthPx;
  const height = view.heightPx;
  const looks = chooseLooks(random);
  const sunny = random.chance(0.4);
  const daylight: Daylight = {
    street: random.between(1.5, 3.2),
    opening: random.between(0.7, 1.7),
    lamps: random.between(0.3, 0.62),
    ambient: random.between(0.26, 0.4),
    sun: sunny ? random.between(0.7, 1.5) : 0,
    sunX: random.between(-0.8, 0.8),
    sunZ: random.between(1.1, 2.2),
  };
  const boxes = furnish(view, random);
  for (const { material, x0, x1, y0, y1, z0, z1 } of occluder?.boxes ?? []) {
    boxes.push({ kind: Kind.occluder + material, x0, x1, y0, y1, z0, z1, seed: 0 });
  }

  const entrance: Entrance = {
    luma: new Float32Array(width * height),
    blue: new Float32Array((width / 2) * (height / 2)),
    red: new Float32Array((width / 2) * (height / 2)),
    depth: new Float32Array(width * height * 4),
    floorX: new Float32Array(width * height).fill(FAR_M),
    floorY: new Float32Array(width * height),
    vignette: new Float32Array(width * height),
    daylight,
  };
  const hit: Hit = { kind: -1, t: FAR_M, x: 0, y: 0, z: 0, nx: 0, ny: 0, nz: 0, seed: 0 };
  const colour: Colour = { y: 0, u: 0, v: 0 };

  for (let row = 0; row < height * 2; row += 1) {
    for (let column = 0; column < width * 2; column += 1) {
      follow(view, boxes, (column + 0.5) / 2, (row + 0.5) / 2, hit);
      entrance.depth[row * width * 2 + column] = hit.t;
    }
  }
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const pixel = row * width + column;
      const fromMiddle = (((column + 0.5) / width - 0.5) ** 2 * 16 + ((row + 0.5) / height - 0.5) ** 2 * 9) / 6.25;
      const vignette = 1 - 0.2 * fromMiddle;
      entrance.vignette[pixel] = vignette;
      let y = 0;
      let u = 0;
      let v = 0;
      for (let sample = 0; sample < SAMPLES * SAMPLES; sample += 1) {
        const subX = ((sample % SAMPLES) + 0.5) / SAMPLES;
        const subY = (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES;
        follow(view, boxes, column + subX, row + subY, hit);
        shade(view, looks, daylight, boxes, hit, colour);
        y += Math.min(255, colour.y * vignette);
        u += colour.u * vignette;
        v += colour.v * vignette;
        if (sample === 4 && hit.kind < 0 && hit.t < FAR_M) {
          entrance.floorX[pixel] = hit.x;
          entrance.floorY[pixel] = hit.y;
        }
      }
      const count = SAMPLES * SAMPLES;
      entrance.luma[pixel] = y / count;
      const chroma = (row >> 1) * (width / 2) + (column >> 1);
      entrance.blue[chroma]! += u / count / 4;
      entrance.red[chroma]! += v / count / 4;
    }
  }
  soften(entrance.luma, width, height);
  return entrance;
}

function chooseLooks(random: Random): Looks {
  const floor = random.below(FLOORS.length);
  const isWood = floor === 3 || floor === 4 || floor === 7;
  const matDeep = random.between(0.9, 1.6);
  return {
    floor: isWood ? 1 : 0,
    floorA: hex(FLOORS[floor]![0]),
    floorB: hex(FLOORS[floor]![1]),
    tileM: isWood ? random.between(0.11, 0.19) : random.between(0.3, 0.62),
    wall: hex(WALLS[random.below(WALLS.length)]!),
    metal: hex(METALS[random.below(METALS.length)]!),
    shelf: hex(['8a6a48', 'd8d4ca', '4a4038', 'b59a74'][random.below(4)]!),
    mat: hex(MATS[random.below(MATS.length)]!),
    matHalfM: random.between(0.75, 1.08),
    matY0: random.between(0.02, 0.2),
    matY1: 0.2 + matDeep,
    pavement: hex(['b3b0aa', 'a39f98', 'c0b8aa'][random.below(3)]!),
    posterA: hex(GOODS[random.below(GOODS.length)]!),
    posterB: hex(GOODS[random.below(GOODS.length)]!),
    grain: random.below(1000),
  };
}

function furnish(view: View, random: Random): Box[] {
  const doorHalf = view.doorHalfM;
  const room = view.roomHalfM;
  const ceiling = view.cameraZM + 0.35;
  const deep = view.cameraYM + 4;
  const post = 0.07;
  const box = (kind: number, x0: number, x1: number, y0: number, y1: number, z0: number, z1: number): Box => ({
    kind,
    x0,
    x1,
    y0,
    y1,
    z0,
    z1,
    seed: random.below(1000),
  });
  const boxes = [
    box(Kind.wall, -room - 3, -doorHalf - post, -WALL_M, 0, 0, ceiling),
    box(Kind.wall, doorHalf + post, room + 3, -WALL_M, 0, 0, ceiling),
    box(Kind.wall, -doorHalf - post, doorHalf + post, -WALL_M, 0, DOOR_TOP_M + post, ceiling),
    box(Kind.metal, -doorHalf - post, -doorHalf, -WALL_M, 0.03, 0, DOOR_TOP_M + post),
    box(Kind.metal, doorHalf, doorHalf + post, -WALL_M, 0.03, 0, DOOR_TOP_M + post),
    box(Kind.metal, -doorHalf, doorHalf, -WALL_M, 0.03, DOOR_TOP_M, DOOR_TOP_M + post),
    box(Kind.wall, -room - 0.2, -room, 0, deep, 0, ceiling),
    box(Kind.wall, room, room + 0.2, 0, deep, 0, ceiling),
    box(Kind.ceiling, -room, room, 0, deep, ceiling, ceiling + 0.2),
    box(Kind.facade, -60, 60, -14, -13, 0, 9),
  ];
  // Furniture stays out of the aisle, |x| < 1.65 at an ordinary door; it is laid out for that and moved aside for a wider one.
  const wider = doorHalf - DOOR_HALF_M;
  const plainRoom = room - wider;
  for (const side of [-1, 1]) {
    const along = (kind: number, from: number, to: number, y0: number, y1: number, z1: number): void => {
      const near = side * (from + wider);
      const far = side * (to + wider);
      boxes.push(box(kind, Math.min(near, far), Math.max(near, far), y0, y1, 0, z1));
    };
    const style = random.below(4);
    if (style === 0)
      along(
        Kind.shelf,
        Math.max(1.85, plainRoom - 0.5),
        plainRoom,
        random.between(0.3, 0.9),
        random.between(2.2, 3.4),
        random.between(1.3, 1.9),
      );
    else if (style === 1) along(Kind.table, 1.7, 2.4, random.between(0.9, 1.6), random.between(2.3, 3), 0.78);
    else if (style === 2)
      along(Kind.shelf, 1.72, 2.2, random.between(0.7, 1.1), random.between(1.9, 2.6), random.between(0.9, 1.4));
    else along(Kind.counter, 1.75, 2.5, random.between(1.2, 1.8), random.between(2.8, 3.6), 1.02);
    for (let far = 4.2; far < deep - 2; far += random.between(2.6, 3.8)) {
      along(Kind.shelf, Math.max(1.9, plainRoom - 0.55), plainRoom, far, far + 2, random.between(1.2, 1.9));
    }
    if (random.chance(0.65)) {
      const x = side * (doorHalf + random.between(0.35, 0.6));
      const half = random.between(0.2, 0.3);
      boxes.push(box(Kind.poster, x - half, x + half, 0, 0.012, random.between(0.8, 1), random.between(1.6, 1.9)));
    }
  }
  return boxes;
}

/** The nearest thing on the sight line through picture position (column, row). Kind -1: floor or street, -2: sky. */
function follow(view: View, boxes: readonly Box[], column: number, row: number, hit: Hit): void {
  const slopeX = (column - view.widthPx / 2) / view.focalPx;
  const slopeY = (row - view.heightPx / 2) / view.focalPx;
  const dx = -slopeX;
  const dy = -view.sinTilt + slopeY * view.cosTilt;
  const dz = -view.cosTilt - slopeY * view.sinTilt;
  const oy = view.cameraYM;
  const oz = view.cameraZM;
  hit.t = FAR_M;
  hit.kind = -2;
  hit.nx = 0;
  hit.ny = 0;
  hit.nz = 1;
  if (dz < -1e-6) {
    hit.t = -oz / dz;
    hit.kind = -1;
  }
  for (let index = 0; index < boxes.length; index += 1) {
    const box = boxes[index]!;
    const ix = 1 / (dx === 0 ? 1e-12 : dx);
    const iy = 1 / (dy === 0 ? 1e-12 : dy);
    const iz = 1 / (dz === 0 ? 1e-12 : dz);
    const tx = ix > 0 ? box.x0 * ix : box.x1 * ix;
    const ty = (iy > 0 ? box.y0 - oy : box.y1 - oy) * iy;
    const tz = (iz > 0 ? box.z0 - oz : box.z1 - oz) * iz;
    const near = Math.max(tx, ty, tz);
    if (near <= 0 || near >= hit.t) continue;
    const far = Math.min(
      ix > 0 ? box.x1 * ix : box.x0 * ix,
      (iy > 0 ? box.y1 - oy : box.y0 - oy) * iy,
      (iz > 0 ? box.z1 - oz : box.z0 - oz) * iz,
    );
    if (far < near) continue;
    hit.t = near;
    hit.kind = box.kind;
    hit.seed = box.seed + index * 1000;
    hit.nx = near === tx ? -Math.sign(dx) : 0;
    hit.ny = near === ty && near !== tx ? -Math.sign(dy) : 0;
    hit.nz = near === tz && near !== tx && near !== ty ? -Math.sign(dz) : 0;
  }
  hit.x = dx * hit.t;
  hit.y = oy + dy * hit.t;
  hit.z = oz + dz * hit.t;
}

function shade(view: View, looks: Looks, light: Daylight, boxes: readonly Box[], hit: Hit, colour: Colour): void {
  if (hit.kind === -2) {
    paint(colour, SKY, Math.sqrt(light.street) * 1.1);
    return;
  }
  const { x, y, z } = hit;
  let albedo = looks.wall;
  let gain = 1;
  if (hit.kind === -1) {
    if (y < -WALL_M * 0.5) {
      albedo = looks.pavement;
      if (y < -3.6) {
        albedo = ROAD;
        if (y > -3.75) gain = 1.5;
      } else {
        const joint = Math.min(edge(x / 0.5), edge(y / 0.5)) * 0.5;
        gain = (joint < 0.012 ? 0.8 : 1) * (0.95 + 0.1 * hash(Math.floor(x / 0.5), Math.floor(y / 0.5), looks.grain));
      }
    } else if (Math.abs(x) < looks.matHalfM && y > looks.matY0 && y < looks.matY1) {
      albedo = looks.mat;
      const border = Math.min(looks.matHalfM - Math.abs(x), y - looks.matY0, looks.matY1 - y);
      gain = (border < 0.04 ? 0.7 : 1) * (0.85 + 0.3 * hash(Math.floor(x * 90), Math.floor(y * 90), 3));
    } else if (looks.floor === 1) {
      const board = Math.floor(x / looks.tileM);
      const shift = hash(board, 7, looks.grain) * 3;
      const piece = Math.floor((y + shift) / 1.4);
      const tone = hash(board, piece, looks.grain);
      albedo = tone > 0.5 ? looks.floorA : looks.floorB;
      gain = 0.9 + 0.2 * hash(board, piece, looks.grain + 1) + 0.07 * (smooth(x * 60, y * 2.2, 5) - 0.5);
      if (edge(x / looks.tileM) * looks.tileM < 0.004 || edge((y + shift) / 1.4) * 1.4 < 0.004) gain *= 0.66;
    } else {
      const tileX = Math.floor(x / looks.tileM);
      const tileY = Math.floor(y / looks.tileM);
      albedo = ((tileX + tileY) & 1) === 0 ? looks.floorA : looks.floorB;
      gain = 0.95 + 0.08 * hash(tileX, tileY, looks.grain) + 0.1 * (smooth(x * 5, y * 5, 9) - 0.5);
      if (Math.min(edge(x / looks.tileM), edge(y / looks.tileM)) * looks.tileM < 0.006) gain *= 0.74;
    }
  } else if (hit.kind === Kind.metal) albedo = looks.metal;
  else if (hit.kind === Kind.ceiling) {
    albedo = WHITE;
    if (edge(x / 1.6) > 0.36 && edge(y / 2.4) > 0.2) gain = 1.9;
  } else if (hit.kind === Kind.facade) {
    albedo = BRICK;
    if (edge(x / 3) > 0.22 && edge((z + 1) / 2.9) > 0.2) albedo = ROAD;
  } else if (hit.kind === Kind.poster) {
    const band = smooth(x * 6 + hit.seed, z * 5, hit.seed);
    albedo = band > 0.55 ? looks.posterA : band > 0.4 ? WHITE : looks.posterB;
  } else if (hit.kind === Kind.shelf || hit.kind === Kind.table || hit.kind === Kind.counter) {
    const goods = goodsOf(hit, looks);
    albedo = goods.colour;
    gain = goods.gain;
  } else if (hit.kind >= Kind.occluder) {
    albedo = occluderColour(hit, looks);
    gain = 0.9 + 0.16 * smooth((x + y) * 4, z * 3, 17);
    if (hit.kind === Kind.occluder + Material.leaves) {
      gain = 0.35 + hash(Math.floor((x + y) * 24), Math.floor(z * 16), Math.floor((x - y) * 24));
    }
  } else {
    gain = 0.97 + 0.06 * smooth((x + y) * 3, z * 3, 11);
    if (z < 0.09) gain *= 0.75;
  }

  // Outside: bright and even.
  if (y < -WALL_M + 0.02) {
    paint(
      colour,
      albedo,
      gain * Math.sqrt(light.street * (0.5 + 0.5 * Math.max(0, hit.nz) + 0.3 * Math.max(0, -hit.ny))),
    );
    return;
  }
  let lit =
    light.ambient + light.lamps * (0.4 + 0.6 * Math.max(0, hit.nz)) * (0.88 + 0.24 * smooth(x * 0.9, y * 0.9, 21));
  for (let sample = 0; sample < 9; sample += 1) {
    const lx = ((sample % 3) - 1) * view.doorHalfM * 0.66 - x;
    const ly = -0.2 - y;
    const lz = 0.4 + Math.floor(sample / 3) * 0.75 - z;
    const square = lx * lx + ly * ly + lz * lz + 0.05;
    const far = Math.sqrt(square);
    const facing = (hit.nx * lx + hit.ny * ly + hit.nz * lz) / far;
    const leaving = -ly / far;
    if (facing > 0 && leaving > 0) lit += (light.opening * 0.62 * facing * leaving) / square;
  }
  if (light.sun > 0 && hit.nz > 0.5) {
    const backX = Math.abs(x + light.sunX * y);
    const backZ = z + light.sunZ * y;
    lit +=
      light.sun * fade((view.doorHalfM - backX) / 0.06) * fade((DOOR_TOP_M - backZ) / 0.08) * fade((y + 0.1) / 0.05);
  }
  // Corners get less of everything: near the wall, near furniture.
  if (hit.kind === -1) {
    lit *= 1 - 0.4 * Math.exp(-Math.max(0, view.roomHalfM - Math.abs(x)) / 0.2);
    if (Math.abs(x) > view.doorHalfM) lit *= 1 - 0.4 * Math.exp(-Math.max(0, y) / 0.18);
    for (const box of boxes) {
      const stands = box.kind === Kind.shelf || box.kind === Kind.table || box.kind === Kind.counter;
      if (!stands && !(box.kind >= Kind.occluder && box.z0 === 0)) continue;
      const gapX = Math.max(box.x0 - x, x - box.x1, 0);
      const gapY = Math.max(box.y0 - y, y - box.y1, 0);
      lit *= 1 - 0.45 * Math.exp(-Math.hypot(gapX, gapY) / 0.16);
    }
  } else if (hit.kind === Kind.wall) lit *= 1 - 0.3 * Math.exp(-z / 0.15);
  paint(colour, albedo, gain * Math.sqrt(lit));
}

const WHITE = hex('e9e7e1');
const ROAD = hex('5c5f63');
const BRICK = hex('a98773');
const SKY = hex('dfe8f2');
const POT = hex('8b8078');
const LEAVES = hex('4f7a3e');

function occluderColour(hit: Hit, looks: Looks): Colour {
  switch (hit.kind - Kind.occluder) {
    case Material.pillar:
      return looks.wall;
    case Material.sign:
      return edge(hit.z / 0.25) < 0.15 ? WHITE : looks.posterA;
    case Material.pot:
      return POT;
    default:
      return LEAVES;
  }
}

/** What stands on a shelf, lies on a table, or covers a counter at the place that was hit. */
function goodsOf(hit: Hit, looks: Looks): { colour: Colour; gain: number } {
  if (hit.kind === Kind.counter) {
    return { colour: looks.shelf, gain: hit.nz > 0.5 ? 1.1 : 0.8 };
  }
  const across = Math.abs(hit.nx) > 0.5 ? hit.y : hit.x;
  if (hit.kind === Kind.table) {
    if (hit.nz < 0.5) return { colour: looks.shelf, gain: 0.7 };
    const pileX = Math.floor(hit.x / 0.24);
    const pileY = Math.floor(hit.y / 0.34);
    const border = Math.min(edge(hit.x / 0.24) * 0.24, edge(hit.y / 0.34) * 0.34);
    if (border < 0.025 || hash(pileX, pileY, hit.seed) < 0.15)
      return { colour: looks.shelf, gain: border < 0.025 ? 0.75 : 1 };
    return {
      colour: hex(GOODS[Math.floor(hash(pileX, pileY, hit.seed + 1) * GOODS.length)]!),
      gain: 0.85 + border * 2,
    };
  }
  if (hit.nz > 0.5) return { colour: looks.shelf, gain: 1 };
  const level = Math.floor(hit.z / 0.36);
  const above = hit.z - level * 0.36;
  if (above < 0.03) return { colour: looks.shelf, gain: 1.1 };
  const item = Math.floor(across / 0.13);
  const tall = 0.16 + 0.16 * hash(item, level, hit.seed);
  if (above > tall || edge(across / 0.13) < 0.06) return { colour: looks.shelf, gain: 0.4 };
  const colour = hex(GOODS[Math.floor(hash(item >> 1, level, hit.seed + 2) * GOODS.length)]!);
  return { colour, gain: (0.62 + 0.5 * edge(across / 0.13)) * (1 - 0.7 * Math.max(0, above - 0.2)) };
}

function paint(colour: Colour, albedo: Colour, gain: number): void {
  const y = albedo.y * gain;
  const burnt = y > 225 ? Math.max(0, 1 - (y - 225) / 60) : 1;
  colour.y = y;
  colour.u = albedo.u * gain * burnt;
  colour.v = albedo.v * gain * burnt;
}

/** Distance to the nearest whole number, 0..0.5. */
function edge(value: number): number {
  return Math.abs(value - Math.round(value));
}

function fade(value: number): number {
  const t = Math.min(1, Math.max(0, value + 0.5));
  return t * t * (3 - 2 * t);
}

/** Repeatable random number of a cell, 0..1: the mixing steps of MurmurHash3 (Austin Appleby, public domain). */
function hash(x: number, y: number, seed: number): number {
  let h = Math.imul(x | 0, 0x85ebca6b) ^ Math.imul(y | 0, 0xc2b2ae35) ^ Math.imul(seed + 1, 0x27d4eb2f);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

/** Value noise: hash at whole numbers, blended between. */
function smooth(x: number, y: number, seed: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = fade(x - x0 - 0.5);
  const fy = fade(y - y0 - 0.5);
  const top = hash(x0, y0, seed) * (1 - fx) + hash(x0 + 1, y0, seed) * fx;
  const bottom = hash(x0, y0 + 1, seed) * (1 - fx) + hash(x0 + 1, y0 + 1, seed) * fx;
  return top * (1 - fy) + bottom * fy;
}

/** A cheap lens: each pixel takes a little from its neighbours, 1-6-1 in both directions. */
function soften(plane: Float32Array, width: number, height: number): void {
  const before = plane.slice();
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      let sum = 0;
      for (let dy = -1; dy <= 1; dy += 1) {
        const from = Math.min(height - 1, Math.max(0, row + dy)) * width;
        const weight = dy === 0 ? 6 : 1;
        sum +=
          weight *
          (before[from + Math.max(0, column - 1)]! +
            6 * before[from + column]! +
            before[from + Math.min(width - 1, column + 1)]!);
      }
      plane[row * width + column] = sum / 64;
    }
  }
}
