"""keras_to_onnx: writes a Keras 3 model as an ONNX file that bnc can train, under Keras's own variable names.

    import keras_to_onnx
    keras_to_onnx.export(model, "model.onnx")              or, from a shell:  python3 keras_to_onnx.py model.keras -o model.onnx

Keras's own exporters dissolve batch normalization into arithmetic and drop dropout, on every backend. This one walks
the layers instead, Sequential or Functional, nested or shared, and needs nothing but keras and onnx. Variables are
named by layer, dense/kernel or batch_normalization/moving_mean, and keep Keras's shapes, so that what bnc trained goes
straight back:

    keras_to_onnx.load("trained.safetensors", model)

ONNX cannot say which layers are frozen (trainable = False): `export` returns the options of bnc that say it, and the
shell command prints them.
"""

import argparse
import re
import sys

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["export", "load"]

OPSET = 18


def export(model, path):
    """Writes the model and returns the options of bnc for what is frozen in it, such as ["--freeze=^bn/"]."""
    if not model.built or not model.inputs:
        raise ValueError("the model has no shapes yet; give it an Input layer or call it once")
    graph = _Graph(_names(model))
    inputs = [helper.make_tensor_value_info(_input_name(model, index), TensorProto.FLOAT, ["N", *tensor.shape[1:]])
              for index, tensor in enumerate(model.inputs)]
    results = _convert(graph, model, [value.name for value in inputs])
    outputs = []
    for index, (value, tensor) in enumerate(zip(results, model.outputs)):
        name = "output" if len(results) == 1 else "output_%d" % index
        graph.nodes.append(helper.make_node("Identity", [value], [name]))
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *tensor.shape[1:]]))
    file = helper.make_model(
        helper.make_graph(graph.nodes, re.sub(r"\W", "_", model.name), inputs, outputs,
                          [numpy_helper.from_array(value, name) for name, value in graph.variables.items()]),
        producer_name="keras_to_onnx", producer_version=keras.__version__, ir_version=8,
        opset_imports=[helper.make_opsetid("", OPSET)])
    helper.set_model_props(file, {"bnc.running_variance": "population"})
    onnx.checker.check_model(file)
    onnx.save(file, path)
    return _frozen_options(model, graph)


def load(path, model):
    """Puts the variables of a weights file that bnc wrote into the model."""
    import safetensors.numpy

    values = safetensors.numpy.load_file(path)
    names = _names(model)
    for variable in _variables(model):
        name = names[id(variable)]
        if name not in values:
            raise KeyError("%s has no variable '%s'" % (path, name))
        variable.assign(values[name])


class _Graph:
    def __init__(self, names):
        self.names, self.nodes, self.variables, self.count = names, [], {}, 0

    def add(self, op, inputs, layer, **attributes):
        self.count += 1
        result = "%s.%d" % (layer.name, self.count)
        self.nodes.append(helper.make_node(op, inputs, [result], name="%s.%s%d" % (layer.name, op, self.count), **attributes))
        return result

    def variable(self, variable):
        name = self.names[id(variable)]
        self.variables[name] = np.asarray(keras.ops.convert_to_numpy(variable), np.float32)
        return name

    def constant(self, values, layer, dtype=np.float32):
        return self.add("Constant", [], layer, value=numpy_helper.from_array(np.array(values, dtype)))


#===-- The graph of layers ------------------------------------------------------------===#


def _layers(model):
    for layer in model.layers:
        yield layer
        if hasattr(layer, "layers"):
            yield from _layers(layer)


def _variables(model):
    """Weights and statistics, without the seeds of random layers."""
    return [variable for variable in model.variables if "seed" not in variable.path.split("/")[-1]]


def _names(model):
    """id of a variable -> LAYER/WEIGHT; layers inside other models have those models' names in front."""
    names = {}

    def visit(part, prefix):
        for layer in part.layers:
            if hasattr(layer, "layers"):
                visit(layer, prefix + layer.name + "/")
                continue
            for variable in layer.variables:
                names.setdefault(id(variable), prefix + layer.name + "/" + variable.name)

    visit(model, "")
    return names


def _input_name(model, index):
    return re.sub(r"\W", "_", model.inputs[index].name)


def _convert(graph, model, inputs):
    """The names of the values that `model` makes of the named inputs."""
    done = {id(tensor): name for tensor, name in zip(model.inputs, inputs)}

    def value(tensor):
        if id(tensor) not in done:
            layer, node, _ = tensor._keras_history
            sources = [value(source) for source in layer._inbound_nodes[node].input_tensors]
            results = _convert_layer(graph, layer, sources, layer._inbound_nodes[node].input_tensors)
            for output, name in zip(layer._inbound_nodes[node].output_tensors, results):
                done[id(output)] = name
        return done[id(tensor)]

    return [value(tensor) for tensor in model.outputs]


def _convert_layer(graph, layer, sources, tensors):
    if hasattr(layer, "layers"):
        return _convert(graph, layer, sources)
    for kind in type(layer).__mro__:
        if kind.__module__.startswith("keras.") and kind.__name__ in _LAYERS:
            return [_LAYERS[kind.__name__](graph, layer, sources, tensors[0].shape)]
    raise ValueError("layer '%s' (%s) cannot be exported; known are %s" % (
        layer.name, type(layer).__name__, ", ".join(sorted(_LAYERS))))


