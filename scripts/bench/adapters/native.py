"""TFLite as its makers run it: the C++ interpreter, with XNNPACK or with TFLite's own kernels, one thread.

Talks as protocol.ts says: requests on stdin, replies on descriptor 3. Only bench/engine.ts starts it.
"""
import base64
import json
import os
import resource
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


def find_tflite():
    """The smallest package that has the interpreter: (module, resolver types, version)."""
    try:
        from ai_edge_litert import interpreter
        import importlib.metadata
        return interpreter, interpreter.OpResolverType, "ai-edge-litert " + importlib.metadata.version("ai-edge-litert")
    except ImportError:
        pass
    try:
        import tflite_runtime
        from tflite_runtime import interpreter
        return interpreter, interpreter.OpResolverType, "tflite-runtime " + tflite_runtime.__version__
    except ImportError:
        pass
    import tensorflow as tf
    return tf.lite, tf.lite.experimental.OpResolverType, "tensorflow " + tf.__version__


class Runner:
    def prepare(self, message):
        began = time.perf_counter()
        import numpy as np
        module, resolvers, version = find_tflite()
        resolver = resolvers.AUTO if message["variant"] == "xnnpack" else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        self.interpreter = module.Interpreter(
            model_path=message["modelPath"], num_threads=1, experimental_op_resolver_type=resolver)
        self.interpreter.allocate_tensors()
        inputs, outputs = self.details()
        self.inputs = [inputs[port["name"]] for port in message["inputs"]]
        self.outputs = [outputs[port["name"]] for port in message["outputs"]]
        loaded = time.perf_counter()
        flat = np.fromfile(message["samplesPath"], np.int8)
        self.samples = []
        offset = 0
        for _ in range(message["sampleCount"]):
            sample = []
            for detail in self.inputs:
                count = int(np.prod(detail["shape"]))
                sample.append(flat[offset:offset + count].reshape(detail["shape"]))
                offset += count
            self.samples.append(sample)
        self.writers = [self.interpreter.tensor(detail["index"]) for detail in self.inputs]
        self.readers = [self.interpreter.tensor(detail["index"]) for detail in self.outputs]
        self.next = 0
        first_began = time.perf_counter()
        self.run_one(0)
        first = time.perf_counter() - first_began
        rss_mb = rss_bytes() / 1e6
        steps = []
        for index in range(len(self.samples)):
            self.run_one(index)
            steps += [reader().astype(np.float32).tobytes() for reader in self.readers]
        return {
            "version": version,
            "loadMs": (loaded - began) * 1000,
            "firstRunMs": first * 1000,
            "rssMb": rss_mb,
            "steps": base64.b64encode(b"".join(steps)).decode(),
        }

    def details(self):
        """Inputs and outputs by the names that the reader of the bench has."""
        if "serving_default" in self.interpreter.get_signature_list():
            runner = self.interpreter.get_signature_runner("serving_default")
            return runner.get_input_details(), runner.get_output_details()
        return ({d["name"]: d for d in self.interpreter.get_input_details()},
                {d["name"]: d for d in self.interpreter.get_output_details()})

    def run_one(self, index):
        for writer, values in zip(self.writers, self.samples[index]):
            writer()[...] = values
        self.interpreter.invoke()

    def run(self, message):
        self.loop(message["warmUpMs"])
        cpu, began = time.process_time(), time.perf_counter()
        times = self.loop(message["ms"])
        passed = time.perf_counter() - began
        return {"us": [round(ns / 1000, 1) for ns in times], "cores": (time.process_time() - cpu) / passed}

    def loop(self, ms):
        times = []
        now = time.perf_counter_ns()
        end = now + ms * 1e6
        while not times or now < end:
            self.run_one(self.next)
            after = time.perf_counter_ns()
            times.append(after - now)
            now = after
            self.next = (self.next + 1) % len(self.samples)
        return times


def rss_bytes():
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main():
    runner = Runner()
    with os.fdopen(3, "w") as replies:
        for line in sys.stdin:
            message = json.loads(line)
            try:
                reply = runner.prepare(message) if message["op"] == "prepare" else runner.run(message)
            except Exception as error:  # Whatever it was, the bench goes on without this engine.
                reply = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
            replies.write(json.dumps(reply) + "\n")
            replies.flush()


main()
