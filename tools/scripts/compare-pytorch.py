"""compare-pytorch.py --bench=PROGRAM --python=PYTHON --model=ONNX --weights=SAFETENSORS: times the training step of
LeNet-BN, compiled by bnc and in PyTorch (eager), on real Fashion-MNIST batches that lie in memory, as side_by_side
says. PyTorch runs in both memory layouts.
"""
import argparse
import gzip
import os
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

from side_by_side import Side, measure

LAYOUTS = ("contiguous_format", "channels_last")


def read_idx(path, header):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1.0)
    parser.add_argument("--pairs", type=int, default=25)
    parser.add_argument("--steps", type=int, default=20, help="steps of a block")
    arguments = parser.parse_args()
    batches = 16
    count = batches * arguments.batch

    with tempfile.TemporaryDirectory() as folder:
        images, labels = os.path.join(folder, "images"), os.path.join(folder, "labels")
        weights = os.path.join(folder, "weights.npz")
        pixels = read_idx(arguments.data + "/train-images-idx3-ubyte.gz", 16)[:count * 784]
        (pixels.astype(np.float32) / np.float32(255)).tofile(images)
        read_idx(arguments.data + "/train-labels-idx1-ubyte.gz", 8)[:count].astype(np.int32).tofile(labels)
        np.savez(weights, **{i.name: numpy_helper.to_array(i) for i in onnx.load(arguments.model).graph.initializer})

        shared = [images, labels, str(arguments.batch), str(arguments.threads), str(arguments.learning_rate)]
        bnc = Side("bnc", [arguments.bench, arguments.weights] + shared)
        worker = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch-step.py")
        peers = [Side("PyTorch " + layout, [arguments.python, worker, weights] + shared + [layout]) for layout in LAYOUTS]
        measure("LeNet-BN training step, batch %d, %d threads" % (arguments.batch, arguments.threads), bnc, peers,
                arguments.pairs, arguments.steps)


if __name__ == "__main__":
    main()
