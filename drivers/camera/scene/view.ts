/**
 * Where the camera hangs and how world points reach the picture.
 * World: metres; x along the door wall, y = 0 the inner face of that wall and y > 0 the shop, z up from the floor.
 * Picture: the camera looks from inside at the entrance, so who enters walks down the picture and who leaves walks up.
 * A pinhole with square pixels; camera axes are right (-x), down and forward.
 */

/** The opening in the wall at y = 0: half its width where no other is asked for, its height, the thickness of the wall. */
export const DOOR_HALF_M = 1.1;
export const DOOR_TOP_M = 2.2;
export const WALL_M = 0.25;

/** Height of a body's middle: the camera aims there, so that bodies (not feet) pass the middle of the picture. */
const AIM_HEIGHT_M = 0.88;

export type View = {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Camera position. x is always 0. */
  readonly cameraYM: number;
  readonly cameraZM: number;
  /** Distance inside the door at which a body's middle is in the middle of the picture. */
  readonly aimYM: number;
  readonly sinTilt: number;
  readonly cosTilt: number;
  /** Pixels per unit of slope. */
  readonly focalPx: number;
  /** People beyond this y are below the lower edge of the picture. */
  readonly insideEndYM: number;
  /** Half the width of the room. */
  readonly roomHalfM: number;
  readonly doorHalfM: number;
};

export type ViewOptions = {
  readonly heightM: number;
  readonly tiltDeg: number;
  readonly fovDeg: number;
  readonly doorHalfM?: number;
};

export function makeView(options: ViewOptions, widthPx: number, heightPx: number): View {
  const doorHalfM = options.doorHalfM ?? DOOR_HALF_M;
  const tilt = (options.tiltDeg * Math.PI) / 180;
  const focalPx = widthPx / 2 / Math.tan((options.fovDeg * Math.PI) / 360);
  const halfVertical = Math.atan(heightPx / 2 / focalPx);
  const cosTilt = Math.cos(tilt);
  // A steep camera must hang further inside, or the wall above the door hides all that happens before the line.
  const aimYM = 0.6 + 0.6 * cosTilt * cosTilt;
  const cameraYM = aimYM + (options.heightM - AIM_HEIGHT_M) * Math.tan(tilt);
  const lowerEdgeSlope = Math.tan(tilt - halfVertical);
  const floorEndYM = cameraYM - options.heightM * lowerEdgeSlope;
  const headEndYM = cameraYM - (options.heightM - 2) * lowerEdgeSlope;
  return {
    widthPx,
    heightPx,
    cameraYM,
    cameraZM: options.heightM,
    aimYM,
    sinTilt: Math.sin(tilt),
    cosTilt,
    focalPx,
    insideEndYM: Math.max(floorEndYM, headEndYM) + 0.9,
    roomHalfM: 2.55 + Math.max(0, options.heightM - 3) * 0.7 + (doorHalfM - DOOR_HALF_M),
    doorHalfM,
  };
}

/** Half the width of the corridor inside, between the furniture. */
export function aisleHalfOf(view: View): number {
  return view.doorHalfM + 0.25;
}

/** Distance along the viewing axis; what the depth buffer holds. */
export function depthOf(view: View, y: number, z: number): number {
  return (view.cameraYM - y) * view.sinTilt + (view.cameraZM - z) * view.cosTilt;
}

export function columnOf(view: View, x: number, y: number, z: number): number {
  return view.widthPx / 2 + (view.focalPx * -x) / depthOf(view, y, z);
}

export function rowOf(view: View, y: number, z: number): number {
  const down = (y - view.cameraYM) * view.cosTilt - (z - view.cameraZM) * view.sinTilt;
  return view.heightPx / 2 + (view.focalPx * down) / depthOf(view, y, z);
}

/** True when the door wall stands between the camera and the point. */
export function isBehindWall(view: View, x: number, y: number, z: number): boolean {
  if (y >= 0) return false;
  // The sight line meets the wall's inner face at share s, and the outer face (or the point) at share e.
  const s = view.cameraYM / (view.cameraYM - y);
  const e = y > -WALL_M ? 1 : (view.cameraYM + WALL_M) / (view.cameraYM - y);
  const wide = Math.max(Math.abs(x * s), Math.abs(x * e));
  const high = Math.max(view.cameraZM + (z - view.cameraZM) * s, view.cameraZM + (z - view.cameraZM) * e);
  return wide > view.doorHalfM || high > DOOR_TOP_M;
}

/**
 * Row of the middle of the box of somebody `heightM` tall who stands at y before the camera; near enough (1 % of the
 * picture) for those who plan where to stand.
 */
export function middleRowOf(view: View, y: number, heightM: number): number {
  let top = Number.POSITIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (let point = 0; point < SILHOUETTE.length; point += 2) {
    const row = rowOf(view, y + SILHOUETTE[point]! * heightM, SILHOUETTE[point + 1]! * heightM);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
  }
  return (top + bottom) / 2;
}

/** Ahead and up of the feet, as shares of the height: crown, back and front of the shoulders, heels and toes. */
const SILHOUETTE = [0, 1, -0.08, 0.82, 0.08, 0.82, -0.07, 0, 0.07, 0];

/** Where somebody stands whose box has its middle in `row`; the middle moves down the picture as they come in. */
export function standYOf(view: View, row: number, heightM: number): number {
  let low = -3;
  let high = view.insideEndYM;
  for (let halving = 0; halving < 20; halving += 1) {
    const y = (low + high) / 2;
    if (middleRowOf(view, y, heightM) < row) low = y;
    else high = y;
  }
  return (low + high) / 2;
}
