"""changed.py A B: names of the tensors that differ between two files (.safetensors or .onnx), sorted."""
import sys

import safetensors.numpy


def load(path):
    if path.endswith(".safetensors"):
        return safetensors.numpy.load_file(path)
    import onnx
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


a, b = map(load, sys.argv[1:])
for name in sorted(set(a) & set(b)):
    if a[name].tobytes() != b[name].tobytes():
        print(name)
