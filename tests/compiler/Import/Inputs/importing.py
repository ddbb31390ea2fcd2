"""Imports ONNX models with `bnc compile --compile-to=import` and evaluates what comes out with bnc-evaluate."""

import os
import subprocess

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import save_file


def import_model(path, *options):
    """(text of the module, None), or (None, the error). Anything but one clean error raises."""
    run = subprocess.run(["bnc", "compile", path, "--compile-to=import", "-o", "-", *options], capture_output=True,
                         text=True)
    if run.returncode == 0:
        return run.stdout, None
    errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    if run.returncode != 1 or len(errors) != 1:
        raise AssertionError("exit code %d, %d errors:\n%s" % (run.returncode, len(errors), run.stderr))
    return None, errors[0]


def stored_tensors(model):
    """The float tensors of a model under the names that variables get."""
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            tensors[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return {name: np.array(array, dtype=np.float32, order="C") for name, array in tensors.items()
            if array.dtype.kind in "fV"}  # V: bfloat16


def evaluate(folder, name, text, tensors, inputs):
    """Values of the outputs of an imported module."""
    stem = os.path.join(folder, name)
    with open(stem + ".mlir", "w") as file:
        file.write(text)
    save_file({key: tensors[key] for key in tensors if "@" + key + " " in text or '@"' + key + '" ' in text} or
              {"unused": np.zeros(1, np.float32)}, stem + ".safetensors")
    command = ["bnc-evaluate", stem + ".mlir", "--variables=" + stem + ".safetensors", "--output-dir=" + stem + ".out"]
    for key, array in inputs.items():
        np.save("%s.%s.npy" % (stem, key.replace("/", "_")), array)
        command.append("--input=%s=%s.%s.npy" % (key, stem, key.replace("/", "_")))
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise AssertionError(run.stderr)
    return {file[:-4]: np.load(os.path.join(stem + ".out", file)) for file in os.listdir(stem + ".out")}


def difference(found, expected, tolerance=1e-5):
    """What is wrong with a result, or None. ONNX's own numbers are computed in f32."""
    if found.shape != expected.shape:
        return "shape %s, expected %s" % (found.shape, expected.shape)
    scale = max(1e-30, np.abs(expected[np.isfinite(expected)]).max(initial=0))
    error = np.abs(np.where(found == expected, 0, found - expected)).max(initial=0) / scale
    return None if error <= tolerance else "differs by %g of the largest element" % error


def check(folder, name, model, inputs, expected, options=()):
    """Imports, evaluates and compares. ("equal", None), ("refused", error) or ("FAILED", reason)."""
    path = os.path.join(folder, name + ".onnx")
    onnx.save(model, path)
    try:
        text, error = import_model(path, *options)
        if error:
            return "refused", error
        results = evaluate(folder, name, text, stored_tensors(model), inputs)
        for output, value in expected.items():
            found = results.get(output.replace("/", "_"))
            problem = "output %s is missing" % output if found is None else difference(found, value)
            if problem:
                return "FAILED", problem
        return "equal", None
    except AssertionError as failure:
        return "FAILED", str(failure)
