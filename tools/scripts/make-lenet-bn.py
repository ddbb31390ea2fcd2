#!/usr/bin/env python3
"""Writes LeNet-BN, the network of D2L's chapter on batch normalization, as an ONNX file.

    make-lenet-bn.py -o lenet_bn.onnx [--seed N]

Structure and names are those of PyTorch's export of D2L's class: net.0.weight, net.0.bias, net.1.running_mean, ...
Weights are Xavier-uniform, biases uniform within 1/sqrt(fan_in) (what PyTorch leaves there), and the running variance
is the sample variance, as in PyTorch.
"""

import argparse
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Sequential:
    """Collects nodes and initializers the way torch.nn.Sequential numbers its modules."""

    def __init__(self, value, seed):
        self.value, self.random = value, np.random.default_rng(seed)
        self.nodes, self.initializers, self.modules = [], [], 0

    def add(self, op, variables=(), **attributes):
        prefix = "net.%d" % self.modules
        for name, value in variables:
            self.initializers.append(numpy_helper.from_array(value.astype(np.float32), prefix + "." + name))
        inputs = [self.value] + [prefix + "." + name for name, _ in variables]
        self.value = prefix.replace(".", "_") + "_" + op.lower()
        self.nodes.append(helper.make_node(op, inputs, [self.value], name="/%s/%s" % (prefix, op), **attributes))
        self.modules += 1
        return self

    def weights(self, shape):
        receptive = int(np.prod(shape[2:]))
        fan_in, fan_out = shape[1] * receptive, shape[0] * receptive
        bound = np.sqrt(6 / (fan_in + fan_out))
        return [("weight", self.random.uniform(-bound, bound, shape)),
                ("bias", self.random.uniform(-1, 1, shape[0]) / np.sqrt(fan_in))]

    def conv(self, inputs, outputs, size):
        return self.add("Conv", self.weights((outputs, inputs, size, size)), kernel_shape=[size, size])

    def dense(self, inputs, outputs):
        return self.add("Gemm", self.weights((outputs, inputs)), transB=1)

    def batch_norm(self, channels):
        ones, zeros = np.ones(channels), np.zeros(channels)
        return self.add("BatchNormalization", [("weight", ones), ("bias", zeros), ("running_mean", zeros),
                                               ("running_var", ones)], epsilon=1e-5, momentum=0.9)

    def sigmoid(self):
        return self.add("Sigmoid")

    def average_pool(self):
        return self.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])


def lenet_bn(seed):
    net = Sequential("x", seed)
    net.conv(1, 6, 5).batch_norm(6).sigmoid().average_pool()
    net.conv(6, 16, 5).batch_norm(16).sigmoid().average_pool()
    net.add("Flatten", axis=1)
    net.dense(256, 120).batch_norm(120).sigmoid()
    net.dense(120, 84).batch_norm(84).sigmoid()
    net.dense(84, 10)
    graph = helper.make_graph(
        net.nodes, "lenet_bn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 28, 28])],
        [helper.make_tensor_value_info(net.value, TensorProto.FLOAT, ["N", 10])],
        net.initializers)
    model = helper.make_model(graph, producer_name="make-lenet-bn", ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17)])
    helper.set_model_props(model, {"bnc.running_variance": "sample"})
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    # The model's name is the name of its functions in C.
    model = lenet_bn(arguments.seed)
    model.graph.name = os.path.splitext(os.path.basename(arguments.output))[0]
    onnx.save(model, arguments.output)


if __name__ == "__main__":
    main()
