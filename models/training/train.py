"""Trains the detector and writes WORK/runs/NAME: last.pt (to resume), best.pt (to export), log.jsonl, curve.svg.

    python train.py --work WORK --minutes 90

The schedule is a share of the given minutes (cosine), not a number of steps, because what is scarce is time. The last
part (--int8-share) runs with int8 rounding in the loop and with the batch norms frozen. With a GPU the same command
uses it, and augments there (augment.py) while the cores render; two cores are enough: without one, each core is a process
of its own (--processes) and they share gradients. Losses: assign.py.

    python train.py --large --name teacher --minutes 3                      # a large net (teacher.py), on a GPU
    python train.py --teacher WORK/runs/teacher/last.pt --minutes 6         # the small one learns from it, too
"""

import argparse
import copy
import json
import math
import os
import tempfile
import time

import torch
import torch.distributed

import assign
import augment
import evaluate
import teacher
import plot
from dataset import DATA_DEFAULT, MOSAIC_SHARE, Mixture, calibration_frames, load_pools
from net import Net, checkpoint, load, mac_count, restore
from optimiser import Optimiser
from quant import Shadow, calibrate
from work import run_folder, work_folder

BOX_WEIGHT = 4.0
# A teacher's answer counts as much as what is right.
IMITATION_WEIGHT = 1.0
WARM_STEPS = 150
# From this share of the schedule on only whole pictures: the last word has what a camera really shows (as YOLOX does it).
WHOLE_FROM = 0.8


class Crew:
    """The processes that train one net together: each looks at pictures of its own, then gradients are averaged.

    Why not threads: two processes side by side take 142 ms for 32 pictures each, one alone 115 (steps without a loader):
    1.6 times as many pictures; two threads of PyTorch see no more than one.
    """

    def __init__(self, rank, size, meeting):
        self.rank, self.size = rank, size
        if size > 1:
            torch.distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)

    def average_gradients(self, net):
        if self.size == 1:
            return
        gradients = [p.grad for p in net.parameters()]
        flat = torch.cat([g.reshape(-1) for g in gradients])
        torch.distributed.all_reduce(flat)
        for gradient, part in zip(gradients, (flat / self.size).split([g.numel() for g in gradients])):
            gradient.copy_(part.view_as(gradient))

    def follow(self, net):
        """Everybody's weights and statistics become those of the first."""
        if self.size > 1:
            for tensor in net.state_dict().values():
                torch.distributed.broadcast(tensor, 0)

    def agree(self, number):
        """The first one's number: clocks differ, and a schedule must not."""
        if self.size == 1:
            return number
        box = torch.tensor([number], dtype=torch.float64)
        torch.distributed.broadcast(box, 0)
        return float(box[0])


class Average:
    """Exponential moving average of the weights; what is evaluated and exported."""

    def __init__(self, net, decay=0.998):
        self.net, self.decay, self.steps = copy.deepcopy(net).eval(), decay, 0

    @torch.no_grad()
    def update(self, net):
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        pairs = list(zip(self.net.state_dict().values(), net.state_dict().values()))
        mine, theirs = zip(*(p for p in pairs if p[0].dtype.is_floating_point))
        torch._foreach_lerp_(list(mine), list(theirs), 1 - decay)
        for mine, theirs in pairs:
            if not mine.dtype.is_floating_point:
                mine.copy_(theirs)


