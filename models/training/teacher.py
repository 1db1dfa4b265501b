"""A large net for the same maps, from which the small one learns (train.py --teacher); it never leaves the workshop.

Why: the shipped net is too small to learn everything from what is right alone. What a net with a hundred times the
multiply-adds answers is an easier thing to learn: it says how sure one can be of half a head, it looks at people whom nobody
has labelled, and it is not wrong where a real label is a guess. Knowledge distillation (arXiv 1503.02531), with the same
augmented picture for both (arXiv 2106.05237).

Residual blocks of 3x3 convolutions at strides 4 to 32, fused back to cells of 8 px.
"""

import torch
from torch import nn
import torch.nn.functional as F

from net import BOX_CHANNELS, BOX_START, checkpoint, restore

CHANNELS = (64, 128, 256, 384)
STEM_CHANNELS = 48


# Without a card a teacher's answer costs three times what a step of the small net costs for a picture (two cores with
# bfloat16: 11 ms against 3), so each picture that has one is used about FRESH_ONE_OF times before it leaves the ring.
FRESH_ONE_OF = 8
RING_PICTURES, RING_READY = 4096, 1024


class Teacher(nn.Module):
    """Same inputs and outputs as net.Net. convs: every convolution by name, as the optimiser wants them."""

    def __init__(self):
        super().__init__()
        self.convs, self.norms = nn.ModuleDict(), nn.ModuleDict()
        c4, c8, c16, c32 = CHANNELS
        self._conv("stem", 6, STEM_CHANNELS, 3)
        before = STEM_CHANNELS
        for stride, channels in zip((4, 8, 16, 32), CHANNELS):
            self._conv(f"down{stride}", before, channels, 3, 2)
            for k in range(1 if stride == 4 else 2):
                self._block(f"block{stride}_{k}", channels)
            before = channels
        self._conv("lateral32", c32, c16, 1)
        self._block("merged16", c16)
        self._conv("lateral16", c16, c8, 1)
        self._block("merged8", c8)
        self._conv("lateral4", c4, c8, 3, 2)
        self._conv("head", c8, c8, 3)
        self.convs["heat"], self.convs["box"] = nn.Conv2d(c8, 1, 1), nn.Conv2d(c8, len(BOX_CHANNELS), 1)
        nn.init.normal_(self.convs["heat"].weight, std=0.01)
        nn.init.constant_(self.convs["heat"].bias, -4.6)
        nn.init.normal_(self.convs["box"].weight, std=0.01)
        self.convs["box"].bias.data = torch.tensor(BOX_START)

    def _conv(self, name, channels_in, channels, size, stride=1):
        self.convs[name] = nn.Conv2d(channels_in, channels, size, stride, size // 2, bias=False)
        nn.init.kaiming_normal_(self.convs[name].weight, mode="fan_out")
        self.norms[name] = nn.BatchNorm2d(channels, momentum=0.03)

    def _block(self, name, channels):
        self._conv(f"{name}a", channels, channels, 3)
        self._conv(f"{name}b", channels, channels, 3)
        nn.init.constant_(self.norms[f"{name}b"].weight, 0.2)

    def _run(self, name, x):
        return self.norms[name](self.convs[name](x))

    def _blocks(self, names, x):
        for name in names:
            x = F.relu(x + self._run(f"{name}b", F.relu(self._run(f"{name}a", x))))
        return x

    def forward(self, y, u, v, shadow=None):
        x = torch.cat([F.pixel_unshuffle(y, 2), u, v], 1).contiguous(memory_format=torch.channels_last)
        x, maps = F.relu(self._run("stem", x)), {}
        for stride in (4, 8, 16, 32):
            x = F.relu(self._run(f"down{stride}", x))
            x = maps[stride] = self._blocks([f"block{stride}_{k}" for k in range(1 if stride == 4 else 2)], x)
        x = F.relu(maps[16] + F.interpolate(self._run("lateral32", maps[32]), scale_factor=2))
        x = self._blocks(["merged16"], x)
        x = F.relu(maps[8] + F.interpolate(self._run("lateral16", x), scale_factor=2) + self._run("lateral4", maps[4]))
        x = F.relu(self._run("head", self._blocks(["merged8"], x)))
        return self.convs["heat"](x), self.convs["box"](x)


def mac_count():
    """Multiply-adds of one frame."""
    total, hooks, net = [], [], Teacher().eval()
    for conv in net.convs.values():
        hooks.append(conv.register_forward_hook(lambda m, _, out: total.append(out[0].numel() * m.weight[0].numel())))
    with torch.no_grad():
        net(torch.zeros(1, 1, 192, 256), *torch.zeros(2, 1, 1, 96, 128))
    return sum(total)


def load_teacher(path, device):
    """The averaged teacher of a checkpoint that `train.py --large` has written."""
    net = Teacher().to(device, memory_format=torch.channels_last)
    restore(net, checkpoint(path, device)["net"], path)
    return net.eval().requires_grad_(False)


@torch.no_grad()
def ask(teacher, frame, bf16):
    """The teacher's (heat logits, box) for a frame of pixels 0..1."""
    with torch.autocast(frame[0].device.type, torch.bfloat16, enabled=bf16):
        return teacher(*frame)


class Ring:
    """The newest pictures with a teacher's answers, from which batches are drawn: 0.4 GB."""

    def __init__(self, teacher, bf16, seed):
        self.teacher, self.bf16, self.columns, self.written = teacher, bf16, None, 0
        self.random = torch.Generator().manual_seed(seed)

    def __len__(self):
        return min(self.written, RING_PICTURES)

    @property
    def missing(self):
        """Pictures before the first batch may be drawn: of a few the net would see the same ones again and again."""
        return max(0, RING_READY - self.written)

    def put(self, y, u, v, rows, empty):
        """Answers and keeps a batch: uint8 frames, dataset.targets."""
        answer = ask(self.teacher, [x.float() / 255 for x in (y, u, v)], self.bf16)
        batch = (y, u, v, rows, empty, *(x.half() for x in answer))
        if self.columns is None:
            self.columns = [torch.empty((RING_PICTURES, *x.shape[1:]), dtype=x.dtype) for x in batch]
        places = (self.written + torch.arange(len(y))) % RING_PICTURES
        for column, values in zip(self.columns, batch):
            column[places] = values
        self.written += len(y)

    def draw(self, count):
        """(y, u, v, rows, empty), (teacher's heat, teacher's box)."""
        chosen = torch.randint(len(self), (count,), generator=self.random)
        *batch, heat, box = (column[chosen] for column in self.columns)
        return batch, (heat.float(), box.float())
