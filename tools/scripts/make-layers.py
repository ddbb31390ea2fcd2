#!/usr/bin/env python3
"""Writes single layers of well-known networks as ONNX files, for `bnc bench`.

    make-layers.py -o FOLDER [NAME...]

Each file has a layer between two others of its kind, every one with batch normalization and ReLU, so that the one in the
middle reads and writes what layers inside a network do. Needs onnx and numpy.
"""

import argparse
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Name: (input channels, output channels, size of the input, kernel, stride, groups) of the layer in the middle.
LAYERS = {
    "conv3x3-64-56": (64, 64, 56, 3, 1, 1), # ResNet-18
    "conv3x3-128-28": (128, 128, 28, 3, 1, 1),
    "conv3x3-256-14": (256, 256, 14, 3, 1, 1),
    "conv3x3-512-7": (512, 512, 7, 3, 1, 1),
    "conv1x1-256-64-56": (256, 64, 56, 1, 1, 1), # ResNet-50
    "conv1x1-512-2048-7": (512, 2048, 7, 1, 1, 1),
    "conv1x1-512-128-14": (512, 128, 14, 1, 1, 1), # DenseNet-121
    "depthwise-144-56-2": (144, 144, 56, 3, 2, 144), # MobileNetV2
    "residual-64-56": (64, 64, 56, 3, 1, 1), # with the input of the first layer added to the last one's result
}


class Graph:
    def __init__(self, name):
        self.name, self.nodes, self.initializers, self.random = name, [], [], np.random.default_rng(0)

    def constant(self, name, value):
        self.initializers.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def convolution(self, name, x, channels, outputs, kernel, stride, groups, added=None):
        fan = channels // groups * kernel * kernel
        weight = self.random.normal(0, fan ** -0.5, (outputs, channels // groups, kernel, kernel))
        self.nodes.append(helper.make_node("Conv", [x, self.constant(name + ".weight", weight)], [name], name, group=groups,
                                           kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[kernel // 2] * 4))
        statistics = [("scale", self.random.uniform(0.5, 1.5, outputs)), ("offset", self.random.normal(0, 0.1, outputs)),
                      ("mean", self.random.normal(0, 0.1, outputs)), ("variance", self.random.uniform(0.5, 2, outputs))]
        self.nodes.append(helper.make_node("BatchNormalization",
                                           [name] + [self.constant(name + "." + part, value) for part, value in statistics],
                                           [name + ".normalized"], name + ".norm"))
        last = name + ".normalized"
        if added:
            self.nodes.append(helper.make_node("Add", [last, added], [name + ".sum"], name + ".add"))
            last = name + ".sum"
        self.nodes.append(helper.make_node("Relu", [last], [name + ".relu"], name + ".relu"))
        return name + ".relu"


def make(name, layer, hidden=0):
    """`hidden`: outputs of a dense layer before the last, if there is one."""
    inputs, outputs, size, kernel, stride, groups = layer
    graph, end = Graph(name), (size - 1) // stride + 1
    # A graph's input and output lie channel by channel; only what is between two layers lies as kernels have it.
    first = graph.convolution("before", "x", inputs, inputs, 1, 1, 1)
    middle = graph.convolution("layer", first, inputs, outputs, kernel, stride, groups)
    last = graph.convolution("after", middle, outputs, outputs, kernel if name.startswith("residual") else 1, 1, 1,
                             added=first if name.startswith("residual") else None)
    graph.nodes.append(helper.make_node("GlobalAveragePool", [last], ["pool"], "pool"))
    graph.nodes.append(helper.make_node("Flatten", ["pool"], ["features"], "flatten"))
    features = "features"
    if hidden:
        weight = graph.constant("hidden.weight", graph.random.normal(0, 0.1, (hidden, outputs)))
        graph.nodes.append(helper.make_node("Gemm", ["features", weight], ["hidden"], "hidden", transB=1))
        features = "hidden"
    weight = graph.constant("classes.weight", graph.random.normal(0, 0.1, (10, hidden or outputs)))
    graph.nodes.append(helper.make_node("Gemm", [features, weight], ["y"], "classes", transB=1))
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
    made = helper.make_graph(graph.nodes, name, [value("x", inputs, size, size)], [value("y", 10)], graph.initializers)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", help="of " + ", ".join(LAYERS))
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in LAYERS:
            parser.error("no layer '%s'; there are %s" % (name, ", ".join(LAYERS)))
    os.makedirs(arguments.output, exist_ok=True)
    for name in arguments.names or LAYERS:
        onnx.save(make(name, LAYERS[name]), os.path.join(arguments.output, name + ".onnx"))


if __name__ == "__main__":
    main()
