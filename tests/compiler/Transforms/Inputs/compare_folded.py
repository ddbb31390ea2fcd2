"""Evaluates every module of a split .mlir file with its batch_norms folded and unfolded, in double, and compares.

    compare_folded.py FILE.mlir FOLDER

Scales are negative, zero and positive in turn; one variance is far below epsilon. Folding and evaluation are exact but
for rounding in double, so results agree to 1e-12 of the tensor's largest element: some hundred roundings of 1e-16.
"""

import os
import re
import subprocess
import sys

import numpy

TOLERANCE = 1e-12


def run(*arguments):
    result = subprocess.run(arguments, capture_output=True, text=True)
    if result.returncode:
        sys.exit("%s\n%s" % (" ".join(arguments), result.stderr))
    return result.stdout


def make_variables(text, folder, generator):
    options = []
    for name, shape in re.findall(r"bnc\.variable \w+ @([\w.]+) : tensor<([\dx]+)xf32>", text):
        value = generator.uniform(-1, 1, [int(size) for size in shape.split("x")])
        if name.endswith("scale"):
            value *= numpy.resize([-3, 0, 2], value.shape)
        if name.endswith("variance"):
            value = numpy.abs(value)
            value[-1] = 1e-9
        path = os.path.join(folder, name + ".npy")
        numpy.save(path, value)
        options.append("--variable=%s=%s" % (name, path))
    return options


def evaluate(module, folder, kind, passes, variables, seed):
    path = os.path.join(folder, kind + ".mlir")
    run("bnc-opt", module, "--bnc-specialize=phase=inference", *passes, "-o", path)
    results = os.path.join(folder, kind)
    run("bnc-evaluate", path, "--random", "--seed=%d" % seed, "--output-dir=" + results, *variables)
    return {name: numpy.load(os.path.join(results, name)) for name in sorted(os.listdir(results))}


def main(source, folder):
    with open(source, encoding="utf-8") as file:
        modules = file.read().split("// -----")
    worst = 0
    for index, text in enumerate(modules):
        here = os.path.join(folder, str(index))
        os.makedirs(here, exist_ok=True)
        module = os.path.join(here, "model.mlir")
        with open(module, "w", encoding="utf-8") as file:
            file.write(text)
        name = re.search(r"bnc\.graph model @(\w+)", text).group(1)
        variables = make_variables(text, here, numpy.random.default_rng(index))
        folded = evaluate(module, here, "folded", ["--bnc-fold-batch-norm"], variables, index)
        plain = evaluate(module, here, "unfolded", ["--bnc-expand-batch-norm=phase=inference"], variables, index)
        if not plain or folded.keys() != plain.keys():
            sys.exit("@%s: results %s and %s" % (name, list(folded), list(plain)))
        for result, expected in plain.items():
            size = numpy.abs(expected).max()
            error = numpy.abs(folded[result] - expected).max() / size
            worst = max(worst, error)
            if not size > 0 or not error <= TOLERANCE:
                sys.exit("@%s: %s differs by %g of its largest element %g" % (name, result, error, size))
    print("%d modules agree within %g (largest difference %.1e)" % (len(modules), TOLERANCE, worst))


if __name__ == "__main__":
    main(*sys.argv[1:])
