#!/usr/bin/env python3
"""Folding checked in float64, by NumPy alone: fold-placement.py MODEL.onnx... [--bnc=BNC] [--seed=N] [--batch=N]

For every model: the ONNX graph as it is against the inference graph that bnc prints, in which batch normalizations are
folded or carried. Weights are the file's. Scales are drawn at random, a third of them negative and a tenth zero, as if
training had found them, offsets too; running statistics are near those that the layer's input has, so that values
neither vanish nor grow from layer to layer. Placement never looks at values: what is exact here is so for all of them.

Prints a row per model, and fails if the difference exceeds 1e-12 of the largest logit, some thousand roundings.
"""

import argparse
import os
import re
import subprocess
import sys

import numpy as np
import onnx
import onnx.numpy_helper

TOLERANCE = 1e-12


# ---- What both graphs are made of -----------------------------------------------------------------------------------


def windows(x, kernel, strides, pads, dilations, value):
    """(N, C, outputs..., kernel...), a view of the padded image."""
    spatial = len(kernel)
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[i + spatial]) for i in range(spatial)], constant_values=value)
    reach = [(kernel[i] - 1) * dilations[i] + 1 for i in range(spatial)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, tuple(range(2, 2 + spatial)))
    steps = [slice(None), slice(None)] + [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
    return view[tuple(steps)]


def conv(x, weight, bias, strides, pads, dilations, groups):
    outputs, inputs = weight.shape[:2]
    view = windows(x, weight.shape[2:], strides, pads, dilations, 0.0)
    spatial = weight.ndim - 2
    pixels = view.shape[2:2 + spatial]
    # (N, groups, pixels, terms) of the input times (groups, terms, outputs of a group).
    order = [0, 1] + [3 + i for i in range(spatial)] + [2] + [3 + spatial + i for i in range(spatial)]
    columns = view.reshape(x.shape[0], groups, inputs, *view.shape[2:]).transpose(order)
    columns = columns.reshape(x.shape[0], groups, np.prod(pixels, dtype=int), -1)
    y = columns @ weight.reshape(groups, outputs // groups, -1).transpose(0, 2, 1)
    y = y.transpose(0, 1, 3, 2).reshape(x.shape[0], outputs, *pixels)
    return y if bias is None else y + along(bias, y, 1)


def average(x, kernel, strides, pads, dilations, count_padding):
    sums = windows(x, kernel, strides, pads, dilations, 0.0).sum(tuple(range(-len(kernel), 0)))
    ones = np.ones_like(x[:1, :1])
    counts = windows(ones, kernel, strides, pads, dilations, float(count_padding)).sum(tuple(range(-len(kernel), 0)))
    return sums / counts


def along(vector, like, dim):
    return vector.reshape([-1 if d == dim else 1 for d in range(like.ndim)])


# ---- The ONNX graph -------------------------------------------------------------------------------------------------


class Draw:
    """Values for a batch normalization whose input is x."""

    def __init__(self, seed):
        self.generator = np.random.default_rng(seed)

    def __call__(self, x):
        channels, others = x.shape[1], (0,) + tuple(range(2, x.ndim))
        g = self.generator
        scale = g.uniform(0.3, 2, channels) * np.where(g.random(channels) < 1 / 3, -1, 1)
        scale[g.random(channels) < 0.1] = 0
        mean, variance = x.mean(others), x.var(others) + 1e-3
        mean = mean + g.normal(0, 0.2, channels) * np.sqrt(variance)
        values = scale, g.normal(0, 0.5, channels), mean, variance * g.uniform(0.5, 2, channels)
        return [v.astype(np.float32).astype(np.float64) for v in values]


def run_onnx(model, x, draw):
    """The logits, and the value of every initializer, drawn ones among them."""
    variables = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    variables = {n: v.astype(np.float64) if v.dtype == np.float32 else v for n, v in variables.items()}
    values = dict(variables)
    values[model.graph.input[0].name] = x
    last = {name: index for index, node in enumerate(model.graph.node) for name in node.input}
    for index, node in enumerate(model.graph.node):
        a = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        i = [values.get(name) for name in node.input]
        plane = [1] * (len(a.get("kernel_shape", ())) or 2)
        pool = a.get("kernel_shape"), a.get("strides", plane), a.get("pads", [0] * (2 * len(plane))), a.get("dilations", plane)
        kind = node.op_type
        if kind == "BatchNormalization":
            drawn = draw(i[0])
            for name, value in zip(node.input[1:5], drawn):
                if name in variables: # else the scale is written into the graph, as it is where there is none
                    variables[name] = values[name] = value
            scale, offset, mean, variance = [along(values[name], i[0], 1) for name in node.input[1:5]]
            y = (i[0] - mean) / np.sqrt(variance + a.get("epsilon", float(np.float32(1e-5)))) * scale + offset
        elif kind == "Conv":
            y = conv(i[0], i[1], i[2] if len(i) > 2 else None, *pool[1:], a.get("group", 1))
        elif kind == "MaxPool":
            y = windows(i[0], *pool, -np.inf).max((-1, -2))
        elif kind == "AveragePool":
            y = average(i[0], *pool, a.get("count_include_pad", 0))
        elif kind == "ReduceMean":
            y = i[0].mean(tuple(i[1]), keepdims=bool(a.get("keepdims", 1)))
        elif kind == "Gemm":
            y = i[0] @ (i[1].T if a.get("transB") else i[1]) + i[2]
        elif kind == "Clip":
            y = np.clip(i[0], i[1], i[2])
        elif kind == "Constant":
            y = np.asarray(next(onnx.numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else v for v in a.values()))
        elif kind == "Shape":
            y = np.array(i[0].shape[a.get("start", 0):a.get("end")])
        elif kind == "Reshape":
            y = i[0].reshape([int(d) for d in i[1]])
        elif kind == "Concat":
            y = np.concatenate(i, a["axis"])
        else:
            y = {"Relu": lambda: np.maximum(i[0], 0), "Add": lambda: i[0] + i[1], "Squeeze": lambda: np.squeeze(i[0]),
                 "Expand": lambda: np.broadcast_to(i[0], [int(d) for d in i[1]]), "CastLike": lambda: i[0].astype(i[1].dtype),
                 "Identity": lambda: i[0], "Dropout": lambda: i[0], "Sigmoid": lambda: 1 / (1 + np.exp(-i[0])),
                 "Flatten": lambda: i[0].reshape(len(i[0]), -1),
                 "GlobalAveragePool": lambda: i[0].mean(tuple(range(2, i[0].ndim)), keepdims=True)}[kind]()
        values[node.output[0]] = y
        for name in node.input: # the memory of large ones
            if last[name] == index and name not in variables:
                values.pop(name, None)
    return values[model.graph.output[0].name], variables


# ---- The graph that bnc prints ---------------------------------------------------------------------------------------


def numbers(text, name):
    found = re.search(r"\b%s = array<i64(?:: ([^>]*))?>" % name, text)
    return [int(n) for n in (found.group(1) or "").split(",") if n.strip()]


def number(text, name, default):
    found = re.search(r"\b%s = (-?[\w.+-]+)" % name, text)
    return float(found.group(1)) if found else default


def run_bnc(text, x, variables):
    """Double where bnc rounds folded weights to float: what is left is the rounding of the arithmetic in double."""
    values = {"%arg0": x}
    for line in text.splitlines():
        found = re.match(r"\s+(?:(%\w+(?:, %\w+)?) = )?bnc\.(\w+) (.*)$", line)
        if not found or found.group(2) in ("graph", "variable"):
            continue
        names, kind, rest = found.groups()
        attributes = re.search(r"\{(.*)\}", rest)
        operands = re.split(r" : | \{", rest)[0]
        a = attributes.group(1) if attributes else ""
        i = [values[name] for name in re.findall(r"%\w+", operands)]
        if kind == "return":
            return i[0]
        if kind == "fold_coefficients":
            named = {key: values[name] for key, name in re.findall(r"(\w+)\((%\w+)\)", operands)}
            slope = named.get("scale", 1.0) / np.sqrt(named["variance"] + number(a, "epsilon", None))
            slope_name, intercept_name = names.split(", ")
            values[slope_name], values[intercept_name] = slope, named.get("offset", 0.0) - named["mean"] * slope
            continue
        if kind in ("conv", "avg_pool", "max_pool"):
            window = numbers(a, "strides"), numbers(a, "pads"), numbers(a, "dilations")
        if kind == "read":
            y = variables[re.match(r'@"?([^" ]*)', operands).group(1)]
        elif kind == "constant":
            size = [int(d) for d in re.search(r"tensor<((?:\d+x)*)", rest).group(1).split("x")[:-1]]
            y = np.full(size, float(re.search(r"dense<([^>]*)>", rest).group(1)))
        elif kind == "conv":
            y = conv(i[0], i[1], i[2] if len(i) > 2 else None, *window, int(number(a, "groups", 1)))
        elif kind == "fold_scale":
            axis, groups = int(number(a, "axis", 0)), int(number(a, "groups", 1))
            if groups > 1: # factors run over the groups of dimension 0, then along `axis`
                factors = np.repeat(i[1].reshape(groups, -1), i[0].shape[0] // groups, 0)
                y = i[0] * factors.reshape([i[0].shape[0]] + [-1 if d == axis else 1 for d in range(1, i[0].ndim)])
            else:
                y = i[0] * along(i[1], i[0], axis)
        elif kind == "fold_shift":
            weight = i[0].T if "transposed" in a else i[0].reshape(*i[0].shape[:2], -1).sum(2)
            groups = int(number(a, "groups", 1))
            y = np.einsum("goi,gi->go", weight.reshape(groups, -1, weight.shape[1]), i[1].reshape(groups, -1)).ravel()
        elif kind == "fold_border_shift": # at every position, not only at one of each place: the shift of a whole image
            image = np.broadcast_to(i[1].reshape(-1, *[1] * len(numbers(a, "image"))), [len(i[1])] + numbers(a, "image"))
            y = conv(image[None], i[0], None, numbers(a, "strides"), numbers(a, "pads"), numbers(a, "dilations"), int(number(a, "groups", 1)))[0]
        elif kind == "affine":
            dim = int(number(a, "feature_index", 1))
            y = i[0] * along(i[1], i[0], dim) + along(i[2], i[0], dim)
        elif kind == "dense":
            y = i[0] @ (i[1] if "transposed" in a else i[1].T) + (i[2] if len(i) > 2 else 0)
        elif kind == "max_pool":
            y = windows(i[0], numbers(a, "kernel"), *window, -np.inf).max((-1, -2))
        elif kind == "avg_pool":
            y = average(i[0], numbers(a, "kernel"), *window, "count_include_pad" in a)
        elif kind == "reduce_mean":
            y = i[0].mean(tuple(numbers(a, "axes")), keepdims="keep_dims" in a)
        elif kind == "reshape":
            y = i[0].reshape(numbers(a, "shape"))
        elif kind == "concat":
            y = np.concatenate(i, int(number(a, "axis", 0)))
        elif kind == "slice":
            starts, sizes, steps = (numbers(a, name) for name in ("starts", "sizes", "steps"))
            y = i[0][tuple(slice(s, None if n < 0 else s + (n - 1) * d + 1, d) for s, n, d in zip(starts, sizes, steps))]
        elif kind == "clip":
            y = np.clip(i[0], number(a, "min", None), number(a, "max", None))
        else:
            y = {"add": lambda: i[0] + i[1], "add_border_bias": lambda: i[0] + i[1], "cast": lambda: i[0], "fold_add": lambda: sum(i),
                 "relu": lambda: np.maximum(i[0], 0), "sigmoid": lambda: 1 / (1 + np.exp(-i[0]))}[kind]()
        values[names] = y
    sys.exit("bnc printed no graph that returns something")


# ---- Comparing ------------------------------------------------------------------------------------------------------


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("models", nargs="+", metavar="MODEL.onnx")
    parser.add_argument("--bnc", default=os.path.join(root, "build", "bin", "bnc"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=1)
    options = parser.parse_args()
    wrong = 0
    print("| model | batch normalizations | folded | carried | kernels of their own | error / largest logit |")
    print("|---|---|---|---|---|---|")
    for path in options.models:
        done = subprocess.run([options.bnc, "compile", path, "--compile-to=inference", "-o", "-", "--remarks"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        model = onnx.load(path)
        shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
        x = np.random.default_rng(options.seed).normal(size=[options.batch] + shape[1:])
        expected, variables = run_onnx(model, x, Draw(options.seed))
        error = np.abs(run_bnc(done.stdout, x, variables) - expected).max() / np.abs(expected).max()
        count = [len(re.findall(text, done.stderr)) for text in (": folded into ", ": carried by ", ": gets a kernel of its own")]
        layers = sum(node.op_type == "BatchNormalization" for node in model.graph.node)
        wrong += not error <= TOLERANCE or sum(count) != layers
        name = os.path.basename(path).split(".")[0]
        print("| %s | %d | %d | %d | %d | %.1e |" % (name, layers, *count, error), flush=True)
    return wrong != 0


if __name__ == "__main__":
    sys.exit(main())
