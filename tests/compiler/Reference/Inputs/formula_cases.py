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


def log_softmax(x):
    return x - np.log(np.exp(x).sum(1, keepdims=True))


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

# Label smoothing and probabilities as labels (one-hot ones are class ids).

rows = np.exp(normal(5, 4))
rows /= rows.sum(1, keepdims=True)
smoothed = 0.75 * rows + 0.25 / 4
check("loss-probabilities", "loss", [x, rows], ["f64", "f64"],
      [(smoothed * -log_softmax(x)).sum(1), (x.argmax(1) == rows.argmax(1)).astype(float)],
      kind="#bnc<loss_kind softmax_cross_entropy>", label_smoothing=0.25)
check("loss-one-hot", "loss", [x, np.eye(4)[ids]], ["f64", "f64"], [cross_entropy(x, ids), (x.argmax(1) == ids).astype(float)],
      kind="#bnc<loss_kind softmax_cross_entropy>")
check("loss-gradient-probabilities", "loss_gradient", [x, 2 * rows], ["f64"],
      [(np.exp(log_softmax(x)) * 2 - 2 * rows) / 5], kind="#bnc<loss_kind softmax_cross_entropy>")
check("loss-smoothed", "loss", [x, ids], ["f64", "f64"],
      [((0.75 * np.eye(4)[ids] + 0.25 / 4) * -log_softmax(x)).sum(1), (x.argmax(1) == ids).astype(float)],
      kind="#bnc<loss_kind softmax_cross_entropy>", label_smoothing=0.25)

# Optimizers, each flavor by its framework's formula. The frameworks themselves speak in tests/goldens.

value, g = normal(6), normal(6)
lr, wd, eps, t = 0.25, 0.0625, 0.001, 3
state = [np.abs(normal(6)) for _ in range(3)]


def optimizer(spelling, moved, slots, numbers, decay="l2", step=t, exempt=False):
    """`moved(value, gradient)` is the new value and the new slots."""
    start, slope = value, g
    if decay == "decoupled":
        start = value - lr * wd * value
    elif decay and not exempt:
        slope = g + wd * value
    options = ["--lr=%g" % lr, "--step=%d" % step] + ["--number=%s=%g" % item for item in numbers.items()]
    if decay:
        options.append("--number=weight-decay=%g" % wd)
    result = moved(start, slope)
    name = "-".join(spelling.replace("=", ":").replace(",", ":").split(":")) + ("-exempt" if exempt else "") + ("-first" if step == 1 else "")
    check(name, "optimizer_update", [value, g] + slots, ["f64"] * len(result), result, options, optimizer='"%s"' % spelling, no_weight_decay=exempt)


mu, tau = 0.5, 0.125
heavy = {"momentum": mu, "dampening": tau}
m, v = state[0], state[1]
optimizer("sgd", lambda x, g: [x - lr * g], [], {})
optimizer("sgd", lambda x, g: [x - lr * g], [], {}, exempt=True)
optimizer("sgd:flavor=optax", lambda x, g: [x - lr * g], [], {}, decay=None)
optimizer("sgd:momentum", lambda x, g: [x - lr * (mu * m + (1 - tau) * g), mu * m + (1 - tau) * g], [m], heavy)
optimizer("sgd:momentum", lambda x, g: [x - lr * (mu * m + g), mu * m + g], [m], heavy, step=1)
optimizer("sgd:momentum,nesterov", lambda x, g: [x - lr * (g + mu * (mu * m + (1 - tau) * g)), mu * m + (1 - tau) * g], [m], heavy)
optimizer("sgd:flavor=keras,momentum,nesterov", lambda x, g: [x + mu * (mu * m - lr * g) - lr * g, mu * m - lr * g], [m],
          {"momentum": mu}, "decoupled")

betas = {"beta1": 0.75, "beta2": 0.875, "eps": eps}
first, second = lambda g: 0.75 * m + 0.25 * g, lambda g: 0.875 * v + 0.125 * g ** 2
c1, c2 = 1 - 0.75 ** t, 1 - 0.875 ** t
pytorch = lambda x, g: [x - lr * first(g) / c1 / (np.sqrt(second(g) / c2) + eps), first(g), second(g)]
optimizer("adam", pytorch, [m, v], betas)
optimizer("adamw", pytorch, [m, v], betas, "decoupled")
optimizer("adam:flavor=optax", lambda x, g: [x - lr * first(g) / c1 / (np.sqrt(second(g) / c2 + 0.5) + eps), first(g), second(g)],
          [m, v], dict(betas, **{"eps-root": 0.5}), None)
optimizer("adamw:flavor=keras", lambda x, g: [x - lr * np.sqrt(c2) / c1 * first(g) / (np.sqrt(second(g)) + eps), first(g), second(g)],
          [m, v], betas, "decoupled")

mean = 0.25 * state[0] # so that the variance is positive
v = 1 + state[1]
second, first = lambda g: 0.75 * v + 0.25 * g ** 2, lambda g: 0.75 * mean + 0.25 * g
rms = {"alpha": 0.75, "eps": eps}
optimizer("rmsprop", lambda x, g: [x - lr * g / (np.sqrt(second(g)) + eps), second(g)], [v], rms)
variance = lambda g: second(g) - first(g) ** 2
move = lambda g: mu * state[2] + g / (np.sqrt(variance(g)) + eps)
optimizer("rmsprop:momentum,centered", lambda x, g: [x - lr * move(g), second(g), first(g), move(g)], [v, mean, state[2]],
          dict(rms, momentum=mu))
inside = lambda g: mu * state[2] + lr * g / np.sqrt(second(g) + eps)
optimizer("rmsprop:flavor=optax,momentum", lambda x, g: [x - inside(g), second(g), inside(g)], [v, state[2]], dict(rms, momentum=mu), None)
optimizer("rmsprop:flavor=keras,centered", lambda x, g: [x - lr * g / np.sqrt(variance(g) + eps), second(g), first(g)], [v, mean],
          rms, "decoupled")

ada = {"eps": eps, "initial-accumulator": 0.5}
total = lambda g: v + g ** 2 + 0.5
optimizer("adagrad", lambda x, g: [x - lr / (1 + (t - 1) * 0.5) * g / (np.sqrt(total(g)) + eps), v + g ** 2], [v],
          dict(ada, **{"lr-decay": 0.5}))
optimizer("adagrad:flavor=optax", lambda x, g: [x - lr * g / np.sqrt(total(g) + eps), v + g ** 2], [v], ada, None)
optimizer("adagrad:flavor=keras", lambda x, g: [x - lr * g / np.sqrt(total(g) + eps), v + g ** 2], [v], ada, "decoupled")

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
