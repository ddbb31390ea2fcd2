#!/usr/bin/env python3
"""Times convolutions by each algorithm that the cost model chooses from, and writes down what they took.

    sweep-convolutions.py -o SWEEP.json [NAME...] [--bin=build/bin] [--target=host] [--rounds=7] [--repetitions=9]

A layer stands between two others, as make-layers.py makes them; what counts is the median time of its own kernel: in
inference the convolution's, at batch 1; in training that of the gradient with respect to its input alone (its weights are
not trained), at batch 8. Between two calls a dense layer's weights pass through the cache, as a network's other layers do:
else the layer would find its own weights there. The candidates are those of the remark of `bnc compile --remarks`. They
take turns, so that all see the same weather: in every round each is run `--repetitions` times, on two threads, which share
what brings the weights. The time is the median of the rounds.

Layers that are not named stay as SWEEP.json has them. It prints a table in which the chosen algorithm's time is bold.
tests/compiler/Transforms/Inputs/ranking.py holds the cost model against the file. Needs onnx and numpy.
"""

import argparse
import importlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

import onnx
import side_by_side

make_layers = importlib.import_module("make-layers")

BATCH = {"inference": 1, "training": 8}
COLD_BYTES = 8 << 20 # of weights that are read between two calls of the layer

# Name: (phase, (input channels, output channels, size of the input, kernel, stride, groups)).
LAYERS = {"%dx%d%s-%d-%d-%d-%s" % (kernel, kernel, "s2" if stride == 2 else "", inputs, outputs, size, phase):
              (phase, (inputs, outputs, size, kernel, stride, 1))
          for phase, inputs, outputs, size, kernel, stride in [
              ("inference", 64, 64, 56, 3, 1), ("inference", 128, 128, 28, 3, 1), ("inference", 256, 256, 14, 3, 1), # ResNet
              ("inference", 512, 512, 7, 3, 1),
              ("inference", 64, 64, 112, 3, 1), ("inference", 128, 128, 56, 3, 1), ("inference", 256, 256, 28, 3, 1), # VGG
              ("inference", 512, 512, 14, 3, 1),
              ("inference", 128, 32, 28, 3, 1), ("inference", 128, 32, 7, 3, 1), # DenseNet
              ("inference", 16, 16, 56, 3, 1), ("inference", 24, 24, 14, 3, 1), ("inference", 32, 32, 28, 3, 1),
              ("inference", 32, 32, 14, 3, 1), ("inference", 48, 48, 14, 3, 1),
              ("inference", 64, 64, 7, 3, 1),
              ("training", 64, 128, 56, 3, 2), ("training", 128, 256, 28, 3, 2), ("training", 256, 512, 14, 3, 2), # ResNet
              ("training", 16, 32, 32, 3, 2), ("training", 24, 48, 28, 3, 2),
              ("training", 64, 64, 56, 3, 1), ("training", 256, 256, 14, 3, 1), ("training", 128, 32, 28, 3, 1),
              ("training", 24, 144, 28, 3, 1)]}

# What a remark calls an algorithm, and what the pass does.
ALGORITHMS = {"direct": "direct", "columns": "columns", "Winograd F(2x2, 3x3)": "winograd2", "Winograd F(4x4, 3x3)": "winograd4"}


def run(*command):
    """What a program wrote to stderr."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s failed:\n%s" % (" ".join(command), done.stderr))
    return done.stderr


def describe(phase, inputs, outputs, size, kernel, stride, groups):
    """The layer's convolution as remarks name it."""
    end = (size - 1) // stride + 1
    return "%sconvolution %dx%d%s %d->%d at %dx%d" % ("" if phase == "inference" else "input gradient of ", kernel, kernel,
                                                     "" if stride == 1 else "/%d" % stride, inputs, outputs, end, end)


