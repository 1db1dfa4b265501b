"""Measures the detector on pictures that it was not trained on: float beside int8, by set, by kind of person.

    python evaluate.py --work WORK                 # tables of the run's best checkpoint and the int8 file
    python evaluate.py --work WORK --json OUT      # the same as JSON, for the model card

Rendered pictures: a detection is right when its point is less than half a head (of that person) from a head that no
better detection has taken. Real pictures have boxes and no heads: right is a point in the upper part of a person's box
(HEAD_ZONE, with a margin). People who are no label are neither wanted nor punished.
What is counted at a line is measured by the whole product (`lethe evaluate`), not here.
"""

import argparse
import json
import os

import cv2
import numpy as np
import torch

from dataset import (
    DATA_DEFAULT, EMPTY_SETS, EXACT, H, HEAD_MIN_PX, HEAD_ONLY, HEAD_PX, HEAD_X, HEAD_Y, HEAD_ZONE, IGNORE, KIND, LABEL, W, X, Y,
    REAL_SETS, Rendered, read_rows, rows_of_truth, stretch, to_yuv,
)  # fmt: skip
from net import FRAME_HEIGHT_PX, load
from render.people import Flag
from work import run_folder, work_folder

SCORE_FLOOR = 0.03
# Of two peaks nearer than this share of the smaller box's shorter side the weaker is the same head. Shoulders are two to
# three heads wide, so heads may touch.
NEAR_MAX = 0.3
# Of two boxes that share more than this of their union the weaker goes.
OVERLAP_MAX = 0.75
DETECTIONS_MAX = 64
MODEL_DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "person", "person.tflite")
MARGIN = 0.1
# A real box counts as occluded when another one covers more than this of it, or the frame cuts it.
COVERED_MIN = 0.3
FALSE_ALARM_SETS = (*EMPTY_SETS, "coco128")


def decode(heat, box, cell_px, floor=SCORE_FLOOR, near_max=NEAR_MAX, overlap_max=OVERLAP_MAX):
    """heat [h, w] logits, box [6, h, w] -> [n, 7] score, head x, head y, box x, y, w, h, best first. As runtime/eye does it."""
    score = 1 / (1 + np.exp(-heat))
    peak = (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8))) & (score >= floor)
    rows, columns = np.where(peak)
    dx, dy, lw, lh, ex, ey = box[:, rows, columns]
    w, h = cell_px * 2.0**lw, cell_px * 2.0**lh
    hx, hy = (columns + dx) * cell_px, (rows + dy) * cell_px
    found = np.stack([score[rows, columns], hx, hy, hx + ex * w - w / 2, hy + ey * h - h / 2, w, h], 1)
    found = found[np.argsort(-found[:, 0], kind="stable")][:DETECTIONS_MAX]
    kept = np.zeros((0, 7))
    for row in found:
        if len(kept):
            near = np.hypot(kept[:, 1] - row[1], kept[:, 2] - row[2]) < near_max * np.minimum(kept[:, 5:].min(1), row[5:].min())
            if near.any() or _overlap(row[3:], kept[:, 3:]).max() > overlap_max:
                continue
        kept = np.concatenate([kept, row[None]])
    return kept


def _overlap(a, b):
    """Intersection over union of one box with many, as x, y, w, h."""
    low, high = np.maximum(a[:2], b[:, :2]), np.minimum(a[:2] + a[2:], b[:, :2] + b[:, 2:])
    common = np.maximum(high - low, 0).prod(1)
    return common / (a[2] * a[3] + b[:, 2] * b[:, 3] - common + 1e-6)


def match(found, rows):
    """For each detection, best first: index of the person it finds, -1 a false one, -2 neither (an ignored person)."""
    taken, result = np.zeros(len(rows), bool), []
    exact = rows[:, EXACT] == 1
    for _, hx, hy, *_ in found:
        if not len(rows):
            result.append(-1)
            continue
        apart = np.hypot(rows[:, HEAD_X] - hx, rows[:, HEAD_Y] - hy)
        margin = MARGIN * rows[:, W] + 1
        zone = (hx > rows[:, X] - margin) & (hx < rows[:, X] + rows[:, W] + margin)
        zone &= (hy > rows[:, Y] - MARGIN * rows[:, H] - 1) & (hy < rows[:, Y] + HEAD_ZONE * rows[:, H] + 1)
        hit = np.where(exact, apart < 0.5 * rows[:, HEAD_PX], zone)
        wanted = hit & (rows[:, KIND] != IGNORE) & ~taken
        if wanted.any():
            best = int(np.where(wanted, apart, 1e9).argmin())
            taken[best] = True
            result.append(best)
            continue
        ignored = (rows[:, KIND] == IGNORE) & np.where(exact, apart < rows[:, HEAD_PX], zone)
        result.append(-2 if ignored.any() else -1)
    return result


