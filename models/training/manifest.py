"""Writes manifest.json beside the .tflite file: what a loader must know before it trusts the bytes.

    python manifest.py --score-min 0.4 --score-low 0.15

Sign it afterwards (`npm run -s sign -- --key FILE models/person`): the eye loads nothing unsigned.
"""

import argparse
import hashlib
import json
import math
import os
import subprocess

from detector import Int8Detector
from evaluate import MODEL_DEFAULT, NEAR_MAX, OVERLAP_MAX
from net import BOX_CHANNELS, FRAME_HEIGHT_PX, FRAME_WIDTH_PX, INPUTS, OUTPUTS

# Meaning of the outputs; runtime/eye/model.ts refuses another one.
ENGINE_VERSION = 1


def tensors(details, names):
    result = []
    for name in names:
        scale, zero_point = details[name]["quantization"]
        shape = [int(n) for n in details[name]["shape"]]
        result.append({"name": name, "shape": shape, "type": "int8", "scale": float(scale), "zero_point": int(zero_point)})
    return result


def mac_count(interpreter):
    """Multiply-adds of one frame, from the file itself: outputs times the taps of each."""
    shapes = {d["index"]: [int(n) for n in d["shape"]] for d in interpreter.get_tensor_details()}
    total = 0
    for operator in interpreter._get_ops_details():
        if operator["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            taps = shapes[operator["inputs"][1]][1:]  # [out, y, x, in], or [1, y, x, channel]
            taps = taps[:2] if operator["op_name"] == "DEPTHWISE_CONV_2D" else taps
            total += math.prod(shapes[operator["outputs"][0]]) * math.prod(taps)
    return total


def commit():
    """The commit of the training code, as it was last changed."""
    folder = os.path.dirname(os.path.abspath(__file__))
    return subprocess.run(["git", "log", "-1", "--format=%H", "--", "."], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=MODEL_DEFAULT, help="the int8 file")
    parser.add_argument("--version", default="5")
    parser.add_argument("--score-min", type=float, default=0.35, help="a detection that may start a track")
    parser.add_argument("--score-low", type=float, default=0.2, help="a detection that may only continue one")
    args = parser.parse_args()

    with open(args.model, "rb") as f:
        data = f.read()
    # The reference kernels: a delegate would hide the operators that it takes over.
    detector = Int8Detector(args.model, reference=True)
    run = detector.run
    outputs = tensors(run.get_output_details(), OUTPUTS)
    manifest = {
        "name": "person",
        "version": args.version,
        "file": os.path.basename(args.model),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "macs": mac_count(detector.interpreter),
        "engine": ENGINE_VERSION,
        "training_commit": commit(),
        "frame": {"width_px": FRAME_WIDTH_PX, "height_px": FRAME_HEIGHT_PX, "format": "yuv420", "range": "full", "matrix": "bt601"},
        "signature": "serving_default",
        "inputs": tensors(run.get_input_details(), INPUTS),
        "outputs": outputs,
        "decode": {
            "cell_px": FRAME_HEIGHT_PX // outputs[0]["shape"][1],
            "score_min": args.score_min,
            "score_low": args.score_low,
            "peak_cells": 3,
            "near_max": NEAR_MAX,
            "overlap_max": OVERLAP_MAX,
            "box": list(BOX_CHANNELS),
        },
        "classes": ["head of a person"],
        "licence_classes": ["A", "B", "rendered"],
    }
    with open(os.path.join(os.path.dirname(args.model), "manifest.json"), "w") as f:
        json.dump(manifest, f, indent=2)
        f.write("\n")
    print(json.dumps(manifest["decode"]), manifest["sha256"])


if __name__ == "__main__":
    main()
