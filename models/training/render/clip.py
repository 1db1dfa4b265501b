"""Clips: people who walk through an entrance, and the crossings that a perfect counter would report.

truth.json has the form that `lethe evaluate` reads. A crossing is the moment at which a head's middle passes the line
in the picture; somebody who turns back inside the band crosses nothing, nor does somebody who is not seen on both sides of
it (behind a wall, or whom the camera only sees leave). What is not simulated: people who avoid each
other (they keep to their lane), and doors that move.
"""

import json
import os
import subprocess
import sys

import numpy as np

from dataset import VISIBLE_MIN
from render.camera import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, Camera
from render.light import Atlas
from render.mesh import join
from render.people import make_group
from render.places import make_place
from render.scene import COLUMNS, Actor, depths, draw_light, furnish, take
from render.sensor import Sensor
from render.textures import Textures

HEAD_COLUMNS = ("identity", "head_x", "head_y", "head_px", "visible", "head_visible")
BAND = 0.03
LANE_M = 0.7
# The line ends before the frame does: of somebody who is half outside nobody can say where the head is.
LINE_FROM, LINE_TO = 0.1, 0.9
# Share of the places in which heads pass the doorway that the camera must see.
DOORWAY_SEEN_MIN = 0.85


class Walker:
    """One person on a route: to its end, or to a turning point and back."""

    def __init__(self, person, offset, path, start_s, speed_m_s, turn_m, identity):
        self.person, self.offset, self.path, self.start_s, self.speed, self.identity = person, offset, path, start_s, speed_m_s, identity
        legs = np.linalg.norm(np.diff(path, axis=0), axis=1)
        self.ends = np.concatenate([[0], np.cumsum(legs)])
        self.turn_m = turn_m
        self.way_m = self.ends[-1] if turn_m is None else 2 * turn_m

    def gone(self, time_s):
        return (time_s - self.start_s) * self.speed > self.way_m

    def actor(self, time_s):
        walked = (time_s - self.start_s) * self.speed
        back = self.turn_m is not None and walked > self.turn_m
        at = 2 * self.turn_m - walked if back else walked
        leg = int(np.clip(np.searchsorted(self.ends, at) - 1, 0, len(self.path) - 2))
        along = (self.path[leg + 1] - self.path[leg]) / (self.ends[leg + 1] - self.ends[leg])
        heading = np.arctan2(along[1], along[0]) + (np.pi if back else 0)
        c, s = np.cos(heading), np.sin(heading)
        x, y = self.path[leg] + along * (at - self.ends[leg]) + [c * self.offset[0] - s * self.offset[1], s * self.offset[0] + c * self.offset[1]]
        return Actor(self.person, float(x), float(y), float(heading), self.identity, time_s, 1.0)


def _camera(random, place, tilt_deg):
    """Over the middle of the door, the way in pointing up or down in the picture."""
    top = 6.0 if place.ceiling_m is None else place.ceiling_m - 0.04
    height = max(2.3, min(top, random.uniform(2.5, 4.5)))
    tilt = random.choice([random.uniform(0, 15), random.uniform(15, 55)]) if tilt_deg is None else tilt_deg
    yaw = 90.0 + (180.0 if tilt < 15 and random.random() < 0.5 else 0.0)
    reach = (height - 1.2) * np.tan(np.radians(tilt)) * (1 if yaw < 180 else -1)
    return Camera((float(random.normal(0, 0.1)), float(1.2 - reach), float(height)), yaw + random.normal(0, 3), float(tilt), random.normal(0, 1.5), float(random.uniform(75, 100)), (random.uniform(0, 0.2), 0.0))


def _sees(camera, static, points):
    """Share of world points [n, 3] that are in the frame with nothing of `static` before them."""
    near, _, focal_px = depths(camera, static, 96, 128)
    height, width = near.shape
    pixels, depth = camera.project(points)
    inside = (depth > 0.2) & (pixels >= 0).all(1) & (pixels < (FRAME_WIDTH_PX, FRAME_HEIGHT_PX)).all(1)
    seen = camera.see(points[inside])
    columns = np.clip(seen[:, 0] / seen[:, 2] * focal_px + width / 2, 0, width - 1).astype(int)
    rows = np.clip(seen[:, 1] / seen[:, 2] * focal_px + height / 2, 0, height - 1).astype(int)
    return float((near[rows, columns] < 1.02 / seen[:, 2]).sum() / len(points))


