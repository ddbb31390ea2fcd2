#!/usr/bin/env python3
"""Makes flax_state.onnx and flax_state.json: the stateful bias adder of Flax's guide to parameters and state, 100 steps.

    python3 make_flax_state.py [-o FOLDER]        (needs jax, flax, optax, jax2onnx, onnx, numpy)

The module subtracts a running mean of its input, a variable in batch_stats that is no batch normalization's, and adds a
bias. Mean squared error against the input itself; SGD.
"""

import os
import sys

import numpy as np

import golden

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "export"))

STEPS, BATCH, LEARNING_RATE, DECAY, FEATURES, SEED = 100, 10, 0.02, 0.99, 5, 2026


def data(count, seed):
    x = golden.uniform(count * FEATURES, seed).reshape(count, FEATURES)
    return x, x


def make():
    import flax.linen as nn
    import jax
    import jax.numpy as jnp

    class BiasAdderWithRunningMean(nn.Module):
        decay: float = DECAY

        @nn.compact
        def __call__(self, x, train: bool):
            mean = self.variable("batch_stats", "mean", lambda shape: jnp.zeros(shape), x.shape[1:])
            bias = self.param("bias", lambda key, shape: jnp.zeros(shape), x.shape[1:])
            if train and not self.is_initializing():
                mean.value = self.decay * mean.value + (1.0 - self.decay) * jnp.mean(x, axis=0)
            return x - mean.value + bias

    model = BiasAdderWithRunningMean()
    return model, model.init(jax.random.key(SEED), jnp.ones((BATCH, FEATURES), np.float32), train=False)


def run(dtype):
    import jax
    import optax

    model, variables = make()
    variables = jax.tree.map(lambda leaf: leaf.astype(dtype), variables)
    optimizer = optax.sgd(LEARNING_RATE)
    optimizer_state = optimizer.init(variables["params"])

    @jax.jit
    def update_step(variables, optimizer_state, x):
        def loss(params):
            y, updates = model.apply({**variables, "params": params}, x, train=True, mutable=["batch_stats"])
            return ((x - y) ** 2).mean(), updates

        (value, updates), gradients = jax.value_and_grad(loss, has_aux=True)(variables["params"])
        changes, optimizer_state = optimizer.update(gradients, optimizer_state)
        return {"params": optax.apply_updates(variables["params"], changes), **updates}, optimizer_state, value

    x, _ = data(STEPS * BATCH, 1)
    losses = []
    for step in range(STEPS):
        variables, optimizer_state, value = update_step(
            variables, optimizer_state, x[step * BATCH:(step + 1) * BATCH].astype(dtype))
        losses.append(float(value))
    outputs = model.apply(variables, data(BATCH, 2)[0].astype(dtype), train=False)
    assert outputs.dtype == dtype
    return losses, golden.flatten(variables), outputs


def export(folder):
    import flax_to_onnx

    model, variables = make()
    flax_to_onnx.export(lambda values, x: (model.apply(values, x, train=False), [x]), variables, ("N", FEATURES),
                        os.path.join(folder, "flax_state.onnx"), running_averages={"batch_stats.mean": DECAY})


if __name__ == "__main__":
    golden.main("flax_state", __doc__.splitlines()[0], ("jax", "flax", "optax", "jax2onnx", "numpy"),
                {"steps": STEPS, "batch": BATCH, "optimizer": "sgd:lr=%g" % LEARNING_RATE, "options": ["--loss=mse"]},
                run, export, **golden.JAX)
