"""compare_golden.py [--summary] GOLDEN.json FRAMEWORK WEIGHTS METRICS.csv OUTPUTS: how far a run is from a float64 one.

Losses, evaluation outputs and every variable must be at most 3 times as far from the golden file's float64 run as the
framework's own float32 run was, or within 1e-5 of the largest element where that is more. OUTPUTS is .npy or raw
floats. --summary prints one row of a table instead: the framework, its steps, and the distance of losses, outputs,
parameters and running statistics, each with the framework's own float32 distance; of several variables the largest
distance, relative to the largest element of them all. A '!' stands where something is too far.
"""
import csv
import json
import sys

import numpy as np
import safetensors.numpy

FACTOR, FLOOR = 3, 1e-5
STATISTICS = ("running_mean", "running_var", "moving_mean", "moving_variance")


def is_statistic(name):
    return name.startswith("batch_stats.") or name.endswith(STATISTICS)


def judge(values, entry):
    """(distance, the framework's, allowed), all relative to the largest element, and that; None if the shapes differ."""
    values, reference = np.asarray(values, np.float64), np.asarray(entry["float64"])
    size = int(np.prod(entry["shape"]))
    if values.size != size or (values.ndim == len(entry["shape"]) and list(values.shape) != entry["shape"]):
        return None
    largest = np.abs(reference).max() or 1
    distance = np.abs(values.ravel()[::entry["spacing"]] - reference).max()
    return distance / largest, entry["float32_distance"] / largest, max(
        FACTOR * entry["float32_distance"] / largest, FLOOR), largest


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--summary"]
    summary = len(arguments) < len(sys.argv) - 1
    golden_path, framework, weights, metrics, outputs = arguments
    with open(golden_path) as file:
        golden = json.load(file)
    found = safetensors.numpy.load_file(weights)
    with open(metrics) as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file) if row["loss"]]
    quantities = {"losses": (losses, golden["losses"]),
                  "outputs": (np.load(outputs) if outputs.endswith(".npy") else np.fromfile(outputs, np.float32),
                              golden["outputs"])}
    for name, entry in golden["variables"].items():
        quantities[name] = (found.get(name, ()), entry)

    wrong, kinds = 0, {}
    for name, (values, entry) in quantities.items():
        judged = judge(values, entry)
        if judged is None:
            print("%-36s has shape %s instead of %s" % (name, np.shape(values), entry["shape"]))
            wrong += 1
            continue
        distance, single, allowed, largest = judged
        good = bool(distance <= allowed) # False for NaN
        wrong += not good
        kind = name if name in ("losses", "outputs") else "statistics" if is_statistic(name) else "parameters"
        kinds.setdefault(kind, []).append((distance * largest, single * largest, largest, not good))
        if not summary:
            print("%-36s %.1e of the largest element, %s float32 %.1e, allowed %.1e%s" % (
                name, distance, framework, single, allowed, "" if good else "   TOO FAR"))
    if summary:
        cells = []
        for kind in ("losses", "outputs", "parameters", "statistics"):
            distance, single, largest, far = (max(column) for column in zip(*kinds[kind]))
            cells.append("%.0e (%.0e)%s" % (distance / largest, single / largest, "!" if far else ""))
        print(("%-28s %5d  %s" % (framework, golden["steps"], "  ".join("%-16s" % cell for cell in cells))).rstrip(), flush=True)
    else:
        print("%d of %d too far" % (wrong, len(quantities)))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
