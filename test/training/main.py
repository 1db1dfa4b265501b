"""Tests of models/training and its renderer. Needs their Python (models/training/requirements.txt, without TensorFlow).

    python test/training/main.py        # ends with "N passed, N failed"

Tests that need the body's or the pictures' data say so and are counted as skipped when it is not there (--data).
"""

import argparse
import copy
import os
import sys
import tempfile
import unittest
import unittest.mock

import numpy as np
import torch

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "models", "training"))

import assign
import augment
import dataset
import evaluate
import net
import optimiser
import scene_camera
import teacher
from dataset import HEAD_ONLY, IGNORE, KIND, LABEL, targets
from render import textures

ARGS = None


def person(head_x, head_y, head_px=12.0, kind=LABEL, exact=1.0):
    """A PEOPLE row: a body three heads wide and four long below its head."""
    return [head_x - 1.5 * head_px, head_y - head_px, 3 * head_px, 4 * head_px, head_x, head_y, head_px, kind, exact]


def maps(batch=1):
    """(heat, box) of a net that has seen nothing: 1 % everywhere, pointing at the middle of its own cell."""
    heat = torch.full((batch, 1, *net.GRID), -4.6)
    box = torch.zeros(batch, 6, *net.GRID)
    box[:, :] = torch.tensor(net.BOX_START)[None, :, None, None]
    return heat, box


def asked(rows):
    rows = np.array(rows, np.float32).reshape(-1, len(dataset.PEOPLE))
    padded, empty = targets(rows)
    return torch.from_numpy(padded)[None], torch.from_numpy(empty)[None]


def pointing_at(box, row, column, head_x, head_y):
    box[0, 0, row, column], box[0, 1, row, column] = head_x / net.CELL_PX - column, head_y / net.CELL_PX - row


def off_the_truth(picture, row):
    """Pixels between the head of a PEOPLE row and the middle of the light around it in a dark picture [y, x]; None at the edge."""
    head_x, head_y = row[dataset.HEAD_X], row[dataset.HEAD_Y]
    if not (8 < head_x < 248 and 8 < head_y < 184):
        return None
    down, across = np.mgrid[:192, :256] + 0.5
    light = np.where((abs(across - head_x) < 8) & (abs(down - head_y) < 8) & (picture >= 30), picture.astype(float), 0)
    return np.hypot((light * across).sum() / light.sum() - head_x, (light * down).sum() / light.sum() - head_y)


class Network(unittest.TestCase):
    def test_budget(self):
        self.assertLessEqual(net.mac_count(net.table()), net.MAC_MAX)

    def test_macs_are_what_pytorch_multiplies(self):
        model = net.Net().eval()
        # From the shapes that PyTorch really makes, not from the table's.
        keep = {}
        with torch.no_grad():
            model(*(torch.zeros(1, 1, *net.INPUTS[n]) for n in "yuv"), keep=keep)
        total = sum(keep[name][0].numel() * conv.weight[0].numel() for name, conv in model.convs.items())
        self.assertEqual(total, net.mac_count(model.layers))

    def test_a_checkpoint_of_another_net_is_refused_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "wide.pt")
            torch.save({"net": net.Net(1.5).state_dict(), "width": 1.0}, path)
            with self.assertRaisesRegex(SystemExit, "wide.pt holds another net: convs.*here it is"):
                net.load(path)
            with self.assertRaisesRegex(SystemExit, "wide.pt holds another net: convs.*the width that it was trained with"):
                net.restore(net.Net(0.5), net.checkpoint(path)["net"], path)
            with self.assertRaisesRegex(SystemExit, "none.pt is missing"):
                net.load(os.path.join(folder, "none.pt"))