def average_precision(pairs):
    """pairs: [(found, rows)] of many pictures. Area under the interpolated curve, all points."""
    scores, hits, total = [], [], 0
    for found, rows in pairs:
        total += int((rows[:, KIND] != IGNORE).sum())
        for (score, *_), m in zip(found, match(found, rows)):
            if m != -2:
                scores.append(score)
                hits.append(m >= 0)
    if not total or not scores:
        return 0.0
    order = np.argsort(-np.array(scores), kind="stable")
    right = np.cumsum(np.array(hits)[order])
    recall, precision = right / total, right / np.arange(1, len(right) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision))


def at_threshold(pairs, threshold, among=None):
    """Precision, recall, F1 and people at a score. among: per picture a mask of rows; then recall of these alone."""
    right = false = total = found_among = among_total = 0
    for i, (found, rows) in enumerate(pairs):
        wanted = rows[:, KIND] != IGNORE
        matches = match(found[found[:, 0] >= threshold], rows)
        right += sum(m >= 0 for m in matches)
        false += sum(m == -1 for m in matches)
        total += int(wanted.sum())
        if among is not None:
            among_total += int((wanted & among[i]).sum())
            found_among += sum(m >= 0 and among[i][m] for m in matches)
    precision = right / max(right + false, 1)
    recall = right / max(total, 1) if among is None else found_among / max(among_total, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": precision, "recall": recall, "f1": f1, "people": total if among is None else among_total}


def best_threshold(pairs):
    """(threshold, F1) where F1 is highest."""
    options = np.arange(0.1, 0.8, 0.02)
    values = [at_threshold(pairs, t)["f1"] for t in options]
    return float(options[int(np.argmax(values))]), max(values)


def alarms(pairs, threshold):
    """Share of pictures without people in which something is found."""
    return sum(bool((found[:, 0] >= threshold).any()) for found, _ in pairs) / max(len(pairs), 1)


def test_sets(data, work, quick=False):
    """name -> [(image on the frame, rows)]: held-out real sets, rendered tests, and pictures without people.

    quick: a part of each, for use between epochs.
    """
    sets = {}
    for part in ("test-overhead", "test-tilted", "test-empty"):
        shard = Rendered(work, part)
        sets[part] = [shard[i][:2] for i in range(0, len(shard), 3 if quick else 1)]
    for name in REAL_SETS:
        items = [stretch(image, rows) for image, rows, _ in read_rows(data, name, "test")]
        for _, rows in items:
            rows[(rows[:, HEAD_PX] < HEAD_MIN_PX), KIND] = IGNORE
        sets[name] = items[:: 2 if quick and len(items) > 100 else 1]
    for name in EMPTY_SETS:
        items = [stretch(image, rows) for image, rows, _ in read_rows(data, name, "test")]
        sets[name] = items[:: 5 if quick else 1]
    return {name: items for name, items in sets.items() if items}


@torch.no_grad()
def run_float(net, items, shadow=None, batch=32):
    """[(found, rows)] of a net in PyTorch, on its device."""
    device, pairs = next(net.parameters()).device, []
    for start in range(0, len(items), batch):
        part = items[start : start + batch]
        frames = [to_yuv(image) for image, _ in part]
        y, u, v = (torch.stack([f[i] for f in frames]).to(device).float() / 255 for i in range(3))
        heat, box = (x.cpu().numpy() for x in net(y, u, v, shadow=shadow))
        pairs += [(decode(heat[i, 0], box[i], net.shape.cell_px), rows) for i, (_, rows) in enumerate(part)]
    return pairs


def run_int8(detector, items):
    """[(found, rows)] of the .tflite file."""
    pairs = []
    for image, rows in items:
        frame = {n: x.numpy().transpose(1, 2, 0)[None] for n, x in zip("yuv", to_yuv(image))}
        heat, box = detector(frame)
        pairs.append((decode(heat[0, :, :, 0], box[0].transpose(2, 0, 1), FRAME_HEIGHT_PX // heat.shape[1]), rows))
    return pairs


def quick(net, sets, shadow=None):
    """The figures that a checkpoint is chosen by: AP of each set with people, alarms of those without."""
    result = {}
    for name, items in sets.items():
        pairs = run_float(net, items, shadow)
        if name in EMPTY_SETS or name == "test-empty":
            result[name] = alarms(pairs, 0.5)
        else:
            result[name] = average_precision(pairs)
    return result


def score(figures):
    """One number of quick()'s figures: mean AP, less what false alarms cost."""
    people = [v for n, v in figures.items() if n not in EMPTY_SETS and n != "test-empty"]
    empty = [v for n, v in figures.items() if n in EMPTY_SETS or n == "test-empty"]
    return float(np.mean(people) - 0.5 * np.mean(empty))


def occluded(rows):
    """Mask of real boxes that another one covers, or that the frame cuts."""
    result = np.zeros(len(rows), bool)
    for i, (x, y, w, h) in enumerate(rows[:, :4]):
        low, high = np.maximum([x, y], rows[:, :2]), np.minimum([x + w, y + h], rows[:, :2] + rows[:, 2:4])
        common = np.maximum(high - low, 0).prod(1)
        common[i] = 0
        cut = x < 1 or y < 1 or x + w > 255 or y + h > 191
        result[i] = common.max(initial=0) > COVERED_MIN * w * h or cut
    return result


def flags_of(work, part):
    """Per picture of a rendered part: Flag bits, contrast, visibility of its rows."""
    shard, result = Rendered(work, part), []
    at = shard.columns.index
    for i in range(len(shard)):
        truth = shard.truth(i)
        truth = truth[truth[:, at("visible")] > 0.02]
        result.append((truth[:, at("flags")].astype(int), truth[:, at("contrast")], truth[:, at("visible")]))
    return result


def report(data, work, net, detector, threshold):
    """Everything that the model card says, as a dictionary."""
    result, keep = {"threshold": threshold, "sets": {}, "kinds": {}}, {}
    for name, items in test_sets(data, work).items():
        floats, ints = run_float(net, items), run_int8(detector, items)
        keep[name] = ints
        empty = [p for p in ints if not (p[1][:, KIND] != IGNORE).any() and not len(p[1])]
        row = {"pictures": len(items), "people": sum(int((r[:, KIND] != IGNORE).sum()) for _, r in items)}
        if row["people"]:
            row |= {"ap_float": average_precision(floats), "ap_int8": average_precision(ints)}
            row |= at_threshold(ints, threshold) | {"best": best_threshold(ints)}
            masks = [occluded(r) if not (r[:, EXACT] == 1).any() else r[:, KIND] == IGNORE for _, r in items]
            if name in REAL_SETS:
                row["recall_clear"] = at_threshold(ints, threshold, [~m for m in masks])["recall"]
                row["recall_occluded"] = at_threshold(ints, threshold, masks)["recall"]
        if empty:
            row |= {"empty": len(empty), "alarms": alarms(empty, threshold)}
        result["sets"][name] = row
    for part in ("test-overhead", "test-tilted"):
        flags = flags_of(work, part)
        kinds = {name: value for name, value in vars(Flag).items() if isinstance(value, int)}
        for name, bit in kinds.items():
            row = at_threshold(keep[part], threshold, [(f & bit) > 0 for f, _, _ in flags])
            result["kinds"].setdefault(name, {})[part] = {"recall": row["recall"], "people": row["people"]}
        low = [((f & Flag.dark_clothes) > 0) & (c < 0.1) for f, c, _ in flags]
        row = at_threshold(keep[part], threshold, low)
        result["kinds"].setdefault("dark_on_dark", {})[part] = {"recall": row["recall"], "people": row["people"]}
        half = [v < 0.7 for _, _, v in flags]
        row = at_threshold(keep[part], threshold, half)
        result["kinds"].setdefault("hidden_by_30_percent_or_more", {})[part] = {"recall": row["recall"], "people": row["people"]}
    return result


def show(result):
    """The report as text."""
    print(f"threshold {result['threshold']}")
    for name, row in result["sets"].items():
        line = f"{name:18s} {row['pictures']:5d} pictures {row['people']:5d} people"
        if row["people"]:
            line += f"  AP float {row['ap_float']:.3f} int8 {row['ap_int8']:.3f}  precision {row['precision']:.3f} recall {row['recall']:.3f} F1 {row['f1']:.3f} (best {row['best'][1]:.3f} at {row['best'][0]:.2f})"
        if "recall_clear" in row:
            line += f"  recall clear {row['recall_clear']:.3f} occluded {row['recall_occluded']:.3f}"
        if "alarms" in row:
            line += f"  alarms {100 * row['alarms']:.2f} % of {row['empty']} empty"
        print(line)
    for name, parts in result["kinds"].items():
        print(f"{name:30s} " + "  ".join(f"{part} recall {row['recall']:.3f} of {row['people']}" for part, row in parts.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=DATA_DEFAULT, help="folder with train/")
    parser.add_argument("--work", help="folder of caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--name", default="person", help="the run, a folder in WORK/runs")
    parser.add_argument("--checkpoint", help="default: WORK/runs/NAME/best.pt")
    parser.add_argument("--model", default=MODEL_DEFAULT, help="the int8 file")
    parser.add_argument("--threshold", type=float, default=0.4)
    parser.add_argument("--json", help="write the figures to this file too")
    args = parser.parse_args()
    torch.set_num_threads(2)
    from detector import Int8Detector  # loads TensorFlow, which training does without

    work = work_folder(args.work)
    net, _ = load(args.checkpoint or os.path.join(run_folder(work, args.name), "best.pt"))
    result = report(args.data, work, net, Int8Detector(args.model), args.threshold)
    show(result)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
