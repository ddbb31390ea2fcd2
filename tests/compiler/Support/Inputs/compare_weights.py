"""Compares a .safetensors file with the float initializers of an ONNX model, bit by bit, and checks its alignment.

    compare_weights.py MODEL.onnx WEIGHTS.safetensors
"""

import struct
import sys

import onnx
from onnx import numpy_helper
from safetensors.numpy import load_file

model, path = onnx.load(sys.argv[1]), sys.argv[2]
expected = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
found = load_file(path)
assert set(found) == set(expected), set(found) ^ set(expected)
for name, value in expected.items():
    assert found[name].dtype == value.dtype and found[name].shape == value.shape, name
    assert found[name].tobytes() == value.tobytes(), name
with open(path, "rb") as file:
    assert (8 + struct.unpack("<Q", file.read(8))[0]) % 64 == 0
print("%d tensors are equal" % len(expected))
