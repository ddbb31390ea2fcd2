"""Networks of torchvision with values from network_values.py, and every way PyTorch has to export them."""

import copy
import warnings

import network_values
import numpy as np
import onnx
import torch
import torchvision

NETWORKS = ("resnet18", "resnet50", "vgg16_bn", "mobilenet_v2", "densenet121")


def make(name, resolution=224, seed=0, classes=1000, dropout=True):
    """A network of torchvision. VGG's pool and first dense layer are made for 224x224; below, they shrink with the image
    (the pool would repeat pixels). `dropout`: False takes it away."""
    network = getattr(torchvision.models, name)(weights=None, num_classes=classes)
    if name.startswith("vgg") and resolution != 224:
        side = resolution // 32
        network.avgpool = torch.nn.AdaptiveAvgPool2d(side)
        network.classifier[0] = torch.nn.Linear(512 * side * side, 4096)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout) and not dropout:
            module.p = 0.0
    return fill(network, seed)


def fill(network, seed=0):
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.tensor(network_values.value(key, tuple(value.shape), seed)))
    return network


KINKS = {torch.nn.functional.relu: [0.0], torch.nn.functional.hardtanh: [0.0, 6.0]} # ReLU6 is a hardtanh


class Activations(torch.overrides.TorchFunctionMode):
    """While it is entered, every ReLU, also one that is called as a function (DenseNet's last), gets what `see` returns for
    its input and its kinks."""

    def __init__(self, see):
        super().__init__()
        self.see = see

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        if function in KINKS:
            arguments = (self.see(arguments[0], KINKS[function]), *arguments[1:])
        return function(*arguments, **(keywords or {}))


def inputs_of_activations(network, x):
    """What every ReLU of the network gets in training mode, in the order of execution."""
    found = []

    def see(value, kinks):
        found.append(value.double().clone())
        return value

    with torch.no_grad(), Activations(see):
        network(x)
    return found


def free_offset(values, kinks, margin):
    """The least number that, added to all values, leaves none of them within `margin` of a kink."""
    near = np.sort(np.concatenate([kink - values for kink in kinks])) # forbidden offsets: these, and around them
    edges = np.concatenate([[0.0], near - 1.01 * margin, near + 1.01 * margin])
    for edge in edges[np.argsort(np.abs(edges))]:
        after = np.searchsorted(near, edge)
        if all(abs(near[i] - edge) >= margin for i in (after - 1, after) if 0 <= i < len(near)):
            return edge
    raise ValueError("no offset is free")


def settle(network, x):
    """Moves the offset before each ReLU so little and so that no element of the batch is close to where the ReLU bends.

    Which side of the bend an element is on decides about its whole gradient, and where rounding decides about that,
    gradients of two correct programs differ by far more than rounding. `network` is in double precision and in training
    mode. Returns what was moved: {name: {index: value}}, in float32.
    """
    names = {module: name for name, module in network.named_modules()}
    single = copy.deepcopy(network).float()
    exact, rounded = inputs_of_activations(copy.deepcopy(network), x), inputs_of_activations(single, x.float())
    margins = iter([4 * (a - b).abs().max().item() for a, b in zip(exact, rounded)])
    moved, last = {}, []

    def see(value, kinks):
        layer, margin = last[-1], next(margins)
        offsets = [free_offset(channel.flatten().numpy(), kinks, margin) for channel in value.transpose(0, 1)]
        old = layer.bias.detach().clone()
        layer.bias += torch.tensor(offsets)
        layer.bias.copy_(layer.bias.float().double())
        for index in np.nonzero(offsets)[0]:
            moved.setdefault(names[layer] + ".bias", {})[int(index)] = float(layer.bias[index])
        shape = [1, -1] + [1] * (value.dim() - 2)
        return value + (layer.bias - old).reshape(shape)

    hooks = [module.register_forward_hook(lambda module, _, result: last.append(module)) for module in network.modules()
              if isinstance(module, (torch.nn.BatchNorm2d, torch.nn.Linear))]
    state = {key: value.clone() for key, value in network.state_dict().items() if "running_" in key or "num_batches" in key}
    with torch.no_grad(), Activations(see):
        network(x)
    network.load_state_dict(state, strict=False) # the statistics were moved by looking
    for hook in hooks:
        hook.remove()
    return moved


def export_new(network, x, path, training):
    """torch.export's exporter with its graph as it is: the way to recommend, with the network in training mode."""
    network.train(training)
    torch.onnx.export(network, (x,), path, dynamo=True, optimize=False, dynamic_shapes=({0: "N"},), external_data=False,
                      verbose=False)


def export_legacy(network, x, path, opset):
    """The exporter of PyTorch 1. It runs the network once, in training mode: the statistics it moved are put back."""
    state = copy.deepcopy(network.state_dict())
    network.train()
    torch.onnx.export(network, (x,), path, dynamo=False, training=torch.onnx.TrainingMode.TRAINING, opset_version=opset,
                      do_constant_folding=False, input_names=["x"], dynamic_axes={"x": {0: "N"}})
    network.load_state_dict(state)
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.name in state:
            tensor.CopyFrom(onnx.numpy_helper.from_array(state[tensor.name].numpy(), tensor.name))
    onnx.save(model, path)


def export_folded(network, x, path):
    """The exporter as it comes, which folds batch normalizations into convolutions: for inference alone."""
    network.eval()
    torch.onnx.export(network, (x,), path, dynamo=True, dynamic_shapes=({0: "N"},), external_data=False, verbose=False)


VARIANTS = {
    "train": lambda network, x, path: export_new(network, x, path, training=True),
    "eval": lambda network, x, path: export_new(network, x, path, training=False),
    "legacy13": lambda network, x, path: export_legacy(network, x, path, opset=13),
    "legacy20": lambda network, x, path: export_legacy(network, x, path, opset=20),
    "folded": export_folded,
}


def export(network, resolution, variant, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        VARIANTS[variant](network, torch.zeros(2, 3, resolution, resolution), path)


def strip_traces(path):
    """Takes out what the exporter writes down of its own files: where in them each node comes from."""
    model = onnx.load(path)
    for holder in [model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]:
        del holder.metadata_props[:]
        holder.doc_string = ""
    onnx.save(model, path)
