#!/usr/bin/env python3
"""Compares networks of torchvision, trained and run by bnc, with PyTorch in double precision.

    compare-networks.py [NETWORK...] [--bnc=build/bin/bnc] [--resolution=64] [--batch=8] [--steps=20] [--keep=FOLDER]
                        [--chance=TRIALS]

From the values and images of network_values.py, without dropout, and settled for the first batch: no element is so
close to where a ReLU bends that rounding decides about its gradient (torchvision_networks.py). What must hold, with
PyTorch's own float32 run on the same machine as the measure (distances are those of the farthest element):

    gradients       of every parameter in the first step: at most twice as far from float64 as PyTorch's float32 ones, or
                    within 1e-7 of the network's largest gradient
    loss, running   over the steps (SGD, lr 0.01, momentum 0.9): at most three times as far, or within 1e-5 of the
    statistics      largest element
    logits          with the running statistics, at batch 1 and the batch: within 1e-5 of the largest logit
    bits            the same for 1, 2 and 7 threads, in training and inference, and an image's logits the same alone and
                    in any batch

Steps multiply rounding errors, in some networks until nothing is left but them. --chance shows how much of a verdict on
running statistics is luck: it trains PyTorch in float32 and bnc on the same images a rounding off, and holds both to the same
measure. That is no part of what must hold.

Needs torch, torchvision, onnx, onnxscript and safetensors.
"""

import argparse
import copy
import csv
import os
import subprocess
import sys
import tempfile

import network_values
import numpy as np
import safetensors.numpy
import torch
import torchvision_networks

LEARNING_RATE, MOMENTUM, CLASSES = 0.01, 0.9, 1000


def train_torch(network, dtype, x, y, batch, steps):
    """Losses, the first step's gradients, and the running statistics after the last step."""
    network = copy.deepcopy(network).to(dtype).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    losses, gradients = [], None
    for step in range(steps):
        part = slice(step * batch, (step + 1) * batch)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(network(torch.tensor(x[part]).to(dtype)), torch.tensor(y[part]).long())
        loss.backward()
        if step == 0:
            gradients = {key: value.grad.double().numpy().copy() for key, value in network.named_parameters()}
        optimizer.step()
        losses.append(loss.item())
    statistics = {key: value.double().numpy() for key, value in network.state_dict().items() if "running_" in key}
    return np.array(losses), gradients, statistics


def infer_torch(network, x):
    with torch.no_grad():
        return copy.deepcopy(network).double().eval()(torch.tensor(x).double()).numpy()


class Bnc:
    def __init__(self, binary, folder, model):
        self.binary, self.folder, self.model = binary, folder, model

    def file(self, name):
        return os.path.join(self.folder, name)

    def run(self, *words):
        done = subprocess.run([self.binary, *words], capture_output=True, text=True)
        if done.returncode:
            sys.exit("%s\n%s" % (" ".join([self.binary, *words]), done.stderr))

    def train(self, x, y, batch, steps, threads):
        np.save(self.file("x.npy"), x)
        np.save(self.file("y.npy"), y)
        self.run("train", self.model, "--data", self.file("x.npy"), "--labels", self.file("y.npy"), "--batch", str(batch),
                 "--steps", str(steps), "--optimizer=sgd:lr=%g,momentum=%g" % (LEARNING_RATE, MOMENTUM), "--threads=%d" % threads,
                 "--metrics", self.file("metrics.csv"), "-o", self.file("trained.safetensors"))
        with open(self.file("metrics.csv")) as file:
            losses = [float(row["loss"]) for row in csv.DictReader(file)]
        return np.array(losses), safetensors.numpy.load_file(self.file("trained.safetensors"))

    def infer(self, x, batch, threads):
        np.save(self.file("x.npy"), x)
        self.run("run", self.model, "--input", self.file("x.npy"), "--output", self.file("logits.npy"), "--batch=%d" % batch,
                 "--threads=%d" % threads)
        return np.load(self.file("logits.npy"))


def farthest(a, b):
    return np.abs(np.asarray(a, np.float64) - b).max()


def too_far(found, exact, single, factor, floor):
    """The names whose arrays are too far; `floor` of the absolute distances, by name."""
    return [key for key in exact if farthest(found[key], exact[key]) > max(factor * farthest(single[key], exact[key]), floor(key))]


