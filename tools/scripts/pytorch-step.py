"""pytorch-step.py WEIGHTS.npz IMAGES LABELS BATCH THREADS LEARNING_RATE LAYOUT: PyTorch's side of step_bench.c.

The same protocol with LeNet-BN in eager mode; LAYOUT is contiguous_format or channels_last. The last two numbers it
prints are its peak resident memory in KiB and what of it the import of PyTorch took.
"""
import resource
import sys
import time

import numpy as np
import torch
from torch import nn


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    imported = peak()
    weights, images, labels, batch, threads, learning_rate, layout = sys.argv[1:]
    torch.set_num_threads(int(threads))
    layout = getattr(torch, layout)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.BatchNorm2d(6), nn.Sigmoid(), nn.AvgPool2d(2, stride=2),
        nn.Conv2d(6, 16, 5), nn.BatchNorm2d(16), nn.Sigmoid(), nn.AvgPool2d(2, stride=2), nn.Flatten(),
        nn.Linear(256, 120), nn.BatchNorm1d(120), nn.Sigmoid(),
        nn.Linear(120, 84), nn.BatchNorm1d(84), nn.Sigmoid(), nn.Linear(84, 10))
    values = {name[len("net."):]: torch.tensor(value) for name, value in np.load(weights).items()}
    missing, unexpected = net.load_state_dict(values, strict=False)
    if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
        sys.exit("weights do not fit: missing %s, unexpected %s" % (missing, unexpected))
    net = net.to(memory_format=layout).train()
    x = torch.tensor(np.fromfile(images, np.float32)).reshape(-1, 1, 28, 28)
    y = torch.tensor(np.fromfile(labels, np.int32)).long()
    batches = [(a.contiguous(memory_format=layout), b) for a, b in zip(x.split(int(batch)), y.split(int(batch)))]
    optimizer = torch.optim.SGD(net.parameters(), lr=float(learning_rate))
    criterion = nn.CrossEntropyLoss()

    taken = 0
    for line in sys.stdin:
        losses = []
        start = time.perf_counter()
        for _ in range(int(line)):
            image, label = batches[taken % len(batches)]
            optimizer.zero_grad()
            loss = criterion(net(image), label)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
            taken += 1
        elapsed = (time.perf_counter() - start) * 1e3
        print("%.6f %s" % (elapsed, " ".join("%.9g" % loss.item() for loss in losses)), flush=True)
    print("%d %d" % (peak(), imported))


if __name__ == "__main__":
    main()
