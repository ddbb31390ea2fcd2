"""Graphs over random odd shapes for every rule of differentiation, each checked by bnc-evaluate --check-gradients.

    gradient_cases.py FOLDER [SEED]     prints the failures and how many cases each family has
"""

import os
import random
import subprocess
import sys

from mlir_builder import Graph, write

CASES = {}


def family(count):
    """Registers a function that fills a graph; it is run `count` times with numbers of its own."""
    return lambda function: CASES.setdefault(function.__name__, (function, count))


def sizes(rng, count, low=1, high=5):
    return [rng.randint(low, high) for _ in range(count)]


def batch(rng):
    return rng.choice([None, 2, 3])


def reshaped_size(shape):
    return [-1 if size is None else size for size in shape]


ACTIVATIONS = {"abs": {}, "clip": {"min": -0.5, "max": 0.25}, "elu": {"alpha": 1.5}, "erf": {}, "exp": {},
               "hard_sigmoid": {"alpha": 0.75, "beta": 0.5}, "hard_swish": {}, "leaky_relu": {"alpha": 0.125},
               "log": {}, "neg": {}, "relu": {}, "sigmoid": {}, "softplus": {}, "sqrt": {}, "tanh": {}}


@family(len(ACTIVATIONS))
def activation(graph, rng, number):
    mnemonic = sorted(ACTIVATIONS)[number]
    shape = [batch(rng)] + sizes(rng, rng.randint(0, 3), 1, 6)
    x = graph.input("x", shape)
    if mnemonic in ("log", "sqrt"):
        x = graph.op("exp", [x], shape)
    if mnemonic == "hard_swish":  # beyond both kinks
        x = graph.op("mul", [x, graph.constant(5)], shape)
    graph.output(graph.op(mnemonic, [x], shape, **ACTIVATIONS[mnemonic]))


