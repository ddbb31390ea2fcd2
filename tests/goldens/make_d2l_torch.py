#!/usr/bin/env python3
"""Makes d2l_torch.onnx and d2l_torch.json: LeNet-BN of D2L's chapter on batch normalization (PyTorch tab), 100 steps.

    python3 make_d2l_torch.py [-o FOLDER]        (needs torch, numpy, onnx, onnxscript, and Fashion-MNIST)

SGD with lr 0.1 and momentum 0.9, batches of 256 Fashion-MNIST images in file order. The two float32 runs differ in the
number of threads only. PyTorch's channels_last layout drifts a hundred times further than its default one and is no
measure.
"""

import gzip
import os

import numpy as np

import golden

STEPS, BATCH, LEARNING_RATE, MOMENTUM, EVALUATED, SEED = 100, 256, 0.1, 0.9, 64, 2026
DATA = "/usr/share/datasets/fashion-mnist/"


def read_idx(path, header):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def data(count, seed):
    """The first images of the training set (seed 1) or of the test set."""
    part = "train" if seed == 1 else "t10k"
    pixels = read_idx(DATA + part + "-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)[:count]
    return pixels.astype(np.float32) / np.float32(255), read_idx(DATA + part + "-labels-idx1-ubyte.gz", 8)[:count]


def make():
    import torch
    from torch import nn

    class LeNetBN(nn.Module):
        """In the module nesting that names its variables."""

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

    torch.manual_seed(SEED)
    return LeNetBN().train()


def run(dtype):
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    dtype = getattr(torch, dtype)
    model = make().to(dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    x, labels = data(STEPS * BATCH, 1)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(torch.tensor(x[batch]).to(dtype)),
                                                 torch.tensor(labels[batch]).long())
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        outputs = model(torch.tensor(data(EVALUATED, 2)[0]).to(dtype)).numpy()
    variables = {name: value.numpy() for name, value in model.state_dict().items()
                 if not name.endswith("num_batches_tracked")}
    return losses, variables, outputs


def export(folder):
    import onnx
    import torch

    path = os.path.join(folder, "d2l_torch.onnx")
    torch.onnx.export(make(), (torch.zeros(2, 1, 28, 28),), path, dynamo=True,
                      optimize=False, dynamic_shapes=({0: "N"},), external_data=False, verbose=False)
    strip_traces(onnx, path)


def strip_traces(onnx, path):
    """The exporter writes down where in whose files each node comes from."""
    model = onnx.load(path)
    for holder in [model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]:
        del holder.metadata_props[:]
        holder.doc_string = ""
    onnx.save(model, path)


if __name__ == "__main__":
    golden.main("d2l_torch", __doc__.splitlines()[0], ("torch", "onnxscript", "numpy"),
                {"steps": STEPS, "batch": BATCH, "optimizer": "sgd:lr=%g,momentum=%g" % (LEARNING_RATE, MOMENTUM)}, run, export,
                {"OMP_NUM_THREADS": "1"}, [{"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "2"}])