class Layer:
    def __init__(self, name, folder, arguments):
        self.name, self.folder, self.arguments = name, os.path.join(folder, name), arguments
        self.phase, self.shape = LAYERS[name]
        self.convolution = describe(self.phase, *self.shape)
        os.makedirs(self.folder)
        hidden = COLD_BYTES // 4 // self.shape[1]
        onnx.save(make_layers.make(name, self.shape, hidden), self.path("net.onnx"))
        # What --dump-dir writes knows the nodes' names.
        remarks = run(self.tool("bnc"), "compile", self.path("net.onnx"), "--batch=%d" % BATCH[self.phase],
                      "--phase=" + {"inference": "infer", "training": "train"}[self.phase], "--trainable=^before", "--remarks",
                      "--target=" + arguments.target, "--compile-to=kernels", "--dump-dir=" + self.folder, "-o", self.path("text"))
        self.target = re.search('bnc.target = "(.*?)"', self.read("net.kernels.mlir"))[1]
        found = re.search(r": %s: (.*) at an estimated [\d.]+ kcycles(?: \((.*)\))?; " % re.escape(self.convolution), remarks)
        self.chosen = ALGORITHMS[found[1]]
        others = [ALGORITHMS[name] for name in re.findall(r"(?:, |^)(.*?): [\d.]+", found[2] or "")]
        self.times = {algorithm: [] for algorithm in ALGORITHMS.values() if algorithm in [self.chosen] + others}
        for algorithm in self.times:
            self.lower(algorithm)

    def path(self, name):
        return os.path.join(self.folder, name)

    def tool(self, name):
        return os.path.join(self.arguments.bin, name)

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def lower(self, algorithm):
        """Writes the kernels of an algorithm to ALGORITHM.mlir, as `bnc compile` does those of the cheapest."""
        text = self.path(algorithm + ".mlir")
        run(self.tool("bnc-opt"), self.path("net.%s.mlir" % self.phase), "--mlir-print-debuginfo", "-o", text,
            "--bnc-lower-normalization", "--bnc-merge-updates", "--bnc-form-kernels=target=" + self.target,
            "--bnc-lower-kernels=target=%s threads=2 algorithm=%s" % (self.target, algorithm), "--cse",
            "--bnc-plan-memory=target=" + self.target)
        module = self.read(text).replace('bnc.phase = "%s"' % self.phase, 'bnc.phase = "kernels", bnc.target = "%s"' % self.target, 1)
        with open(text, "w") as file:
            file.write(module)

    def time(self, algorithm):
        run(self.tool("bnc"), "bench", self.path(algorithm + ".mlir"), "--threads=2",
            "--repetitions=%d" % self.arguments.repetitions, "--json=" + self.path("time.json"))
        steps = json.loads(self.read("time.json"))[self.phase]["steps"]
        seconds = [step["seconds"] for step in steps if step["node"] == "layer" and (self.phase == "inference" or "dX" in step["work"])]
        if len(seconds) != 1:
            sys.exit("%s: %d kernels of the layer by %s" % (self.name, len(seconds), algorithm))
        self.times[algorithm].append(seconds[0] * 1e3)

    def result(self):
        return {"name": self.name, "convolution": self.convolution, "phase": self.phase, "batch": BATCH[self.phase],
                "shape": self.shape[:5],
                "milliseconds": {name: float("%.4g" % statistics.median(times)) for name, times in self.times.items()}}


def print_table(layers):
    columns = list(ALGORITHMS.values())
    print("| convolution | " + " | ".join(columns) + " | chosen / fastest |\n|---|" + "---|" * (len(columns) + 1))
    for layer in layers:
        times = layer.result()["milliseconds"]
        cells = [("**%.3g**" if name == layer.chosen else "%.3g") % times[name] if name in times else "" for name in columns]
        print("| %s | %s | %.2f |" % (layer.convolution, " | ".join(cells), times[layer.chosen] / min(times.values())))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="of " + ", ".join(LAYERS))
    parser.add_argument("-o", "--output", required=True, metavar="SWEEP.json")
    parser.add_argument("--bin", default="build/bin", help="folder of bnc and bnc-opt")
    parser.add_argument("--target", default="host")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repetitions", type=int, default=9)
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in LAYERS:
            parser.error("no layer '%s'; there are %s" % (name, ", ".join(LAYERS)))
    with tempfile.TemporaryDirectory() as folder:
        layers = [Layer(name, folder, arguments) for name in arguments.names or LAYERS]
        with open("/proc/cpuinfo") as file:
            processor = re.search(r"model name\s*: (.*)", file.read())[1]
        sweep = {"command": " ".join(["tools/scripts/sweep-convolutions.py"] + [word for word in sys.argv[1:] if word not in LAYERS]),
                 "target": layers[0].target, "processor": processor}
        old = {}
        if os.path.exists(arguments.output):
            with open(arguments.output) as file:
                before = json.load(file)
            if any(before[key] != sweep[key] for key in sweep):
                sys.exit("%s was written by another command or on another machine; remove it first" % arguments.output)
            old = {layer["name"]: layer for layer in before["layers"]}
        for layer in layers: # once before it counts: kernels are compiled
            for algorithm in layer.times:
                layer.time(algorithm)
                layer.times[algorithm].clear()
        foreign = side_by_side.Foreign()
        for _ in range(arguments.rounds):
            for layer in layers:
                for algorithm in layer.times:
                    layer.time(algorithm)
        share = foreign.share()
    results = {**old, **{layer.name: layer.result() for layer in layers}}
    with open(arguments.output, "w") as file:
        file.write(json.dumps(sweep)[:-1].replace(', "', ',\n "') + ',\n "layers": [\n  ' +
                   ",\n  ".join(json.dumps(results[name]) for name in LAYERS if name in results) + "]}\n")
    print_table(layers)
    print("other processes took %.0f %% of the processors%s" % (100 * share, "" if share <= side_by_side.FOREIGN else
          ": the times do not count, run this again on an idle machine"))


if __name__ == "__main__":
    main()