class Augmentation(unittest.TestCase):
    def test_truth_stays_on_its_pixel(self):
        """A dot and its truth go through every turn, mirror and zoom: never further apart than a quarter pixel."""
        apart = []
        for seed in range(200):
            random = np.random.default_rng(seed)
            image = np.zeros((192, 256, 3), np.uint8)
            x, y = random.integers(60, 200), random.integers(50, 140)
            image[y - 2 : y + 2, x - 2 : x + 2] = 255
            rows = np.array([[x - 10, y - 10, 20, 20, x, y, 12, LABEL, 1]], np.float32)
            out, moved = dataset.warp(random, image, rows, 5.0, 256, 192)
            apart.append(off_the_truth(out[..., 0], moved[0]))
        apart = [px for px in apart if px is not None]
        self.assertGreater(len(apart), 100)
        self.assertLess(max(apart), 0.25)

    def test_too_much_light_burns_highlights_and_hides_nothing_dark(self):
        image = np.zeros((192, 256, 3), np.uint8)
        image[:, 128:] = 150
        for seed in range(20):
            burnt = dataset.burn(np.random.default_rng(seed), image)
            self.assertEqual((burnt.shape, burnt.dtype), (image.shape, image.dtype))
            self.assertGreater(burnt[:, 140:].mean(), 125)
            self.assertEqual(int(burnt[:, :110].max()), 0)

    def test_who_is_cut_off_loses_the_label(self):
        random = np.random.default_rng(3)
        for _ in range(100):
            rows = np.array([person(random.uniform(0, 256), random.uniform(0, 192)) for _ in range(4)], np.float32)
            _, moved = dataset.warp(random, np.zeros((192, 256, 3), np.uint8), rows, 40.0, 256, 192)
            for row in moved[moved[:, KIND] == LABEL]:
                self.assertTrue(0 < row[dataset.HEAD_X] < 256 and 0 < row[dataset.HEAD_Y] < 192)


class Pool(list):
    """A pool as Rendered is one, that does not grow."""

    def refresh(self):
        pass


class OnACard(unittest.TestCase):
    """augment.py, on the processor: what is drawn for many pictures at once keeps to the rules of dataset.py."""

    def room(self, pictures, seed=1):
        return augment.Darkroom({"rendered": Pool(pictures)}, torch.device("cpu"), seed, len(pictures))

    def street(self, count, tilt=30.0):
        random, pictures = np.random.default_rng(8), []
        for _ in range(count):
            image = np.repeat(random.integers(0, 256, (24, 32, 3), np.uint8), 8, 0).repeat(8, 1)
            rows = [person(random.uniform(0, 256), random.uniform(0, 192), random.uniform(5, 30), *random.choice([[LABEL, 1], [IGNORE, 1], [LABEL, 0], [HEAD_ONLY, 1]])) for _ in range(random.integers(0, 7))]
            pictures.append((image, np.array(rows, np.float32).reshape(-1, len(dataset.PEOPLE)), tilt))
        return pictures

    def test_truth_stays_on_its_pixel(self):
        random, dots = np.random.default_rng(1), []
        for _ in range(50):
            image = np.zeros((192, 256, 3), np.uint8)
            x, y = random.integers(60, 200), random.integers(50, 140)
            image[y - 2 : y + 2, x - 2 : x + 2] = 255
            dots.append((image, np.array([[x - 10, y - 10, 20, 20, x, y, 12, LABEL, 1]], np.float32), 5.0))
        room = self.room(dots)
        room.begin(0)
        place = room._places(200, 0)
        picture = room._choose(200)
        matrix, scale = augment.warps(room, picture, place, torch.ones(200))
        rows = augment.moved_rows(room.album.rows[picture], matrix, scale, place)
        tiles = augment.sample(room.album.bytes, *augment.sources(room, picture, matrix)[:2], torch.zeros(200))
        apart = [off_the_truth(tile, row) for tile, row in zip(tiles[:, 0].numpy(), rows[:, 0].numpy())]
        apart = [px for px in apart if px is not None]
        self.assertGreater(len(apart), 100)
        self.assertLess(max(apart), 0.25)

    def test_the_same_is_asked_for(self):
        random = np.random.default_rng(4)
        for _ in range(50):
            rows = [person(random.uniform(-20, 270), random.uniform(-20, 210), random.uniform(4, 40), *random.choice([[LABEL, 1], [IGNORE, 1], [LABEL, 0], [IGNORE, 0], [HEAD_ONLY, 1]])) for _ in range(random.integers(0, 20))]
            rows = np.array(rows, np.float32).reshape(-1, len(dataset.PEOPLE))
            wanted, empty = targets(rows)
            padded = torch.zeros(1, dataset.ROWS_MAX, len(dataset.PEOPLE))
            padded[0, : len(rows)] = torch.from_numpy(rows)
            mine, mine_empty = augment.targets(padded)
            np.testing.assert_array_equal(mine[0].numpy(), wanted)
            np.testing.assert_array_equal(mine_empty[0].numpy(), empty)

    def test_pictures_are_changed_as_much(self):
        street = self.street(60)
        room, mixture = self.room(street), dataset.Mixture({"rendered": street}, 320, 1, 0, 0.2)
        room.begin(0)
        ours = [torch.cat(x) for x in zip(*(room.batch(40, 0.2) for _ in range(8)))]
        theirs = [torch.stack(x) for x in zip(*(mixture[i][:5] for i in range(320)))]

        def figures(y, u, v, rows, empty):
            wanted = rows[..., KIND] != IGNORE
            return [
                float(x) for x in (
                    y.float().mean(), y.float().std(dim=(2, 3)).mean(), u.float().std(), v.float().std(), wanted.sum(1).float().mean(),
                    rows[..., dataset.HEAD_PX][wanted].mean(), rows[..., dataset.W][wanted].mean(), (1 - empty).mean(),
                )
            ]  # fmt: skip

        np.testing.assert_allclose(figures(*ours), figures(*theirs), rtol=0.12)

    def test_same_epoch_same_batch(self):
        room = self.room(self.street(10))
        batches = []
        for epoch in (3, 3, 4):
            room.begin(epoch)
            batches.append(room.batch(10, 0.2))
        for first, again, other in zip(*batches):
            self.assertTrue(torch.equal(first, again))
            self.assertFalse(torch.equal(first, other))