def _frozen_options(model, graph):
    frozen, others = [], []
    for layer in _layers(model):
        if hasattr(layer, "layers") or not layer.variables:
            continue
        names = [graph.names[id(variable)] for variable in layer.variables if id(variable) in graph.names]
        if isinstance(layer, keras.layers.BatchNormalization) and not layer.trainable:
            frozen.append(re.escape(names[-1].rsplit("/", 1)[0]) + "/")
        others += [graph.names[id(variable)] for variable in layer.trainable_variables]
    options = ["--freeze=^(%s)" % "|".join(sorted(set(frozen)))] if frozen else []
    trainable = {graph.names[id(variable)] for variable in model.trainable_variables}
    parameters = {name for name in graph.variables if not name.endswith(("/moving_mean", "/moving_variance"))}
    if parameters - trainable:
        options.append("--trainable=^(%s)$" % "|".join(re.escape(name) for name in sorted(trainable)))
    return options


#===-- Layers ----------------------------------------------------------------------------===#


def _activation(graph, layer, value, function):
    name = getattr(function, "__name__", type(function).__name__)
    if name == "linear":
        return value
    if name == "relu6":
        return graph.add("Clip", [value, graph.constant(0, layer), graph.constant(6, layer)], layer)
    if name in ("silu", "swish"):
        return graph.add("Mul", [value, graph.add("Sigmoid", [value], layer)], layer)
    if name not in _ACTIVATIONS:
        raise ValueError("layer '%s': activation %s cannot be exported; known are %s, linear, relu6, silu" % (
            layer.name, name, ", ".join(sorted(_ACTIVATIONS))))
    op, attributes = _ACTIVATIONS[name]
    return graph.add(op, [value], layer, **attributes)


_ACTIVATIONS = {
    "elu": ("Elu", {}), "exponential": ("Exp", {}), "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}), "log_softmax": ("LogSoftmax", {"axis": -1}), "mish": ("Mish", {}),
    "relu": ("Relu", {}), "selu": ("Selu", {}), "sigmoid": ("Sigmoid", {}), "softmax": ("Softmax", {"axis": -1}),
    "softplus": ("Softplus", {}), "tanh": ("Tanh", {}),
}


def _channels_first(graph, layer, value, rank, axis, body):
    """body(value) with dimension `axis` of the value moved to place 1, and back after it."""
    if axis == 1:
        return body(value)
    order = [0, axis] + [dim for dim in range(1, rank) if dim != axis]
    value = body(graph.add("Transpose", [value], layer, perm=order))
    return graph.add("Transpose", [value], layer, perm=[order.index(dim) for dim in range(rank)])


def _channel_axis(layer, shape):
    return 1 if layer.data_format == "channels_first" else len(shape) - 1


def _dense(graph, layer, sources, shape):
    value = graph.add("MatMul", [sources[0], graph.variable(layer.kernel)], layer)
    if layer.use_bias:
        value = graph.add("Add", [value, graph.variable(layer.bias)], layer)
    return _activation(graph, layer, value, layer.activation)


def _padding(layer):
    if layer.padding not in ("same", "valid"):
        raise ValueError("layer '%s': padding '%s' cannot be exported" % (layer.name, layer.padding))
    return "SAME_UPPER" if layer.padding == "same" else "VALID"


def _conv(graph, layer, sources, shape):
    spatial, axis = len(shape) - 2, _channel_axis(layer, shape)
    kernel, groups = graph.variable(layer.kernel), getattr(layer, "groups", 1)
    order = [spatial + 1, spatial] + list(range(spatial))
    if isinstance(layer, keras.layers.DepthwiseConv2D): # (height, width, channels, multiplier)
        channels, multiplier = shape[axis], layer.depth_multiplier
        order, groups = [2, 3, 0, 1], channels
    kernel = graph.add("Transpose", [kernel], layer, perm=order)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        kernel = graph.add("Reshape", [kernel, graph.constant(
            [channels * multiplier, 1, *layer.kernel_size], layer, np.int64)], layer)
    inputs = [kernel, graph.variable(layer.bias)] if layer.use_bias else [kernel]
    value = _channels_first(graph, layer, sources[0], len(shape), axis, lambda value: graph.add(
        "Conv", [value] + inputs, layer, auto_pad=_padding(layer), strides=layer.strides, kernel_shape=layer.kernel_size,
        dilations=layer.dilation_rate, group=groups))
    return _activation(graph, layer, value, layer.activation)


def _batch_normalization(graph, layer, sources, shape):
    if getattr(layer, "renorm", False):
        raise ValueError("layer '%s': batch renormalization cannot be exported" % layer.name)
    size = layer.moving_mean.shape[0]
    # A constant, not a variable: bnc takes it as "there is none".
    scale = graph.variable(layer.gamma) if layer.scale else graph.constant([1] * size, layer)
    offset = graph.variable(layer.beta) if layer.center else graph.constant([0] * size, layer)
    statistics = [graph.variable(layer.moving_mean), graph.variable(layer.moving_variance)]
    return _channels_first(graph, layer, sources[0], len(shape), layer.axis % len(shape), lambda value: graph.add(
        "BatchNormalization", [value, scale, offset] + statistics, layer, epsilon=layer.epsilon, momentum=layer.momentum))


