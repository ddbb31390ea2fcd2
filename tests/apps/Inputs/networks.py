"""networks.py GOLDENS NAME FOLDER: trains and runs NAME.onnx of tests/goldens/networks, and compares with NAME.json.

Gradients of the first step may be twice as far from PyTorch's float64 run as PyTorch's float32 ones are, or within 1e-7
of the network's largest; losses and running statistics three times as far, or within 1e-5 of the largest element; logits
must be within 1e-5 of the largest. FOLDER gets NAME.onnx with its values, images.npy and labels.npy.
"""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import safetensors.numpy

goldens, name, folder = sys.argv[1:]
sys.path.insert(0, os.path.join(goldens, "..", "..", "..", "tools", "scripts"))
import network_values

with open(os.path.join(goldens, name + ".json")) as stream:
    golden = json.load(stream)
batch, steps, wrong = golden["batch"], golden["steps"], 0


def file(path):
    return os.path.join(folder, path)


def fill():
    model = onnx.load(os.path.join(goldens, name + ".onnx"))
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and not tensor.raw_data:
            value = network_values.value(tensor.name, tuple(tensor.dims))
            for index, number in golden["offsets"].get(tensor.name, {}).items():
                value[int(index)] = number
            tensor.raw_data = value.tobytes()
    onnx.save(model, file(name + ".onnx"))
    images = network_values.images(steps * batch, golden["resolution"])
    np.save(file("images.npy"), images)
    np.save(file("first.npy"), images[:batch])
    np.save(file("labels.npy"), network_values.labels(steps * batch, golden["classes"]))


def bnc(*words):
    done = subprocess.run(["bnc", *words], capture_output=True, text=True)
    if done.returncode:
        sys.exit("bnc %s\n%s" % (" ".join(words), done.stderr))


def train(count, threads=2):
    bnc("train", file(name + ".onnx"), "--data", file("images.npy"), "--labels", file("labels.npy"), "--batch", str(batch), "--steps", str(count),
        "--optimizer=" + golden["optimizer"], "--threads=%d" % threads, "--metrics", file("metrics.csv"), "-o", file("trained.safetensors"))
    with open(file("trained.safetensors"), "rb") as stream:
        return stream.read()


def infer(size, threads=2, *options):
    bnc("run", file(name + ".onnx"), "--input", file("first.npy"), "--output", file("logits.npy"), "--batch=%d" % size, "--threads=%d" % threads, *options)
    return np.load(file("logits.npy"))


def check(text, good):
    global wrong
    wrong += not good
    print(text + ("" if good else "   WRONG"))


def judge(title, found, factor, floor):
    """`found`: arrays by the golden file's names. `floor`: absolute distance that is always allowed."""
    far, worst = 0, (0, "")
    for key, value in found.items():
        entry = golden["quantities"][key]
        distance = np.abs(np.asarray(value, np.float64).ravel()[::entry["spacing"]] - entry["float64"]).max()
        allowed = max(factor * entry["float32_distance"], floor(entry["largest"]))
        far += not distance <= allowed # NaN is far
        worst = max(worst, (distance / allowed, key))
    check("%s: %d, %d too far; the worst at %.2f of what is allowed, %s" % (title, len(found), far, *worst), far == 0 and found)


fill()
gradients = {key: entry for key, entry in golden["quantities"].items() if key.startswith("gradient ")}
largest = max(entry["largest"] for entry in gradients.values())
first = safetensors.numpy.load(train(1))
# The momentum of the first step is its gradient.
judge("gradients", {key: first["bnc.optimizer/momentum/" + key[len("gradient "):]] for key in gradients}, 2, lambda _: 1e-7 * largest)
trained = safetensors.numpy.load(train(steps))
with open(file("metrics.csv")) as stream:
    judge("losses", {"losses": [float(row["loss"]) for row in csv.DictReader(stream)]}, 3, lambda most: 1e-5 * most)
judge("running statistics", {key: trained[key] for key in golden["quantities"] if "running_" in key}, 3, lambda most: 1e-5 * most)
check("two steps: the same bits with 1, 2 and 7 threads", train(2, 1) == train(2, 2) == train(2, 7))

logits = infer(batch)
judge("logits", {"logits": logits}, 0, lambda most: 1e-5 * most)
judge("logits, nothing folded", {"logits": infer(batch, 2, "--fold=off")}, 0, lambda most: 1e-5 * most)
check("logits: the same bits in batches of 1, 4 and %d, with 1, 2 and 7 threads" % batch,
      all(np.array_equal(logits, other) for other in (infer(1), infer(4), infer(batch, 1), infer(batch, 7))))
print("%d wrong" % wrong)
sys.exit(1 if wrong else 0)
