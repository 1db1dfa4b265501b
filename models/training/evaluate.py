"""Measures the detector: precision, recall and average precision on held-out pictures, and hits on clips.

    python evaluate.py --work WORK                       # float checkpoint and the int8 file, side by side
    python evaluate.py --clips ../../../shared/data/clips  # the int8 file on real footage: measuring only

A detection is right when its centre is less than half a box (in x and in y) from the centre of a person that no
better detection has taken. AP50 asks for an overlap of 0.5 instead.
"""

import argparse
import csv
import os

import cv2
import numpy as np
import torch

from dataset import DATA_DEFAULT, REAL_SETS, SIDE_MIN_PX, read_rendered, read_set, stretch, to_yuv
from net import CELL_PX, Net
from work import work_folder

SCORE_FLOOR = 0.05
# Measured on the held-out sets: 0.3 to 0.4 is a flat best, without it large people count twice.
OVERLAP_MAX = 0.35
MODEL_DEFAULT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "person", "person.tflite")


def overlap(a, b):
    """Intersection over union of one box with many, as x, y, w, h."""
    low, high = np.maximum(a[:2], b[:, :2]), np.minimum(a[:2] + a[2:], b[:, :2] + b[:, 2:])
    common = np.maximum(high - low, 0).prod(1)
    return common / (a[2] * a[3] + b[:, 2] * b[:, 3] - common + 1e-6)


def decode(heat, box, floor=SCORE_FLOOR):
    """heat [24, 32] logits, box [4, 24, 32] -> [n, 5] score, x, y, w, h, best first.

    Peaks of 3 x 3 cells, then what overlaps a better one is dropped.
    """
    score = 1 / (1 + np.exp(-heat))
    peak = (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8))) & (score >= floor)
    rows, columns = np.where(peak)
    dx, dy, lw, lh = box[:, rows, columns]
    w, h = CELL_PX * 2.0**lw, CELL_PX * 2.0**lh
    found = np.stack([score[rows, columns], (columns + dx) * CELL_PX - w / 2, (rows + dy) * CELL_PX - h / 2, w, h], 1)
    found = found[np.argsort(-found[:, 0])]
    kept = []
    for row in found:
        if not kept or overlap(row[1:], np.array(kept)[:, 1:]).max() < OVERLAP_MAX:
            kept.append(row)
    return np.array(kept).reshape(-1, 5)


def match(found, boxes, strict=False):
    """For each detection, best first: index of the person it finds, or -1."""
    taken, result = set(), []
    centres = boxes[:, :2] + boxes[:, 2:] / 2
    for row in found:
        if not len(boxes):
            result.append(-1)
            continue
        if strict:
            quality = overlap(row[1:], boxes)
            quality[quality < 0.5] = -1
        else:
            apart = np.abs(row[1:3] + row[3:] / 2 - centres) / boxes[:, 2:]
            quality = np.where((apart < 0.5).all(1), 1 - np.hypot(*apart.T), -1)
        quality[list(taken)] = -1
        best = int(quality.argmax())
        result.append(best if quality[best] > -1 and quality[best] >= 0 else -1)
        if result[-1] >= 0:
            taken.add(best)
    return result


def average_precision(pairs, strict=False):
    """pairs: [(found, boxes)]; area under the interpolated precision-recall curve."""
    scores, hits, total = [], [], 0
    for found, boxes in pairs:
        total += len(boxes)
        scores += found[:, 0].tolist()
        hits += [m >= 0 for m in match(found, boxes, strict)]
    if not total or not scores:
        return 0.0
    hits = np.array(hits)[np.argsort(-np.array(scores), kind="stable")]
    right = np.cumsum(hits)
    recall, precision = right / total, right / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision))


def at_threshold(pairs, threshold):
    """(precision, recall) of what scores at least the threshold."""
    right = wrong = total = 0
    for found, boxes in pairs:
        hits = match(found[found[:, 0] >= threshold], boxes)
        right += sum(m >= 0 for m in hits)
        wrong += sum(m < 0 for m in hits)
        total += len(boxes)
    return right / max(right + wrong, 1), right / max(total, 1)


def test_sets(data, work, quick=False):
    """Set name -> [(frame [y, u, v], boxes)]; people too small for a label are left out."""
    sets = {name: read_set(data, name, "test") for name in REAL_SETS}
    sets["rendered"] = read_rendered(work, "test", limit=1 if quick else None)
    result = {}
    for name, items in sets.items():
        if quick and name == "coco128":
            continue
        result[name] = []
        for image, boxes in items[:: 2 if quick and name == "cctv_person_gray" else 1]:
            image, boxes = stretch(image, boxes)
            result[name].append((to_yuv(image), boxes[boxes[:, 2:].max(1) >= SIDE_MIN_PX] if len(boxes) else boxes))
    return result