def _dropout(graph, layer, sources, shape):
    return graph.add("Dropout", [sources[0], graph.constant(layer.rate, layer), graph.constant(True, layer, np.bool_)], layer)


def _relu(graph, layer, sources, shape):
    if layer.threshold:
        raise ValueError("layer '%s': a threshold cannot be exported" % layer.name)
    if layer.negative_slope and layer.max_value is not None:
        raise ValueError("layer '%s': max_value with negative_slope cannot be exported" % layer.name)
    if layer.max_value is not None:
        return graph.add("Clip", [sources[0], graph.constant(0, layer), graph.constant(layer.max_value, layer)], layer)
    if layer.negative_slope:
        return graph.add("LeakyRelu", sources, layer, alpha=float(layer.negative_slope))
    return graph.add("Relu", sources, layer)


def _pool(op, **attributes):
    def convert(graph, layer, sources, shape):
        return _channels_first(graph, layer, sources[0], len(shape), _channel_axis(layer, shape), lambda value: graph.add(
            op, [value], layer, kernel_shape=_tuple(layer.pool_size, shape), strides=_tuple(layer.strides, shape),
            auto_pad=_padding(layer), **attributes))
    return convert


def _tuple(value, shape):
    return [value] * (len(shape) - 2) if isinstance(value, int) else value


def _global_pool(op):
    def convert(graph, layer, sources, shape):
        axis = _channel_axis(layer, shape)
        axes = graph.constant([dim for dim in range(1, len(shape)) if dim != axis], layer, np.int64)
        return graph.add(op, [sources[0], axes], layer, keepdims=int(layer.keepdims))
    return convert


def _flatten(graph, layer, sources, shape):
    value = sources[0]
    if layer.data_format == "channels_first" and len(shape) > 2: # Keras moves the channels last before it flattens
        value = graph.add("Transpose", [value], layer, perm=[0, *range(2, len(shape)), 1])
    return graph.add("Flatten", [value], layer, axis=1)


def _reshape(graph, layer, sources, shape):
    return graph.add("Reshape", [sources[0], graph.constant([0, *layer.target_shape], layer, np.int64)], layer)


def _rescaling(graph, layer, sources, shape):
    value = graph.add("Mul", [sources[0], graph.constant(layer.scale, layer)], layer)
    return graph.add("Add", [value, graph.constant(layer.offset, layer)], layer) if np.any(layer.offset) else value


def _merge(op):
    def convert(graph, layer, sources, shape):
        value = sources[0]
        for other in sources[1:]:
            value = graph.add(op, [value, other], layer)
        return value
    return convert


def _plain(op, **attributes):
    return lambda graph, layer, sources, shape: graph.add(op, sources, layer, **attributes)


_LAYERS = {
    "Activation": lambda graph, layer, sources, shape: _activation(graph, layer, sources[0], layer.activation),
    "Add": _merge("Add"), "AveragePooling1D": _pool("AveragePool"), "AveragePooling2D": _pool("AveragePool"),
    "BatchNormalization": _batch_normalization,
    "Concatenate": lambda graph, layer, sources, shape: graph.add("Concat", sources, layer, axis=layer.axis % len(shape)),
    "Conv1D": _conv, "Conv2D": _conv, "Dense": _dense, "DepthwiseConv2D": _conv, "Dropout": _dropout,
    "ELU": lambda graph, layer, sources, shape: graph.add("Elu", sources, layer, alpha=float(layer.alpha)),
    "Flatten": _flatten, "GlobalAveragePooling1D": _global_pool("ReduceMean"),
    "GlobalAveragePooling2D": _global_pool("ReduceMean"), "GlobalMaxPooling2D": _global_pool("ReduceMax"),
    "Identity": lambda graph, layer, sources, shape: sources[0],
    "LeakyReLU": lambda graph, layer, sources, shape: graph.add("LeakyRelu", sources, layer, alpha=float(layer.negative_slope)),
    "MaxPooling1D": _pool("MaxPool"), "MaxPooling2D": _pool("MaxPool"), "Multiply": _merge("Mul"), "ReLU": _relu,
    "Rescaling": _rescaling, "Reshape": _reshape,
    "Softmax": lambda graph, layer, sources, shape: graph.add("Softmax", sources, layer, axis=layer.axis),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a .keras file")
    parser.add_argument("-o", "--output", required=True, metavar="FILE.onnx")
    arguments = parser.parse_args()
    try:
        options = export(keras.models.load_model(arguments.model, compile=False), arguments.output)
    except ValueError as error:
        sys.exit("%s: %s" % (arguments.model, error))
    if options:
        print("what is frozen in it: " + " ".join("'%s'" % option for option in options))


if __name__ == "__main__":
    main()
