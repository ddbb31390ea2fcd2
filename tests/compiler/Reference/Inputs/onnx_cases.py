"""Runs ONNX's own node test cases through bnc-evaluate.

    onnx_cases.py FOLDER     prints the failures and how many cases of each op were run

The translation of single nodes below is the test's own, so that the evaluator is tested apart from the importer.
"""

import collections
import os
import sys
import warnings

import numpy as np
import onnx
from onnx import helper, numpy_helper

from mlir_builder import ELEMENTS, Graph, evaluate


class Unsupported(Exception):
    """The case needs something that is not an op of the dialect."""


class Node:
    """An ONNX node whose inputs are known: tensors become inputs of the graph, parameters are read from them."""

    def __init__(self, graph, node, values, outputs):
        self.graph, self.op_type, self.outputs, self.names = graph, node.op_type, outputs, node.input
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        self.values, self.used = values, {}

    def get(self, name, default):
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def array(self, index):
        """An operand's value as a parameter; None if it is absent."""
        if index >= len(self.names) or not self.names[index]:
            return None
        return self.values[self.names[index]]

    def tensor(self, index):
        """An operand as a value of the graph; None if it is absent."""
        array = self.array(index)
        if array is None:
            return None
        if str(array.dtype) not in ELEMENTS:
            raise Unsupported("elements of type %s" % array.dtype)
        if 0 in array.shape:
            raise Unsupported("an empty tensor")
        name = "x%d" % index
        if name not in self.used:
            self.used[name] = (array, self.graph.input(name, array.shape, ELEMENTS[str(array.dtype)]))
        return self.used[name][1]

    def result_shape(self):
        return self.outputs[0].shape


def unary(mnemonic, **defaults):
    def build(node):
        x = node.tensor(0)
        if not x.element.startswith("f"):
            raise Unsupported("integers")
        return node.graph.op(mnemonic, [x], x.shape, **{name: node.get(name, value) for name, value in defaults.items()})
    return build


def clip(node):
    x, low, high = node.tensor(0), node.array(1), node.array(2)
    if not x.element.startswith("f"):
        raise Unsupported("integers")
    return node.graph.op("clip", [x], x.shape, min=-np.inf if low is None else float(low),
                         max=np.inf if high is None else float(high))


def binary(mnemonic):
    def build(node):
        if len(node.names) != 2:
            raise Unsupported("%d operands" % len(node.names))
        return node.graph.op(mnemonic, [node.tensor(0), node.tensor(1)], node.result_shape())
    return build


