"""Checks one training step of Inputs/training.mlir, evaluated in double, against NumPy written from the definitions.

    check_step.py TRAINING.mlir FOLDER
"""

import os
import subprocess
import sys

import numpy

EPSILON, DECAY, RATE = 1e-5, 0.9, 0.1


def forward(values, x, labels):
    """Loss, and running statistics after the two calls, of the model written out."""
    running = [values["bn.mean"], values["bn.variance"]]

    def batch_norm(y):
        mean, variance = y.mean(0), y.var(0)
        running[0] = DECAY * running[0] + (1 - DECAY) * mean
        running[1] = DECAY * running[1] + (1 - DECAY) * variance * len(y) / (len(y) - 1)
        return values["bn.weight"] * (y - mean) / numpy.sqrt(variance + EPSILON) + values["bn.bias"]

    y = batch_norm(x @ values["fc1.weight"].T + values["fc1.bias"])
    y = batch_norm(1 / (1 + numpy.exp(-y)))
    losses = numpy.log(numpy.exp(y).sum(1)) - y[numpy.arange(len(y)), labels]
    return losses, y.argmax(1) == labels, running


def numeric_gradient(values, name, x, labels):
    gradient = numpy.zeros(values[name].shape)
    for index in numpy.ndindex(*gradient.shape):
        losses = []
        for step in (1e-6, -1e-6):
            moved = dict(values)
            moved[name] = values[name].copy()
            moved[name][index] += step
            losses.append(forward(moved, x, labels)[0].mean())
        gradient[index] = (losses[0] - losses[1]) / 2e-6
    return gradient


def main(module, folder):
    generator = numpy.random.default_rng(1)
    values = {"fc1.weight": generator.normal(size=(4, 3)), "fc1.bias": generator.normal(size=4),
              "bn.weight": generator.normal(size=4), "bn.bias": generator.normal(size=4),
              "bn.mean": generator.normal(size=4), "bn.variance": generator.uniform(0.5, 2, 4)}
    x, labels = generator.normal(size=(5, 3)), numpy.array([0, 1, 2, 3, 1], numpy.int32)
    options = []
    for name, value in dict(values, x=x, labels=labels).items():
        path = os.path.join(folder, name + ".npy")
        numpy.save(path, value)
        options.append("--%s=%s=%s" % ("variable" if name in values else "input", name, path))
    results = os.path.join(folder, "results")
    subprocess.run(["bnc-evaluate", module, "--lr=%g" % RATE, "--output-dir=" + results] + options, check=True)

    def result(name):
        return numpy.load(os.path.join(results, name + ".npy"))

    losses, correct, running = forward(values, x, labels)
    numpy.testing.assert_allclose(result("losses"), losses, rtol=1e-12)
    numpy.testing.assert_array_equal(result("correct"), correct)
    # Two updates, the second one starting from the first.
    numpy.testing.assert_allclose(result("bn.mean"), running[0], rtol=1e-12)
    numpy.testing.assert_allclose(result("bn.variance"), running[1], rtol=1e-12)
    for name in ("fc1.weight", "bn.weight", "bn.bias"):
        moved = values[name] - RATE * numeric_gradient(values, name, x, labels)
        assert numpy.abs(result(name) - values[name]).max() > 1e-6, name
        numpy.testing.assert_allclose(result(name), moved, rtol=1e-8, atol=1e-9, err_msg=name)
    # A bias before batch normalization does not move at all.
    numpy.testing.assert_array_equal(result("fc1.bias"), values["fc1.bias"])
    print("the step is right")


if __name__ == "__main__":
    main(*sys.argv[1:])
