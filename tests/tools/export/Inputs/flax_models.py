"""flax_models.py FOLDER: exports Flax models (linen and nnx), with an input and Flax's own output for each; then loads
changed values, and tries what cannot be exported."""
import os
import sys

os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import numpy as np
import safetensors.numpy
from flax import linen, nnx

folder = sys.argv[1]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "..", "tools", "export"))
import flax_to_onnx

random = np.random.default_rng(7)


def shaken(variables):
    """No zeros and ones: everything has to arrive."""
    return jax.tree.map(lambda leaf: random.uniform(0.5, 1.5, leaf.shape).astype(np.float32), variables)


class CNN(linen.Module):
    @linen.compact
    def __call__(self, x, train: bool):
        x = linen.Conv(8, kernel_size=(3, 3), use_bias=False)(x)
        x = linen.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-3)(x)
        x = linen.relu(x)
        x = linen.max_pool(x, window_shape=(2, 2), strides=(2, 2))
        x = linen.Conv(4, kernel_size=(2, 3), padding="VALID")(x)
        x = linen.BatchNorm(use_running_average=not train, use_bias=False)(x)
        x = linen.tanh(x).reshape((x.shape[0], -1))
        x = linen.Dropout(0.25, deterministic=not train)(x)
        return linen.Dense(3)(x)


class MLP(nnx.Module):
    def __init__(self, rngs):
        self.first = nnx.Linear(6, 5, rngs=rngs)
        self.norm = nnx.BatchNorm(5, rngs=rngs)
        self.second = nnx.Linear(5, 2, rngs=rngs)

    def __call__(self, x):
        return self.second(nnx.sigmoid(self.norm(self.first(x))))


def write(name, function, variables, shape):
    x = random.uniform(0, 1, (3, *shape)).astype(np.float32)
    np.save("%s/%s_x.npy" % (folder, name), x)
    np.save("%s/%s_y.npy" % (folder, name), np.asarray(function(variables, x)))
    flax_to_onnx.export(function, variables, ("N", *shape), "%s/%s.onnx" % (folder, name))
    print(name, "exported")


cnn = CNN()
variables = shaken(cnn.init(jax.random.key(0), np.ones((1, 8, 6, 2), np.float32), train=False))
write("cnn", lambda values, x: cnn.apply(values, x, train=False), variables, (8, 6, 2))

graph, state = nnx.split(MLP(nnx.Rngs(0)))


def run(values, x):
    nnx.replace_by_pure_dict(state, values)
    model = nnx.merge(graph, state)
    model.eval()
    return model(x)


write("mlp", run, shaken(nnx.to_pure_dict(state)), (6,))

names, leaves, _ = flax_to_onnx._flatten(variables)
print("names", *names)
values = {name: random.uniform(0, 1, leaf.shape).astype(np.float32) for name, leaf in zip(names, leaves)}
safetensors.numpy.save_file(values, folder + "/values.safetensors")
loaded = flax_to_onnx.load(folder + "/values.safetensors", variables)
print("loaded", np.array_equal(loaded["params"]["Conv_0"]["kernel"], values["params.Conv_0.kernel"]))
try:
    flax_to_onnx.export(lambda values, x: x * 2, {"params": {"unused": np.ones(3, np.float32)}}, ("N", 3), folder + "/wrong.onnx")
except ValueError as error:
    print("refused:", error)
try:
    flax_to_onnx.export(lambda values, x: (x, [x]), {}, ("N", 3), folder + "/wrong.onnx", running_averages={"mean": 0.9})
except ValueError as error:
    print("refused:", error)
print("left behind:", os.path.exists(folder + "/wrong.onnx"))
