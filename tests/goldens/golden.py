"""What the scripts of this folder share: the data, the runs in both precisions, and the file that comes out.

A script defines `run(dtype)`, which trains with its framework and returns (losses, variables, outputs), and
`export(folder)`, which writes the untrained model, and calls `main`. Each precision runs in a process of its own,
because frameworks choose theirs when they start. The distances between the two are the framework's own float32 error,
against which another implementation is judged (tests/apps/Inputs/compare_golden.py).
"""

import argparse
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

import numpy as np

KEPT = 512 # elements of a variable in the golden file, evenly spaced


def uniform(count, seed):
    """float32 in [0, 1), the numbers of fill() in tests/apps/app.h."""
    values = np.empty(count, np.float32)
    for i in range(count):
        seed = (seed * 1664525 + 1013904223) & 0xffffffff
        values[i] = (seed >> 8) / 16777216
    return values


def spacing(shape):
    """1, or a prime that divides no extent, so that the kept elements lie in all rows and columns."""
    size = int(np.prod(shape))
    result = -(-size // KEPT)
    while result > 1 and (any(result % divisor == 0 for divisor in range(2, result)) or any(extent % result == 0 for extent in shape)):
        result += 1
    return max(1, result)


def numbers(array):
    return [float("%.10g" % value) for value in np.asarray(array, np.float64).ravel()]


def flatten(tree, prefix=""):
    """{"params.Dense_0.kernel": array, ...} of nested dictionaries."""
    if not hasattr(tree, "items"):
        return {prefix: np.asarray(tree)}
    return {name: leaf for key, branch in tree.items()
            for name, leaf in flatten(branch, prefix + "." + key if prefix else key).items()}


JAX = {"float64": {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}, "float32": [{"JAX_PLATFORMS": "cpu"}]}


def compare(exact, singles):
    """What the golden file holds of one quantity. The float32 distance is that of the farthest run."""
    for single in singles:
        if exact.shape != single.shape:
            sys.exit("a float32 run has shape %s where the float64 run has %s" % (single.shape, exact.shape))
    step = spacing(exact.shape)
    kept = [np.asarray(array, np.float64).ravel()[::step] for array in (exact, *singles)]
    return {"shape": list(exact.shape), "spacing": step, "float64": numbers(kept[0]),
            "float32_distance": float("%.4g" % max(np.abs(single - kept[0]).max() for single in kept[1:]))}


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError: # TensorFlow comes as tensorflow-cpu, too
        return __import__(package).__version__


def child(dtype, environment, extra):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run.npz")
        subprocess.run([sys.executable, sys.argv[0], "--run", dtype, "-o", path] + extra, check=True,
                       env={**os.environ, **environment})
        with np.load(path) as arrays:
            return {name: arrays[name] for name in arrays}


def main(name, description, packages, settings, run, export, float64=None, float32=({},), arguments=()):
    """`settings` goes into the file: steps, batch, optimizer. `float64`: environment variables of that run's process;
    `float32`: those of each float32 run. `arguments`: (option, default, help) of integers, whose values `run` and
    `export` get by name."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--run", choices=("float32", "float64"), help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", default=os.path.dirname(os.path.abspath(__file__)))
    for option, default, text in arguments:
        parser.add_argument("--" + option, type=int, default=default, help=text)
    given = parser.parse_args()
    named = {option: getattr(given, option) for option, _, _ in arguments}
    if given.run:
        losses, variables, outputs = run(given.run, **named)
        np.savez(given.output, losses=losses, outputs=outputs,
                 **{"variable " + key: value for key, value in variables.items()})
        return

    os.makedirs(given.output, exist_ok=True)
    export(given.output, **named)
    extra = [text for key, value in named.items() for text in ("--" + key, str(value))]
    exact = child("float64", float64 or {}, extra)
    singles = [child("float32", environment, extra) for environment in float32]
    golden = {
        "made_with": {"python": platform.python_version(),
                      **{package: version(package) for package in packages}},
        **settings,
        "losses": compare(exact["losses"], [single["losses"] for single in singles]),
        "outputs": compare(exact["outputs"], [single["outputs"] for single in singles]),
        "variables": {key[len("variable "):]: compare(exact[key], [single[key] for single in singles])
                      for key in sorted(exact) if key.startswith("variable ")},
    }
    text = re.sub(r"\[[^][{}]*\]", lambda match: " ".join(match.group().split()), json.dumps(golden, indent=1))
    with open(os.path.join(given.output, name + ".json"), "w") as file:
        file.write(text + "\n")
    print("%s: losses %.6f .. %.6f, float32 within %.1e" % (
        name, exact["losses"][0], exact["losses"][-1], golden["losses"]["float32_distance"]))
    for key, entry in golden["variables"].items():
        largest = np.abs(entry["float64"]).max()
        print("  %-36s float32 within %.1e of the largest element, %.3g" % (
            key, entry["float32_distance"] / (largest or 1), largest))
