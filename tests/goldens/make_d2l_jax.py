#!/usr/bin/env python3
"""Makes d2l_jax.onnx and d2l_jax.json: BNLeNet of D2L's chapter on batch normalization (JAX tab), trained for 100 steps.

    python3 make_d2l_jax.py [-o FOLDER] [--side 28]    (needs jax, flax, optax, jax2onnx, onnx, numpy, Fashion-MNIST)

Channels last, SGD with lr 0.1, batches of 128 Fashion-MNIST images in file order, the running averages' decay 0.9 as in
the chapter's own BatchNorm. The committed files use images of half the size, means of 2x2 pixels, which leaves a third of
the weights; the network finds its shapes by itself.
"""

import gzip
import os
import sys

import numpy as np

import golden

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "export"))

STEPS, BATCH, LEARNING_RATE, DECAY, EVALUATED, SEED = 100, 128, 0.1, 0.9, 64, 2026
DATA = "/usr/share/datasets/fashion-mnist/"


def read_idx(path, header):
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)


def data(count, seed, side=14):
    """The first images of the training set (seed 1) or of the test set."""
    part = "train" if seed == 1 else "t10k"
    pixels = read_idx(DATA + part + "-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)[:count].astype(np.float32)
    step = 28 // side
    x = pixels.reshape(count, side, step, side, step).sum((2, 4)) / np.float32(255 * step * step)
    return x[..., None], read_idx(DATA + part + "-labels-idx1-ubyte.gz", 8)[:count].astype(np.int32)


def make(side):
    import flax.linen as nn
    import jax

    class BNLeNet(nn.Module):
        training: bool
        num_classes: int = 10

        def setup(self):
            def norm():
                return nn.BatchNorm(not self.training, momentum=DECAY)

            def pool(x):
                return nn.avg_pool(x, window_shape=(2, 2), strides=(2, 2))

            self.net = nn.Sequential([
                nn.Conv(6, kernel_size=(5, 5)), norm(), nn.sigmoid, pool,
                nn.Conv(16, kernel_size=(5, 5)), norm(), nn.sigmoid, pool,
                lambda x: x.reshape((x.shape[0], -1)),
                nn.Dense(120), norm(), nn.sigmoid,
                nn.Dense(84), norm(), nn.sigmoid,
                nn.Dense(self.num_classes)])

        def __call__(self, x):
            return self.net(x)

    variables = BNLeNet(False).init(jax.random.key(SEED), jax.numpy.ones((1, side, side, 1), np.float32))
    return BNLeNet, variables


def run(dtype, side):
    import jax
    import optax

    model, variables = make(side)
    variables = jax.tree.map(lambda leaf: leaf.astype(dtype), variables)
    optimizer = optax.sgd(LEARNING_RATE)
    state = optimizer.init(variables["params"])

    @jax.jit
    def train_step(variables, state, x, labels):
        def loss_fn(params):
            logits, updates = model(True).apply({"params": params, "batch_stats": variables["batch_stats"]}, x,
                                                mutable=["batch_stats"])
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean(), updates

        (loss, updates), gradients = jax.value_and_grad(loss_fn, has_aux=True)(variables["params"])
        changes, state = optimizer.update(gradients, state)
        return {"params": optax.apply_updates(variables["params"], changes), **updates}, state, loss

    x, labels = data(STEPS * BATCH, 1, side)
    losses = []
    for step in range(STEPS):
        batch = slice(step * BATCH, (step + 1) * BATCH)
        variables, state, loss = train_step(variables, state, x[batch].astype(dtype), labels[batch])
        losses.append(float(loss))
    outputs = model(False).apply(variables, data(EVALUATED, 2, side)[0].astype(dtype))
    assert outputs.dtype == dtype
    return losses, golden.flatten(variables), outputs


def export(folder, side):
    import flax_to_onnx

    model, variables = make(side)
    flax_to_onnx.export(lambda values, x: model(False).apply(values, x), variables, ("N", side, side, 1),
                        os.path.join(folder, "d2l_jax.onnx"))


if __name__ == "__main__":
    golden.main("d2l_jax", __doc__.splitlines()[0], ("jax", "flax", "optax", "jax2onnx", "numpy"),
                {"steps": STEPS, "batch": BATCH, "optimizer": "sgd:lr=%g" % LEARNING_RATE}, run, export,
                arguments=[("side", 14, "height and width of the images, 14 or 28")], **golden.JAX)
