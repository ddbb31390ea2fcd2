"""fold_models.py NAME FOLDER: writes NAME.onnx, images.npy and logits.npy, as ONNX's reference evaluator has them.

`borders` normalizes before convolutions that pad with zeros; `joins` where paths join and part.
"""

import os
import sys

import numpy as np
import onnx
import onnx.reference
from onnx import helper

name, folder = sys.argv[1:]
generator = np.random.default_rng(7)
nodes, values, channels = [], [], {"image": 3}


def value(label, shape, low=-1.0, high=1.0):
    values.append(onnx.numpy_helper.from_array(generator.uniform(low, high, shape).astype(np.float32), label))
    return label


def node(kind, inputs, output, **attributes):
    nodes.append(helper.make_node(kind, inputs, [output] if isinstance(output, str) else output, name=output if isinstance(output, str) else output[0], **attributes))
    channels[output if isinstance(output, str) else output[0]] = channels.get(inputs[0], 0)
    return output


def norm(x, label, size=None):
    size = size or channels[x]
    parameters = [value(label + "." + part, [size], *bounds) for part, bounds in
                  {"weight": (-2, 2), "bias": (-1, 1), "mean": (-1, 1), "var": (0.2, 2)}.items()]
    return node("BatchNormalization", [x] + parameters, label)


def conv(x, label, outputs, kernel, pads=(0, 0, 0, 0), group=1, bias=False, **attributes):
    bound = (channels[x] // group * np.prod(kernel)) ** -0.5
    inputs = [x, value(label + ".weight", [outputs, channels[x] // group, *kernel], -bound, bound)]
    if bias:
        inputs.append(value(label + ".bias", [outputs]))
    node("Conv", inputs, label, kernel_shape=kernel, pads=pads, group=group, **attributes)
    channels[label] = outputs
    return label


def dense(x, label, inputs, outputs):
    return node("Gemm", [x, value(label + ".weight", [outputs, inputs], -inputs ** -0.5, inputs ** -0.5), value(label + ".bias", [outputs])], label, transB=1)


if name == "borders":
    x = conv(norm("image", "bn1"), "conv1", 8, [3, 3], [1, 1, 1, 1], bias=True)
    x = conv(norm(node("Relu", [x], "relu1"), "bn2"), "conv2", 12, [5, 3], [2, 0, 1, 3], group=2, strides=[2, 1], dilations=[1, 2])
    x = conv(norm(node("Relu", [norm(x, "bn3")], "relu2"), "bn4"), "conv3", 24, [3, 3], [1, 1, 1, 1], group=12)
    x = node("Flatten", [node("GlobalAveragePool", [node("Relu", [x], "relu3")], "pool")], "flatten")
    x = dense(x, "logits", 24, 10)
else:
    a, b = conv("image", "a", 6, [3, 3], [1, 1, 1, 1]), conv("image", "b", 5, [1, 1])
    x = node("Concat", [b, norm(node("Relu", [a], "relu1"), "bn1")], "join", axis=-3)
    channels[x] = 11
    x = conv(x, "c", 9, [3, 3], [1, 1, 1, 1])
    sizes = onnx.numpy_helper.from_array(np.array([4, 5]), "sizes")
    left, right = node("Split", [x, "sizes"], ["left", "right"], axis=1)
    channels[left], channels[right] = 4, 5
    x = node("Concat", [node("Relu", [norm(left, "bn2")], "relu2"), norm(right, "bn3")], "both", axis=-3)
    x = node("Flatten", [node("AveragePool", [x], "pool", kernel_shape=[4, 4], strides=[4, 4])], "flatten")
    x = dense(norm(x, "bn4", 9 * 16), "logits", 9 * 16, 10)
    values.append(sizes)

graph = helper.make_graph(nodes, name, [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["N", 3, 16, 16])],
                          [helper.make_tensor_value_info(x, onnx.TensorProto.FLOAT, ["N", 10])], values)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, os.path.join(folder, name + ".onnx"))
images = generator.normal(size=[5, 3, 16, 16]).astype(np.float32)
np.save(os.path.join(folder, "images.npy"), images)
np.save(os.path.join(folder, "logits.npy"), onnx.reference.ReferenceEvaluator(model).run(None, {"image": images})[0])
