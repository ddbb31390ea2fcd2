"""compare-flax.py --bnc=PROGRAM --python=PYTHON --work=FOLDER: times the training step of the MLP of Flax's BatchNorm
guide, compiled by bnc and jitted by Flax, on batches that lie in memory, as side_by_side says.
"""
import argparse
import os
import sys
import tempfile

import model_program
from side_by_side import Side, check_losses, measure

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDENS = os.path.join(HERE, "..", "..", "tests", "goldens")
sys.path.insert(0, GOLDENS)
import make_flax_mlp as mlp


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bnc", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--batch", type=int, default=mlp.BATCH)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--steps", type=int, default=500, help="steps of a block")
    arguments = parser.parse_args()
    bench, weights = model_program.make(arguments.bnc, os.path.join(GOLDENS, "flax_mlp.onnx"), "flax_mlp", arguments.work,
                                        "--optimizer=adam")

    with tempfile.TemporaryDirectory() as folder:
        samples, labels = os.path.join(folder, "samples"), os.path.join(folder, "labels")
        for array, path in zip(mlp.data(16 * arguments.batch, 1), (samples, labels)):
            array.tofile(path)
        shared = [samples, labels, str(arguments.batch)]
        sides = [Side("bnc", [bench, "train", weights, *shared, str(arguments.threads), str(mlp.LEARNING_RATE)]),
                 Side("Flax (jit)", [arguments.python, os.path.join(HERE, "flax-step.py"), *shared])]
        check_losses(sides)
        title = "MLP of Flax's BatchNorm guide, training step, batch %d, bnc with %d thread%s" % (
            arguments.batch, arguments.threads, "" if arguments.threads == 1 else "s")
        measure(title, sides, arguments.pairs, arguments.steps)


if __name__ == "__main__":
    main()