def _entrance(random, studio, textures, tilt_deg):
    """A place with a door at y = 0, routes through it, and a camera that sees who passes: (place, routes, static, camera)."""
    while True:
        place = make_place(random, textures)
        routes = [np.asarray(r, float) for r in place.routes]
        routes = [r for r in routes if r[:, 1].min() < -0.4 and r[:, 1].max() > 1.5]
        if not routes:
            continue
        static = join([place.mesh, furnish(random, studio.cast, place)])
        camera = _camera(random, place, tilt_deg)
        ways = np.concatenate([r[:-1, None] + (r[1:] - r[:-1])[:, None] * np.linspace(0, 1, 40)[None, :, None] for r in routes]).reshape(-1, 2)
        ways = ways[(ways[:, 1] > 0.3) & (ways[:, 1] < 1.9)]
        if len(ways) and _sees(camera, static, np.column_stack([ways, np.full(len(ways), 1.6)])) >= DOORWAY_SEEN_MIN:
            return place, routes, static, camera


def film(random, studio, folder, args):
    """Writes clip.mp4, truth.json and heads.jsonl into folder; returns the truth.

    heads.jsonl: a line for each frame, [identity, x, y, diameter, visible, head visible] of everybody in view, in pixels of the frame:
    to see where a crossing was lost. Nothing that counts reads it.
    """
    place, routes, static, camera = _entrance(random, studio, studio.textures or _textures(studio), args.tilt)
    light, sensor, atlas = draw_light(random, place), Sensor.draw(random), Atlas()
    sensor.overlay = []
    line_y = 0.5 + random.uniform(-0.08, 0.08)
    up = camera.yaw_deg < 180  # world +y, into the shop, is up in the picture
    os.makedirs(folder, exist_ok=True)
    encoder = subprocess.Popen(
        ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{FRAME_WIDTH_PX}x{FRAME_HEIGHT_PX}", "-r", str(args.rate), "-i", "-",
         "-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p", os.path.join(folder, "clip.mp4")],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    heads, walkers, sides, events, exposure, identity, next_s = [], [], {}, [], None, 0, 0.0
    # A walk through the picture takes about six seconds.
    gap_s = 6.0 / max(args.people, 1)
    for frame in range(int(args.seconds * args.rate)):
        now = frame / args.rate
        # Nobody starts so late that the crossing would be cut off by the end of the clip.
        if now >= next_s and now < args.seconds - 8:
            next_s = now + random.exponential(gap_s) + 0.25
            route = routes[random.integers(len(routes))]
            if random.random() < 0.5:
                route = route[::-1]
            lane = np.sign(route[-1, 1] - route[0, 1]) * random.uniform(0.1, LANE_M)
            path, speed = route + [lane, 0], random.uniform(0.8, 1.5)
            length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
            turn_m = length * random.uniform(0.35, 0.65) if random.random() < 0.06 else None
            for person, offset in make_group(random, studio.cast):
                identity += 1
                walkers.append(Walker(person, offset, path, now, speed, turn_m, identity))
        walkers = [w for w in walkers if not w.gone(now)]
        actors = [w.actor(now) for w in walkers]
        image, people, exposure = take(random, camera, light, sensor, place, static, actors, atlas, exposure, 0.015)
        encoder.stdin.write(image.tobytes())
        heads.append([[round(float(row[COLUMNS.index(name)]), 2) for name in HEAD_COLUMNS] for row in people])
        for row in people:
            known = dict(zip(COLUMNS, row))
            identity_seen, y, x = int(known["identity"]), known["head_y"] / FRAME_HEIGHT_PX, known["head_x"] / FRAME_WIDTH_PX
            side = 0 if abs(y - line_y) < BAND else int(np.sign(line_y - y))
            if side and 0 <= x <= 1 and known["visible"] >= VISIBLE_MIN:
                before = sides.get(identity_seen)
                if before and before != side and LINE_FROM <= x <= LINE_TO:
                    events.append({"t": round(now, 2), "dir": "in" if (side > 0) == up else "out", "who": identity_seen})
                sides[identity_seen] = side
        if sys.stderr.isatty() and frame % 10 == 0:
            print(f"\r{now:.0f} of {args.seconds:.0f} s, {len(events)} crossings", end="", file=sys.stderr)
    encoder.stdin.close()
    if encoder.wait() != 0:
        raise SystemExit("ffmpeg could not write the clip; is libx264 there? `ffmpeg -encoders | grep 264`")
    truth = {
        "line": [[LINE_FROM, round(line_y, 3)], [LINE_TO, round(line_y, 3)]],
        "in": sum(e["dir"] == "in" for e in events),
        "out": sum(e["dir"] == "out" for e in events),
        "events": events,
        "in_means": f"{'upwards' if up else 'downwards'} in the image",
        "tolerance": 0,
        "how": f"rendered, seed {args.seed}; {place.kind}, {camera.position[2]:.1f} m high, {camera.tilt_deg:.0f} degrees from straight down",
    }
    with open(os.path.join(folder, "heads.jsonl"), "w") as f:
        f.writelines(json.dumps(frame) + "\n" for frame in heads)
    with open(os.path.join(folder, "truth.json"), "w") as f:
        json.dump(truth, f, indent=1)
    return truth


def _textures(studio):
    return Textures(np.random.default_rng([studio.seed, 7]), studio.photos)
