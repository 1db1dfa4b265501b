"""Networks that were not made by us: Keras applications, quantised to int8 by TFLite's own converter.

    python scripts/golden/foreign.py FOLDER [PICTURES]

Writes FOLDER/NAME.tflite, FOLDER/NAME.inputs.bin, and FOLDER/NAME.{reference,xnnpack}.OUTPUT.bin: 200 inputs of noise and
up to 50 pictures found below the folder PICTURES, one after another, and what TFLite makes of them. foreign.ts starts this
and compares the engine. Weights are random by seed: Keras's own are not needed to compare arithmetic. Normalisation is
given the statistics of its inputs, or else activations of random weights die out with depth.
"""

import json
import os
import pathlib
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")

import numpy as np
import tensorflow as tf

NOISE_COUNT = 200
PICTURE_COUNT = 50
SIDE = 96

RESOLVERS = {
    "reference": tf.lite.experimental.OpResolverType.BUILTIN_REF,
    "xnnpack": tf.lite.experimental.OpResolverType.AUTO,
}


def mobilenet_v1():
    return tf.keras.applications.MobileNet(
        input_shape=(SIDE, SIDE, 3), alpha=0.25, weights=None, classes=10, dropout=0.0
    )


def fomo():
    """Edge Impulse's FOMO: MobileNetV2 0.35 up to stride 8, and probabilities of classes per cell."""
    base = tf.keras.applications.MobileNetV2(input_shape=(SIDE, SIDE, 3), alpha=0.35, weights=None, include_top=False)
    cut = base.get_layer("block_6_expand_relu").output
    head = tf.keras.layers.Conv2D(32, 1, activation="relu", name="head")(cut)
    cells = tf.keras.layers.Conv2D(3, 1, name="logits")(head)
    return tf.keras.Model(base.input, tf.keras.layers.Softmax()(cells))


def mobilenet_v3():
    return tf.keras.applications.MobileNetV3Small(
        input_shape=(SIDE, SIDE, 3), alpha=1.0, minimalistic=False, weights=None, classes=10, dropout_rate=0.0
    )


NETS = {"mobilenet_v1_025": mobilenet_v1, "fomo_v2_035": fomo, "mobilenet_v3_small": mobilenet_v3}


def settle(model, pictures):
    """Gives every batch normalisation the mean and variance that its inputs have on these pictures."""
    for layer in model.layers:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(pictures, training=True)


def convert(model, pictures):
    # A batch of -1 in the file would make every shape dynamic.
    fixed = tf.keras.Input(batch_shape=(1, SIDE, SIDE, 3))
    converter = tf.lite.TFLiteConverter.from_keras_model(tf.keras.Model(fixed, model(fixed)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture[None]] for picture in pictures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def natural(folder):
    """int8 pixels of pictures, those of different folders mixed."""
    suffixes = {".jpg", ".jpeg", ".png"}
    paths = sorted(path for path in pathlib.Path(folder).rglob("*") if path.suffix.lower() in suffixes)
    chosen = [paths[i] for i in np.linspace(0, len(paths) - 1, min(PICTURE_COUNT, len(paths))).astype(int)]
    return [np.asarray(tf.keras.utils.load_img(path, target_size=(SIDE, SIDE)), np.uint8) for path in chosen]


def run(path, inputs, resolver):
    interpreter = tf.lite.Interpreter(model_path=str(path), experimental_op_resolver_type=resolver, num_threads=1)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner("serving_default")
    (name,) = runner.get_input_details()
    return [runner(**{name: values[None]}) for values in inputs]


def main():
    target = pathlib.Path(sys.argv[1])
    random = np.random.default_rng(5)
    noise = random.integers(0, 256, (NOISE_COUNT, SIDE, SIDE, 3)).astype(np.uint8)
    pictures = natural(sys.argv[2]) if len(sys.argv) > 2 else []
    pixels = [*noise, *pictures]
    done = []
    for name, make in NETS.items():
        tf.keras.utils.set_random_seed(7)
        model = make()
        # What Keras's networks are fed differs: MobileNetV3 scales by itself.
        low, scale = (0.0, 1.0) if name.startswith("mobilenet_v3") else (-1.0, 1 / 127.5)
        # Half of the representative pictures are smooth: noise alone leaves few activations far from their mean.
        coarse = tf.image.resize(random.uniform(0, 255, (16, 6, 6, 3)), (SIDE, SIDE)).numpy()
        representative = np.concatenate([noise[:16], coarse]).astype(np.float32) * scale + low
        settle(model, representative)
        path = target / f"{name}.tflite"
        path.write_bytes(convert(model, representative))
        inputs = [(p.astype(np.int16) - 128).astype(np.int8) for p in pixels]
        (target / f"{name}.inputs.bin").write_bytes(np.stack(inputs).tobytes())
        for way, resolver in RESOLVERS.items():
            results = run(path, inputs, resolver)
            for output in results[0]:
                stacked = np.stack([result[output] for result in results])
                (target / f"{name}.{way}.{output}.bin").write_bytes(stacked.tobytes())
        done.append({"name": name, "noise": len(noise), "pictures": len(pictures)})
    (target / "foreign.json").write_text(json.dumps(done))


if __name__ == "__main__":
    main()
