"""border_cases.py FOLDER [TARGET]: batch normalization before convolutions that pad with zeros, folded into them and
compiled, against bnc-evaluate, which computes the graph as it was written, in double. One graph, an output per case."""

import os
import subprocess
import sys

import numpy as np
from random_graphs import dense_array, distance
from safetensors.numpy import save_file

# image, outputs, kernel, strides, pads, dilations, groups
CASES = [
    ((3, 7, 6), 4, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    ((16, 9, 9), 40, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),        # several blocks of output channels
    ((8, 11, 10), 12, (3, 2), (2, 3), (1, 3, 3, 2), (2, 1), 2),       # every border of its own width
    ((16, 8, 8), 16, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 16),       # depthwise
    ((5, 6, 7), 10, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 5),         # two outputs per channel
    ((6, 3, 2), 9, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 1),          # no window lies on the image
    ((4, 1, 1), 8, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),          # one pixel
    ((3, 17), 8, (4,), (1,), (2, 1), (1,), 1),
    ((16, 40, 33), 32, (7, 3), (1, 1), (3, 0, 3, 2), (1, 1), 1),      # strips of rows
]


def tensor(*shape):
    return "tensor<%sxf32>" % "x".join("?" if size is None else str(size) for size in shape)


def main():
    folder, target = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "host"
    numbers, values, variables, lines, arguments, results, options = np.random.default_rng(3), {}, [], [], [], [], []

    def variable(collection, name, shape, low, high):
        values[name] = numbers.uniform(low, high, shape).astype(np.float32)
        variables.append("bnc.variable %s @%s : %s" % (collection, name, tensor(*shape)))
        lines.append("%%%s = bnc.read @%s : %s" % (name, name, tensor(*shape)))

    def batch_norm(value, result, prefix, shape):
        channels = shape[:1]
        for collection, part, low, high in (("params", "scale", -2, 2), ("params", "offset", -1, 1), ("batch_stats", "mean", -1, 1), ("batch_stats", "variance", 0.2, 2)):
            variable(collection, prefix + part, channels, low, high)
        operands = " ".join("%s(%%%s%s : %s)" % (part, prefix, part, tensor(*channels)) for part in ("scale", "offset", "mean", "variance"))
        lines.append("%s = bnc.batch_norm %s %s {epsilon = 1.0e-3, decay = 0.9, running_variance = #bnc<running_variance sample>} : %s" % (
            result, value, operands, tensor(None, *shape)))

    for index, (image, outputs, kernel, strides, pads, dilations, groups) in enumerate(CASES):
        spatial = len(kernel)
        sizes = [(image[1 + i] + pads[i] + pads[i + spatial] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1 for i in range(spatial)]
        weight, shape = (outputs, image[0] // groups, *kernel), (outputs, *sizes)
        batch_norm("%%x%d" % index, "%%n%d" % index, "a%d" % index, image)
        variable("params", "w%d" % index, weight, -1, 1)
        variable("params", "b%d" % index, (outputs,), -1, 1)
        lines.append("%%c%d = bnc.conv %%n%d, %%w%d, %%b%d {strides = %s, pads = %s, dilations = %s, groups = %d : i64} : (%s, %s, %s) -> %s" % (
            index, index, index, index, dense_array(strides), dense_array(pads), dense_array(dilations), groups,
            tensor(None, *image), tensor(*weight), tensor(outputs), tensor(None, *shape)))
        if index % 2: # scales what the other one added
            batch_norm("%%c%d" % index, "%%d%d" % index, "o%d" % index, shape)
        lines.append("%%y%d = bnc.relu %%%s%d : %s" % (index, "d" if index % 2 else "c", index, tensor(None, *shape)))
        arguments.append('%%x%d: %s {bnc.name = "x%d"}' % (index, tensor(None, *image), index))
        results.append((tensor(None, *shape), index))
        np.save(os.path.join(folder, "x%d.npy" % index), numbers.normal(0.5, 1, (3, *image)).astype(np.float32))
        options += ["--input", "x%d=%s/x%d.npy" % (index, folder, index)]
    with open(os.path.join(folder, "net.mlir"), "w") as file:
        file.write('module attributes {bnc.phase = "import", bnc.weights = "weights.safetensors"} {\n%s\nbnc.graph model @net(%s) -> (%s) {\n  %s\n  bnc.return %s : %s\n}\n}\n' % (
            "\n".join(variables), ", ".join(arguments), ", ".join('%s {bnc.name = "y%d"}' % result for result in results),
            "\n  ".join(lines), ", ".join("%%y%d" % index for _, index in results), ", ".join(kind for kind, _ in results)))
    save_file(values, os.path.join(folder, "weights.safetensors"))

    def run(*words):
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            sys.exit("%s\n%s" % (" ".join(words), done.stderr))
        return done.stdout + done.stderr

    net = os.path.join(folder, "net.mlir")
    graph = run("bnc", "compile", net, "--compile-to=inference", "--fold=strict", "-o", "-")
    run("bnc-evaluate", net, *options, "--variables", os.path.join(folder, "weights.safetensors"), "--output-dir", os.path.join(folder, "oracle"))
    run("bnc", "run", net, *options, "--target=" + target, *sum((["--output", "y%d=%s/y%d.npy" % (i, folder, i)] for i in range(len(CASES))), []))
    wrong = graph.count("bnc.add_border_bias") != len(CASES) or "bnc.affine" in graph
    for index, case in enumerate(CASES):
        off = distance(np.load("%s/y%d.npy" % (folder, index)), np.load("%s/oracle/y%d.npy" % (folder, index)))
        wrong += not off < 1e-5
        print("%s: off by %.1e%s" % (case, off, "" if off < 1e-5 else " WRONG"))
    print("%d cases, %d wrong" % (len(CASES), wrong))


main()