def window(node, image, kernel):
    """strides, pads and dilations, auto_pad and ceil_mode resolved to pads."""
    spatial = len(kernel)
    strides, dilations = list(node.get("strides", [1] * spatial)), list(node.get("dilations", [1] * spatial))
    pads, auto = list(node.get("pads", [0] * 2 * spatial)), node.get("auto_pad", "NOTSET")
    for i in range(spatial):
        extent = (kernel[i] - 1) * dilations[i] + 1
        if auto.startswith("SAME"):
            total = max((-(-image[i] // strides[i]) - 1) * strides[i] + extent - image[i], 0)
            pads[i], pads[i + spatial] = total // 2, total - total // 2
            if auto == "SAME_LOWER":
                pads[i], pads[i + spatial] = pads[i + spatial], pads[i]
        if node.get("ceil_mode", 0):
            over = (node.result_shape()[i + 2] - 1) * strides[i] + extent - (image[i] + pads[i] + pads[i + spatial])
            if over > 0 and node.get("count_include_pad", 0):
                raise Unsupported("padding that counts and padding that does not")
            pads[i + spatial] += max(over, 0)
    return {"strides": strides, "pads": pads, "dilations": dilations}


def conv(node):
    x, w = node.tensor(0), node.tensor(1)
    return node.graph.op("conv", [x, w, node.tensor(2)], node.result_shape(), groups=node.get("group", 1),
                         **window(node, x.shape[2:], w.shape[2:]))


def conv_transpose(node):
    x, w, spatial = node.tensor(0), node.tensor(1), len(node.result_shape()) - 2
    strides, dilations = list(node.get("strides", [1] * spatial)), list(node.get("dilations", [1] * spatial))
    extra, pads = list(node.get("output_padding", [0] * spatial)), list(node.get("pads", [0] * 2 * spatial))
    auto = node.get("auto_pad", "NOTSET")
    for i in range(spatial):
        full = (x.shape[i + 2] - 1) * strides[i] + (w.shape[i + 2] - 1) * dilations[i] + 1 + extra[i]
        if auto != "NOTSET" or "output_shape" in node.attributes:
            total = full - node.result_shape()[i + 2]
            if total < 0:  # the output is larger than what the windows reach
                extra[i], total = extra[i] - total, 0
            small, large = total // 2, total - total // 2
            pads[i], pads[i + spatial] = (small, large) if auto == "SAME_UPPER" else (large, small)
    return node.graph.op("conv_transpose", [x, w, node.tensor(2)], node.result_shape(), strides=strides, pads=pads,
                         dilations=dilations, output_padding=extra, groups=node.get("group", 1))


def gemm(node):
    graph, a, b, c = node.graph, node.tensor(0), node.tensor(1), node.tensor(2)
    if node.get("transA", 0):
        a = graph.op("transpose", [a], a.shape[::-1], permutation=[1, 0])
    y = graph.op("dense", [a, b], node.result_shape(), transposed=not node.get("transB", 0))
    y = graph.op("mul", [y, graph.constant(node.get("alpha", 1.0), element=a.element)], y.shape)
    if c is not None:
        scaled = graph.op("mul", [c, graph.constant(node.get("beta", 1.0), element=a.element)], c.shape)
        y = graph.op("add", [y, scaled], y.shape)
    return y


def matmul(node):
    a, b = node.tensor(0), node.tensor(1)
    if len(a.shape) < 2 or len(b.shape) != 2 or not a.element.startswith("f"):
        raise Unsupported("no matrix")
    return node.graph.op("dense", [a, b], node.result_shape(), transposed=True)


def pool(mnemonic):
    def build(node):
        x = node.tensor(0)
        if not x.element.startswith("f") or node.get("storage_order", 0):
            raise Unsupported("integers or column-major indices")
        kernel = list(node.get("kernel_shape", []))
        return node.graph.op(mnemonic, [x], node.result_shape(), kernel=kernel, **window(node, x.shape[2:], kernel),
                             **({"count_include_pad": True} if node.get("count_include_pad", 0) else {}))
    return build


def global_pool(mnemonic):
    def build(node):
        x = node.tensor(0)
        return node.graph.op(mnemonic, [x], node.result_shape(), axes=list(range(2, len(x.shape))), keep_dims=True)
    return build


def batch_norm(node):
    graph, operands = node.graph, [node.tensor(i) for i in range(5)]
    x, scale, offset, mean, variance = operands
    epsilon, momentum, vector = float(node.get("epsilon", 1e-5)), float(node.get("momentum", 0.9)), scale.shape
    if not node.get("training_mode", 0):
        return graph.op("batch_norm", operands + [None], x.shape, segments=True, epsilon=epsilon, decay=momentum,
                        running_variance="#bnc<running_variance population>")
    stats = graph.op("batch_stats", [x], vector, x.element, more=[(vector, x.element), ((), "i64")])
    y = graph.op("normalize", [x, scale, offset, stats[0], stats[1]], x.shape, segments=True, epsilon=epsilon)
    moved = graph.op("update_running", [mean, variance] + stats, vector, x.element, more=[(vector, x.element)],
                     decay=momentum, running_variance="#bnc<running_variance population>")
    return [y] + moved


def softmax(mnemonic):
    def build(node):
        x = node.tensor(0)
        return node.graph.op(mnemonic, [x], x.shape, axis=node.get("axis", -1) % len(x.shape))
    return build


def reduction(mnemonic):
    def build(node):
        x = node.tensor(0)
        if not x.element.startswith("f"):
            raise Unsupported("integers")
        axes = node.array(1)
        axes = node.get("axes", []) if axes is None else axes
        if len(axes) == 0:
            axes = [] if node.get("noop_with_empty_axes", 0) else range(len(x.shape))
        return node.graph.op(mnemonic, [x], node.result_shape(), axes=[int(axis) % len(x.shape) for axis in axes],
                             **({"keep_dims": True} if node.get("keepdims", 1) else {}))
    return build


def pad(node):
    x, pads, value, axes = node.tensor(0), node.array(1), node.array(2), node.array(3)
    if node.get("mode", "constant") != "constant" or not x.element.startswith("f") or min(pads) < 0:
        raise Unsupported("mode or negative pads")
    axes = range(len(x.shape)) if axes is None else [int(axis) % len(x.shape) for axis in axes]
    low, high = [0] * len(x.shape), [0] * len(x.shape)
    for i, axis in enumerate(axes):
        low[axis], high[axis] = int(pads[i]), int(pads[i + len(pads) // 2])
    return node.graph.op("pad", [x], node.result_shape(), low=low, high=high,
                         value=0.0 if value is None else float(value))


def slice(node):
    x, starts, ends = node.tensor(0), node.array(1), node.array(2)
    axes, steps = node.array(3), node.array(4)
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    if min(steps) < 1 or 0 in node.result_shape():
        raise Unsupported("negative steps or an empty result")
    begin, step = [0] * len(x.shape), [1] * len(x.shape)
    for start, axis, by in zip(starts, axes, steps):
        size = x.shape[axis]
        begin[axis], step[axis] = int(min(start + size if start < 0 else start, size)), int(by)
    return node.graph.op("slice", [x], node.result_shape(), starts=begin, sizes=list(node.result_shape()), steps=step)


def concat(node):
    inputs = [node.tensor(i) for i in range(len(node.names))]
    return node.graph.op("concat", inputs, node.result_shape(), axis=node.get("axis", 0) % len(inputs[0].shape))


def transpose(node):
    x = node.tensor(0)
    return node.graph.op("transpose", [x], node.result_shape(),
                         permutation=list(node.get("perm", range(len(x.shape))[::-1])))


def reshape(node):
    if 0 in node.result_shape():
        raise Unsupported("an empty tensor")
    return node.graph.op("reshape", [node.tensor(0)], node.result_shape(), shape=list(node.result_shape()))


# op: (translation, cases there have to be at least)
TABLE = {
    "Abs": (unary("abs"), 1), "Add": (binary("add"), 2), "AveragePool": (pool("avg_pool"), 15),
    "BatchNormalization": (batch_norm, 4), "Clip": (clip, 6), "Concat": (concat, 12), "Conv": (conv, 6),
    "ConvTranspose": (conv_transpose, 10), "Div": (binary("div"), 3), "Elu": (unary("elu", alpha=1.0), 3),
    "Erf": (unary("erf"), 1), "Exp": (unary("exp"), 2), "Flatten": (reshape, 8), "Gemm": (gemm, 11),
    "GlobalAveragePool": (global_pool("reduce_mean"), 2), "GlobalMaxPool": (global_pool("reduce_max"), 2),
    "HardSigmoid": (unary("hard_sigmoid", alpha=0.2, beta=0.5), 3), "HardSwish": (unary("hard_swish"), 1),
    "LeakyRelu": (unary("leaky_relu", alpha=0.01), 3), "Log": (unary("log"), 2), "LogSoftmax": (softmax("log_softmax"), 7),
    "MatMul": (matmul, 1), "Max": (binary("max"), 3), "MaxPool": (pool("max_pool"), 14), "Min": (binary("min"), 3),
    "Mul": (binary("mul"), 3), "Neg": (unary("neg"), 2), "Pad": (pad, 2), "ReduceMax": (reduction("reduce_max"), 5),
    "ReduceMean": (reduction("reduce_mean"), 8), "ReduceSum": (reduction("reduce_sum"), 8), "Relu": (unary("relu"), 1),
    "Reshape": (reshape, 9), "Sigmoid": (unary("sigmoid"), 2), "Slice": (slice, 5), "Softmax": (softmax("softmax"), 7),
    "Softplus": (unary("softplus"), 2), "Sqrt": (unary("sqrt"), 2), "Sub": (binary("sub"), 3),
    "Tanh": (unary("tanh"), 2), "Transpose": (transpose, 6),
}


def cases():
    """(name, node, values by name, outputs) of ONNX's test cases that are a single node of the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases
        collected = collect_testcases(None)
    for case in collected:
        graph = case.model.graph
        if len(graph.node) != 1 or graph.node[0].op_type not in TABLE or graph.node[0].domain:
            continue
        inputs, outputs = case.data_sets[0]
        # An absent operand has no graph input.
        values = {info.name: array for info, array in zip(graph.input, inputs)}
        values.update({tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer})
        if all(isinstance(array, (np.ndarray, np.generic)) for array in list(values.values()) + list(outputs)):
            yield case.name, graph.node[0], {key: np.asarray(array) for key, array in values.items()}, outputs


# Cases whose expected values are typed in with four digits.
ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 1e-4}


def difference(found, expected, tolerance=None):
    """What is wrong with a result, or nothing."""
    if found.shape != expected.shape:
        return "shape %s, expected %s" % (found.shape, expected.shape)
    if expected.dtype.kind != "f":
        return None if np.array_equal(found, expected) else "values differ"
    finite = np.abs(expected[np.isfinite(expected)])
    largest = finite.max() if finite.size else 0
    # ONNX's own numbers are computed in f32.
    tolerance = tolerance or (1e-12 if expected.dtype == np.float64 else 4e-6)
    if np.allclose(found, expected, rtol=tolerance, atol=tolerance * largest, equal_nan=True):
        return None
    return "largest difference %g, largest element %g" % (np.nanmax(np.abs(found - expected)), largest)


def run(folder, name, node, values, outputs):
    """What is wrong with a case, or nothing."""
    built = TABLE[node.op_type][0](Node(graph := Graph(), node, values, outputs))
    results = built if isinstance(built, list) else [built]
    for result in results:
        graph.output(result)
    inputs = {input_name: values[node.input[int(input_name[1:])]] for input_name, _ in graph.inputs}
    found = evaluate(folder, name, graph, inputs)
    if isinstance(found, str):
        return found
    problems = (difference(*pair, ROUNDED.get(name)) for pair in zip(found, outputs))
    return next((problem for problem in problems if problem), None)


def main(folder):
    os.makedirs(folder, exist_ok=True)
    counts, failures = collections.Counter(), 0
    for name, node, values, outputs in cases():
        try:
            problem = run(folder, name, node, values, outputs)
        except Unsupported:
            continue
        counts[node.op_type] += 1
        if problem:
            failures += 1
            print("FAILED %s: %s" % (name, problem))
    for op_type, (_, minimum) in sorted(TABLE.items()):
        print("%s: %d cases" % (op_type, counts[op_type]))
        if counts[op_type] < minimum:
            failures += 1
            print("FAILED %s: expected at least %d cases" % (op_type, minimum))
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
