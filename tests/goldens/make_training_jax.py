#!/usr/bin/env python3
"""Makes training_{optax,keras}.{json,safetensors}: the optimizers of optax and Keras over 50 steps (training_cases.py).

    KERAS_BACKEND=jax python3 make_training_jax.py      (needs jax, optax, keras, numpy, safetensors)

As make_training_torch.py: float64 is kept, float32 gives the distance. The network is written out in jax.numpy.
"""

import json
import os
import platform

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import safetensors.numpy

import training_cases as cases

jax.config.update("jax_enable_x64", True)

# Name -> model, optimizer as bnc spells it without the flavor, the same for the framework.
OPTAX = {
    "sgd": ("net", "lr=0.05", lambda: optax.sgd(0.05)),
    "sgd-nesterov": ("net", "lr=0.02,momentum=0.9,nesterov", lambda: optax.sgd(0.02, momentum=0.9, nesterov=True)),
    "adam": ("net", "lr=0.01,eps-root=1e-6", lambda: optax.adam(0.01, eps_root=1e-6)),
    "adamw": ("net", "lr=0.01,weight-decay=0.1", lambda: optax.adamw(0.01, weight_decay=0.1)),
    "rmsprop": ("net", "lr=0.002,momentum=0.5,eps=1e-6", lambda: optax.rmsprop(0.002, momentum=0.5, eps=1e-6)),
    "rmsprop-centered": ("net", "lr=0.002,centered,eps=1e-4", lambda: optax.rmsprop(0.002, centered=True, eps=1e-4)),
    "adagrad": ("net", "lr=0.02", lambda: optax.adagrad(0.02)),
    "sgd-clipping": ("net", "lr=0.1,momentum=0.9,clip-norm=0.1",
                     lambda: optax.chain(optax.clip_by_global_norm(0.1), optax.sgd(0.1, momentum=0.9))),
    "quadratic-sgd": ("quadratic", "momentum=0.9", lambda: optax.sgd(0.01, momentum=0.9)),
    "quadratic-adam": ("quadratic", "", lambda: optax.adam(0.001)),
    "quadratic-adamw": ("quadratic", "", lambda: optax.adamw(0.001)),
    "quadratic-rmsprop": ("quadratic", "", lambda: optax.rmsprop(0.01)),
    "quadratic-adagrad": ("quadratic", "", lambda: optax.adagrad(0.01)),
}
o = keras.optimizers
KERAS = {
    "sgd": ("net", "lr=0.05,weight-decay=0.1", lambda: o.SGD(0.05, weight_decay=0.1)),
    "sgd-momentum": ("net", "lr=0.02,momentum=0.9", lambda: o.SGD(0.02, momentum=0.9)),
    "sgd-nesterov": ("net", "lr=0.02,momentum=0.9,nesterov", lambda: o.SGD(0.02, momentum=0.9, nesterov=True)),
    "adam": ("net", "lr=0.01", lambda: o.Adam(0.01)),
    "adamw": ("net", "lr=0.01,weight-decay=0.1", lambda: o.AdamW(0.01, weight_decay=0.1)),
    "rmsprop": ("net", "lr=0.002,momentum=0.5", lambda: o.RMSprop(0.002, momentum=0.5)),
    "rmsprop-centered": ("net", "lr=0.002,centered,eps=1e-4", lambda: o.RMSprop(0.002, centered=True, epsilon=1e-4)),
    "adagrad": ("net", "lr=0.02", lambda: o.Adagrad(0.02)),
    "sgd-clipping": ("net", "lr=0.1,momentum=0.9,clip-norm=0.1", lambda: o.SGD(0.1, momentum=0.9, global_clipnorm=0.1)),
    "quadratic-sgd": ("quadratic", "", lambda: o.SGD()),
    "quadratic-adam": ("quadratic", "", lambda: o.Adam()),
    "quadratic-adamw": ("quadratic", "", lambda: o.AdamW()),
    "quadratic-rmsprop": ("quadratic", "", lambda: o.RMSprop()),
    "quadratic-adagrad": ("quadratic", "", lambda: o.Adagrad()),
}


