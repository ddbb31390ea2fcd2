#!/usr/bin/env python3
"""Checks and times the layers of make-layers.py.

    measure-layers.py [LAYER...] [--batch=8] [--threads=2] [--repetitions=10]

For every layer: the result of inference and all gradients of a training step with two samples against float64 by NumPy
(float64_training.py). No error may exceed --tolerance of the tensor's largest element, unless the same steps in float32
by NumPy lose as much: 1.5 times their error is allowed. The table has the largest errors of both. Then what `bnc bench`
says of the layer in the middle: forward, backward (the gradients of its input and of its weights, one kernel) and in
inference. GF/s are those of a direct convolution, also where Winograd's algorithm multiplies less. A residual block is
two layers with all that lies between them: statistics, their merging, coefficients, the sum, ReLU.

Then the weight gradient of some: alone, as in a network where only this weight is trained; the tile of outputs by
inputs by taps that it adds up in registers; the slices, one for each chain of tasks; and whether two steps with 1, 2 and
7 threads give the same weights file, bit for bit. Fails if a check does.

Needs onnx, numpy and safetensors.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile

import float64_training
import model_program
import numpy as np
import onnx
import safetensors.numpy

make_layers = importlib.import_module("make-layers")
WEIGHT_GRADIENTS = "conv3x3-64-56", "conv3x3-256-14", "conv3x3-512-7"
THREADS = 1, 2, 7


class Layer:
    def __init__(self, name, options, folder):
        self.name, self.options, self.folder = name, options, folder
        self.model = self.file(".onnx")
        self.made = make_layers.make(name, make_layers.LAYERS[name])
        onnx.save(self.made, self.model)
        self.shape = make_layers.LAYERS[name][0], make_layers.LAYERS[name][2], make_layers.LAYERS[name][2]

    def file(self, ending):
        return os.path.join(self.folder, self.name + ending)

    def bnc(self, verb, model, *words):
        model_program.run(self.options.bnc, verb, model, *words)

    def samples(self, count):
        random = np.random.default_rng(1)
        x = random.normal(size=(count, *self.shape)).astype(np.float32)
        np.save(self.file(".x.npy"), x)
        labels = random.integers(0, 10, count).astype(np.int32)
        np.save(self.file(".labels.npy"), labels)
        return x, labels

    def train(self, model, batch, steps, threads):
        """The weights file after some steps."""
        trained = self.file(".%d.safetensors" % threads)
        self.bnc("train", model, "--data", self.file(".x.npy"), "--labels", self.file(".labels.npy"), "--batch=%d" % batch,
                 "--steps=%d" % steps, "--optimizer=sgd:lr=0.01,momentum=0.9", "--threads=%d" % threads, "-o", trained)
        return trained

    def errors(self, batch=2):
        """Of the result of inference and of every gradient: its error and that of float32, as shares of the largest
        element."""
        settled = self.file(".settled.onnx")
        network = float64_training.Network(self.made)
        x, labels = self.samples(batch)
        network.settle(x)
        onnx.save(self.made, settled)
        single = float64_training.Network(self.made, np.float32)
        self.bnc("run", settled, "--input", self.file(".x.npy"), "--output", self.file(".y.npy"), "--batch=%d" % batch)
        trained = safetensors.numpy.load_file(self.train(settled, batch, 1, self.options.threads))
        error = lambda found, exact: np.abs(found - exact).max() / np.abs(exact).max()
        both = lambda found, float32, exact: (error(found, exact), error(float32, exact))
        exact, float32 = network.gradients(x, labels)[1], single.gradients(x, labels)[1]
        # The momentum of the first step is its gradient.
        gradients = {name: both(trained["bnc.optimizer/momentum/" + name], float32[name], exact[name]) for name in exact}
        return both(np.load(self.file(".y.npy")), single.infer(x), network.infer(x)), gradients

    def bench(self, *words):
        times = self.file(".json")
        self.bnc("bench", self.model, "--batch=%d" % self.options.batch, "--threads=%d" % self.options.threads,
                 "--repetitions=%d" % self.options.repetitions, "--json=" + times, *words)
        with open(times) as file:
            return json.load(file)

    def same_bits(self):
        self.samples(2 * self.options.batch)
        files = []
        for threads in THREADS:
            with open(self.train(self.model, self.options.batch, 2, threads), "rb") as file:
                files.append(file.read())
        return all(file == files[0] for file in files)


def is_of(step, layers):
    return step["node"].split(".")[0] in layers


def is_kernel_of(step, layer):
    return step["node"] == layer and step["function"] == "bnc_rt_launch"


def halves(training):
    """The steps before the loss and those after it."""
    steps = training["steps"]
    loss = next(i for i, step in enumerate(steps) if step["function"] == "bnc_rt_loss")
    return steps[:loss], steps[loss:]


def figures(steps, peak):
    """Milliseconds, GF/s, share of the peak, MB and GB/s of several steps together."""
    steps = list(steps)
    seconds, flops, size = (sum(step.get(key, 0) for step in steps) for key in ("seconds", "flops", "bytes"))
    return "%.2f ms | %.0f | %.0f %% | %.1f | %.1f" % (
        seconds * 1e3, flops / seconds * 1e-9, 100 * flops / seconds / peak["flops"], size / 1e6, size / seconds * 1e-9)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("layers", nargs="*", metavar="LAYER", help="of " + ", ".join(make_layers.LAYERS))
    parser.add_argument("--bnc", default=os.path.join(root, "build", "bin", "bnc"))
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--tolerance", type=float, default=1e-5)
    options = parser.parse_args()
    names = options.layers or list(make_layers.LAYERS)
    for name in names:
        if name not in make_layers.LAYERS:
            parser.error("no layer '%s'; there are %s" % (name, ", ".join(make_layers.LAYERS)))

    wrong, peak = 0, None
    with tempfile.TemporaryDirectory() as folder:
        print("| layer | | time | GF/s | of peak | MB | GB/s | error | of float32 NumPy |")
        print("|" + "---|" * 9)
        for name in names:
            layer = Layer(name, options, folder)
            inference, gradients = layer.errors()
            times = layer.bench()
            peak = times["peak"]
            forward, backward = halves(times["training"])
            is_block = name.startswith("residual")
            measured = lambda step: is_of(step, ("layer", "after")) if is_block else is_kernel_of(step, "layer")
            largest = tuple(max(errors) for errors in zip(*gradients.values()))
            for title, steps, errors in (("forward", forward, ()), ("backward", backward, largest),
                                         ("inference", times["inference"]["steps"], inference)):
                shown = ["%.1e" % error for error in errors] or ["", ""]
                found = figures(filter(measured, steps), peak)
                print("| %s | %s | %s | %s |" % (name, title, found, " | ".join(shown)), flush=True)
            for what, (error, float32) in [("the result of inference", inference), *gradients.items()]:
                if not error <= max(options.tolerance, 1.5 * float32):
                    print("%s: %s is off by %.1e of its largest element, float32 by %.1e" % (name, what, error, float32))
                    wrong += 1

        chosen = [name for name in names if name in WEIGHT_GRADIENTS]
        if chosen:
            print("\n| weight gradient | tile | slices | MB of slices | time | GF/s | of peak | MB | GB/s | "
                  "same bits with %s threads |" % ", ".join(map(str, THREADS)))
            print("|" + "---|" * 10)
        for name in chosen:
            layer = Layer(name, options, folder)
            times = layer.bench("--phase=train", "--trainable=^layer.weight$")
            steps = [step for step in halves(times["training"])[1] if is_kernel_of(step, "layer")]
            same = layer.same_bits()
            wrong += not same
            for step in steps:
                for gradient in step["weight_gradients"]:
                    tile = gradient["tile"]
                    print("| %s | %d x %d x %d | %d | %.1f | %s | %s |" % (
                        name, tile["outputs"], tile["inputs"], tile["width"] * tile["height"], gradient["slices"],
                        gradient["slice_bytes"] / 1e6, figures([step], times["peak"]), "yes" if same else "NO"), flush=True)
        print("\nPeak: %.0f GF/s, %.0f GB/s read, %d threads, batch %d" % (
            peak["flops"] / 1e9, peak["bytes"] / 1e9, options.threads, options.batch))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
