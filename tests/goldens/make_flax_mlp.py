#!/usr/bin/env python3
"""Makes flax_mlp.onnx and flax_mlp.json: the MLP of Flax's BatchNorm guide, trained for 100 steps as the guide does.

    python3 make_flax_mlp.py [-o FOLDER]          (needs jax, flax, optax, jax2onnx, onnx, numpy)

Dense, BatchNorm, relu, Dense; TrainState with batch_stats; softmax cross-entropy; Adam. The data are seeded numbers:
a sample's class is the place of the largest of its first four features.
"""

import os
import sys

import numpy as np

import golden

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "export"))

STEPS, BATCH, LEARNING_RATE, FEATURES, HIDDEN, CLASSES, SEED = 100, 32, 1e-3, 16, 32, 4, 2026


def data(count, seed):
    x = golden.uniform(count * FEATURES, seed).reshape(count, FEATURES)
    return x, x[:, :CLASSES].argmax(1).astype(np.int32)


def make():
    import flax.linen as nn
    import jax

    class MLP(nn.Module):
        @nn.compact
        def __call__(self, x, train: bool):
            x = nn.Dense(features=HIDDEN)(x)
            x = nn.BatchNorm(use_running_average=not train)(x)
            x = nn.relu(x)
            return nn.Dense(features=CLASSES)(x)

    model = MLP()
    variables = model.init(jax.random.key(SEED), jax.numpy.ones((1, FEATURES), np.float32), train=False)
    return model, variables


def make_train_step(model, variables):
    """The guide's train state and train_step."""
    from typing import Any

    import jax
    import optax
    from flax.training import train_state

    class TrainState(train_state.TrainState):
        batch_stats: Any

    state = TrainState.create(apply_fn=model.apply, params=variables["params"], batch_stats=variables["batch_stats"],
                              tx=optax.adam(LEARNING_RATE))

    @jax.jit
    def train_step(state, x, labels):
        def loss_fn(params):
            logits, updates = state.apply_fn({"params": params, "batch_stats": state.batch_stats}, x, train=True,
                                             mutable=["batch_stats"])
            loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
            return loss, (logits, updates)

        (loss, (logits, updates)), gradients = jax.value_and_grad(loss_fn, has_aux=True)(state.params)
        state = state.apply_gradients(grads=gradients).replace(batch_stats=updates["batch_stats"])
        return state, {"loss": loss, "accuracy": (logits.argmax(-1) == labels).mean()}

    return state, train_step


def run(dtype):
    import jax

    model, variables = make()
    state, train_step = make_train_step(model, jax.tree.map(lambda leaf: leaf.astype(dtype), variables))
    x, labels = data(STEPS * BATCH, 1)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        state, metrics = train_step(state, x[batch].astype(dtype), labels[batch])
        losses.append(float(metrics["loss"]))
    final = {"params": state.params, "batch_stats": state.batch_stats}
    outputs = model.apply(final, data(BATCH, 2)[0].astype(dtype), train=False)
    assert outputs.dtype == dtype
    return losses, golden.flatten(final), outputs


def export(folder):
    import flax_to_onnx

    model, variables = make()
    flax_to_onnx.export(lambda values, x: model.apply(values, x, train=False), variables, ("N", FEATURES),
                        os.path.join(folder, "flax_mlp.onnx"))


if __name__ == "__main__":
    golden.main("flax_mlp", __doc__.splitlines()[0], ("jax", "flax", "optax", "jax2onnx", "numpy"),
                {"steps": STEPS, "batch": BATCH, "optimizer": "adam:lr=%g" % LEARNING_RATE}, run, export,
                **golden.JAX)
