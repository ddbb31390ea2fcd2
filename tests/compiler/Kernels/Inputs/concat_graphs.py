"""The networks of random_graphs.py with dense blocks: every layer reads the concatenation of all before it.

    concat_graphs.py FOLDER FIRST_SEED COUNT TARGET

Compiled inference and one step of training are compared with bnc-evaluate. Any number of threads gives the same bits.
"""

import os
import sys

import numpy as np

from random_graphs import Network, compare, dense_array, run


class DenseNetwork(Network):
    concats = 0

    def same_conv(self, outputs):
        shape = (outputs, self.channels, 3, 3)
        weight, weight_type = self.variable("params", shape, self.numbers.normal(0, (self.channels * 9) ** -0.5, shape))
        before, self.channels = self.here(), outputs
        self.emit("bnc.conv %s, %s {strides = %s, pads = %s, dilations = %s} : (%s, %s) -> %s" % (
            self.value, weight, dense_array([1, 1]), dense_array([1] * 4), dense_array([1, 1]), before, weight_type, self.here()), None)

    def join(self, parts):
        self.concats += 1
        self.channels = sum(channels for _, channels in parts)
        self.emit("bnc.concat %s {axis = 1 : i64} : (%s) -> %s" % (
            ", ".join(value for value, _ in parts), ", ".join(self.type(channels, self.height, self.width) for _, channels in parts), self.here()), None)

    def residual(self):
        r = self.random
        self.same_conv(r.choice([5, 8, 16, 24]))
        if r.random() < 0.5:
            self.activation()
        parts, growth, nested = [(self.value, self.channels)], r.choice([3, 8, 8, 12, 16]), r.random() < 0.3
        for layer in range(r.randint(1, 3)):
            for step in (self.norm, self.activation):
                if r.random() < 0.8:
                    step()
            self.same_conv(growth)
            parts.append((self.value, self.channels))
            self.join(parts)
            if nested: # concat(concat(a, b), c)
                parts = [(self.value, self.channels)]
        for step in (self.norm, self.activation, self.pool):
            if r.random() < 0.5:
                step()


def same_bits(path, threads, target):
    file = lambda name: os.path.join(path, name)
    results = []
    for count in threads:
        common = ["--weights", file("weights.safetensors"), "--threads=%d" % count, "--target=" + target]
        run("bnc", "run", file("net.mlir"), *common, "--input", file("x.npy"), "--output", file("y%d.npy" % count))
        run("bnc", "train", file("net.mlir"), *common, "--data", file("x.npy"), "--labels", file("labels.npy"), "--batch", "7", "--steps", "1",
            "-o", file("t%d.safetensors" % count))
        results.append([open(file(name % count), "rb").read() for name in ("y%d.npy", "t%d.safetensors")])
    return all(result == results[0] for result in results)


folder, first, count, target = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
wrong = concats = 0
for seed in range(first, first + count):
    network, numbers = DenseNetwork(seed), np.random.default_rng(seed + 1)
    text, path = network.build(), os.path.join(folder, "seed%d" % seed)
    x = numbers.normal(0, 1, (7, *network.input_shape)).astype(np.float32)
    worst = compare(path, text, network.values, x, numbers.integers(0, network.classes, 7).astype(np.int32), target)
    name = max(worst, key=worst.get)
    # A chain of layers adds up what each may be off by.
    bad = worst["output"] > 2e-5 or worst[name] > 1e-4 or not same_bits(path, (1, 2, 7), target)
    concats, wrong = concats + network.concats, wrong + bad
    print("seed %d, %d concats: output off by %.1e, most: %s by %.1e%s" % (seed, network.concats, worst["output"], name, worst[name], " WRONG" if bad else ""))
print("%d networks, %d concats, %d wrong" % (count, concats, wrong))
sys.exit(wrong != 0)
