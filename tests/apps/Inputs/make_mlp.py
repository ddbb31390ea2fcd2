"""make_mlp.py OUT.onnx: a small multilayer perceptron with BatchNorm, 12 inputs, 5 outputs."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(7)
values = {
    "fc1.weight": random.normal(0, 0.3, (16, 12)), "fc1.bias": np.zeros(16),
    "bn1.weight": np.ones(16), "bn1.bias": np.zeros(16), "bn1.running_mean": np.zeros(16), "bn1.running_var": np.ones(16),
    "fc2.weight": random.normal(0, 0.3, (5, 16)), "fc2.bias": np.zeros(5),
}
nodes = [
    helper.make_node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["a"], name="fc1", transB=1),
    helper.make_node("BatchNormalization", ["a", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var"], ["b"],
                     name="bn1", epsilon=1e-5, momentum=0.9),
    helper.make_node("Relu", ["b"], ["c"], name="relu1"),
    helper.make_node("Gemm", ["c", "fc2.weight", "fc2.bias"], ["y"], name="fc2", transB=1),
]
graph = helper.make_graph(
    nodes, "mlp", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 12])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
    [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()])
onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), sys.argv[1])
