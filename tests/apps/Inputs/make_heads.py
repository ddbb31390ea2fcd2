"""make_heads.py FOLDER: folder/heads.onnx, a network with BatchNorm (and dropout with --dropout) whose last layer is named
by --last: logits, softmax or sigmoid; and data for it, x.npy, classes.npy and targets.npy."""
import argparse
import os

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--last", default="logits", choices=["logits", "softmax", "sigmoid"])
parser.add_argument("--dropout", type=float)
arguments = parser.parse_args()
random = np.random.RandomState(5)
values = {"conv.weight": 0.4 * random.standard_normal((6, 2, 3, 3)), "bn.weight": np.ones(6), "bn.bias": np.zeros(6),
          "bn.running_mean": np.zeros(6), "bn.running_var": np.ones(6),
          "fc.weight": 0.2 * random.standard_normal((4, 54)), "fc.bias": np.zeros(4)}
nodes = [helper.make_node("Conv", ["x", "conv.weight"], ["a"], name="conv"),
         helper.make_node("BatchNormalization", ["a", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"], ["b"], name="bn"),
         helper.make_node("Relu", ["b"], ["c"])]
tensors = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
flat = "c"
if arguments.dropout is not None:
    tensors += [numpy_helper.from_array(np.float32(arguments.dropout), "ratio"), numpy_helper.from_array(np.array(True), "mode")]
    nodes.append(helper.make_node("Dropout", ["c", "ratio", "mode"], ["d"], name="drop"))
    flat = "d"
nodes += [helper.make_node("Flatten", [flat], ["e"]), helper.make_node("Gemm", ["e", "fc.weight", "fc.bias"], ["f"], name="fc", transB=1)]
last = {"logits": "Identity", "softmax": "Softmax", "sigmoid": "Sigmoid"}[arguments.last]
nodes.append(helper.make_node(last, ["f"], ["y"]))
graph = helper.make_graph(nodes, "heads", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 5, 5])],
                          [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])], tensors)
onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), os.path.join(arguments.folder, "heads.onnx"))
np.save(os.path.join(arguments.folder, "x.npy"), random.standard_normal((48, 2, 5, 5)).astype(np.float32))
np.save(os.path.join(arguments.folder, "classes.npy"), random.randint(0, 4, 48).astype(np.int32))
np.save(os.path.join(arguments.folder, "targets.npy"), random.rand(48, 4).astype(np.float32))
