"""training_runs.py GOLDENS FRAMEWORK FOLDER [NAME...]: runs the cases of tests/goldens/training_FRAMEWORK.json with
`bnc train`, and says how far the variables end from the framework's float64 run.

A variable may be away what 50 roundings to float32 can add up to (1.5e-6 of its largest element), or three times as far
as the framework's own float32 run.
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

FACTOR = 3
goldens, framework, folder, *names = sys.argv[1:]
sys.path.insert(0, goldens)
import training_cases as cases

FLOOR = cases.STEPS * 2.0 ** -25


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


def judge(what, values, exact, float32):
    distance, largest = np.abs(np.asarray(values, np.float64) - exact).max(), np.abs(exact).max()
    allowed = max(FLOOR * largest, FACTOR * float32)
    if distance <= allowed: # false for NaN
        return distance / largest
    print("%s is %.2e of its largest element away, allowed %.2e" % (what, distance / largest, allowed / largest))
    return None


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
    distances = [judge(name + ": the losses", losses, np.array(run["losses"]), run["float32_loss_distance"])]
    for key, float32 in run["float32_distance"].items():
        distances.append(judge(name + ": " + key, found[key], final[name + "/" + key].astype(np.float64), float32))
    wrong += None in distances
    if None not in distances:
        print("%s: within %.1e" % (name, max(distances)))
print("%d runs, %d too far" % (len(runs), wrong))
sys.exit(1 if wrong or not runs else 0)