class Teaching(unittest.TestCase):
    def test_a_ring_keeps_the_newest_pictures_with_their_answers(self):
        """Without a card each answer is used again: with the picture that it belongs to, until newer ones need the room."""

        class Brightness(torch.nn.Module):
            def forward(self, y, u, v):
                mean = y.mean((1, 2, 3))[:, None, None, None]
                return mean.expand(-1, 1, 24, 32), mean.expand(-1, 6, 24, 32)

        def batch(first, count):
            level = torch.arange(first, first + count) % 250
            y = level.to(torch.uint8)[:, None, None, None].expand(-1, 1, 192, 256)
            half = torch.zeros(count, 1, 96, 128, dtype=torch.uint8)
            return y, half, half, level[:, None, None].float().expand(-1, 2, 9), torch.ones(count, 24, 32)

        ring = teacher.Ring(Brightness(), False, 1)
        with unittest.mock.patch.multiple(teacher, RING_PICTURES=64, RING_READY=16):
            ring.put(*batch(0, 12))
            self.assertEqual(ring.missing, 4)
            for first in range(12, 100, 8):
                ring.put(*batch(first, 8))
            self.assertEqual((ring.missing, len(ring)), (0, 64))
            (y, _, _, rows, _), (heat, box) = ring.draw(1000)
        level = y[:, 0, 0, 0].float()
        self.assertEqual(float(level.min()), 36)  # 0 to 35 made room
        self.assertEqual(float(level.max()), 99)
        torch.testing.assert_close(rows[:, 0, 0], level)
        torch.testing.assert_close(heat[:, 0, 0, 0], level / 255, atol=1e-3, rtol=0)
        torch.testing.assert_close(box[:, 5, 3, 3], level / 255, atol=1e-3, rtol=0)

    def test_a_teacher_answers_in_the_same_maps(self):
        frames = [torch.rand(2, 1, *net.INPUTS[n]) for n in "yuv"]
        with torch.no_grad():
            small, large = net.Net().eval()(*frames), teacher.Teacher().eval()(*frames)
        self.assertEqual([x.shape for x in small], [x.shape for x in large])
        self.assertGreater(teacher.mac_count(), 100 * net.MAC_MAX)

    def test_who_says_the_same_is_not_moved(self):
        torch.manual_seed(2)
        answer = torch.randn(2, 1, *net.GRID), torch.randn(2, 6, *net.GRID)
        mine = [x.clone().requires_grad_(True) for x in answer]
        sum(assign.imitation(*mine, *answer)).backward()
        self.assertLess(max(float(x.grad.abs().max()) for x in mine), 1e-6)

    def test_who_says_something_else_moves_towards_the_answer(self):
        answer = torch.full((1, 1, *net.GRID), -6.0), torch.zeros(1, 6, *net.GRID)
        answer[0][0, 0, 3, 4], answer[1][0, 0, 3, 4] = 2.0, 0.7
        heat, box = (torch.zeros_like(x).requires_grad_(True) for x in answer)
        sum(assign.imitation(heat, box, *answer)).backward()
        self.assertLess(float(heat.grad[0, 0, 3, 4]), 0)
        self.assertGreater(float(heat.grad[0, 0, 10, 10]), 0)
        self.assertLess(float(box.grad[0, 0, 3, 4]), 0)
        # Where a teacher sees nobody, its box is nobody's.
        self.assertLess(abs(float(box.grad[0, 1, 10, 10])), 0.01 * abs(float(box.grad[0, 0, 3, 4])))


