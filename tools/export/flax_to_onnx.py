"""flax_to_onnx: writes a Flax model as an ONNX file that bnc can train, under Flax's own names.

    import flax_to_onnx
    flax_to_onnx.export(lambda variables, x: model.apply(variables, x, train=False), variables, ("N", 784), "model.onnx")

The first argument is the model in evaluation mode; training is bnc's part. `variables` is what model.init returned
(linen), or nnx.to_pure_dict(nnx.state(model)) with a function that merges it back (nnx). Variables are named by their
path, params.Dense_0.kernel or batch_stats.BatchNorm_0.mean, and keep Flax's shapes, so that what bnc trained goes
straight back:

    variables = flax_to_onnx.load("trained.safetensors", variables)

A running average that is not batch normalization's is named with its decay, and the function returns the tensors whose
means over the batch are averaged, in that order; training then moves the average before the model reads it:

    flax_to_onnx.export(lambda variables, x: (model.apply(variables, x), [x]), variables, ("N", 5), "model.onnx",
                        running_averages={"batch_stats.mean": 0.99})

Needs jax2onnx (and safetensors for load).
"""

import itertools

import jax
import numpy as np
import onnx
from jax2onnx import to_onnx
from onnx import helper, numpy_helper

__all__ = ["export", "load"]


def export(apply, variables, input_shape, path, running_averages={}):
    """Writes `apply(variables, x)` for inputs of `input_shape`, whose first entry "N" leaves the batch open."""
    names, leaves, tree = _flatten(variables)
    unknown = [name for name in running_averages if name not in names]
    if unknown:
        raise ValueError("there is no variable %s; variables are %s" % (", ".join(unknown), ", ".join(names)))
    # The converter gives the values names of its own. Written with values that occur only once, each tells where it
    # comes from; the model's own values go in afterwards.
    random = np.random.default_rng(0)
    marks = [random.uniform(0.5, 1.5, leaf.shape).astype(np.float32) for leaf in leaves]
    model = to_onnx(lambda x: apply(tree.unflatten(marks), x), [tuple(input_shape)])
    graph = model.graph
    del graph.value_info[:] # shapes as they were before the converter moved its transposes

    averaged = [output.name for output in graph.output][len(graph.output) - len(running_averages):]
    del graph.output[len(graph.output) - len(running_averages):]
    prologue = [helper.make_node("RunningAverage", [tensor, name], [name + ".moved"], name=name, domain="bnc", decay=decay)
                for tensor, (name, decay) in zip(averaged, running_averages.items())]
    if prologue:
        model.opset_import.append(helper.make_opsetid("bnc", 1))

    sources = {np.sort(mark, axis=None).tobytes(): index for index, mark in enumerate(marks)}
    renamed, kept, used = {}, [], set()
    for initializer in graph.initializer:
        array = numpy_helper.to_array(initializer)
        index = sources.get(np.sort(array, axis=None).tobytes()) if array.dtype == np.float32 else None
        if index is None:
            kept.append(initializer)
            continue
        used.add(index)
        renamed[initializer.name] = _restore(
            marks[index], array, names[index] + ".moved" if names[index] in running_averages else names[index], prologue)
    missing = [name for index, name in enumerate(names) if index not in used]
    if missing:
        raise ValueError("%s does not occur in the exported graph; pass only variables that evaluation reads, and a "
                         "model whose converter is jax2onnx's own" % ", ".join(missing))

    del graph.initializer[:]
    graph.initializer.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(leaf, name) for name, leaf in zip(names, leaves))
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
    nodes = _sorted(prologue + list(graph.node))
    del graph.node[:]
    graph.node.extend(nodes)
    helper.set_model_props(model, {"bnc.running_variance": "population"})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def load(path, like):
    """The variables of a weights file that bnc wrote, in the tree of `like`."""
    import safetensors.numpy

    names, leaves, tree = _flatten(like)
    values = safetensors.numpy.load_file(path)
    for name, leaf in zip(names, leaves):
        if name not in values:
            raise KeyError("%s has no variable '%s'" % (path, name))
        if values[name].shape != leaf.shape:
            raise ValueError("%s: '%s' has shape %s, the model wants %s" % (path, name, values[name].shape, leaf.shape))
    return tree.unflatten([jax.numpy.asarray(values[name]) for name in names])


def _flatten(variables):
    paths, tree = jax.tree_util.tree_flatten_with_path(variables)
    names = [".".join(str(getattr(key, "key", getattr(key, "name", getattr(key, "idx", key)))) for key in path)
             for path, _ in paths]
    return names, [np.asarray(leaf, np.float32) for _, leaf in paths], tree


def _sorted(nodes):
    """The nodes, each after those whose results it reads, else in the order given."""
    result, waiting = [], list(nodes)
    missing = {output for node in nodes for output in node.output}
    while waiting:
        node = next(node for node in waiting if not missing.intersection(node.input))
        waiting.remove(node)
        missing.difference_update(node.output)
        result.append(node)
    return result


def _restore(mark, array, name, prologue):
    """The name of the value that `array` was, with the nodes that make it from the variable `name`."""
    order = next((order for order in itertools.permutations(range(mark.ndim))
                  if np.array_equal(mark.transpose(order).ravel(), array.ravel())), None)
    if order is None:
        raise ValueError("variable %s of shape %s became a tensor of shape %s that is no transpose of it" % (
            name, mark.shape, array.shape))
    value, shape = name, mark.transpose(order).shape
    if order != tuple(range(mark.ndim)):
        prologue.append(helper.make_node("Transpose", [value], [name + ".transposed"], perm=list(order)))
        value = name + ".transposed"
    if shape != array.shape:
        prologue.append(helper.make_node("Constant", [], [name + ".shape"], value=numpy_helper.from_array(
            np.array(array.shape, np.int64))))
        prologue.append(helper.make_node("Reshape", [value, name + ".shape"], [name + ".reshaped"]))
        value = name + ".reshaped"
    return value
