"""Measures the detector on pictures that it was not trained on: float beside int8, by set, by kind of person.

    python evaluate.py --work WORK                 # tables of the run's best checkpoint and the int8 file
    python evaluate.py --work WORK --json OUT      # the same as JSON, for the model card (card.py)
    python evaluate.py --work WORK --failures OUT  # the rendered pictures with most mistakes, to look at
    python evaluate.py --compare A.pt B.pt         # checkpoints beside each other, without a file

Rendered pictures: a detection is right when its point is less than half a head (of that person) from a head that no
better detection has taken. Real pictures have boxes and no heads: right is a point in the upper part of a person's box
(HEAD_ZONE, with a margin). People who are no label (head hidden or outside, too small, too little seen) are neither wanted
nor punished, wherever on them something is found.
What is counted at a line is measured by the whole product (`lethe evaluate`), not here.
"""

import argparse
import hashlib
import json
import os
import sys

import cv2
import numpy as np
import torch

from dataset import (
    DATA_DEFAULT, EMPTY_SETS, EXACT, H, HEAD_MIN_PX, HEAD_PX, HEAD_X, HEAD_Y, HEAD_ZONE, HELD_OUT_SETS, IGNORE, KIND, W, X, Y,
    REAL_SETS, SEEN_MIN, VISIBLE_MIN, Rendered, is_test, read_rows, rows_of_boxes, stretch, to_yuv,
)  # fmt: skip
from net import CELL_PX, load
from render.people import Flag
from work import run_folder, work_folder

SCORE_FLOOR = 0.03
# Of two peaks nearer than this share of the smaller box's shorter side the weaker is the same head. Shoulders are two to
# three heads wide, so heads may touch.
NEAR_MAX = 0.3
# Of two boxes that share more than this of their union the weaker goes.
OVERLAP_MAX = 0.5
DETECTIONS_MAX = 64
MODEL_DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "person", "person.tflite")
MARGIN = 0.1
# A real box counts as occluded when another one covers more than this of it, or the frame cuts it.
COVERED_MIN = 0.3
NOBODY_SETS = (*EMPTY_SETS, "test-empty")


def decode(heat, box, floor=SCORE_FLOOR, near_max=NEAR_MAX, overlap_max=OVERLAP_MAX):
    """heat [h, w] logits, box [6, h, w] -> [n, 7] score, head x, head y, box x, y, w, h, best first. As runtime/eye does it."""
    score = 1 / (1 + np.exp(-heat))
    peak = (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8))) & (score >= floor)
    rows, columns = np.where(peak)
    dx, dy, lw, lh, ex, ey = box[:, rows, columns]
    w, h = CELL_PX * 2.0**lw, CELL_PX * 2.0**lh
    hx, hy = (columns + dx) * CELL_PX, (rows + dy) * CELL_PX
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
        inside = (hx > rows[:, X]) & (hx < rows[:, X] + rows[:, W]) & (hy > rows[:, Y]) & (hy < rows[:, Y] + rows[:, H])
        ignored = (rows[:, KIND] == IGNORE) & (inside | (exact & (apart < rows[:, HEAD_PX])) | (~exact & zone))
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


def best_threshold(pairs, step=0.02):
    """(threshold, F1) where F1 is highest."""
    options = np.arange(0.1, 0.8, step)
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
    scenes = Rendered(work, "test", "scene-camera")
    sets["scene-camera"] = [scenes[i][:2] for i in range(0, len(scenes), 3 if quick else 1)]
    for name in REAL_SETS if quick else REAL_SETS + HELD_OUT_SETS:
        items = [stretch(image, rows) for image, rows, _ in read_rows(data, name, "test")]
        sets[name] = items[:: 2 if quick and len(items) > 100 else 1]
    # Class C stays at home when training travels to another machine.
    for name in (n for n in EMPTY_SETS if not quick or os.path.isdir(os.path.join(data, "train", n))):
        items = [stretch(image, rows) for image, rows, _ in read_rows(data, name, "test")]
        sets[name] = items[:: 5 if quick else 1]
    for items in sets.values():
        for _, rows in items:
            rows[rows[:, HEAD_PX] < HEAD_MIN_PX, KIND] = IGNORE
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
        pairs += [(decode(heat[i, 0], box[i]), rows) for i, (_, rows) in enumerate(part)]
    return pairs


def run_int8(detector, items):
    """[(found, rows)] of the .tflite file."""
    pairs = []
    for image, rows in items:
        frame = {n: x.numpy().transpose(1, 2, 0)[None] for n, x in zip("yuv", to_yuv(image))}
        heat, box = detector(frame)
        pairs.append((decode(heat[0, :, :, 0], box[0].transpose(2, 0, 1)), rows))
    return pairs


def quick(net, sets, shadow=None):
    """The figures that a checkpoint is chosen by: AP of each set with people; of those without, the share of pictures with
    an alarm, at the threshold that is best for the rendered people."""
    pairs = {name: run_float(net, items, shadow) for name, items in sets.items()}
    threshold, _ = best_threshold(pairs["test-overhead"] + pairs["test-tilted"])
    return {name: alarms(p, threshold) if name in NOBODY_SETS else average_precision(p) for name, p in pairs.items()}


