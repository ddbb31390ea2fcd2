"""Holds what the cost model of bnc-lower-kernels says of convolutions against a sweep of tools/scripts/sweep-convolutions.py.

    ranking.py graphs SWEEP.json              a module with a graph for each convolution of the sweep
    ranking.py check SWEEP.json REMARKS       what must hold of the remarks that the pass makes on it

The algorithm that is chosen takes at most CHOICE times as long as the fastest; of two that differ by more than a factor of
APART, the slower one has the larger cost. Prints every convolution for which that does not hold, and fails if there is one.
"""

import itertools
import json
import re
import sys

CHOICE, APART = 1.1, 1.25
ALGORITHMS = {"direct": "direct", "columns": "columns", "Winograd F(2x2, 3x3)": "winograd2", "Winograd F(4x4, 3x3)": "winograd4"}


def print_graphs(layers):
    for i, layer in enumerate(layers):
        inputs, outputs, size, kernel, stride = layer["shape"]
        end = (size - 1) // stride + 1
        image, result = "tensor<?x%dx%dx%dxf32>" % (inputs, size, size), "tensor<?x%dx%dx%dxf32>" % (outputs, end, end)
        weight = "tensor<%dx%dx%dx%dxf32>" % (outputs, inputs, kernel, kernel)
        window = "strides = array<i64: %d, %d>, pads = array<i64: %s>, dilations = array<i64: 1, 1>" % (
            stride, stride, ", ".join([str(kernel // 2)] * 4))
        operand, made, op = image, result, "bnc.conv %x, %w"
        if layer["phase"] == "training":
            operand, made, op = result, image, "bnc.conv_input_gradient %x, %w"
            window = "input_shape = array<i64: %d, %d>, " % (size, size) + window
        print("bnc.variable params @w%d : %s\nbnc.graph %s @layer%d(%%x: %s) -> %s {" % (i, weight, layer["phase"], i, operand, made))
        print("  %%w = bnc.read @w%d : %s" % (i, weight))
        print("  %%y = %s {%s} : (%s, %s) -> %s" % (op, window, operand, weight, made))
        print("  bnc.return %%y : %s\n}" % made)


def check(layers, remarks):
    wrong = 0
    for layer in layers:
        times = layer["milliseconds"]
        found = re.findall(r"remark: %s: (.*?) at an estimated ([\d.]+) kcycles(?: \((.*)\))?; " % re.escape(layer["convolution"]), remarks)
        assert len(found) == 1, "%d remarks for %s" % (len(found), layer["convolution"])
        chosen, cost, others = found[0]
        costs = {ALGORITHMS[name]: float(number) for name, number in
                 [(chosen, cost)] + re.findall(r"(?:, |^)(.*?): ([\d.]+)(?=, |$)", others)}
        assert costs.keys() == times.keys(), "%s: costs of %s, times of %s" % (layer["convolution"], list(costs), list(times))
        chosen, fastest = ALGORITHMS[chosen], min(times, key=times.get)
        said = ["%s is chosen and takes %.2f times as long as %s" % (chosen, times[chosen] / times[fastest], fastest)
                ] if times[chosen] > CHOICE * times[fastest] else []
        said += ["%s takes %.2f times as long as %s and costs %.2f times as much" % (a, times[a] / times[b], b, costs[a] / costs[b])
                 for a, b in itertools.permutations(times, 2) if times[a] > APART * times[b] and costs[a] <= costs[b]]
        for text in said:
            print("%s: %s" % (layer["convolution"], text))
        wrong += bool(said)
    print("%d convolutions, %d of them ranked wrong" % (len(layers), wrong))
    return 1 if wrong or not layers else 0


def main(command, sweep, remarks=None):
    with open(sweep) as file:
        layers = json.load(file)["layers"]
    if command == "graphs":
        return print_graphs(layers)
    with open(remarks) as file:
        return check(layers, file.read())


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
