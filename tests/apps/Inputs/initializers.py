"""initializers.py MODEL.onnx OUT.safetensors: the initializers of a model under their names."""
import sys

import onnx
import safetensors.numpy
from onnx import numpy_helper

graph = onnx.load(sys.argv[1]).graph
safetensors.numpy.save_file({i.name: numpy_helper.to_array(i).copy() for i in graph.initializer}, sys.argv[2])
