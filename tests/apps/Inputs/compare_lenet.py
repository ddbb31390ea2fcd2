"""compare_lenet.py GOLDENS WEIGHTS METRICS: how far a training run is from the float64 one of tests/goldens.

Every variable, and the losses, must be at most 3 times as far from it as PyTorch's float32, or within 1e-5 of the
variable's largest element where that is more.
"""
import csv
import json
import os
import sys

import numpy as np
import safetensors.numpy

FACTOR, FLOOR = 3, 1e-5
goldens, weights, metrics = sys.argv[1:]
golden = json.load(open(os.path.join(goldens, "lenet_bn.json")))
exact = safetensors.numpy.load_file(os.path.join(goldens, "lenet_bn_final.safetensors"))
found = safetensors.numpy.load_file(weights)
wrong = 0


def judge(name, values, reference, float32):
    global wrong
    reference = np.asarray(reference, np.float64)
    values = np.asarray(values, np.float64)
    if values.shape != reference.shape:
        print("%-22s has shape %s instead of %s" % (name, values.shape, reference.shape))
        wrong += 1
        return
    largest = np.abs(reference).max()
    distance, allowed = np.abs(values - reference).max(), max(FACTOR * float32, FLOOR * largest)
    good = bool(distance <= allowed) # False for NaN
    print("%-22s %.1e of the largest element, PyTorch float32 %.1e, allowed %.1e%s" % (
        name, distance / largest, float32 / largest, allowed / largest, "" if good else "   TOO FAR"))
    wrong += not good


with open(metrics) as file:
    losses = [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]
judge("losses", losses, golden["float64_losses"], golden["float32_loss_distance"])
for name in sorted(exact):
    if name not in found:
        print("%s is missing in %s" % (name, weights))
        wrong += 1
    else:
        judge(name, found[name], exact[name], golden["float32_distance"][name])
print("%d of %d too far" % (wrong, len(exact) + 1))
sys.exit(1 if wrong else 0)
