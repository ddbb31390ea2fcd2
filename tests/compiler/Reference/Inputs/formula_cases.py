"""Ops that ONNX has no test cases for, against their formulas in numpy: losses, optimizers, running statistics, the
arithmetic of folding, integers.

    formula_cases.py FOLDER     prints the failures and the names of what was checked
"""

import os
import sys

import numpy as np

from mlir_builder import ELEMENTS, Graph, evaluate

rng = np.random.default_rng(0)
failures = 0
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)


def check(name, mnemonic, operands, results, expected, options=(), segments=False, **attributes):
    """One op on arrays (None: absent). `results` are the element types of the `expected` arrays; for an error,
    `expected` is a part of its text and `results` are element types and shapes."""
    global failures
    graph, inputs, values = Graph(), {}, []
    for index, array in enumerate(operands):
        if array is None:
            values.append(None)
            continue
        array = np.asarray(array)
        inputs["x%d" % index] = array
        values.append(graph.input("x%d" % index, array.shape, ELEMENTS[str(array.dtype)]))
    if isinstance(expected, str):
        types, shapes = zip(*results)
    else:
        types, shapes = results, [np.shape(array) for array in expected]
    found = graph.op(mnemonic, values, shapes[0], types[0], segments=segments, more=list(zip(shapes[1:], types[1:])),
                     **attributes)
    for value in found if isinstance(found, list) else [found]:
        graph.output(value)
    found = evaluate(folder, name, graph, inputs, *options)
    if isinstance(expected, str) or isinstance(found, str):
        good = isinstance(expected, str) and isinstance(found, str) and expected in found
    else:
        good = all(np.array_equal(a, b) if np.asarray(b).dtype.kind in "iu" else np.allclose(a, b, 1e-12, 1e-13)
                   for a, b in zip(found, expected))
    print("%s %s" % ("checked" if good else "FAILED", name))
    if not good:
        failures += 1
        print(found, expected)


def normal(*shape):
    return rng.standard_normal(shape)


# Losses. The gradient is that of the mean over the batch, by central differences of the formula.

def cross_entropy(x, labels):
    return np.log(np.exp(x).sum(1)) - x[np.arange(len(x)), labels]


def mse(x, labels):
    return ((x - labels) ** 2).reshape(len(x), -1).mean(1)


def bce(x, labels):
    p = 1 / (1 + np.exp(-x))
    return -(labels * np.log(p) + (1 - labels) * np.log(1 - p)).reshape(len(x), -1).mean(1)


def numeric_gradient(function, x):
    result = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-3
        # Fourth order.
        near, far = (function(x + step) - function(x - step)) / 2e-3, (function(x + 2 * step) - function(x - 2 * step)) / 4e-3
        result[index] = (4 * near - far) / 3
    return result


def check_loss(name, kind, function, x, labels, correct):
    check("loss-" + name, "loss", [x, labels], ["f64", "f64"], [function(x, labels), correct],
          kind="#bnc<loss_kind %s>" % kind)
    global failures
    graph = Graph()
    output = graph.input("x", x.shape, "f64")
    targets = graph.input("labels", labels.shape, ELEMENTS[str(labels.dtype)])
    graph.output(graph.op("loss_gradient", [output, targets], x.shape, kind="#bnc<loss_kind %s>" % kind))
    found = evaluate(folder, "gradient-" + name, graph, {"x": x, "labels": labels})
    expected = numeric_gradient(lambda values: function(values, labels).mean(), x)
    good = not isinstance(found, str) and np.allclose(found[0], expected, 1e-8, 1e-10)
    failures += not good
    print("%s loss-gradient-%s" % ("checked" if good else "FAILED", name))


x, ids = normal(5, 4), np.array([0, 3, 2, 1, 2], np.int32)
check_loss("cross-entropy", "softmax_cross_entropy", cross_entropy, x, ids, (x.argmax(1) == ids).astype(float))
check_loss("mse", "mse", mse, normal(3, 2, 2), normal(3, 2, 2), np.zeros(3))
check_loss("bce", "bce_with_logits", bce, normal(3, 2), rng.random((3, 2)), np.zeros(3))
# Large outputs overflow no exponential, and the first of equal outputs is the class.
check("loss-large", "loss", [np.array([[1000.0, 1000, 0], [-1000, 0, -1000]]), np.array([0, 0], np.int32)],
      ["f64", "f64"], [[np.log(2), 1000], [1, 0]], kind="#bnc<loss_kind softmax_cross_entropy>")
check("loss-bad-label", "loss", [x, np.array([0, 4, 0, 0, 0], np.int32)], [("f64", (5,)), ("f64", (5,))],
      "sample 1 has class id 4; expected 0 to 3", kind="#bnc<loss_kind softmax_cross_entropy>")

# Optimizers (torch.optim.SGD, Adam, AdamW).

value, g, m, v = normal(6), normal(6), normal(6), np.abs(normal(6))
lr, mu, tau, wd = 0.25, 0.5, 0.125, 0.0625
options = ["--lr=0.25", "--momentum=0.5", "--dampening=0.125", "--weight-decay=0.0625"]
decayed = g + wd * value
check("sgd-plain", "sgd_update", [value, g, None], ["f64"], [value - lr * decayed], options)
moved = mu * m + (1 - tau) * decayed
check("sgd-momentum", "sgd_update", [value, g, m], ["f64", "f64"], [value - lr * moved, moved],
      options + ["--step=2"])