def batch_norm(x, values, running, name):
    axes = (0,) + tuple(range(2, x.ndim))
    shape = (1, -1) + (1,) * (x.ndim - 2)
    mean, variance, count = x.mean(axes), x.var(axes), x.size // x.shape[1]
    for suffix, old, new in ((".running_mean", None, mean), (".running_var", None, variance * count / (count - 1))):
        running[name + suffix] = (1 - cases.MOMENTUM) * running[name + suffix] + cases.MOMENTUM * new
    x = (x - mean.reshape(shape)) / jnp.sqrt(variance.reshape(shape) + cases.EPSILON)
    return x * values[name + ".weight"].reshape(shape) + values[name + ".bias"].reshape(shape)


def loss_of(values, running, model, inputs, labels):
    running = dict(running)
    if model == "quadratic":
        return ((inputs[0] @ values["fc.weight"].T + values["fc.bias"] - labels) ** 2).mean(), running
    x = jax.lax.conv_general_dilated(inputs[0], values["conv.weight"], (1, 1), ((1, 1), (1, 1)))
    x = jnp.tanh(batch_norm(x, values, running, "bn1"))
    x = x.reshape(len(x), 4, 3, 2, 3, 2).mean((3, 5)).reshape(len(x), -1)
    x = jnp.concatenate([x, inputs[1]], 1) @ values["fc1.weight"].T
    x = jnp.tanh(batch_norm(x, values, running, "bn2")) @ values["fc2.weight"].T + values["fc2.bias"]
    return -jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], 1).mean(), running


def optax_step(optimizer):
    def start(values):
        return optimizer.init(values)

    def step(state, gradients, values):
        updates, state = optimizer.update(gradients, state, values)
        return optax.apply_updates(values, updates), state

    return start, jax.jit(step)


def keras_step(optimizer):
    def start(values):
        optimizer.build([keras.Variable(value) for value in values.values()])
        return [variable.value for variable in optimizer.variables]

    def step(state, gradients, values):
        moved, state = optimizer.stateless_apply(state, [gradients[name] for name in values], list(values.values()))
        return dict(zip(values, moved)), state

    return start, step


def train(model, make_optimizer, adapter, dtype):
    keras.config.set_floatx(dtype)
    variables = {name: jnp.asarray(value, dtype) for name, value in cases.parameters(model).items()}
    running = {name: value for name, value in variables.items() if "running" in name}
    values = {name: value for name, value in variables.items() if "running" not in name}
    inputs, labels = cases.data(model)
    target = labels["classes" if model == "net" else "mse"]
    start, step = adapter(make_optimizer())
    state = start(values)
    gradient = jax.jit(jax.value_and_grad(loss_of, has_aux=True), static_argnums=2)
    losses = []
    for batch in cases.batches():
        x = [jnp.asarray(value[batch], dtype) for value in inputs.values()]
        y = jnp.asarray(target[batch], "int32" if model == "net" else dtype)
        (loss, running), gradients = gradient(values, running, model, x, y)
        values, state = step(state, gradients, values)
        losses.append(float(loss))
    return losses, {name: np.asarray(value, np.float64) for name, value in {**values, **running}.items()}


def make(framework, runs, adapter, version):
    golden = {"made_with": {"python": platform.python_version(), "jax": jax.__version__, framework: version, "numpy": np.__version__}, "runs": {}}
    tensors = {}
    for name, (model, numbers, make_optimizer) in runs.items():
        losses, exact = train(model, make_optimizer, adapter, "float64")
        float32_losses, float32 = train(model, make_optimizer, adapter, "float32")
        optimizer = name.replace("quadratic-", "").split("-")[0] + ":flavor=" + framework
        golden["runs"][name] = {
            "model": model, "loss": "softmax-cross-entropy" if model == "net" else "mse",
            "optimizer": optimizer + ("," + numbers if numbers else ""), "options": [], "losses": losses,
            "float32_distance": {key: float(np.abs(float32[key] - exact[key]).max()) for key in exact},
            "float32_loss_distance": float(np.abs(np.array(float32_losses) - losses).max()),
        }
        tensors.update({name + "/" + key: value.astype(np.float32) for key, value in exact.items()})
        drift = max(golden["runs"][name]["float32_distance"][key] / np.abs(exact[key]).max() for key in exact)
        print("%-32s losses %.6f .. %.6f, float32 within %.1e" % (framework + " " + name, losses[0], losses[-1], drift))
    folder = os.path.dirname(os.path.abspath(__file__))
    safetensors.numpy.save_file(tensors, os.path.join(folder, "training_%s.safetensors" % framework))
    with open(os.path.join(folder, "training_%s.json" % framework), "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    make("optax", OPTAX, optax_step, optax.__version__)
    make("keras", KERAS, keras_step, keras.__version__)
