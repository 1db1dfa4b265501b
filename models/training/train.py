"""Trains the detector on CPU and writes WORK/last.pt (to resume) and WORK/best.pt (to export).

    python train.py --work WORK --minutes 60

The schedule is a share of the given minutes (cosine), not a number of steps, because what is scarce is time. The last
part (--int8-share) runs with int8 rounding in the loop and with the batch norms frozen.
Losses: penalty-reduced focal loss on the heat (CornerNet, arXiv 1808.01244, equation 1), L1 on the box.
"""

import argparse
import copy
import math
import os
import time

import torch
import torch.nn.functional as F

import evaluate
from dataset import DATA_DEFAULT, Mixture, load_pools, read_rendered
from net import Net, mac_count
from quant import Shadow, calibrate
from work import work_folder

HEAT_FLOOR = 1e-4
# At 1 the sizes stayed 30 % off and the centres inside their cell were hardly learnt.
BOX_WEIGHT = 3.0


def loss_of(heat, box, batch):
    """batch: heat, weight, box, box weight as dataset.targets gives them."""
    wanted, weight, wanted_box, box_weight = batch
    p = torch.sigmoid(heat[:, 0]).clamp(HEAT_FLOOR, 1 - HEAT_FLOOR)
    centre = wanted.eq(1)
    hit = -torch.log(p) * (1 - p) ** 2 * centre
    miss = -torch.log(1 - p) * p**2 * (1 - wanted) ** 4 * ~centre
    heat_loss = ((hit + miss) * weight).sum() / centre.sum().clamp_min(1)
    box_loss = ((box - wanted_box).abs().mean(1) * box_weight).sum() / box_weight.sum().clamp_min(1)
    return heat_loss, box_loss


class Average:
    """Exponential moving average of the weights; what is evaluated and exported."""

    def __init__(self, net, decay=0.998):
        self.net, self.decay, self.steps = copy.deepcopy(net).eval(), decay, 0

    @torch.no_grad()
    def update(self, net):
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mine, theirs in zip(self.net.state_dict().values(), net.state_dict().values()):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=DATA_DEFAULT, help="folder with train/")
    parser.add_argument("--work", help="folder of caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=200, help="steps between evaluations")
    parser.add_argument("--rate", type=float, default=4e-3, help="highest learning rate (AdamW)")
    parser.add_argument("--int8-share", type=float, default=0.12, help="last share of the time with int8 rounding")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="more is slower when cores are shared")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", help="checkpoint whose weights to start from")
    parser.add_argument("--resume", action="store_true", help="go on from WORK/last.pt")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    work = work_folder(args.work)

    net = Net().to(memory_format=torch.channels_last)
    decayed = [p for n, p in net.named_parameters() if p.ndim == 4]
    others = [p for n, p in net.named_parameters() if p.ndim != 4]
    optimiser = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=1e-4)
    if args.start:
        net.load_state_dict(torch.load(args.start, weights_only=False)["net"])
    average = Average(net)
    epoch, spent, best, ranges = 0, 0.0, -1.0, None
    if args.resume:
        state = torch.load(os.path.join(work, "last.pt"), weights_only=False)
        net.load_state_dict(state["raw"])
        average.net.load_state_dict(state["net"])
        average.steps = 10_000
        optimiser.load_state_dict(state["optimiser"])
        epoch, spent, best, ranges = state["epoch"], state["spent"], state["best"], state["ranges"]

    pools, tests = load_pools(args.data, work, "train"), evaluate.test_sets(args.data, work, quick=True)
    print(f"{mac_count() / 1e6:.2f} M multiply-adds;", {n: len(p) for n, p in pools.items()}, flush=True)
    while spent < args.minutes * 60:
        started = time.time()
        if epoch % 4 == 0:
            pools["rendered"] = read_rendered(work, "train")  # rendering may still be going on
        loader = torch.utils.data.DataLoader(
            Mixture(pools, args.steps * args.batch, args.seed, epoch), args.batch, num_workers=args.workers, prefetch_factor=4
        )
        rounding = spent / (args.minutes * 60) >= 1 - args.int8_share
        if rounding and ranges is None:
            if os.path.exists(os.path.join(work, "best.pt")):
                os.replace(os.path.join(work, "best.pt"), os.path.join(work, "best-float.pt"))
            frames = Mixture(pools, 256, args.seed + 50, 0)
            net.load_state_dict(average.net.state_dict())
            average = Average(net, 0.99)
            ranges = calibrate(average.net, ([x[None] for x in frames[i][:3]] for i in range(256)))
            best = -1.0
        shadow = Shadow(ranges) if rounding else None
        net.train(not rounding)
        sums = [0.0, 0.0]
        for step, (y, u, v, *wanted) in enumerate(loader):
            share = min(1.0, (spent + time.time() - started) / (args.minutes * 60))
            warm = min(1.0, (epoch * args.steps + step + 1) / 150)
            rate = args.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
            for group in optimiser.param_groups:
                group["lr"] = rate
            heat, box = net(y.float() / 255, u.float() / 255, v.float() / 255, shadow=shadow)
            heat_loss, box_loss = loss_of(heat, box, wanted)
            optimiser.zero_grad(set_to_none=True)
            (heat_loss + BOX_WEIGHT * box_loss).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            average.update(net)
            sums[0] += float(heat_loss.detach())
            sums[1] += float(box_loss.detach())
        result = evaluate.quick(average.net, tests, Shadow(ranges) if rounding else None)
        epoch, spent = epoch + 1, spent + time.time() - started
        score = sum(result.values()) / len(result)
        print(
            f"epoch {epoch} {spent / 60:.1f}/{args.minutes:g} min, rate {rate:.5f}{' int8' if rounding else ''}, "
            f"heat {sums[0] / args.steps:.3f} box {sums[1] / args.steps:.3f}, AP {score:.3f} "
            + " ".join(f"{n} {a:.3f}" for n, a in result.items()),
            flush=True,
        )
        state = {"net": average.net.state_dict(), "ranges": ranges, "epoch": epoch, "spent": spent, "best": max(best, score)}
        if score >= best:
            best = score
            torch.save(state, os.path.join(work, "best.pt"))
        state |= {"raw": net.state_dict(), "optimiser": optimiser.state_dict()}
        torch.save(state, os.path.join(work, "last.pt"))


if __name__ == "__main__":
    main()
