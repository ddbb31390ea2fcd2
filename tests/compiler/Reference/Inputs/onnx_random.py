"""Random shapes of the ops whose shapes are rich, in f64, against ONNX's reference implementation.

    onnx_random.py FOLDER [SEED]     prints the failures and how many cases of each op were run
"""

import os
import random
import sys

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import onnx_cases


def sizes(rng, count, low, high):
    return [rng.randint(low, high) for _ in range(count)]


def window(rng, spatial):
    kernel, dilations = sizes(rng, spatial, 1, 3), sizes(rng, spatial, 1, 2)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    image = [extent + rng.randint(0, 5 if spatial < 3 else 2) for extent in extents]
    return kernel, extents, image, {"strides": sizes(rng, spatial, 1, 3), "dilations": dilations}


def conv(rng, number, draw):
    groups = rng.choice([1, 1, 2, 3])
    kernel, _, image, attributes = window(rng, number % 3 + 1)
    c, k = groups * rng.randint(1, 3), groups * rng.randint(1, 3)
    operands = [draw(rng.randint(1, 3), c, *image), draw(k, c // groups, *kernel), draw(k)]
    return operands[:rng.randint(2, 3)], dict(attributes, group=groups, pads=sizes(rng, 2 * len(kernel), 0, 2))


def conv_transpose(rng, number, draw):
    groups, spatial = rng.choice([1, 1, 2]), number % 2 + 1
    kernel, _, _, attributes = window(rng, spatial)
    extra = [rng.randint(0, stride - 1) for stride in attributes["strides"]]
    c, k = groups * rng.randint(1, 3), groups * rng.randint(1, 3)
    operands = [draw(rng.randint(1, 3), c, *sizes(rng, spatial, 3, 5)), draw(c, k // groups, *kernel), draw(k)]
    return operands[:rng.randint(2, 3)], dict(attributes, group=groups, output_padding=extra,
                                              pads=sizes(rng, 2 * spatial, 0, 1))


def pool(rng, number, draw):
    kernel, extents, image, attributes = window(rng, number % 3 + 1)
    pads = [rng.randint(0, min(2, extent - 1)) for extent in extents] * 2
    attributes["dilations"] = [1] * len(kernel) if any(pads) else attributes["dilations"]
    pads = [rng.randint(0, k - 1) for k in kernel] * 2 if any(pads) else pads
    return [draw(rng.randint(1, 2), rng.randint(1, 3), *image)], dict(attributes, kernel_shape=kernel, pads=pads)


def avg_pool(rng, number, draw):
    operands, attributes = pool(rng, number, draw)
    return operands, dict(attributes, count_include_pad=number % 2)


def batch_norm(rng, number, draw):
    c = rng.randint(1, 4)
    x = draw(rng.randint(2, 4), c, *sizes(rng, number % 4, 1, 4))
    vectors = [draw(c) for _ in range(4)]
    vectors[3] = np.abs(vectors[3])
    return [x] + vectors, {"epsilon": 1e-3, "momentum": 0.75, "training_mode": number % 2}


def gemm(rng, number, draw):
    m, k, n = sizes(rng, 3, 1, 6)
    a, b = number % 2, number // 2 % 2
    c = [draw(n), draw(m, 1), draw(m, n), draw(1)][number % 4]
    return ([draw(k, m) if a else draw(m, k), draw(n, k) if b else draw(k, n), c],
            {"alpha": 0.5, "beta": 0.25, "transA": a, "transB": b})


GENERATORS = {"AveragePool": (avg_pool, 24), "BatchNormalization": (batch_norm, 12), "Conv": (conv, 36),
              "ConvTranspose": (conv_transpose, 24), "Gemm": (gemm, 8), "MaxPool": (pool, 24)}


def max_pool(x, kernel_shape, strides, pads, dilations):
    spatial = len(kernel_shape)
    x = np.pad(x, [(0, 0), (0, 0)] + list(zip(pads[:spatial], pads[spatial:])), constant_values=-np.inf)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel_shape, dilations)]
    windows = np.lib.stride_tricks.sliding_window_view(x, extents, axis=tuple(range(2, 2 + spatial)))
    every = [slice(None)] * 2 + [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
    return windows[tuple(every)].max(axis=tuple(range(-spatial, 0)))


def reference(node, operands):
    """The node's results. A grouped transposed convolution is done group by group, each of which the reference
    implementation can do; a max pool, of which it fails on some shapes, is done by numpy."""
    if node.op_type == "MaxPool":
        return [max_pool(operands[0], **{a.name: list(a.ints) for a in node.attribute})]
    groups = next((a.i for a in node.attribute if a.name == "group"), 1)
    if node.op_type == "ConvTranspose" and groups > 1:
        single = helper.make_node(node.op_type, node.input, node.output, **{
            a.name: helper.get_attribute_value(a) for a in node.attribute if a.name != "group"})
        axes = (1, 0, 0)  # channels of input, weight and bias
        parts = zip(*(np.split(array, groups, axis) for array, axis in zip(operands, axes)))
        return [np.concatenate([reference(single, part)[0] for part in parts], axis=1)]
    infos = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, array.shape)
             for name, array in zip(node.input, operands)]
    outputs = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in node.output]
    model = helper.make_model(helper.make_graph([node], "test", infos, outputs),
                              opset_imports=[helper.make_opsetid("", 19)])
    return ReferenceEvaluator(model).run(None, dict(zip(node.input, operands)))


def main(folder, seed="0"):
    os.makedirs(folder, exist_ok=True)
    failures = 0
    for op_type, (generate, count) in sorted(GENERATORS.items()):
        for number in range(count):
            name = "%s-%d" % (op_type, number)
            rng = random.Random("%s %s" % (seed, name))
            generator = np.random.default_rng(rng.randrange(1 << 32))
            operands, attributes = generate(rng, number, lambda *shape: generator.standard_normal(shape))
            names = ["x%d" % i for i in range(len(operands))]
            results = ["y0", "y1", "y2"] if attributes.get("training_mode") else ["y0"]
            node = helper.make_node(op_type, names, results, **attributes)
            expected = reference(node, operands)
            values = dict(zip(names, operands))
            problem = onnx_cases.run(folder, name, node, values, expected)
            if problem:
                failures += 1
                print("FAILED %s: %s" % (name, problem))
        print("%s: %d cases" % (op_type, count))
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
