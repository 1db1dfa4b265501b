"""The int8 file, run by TensorFlow's interpreter behind the same call as the float net."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from net import INPUTS, OUTPUTS


def interpreter(path, reference=True):
    """TFLite interpreter; the reference kernels are the definition of right, XNNPACK rounds differently."""
    kinds = tf.lite.experimental.OpResolverType
    return tf.lite.Interpreter(
        str(path), experimental_op_resolver_type=kinds.BUILTIN_REF if reference else kinds.BUILTIN
    )


class Int8Detector:
    """The file behind the same call as Net, one frame at a time, in logits and box units."""

    def __init__(self, path, reference=False):
        self.interpreter = interpreter(path, reference)
        self.interpreter.allocate_tensors()
        self.run = self.interpreter.get_signature_runner("serving_default")
        self.details = self.run.get_output_details()

    def raw(self, frame):
        """frame: name -> uint8 [1, y, x, 1]; returns name -> int8."""
        return self.run(**{n: (frame[n].astype(np.int16) - 128).astype(np.int8) for n in INPUTS})

    def __call__(self, frame):
        result = self.raw(frame)
        values = []
        for name in OUTPUTS:
            scale, zero_point = self.details[name]["quantization"]
            values.append((result[name].astype(np.float32) - zero_point) * scale)
        return values