@family(36)
def arithmetic(graph, rng, number):
    mnemonic = ("add", "sub", "mul", "div", "max", "min")[number % 6]
    n, c, h, w = batch(rng), *sizes(rng, 3, 2)
    pairs = [((n, c, h, w), (n, c, h, w)), ((n, c, h, w), (c, 1, 1)), ((1, c, 1, 1), (n, c, h, w)),
             ((n, c, h, w), (n, c, 1, 1)), ((), (n, c)), ((n, 1, h), (c, 1)), ((n, 1, 1, w), (c, h, 1))]
    left, right = pairs[(number // 6) % len(pairs)] if number < 30 else rng.choice(pairs)
    x, y = graph.input("x", left), graph.input("y", right)
    padded = [[1] * (max(len(left), len(right)) - len(shape)) + list(shape) for shape in (left, right)]
    shape = [b if a == 1 else a for a, b in zip(*padded)]
    if mnemonic == "div":
        y = graph.op("exp", [y], right)
    graph.output(graph.op(mnemonic, [x, y], shape))


@family(2)
def same_operand_twice(graph, rng, number):
    x = graph.input("x", [batch(rng), 3])
    graph.output(graph.op(("mul", "div")[number], [graph.op("exp", [x], x.shape)] * 2 if number else [x, x], x.shape))


def window(rng, spatial, stride=3, dilation=2, kernel=3):
    kernel, strides, dilations = sizes(rng, spatial, 1, kernel), sizes(rng, spatial, 1, stride), sizes(rng, spatial, 1, dilation)
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    return kernel, strides, dilations, extents


def slide(input, extents, strides, pads):
    spatial = len(input)
    return [(input[i] + pads[i] + pads[i + spatial] - extents[i]) // strides[i] + 1 for i in range(spatial)]


@family(30)
def conv(graph, rng, number):
    spatial, groups = number % 3 + 1, rng.choice([1, 1, 2, 3])
    kernel, strides, dilations, extents = window(rng, spatial)
    pads = sizes(rng, 2 * spatial, 0, 2)
    image = [extent + rng.randint(0, 4 if spatial < 3 else 2) for extent in extents]
    c, k, n = groups * rng.randint(1, 2), groups * rng.randint(1, 3), batch(rng)
    x = graph.input("x", [n, c] + image)
    w = graph.variable("w", [k, c // groups] + kernel)
    b = graph.variable("b", [k]) if rng.random() < 0.5 else None
    graph.output(graph.op("conv", [x, w, b], [n, k] + slide(image, extents, strides, pads), strides=strides, pads=pads,
                          dilations=dilations, groups=groups))


@family(24)
def conv_transpose(graph, rng, number):
    spatial, groups = number % 3 + 1, rng.choice([1, 1, 2])
    kernel, strides, dilations, extents = window(rng, spatial)
    # An output_padding of a stride or more is legal where the dilation is larger still.
    extra = [rng.randint(0, max(s, d) - 1) for s, d in zip(strides, dilations)]
    image = sizes(rng, spatial, 1, 4 if spatial < 3 else 2)
    pads, result = [0] * (2 * spatial), []
    for i in range(spatial):
        size = (image[i] - 1) * strides[i] + extents[i] + extra[i]
        for side in (i, i + spatial):
            pads[side] = rng.randint(0, min(1, size - 1))
            size -= pads[side]
        result.append(size)
    c, k, n = groups * rng.randint(1, 2), groups * rng.randint(1, 2), batch(rng)
    x = graph.input("x", [n, c] + image)
    w = graph.variable("w", [c, k // groups] + kernel)
    b = graph.variable("b", [k]) if rng.random() < 0.5 else None
    graph.output(graph.op("conv_transpose", [x, w, b], [n, k] + result, strides=strides, pads=pads, dilations=dilations,
                          output_padding=extra, groups=groups))


@family(8)
def dense(graph, rng, number):
    shape = [batch(rng)] + sizes(rng, 1 + number % 3)
    outputs, transposed = rng.randint(1, 4), number % 2 == 1
    x = graph.input("x", shape)
    w = graph.variable("w", [shape[-1], outputs] if transposed else [outputs, shape[-1]])
    b = graph.variable("b", [outputs]) if number >= 4 else None
    graph.output(graph.op("dense", [x, w, b], shape[:-1] + [outputs], transposed=transposed))


def statistics_input(graph, rng):
    """An input of 2 to 5 dimensions, which of them holds the channels, and how many."""
    shape = [batch(rng)] + sizes(rng, rng.randint(1, 4), 1, 4)
    feature = rng.randint(1, len(shape) - 1) if shape[0] is None else rng.randint(0, len(shape) - 1)
    # Two values have mean +-1 once normalized, whatever they are; see to more of them.
    other = 1 if feature != 1 else 0
    if len(shape) == 2:
        shape[other] = None if shape[other] is None else 7
    elif other:
        shape[other] = 5
    return graph.input("x", shape), feature, shape[feature]


@family(4)
def update_average(graph, rng, number):
    shape = [batch(rng)] + sizes(rng, number + 1, 1, 4)
    x = graph.input("x", shape)
    average = graph.variable("average", shape[1:], "batch_stats")
    moved = graph.op("update_average", [x, average], shape[1:], decay=rng.choice([0.0, 0.9]))
    graph.output(graph.op("sub", [x, moved], shape))


@family(12)
def normalize_with_batch_statistics(graph, rng, number):
    x, feature, channels = statistics_input(graph, rng)
    scale = graph.variable("scale", [channels]) if number % 2 else None
    offset = graph.variable("offset", [channels]) if number // 2 % 2 else None
    mean, variance, _ = graph.op("batch_stats", [x], [channels], "f32", more=[([channels], "f32"), ([], "i64")],
                                 feature_index=feature)
    graph.output(graph.op("normalize", [x, scale, offset, mean, variance], x.shape, segments=True,
                          feature_index=feature, epsilon=rng.choice([1e-5, 1e-3])))


@family(4)
def normalize_with_running_statistics(graph, rng, number):
    x, feature, channels = statistics_input(graph, rng)
    scale = graph.variable("scale", [channels]) if number % 2 else None
    offset = graph.variable("offset", [channels]) if number // 2 % 2 else None
    mean = graph.variable("mean", [channels], "batch_stats")
    variance = graph.variable("variance", [channels], "batch_stats")
    graph.output(graph.op("normalize", [x, scale, offset, mean, variance], x.shape, segments=True,
                          feature_index=feature, epsilon=1e-5))


@family(4)
def batch_norm(graph, rng, number):
    """In its training form, made by the passes."""
    x, feature, channels = statistics_input(graph, rng)
    operands = [graph.variable("scale", [channels]), graph.variable("offset", [channels])]
    operands += [graph.variable(name, [channels], "batch_stats") for name in ("mean", "variance")]
    graph.output(graph.op("batch_norm", [x] + operands + [None], x.shape, segments=True, feature_index=feature,
                          epsilon=1e-5, decay=0.9, running_variance="#bnc<running_variance sample>",
                          frozen=number % 2 == 1))


@family(4)
def affine(graph, rng, number):
    x, feature, channels = statistics_input(graph, rng)
    operands = [graph.variable("slope", [channels]), graph.variable("intercept", [channels])]
    graph.output(graph.op("affine", [x] + operands, x.shape, feature_index=feature))


@family(1)
def dropout_of_nothing(graph, rng, number):
    x = graph.input("x", [batch(rng), 4])
    graph.output(graph.op("dropout", [x], x.shape, ratio=0.0))


def pool(graph, rng, mnemonic, number, **attributes):
    spatial = number % 3 + 1
    kernel, strides, dilations, extents = window(rng, spatial)
    pads = [rng.randint(0, min(1, extents[i % spatial] - 1)) for i in range(2 * spatial)]
    # Only a window of one element may have padding at all its other positions.
    dilations = [1 if max(pads[i], pads[i + spatial]) else d for i, d in enumerate(dilations)]
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    image = [extent + rng.randint(0, 4 if spatial < 3 else 2) for extent in extents]
    n, c = batch(rng), rng.randint(1, 3)
    x = graph.input("x", [n, c] + image)
    graph.output(graph.op(mnemonic, [x], [n, c] + slide(image, extents, strides, pads), kernel=kernel, strides=strides,
                          pads=pads, dilations=dilations, **attributes))


@family(15)
def avg_pool(graph, rng, number):
    pool(graph, rng, "avg_pool", number, count_include_pad=number % 2 == 1)


@family(12)
def max_pool(graph, rng, number):
    pool(graph, rng, "max_pool", number)


@family(24)
def reduction(graph, rng, number):
    mnemonic = ("reduce_sum", "reduce_mean", "reduce_max")[number % 3]
    shape = [batch(rng)] + sizes(rng, rng.randint(1, 3))
    axes, keep = rng.sample(range(len(shape)), rng.randint(1, len(shape))), number % 2 == 1
    result = [1 if dim in axes else size for dim, size in enumerate(shape) if keep or dim not in axes]
    graph.output(graph.op(mnemonic, [graph.input("x", shape)], result, axes=axes, keep_dims=keep))


@family(10)
def softmax(graph, rng, number):
    shape = [batch(rng)] + sizes(rng, rng.randint(1, 3), 2)
    x = graph.input("x", shape)
    graph.output(graph.op(("softmax", "log_softmax")[number % 2], [x], shape, axis=rng.randint(1, len(shape) - 1)))


@family(6)
def concat(graph, rng, number):
    shape, axis = [batch(rng)] + sizes(rng, rng.randint(1, 3)), 0
    if shape[0] is None or number % 2:
        axis = rng.randint(1, len(shape) - 1)
    parts = sizes(rng, rng.randint(1, 3))
    inputs = [graph.input("x%d" % i, shape[:axis] + [part] + shape[axis + 1:]) for i, part in enumerate(parts)]
    graph.output(graph.op("concat", inputs, shape[:axis] + [sum(parts)] + shape[axis + 1:], axis=axis))


@family(4)
def pad(graph, rng, number):
    shape = [batch(rng)] + sizes(rng, rng.randint(1, 3))
    low, high = [0 if size is None else rng.randint(0, 2) for size in shape], [0] + sizes(rng, len(shape) - 1, 0, 2)
    result = [None if size is None else size + a + b for size, a, b in zip(shape, low, high)]
    graph.output(graph.op("pad", [graph.input("x", shape)], result, low=low, high=high, value=0.5))


@family(4)
def reshape(graph, rng, number):
    n, c, h, w = batch(rng), *sizes(rng, 3)
    result = ([n, c * h * w], [n, h, c, w], [n, 1, c, h * w], [n, w, h, 1, c])[number]
    graph.output(graph.op("reshape", [graph.input("x", [n, c, h, w])], result, shape=reshaped_size(result)))


@family(10)
def slice(graph, rng, number):
    shape = [batch(rng)] + sizes(rng, rng.randint(1, 3), 2, 7)
    starts, counts, steps = [], [], []
    for size in shape:
        step = rng.randint(1, 3) if number % 2 and size else 1
        start = rng.randint(0, size - 1) if size else 0
        starts.append(start)
        steps.append(step)
        counts.append(rng.randint(1, (size - 1 - start) // step + 1) if size else None)
    graph.output(graph.op("slice", [graph.input("x", shape)], counts, starts=starts, sizes=reshaped_size(counts),
                          steps=steps))


@family(4)
def transpose(graph, rng, number):
    shape = [batch(rng)] + sizes(rng, rng.randint(1, 4))
    permutation = rng.sample(range(len(shape)), len(shape))
    graph.output(graph.op("transpose", [graph.input("x", shape)], [shape[dim] for dim in permutation],
                          permutation=permutation))


@family(2)
def several_uses(graph, rng, number):
    """A value with two consumers, a variable that is read twice, and one that reaches nothing."""
    n, c = batch(rng), 3
    x, w = graph.input("x", [n, c]), graph.variable("w", [c, c])
    first = graph.op("tanh", [graph.op("dense", [x, w], [n, c])], [n, c])
    second = graph.op("dense", [first, graph.read("w", [c, c])], [n, c])
    graph.variable("unused", [2])
    graph.output(graph.op("add", [first, second], [n, c]))
    graph.output(graph.op("mul", [first, x], [n, c]))


def main(folder, seed="0"):
    os.makedirs(folder, exist_ok=True)
    failures = 0
    for name, (fill, count) in sorted(CASES.items()):
        for number in range(count):
            graph = Graph()
            fill(graph, random.Random("%s %s %d" % (seed, name, number)), number)
            path = write(folder, "%s-%d" % (name, number), graph)
            process = subprocess.run(["bnc-evaluate", path, "--check-gradients", "--seed", str(number), "--batch", "4"],
                                     capture_output=True, text=True)
            checked = process.stdout.count("relative error")
            if process.returncode != 0 or checked == 0:
                failures += 1
                print("FAILED %s\n%s%s" % (path, process.stdout, process.stderr))
        print("%s: %d cases" % (name, count))
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
