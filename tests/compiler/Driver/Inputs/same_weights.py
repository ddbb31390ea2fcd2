"""same_weights.py A B: whether two weights files hold the same tensors with the same bits."""
import sys

import safetensors.numpy

a, b = (safetensors.numpy.load_file(path) for path in sys.argv[1:])
assert set(a) == set(b), set(a) ^ set(b)
equal = all(a[name].tobytes() == b[name].tobytes() for name in a)
print("%d variables, %s" % (len(a), "equal" if equal else "different"))
