"""make_inputs.py FOLDER: small networks that take images in several ways, and the same data for each in every form.

FOLDER/KIND.onnx, KIND for `image` (N, 3, 9, 7), `wide` (N, 20, 6, 6), `flat` (the image goes to a dense layer), `sound`
(N, 3, 11), `norm` (the image is normalized first) and `two` (an image and a row of numbers). FOLDER/KIND_f32.npy is the
data in the model's layout, bytes / 255; KIND_u8.npy the bytes with the channels last; KIND_last.npy the floats with the
channels last; KIND_first.npy the bytes in the model's layout. FOLDER/y.npy are labels, FOLDER/row.npy the second input
of `two`.
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SAMPLES, CLASSES = 13, 4
random = np.random.default_rng(5)


class Builder:
    def __init__(self):
        self.nodes, self.values = [], []

    def variable(self, name, value):
        self.values.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def op(self, kind, *inputs, **attributes):
        name = "%s%d" % (kind.lower(), len(self.nodes))
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def weight(self, *shape):
        return self.variable("w%d" % len(self.values), random.normal(0, 1, shape) / np.sqrt(np.prod(shape[1:])))

    def norm(self, x, channels):
        names = [self.variable("bn%d.%s" % (len(self.nodes), part), value) for part, value in (
            ("weight", random.uniform(0.5, 1.5, channels)), ("bias", random.normal(0, 0.3, channels)),
            ("mean", random.normal(0, 0.3, channels)), ("var", random.uniform(0.5, 1.5, channels)))]
        return self.op("BatchNormalization", x, *names, epsilon=1e-5)

    def dense(self, x, inputs, outputs):
        return self.op("Gemm", x, self.weight(outputs, inputs), transB=1)


def network(kind, shape):
    b = Builder()
    channels = shape[0]
    if kind == "flat":
        y = b.op("Relu", b.norm(b.dense(b.op("Flatten", "x"), int(np.prod(shape)), 16), 16))
    else:
        spatial = len(shape) - 1
        x = b.norm("x", channels) if kind == "norm" else "x"
        y = b.op("Conv", x, b.weight(8, channels, *[3] * spatial), kernel_shape=[3] * spatial,
                 strides=[2] * spatial, pads=[1] * 2 * spatial)
        y = b.op("Relu", b.norm(y, 8))
        # Also where the input is read a second time, by a convolution without a border.
        z = b.op("Conv", "x", b.weight(8, channels, *[1] * spatial), kernel_shape=[1] * spatial)
        z = b.op("GlobalAveragePool", b.op("Relu", b.norm(z, 8)))
        y = b.op("Flatten", b.op("Concat", b.op("GlobalAveragePool", y), z, axis=1))
    if kind == "two":
        y = b.op("Concat", y, "row", axis=1)
    b.op("Gemm", y, b.weight(CLASSES, 16 + 3 * (kind == "two")), transB=1)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])]
    if kind == "two":
        inputs.append(helper.make_tensor_value_info("row", TensorProto.FLOAT, ["N", 3]))
    outputs = [helper.make_tensor_value_info(b.nodes[-1].output[0], TensorProto.FLOAT, ["N", CLASSES])]
    graph = helper.make_graph(b.nodes, kind, inputs, outputs, b.values)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def main(folder):
    os.makedirs(folder, exist_ok=True)
    save = lambda name, array: np.save(os.path.join(folder, name + ".npy"), array)
    for kind, shape in (("image", (3, 9, 7)), ("wide", (20, 6, 6)), ("flat", (3, 9, 7)), ("sound", (3, 11)),
                        ("norm", (3, 9, 7)), ("two", (3, 9, 7))):
        onnx.save(network(kind, shape), os.path.join(folder, kind + ".onnx"))
        first = random.integers(0, 256, (SAMPLES, *shape), np.uint8)
        last = np.ascontiguousarray(np.moveaxis(first, 1, -1))
        save(kind + "_first", first)
        save(kind + "_f32", first.astype(np.float32) / np.float32(255))
        save(kind + "_u8", last)
        save(kind + "_last", last.astype(np.float32) / np.float32(255))
    save("y", random.integers(0, CLASSES, SAMPLES))
    save("row", random.normal(0, 1, (SAMPLES, 3)).astype(np.float32))


main(sys.argv[1])
