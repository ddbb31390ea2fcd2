"""same_network.py A.onnx B.onnx: gives A the variables of B and compares their logits on random images."""
import sys

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

a, b = (onnx.load(path) for path in sys.argv[1:])
values = {i.name: i for i in b.graph.initializer}
shapes = [{i.name: tuple(i.dims) for i in model.graph.initializer} for model in (a, b)]
if shapes[0] != shapes[1]:
    sys.exit("variables differ: %s" % (set(shapes[0].items()) ^ set(shapes[1].items())))
random = np.random.default_rng(0)
for name, initializer in values.items():
    if ".running_" in name: # so that a mix-up shows
        initializer.CopyFrom(numpy_helper.from_array(random.uniform(0.5, 2, initializer.dims).astype(np.float32), name))
for initializer in a.graph.initializer:
    initializer.CopyFrom(values[initializer.name])
images = random.random((3, 1, 28, 28), np.float32)
logits = [ReferenceEvaluator(model).run(None, {"x": images})[0] for model in (a, b)]
difference = float(np.abs(logits[0] - logits[1]).max() / np.abs(logits[1]).max())
if not difference < 1e-5:
    sys.exit("logits differ by %.1e of the largest" % difference)
print("%d variables, logits equal" % len(values))