class Assignment(unittest.TestCase):
    def test_a_right_answer_costs_least(self):
        rows, empty = asked([person(100, 80)])
        heat, box = maps()
        unsure, far = (sum(map(float, assign.losses(heat, box, rows, empty))) for _ in range(2))
        self.assertEqual(unsure, far)
        pointing_at(box, 10, 12, 100, 80)
        box[0, 2:, 10, 12] = torch.tensor([np.log2(36 / 8), np.log2(48 / 8), 0, 12 / 48])
        heat[0, 0, 10, 12] = 6
        right = sum(map(float, assign.losses(heat, box, rows, empty)))
        self.assertLess(right, 0.05 * unsure)
        box[0, 0, 10, 12] += 2
        self.assertGreater(sum(map(float, assign.losses(heat, box, rows, empty))), 4 * right)

    def test_the_cell_that_points_best_is_asked_for_the_highest_score(self):
        """Between two cells of equal score the gradient lifts the one that points at the head."""
        rows, empty = asked([person(104, 80)])  # on the border of two cells
        heat, box = maps()
        heat.requires_grad_(True)
        pointing_at(box, 10, 12, 104, 80)
        pointing_at(box, 10, 13, 110, 80)
        assign.losses(heat, box, rows, empty)[0].backward()
        self.assertLess(float(heat.grad[0, 0, 10, 12]), float(heat.grad[0, 0, 10, 13]))

    def test_touching_heads_have_cells_of_their_own(self):
        rows, empty = asked([person(100, 80), person(114, 80)])
        heat, box = maps()
        heat.requires_grad_(True)
        for head_x, column in ((100, 12), (114, 14)):
            pointing_at(box, 10, column, head_x, 80)
        assign.losses(heat, box, rows, empty)[0].backward()
        lifted = heat.grad[0, 0, 10] < 0
        self.assertTrue(lifted[12] and lifted[14])

    def test_on_somebody_who_is_no_label_nothing_is_punished(self):
        for kind, exact in ((IGNORE, 1.0), (IGNORE, 0.0)):
            rows, empty = asked([person(100, 80, kind=kind, exact=exact)])
            heat, box = maps()
            base = float(assign.losses(heat, box, rows, empty)[0])
            heat[0, 0, 10, 12] = 3
            self.assertAlmostEqual(float(assign.losses(heat, box, rows, empty)[0]), base, delta=1e-3 * max(base, 1))
            heat[0, 0, 20, 28] = 3
            self.assertGreater(float(assign.losses(heat, box, rows, empty)[0]), base + 1)

    def test_a_head_alone_teaches_nothing_about_the_body(self):
        rows, empty = asked([person(100, 80, kind=HEAD_ONLY)])
        heat, box = maps()
        box.requires_grad_(True)
        assign.losses(heat, box, rows, empty)[1].backward()
        self.assertEqual(float(box.grad[0, 2:].abs().sum()), 0)
        self.assertGreater(float(box.grad[0, :2].abs().sum()), 0)

    def test_nobody_at_all(self):
        rows, empty = asked([])
        heat, box = maps()
        self.assertTrue(all(np.isfinite(float(x)) for x in assign.losses(heat, box, rows, empty)))


