"""Networks of torchvision with values from network_values.py, and every way PyTorch has to export them."""

import copy
import warnings

import network_values
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
    if not dropout:
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    return fill(network, seed)


def fill(network, seed=0):
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.tensor(network_values.value(key, tuple(value.shape), seed)))
    return network


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
