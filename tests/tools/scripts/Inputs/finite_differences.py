"""finite_differences.py SCRIPTS: are the gradients of float64_training.py the slopes of its loss?"""
import importlib
import sys

import numpy as np

sys.path.insert(0, sys.argv[1])
float64_training, make_layers = importlib.import_module("float64_training"), importlib.import_module("make-layers")
# Groups and a sum; then a depthwise convolution with strides.
make_layers.LAYERS = {"residual-small": (4, 4, 6, 3, 1, 2), "depthwise-small": (4, 4, 7, 3, 2, 4)}
for layer, (channels, _, size, *_) in make_layers.LAYERS.items():
    network = float64_training.Network(make_layers.make(layer, make_layers.LAYERS[layer]))
    random = np.random.default_rng(0)
    x, labels = random.normal(size=(3, channels, size, size)), np.array([1, 5, 7])
    network.settle(x)
    _, gradients = network.gradients(x, labels)
    for name, gradient in gradients.items():
        kept, direction = network.initializers[name], random.normal(size=gradient.shape)
        losses = []
        for sign in (1, -1):
            network.initializers[name] = kept + sign * 1e-6 * direction
            losses.append(network.gradients(x, labels)[0])
        network.initializers[name] = kept
        slope, expected = (losses[0] - losses[1]) / 2e-6, (gradient * direction).sum()
        assert abs(slope - expected) < 1e-7 + 1e-5 * abs(expected), (layer, name, slope, expected)
    print("%s: %d gradients are the slopes of the loss" % (layer, len(gradients)))