class Optimising(unittest.TestCase):
    def model(self):
        torch.manual_seed(1)
        return net.Net().to(memory_format=torch.channels_last)

    def test_one_step_moves_every_weight(self):
        model = self.model()
        step = optimiser.Optimiser(model)
        before = {name: p.detach().clone() for name, p in model.named_parameters()}
        for p in model.parameters():
            p.grad = torch.randn_like(p)
        step.step(1.0)
        for name, p in model.named_parameters():
            self.assertFalse(torch.equal(p, before[name]), name)

    def test_a_matrix_moves_as_far_in_all_directions(self):
        model = self.model()
        step, layer = optimiser.Optimiser(model), model.convs["to_fine"]
        before = layer.weight.detach().clone()
        for p in model.parameters():
            p.grad = torch.randn_like(p)
        # One direction with a gradient a thousand times as large: a step along the gradient would go there alone.
        layer.weight.grad[0] *= 1000
        step.step(1.0)
        moved = torch.linalg.svdvals(optimiser.as_matrix(layer.weight.detach() - before * (1 - optimiser.MATRIX_RATE * optimiser.WEIGHT_DECAY)))
        self.assertLess(float(moved.max() / moved.median()), 2.0)

    def test_goes_on_where_it_stopped(self):
        model, other = self.model(), self.model()
        first, second = optimiser.Optimiser(model), optimiser.Optimiser(other)
        gradients = [[torch.randn_like(p) for p in model.parameters()] for _ in range(2)]
        for gradient in gradients:
            for p, g in zip(model.parameters(), gradient):
                p.grad = g.clone()
            first.step(0.5)
            if gradient is gradients[0]:
                second.load_state_dict(copy.deepcopy(first.state_dict()))
                other.load_state_dict(model.state_dict())
        for p, g in zip(other.parameters(), gradients[1]):
            p.grad = g.clone()
        second.step(0.5)
        for (name, p), q in zip(model.named_parameters(), other.parameters()):
            self.assertTrue(torch.equal(p, q), name)

    def test_weights_that_would_be_copied_are_refused(self):
        with self.assertRaises(ValueError):
            optimiser.Optimiser(net.Net())


class Measuring(unittest.TestCase):
    def test_decode_finds_who_was_put_there(self):
        heat, box = (x.numpy()[0] for x in maps())
        for (head_x, head_y), score in (((100, 80), 3.0), ((180, 60), 2.0)):
            row, column = head_y // 8, head_x // 8
            heat[0, row, column] = score
            box[:, row, column] = head_x / 8 - column, head_y / 8 - row, 2, 2.5, 0, 0.3
        found = evaluate.decode(heat[0], box, 0.5)
        np.testing.assert_allclose(found[:, 1:3], [[100, 80], [180, 60]], atol=1e-4)
        np.testing.assert_allclose(found[:, 5], 32, rtol=1e-5)

    def test_average_precision(self):
        rows = np.array([person(50, 50), person(150, 100)], np.float32)
        right = [[0.9, 50, 50, 0, 0, 0, 0], [0.8, 150, 100, 0, 0, 0, 0]]
        self.assertAlmostEqual(evaluate.average_precision([(np.array(right), rows)]), 1)
        # A second answer for the same head, surer than the other head's: two thirds precise at full recall.
        doubled = np.array([right[0], [0.85, 51, 50, 0, 0, 0, 0], right[1]])
        self.assertAlmostEqual(evaluate.average_precision([(doubled, rows)]), 0.5 + 0.5 * 2 / 3)
        # Half a head away is too far, and somebody who is no label is neither wanted nor punished.
        self.assertAlmostEqual(evaluate.average_precision([(np.array([[0.9, 57, 50, 0, 0, 0, 0]]), rows)]), 0)
        rows[1, KIND] = IGNORE
        self.assertAlmostEqual(evaluate.average_precision([(np.array(right), rows)]), 1)