class Report:
    def __init__(self, name):
        self.name, self.wrong = name, 0

    def line(self, text, good):
        self.wrong += not good
        print("%-13s %s%s" % (self.name, text, "" if good else "   WRONG"), flush=True)

    def judge(self, title, found, exact, single, factor, floor):
        """Dictionaries of arrays; prints the worst."""
        worst = max(exact, key=lambda key: farthest(found[key], exact[key]) / max(factor * farthest(single[key], exact[key]), floor(key)))
        ours, theirs = farthest(found[worst], exact[worst]), farthest(single[worst], exact[worst])
        allowed = max(factor * theirs, floor(worst))
        beyond = len(too_far(found, exact, single, factor, floor))
        self.line("%s: %d of %d too far; the worst, %s: %.1e, PyTorch's float32 %.1e, allowed %.1e" % (
            title, beyond, len(exact), worst, ours, theirs, allowed), not beyond)


def compare(name, arguments, folder):
    resolution, batch, steps = arguments.resolution, arguments.batch, arguments.steps
    report = Report(name)
    x = network_values.images(steps * batch, resolution)
    y = network_values.labels(steps * batch, CLASSES)
    network = torchvision_networks.make(name, resolution, dropout=False).double().train()
    torchvision_networks.settle(network, torch.tensor(x[:batch]).double())
    network.float()
    model = os.path.join(folder, "%s.onnx" % name)
    torchvision_networks.export(network, resolution, "train", model)

    bnc = Bnc(arguments.bnc, folder, model)
    exact, single = (train_torch(network, dtype, x, y, batch, steps) for dtype in (torch.float64, torch.float32))
    _, first = bnc.train(x, y, batch, 1, 2)
    # The momentum of the first step is its gradient.
    gradients = {key: first["bnc.optimizer/momentum/" + key] for key in exact[1]}
    largest = max(np.abs(value).max() for value in exact[1].values())
    report.judge("gradients", gradients, exact[1], single[1], 2, lambda key: 1e-7 * largest)
    losses, trained = bnc.train(x, y, batch, steps, 2)
    report.judge("loss over %d steps" % steps, {"loss": losses}, {"loss": exact[0]}, {"loss": single[0]}, 3,
                 lambda key: 1e-5 * exact[0].max())
    measure = exact[2], single[2], 3, lambda key: 1e-5 * np.abs(exact[2][key]).max()
    report.judge("running statistics", trained, *measure)
    random = np.random.default_rng(0)
    for _ in range(arguments.chance):
        beside = np.nextafter(x, random.choice(np.float32([-np.inf, np.inf]), x.shape))
        runs = train_torch(network, torch.float32, beside, y, batch, steps)[2], bnc.train(beside, y, batch, steps, 2)[1]
        report.line("running statistics, images a rounding off: PyTorch's float32 has %d too far, bnc %d" % tuple(
            len(too_far(run, *measure)) for run in runs), True)
    for threads in (1, 7):
        _, other = bnc.train(x, y, batch, 2, threads)
        _, two = bnc.train(x, y, batch, 2, 2)
        report.line("two steps with %d threads: the same bits as with 2" % threads, all(np.array_equal(other[key], two[key]) for key in two))

    logits = infer_torch(network, x[:batch])
    runs = {(size, threads): bnc.infer(x[:batch], size, threads) for size, threads in ((1, 2), (batch, 1), (batch, 2), (batch, 7), (3, 2))}
    for size in (1, batch):
        distance = farthest(runs[size, 2], logits) / np.abs(logits).max()
        report.line("logits at batch %d: within %.1e of the largest" % (size, distance), distance <= 1e-5)
    report.line("logits: the same bits in batches of 1, 3 and %d, with 1, 2 and 7 threads" % batch,
                all(np.array_equal(run, runs[batch, 2]) for run in runs.values()))
    return report.wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", metavar="NETWORK", nargs="*")
    parser.add_argument("--bnc", default="build/bin/bnc")
    parser.add_argument("--resolution", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--keep", metavar="FOLDER", help="keep the files here")
    parser.add_argument("--chance", type=int, default=0, metavar="TRIALS")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or scratch
        os.makedirs(folder, exist_ok=True)
        wrong = sum(compare(name, arguments, folder) for name in arguments.networks or torchvision_networks.NETWORKS)
    print("%d wrong" % wrong)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
