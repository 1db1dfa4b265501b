"""Turns a checkpoint into the int8 .tflite file of the engine.

    python export.py --work WORK                 # best checkpoint -> ../person/person.tflite
    python export.py --untrained --out FILE      # right structure, random weights: for testing an engine

Ranges come from the checkpoint when it was trained with int8 rounding in the loop, else from training frames.
The result is checked: operators, input scales, and agreement of the TFLite interpreter with PyTorch.
"""

import argparse
import collections
import os

import numpy as np
import torch

import evaluate
import tflite_file
from dataset import DATA_DEFAULT, calibration_frames, load_pools
from net import BYTES_MAX, INPUTS, MAC_MAX, Net, load, mac_count
from quant import Shadow, calibrate
from work import run_folder, work_folder

ALLOWED = {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "CONCATENATION", "RESIZE_NEAREST_NEIGHBOR"}
# Scores are spread on the held-out pictures with people: what a score means there is what a threshold is chosen by.
SPREAD_SETS = ("test-overhead", "test-tilted", "cafe_high_view", "cctv_person_gray")


def spread_scores(net, data, work):
    """Fits score = share of right detections on the held-out pictures (Platt scaling) and folds it into the heat layer.

    Order and AP stay the same in float. Without it all scores crowd between 0.2 and 0.4 (the focal loss asks for no
    more), where a step of int8 is coarse and a threshold is hard to choose.
    """
    logits, hits = [], []
    for name, items in evaluate.test_sets(data, work).items():
        if name not in SPREAD_SETS:
            continue
        for found, rows in evaluate.run_float(net, items):
            matches = evaluate.match(found, rows)
            known = [i for i, m in enumerate(matches) if m != -2]
            logits += np.log(found[known, 0] / (1 - found[known, 0])).tolist()
            hits += [matches[i] >= 0 for i in known]
    x, t = np.column_stack([logits, np.ones(len(logits))]), np.array(hits, float)
    fit = np.array([1.0, 0.0])
    for _ in range(20):  # Newton steps of a logistic regression with two parameters
        p = 1 / (1 + np.exp(-x @ fit))
        fit += np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (t - p))
    with torch.no_grad():
        net.convs["heat"].weight *= float(fit[0])
        net.convs["heat"].bias.mul_(float(fit[0])).add_(float(fit[1]))
    print(f"scores: logit x {fit[0]:.2f} {fit[1]:+.2f}, from {len(t)} detections")


def export(net, ranges, path):
    weights = {}
    for name in net.convs:
        weight, bias = net.folded(name)
        weights[name] = (weight.detach().double().numpy(), bias.detach().double().numpy())
    return tflite_file.write(path, net.layers, weights, ranges)


def verify(path, net, ranges, frames):
    """Stops when the file is not what the engine was promised; returns the operators."""
    from detector import Int8Detector  # loads TensorFlow, which training does without

    detector = Int8Detector(path, reference=True)
    for name, detail in detector.run.get_input_details().items():
        scale, zero_point = detail["quantization"]
        assert detail["dtype"] == np.int8 and zero_point == -128, (name, detail)
        assert np.float32(scale) == np.float32(1 / 255), (name, scale)
        assert list(detail["shape"]) == [1, *INPUTS[name], 1], (name, detail["shape"])
    operators = collections.Counter(op["op_name"] for op in detector.interpreter._get_ops_details())
    # The interpreter lists the delegate beside the operators that it took over.
    operators.pop("DELEGATE", None)
    assert set(operators) <= ALLOWED, operators
    size = os.path.getsize(path)
    assert size <= BYTES_MAX, size
    macs = mac_count(net.layers)
    assert macs <= MAC_MAX, macs
    net.eval()
    apart = []
    with torch.no_grad():
        for y, u, v in frames:
            arrays = {n: x.numpy().transpose(0, 2, 3, 1) for n, x in zip("yuv", (y, u, v))}
            heat, _ = detector(arrays)
            imitated, _ = net(y.float() / 255, u.float() / 255, v.float() / 255, shadow=Shadow(ranges))
            apart.append(np.abs(heat[0, :, :, 0] - imitated[0, 0].numpy()))
    step = ranges["heat"][0]
    apart = np.concatenate([a.ravel() for a in apart]) / step
    print(f"heat, file against imitation: mean {apart.mean():.2f} steps, 99.9 % {np.quantile(apart, 0.999):.1f}")
    return dict(operators), size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=DATA_DEFAULT, help="folder with train/, for calibration frames")
    parser.add_argument("--work", help="folder of checkpoints and caches (default: $TMPDIR/lethe-training)")
    parser.add_argument("--name", default="person", help="the run, a folder in WORK/runs")
    parser.add_argument("--checkpoint", help="default: WORK/runs/NAME/best.pt")
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "person", "person.tflite"))
    parser.add_argument("--untrained", action="store_true", help="random weights, ranges from noise")
    parser.add_argument("--raw-scores", action="store_true", help="leave the scores as trained")
    parser.add_argument("--frames", type=int, default=256, help="frames for calibration")
    args = parser.parse_args()
    torch.manual_seed(1)
    torch.set_num_threads(1)
    work, ranges = work_folder(args.work), None
    if args.untrained:
        net = Net()
        frames = [[torch.randint(0, 256, (1, 1, *INPUTS[n]), dtype=torch.uint8) for n in "yuv"] for _ in range(8)]
        net.train()
        with torch.no_grad():
            net.convs["heat"].weight *= 50
            net.convs["box"].weight *= 20
            for _ in range(60):  # fills the running statistics of the norms
                net(*(torch.cat([f[i] for f in frames]).float() / 255 for i in range(3)))
    else:
        net, state = load(args.checkpoint or os.path.join(run_folder(work, args.name), "best.pt"))
        ranges = state.get("ranges")
        if not args.raw_scores:
            spread_scores(net, args.data, work)
        frames = calibration_frames(load_pools(args.data, work), args.frames)
    ranges = ranges or calibrate(net, frames)
    export(net, ranges, args.out)
    operators, size = verify(args.out, net, ranges, frames[:12])
    print(f"{args.out}: {size} bytes, {mac_count(net.layers)} multiply-adds, {len(net.layers)} operators {operators}")


if __name__ == "__main__":
    main()
