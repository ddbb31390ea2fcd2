#!/usr/bin/env python3
"""Makes the LeNet-BN golden files of this folder with PyTorch.

    python3 make_lenet_bn.py            (needs torch, numpy, onnx, onnxscript, safetensors, and Fashion-MNIST)

It trains D2L's LeNet-BN for 100 steps on the first 25,600 Fashion-MNIST images in file order (batches of 256,
SGD with lr 0.1 and momentum 0.9), once in float64 and twice in float32, and writes

    lenet_bn_torch.onnx          the untrained model as PyTorch's own exporter writes it
    lenet_bn_final.safetensors   its variables after the float64 run, rounded to float32
    lenet_bn.json                the losses of both runs, how far float32 ended from float64, and the versions

The float32 runs differ in the number of threads only. Each quantity's distance is the larger of theirs: the drift
of float32 itself, against which the drift of another implementation is judged (tests/apps/lenet-parity.test).
PyTorch's channels_last layout drifts a hundred times further than its default one and is no measure.
"""

import argparse
import gzip
import json
import os
import platform

import numpy as np
import safetensors.numpy
import torch
from torch import nn

STEPS, BATCH, LEARNING_RATE, MOMENTUM, SEED = 100, 256, 0.1, 0.9, 2026


class LeNetBN(nn.Module):
    """The network of D2L, chapter "Batch Normalization", in the module nesting that names its variables."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5), nn.BatchNorm2d(6), nn.Sigmoid(), nn.AvgPool2d(2, stride=2),
            nn.Conv2d(6, 16, kernel_size=5), nn.BatchNorm2d(16), nn.Sigmoid(), nn.AvgPool2d(2, stride=2),
            nn.Flatten(),
            nn.Linear(256, 120), nn.BatchNorm1d(120), nn.Sigmoid(),
            nn.Linear(120, 84), nn.BatchNorm1d(84), nn.Sigmoid(),
            nn.Linear(84, 10))
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, x):
        return self.net(x)


def read_idx(path, header):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def variables(model):
    return {name: value.detach().double().contiguous().numpy().copy()
            for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}


def train(images, labels, dtype, threads):
    torch.manual_seed(SEED)
    torch.set_num_threads(threads)
    model = LeNetBN().to(dtype).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        x = torch.tensor(images[batch]).to(dtype).div(255).reshape(-1, 1, 28, 28)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), torch.tensor(labels[batch]).long())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), variables(model)


def export(path):
    torch.manual_seed(SEED)
    model = LeNetBN().train()
    torch.onnx.export(model, (torch.zeros(2, 1, 28, 28),), path, dynamo=True, optimize=False,
                      dynamic_shapes=({0: "N"},), external_data=False, verbose=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist", help="folder of the IDX files")
    parser.add_argument("-o", "--output", default=os.path.dirname(os.path.abspath(__file__)))
    arguments = parser.parse_args()
    images = read_idx(arguments.data + "/train-images-idx3-ubyte.gz", 16).reshape(-1, 784)
    labels = read_idx(arguments.data + "/train-labels-idx1-ubyte.gz", 8)

    exact_losses, exact = train(images, labels, torch.float64, 1)
    distance = {name: 0.0 for name in exact}
    losses, loss_distance = None, 0.0
    for threads in (1, 2):
        run_losses, run = train(images, labels, torch.float32, threads)
        losses = run_losses if losses is None else losses
        loss_distance = max(loss_distance, np.abs(run_losses - exact_losses).max())
        for name in exact:
            distance[name] = max(distance[name], float(np.abs(run[name] - exact[name]).max()))

    export(os.path.join(arguments.output, "lenet_bn_torch.onnx"))
    safetensors.numpy.save_file({name: value.astype(np.float32) for name, value in exact.items()},
                                os.path.join(arguments.output, "lenet_bn_final.safetensors"))
    golden = {
        "made_with": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__,
                      "processor": torch.backends.cpu.get_cpu_capability()},
        "steps": STEPS, "batch": BATCH, "learning_rate": LEARNING_RATE, "momentum": MOMENTUM,
        "float64_losses": [float(loss) for loss in exact_losses],
        "float32_losses": [float(loss) for loss in losses],
        "float32_loss_distance": float(loss_distance),
        "float32_distance": distance,
    }
    with open(os.path.join(arguments.output, "lenet_bn.json"), "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")
    print("losses %.6f .. %.6f, float32 within %.2e" % (exact_losses[0], exact_losses[-1], loss_distance))
    for name in exact:
        print("%-24s %.2e of its largest element" % (name, distance[name] / np.abs(exact[name]).max()))


if __name__ == "__main__":
    main()
