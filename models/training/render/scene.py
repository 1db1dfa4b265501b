"""One picture: a place, people in it, a camera and its light; and the truth about everybody who is in view.

The order is that of a film set: choose the place, hang the camera, let people in, switch on the light, expose, then
measure what of each person can be seen.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from render.camera import FRAME_HEIGHT_PX, FRAME_WIDTH_PX, SUPERSAMPLE, Camera
from render.light import LAMPS_MAX, LINEAR, Light, shade
from render.mesh import EMPTY, Material, join, rectangle
from render.people import make_cutout, make_group, make_mannequin
from render.places import Place, make_place
from render.raster import ShadowMap, clip_to_screen, cover, face_normals, fill, tally
from render.sensor import Sensor

COLUMNS = (
    "picture", "x", "y", "w", "h", "head_x", "head_y", "head_px", "feet_x", "feet_y",
    "visible", "head_visible", "inside", "flags", "identity", "contrast",
)  # fmt: skip
CAMERA_COLUMNS = ("height_m", "tilt_deg", "people", "fov_deg")
PEOPLE_MAX = 15
# Crowds are what doors are counted for, and a full picture teaches more heads than an empty one.
CROWD_SHARE = 0.3
OVERHEAD_TILT_MAX_DEG = 20
# Nearer than this the camera would hang inside of something.
BLOCKED_M = 0.45
# What is seen of a head is skin, hair or hat, in radii from its middle; beside and above it more than below, where shoulders begin.
HEAD_REACH, HAIR_REACH, HAIR_BELOW = 1.35, 2.2, 0.4
# Horizontal angles of view: the usual camera modules (54 to 66), and the wide ones.
LENSES_DEG = ((50, 72), (85, 112))
# Heads are at least some 5 px wide on the camera's axis (0.22 m of this).
VIEW_WIDTH_MAX_M = 10.0


@dataclass
class Actor:
    """Somebody in the scene: where, which way (radians), since when, and how fast as a share of the own walking speed."""

    person: object
    x: float
    y: float
    yaw: float
    identity: int
    time_s: float
    moving: float

    def figure(self, place):
        figure = self.person.at(self.time_s, self.moving)
        z = float(place.height_at(np.array([self.x]), np.array([self.y]))[0])
        offset = (self.x, self.y, z)
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        head = np.array([c * figure.head[0] - s * figure.head[1], s * figure.head[0] + c * figure.head[1], figure.head[2]]) + offset
        return figure.body.moved(offset, self.yaw), figure.things.moved(offset, self.yaw), head, figure.head_radius_m, np.array(offset)


class World:
    """All triangles of a scene in flat arrays, ready to be drawn from anywhere."""

    def __init__(self, parts, atlas):
        """parts: [(Mesh, owner)], owner 0 for things, 1.. for bodies."""
        meshes = [m for m, _ in parts if len(m.triangles)]
        owners = [o for m, o in parts if len(m.triangles)]
        whole = join(meshes)
        self.vertices, self.uv = whole.vertices.astype(np.float32), whole.uv.astype(np.float32)
        self.triangles, self.material = whole.triangles, whole.material
        self.owner = np.repeat(np.array(owners, np.int32), [len(m.triangles) for m in meshes])
        self.face_normal, self.normals = face_normals(self.vertices, self.triangles)
        materials = whole.materials
        paint = np.array([m.colour for m in materials], np.float32).reshape(-1, 3)
        self.colour = np.where(paint > 0.04, ((paint + 0.055) / 1.055) ** 2.4, paint / 12.92).astype(np.float32)
        self.texture = np.array([atlas.index(m.texture) for m in materials], np.int64)
        self.gloss = np.array([m.gloss for m in materials], np.float32)
        self.emission = np.array([m.emission for m in materials], np.float32)
        self.opacity = np.array([m.opacity for m in materials], np.float32)[self.material]
        self.atlas = atlas.ready()

    def cast(self, light):
        """Shadow maps: from the sun (or none) and from above."""
        solid = self.opacity
        low, high = np.percentile(self.vertices, 1, axis=0) - 0.5, np.percentile(self.vertices, 99, axis=0) + 0.5
        above = np.array([0.06, 0.04, 1.0]) / np.linalg.norm([0.06, 0.04, 1.0])
        # Ceilings would put everything into the shadow of the lamps that hang below them.
        top = np.minimum(self.vertices[self.triangles][..., 2].min(1), 99.0) < 2.15
        self.top = ShadowMap(self.vertices, self.triangles[top], solid[top], above, low, high)
        self.sun = self.top if light.sun is None else ShadowMap(self.vertices, self.triangles, solid, light.sun, low, high, 1024)

    def photograph(self, camera, light, size, focal_px, origin, axes, faces=None, sky=(0.5, 0.5, 0.5)):
        """Linear light [h, w, 3], share of light left by shadows [h, w], face numbers and 1 / depth."""
        height, width = size
        near, face = np.zeros((height, width), np.float32), np.full((height, width), -1, np.int32)
        seen = ((self.vertices - origin) @ axes.T).astype(np.float32)
        triangles = self.triangles if faces is None else self.triangles[faces]
        corners, index = clip_to_screen(seen, triangles, focal_px, width / 2, height / 2)
        numbers = index if faces is None else faces[index].astype(np.int32)
        fill(corners, numbers, self.opacity, near, face)
        out, bare = np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32)
        sun = light.sun if light.sun is not None else np.zeros(3)
        shade(
            face, near, focal_px, axes, origin.astype(np.float32), self.vertices, self.normals, self.triangles, self.uv,
            self.material, self.face_normal, self.colour, self.texture, self.gloss, self.emission, *self.atlas,
            light.ambient_up, light.ambient_down, light.sun is not None, sun.astype(np.float32), light.sun_colour,
            self.sun.near, self.sun.axes, self.sun.offset, self.top.near, self.top.axes, self.top.offset,
            light.softness_px, light.contact, light.lamps, np.array(sky, np.float32), out, bare,
        )  # fmt: skip
        return out, bare, face, near, (corners, numbers)


def draw_light(random, place):
    """The hour and the weather of one picture."""
    outdoors = place.ceiling_m is None
    sunny = (place.sunlit or outdoors) and random.random() < 0.5
    night = random.random() < (0.25 if outdoors else 0.12)
    warm = np.array([1 - 0.35 * random.random(), 1 - 0.1 * random.random(), 1.0])
    cold = np.array([1.0, 1 - 0.08 * random.random(), 1 - 0.2 * random.random()])
    sky = (cold if random.random() < 0.7 else warm) * random.uniform(0.15, 0.6) * (0.25 if night else 1) * (1.6 if outdoors else 1)
    sun, sun_colour = None, np.zeros(3, np.float32)
    if sunny and not night:
        height = random.uniform(0.25, 1.3)
        # Through a door the sun comes low and from outside (y < 0).
        turn = random.uniform(0, 2 * np.pi) if outdoors else random.normal(-np.pi / 2, 0.6)
        sun = np.array([np.cos(turn) * np.cos(height), np.sin(turn) * np.cos(height), np.sin(height)])
        sun_colour = (warm * random.uniform(1.0, 5.0)).astype(np.float32)
    lamps = sorted(place.lamps, key=lambda _: random.random())[:LAMPS_MAX]
    tint = warm if random.random() < 0.5 else cold
    share = random.uniform(0.3, 1.3) * (0.5 if outdoors and not night else 1)
    rows = [[x, y, z, power * share, *(np.asarray(colour) * tint)] for x, y, z, power, colour in lamps]
    return Light(
        ambient_up=sky.astype(np.float32),
        ambient_down=(sky * random.uniform(0.2, 0.9) * np.exp(random.normal(0, 0.08, 3))).astype(np.float32),
        sun=sun,
        sun_colour=sun_colour,
        lamps=np.array(rows, np.float32).reshape(-1, 7),
        softness_px=int(random.integers(1, 5)),
        contact=random.uniform(0.3, 0.85),
    )


def draw_camera(random, place, tilt_deg=None):
    """A camera that somebody would mount: under the ceiling or on a wall, aimed at where people walk."""
    if tilt_deg is None:
        view = random.random()
        tilt_deg = random.uniform(0, 12) if view < 0.4 else random.uniform(10, 45) if view < 0.75 else random.uniform(40, 75)
    top = 8.0 if place.ceiling_m is None else min(8.0, place.ceiling_m - 0.04)
    height = min(top, random.uniform(2.2, 3.6) if random.random() < 0.65 else random.uniform(2.6, 8.0))
    height = max(2.2, height)
    if place.routes and random.random() < 0.8:
        route = np.asarray(place.routes[random.integers(len(place.routes))])
        leg, share = random.integers(len(route) - 1), random.random()
        focus = route[leg] * (1 - share) + route[leg + 1] * share
    else:
        x0, y0, x1, y1 = place.bounds
        focus = np.array([random.uniform(x0, x1), random.uniform(y0, y1)])
    yaw = random.uniform(0, 360) if random.random() < 0.4 else random.choice([0, 90, 180, 270]) + random.normal(0, 8)
    # At the height of the heads the view is at least as wide as two people side by side.
    least = 2 * np.degrees(np.arctan(0.9 / max(height - 1.6, 0.25) * np.cos(np.radians(tilt_deg))))
    lens = random.uniform(*LENSES_DEG[0] if random.random() < 0.6 and least < LENSES_DEG[0][1] else LENSES_DEG[1])
    # A frame that spans more than this at the height of heads shows them too small to count.
    most = 2 * np.degrees(np.arctan(VIEW_WIDTH_MAX_M / 2 / max(height - 1.6, 0.25) * np.cos(np.radians(min(tilt_deg, 60)))))
    fov = np.clip(lens, min(least, 100), max(most, min(least, 100), 48))
    reach = (height - random.uniform(0.8, 1.7)) * np.tan(np.radians(tilt_deg))
    ahead = np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
    position = focus - ahead * reach
    bend = (random.uniform(0.02, 0.28) if random.random() < 0.6 else 0.0, random.uniform(0, 0.05))
    return Camera((float(position[0]), float(position[1]), float(height)), float(yaw), float(tilt_deg), random.normal(0, 2.0), float(fov), bend)


def _free(place, x, y, radius):
    x0, y0, x1, y1 = place.bounds
    if not (x0 - 0.5 < x < x1 + 0.5 and y0 - 0.5 < y < y1 + 0.5):
        return False
    o = np.asarray(place.obstacles, float).reshape(-1, 4)
    return not ((x > o[:, 0] - radius) & (y > o[:, 1] - radius) & (x < o[:, 2] + radius) & (y < o[:, 3] + radius)).any()


def draw_actors(random, cast, place, camera, wanted):
    """People where they can stand and be seen: on the routes, or anywhere; in a crowd shoulder to shoulder."""
    actors, spots = [], []
    apart = random.choice([0.36, 0.5, 0.9], p=[0.2, 0.45, 0.35])
    middle = camera.ray(random.uniform(0.2, 0.8) * FRAME_WIDTH_PX, random.uniform(0.2, 0.8) * FRAME_HEIGHT_PX)
    gather = random.random() < 0.2
    for _ in range(wanted * 8 + 8):
        if len(actors) >= wanted:
            break
        heading = random.uniform(0, 2 * np.pi)
        if place.routes and random.random() < 0.6:
            route = np.asarray(place.routes[random.integers(len(place.routes))], float)
            leg, share = random.integers(len(route) - 1), random.random()
            along = route[leg + 1] - route[leg]
            x, y = route[leg] + along * share + random.normal(0, 0.25, 2)
            heading = np.arctan2(along[1], along[0]) + random.normal(0, 0.25) + (np.pi if random.random() < 0.5 else 0)
        else:
            ray = camera.ray(random.uniform(-0.05, 1.05) * FRAME_WIDTH_PX, random.uniform(-0.05, 1.05) * FRAME_HEIGHT_PX)
            if gather and middle[2] < -0.1:
                ray = middle
            if ray[2] > -0.03:
                continue
            level = min(random.uniform(0.6, 1.7), camera.position[2] - 0.6)
            x, y = (np.array(camera.position) + ray * (camera.position[2] - level) / -ray[2])[:2]
            if gather:
                x, y = (x, y) + random.normal(0, 0.7, 2)
        if not _free(place, x, y, 0.15):
            continue
        group = make_group(random, cast)
        moving = 0.0 if random.random() < 0.25 else random.uniform(0.6, 1.2)
        for person, (dx, dy) in group:
            c, s = np.cos(heading), np.sin(heading)
            px, py = x + c * dx - s * dy, y + s * dx + c * dy
            if len(actors) >= wanted or not _free(place, px, py, 0.15):
                continue
            room = 0.3 if len(group) > 1 else apart + max(person.radius_m - 0.3, 0)
            if any(np.hypot(px - a, py - b) < min(room, r) for a, b, r in spots):
                continue
            pixel, depth = camera.project(np.array([[px, py, person.height_m * 0.9 + place.height_at(np.array([px]), np.array([py]))[0]]]))
            margin = 40
            if depth[0] < 0.35 or not (-margin < pixel[0, 0] < FRAME_WIDTH_PX + margin and -margin < pixel[0, 1] < FRAME_HEIGHT_PX + margin):
                continue
            spots.append((px, py, max(room, 0.3)))
            actors.append(Actor(person, px, py, heading, len(actors) + 1, random.uniform(0, 50), moving))
    return actors


def furnish(random, cast, place):
    """Mannequins and cardboard people on the stands: what looks like people and is not."""
    extra = []
    for x, y, z, yaw in place.stands:
        if random.random() < 0.6:
            make = make_mannequin if random.random() < 0.75 else make_cutout
            extra.append(make(random, cast).moved((x, y, z), yaw + random.normal(0, 0.3)))
    return join(extra)


def _reflected(camera, corner, normal):
    """The camera as a mirror with this plane shows it."""
    origin, axes = np.asarray(camera.position, np.float32), camera.axes
    flip = np.eye(3) - 2 * np.outer(normal, normal)
    return (origin - 2 * ((origin - corner) @ normal) * normal).astype(np.float32), (axes @ flip.T).astype(np.float32)


def _mirror(world, camera, light, image, where, corner, normal, share, blur):
    """Adds what a plane reflects to the pixels `where`. Half resolution: mirrors in shops are far and floors are dull."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    front = ((world.vertices - corner) @ normal)[world.triangles].max(1) > 0.03
    origin, axes = _reflected(camera, corner, normal)
    other, *_ = world.photograph(camera, light, (height, width), camera.canvas_focal_px / 2, origin, axes, np.where(front)[0])
    if blur:
        other = cv2.GaussianBlur(other, (0, 0), blur)
    other = cv2.resize(other, (image.shape[1], image.shape[0]))
    image[where] = image[where] * (1 - share) + other[where] * share


