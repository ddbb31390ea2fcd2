"""verify.py report JSON MODEL: does what `bnc verify --json` wrote hang together, and is nothing missing?
verify.py data FOLDER: samples and labels for LeNet.
verify.py weights MODEL FOLDER: values with which float32 is really off."""

import json
import sys

import numpy as np
import onnx
from safetensors.numpy import save_file


def initializers(model):
    return {x.name: onnx.numpy_helper.to_array(x).copy() for x in onnx.load(model).graph.initializer}


def report(path, model):
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    print("holds: %s, batch %d, target %s" % (found["holds"], found["batch"], found["target"]))
    values = {row["value"] for row in found["training"]}
    names = [name for name, value in initializers(model).items() if value.dtype == np.float32 and name.startswith("net.")]
    statistics = [name for name in names if ".running_" in name]
    assert len(statistics) == 8 and len(names) == 26, (len(statistics), len(names))
    missing = [name for name in names if (name if name in statistics else "gradient of " + name) not in values]
    print("gradients of every parameter, every statistic" if not missing else "missing: %s" % missing)
    errors = [row[program] for program, rows in
              [("folded", found["inference"]), ("unfolded", found["inference"]), ("training", found["training"])]
              for row in rows if program in row]
    assert len(errors) > 40
    within = all(e["holds"] and 0 <= e["error"] <= e["allowed"] for e in errors)
    some = sum(e["error"] > 0 for e in errors) > len(errors) / 2  # float32 is not double
    print("every error is within what is allowed, and none is exactly 0 everywhere" if within and some else errors)


def data(folder):
    rng = np.random.default_rng(1)
    np.save(folder + "/x.npy", rng.random((8, 1, 28, 28), dtype=np.float32))
    np.save(folder + "/labels.npy", rng.integers(0, 10, 8).astype(np.int32))


def weights(model, folder):
    values = initializers(model)
    values = {name: value for name, value in values.items() if name.startswith("net.") and value.dtype == np.float32}
    overflow = dict(values)
    overflow["net.15.weight"] = np.full_like(values["net.15.weight"], 3e38)
    save_file(overflow, folder + "/overflow.safetensors")
    cancel = dict(values)
    cancel["net.0.bias"] = values["net.0.bias"] + np.float32(2**20)
    cancel["net.1.running_mean"] = values["net.1.running_mean"] + np.float32(2**20)
    save_file(cancel, folder + "/cancel.safetensors")


if __name__ == "__main__":
    {"report": report, "data": data, "weights": weights}[sys.argv[1]](*sys.argv[2:])
