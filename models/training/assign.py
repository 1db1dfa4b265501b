"""Which cells shall find whom, decided anew in every step, and what a wrong answer costs.

Why not one fixed cell a head: at the border of two cells nobody can say which is right, so both learn one half. Here the
cells on a head compete: those that are sure and point well (`share`) are asked for a score that is as high as their
pointing is good, so that the best cell of a head also has the highest score. Task-aligned assignment (arXiv
2108.07755), varifocal loss (arXiv 2008.13367); the measure is distance in head sizes instead of overlap, because a point
is what is counted. After 7 minutes each on rendered pictures alone, the same net reached AP 0.52 from above and 0.38 tilted; with
one fixed cell and a Gaussian around it (arXiv 1808.01244) 0.48 and 0.35. One run each, before heads smaller than a cell
were measured by `hypot(head, 1)` below, which were found less often than before (0.24 against 0.36 of 8 to 12 px).
"""

import torch
import torch.nn.functional as F

from dataset import EXACT, H, HEAD_ONLY, HEAD_PX, HEAD_X, HEAD_Y, IGNORE, KIND, W, X, Y
from net import CELL_PX

# Score and pointing, as they weigh in who gets a head.
SCORE_POWER, POINT_POWER = 1.0, 2.0
# Distance, in head sizes, at which pointing is worth 1/e. Real boxes have no heads: there the truth itself is a guess.
POINT_SIZE_EXACT, POINT_SIZE_GUESSED = 0.45, 0.7
CELLS_MAX = 4
# Empty cells are a thousand times as many as others.
EMPTY_WEIGHT = 0.75
# Half a head is a few pixels, so where the head lies matters more than the box around the body.
POINT_WEIGHT_EXACT, POINT_WEIGHT_GUESSED, SIZE_WEIGHT, MIDDLE_WEIGHT = 0.85, 0.27, 0.2, 0.23


def losses(heat, box, rows, empty):
    """(heat loss, box loss), means per person.

    heat: logits [b, 1, h, w]; box: [b, 6, h, w]; rows: [b, people, columns], padded with ignored ones (dataset.targets);
    empty: [b, h, w], 0 where a person may be whom nobody wants, else 1.
    """
    batch, _, grid_height, grid_width = heat.shape
    if rows.device.type == "cpu":  # a card would have to wait for the number
        rows = rows[:, : max(1, int((rows[..., KIND] != IGNORE).sum(1).max()))]
    wanted, exact, whole = rows[..., KIND] != IGNORE, rows[..., EXACT] > 0, rows[..., KIND] != HEAD_ONLY
    y, x = (n.reshape(-1) for n in torch.meshgrid(torch.arange(grid_height, device=heat.device), torch.arange(grid_width, device=heat.device), indexing="ij"))
    logit, box, empty = heat.reshape(batch, -1), box.reshape(batch, 6, -1), empty.reshape(batch, -1)
    head_x, head_y, head = rows[..., HEAD_X] / CELL_PX, rows[..., HEAD_Y] / CELL_PX, rows[..., HEAD_PX] / CELL_PX
    width, height = rows[..., W].clamp_min(2), rows[..., H].clamp_min(2)

    with torch.no_grad():
        score = torch.sigmoid(logit)
        away = torch.hypot(x + 0.5 - head_x[..., None], y + 0.5 - head_y[..., None])
        near = (away <= (0.5 * head).clamp_min(1)[..., None]) & wanted[..., None]
        missed_by = torch.hypot((x + box[:, 0])[:, None] - head_x[..., None], (y + box[:, 1])[:, None] - head_y[..., None])
        # Of a head that is smaller than a cell nobody can point to the half.
        size = torch.hypot(head, torch.ones_like(head)) * torch.where(exact, POINT_SIZE_EXACT, POINT_SIZE_GUESSED)
        pointing = torch.exp(-((missed_by / size[..., None]) ** 2))
        share = score[:, None] ** SCORE_POWER * pointing**POINT_POWER * near
        best, cells = share.topk(CELLS_MAX, -1)
        # As many cells as the head covers, and one.
        best *= torch.arange(CELLS_MAX, device=heat.device) < (1.5 + 0.785 * head**2).floor()[..., None]
        share = torch.zeros_like(share).scatter_(-1, cells, best)
        highest = share.amax(-1, keepdim=True).clamp_min(1e-12)
        reward = share / highest * (pointing * (share > 0)).amax(-1, keepdim=True)
        reward, owner = reward.max(1)
    total = reward.sum().clamp_min(1)
    weight = torch.where(reward > 0, reward, EMPTY_WEIGHT * score**2 * empty)
    heat_loss = (F.binary_cross_entropy_with_logits(logit, reward, reduction="none") * weight).sum() / total

    def of_owner(values):
        return torch.gather(values, 1, owner)

    # In head sizes, not in cells: a pixel matters more on a small head.
    point = of_owner(torch.where(exact, POINT_WEIGHT_EXACT, POINT_WEIGHT_GUESSED) / head.clamp(0.75, 4.0))
    off = point * ((x + box[:, 0] - of_owner(head_x)).abs() + (y + box[:, 1] - of_owner(head_y)).abs())
    body = (box[:, 2] - of_owner(torch.log2(width / CELL_PX))).abs() + (box[:, 3] - of_owner(torch.log2(height / CELL_PX))).abs()
    middle_x = ((rows[..., X] + rows[..., W] / 2 - rows[..., HEAD_X]) / width).clamp(-0.9, 0.9)
    middle_y = ((rows[..., Y] + rows[..., H] / 2 - rows[..., HEAD_Y]) / height).clamp(-0.9, 0.9)
    middle = (box[:, 4] - of_owner(middle_x)).abs() + (box[:, 5] - of_owner(middle_y)).abs()
    off = off + of_owner(whole.float()) * (SIZE_WEIGHT * body + MIDDLE_WEIGHT * middle)
    return heat_loss, (off * reward).sum() / total


def imitation(heat, box, teacher_heat, teacher_box):
    """(heat loss, box loss) against a teacher's maps of the same frames, means per person that it sees."""
    wanted, score = torch.sigmoid(teacher_heat), torch.sigmoid(heat.detach())
    total = wanted.sum().clamp_min(1)
    heat_loss = (F.binary_cross_entropy_with_logits(heat, wanted, reduction="none") * (wanted + EMPTY_WEIGHT * score**2)).sum() / total
    point, size, middle = ((box - teacher_box).abs() * wanted).reshape(len(box), 3, -1).sum((0, 2)) / total
    return heat_loss, POINT_WEIGHT_EXACT * point + SIZE_WEIGHT * size + MIDDLE_WEIGHT * middle
