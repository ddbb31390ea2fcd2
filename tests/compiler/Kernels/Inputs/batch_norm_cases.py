"""batch_norm_cases.py FOLDER [TARGET]: batch normalization and running averages where they are unusual: every rank from 2
to 5 with every feature dimension, no running statistics, a mean far from zero, running averages of other tensors. Output
and one step of training, compiled, against bnc-evaluate, which computes in double."""
import os
import sys

import numpy as np
from random_graphs import compare, distance
from safetensors.numpy import load_file

CLASSES = 4


class Model:
    def __init__(self, shape, seed):
        self.shape, self.numbers = shape, np.random.default_rng(seed)
        self.values, self.lines, self.variables, self.value, self.count = {}, [], [], "%x", 0

    def type(self, *shape):
        return "tensor<%sxf32>" % "x".join("?" if size is None else str(size) for size in shape)

    def here(self):
        return self.type(None, *self.shape)

    def variable(self, collection, name, shape, low, high):
        if name not in self.values:
            self.values[name] = self.numbers.uniform(low, high, shape).astype(np.float32)
            self.variables.append("bnc.variable %s @%s : %s" % (collection, name, self.type(*shape)))
        self.lines.append("%%%s%d = bnc.read @%s : %s" % (name, self.count, name, self.type(*shape)))
        return "%%%s%d" % (name, self.count)

    def emit(self, text):
        self.count += 1
        self.value = "%%v%d" % self.count
        self.lines.append("%s = %s" % (self.value, text))

    def batch_norm(self, feature, prefix, running=True, decay=0.9):
        channels = self.shape[feature - 1]
        vector = self.type(channels)
        scale = self.variable("params", prefix + "scale", (channels,), 0.5, 1.5)
        offset = self.variable("params", prefix + "offset", (channels,), -0.5, 0.5)
        statistics = ""
        if running:
            mean = self.variable("batch_stats", prefix + "mean", (channels,), -0.2, 0.2)
            variance = self.variable("batch_stats", prefix + "variance", (channels,), 0.5, 2)
            statistics = " mean(%s : %s) variance(%s : %s)" % (mean, vector, variance, vector)
        self.emit("bnc.batch_norm %s scale(%s : %s) offset(%s : %s)%s {feature_index = %d : i64, epsilon = 1.0e-3, decay = %r, "
                  "running_variance = #bnc<running_variance sample>} : %s" % (
                      self.value, scale, vector, offset, vector, statistics, feature, float(decay), self.here()))

    def centre(self, name, decay):
        """Subtracts the running average of the value, as Flax's bias adder does."""
        shape = self.type(*self.shape)
        average = self.variable("batch_stats", name, self.shape, -0.3, 0.3)
        value = self.value
        self.emit("bnc.running_average %s average(%s) {decay = %g} : (%s, %s) -> %s" % (value, average, decay, self.here(), shape, shape))
        self.emit("bnc.sub %s, %s : (%s, %s) -> %s" % (value, self.value, self.here(), shape, self.here()))

    def unary(self, op):
        self.emit("bnc.%s %s : %s" % (op, self.value, self.here()))

    def text(self):
        """With a dense layer at the end."""
        features, shape = int(np.prod(self.shape)), self.here()
        weight = self.variable("params", "weight", (CLASSES, features), -1, 1)
        flat, matrix, result = self.type(None, features), self.type(CLASSES, features), self.type(None, CLASSES)
        if len(self.shape) > 1:
            self.emit("bnc.reshape %s {shape = array<i64: -1, %d>} : (%s) -> %s" % (self.value, features, shape, flat))
        self.emit("bnc.dense %s, %s : (%s, %s) -> %s" % (self.value, weight, flat, matrix, result))
        return ("module attributes {bnc.phase = \"import\", bnc.weights = \"weights.safetensors\"} {\n%s\nbnc.graph model @net(%%x: %s "
                "{bnc.name = \"x\"}) -> (%s {bnc.name = \"y\"}) {\n  %s\n  bnc.return %s : %s\n}\n}\n" % (
                    "\n".join(self.variables), self.input, result, "\n  ".join(self.lines), self.value, result))


def model(shape, seed):
    made = Model(shape, seed)
    made.input = made.here()
    return made


SHAPES = {2: (11,), 3: (5, 7), 4: (3, 4, 5), 5: (3, 2, 4, 5)}


def cases():
    for rank, shape in SHAPES.items():
        for feature in range(1, rank):
            made = model(shape, rank * 10 + feature)
            made.batch_norm(feature, "a")
            made.unary("tanh")
            made.batch_norm(feature, "b")
            yield "rank %d, feature dimension %d" % (rank, feature), made, 0, 1
    for rank, shape in SHAPES.items():
        made = model(shape, rank)
        made.batch_norm(1, "a", running=False)
        made.unary("sigmoid")
        made.batch_norm(rank - 1, "b", running=False)
        yield "no running statistics, rank %d" % rank, made, 0, 1
    for rank, shape in SHAPES.items():
        made = model(shape, 100 + rank)
        made.batch_norm(1, "a")
        made.centre("average", 0.9)
        made.unary("tanh")
        made.centre("average", 0.7) # the same variable again
        made.centre("other", 0.99)
        yield "running averages, rank %d" % rank, made, 0, 1
    for rank, shape in SHAPES.items():
        made = model(shape, 200 + rank)
        made.batch_norm(1, "a", decay=0) # the running statistics are those of the batch
        yield "mean = 10000 standard deviations, rank %d" % rank, made, 1e4, 1


def main():
    folder, target = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "host"
    wrong = 0
    for index, (name, made, mean, deviation) in enumerate(cases()):
        batch = 5 + index % 4
        x = made.numbers.normal(mean, deviation, (batch, *made.shape)).astype(np.float32)
        labels = made.numbers.integers(0, CLASSES, batch).astype(np.int32)
        path = os.path.join(folder, "case%d" % index)
        worst = compare(path, made.text(), made.values, x, labels, target)
        # An element has 24 bits, of which a mean this far away takes 13: the norm sees it, what is stored rounds it off.
        norm = worst.pop("norm of the gradient")
        at = max(worst, key=worst.get)
        bad = not worst[at] < 1e-5 or not norm < (1e-5 if mean == 0 else 1e-3)
        if mean != 0:
            found = load_file(os.path.join(path, "out.safetensors"))["avariance"]
            expected = np.load(os.path.join(path, "train", "avariance.npy"))
            axes = (0,) + tuple(range(2, x.ndim))
            fast = (x * x).mean(axes, dtype=np.float32) - x.mean(axes, dtype=np.float32) ** 2 # Flax's use_fast_variance
            name += " (variance off by %.1e, as E[x^2] - E[x]^2 by %.1e)" % (distance(found, expected), distance(fast, expected))
            bad |= not distance(found, expected) < 1e-5 or not distance(fast, expected) > 0.1
        wrong += bad
        print("%s%s: most: %s by %.1e" % ("WRONG " if bad else "", name, at, worst[at]))
    print("%d cases, %d wrong" % (index + 1, wrong))


main()