def score(figures):
    """One number of quick()'s figures: mean AP, less what false alarms cost."""
    people = [v for n, v in figures.items() if n not in NOBODY_SETS]
    return float(np.mean(people) - 0.5 * np.mean([figures[n] for n in NOBODY_SETS if n in figures]))


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


def truths_of(work, part):
    """Per picture of a rendered part: the renderer's rows (all columns) that rows_of_truth keeps, and where each column is."""
    shard = Rendered(work, part)
    at = {name: shard.columns.index(name) for name in shard.columns}
    return [t[t[:, at["visible"]] > SEEN_MIN] for t in map(shard.truth, range(len(shard)))], at


def by_kind(pairs, truths, at, threshold):
    """{kind of person: {recall, people, hidden, hidden_found}}.

    people: those with a label. hidden: those whose body is seen but whose head is not (by an umbrella, say), who are no
    labels; hidden_found: share of them with a detection in their box, so that a tracker knows of somebody there.
    """
    masks = {name: [(t[:, at["flags"]].astype(int) & bit) > 0 for t in truths] for name, bit in vars(Flag).items() if isinstance(bit, int)}
    contrast = [t[:, at["contrast"]] for t in truths]
    masks = {"everybody": [np.ones(len(t), bool) for t in truths], **masks}
    masks["dark clothes on a floor as dark"] = [m & (c < 0.1) for m, c in zip(masks["dark_clothes"], contrast)]
    masks["less than 10 % brighter or darker than around"] = [c < 0.1 for c in contrast]
    masks["hidden by 30 % or more"] = [t[:, at["visible"]] < 0.7 for t in truths]
    result = {}
    for name, among in masks.items():
        row = at_threshold(pairs, threshold, among)
        hidden = found_hidden = 0
        for (found, rows), t, mask in zip(pairs, truths, among):
            found = found[found[:, 0] >= threshold]
            for x, y, w, h, *_ in rows[mask & (rows[:, KIND] == IGNORE) & (t[:, at["visible"]] >= VISIBLE_MIN) & (t[:, at["inside"]] > 0.7) & (rows[:, HEAD_PX] >= HEAD_MIN_PX)]:
                hidden += 1
                found_hidden += bool(((found[:, 1] > x) & (found[:, 1] < x + w) & (found[:, 2] > y) & (found[:, 2] < y + h)).any())
        result[name] = {"recall": row["recall"], "people": row["people"], "hidden": hidden, "hidden_found": found_hidden / max(hidden, 1)}
    return result


def mannequins(data, detector, threshold):
    """Mannequins and statues of person_vs_mannequin's held-out part that are taken for people (eye level, class C)."""
    name, folder, total, taken = "person_vs_mannequin", os.path.join(data, "train", "person_vs_mannequin"), 0, 0
    with open(os.path.join(folder, "labels.jsonl")) as f:
        rows = [row for row in map(json.loads, f) if row.get("notperson") and is_test(name, row["src"])]
    for row in rows:
        image, boxes = stretch(cv2.imread(os.path.join(folder, row["file"])), rows_of_boxes(row["notperson"]))
        matches = match([f for f in run_int8(detector, [(image, boxes)])[0][0] if f[0] >= threshold], boxes)
        total += len(boxes)
        taken += sum(m >= 0 for m in matches)
    return {"mannequins": total, "taken_for_people": taken / max(total, 1)}


def report(data, work, nets, detector, threshold):
    """Everything that the model card says, as a dictionary. nets: {"float": trained without rounding, "rounded": with it}."""
    result, keep = {"threshold": threshold, "sets": {}, "kinds": {}}, {}
    for name, items in test_sets(data, work).items():
        ints = keep[name] = run_int8(detector, items)
        row = {"pictures": len(items), "people": sum(int((r[:, KIND] != IGNORE).sum()) for _, r in items)}
        if row["people"]:
            row |= {f"ap_{kind}": average_precision(run_float(net, items)) for kind, net in nets.items()}
            row |= {"ap_int8": average_precision(ints), "all": at_threshold(ints, threshold), "best": best_threshold(ints)}
            if name in REAL_SETS + HELD_OUT_SETS:
                masks = [occluded(r) for _, r in items]
                row |= {"clear": at_threshold(ints, threshold, [~m for m in masks]), "occluded": at_threshold(ints, threshold, masks)}
        empty = [p for p in ints if not len(p[1])]
        if empty:
            row |= {"empty": len(empty), "alarms": alarms(empty, threshold)}
        result["sets"][name] = row
        print(f"{name} done", file=sys.stderr)
    for part in ("test-overhead", "test-tilted"):
        truths, at = truths_of(work, part)
        for name, row in by_kind(keep[part], truths, at, threshold).items():
            result["kinds"].setdefault(name, {})[part] = row
    result["mannequins"] = mannequins(data, detector, threshold)
    return result


