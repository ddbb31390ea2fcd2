"""One step of the networks of random_graphs.py with dropout, under every loss, compared with bnc-evaluate.

    training_graphs.py FOLDER FIRST_SEED COUNT
"""

import os
import sys

import numpy as np
from safetensors.numpy import load_file, save_file

from random_graphs import LEARNING_RATE, Network, run

LOSSES = ["softmax-cross-entropy", "softmax-cross-entropy:label-smoothing=0.2", "softmax-cross-entropy:labels=probabilities",
          "softmax-cross-entropy:labels=probabilities,label-smoothing=0.1", "mse", "bce-with-logits"]


class DropoutNetwork(Network):
    dropouts = 0

    def activation(self, rank2=False):
        super().activation(rank2)
        if self.random.random() < 0.7:
            self.dropouts += 1
            self.emit("bnc.dropout %s {ratio = %.2f : f64} : %s" % (
                self.value, self.random.choice([0.1, 0.5, 0.75]), self.type(self.channels) if rank2 else self.here()), None)


def check(folder, seed):
    network, loss, numbers = DropoutNetwork(seed), LOSSES[seed % len(LOSSES)], np.random.default_rng(seed + 1)
    text = network.build()
    path = os.path.join(folder, "seed%d" % seed)
    os.makedirs(path, exist_ok=True)
    file = lambda name: os.path.join(path, name)
    open(file("net.mlir"), "w").write(text)
    save_file(network.values, file("weights.safetensors"))
    batch = network.random.choice([2, 3, 7, 33])
    np.save(file("x.npy"), numbers.normal(0, 1, (batch, *network.input_shape)).astype(np.float32))
    if loss in ("mse", "bce-with-logits") or "probabilities" in loss:
        labels = numbers.dirichlet(np.ones(network.classes), batch).astype(np.float32)
    else:
        labels = numbers.integers(0, network.classes, batch).astype(np.int32)
    np.save(file("labels.npy"), labels)
    run("bnc", "train", file("net.mlir"), "--weights", file("weights.safetensors"), "--data", file("x.npy"), "--labels", file("labels.npy"),
        "--batch", str(batch), "--steps", "1", "--optimizer=sgd:lr=%g" % LEARNING_RATE, "--loss=" + loss, "--seed=%d" % seed,
        "-o", file("out.safetensors"))
    open(file("train.mlir"), "w").write(run("bnc", "compile", file("net.mlir"), "--compile-to=training", "--optimizer=sgd", "--loss=" + loss, "-o", "-"))
    run("bnc-evaluate", file("train.mlir"), "--input", "x=" + file("x.npy"), "--input", "labels=" + file("labels.npy"), "--variables", file("weights.safetensors"),
        "--lr=%g" % LEARNING_RATE, "--dropout-seed=%d" % seed, "--output-dir", file("train"))
    trained = load_file(file("out.safetensors"))
    moved = {name: np.load(file("train/%s.npy" % name)) for name in network.values if os.path.exists(file("train/%s.npy" % name))}
    largest = max(np.abs(value - network.values[name]).max() for name, value in moved.items())
    error = max((np.abs(trained[name] - value) - 1.2e-7 * np.abs(value)).max() for name, value in moved.items()) / largest
    print("seed %d, %d samples, %d dropouts, %s: updates off by %.1e%s" % (seed, batch, network.dropouts, loss, error, "" if error < 1e-4 else " WRONG"))
    return network.dropouts, error < 1e-4


folder, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
results = [check(folder, seed) for seed in range(first, first + count)]
dropouts, right = map(sum, zip(*results))
print("%d networks, %d dropouts, %d wrong" % (count, dropouts, count - right))
sys.exit(0 if right == count and dropouts else 1)
