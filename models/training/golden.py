"""Writes test/golden/person.json: rendered frames, what TFLite makes of them, and whom evaluate.decode finds in that.

    python golden.py --work WORK

The runtime must give the same maps, byte for byte, and the same people: then the figures of evaluate.py, which are
measured with TFLite and this folder's decoder, are those of the product. Frames are planar YUV420, deflated, base64.
"""

import argparse
import base64
import hashlib
import json
import os
import zlib

import numpy as np
import tensorflow as tf

from dataset import Rendered, to_yuv
from detector import Int8Detector
from evaluate import MODEL_DEFAULT, decode
from work import work_folder

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "test", "golden", "person.json")
FRAMES = (("test-overhead", 7), ("test-tilted", 5))


def case(detector, part, number, image, floor):
    planes = {n: x.numpy().transpose(1, 2, 0)[None] for n, x in zip("yuv", to_yuv(image))}
    raw = detector.raw(planes)
    heat, box = detector(planes)
    found = decode(heat[0, :, :, 0], box[0].transpose(2, 0, 1), floor)
    pixels = b"".join(planes[n].tobytes() for n in "yuv")
    return {
        "name": f"{part} {number}",
        "frame": base64.b64encode(zlib.compress(pixels, 9)).decode(),
        "maps_sha256": {name: hashlib.sha256(raw[name].tobytes()).hexdigest() for name in ("heat", "box")},
        # score, head x, head y, body left, top, width, height; pixels
        "people": np.round(found, 3).tolist(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", help="folder of rendered pictures (default: $TMPDIR/lethe-training)")
    parser.add_argument("--model", default=MODEL_DEFAULT, help="the int8 file")
    parser.add_argument("--out", default=OUT)
    args = parser.parse_args()
    work, detector = work_folder(args.work), Int8Detector(args.model)
    with open(args.model, "rb") as f:
        model = hashlib.sha256(f.read()).hexdigest()
    with open(os.path.join(os.path.dirname(args.model), "manifest.json")) as f:
        floor = json.load(f)["decode"]["score_low"]
    cases = [case(detector, part, number, Rendered(work, part)[number][0], floor) for part, number in FRAMES]
    golden = {
        "header": {
            "origin": "TFLite's interpreter with XNNPACK, and the decoder of models/training/evaluate.py",
            "command": "python models/training/golden.py",
            "versions": {"tensorflow": tf.__version__, "numpy": np.__version__},
            "sha256": hashlib.sha256("".join(c["frame"] + json.dumps(c["people"]) for c in cases).encode()).hexdigest(),
            "sha256_of": "each case's frame and people, one after another",
        },
        "model_sha256": model,
        "score_low": floor,
        "cases": cases,
    }
    with open(args.out, "w") as f:
        json.dump(golden, f, indent=1)
        f.write("\n")
    print({c["name"]: len(c["people"]) for c in cases})


if __name__ == "__main__":
    main()
