"""Compares compiled kernels with the evaluator on random networks of odd shapes.

    random_graphs.py FOLDER FIRST_SEED COUNT [TARGET [wide|tall]]

Each seed makes a small network: convolutions with random kernels, strides, padding, dilation and groups, batch
normalization, activations, pools, residual adds, dense layers. Its inference graph runs on a batch, and its training
graph takes one step of SGD; both are compared with bnc-evaluate, which computes in double. `wide` networks have 3x3
convolutions of many channels, for which Winograd's algorithm is chosen; `tall` ones have images that a task takes a strip
of, in backward too.
"""

import csv
import os
import random
import subprocess
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

LEARNING_RATE = 4.0


def dense_array(values):
    return "array<i64: %s>" % ", ".join(map(str, values))


class Network:
    """Text of a bnc.graph and the values of its variables."""

    batches = [2, 3, 7, 33]

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.wide = seed % 4 == 3 # weights that kernels read block by block
        self.numbers = np.random.default_rng(seed)
        self.variables, self.values, self.ops, self.count = [], {}, [], 0
        self.channels = self.random.choice([1, 3, 5, 8])
        self.height, self.width = self.random.randint(6, 13), self.random.randint(6, 13)
        self.input_shape = (self.channels, self.height, self.width)
        self.value = "%x"

    def type(self, *shape):
        return "tensor<%sxf32>" % "x".join(["?"] + [str(size) for size in shape])

    def here(self):
        return self.type(self.channels, self.height, self.width)

    def fresh(self):
        self.count += 1
        return "%%v%d" % self.count

    def variable(self, collection, shape, values):
        name = "v%d" % len(self.variables)
        text = "tensor<%sxf32>" % "x".join(map(str, shape))
        self.variables.append("bnc.variable %s @%s : %s" % (collection, name, text))
        self.values[name] = values.astype(np.float32)
        value = self.fresh()
        self.ops.append("%s = bnc.read @%s : %s" % (value, name, text))
        return value, text

    def emit(self, text, result_type):
        value = self.fresh()
        self.ops.append("%s = %s" % (value, text))
        self.value = value
        return result_type

    def conv(self):
        r = self.random
        groups = r.choice([g for g in (1, 1, 1, 2, 3, self.channels) if self.channels % g == 0])
        outputs = groups * r.choice([1, 2, 3, 5, 7] if groups > 1 else [100, 128, 192] if self.wide else [1, 3, 6, 8, 11, 16, 20])
        kernel = [r.randint(1, min(4, self.height)), r.randint(1, min(4, self.width))]
        dilation = [r.choice([1, 1, 2]), r.choice([1, 1, 2])]
        strides, pads = [r.choice([1, 1, 2]), r.choice([1, 1, 2, 3])], [r.randint(0, 2) for _ in range(4)]
        sizes = []
        for i, size in enumerate((self.height, self.width)):
            if size + pads[i] + pads[i + 2] < (kernel[i] - 1) * dilation[i] + 1:
                dilation[i] = 1
            sizes.append((size + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilation[i] - 1) // strides[i] + 1)
        fan = self.channels // groups * kernel[0] * kernel[1]
        shape = (outputs, self.channels // groups, *kernel)
        weight, weight_type = self.variable("params", shape, self.numbers.normal(0, fan ** -0.5, shape))
        operands, types = [self.value, weight], [self.here(), weight_type]
        if r.random() < 0.7:
            bias, bias_type = self.variable("params", (outputs,), self.numbers.normal(0, 0.3, outputs))
            operands.append(bias)
            types.append(bias_type)
        self.channels, self.height, self.width = outputs, *sizes
        self.emit("bnc.conv %s {strides = %s, pads = %s, dilations = %s, groups = %d : i64} : (%s) -> %s" % (
            ", ".join(operands), dense_array(strides), dense_array(pads), dense_array(dilation), groups, ", ".join(types), self.here()), None)

    def norm(self, rank2=False):
        n, c = self.numbers, self.channels
        values = [n.normal(1, 0.4, c), n.normal(0, 0.3, c), n.normal(0, 0.3, c), n.uniform(0.5, 2, c)]
        names = [self.variable("params" if i < 2 else "batch_stats", (c,), v) for i, v in enumerate(values)]
        keep = self.random.random() < 0.85 # scale and offset may be absent
        parts = "".join(" %s(%s : %s)" % (word, value, text) for word, (value, text) in list(zip(("scale", "offset"), names)) * keep)
        parts += "".join(" %s(%s : %s)" % (word, value, text) for word, (value, text) in zip(("mean", "variance"), names[2:]))
        self.emit("bnc.batch_norm %s%s {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance %s>} : %s" % (
            self.value, parts, self.random.choice(["sample", "population"]), self.type(c) if rank2 else self.here()), None)

    def activation(self, rank2=False):
        op = self.random.choice(["relu", "sigmoid", "tanh", "leaky_relu", "hard_swish", "elu", "softplus"])
        attributes = " {alpha = 0.1 : f64}" if op in ("leaky_relu", "elu") else ""
        self.emit("bnc.%s %s%s : %s" % (op, self.value, attributes, self.type(self.channels) if rank2 else self.here()), None)

    def pool(self):
        r, before = self.random, self.here()
        if min(self.height, self.width) < 4:
            return
        kernel = r.choice([2, 2, 3])
        stride, pad = r.choice([(2, 0), (kernel, 0), (1, 1), (2, 1)])
        sizes = [(size + 2 * pad - kernel) // stride + 1 for size in (self.height, self.width)]
        self.height, self.width = sizes
        op = r.choice(["avg_pool", "max_pool"])
        extra = ", count_include_pad" if op == "avg_pool" and r.random() < 0.5 else ""
        self.emit("bnc.%s %s {kernel = %s, strides = %s, pads = %s, dilations = %s%s} : (%s) -> %s" % (
            op, self.value, dense_array([kernel] * 2), dense_array([stride] * 2), dense_array([pad] * 4), dense_array([1, 1]), extra, before, self.here()), None)

    def residual(self):
        branch, shape = self.value, (self.channels, self.height, self.width)
        self.activation()
        self.emit("bnc.add %s, %s : (%s, %s) -> %s" % (branch, self.value, self.here(), self.here(), self.here()), None)
        assert shape == (self.channels, self.height, self.width)

    def build(self):
        for _ in range(self.random.randint(1, 3)):
            self.conv()
            for step in (self.norm, self.activation, self.pool, self.residual):
                if self.random.random() < 0.6:
                    step()
        features = self.channels * self.height * self.width
        self.emit("bnc.reshape %s {shape = array<i64: -1, %d>} : (%s) -> %s" % (self.value, features, self.here(), self.type(features)), None)
        for outputs in [self.random.choice([100, 160] if self.wide else [5, 12, 17])] * self.random.randint(0, 1) + [self.random.choice([3, 10])]:
            transposed = self.random.random() < 0.3
            shape = (features, outputs) if transposed else (outputs, features)
            weight, weight_type = self.variable("params", shape, self.numbers.normal(0, features ** -0.5, shape))
            bias, bias_type = self.variable("params", (outputs,), self.numbers.normal(0, 0.3, outputs))
            self.emit("bnc.dense %s, %s, %s%s : (%s, %s, %s) -> %s" % (
                self.value, weight, bias, " {transposed}" if transposed else "", self.type(features), weight_type, bias_type, self.type(outputs)), None)
            features = self.channels = outputs
            if outputs not in (3, 10):
                self.norm(rank2=True)
                self.activation(rank2=True)
        self.classes = features
        return "module attributes {bnc.phase = \"import\", bnc.weights = \"weights.safetensors\"} {\n%s\nbnc.graph model @net(%%x: %s {bnc.name = \"x\"}) -> (%s {bnc.name = \"y\"}) {\n  %s\n  bnc.return %s : %s\n}\n}\n" % (
            "\n".join(self.variables), self.type(*self.input_shape), self.type(self.classes), "\n  ".join(self.ops), self.value, self.type(self.classes))


class WideNetwork(Network):
    def __init__(self, seed):
        super().__init__(seed)
        self.channels = self.random.choice([16, 24, 40, 64])
        self.height, self.width = self.random.randint(9, 21), self.random.randint(9, 21)
        self.input_shape = (self.channels, self.height, self.width)

    def conv(self):
        outputs, pads = self.random.choice([16, 24, 32, 48, 72]), [self.random.randint(0, 2) for _ in range(4)]
        if min(self.height, self.width) < 3:
            pads = [1] * 4
        shape = (outputs, self.channels, 3, 3)
        weight, weight_type = self.variable("params", shape, self.numbers.normal(0, (self.channels * 9) ** -0.5, shape))
        operands, types = [self.value, weight], [self.here(), weight_type]
        if self.random.random() < 0.7:
            bias, bias_type = self.variable("params", (outputs,), self.numbers.normal(0, 0.3, outputs))
            operands.append(bias)
            types.append(bias_type)
        self.channels = outputs
        self.height, self.width = self.height + pads[0] + pads[2] - 2, self.width + pads[1] + pads[3] - 2
        self.emit("bnc.conv %s {strides = array<i64: 1, 1>, pads = %s, dilations = array<i64: 1, 1>, groups = 1 : i64} : (%s) -> %s" % (
            ", ".join(operands), dense_array(pads), ", ".join(types), self.here()), None)


class TallNetwork(Network):
    batches = [2, 3, 7] # of many elements one is likely to be where rounding decides on which side of a kink it is

    def __init__(self, seed):
        super().__init__(seed)
        self.channels = self.random.choice([24, 32, 48])
        self.height, self.width = self.random.choice([30, 32, 36, 48]), self.random.randint(14, 24)
        self.input_shape = (self.channels, self.height, self.width)

    def pool(self):
        if self.random.random() < 0.3:
            super().pool()

    def conv(self):
        kernel, stride, depthwise = self.random.choice([(1, 1, False), (1, 2, False), (3, 1, False), (3, 2, False), (3, 1, True), (3, 2, True), (5, 1, True)])
        outputs = self.channels if depthwise else self.random.choice([16, 24, 40, 48])
        shape = (outputs, 1 if depthwise else self.channels, kernel, kernel)
        weight, weight_type = self.variable("params", shape, self.numbers.normal(0, (shape[1] * kernel ** 2) ** -0.5, shape))
        operands, groups = "%s, %s" % (self.value, weight), self.channels if depthwise else 1
        types = "%s, %s" % (self.here(), weight_type)
        self.channels, self.height, self.width = outputs, (self.height - 1) // stride + 1, (self.width - 1) // stride + 1
        self.emit("bnc.conv %s {strides = %s, pads = %s, dilations = array<i64: 1, 1>, groups = %d : i64} : (%s) -> %s" % (
            operands, dense_array([stride] * 2), dense_array([kernel // 2] * 4), groups, types, self.here()), None)


KINDS = {"wide": WideNetwork, "tall": TallNetwork}


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if result.returncode != 0:
        raise RuntimeError("%s\n%s" % (" ".join(command), result.stderr[-2000:]))
    return result.stdout


def distance(found, expected, scale=None):
    return np.abs(found.astype(np.float64) - expected).max() / max(np.abs(expected if scale is None else scale).max(), 1e-30)


def compare(path, text, values, x, labels, target):
    """How far the compiled inference graph and one step of the training graph are from the evaluator's."""
    os.makedirs(path, exist_ok=True)
    file = lambda name: os.path.join(path, name)
    open(file("net.mlir"), "w").write(text)
    save_file(values, file("weights.safetensors"))
    np.save(file("x.npy"), x)
    np.save(file("labels.npy"), labels)
    worst = {}

    run("bnc", "run", file("net.mlir"), "--weights", file("weights.safetensors"), "--input", file("x.npy"), "--output", file("y.npy"), "--target=" + target)
    run("bnc-evaluate", file("net.mlir"), "--input", "x=" + file("x.npy"), "--variables", file("weights.safetensors"), "--output-dir", file("infer"))
    worst["output"] = distance(np.load(file("y.npy")), np.load(file("infer/y.npy")))

    run("bnc", "train", file("net.mlir"), "--weights", file("weights.safetensors"), "--data", file("x.npy"), "--labels", file("labels.npy"),
        "--batch", str(len(x)), "--steps", "1", "--optimizer=sgd:lr=%g" % LEARNING_RATE, "-o", file("out.safetensors"), "--metrics", file("metrics.csv"), "--target=" + target)
    open(file("train.mlir"), "w").write(run("bnc", "compile", file("net.mlir"), "--compile-to=training", "--optimizer=sgd", "-o", "-"))
    run("bnc-evaluate", file("train.mlir"), "--input", "x=" + file("x.npy"), "--input", "labels=" + file("labels.npy"), "--variables", file("weights.safetensors"),
        "--lr=%g" % LEARNING_RATE, "--output-dir", file("train"))
    trained = load_file(file("out.safetensors"))
    largest = max(np.abs(np.load(file("train/%s.npy" % name)) - value).max() for name, value in values.items() if os.path.exists(file("train/%s.npy" % name)))
    squares = 0
    for name, value in values.items():
        if not os.path.exists(file("train/%s.npy" % name)):
            assert np.array_equal(trained[name], value), "%s moved, though nothing updates it" % name
            continue
        expected = np.load(file("train/%s.npy" % name))
        # How far the update is off, relative to the largest update; storing the sum in float costs an ulp of the value.
        error = np.maximum(np.abs(trained[name] - expected) - 1.2e-7 * np.abs(expected), 0).max()
        worst["update of " + name] = error / largest
        if "bnc.variable params @%s " % name in text:
            squares += (((value - expected) / LEARNING_RATE) ** 2).sum()
    with open(file("metrics.csv")) as table:
        found = float(next(csv.DictReader(table))["gradient_norm"])
    worst["norm of the gradient"] = abs(found - squares ** 0.5) / squares ** 0.5
    return worst


def check(folder, seed, target, network):
    text = network.build()
    batch = network.random.choice(network.batches)
    numbers = np.random.default_rng(seed + 1)
    x = numbers.normal(0, 1, (batch, *network.input_shape)).astype(np.float32)
    labels = numbers.integers(0, network.classes, batch).astype(np.int32)
    return batch, compare(os.path.join(folder, "seed%d" % seed), text, network.values, x, labels, target)


def main():
    folder, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    target = sys.argv[4] if len(sys.argv) > 4 else "host"
    kind = KINDS[sys.argv[5]] if len(sys.argv) > 5 else Network
    failed = 0
    for seed in range(first, first + count):
        try:
            batch, worst = check(folder, seed, target, kind(seed))
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print("seed %d: %s" % (seed, error))
            failed += 1
            continue
        name = max(worst, key=worst.get)
        # A chain of layers adds up what each may be off by.
        bad = worst["output"] > 2e-5 or worst[name] > 1e-4
        failed += bad
        print("seed %d, batch %d: output off by %.1e, most: %s by %.1e%s" % (seed, batch, worst["output"], name, worst[name], " WRONG" if bad else ""))
    print("%d networks, %d wrong" % (count, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