check("sgd-nesterov", "sgd_update", [value, g, m], ["f64", "f64"], [value - lr * (decayed + mu * moved), moved],
      options + ["--step=2"], nesterov=True)
check("sgd-first-step", "sgd_update", [value, g, np.zeros(6)], ["f64", "f64"], [value - lr * decayed, decayed], options)

options = ["--lr=0.25", "--beta1=0.75", "--beta2=0.875", "--epsilon=0.001", "--weight-decay=0.0625", "--step=3"]
for name, decoupled in (("adam", False), ("adamw", True)):
    start, slope = (value * (1 - lr * wd), g) if decoupled else (value, decayed)
    first, second = 0.75 * m + 0.25 * slope, 0.875 * v + 0.125 * slope ** 2
    step = lr * (first / (1 - 0.75 ** 3)) / (np.sqrt(second / (1 - 0.875 ** 3)) + 0.001)
    check(name, "adam_update", [value, g, m, v], ["f64"] * 3, [start - step, first, second], options,
          decoupled=decoupled)

# Running statistics.

mean, variance, batch_mean, batch_variance = normal(3), np.abs(normal(3)), normal(3), np.abs(normal(3))
count, sample = np.array(10), "#bnc<running_variance sample>"
check("running-sample", "update_running", [mean, variance, batch_mean, batch_variance, count], ["f64", "f64"],
      [0.75 * mean + 0.25 * batch_mean, 0.75 * variance + 0.25 * batch_variance * 10 / 9], decay=0.75,
      running_variance=sample)
check("running-cumulative", "update_running", [mean, variance, np.array(4.0), batch_mean, batch_variance, count],
      ["f64"] * 3, [(4 * mean + batch_mean) / 5, (4 * variance + batch_variance * 10 / 9) / 5, np.array(5.0)], decay=0.0,
      running_variance=sample, cumulative=True)
x = normal(3, 4, 2) + 1e6  # two passes keep the variance of a large mean
check("batch-stats", "batch_stats", [x], ["f64", "f64", "i64"], [x.mean((0, 2)), x.var((0, 2)), np.array(6)])
check("batch-stats-of-one", "batch_stats", [normal(1, 4)], [("f64", (4,)), ("f64", (4,)), ("i64", ())],
      "has one value per channel; statistics of a batch need at least two")

# The arithmetic of folding: f32 in, f64 out.

scale, offset = normal(3).astype("f4"), normal(3).astype("f4")
mean, variance = normal(3).astype("f4"), np.abs(normal(3)).astype("f4")
slope = scale.astype("f8") / np.sqrt(variance.astype("f8") + 1e-5)
check("fold-coefficients", "fold_coefficients", [scale, offset, mean, variance], ["f64", "f64"],
      [slope, offset - mean * slope], segments=True, epsilon=1e-5)
check("fold-coefficients-bare", "fold_coefficients", [None, None, mean, variance], ["f64", "f64"],
      [slope / scale, -mean * (slope / scale)], segments=True, epsilon=1e-5)
w = normal(4, 3, 2).astype("f4")
factor = normal(3)
check("fold-scale", "fold_scale", [w, factor], ["f64"], [w * factor[:, None]], axis=1)
factor = normal(6)
check("fold-scale-groups", "fold_scale", [w, factor], ["f64"],
      [np.concatenate([w[:2] * factor[:3, None], w[2:] * factor[3:, None]])], axis=1, groups=2)
check("fold-add", "fold_add", [offset, scale], ["f64"], [offset.astype("f8") + scale])
check("fold-add-to-nothing", "fold_add", [offset, None], ["f64"], [offset.astype("f8")])
shift = normal(3)
check("fold-shift", "fold_shift", [w, shift], ["f64"], [np.einsum("oik,i->o", w.astype("f8"), shift)])
check("fold-shift-transposed", "fold_shift", [w, normal(4) * 0 + 2], ["f64"], [2 * w.astype("f8").sum((0, 2))],
      transposed=True)
shift = normal(6)
check("fold-shift-groups", "fold_shift", [w, shift], ["f64"],
      [np.concatenate([np.einsum("oik,i->o", part.astype("f8"), values)
                       for part, values in ((w[:2], shift[:3]), (w[2:], shift[3:]))])], groups=2)

# Integers are exact and wrap; casts.

big = np.array([2 ** 53 + 1, -(2 ** 62)], np.int64)
check("add-i64", "add", [big, big], ["i64"], [big + big])
check("mul-i32", "mul", [np.array([1 << 20], np.int32), np.array([1 << 12], np.int32)], ["i32"], [np.array([0])])
check("sub-u8", "sub", [np.array([3], np.uint8), np.array([5], np.uint8)], ["ui8"], [np.array([254])])
check("div-i32", "div", [np.array([-7], np.int32), np.array([2], np.int32)], ["i32"], [np.array([-3])])
check("div-by-zero", "div", [np.array([1], np.int32), np.array([0], np.int32)], [("i32", (1,))],
      "divides an integer by 0")
check("cast-to-i32", "cast", [np.array([2.75, -2.75])], ["i32"], [np.array([2, -2])])
check("cast-to-bool", "cast", [np.array([0.0, 0.25, -3])], ["i1"], [np.array([0, 1, 1])])
check("cast-to-f32", "cast", [big], ["f32"], [big.astype("f8")])
check("cast-too-large", "cast", [np.array([1e10])], [("i32", (1,))], "which 'i32' cannot hold")

sys.exit(failures != 0)
