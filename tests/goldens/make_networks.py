#!/usr/bin/env python3
"""Makes networks/NAME.{onnx,json}: small relatives of torchvision's networks, one step and a few steps of training.

    python3 make_networks.py [-o FOLDER]        (needs torch, torchvision, onnx, onnxscript, numpy)

Made of torchvision's own classes, narrower and shallower: residual blocks with bottlenecks, projections and strides;
dense blocks and transitions; inverted residuals with depthwise convolutions and ReLU6; a plain stack with dense layers
and dropout. The .onnx is what PyTorch exports in training mode without the values, which are a function of name and shape
(tools/scripts/network_values.py) except for the offsets in the .json (torchvision_networks.py, settle). Of every gradient
and running statistic some elements of the float64 run are kept, and how far the farthest of all elements is from it in
float32.
"""

import argparse
import copy
import json
import os
import platform
import re
import sys

import numpy as np
import onnx
import torch
import torchvision
from torch import nn

import golden

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "scripts"))
import network_values
import torchvision_networks

RESOLUTION, BATCH, STEPS, CLASSES, LEARNING_RATE, MOMENTUM, KEPT = 64, 6, 8, 10, 0.01, 0.9, 24


class Plain(nn.Module):
    """VGG's layers before a classifier that is small."""

    def __init__(self):
        super().__init__()
        self.features = torchvision.models.vgg.make_layers([16, "M", 32, "M", 72, 72, "M"], batch_norm=True)
        self.avgpool = nn.AdaptiveAvgPool2d(RESOLUTION // 8)
        self.classifier = nn.Sequential(nn.Linear(72 * (RESOLUTION // 8) ** 2, 48), nn.ReLU(True), nn.Dropout(0.0), nn.Linear(48, CLASSES))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


models = torchvision.models
NETWORKS = {
    "resnet": lambda: models.resnet.ResNet(models.resnet.Bottleneck, [2, 1, 1, 1], num_classes=CLASSES, width_per_group=32),
    "densenet": lambda: models.densenet.DenseNet(growth_rate=12, block_config=(3, 3, 2), num_init_features=24, num_classes=CLASSES),
    "mobilenet": lambda: models.mobilenetv2.MobileNetV2(num_classes=CLASSES, width_mult=0.75, dropout=0.0, inverted_residual_setting=[
        [1, 16, 1, 1], [6, 24, 2, 2], [6, 40, 2, 2]]),
    "vgg": Plain,
}


def train(network, dtype, x, y):
    """The same as in tools/scripts/compare-networks.py, as {quantity: array}."""
    network = copy.deepcopy(network).to(dtype).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    result, losses = {}, []
    with torch.no_grad():
        result["logits"] = copy.deepcopy(network).eval()(torch.tensor(x[:BATCH]).to(dtype)).double().numpy()
    for step in range(STEPS):
        part = slice(step * BATCH, (step + 1) * BATCH)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(torch.tensor(x[part]).to(dtype)), torch.tensor(y[part]).long())
        loss.backward()
        if step == 0:
            result.update(("gradient " + name, value.grad.double().numpy().copy()) for name, value in network.named_parameters())
        optimizer.step()
        losses.append(loss.item())
    result["losses"] = np.array(losses)
    result.update((name, value.double().numpy()) for name, value in network.state_dict().items() if "running_" in name)
    return result


def make(name, folder):
    torch.manual_seed(0)
    x, y = network_values.images(STEPS * BATCH, RESOLUTION), network_values.labels(STEPS * BATCH, CLASSES)
    network = torchvision_networks.fill(NETWORKS[name]()).double().train()
    moved = torchvision_networks.settle(network, torch.tensor(x[:BATCH]).double())
    network.float()
    path = os.path.join(folder, name + ".onnx")
    torchvision_networks.export(network, RESOLUTION, "train", path)
    torchvision_networks.strip_traces(path)
    model = onnx.load(path)
    del model.graph.value_info[:]
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.ClearField("raw_data")
    onnx.save(model, path)

    exact, single = train(network, torch.float64, x, y), train(network, torch.float32, x, y)
    quantities = {}
    for key, value in exact.items():
        step = max(1, value.size // KEPT) if key not in ("losses", "logits") else 1
        quantities[key] = {"spacing": step, "float64": golden.numbers(value.ravel()[::step]), "largest": float("%.6g" % np.abs(value).max()),
                           "float32_distance": float("%.4g" % np.abs(single[key] - value).max())}
    text = json.dumps({
        "made_with": {"python": platform.python_version(), **{package: golden.version(package) for package in (
            "torch", "torchvision", "onnxscript", "numpy")}},
        "resolution": RESOLUTION, "batch": BATCH, "steps": STEPS, "classes": CLASSES,
        "optimizer": "sgd:lr=%g,momentum=%g" % (LEARNING_RATE, MOMENTUM), "offsets": moved, "quantities": quantities}, indent=1)
    with open(os.path.join(folder, name + ".json"), "w") as file:
        file.write(re.sub(r"\[[^][{}]*\]", lambda match: " ".join(match.group().split()), text) + "\n")
    gradients = [entry for key, entry in quantities.items() if key.startswith("gradient")]
    print("%s: %d parameters, %d offsets moved; float32 gradients within %.1e of %.2g, logits %.1e of %.2g, losses %.1e" % (
        name, sum(value.numel() for value in network.parameters()), sum(map(len, moved.values())),
        max(entry["float32_distance"] for entry in gradients), max(entry["largest"] for entry in gradients),
        quantities["logits"]["float32_distance"], quantities["logits"]["largest"], quantities["losses"]["float32_distance"]), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "networks"))
    given = parser.parse_args()
    os.makedirs(given.output, exist_ok=True)
    for network_name in NETWORKS:
        make(network_name, given.output)
