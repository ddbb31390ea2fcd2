"""Convolutions of 147, 96, 25 and 864 terms with a batch normalization after each: writes such a network, and holds what
`bnc verify --json` says of their results, the error of the farthest element as a share of the largest, against bounds that
sums in one piece (of 64 terms for 3x3) exceed.

    normalized_sums.py make MODEL
    normalized_sums.py check VERIFY.json
"""

import json
import sys

import numpy as np
import onnx
from onnx import helper


LAYERS = { # outputs, kernel, groups, bound
    "stem": (96, 7, 1, 2e-7), "pointwise": (64, 1, 1, 2.2e-7), "depthwise": (64, 5, 64, 2.5e-7), "winograd": (32, 3, 1, 3.1e-7)}


def make(path):
    random = np.random.default_rng(3)
    nodes, values, source, channels = [], {}, "x", 3
    for name, (outputs, kernel, groups, _) in LAYERS.items():
        shape = outputs, channels // groups, kernel, kernel
        values[name + ".w"] = random.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        for part, value in (("scale", 1), ("offset", 0), ("mean", 0), ("variance", 1)):
            values[name + "." + part] = np.full(outputs, value)
        nodes += [
            helper.make_node("Conv", [source, name + ".w"], [name], name, group=groups, pads=[kernel // 2] * 4),
            helper.make_node("BatchNormalization", [name] + [name + "." + part for part in ("scale", "offset", "mean", "variance")],
                             [name + ".n"], name + "_norm"),
            helper.make_node("Relu", [name + ".n"], [name + ".r"], name + "_relu")]
        source, channels = name + ".r", outputs
    values["dense"] = random.normal(size=(10, channels)) / 6
    nodes += [helper.make_node("GlobalAveragePool", [source], ["pool"], "pool"), helper.make_node("Flatten", ["pool"], ["flat"], "flat"),
              helper.make_node("Gemm", ["flat", "dense"], ["y"], "dense", transB=1)]
    tensor = lambda name, shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "net", [tensor("x", ["N", 3, 28, 28])], [tensor("y", ["N", 10])],
                              [onnx.numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def check(path):
    with open(path) as file:
        errors = {row["node"]: row["training"]["error"] for row in json.load(file)["training"] if row["value"] == "conv"}
    for name, (_, _, _, bound) in LAYERS.items():
        print("%s: %.1e" % (name, errors[name]), "too far" if errors[name] > bound else "close")


{"make": make, "check": check}[sys.argv[1]](sys.argv[2])
