"""Imports ONNX's own node test cases and compares the results.

    node_cases.py FOLDER [--refused]     prints failures, and per op how many cases were equal; or what was refused
"""

import collections
import os
import sys
import warnings

import numpy as np
from onnx import numpy_helper

from importing import check

# Op types, and how many cases must be equal at least. Cases of other element types are left out.
MINIMUM = {
    "Abs": 1, "Add": 1, "AveragePool": 15, "BatchNormalization": 2, "Clip": 4, "Concat": 6, "Conv": 5,
    "ConvTranspose": 6, "Div": 1, "Dropout": 1, "Elu": 2, "Erf": 1, "Exp": 1, "Flatten": 6, "Gelu": 3, "Gemm": 5,
    "GlobalAveragePool": 2, "GlobalMaxPool": 2, "HardSigmoid": 2, "HardSwish": 1, "Identity": 1, "LeakyRelu": 2,
    "Log": 1, "LogSoftmax": 5, "MatMul": 1, "Max": 2, "MaxPool": 8, "Min": 2, "Mish": 1, "Mul": 1, "Neg": 1, "PRelu": 1,
    "Pad": 2, "Pow": 1, "Reciprocal": 1, "ReduceMax": 4, "ReduceMean": 6, "ReduceSum": 4, "Relu": 1, "Reshape": 5,
    "Selu": 2, "Sigmoid": 1, "Slice": 3, "Softmax": 5, "Softplus": 1, "Split": 4, "Sqrt": 1, "Squeeze": 1, "Sub": 1,
    "Sum": 3, "Swish": 1, "Tanh": 1, "Transpose": 6, "Unsqueeze": 3,
}
# All inputs are data; of the others only the first is, the rest are stored.
ELEMENTWISE = {"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Concat"}
# Training forms, whose result depends on random numbers or on the batch.
LEFT_OUT = ("test_training_dropout", "test_batchnorm_example_training", "test_batchnorm_epsilon_training",
            "test_dropout_default_mask", "test_averagepool_2d_ceil_last_window_starts_on_pad")


def cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases
        collected = collect_testcases(None)
    for case in collected:
        graph = case.model.graph
        if len(graph.node) != 1 or graph.node[0].op_type not in MINIMUM or graph.node[0].domain:
            continue
        if case.name.startswith(LEFT_OUT):
            continue
        inputs, outputs = case.data_sets[0]
        if not all(isinstance(array, np.ndarray) for array in [inputs[0], outputs[0]]):
            continue
        if inputs[0].dtype == np.float32 and outputs[0].dtype == np.float32:
            yield case.name, case.model, inputs, outputs


def main(folder, *flags):
    os.makedirs(folder, exist_ok=True)
    counts, failures = collections.Counter(), 0
    for name, model, arrays, outputs in cases():
        graph = model.graph
        op_type = graph.node[0].op_type
        data = len(arrays) if op_type in ELEMENTWISE else 1
        names = [info.name for info in graph.input]
        for key, array in list(zip(names, arrays))[data:]:
            graph.initializer.append(numpy_helper.from_array(np.asarray(array), key))
        expected = {info.name: value for info, value in zip(graph.output, outputs)}
        verdict, reason = check(folder, name, model, dict(zip(names[:data], arrays)), expected)
        counts[op_type, verdict] += 1
        failures += verdict == "FAILED"
        if verdict == "FAILED" or (verdict == "refused" and "--refused" in flags):
            print(verdict, name, reason)
    for op_type, minimum in sorted(MINIMUM.items()):
        print("%s: %d equal, %d refused" % (op_type, counts[op_type, "equal"], counts[op_type, "refused"]))
        if counts[op_type, "equal"] < minimum:
            failures += 1
            print("FAILED %s: expected at least %d equal cases" % (op_type, minimum))
    return failures != 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