def _streak(image, mask, motion):
    """Smears one person along `motion` (canvas px): what a long exposure does."""
    length = float(np.hypot(*motion))
    if length < 1.5:
        return
    size = int(min(length, 41)) | 1
    kernel = np.zeros((size, size), np.float32)
    middle, half = size // 2, np.asarray(motion) / length * (size / 2)
    cv2.line(kernel, tuple(np.round(middle - half).astype(int).tolist()), tuple(np.round(middle + half).astype(int).tolist()), 1.0)
    kernel /= kernel.sum()
    rows, columns = np.where(mask)
    if not len(rows):
        return
    top, bottom = max(0, rows.min() - size), rows.max() + size + 1
    left, right = max(0, columns.min() - size), columns.max() + size + 1
    part, cut = image[top:bottom, left:right], mask[top:bottom, left:right].astype(np.float32)
    share = cv2.filter2D(cut, -1, kernel)[..., None]
    moved = cv2.filter2D(part * cut[..., None], -1, kernel) / np.maximum(share, 1e-3)
    # Where somebody stood for part of the time the floor shines through; inside, neighbours hide the old place.
    behind = np.where(cut[..., None] > 0.5, moved, part)
    image[top:bottom, left:right] = behind * (1 - share) + moved * share


def take(random, camera, light, sensor, place, static, actors, atlas, exposure=None, exposure_s=0.0, backdrop=None):
    """Photographs a scene. Returns (uint8 [192, 256, 3], people float32 [n, len(COLUMNS)], exposure gain).

    static: Mesh of the place with all that stands in it. backdrop: linear [h, w, 3] photo instead of the place, which then
    only catches shadows.
    """
    parts, staged = [(static, 0)], []
    for number, actor in enumerate(actors, 1):
        body, things, head, radius, feet = actor.figure(place)
        parts += [(body, number), (things, 0)]
        staged.append((actor, body, head, radius, feet))
    world = World(parts, atlas)
    world.cast(light)
    head_owner = np.zeros(len(world.triangles), np.int32)
    for number, (_, _, head, radius, _) in enumerate(staged, 1):
        mine = np.where(world.owner == number)[0]
        away = world.vertices[world.triangles[mine]].mean(1) - head
        reach = np.where(away[:, 2] > -HAIR_BELOW * radius, HAIR_REACH, HEAD_REACH)
        head_owner[mine[np.linalg.norm(away, axis=1) < radius * reach]] = number

    sky = np.array([0.9, 0.9, 0.85]) * float(light.ambient_up.mean()) * 2.5
    origin = np.asarray(camera.position, np.float32)
    image, bare, face, near, (corners, numbers) = world.photograph(camera, light, camera.canvas, camera.canvas_focal_px, origin, camera.axes, sky=sky)
    map_x, map_y, in_frame = camera.bending()
    drawn = face >= 0
    upward = drawn & (world.owner[face] == 0)
    if backdrop is not None:
        flat = cv2.resize(backdrop, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
        place_count = len(static.triangles)
        behind = ~drawn | (face < place_count)
        image[behind] = (flat * np.where(drawn, bare, 1)[..., None])[behind]
        # People must be lit about as the photo is.
        image[~behind] *= 0.5 * float(flat.mean()) / max(float(image[~behind].mean()), 0.05) + 0.5 if (~behind).any() else 1
    else:
        if place.floor_shine > 0.03:
            normal = world.face_normal[face]
            depth_m = 1 / np.maximum(near, 1e-6)
            on_floor = upward & (normal[..., 2] ** 2 > 0.98 * (normal**2).sum(-1))
            rows, columns = np.indices(face.shape, np.float32)
            ray_z = ((columns + 0.5 - face.shape[1] / 2) * camera.axes[0, 2] + (rows + 0.5 - face.shape[0] / 2) * camera.axes[1, 2]) / camera.canvas_focal_px + camera.axes[2, 2]
            on_floor &= np.abs(origin[2] + ray_z * depth_m) < 0.02
            _mirror(world, camera, light, image, on_floor, np.zeros(3, np.float32), np.array([0, 0, 1], np.float32), min(place.floor_shine * 0.6, 0.3), 1.5)
        for corner, along, up in place.mirrors:
            corner, along, up = (np.asarray(v, np.float32) for v in (corner, along, up))
            normal = np.cross(along, up)
            normal /= np.linalg.norm(normal)
            if (origin - corner) @ normal < 0:
                normal = -normal
            flat_at = np.abs((world.vertices[world.triangles].mean(1) - corner) @ normal) < 0.03
            inside = (world.vertices[world.triangles].mean(1) - corner) @ np.stack([along / (along @ along), up / (up @ up)], 1)
            glass = flat_at & (inside > 0).all(1) & (inside < 1).all(1) & (world.owner == 0)
            where = drawn & glass[face]
            if where.sum() > 30:
                _mirror(world, camera, light, image, where, corner, normal, 0.85, 0)

    owner = np.where(drawn, world.owner[face], 0)
    if exposure_s:
        for number, (actor, _, head, _, _) in enumerate(staged, 1):
            step = actor.person.speed_m_s * actor.moving * exposure_s
            pixel, depth = camera.project(np.array([head, head + np.array([np.cos(actor.yaw), np.sin(actor.yaw), 0]) * step]))
            if step and (depth > 0.2).all():
                _streak(image, owner == number, (pixel[1] - pixel[0]) * SUPERSAMPLE)

    alone, seen = np.zeros(len(staged) + 1, np.int64), np.zeros(len(staged) + 1, np.int64)
    head_alone, head_seen = alone.copy(), seen.copy()
    stamp = np.zeros(face.shape, np.int32)
    cover(corners, numbers, world.owner, in_frame, stamp, alone)
    stamp[:] = 0
    cover(corners, numbers, head_owner, in_frame, stamp, head_alone)
    tally(face, world.owner, in_frame, seen)
    tally(face, head_owner, in_frame, head_seen)

    bent = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if exposure is None:
        exposure = sensor.expose(bent)
    picture = sensor.picture(random, bent, exposure)
    small_owner = cv2.remap(owner.astype(np.float32), map_x[::SUPERSAMPLE, ::SUPERSAMPLE], map_y[::SUPERSAMPLE, ::SUPERSAMPLE], cv2.INTER_NEAREST)
    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255

    rows = []
    for number, (actor, body, head, radius, feet) in enumerate(staged, 1):
        pixels, depth = camera.project(body.vertices)
        pixels = pixels[depth > 0.1]
        centre, head_depth = camera.project(np.stack([head, head + camera.axes[0] * radius, head - camera.axes[0] * radius, feet]))
        if not len(pixels) or alone[number] == 0 or head_depth[0] < 0.1:
            continue
        low, high = pixels.min(0), pixels.max(0)
        inner = np.clip(high, 0, (FRAME_WIDTH_PX, FRAME_HEIGHT_PX)) - np.clip(low, 0, (FRAME_WIDTH_PX, FRAME_HEIGHT_PX))
        mine = small_owner == number
        ring = cv2.dilate(mine.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool) & ~mine
        contrast = abs(float(luma[mine].mean()) - float(luma[ring].mean())) if mine.any() and ring.any() else 0.0
        in_picture = 0 <= centre[0, 0] < FRAME_WIDTH_PX and 0 <= centre[0, 1] < FRAME_HEIGHT_PX
        rows.append([
            0, *low, *(high - low), *centre[0], np.hypot(*(centre[1] - centre[2])), *np.nan_to_num(centre[3], nan=-1.0),
            seen[number] / alone[number],
            head_seen[number] / max(head_alone[number], 1) if in_picture else 0.0,
            inner.prod() / max((high - low).prod(), 1e-6),
            actor.person.flags, actor.identity, contrast,
        ])  # fmt: skip
    return picture, np.array(rows, np.float32).reshape(-1, len(COLUMNS)), exposure


def catcher(camera):
    """A place that is only a floor to catch shadows, for people who stand in a photo."""
    x, y = camera.position[:2]
    floor = rectangle((x - 20, y - 20, 0), (40, 0, 0), (0, 40, 0), Material((0.5, 0.5, 0.5)))
    return Place(
        kind="photo", mesh=floor, ceiling_m=None, bounds=(x - 12, y - 12, x + 12, y + 12), obstacles=np.zeros((0, 4)), routes=[],
        lamps=[(x + 1, y + 1, 4.0, 0.8, (1, 1, 1))], sunlit=True, stands=[], mirrors=[], floor_shine=0.0,
    )  # fmt: skip


def draw_picture(random, cast, textures, atlas, photos=(), tilt_deg=None, people=None, people_max=PEOPLE_MAX):
    """A random picture. Returns (image, people rows, camera row). photos: person-free backdrops, BGR bytes."""
    atlas.trim()
    while True:
        backdrop = None
        if len(photos) and random.random() < 0.08:
            start = Place(kind="photo", mesh=EMPTY, ceiling_m=None, bounds=(-3, -3, 3, 3), obstacles=np.zeros((0, 4)), routes=[], lamps=[], sunlit=True, stands=[], mirrors=[], floor_shine=0.0)
            camera = draw_camera(random, start, tilt_deg)
            place, static = catcher(camera), None
            static = place.mesh
            backdrop = LINEAR[photos[random.integers(len(photos))]]
        else:
            place = make_place(random, textures)
            camera = draw_camera(random, place, tilt_deg)
            static = join([place.mesh, furnish(random, cast, place)])
        wanted = people
        if wanted is None:
            wanted = 0 if random.random() < 0.14 else int(min(people_max, random.geometric(0.24)))
            if random.random() < CROWD_SHARE:
                wanted = int(random.integers(6, people_max + 1))
        actors = draw_actors(random, cast, place, camera, wanted) if wanted else []
        if wanted and not actors:  # a view in which nobody can stand: of a wall, or of a shelf
            continue
        light, sensor = draw_light(random, place), Sensor.draw(random)
        exposure_s = random.uniform(0.005, 0.02) if random.random() < 0.7 else random.uniform(0.02, 0.1)
        if static is not None and backdrop is None and _blocked(camera, place, static):
            continue
        picture, rows, _ = take(random, camera, light, sensor, place, static, actors, atlas, None, exposure_s, backdrop)
        row = np.array([camera.position[2], camera.tilt_deg, len(rows), camera.fov_deg], np.float32)
        return picture, rows, row


def depths(camera, mesh, height, width):
    """A sparse look through the pinhole: 1 / depth [h, w] (0: nothing there), face numbers (-1), and the focal length in its pixels."""
    near, face = np.zeros((height, width), np.float32), np.full((height, width), -1, np.int32)
    focal_px = camera.canvas_focal_px * width / camera.canvas[1]
    corners, index = clip_to_screen(camera.see(mesh.vertices), mesh.triangles, focal_px, width / 2, height / 2)
    fill(corners, index, np.ones(len(mesh.triangles), np.float32), near, face)
    return near, face, focal_px


def _blocked(camera, place, static):
    """Whether the camera looks at the back of a wall or hangs in a shelf."""
    near, face, _ = depths(camera, static, 24, 32)
    return (near > 1 / BLOCKED_M).mean() > 0.12 or (face < 0).mean() > (0.5 if place.ceiling_m is None else 0.2)
