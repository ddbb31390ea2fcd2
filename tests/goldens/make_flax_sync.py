#!/usr/bin/env python3
"""Makes flax_sync.json and flax_unequal.json: the MLP of flax_mlp.onnx with statistics over a named axis, shared by four shards, 100 steps.

    python3 make_flax_sync.py [-o FOLDER]         (needs jax, flax, optax, numpy; writes no model)

The batch is cut into shards of equal size and BatchNorm(axis_name="shard") runs under vmap(axis_name="shard"); gradients
and losses are averaged over the shards. That is the whole batch at once. flax_unequal.json holds the running averages after
one step over shards of 24 and 8 samples, as Flax computes them with masks: it averages the means of the shards as if
they were of one size, which is not the mean of the batch. `whole` is.
"""

import json
import os

import numpy as np

import golden
import make_flax_mlp as mlp
from make_flax_mlp import BATCH, CLASSES, FEATURES, HIDDEN, LEARNING_RATE, STEPS, data

SHARDS, LARGE = 4, 24


def make_synchronized():
    import flax.linen as nn

    class MLP(nn.Module):
        @nn.compact
        def __call__(self, x, train: bool, mask=None):
            x = nn.Dense(features=HIDDEN, name="Dense_0")(x)
            x = nn.BatchNorm(use_running_average=not train, axis_name="shard", name="BatchNorm_0")(x, mask=mask)
            return nn.Dense(features=CLASSES, name="Dense_1")(nn.relu(x))

    return MLP()


def run(dtype):
    import jax
    import optax

    model, variables = make_synchronized(), jax.tree.map(lambda leaf: leaf.astype(dtype), mlp.make()[1])
    optimizer = optax.adam(LEARNING_RATE)
    state = optimizer.init(variables["params"])

    @jax.jit
    def train_step(variables, state, x, labels):
        def shard_step(x, labels):
            def loss_fn(params):
                logits, updates = model.apply({"params": params, "batch_stats": variables["batch_stats"]}, x, train=True,
                                              mutable=["batch_stats"])
                # The shards' losses belong to one mean, whose gradient also goes through the shared statistics.
                loss = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
                return jax.lax.pmean(loss, "shard"), updates

            (loss, updates), gradients = jax.value_and_grad(loss_fn, has_aux=True)(variables["params"])
            return loss, updates, jax.lax.pmean(gradients, "shard")

        shape = (SHARDS, BATCH // SHARDS)
        loss, updates, gradients = jax.vmap(shard_step, axis_name="shard")(
            x.reshape(*shape, FEATURES), labels.reshape(shape))
        loss, updates, gradients = jax.tree.map(lambda leaf: leaf[0], (loss, updates, gradients))
        changes, state = optimizer.update(gradients, state)
        return {"params": optax.apply_updates(variables["params"], changes), **updates}, state, loss

    x, labels = data(STEPS * BATCH, 1)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        variables, state, loss = train_step(variables, state, x[batch].astype(dtype), labels[batch])
        losses.append(float(loss))
    outputs = mlp.make()[0].apply(variables, data(BATCH, 2)[0].astype(dtype), train=False)
    return losses, golden.flatten(variables), outputs


def unequal():
    """Running averages after a step: of masked shards of unequal size, and of the whole batch."""
    import jax

    model, variables = mlp.make()
    x, _ = data(BATCH, 1)
    shards = np.zeros((2, LARGE, FEATURES), np.float32)
    shards[0], shards[1, :BATCH - LARGE] = x[:LARGE], x[LARGE:]
    mask = np.arange(LARGE) < np.array([[LARGE], [BATCH - LARGE]])
    synchronized = jax.vmap(lambda x, mask: make_synchronized().apply(
        variables, x, train=True, mask=mask[:, None], mutable=["batch_stats"])[1], axis_name="shard")(shards, mask)
    whole = model.apply(variables, x, train=True, mutable=["batch_stats"])[1]
    return {"averaged": {key: golden.numbers(leaf[0]) for key, leaf in golden.flatten(synchronized).items()},
            "whole": {key: golden.numbers(leaf) for key, leaf in golden.flatten(whole).items()}}


def export(folder):
    with open(os.path.join(folder, "flax_unequal.json"), "w") as file:
        json.dump(unequal(), file, indent=None)
        file.write("\n")


if __name__ == "__main__":
    golden.main("flax_sync", __doc__.splitlines()[0], ("jax", "flax", "optax", "numpy"),
                {"steps": STEPS, "batch": BATCH, "optimizer": "adam:lr=%g" % LEARNING_RATE}, run, export, **golden.JAX)