@torch.no_grad()
def run_float(net, items, shadow=None, batch=32):
    pairs = []
    for i in range(0, len(items), batch):
        part = items[i : i + batch]
        y, u, v = (torch.stack([frame[k] for frame, _ in part]).float() / 255 for k in range(3))
        heat, box = net(y, u, v, shadow=shadow)
        pairs += [(decode(heat[k, 0].numpy(), box[k].numpy()), part[k][1]) for k in range(len(part))]
    return pairs


def run_int8(detector, items):
    pairs = []
    for frame, boxes in items:
        arrays = {n: x.numpy().reshape(1, *x.shape[1:], 1) for n, x in zip("yuv", frame)}
        heat, box = detector(arrays)
        pairs.append((decode(heat[0, :, :, 0], box[0].transpose(2, 0, 1)), boxes))
    return pairs


def quick(net, tests, shadow=None):
    net.eval()
    return {name: average_precision(run_float(net, items, shadow)) for name, items in tests.items()}


def clip_frames(path, step=1):
    video, index = cv2.VideoCapture(path), -1
    while True:
        good, image = video.read()
        index += 1
        if not good:
            return
        if index % step == 0:
            yield index, image


def measure_clips(folder, detector, threshold, step, sheet):
    """Detections per frame on every clip; hit rate where automatic boxes exist (intel_one_by_one)."""
    rows = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name, "clip.mp4")
        if not os.path.exists(path):
            continue
        truth = {}
        truth_path = os.path.join(folder, name, "gt_auto.csv")
        if os.path.exists(truth_path):
            with open(truth_path) as f:
                for row in csv.DictReader(f):
                    truth.setdefault(int(row["frame"]), []).append([float(row[k]) for k in "xywh"])
        counts, hit, wanted, false_busy, false_empty, empty, shown = [], 0, 0, 0, 0, 0, []
        for index, image in clip_frames(path, step):
            frame, boxes = stretch(image, np.array(truth.get(index, []), np.float32).reshape(-1, 4))
            (found, _), = run_int8(detector, [(to_yuv(frame), boxes)])
            sure = found[found[:, 0] >= threshold]
            counts.append(len(sure))
            if truth:
                matched = match(sure, boxes)
                hit += sum(m >= 0 for m in matched)
                wanted += len(boxes)
                if len(boxes):
                    false_busy += sum(m < 0 for m in matched)
                else:
                    empty += 1
                    false_empty += len(sure)
            for score, x, y, w, h in found:
                c = (0, 255, 0) if score >= threshold else (0, 160, 255)
                if score >= threshold * 0.6:
                    cv2.rectangle(frame, (int(x), int(y)), (int(x + w), int(y + h)), c, 1)
            shown.append(frame)
        line = f"{name:24s} {len(counts):4d} frames, {np.mean(counts):.2f} detections a frame (0: {np.mean(np.array(counts) == 0):.0%})"
        if truth:
            line += f"; hit rate {hit / max(wanted, 1):.1%} of {wanted}, false beside people {false_busy}, in {empty} empty frames {false_empty}"
        print(line, flush=True)
        rows.append(np.hstack([shown[int(i)] for i in np.linspace(0, len(shown) - 1, 7)]))
    if sheet:
        cv2.imwrite(sheet, np.vstack(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=DATA_DEFAULT, help="folder with train/")
    parser.add_argument("--work", help="folder of caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--checkpoint", help="default: WORK/best.pt")
    parser.add_argument("--model", default=MODEL_DEFAULT, help="the int8 file")
    parser.add_argument("--threshold", type=float, default=0.5)
    parser.add_argument("--clips", help="folder of clips: measure these instead of the held-out pictures")
    parser.add_argument("--step", type=int, default=3, help="every n-th frame of a clip")
    parser.add_argument("--sheet", help="contact sheet PNG of the clips with boxes, for looking, never to be published")
    args = parser.parse_args()
    torch.set_num_threads(2)
    from detector import Int8Detector  # loads TensorFlow, which training does without

    detector = Int8Detector(args.model)
    if args.clips:
        measure_clips(args.clips, detector, args.threshold, args.step, args.sheet)
        return
    work = work_folder(args.work)
    net = Net().eval()
    net.load_state_dict(torch.load(args.checkpoint or os.path.join(work, "best.pt"), weights_only=False)["net"])
    for name, items in test_sets(args.data, work).items():
        people = sum(len(b) for _, b in items)
        line = f"{name:18s} {len(items)} pictures, {people} people:"
        for label, pairs in (("float", run_float(net, items)), ("int8", run_int8(detector, items))):
            line += f" {label} AP {average_precision(pairs):.3f} AP50 {average_precision(pairs, True):.3f}"
        print(line)
        for threshold in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6):
            p, r = at_threshold(pairs, threshold)
            print(f"    int8 at {threshold}: precision {p:.3f} recall {r:.3f}")


if __name__ == "__main__":
    main()
