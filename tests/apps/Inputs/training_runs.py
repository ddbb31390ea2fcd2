"""training_runs.py GOLDENS FRAMEWORK FOLDER [NAME...]: runs the cases of tests/goldens/training_FRAMEWORK.json with
`bnc train`, and says how far the variables end from the framework's float64 run.

They must end within 1e-6 of the largest element, which is that of the variable where it started or where it ended: what
is rounded on the way is as large as the value then was. How far the framework's own float32 run ends is printed, too.
"""
import csv
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import safetensors.numpy
from onnx import TensorProto, helper, numpy_helper

ALLOWED = 1e-6
goldens, framework, folder, *names = sys.argv[1:]
sys.path.insert(0, goldens)
import training_cases as cases


def batch_norm(name, source, result):
    return helper.make_node("BatchNormalization", [source] + [name + suffix for suffix in (".weight", ".bias", ".running_mean", ".running_var")],
                            [result], name=name, epsilon=cases.EPSILON, momentum=1 - cases.MOMENTUM)


def write_model(name):
    """Writes folder/NAME.onnx and the data as .npy; returns the options that name the data."""
    inputs, labels = cases.data(name)
    if name == "quadratic":
        nodes = [helper.make_node("Gemm", ["x", "fc.weight", "fc.bias"], ["y"], name="fc", transB=1)]
    else:
        nodes = [helper.make_node("Conv", ["image", "conv.weight"], ["a"], name="conv", pads=[1, 1, 1, 1]),
                 batch_norm("bn1", "a", "b"), helper.make_node("Tanh", ["b"], ["c"]),
                 helper.make_node("AveragePool", ["c"], ["d"], kernel_shape=[2, 2], strides=[2, 2]),
                 helper.make_node("Flatten", ["d"], ["e"]), helper.make_node("Concat", ["e", "extra"], ["f"], axis=1),
                 helper.make_node("Gemm", ["f", "fc1.weight"], ["g"], name="fc1", transB=1),
                 batch_norm("bn2", "g", "h"), helper.make_node("Tanh", ["h"], ["i"]),
                 helper.make_node("Gemm", ["i", "fc2.weight", "fc2.bias"], ["y"], name="fc2", transB=1)]
    tensor = lambda label, shape: helper.make_tensor_value_info(label, TensorProto.FLOAT, ["N"] + list(shape))
    graph = helper.make_graph(nodes, name, [tensor(label, value.shape[1:]) for label, value in inputs.items()],
                              [tensor("y", [cases.OUTPUTS])],
                              [numpy_helper.from_array(value, label) for label, value in cases.parameters(name).items()])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), os.path.join(folder, name + ".onnx"))
    options = []
    for label, value in inputs.items():
        np.save(os.path.join(folder, name + "." + label + ".npy"), value)
        options += ["--data", "%s=%s.%s.npy" % (label, name, label)]
    for label, value in labels.items():
        np.save(os.path.join(folder, name + ".labels." + label + ".npy"), value)
    return options


def judge(what, values, start, exact, float32):
    """(distance, the framework's), both relative to the largest element; the first is None if it is too far."""
    largest = max(np.abs(start).max(), np.abs(exact).max())
    distance = np.abs(np.asarray(values, np.float64) - exact).max() / largest
    if distance <= ALLOWED: # false for NaN
        return distance, float32 / largest
    print("%s: %.2e of the largest element away, %s's float32 run %.2e" % (what, distance, framework, float32 / largest))
    return None, float32 / largest


golden = json.load(open(os.path.join(goldens, "training_%s.json" % framework)))
final = safetensors.numpy.load_file(os.path.join(goldens, "training_%s.safetensors" % framework))
data = {name: write_model(name) for name in ("quadratic", "net")}
wrong = 0
runs = {name: run for name, run in golden["runs"].items() if not names or name in names}
for name, run in runs.items():
    model = run["model"]
    # The running variance as PyTorch moves it: what the file's BatchNorms mean would else follow from its producer.
    command = ["bnc", "train", model + ".onnx", *data[model], "--labels", "%s.labels.%s.npy" % (model, cases.label_kind(run["loss"])),
               "--batch=%d" % cases.BATCH, "--steps=%d" % len(run["losses"]), "--loss=" + run["loss"], "--optimizer=" + run["optimizer"],
               *(["--running-variance=sample"] if model == "net" else []), "--metrics", name + ".csv", "-o", name + ".safetensors", *run["options"]]
    if subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL).returncode != 0:
        print(name, "failed:", *command)
        wrong += 1
        continue
    found = safetensors.numpy.load_file(os.path.join(folder, name + ".safetensors"))
    with open(os.path.join(folder, name + ".csv")) as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    exact = np.array(run["losses"])
    distances = [judge(name + ": the losses", losses, exact, exact, run["float32_loss_distance"])]
    for key, float32 in run["float32_distance"].items():
        distances.append(judge(name + ": " + key, found[key], cases.parameters(model)[key], final[name + "/" + key].astype(np.float64), float32))
    far = any(distance is None for distance, _ in distances)
    wrong += far
    if not far:
        print("%s: within %.1e, %s's float32 run within %.1e" % (
            name, max(distance for distance, _ in distances), framework, max(float32 for _, float32 in distances)))
print("%d runs, %d too far" % (len(runs), wrong))
sys.exit(1 if wrong or not runs else 0)
