"""changed.py A B [--all]: names of the tensors that differ between two files (.safetensors or .onnx), sorted.
--all, of two .safetensors: also what only one of them has, and whether their metadata are equal."""
import sys

import safetensors
import safetensors.numpy


def load(path):
    if path.endswith(".safetensors"):
        return safetensors.numpy.load_file(path)
    import onnx
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}


def metadata(path):
    with safetensors.safe_open(path, "np") as file:
        return file.metadata() or {}


a, b = map(load, sys.argv[1:3])
for name in sorted(set(a) & set(b)):
    if a[name].dtype != b[name].dtype or a[name].tobytes() != b[name].tobytes():
        print(name)
if sys.argv[3:] == ["--all"]:
    for name in sorted(set(a) ^ set(b)):
        print("only in one:", name)
    of_a, of_b = map(metadata, sys.argv[1:3])
    print("metadata %s, %d entries" % ("equal" if of_a == of_b else "different: %s, %s" % (of_a, of_b), len(of_a)))
