"""Runs .tflite files with TFLite's own interpreter, on inputs and with outputs that are plain bytes.

    python scripts/golden/interpreter.py FOLDER

FOLDER/jobs.json is a list of {"name", "model": file name in FOLDER, "ways": [...], "inputs": [{input name: base64}, ...]};
the answer is FOLDER/results.json: versions, and for each job a list of outputs by each of its ways of computing:
`reference`: TFLite's reference kernels (BUILTIN_REF), the definition of right for this project;
`xnnpack`: what people get by default, XNNPACK where it can and TFLite's optimised kernels elsewhere, one thread.
This script knows nothing of our engine, and shares no code with it.
"""

import base64
import json
import os
import pathlib
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")

import numpy as np
import tensorflow as tf

RESOLVERS = {
    "reference": tf.lite.experimental.OpResolverType.BUILTIN_REF,
    "xnnpack": tf.lite.experimental.OpResolverType.AUTO,
}


def run(path, inputs, resolver):
    interpreter = tf.lite.Interpreter(model_path=str(path), experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner("serving_default")
    details = runner.get_input_details()
    results = []
    for values in inputs:
        arrays = {
            name: np.frombuffer(base64.b64decode(text), details[name]["dtype"]).reshape(details[name]["shape"])
            for name, text in values.items()
        }
        outputs = runner(**arrays)
        results.append({k: base64.b64encode(np.ascontiguousarray(v).tobytes()).decode() for k, v in outputs.items()})
    return results


def main():
    folder = pathlib.Path(sys.argv[1])
    results = []
    for job in json.loads((folder / "jobs.json").read_text()):
        result = {"name": job["name"]}
        for way in job["ways"]:
            # A crash of TFLite takes this process with it; so the name of the culprit is left behind.
            (folder / "running").write_text(f"{job['name']}, {way}")
            try:
                result[way] = run(folder / job["model"], job["inputs"], RESOLVERS[way])
            except (RuntimeError, ValueError) as error:
                result["error"] = f"{way}: {error}"
        results.append(result)
    versions = {"tensorflow": tf.__version__, "numpy": np.__version__}
    (folder / "results.json").write_text(json.dumps({"versions": versions, "results": results}))


if __name__ == "__main__":
    main()