def show(result):
    """The report as text."""
    print(f"threshold {result['threshold']}")
    for name, row in result["sets"].items():
        line = f"{name:18s} {row['pictures']:5d} pictures {row['people']:5d} people"
        if row["people"]:
            line += "  AP " + " ".join(f"{k[3:]} {v:.3f}" for k, v in row.items() if k.startswith("ap_"))
            line += f" (best F1 {row['best'][1]:.3f} at {row['best'][0]:.2f})"
            for kind in ("all", "clear", "occluded"):
                if kind in row:
                    line += "  {} P {precision:.3f} R {recall:.3f} F1 {f1:.3f}".format(kind, **row[kind])
        if "alarms" in row:
            line += f"  alarms {100 * row['alarms']:.2f} % of {row['empty']} empty"
        print(line)
    for name, parts in result["kinds"].items():
        print(f"{name:46s} " + "  ".join(f"{p} recall {r['recall']:.3f} of {r['people']}, head hidden {r['hidden']}, of these found {r['hidden_found']:.2f}" for p, r in parts.items()))
    print("mannequins: {mannequins}, taken for people {taken_for_people:.3f}".format(**result["mannequins"]))


def failures(work, detector, threshold, path, count=16, columns=4):
    """Contact sheet of the rendered pictures with most mistakes: green found, red missed, yellow false."""
    drawn = []
    for part in ("test-overhead", "test-tilted", "test-empty"):
        shard = Rendered(work, part)
        items = [shard[i][:2] for i in range(len(shard))]
        for (image, rows), (found, _) in zip(items, run_int8(detector, items)):
            found = found[found[:, 0] >= threshold]
            matches = match(found, rows)
            missed = [i for i in np.where(rows[:, KIND] != IGNORE)[0] if i not in matches]
            mistakes = len(missed) + matches.count(-1)
            drawn.append((mistakes / np.sqrt(1 + len(rows)), image, rows, found, matches, missed))
    drawn.sort(key=lambda d: -d[0])
    tiles = []
    for _, image, rows, found, matches, missed in drawn[:count]:
        tile = cv2.resize(image, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
        marks = [(found[k, 1:3], 6, (0, 200, 0) if m >= 0 else (0, 220, 255)) for k, m in enumerate(matches) if m != -2]
        marks += [(rows[i, [HEAD_X, HEAD_Y]], rows[i, HEAD_PX] / 2, (0, 0, 230)) for i in missed]
        for centre, radius, colour in marks:
            cv2.circle(tile, np.round(np.array(centre) * 1.5).astype(int).tolist(), max(4, int(radius * 1.5)), colour, 2, cv2.LINE_AA)
        tiles.append(tile)
    cv2.imwrite(path, np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]), [cv2.IMWRITE_JPEG_QUALITY, 75])


def compare(data, work, paths):
    """Checkpoints beside each other, in float: AP of the sets with people, alarms of those without."""
    sets, figures = test_sets(data, work), {}
    for path in paths:
        figures[path] = quick(load(path)[0], sets)
        print(f"{path}: score {score(figures[path]):.3f}")
    for name, items in sets.items():
        cells = "  ".join(f"{figures[path][name]:.3f}" for path in paths)
        print(f"{name:18s} {'alarms' if name in NOBODY_SETS else 'AP':6s} {cells}   ({len(items)} pictures)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=DATA_DEFAULT, help="folder with train/")
    parser.add_argument("--work", help="folder of caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--name", default="person", help="the run, a folder in WORK/runs")
    parser.add_argument("--checkpoint", help="default: best-float.pt and best.pt of WORK/runs/NAME")
    parser.add_argument("--model", default=MODEL_DEFAULT, help="the int8 file")
    parser.add_argument("--threshold", type=float, help="default: score_min of the manifest beside the file")
    parser.add_argument("--json", help="write the figures to this file too")
    parser.add_argument("--failures", help="write this picture and nothing else")
    parser.add_argument("--compare", nargs="+", metavar="CHECKPOINT", help="print these beside each other and do nothing else")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.compare:
        return compare(args.data, work_folder(args.work), args.compare)
    from detector import Int8Detector  # loads TensorFlow, which training does without

    work = work_folder(args.work)
    detector, threshold = Int8Detector(args.model), args.threshold
    if threshold is None:
        with open(os.path.join(os.path.dirname(args.model), "manifest.json")) as f:
            threshold = json.load(f)["decode"]["score_min"]
    if args.failures:
        return failures(work, detector, threshold, args.failures)
    folder = run_folder(work, args.name)
    paths = {"float": args.checkpoint or os.path.join(folder, "best-float.pt"), "rounded": args.checkpoint or os.path.join(folder, "best.pt")}
    nets = {kind: load(path)[0] for kind, path in paths.items() if os.path.exists(path)}
    result = report(args.data, work, nets, detector, threshold)
    with open(args.model, "rb") as f:
        result = {"sha256": hashlib.sha256(f.read()).hexdigest(), **result}
    show(result)
    if args.json:
        with open(args.json, "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