class SceneCamera(unittest.TestCase):
    def test_the_frame_is_what_the_camera_drew(self):
        """Luma and chroma of a smooth frame come back within what rounding to BGR and back costs."""
        y = np.tile(np.linspace(60, 190, net.FRAME_WIDTH_PX).astype(np.uint8), (net.FRAME_HEIGHT_PX, 1))
        u, v = (np.full((net.FRAME_HEIGHT_PX // 2, net.FRAME_WIDTH_PX // 2), value, np.uint8) for value in (110, 150))
        planes = dataset.to_yuv(scene_camera.to_bgr(b"".join(p.tobytes() for p in (y, u, v))))
        for plane, wanted in zip(planes, (y, u, v)):
            self.assertLessEqual(int(np.abs(plane[0].numpy().astype(int) - wanted).max()), 2)

    def test_a_mixture_says_which_frames_a_net_of_before_has_not_learnt(self):
        pool = Pool([(np.zeros((192, 256, 3), np.uint8), np.zeros((0, len(dataset.PEOPLE)), np.float32), 30.0)])
        for name, is_ours in (("scene-camera", True), ("rendered", False)):
            mixture = dataset.Mixture({name: pool}, 20, 1, 0, 0.5)
            self.assertEqual({bool(mixture[i][-1]) for i in range(20)}, {is_ours})

    def test_a_shard_is_read_as_a_rendered_one(self):
        if not os.path.exists(scene_camera.PROGRAM):
            self.skipTest("npm run -s build has not made the program that draws")
        with tempfile.TemporaryDirectory() as work, unittest.mock.patch.multiple(scene_camera, SHARD_ENTRANCES=4, ENTRANCE_PICTURES=2):
            folder = os.path.join(work, scene_camera.FOLDER, "train")
            os.makedirs(folder)
            scene_camera._shard((os.path.join(folder, "0000"), scene_camera.SEEDS["train"]))
            pool = dataset.Rendered(work, "train", scene_camera.FOLDER)
            self.assertEqual(len(pool), 8)
            kinds = []
            for image, rows, tilt in (pool[i] for i in range(len(pool))):
                self.assertEqual((image.shape, image.dtype), ((net.FRAME_HEIGHT_PX, net.FRAME_WIDTH_PX, 3), np.uint8))
                self.assertTrue(0 <= tilt <= 60)
                kinds += rows[:, KIND].tolist()
                for row in rows[rows[:, KIND] == LABEL]:
                    self.assertTrue(-row[dataset.HEAD_PX] < row[dataset.HEAD_X] < net.FRAME_WIDTH_PX + row[dataset.HEAD_PX])
            self.assertGreater(kinds.count(LABEL), 3)


class Textures(unittest.TestCase):
    def test_no_floor_has_holes(self):
        """What is not painted stays black, and a black block as large as a head teaches that heads are blocks."""
        for seed in range(20):
            image = textures._paving(np.random.default_rng(seed))
            self.assertGreater(image.max(2).min(), 0)


class Pictures(unittest.TestCase):
    """The renderer itself; needs the human body."""

    @classmethod
    def setUpClass(cls):
        if not os.path.isdir(os.path.join(ARGS.data, "human")):
            raise unittest.SkipTest(f"{ARGS.data}/human is not there; --data names the folder that has it")
        from render.studio import Studio

        cls.folder = tempfile.TemporaryDirectory()
        work = ARGS.work or cls.folder.name
        cls.studios = [Studio("test-tilted", argparse.Namespace(data=ARGS.data, work=work, seed=1)) for _ in range(2)]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_same_number_same_picture(self):
        """Whatever was rendered before, and by which process."""
        first, second = self.studios
        for number in (4, 1):
            image, people, _ = first.picture(number)
            again, same, _ = second.picture(number)
            np.testing.assert_array_equal(image, again)
            np.testing.assert_array_equal(people, same)
            first, second = second, first
            first.picture(9)

    def test_truth_is_sane(self):
        from render.scene import COLUMNS

        for number in range(12):
            image, people, _ = self.studios[0].picture(number)
            self.assertEqual(image.shape, (192, 256, 3))
            self.assertGreater(int(np.ptp(image)), 10)
            for row in people:
                known = dict(zip(COLUMNS, row))
                self.assertTrue(0 <= known["visible"] <= 1.001 and 0 <= known["head_visible"] <= 1.001)
                reach = 0.6 * known["head_px"]
                self.assertTrue(known["x"] - reach <= known["head_x"] <= known["x"] + known["w"] + reach)
                self.assertTrue(known["y"] - reach <= known["head_y"] <= known["y"] + known["h"] + reach)

    def test_who_is_seen_wholly_shows_the_head(self):
        """Curls, hats and hoods are head too: all but umbrellas. 37 of 640 had none when only the skull was."""
        from render.people import Flag
        from render.scene import COLUMNS

        whole = 0
        for number in range(40):
            for row in self.studios[0].picture(number)[1]:
                known = dict(zip(COLUMNS, row))
                if known["visible"] > 0.95 and known["inside"] > 0.99 and not int(known["flags"]) & Flag.umbrella:
                    whole += 1
                    self.assertGreater(known["head_visible"], 0.5, f"picture {number}")
        self.assertGreater(whole, 20)


def main():
    global ARGS
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=dataset.DATA_DEFAULT, help="folder with human/")
    parser.add_argument("--work", help="folder with cached bodies (default: made anew, a minute)")
    ARGS = parser.parse_args()
    torch.set_num_threads(1)
    result = unittest.TextTestRunner(verbosity=1).run(unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__]))
    failed = len(result.failures) + len(result.errors)
    if result.skipped:
        print("skipped:", "; ".join(reason for _, reason in result.skipped))
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