class Recording:
    """The work of a graphics card, recorded once and replayed: a busy core takes longer to name two thousand small kernels
    one by one than the card needs for them."""

    def __init__(self, function, random):
        """function: without arguments; reads and writes tensors that stay where they are, draws from the generator random."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # what is compiled or chosen at first use must not be recorded
            for _ in range(3):
                function()
        torch.cuda.current_stream().wait_stream(aside)
        self.graph = torch.cuda.CUDAGraph()
        self.graph.register_generator_state(random)
        with torch.cuda.graph(self.graph):
            self.result = function()

    def replay(self):
        """The result of function; it is overwritten by the next replay."""
        self.graph.replay()
        return self.result


class Run:
    """One training run with everything that a checkpoint keeps."""

    def __init__(self, args, crew, work, pools, tests):
        self.args, self.crew, self.pools, self.tests = args, crew, pools, tests
        self.folder = run_folder(work, args.name)
        self.device = torch.device(args.device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.net = (teacher.Teacher() if args.large else Net(args.width)).to(self.device, memory_format=torch.channels_last)
        self.teacher = teacher.load_teacher(args.teacher, self.device) if args.teacher else None
        self.before = load(args.before)[0].to(memory_format=torch.channels_last) if args.before else None
        self.room = augment.Darkroom(pools, self.device, args.seed) if self.device.type == "cuda" else None
        self.ring = teacher.Ring(self.teacher, args.bf16, args.seed + crew.rank) if self.teacher is not None and self.room is None else None
        self.losses = torch.compile(assign.losses) if self.device.type == "cuda" else assign.losses
        self.recording = None
        self.optimiser = Optimiser(self.net)
        self.epoch, self.spent, self.best, self.ranges = 0, 0.0, -1.0, None
        if args.start:
            restore(self.net, checkpoint(args.start, self.device)["net"], args.start)
        self.average = Average(self.net)
        if args.resume:
            self._resume()
        elif crew.rank == 0 and os.path.exists(os.path.join(self.folder, "log.jsonl")):
            os.remove(os.path.join(self.folder, "log.jsonl"))

    def _resume(self):
        path = os.path.join(self.folder, "last.pt")
        if not os.path.exists(path):
            raise SystemExit(f"{path} is missing, so there is nothing to resume; leave --resume out to begin")
        state = checkpoint(path, self.device)
        restore(self.net, state["raw"], path)
        restore(self.average.net, state["net"], path)
        self.average.steps = 10_000
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.spent, self.best, self.ranges = state["epoch"], state["spent"], state["best"], state["ranges"]
        self.average.decay = state["decay"]

    @property
    def done(self):
        limit = self.args.epochs
        return self.epoch >= limit if limit else self.spent >= self.args.minutes * 60

    def share(self, step=0):
        """0 at the start .. 1 at the end; by minutes it moves on with each epoch."""
        if self.args.epochs:
            return min(1.0, (self.epoch + step / self.args.steps) / self.args.epochs)
        return min(1.0, self.spent / (self.args.minutes * 60))

    def train_epoch(self):
        args, started = self.args, time.time()
        rounding = self.share() >= 1 - args.int8_share
        if rounding and self.ranges is None:
            self._begin_rounding()
        shadow = Shadow(self.ranges) if rounding else None
        self.net.train(not rounding)
        self.crew.follow(self.net)
        sums = torch.zeros(2, device=self.device)
        for step, gradients in enumerate(self._steps(shadow)):
            warm = min(1.0, (self.epoch * args.steps + step + 1) / WARM_STEPS)
            rate = args.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.share(step))))
            sums += gradients()
            self.crew.average_gradients(self.net)
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
            self.optimiser.step(rate)
            self.average.update(self.net)
        sums = sums.tolist()  # a card is asked once an epoch: it would have to wait for each answer
        self.epoch += 1
        trained_s = time.time() - started
        if self.crew.rank:
            self.spent = self.crew.agree(self.spent)
            return
        line = {"epoch": self.epoch, "rendered": len(self.pools["rendered"]), "rate": rate, "int8": rounding, "heat": sums[0] / args.steps, "box": sums[1] / args.steps}
        last = self.epoch >= args.epochs if args.epochs else self.spent + trained_s >= args.minutes * 60
        if last or self.epoch % (max(1, args.every // 4) if rounding else args.every) == 0:
            figures = evaluate.quick(self.average.net, self.tests, shadow)
            line |= {"score": evaluate.score(figures), "figures": figures}
        self.spent = self.crew.agree(self.spent + time.time() - started)
        line |= {"minutes": self.spent / 60, "step_ms": trained_s / args.steps * 1000}
        self._keep(line)

    def _steps(self, shadow):
        """One function for each step of an epoch that leaves gradients in the net and gives the losses, [2] on the device."""
        args, mosaics = self.args, MOSAIC_SHARE if self.share() < WHOLE_FROM else 0
        if self.room is not None:
            self.room.begin(self.epoch)

            def step():
                return self._gradients(*self.room.batch(args.batch, mosaics), shadow)

            if shadow is None:  # rounding asks for numbers, which cannot be recorded
                if self.recording is None or self.recording[0] != mosaics:
                    try:
                        self.recording = mosaics, Recording(step, self.room.random).replay
                    except RuntimeError as error:
                        print(f"steps are not recorded but launched kernel by kernel, which is slower: {error}", flush=True)
                        self.recording = mosaics, step
                step = self.recording[1]
            yield from (step for _ in range(args.steps))
            return
        self.pools["rendered"].refresh()
        fresh = args.batch if self.ring is None else max(1, args.batch // teacher.FRESH_ONE_OF)
        count = (args.steps * fresh + (self.ring.missing if self.ring is not None else 0)) * self.crew.size
        mixture = Mixture(self.pools, count, args.seed, self.epoch, mosaics)
        mine = range(self.crew.rank, count, self.crew.size)
        for batch in torch.utils.data.DataLoader(mixture, fresh, sampler=mine, num_workers=args.workers, prefetch_factor=4 if args.workers else None):
            *batch, ours = [x.to(self.device) for x in batch]
            answer = None
            if self.ring is not None:
                self.ring.put(*batch)
                if self.ring.missing:
                    continue
                batch, answer = self.ring.draw(args.batch)
                ours = None
            yield lambda: self._gradients(*batch, shadow, answer, ours)

    def _gradients(self, y, u, v, rows, empty, shadow, answer=None, ours=None):
        """Forward and back: uint8 frames, dataset.targets. answer: the teacher's maps, where it was asked before.
        ours: bool [n], which frames are no matter for the net of before."""
        frame = [x.float() / 255 for x in (y, u, v)]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.bf16 and shadow is None):
            heat, box = self.net(*frame, shadow=shadow)
        heat_loss, box_loss = self.losses(heat.float(), box.float(), rows, empty)
        loss = heat_loss + BOX_WEIGHT * box_loss
        if self.teacher is not None and answer is None:
            answer = teacher.ask(self.teacher, frame, self.args.bf16)
        if answer is not None:
            like_heat, like_box = assign.imitation(heat.float(), box.float(), *(x.float() for x in answer))
            loss = loss + IMITATION_WEIGHT * (like_heat + BOX_WEIGHT * like_box)
        if self.before is not None and ours is not None and not ours.all():
            known = ~ours
            answer = teacher.ask(self.before, [x[known] for x in frame], self.args.bf16)
            like_heat, like_box = assign.imitation(heat[known].float(), box[known].float(), *(x.float() for x in answer))
            loss = loss + IMITATION_WEIGHT * (like_heat + BOX_WEIGHT * like_box)
        self.net.zero_grad(set_to_none=True)
        loss.backward()
        return torch.stack([heat_loss.detach(), box_loss.detach()])

    def _begin_rounding(self):
        """From here on the averaged weights are trained with the rounding that the file will have."""
        if self.crew.rank == 0:  # what rounding costs is measured against these very weights
            torch.save(self._kept(), os.path.join(self.folder, "best-float.pt"))
        self.crew.follow(self.average.net)
        self.net.load_state_dict(self.average.net.state_dict())
        self.average = Average(self.net, 0.99)
        frames = calibration_frames(self.pools, 256)
        self.ranges = calibrate(self.average.net, ([x.to(self.device) for x in f] for f in frames))
        self.best = -1.0

    def _kept(self):
        """What a checkpoint needs to be exported."""
        return {"net": self.average.net.state_dict(), "width": self.args.width, "ranges": self.ranges, "epoch": self.epoch, "spent": self.spent}

    def _keep(self, line):
        with open(os.path.join(self.folder, "log.jsonl"), "a") as f:
            f.write(json.dumps(line) + "\n")
        shown = " ".join(f"{n} {v:.3f}" for n, v in line.get("figures", {}).items())
        print(
            f"epoch {line['epoch']} {line['minutes']:.1f} min, {line['rendered']} rendered, {line['step_ms']:.0f} ms a step, rate {line['rate']:.5f}{' int8' if line['int8'] else ''}, "
            f"heat {line['heat']:.3f} box {line['box']:.3f} score {line.get('score', float('nan')):.3f} {shown}",
            flush=True,
        )
        state = self._kept()
        if "score" in line:
            if line["score"] >= self.best:
                self.best = line["score"]
                torch.save(state | {"best": self.best}, os.path.join(self.folder, "best.pt"))
            plot.curve(self.folder)
        state |= {"best": self.best, "decay": self.average.decay, "raw": self.net.state_dict(), "optimiser": self.optimiser.state_dict()}
        torch.save(state, os.path.join(self.folder, "last.part.pt"))
        os.replace(os.path.join(self.folder, "last.part.pt"), os.path.join(self.folder, "last.pt"))


def arguments(parser):
    parser.add_argument("--data", default=DATA_DEFAULT, help="folder with train/")
    parser.add_argument("--work", help="folder of caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--name", default="person", help="the run, a folder in WORK/runs")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--epochs", type=int, default=0, help="so many epochs instead of minutes: comparable, whatever the machine")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=300, help="steps of an epoch")
    parser.add_argument("--every", type=int, default=4, help="epochs between evaluations")
    parser.add_argument("--rate", type=float, default=1.0, help="factor on the learning rates (optimiser.py)")
    parser.add_argument("--int8-share", type=float, default=0.1, help="last share of the time with int8 rounding")
    parser.add_argument("--width", type=float, default=1.0, help="factor on the channels of all inner layers")
    parser.add_argument("--classes", choices=("AB", "ABC"), default="AB", help="licence classes of the real pictures; only AB is shipped")
    parser.add_argument("--processes", type=int, default=1 if torch.cuda.is_available() else os.cpu_count(), help="that train together, --batch pictures each")
    parser.add_argument("--workers", type=int, default=0, help="more processes that only make pictures, for each of those; a GPU makes its own")
    parser.add_argument("--large", action="store_true", help="train the large net that others learn from (teacher.py); it is never exported")
    parser.add_argument("--teacher", metavar="CHECKPOINT", help="of a large net: learn from its answers, too")
    parser.add_argument("--before", metavar="CHECKPOINT", help="of a small net: keep to its answers on all pictures but the scene camera's, which it need not know (on cores)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch; more is slower when cores are shared")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic: a quarter faster where the processor has it")
    parser.add_argument("--device", help="default: cuda where there is one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", help="checkpoint whose weights to start from")
    parser.add_argument("--resume", action="store_true", help="go on from last.pt")


def train(rank, args, meeting):
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    work = work_folder(args.work)
    crew = Crew(rank, args.processes, meeting)
    pools, tests = load_pools(args.data, work, args.classes), {}
    if rank == 0:
        tests = evaluate.test_sets(args.data, work, quick=True)
    run = Run(args, crew, work, pools, tests)
    if rank == 0:
        macs = teacher.mac_count() if args.large else mac_count(run.net.layers)
        print(f"{macs / 1e6:.2f} M multiply-adds on {run.device}, {args.processes} processes;", {n: len(p) for n, p in pools.items()}, flush=True)
    while not run.done:
        run.train_epoch()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments(parser)
    args = parser.parse_args()
    if args.processes == 1:
        return train(0, args, None)
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(train, (args, os.path.join(folder, "meeting")), args.processes)


if __name__ == "__main__":
    main()
